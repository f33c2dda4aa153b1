"""Records and their append-only versions, with what is made of each once, when it is written.

A version brings its canonical bytes, renditions, match keys and search terms. It becomes visible
only when its record calls it the current one; until then (a staged import) nothing finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.record_version import NewVersion
from service.store import bulk, public_ids, search
from service.store.tables import match_key, record, record_version, rendition


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a version was put."""

    record_id: int
    version_id: int


def add_versions(conn: Connection, versions: Sequence[NewVersion], now: datetime) -> list[Kept]:
    """Keep versions, none of them current yet; return where, in the same order."""
    if not versions:
        return []
    record_ids = iter(_add_records(conn, sum(v.record_id is None for v in versions), now))
    placed = [
        (version, next(record_ids) if version.record_id is None else version.record_id)
        for version in versions
    ]
    version_ids = _next_ids(conn, record_version, len(versions))
    numbered = list(zip(version_ids, placed, strict=True))
    bulk.insert(
        conn,
        record_version,
        _VERSION,
        [_version_row(i, version, record_id, now) for i, (version, record_id) in numbered],
    )
    bulk.insert(
        conn,
        rendition,
        ("version_id", "prefix", "edition", "body"),
        [(i, *made) for i, (version, _) in numbered for made in version.renditions],
    )
    bulk.insert(
        conn,
        match_key,
        ("kind", "value", "version_id"),
        [(*key, i) for i, (version, _) in numbered for key in set(version.keys)],
    )
    terms = [(i, version.terms) for i, version in zip(version_ids, versions, strict=True)]
    search.add(conn, terms)
    return [
        Kept(record_id, version_id)
        for (_, record_id), version_id in zip(placed, version_ids, strict=True)
    ]


def add_record(conn: Connection, now: datetime) -> int:
    """Enter a record that shows nothing yet; return its id."""
    return _add_records(conn, 1, now)[0]


def _add_records(conn: Connection, number: int, now: datetime) -> list[int]:
    ids = _next_ids(conn, record, number)
    rows = [(i, public_ids.new(), now) for i in ids]
    bulk.insert(conn, record, ("id", "public_id", "created_at"), rows)
    return ids


_SUMMARY = (
    "title",
    "title_vernacular",
    "author",
    "author_vernacular",
    "publisher",
    "published",
    "place",
)
_VERSION = (
    "id",
    "record_id",
    "canonical",
    "digest",
    "control_key",
    "original_id",
    "original_offset",
    "original_length",
    "created_at",
    *_SUMMARY,
    "languages",
    "isbns",
)


def _version_row(
    version_id: int, version: NewVersion, record_id: int, now: datetime
) -> tuple[object, ...]:
    summary = version.summary
    return (
        version_id,
        record_id,
        version.canonical,
        version.digest,
        version.control_key,
        version.original_id,
        version.original_offset,
        version.original_length,
        now,
        *(getattr(summary, name) for name in _SUMMARY),
        " ".join(summary.languages),
        " ".join(summary.isbns),
    )


def _next_ids(conn: Connection, table: sa.Table, number: int) -> list[int]:
    """Draw numbers for rows beforehand, so that none has to be read back."""
    if conn.dialect.name == "sqlite":
        # The write lock is ours (BEGIN IMMEDIATE): nobody else can draw the same numbers.
        last = conn.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
        return list(range(last + 1, last + 1 + number))
    drawn = sa.select(
        sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id"))
    ).select_from(sa.func.generate_series(1, number))
    return [int(i) for i in conn.execute(drawn).scalars()]


def make_current(conn: Connection, kept: Sequence[Kept]) -> None:
    """Let each record show this version of itself from now on."""
    bulk.update(conn, record, ("current_version_id",), [(k.version_id, k.record_id) for k in kept])


def give_to(conn: Connection, pairs: Sequence[tuple[int | None, int | None]]) -> None:
    """Let versions that no record shows yet belong to other records: (record id, version id)."""
    bulk.update(conn, record_version, ("record_id",), pairs)


_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_BY_DIGEST = (
    sa.select(record_version.c.digest, record.c.id, record_version.c.id)
    .join(record, record.c.current_version_id == record_version.c.id)
    .where(record_version.c.digest.in_(_VALUES))
    .order_by(record.c.id.desc())
)
_BY_CONTROL_KEY = (
    sa.select(record_version.c.control_key, record.c.id)
    .join(record, record.c.current_version_id == record_version.c.id)
    .where(record_version.c.control_key.in_(_VALUES))
    .order_by(record.c.id)
)


def current_by_digest(conn: Connection, digests: Sequence[bytes]) -> dict[bytes, Kept]:
    """Return the current versions whose canonical bytes have these SHA-256 digests."""
    rows = bulk.select_in(conn, _BY_DIGEST, digests)
    return {bytes(digest): Kept(record_id, version_id) for digest, record_id, version_id in rows}


def current_by_control_key(conn: Connection, keys: Sequence[str]) -> dict[str, list[int]]:
    """Return the ids of the records whose current version has one of these control keys."""
    found: dict[str, list[int]] = {}
    for key, record_id in bulk.select_in(conn, _BY_CONTROL_KEY, keys):
        found.setdefault(key, []).append(record_id)
    return found


_CURRENT = sa.select(record.c.id, record.c.current_version_id).where(record.c.id.in_(_VALUES))


def current_versions(conn: Connection, record_ids: Sequence[int]) -> dict[int, int]:
    """Return the version that each of these records shows now."""
    return dict(bulk.select_in(conn, _CURRENT, record_ids))


def canonical(conn: Connection, version_id: int) -> bytes:
    """Return the bytes in which a version is kept."""
    wanted = sa.select(record_version.c.canonical).where(record_version.c.id == version_id)
    return bytes(conn.execute(wanted).scalar_one())
