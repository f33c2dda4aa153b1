"""Links of UNIMARC, 4XX, as linking entries and series entries of MARC 21.

A link is written in one of two ways: fields embedded in $1 (``$1001ID$12001 $aTitle``), or plain
subfields ($t, $a, $v, $x). Both are read into the same ``Target``, and what a target says goes
where its kind of link has it in MARC 21.

Source: IFLA, UNIMARC Manual, 4-- "Linking entry block"; LC, UNIMARC to MARC 21 Conversion
Specifications, 4XX; MARC 21 Bibliographic 760-787, 800-830.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from marc_mappings import steps
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss
from marc_mappings.unimarc.names import agency, body, family, person
from marc_mappings.unimarc.title import clean, filing, title_parts

Make = Callable[[Field, Record], list[Field]]

_NAMES: Final = frozenset(("700", "701", "702", "710", "711", "712", "720", "721", "722"))

# Plain subfields of 4XX as the fields they stand for. Source: IFLA 4--, standard subfields.
_PLAIN: Final = {
    "a": ("700", "a"), "b": ("200", "b"), "c": ("210", "a"), "d": ("210", "d"),
    "e": ("205", "a"), "f": ("200", "f"), "g": ("200", "g"), "h": ("200", "h"),
    "i": ("200", "i"), "l": ("200", "d"), "m": ("013", "a"), "n": ("210", "c"),
    "o": ("200", "e"), "p": ("215", "a"), "s": ("225", "a"), "t": ("200", "a"),
    "u": ("856", "u"), "v": ("200", "v"), "x": ("011", "a"), "y": ("010", "a"),
    "z": ("040", "a"),
}  # fmt: skip
# The order in which plain subfields stand in the fields they become.
_ORDER: Final = "tbohilfgvcndaepsumxyz"

_NO_PLACE: Final = "a linking entry of MARC 21 has no place for it"


class Target(NamedTuple):
    """What a link points at, as fields of UNIMARC, in the order they came."""

    fields: tuple[Field, ...]

    def field(self, *tags: str) -> Field:
        """Return the first field with one of ``tags``, or an empty one."""
        return next((field for field in self.fields if field.tag in tags), _NOTHING)

    def text(self, tag: str, code: str) -> str:
        """Return the first subfield of the first field that has it, or ``""``."""
        found = (field.first(code) for field in self.fields if field.tag == tag)
        return next((clean(value) for value in found if value.strip()), "")

    def volume(self) -> str:
        """Return the designation of the volume in a series or set, or ``""``."""
        tags = ("200", "225", "500", "501", "503", "510")
        return next((found for tag in tags if (found := self.text(tag, "v"))), "")


_NOTHING: Final = Field("", "  ")


@lru_cache(maxsize=64)
def target(field: Field) -> Target:
    """Return what a 4XX (or 604) points at, whichever way it is written.

    >>> link = Field("461", " 0", (Subfield("1", "001X1"), Subfield("1", "2001 "),
    ...              Subfield("a", "Set"), Subfield("v", "2")))
    >>> [(one.tag, one.value or one.first("a")) for one in target(link).fields]
    [('001', 'X1'), ('200', 'Set')]
    """
    embedded = any(part.code == "1" for part in field.subfields)
    return Target(tuple(_embedded(field) if embedded else _plain(field)))


def _embedded(field: Field) -> Iterator[Field]:
    tag, indicators, value = "", "", ""
    parts: list[Subfield] = []
    for code, text in field.subfields:
        if code != "1":
            parts.append(Subfield(code, text))
            continue
        if tag:
            yield Field(tag, indicators, tuple(parts), value)
        tag, parts = text[:3], []
        control = tag.startswith("00")
        value = text[3:].strip() if control else ""
        indicators = "" if control else text[3:5].ljust(2)
    if tag:
        yield Field(tag, indicators, tuple(parts), value)


def _plain(field: Field) -> Iterator[Field]:
    found: dict[str, list[Subfield]] = {}
    for wanted in _ORDER:
        tag, to = _PLAIN[wanted]
        for value in field.all(wanted):
            found.setdefault(tag, []).append(Subfield(to, value))
    number = field.first("0").strip()
    if number:
        yield Field("001", "", (), number)
    for tag, parts in found.items():
        yield Field(tag, " 1" if tag == "700" and "," in parts[0].value else "  ", tuple(parts))


def losses(field: Field, made: Iterable[Field]) -> Iterator[Loss]:
    """Yield the subfields of a link that are not in the fields ``made`` of it.

    What a link says of its target goes to different places by kind of link, so the result is
    asked, and not a list of what is read.
    """
    text = " ".join([value for one in made for _, value in one.subfields])
    if not text:
        return
    lost: dict[str, None] = {}
    for code, value in field.subfields:
        said = value
        if code == "1":
            said = value[3:] if value[:2] == "00" else ""
        if said.strip() and _core(said) not in text:
            lost[code] = None
    if lost:
        yield Loss(field.tag, "".join(lost), _NO_PLACE)


def _core(text: str) -> str:
    """Return ``text`` without the punctuation that a link may lose or get."""
    return filing(text.strip())[0].strip(" ,.:;/=()[]")


def display(field: Field) -> str:
    """Return the first indicator of a linking entry: 0 if UNIMARC wants a note, else 1."""
    return "1" if field.indicators[1:] == "0" else "0"


def link(tag: str, second: str = " ") -> Make:
    """Return a function that makes a linking entry ``tag`` with this second indicator."""

    def make(field: Field, record: Record) -> list[Field]:
        """$a name, $t title, $b edition, $d imprint, $g part, $w control number, $x, $z."""
        parts = link_parts(target(field), record)
        return [Field(tag, display(field) + second, parts)] if parts else []

    return make


def link_parts(to: Target, record: Record) -> tuple[Subfield, ...]:
    """Return the subfields of a linking entry for what it points at."""
    source = agency(record)
    number = to.field("001").value
    imprint = _imprint(to.field("210"))
    found = [
        ("a", name_text(to, record)),
        ("t", title_text(to)),
        ("b", to.text("205", "a")),
        ("d", imprint),
        ("g", to.volume()),
        ("h", to.text("215", "a")),
        ("k", to.text("225", "a")),
        ("o", to.text("856", "u")),
        ("w", f"({source})" + number if number and source else number),
        ("x", to.text("011", "a")),
        ("y", to.text("040", "a")),
        ("z", to.text("010", "a") or to.text("010", "z")),
    ]
    parts = [Subfield(code, value) for code, value in found if value]
    if len(parts) > 1 and parts[0].code == "a" and parts[1].code == "t":
        parts[0] = Subfield("a", steps.with_sign(parts[0].value, "."))
    return tuple(parts)


def title_text(to: Target) -> str:
    """Return the title a link points at, with part number, part and other title, in one line."""
    source = to.field("200")
    if not source.first("a").strip():
        source = to.field("500", "501", "503", "510", "530")
        source = source._replace(subfields=tuple(p for p in source.subfields if p.code in "ahi"))
    parts, _ = title_parts([part for part in source.subfields if part.code in "adefghi"])
    return " ".join([value for _, value in parts])


def name_text(to: Target, record: Record) -> str:
    """Return the first name a link points at in one line, ``""`` if there is none."""
    made = name_field(to, record)
    if not made:
        return ""
    return " ".join([value for code, value in made.subfields if code in "abcdqn"])


def name_field(to: Target, record: Record) -> Field | None:
    """Return the first name a link points at as X00, X10 or X11, without role and numbers."""
    for field in to.fields:
        if field.tag in _NAMES and field.first("a").strip():
            builder = {"0": person("800"), "1": body("810"), "2": family("800")}[field.tag[1]]
            made = builder(field, record)
            if made:
                kept = [part for part in made[0].subfields if part.code not in "eju014"]
                last = kept[-1]
                kept[-1] = Subfield(last.code, steps.without_sign(last.value))
                return made[0]._replace(subfields=tuple(kept))
    return None


def _imprint(field: Field) -> str:
    text = ""
    for code, value in field.subfields:
        sign = {"a": " ;", "c": " :", "d": ","}.get(code)
        if sign and (value := clean(value)):
            text = f"{steps.with_sign(text, sign)} {value}" if text else value
    return text


def series(field: Field, record: Record) -> list[Field]:
    """830, or 800/810/811 with the name before the title: $a $n $p, $x, $v, $w."""
    to = target(field)
    source = to.field("200")
    if not source.first("a").strip():
        source = to.field("500", "510", "530")
    parts, _ = title_parts([part for part in source.subfields if part.code in "adehi"])
    if not parts:
        return []
    skip = filing(source.first("a").strip())[1]
    named = name_field(to, record)
    title = [Subfield({"b": "a"}.get(code, code), value) for code, value in parts]
    if named:
        head = [*named.subfields]
        head[-1] = Subfield(head[-1].code, steps.with_sign(head[-1].value, "."))
        title = [*head, *(Subfield("t" if c == "a" else c, v) for c, v in _one(title))]
    else:
        title = _one(title)
    tail = [part for part in link_parts(to, record) if part.code in "wx"]
    if volume := to.volume():
        title[-1] = Subfield(title[-1].code, steps.with_sign(title[-1].value, " ;"))
        title.append(Subfield("v", volume))
    made = [*title, *sorted(tail, key=lambda part: part.code, reverse=True)]
    if named:
        return [Field(named.tag, f"{named.indicators[:1]} ", tuple(made))]
    return [Field("830", f" {skip}", tuple(made))]


def _one(parts: list[Subfield]) -> list[Subfield]:
    """Return ``parts`` with the $a's next to each other as one: 8XX has no other title."""
    found: list[Subfield] = []
    for part in parts:
        if found and part.code == "a" and found[-1].code == "a":
            found[-1] = Subfield("a", f"{found[-1].value} {part.value}")
        else:
            found.append(part)
    return found


