"""The form of an offer list: read as the use-case takes it, and filled from what is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from flask import request

from service.domain.audience import OFFERED_TO, PUBLIC
from service.domain.list_terms import CHANGEABLE, LIST_FIELDS
from service.domain.offer import OfferList
from service.errors import Invalid, WrongValues
from service.store.db import Database
from service.usecases import membership
from service.web import forms

FIELDS: Final = tuple(LIST_FIELDS)
_DATES: Final = frozenset({"opens_at", "closes_at"})
_NUMBERS: Final = frozenset({"max_per_partner", "min_parcel"})
NEW: Final = (*FIELDS, "slug", "audience", "partners")


def typed(names: Collection[str] = NEW) -> dict[str, str]:
    """Return what was typed, to be shown again."""
    return {name: forms.text(name) for name in (*names, "revision", "reason")}


def given(found: OfferList | None = None) -> dict[str, Any]:
    """Return the fields that a form sent, as the use-case takes them.

    A date that stands as it was shown stays as it is, to the second. Raises ``WrongValues`` that
    tells all that is no number and no moment.
    """
    zone = forms.text("zone") or "UTC"
    values: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name in FIELDS:
        if name not in request.form:
            continue
        try:
            values[name] = _read(name, zone, found)
        except Invalid as error:
            faults.append((error.field or name, error.detail))
    if faults:
        raise WrongValues(list(dict.fromkeys(faults)))
    return values


def _read(name: str, zone: str, found: OfferList | None) -> Any:
    if name in _NUMBERS:
        return forms.number(name)
    if name not in _DATES:
        return forms.text(name)
    kept = None if found is None else getattr(found, name)
    if found is not None and found.zone == zone and forms.text(name) == written(kept, zone):
        return kept
    return forms.moment(name, zone)


def written(when: datetime | None, zone: str) -> str:
    """Return a moment as a form's field has it, on the clocks of its zone.

    >>> from datetime import UTC
    >>> written(datetime(2026, 11, 22, 9, tzinfo=UTC), "Asia/Seoul"), written(None, "UTC")
    ('2026-11-22T18:00', '')
    """
    return "" if when is None else f"{when.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def kept(found: OfferList) -> dict[str, str]:
    """Return a list as its form has it."""
    values = {name: getattr(found, name) for name in FIELDS}
    for name in _DATES:
        values[name] = written(values[name], found.zone)
    values["not_to"] = " ".join(found.not_to)
    shown = {name: "" if value is None else str(value) for name, value in values.items()}
    return shown | {"revision": str(found.revision), "reason": ""}


def changeable(found: OfferList) -> list[str]:
    """Return the fields that can be changed in the state that a list is in."""
    return [name for name in FIELDS if found.state in CHANGEABLE[name]]


def zones() -> list[str]:
    """Return the names of time zones that people know: by region and city, and UTC."""
    known = {each for each in available_timezones() if "/" in each and not each.startswith("Etc/")}
    return sorted({*known, "UTC"})


def audiences(db: Database) -> list[str]:
    """Return the codes of groups that a list can be for; those made for one list are left out."""
    found = membership.list_audiences(db)
    return [
        each.code
        for each, _ in found
        if each.kind in OFFERED_TO and each.id != PUBLIC and ":" not in each.code
    ]
