"""Other forms of a name or title: the local headings 900-949 of KORMARC and the 880s of MARC 21.

KORMARC writes the Hangul of a title in Hanja, the original of a transcribed name or the reading of
a numeral as a heading of its own and does not say of which. Where the record has only one field it
can be and the scripts differ, the two are the same in two scripts, and MARC 21 links them as 880;
otherwise the form becomes an added entry (700-730, 246) whose $i says what it is, and a series
title an 880 linked to nothing (00). Back again, an 880 of those tags is a local heading.

Source: KS X 6006-0:2023, 900, 910, 911, 930, 940, 949; MARC 21 Bibliographic 880, Appendix A
("Control subfields") and 246, 700-730 $i.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from marc_mappings import steps
from marc_mappings.letters import linkage, scripts
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss

OTHER_NAME: Final = "Other form of name:"
OTHER_TITLE: Final = "Other form of title:"
UNLINKED: Final = "00"
_EMPTY: Final = "the field is empty"


class Variant(NamedTuple):
    """A local heading: the fields it can be a form of, the entry if none is clear, and its $i."""

    of: tuple[str, ...]
    entry: str
    words: str


# 949 has no entry: MARC 21 has no $i in 830, so its 880 stays linked to nothing.
VARIANTS: Final[Mapping[str, Variant]] = {
    "900": Variant(("100", "700"), "700", OTHER_NAME),
    "910": Variant(("110", "710"), "710", OTHER_NAME),
    "911": Variant(("111", "711"), "711", OTHER_NAME),
    "930": Variant(("130", "240", "730"), "730", OTHER_TITLE),
    "940": Variant(("245",), "246", OTHER_TITLE),
    "949": Variant(("490",), "", OTHER_TITLE),
}
# A tag to the local heading that holds its other form, for the way back.
HEADINGS: Final[Mapping[str, str]] = {
    **{tag: heading for heading, variant in VARIANTS.items() for tag in variant.of},
    "440": "949",
    "830": "949",
}

_OCCURRENCE: Final = re.compile(r"[0-9]{3}-([0-9]{2,6})")


def marked(tag: str, field: Field, indicators: str, codes: str) -> Field:
    """Return the 880 of a local heading that ``linked`` finds its partner, or its entry, for."""
    parts = [part for part in field.subfields if part.code in codes and part.value.strip()]
    link = Subfield("6", f"{tag}-{UNLINKED}{linkage.end_for(field.first('a'))}")
    return Field("880", indicators, (link, *parts))


def linked(fields: Sequence[Field], variants: Sequence[tuple[str, Field]]) -> list[Field]:
    """Return the fields of MARC 21 with the local headings as linked 880s or added entries.

    ``variants`` are the KORMARC tag and what ``marked`` made of it.
    """
    found = list(fields)
    if not variants:
        return found
    added: list[Field] = []
    number = max((_number(field) for field in found), default=0)
    for heading, marked_field in variants:
        at = _partner(found, VARIANTS[heading], marked_field)
        if at < 0:
            added.append(_entry(VARIANTS[heading], marked_field))
            continue
        if not found[at].first("6"):
            number += 1
            link = Subfield("6", f"880-{number:02}")
            found[at] = found[at]._replace(subfields=(link, *found[at].subfields))
        added.append(_with_number(marked_field, found[at]))
    return found + added


def _number(field: Field) -> int:
    """Return the occurrence number of a linked field, 0 if it is linked to nothing."""
    for code, value in field.subfields:
        if code == "6":
            match = _OCCURRENCE.match(value)
            return int(match[1]) if match else 0
    return 0


def _partner(fields: Sequence[Field], variant: Variant, marked_field: Field) -> int:
    """Return where the one field stands that the heading is another form of, -1 if not clear."""
    places = [at for at, field in enumerate(fields) if field.tag in variant.of]
    if len(places) != 1 or scripts.all_in(fields[places[0]].first("a")) == scripts.all_in(
        marked_field.first("a")
    ):
        return -1
    return places[0]


def _with_number(marked_field: Field, partner: Field) -> Field:
    _, _, script = marked_field.subfields[0].value.partition("/")
    link = f"{partner.tag}-{_number(partner):02}" + (f"/{script}" if script else "")
    parts = (Subfield("6", link), *marked_field.subfields[1:])
    indicators = partner.indicators if partner.tag != "490" else "0 "
    return Field("880", indicators, parts)


def _entry(variant: Variant, marked_field: Field) -> Field:
    if not variant.entry:
        return marked_field._replace(tag="880")
    words = Subfield("i", variant.words)
    return Field(variant.entry, marked_field.indicators, (words, *marked_field.subfields[1:]))


def is_other_form(field: Field) -> bool:
    """Whether an added entry of MARC 21 is a local heading that ``linked`` found no partner for."""
    return field.first("i").strip() in (OTHER_NAME, OTHER_TITLE)


def with_vernacular_first(fields: Sequence[Field]) -> list[Field]:
    """Return the fields with each romanised one and the original in its 880 changing places.

    A Korean catalogue files by the original script. Subjects stay as they are: the heading is that
    of a list, and so is its script.
    """
    originals: dict[int, int] = {}
    for at, field in enumerate(fields):
        if field.tag == "880" and (number := _number(field)) and not _is_latin(field):
            originals.setdefault(number, at)
    found = list(fields)
    if not originals:
        return found
    for at, field in enumerate(fields):
        if field.tag[:1] not in "1234578" or field.tag == "880":
            continue
        other = originals.get(_number(field), -1)
        if other < 0 or steps.linked_tag(fields[other]) != field.tag or not _is_latin(field):
            continue
        found[at] = field._replace(subfields=_swapped(fields[other], field.first("6")))
        link = f"{field.tag}-{_number(field):02}/(B"
        found[other] = fields[other]._replace(subfields=_swapped(field, link))
    return found


def _swapped(field: Field, link: str) -> tuple[Subfield, ...]:
    return (Subfield("6", link), *[part for part in field.subfields if part.code != "6"])


def _is_latin(field: Field) -> bool:
    return all(scripts.is_romanised(value) for code, value in field.subfields if code > "9")


def without_links(fields: Sequence[Field]) -> Iterator[Field]:
    """Yield the fields without the $6 of those whose 880 is not there any more."""
    numbers = {_number(field) for field in fields if field.tag == "880"}
    for field in fields:
        if field.tag == "880" or not _number(field) or _number(field) in numbers:
            yield field
        else:
            parts = tuple([part for part in field.subfields if part.code != "6"])
            yield field._replace(subfields=parts)


def laid_open(record: Record) -> tuple[Record, tuple[Loss, ...]]:
    """Return the record with each 880 as the field it stands for, and its empty fields apart.

    The $6 of such a field still names its tag, and not 880: so ``closed`` knows it again.
    """
    fields: list[Field] = []
    empty: dict[Loss, None] = {}
    for field in record.fields:
        if not field.value and _is_empty(field):
            empty[Loss(field.tag, "", _EMPTY)] = None
            continue
        tag = steps.linked_tag(field) if field.tag == "880" else ""
        fields.append(field._replace(tag=tag) if tag and tag[:2] not in ("00", "88") else field)
    return Record(record.leader, tuple(fields)), tuple(empty)


def _is_empty(field: Field) -> bool:
    return all(not value or value.isspace() for _, value in field.subfields)


def closed(field: Field) -> Field:
    """Return a field that was an 880 as 880 again, its $6 naming what the field has become."""
    at = next((at for at, part in enumerate(field.subfields) if part.code == "6"), -1)
    value = field.subfields[at].value if at >= 0 else "880"
    if value[:3] == "880" or not value[:3].isdigit() or field.tag == "880":
        return field
    link = Subfield("6", field.tag + value[3:])
    parts = (*field.subfields[:at], link, *field.subfields[at + 1 :])
    return Field("880", field.indicators, parts)
