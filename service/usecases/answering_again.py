"""What waits is answered again when an offer came that may be meant: by all that is open now.

A wish that waits is looked at by its own keys, as if it came at this moment; what its partner is
told is what changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from marc_mappings.match_keys import Key
from service.domain import lookup_key, match_rule, matching, wish_answer
from service.domain.announcement import WISH_CHANGED
from service.domain.match_rule import MOST, TITLES, Rules
from service.domain.wish import OPEN_OUTCOMES, WAITING_OUTCOMES, Answer, Outcome, WishState
from service.store import (
    audiences,
    candidates,
    given_before,
    match_rules,
    tiers,
    wish_keys,
    wishes,
)
from service.store.candidates import Candidate, ListFacts
from service.store.db import Connection
from service.store.wish_keys import Settled, WaitingWish
from service.usecases import notifying, reading_offers


class Met(NamedTuple):
    """A waiting wish that got another answer: whose it is, where it stands, and the answer."""

    partner_id: int
    wish_list: str
    line_no: int
    line: str
    answer: Answer


def settle(conn: Connection, waiting: Sequence[WaitingWish], now: datetime) -> list[Met]:
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
    offers = {each.offer_id: each for some in found.values() for each in some}.values()
    # A generator: only where somebody was given something are there keys to be looked for.
    sure = (key for some in (keys, *(c.keys for c in offers)) for key in lookup_key.sure_keys(some))
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
