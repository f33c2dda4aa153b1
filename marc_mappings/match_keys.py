"""Keys by which two records, or a wish and a record, are the same publication.

A key is a kind and a value in one normal form. Kinds differ in what they prove: the ISBN of a set
never matches a volume, a cancelled one is only a hint, and a control number counts only with the
agency it belongs to, because a bare 001 is everybody's.

Source: MARC 21 Bibliographic 001, 003, 010, 015, 016, 020, 022, 024, 035; KORMARC 020 (first
indicator 1: set).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from marc_mappings import identifiers
from marc_mappings.identifiers import explain_invalid
from marc_mappings.record import Field, Record

__all__ = ["KINDS", "Key", "explain_invalid", "identifier_keys", "keys"]

# Every kind, and what its value is.
KINDS: Final[Mapping[str, str]] = {
    "isbn": "ISBN, 13 digits",
    "isbn_set": "ISBN of a set, 13 digits",
    "isbn_cancelled": "cancelled or invalid-in-use ISBN, 13 digits",
    "issn": "ISSN with hyphen",
    "ismn": "ISMN, 13 digits",
    "control": "control number, (AGENCY)NUMBER",
    "lccn": "Library of Congress control number, normal form",
    "nbn": "number of a national bibliography, upper case without blanks",
    "doi": "DOI, lower case",
    "other_id": "another standard identifier, SOURCE:VALUE",
}

_CONTROL = re.compile(r"\s*\(([^()]+)\)\s*(\S.*)")


class Key(NamedTuple):
    """A key: its ``kind`` (one of ``KINDS``) and its ``value`` in normal form."""

    kind: str
    value: str


def keys(record: Record) -> tuple[Key, ...]:
    """Return the keys of a record, each once, in the order of the record's fields."""
    found: dict[Key, None] = {}
    agency = record.agency
    if agency and (number := identifiers.controlled(agency, record.control_number)):
        found[Key("control", number)] = None
    for field in record.fields:
        if reader := _READERS.get(field.tag):
            found.update(dict.fromkeys(key for key in reader(field) if key.value))
    return tuple(found)


def _isbn_keys(field: Field) -> Iterator[Key]:
    """020: in KORMARC the first indicator 1 says set; elsewhere the words around say so."""
    words = " ".join(field.all("aqgc"))
    is_set = field.indicators[:1] == "1" or identifiers.is_set(words)
    for code, value in field.subfields:
        if code == "a":
            yield Key("isbn_set" if is_set else "isbn", identifiers.isbn13(value))
        elif code == "z":
            yield Key("isbn_cancelled", identifiers.isbn13(value))


def _issn_keys(field: Field) -> Iterator[Key]:
    return (Key("issn", identifiers.issn8(value)) for value in field.all("al"))


def _other_keys(field: Field) -> Iterator[Key]:
    """024: the first indicator, or $2 with 7, says which number it is."""
    kind, source = field.indicators[:1], field.first("2").strip().lower()
    for value in field.all("a"):
        if source == "doi" or (kind == "7" and identifiers.doi(value)):
            yield Key("doi", identifiers.doi(value))
        elif kind == "2" or source == "ismn":
            yield Key("ismn", identifiers.ismn13(value))
        elif (kind in "38" and value.strip().startswith("978")) or source == "isbn":
            is_set = identifiers.is_set(" ".join(field.all("aqd")))
            yield Key("isbn_set" if is_set else "isbn", identifiers.isbn13(value))
        else:
            name = source or _OTHER.get(kind, "")
            number = identifiers.compact(identifiers.plain(value))
            if name and number:
                yield Key("other_id", f"{name}:{number}")


_OTHER = {"0": "isrc", "1": "upc", "3": "ean", "4": "sici"}


def _lccn_keys(field: Field) -> Iterator[Key]:
    return (Key("lccn", identifiers.lccn(value)) for value in field.all("a"))


def _nbn_keys(field: Field) -> Iterator[Key]:
    return (Key("nbn", identifiers.compact(identifiers.plain(v))) for v in field.all("a"))


def _agency_nbn_keys(field: Field) -> Iterator[Key]:
    """016: the agency is $2, or Library and Archives Canada without one."""
    agency = field.first("2") or "CaOONL"
    return (Key("nbn", identifiers.controlled(agency, value)) for value in field.all("a"))


def _control_keys(field: Field) -> Iterator[Key]:
    for value in field.all("a"):
        if match := _CONTROL.fullmatch(value):
            yield Key("control", identifiers.controlled(match[1], match[2]))


_READERS: Final[Mapping[str, Callable[[Field], Iterator[Key]]]] = {
    "010": _lccn_keys,
    "015": _nbn_keys,
    "016": _agency_nbn_keys,
    "020": _isbn_keys,
    "022": _issn_keys,
    "024": _other_keys,
    "035": _control_keys,
}


def identifier_keys(text: str, kind: str = "") -> tuple[Key, ...]:
    """Return the keys of what a person, a cell or a URN says; ``kind`` limits them to one.

    ``kind`` may be any of ``KINDS``; without it the text itself says what it is.

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
    # Eight digits alone could be anything, a date to begin with: they must call themselves ISSN.
    if kind == "issn" or re.search(r"issn|[0-9]{4}-[0-9]{3}[0-9Xx]\s*$", text, re.IGNORECASE):
        yield Key("issn", identifiers.issn8(text))
    if kind == "lccn":
        yield Key("lccn", identifiers.lccn(text))
    if kind in ("nbn", "other_id"):
        yield Key(kind, identifiers.compact(text))
