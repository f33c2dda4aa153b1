"""Gifts that came and were checked, in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from service.errors import Conflict
from service.usecases import accessioning, announcing_gifts, checking_pieces, enrolling
from service.usecases.site import Site

HANA = "staff:hana"
DAY = date(2026, 3, 1)


def a_giver(site: Site, code: str, city: str, place: str, **more: Any) -> None:
    """Enter a partner, if it is not there yet."""
    entry = {"name": f"Library of {city or code}", "city": city, "place": place, **more}
    with suppress(Conflict):
        enrolling.add(site.db, code, entry, by=HANA, now=site.now())


def a_gift(
    site: Site,
    code: str,
    *pieces: Mapping[str, Any],
    records: Sequence[str] = (),
    declined: Sequence[int] = (),
    checked: bool = True,
) -> str:
    """Let a partner's gift of these pieces come, be checked and numbered; return its public id."""
    who: dict[str, Any] = {"by": HANA, "now": site.now()}
    db = site.db
    name = announcing_gifts.announce(db, code, {"title": f"From {code}"}, **who).public_id
    for number, piece in enumerate(pieces):
        record = records[number] if number < len(records) else ""
        given = {key: value for key, value in piece.items() if key in {"title", "volumes"}}
        checking_pieces.add_piece(db, name, given, record=record, **who)
    accessioning.receive(db, name, DAY, **who)
    checking_pieces.count_all(db, name, **who)
    if declined:
        checking_pieces.decline(db, name, list(declined), reason="twice here", **who)
    checking_pieces.accept(db, name, **who)
    if not checked:
        return name
    accessioning.check(db, name, **who)
    accessioning.give_numbers(db, name, **who)
    for position, piece in enumerate(pieces, 1):
        said = {key: piece[key] for key in ("shelf", "translated_title") if key in piece}
        if said:
            checking_pieces.describe(db, name, position, said, **who)
    return name
