"""Standing wishes: what a partner always looks for, and whether a title is that.

A standing wish is a query. Each of its criteria that has values must be met, each by one of its
values. The criteria are a table; a title that meets all of them is told with a sentence that says
by what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple

from marc_mappings import search_terms
from service.domain.description import Description, Said, number

LAST_YEAR: Final = 2999


class StandingWishState(StrEnum):
    """Whether a standing wish is looked after."""

    ACTIVE = "ACTIVE"
    STOPPED = "STOPPED"


@dataclass(frozen=True)
class Query:
    """What is looked for. A criterion without values asks for nothing.

    ``words`` stand in a title, ``subjects``, ``authors``, ``series`` and ``publishers`` in the
    heading of their kind; of a value all words must stand in one heading, in any order. ``classes``
    are beginnings of class numbers, ``languages`` MARC codes, ``places`` of publication ISO 3166-1
    alpha-2. ``year_from`` and ``year_to`` are years of publication, both included; 0: no bound.
    """

    words: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    year_from: int = 0
    year_to: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in FIELDS)

    @cached_property
    def terms(self) -> Mapping[str, Sequence[frozenset[str]]]:
        """The terms of each value, by criterion, of the criteria that are met by words."""
        return {
            name: [frozenset(search_terms.of_text(each)) for each in getattr(self, name)]
            for name in _HEADINGS
        }

    def as_json(self) -> dict[str, Any]:
        """Return the criteria that have values."""
        return {
            name: list(found) if isinstance(found, tuple) else found
            for name in FIELDS
            if (found := getattr(self, name))
        }


FIELDS: Final = tuple(each.name for each in fields(Query))


def from_json(kept: Mapping[str, Any]) -> Query:
    """Return the query that was kept as ``as_json`` has it."""
    values: dict[str, Any] = dict(kept)
    for name, value in kept.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return Query(**values)


class StandingWish(NamedTuple):
    """A standing wish of a partner. ``registers``: what meets it is wished for, not only told."""

    id: int
    public_id: str
    partner_code: str
    title: str
    query: Query
    registers: bool
    state: StandingWishState
    created_at: datetime
    matches: int = 0


class Match(NamedTuple):
    """A title that met a standing wish, why, and when."""

    offer: str
    title: str
    list_slug: str
    reason: str
    matched_at: datetime


# --- what meets it ------------------------------------------------------------------------------

# The criteria that are met by words, and the kind of text in which they must stand.
_HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "words": ("titles", "the title has “{}”"),
    "subjects": ("subjects", "its subject is “{}”"),
    "authors": ("authors", "by “{}”"),
    "series": ("series", "in the series “{}”"),
    "publishers": ("publishers", "published by “{}”"),
}


def _by_words(name: str) -> Callable[[Query, Description], str]:
    kind, sentence = _HEADINGS[name]

    def met(query: Query, described: Description) -> str:
        texts: Sequence[Said] = getattr(described, kind)
        for value, terms in zip(getattr(query, name), query.terms[name], strict=True):
            for said in texts:
                if terms <= said.terms:
                    return sentence.format(value if name == "words" else said.text)
        return ""

    return met


def _by_class(query: Query, described: Description) -> str:
    for wanted in query.classes:
        for each in described.classes:
            if each.startswith(number(wanted)):
                return f"class {wanted}"
    return ""


def _by_code(name: str, sentence: str) -> Callable[[Query, Description], str]:
    def met(query: Query, described: Description) -> str:
        wanted = getattr(query, name)
        found = next((code for code in getattr(described, name) if code in wanted), "")
        return sentence.format(found) if found else ""

    return met


def _by_year(query: Query, described: Description) -> str:
    last = query.year_to or LAST_YEAR
    return f"of {described.year}" if query.year_from <= described.year <= last else ""


class Criterion(NamedTuple):
    """What of a query must be met: whether it asks for it, and how it is, in words ("" if not)."""

    asks: Callable[[Query], Any]
    met: Callable[[Query, Description], str]


# In the order in which they tell a title apart, the strongest first.
CRITERIA: Final[Mapping[str, Criterion]] = {
    "authors": Criterion(lambda query: query.authors, _by_words("authors")),
    "series": Criterion(lambda query: query.series, _by_words("series")),
    "words": Criterion(lambda query: query.words, _by_words("words")),
    "subjects": Criterion(lambda query: query.subjects, _by_words("subjects")),
    "publishers": Criterion(lambda query: query.publishers, _by_words("publishers")),
    "classes": Criterion(lambda query: query.classes, _by_class),
    "places": Criterion(
        lambda query: query.places, _by_code("places", "the place of publication is {}")
    ),
    "languages": Criterion(lambda query: query.languages, _by_code("languages", "language {}")),
    "years": Criterion(lambda query: query.year_from or query.year_to, _by_year),
}


def meets(query: Query, described: Description) -> str:
    """Return why a title meets a query, as a sentence; "" where it does not.

    >>> from service.domain.description import said_of
    >>> book = Description(
    ...     subjects=(said_of("Mongolia -- History"),), languages=("mon",), year=2019
    ... )
    >>> meets(Query(subjects=("history",), languages=("mon", "rus")), book)
    'Its subject is “Mongolia -- History”; language mon.'
    >>> meets(Query(subjects=("history",), year_from=2020), book)
    ''
    """
    reasons: list[str] = []
    for criterion in CRITERIA.values():
        if criterion.asks(query):
            reason = criterion.met(query, described)
            if not reason:
                return ""
            reasons.append(reason)
    said = "; ".join(reasons)
    return f"{said[0].upper()}{said[1:]}." if said else ""


# --- many at once ---------------------------------------------------------------------------------

Token = tuple[str, str]


def filed_under(query: Query) -> frozenset[Token]:
    """Return tokens of the strongest criterion of a query: what meets it has one of them."""
    for name, criterion in CRITERIA.items():
        if criterion.asks(query):
            if name in _HEADINGS:
                return frozenset((name, _longest(terms)) for terms in query.terms[name])
            if name == "classes":
                return frozenset((name, number(each)) for each in query.classes)
            if name == "years":
                return frozenset({(name, "")})
            return frozenset((name, code) for code in getattr(query, name))
    return frozenset()


def _longest(terms: frozenset[str]) -> str:
    return max(terms, key=lambda term: (len(term), term))


def tokens(described: Description) -> Iterator[Token]:
    """Yield every token under which a query may be filed that a title meets."""
    for name, (kind, _) in _HEADINGS.items():
        for said in getattr(described, kind):
            for term in said.terms:
                yield name, term
    for each in described.classes:
        for end in range(1, len(each) + 1):
            yield "classes", each[:end]
    for name in ("places", "languages"):
        for code in getattr(described, name):
            yield name, code
    if described.year:
        yield "years", ""
