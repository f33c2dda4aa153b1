"""Other books that a record names (series, supplements, earlier titles) as UNIMARC links them: 4XX.

UNIMARC has two ways to write a 4XX. With standard subfields ($t title, $x ISSN, ...), which BnF,
ABES and Koha use and the plain flavour gives; and with whole fields embedded behind $1
(``$12001 $aTitle$v5``), which CNMARC and RUSMARC use and the CNMARC flavour gives.

Source: UNIMARC Manual, Bibliographic Format, 4-- linking entry block; MARC 21 Bibliographic,
760-787, 800-830; LC, UNIMARC to MARC 21 Conversion Specifications: 4XX.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from marc_mappings import steps
from marc_mappings.marc21 import names as marc21_names
from marc_mappings.marc21.description import date, without_filing_mark
from marc_mappings.marc21.names import Flavour
from marc_mappings.record import Field, Record, Subfield

Make = Callable[[Field, Record], list[Field]]

# 76X-78X to 4XX. Source: UNIMARC Manual 4--; LC, UNIMARC to MARC 21: 4XX.
TARGETS: Final = {
    "760": "410",
    "762": "411",
    "765": "454",
    "767": "453",
    "770": "421",
    "772": "422",
    "774": "464",
    "775": "451",
    "776": "452",
    "777": "423",
    "786": "488",
    "787": "488",
}
# Series statements and entries, all of which become 410.
SERIES_TAGS: Final = ("440", "800", "810", "811", "830")
# 780 and 785 second indicator to tag. Source: UNIMARC Manual 430-437, 440-448.
_EARLIER: Final = {
    "0": "430",
    "1": "431",
    "2": "432",
    "3": "433",
    "4": "436",
    "5": "434",
    "6": "435",
    "7": "437",
}
_LATER: Final = {str(how): str(440 + how) for how in range(9)}

# Part of a link: subfield of the standard way; tag, indicators and subfield of the embedded way.
# Source: UNIMARC Manual, 4--, "standard subfields" and "embedded fields".
_WAYS: Final[dict[str, tuple[str, str]]] = {
    "number": ("0", "001"),
    "title": ("t", "2001 a"),
    "part number": ("h", "2001 h"),
    "part": ("i", "2001 i"),
    "volume": ("v", "2001 v"),
    "edition": ("e", "205  a"),
    "place": ("c", "210  a"),
    "publisher": ("n", "210  c"),
    "date": ("d", "210  d"),
    "extent": ("p", "215  a"),
    "series": ("s", "225  a"),
    "issn": ("x", "011  a"),
    "isbn": ("y", "010  a"),
    "coden": ("z", "040  a"),
    "web": ("u", "8564 u"),
}
_ORDER: Final = tuple(_WAYS)
# 76X-78X subfield to part. Source: MARC 21 76X-78X; LC, UNIMARC to MARC 21: 4XX.
_LINK_CODES: Final = {
    "t": "title",
    "s": "title",
    "b": "edition",
    "g": "volume",
    "h": "extent",
    "k": "series",
    "w": "number",
    "x": "issn",
    "y": "coden",
    "z": "isbn",
    "u": "web",
}
LINK_CODES: Final = "".join(_LINK_CODES) + "adc"
_SERIES_CODES: Final = {"n": "part number", "p": "part", "v": "volume", "x": "issn", "w": "number"}
# Subfields that a name and the title behind it share: which it is depends on where it stands.
_IN_TITLE: Final = "dfgklmors"
_TITLE_READS: Final = frozenset(("a", "t", *_SERIES_CODES, *_IN_TITLE))
# A name is one text in the standard way, and a field of its own in the embedded way.
_NAME_READS: Final = {
    "unimarc": {"00": "abcdjq", "10": "abcdnq"},
    "cnmarc": {"00": "abcdjqu0", "10": "abcdgnu0"},
}
_ALL_CODES: Final = frozenset(string.ascii_letters + string.digits)
# Which indicator counts what filing skips. Source: MARC 21 440, 730, 830.
_SKIPPED_BY: Final = {"830": 1, "440": 1, "730": 0}


class Part(NamedTuple):
    """A part of what a link says: its ``kind`` (a key of the table of ways) and its text."""

    kind: str
    text: str


def _written(
    tag: str, note: str, name: Field | None, parts: Iterable[Part], flavour: Flavour
) -> list[Field]:
    """Return the link in the way of a flavour, no field where it says nothing."""
    parts = sorted((part for part in parts if part.text), key=lambda p: _ORDER.index(p.kind))
    if flavour == "cnmarc":
        subfields = list(_embedded(name, parts))
    else:
        subfields = [Subfield(_WAYS[kind][0], text) for kind, text in parts]
        if name and (text := marc21_names.heading(name)):
            subfields.insert(0, Subfield("a", text))
    return [Field(tag, f" {note}", tuple(subfields))] if subfields else []


def _embedded(name: Field | None, parts: Iterable[Part]) -> Iterable[Subfield]:
    """Yield whole fields behind $1, each begun once."""
    begun = ""
    for kind, text in parts:
        way = _WAYS[kind][1]
        if len(way) == 3:
            yield Subfield("1", way + text)
            begun = ""
            continue
        if way[:5] != begun or kind in ("issn", "isbn", "coden", "web"):
            begun = way[:5]
            yield Subfield("1", begun)
        yield Subfield(way[5], text)
    if name:
        yield from _embedded_name(name)


def _embedded_name(name: Field) -> Iterable[Subfield]:
    is_person = name.tag[1:] == "00"
    subfields = (marc21_names.person if is_person else marc21_names.body)(name)
    if not subfields:
        return
    first = name.indicators[:1].strip()
    if is_person:
        start = f"700 {'1' if first == '1' else '0'}"
    else:
        start = f"710{'1' if name.tag[1:] == '11' else '0'}{first or '2'}"
    yield Subfield("1", start)
    yield from subfields


def link(tag: str, flavour: Flavour) -> Make:
    """Return the function that makes ``tag`` of a linking entry 76X-78X."""

    def make(field: Field, _: Record) -> list[Field]:
        """Author, title, imprint and numbers of the other book."""
        return _linked(tag, field, flavour)

    return make


def host(flavour: Flavour) -> Make:
    """Return the function that makes 463 of a part's host item, 461 of a whole book's."""

    def make(field: Field, record: Record) -> list[Field]:
        """The host is a piece (463) for an article or chapter, else a set (461)."""
        return _linked("463" if record.leader[7:8] in "ab" else "461", field, flavour)

    return make


def earlier(flavour: Flavour) -> Make:
    """Return the function that makes 430 to 437 of 780."""

    def make(field: Field, _: Record) -> list[Field]:
        """The second indicator says how it continues the earlier title."""
        return _linked(_EARLIER.get(field.indicators[1:], "430"), field, flavour)

    return make


def later(flavour: Flavour) -> Make:
    """Return the function that makes 440 to 448 of 785."""

    def make(field: Field, _: Record) -> list[Field]:
        """The second indicator says how the later title continues it."""
        return _linked(_LATER.get(field.indicators[1:], "440"), field, flavour)

    return make


def _linked(tag: str, field: Field, flavour: Flavour) -> list[Field]:
    parts: list[Part] = []
    name = None
    for code, value in field.subfields:
        text = steps.trim_isbd(value) if code not in "wxyzu" else value.strip()
        if code == "a":
            before = name.subfields if name else ()
            name = Field("700", "0 ", (*before, Subfield("a", value)))
        elif code == "d":
            parts += _imprint(value)
        elif code == "c":
            parts.append(Part("title", f"({text.strip('()')})"))
        elif kind := _LINK_CODES.get(code):
            parts.append(Part(kind, text))
    note = "1" if field.indicators[:1] == "0" else "0"
    return _written(tag, note, name, _one_title(parts), flavour)


def _one_title(parts: list[Part]) -> list[Part]:
    """Put a qualifier ("(Paris)") or a uniform title behind the title, which is not repeatable."""
    titles = [part.text for part in parts if part.kind == "title" and part.text]
    others = [part for part in parts if part.kind != "title"]
    return [Part("title", " ".join(titles)), *others] if titles else others


def _imprint(value: str) -> list[Part]:
    """Return place, publisher and date of an imprint in one text.

    >>> [part.text for part in _imprint("Athens : Ohio University Press, [2008]")]
    ['Athens', 'Ohio University Press', '[2008]']
    """
    place, colon, rest = value.partition(" : ")
    if not colon:
        place, rest = "", value
    publisher, comma, year = rest.rpartition(", ")
    if not comma:
        publisher, year = ("", rest) if not colon and steps.year(rest) else (rest, "")
    texts = (("place", place), ("publisher", publisher), ("date", date(year)))
    return [Part(kind, steps.without_sign(text)) for kind, text in texts if text.strip()]


def series(flavour: Flavour) -> Make:
    """Return the function that makes 410 of 440 and 800 to 830."""

    def make(field: Field, _: Record) -> list[Field]:
        """Name (800-811), title, part, volume and ISSN of the series."""
        return _name_and_title("410", field, flavour)

    return make


def name_title(tag: str, flavour: Flavour) -> Make:
    """Return the function that makes ``tag`` of an added entry with name and title."""

    def make(field: Field, _: Record) -> list[Field]:
        """Name and title of the other work."""
        return _name_and_title(tag, field, flavour)

    return make


def name_title_reads(flavour: Flavour) -> Callable[[Field], frozenset[str]]:
    """Return the function that tells which subfields a name with a title loses nothing of."""

    def reads(field: Field) -> frozenset[str]:
        named, titled = _divided(field)
        known = _NAME_READS[flavour]["00" if field.tag[1:] == "00" else "10"]
        unread = {code for code, _ in named if code not in known}
        unread |= {code for code, _ in titled if code not in _TITLE_READS}
        return _ALL_CODES - unread

    return reads


def _divided(field: Field) -> tuple[list[Subfield], list[Subfield]]:
    """Return the subfields of the name, and those of the title with volume and ISSN."""
    subfields = list(field.subfields)
    if field.tag[1:] in ("30", "40"):
        return [], subfields
    at = next((i for i, (code, _) in enumerate(subfields) if code == "t"), len(subfields))
    numbers = [part for part in subfields[:at] if part.code in "vxw"]
    return [part for part in subfields[:at] if part.code not in "vxw"], numbers + subfields[at:]


def _name_and_title(tag: str, field: Field, flavour: Flavour) -> list[Field]:
    named, titled = _divided(field)
    parts: list[Part] = []
    skip = _SKIPPED_BY.get(field.tag)
    for code, value in titled:
        if code in ("a", "t"):
            if skip is not None:
                value = without_filing_mark(value, field.indicators[skip:][:1])
            parts.append(Part("title", steps.trim_isbd(value)))
        elif kind := _SERIES_CODES.get(code):
            parts.append(Part(kind, steps.trim_isbd(value)))
        elif code in _IN_TITLE:
            parts.append(Part("title", steps.trim_isbd(value)))
    name = Field(field.tag, field.indicators, tuple(named)) if named else None
    return _written(tag, "0", name, _joined(parts), flavour)


def _joined(parts: list[Part]) -> list[Part]:
    titles = [part.text for part in parts if part.kind == "title" and part.text]
    others = [part for part in parts if part.kind != "title"]
    return [Part("title", ". ".join(titles)), *others] if titles else others
