"""What makes a MARC 21 record of the fields: control numbers, agencies, entries, order, the set.

MARC 21 has at most one main entry, and what kind of uniform title and first title indicator there
is depends on it. A volume that UNIMARC describes below its set has a title only with the set's.

Source: LC, UNIMARC to MARC 21 Conversion Specifications, 001, 461, 500, 801; MARC 21
Bibliographic 001, 003, 035, 040, 1XX, 240, 245; MARC 21 Appendix on order of fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from marc_mappings import steps
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss
from marc_mappings.unimarc.linking import target
from marc_mappings.unimarc.names import agency
from marc_mappings.unimarc.origin import language_code
from marc_mappings.unimarc.title import clean, filing, is_designation, under_set

BELOW_HIGHEST: Final = "2"

# Second indicator of 801 to subfield of 040. Source: LC 801.
_AGENCIES: Final = {"0": "a", "1": "c", "2": "d", "3": "d"}
# Cataloguing rules as 801 $g names them, to source codes of MARC 21. Others go as they are.
_RULES: Final = {"AACR2": "aacr", "AACR": "aacr", "RDA": "rda", "ISBD": "isbd"}


def control_numbers(record: Record) -> list[Field]:
    """Return 001 as it comes, 003 by 801, and 035 with both: a key needs the agency."""
    number, source = record.control_number, agency(record)
    if not number:
        return []
    found = [Field("001", "", (), number)]
    if source:
        found.append(Field("003", "", (), source))
        found.append(Field("035", "  ", (Subfield("a", f"({source}){number}"),)))
    return found


def catalogued_by(record: Record, language: str) -> tuple[list[Field], list[Loss]]:
    """Return 040 and what of 801 has no place; ``language`` is 100 $a/22-24."""
    parts: list[Subfield] = []
    lost: list[Loss] = []
    rules: dict[str, None] = {}
    for field in record.all("801"):
        code = _AGENCIES.get(field.indicators[1:], "d")
        name = agency(Record("", (field,)))
        if not name and (name := field.first("a").strip()):
            lost.append(Loss("801", "", "an agency without a code: its country stands for it"))
        if name and Subfield(code, name) not in parts:
            if code in "ac" and any(part.code == code for part in parts):
                code = "d"
            parts.append(Subfield(code, name))
        said = field.first("g").strip()
        if said:
            rules[_RULES.get(said.upper(), said.lower())] = None
        lost += _of_agency(field, code_is_local=name.startswith(field.first("a").strip()))
    if not parts:
        return [], lost + [Loss("801", "g") for _ in rules]
    said_in = language_code(language)
    parts += [Subfield("b", said_in)] if said_in else []
    parts += [Subfield("e", each) for each in rules]
    order = "abecd"
    parts.sort(key=lambda part: order.index(part.code))
    return [Field("040", "  ", tuple(parts))], lost


def _of_agency(field: Field, *, code_is_local: bool) -> list[Loss]:
    """Return what 040 cannot say of an agency: country, date, the sender's number and format."""
    given_up = "ch2" if code_is_local else "ach2"
    codes = dict.fromkeys(code for code, value in field.subfields if value.strip())
    known = "".join(code for code in codes if code in given_up)
    known += "b" * (sum(1 for _ in field.all("b")) > 1)
    other = "".join(code for code in codes if code not in "abgch2")
    reason = "040 has no place for the country, the date, the sender's number and its format"
    return [Loss("801", known, reason)] * bool(known) + [Loss("801", other)] * bool(other)


def general_designation(record: Record) -> list[Loss]:
    """Return what of 204 does not get into 245 $h."""
    title = next(record.all("200"), None)
    said = title is not None and bool(title.first("b").strip())
    lost: list[Loss] = []
    for at, field in enumerate(record.all("204")):
        if title is None:
            lost.append(Loss("204"))
        elif said or at:
            lost.append(Loss("204", "", "245 has one $h, from 200 $b or the first 204"))
        first = next((part for part in field.subfields if part.code == "a"), None)
        rest = [part.code for part in field.subfields if part is not first and part.value.strip()]
        lost += [Loss("204", "".join(dict.fromkeys(rest)))] * bool(rest)
    return lost


def repeated(field: Field, made: Iterable[Field]) -> Iterator[Loss]:
    """Yield the subfields that stand more than once where MARC 21 took one."""
    codes = [code for code, value in field.subfields if value.strip()]
    if len(set(codes)) == len(codes):
        return
    text = " ".join([value for one in made for _, value in one.subfields])
    for code in dict.fromkeys(code for code in codes if codes.count(code) > 1):
        if not all(value.strip() in text for value in field.all(code)):
            yield Loss(field.tag, code, "it is repeated, and MARC 21 has it once here")


