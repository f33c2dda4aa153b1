"""Titles and names of MARC 21 as elements of MODS.

These are the fields of which one is never one element: a heading falls into parts, and its
subfields belong to the part that they follow.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), titleInfo, name,
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; MARC 21 Bibliographic X00, X10, X11, X30.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from marc_mappings.mods.elements import Element, is_uri, some, uri
from marc_mappings.record import Field, Record
from marc_mappings.steps import trim_isbd

Elements = tuple[Element, ...]
# What a row does with one field.
Maker = Callable[[Field, Record], Elements]

_TITLE_HEADS: Final = {"a": "title", "b": "subTitle", "n": "partNumber", "p": "partName"}
UNIFORM_HEADS: Final = {"a": "title", "t": "title", "n": "partNumber", "p": "partName"}
# Subfields of a uniform title that belong to the part they follow.
_UNIFORM_TAILS: Final = "dfgklmors"
_NAME_TITLE_TAILS: Final = "dfghklmors"


# Non-sorting marks: C1 in Unicode, as MARC 21 has them.
_BEGIN, _END = "\x98", "\x9c"


def joined(field: Field, codes: str) -> str:
    """Return the subfields of ``field``, joined by blanks, without the ISBD sign at the end."""
    return trim_isbd(" ".join(field.all(codes)))


def parted(field: Field, heads: Mapping[str, str], tails: str = "") -> list[tuple[str, str]]:
    """Return (element, text): a head begins a part, a tail goes on with the one before it."""
    found: list[tuple[str, list[str]]] = []
    for code, value in field.subfields:
        if name := heads.get(code):
            if not (found and found[-1][0] == name == "title"):
                found.append((name, []))
            found[-1][1].append(value)
        elif code in tails:
            if not found:
                found.append(("title", []))
            found[-1][1].append(value)
    return [(name, text) for name, values in found if (text := trim_isbd(" ".join(values)))]


def _title_parts(parts: Iterable[tuple[str, str]], skipped: str = "") -> Elements:
    """Return the children of titleInfo; ``skipped`` says how many characters filing passes by."""
    made: Elements = ()
    for name, text in parts:
        if name == "title" and not made:
            article, text = without_article(text, skipped)
            made += some("nonSort", article, xml_space="preserve")
        made += some(name, text)
    return made


def title_info(
    parts: Iterable[tuple[str, str]], skipped: str = "", **attributes: str
) -> tuple[Element, ...]:
    """Return titleInfo of (element, text); ``skipped`` is the indicator of filing."""
    return some("titleInfo", _title_parts(parts, skipped), **attributes)


def without_article(text: str, skipped: str) -> tuple[str, str]:
    """Return (what filing passes by, the rest), by the indicator or by non-sorting marks.

    An indicator that would cut a word is not believed, except where articles are written as part
    of the word (Hebrew, Arabic): it was copied from a romanised field.

    >>> without_article("The vegetarian", "4"), without_article("채식주의자", "4")
    (('The ', 'vegetarian'), ('', '채식주의자'))
    """
    if text.startswith(_BEGIN) and 0 < (end := text.find(_END)) < 15:
        return text[1:end], text[end + 1 :].lstrip()
    text = text.replace(_BEGIN, "").replace(_END, "")
    count = int(skipped) if skipped.isascii() and skipped.isdigit() else 0
    if not 0 < count < len(text):
        return "", text
    last = text[count - 1]
    if last.isalnum() and not "\u0590" <= last <= "\u08ff":
        return "", text
    return text[:count], text[count:]


def title(kind: str = "", label: str = "", indicator: int = -1) -> Maker:
    """Return a maker of titleInfo with title, subTitle, partNumber, partName."""

    def make(field: Field, _: Record) -> Elements:
        skipped = field.indicators[indicator : indicator + 1] if indicator >= 0 else ""
        parts = parted(field, _TITLE_HEADS, "fgks")
        return some(
            "titleInfo",
            _title_parts(parts, skipped),
            type=kind,
            displayLabel=joined(field, label) if label else "",
            authority=field.first("2"),
            usage="primary" if field.tag == "245" else "",
            lang=joined(field, "y") if field.tag == "242" else "",
        )

    make.__doc__ = f"titleInfo {kind}: title, subTitle, partNumber, partName, nonSort".replace(
        " :", ":"
    )
    return make


def uniform_title(indicator: int = -1) -> Maker:
    """Return a maker of titleInfo of a uniform title."""

    def make(field: Field, record: Record) -> Elements:
        """titleInfo uniform: title, partNumber, partName; of the main name if 240"""
        skipped = field.indicators[indicator : indicator + 1] if indicator >= 0 else ""
        group = "1" if field.tag == "240" and any(record.all("100", "110", "111")) else ""
        parts = _title_parts(parted(field, UNIFORM_HEADS, _UNIFORM_TAILS), skipped)
        return some("titleInfo", parts, type="uniform", nameTitleGroup=group, **authority(field))

    return make


def authority(field: Field) -> dict[str, str]:
    """Return the attributes that say which authority record a heading is: its $0 or $1 as URI."""
    address = next((value for value in field.all("01") if is_uri(value)), "")
    return {"valueURI": uri(address)} if address else {}


def name_parts(field: Field, kind: str) -> Elements:
    """Return the children of name for a heading of ``kind``, up to its title ($t)."""
    at = title_starts(field)
    own = field if at is None else field._replace(subfields=field.subfields[:at])
    return _NAME_PARTS[kind](own) + _roles(field, "j" if kind == "conference" else "e")


def title_starts(field: Field) -> int | None:
    """Return where the title begins in a name/title heading, ``None`` if it is a name alone."""
    return next((at for at, part in enumerate(field.subfields) if part.code == "t"), None)


def _personal(field: Field) -> Elements:
    return (
        some("namePart", joined(field, "aq"))
        + some("namePart", joined(field, "bcgj"), type="termsOfAddress")
        + some("namePart", joined(field, "d"), type="date")
    )


def _corporate(field: Field) -> Elements:
    made = some("namePart", joined(field, "a"))
    for unit in field.all("b"):
        made += some("namePart", trim_isbd(unit))
    return made + some("namePart", joined(field, "cdgkn"))


def _conference(field: Field) -> Elements:
    return some("namePart", joined(field, "acdegnq"))


_NAME_PARTS: Final[Mapping[str, Callable[[Field], Elements]]] = {
    "personal": _personal,
    "family": _personal,
    "corporate": _corporate,
    "conference": _conference,
}
NAME_KINDS: Final = {"00": "personal", "10": "corporate", "11": "conference"}


def kind_of_name(field: Field, tag: str) -> str:
    """Return the type of a name: X00 personal or family, X10 corporate, X11 conference."""
    kind = NAME_KINDS[tag[1:]]
    return "family" if kind == "personal" and field.indicators[:1] == "3" else kind


def _roles(field: Field, words: str) -> Elements:
    made: Elements = ()
    for code, value in field.subfields:
        if code == words:
            made += some("role", some("roleTerm", trim_isbd(value), type="text"))
        elif code == "4":
            made += _coded_role(value.strip())
    return made


def _coded_role(value: str) -> Elements:
    if is_uri(value):
        code = value.rstrip("/").rpartition("/")[2]
        term = some("roleTerm", code, type="code", valueURI=uri(value))
    else:
        term = some("roleTerm", value, type="code", authority="marcrelator")
    return some("role", term)


def name(tag: str) -> Maker:
    """Return a maker of name for 1XX and 7XX; a heading with a title ($t) is a work, no name."""

    def make(field: Field, record: Record) -> Elements:
        """name: namePart, role, affiliation, nameIdentifier"""
        if tag.startswith("7") and title_starts(field) is not None:
            return ()
        kind = kind_of_name(field, tag)
        parts = name_parts(field, kind) + some("affiliation", joined(field, "u"))
        for identifier in field.all("01"):
            address = uri(identifier) if is_uri(identifier) else identifier.strip()
            parts += some("nameIdentifier", address)
        is_main = tag.startswith("1")
        return some(
            "name",
            parts,
            type=kind,
            usage="primary" if is_main and field.tag != "880" else "",
            nameTitleGroup="1" if is_main and any(record.all("240")) else "",
            displayLabel=joined(field, "i"),
            authority=field.first("2"),
        )

    return make


# What the parts of a name, and of the title in a name/title heading, are made of.
_NAME_CODES: Final[Mapping[str, str]] = {
    "personal": "abcdgjqe",
    "corporate": "abcdgkne",
    "conference": "acdegnqj",
}
# First digit of the tag -> what else is read of it, before and in the title.
_MORE_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "1": ("iu", ""),
    "6": ("vxyz", "vxyz"),
    "7": ("iu", "ix"),
    "8": ("vwx", "vwx"),
}


def unsaid(field: Field, tag: str) -> str:
    """Return the codes of a name or name/title heading that no part of MODS is made of.

    The same code belongs to the name before $t and to the title after it, so that no list of codes
    can say which are read.
    """
    kind = NAME_KINDS[tag[1:]]
    before, after = _MORE_CODES[tag[0]]
    name_codes, roles = _NAME_CODES[kind] + before, "j" if kind == "conference" else "e"
    at = title_starts(field)
    if at is not None and tag[0] == "7":
        name_codes = name_codes.replace("u", "") + "x"
    title_codes = roles if tag[0] == "1" else "tnp" + _NAME_TITLE_TAILS + roles + after
    found: dict[str, None] = {}
    for index, (code, value) in enumerate(field.subfields):
        read = name_codes if at is None or index < at else title_codes
        if code.isalpha() and code not in read and value.strip():
            found[code] = None
    return "".join(found)


def uncontrolled_name(field: Field, _: Record) -> Elements:
    """name without authority: namePart, role"""
    kind = {"1": "personal", "2": "corporate"}.get(field.indicators[:1], "")
    return some("name", some("namePart", joined(field, "a")) + _roles(field, "e"), type=kind)


def work_parts(field: Field) -> list[tuple[str, str]]:
    """Return the parts of the title in a name/title heading, from $t on."""
    start = title_starts(field) or 0
    rest = field._replace(subfields=field.subfields[start:])
    return parted(rest, {"t": "title", "n": "partNumber", "p": "partName"}, _NAME_TITLE_TAILS)