def part_or_whole(field: Field, record: Record) -> list[Field]:
    """773 from a part (leader/07 a, leader/08 2), 774 from a set or collection."""
    up = record.leader[7:8] == "a" or record.leader[8:9] == "2"
    return link("773" if up else "774")(field, record)


def original(field: Field, record: Record) -> list[Field]:
    """534: $a name, $t title, $b edition, $c imprint, $e extent, $x, $z."""
    rename = {"d": "c", "h": "e", "g": "n", "k": "f"}
    parts = [
        Subfield(rename.get(code, code), value)
        for code, value in link_parts(target(field), record)
        if code not in "wyo"
    ]
    return [Field("534", "  ", tuple(parts))] if parts else []


def bound_with(field: Field, record: Record) -> list[Field]:
    """501 with name, title and imprint in one line."""
    parts = [value for code, value in link_parts(target(field), record) if code in "atbd"]
    return [Field("501", "  ", (Subfield("a", " ".join(parts)),))] if parts else []


def uniform_original(field: Field, record: Record) -> list[Field]:
    """240 with the title of the original, where one 454 and no 500 says it."""
    only = sum(1 for each in record.all("454", "500")) == 1
    to = target(field)
    text = steps.trim_isbd(to.text("200", "a") or to.text("500", "a"))
    if not only or not text:
        return []
    skip = filing((to.field("200").first("a") or to.field("500").first("a")).strip())[1]
    return [Field("240", f"1{skip}", (Subfield("a", text),))]
