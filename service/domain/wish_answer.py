"""What a partner is told of its wish: one sentence for each way in which an answer comes about.

Each function makes the whole answer of one case, so that outcome, target and words go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from marc_mappings.match_keys import Key
from service.domain import match_rule
from service.domain.lookup_key import strongest, waiting_target
from service.domain.match_judgement import Candidate, Verdict, takes_wishes
from service.domain.match_rule import MOST, RULES, TITLES
from service.domain.offer import ListState, OfferState
from service.domain.wish import Answer, Outcome, WishLine

# Offers of several that are named.
_SHOWN: Final = 5


def named(candidate: Candidate, what: str, now: datetime) -> Answer:
    """Answer a line that means exactly ``candidate``; ``what`` begins the sentence."""
    title = f"“{candidate.title}”"
    if takes_wishes(candidate, now):
        return Answer(
            Outcome.REGISTERED,
            f"{what} is {title} on list {candidate.list_slug}.",
            candidate.offer_id,
            candidate.public_id,
            target=target_of(candidate.public_id),
            score=1.0,
        )
    if candidate.offer_state is OfferState.WITHDRAWN or candidate.list_state in {
        ListState.WITHDRAWN,
        ListState.ARCHIVED,
    }:
        outcome, why = Outcome.NOT_OFFERED, "is not on offer any more"
    else:
        when = (
            "" if candidate.closes_at is None else f" on {candidate.closes_at:%Y-%m-%d %H:%M} UTC"
        )
        outcome, why = Outcome.CLOSED, f"is on list {candidate.list_slug}, which closed{when}"
    said = f"{what}, {title}, {why}."
    return Answer(outcome, said, candidate.offer_id, candidate.public_id, score=1.0)


def target_of(public_id: str) -> str:
    """Return the target of a wish for one offer."""
    return f"offer:{public_id}"


def found(verdict: Verdict) -> Answer:
    """Answer a line that one offer fits: it is registered, or the partner is to confirm it."""
    candidate, rule = verdict.candidate, RULES.get(verdict.rule)
    where = f"“{candidate.title}” on list {candidate.list_slug}"
    why = "; ".join(verdict.reasons)
    if verdict.outcome is Outcome.REGISTERED:
        reason = f"{_capital(why)}: {where}."
    elif rule and rule.at_most is Outcome.MATCHED and len(verdict.reasons) == 1:
        reason = (
            f"{_capital(why)}, which may cover more than one piece: {where}. "
            "Send the offer's own identifier to register the wish."
        )
    else:
        reason = (
            f"{_capital(why)}: {where} may be what you want. "
            "Send the offer's own identifier to register the wish."
        )
    return Answer(
        verdict.outcome,
        reason,
        candidate.offer_id,
        candidate.public_id,
        target=target_of(candidate.public_id),
        score=verdict.score / 100,
    )


def other_edition(verdicts: Sequence[Verdict]) -> tuple[Answer, Verdict]:
    """Name the other edition that is nearest; the wish goes on waiting for the one it means."""
    nearest, *others = sorted(verdicts, key=lambda each: (-each.score, each.candidate.offer_id))
    candidate = nearest.candidate
    more = f" (and {len(others)} more)" if others else ""
    reason = (
        f"Another edition is offered, “{candidate.title}” on list {candidate.list_slug}{more}: "
        f"{'; '.join(nearest.reasons)}. Your wish waits on; send that offer's identifier if it "
        "will do."
    )
    said = Answer(
        Outcome.OTHER_EDITION,
        reason,
        candidate.offer_id,
        candidate.public_id,
        score=nearest.score / 100,
    )
    return said, nearest


def ambiguous(verdicts: Sequence[Verdict]) -> Answer:
    """Answer a line that several offers fit alike; the partner is to name one of them."""
    candidates = [each.candidate for each in verdicts]
    rules = {each.rule for each in verdicts}
    same = _rule_name(rules.pop()) if len(rules) == 1 else ""
    choices = ", ".join(f"offer/{each.public_id}" for each in candidates[:_SHOWN])
    more = f" and {len(candidates) - _SHOWN} more" if len(candidates) > _SHOWN else ""
    fit = f"have this {same}" if same else "fit your wish equally well"
    return Answer(
        Outcome.AMBIGUOUS,
        f"{len(candidates)} offers {fit}: {choices}{more}. Send the one you mean.",
    )


def _rule_name(rule: str) -> str:
    return RULES[rule].name if rule in RULES else match_rule.meaning(rule)


def crowded(key: Key) -> Answer:
    """Answer a line whose key more offers have than are looked at."""
    return Answer(
        Outcome.AMBIGUOUS,
        f"More than {MOST} offers have this {RULES[key.kind].name}. Add what tells them apart "
        "(author, year, ISBN), or send the offer you mean.",
    )


def waiting(line: WishLine) -> Answer:
    """Answer a line for which there is no offer: it waits under its strongest key."""
    key = strongest(line)
    what = f"with {RULES[key.kind].name} {key.value}"
    if key.kind in TITLES:
        what = f"called “{line.wanted.title if line.wanted else line.text}” that fits your wish"
    return Answer(
        Outcome.WAITING,
        f"Nothing {what} is offered now; your wish waits for the next offer.",
        target=waiting_target(line),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
