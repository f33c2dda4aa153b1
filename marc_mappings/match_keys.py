"""Keys by which two records, or a wish and a record, are the same publication.

A key is a kind and a value in one normal form (``key_kinds``). Kinds differ in what they prove: the
ISBN of a set never matches a volume, a cancelled one is only a hint, and a control number counts
only with the agency it belongs to, because a bare 001 is everybody's.

Source: MARC 21 Bibliographic 001, 003, 010, 015, 016, 020, 022, 024, 035; KORMARC 020 (first
indicator 1: set).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from marc_mappings.framing.sound import Sound
from marc_mappings.keys import identifiers, title_keys
from marc_mappings.keys.identifiers import explain_invalid
from marc_mappings.keys.key_kinds import EDITION_KINDS, IDENTIFIER_KINDS, KINDS, TITLE_KINDS, Key
from marc_mappings.record import Field, Record

__all__ = [
    "EDITION_KINDS",
    "IDENTIFIER_KINDS",
    "KINDS",
    "NUMBERED",
    "TITLE_KINDS",
    "Key",
    "explain_invalid",
    "identifier_keys",
    "identifier_only",
    "keys",
]

_CONTROL = re.compile(r"\s*\(([^()]+)\)\s*(\S.*)")


def keys(content: Record | Sound) -> tuple[Key, ...]:
    """Return the keys of a record, each once: identifiers in the order of its fields, then titles.

    A wish is matched by identifiers alone: ``identifier_only``, or the kinds in
    ``IDENTIFIER_KINDS``.
    """
    record = _part(content, NUMBERED | title_keys.TAGS)
    return identifier_only(record) + title_keys.of_record(record)


def identifier_only(content: Record | Sound) -> tuple[Key, ...]:
    """Return the keys of a record that somebody gave it as a number, in the order of its fields."""
    record = _part(content, NUMBERED)
    found: dict[Key, None] = {}
    agency = record.agency
    if agency and (number := identifiers.controlled(agency, record.control_number)):
        found[Key("control", number)] = None
    for field in record.fields:
        if reader := _READERS.get(field.tag):
            found.update(dict.fromkeys(key for key in reader(field) if key.value))
    return tuple(found)


def _part(content: Record | Sound, tags: frozenset[str]) -> Record:
    """Return the record, or of one in pieces only the fields that are asked for."""
    return content.part(tags) if isinstance(content, Sound) else content


def _isbn_keys(field: Field) -> Iterator[Key]:
    """020: in KORMARC the first indicator 1 says set; elsewhere the words around say so.

    MARC 21 leaves that indicator blank, so a 1 in it can mean nothing else; and taking a volume's
    number for a set's only asks a person, while the reverse would give the wrong book.
    """
    words = " ".join(field.all("aqgc"))
    is_set = field.indicators[:1] == "1" or identifiers.is_set(words)
    for code, value in field.subfields:
        if code == "a":
            yield Key("isbn_set" if is_set else "isbn", identifiers.isbn13(value))
        elif code == "z":
            yield Key("isbn_cancelled", identifiers.isbn13(value))


def _issn_keys(field: Field) -> Iterator[Key]:
    """022: $a and the linking $l; $m, $y and $z were wrong or are cancelled."""
    for code, value in field.subfields:
        if code in "al":
            yield Key("issn", identifiers.issn8(value))
        elif code in "myz":
            yield Key("issn_cancelled", identifiers.issn8(value))


def _other_keys(field: Field) -> Iterator[Key]:
    """024: the first indicator, or $2 with 7, says which number it is."""
    kind, source = field.indicators[:1], field.first("2").strip().lower()
    words = " ".join(field.all("aqd"))
    for value in field.all("a"):
        start = identifiers.compact(identifiers.plain(value))
        if source == "doi" or (kind == "7" and identifiers.doi(value)):
            yield Key("doi", identifiers.doi(value))
        elif kind == "2" or source == "ismn" or (kind == "3" and start.startswith("9790")):
            yield Key("ismn", identifiers.ismn13(value))
        elif (kind in "38" and start.startswith(("978", "979"))) or source == "isbn":
            is_set = identifiers.is_set(words)
            yield Key("isbn_set" if is_set else "isbn", identifiers.isbn13(value))
        elif source in ("local", "csbn") and _CSBN.search(words):
            yield Key("csbn", identifiers.csbn(value))
        elif (name := source or _OTHER.get(kind, "")) and start:
            yield Key("other_id", f"{name}:{start}")


# The name of the unified book number, or nothing but such a number with the point in its middle.
_CSBN = re.compile(r"统一书号|統一書號|\s*[0-9]{4,5}\s?[·・•‧∙⋅]\s?[0-9]{1,5}\s*$")
_OTHER = {"0": "isrc", "1": "upc", "3": "ean", "4": "sici"}


def _lccn_keys(field: Field) -> Iterator[Key]:
    return (Key("lccn", identifiers.lccn(value)) for value in field.all("a"))


def _nbn_keys(field: Field) -> Iterator[Key]:
    """015: most numbers name their bibliography; one that does not counts with its source."""
    source = field.first("2")
    for value in field.all("a"):
        number = identifiers.compact(identifiers.plain(value))
        bare = not any(map(str.isalpha, number))
        yield Key("nbn", identifiers.controlled(source, number) if bare and source else number)


def _agency_nbn_keys(field: Field) -> Iterator[Key]:
    """016: the agency is $2, or Library and Archives Canada without one."""
    agency = field.first("2") or "CaOONL"
    return (Key("nbn", identifiers.controlled(agency, value)) for value in field.all("a"))


def _control_keys(field: Field) -> Iterator[Key]:
    for code, value in field.subfields:
        if code in "az" and (match := _CONTROL.fullmatch(value)):
            kind = "control" if code == "a" else "control_cancelled"
            yield Key(kind, identifiers.controlled(match[1], match[2]))


_READERS: Final[Mapping[str, Callable[[Field], Iterator[Key]]]] = {
    "010": _lccn_keys,
    "015": _nbn_keys,
    "016": _agency_nbn_keys,
    "020": _isbn_keys,
    "022": _issn_keys,
    "024": _other_keys,
    "035": _control_keys,
}


NUMBERED: Final = frozenset(_READERS) | {"001", "003"}
"""The fields that identifiers are in."""


def identifier_keys(text: str, kind: str = "") -> tuple[Key, ...]:
    """Return the keys of what a person, a cell or a URN says; ``kind`` limits them to one.

    ``kind`` may be any of ``IDENTIFIER_KINDS``; without it the text itself says what it is.

    >>> identifier_keys("0-306-40615-2 (pbk.)")
    (Key(kind='isbn', value='9780306406157'),)
    >>> identifier_keys("urn:isbn:9780306406157") == identifier_keys("9780306406157", "isbn")
    True
    >>> identifier_keys("ISSN 1234-5679"), identifier_keys("(KR-BUL)123")
    ((Key(kind='issn', value='1234-5679'),), (Key(kind='control', value='(KR-BUL)123'),))
    >>> identifier_keys("12345")
    ()
    """
    found = dict.fromkeys(key for key in _spoken_keys(text, kind) if key.value)
    return tuple(key for key in found if not kind or key.kind == kind)


def _spoken_keys(text: str, kind: str) -> Iterator[Key]:
    text = identifiers.plain(text).strip()
    if match := _CONTROL.fullmatch(text):
        yield Key("control", identifiers.controlled(match[1], match[2]))
        return
    if doi := identifiers.doi(text):
        yield Key("doi", doi)
        return
    is_set = kind == "isbn_set" or (not kind and identifiers.is_set(text))
    isbn_kind = "isbn_cancelled" if kind == "isbn_cancelled" else "isbn_set" if is_set else "isbn"
    yield Key(isbn_kind, identifiers.isbn13(text))
    yield Key("ismn", identifiers.ismn13(text))
    if kind == "csbn" or "统一书号" in text or "統一書號" in text:
        yield Key("csbn", identifiers.csbn(text))
    # Eight digits alone could be anything, a date to begin with: they must call themselves ISSN.
    asked = kind in ("issn", "issn_cancelled")
    if asked or re.search(r"issn|[0-9]{4}-[0-9]{3}[0-9Xx]\s*$", text, re.IGNORECASE):
        yield Key(kind if asked else "issn", identifiers.issn8(text))
    if kind == "lccn":
        yield Key("lccn", identifiers.lccn(text))
    if kind in ("nbn", "other_id"):
        yield Key(kind, identifiers.compact(text))
