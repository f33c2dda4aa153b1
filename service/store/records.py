"""Records and their append-only versions, with what is made of each once, when it is written.

A version brings its canonical bytes, renditions, match keys and search terms. It becomes visible
only when its record calls it the current one; until then (a staged import) nothing finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from marc_mappings.match_keys import Key
from marc_mappings.summary import Summary
from service.store import public_ids, search
from service.store.tables import match_key, record, record_version, rendition


@dataclass(frozen=True, slots=True)
class NewVersion:
    """All that is kept of one version; ``record_id`` is None for a record that is new."""

    record_id: int | None
    canonical: bytes
    digest: bytes
    control_key: str | None
    original_id: int
    original_offset: int
    original_length: int
    summary: Summary
    renditions: tuple[tuple[str, bytes], ...]
    keys: tuple[Key, ...]
    terms: str


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
    rows = [_version_row(version, record_id, now) for version, record_id in placed]
    version_ids = _insert_numbered(conn, record_version, rows)
    conn.execute(
        rendition.insert(),
        [
            {"version_id": version_id, "prefix": prefix, "body": body}
            for version_id, version in zip(version_ids, versions, strict=True)
            for prefix, body in version.renditions
        ],
    )
    keys = [
        {"kind": kind, "value": value, "version_id": version_id}
        for version_id, version in zip(version_ids, versions, strict=True)
        for kind, value in set(version.keys)
    ]
    if keys:
        conn.execute(match_key.insert(), keys)
    terms = [(i, version.terms) for i, version in zip(version_ids, versions, strict=True)]
    search.add(conn, terms)
    return [
        Kept(record_id, version_id)
        for (_, record_id), version_id in zip(placed, version_ids, strict=True)
    ]


def _add_records(conn: Connection, number: int, now: datetime) -> list[int]:
    rows: list[dict[str, object]] = [
        {"public_id": public_ids.new(), "created_at": now} for _ in range(number)
    ]
    return _insert_numbered(conn, record, rows)


def _version_row(version: NewVersion, record_id: int, now: datetime) -> dict[str, object]:
    summary = version.summary
    return {
        "record_id": record_id,
        "canonical": version.canonical,
        "digest": version.digest,
        "control_key": version.control_key,
        "original_id": version.original_id,
        "original_offset": version.original_offset,
        "original_length": version.original_length,
        "created_at": now,
        "title": summary.title,
        "title_vernacular": summary.title_vernacular,
        "author": summary.author,
        "author_vernacular": summary.author_vernacular,
        "publisher": summary.publisher,
        "published": summary.published,
        "place": summary.place,
        "languages": " ".join(summary.languages),
        "isbns": " ".join(summary.isbns),
    }


def _insert_numbered(conn: Connection, table: sa.Table, rows: list[dict[str, object]]) -> list[int]:
    """Insert rows under ids drawn beforehand, so that no row has to be read back."""
    if not rows:
        return []
    ids = _next_ids(conn, table, len(rows))
    conn.execute(table.insert(), [{"id": i, **row} for i, row in zip(ids, rows, strict=True)])
    return ids


def _next_ids(conn: Connection, table: sa.Table, number: int) -> list[int]:
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
    if kept:
        conn.execute(
            record.update()
            .where(record.c.id == sa.bindparam("of_record"))
            .values(current_version_id=sa.bindparam("to_version")),
            [{"of_record": k.record_id, "to_version": k.version_id} for k in kept],
        )


def current_by_digest(conn: Connection, digests: Sequence[bytes]) -> dict[bytes, Kept]:
    """Return the current versions whose canonical bytes have these SHA-256 digests."""
    rows = conn.execute(
        sa.select(record_version.c.digest, record.c.id, record_version.c.id.label("version_id"))
        .join(record, record.c.current_version_id == record_version.c.id)
        .where(record_version.c.digest.in_(digests))
        .order_by(record.c.id.desc())
    )
    return {row.digest: Kept(row.id, row.version_id) for row in rows}


def current_by_control_key(conn: Connection, keys: Sequence[str]) -> dict[str, list[int]]:
    """Return the ids of the records whose current version has one of these control keys."""
    rows = conn.execute(
        sa.select(record_version.c.control_key, record.c.id)
        .join(record, record.c.current_version_id == record_version.c.id)
        .where(record_version.c.control_key.in_(keys))
    )
    found: dict[str, list[int]] = {}
    for key, record_id in rows:
        found.setdefault(key, []).append(record_id)
    return found


def rendition_of(conn: Connection, version_id: int, prefix: str) -> bytes | None:
    """Return a stored rendition, or None."""
    body = conn.execute(
        sa.select(rendition.c.body).where(
            rendition.c.version_id == version_id, rendition.c.prefix == prefix
        )
    ).scalar()
    return None if body is None else bytes(body)
