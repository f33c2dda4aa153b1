"""Accounting: how each partner stands by the ledger, what would even it, and what is put right.

What both sides see is one balance, made in one place. Nothing in the ledger is changed: what is
wrong is taken back by an entry against it, with a reason, and what is right is entered anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from service.domain import agreement_bounds, balance
from service.domain.agreement import Agreement
from service.domain.agreement_bounds import Bounds
from service.domain.balance import Balance, Offered, Parity, Side
from service.domain.ledger import (
    Right,
    Written,
    check_counter,
    check_reason,
    righted,
)
from service.domain.partner import Partner, PartnerState
from service.errors import NotFound
from service.store import agreements, audiences, audit_log, balances, ledger, public_ids
from service.store.db import Connection, Database
from service.usecases import enrolling
from service.usecases.carrying_forward import KIND


def show(db: Database, code: str, now: datetime) -> Balance:
    """Return the balance with a partner, with what was merged into it; raise ``NotFound``."""
    with db.read() as conn:
        return _balance(conn, enrolling.known_partner(conn, code), now)


def list_balances(db: Database, now: datetime, after: str = "", limit: int = 50) -> list[Balance]:
    """Return the balances with up to ``limit`` partners by code, behind ``after``."""
    with db.read() as conn:
        codes = balances.page(conn, after, limit)
        found = balances.lines_of(conn, codes.keys())
        running = agreements.running(conn)
        return [
            balance.balance(code, found[each], _bounds(running.get(each, ()), now))
            for each, code in codes.items()
        ]


def show_parity(db: Database, code: str, now: datetime, most: int = 20) -> Parity:
    """Return what would even the balance with a partner: at most so many titles.

    Where we are to give, they are of our offers: what it wishes for, and what else it is shown;
    where it is, of its own offers to us. Raises ``NotFound``.
    """
    with db.read() as conn:
        partner = enrolling.known_partner(conn, code)
        found = _balance(conn, partner, now)
        return balance.parity(found, _offers(conn, partner, found, most), most)


def _offers(conn: Connection, partner: Partner, found: Balance, most: int) -> list[Offered]:
    band = balance.owed(found)
    if band is None:
        return []
    if band.owed_by is Side.PARTNER:
        return balances.to_receive(conn, partner.id, most)
    if partner.state is PartnerState.SUSPENDED:
        return []
    seen = audiences.standing(conn, partner.id)
    return balances.to_send(conn, partner.id, partner.place, seen, most)


def _balance(conn: Connection, partner: Partner, now: datetime) -> Balance:
    running = agreements.running(conn).get(partner.id, ())
    return balance.balance(partner.code, balances.lines(conn, partner.id), _bounds(running, now))


def _bounds(running: Sequence[Agreement], now: datetime) -> Bounds | None:
    """Return what was agreed on books, None where nothing was."""
    found = agreement_bounds.bounds_of(running, now.astimezone(UTC).date())
    return found if found is not None and found.has_books else None


# --- entries --------------------------------------------------------------------------------------


def list_entries(db: Database, code: str, before: str = "", limit: int = 50) -> list[Written]:
    """Return the entries of a partner, the last written first, older than ``before``.

    Those of what was merged into it are among them. Raises ``NotFound``.
    """
    with db.read() as conn:
        partner = enrolling.known_partner(conn, code)
        return ledger.listed(conn, balances.owners(conn, partner.id), before, limit)


def show_entry(db: Database, public_id: str) -> Written:
    """Return an entry; raise ``NotFound``."""
    with db.read() as conn:
        return _known(conn, public_id)[1]


def counter(
    db: Database,
    public_id: str,
    *,
    reason: str,
    instead: Right | None = None,
    by: str,
    now: datetime,
) -> list[Written]:
    """Take an entry back; return the entry against it, and the right one if ``instead`` says it.

    ``instead`` has figures as they should be, none below zero even for what came back. Raises
    ``NotFound``, ``Invalid`` without a reason or with figures that cannot be, and ``Conflict``
    where the entry was taken back before, or takes one back itself.
    """
    why = check_reason(reason)
    with db.write() as conn:
        row, entry = _known(conn, public_id)
        check_counter(entry)
        right = None if instead is None else righted(entry, instead)
        made = ledger.counter_rows(conn, [row], by=by, now=now, reason=why, instead=right)
        if not made:  # somebody else took it back before it was held
            check_counter(_known(conn, public_id)[1])
        audit_log.write(
            conn,
            by=by,
            action="entry countered",
            kind=KIND,
            name=entry.public_id,
            now=now,
            before=entry.figures._asdict(),
            after={"instead": right._asdict() if right else None, "entries": made},
            reason=why,
        )
        return [_known(conn, name)[1] for name in made]


def _known(conn: Connection, public_id: str) -> tuple[int, Written]:
    """Return an entry behind its row; raise ``NotFound``."""
    wanted = public_ids.read(public_id)
    found = None if wanted is None else ledger.by_public_id(conn, wanted)
    if found is None:
        raise NotFound(f"there is no entry {public_id!r} in the ledger")
    return found
