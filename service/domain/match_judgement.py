"""What one offer is to one wish by the table of rules (``match_rule``): the same, nearly, or not.

Numbers decide where a wish has nothing else. Where it has a title, all keys of the two are compared
(``marc_mappings.match_score``); titles that only are spelt alike count where author, year and part
are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from rapidfuzz import fuzz

from marc_mappings import match_score
from marc_mappings.match_keys import Key
from marc_mappings.match_score import Score
from service.domain import written_title
from service.domain.lookup_key import letters, strength
from service.domain.match_rule import ALSO, DEFAULT, RULES, SIMILAR, TITLES, Rules
from service.domain.offer import ListState, OfferState
from service.domain.wish import Outcome, WishLine

# Of a hundred, how much alike two titles must be, letter by letter, to be one spelt differently.
_ALIKE: Final = 88


class Candidate(Protocol):
    """What a decision needs to know of an offer; ``keys`` is empty until they are made."""

    @property
    def offer_id(self) -> int: ...
    @property
    def public_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def offer_state(self) -> OfferState: ...
    @property
    def list_state(self) -> ListState: ...
    @property
    def closes_at(self) -> datetime | None: ...
    @property
    def list_slug(self) -> str: ...
    @property
    def keys(self) -> tuple[Key, ...]: ...


class Verdict(NamedTuple):
    """What one offer is to one wish: the outcome it would give, by which rule, and why."""

    candidate: Candidate
    outcome: Outcome
    score: int
    rule: str
    reasons: tuple[str, ...]


def takes_wishes(candidate: Candidate, now: datetime) -> bool:
    """Whether a wish for this offer that arrives at ``now`` is in time."""
    return (
        candidate.offer_state is OfferState.OFFERED
        and candidate.list_state is ListState.OPEN
        and (candidate.closes_at is None or now < candidate.closes_at)
    )


def judge(
    line: WishLine, candidate: Candidate, led: Sequence[Key], rules: Rules = DEFAULT
) -> Verdict | None:
    """Return what an offer is to a wish, None if it is not what is wished for.

    ``led``: the keys by which the offer was found.
    """
    if any(key.kind in TITLES for key in line.keys):
        keys = candidate.keys or tuple(led)
        written = written_title.of(line.wanted.title if line.wanted else "", candidate.title)
        score = match_score.compare(line.keys, keys, rules.weights, written)
        if not score.kind and (similar := _similar(line.keys, keys, rules, written)):
            return Verdict(candidate, Outcome.MATCHED, *similar)
    else:
        # A number that only one of the two has as its own is a former one.
        key = min((each if each in line.keys else _former(each) for each in led), key=strength)
        rule = RULES[key.kind]
        reason = rule.reason.format(key.value)
        score = Score(rules.scores[key.kind], (reason,), rule.relation, key.kind)
    outcome = _outcome(score, rules)
    if outcome is None:
        return None
    return Verdict(candidate, outcome, score.score, score.kind, score.reasons)


def _former(key: Key) -> Key:
    return key if key.kind.endswith("_cancelled") else Key(ALSO[key.kind], key.value)


def _outcome(score: Score, rules: Rules) -> Outcome | None:
    if not score.kind or score.relation == "different":
        return None
    if score.relation == "other edition":
        return Outcome.OTHER_EDITION if rules.scores[score.kind] >= rules.match else None
    if score.score >= rules.register and RULES[score.kind].at_most is Outcome.REGISTERED:
        return Outcome.REGISTERED
    return Outcome.MATCHED if score.score >= rules.match else None


def _similar(
    ours: Sequence[Key], theirs: Sequence[Key], rules: Rules, written: Callable[[str], str]
) -> tuple[int, str, tuple[str, ...]] | None:
    """Return score, rule and reasons of two titles that one author published in one year."""
    best, pair = 0.0, ("", "")
    for one in _titles(ours):
        for other in _titles(theirs):
            # Another part, author or year is another thing, however much the titles are alike.
            if one[1:] == other[1:] and _numbers(one[0]) == _numbers(other[0]):
                ratio = fuzz.ratio(letters(one[0]), letters(other[0]), score_cutoff=_ALIKE)
                if ratio > best:
                    best, pair = ratio, (one[0], other[0])
    score = rules.scores[SIMILAR]
    if not best or score < rules.match:
        return None
    numbers = [{k.value for k in keys if k.kind == "isbn"} for keys in (ours, theirs)]
    apart = "; other ISBNs" if all(numbers) else ""
    said = "the title “{}” is spelt much like “{}”".format(*map(written, pair))
    reason = f"{said} ({best:.0f} of 100 letters), the same author and year{apart}"
    return score, SIMILAR, (reason,)


def _numbers(title: str) -> list[str]:
    return re.findall("[0-9]+", title)


def _titles(keys: Sequence[Key]) -> Iterator[list[str]]:
    """Yield (title, part, author, year) of each full title key."""
    return (key.value.split("|") for key in keys if key.kind == "title")
