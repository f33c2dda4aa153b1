"""MARC 21 to unqualified Dublin Core (oai_dc), the metadata every OAI-PMH harvester can read.

The rows follow the Library of Congress crosswalk. Where it leaves a choice: main entries are
creators, added entries contributors; the publisher is the name without the place; a title (name,
publisher) in its own script is an element of its own; nothing is said that the record does not say.

Source: MARC to Dublin Core Crosswalk, https://www.loc.gov/marc/marc2dc.html; OAI-PMH 2.0,
https://www.openarchives.org/OAI/2.0/oai_dc.xsd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from marc_mappings import codes, spec, steps, summary
from marc_mappings.keys import identifiers
from marc_mappings.record import Field, Record
from marc_mappings.rules import EVERY, Loss, Row, Step, Table

SOURCE: Final = "MARC 21"
TARGET: Final = "oai_dc"
OTHERWISE: Final = "A field that no row names and DROPPED does not explain is reported as lost."

ELEMENTS: Final = (
    "title",
    "creator",
    "contributor",
    "subject",
    "description",
    "publisher",
    "date",
    "type",
    "format",
    "identifier",
    "source",
    "language",
    "relation",
    "coverage",
    "rights",
)

_RANK: Final = {element: rank for rank, element in enumerate(ELEMENTS)}

# What a row makes: the rank of an element and its value.
Element = tuple[int, str]
# (code, value) of each subfield of a field.
Subfields = Sequence[tuple[str, str]]
Take = Callable[[Subfields], Iterable[str]]

_LC = "LC crosswalk"
_NO_MARKS = (steps.without_non_sorting_marks, steps.trim_isbd)


@dataclass(frozen=True, slots=True)
class Say:
    """What a row does: an element from a place, through steps.

    ``take`` is for what subfields joined by blanks cannot say: a function from the subfields to
    values; the place then only chooses the fields.
    """

    rank: int
    place: spec.Place
    steps: tuple[Step, ...]
    take: Take | None = None

    def __call__(self, field: Field, _: Record) -> list[Element]:
        """Return the elements of one field."""
        found = []
        for text in self.take(field.subfields) if self.take else (self.place.text(field),):
            for step in self.steps:
                text = step(text)
            if text:
                found.append((self.rank, text))
        return found


def element(
    name: str,
    place: str,
    row_steps: tuple[Step, ...],
    source: str,
    take: Take | None = None,
) -> Row[Element]:
    """Return a row of this mapping: ``name`` from ``place``, through steps, as ``source`` has it.

    Raises ``ValueError`` for a wrong row.
    """
    if name not in _RANK:
        raise ValueError(f"Wrong row {name} <- {place}: there is no element {name!r}")
    if not all(callable(step) for step in row_steps):
        raise ValueError(f"Wrong row {name} <- {place}: a step is no function")
    words = [step.__name__.replace("_", " ") for step in row_steps]
    if take:
        words.insert(0, (take.__doc__ or "").partition("\n")[0].rstrip("."))
    say = Say(_RANK[name], spec.place(place), row_steps, take)
    return Row(place, f"dc:{name}", ", ".join(words), source, say, EVERY)


def _isbns(subfields: Subfields) -> list[str]:
    """A valid ISBN as URN; another as it stands, without a claim about what it is."""
    return [
        f"URN:ISBN:{number}" if (number := identifiers.isbn13(value)) else value.strip()
        for code, value in subfields
        if code == "a"
    ]


def _issns(subfields: Subfields) -> list[str]:
    """A valid ISSN as URN; another as it stands."""
    return [
        f"URN:ISSN:{number}" if (number := identifiers.issn8(value)) else value.strip()
        for code, value in subfields
        if code == "a"
    ]


def _other_identifiers(subfields: Subfields) -> list[str]:
    """A DOI as its address; another as it stands."""
    return [
        f"https://doi.org/{doi}" if (doi := identifiers.doi(value)) else value.strip()
        for code, value in subfields
        if code == "a"
    ]


def _locations(subfields: Subfields) -> list[str]:
    """Each address."""
    return [value for code, value in subfields if code == "u"]


def _subdivided(subfields: Subfields) -> list[str]:
    """A heading with its subdivisions: ``Women -- Fiction``."""
    head = " ".join([value for code, value in subfields if code in "abcdefghjklmnopqrstu"])
    parts = [head, *[value for code, value in subfields if code in "vxyz"]]
    return [" -- ".join(filter(None, map(steps.trim_isbd, parts)))]


def _keywords(subfields: Subfields) -> list[str]:
    """Each keyword."""
    return [value for code, value in subfields if code == "a"]


_NOTES = (
    *(500, 501, 502, 504, 505, 508, 511, 513, 515, 518, 520, 521, 522, 525, 533, 534),
    *(538, 545, 550, 555, 580, 585, 586, 588),
)
_SERIES = (
    *("440anpv", "490av", "800adfklmnoprstv", "810abfklmnoprstv", "811acfklnpstv", "830anpv"),
)

RULES: Final = (
    element("title", "245abfgknps", _NO_MARKS, f"{_LC}: 245"),
    element("creator", "100abcdgjq", _NO_MARKS, f"{_LC}: 100, main entry"),
    element("creator", "110abcdgn", _NO_MARKS, f"{_LC}: 110, main entry"),
    element("creator", "111acdegnq", _NO_MARKS, f"{_LC}: 111, main entry"),
    element("contributor", "700abcdgjq", _NO_MARKS, f"{_LC}: 700"),
    element("contributor", "710abcdgn", _NO_MARKS, f"{_LC}: 710"),
    element("contributor", "711acdegnq", _NO_MARKS, f"{_LC}: 711"),
    element("contributor", "720a", _NO_MARKS, f"{_LC}: 720"),
    *(
        element("subject", tag, (), f"{_LC}: {tag}", _subdivided)
        for tag in ("600", "610", "611", "630", "650")
    ),
    element("subject", "653a", (steps.trim_isbd,), f"{_LC}: 653", _keywords),
    *(
        element("description", f"{tag}", (str.strip,), f"{_LC}: 500-599 but 506, 530, 540, 546")
        for tag in _NOTES
    ),
    element("publisher", "260b", _NO_MARKS, f"{_LC}: 260"),
    element(
        "publisher", "264|*1|b", _NO_MARKS, f"{_LC}: 260; 264 second indicator 1 is publication"
    ),
    element("type", "655a", (steps.trim_isbd,), f"{_LC}: 655"),
    element("format", "300abce", (steps.trim_isbd,), f"{_LC}: 300 (extent)"),
    element("format", "856q", (str.strip,), f"{_LC}: 856 $q"),
    element("identifier", "020", (), f"{_LC}: 020", _isbns),
    element("identifier", "022", (), f"{_LC}: 022", _issns),
    element("identifier", "024", (), f"{_LC}: 024", _other_identifiers),
    element("identifier", "856u", (str.strip,), f"{_LC}: 856 $u", _locations),
    element("source", "786ot", (steps.trim_isbd,), f"{_LC}: 786"),
    element("relation", "530", (str.strip,), f"{_LC}: 530"),
    *(
        element("relation", place, (steps.trim_isbd,), f"{_LC}: 440, 490, 800-830")
        for place in _SERIES
    ),
    *(
        element("relation", f"{tag}ast", (steps.trim_isbd,), f"{_LC}: 760-787 $o $t")
        for tag in (760, 762, 765, 767, 770, 772, 773, 774, 775, 776, 777, 780, 785, 787)
    ),
    element("coverage", "651", (), f"{_LC}: 651", _subdivided),
    element("coverage", "662abcdfgh", (steps.trim_isbd,), f"{_LC}: 662"),
    element("coverage", "751a", (steps.trim_isbd,), f"{_LC}: 751"),
    element("coverage", "752abcdfgh", (steps.trim_isbd,), f"{_LC}: 752"),
    element("rights", "506", (str.strip,), f"{_LC}: 506"),
    element("rights", "540", (str.strip,), f"{_LC}: 540"),
)

# Tag -> why no row takes it, so that it is not called lost.
DROPPED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("001", "003", "005"), "numbers and dates of the record, not of the book"),
    **dict.fromkeys(("006", "007"), "codes; the form is said in words in 300 and 655"),
    "008": "read for date and language",
    **dict.fromkeys(("040", "042", "066", "883", "884"), "about the cataloguing"),
    "041": "read for language",
    **dict.fromkeys(("010", "015", "016", "035"), "numbers of records, not of the book"),
    **dict.fromkeys(
        ("050", "055", "060", "070", "080", "082", "083", "084", "086", "090"),
        "class numbers; unqualified Dublin Core cannot say of which scheme",
    ),
    **dict.fromkeys(("043", "044", "045", "046", "047", "048"), "codes without words"),
    **dict.fromkeys(("336", "337", "338"), "said by the type"),
}

_TABLE: Final = Table(RULES, DROPPED)

# Leader/06 to DCMI type. Source: LC crosswalk, "Type"; m is software where 008/26 is not known.
_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys("acdt", "Text"),
    **dict.fromkeys("efk", "Image"),
    "g": "MovingImage",
    **dict.fromkeys("ij", "Sound"),
    "m": "Software",
    **dict.fromkeys("op", "Collection"),
    "r": "PhysicalObject",
}


def convert(record: Record) -> tuple[tuple[tuple[str, str], ...], tuple[Loss, ...]]:
    """Return ((element, value), ...) in the order of ``ELEMENTS``, and what was lost.

    A value is text of one line, never empty; the same value is said once per element. What
    ``DROPPED`` gives up with a reason is no loss: Dublin Core is a summary.
    """
    found, losses = _TABLE.convert(record)
    pairs = sorted(dict.fromkeys([*coded(record), *found]), key=itemgetter(0))
    lost = tuple(loss for loss in losses if not loss.reason)
    return tuple((ELEMENTS[rank], value) for rank, value in pairs), lost


# What ``coded`` reads.
CODED: Final = frozenset(("008", "041", "260", "264"))


def coded(record: Record) -> list[Element]:
    """Return what the leader and the fixed field say: type, date, languages."""
    found = []
    if dcmi := _TYPES.get(record.leader[6:7]):
        found.append((_RANK["type"], dcmi))
    if date := summary.published(record):
        found.append((_RANK["date"], date))
    for code in summary.languages(record):
        if language := codes.iso_language(code):
            found.append((_RANK["language"], language))
    return found
