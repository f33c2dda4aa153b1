"""The page of all mappings, made of their rows: what it says is what the interpreter does.

python -m marc_mappings.documentation > docs/mappings.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from marc_mappings import (
    kormarc_to_marc21,
    marc21_to_citation,
    marc21_to_dc,
    marc21_to_kormarc,
    marc21_to_mods,
    marc21_to_unimarc,
    table_to_marc21,
    unimarc_to_marc21,
)
from marc_mappings.rules import Row


class Chapter(NamedTuple):
    """One table of the page: its heading, its rows, and where they come from."""

    heading: str
    module: Any
    rows: Sequence[Row[Any]]
    only_rows: bool = False


_U: Final = unimarc_to_marc21
CHAPTERS: Final = (
    Chapter("UNIMARC to MARC 21", _U, _U.RULES),
    Chapter("CNMARC to MARC 21, besides UNIMARC", _U, _U.CNMARC, only_rows=True),
    Chapter("CMARC to MARC 21, besides UNIMARC", _U, _U.CMARC, only_rows=True),
    Chapter("RUSMARC to MARC 21, besides UNIMARC", _U, _U.RUSMARC, only_rows=True),
    Chapter("KORMARC to MARC 21", kormarc_to_marc21, kormarc_to_marc21.RULES),
    Chapter("MARC 21 to UNIMARC", marc21_to_unimarc, marc21_to_unimarc.RULES),
    Chapter(
        "MARC 21 to CNMARC, where it differs",
        marc21_to_unimarc,
        [row for row in marc21_to_unimarc.CNMARC_RULES if row not in marc21_to_unimarc.RULES],
        only_rows=True,
    ),
    Chapter("MARC 21 to KORMARC", marc21_to_kormarc, marc21_to_kormarc.RULES),
    Chapter("MARC 21 to Dublin Core (oai_dc)", marc21_to_dc, marc21_to_dc.RULES),
    Chapter("MARC 21 to MODS 3.7", marc21_to_mods, marc21_to_mods.RULES),
    Chapter(
        "MARC 21 to citations (RIS, BibTeX, CSL-JSON)", marc21_to_citation, marc21_to_citation.RULES
    ),
)

_HEAD: Final = """# Mappings

This page is made of the rows that the interpreter runs, and a test fails when they differ. Make it
again with `python -m marc_mappings.documentation > docs/mappings.md`.

How to read a row. *From* is a place: `245abnp` is these subfields of 245, `264|*1|b` only where the
second indicator is 1. *To* is a field with its indicators: `#` is blank, `<` and `>` are the first
and second indicator of the field it is made of. *How* moves subfields: `a b>q d>c( :)` leaves `a`,
makes `q` of `b`, and `c` of `d` with ` :` before it; `e>b+( :)` puts the text behind a `b` that is
there; `*` is every other subfield as it is. Where words stand instead, a function does what they
say. An 880 goes by the rows of the field that it stands for.

What no row takes and no reason explains is reported as lost, by field and by subfield.
"""


def page() -> str:
    """Return ``docs/mappings.md``."""
    parts = [_HEAD]
    parts += [f"* [{each.heading}](#{_anchor(each.heading)})" for each in CHAPTERS]
    parts += ["* [A row of a spreadsheet to MARC 21](#a-row-of-a-spreadsheet-to-marc-21)", ""]
    for chapter in CHAPTERS:
        parts += _chapter(chapter)
    parts += _columns()
    return "\n".join(parts).rstrip() + "\n"


def _anchor(heading: str) -> str:
    kept = "".join(char for char in heading.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def _chapter(chapter: Chapter) -> Iterator[str]:
    yield f"## {chapter.heading}\n"
    if not chapter.only_rows:
        yield f"Otherwise: {chapter.module.OTHERWISE}\n"
    yield "| from | to | how | source |"
    yield "|---|---|---|---|"
    for row in chapter.rows:
        cells = (f"`{row.place}`", f"`{row.target}`", _code(row.how), row.source)
        yield "| " + " | ".join(map(_cell, cells)) + " |"
    yield ""
    if not chapter.only_rows:
        yield from _given_up(chapter.module.DROPPED)


_MOVE: Final = r"[a-zA-Z0-9*](?:>[a-z0-9]\+?)?(?:\([^)]*\))?"
_PLAN = re.compile(rf"({_MOVE}(?: {_MOVE})*)(, a field for each .*)?")


def _code(how: str) -> str:
    """Show a plan of subfields as code, words as words."""
    plan = _PLAN.fullmatch(how)
    return f"`{plan[1]}`{plan[2] or ''}" if plan else how


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _given_up(dropped: Mapping[str, str]) -> Iterator[str]:
    if not dropped:
        return
    # By reason, and under it by the subfield that is given up ("" for the whole field).
    places: dict[str, dict[str, list[str]]] = {}
    for place, reason in sorted(dropped.items()):
        for code in place[3:] or ("",):
            places.setdefault(reason, {}).setdefault(code, []).append(place[:3])
    yield "Given up, with its reason:\n"
    yield "| what | why |"
    yield "|---|---|"
    for reason, found in places.items():
        whole = found.pop("", [])
        what = [_runs(whole)] if whole else []
        codes_of: dict[str, str] = {}
        for code, tags in found.items():
            codes_of[_few(tags)] = f"{codes_of.get(_few(tags), '')} ${code}"
        what += [f"{codes.strip()} of {tags}" for tags, codes in codes_of.items()]
        yield f"| {_cell('; '.join(what))} | {_cell(reason)} |"
    yield ""


_MOST_TAGS: Final = 12


def _few(tags: Sequence[str]) -> str:
    return ", ".join(tags) if len(tags) <= _MOST_TAGS else f"{len(tags)} fields"


def _runs(tags: Iterable[str]) -> str:
    """Return tags with runs drawn together: ``901-905, 952``."""
    runs: list[tuple[str, str]] = []
    for tag in tags:
        if runs and tag.isdigit() and runs[-1][1].isdigit() and int(tag) == int(runs[-1][1]) + 1:
            runs[-1] = (runs[-1][0], tag)
        else:
            runs.append((tag, tag))
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in runs)


def _columns() -> Iterator[str]:
    yield "## A row of a spreadsheet to MARC 21\n"
    yield f"{table_to_marc21.OTHERWISE}\n"
    yield "| column | what it is |"
    yield "|---|---|"
    for name, words in table_to_marc21.COLUMNS.items():
        yield f"| `{name}` | {_cell(words)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
