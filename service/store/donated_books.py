"""Donated books, read from the pieces of gifts that were checked.

The entry of a gift in the ledger that stands, and was not taken back, says where its giver was
then; it is there from the check on, so what is not checked yet is on no page. What is a partner's
own – addresses, contacts, notes – is not even asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.accession import Decision
from service.domain.donated_book import BookKey, DonatedBook, Donors
from service.domain.ledger import Direction, Event, Material
from service.store.tables import (
    accession_line,
    incoming_gift,
    ledger_entry,
    ledger_total,
    partner,
    record,
    record_version,
)

_L = accession_line.c
_E = ledger_entry.c
_G = incoming_gift.c
_KEY_LENGTH: Final = 26  # of a gift's public id
# Written out, so that the databases see that their partial indexes will do.
_ACCEPTED: Final = _L.decision == sa.literal_column(f"'{Decision.ACCEPTED.value}'")
_COUNTED: Final = _E.event == sa.literal_column(f"'{Event.ACCESSION.value}'")

# --- figures --------------------------------------------------------------------------------------

_T = ledger_total.c
_BOOKS_RECEIVED = (
    _T.direction == Direction.RECEIVED.value,
    _T.material == Material.BOOK.value,
)


def cities(conn: Connection) -> list[Donors]:
    """Return what came from each city, with what came before the software, in no order.

    The figures are the ledger's sums, as everywhere; they do not grow with the books.
    """
    found: dict[tuple[str, str], Donors] = {}
    for place, city, opening, titles, volumes in conn.execute(_CITIES):
        figures = (0, 0, int(titles), int(volumes)) if opening else (int(titles), int(volumes))
        known = found.get((place, city), Donors(place, city))
        found[place, city] = known.with_(Donors(place, city, *figures))
    return [each for each in found.values() if each.all_titles or each.all_volumes]


_CITIES = (
    sa.select(_T.place, _T.city, _T.opening, sa.func.sum(_T.titles), sa.func.sum(_T.volumes))
    .where(*_BOOKS_RECEIVED)
    .group_by(_T.place, _T.city, _T.opening)
)


def givers(conn: Connection) -> list[tuple[str, str, int]]:
    """Return partners that gave us books, by name: code, name and titles."""
    was = partner.alias()
    rows = conn.execute(
        sa.select(partner.c.code, partner.c.name, sa.func.sum(_T.titles))
        .select_from(ledger_total)
        .join(was, was.c.id == _T.partner_id)
        .join(partner, partner.c.id == sa.func.coalesce(was.c.merged_into, was.c.id))
        .where(*_BOOKS_RECEIVED, _T.opening.is_(False))
        .group_by(partner.c.code, partner.c.name)
        .having(sa.func.sum(_T.titles) > 0)
        .order_by(partner.c.name, partner.c.code)
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


# --- books ----------------------------------------------------------------------------------------

_AGAINST = ledger_entry.alias()
_TAKEN_BACK = sa.exists().where(_AGAINST.c.counters == _E.id)
# What was corrected is entered anew under the gift's key with #2, #3 (``ledger.free_key``); said
# both ways, so that either row leads to the other by an index.
_OF_GIFT = (
    (_G.public_id == sa.func.substr(_E.event_key, 1, _KEY_LENGTH))
    & (_E.event_key >= _G.public_id)
    & (_E.event_key < _G.public_id + "$")
)
_BOOKS = (
    sa.select(
        _G.public_id.label("gift"),
        _L.position,
        _L.title.label("told"),
        _L.translated_title,
        ((_L.received - _L.damaged) * _L.volumes).label("volumes"),
        _L.accession_number,
        _L.shelf,
        record_version.c.title,
        record_version.c.title_vernacular,
        record_version.c.author,
        record_version.c.author_vernacular,
        record_version.c.published,
        record_version.c.languages,
        partner.c.name.label("giver"),
        _E.city,
        _G.received_on,
    )
    .select_from(ledger_entry)
    .join(incoming_gift, _OF_GIFT)
    .join(accession_line, _L.incoming_gift_id == _G.id)
    .join(partner, partner.c.id == _G.partner_id)
    .outerjoin(record, record.c.id == _L.record_id)
    .outerjoin(record_version, record_version.c.id == record.c.current_version_id)
    .where(_COUNTED, ~_TAKEN_BACK, _ACCEPTED)
)


def from_place(
    conn: Connection, place: str, city: str | None, after: BookKey | None, limit: int
) -> list[DonatedBook]:
    """Return up to ``limit`` books from a country or region, or of one ``city`` of it.

    Of the newest gift first, in the order of its list, behind the book ``after``.
    """
    query = _BOOKS.where(_E.place == place)
    if city is not None:
        query = query.where(_E.city == city)
    return _page(conn, query, after, limit)


def from_partner(
    conn: Connection, partner_id: int, after: BookKey | None, limit: int
) -> list[DonatedBook]:
    """Return up to ``limit`` books that a partner gave us, in the same order."""
    return _page(conn, _BOOKS.where(_G.partner_id == partner_id), after, limit)


def _page(
    conn: Connection, query: sa.Select[Any], after: BookKey | None, limit: int
) -> list[DonatedBook]:
    if after is not None:
        query = query.where(
            _E.event_key < f"{after.gift}$",
            (_E.event_key < after.gift) | (_L.position > after.position),
        )
    rows = conn.execute(query.order_by(_E.event_key.desc(), _L.position).limit(limit))
    return [_book(row) for row in rows]


def keyed(
    conn: Connection, partner_id: int, keys: Collection[BookKey]
) -> dict[BookKey, tuple[int, int]]:
    """Return those of the keys that are books a partner gave us: the rows of their pieces."""
    gifts = sorted({each.gift for each in keys})
    rows = conn.execute(
        _BOOKS.with_only_columns(_G.public_id, _L.position, _L.incoming_gift_id).where(
            _G.partner_id == partner_id, _G.public_id.in_(gifts)
        )
    )
    found = {BookKey(row[0], row[1]): (int(row[2]), int(row[1])) for row in rows}
    return {each: found[each] for each in keys if each in found}


def numbered(conn: Connection, partner_id: int, numbers: Collection[str]) -> dict[str, BookKey]:
    """Return books that a partner gave us by those of the accession numbers that are theirs."""
    rows = conn.execute(
        _BOOKS.with_only_columns(_L.accession_number, _G.public_id, _L.position).where(
            _G.partner_id == partner_id, _L.accession_number.in_(sorted(numbers))
        )
    )
    return {row[0]: BookKey(row[1], row[2]) for row in rows}


def chosen(
    conn: Connection, pieces: sa.FromClause, order: sa.ColumnElement[Any]
) -> list[DonatedBook]:
    """Return the books that ``pieces`` names by gift and position, in an order."""
    query = _BOOKS.join(
        pieces,
        (pieces.c.incoming_gift_id == _L.incoming_gift_id)
        & (pieces.c.accession_position == _L.position),
    )
    return [_book(row) for row in conn.execute(query.order_by(order))]


def _book(row: Any) -> DonatedBook:
    # Without a record it has the title that it was announced by.
    return DonatedBook(
        key=BookKey(row.gift, row.position),
        title=row.title or row.told,
        title_vernacular=row.title_vernacular or "",
        translated_title=row.translated_title,
        author=row.author or "",
        author_vernacular=row.author_vernacular or "",
        published=row.published or "",
        languages=row.languages or "",
        volumes=int(row.volumes),
        accession_number=row.accession_number or "",
        shelf=row.shelf,
        giver=row.giver,
        city=row.city,
        received_on=row.received_on,
    )
