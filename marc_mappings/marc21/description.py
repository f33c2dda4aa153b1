"""The description of MARC 21 as UNIMARC has it: ISBD punctuation taken out and made subfields.

MARC 21 writes "Title :$bother title = Parallel title /$cfirst statement ; second" with the signs
of ISBD in the text; UNIMARC has a subfield for each element and no sign. What filing skips stands
between the marks U+0098 and U+009C.

Source: UNIMARC Manual, Bibliographic Format, 200, 205, 225 and "non-sorting characters" (NSB, NSE);
ISBD Consolidated (punctuation of areas 1, 2 and 6); MARC 21 Bibliographic 245, 250, 490.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from marc_mappings import steps
from marc_mappings.record import Field, Record, Subfield

NSB: Final = "\x98"
NSE: Final = "\x9c"

# The sign before an element of ISBD, with blanks around it inside a subfield.
_SIGN = re.compile(r" ([=:;/]) ")
# Sign to subfield. Source: UNIMARC Manual 200, 205, 225.
_OF_TITLE: Final = {":": "e", "=": "d", ";": "a", "/": "f"}
_OF_EDITION: Final = {"=": "d", "/": "f", ";": "g", ",": "b", ":": "b"}
_OF_SERIES: Final = {":": "e", "=": "d", "/": "f", ";": "v"}
# 245 subfields that are an element of their own. Source: LC, UNIMARC to MARC 21: 200.
_AS_THEY_ARE: Final = {"n": "h", "p": "i", "f": "e", "g": "e", "k": "e", "s": "e"}
TITLE_CODES: Final = "abchnpfgks"


def without_filing_mark(text: str, skipped: str) -> str:
    """Return ``text`` with the first ``skipped`` characters (a digit) between NSB and NSE.

    >>> without_filing_mark("The vegetarian", "4")
    '\\x98The \\x9cvegetarian'
    """
    count = int(skipped) if skipped.isdigit() and skipped.isascii() else 0
    if not count or count >= len(text) or NSB in text:
        return text
    return f"{NSB}{text[:count]}{NSE}{text[count:]}"


def title(field: Field, _: Record) -> list[Field]:
    """Take the ISBD signs out of 245 and make each element a subfield of 200."""
    parts: list[Subfield] = []
    sign = ""
    for code, value in field.subfields:
        if code == "a":
            to = _OF_TITLE.get(sign, "a") if parts else "a"
            if to == "a" and not parts:
                value = without_filing_mark(value, field.indicators[1:])
            parts.append(Subfield(to, value))
        elif code == "b":
            parts += _elements(value, _OF_TITLE, sign or ":")
        elif code == "c":
            parts += _statements(value)
        elif code == "h":
            parts.append(Subfield("b", value.strip(" :;=/.").strip("[]")))
        elif to := _AS_THEY_ARE.get(code, ""):
            parts.append(Subfield(to, value))
        if code in TITLE_CODES:
            sign = _sign_at_end(value)
    if not (trimmed := _trimmed(parts)):
        return []
    return [Field("200", "1 ", trimmed)]


def _sign_at_end(text: str) -> str:
    last = text.rstrip()[-1:]
    return last if last in ("=", ":", ";", "/", ",") else ""


def _elements(text: str, table: dict[str, str], sign: str) -> Iterator[Subfield]:
    """Yield an element for each part of ``text`` between signs; ``sign`` stands before it."""
    code = table.get(sign, "e")
    parts = _SIGN.split(text)
    for part, following in zip(parts[::2], [*parts[1::2], ""], strict=True):
        yield Subfield(code, part)
        code = table.get(following, "e")


def _statements(text: str) -> Iterator[Subfield]:
    """Yield the statements of responsibility: the first and its parallels $f, others $g."""
    code = "f"
    parts = _SIGN.split(text)
    waiting = parts[0]
    for sign, part in zip(parts[1::2], parts[2::2], strict=True):
        if sign in "=;":
            yield Subfield(code, waiting)
            code = "g" if sign == ";" else code
            waiting = part
        else:
            waiting = f"{waiting} {sign} {part}"
    yield Subfield(code, waiting)


def _trimmed(parts: list[Subfield]) -> tuple[Subfield, ...]:
    return tuple(
        [Subfield(code, text) for code, value in parts if (text := steps.trim_isbd(value))]
    )


def edition(field: Field, _: Record) -> list[Field]:
    """Take the ISBD signs out of 250 and make each element a subfield of 205."""
    parts: list[Subfield] = []
    sign = ""
    for code, value in field.subfields:
        if code == "a":
            parts += _kept_stops(
                _elements(value, {**_OF_EDITION, ":": "a"}, "") if parts else [Subfield("a", value)]
            )
        elif code == "b":
            parts += _kept_stops(_elements(value, _OF_EDITION, sign or ","))
        if code in "ab":
            sign = _sign_at_end(value)
    return [Field("205", "  ", tuple(parts))] if parts else []


def _kept_stops(parts: Iterator[Subfield] | list[Subfield]) -> Iterator[Subfield]:
    """Yield subfields without signs; a full stop stays, it is of an abbreviation ("2nd ed.")."""
    for code, value in parts:
        if text := steps.without_sign(value):
            yield Subfield(code, text)


def series(field: Field, record: Record) -> list[Field]:
    """Take the ISBD signs out of 490 or 440; a 225 says whether it is traced as it stands."""
    parts: list[Subfield] = []
    for code, value in field.subfields:
        if code == "a":
            parts += _elements(value, _OF_SERIES, "") if " / " in value or " = " in value else ()
            if not (" / " in value or " = " in value):
                skip = field.indicators[1:] if field.tag == "440" else ""
                parts.append(Subfield("a", without_filing_mark(value, skip)))
            elif parts:
                parts[0] = Subfield("a", parts[0].value)
        elif to := {"n": "h", "p": "i", "v": "v", "x": "x"}.get(code):
            parts.append(Subfield(to, value))
    if not (trimmed := _trimmed(parts)):
        return []
    return [Field("225", _traced(field, record) + " ", trimmed)]


def _traced(field: Field, record: Record) -> str:
    """Return the first indicator of 225: 1 not traced, 2 traced so, 0 traced in another form."""
    if field.tag == "440":
        return "2"
    if field.indicators[:1] != "1":
        return "1"
    form = _form(field.first("a"))
    traced = (_form(each.first("a")) for each in record.all("830"))
    return "2" if form in traced else "0"


def _form(text: str) -> str:
    return steps.trim_isbd(text).casefold()


def dimensions(text: str) -> str:
    """Return a size without the full stop after it: "cm" is a symbol.

    >>> dimensions("23 cm. +"), dimensions("18 in.")
    ('23 cm', '18 in.')
    """
    text = steps.without_sign(text)
    return text[:-1] if text.endswith("cm.") else text


def date(text: str) -> str:
    """Return a date of publication without the punctuation after it.

    >>> date("c2007."), date("[2008]"), date("1990-")
    ('c2007', '[2008]', '1990-')
    """
    text = steps.without_sign(text)
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text


def without_brackets(text: str) -> str:
    """Return a place or name of printing without the brackets MARC 21 puts around them.

    >>> without_brackets("(London :"), without_brackets("Clowes)")
    ('London', 'Clowes')
    """
    text = steps.without_sign(text)
    if text.startswith("(") and ")" not in text:
        return text[1:]
    return text[:-1] if text.endswith(")") and "(" not in text else text


def joined_imprints(fields: list[Field]) -> list[Field]:
    """Put what 264 says of printing and copyright behind the 210 that says who published.

    RDA has a field for each function, 210 one for all of them.
    """
    at = next((i for i, f in enumerate(fields) if f.tag == "210" and _is_imprint(f)), None)
    if at is None:
        return fields
    base = fields[at]
    kept: list[Field] = []
    more: list[Subfield] = []
    for index, field in enumerate(fields):
        if (
            field.tag == "210"
            and index != at
            and not _is_imprint(field)
            and "6" not in _codes(field)
        ):
            more += field.subfields
        else:
            kept.append(field)
    if not more:
        return fields
    kept[kept.index(base)] = base._replace(subfields=(*base.subfields, *more))
    return kept


def _codes(field: Field) -> str:
    return "".join(code for code, _ in field.subfields)


def _is_imprint(field: Field) -> bool:
    return any(code in "ac" for code, _ in field.subfields)
