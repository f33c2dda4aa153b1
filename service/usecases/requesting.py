"""Our librarians wish for what partners offer us: noted, sent together, taken back.

Noting and sealing are done here; ``usecases.sending_wishes`` calls the partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from service.domain import own_wish as rules
from service.domain.offer import OfferState
from service.domain.own_wish import OwnWish, OwnWishState
from service.errors import Conflict, Invalid, NotFound
from service.store import jobs, own_wishes, partners, sendings
from service.store.db import Connection, Database
from service.store.own_wishes import Incoming, Wishable

SEND = "send_wishes"
"""The kind of the job that talks to one partner; its subject is the partner."""

_NOTE_LENGTH = 1000
# Partners that may have decided since are asked this often.
_ASK_EVERY = timedelta(hours=1)
# What was decided on is looked at less often: whether a copy came back to us.
_ASK_AGAIN_EVERY = timedelta(days=1)


class Released(NamedTuple):
    """What was sealed now, and the job that sends it: row and public id."""

    wishes: int
    job_id: int
    job: str


def add(
    db: Database,
    names: Sequence[str],
    *,
    quantity: int = 1,
    note: str = "",
    by: str = "",
    now: datetime,
) -> list[OwnWish]:
    """Note a wish for each of these incoming offers; all of them or none.

    A name is the public id of the offer here or the partner's OAI identifier. Raises ``Invalid``
    for one that no partner offers us, ``Conflict`` for one that is wished for already.
    """
    with db.write() as conn:
        return note_wishes(conn, names, quantity=quantity, note=note, by=by, now=now)


def note_wishes(
    conn: Connection,
    names: Sequence[str],
    *,
    quantity: int = 1,
    note: str = "",
    by: str = "",
    now: datetime,
) -> list[OwnWish]:
    """Do as ``add`` within a transaction."""
    rules.check_quantity(quantity)
    if len(note) > _NOTE_LENGTH:
        raise Invalid(f"a note has at most {_NOTE_LENGTH} characters", field="note")
    wanted = list(dict.fromkeys(name.strip() for name in names))
    if not wanted:
        raise Invalid("name at least one offer", field="offers")
    found = _wishable(conn, wanted)
    made = [
        own_wishes.add(conn, each, quantity, note.strip(), by, now)
        for each in {each.offer_id: each for each in found}.values()
    ]
    if None in made:
        again = [each.public_id for each, key in zip(found, made, strict=True) if key is None]
        raise Conflict(f"already wished for: {', '.join(again)}; nothing was noted")
    return own_wishes.by_public_ids(conn, [key for key in made if key])


def _wishable(conn: Connection, names: Sequence[str]) -> list[Wishable]:
    """Return one incoming offer for each name; raise ``Invalid`` that tells of all the others."""
    by_name: dict[str, Wishable] = {}
    for each in own_wishes.wishable(conn, [*names, *(name.upper() for name in names)]):
        for name in (each.public_id, each.identifier):
            by_name.setdefault(name, each)
    found = {name: by_name.get(name) or by_name.get(name.upper()) for name in names}
    unknown = [name for name, each in found.items() if each is None]
    if unknown:
        raise Invalid(
            f"no partner offers us {', '.join(unknown)}; name an offer of a list that was "
            "harvested from a partner",
            field="offers",
        )
    gone = [name for name, each in found.items() if each and each.state is not OfferState.OFFERED]
    if gone:
        raise Invalid(f"not on offer any more: {', '.join(gone)}", field="offers")
    return list({each.offer_id: each for each in found.values() if each}.values())


def list_offers(db: Database, partner: str, after: str = "", limit: int = 500) -> list[Incoming]:
    """Return what a partner offers us now, by public id behind ``after``; raise ``NotFound``."""
    with db.read() as conn:
        return own_wishes.offered(conn, _partner_id(conn, partner), after, limit)


def list_own_wishes(
    db: Database,
    *,
    partner: str = "",
    state: OwnWishState | None = None,
    before: str = "",
    limit: int = 50,
) -> list[OwnWish]:
    """Return our wishes, newest first, older than ``before``; raise ``NotFound`` for a partner."""
    with db.read() as conn:
        return own_wishes.listed(
            conn,
            partner_id=_partner_id(conn, partner) if partner else None,
            state=state,
            before=before,
            limit=limit,
        )


def show(db: Database, public_id: str) -> OwnWish:
    """Return one wish of ours; raise ``NotFound``."""
    with db.read() as conn:
        found = own_wishes.by_public_ids(conn, [public_id.strip().upper()])
    if not found:
        raise NotFound("there is no such wish of ours")
    return found[0]


def trouble(db: Database, partner: str) -> str:
    """Return why the wishes for a partner still wait to be sent, "" where nothing is wrong."""
    with db.read() as conn:
        job = jobs.of_subject(conn, SEND, _partner_id(conn, partner))
    return "" if job is None or job.state == jobs.DONE else job.error


def release(db: Database, partner: str, now: datetime) -> Released:
    """Seal what is noted for a partner under its key, to be sent; raise ``NotFound``.

    With nothing noted, what was sent before is gone on with, and the partner is asked again what
    it decided.
    """
    with db.write() as conn:
        partner_id = _partner_id(conn, partner)
        partners.lock(conn, partner_id)
        sealed = sendings.seal(conn, partner_id, rules.LARGEST)
        return Released(sealed, *_enqueue(conn, partner_id, now))


def _enqueue(conn: Connection, partner_id: int, now: datetime) -> tuple[int, str]:
    """Return the one job of a partner that is still to be done; the partner's row is held."""
    live = jobs.of_subject(conn, SEND, partner_id)
    if live is None or live.state in (jobs.DONE, jobs.FAILED):
        jobs.enqueue(conn, SEND, partner_id, 0, now)
        live = jobs.of_subject(conn, SEND, partner_id)
    assert live is not None  # noqa: S101 - it was entered above
    return live.id, live.public_id


