"""Coded data of a MARC 21 record (leader, 008, 041, 044) as UNIMARC has it: leader, 100 to 110.

MARC 21 keeps in 40 positions of 008 what UNIMARC spreads over a field for each kind of book. Each
position is looked up in the list of ``codes/unimarc_coded.tsv`` that its table names; what is not
coded stays the fill character, what has no code of its own is left blank. Nothing is invented.

Source: UNIMARC Manual, Bibliographic Format (IFLA), record label, 100, 101, 102, 105, 106, 110;
MARC 21 Bibliographic, leader, 008, 041, 044; LC, UNIMARC to MARC 21 Conversion Specifications.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from marc_mappings import codes, steps
from marc_mappings.marc21.scripts import LATIN, script
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss

FILL: Final = "|"
# Character set of 100/26-33: ISO 10646, and no further sets.
_UNICODE: Final = "50" + " " * 6
# MARC began in 1968: two digits of a year below are of this century.
_CENTURY_TURNS: Final = "68"
_WHOLE_008: Final = 40


class Position(NamedTuple):
    """Coded positions of a UNIMARC field: ``length`` codes from 008/``start`` by one list.

    ``unknown`` stands for a code that the list has not; ``none`` where all positions say "none".
    """

    start: int
    length: int
    name: str
    unknown: str = " "
    none: str = ""


# Position by position. Source: UNIMARC Manual 105 $a; MARC 21 008/18-34 of books.
_BOOK: Final = (
    Position(18, 4, "illustrations", none="y"),
    Position(24, 4, "contents", "z"),
    Position(29, 1, "yes_or_no"),
    Position(30, 1, "yes_or_no"),
    Position(31, 1, "yes_or_no"),
    Position(33, 1, "literature", FILL),
    Position(34, 1, "biography", FILL),
)
# Source: UNIMARC Manual 110 $a; MARC 21 008/18-34 of continuing resources. 110/08-10 (title page,
# indexes) have no place in MARC 21 any more: u is "unknown".
_SERIAL: Final = (
    Position(21, 1, "serial_type", "z"),
    Position(18, 1, "frequency", "u"),
    Position(19, 1, "regularity", "u"),
    Position(24, 1, "serial_contents", "z"),
    Position(25, 3, "serial_contents", "z"),
    Position(29, 1, "yes_or_no"),
)
_SERIAL_END: Final = "uu" + FILL

_YES_OR_NO: Final = {"0": "0", "1": "1", " ": "0"}
# Kinds of material (leader/06) whose 008 has the audience in /22, the government in /28, the form
# of item in /23 or in /29. Source: MARC 21 008, by material.
_AUDIENCE: Final = frozenset("acdgijkmort")
_GOVERNMENT: Final = frozenset("aefgkmort")
_FORM_AT: Final = {**dict.fromkeys("acdijmpt", 23), **dict.fromkeys("efgkor", 29)}
# 041 subfield to 101 subfield. Source: UNIMARC Manual 101; LC, UNIMARC to MARC 21: 101.
LANGUAGES: Final = {
    "a": "a",
    "d": "a",
    "b": "d",
    "e": "h",
    "f": "e",
    "g": "i",
    "h": "c",
    "j": "j",
    "k": "b",
    "n": "c",
    "p": "j",
}
_NO_LANGUAGE: Final = ("und", "   ", "|||", "")
_NOT_A_COUNTRY: Final = "ZZ"
# Subfields about the others: source, links.
_ABOUT: Final = "2368"


def leader(record: Record) -> str:
    """Return the record label: 24 characters, entry map ``450 ``, lengths left to the writer."""
    old = record.leader.ljust(24)
    status = _one("leader_status", old[5], "n")
    kind = _one("leader_type", old[6], "a")
    level = _one("leader_level", old[7], "m")
    control = "a" if old[8] == "a" else " "
    encoding = _one("encoding_level", old[17], "3" if old[17].isupper() else " ")
    form = _one("descriptive_form", old[18], "n")
    return f"00000{status}{kind}{level} {control}2200000{encoding}{form} 450 "


def _one(name: str, code: str, unknown: str) -> str:
    return codes.to_unimarc(name).get(code, unknown)


def fixed(record: Record) -> str:
    """Return 008 in 40 characters, fill characters where it says nothing or is not there."""
    values = [field.value for field in record.fields if field.tag == "008"]
    # Where a record has several, the one that names a language is the whole one.
    value = next((each for each in values if _language(each[35:38])), "".join(values[:1]))
    return value[:_WHOLE_008].ljust(_WHOLE_008, FILL)


def general(record: Record, fixed: str) -> str:
    """Return 100 $a: general processing data, exactly 36 characters.

    ``fixed`` is 008 in 40 characters.
    """
    kind = record.leader[6:7]
    has_audience = kind in _AUDIENCE and not _is_continuing(record)
    audience = _one("audience", fixed[22], " ") if has_audience else " "
    government = _one("government", fixed[28], "u") if kind in _GOVERNMENT else "u"
    romanised = fixed[38] == "o" or any(field.tag == "880" for field in record.fields)
    return (
        _entered(record, fixed)
        + _dates(fixed)
        + audience.ljust(3)
        + government
        + _one("modified", fixed[38], "0")
        + _cataloguing_language(record)
        + ("b" if romanised else "y")
        + _UNICODE
        + _title_script(record, fixed)
    )


def _entered(record: Record, fixed: str) -> str:
    """Return the date on which the record was made, blanks if neither 008 nor 005 says it."""
    date = fixed[:6]
    if _is_digits(date):
        return ("19" if date[:2] >= _CENTURY_TURNS else "20") + date
    date = record.control("005")[:8]
    return date if len(date) == 8 and _is_digits(date) else " " * 8


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _dates(fixed: str) -> str:
    """Return 100/08-16: type of date and two dates; digits not known are blanks."""
    kind = _one("date_type", fixed[6], "")
    first, second = _date(fixed[7:11]), _date(fixed[11:15])
    if not kind:
        kind = "d" if _is_digits(first) else "u"
    return kind + first + ("    " if kind == "d" else second)


def _date(text: str) -> str:
    return "".join(char if char in "0123456789" else " " for char in text)


def _cataloguing_language(record: Record) -> str:
    """Return 040 $b; English where 040 leaves it out, as MARC 21 has it; else ``und``."""
    for field in record.all("040"):
        return _language(field.first("b")) or "eng"
    return "und"


def _title_script(record: Record, fixed: str) -> str:
    """Return the script of the title: that of its 880 where the field itself is romanised."""
    found = [
        script(" ".join(field.all("abnp")), fixed[35:38])
        for field in record.fields
        if field.tag == "245" or (field.tag == "880" and steps.linked_tag(field) == "245")
    ]
    return (
        next((code for code in found if code.strip() and code != LATIN), "".join(found[:1])) or "  "
    )


def _language(text: str) -> str:
    """Return a code of the language list in its form of today, ``""`` if it is none.

    >>> _language("ENG "), _language("scr"), _language("|||")
    ('eng', 'hrv', '')
    """
    language = codes.languages().get(text.strip().lower())
    return language.now if language else ""


def languages(record: Record, fixed: str) -> Field:
    """Return 101: languages of the text, and of summaries, originals, subtitles.

    ``fixed`` is 008 in 40 characters. First indicator: 1 a translation, 2 with translations,
    0 else. ``und`` where nothing is said. Codes of another list (041 second indicator 7) are left.
    """
    found: dict[Subfield, None] = {}
    is_translation = False
    main = _language(fixed[35:38])
    if main and main not in ("mul", *_NO_LANGUAGE):
        found[Subfield("a", main)] = None
    for field in record.all("041"):
        if field.indicators[1:] == "7":
            continue
        is_translation |= field.indicators[:1] == "1"
        for code, value in field.subfields:
            if code in LANGUAGES:
                found.update((Subfield(LANGUAGES[code], each), None) for each in _split(value))
    if not any(code == "a" for code, _ in found):
        found = {Subfield("a", main or "und"): None, **found}
    order = sorted(found, key=lambda subfield: subfield.code)
    return Field("101", "1 " if is_translation else "0 ", tuple(order))


def _split(value: str) -> Iterator[str]:
    """Yield the codes of a subfield of 041: older records have several in one."""
    value = value.strip()
    for at in range(0, len(value), 3):
        if language := _language(value[at : at + 3]):
            yield language


def countries(record: Record, fixed: str) -> Field | None:
    """Return 102: countries of publication by ISO 3166-1, None if no country is said.

    ``fixed`` is 008 in 40 characters.
    """
    places = [codes.place_of(fixed[15:18])]
    local: list[Subfield] = []
    for field in record.all("044"):
        places += [codes.place_of(value) for value in field.all("a")]
        places += [value.strip() for value in field.all("c") if _is_country(value)]
        local += [Subfield("b", value.strip()) for value in field.all("b") if value.strip()]
    found = dict.fromkeys(Subfield("a", place) for place in places if place != _NOT_A_COUNTRY)
    if not found and not local:
        return None
    return Field("102", "  ", (*found, *local))


def _is_country(text: str) -> bool:
    """Whether ``text`` is a code of ISO 3166-1, as 044 $c may have it."""
    text = text.strip()
    return len(text) == 2 and codes.place_name(text) != codes.place_name(_NOT_A_COUNTRY)


def unread(record: Record) -> Iterator[Loss]:
    """Yield what 101 and 102 could not say of 008, 041 and 044."""
    language = fixed(record)[35:38]
    if language.strip(FILL + " ") and not _language(language):
        yield Loss("008", "", "the language code is not in the list of languages")
    for field in record.all("041"):
        if field.indicators[1:] == "7":
            yield Loss("041", "", "codes of another list than that of MARC 21")
        else:
            yield from _unread_languages(field)
    for field in record.all("044"):
        for code, value in field.subfields:
            if code not in _ABOUT and not _is_said(code, value):
                yield Loss("044", code, "the code is not in the list of countries")


def _unread_languages(field: Field) -> Iterator[Loss]:
    for code, value in field.subfields:
        if code not in LANGUAGES and code not in _ABOUT:
            yield Loss("041", code, "a kind of language that 101 has not")
        elif code in LANGUAGES and 3 * len([*_split(value)]) < len(value.strip()):
            yield Loss("041", code, "the code is not in the list of languages")


def _is_said(code: str, value: str) -> bool:
    """Whether 102 has a subfield of 044."""
    if code == "a":
        return codes.place_of(value) != _NOT_A_COUNTRY
    return code == "b" or (code == "c" and _is_country(value))


def _positions(plan: tuple[Position, ...], fixed: str) -> str:
    return "".join(_coded(position, fixed) for position in plan)


def _coded(position: Position, fixed: str) -> str:
    text = fixed[position.start : position.start + position.length]
    known = _YES_OR_NO if position.name == "yes_or_no" else codes.to_unimarc(position.name)
    if text.strip(FILL) == "":
        return text
    if not text.strip():
        return (position.none or (known.get(" ", " ") if position.length == 1 else " ")).ljust(
            position.length
        )
    many = [known.get(code, position.unknown) for code in text.replace(FILL, " ") if code != " "]
    return "".join(dict.fromkeys(many)).ljust(position.length)


def monograph(record: Record, fixed: str) -> Field | None:
    """Return 105 of a book, None for other material or where nothing of it is coded."""
    if record.leader[6:7] not in ("a", "t") or record.leader[7:8] not in ("a", "c", "d", "m"):
        return None
    coded = _positions(_BOOK, fixed)
    return Field("105", "  ", (Subfield("a", coded),)) if coded.strip(FILL + " ") else None


def _is_continuing(record: Record) -> bool:
    """Whether 008/18-34 are those of continuing resources: of other material they mean others."""
    return record.leader[6:7] == "a" and record.leader[7:8] in ("b", "i", "s")


def continuing(record: Record, fixed: str) -> Field | None:
    """Return 110 of a serial or integrating resource, None else or where nothing is coded."""
    if not _is_continuing(record) or not fixed[18:35].strip(FILL):
        return None
    return Field("110", "  ", (Subfield("a", _positions(_SERIAL, fixed) + _SERIAL_END),))


def form_of_item(record: Record, fixed: str) -> Field | None:
    """Return 106: the medium, where 008 codes one or 007 says that it is text in print."""
    kind = record.leader[6:7]
    code = fixed[_FORM_AT.get(kind, 23)]
    if kind not in _FORM_AT or code == FILL:
        return None
    if code == " " and not (kind == "a" and record.control("007")[:1] in ("", "t")):
        return None
    medium = _one("form_of_item", code, "")
    return Field("106", "  ", (Subfield("a", medium),)) if medium else None


def of_record(record: Record) -> tuple[Field, ...]:
    """Return fields 100 to 110 of a record, those that its 008, 041 and 044 give."""
    coded = fixed(record)
    found = (
        Field("100", "  ", (Subfield("a", general(record, coded)),)),
        languages(record, coded),
        countries(record, coded),
        monograph(record, coded),
        form_of_item(record, coded),
        continuing(record, coded),
    )
    return tuple(field for field in found if field)


for _position in (*_BOOK, *_SERIAL):
    if _position.name != "yes_or_no" and not codes.to_unimarc(_position.name):
        raise ValueError(f"There is no list {_position.name} in unimarc_coded.tsv")
