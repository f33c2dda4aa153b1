"""Moments as people write them: ISO 8601 with an offset, or in the time zone they name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

EXAMPLE = "2026-12-31T18:00"


def read(text: str | None, option: str, zone: str | None) -> datetime | None:
    """Return the moment that ``text`` says, aware; ``zone`` (IANA) is for one without an offset.

    Raises ``click.BadParameter`` for what is no moment, a day without its hour, an hour that the
    clocks of the zone skip, and a moment that has neither offset nor zone.
    """
    if not text:
        return None
    hint = f"--{option}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a moment like {EXAMPLE}", param_hint=hint
        ) from error
    if "T" not in text and " " not in text.strip():
        raise click.BadParameter(
            f"{text!r} is a whole day; say the hour too, as in {EXAMPLE}", param_hint=hint
        )
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise click.BadParameter(
            f"{text!r} does not say where: add the offset ({EXAMPLE}+09:00) or --zone Asia/Seoul",
            param_hint=hint,
        )
    local = moment.replace(tzinfo=_zone(zone))
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != moment:
        raise click.BadParameter(
            f"the clocks of {zone} skip {text}; say another hour", param_hint=hint
        )
    return local


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.BadParameter(
            f"{name!r} is not a time zone of the IANA list, such as Asia/Seoul", param_hint="--zone"
        ) from error


def shown(moment: datetime, zone: str) -> str:
    """Return a moment in UTC and in its zone, as every deadline is shown."""
    there = moment.astimezone(ZoneInfo(zone))
    utc = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return utc if zone == "UTC" else f"{there:%Y-%m-%d %H:%M} {zone} ({utc})"
