"""Where, by whom and when something was published: originInfo of MODS from 033, 04X and 25X-26X.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), originInfo,
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; ISBD for brackets and question marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from marc_mappings.mods.elements import some
from marc_mappings.mods.headings import Elements
from marc_mappings.record import Field, Record
from marc_mappings.steps import trim_isbd


def imprint(field: Field, record: Record) -> Elements:
    """originInfo: place, publisher, dateIssued (a manuscript: dateCreated); $e-$g manufacture"""
    date = "dateCreated" if record.leader[6:7] in ("d", "f", "p", "t") else "dateIssued"
    made = some("originInfo", _imprint(field, date))
    return made + some("originInfo", _manufacture(field), eventType="manufacture")


def _manufacture(field: Field) -> Elements:
    """Return place, manufacturer and date of manufacture, which 260 has in parentheses."""
    found: Elements = ()
    for code, value in field.subfields:
        shown = _without_brackets(trim_isbd(value).strip("()"))
        if code == "e":
            found += some("place", some("placeTerm", shown, type="text"))
        elif code == "f":
            found += some("publisher", shown)
        elif code == "g":
            found += some("dateOther", shown, type="manufacture")
    return found


# 264 second indicator -> the event, and the element its date is.
_EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "0": ("production", "dateOther"),
    "1": ("publication", "dateIssued"),
    "2": ("distribution", "dateOther"),
    "3": ("manufacture", "dateOther"),
    "4": ("copyright notice", "copyrightDate"),
}


def event(field: Field, _: Record) -> Elements:
    """originInfo with eventType as the second indicator says: place, publisher, date"""
    kind, date = _EVENTS.get(field.indicators[1:], ("", "dateIssued"))
    return some("originInfo", _imprint(field, date, kind), eventType=kind)


def _imprint(field: Field, date: str, kind: str = "") -> Elements:
    found: Elements = ()
    for code, value in field.subfields:
        shown = trim_isbd(value)
        if code == "a":
            term = some("placeTerm", _without_brackets(shown), type="text")
            found += some("place", term, supplied="yes" if _in_brackets(shown) else "")
        elif code == "b":
            found += some(
                "publisher",
                _without_brackets(shown),
                supplied="yes" if _in_brackets(shown) else "",
            )
        elif code in "cd":
            dated = {"type": kind} if date == "dateOther" else {}
            found += some(date, _without_brackets(shown), qualifier=_doubt(shown), **dated)
    return found


def _in_brackets(shown: str) -> bool:
    return shown.startswith("[") and shown.endswith("]") and "[" not in shown[1:]


def _without_brackets(shown: str) -> str:
    return shown[1:-1].strip() if _in_brackets(shown) else shown


def _doubt(shown: str) -> str:
    """Return the qualifier of a date in an imprint as its signs say."""
    if "?" in shown:
        return "questionable"
    if shown.startswith(("ca.", "[ca.", "circa", "[circa", "approximately", "[approximately")):
        return "approximate"
    return "inferred" if _in_brackets(shown) else ""


def edition(field: Field, _: Record) -> Elements:
    """originInfo: edition with what $b adds"""
    shown = " ".join([value.strip() for value in field.all("ab")])
    return some("originInfo", some("edition", shown.rstrip(" /:;,=")))


def captured(field: Field, _: Record) -> Elements:
    """originInfo: dateCaptured, a span if the first indicator is 2"""
    found: Elements = ()
    for at, value in enumerate(field.all("a")):
        point = ("start", "end")[at] if field.indicators[:1] == "2" and at < 2 else ""
        found += some("dateCaptured", value.strip(), encoding="iso8601", point=point)
    return some("originInfo", found)


_SPECIAL_DATES: Final[Mapping[str, tuple[str, str]]] = {
    "c": ("dateIssued", "start"),
    "e": ("dateIssued", "end"),
    "j": ("dateModified", ""),
    "k": ("dateCreated", "start"),
    "l": ("dateCreated", "end"),
    "m": ("dateValid", "start"),
    "n": ("dateValid", "end"),
    "o": ("dateOther", "start"),
    "p": ("dateOther", "end"),
}


def special_dates(field: Field, _: Record) -> Elements:
    """originInfo: dates issued, modified, created, valid, with start and end"""
    found: Elements = ()
    encoding = "edtf" if field.first("2").strip().lower() == "edtf" else "marc"
    for code, value in field.subfields:
        if code in _SPECIAL_DATES:
            name, point = _SPECIAL_DATES[code]
            found += some(name, value.strip(), encoding=encoding, point=point)
    return some("originInfo", found)


def countries(field: Field, _: Record) -> Elements:
    """originInfo: place for each code: $a marccountry, $c iso3166"""
    found: Elements = ()
    for code, value in field.subfields:
        if code in "abc":
            scheme = {"a": "marccountry", "c": "iso3166"}.get(code, "")
            term = some("placeTerm", value.strip(), type="code", authority=scheme)
            found += some("place", term)
    return some("originInfo", found)
