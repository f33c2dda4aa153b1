"""MARC 21 to unqualified Dublin Core (oai_dc), the metadata every OAI-PMH harvester can read.

The rows follow the Library of Congress crosswalk. Where it leaves a choice: main entries are
creators, added entries contributors; the publisher is the name without the place; a title (name,
publisher) in its own script is an element of its own; nothing is said that the record does not say.

Source: MARC to Dublin Core Crosswalk, https://www.loc.gov/marc/marc2dc.html; OAI-PMH 2.0,
https://www.openarchives.org/OAI/2.0/oai_dc.xsd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from marc_mappings import codes, encodings, identifiers, spec, steps, summary
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

_LC = "LC crosswalk"
_NO_MARKS = (steps.without_non_sorting_marks, steps.trim_isbd)


def element(
    name: str,
    place: str,
    row_steps: tuple[Step, ...],
    source: str,
    take: Callable[[Field], Iterable[str]] | None = None,
) -> Row[Element]:
    """Return a row of this mapping: ``name`` from ``place``, through steps, as ``source`` has it.

    ``take`` is for what subfields joined by blanks cannot say: a function from the field to its
    values; the place then only chooses the fields. Raises ``ValueError`` for a wrong row.
    """
    if name not in _RANK:
        raise ValueError(f"Wrong row {name} <- {place}: there is no element {name!r}")
    if not all(callable(step) for step in row_steps):
        raise ValueError(f"Wrong row {name} <- {place}: a step is no function")
    rank, parsed = _RANK[name], spec.place(place)

    def make(field: Field, _: Record) -> list[Element]:
        found = []
        for text in take(field) if take else (parsed.text(field),):
            for step in row_steps:
                text = step(text)
            if text:
                found.append((rank, text))
        return found

    names = [step.__name__.replace("_", " ") for step in row_steps]
    words = [(take.__doc__ or take.__name__).strip().partition("\n")[0]] if take else []
    return Row(place, f"dc:{name}", ", ".join(words + names), source, make, EVERY)


def _isbns(field: Field) -> Iterator[str]:
    """A valid ISBN as URN; another as it stands, without a claim about what it is."""
    for value in field.all("a"):
        number = identifiers.isbn13(value)
        yield f"URN:ISBN:{number}" if number else value.strip()


def _issns(field: Field) -> Iterator[str]:
    for value in field.all("a"):
        number = identifiers.issn8(value)
        yield f"URN:ISSN:{number}" if number else value.strip()


def _other_identifiers(field: Field) -> Iterator[str]:
    for value in field.all("a"):
        doi = identifiers.doi(value)
        yield f"https://doi.org/{doi}" if doi else value.strip()


def _locations(field: Field) -> Iterator[str]:
    return field.all("u")


def _subdivided(field: Field) -> Iterator[str]:
    """A heading with its subdivisions: ``Women -- Fiction``."""
    head = " ".join(value for code, value in field.subfields if code in "abcdefghjklmnopqrstu")
    parts = [head, *field.all("vxyz")]
    yield " -- ".join(trimmed for part in parts if (trimmed := steps.trim_isbd(part)))


def _keywords(field: Field) -> Iterator[str]:
    return field.all("a")


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
    pairs = sorted(dict.fromkeys([*_coded(record), *found]), key=_rank)
    lost = tuple(loss for loss in losses if not loss.reason)
    return tuple((ELEMENTS[rank], value) for rank, value in pairs), lost


def _rank(pair: Element) -> int:
    return pair[0]


def _coded(record: Record) -> list[Element]:
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


_OPEN: Final = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/ '
    'http://www.openarchives.org/OAI/2.0/oai_dc.xsd">'
)


def write(record: Record) -> bytes:
    """Return one ``oai_dc:dc`` element in UTF-8, without prolog, well-formed and valid."""
    parts = [_OPEN]
    for element, value in convert(record)[0]:
        if "&" in value or "<" in value or ">" in value:
            value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts.append(f"<dc:{element}>{value}</dc:{element}>")
    parts.append("</oai_dc:dc>")
    text = "".join(parts)
    return (text if text.isprintable() else encodings.without_junk(text)).encode("utf-8")
