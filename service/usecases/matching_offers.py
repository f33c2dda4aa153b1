"""What is offered anew meets what partners wait for: a job of its own for each list.

When a list opens, grows, opens to others, or a record on it changes, a job is ordered with that
cause (``ordering_matches``). It takes the keys of the offers that were not compared yet
(``keying_offers``), keeps them, and gives every waiting wish that one of them may answer its answer
anew (``answering_again``), from all offers that its partner may see – in one transaction with the
job's cursor. A wish that is answered before an
offer has its keys waits, and is found here; one that is answered later finds the keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Final, NamedTuple

from service.domain.match_rule import AUTHOR_YEAR, TITLES
from service.domain.offer import ListState
from service.domain.offer_key import Pair
from service.domain.wish import MATCH_OFFERS
from service.errors import Conflict, NotFound
from service.store import candidates, jobs, offer_keys, offer_lists, wish_keys
from service.store.db import ROOMY_KIB, Connection, Database
from service.store.jobs import Job
from service.store.offer_keys import Shown
from service.store.wish_keys import Place
from service.usecases import answering_again, keying_offers, meeting_wishes, ordering_matches
from service.usecases.answering_again import Met as Met
from service.usecases.keying_offers import Keyed

# Offers of one transaction, and the wishes after which it takes no more of them.
STEP: Final = 200
_MOST_WISHES: Final = 2_000
# A title key that more waiting wishes have may be one that many offers share as well.
_MANY: Final = 20

# What else is to know of offers that can be wished for from now on: called in the transaction that
# made their keys, with their rows and the moment.
MEETINGS: tuple[Callable[[Connection, Sequence[int], datetime], None], ...] = (meeting_wishes.meet,)


def match(
    db: Database,
    held: Job,
    now: Callable[[], datetime],
    on_step: Callable[[Job, int], None],
    on_met: Callable[[Sequence[Met]], None] = lambda _: None,
) -> None:
    """Compare what a list offers anew with what waits, from the job's cursor on; end the job.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    done = held.done
    coming = keying_offers.keyed(db, held.subject_id, held.cursor.get("record", 0), STEP)
    with closing(coming):
        step: Sequence[Keyed] = ()
        while True:
            step = step or next(coming, ())
            with db.write(cache_kib=ROOMY_KIB) as conn:
                still = offer_lists.by_id(conn, held.subject_id).state is ListState.OPEN
                if not step or not still:
                    jobs.finish(conn, held, now())
                    return
                # In this order, as answers do: first the lists, then what waits.
                offer_lists.hold_open(conn)
                wish_keys.exclude(conn)
                taken, met = _step(conn, held.subject_id, step, now())
                done += taken
                jobs.advance(conn, held, {"record": step[taken - 1].offer.record_id}, done, now())
            step = step[taken:]
            on_met(met)
            on_step(held, done)


def give_up(db: Database, held: Job, error: str, now: datetime) -> None:
    """End a job that cannot go on; what it compared stays compared."""
    with db.write(cache_kib=ROOMY_KIB) as conn:
        jobs.fail(conn, held, error, now)


class Matched(NamedTuple):
    """What a matching came to: how many offers it compared, and the wishes with another answer."""

    offers: int
    met: Sequence[Met]


def match_now(db: Database, slug: str, now: Callable[[], datetime]) -> Matched:
    """Compare all that is offered on an open list with what waits, here and now.

    Raises ``NotFound``, and ``Conflict`` for a list that is not open or a partner's, or while a
    worker matches it.
    """
    with db.write(cache_kib=ROOMY_KIB) as conn:
        found = offer_lists.by_slug(conn, slug)
        if found is None:
            raise NotFound(f"there is no offer list named {slug!r}")
        found = offer_lists.lock(conn, found.id)
        if found.id not in candidates.open_lists(conn):
            raise Conflict(
                f"list {slug!r} is {found.state}, or a partner's; wishes meet what open lists of "
                "ours offer"
            )
        ordering_matches.order_again(conn, found.id, now())
        ordered = jobs.of_subject(conn, MATCH_OFFERS, found.id)
        held = ordered and jobs.lease(conn, now(), ordered.id)
    if not held:
        raise Conflict(f"a worker matches list {slug!r} at this moment; look again later")
    met: list[Met] = []
    offers = 0

    def step(_: Job, done: int) -> None:
        nonlocal offers
        offers = done

    match(db, held, now, step, met.extend)
    return Matched(offers, met)


# --- one step -------------------------------------------------------------------------------------


def _step(
    conn: Connection, list_id: int, offers: Sequence[Keyed], now: datetime
) -> tuple[int, list[Met]]:
    """Keep the keys of the first of these offers and settle what waits for them.

    Return how many of them, and what met.
    """
    # Of a record that changed meanwhile another job knows already.
    current = offer_keys.shown_now(conn, [each.offer.offer_id for each in offers])
    fresh = {i for i, (shown, _) in enumerate(offers) if _still(current, shown)}
    found_by = [keys.looked_up if i in fresh else () for i, (_, keys) in enumerate(offers)]
    waiting = wish_keys.with_keys(conn, {key for found in found_by for key in found})
    taken, places = _as_many(found_by, waiting)
    done = [offers[i] for i in sorted(fresh) if i < taken]
    offer_keys.keep_keys(conn, done)
    if places:
        places = _without_crowded(conn, list_id, places)
    met = answering_again.settle(conn, wish_keys.waiting(conn, places), now) if places else []
    for meeting in MEETINGS:
        meeting(conn, [each.offer.offer_id for each in done], now)
    return taken, met


def _still(current: Mapping[int, int], shown: Shown) -> bool:
    return current.get(shown.offer_id) == shown.version_id


def _as_many(
    found_by: Sequence[Sequence[Pair]], waiting: Mapping[Pair, Sequence[Place]]
) -> tuple[int, dict[Place, set[Pair]]]:
    """Return of how many offers one transaction settles the wishes, one at least; and those."""
    places: dict[Place, set[Pair]] = {}
    for number, found in enumerate(found_by):
        if number and len(places) >= _MOST_WISHES:
            return number, places
        for key in found:
            for place in waiting.get(key, ()):
                places.setdefault(place, set()).add(key)
    return len(found_by), places


def _without_crowded(
    conn: Connection, list_id: int, places: dict[Place, set[Pair]]
) -> dict[Place, set[Pair]]:
    """Leave out wishes that a key leads to which too many offers of the list have, and no other.

    By author and year alone such a wish is looked at no more; otherwise it was answered when the
    first of them came, and is looked at as long as it only waits.
    """
    shared = Counter(key for keys in places.values() for key in keys if key[0] in TITLES)
    many = {key for key, number in shared.items() if number > _MANY}
    crowded = offer_keys.crowded(conn, list_id, many) if many else set()
    return {
        place: keys
        for place, keys in places.items()
        if any(key not in crowded or key[0] != AUTHOR_YEAR for key in keys)
    }
