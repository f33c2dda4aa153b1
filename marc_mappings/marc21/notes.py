"""The notes block (3--) from MARC 21: every note has its kind, contents have their parts.

Source: UNIMARC Manual 300-345; LC, UNIMARC to MARC 21 Conversion Specifications: 3XX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Row, made

Make = Callable[[Field, Record], list[Field]]

_LC: Final = "LC UNIMARC to MARC 21"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
# What a note reads: all words, and which part it is about.
CODES: Final = _LETTERS + "3"

# Note of MARC 21 to note of UNIMARC. Source: UNIMARC Manual 300-345; LC, UNIMARC to MARC 21: 3XX.
NOTES: Final[Mapping[str, str]] = {
    tag: target
    for target, tags in {
        "300": "500 513 518 522 525 526 536 542 544 552 556 565 567 584 585 588",
        "302": "546",
        "310": "506 535 540",
        "311": "501 580",
        "312": "547",
        "314": "545 550",
        "315": "507 514 515",
        "316": "562 563",
        "317": "561",
        "318": "583",
        "320": "504 555",
        "321": "510 581",
        "322": "508",
        "323": "511",
        "324": "534",
        "325": "530 533",
        "328": "502",
        "330": "520",
        "332": "524",
        "333": "521",
        "334": "586",
        "336": "516",
        "337": "538",
    }.items()
    for tag in tags.split()
}
_INDICATORS: Final = {"328": " 1", "530": "1 "}


def note(target: str, indicators: str = "  ") -> Make:
    """Return the function that makes a note of all words of a field."""

    def make(field: Field, _: Record) -> list[Field]:
        """All words of the note in one text."""
        text = " ".join(value.strip() for code, value in field.subfields if code in _LETTERS)
        if part := ", ".join(value.strip(" :") for value in field.all("3")):
            text = f"{part}: {text}"
        text = text.rstrip(" :;/")
        return [Field(target, indicators, (Subfield("a", text),))] if text else []

    return make


def _contents(field: Field, _: Record) -> list[Field]:
    """A subfield for each part of the contents; the first indicator says whether all are there."""
    entries: list[str] = []
    is_open = False
    for code, value in field.subfields:
        if code not in _LETTERS:
            continue
        first, *others = value.split(" -- ")
        starts = not is_open or (code == "t" and not entries[-1].endswith("--"))
        if starts:
            entries.append(first)
        else:
            entries[-1] = f"{entries[-1]} {first}"
        entries += others
        is_open = not value.rstrip().endswith("--")
    texts = [text for entry in entries if (text := entry.strip(" -\t").rstrip(" /"))]
    indicator = {"0": "1", "1": "0", "2": "2"}.get(field.indicators[:1], " ")
    parts = tuple(Subfield("a", text) for text in texts)
    return [Field("327", f"{indicator} ", parts)] if parts else []


def other_note(field: Field, record: Record) -> list[Field]:
    """A note without a row of its own is a general note."""
    return note("300")(field, record) if field.tag[:1] == "5" else []


RULES: Final[tuple[Row[Field], ...]] = (
    made("505", "327 <#", _contents, f"{_LC}: 327", reads=_LETTERS),
    *(
        made(
            tag,
            f"{to} ##",
            note(to, _INDICATORS.get(tag, _INDICATORS.get(to, "  "))),
            f"{_LC}: 3XX",
            reads=CODES,
        )
        for tag, to in NOTES.items()
    ),
)
