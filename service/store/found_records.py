"""Records that have the words the staff asks for, newest first, and where each is offered or given.

A record has one entry, of the version that it shows now: what is staged is not found before it is
committed, and what was replaced is not found any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.search_query import Part
from service.store import search
from service.store.tables import offer, offer_list, partner, record, record_version, transfer


class OnList(NamedTuple):
    """A list that a record is or was offered on: its slug and state, and those of the offer."""

    slug: str
    list_state: str
    offer_id: str
    state: str


class GivenTo(NamedTuple):
    """A partner (its code) that a record was given to, and in which state that is."""

    partner: str
    state: str


class FoundRecord(NamedTuple):
    """A record as a list of records shows it; ``public_id`` is the record's own."""

    public_id: str
    title: str
    title_vernacular: str
    author: str
    author_vernacular: str
    published: str
    languages: str
    isbns: str
    offered: tuple[OnList, ...]
    given: tuple[GivenTo, ...]


def found(
    conn: Connection, parts: Sequence[Part], *, after: str = "", limit: int = 50
) -> list[FoundRecord]:
    """Return records with all ``parts``, newest first; without parts all records.

    They follow the record with the public id ``after``; none follows one that never was.
    """
    last = None
    if after:
        begin = conn.execute(
            sa.select(record.c.current_version_id).where(record.c.public_id == after)
        ).scalar()
        if begin is None:
            return []
        last = begin - 1
    ids: list[int] = []
    for more in _found(conn, parts, last) if parts else _newest(conn, last, limit):
        ids += more
        if len(ids) >= limit:
            break
    return _shown(conn, ids[:limit])


def _found(conn: Connection, parts: Sequence[Part], last: int | None) -> Iterator[list[int]]:
    """Yield the versions that have all parts and are those their records show now."""
    with closing(search.versions(conn, parts, last)) as chunks:
        for chunk in chunks:
            yield sorted(conn.execute(CURRENT, {"versions": chunk}).scalars(), reverse=True)


def _newest(conn: Connection, last: int | None, limit: int) -> Iterator[list[int]]:
    shown = record.c.current_version_id
    query = sa.select(shown).where(shown.is_not(None)).order_by(shown.desc()).limit(limit)
    if last is not None:
        query = query.where(shown <= last)
    yield list(conn.execute(query).scalars())


CURRENT = sa.select(record.c.current_version_id).where(
    record.c.current_version_id.in_(sa.bindparam("versions", expanding=True))
)


def _shown(conn: Connection, version_ids: Sequence[int]) -> list[FoundRecord]:
    version = record_version.c
    rows = {
        row.version_id: row
        for row in conn.execute(
            sa.select(
                record.c.id,
                version.id.label("version_id"),
                record.c.public_id,
                version.title,
                version.title_vernacular,
                version.author,
                version.author_vernacular,
                version.published,
                version.languages,
                version.isbns,
            )
            .join(record_version, version.id == record.c.current_version_id)
            .where(record.c.current_version_id.in_(version_ids))
        )
    }
    ids = [row.id for row in rows.values()]
    offered, given = _offered(conn, ids), _given(conn, ids)
    return [
        FoundRecord(
            row.public_id,
            row.title,
            row.title_vernacular,
            row.author,
            row.author_vernacular,
            row.published,
            row.languages,
            row.isbns,
            tuple(offered.get(row.id, ())),
            tuple(given.get(row.id, ())),
        )
        for row in map(rows.__getitem__, version_ids)
    ]


def _offered(conn: Connection, record_ids: Sequence[int]) -> dict[int, list[OnList]]:
    rows = conn.execute(
        sa.select(
            offer.c.record_id,
            offer_list.c.slug,
            offer_list.c.state,
            offer.c.public_id,
            offer.c.state,
        )
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .where(offer.c.record_id.in_(record_ids))
        .order_by(offer.c.id)
    )
    found: dict[int, list[OnList]] = {}
    for record_id, *rest in rows:
        found.setdefault(record_id, []).append(OnList(*rest))
    return found


def _given(conn: Connection, record_ids: Sequence[int]) -> dict[int, list[GivenTo]]:
    """A transfer shows the version that was given, which may not be the current one any more."""
    rows = conn.execute(
        sa.select(record_version.c.record_id, partner.c.code, transfer.c.state)
        .select_from(record_version)
        .join(transfer, transfer.c.version_id == record_version.c.id)
        .join(partner, partner.c.id == transfer.c.partner_id)
        .where(record_version.c.record_id.in_(record_ids))
        .order_by(transfer.c.id)
    )
    found: dict[int, list[GivenTo]] = {}
    for record_id, *rest in rows:
        found.setdefault(record_id, []).append(GivenTo(*rest))
    return found
