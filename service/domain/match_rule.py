"""What a number or a title in common is worth when a wish is laid beside an offer: the whole table.

A rule stands for one kind of key. The first that a wish and an offer share decides, strongest
first; what the two say against it lowers the score (``marc_mappings.match_score``). A site may give
a rule another score, and move the two thresholds: below ``match`` an offer is not thought of, from
``match`` on it is proposed, from ``register`` on the wish is registered at once. Some rules never
register, whatever their score: what they stand for covers more than one piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from marc_mappings.keys.key_kinds import BARE_KINDS, EDITION_KINDS, IDENTIFIER_KINDS, TITLE_KINDS
from marc_mappings.match_score import Relation, Weight
from service.domain.wish import Outcome
from service.errors import Invalid


class Rule(NamedTuple):
    """One kind in common: what it is worth (0 to 100), what it means, and how it is said.

    ``name`` is what the kind is called; ``at_most`` the best answer that it can give.
    """

    score: int
    relation: Relation
    reason: str
    name: str
    at_most: Outcome = Outcome.REGISTERED


_R, _M = Outcome.REGISTERED, Outcome.MATCHED

# Strongest first. {} is the value, {title}, {part}, {year} and {scripts} what a title key says.
RULES: Final[Mapping[str, Rule]] = {
    "control": Rule(100, "same", "the same control number {}", "control number"),
    "isbn": Rule(100, "same", "the same ISBN {}", "ISBN"),
    "ismn": Rule(100, "same", "the same ISMN {}", "ISMN"),
    "doi": Rule(100, "same", "the same DOI {}", "DOI"),
    "other_id": Rule(100, "same", "the same identifier {}", "identifier"),
    "csbn": Rule(
        100, "same", "the same unified book number (统一书号) {}", "unified book number (统一书号)"
    ),
    "lccn": Rule(100, "same", "the same LC control number {}", "LC control number"),
    "nbn": Rule(
        100, "same", "the same national bibliography number {}", "national bibliography number"
    ),
    "title": Rule(
        85, "same", "the same title “{title}”{part}, author and year {year}", "title, author, year"
    ),
    "title_sound": Rule(
        80,
        "maybe",
        "the same title in {scripts}{part}, the same author, {year}",
        "title by its sound, author, year",
    ),
    "control_cancelled": Rule(
        70, "maybe", "control number {}, which one of them had before", "former control number", _M
    ),
    "isbn_cancelled": Rule(
        65, "maybe", "ISBN {}, which is cancelled or wrong in one of them", "cancelled ISBN", _M
    ),
    "issn": Rule(60, "maybe", "the same ISSN {}", "ISSN", _M),
    "title_author": Rule(
        70, "maybe", "the same title “{title}”{part} and author", "title and author"
    ),
    "title_year": Rule(
        60, "maybe", "the same title “{title}”{part} and year {year}", "title and year"
    ),
    "title_sound_year": Rule(
        55, "maybe", "the same title in {scripts}{part}, {year}", "title by its sound, year"
    ),
    "title_uniform": Rule(
        50, "other edition", "the same uniform title “{title}”{part}", "uniform title"
    ),
    "isbn_set": Rule(50, "maybe", "the ISBN of the same set {}", "ISBN of a set", _M),
    "title_alone": Rule(50, "maybe", "the same title “{title}”{part}", "title alone"),
    "title_sound_alone": Rule(
        45, "maybe", "the same title in {scripts}{part}", "title by its sound alone"
    ),
    "issn_cancelled": Rule(
        40, "maybe", "ISSN {}, which is cancelled or wrong in one of them", "cancelled ISSN", _M
    ),
}
# Two titles of one author and year that are spelt a little differently.
SIMILAR: Final = "title_similar"
REGISTER, MATCH = "register", "match"
OTHERS: Final[Mapping[str, tuple[int, str]]] = {
    SIMILAR: (50, "a title spelt much alike, the same author and year"),
    REGISTER: (90, "from this score on a wish is registered at once"),
    MATCH: (40, "from this score on an offer is proposed, and the partner confirms"),
}
NAMES: Final = (*RULES, *OTHERS)

# The kind of a key made of author, year and the first letters of a title: under it are looked for
# titles that are spelt alike.
AUTHOR_YEAR: Final = "author_year"
TITLES: Final = frozenset({*TITLE_KINDS, *BARE_KINDS, AUTHOR_YEAR})
# Offers of one key that are looked at. A title that more share tells nobody which is meant.
MOST: Final = 25
COMPARED: Final = frozenset({*RULES, *EDITION_KINDS})
LOOKED_UP: Final = frozenset({*IDENTIFIER_KINDS, *TITLES})
# A current number of one side may be a former number of the other.
ALSO: Final[Mapping[str, str]] = {
    "isbn": "isbn_cancelled",
    "isbn_cancelled": "isbn",
    "issn": "issn_cancelled",
    "issn_cancelled": "issn",
    "control": "control_cancelled",
    "control_cancelled": "control",
}

if set(RULES) != {*IDENTIFIER_KINDS, *TITLE_KINDS, *BARE_KINDS}:
    raise AssertionError("every kind by which offers are looked up needs its rule")


class Rules(NamedTuple):
    """The table as it holds at a site: the scores by the names in ``NAMES``."""

    scores: Mapping[str, int]
    weights: Mapping[str, Weight]

    @property
    def register(self) -> int:
        """The score from which on a wish is registered at once."""
        return self.scores[REGISTER]

    @property
    def match(self) -> int:
        """The score from which on an offer is proposed."""
        return self.scores[MATCH]


def of_site(changed: Mapping[str, int]) -> Rules:
    """Return the table with the scores that a site has changed.

    >>> of_site({"title": 95}).scores["title"], of_site({}).register
    (95, 90)
    """
    scores = {name: rule.score for name, rule in RULES.items()}
    scores |= {name: score for name, (score, _) in OTHERS.items()}
    scores |= {name: score for name, score in changed.items() if name in scores}
    weights = {
        kind: Weight(scores[kind], rule.relation, rule.reason) for kind, rule in RULES.items()
    }
    return Rules(scores, weights)


DEFAULT: Final = of_site({})


def check(name: str, score: int, others: Rules) -> None:
    """Refuse a score for a rule that there is not, out of range, or thresholds that cross."""
    if name not in NAMES:
        raise Invalid(f"there is no match rule {name!r}; there are {', '.join(NAMES)}", "name")
    if not 0 <= score <= 100:
        raise Invalid("the score of a match rule is a number from 0 to 100", "score")
    after = {**others.scores, name: score}
    if after[REGISTER] <= after[MATCH]:
        raise Invalid(
            f"wishes would be registered from {after[REGISTER]} on and offers proposed from "
            f"{after[MATCH]} on; the first must be above the second",
            "score",
        )


def meaning(name: str) -> str:
    """Return what a rule is about, in words."""
    return OTHERS[name][1] if name in OTHERS else RULES[name].name
