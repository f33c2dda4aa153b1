"""Exhibitions and the books chosen for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.donated_book import DonatedBook
from service.domain.exhibition import Exhibition, Words
from service.errors import Conflict
from service.store import bulk, donated_books
from service.store.tables import exhibition, exhibition_book, partner

# The number of the advisory lock under which the days of exhibitions are given.
_DAYS: Final = 0x42424558
_E = exhibition.c
_BOOKS = (
    sa.select(sa.func.count())
    .where(exhibition_book.c.exhibition_id == _E.id)
    .correlate(exhibition)
    .scalar_subquery()
)
_EXHIBITION = sa.select(
    exhibition,
    partner.c.code,
    partner.c.name,
    partner.c.city,
    partner.c.place,
    _BOOKS.label("books"),
).join(partner, partner.c.id == _E.partner_id)


def by_slug(conn: Connection, slug: str) -> Exhibition | None:
    """Return an exhibition, or None."""
    row = conn.execute(_EXHIBITION.where(_E.slug == slug)).first()
    return None if row is None else _exhibition(row)


def lock(conn: Connection, slug: str) -> Exhibition | None:
    """Return an exhibition that nobody else changes until the transaction ends, or None."""
    conn.execute(sa.select(_E.id).where(_E.slug == slug).with_for_update()).first()
    return by_slug(conn, slug)


def listed(
    conn: Connection, *, before: date | None = None, limit: int | None = None
) -> list[Exhibition]:
    """Return exhibitions, the latest first; those that ended ``before`` a day, if one is given."""
    query = _EXHIBITION.order_by(_E.closes_on.desc(), _E.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_E.closes_on < before)
    return [_exhibition(row) for row in conn.execute(query)]


def on_day(conn: Connection, day: date) -> Exhibition | None:
    """Return the exhibition that is shown on a day, or None."""
    row = conn.execute(_EXHIBITION.where(_E.closes_on >= day, _E.opens_on <= day)).first()
    return None if row is None else _exhibition(row)


def hold_days(conn: Connection) -> list[tuple[str, date, date]]:
    """Return slugs, first and last days of all; nobody else gives days until this one ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_DAYS)))
    rows = conn.execute(sa.select(_E.slug, _E.opens_on, _E.closes_on).order_by(_E.opens_on))
    return [(row[0], row[1], row[2]) for row in rows]


def add(conn: Connection, values: Mapping[str, Any], by: str, now: datetime) -> None:
    """Enter an exhibition; raise ``Conflict`` for a slug that another one has."""
    try:
        with conn.begin_nested():
            conn.execute(
                exhibition.insert().values(**_columns(values), created_by=by, created_at=now)
            )
    except IntegrityError as error:
        raise Conflict(f"there is an exhibition {values['slug']!r} already") from error


def put(conn: Connection, found: Exhibition, values: Mapping[str, Any]) -> None:
    """Write columns of an exhibition that is still as it was ``found``; its revision moves on.

    Raises ``Conflict`` when somebody was faster.
    """
    done = conn.execute(
        exhibition.update()
        .where(_E.id == found.id, _E.revision == found.revision)
        .values(**_columns(values), revision=found.revision + 1)
    )
    if done.rowcount != 1:
        raise Conflict("somebody else changed this exhibition at the same moment; look again")


def choose(conn: Connection, exhibition_id: int, pieces: Sequence[tuple[int, int]]) -> None:
    """Let an exhibition have just these pieces, by gift's row and position, in this order."""
    conn.execute(exhibition_book.delete().where(exhibition_book.c.exhibition_id == exhibition_id))
    names = ("exhibition_id", "position", "incoming_gift_id", "accession_position")
    rows = [(exhibition_id, position, *piece) for position, piece in enumerate(pieces, 1)]
    bulk.insert(conn, exhibition_book, names, rows)


def books(conn: Connection, exhibition_id: int) -> list[DonatedBook]:
    """Return the books chosen, in order; one that is accepted no longer is left out."""
    mine = (
        exhibition_book.select().where(exhibition_book.c.exhibition_id == exhibition_id).subquery()
    )
    return donated_books.chosen(conn, mine, mine.c.position)


def remove(conn: Connection, found: Exhibition) -> None:
    """Take an exhibition away with its choice; raise ``Conflict`` when somebody was faster."""
    conn.execute(exhibition_book.delete().where(exhibition_book.c.exhibition_id == found.id))
    done = conn.execute(exhibition.delete().where(_E.id == found.id, _E.revision == found.revision))
    if done.rowcount != 1:
        raise Conflict("somebody else changed this exhibition at the same moment; look again")


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(values)
    if "words" in made:
        made["words"] = [list(each) for each in made["words"]]
    return made


def _exhibition(row: Any) -> Exhibition:
    return Exhibition(
        id=row.id,
        slug=row.slug,
        partner_id=row.partner_id,
        partner=row.code,
        partner_name=row.name,
        city=row.city,
        place=row.place,
        opens_on=row.opens_on,
        closes_on=row.closes_on,
        words=tuple(Words(*each) for each in row.words),
        books=int(row.books),
        revision=row.revision,
    )