def withdraw(db: Database, name: str, now: datetime) -> OwnWish:
    """Take one wish back, by its public id or that of its offer; the partner is told if it knows.

    Raises ``NotFound``, and ``Conflict`` where it is too late.
    """
    wanted = name.strip().upper()
    with db.write() as conn:
        found = own_wishes.by_public_ids(conn, [wanted])
        if not found:
            raise NotFound("there is no such wish of ours")
        partner_id = own_wishes.partner_of(conn, found[0].id)
        partners.lock(conn, partner_id)
        (wish,) = own_wishes.by_public_ids(conn, [found[0].public_id])
        state = _withdrawn_state(wish)
        if not own_wishes.move(conn, wish.id, wish.state, state):
            raise Conflict("somebody else changed this wish at the same moment; look at it again")
        if state is OwnWishState.WITHDRAWING:
            _enqueue(conn, partner_id, now)
        (after,) = own_wishes.by_public_ids(conn, [wish.public_id])
    return after


def _withdrawn_state(wish: OwnWish) -> OwnWishState:
    if wish.state not in rules.WITHDRAWALS:
        raise Conflict(f"this wish is {wish.state}; it cannot be taken back")
    settled = wish.state is OwnWishState.ANSWERED and wish.outcome not in rules.UNSETTLED
    # What the partner did not take as a wish, it need not be told of.
    return OwnWishState.WITHDRAWN if settled else rules.WITHDRAWALS[wish.state]


def keep_up(db: Database, now: datetime, *, auto: bool) -> int:
    """Let jobs be done for partners that are to be called by themselves; return how many.

    With ``auto`` those for whom something is noted; and from time to time those that may have
    decided since they answered, or that a job which came to a bad end did not reach.
    """
    with db.read() as conn:
        noted = set(sendings.noted(conn)) if auto else set()
        due = noted | set(sendings.unasked(conn, SEND, now - _ASK_EVERY))
        lately = now - rules.NEXT_IN_LINE
        due |= set(sendings.passed_over(conn, SEND, now - _ASK_AGAIN_EVERY, lately))
    for partner_id in sorted(due):
        with db.write() as conn:
            partners.lock(conn, partner_id)
            if partner_id in noted:
                sendings.seal(conn, partner_id, rules.LARGEST)
            _enqueue(conn, partner_id, now)
    return len(due)


def _partner_id(conn: Connection, code: str) -> int:
    found = partners.by_code(conn, code)
    if found is None:
        raise NotFound(f"there is no partner with code {code!r}")
    return found.id
