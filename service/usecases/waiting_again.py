"""A wish that got nothing at an allocation goes on waiting for the next offer.

It waits for what it asked for, as one for which nothing was offered does; only where another open
wish of its partner waits for the same, it ends. It stays in the line for the offer that it missed:
a copy that comes back may still reach it, until another offer does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from service.domain import lookup_key
from service.store import allocation_steps, missed_wishes, partners, wish_keys
from service.store.db import ROOMY_KIB, Connection, Database
from service.store.missed_wishes import Missed
from service.usecases.pacing import STEADY, Pace

# Wishes that are looked for at once, while others may write.
_AHEAD: Final = 10_000
_SAID: Final = "Your wish waits for the next offer."


def wait_again(db: Database, run_id: int, pace: Pace = STEADY) -> None:
    """Let the wishes that a run told they got nothing wait again; those that do are passed over."""
    after = 0
    while True:
        with db.read() as conn:
            found = missed_wishes.ahead(conn, run_id, after, _AHEAD)
        if not found:
            return
        after = found[-1]
        while found:
            with db.write(cache_kib=ROOMY_KIB) as conn:
                # Whoever passes copies on holds the run first as well.
                allocation_steps.lock(conn, run_id)
                found = found[_some(conn, run_id, found, pace) :]


def _some(conn: Connection, run_id: int, found: Sequence[int], pace: Pace) -> int:
    """Let wishes (by the numbers of their decisions) wait again; return of how many it is done."""
    used_up = pace.begin()
    for begin in range(0, len(found), pace.go):
        part = found[begin : begin + pace.go]
        _let_wait(conn, run_id, part[0], part[-1])
        if used_up():
            return begin + len(part)
    return len(found)


def _let_wait(conn: Connection, run_id: int, first: int, last: int) -> None:
    """Let wishes wait again, from the number of one decision to that of another."""
    missed = missed_wishes.between(conn, run_id, first, last)
    partners.lock_all(conn, sorted({each.partner_id for each in missed}))
    wish_keys.hold(conn)
    missed_wishes.let_wait(conn, list(_alone(conn, missed)), _SAID)


def _alone(conn: Connection, missed: Iterable[Missed]) -> Iterator[Missed]:
    """Yield those for which no other open wish of their partner stands."""
    targets = {each: lookup_key.waiting_target(each.line) for each in missed}
    taken = missed_wishes.standing(
        conn, {each.partner_id for each in targets}, set(targets.values())
    )
    for each, target in targets.items():
        if (each.partner_id, target) not in taken:
            taken.add((each.partner_id, target))
            yield each
