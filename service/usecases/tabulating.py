"""Tabulating the directory: as a table it goes out, is worked on in a spreadsheet, and comes back.

What comes back makes and changes entries and never removes one. A row that is wrong keeps no other
from being taken in; it is returned with what is wrong, to be mended and sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO

from service.domain import partner_row, partner_table
from service.domain.partner_entry import PartnerEntry
from service.domain.partner_fields import Fault
from service.domain.partner_row import PartnerRow
from service.domain.table_import import Rejected, TakenIn
from service.errors import Conflict, Invalid, NotFound
from service.store import directory, partners
from service.store.db import Connection, Database
from service.usecases import enrolling, naming_places

_AT_ONCE = 500
_STEP = 50  # rows that one transaction takes in: nobody else can write meanwhile


class RowOutcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


def table(db: Database) -> Iterator[list[str]]:
    """Yield the directory as a table, its headings first."""
    with db.read() as conn:
        extent = directory.extent(conn)
    headings = partner_row.columns(extent.tags, extent.contacts)
    places = naming_places.names(db)
    yield headings
    after = ""
    while found := enrolling.list_entries(db, after, _AT_ONCE):
        for entry in found:
            yield partner_row.row(entry, headings, places)
        after = found[-1].code


def take_in(
    db: Database,
    stream: BinaryIO,
    media_type: str,
    *,
    charset: str = "",
    dry_run: bool = False,
    by: str,
    now: datetime,
) -> TakenIn:
    """Take in the rows of a table that are right, some at a time, and tell of the others.

    With ``dry_run`` the same is done and nothing is kept. A row that was taken in before makes no
    change, so the same table may come again, whole, after whatever ended the first time. Raises
    ``UnsupportedFormat``, ``TooLarge`` and ``Invalid`` where it is no table of partners at all.
    """
    found = partner_table.read(stream, media_type, charset)
    rows = list(found.rows)
    counts: Counter[str] = Counter(dict.fromkeys(RowOutcome, 0))
    rejected: list[Rejected] = []
    # Tried as a whole, so that a row sees what those before it would have done.
    step = len(rows) or 1 if dry_run else _STEP
    for start in range(0, len(rows), step):
        with db.write() as conn, conn.begin_nested() as trial:
            here = rows[start : start + step]
            there = _held(conn, [row.code for row in here])
            for row in here:
                outcome, faults = _take_row(conn, row, there.get(row.code), by, now)
                counts[outcome] += 1
                if faults:
                    rejected.append(Rejected(row, faults))
            if dry_run:
                trial.rollback()
    return TakenIn(
        dict(counts), tuple(rejected), found.headings, found.not_read, found.remark, dry_run
    )


def _held(conn: Connection, codes: Sequence[str]) -> dict[str, PartnerEntry]:
    """Return the entries that there are of these codes, which nobody else changes meanwhile."""
    ids = partners.by_codes(conn, codes).values()
    partners.lock_all(conn, list(ids))
    return directory.entries_of(conn, ids)


def _take_row(
    conn: Connection, row: PartnerRow, before: PartnerEntry | None, by: str, now: datetime
) -> tuple[RowOutcome, Sequence[Fault]]:
    """Make or change the entry that a row is about, or say what is wrong with it."""
    if row.problem is not None:
        return RowOutcome.REJECTED, [row.problem]
    try:
        with conn.begin_nested():
            return _put(conn, row, before, by, now)
    except _Wrong as error:
        return RowOutcome.REJECTED, error.faults
    except (Invalid, NotFound) as error:
        return RowOutcome.REJECTED, [Fault(getattr(error, "field", "") or "code", error.detail)]
    except Conflict as error:
        return RowOutcome.REJECTED, [Fault("isil", error.detail)]


class _Wrong(Exception):
    """A row has faults: what it made is undone."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self.faults = faults


def _put(
    conn: Connection, row: PartnerRow, before: PartnerEntry | None, by: str, now: datetime
) -> tuple[RowOutcome, Sequence[Fault]]:
    if before is None and partners.merged_into(conn, row.code) is not None:
        enrolling.known_partner(conn, row.code)  # NotFound, which says what it was merged into
    said = partner_row.said(row.cells, before)
    if said.faults:
        raise _Wrong(said.faults)
    if before is None:
        after = enrolling.enter(conn, row.code, said.values, by=by, now=now)
    else:
        after = enrolling.amend(conn, before, said.values, by=by, now=now)
    if said.state is not None:
        after = enrolling.put_state(conn, after, said.state, by=by, now=now)
    if before is None:
        return RowOutcome.CREATED, ()
    return RowOutcome.UNCHANGED if after == before else RowOutcome.CHANGED, ()
