"""Carrying the balances of earlier years forward: totals without titles enter the ledger, marked.

The same figure told again changes nothing, so that a table may come again, whole, after whatever
ended the first time. A row that is wrong keeps no other from being taken in; it is returned with
what is wrong, to be mended and sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import BinaryIO

from service.domain import opening_balance
from service.domain.ledger import Entry, Event, Written
from service.domain.opening_balance import Opening, OpeningRow
from service.domain.partner_fields import Fault
from service.domain.table_import import Rejected, TakenIn
from service.errors import Conflict, NotFound
from service.store import audit_log, ledger, partners
from service.store.db import Connection, Database
from service.usecases import enrolling

_STEP = 50  # rows that one transaction takes in: nobody else can write meanwhile
KIND = "ledger"  # in the audit log


class RowOutcome(StrEnum):
    """What became of a row."""

    ENTERED = "entered"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


def enter(db: Database, opening: Opening, *, by: str, now: datetime) -> tuple[Written, bool]:
    """Enter an opening balance; return its entry, and whether it was not there before.

    Raises ``NotFound`` for a partner that there is not, ``Invalid``, and ``Conflict`` where there
    is another figure, which is to be taken back first.
    """
    today = now.astimezone(UTC).date()
    opening_balance.check(opening, today)
    with db.write() as conn:
        entry, there = _due(conn, opening, today)
        if there is not None:
            return there, False
        [public_id] = _write(conn, [entry], by, now)
        found = ledger.by_public_id(conn, public_id)
        assert found is not None  # noqa: S101 - it was written just now
        return found[1], True


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

    With ``dry_run`` the same is done and nothing is kept. Raises ``UnsupportedFormat``,
    ``TooLarge`` and ``Invalid`` where it is no table of opening balances at all.
    """
    today = now.astimezone(UTC).date()
    table = opening_balance.read(stream, media_type, today, charset)
    counts: Counter[str] = Counter(dict.fromkeys(RowOutcome, 0))
    rejected: list[Rejected] = []
    for start in range(0, len(table.rows), _STEP):
        with db.write() as conn, conn.begin_nested() as trial:
            some = table.rows[start : start + _STEP]
            # All at once and in order, so that two tables do not wait for each other.
            codes = {row.opening.partner for row in some if row.opening}
            partners.lock_all(conn, list(partners.by_codes(conn, sorted(codes)).values()))
            entries: list[Entry] = []
            for row in some:
                outcome, faults = _take_row(conn, row, entries, today)
                counts[outcome] += 1
                if faults:
                    rejected.append(Rejected(row, faults))
            _write(conn, entries, by, now)
            if dry_run:
                trial.rollback()
    return TakenIn(
        dict(counts), tuple(rejected), table.headings, table.not_read, table.remark, dry_run
    )


def _take_row(
    conn: Connection, row: OpeningRow, entries: list[Entry], today: date
) -> tuple[RowOutcome, Sequence[Fault]]:
    """Add what a row says to what is to be written, or say what is wrong with it."""
    if row.opening is None:
        return RowOutcome.REJECTED, row.faults
    try:
        entry, there = _due(conn, row.opening, today)
    except NotFound as error:
        return RowOutcome.REJECTED, [Fault("partner", error.detail)]
    except Conflict as error:
        return RowOutcome.REJECTED, [Fault("", error.detail)]
    if there is not None:
        return RowOutcome.UNCHANGED, ()
    entries.append(entry)
    return RowOutcome.ENTERED, ()


def _due(conn: Connection, opening: Opening, today: date) -> tuple[Entry, Written | None]:
    """Return the entry that an opening balance makes, and the same one if it stands already."""
    partner = enrolling.known_partner(conn, opening.partner)
    partners.lock(conn, partner.id)
    found = ledger.of_event(conn, Event.OPENING, opening.key)
    there = next((each for each in found if each.countered_by is None), None)
    if there is not None and there.figures != opening.figures:
        raise Conflict(
            f"there is another figure for this: {there.titles} titles, {there.volumes} volumes, "
            f"value {there.value}, entered as {there.public_id}; if it is wrong take it back "
            f"first: bookbridge ledger counter {there.public_id} --reason WHY"
        )
    key = ledger.free_key(conn, Event.OPENING, opening.key)
    return opening.entry(partner.id, key, today), there


def _write(conn: Connection, entries: Sequence[Entry], by: str, now: datetime) -> list[str]:
    names = ledger.write(conn, entries, by=by, now=now)
    for name, entry in zip(names, entries, strict=True):
        audit_log.write(
            conn,
            by=by,
            action="opening balance entered",
            kind=KIND,
            name=name,
            now=now,
            after={"key": entry.event_key, **entry.figures._asdict()},
            reason=entry.reason,
        )
    return names
