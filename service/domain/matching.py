"""Which offer a wish means, and why: exact identifiers only, the strongest kind decides.

Kinds stand in a table, strongest first. Some identify the very thing on the shelf; others
identify something larger that it is part of (a serial, a set of volumes), and a wish is never
registered on their word alone: the partner confirms by naming the offer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from marc_mappings.match_keys import Key
from service.domain.offer import ListState, OfferState
from service.domain.wish import Answer, Outcome, WishLine


class Candidate(Protocol):
    """What a decision needs to know of an offer."""

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


class Strength(NamedTuple):
    """How far one kind of identifier can be believed, and how it is called in an answer."""

    outcome: Outcome
    name: str


KINDS: dict[str, Strength] = {
    "control": Strength(Outcome.REGISTERED, "control number"),
    "isbn": Strength(Outcome.REGISTERED, "ISBN"),
    "ismn": Strength(Outcome.REGISTERED, "ISMN"),
    "doi": Strength(Outcome.REGISTERED, "DOI"),
    "other_id": Strength(Outcome.REGISTERED, "identifier"),
    "csbn": Strength(Outcome.REGISTERED, "unified book number (统一书号)"),
    "lccn": Strength(Outcome.REGISTERED, "LC control number"),
    "nbn": Strength(Outcome.REGISTERED, "national bibliography number"),
    "issn": Strength(Outcome.MATCHED, "ISSN"),
    "isbn_set": Strength(Outcome.MATCHED, "ISBN of a set"),
}


def answer(
    line: WishLine,
    by_id: Mapping[str, Candidate],
    by_key: Mapping[Key, Sequence[Candidate]],
    now: datetime,
    *,
    suspended: bool,
) -> Answer:
    """Answer one line from the offers that the partner may know of."""
    found = _answer(line, by_id, by_key, now, suspended=suspended)
    if line.remark:
        found = found._replace(reason=f"{found.reason} {line.remark}")
    # Identifiers are compared exactly or not at all.
    return found._replace(score=1.0) if found.offer_id is not None else found


def _answer(
    line: WishLine,
    by_id: Mapping[str, Candidate],
    by_key: Mapping[Key, Sequence[Candidate]],
    now: datetime,
    *,
    suspended: bool,
) -> Answer:
    if line.problem:
        return Answer(Outcome.INVALID, line.problem)
    if suspended:
        return Answer(
            Outcome.RESTRICTED,
            "The exchange with your library is suspended; write to us to take it up again.",
        )
    if line.offer:
        named = by_id.get(line.offer)
        if named is None:
            return Answer(Outcome.NOT_OFFERED, "No offer has this identifier.")
        return _judged(named, "The offer you named", now)
    return _by_keys(line, by_key, now)


def _by_keys(line: WishLine, by_key: Mapping[Key, Sequence[Candidate]], now: datetime) -> Answer:
    gone: Answer | None = None
    for kind, strength in KINDS.items():
        keys = [key for key in line.keys if key.kind == kind]
        found = {c.offer_id: (c, key) for key in keys for c in by_key.get(key, ())}
        open_ = [(c, key) for c, key in found.values() if takes_wishes(c, now)]
        if len(open_) > 1:
            return _ambiguous([candidate for candidate, _ in open_], strength.name)
        if open_:
            candidate, key = open_[0]
            return _found(candidate, key, strength)
        if found and gone is None:
            candidate, key = next(iter(found.values()))
            gone = _judged(candidate, f"The offer with {strength.name} {key.value}", now)
    if gone is not None and gone.outcome is Outcome.CLOSED:
        return gone
    key = min(line.keys, key=lambda k: list(KINDS).index(k.kind))
    return Answer(
        Outcome.WAITING,
        f"Nothing with {KINDS[key.kind].name} {key.value} is offered now; "
        "your wish waits for the next offer.",
        target=f"{key.kind}:{key.value}",
    )


def takes_wishes(candidate: Candidate, now: datetime) -> bool:
    """Whether a wish for this offer that arrives at ``now`` is in time."""
    return (
        candidate.offer_state is OfferState.OFFERED
        and candidate.list_state is ListState.OPEN
        and (candidate.closes_at is None or now < candidate.closes_at)
    )


def _found(candidate: Candidate, key: Key, strength: Strength) -> Answer:
    what = f"{_capital(strength.name)} {key.value}"
    if strength.outcome is Outcome.REGISTERED:
        reason = f"{what} is “{candidate.title}” on list {candidate.list_slug}."
    else:
        reason = (
            f"{what} covers more than one piece; on list {candidate.list_slug} it is on "
            f"“{candidate.title}”. Send the offer's own identifier to register the wish."
        )
    return Answer(
        strength.outcome,
        reason,
        candidate.offer_id,
        candidate.public_id,
        target=f"offer:{candidate.public_id}",
    )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _judged(candidate: Candidate, what: str, now: datetime) -> Answer:
    """Answer a line that means exactly ``candidate``; ``what`` begins the sentence."""
    title = f"“{candidate.title}”"
    if takes_wishes(candidate, now):
        return Answer(
            Outcome.REGISTERED,
            f"{what} is {title} on list {candidate.list_slug}.",
            candidate.offer_id,
            candidate.public_id,
            target=f"offer:{candidate.public_id}",
        )
    if candidate.offer_state is OfferState.WITHDRAWN or candidate.list_state in {
        ListState.WITHDRAWN,
        ListState.ARCHIVED,
    }:
        return Answer(
            Outcome.NOT_OFFERED,
            f"{what}, {title}, is not on offer any more.",
            candidate.offer_id,
            candidate.public_id,
        )
    when = "" if candidate.closes_at is None else f" on {candidate.closes_at:%Y-%m-%d %H:%M} UTC"
    return Answer(
        Outcome.CLOSED,
        f"{what}, {title}, is on list {candidate.list_slug}, which closed{when}.",
        candidate.offer_id,
        candidate.public_id,
    )


def _ambiguous(candidates: Sequence[Candidate], name: str) -> Answer:
    choices = ", ".join(f"offer/{candidate.public_id}" for candidate in candidates[:5])
    more = f" and {len(candidates) - 5} more" if len(candidates) > 5 else ""
    return Answer(
        Outcome.AMBIGUOUS,
        f"{len(candidates)} offers have this {name}: {choices}{more}. Send the one you mean.",
    )
