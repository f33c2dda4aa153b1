"""Coded data of UNIMARC as leader and 008 of MARC 21.

Both formats say the same things in other letters at other positions. The positions of 008 are a
table for each kind of material, the letters are lists in ``codes/unimarc_coded.tsv``; what UNIMARC
does not say becomes a fill character, and what MARC 21 leaves undefined a blank.

Source: UNIMARC Manual, Bibliographic Format (IFLA), leader, 100, 105, 106, 110; MARC 21
Bibliographic (Library of Congress), leader, 008; LC, UNIMARC to MARC 21 Conversion Specifications.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from marc_mappings import codes
from marc_mappings.record import Record
from marc_mappings.rules import Loss
from marc_mappings.unimarc.origin import FILL, country, language

# Blanks as systems write them in coded fields.
_BLANKS: Final = str.maketrans("-#^", "   ")

# The coded fields this room reads; a crosswalk does not send them through its table.
TAGS: Final = frozenset({"100", "101", "102", "105", "106", "110"})


class Coded(NamedTuple):
    """The coded data of a UNIMARC record, blanks as blanks, each as long as the manual has it."""

    general: str
    book: str
    form: str
    serial: str


class From(NamedTuple):
    """Positions of 008 from one list: ``source`` is a field of ``Coded``, ``stop`` is after the
    last position; ``many`` codes may stand there, each becomes one.
    """

    source: str
    start: int
    stop: int
    name: str
    many: bool = False


_AUDIENCE: Final = From("general", 17, 20, "audience")
_GOVERNMENT: Final = From("general", 20, 21, "government")
_FORM: Final = From("form", 0, 1, "form_of_item")

# 008/18-34: what stands at a position, by kind of material. Text as it is, or where it is from.
_BOOKS: Final = (
    (18, From("book", 0, 4, "illustrations", many=True)),
    (22, _AUDIENCE),
    (23, _FORM),
    (24, From("book", 4, 8, "contents", many=True)),
    (28, _GOVERNMENT),
    (29, From("book", 8, 9, "yes_or_no")),
    (30, From("book", 9, 10, "yes_or_no")),
    (31, From("book", 10, 11, "yes_or_no")),
    (32, " "),
    (33, From("book", 11, 12, "literature")),
    (34, From("book", 12, 13, "biography")),
)
_CONTINUING: Final = (
    (18, From("serial", 1, 2, "frequency")),
    (19, From("serial", 2, 3, "regularity")),
    (20, " "),
    (21, From("serial", 0, 1, "serial_type")),
    (22, "|"),
    (23, _FORM),
    (24, From("serial", 3, 4, "serial_contents")),
    (25, From("serial", 4, 7, "serial_contents", many=True)),
    (28, _GOVERNMENT),
    (29, From("serial", 7, 8, "yes_or_no")),
    (30, "   "),
    (33, From("general", 34, 36, "script")),
    (34, "|"),
)
_MAPS: Final = (
    (18, "|||||| |  "),
    (28, _GOVERNMENT),
    (29, _FORM),
    (30, " | ||"),
)
_MUSIC: Final = ((18, "||||"), (22, _AUDIENCE), (23, _FORM), (24, "|||||||| | "))
_VISUAL: Final = (
    (18, "||| "),
    (22, _AUDIENCE),
    (23, "     "),
    (28, _GOVERNMENT),
    (29, _FORM),
    (30, "   ||"),
)
_COMPUTER: Final = ((18, "    "), (22, _AUDIENCE), (23, "|  | "), (28, _GOVERNMENT), (29, "      "))
_MIXED: Final = ((18, "     "), (23, _FORM), (24, "           "))

_Layout = tuple[tuple[int, "From | str"], ...]
# MARC 21 leader/06 to the configuration of 008; language material with leader/07 b, i, s is
# continuing.
_LAYOUTS: Final[Mapping[str, _Layout]] = {
    **dict.fromkeys("at", _BOOKS),
    **dict.fromkeys("ef", _MAPS),
    **dict.fromkeys("cdij", _MUSIC),
    **dict.fromkeys("gkor", _VISUAL),
    "m": _COMPUTER,
    "p": _MIXED,
}


def _checked(layouts: Iterable[_Layout]) -> None:
    """Raise ``ValueError`` unless every layout covers 008/18-34 without gap or overlap."""
    for layout in layouts:
        at = 18
        for start, what in layout:
            if start != at:
                raise ValueError(f"008/{at} is not covered: the next row begins at {start}")
            at += _width(what)
        if at != 35:
            raise ValueError(f"008/18-34 ends at {at - 1}")


def _width(what: From | str) -> int:
    if isinstance(what, str):
        return len(what)
    return what.stop - what.start if what.many else 1


_checked([*_LAYOUTS.values(), _CONTINUING])

_YES_OR_NO: Final = {"0": "0", "1": "1", "l": "1"}


def leader(old: str) -> str:
    """Return the MARC 21 leader for a UNIMARC one: 24 characters, lengths zero, leader/09 ``a``.

    >>> leader("00562nam2 2200217 i 450 ")
    '00000nam a2200000 i 4500'
    """
    old = old.translate(_BLANKS).ljust(24)
    status = codes.from_unimarc("leader_status").get(old[5], "n")
    kind = codes.from_unimarc("leader_type").get(old[6], "a")
    level = codes.from_unimarc("leader_level").get(old[7], "m")
    full = codes.from_unimarc("encoding_level").get(old[17], " ")
    form = codes.from_unimarc("descriptive_form").get(old[18].lower(), "i")
    control = "a" if old[9] == "a" else " "
    return f"00000{status}{kind}{level}{control}a2200000{full}{form} 4500"


def coded(record: Record) -> Coded:
    """Return the coded data of ``record``, of the first field of each kind."""
    found: dict[str, str] = {}
    for field in record.fields:
        if field.tag in TAGS and field.tag not in found:
            found[field.tag] = field.first("a").translate(_BLANKS)
    return Coded(
        found.get("100", "").ljust(36),
        found.get("105", "").ljust(13),
        found.get("106", "").ljust(1),
        found.get("110", "").ljust(11),
    )


def fixed_field(record: Record, new_leader: str, said: Coded, dialect: str = "") -> str:
    """Return 008: exactly 40 characters.

    ``new_leader`` is the MARC 21 leader, which says what kind of material it is.
    """
    layout = _LAYOUTS.get(new_leader[6], _BOOKS)
    if layout is _BOOKS and new_leader[7] in "bis":
        layout = _CONTINUING
    middle = "".join([_at(said, what) for _, what in layout])
    modified = codes.from_unimarc("modified").get(said.general[21], FILL)
    return (
        entered(record, said)
        + dates(said.general[8:17])
        + country(record, dialect)
        + middle
        + language(record)
        + modified
        + cataloguing_source(record)
    )


def _at(said: Coded, what: From | str) -> str:
    if isinstance(what, str):
        return what
    return _codes(getattr(said, what.source)[what.start : what.stop], what.name, what.many)


@lru_cache(maxsize=4096)
def _codes(text: str, name: str, many: bool) -> str:
    """Return ``text`` in the codes of MARC 21: one code, or as many as ``text`` is long."""
    values = _YES_OR_NO if name == "yes_or_no" else codes.from_unimarc(name)
    if name == "script":
        return values.get(text, FILL)
    found = [values[char] for char in text if char in values]
    if not many:
        return found[0] if found else FILL
    if not found:
        return FILL * len(text)
    return "".join(dict.fromkeys(found)).replace(" ", "").ljust(len(text))


_DAY = re.compile(r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")


def entered(record: Record, said: Coded) -> str:
    """Return 008/00-05, the date entered on file, yymmdd; blanks if no field says a real day."""
    texts = [said.general[:8]]
    if not _DAY.fullmatch(texts[0][2:8]):
        texts += [field.first("c") for field in record.all("801")]
        texts.append(record.control("005")[:8])
    days = (text[2:8] for text in texts if len(text) == 8 and text.isdigit())
    return next((day for day in days if _DAY.fullmatch(day)), " " * 6)


@lru_cache(maxsize=4096)
def dates(text: str) -> str:
    """Return 008/06-14 for 100 $a/08-16: the type of date and two dates.

    >>> dates("d1997    "), dates("a19829999"), dates("f197 1979"), dates("e19991913")
    ('s1997    ', 'c19829999', 'q197u1979', 'r19991913')
    >>> dates("d        "), dates("u        "), dates("b1953"), dates("h2003")
    ('s||||    ', 'nuuuuuuuu', 'd1953uuuu', 's2003    ')
    """
    text = text.translate(_BLANKS).ljust(9)
    kind = codes.from_unimarc("date_type").get(text[0], FILL)
    one, two = _year(text[1:5]), _year(text[5:9])
    if kind == "n":
        return "nuuuuuuuu"
    if kind in "qt" and not two:
        kind = "s"
    if kind == "e":
        return f"e{one or FILL * 4}{text[5:9] if text[5:9].strip().isdigit() else '    '}"
    if kind == "s":
        two = "    "
    elif kind == "c":
        two = two or "9999"
    elif kind in "dum":
        two = "uuuu" if kind == "u" or not two else two
    return kind + (one or FILL * 4) + (two or FILL * 4)


def _year(text: str) -> str:
    """Return a year of four signs, ``u`` where a digit is missing; ``""`` without any digit."""
    year = "".join([char if char in "0123456789" else "u" for char in text])
    return "" if year == "uuuu" and text.lower() != "uuuu" else year


def cataloguing_source(record: Record) -> str:
    """Return 008/39: ``d`` (other source); ``|`` where no agency is named."""
    return "d" if any(True for _ in record.all("801")) else FILL


def unread(record: Record) -> Iterator[Loss]:
    """Yield what this room does not read of the coded fields."""
    seen: set[str] = set()
    for field in record.fields:
        if field.tag in ("100", "105", "106", "110"):
            rest = "".join([code for code, value in field.subfields if code != "a" and value])
            if field.tag in seen:
                yield Loss(field.tag, "", "repeated: only the first one is read")
            elif rest:
                yield Loss(field.tag, "".join(dict.fromkeys(rest)))
            seen.add(field.tag)
