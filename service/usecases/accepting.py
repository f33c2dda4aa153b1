"""After the confirmation: partners take or decline, and copies that come back pass to the next.

A partner is asked only about what differs from its wish, and until a moment; it may always decline.
Every change holds the run first, and names the state that it changes: whoever comes second at the
same moment is told how things stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from service.domain import allocation as rules
from service.domain import allocation_reason as reasons
from service.domain.allocation import ANSWER_WITHIN, AllocationAction, AllocationState
from service.domain.allocation_reason import Place
from service.domain.announcement import WISH_CHANGED
from service.domain.audit_entry import WORKER
from service.domain.partner import Partner, PartnerState
from service.domain.transfer import Given
from service.domain.wish import WishState
from service.errors import Conflict, NotFound
from service.store import allocation_steps as steps
from service.store import (
    allocations,
    audit_log,
    held_allocations,
    partners,
    public_ids,
    transfers,
)
from service.store.allocation_steps import Change, Run
from service.store.allocations import Decided
from service.store.db import Connection, Database
from service.store.held_allocations import Held
from service.usecases import giving, notifying
from service.usecases.passing_on import next_in_line

_ID = re.compile(r"([0-9A-Za-z]{26})-([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Found:
    """A decision that is held until the transaction ends, with its run."""

    run: Run
    held: Held


# --- looking --------------------------------------------------------------------------------------


def list_own(
    db: Database,
    partner: Partner,
    *,
    state: AllocationState | None = None,
    before: str = "",
    limit: int = 50,
) -> list[Decided]:
    """Return what was decided for a partner, newest first, behind the one named ``before``."""
    with db.read() as conn:
        behind = _name(before) if before else None
        return allocations.decided_for(conn, partner.id, behind, limit, state)


def show(db: Database, name: str, partner: Partner | None) -> Decided:
    """Return one decision, of this partner (None: anybody's); raise ``NotFound``."""
    with db.read() as conn:
        found = allocations.decided_by_id(conn, *_name(name))
    if found is None or (partner is not None and partner.code != found.partner):
        raise NotFound("there is no such allocation")
    return found


# --- answering ------------------------------------------------------------------------------------


def accept(db: Database, name: str, partner: Partner | None, *, now: datetime, by: str) -> Decided:
    """Take what differs from the wish. ``partner``: who may; None is the staff, for anybody.

    Raises ``NotFound``, and ``Conflict`` when nothing is asked, any more or at all.
    """
    with db.write() as conn:
        found = _held(conn, name, partner)
        held = found.held
        state = rules.after(AllocationAction.ACCEPT, held.state)
        if held.answer_until is not None and held.answer_until <= now:
            raise Conflict(f"the answer was due until {held.answer_until:%Y-%m-%d %H:%M} UTC")
        if held.wish_state is not WishState.OPEN:
            raise Conflict("the wish was taken back")
        if partners.by_id(conn, held.partner_id).state is not PartnerState.ACTIVE:
            raise Conflict("the exchange with this partner is suspended; it can only decline")
        _change(conn, found, state, held.given, f"Allocated: you took it on {now:%Y-%m-%d}.")
        _enter(conn, found.run, held, held.given, now)
        _log(conn, found, AllocationAction.ACCEPT, state, now, by)
        _announce(conn, held, "allocated", now)
    return show(db, name, None)


def decline(
    db: Database, name: str, partner: Partner | None, *, reason: str = "", now: datetime, by: str
) -> Decided:
    """Leave what was allocated: its copies pass to the next in line, who is told.

    Raises ``NotFound``, and ``Conflict`` for what is not held, or was sent.
    """
    with db.write() as conn:
        found = _held(conn, name, partner)
        state = rules.after(AllocationAction.DECLINE, found.held.state)
        said = f": {reason.strip().rstrip('.')}" if reason.strip() else ""
        _leave(conn, found, state, f"Declined on {now:%Y-%m-%d}{said}.", now)
        _log(conn, found, AllocationAction.DECLINE, state, now, by, reason)
        _announce(conn, found.held, "not_allocated", now)
    return show(db, name, None)


def expire(db: Database, now: datetime) -> int:
    """Pass on what was offered and not answered in time, or is not wished for any more.

    Returns how many there were. Safe to run from several workers.
    """
    with db.read() as conn:
        late = held_allocations.unanswered(conn, now)
    expired = 0
    for run, position in late:
        with db.write() as conn:
            expired += _expire(conn, f"{run}-{position}", now)
    return expired


def _expire(conn: Connection, name: str, now: datetime) -> bool:
    found = _held(conn, name, None)
    held = found.held
    if held.state is not AllocationState.OFFERED:
        return False
    gone = held.wish_state is not WishState.OPEN
    if not gone and (held.answer_until is None or held.answer_until > now):
        return False
    action = AllocationAction.CANCEL if gone else AllocationAction.EXPIRE
    state = rules.after(action, held.state)
    reason = reasons.hindered("the wish was taken back" if gone else "no answer came in time")
    _leave(conn, found, state, reason, now)
    _log(conn, found, action, state, now, WORKER)
    if not gone:
        _announce(conn, held, "not_allocated", now)
    return True


# --- the parts ------------------------------------------------------------------------------------


def _name(name: str) -> tuple[str, int]:
    """Return (run, number) of a decision; raise ``NotFound`` for what names none."""
    found = _ID.fullmatch(name.strip())
    run = public_ids.read(found[1]) if found else None
    if found is None or run is None:
        raise NotFound("there is no such allocation")
    return run, int(found[2])


def _held(conn: Connection, name: str, partner: Partner | None) -> _Found:
    public_id, position = _name(name)
    run = steps.confirmed_run(conn, public_id)
    if run is None:
        raise NotFound("there is no such allocation")
    steps.lock(conn, run.id)
    held = held_allocations.held(conn, run.id, position)
    if held is None or (partner is not None and partner.id != held.partner_id):
        raise NotFound("there is no such allocation")
    if held.state is AllocationState.PROPOSED:
        if partner is not None:
            raise NotFound("there is no such allocation")
        raise Conflict("this allocation is being confirmed; do it again when it is")
    return _Found(run, held)


def _change(
    conn: Connection,
    found: _Found,
    state: AllocationState,
    given: int,
    reason: str,
    until: datetime | None = None,
) -> None:
    held = found.held
    steps.change(
        conn, found.run.id, [Change(held.position, held.state, state, given, reason, until)]
    )
    asking = reasons.due(until) if until else ""
    steps.tell(conn, found.run.id, held.position, asking)


def _enter(conn: Connection, run: Run, held: Held, copies: int, now: datetime) -> None:
    """Enter what a partner is given."""
    stock = steps.lock_offers(conn, [held.offer_id])[held.offer_id]
    items = [(held.partner_id, Given(held.offer_id, stock.version_id, copies))]
    (name,) = giving.give_all(conn, items, now)
    steps.enter(conn, run.id, {held.position: name})


def _leave(
    conn: Connection, found: _Found, state: AllocationState, reason: str, now: datetime
) -> None:
    """End a decision: its transfer is taken back, its copies pass to the next in line."""
    run, held = found.run, found.held
    line = held_allocations.waiting(conn, run.id, held.offer_id) if run.giving else []
    steps.lock_partners(conn, sorted({held.partner_id, *(each.partner_id for each in line)}))
    steps.lock_offers(conn, [held.offer_id])
    _change(conn, found, state, held.given, reason)
    steps.put_back(conn, held.offer_id, held.given)
    if held.transfer is not None:
        transfers.retract(conn, held.transfer)
    if line:
        _pass_on(conn, run, line, held, now)


def _pass_on(conn: Connection, run: Run, line: list[Held], left: Held, now: datetime) -> None:
    """Give copies that came back to whoever is next in line and may get any; tell them."""
    stock = steps.lock_offers(conn, [left.offer_id])[left.offer_id]
    if not stock.offered:
        return
    copies = min(left.given, stock.left)
    of = held_allocations.took_part(conn, run.id, left.offer_id)
    for held, share in next_in_line(conn, run.list_id, left.offer_id, line, copies, now):
        found = _Found(run, held)
        reason = reasons.passed_on(Place(held.rank, of), held.quantity, share, held.differs)
        steps.take(conn, {held.offer_id: share})
        state = rules.after(AllocationAction.CONFIRM, held.state)
        if held.differs:
            state = rules.after(AllocationAction.ASK, state)
            _change(conn, found, state, share, reason, now + ANSWER_WITHIN)
            _announce(conn, held, "offered", now)
        else:
            _change(conn, found, state, share, reason)
            _enter(conn, run, held, share, now)
            _announce(conn, held, "allocated", now)


def _announce(conn: Connection, held: Held, figure: str, now: datetime) -> None:
    figures = {"allocated": 0, "not_allocated": 0} | {figure: 1}
    body = {"wish_list": held.wish_list} | figures
    notifying.announce(conn, held.partner_id, WISH_CHANGED, body, now)


def _log(
    conn: Connection,
    found: _Found,
    action: AllocationAction,
    state: AllocationState,
    now: datetime,
    by: str,
    reason: str = "",
) -> None:
    audit_log.write(
        conn,
        by=by,
        action=action.value,
        kind="allocation",
        name=f"{found.run.public_id}-{found.held.position}",
        now=now,
        before={"state": found.held.state.value},
        after={"state": state.value},
        reason=reason.strip(),
    )
