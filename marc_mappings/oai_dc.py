"""The oai_dc document of a record: the statements of ``marc21_to_dc`` written as XML.

An import makes this form of every record, and making fields first of all that Dublin Core does not
name would be half of the work; so sound records are read here by the same rows without that. The
tests prove over real records that both ways give the same bytes.

Source: OAI-PMH 2.0, https://www.openarchives.org/OAI/2.0/oai_dc.xsd.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Final, cast

from marc_mappings import encodings, marc21_to_dc, steps
from marc_mappings.framing import sound
from marc_mappings.framing.marcxml_text import escaped
from marc_mappings.framing.sound import Sound
from marc_mappings.marc21_to_dc import CODED, ELEMENTS, Element, Say, Take
from marc_mappings.record import Record
from marc_mappings.rules import Step
from marc_mappings.spec import Place

_OPEN: Final = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/ '
    'http://www.openarchives.org/OAI/2.0/oai_dc.xsd">'
)


def write(content: Record | Sound) -> bytes:
    """Return one ``oai_dc:dc`` element in UTF-8, without prolog, well-formed and valid."""
    if isinstance(content, Sound):
        # Nothing in it needs to be replaced, or it would not be sound.
        return _joined(_statements(content), has_markup=content.has_markup).encode("utf-8")
    text = _joined(marc21_to_dc.convert(content)[0])
    return (text if text.isprintable() else encodings.without_junk(text)).encode("utf-8")


def _joined(pairs: Iterable[tuple[str, str]], *, has_markup: bool = True) -> str:
    """Return the ``oai_dc:dc`` element of (element, value) pairs, escaped."""
    if has_markup:
        pairs = [(element, escaped(value)) for element, value in pairs]
    statements = [f"<dc:{element}>{value}</dc:{element}>" for element, value in pairs]
    return f"{_OPEN}{''.join(statements)}</oai_dc:dc>"


# What the rows say of each tag: rank, the place if it asks for indicators, codes, steps, take.
_SAYS: Final[
    dict[str, tuple[tuple[int, Place | None, frozenset[str], tuple[Step, ...], Take | None], ...]]
] = {}
for _row in marc21_to_dc.RULES:
    _say = cast("Say", _row.make)
    _place = _say.place
    _asking = _place if _place.first or _place.second else None
    _SAYS[_place.tag] = (
        *_SAYS.get(_place.tag, ()),
        (_say.rank, _asking, _place.codes, _say.steps, _say.take),
    )


def _statements(pieces: Sound) -> list[tuple[str, str]]:
    """Return the statements of ``marc21_to_dc.convert``."""
    pairs = list(zip(pieces.tags, pieces.texts, strict=True))
    found = _coded(pieces.leader[6:7], [pair for pair in pairs if pair[0] in CODED])
    for tag, text in pairs:
        if tag == "880":
            # $6 is nearly always first, and what is no tag there is said nothing of here.
            usual = text[2:4] == "\x1f6" and text[7:8] == "-"
            tag = text[4:7] if usual else sound.linked_tag(text)
        if tag in _SAYS:
            found += _of_heading(tag, text) if tag[0] == "6" else _elements(tag, text)
    said = sorted(dict.fromkeys(found), key=itemgetter(0))
    return [(ELEMENTS[rank], value) for rank, value in said]


def _coded(kind: str, pairs: list[tuple[str, str]]) -> list[Element]:
    """Return what ``marc21_to_dc.coded`` says of a record's type and (tag, text) of its fields."""
    tags = [tag for tag, _ in pairs]
    control = pairs[tags.index("008")][1] if "008" in tags else ""
    # A record that states its year and has no 041 says no more than thousands of others.
    if "041" not in tags and steps.year(control[7:11]):
        return [*_usual(kind, control[7:11], control[35:38])]
    fields = tuple([sound.field(*pair) for pair in pairs])
    return marc21_to_dc.coded(Record(kind.rjust(7), fields))


@lru_cache(maxsize=4096)
def _usual(kind: str, year: str, language: str) -> tuple[Element, ...]:
    control = sound.field("008", f"{year:>11}{'':24}{language}")
    return tuple(marc21_to_dc.coded(Record(kind.rjust(7), (control,))))


def _elements(tag: str, text: str) -> list[Element]:
    """Return what the rows of ``tag`` say of a field."""
    # Of each subfield its code, and its value right behind it.
    parts = text[3:].split("\x1f")
    found: list[Element] = []
    for rank, asking, codes, row_steps, take in _SAYS[tag]:
        if asking and not asking.admits(text[:2]):
            continue
        if take:
            values = take([(part[0], part[1:]) for part in parts])
        else:
            values = (" ".join([part[1:] for part in parts if part[0] in codes]),)
        for value in values:
            for step in row_steps:
                value = step(value)
            if value:
                found.append((rank, value))
    return found


# Subject headings come from a controlled vocabulary: the same ones again and again.
_of_heading: Final = lru_cache(maxsize=4096)(_elements)
