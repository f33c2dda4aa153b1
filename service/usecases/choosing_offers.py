"""A wish is settled by naming the offer that is meant: one of several, or another edition.

Its partner does so; or the staff for it, where the partner was asked by letter or telephone, and
then the wish and the audit log say who did.
"""

from __future__ import annotations

from datetime import datetime

from service.domain import wish as rules
from service.domain import wish_answer
from service.domain.partner import Partner, PartnerState
from service.domain.wish import CONFIRMABLE, AnsweredLine, Outcome, WishAction, WishState
from service.domain.wish_cells import Names
from service.errors import Conflict, Invalid, NotFound
from service.store import (
    audiences,
    audit_log,
    candidates,
    confirmations,
    offer_lists,
    partners,
    public_ids,
    wish_keys,
    wish_lists,
    wishes,
)
from service.store.candidates import Candidate
from service.store.confirmations import Confirmable
from service.store.db import Connection, Database

_OPEN = (WishState.OPEN, WishState.PENDING)


def choose(
    db: Database,
    partner: Partner,
    wish_list: str,
    line_no: int,
    offer: str,
    names: Names,
    now: datetime,
    *,
    staff: str = "",
) -> AnsweredLine:
    """Register a wish for the offer that its partner names; again, it changes nothing.

    ``offer``: an identifier or address of an offer of ours, or its public id. ``staff`` names who
    does so in the partner's place, as the audit log has it. Raises ``NotFound``
    for a wish or an offer that there is not, for this partner; ``Conflict`` where the wish is in
    no state for it, the offer takes no wishes, or another wish stands for it.
    """
    wanted = public_ids.read(wish_list)
    with db.write() as conn:
        partners.lock(conn, partner.id)
        offer_lists.hold_open(conn)
        wish_keys.hold(conn)
        found = wanted and confirmations.by_line(conn, partner.id, wanted, line_no)
        if not found:
            raise NotFound("there is no such wish")
        if partners.by_id(conn, partner.id).state is PartnerState.SUSPENDED:
            raise Conflict(
                "the exchange with this library is suspended; nothing can be registered"
                if staff
                else "the exchange with your library is suspended; nothing can be registered"
            )
        named = _named(conn, partner, names.offer(offer), offer)
        if not (found.outcome is Outcome.REGISTERED and found.offer_id == named.offer_id):
            _check(found)
            _register(conn, partner, found, named, now, staff)
            if staff:
                _log(conn, wish_list, found, named, staff, now)
        (line,) = wish_lists.lines(conn, found.list_id, line_no - 1, 1)
        return line


def _named(conn: Connection, partner: Partner, named: str | None, text: str) -> Candidate:
    """Return the offer that a text names, if this partner may know of it."""
    public_id = public_ids.read(text) if named is None else named
    if not public_id:
        raise Invalid(
            "name an offer of ours by its identifier (oai:…), its address or its id", field="offer"
        )
    lists = candidates.lists_shown_to(conn, audiences.standing(conn, partner.id))
    found = candidates.by_public_id(conn, lists, [public_id]).get(public_id)
    if found is None:
        raise NotFound("no offer has this identifier")
    return found


def _check(found: Confirmable) -> None:
    open_ = found.state in _OPEN
    if not open_:
        rules.after(WishAction.CHOOSE, found.state)
    if found.outcome not in CONFIRMABLE or not (open_ or found.outcome is Outcome.AMBIGUOUS):
        named = ", ".join(sorted(outcome.value for outcome in CONFIRMABLE))
        raise Conflict(
            f"this wish is {found.outcome.value} and {found.state.value}; only one that is open, "
            f"and of these: {named}, is settled by naming an offer"
        )


def _register(
    conn: Connection,
    partner: Partner,
    found: Confirmable,
    named: Candidate,
    now: datetime,
    staff: str,
) -> None:
    whose = "The offer that we named for you" if staff else "The offer you named"
    answer = wish_answer.named(named, whose, now)
    if answer.outcome is not Outcome.REGISTERED:
        raise Conflict(answer.reason)
    standing = wishes.open_wishes(conn, partner.id, [answer.target]).get(answer.target)
    place = standing and (confirmations.place_of(conn, standing), standing.line_no)
    if standing and place != (found.list_id, found.line_no):
        raise Conflict(
            f"{'this partner asks' if staff else 'you ask'} for this offer already, in line "
            f"{standing.line_no} of wish list {standing.wish_list}"
        )
    who = "We confirmed it for you" if staff else "You confirmed it"
    said = f"{who} on {now:%Y-%m-%d}: {answer.reason}"
    if not confirmations.confirm(
        conn, found.list_id, found.line_no, named.offer_id, answer.target, said
    ):
        raise Conflict("this wish was settled by somebody else at the same moment; look again")


def choose_for(
    db: Database, wish_list: str, line_no: int, offer: str, names: Names, now: datetime, *, by: str
) -> AnsweredLine:
    """Settle a wish in its partner's place, among what that partner may see; as ``choose`` does."""
    wanted = public_ids.read(wish_list)
    with db.read() as conn:
        found = wanted and wish_lists.by_public_id(conn, wanted, None, limit=0)
        whose = partners.by_code(conn, found.partner_code) if found else None
    if whose is None:
        raise NotFound("there is no such wish")
    return choose(db, whose, wish_list, line_no, offer, names, now, staff=by)


def _log(
    conn: Connection, wish_list: str, found: Confirmable, named: Candidate, by: str, now: datetime
) -> None:
    audit_log.write(
        conn,
        by=by,
        action="settled",
        kind="wish",
        name=f"{wish_list}-{found.line_no}",
        now=now,
        before={"outcome": found.outcome.value},
        after={"outcome": Outcome.REGISTERED.value, "offer": named.public_id},
    )
