"""The ways out of the table from UNIMARC to MARC 21: fields that no plan of subfields can say.

Each function makes the fields of MARC 21 for one field of UNIMARC; its first line says in words
what it does, and stands in the documentation of the mapping.

Source: IFLA, UNIMARC Manual, the fields named; MARC 21 Bibliographic, the fields made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from marc_mappings import codes, spec, steps
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Steps, moved
from marc_mappings.unimarc.numbers import field_of, values_of
from marc_mappings.unimarc.title import clean, filing, title_parts

Make = Callable[[Field, Record], list[Field]]


TITLE_STEPS: Final[Steps] = dict.fromkeys("adeip", (clean,))


# First indicator of 210 and 214 (intervening, latest) and second of 214. Source: IFLA 210, 214.
_SEQUENCE: Final = {"0": "2", "1": "3"}
_FUNCTION: Final = {"0": "1", "1": "0", "2": "2", "3": "3", "4": "4"}


def sequence(field: Field, _: Record) -> str:
    """Return the first indicator of 264: an intervening or the latest publisher."""
    return _SEQUENCE.get(field.indicators[:1], " ")


def function(field: Field, _: Record) -> str:
    """Return the second indicator of 264: publication, production, distribution, manufacture."""
    return _FUNCTION.get(field.indicators[1:], "1")


def numbering(field: Field, _: Record) -> str:
    """Return the first indicator of 362: 1 if the numbering is told in words."""
    return "1" if field.indicators[1:] == "1" else "0"


# ISBD content forms that need 181 $b too: image by its kind and motion, music by its kind.
_QUALIFIED: Final = {"bc": "cri", "da": "ntm"}


def content_type(field: Field, _: Record) -> list[Field]:
    """336 $b: the RDA code of $c, or for the ISBD form in $a."""
    form, kind = field.first("a")[:1], field.first("b")
    code = _QUALIFIED.get(form + kind[:1]) or codes.from_unimarc("content_form").get(form, "")
    if form == "b" and kind[1:2] == "a":
        code = "tdi"
    return _rda("336", field, code, "rdacontent")


def media_type(field: Field, _: Record) -> list[Field]:
    """337 $b: the RDA code of $c, or for the ISBD medium in $a."""
    code = codes.from_unimarc("media_type").get(field.first("a")[:1], "")
    return _rda("337", field, code, "rdamedia")


def carrier_type(field: Field, _: Record) -> list[Field]:
    """338 $b: the RDA code of $a or $c."""
    return _rda("338", field, field.first("a").strip(), "rdacarrier")


def _rda(tag: str, field: Field, code: str, source: str) -> list[Field]:
    given = [("b", value) for value in values_of(field, "c")] or [("b", code)] * bool(code)
    if field.first("c").strip() or tag == "338":
        source = field.first("2").strip() or source
    return field_of(tag, "  ", *given, ("2", source)) if given else []


def content_and_media(field: Field, _: Record) -> list[Field]:
    """336 and 337 with the terms of ISBD area 0: $a with $b in parentheses, and $c."""
    found: list[Field] = []
    qualified = " ".join(values_of(field, "b")).strip("()")
    for at, form in enumerate(values_of(field, "a")):
        words = f"{form} ({qualified})" if qualified and at == 0 else form
        found += field_of("336", "  ", ("a", words), ("2", "isbdcontent"))
    if qualified and not found:
        found += field_of("336", "  ", ("a", f"({qualified})"), ("2", "isbdcontent"))
    for medium in values_of(field, "c"):
        found += field_of("337", "  ", ("a", medium), ("2", "isbdmedia"))
    return found


_EDITION: Final = {"a": ";", "b": ",", "d": " =", "f": " /", "g": " ;"}


def edition(field: Field, _: Record) -> list[Field]:
    """250: $a, and what follows it in one $b with the punctuation of ISBD."""
    parts: list[Subfield] = []
    for code, value in field.subfields:
        sign, text = _EDITION.get(code), clean(value)
        if sign is None or not text:
            continue
        if not parts:
            parts.append(Subfield("a", text))
        elif len(parts) == 1:
            parts = [Subfield("a", steps.with_sign(parts[0].value, sign)), Subfield("b", text)]
        else:
            parts[1] = Subfield("b", f"{steps.with_sign(parts[1].value, sign)} {text}")
    return [Field("250", "  ", tuple(parts))] if parts else []


_SERIES: Final = {
    move.code: move
    for move in spec.moves("a d>a+( =) e>a+( :) f>a+( /) h>a+(.) i>a+(,) x(,) v( ;)")
}
_CLEAN: Final[Steps] = dict.fromkeys("adefi", (clean,)) | {"v": (clean,)}


def series_statement(field: Field, record: Record) -> list[Field]:
    """490 with ISBD punctuation; first indicator 1 if there is an entry for the series."""
    parts = moved(field.subfields, _SERIES, _CLEAN)
    if not parts:
        return []
    traced = any(True for _ in record.all("410")) or field.indicators[:1] == "2"
    return [Field("490", "1 " if traced else "0 ", parts)]


def series_title(field: Field, record: Record) -> list[Field]:
    """830 in the form of 225, if no 410 has another one."""
    if any(True for _ in record.all("410")):
        return []
    parts, skip = title_parts([part for part in field.subfields if part.code in "ahi"])
    found = [*parts, *(Subfield("x", value) for value in values_of(field, "x"))]
    for volume in values_of(field, "v"):
        if found:
            found[-1] = Subfield(found[-1].code, steps.with_sign(found[-1].value, " ;"))
        found.append(Subfield("v", clean(volume) or volume))
    kept = [part for part in found if part.code in "anpxv"]
    return [Field("830", f" {skip}", tuple(kept))] if parts else []


def frequency(field: Field, record: Record) -> list[Field]:
    """310 for the first 326, 321 for those after it, with dates in $b."""
    first = next(record.all("326"), field)
    tag = "310" if first is field or first == field else "321"
    dates = [("b", value) for value in values_of(field, "b")]
    parts = [("a", " ; ".join(values_of(field, "a"))), *dates]
    if dates and parts[0][1]:
        parts[0] = ("a", steps.with_sign(parts[0][1], ","))
    return field_of(tag, "  ", *parts)


# First indicator of 327 (incomplete, complete, partial) to that of 505. Source: IFLA 327.
_CONTENTS: Final = {"0": "1", "1": "0", "2": "2"}


def contents_note(field: Field, _: Record) -> list[Field]:
    """505 with all titles in $a, " -- " between them, pages behind theirs; $u."""
    text = ""
    for code, value in field.subfields:
        value = value.strip()
        if not value or code not in "abcdefghipz":
            continue
        if not text:
            text = value
        elif code == "p":
            text = f"{text}, {value}"
        else:
            text = f"{text.removesuffix('--').rstrip()} -- {value.removeprefix('-- ')}"
    first = _CONTENTS.get(field.indicators[:1], "0")
    links = [("u", each) for each in values_of(field, "u")]
    return field_of("505", f"{first} ", ("a", text), *links)


_UNIFORM: Final = {
    move.code: move
    for move in spec.moves("a b>h h>n(.) i>p(.) k>f(.) l>k(.) m>l(.) n>g q>s(.) r>m(,) s>n(,) "
                           "u>r(,) v>n(.) w>o( ;)")
}  # fmt: skip
_PREFERRED: Final = {
    move.code: move
    for move in spec.moves("a h>n(.) i>p(.) c>k(.) d>f(.) f>l(.) k>g r>m(,) s>n(,) u>r(,) l>h "
                           "m>l(.) n>h")
}  # fmt: skip
_LEGAL: Final = {
    move.code: move
    for move in spec.moves("a b>k(.) d>f e>p(.) f>p(.) h>n(.) i>p(.) j>f(.) k>f(.) l>k(.) m>g "
                           "n>n(.) o>n(.)")
}  # fmt: skip
_COLLECTIVE: Final = {
    move.code: move for move in spec.moves("a b>h e>k(.) k>f(.) l>k(.) m>l(.) r>m(,) s>n(,) u>r(,)")
}
_MOVES: Final = {"500": _UNIFORM, "501": _COLLECTIVE, "503": _LEGAL, "605": _UNIFORM}


def uniform_title(tag: str) -> Make:
    """Return a function that makes the uniform title ``tag`` of a main entry, or 730."""

    def make(field: Field, _: Record) -> list[Field]:
        """The main entry's uniform title if indicator 2 (506: 1) is 1, else 730."""
        parts, skip = uniform_parts(field)
        if not parts:
            return []
        preferred = field.tag in ("506", "507")
        main = field.indicators[:1] == "1" if preferred else field.indicators[1:] == "1"
        if main or field.tag == "501":
            return [Field(tag, f"1{skip}", parts)]
        return [Field("730", f"{skip} ", parts)]

    return make


def uniform_parts(field: Field) -> tuple[tuple[Subfield, ...], int]:
    """Return the subfields of a uniform title, and how many characters filing skips."""
    moves = _MOVES.get(field.tag, _PREFERRED)
    skip = filing(field.first("a").strip())[1]
    return moved(field.subfields, moves, {"a": (clean,), "i": (clean,)}), skip
