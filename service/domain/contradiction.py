"""What cannot stand together in an agreement, or in two of them; told all at once.

Each rule is a row: the field that a person looks at first, and a function that says in a sentence
what is wrong, or "" where nothing is. What may stand but should be looked at is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from service.domain.agreement import (
    RUNNING,
    Activity,
    Agreement,
    AgreementState,
    BalanceBasis,
    Mode,
    Scope,
    Terms,
    end_of_term,
)


class Contradiction(NamedTuple):
    """A field that is wrong beside another, and the sentence about it."""

    field: str
    sentence: str


def _no_title(terms: Terms) -> str:
    return "" if terms.title else "an agreement needs a title"


def _no_scope(terms: Terms) -> str:
    return "" if terms.scope else f"an agreement is about some of {', '.join(Scope)}"


def _no_party(terms: Terms) -> str:
    return "" if terms.parties else "an agreement needs a partner that is party to it"


def _ends_first(terms: Terms) -> str:
    if terms.ends_on and terms.starts_on and terms.ends_on < terms.starts_on:
        return f"it ends on {terms.ends_on}, before it starts on {terms.starts_on}"
    return ""


def _ends_unsigned(terms: Terms) -> str:
    if terms.ends_on and terms.signed_on and terms.ends_on < terms.signed_on:
        return f"it ends on {terms.ends_on}, before it was signed on {terms.signed_on}"
    return ""


def _end_without_start(terms: Terms) -> str:
    if terms.ends_on and not terms.starts_on:
        return f"it ends on {terms.ends_on}, and nothing says when it starts"
    return ""


def _renews_without_term(terms: Terms) -> str:
    if terms.renews and terms.term_months is None:
        return "it renews itself, and nothing says for how many months: give its term"
    return ""


def _without_books(field: str, told: str) -> Callable[[Terms], str]:
    def rule(terms: Terms) -> str:
        there = getattr(terms, field) not in (None, ())
        if there and terms.scope and Scope.BOOKS not in terms.scope:
            return f"{told} is agreed, and books are not in the scope"
        return ""

    return rule


def _basis_without_books(terms: Terms) -> str:
    if terms.scope and Scope.BOOKS not in terms.scope and terms.basis is not BalanceBasis.OPEN:
        return f"a balance by {terms.basis} is kept, and books are not in the scope"
    return ""


def _open_tolerance(terms: Terms) -> str:
    if terms.basis is BalanceBasis.OPEN and terms.tolerance is not None:
        return "there is a tolerance, and the basis OPEN keeps no balance"
    return ""


def _blanket_allowance(field: str) -> Callable[[Terms], str]:
    def rule(terms: Terms) -> str:
        if terms.mode is Mode.BLANKET and getattr(terms, field) is not None:
            return (
                "a BLANKET exchange gives all that appears: nothing is wished for, and there "
                "is no allowance"
            )
        return ""

    return rule


def _blanket_choice(terms: Terms) -> str:
    if terms.mode is Mode.BLANKET and terms.subjects:
        return "a BLANKET exchange is not of some subjects: that is SPECIFIED or SELECTIVE"
    return ""


# In the order of the fields as people fill them in.
RULES: Final[Sequence[tuple[str, Callable[[Terms], str]]]] = (
    ("title", _no_title),
    ("scope", _no_scope),
    ("parties", _no_party),
    ("starts_on", _end_without_start),
    ("ends_on", _ends_first),
    ("ends_on", _ends_unsigned),
    ("renews", _renews_without_term),
    ("basis", _basis_without_books),
    ("tolerance", _open_tolerance),
    ("tolerance", _without_books("tolerance", "a tolerance")),
    ("allowance_first", _without_books("allowance_first", "a first allowance")),
    ("allowance_first", _blanket_allowance("allowance_first")),
    ("allowance_per_year", _without_books("allowance_per_year", "a yearly allowance")),
    ("allowance_per_year", _blanket_allowance("allowance_per_year")),
    ("subjects", _without_books("subjects", "a choice of subjects")),
    ("subjects", _blanket_choice),
    ("languages", _without_books("languages", "a choice of languages")),
)
# Of what two agreements about books with one partner may not hold two opinions at a time.
_ONE_OPINION: Final = (
    "mode",
    "basis",
    "tolerance",
    "allowance_first",
    "allowance_per_year",
    "postage",
)


def contradictions(agreement: Agreement, others: Iterable[Agreement]) -> list[Contradiction]:
    """Return all that cannot stand, in the agreement and beside ``others`` that run.

    An agreement that is not signed yet contradicts no other: :func:`warnings` tells of it then.
    """
    terms = agreement.terms
    found = [Contradiction(field, told) for field, rule in RULES if (told := rule(terms))]
    found += _in_activities(terms)
    found += _unsigned(agreement)
    found += _other_term(agreement)
    if agreement.state in RUNNING:
        found += _beside(agreement, others)
    return found


def as_one(
    code: str, mine: Iterable[Agreement], into: str, theirs: Sequence[Agreement]
) -> list[str]:
    """Return what could not stand if partner ``code`` and partner ``into`` were one, in sentences.

    ``mine`` and ``theirs`` are the agreements of either. Each sentence names two of them.
    """
    found = []
    for each in mine:
        parties = tuple(
            party._replace(partner=into) if party.partner == code else party
            for party in each.terms.parties
        )
        renamed = replace(each, terms=replace(each.terms, parties=parties))
        if each.state in RUNNING:
            found += [
                f"agreement {each.public_id} ({each.terms.title}) with {code}: {told.sentence}"
                for told in _beside(renamed, theirs)
            ]
    return found


def warnings(agreement: Agreement, others: Iterable[Agreement], documents: int) -> list[str]:
    """Return what may stand, and should be looked at by a person."""
    terms = agreement.terms
    found: list[str] = []
    if terms.signed_on and terms.starts_on and terms.signed_on > terms.starts_on:
        found.append(
            f"it was signed on {terms.signed_on} and starts before, on {terms.starts_on}: it holds "
            "for what was given between these days"
        )
    if terms.allowance_first is not None and terms.allowance_per_year is None:
        found.append("nothing is agreed about the years after the first: then there is no bound")
    if terms.basis is BalanceBasis.VALUE and terms.tolerance is not None:
        found.append("a balance by VALUE bounds no allocation: books have no prices there")
    if agreement.state in RUNNING and not documents:
        found.append("it is signed, and its document is not filed here")
    if agreement.state not in RUNNING:
        found += [each.sentence for each in _beside(agreement, others)]
    return found


def _in_activities(terms: Terms) -> Iterator[Contradiction]:
    for place, activity in enumerate(terms.activities, 1):
        for told in _of_activity(activity, terms):
            yield Contradiction("activities", f"activity {place} ({activity.title}) {told}")


def _of_activity(activity: Activity, terms: Terms) -> Iterator[str]:
    starts, ends = activity.starts_on, activity.ends_on
    if terms.scope and activity.kind not in terms.scope:
        yield f"is of kind {activity.kind}, which is not in the scope"
    if starts and ends and ends < starts:
        yield f"ends on {ends}, before it starts on {starts}"
    days = [day for day in (starts, ends) if day]
    if terms.starts_on and any(day < terms.starts_on for day in days):
        yield f"begins before the agreement does, on {terms.starts_on}"
    if terms.ends_on and not terms.renews and any(day > terms.ends_on for day in days):
        yield f"goes on after the agreement ends, on {terms.ends_on}"


def _unsigned(agreement: Agreement) -> Iterator[Contradiction]:
    if agreement.state not in RUNNING:
        return
    if agreement.terms.signed_on is None:
        yield Contradiction("signed_on", "say on which day it was signed")
    if agreement.terms.starts_on is None:
        yield Contradiction("starts_on", "say on which day it starts")


# Later terms may be of another length, as it was agreed then.
_FIRST_TERM: Final = frozenset(
    {AgreementState.PROPOSED, AgreementState.NEGOTIATION, AgreementState.SIGNED}
)


def _other_term(agreement: Agreement) -> Iterator[Contradiction]:
    terms = agreement.terms
    if not (terms.starts_on and terms.ends_on and terms.term_months):
        return
    if agreement.state not in _FIRST_TERM or terms.ends_on < terms.starts_on:
        return
    end = end_of_term(terms.starts_on, terms.term_months)
    if end != terms.ends_on:
        yield Contradiction(
            "term_months",
            f"a term of {terms.term_months} months from {terms.starts_on} ends on {end}, "
            f"not on {terms.ends_on}",
        )


def _beside(agreement: Agreement, others: Iterable[Agreement]) -> Iterator[Contradiction]:
    terms = agreement.terms
    if Scope.BOOKS not in terms.scope:
        return
    partners = {party.partner for party in terms.parties}
    for other in others:
        theirs = other.terms
        both = [party.partner for party in theirs.parties if party.partner in partners]
        if (
            not both
            or other.id == agreement.id
            or other.state not in RUNNING
            or Scope.BOOKS not in theirs.scope
            or not _overlap(agreement, other)
        ):
            continue
        for field in _ONE_OPINION:
            mine, other_value = getattr(terms, field), getattr(theirs, field)
            if mine != other_value:
                yield Contradiction(
                    field,
                    f"{field} is {_told(mine)} here and {_told(other_value)} in agreement "
                    f"{other.public_id} ({theirs.title}) with {both[0]}, which runs at the same "
                    "time",
                )


def _told(value: object) -> str:
    return "open" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _overlap(one: Agreement, other: Agreement) -> bool:
    return _begin(one) <= _end(other) and _begin(other) <= _end(one)


def _begin(agreement: Agreement) -> date:
    return agreement.terms.starts_on or date.min


def _end(agreement: Agreement) -> date:
    terms = agreement.terms
    goes_on = terms.ends_on is None or (
        terms.renews and agreement.state is not AgreementState.SUSPENDED
    )
    return date.max if goes_on else terms.ends_on or date.max
