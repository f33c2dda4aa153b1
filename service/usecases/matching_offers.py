"""What is offered anew meets what partners wait for: a job of its own for each list.

When a list opens, grows, opens to others, or a record on it changes, a job is ordered with that
cause (``ordering_matches``). It makes the keys of the offers that were not compared yet, keeps
them, and gives every waiting wish that one of them may answer its answer anew, from all offers that
its partner may see – in one transaction with the job's cursor. A wish that is answered before an
offer has its keys waits, and is found here; one that is answered later finds the keys.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from marc_mappings.match_keys import Key
from service.domain import lookup_key, match_rule, matching, wish_answer
from service.domain.announcement import WISH_CHANGED
from service.domain.match_rule import AUTHOR_YEAR, MOST, TITLES, Rules
from service.domain.offer import ListState
from service.domain.wish import (
    MATCH_OFFERS,
    OPEN_OUTCOMES,
    WAITING_OUTCOMES,
    Answer,
    Outcome,
    WishState,
)
from service.errors import Conflict, NotFound
from service.store import (
    audiences,
    candidates,
    given_before,
    jobs,
    match_rules,
    offer_keys,
    offer_lists,
    tiers,
    wish_keys,
    wishes,
)
from service.store.candidates import Candidate, ListFacts
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.offer_keys import Shown
from service.store.wish_keys import Place, Settled, WaitingWish
from service.usecases import meeting_wishes, notifying, ordering_matches, reading_offers

# Offers of one transaction, and the wishes after which it takes no more of them.
STEP: Final = 200
_MOST_WISHES: Final = 2_000
# A title key that more waiting wishes have may be one that many offers share as well.
_MANY: Final = 20

# What else is to know of offers that can be wished for from now on: called in the transaction that
# made their keys, with their rows and the moment.
MEETINGS: tuple[Callable[[Connection, Sequence[int], datetime], None], ...] = (meeting_wishes.meet,)


class Met(NamedTuple):
    """A waiting wish that got another answer: whose it is, where it stands, and the answer."""

    partner_id: int
    wish_list: str
    line_no: int
    line: str
    answer: Answer


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
    after, done = held.cursor.get("record", 0), held.done
    while True:
        with db.read() as conn:
            offers = offer_keys.unmatched(conn, held.subject_id, after, STEP)
            keys = reading_offers.keys_of(conn, [each.version_id for each in offers])
        with db.write() as conn:
            still = offer_lists.by_id(conn, held.subject_id).state is ListState.OPEN
            if not offers or not still:
                jobs.finish(conn, held, now())
                return
            # In this order, as answers do: first the lists, then what waits.
            offer_lists.hold_open(conn)
            wish_keys.exclude(conn)
            taken, met = _step(conn, held.subject_id, offers, keys, now())
            after, done = taken[-1].record_id, done + len(taken)
            jobs.advance(conn, held, {"record": after}, done, now())
        on_met(met)
        on_step(held, done)


def give_up(db: Database, held: Job, error: str, now: datetime) -> None:
    """End a job that cannot go on; what it compared stays compared."""
    with db.write() as conn:
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
    with db.write() as conn:
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
    conn: Connection,
    list_id: int,
    offers: Sequence[Shown],
    keys: Mapping[int, Sequence[Key]],
    now: datetime,
) -> tuple[Sequence[Shown], list[Met]]:
    """Keep the keys of offers and settle what waits for them; return which ones, and what met."""
    # Of a record that changed meanwhile another job knows already.
    current = offer_keys.shown_now(conn, [each.offer_id for each in offers])
    fresh = [each for each in offers if current.get(each.offer_id) == each.version_id]
    titles = {each.version_id: lookup_key.indexed(keys[each.version_id]) for each in fresh}
    found_by = {each.version_id: lookup_key.looked_up(keys[each.version_id]) for each in fresh}
    waiting = wish_keys.with_keys(conn, {key for found in found_by.values() for key in found})
    taken, places = _as_many(offers, found_by, waiting)
    done = [each for each in taken if each.version_id in titles]
    chosen = {each.version_id: titles[each.version_id] for each in done}
    offer_keys.keep_keys(conn, done, keys, chosen)
    if places:
        places = _without_crowded(conn, list_id, places)
    met = _settle(conn, wish_keys.waiting(conn, places), now) if places else []
    for meeting in MEETINGS:
        meeting(conn, [each.offer_id for each in done], now)
    return taken, met


def _as_many(
    offers: Sequence[Shown],
    found_by: Mapping[int, Sequence[Key]],
    waiting: Mapping[Key, Sequence[Place]],
) -> tuple[Sequence[Shown], dict[Place, set[Key]]]:
    """Return as many offers as one transaction settles the wishes of, one at least, and those."""
    places: dict[Place, set[Key]] = {}
    for number, each in enumerate(offers):
        if number and len(places) >= _MOST_WISHES:
            return offers[:number], places
        for key in found_by.get(each.version_id, ()):
            for place in waiting.get(key, ()):
                places.setdefault(place, set()).add(key)
    return offers, places


def _without_crowded(
    conn: Connection, list_id: int, places: dict[Place, set[Key]]
) -> dict[Place, set[Key]]:
    """Leave out wishes that a key leads to which too many offers of the list have, and no other.

    By author and year alone such a wish is looked at no more; otherwise it was answered when the
    first of them came, and is looked at as long as it only waits.
    """
    shared = Counter(key for keys in places.values() for key in keys if key.kind in TITLES)
    many = {key for key, number in shared.items() if number > _MANY}
    crowded = offer_keys.crowded(conn, list_id, many) if many else set()
    return {
        place: keys
        for place, keys in places.items()
        if any(key not in crowded or key.kind != AUTHOR_YEAR for key in keys)
    }


def _settle(conn: Connection, waiting: Sequence[WaitingWish], now: datetime) -> list[Met]:
    """Answer waiting wishes anew; return those that got another answer."""
    answers = _answers(conn, waiting, now)
    changed = [
        (each, answer)
        for each, answer in zip(waiting, answers, strict=True)
        if (answer.outcome, answer.offer_id) != (each.outcome, each.offer_id)
        # One that waits again after an allocation keeps the offer that it missed.
        and not answer.outcome is each.outcome is Outcome.WAITING
    ]
    if not changed:
        return []
    settled = _settled(conn, changed)
    wish_keys.settle(conn, settled)
    over = [each.wish.place for each in settled if each.answer.outcome not in WAITING_OUTCOMES]
    wish_keys.drop(conn, over)
    _announce(conn, settled, now)
    return [
        Met(each.partner_id, each.wish_list, each.line.line_no, each.line.text, answer)
        for each, answer, _ in settled
    ]


def _answers(conn: Connection, waiting: Sequence[WaitingWish], now: datetime) -> list[Answer]:
    """Return what each wish would be answered now, of the open lists that its partner may see."""
    lists = candidates.open_lists(conn)
    keys = {key for each in waiting for key in lookup_key.looked_up(each.line.keys)}
    found = candidates.by_key(conn, lists, keys, of_each_list=True)
    if any(key.kind in TITLES for each in waiting for key in each.line.keys):
        found = reading_offers.with_keys(conn, found)
    partner_ids = {each.partner_id for each in waiting}
    seen = _seen(conn, lists, partner_ids)
    sure = lookup_key.sure_keys(keys | {k for some in found.values() for c in some for k in c.keys})
    received = given_before.by_key(conn, partner_ids, sure)
    rules = match_rule.of_site(match_rules.changed(conn))
    return [
        _answer(each, found, seen[each.partner_id], received.get(each.partner_id), rules, now)
        for each in waiting
    ]


def _answer(
    waiting: WaitingWish,
    found: Mapping[Key, Sequence[Candidate]],
    seen: frozenset[int],
    received: Mapping[Key, datetime] | None,
    rules: Rules,
    now: datetime,
) -> Answer:
    by_key = {
        key: [each for each in found[key] if each.list_id in seen][: MOST + 1]
        for key in lookup_key.looked_up(waiting.line.keys)
        if key in found
    }
    answer = matching.answer(
        waiting.line, {}, by_key, now, suspended=False, rules=rules, received=received
    )
    if answer.outcome is Outcome.AMBIGUOUS:
        # It waited, and goes on waiting for the partner to name one, or for a better one.
        return answer._replace(target=lookup_key.waiting_target(waiting.line))
    return answer


def _seen(
    conn: Connection, lists: Mapping[int, ListFacts], partner_ids: set[int]
) -> dict[int, frozenset[int]]:
    """Return the lists that each partner may see."""
    open_to = tiers.open_to(conn, lists)
    return {
        partner_id: frozenset(each for each in lists if open_to[each] & belongs)
        for partner_id, belongs in audiences.standing_of(conn, partner_ids).items()
    }


def _settled(conn: Connection, changed: Sequence[tuple[WaitingWish, Answer]]) -> list[Settled]:
    """Return answers as they are kept: of two wishes that end at one offer the second is none."""
    standing = _standing(conn, changed)
    settled: list[Settled] = []
    for each, answer in changed:
        scope = (each.partner_id, each.list_id if each.state is WishState.PENDING else 0)
        if answer.target.startswith(_OFFER):
            earlier = standing.setdefault(
                (*scope, answer.target), (each.line.line_no, each.wish_list)
            )
            if earlier != (each.line.line_no, each.wish_list):
                answer = _duplicate(answer, *earlier)
        state = each.state if answer.outcome in _STILL_OPEN else WishState.ANSWERED
        settled.append(Settled(each, answer, state))
    return settled


def _duplicate(answer: Answer, line_no: int, wish_list: str) -> Answer:
    said = f"The same wish stands already: line {line_no} of wish list {wish_list} asks for it."
    return answer._replace(outcome=Outcome.DUPLICATE, reason=said, target="")


_OFFER: Final = wish_answer.target_of("")
_STILL_OPEN = OPEN_OUTCOMES | {Outcome.AMBIGUOUS}
_Scope = tuple[int, int, str]  # partner, list of a wish that is pending (else 0), target


def _standing(
    conn: Connection, changed: Sequence[tuple[WaitingWish, Answer]]
) -> dict[_Scope, tuple[int, str]]:
    """Return what the partners of these wishes ask for already: (line, wish list) by target."""
    targets: defaultdict[int, set[str]] = defaultdict(set)
    pending: defaultdict[tuple[int, int, str], set[str]] = defaultdict(set)
    for each, answer in changed:
        if not answer.target.startswith(_OFFER):
            continue
        if each.state is WishState.PENDING:
            pending[each.partner_id, each.list_id, each.wish_list].add(answer.target)
        else:
            targets[each.partner_id].add(answer.target)
    found: dict[_Scope, tuple[int, str]] = {}
    for partner_id, theirs in targets.items():
        for target, one in wishes.open_wishes(conn, partner_id, theirs).items():
            found[partner_id, 0, target] = (one.line_no, one.wish_list)
    for (partner_id, list_id, wish_list), theirs in pending.items():
        for target, line_no in wishes.pending(conn, list_id, theirs).items():
            found[partner_id, list_id, target] = (line_no, wish_list)
    return found


def _announce(conn: Connection, settled: Sequence[Settled], now: datetime) -> None:
    """Tell partners what became of their waiting wishes, a wish list at a time.

    The answers of a list that is still being answered are told when all are there.
    """
    figures: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for each, answer, _ in settled:
        if each.state is WishState.OPEN:
            figures[each.partner_id, each.wish_list][answer.outcome.value] += 1
    for (partner_id, wish_list), counts in sorted(figures.items()):
        body: dict[str, Any] = {"wish_list": wish_list} | dict(sorted(counts.items()))
        notifying.announce(conn, partner_id, WISH_CHANGED, body, now)
