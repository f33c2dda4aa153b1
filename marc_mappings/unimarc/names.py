"""Names of UNIMARC as names of MARC 21: persons, corporate bodies, meetings, families.

UNIMARC keeps the parts of a name apart and their punctuation out; MARC 21 writes them together
with it. A name in Chinese, Japanese or Korean gets no punctuation: its surname is not set off.
CNMARC writes the country or dynasty before the name; it comes behind.

Source: IFLA, UNIMARC Manual 600-602, 700-722; LC, UNIMARC to MARC 21 Conversion Specifications;
MARC 21 Bibliographic X00, X10, X11; WH/T 0503 (CNMARC) 701.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from marc_mappings import codes, steps
from marc_mappings.record import Field, Record, Subfield

# Han, kana and hangul, and the marks that stand among them.
CJK: Final = re.compile(
    r"[\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)
_RELATOR = re.compile(r"([0-9]{3})(?![0-9])\s*(.*)", re.DOTALL)
_ISNI = re.compile(r"(?:ISNI)?\s*([0-9]{4}[\s-]?[0-9]{4}[\s-]?[0-9]{4}[\s-]?[0-9]{3}[0-9Xx])")

Make = Callable[[Field, Record], list[Field]]

# What each builder reads; the rest of a field is reported as lost.
PERSON: Final = "abcdfgopq3"
BODY: Final = "abcdefghop3"


def agency(record: Record) -> str:
    """Return the agency whose control number 001 is: 801 $b, ``""`` if no field names one.

    It is the one that issued the record, else the last that changed it, else the one that
    transcribed or made it: libraries give records of others a number of their own. A code of
    digits only means nothing abroad: the country goes before it (``SK-01``).
    """
    found: dict[str, str] = {}
    for field in record.fields:
        if field.tag == "801" and (code := field.first("b").strip()):
            if not any(char.isalpha() for char in code):
                code = f"{field.first('a').strip()}-{code}".lstrip("-")
            found[field.indicators[1:]] = code
    if not found:
        return ""
    return next((found[kind] for kind in "3210" if kind in found), next(iter(found.values())))


def sole_entry(record: Record) -> Field | None:
    """Return the first 701 or 711 where no 700, 710 or 720 exists: CNMARC's practice.

    Chinese agencies record equal authors as 701 and need no main entry; MARC 21 makes the first
    of them one.
    """
    first = None
    for field in record.fields:
        if field.tag in ("700", "710", "720"):
            return None
        if first is None and field.tag in ("701", "711"):
            first = field
    return first


def person(tag: str, *, subject: bool = False) -> Make:
    """Return a function that makes a personal name ``tag`` of a UNIMARC one."""

    def make(field: Field, record: Record) -> list[Field]:
        """$a, $b as one name, then numeral, additions, fuller form, dates, role, numbers."""
        parts = _person_parts(field)
        if not parts:
            return []
        rest = field.first("b").strip()
        surname = field.indicators[1:] == "1" or (field.indicators[1:] != "0" and rest)
        return [_named(tag, "1" if surname else "0", parts, field, record, subject)]

    return make


def chinese_person(tag: str, *, lead: str = "") -> Make:
    """Return ``person`` as CNMARC and CMARC need it: there 0 says that a name is not inverted.

    ``lead`` is the tag for the one that ``sole_entry`` finds.
    """

    def make(field: Field, record: Record) -> list[Field]:
        """As for UNIMARC; a name in Chinese characters has a surname; the only 701 leads."""
        target = lead if lead and sole_entry(record) is field else tag
        made = person(target)(field, record)
        if made and CJK.search(made[0].first("a")):
            return [made[0]._replace(indicators="1 ")]
        return made

    return make


def body(tag: str, *, subject: bool = False, lead: str = "") -> Make:
    """Return a function that makes a corporate name ``tag`` (X10), or a meeting (X11)."""

    def make(field: Field, record: Record) -> list[Field]:
        """$a, $b, qualifier in parentheses, number, date and place; X11 if indicator 1 is 1."""
        target = lead if lead and sole_entry(record) is field else tag
        meeting = field.indicators[:1] == "1"
        parts = _meeting_parts(field) if meeting else _body_parts(field)
        if not parts:
            return []
        second = field.indicators[1:]
        indicator = second if second in ("0", "1", "2") else "2"
        target = target[:2] + "1" if meeting else target
        return [_named(target, indicator, parts, field, record, subject)]

    return make


def family(tag: str, *, subject: bool = False) -> Make:
    """Return a function that makes a family name ``tag`` (X00, first indicator 3)."""

    def make(field: Field, record: Record) -> list[Field]:
        """$a, additions, dates, role; first indicator 3."""
        parts = _person_parts(field)
        return [_named(tag, "3", parts, field, record, subject)] if parts else []

    return make


def _named(
    tag: str, first: str, parts: list[Subfield], field: Field, record: Record, subject: bool
) -> Field:
    if subject:
        return Field(tag, f"{first} ", (*parts, *authority_numbers(field, record)))
    tail = [*_roles(field, tag), *authority_numbers(field, record)]
    if tail and tail[0].code == "e" and not CJK.search(parts[0].value):
        parts = [*parts[:-1], Subfield(parts[-1].code, steps.with_sign(parts[-1].value, ","))]
    return Field(tag, f"{first} ", (*parts, *tail))


def _values(field: Field, code: str) -> list[str]:
    """Return the values of a subfield without blanks and commas around them, none empty."""
    return _by_code(field).get(code, [])


def _by_code(field: Field) -> dict[str, list[str]]:
    """Return the values of all subfields without blanks and commas around them, none empty."""
    found: dict[str, list[str]] = {}
    for code, value in field.subfields:
        if text := value.strip(", ") or value.strip():
            found.setdefault(code, []).append(text)
    return found


def _person_parts(field: Field) -> list[Subfield]:
    said = _by_code(field)
    names = said.get("a") or said.get("c", [])[:1]
    if not names:
        return []
    name = names[0]
    plain = CJK.search(name) is not None
    rest = " ".join(said.get("b", ()))
    fuller = plain and rest.startswith(("(", "（"))
    if rest and not fuller:
        name = f"{name} {rest}" if plain and not CJK.search(rest) else _joined(name, rest, plain)
    parts = [Subfield("a", name)]
    for code, value in field.subfields:
        if code == "d" and value.strip():
            parts.append(Subfield("b", value.strip()))
    if fuller:
        parts.append(Subfield("q", rest))
    for code, to in _AFTER_NAME:
        for text in said.get(code, ()):
            value = f"({text.strip('()')})" if code in "gq" else text
            if value != names[0] or code != "c":
                _add(parts, to, value, "" if plain or value.startswith("(") else ",")
    parts += [Subfield("c", other) for other in names[1:]]
    return parts + [Subfield("u", place) for place in said.get("p", ())]


# Additions, fuller form, dates: in this order behind the name.
# $q is what Taiwanese systems leave of MARC 21.
_AFTER_NAME: Final = (("c", "c"), ("g", "q"), ("q", "q"), ("f", "d"))


def _joined(name: str, rest: str, plain: bool) -> str:
    return normalize("NFC", f"{name}{rest}") if plain else f"{name}, {rest}"


def _add(parts: list[Subfield], code: str, value: str, sign: str) -> None:
    if sign:
        last = parts[-1]
        parts[-1] = Subfield(last.code, steps.with_sign(last.value, sign))
    parts.append(Subfield(code, value))


def _name_first(subfields: tuple[Subfield, ...]) -> tuple[Subfield, ...]:
    """Return the subfields with the name before what some write in front of it."""
    at = next((at for at, part in enumerate(subfields) if part.code in "ab" and part.value), 0)
    return (subfields[at], *subfields[:at], *subfields[at + 1 :]) if at else subfields


def _body_parts(field: Field) -> list[Subfield]:
    parts: list[Subfield] = []
    for code, value in _name_first(field.subfields):
        value = value.strip()
        if not value or code not in "abcdefgh":
            continue
        if code == "a" or (code == "b" and not parts):
            parts.append(Subfield("b" if parts else "a", value))
        elif not parts:
            continue
        elif code == "b":
            plain = CJK.search(parts[-1].value) is not None
            _add(parts, "b", value, "" if plain else ".")
        elif code in "cgh":
            last = parts[-1]
            text = value if code != "c" else _in_parentheses(value)
            joint = ", " if code == "g" else " "
            parts[-1] = Subfield(last.code, f"{last.value.rstrip(' ,')}{joint}{text}")
        else:
            parts.append(Subfield({"d": "n", "e": "c", "f": "d"}[code], value))
    if not parts:
        return []
    parts += [Subfield("u", place) for place in _values(field, "p")]
    return parts


# A meeting in the order of MARC 21: number, date, place, all in one pair of parentheses.
_MEETING: Final = (("d", "n"), ("f", "d"), ("e", "c"))


def _meeting_parts(field: Field) -> list[Subfield]:
    names = _values(field, "a")
    if not names:
        return []
    name = " ".join(names)
    for more in (*_values(field, "g"), *_values(field, "h")):
        name = f"{name}, {more}"
    for qualifier in _values(field, "c"):
        name = f"{name} {_in_parentheses(qualifier)}"
    parts = [Subfield("a", name)]
    told = [(to, " ; ".join(_values(field, code))) for code, to in _MEETING]
    told = [(to, value.strip(" ():;")) for to, value in told if value.strip(" ():;")]
    for at, (to, value) in enumerate(told):
        value = value if at else f"({value}"
        parts.append(Subfield(to, f"{value})" if at == len(told) - 1 else f"{value} :"))
    parts += [Subfield("e", part) for part in _values(field, "b")]
    return parts + [Subfield("u", place) for place in _values(field, "p")]


def _in_parentheses(text: str) -> str:
    return text if text.startswith(("(", "（", "[", "<")) else f"({text})"


def _roles(field: Field, tag: str) -> list[Subfield]:
    """Return the terms ($e, in X11 $j), then the codes ($4)."""
    said = [relator(value) for code, value in field.subfields if code == "4"]
    term = "j" if tag.endswith("11") else "e"
    found = [Subfield(term, words) for words, _ in said if words]
    found += [Subfield("4", code) for _, code in said if code]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


@lru_cache(maxsize=1024)
def relator(text: str) -> tuple[str, str]:
    """Return (term, MARC relator code) for a $4: a code, a code and a word, or words.

    >>> relator("070"), relator("570 bak."), relator("主编"), relator("aut"), relator("000")
    (('', 'aut'), ('bak.', 'oth'), ('主编', 'edt'), ('', 'aut'), ('', ''))
    >>> relator("257"), relator("[等]编著")
    (('continuator', ''), ('[等]编著', 'aut'))
    """
    text = text.strip()
    if match := _RELATOR.match(text):
        known = codes.relators_from_unimarc().get(match[1])
        if known:
            return match[2] or ("" if known.code else known.term), known.code
        return match[2] or ("" if match[1] == "000" else text), ""
    if text.lower() in codes.relators_to_unimarc():
        return "", text.lower()
    roles = codes.roles_from_unimarc()
    endings = (text[at:] for at in range(max(len(text) - 4, 0), len(text)))
    return text, next((roles[ending] for ending in endings if ending in roles), "")


def authority_numbers(field: Field, record: Record) -> list[Subfield]:
    """Return $0 for $3 with the agency before it, $0 or $1 for the identifier in $o."""
    found: list[Subfield] = []
    for code, value in field.subfields:
        if code == "3" and (number := value.strip()):
            source = agency(record)
            found.append(Subfield("0", f"({source}){number}" if source else number))
        elif code == "o" and (text := value.strip()):
            found.append(_identifier(text))
    return found


def _identifier(text: str) -> Subfield:
    if text.startswith(("http://", "https://")):
        return Subfield("1", text)
    match = _ISNI.fullmatch(text)
    return Subfield("0", f"(isni){re.sub('[^0-9X]', '', match[1].upper())}" if match else text)
