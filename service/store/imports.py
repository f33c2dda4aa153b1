"""Batches of imported files, and the report line of every record found in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.import_batch import (
    Action,
    Batch,
    BatchState,
    Counts,
    Finding,
    Line,
    Sieve,
    Staged,
    Surveyed,
    problem_entry,
)
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import import_batch, import_line, offer_list, record_version


def add_batch(
    conn: Connection,
    *,
    original_id: int,
    list_id: int,
    file_name: str,
    format_: str,
    stage_only: bool,
    encoding_said: str,
    dialect_said: str,
    now: datetime,
) -> Batch:
    """Enter a file for a list, to be read as its sender says."""
    row = conn.execute(
        import_batch.insert()
        .values(
            public_id=public_ids.new(),
            original_id=original_id,
            list_id=list_id,
            file_name=file_name,
            format=format_,
            state=BatchState.STAGING.value,
            stage_only=stage_only,
            encoding_said=encoding_said,
            dialect_said=dialect_said,
            created_at=now,
        )
        .returning(import_batch)
    ).one()
    return _batch(row)


def by_file(
    conn: Connection, original_id: int, list_id: int, encoding_said: str, dialect_said: str
) -> Batch | None:
    """Return the batch of these bytes for this list, read as the sender says, or None."""
    return _one(
        conn,
        (import_batch.c.original_id == original_id)
        & (import_batch.c.list_id == list_id)
        & (import_batch.c.encoding_said == encoding_said)
        & (import_batch.c.dialect_said == dialect_said),
    )


def by_public_id(conn: Connection, public_id: str) -> Batch | None:
    """Return a batch, or None."""
    return _one(conn, import_batch.c.public_id == public_id)


def by_id(conn: Connection, batch_id: int) -> Batch:
    """Return the batch of this row."""
    found = _one(conn, import_batch.c.id == batch_id)
    assert found is not None  # noqa: S101 - batches are never deleted
    return found


def listed(
    conn: Connection, before: str, limit: int, state: BatchState | None = None
) -> list[tuple[Batch, str]]:
    """Return batches, newest first, older than the public id ``before``, each with its list."""
    query = (
        sa.select(import_batch, offer_list.c.slug)
        .join(offer_list, offer_list.c.id == import_batch.c.list_id)
        .order_by(import_batch.c.public_id.desc())
        .limit(limit)
    )
    if before:
        query = query.where(import_batch.c.public_id < before)
    if state is not None:
        query = query.where(import_batch.c.state == state.value)
    return [(_batch(row), row.slug) for row in conn.execute(query)]


def keep_survey(conn: Connection, batch_id: int, found: Surveyed) -> None:
    """Keep what a file says as a whole."""
    survey: dict[str, Any] = {}
    for what, (name, certain, evidence) in found._asdict().items():
        survey |= {
            what: name,
            f"{what}_certain": certain,
            f"{what}_evidence": list(evidence),
        }
    conn.execute(import_batch.update().where(import_batch.c.id == batch_id).values(survey=survey))


def set_state(
    conn: Connection,
    batch_id: int,
    states: Iterable[BatchState],
    state: BatchState,
    committed_at: datetime | None = None,
) -> None:
    """Move a batch from one of ``states`` to ``state``; raise ``Conflict`` when it is elsewhere."""
    values: dict[str, Any] = {"state": state.value, "committed_at": committed_at}
    if state is BatchState.COMMITTING:
        values["can_be_undone"] = True
    moved = conn.execute(
        import_batch.update()
        .where(import_batch.c.id == batch_id, import_batch.c.state.in_([s.value for s in states]))
        .values(values)
    )
    if moved.rowcount != 1:
        raise Conflict(f"this import is {by_id(conn, batch_id).state} and cannot become {state}")


def add_lines(conn: Connection, batch_id: int, lines: Sequence[Line]) -> None:
    """Keep the report lines of some records."""
    bulk.insert(
        conn,
        import_line,
        ("batch_id", *_LINE),
        [(batch_id, *(getattr(line, name) for name in _LINE)) for line in lines],
    )


_LINE = (
    "position",
    "offset",
    "length",
    "control_number",
    "title",
    "outcome",
    "action",
    "encoding",
    "encoding_certain",
    "dialect",
    "problems",
    "record_id",
    "version_id",
)


_TO_COMMIT = (
    sa.select(
        import_line.c.position,
        import_line.c.action,
        import_line.c.record_id,
        import_line.c.version_id,
        import_line.c.decided_by,
    )
    .where(
        import_line.c.batch_id == sa.bindparam("batch"),
        import_line.c.position > sa.bindparam("after"),
    )
    .order_by(import_line.c.position)
    .limit(sa.bindparam("number"))
)


def to_commit(conn: Connection, batch_id: int, after: int, limit: int) -> list[Staged]:
    """Return what up to ``limit`` lines behind position ``after`` were staged to do."""
    rows = bulk.select(conn, _TO_COMMIT, {"batch": batch_id, "after": after, "number": limit})
    return [
        Staged(position, Action(action), record_id, version_id, decided_by != "")
        for position, action, record_id, version_id, decided_by in rows
    ]


def turn_back(conn: Connection, batch_id: int, staged: Staged, why: str) -> None:
    """Keep another action and target for a line than it was staged with, and say why."""
    line = (import_line.c.batch_id == batch_id) & (import_line.c.position == staged.position)
    problems = conn.execute(sa.select(import_line.c.problems).where(line)).scalar_one()
    conn.execute(
        import_line.update()
        .where(line)
        .values(
            action=staged.action.value,
            record_id=staged.record_id,
            version_id=staged.version_id,
            problems=[*problems, problem_entry(staged.action.value, why)],
        )
    )


_C = import_line.c
SIEVES: Final[Mapping[Sieve, sa.ColumnElement[bool]]] = {
    **{Sieve(each): _C.action == each for each in ("new", "update", "duplicate", "ambiguous")},
    Sieve.REPAIRED: _C.outcome == "repaired",
    Sieve.REJECTED: _C.outcome == "rejected",
    Sieve.DOUBTFUL: (_C.outcome != "rejected") & _C.encoding_certain.is_(False),
    Sieve.LEFT_OUT: (_C.decided_by != "") & (_C.action == Action.NONE.value),
}


def note(conn: Connection, batch_id: int, position: int, code: str, message: str) -> None:
    """Add what came of a line to what its report says; once, however often it comes to that."""
    line = (import_line.c.batch_id == batch_id) & (import_line.c.position == position)
    problems = conn.execute(sa.select(import_line.c.problems).where(line)).scalar_one()
    entry = problem_entry(code, message)
    if entry not in problems:
        conn.execute(import_line.update().where(line).values(problems=[*problems, entry]))


def lines(
    conn: Connection, batch_id: int, after: int, limit: int, sieve: Sieve | None = None
) -> list[Line]:
    """Return up to ``limit`` report lines behind position ``after``, of one sort where asked."""
    of_sort = sa.true() if sieve is None else SIEVES[sieve]
    rows = conn.execute(
        sa.select(import_line)
        .where(import_line.c.batch_id == batch_id, import_line.c.position > after, of_sort)
        .order_by(import_line.c.position)
        .limit(limit)
    )
    return [_line(row) for row in rows]


_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_STAGED = record_version.join(import_line, import_line.c.version_id == record_version.c.id)
# The sum keeps SQLite from beginning with the batch: it would look through all that was staged so
# far, once a step, for some hundred digests that have an index of their own.
_BATCH = import_line.c.batch_id + 0 == sa.bindparam("batch")
_STAGED_BY_DIGEST = (
    sa.select(record_version.c.digest, import_line.c.record_id, import_line.c.version_id)
    .select_from(_STAGED)
    .where(_BATCH, record_version.c.digest.in_(_VALUES))
)
_STAGED_KEYS = (
    sa.select(record_version.c.control_key)
    .select_from(_STAGED)
    .where(_BATCH, record_version.c.control_key.in_(_VALUES))
)
_DIGESTS = sa.select(
    record_version.c.id, record_version.c.digest, record_version.c.control_key
).where(record_version.c.id.in_(_VALUES))


def staged_by_digest(
    conn: Connection, batch_id: int, digests: Sequence[bytes]
) -> dict[bytes, tuple[int, int]]:
    """Return (record id, version id) of what this batch staged with these digests."""
    rows = bulk.select_in(conn, _STAGED_BY_DIGEST, digests, {"batch": batch_id})
    return {bytes(digest): (record_id, version_id) for digest, record_id, version_id in rows}


def staged_control_keys(conn: Connection, batch_id: int, keys: Sequence[str]) -> set[str]:
    """Return those of ``keys`` that a record staged by this batch has."""
    return {key for (key,) in bulk.select_in(conn, _STAGED_KEYS, keys, {"batch": batch_id})}


def digests_of(conn: Connection, version_ids: Sequence[int]) -> dict[int, tuple[bytes, str | None]]:
    """Return (digest, control key) of versions."""
    rows = bulk.select_in(conn, _DIGESTS, version_ids)
    return {version_id: (bytes(digest), key) for version_id, digest, key in rows}


_COUNTED = (import_line.c.outcome, import_line.c.action, import_line.c.encoding_certain)


def counts(conn: Connection, batch_id: int) -> Counts:
    """Return the figures of a batch, counted from its lines."""
    rows = conn.execute(
        sa.select(*_COUNTED, sa.func.count())
        .where(import_line.c.batch_id == batch_id)
        .group_by(*_COUNTED)
    )
    figures = dict.fromkeys(Counts._fields, 0)
    for outcome, action, encoding_certain, number in rows:
        figures["read"] += number
        figures[outcome] += number
        if outcome != "rejected" and not encoding_certain:
            figures["doubtful"] += number
        if action != Action.NONE:
            figures[action] += number
    return Counts(**figures)


def _one(conn: Connection, where: sa.ColumnElement[bool]) -> Batch | None:
    row = conn.execute(sa.select(import_batch).where(where)).first()
    return None if row is None else _batch(row)


def _batch(row: sa.Row[Any]) -> Batch:
    return Batch(
        id=row.id,
        public_id=row.public_id,
        original_id=row.original_id,
        list_id=row.list_id,
        file_name=row.file_name,
        format=row.format,
        state=BatchState(row.state),
        stage_only=row.stage_only,
        created_at=row.created_at,
        committed_at=row.committed_at,
        encoding_said=row.encoding_said,
        dialect_said=row.dialect_said,
        surveyed=None if row.survey is None else _surveyed(row.survey),
        can_be_undone=row.can_be_undone,
    )


def _surveyed(survey: Mapping[str, Any]) -> Surveyed:
    return Surveyed(
        *(
            Finding(survey[what], survey[f"{what}_certain"], tuple(survey[f"{what}_evidence"]))
            for what in Surveyed._fields
        )
    )


def _line(row: sa.Row[Any]) -> Line:
    return Line(
        position=row.position,
        offset=row.offset,
        length=row.length,
        control_number=row.control_number,
        title=row.title,
        outcome=row.outcome,
        action=Action(row.action),
        encoding=row.encoding,
        encoding_certain=row.encoding_certain,
        dialect=row.dialect,
        problems=row.problems,
        record_id=row.record_id,
        version_id=row.version_id,
        decided_by=row.decided_by,
    )