def under_its_set(record: Record) -> Record:
    """Return a volume below its set (leader/08 is 2) with the set's title in its 200.

    The title is that of 461, with the subset's of 462, if there is one; what the volume is called
    becomes the number or the title of a part.
    """
    if record.leader[8:9] != BELOW_HIGHEST:
        return record
    own = next(record.all("200"), None)
    sets = [target(field) for field in record.all("461", "462")]
    titles = [
        (to.field("200").subfields, to.text("200", "v"))
        for to in sets
        if to.field("200").first("a").strip()
    ]
    if own is None or not titles:
        return record
    whole = list(titles[0][0])
    volume = titles[0][1]
    for subfields, number in titles[1:2]:
        part = [Subfield("i" if c == "a" else c, value) for c, value in subfields if c in "ahi"]
        whole += [Subfield("h", volume)] if volume else []
        whole += part
        volume = number
    made = own._replace(subfields=tuple(under_set(whole, volume, own.subfields)))
    return Record(record.leader, tuple(made if each is own else each for each in record.fields))


def own_title(record: Record, in_set: Record) -> list[Field]:
    """Return 246 30 for the title that ``under_its_set`` made a part's, if it is one."""
    if in_set is record:
        return []
    text = clean(next(record.all("200")).first("a"))
    parts = [value.strip() for value in next(in_set.all("200")).all("i")]
    if not text or is_designation(text) or text not in map(clean, parts):
        return []
    return [Field("246", "30", (Subfield("a", text.strip("[] ") or text),))]


def entries(fields: Sequence[Field]) -> list[Field]:
    """Return the fields with one main entry, and uniform titles and 245 that agree with it."""
    has_main = any(field.tag in ("100", "110", "111") for field in fields)
    main = uniform = False
    found: list[Field] = []
    for field in fields:
        tag = field.tag
        if tag in ("100", "110", "111"):
            if main:
                field = field._replace(tag=f"7{tag[1:]}")
            main = True
        elif tag in ("240", "243"):
            field = _uniform(field, has_main, uniform)
            uniform = uniform or field.tag != "730"
        elif tag == "245":
            field = field._replace(indicators=("1" if has_main else "0") + field.indicators[1:])
        found.append(field)
    return _merged(found)


def _uniform(field: Field, has_main: bool, taken: bool) -> Field:
    """240 and 243 need a main entry; the first uniform title without one is it, others are 730."""
    if has_main and not taken:
        return field
    tag = "730" if taken or field.tag == "243" else "130"
    return field._replace(tag=tag, indicators=f"{field.indicators[1:]} ")


# Fields that MARC 21 has once, with the subfields of all that UNIMARC repeats.
_ONCE: Final = frozenset(("043",))
# And those that UNIMARC says in two ways, so that they come out twice.
_TOLD_TWICE: Final = frozenset(("020", "246", "336", "337", "338", "730"))


def _merged(fields: Iterable[Field]) -> list[Field]:
    found: list[Field] = []
    places: dict[str, int] = {}
    repeated = False
    for field in fields:
        if field.tag == "880" and repeated:
            continue
        repeated = field.tag in _TOLD_TWICE and field in found
        if repeated:
            continue
        if field.tag in _ONCE:
            if field.tag in places:
                at = places[field.tag]
                parts = dict.fromkeys((*found[at].subfields, *field.subfields))
                found[at] = found[at]._replace(subfields=tuple(parts))
                continue
            places[field.tag] = len(found)
        found.append(field)
    return found


def without_marks(fields: Iterable[Field]) -> list[Field]:
    """Return the fields without the non-sorting marks that no indicator could take over."""
    found: list[Field] = []
    for field in fields:
        if not any(_is_marked(value) for _, value in field.subfields):
            found.append(field)
            continue
        parts = [
            Subfield(code, text)
            for code, value in field.subfields
            if (text := steps.without_non_sorting_marks(filing(value)[0])).strip()
        ]
        if parts:
            found.append(field._replace(subfields=tuple(parts)))
    return found


def _is_marked(text: str) -> bool:
    return "<<" in text or not text.isprintable()


def in_order(fields: Iterable[Field]) -> list[Field]:
    """Return the fields by tag; notes, subjects and added entries in the order they came."""
    return sorted(fields, key=_rank)


def _rank(field: Field) -> str:
    tag = field.tag
    if tag < "490":
        return tag
    if tag[0] == "7":
        return "76" if tag >= "760" else "70"
    if tag[0] == "8":
        return tag if tag > "830" else "80"
    return tag[0]
