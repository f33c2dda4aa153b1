"""What forms send, read as the use-cases take it; what is wrong is told by field.

The rules stand in the domain, once, for forms, commands and the API alike: a form is checked by
calling the use-case. Only what is no number, no day or no moment at all is found here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

from service.errors import Invalid, WrongValues

_MOST_DIGITS = 9


def text(name: str) -> str:
    """Return a field without blanks around it, ``""`` if it was not sent."""
    return request.form.get(name, "").strip()


def texts(name: str) -> list[str]:
    """Return every value of a field that was sent several times, as ticked boxes are."""
    return [value.strip() for value in request.form.getlist(name) if value.strip()]


def ticked(name: str) -> bool:
    """Whether a box was ticked."""
    return name in request.form


def number(name: str) -> int | None:
    """Return a whole number from 0 on, None where the field was left empty; raise ``Invalid``."""
    given = text(name)
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS):
        raise Invalid(f"{given[:20]!r} is no whole number", field=name)
    return int(given)


def day(name: str) -> date | None:
    """Return a day as browsers send it (2026-11-22), None for an empty field; raise ``Invalid``."""
    given = text(name)
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise Invalid(f"{given[:20]!r} is no day such as 2026-11-22", field=name) from error


def moment(name: str, zone: str) -> datetime | None:
    """Return a moment written on the clocks of an IANA zone as UTC, None for an empty field.

    Raises ``Invalid`` for what is no moment, and for a zone that there is not.
    """
    given = text(name)
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise Invalid(f"there is no time zone {zone[:40]!r}", field="zone") from error
    except ValueError as error:
        raise Invalid(
            f"{given[:20]!r} is no moment such as 2026-11-22T18:00", field=name
        ) from error


def wrong(error: Invalid) -> Mapping[str, str]:
    """Return what is wrong with a form by the names of its fields; ``""`` is the whole of it."""
    if isinstance(error, WrongValues):
        return dict(error.faults)
    return {error.field: error.detail}
