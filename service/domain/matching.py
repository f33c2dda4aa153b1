"""Which offer a wish means, and why: one line against the offers that its keys lead to.

Every offer is judged by the table of rules (``match_judgement``), and the judgements together make
one answer (``wish_answer``). A wish is registered only where one offer alone is surely meant. Where
several are, where a title is all there is, or where a number covers more than one piece, the
partner names the offer; another edition is said to be one. Nothing here looks at more offers of one
key than ``MOST``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from marc_mappings.match_keys import Key
from service.domain import wish_answer
from service.domain.lookup_key import kind_strength, looked_up, strength, sure_keys, waiting_target
from service.domain.match_judgement import Candidate, Verdict, judge, takes_wishes
from service.domain.match_rule import AUTHOR_YEAR, DEFAULT, MOST, RULES, TITLES, Rules
from service.domain.wish import OPEN_OUTCOMES, Answer, Outcome, WishLine

# Two judgements so near to each other are one: neither offer is the better of the two.
_NEAR: Final = 5


class _Found(NamedTuple):
    """The offers that a line's keys lead to, each with those keys; and the crowded keys."""

    offers: Mapping[int, tuple[Candidate, list[Key]]]
    crowded: Sequence[Key]


def answer(
    line: WishLine,
    by_id: Mapping[str, Candidate],
    by_key: Mapping[Key, Sequence[Candidate]],
    now: datetime,
    *,
    suspended: bool,
    rules: Rules = DEFAULT,
    received: Mapping[Key, datetime] | None = None,
) -> Answer:
    """Answer one line from the offers that the partner may know of, at most ``MOST`` + 1 a key.

    ``received``: the keys of what the partner was given before, and when that was.
    """
    found, verdict = _answer(line, by_id, by_key, now, suspended=suspended, rules=rules)
    reason = found.reason
    if received and found.outcome in OPEN_OUTCOMES:
        keys = (*line.keys, *(verdict.keys if verdict else ()))
        given = [received[key] for key in sure_keys(keys) if key in received]
        if given:
            reason = f"{reason} You were given this title on {max(given):%Y-%m-%d} already."
    if line.remark:
        reason = f"{reason} {line.remark}"
    return found._replace(reason=reason)


def _answer(
    line: WishLine,
    by_id: Mapping[str, Candidate],
    by_key: Mapping[Key, Sequence[Candidate]],
    now: datetime,
    *,
    suspended: bool,
    rules: Rules,
) -> tuple[Answer, Candidate | None]:
    if line.problem:
        return Answer(Outcome.INVALID, line.problem), None
    if suspended:
        return Answer(
            Outcome.RESTRICTED,
            "The exchange with your library is suspended; write to us to take it up again.",
        ), None
    if line.offer:
        named = by_id.get(line.offer)
        if named is None:
            return Answer(Outcome.NOT_OFFERED, "No offer has this identifier."), None
        return wish_answer.named(named, "The offer you named", now), named
    return _by_keys(line, by_key, now, rules)


def _by_keys(
    line: WishLine, by_key: Mapping[Key, Sequence[Candidate]], now: datetime, rules: Rules
) -> tuple[Answer, Candidate | None]:
    found = _found(line, by_key)
    verdicts = _verdicts(line, found, now, rules, alike=False)
    # Titles that are only alike count where no other is.
    verdicts = verdicts or _verdicts(line, found, now, rules, alike=True)
    if verdicts and (best := _best(verdicts)):
        said, verdict = best
        if verdict and verdict.outcome is Outcome.OTHER_EDITION:
            said = said._replace(target=waiting_target(line))
        return said, verdict and verdict.candidate
    if found.crowded:
        return wish_answer.crowded(min(found.crowded, key=strength)), None
    closed = _closed(found, now)
    return closed or wish_answer.waiting(line), None


def _verdicts(
    line: WishLine, found: _Found, now: datetime, rules: Rules, *, alike: bool
) -> list[Verdict]:
    """Judge the offers that were found by more than letters alike (or just by these)."""
    return [
        verdict
        for _, (candidate, led) in sorted(found.offers.items())
        if all(key.kind == AUTHOR_YEAR for key in led) is alike
        and takes_wishes(candidate, now)
        and (verdict := judge(line, candidate, led, rules))
    ]


def _found(line: WishLine, by_key: Mapping[Key, Sequence[Candidate]]) -> _Found:
    offers: dict[int, tuple[Candidate, list[Key]]] = {}
    crowded = []
    for key in looked_up(line.keys):
        candidates = by_key.get(key, ())
        if len(candidates) > MOST and key.kind in TITLES:
            # Too many are by this author in this year to lay their titles beside the wish.
            if key.kind != AUTHOR_YEAR:
                crowded.append(key)
            continue
        for candidate in candidates[:MOST]:
            offers.setdefault(candidate.offer_id, (candidate, []))[1].append(key)
    return _Found(offers, crowded)


def _best(verdicts: Sequence[Verdict]) -> tuple[Answer, Verdict | None] | None:
    """Return the answer that the verdicts make together."""
    sure = [each for each in verdicts if each.outcome is Outcome.REGISTERED]
    if sure:
        strongest = min(kind_strength(each.rule) for each in sure)
        return _one_of([each for each in sure if kind_strength(each.rule) == strongest])
    for outcome in (Outcome.MATCHED, Outcome.OTHER_EDITION):
        such = [each for each in verdicts if each.outcome is outcome]
        if such:
            top = max(each.score for each in such)
            near = [each for each in such if each.score > top - _NEAR]
            return _one_of(near) if outcome is Outcome.MATCHED else wish_answer.other_edition(such)
    return None


def _one_of(verdicts: Sequence[Verdict]) -> tuple[Answer, Verdict | None]:
    if len(verdicts) > 1:
        return wish_answer.ambiguous(verdicts), None
    return wish_answer.found(verdicts[0]), verdicts[0]


def _closed(found: _Found, now: datetime) -> Answer | None:
    """Return the answer for what was offered by that number, on a list that is closed now."""
    gone = [(c, key) for c, led in found.offers.values() for key in led if key.kind not in TITLES]
    for candidate, key in sorted(gone, key=lambda each: strength(each[1])):
        if takes_wishes(candidate, now):
            continue
        said = wish_answer.named(
            candidate, f"The offer with {RULES[key.kind].name} {key.value}", now
        )
        return said if said.outcome is Outcome.CLOSED else None
    return None
