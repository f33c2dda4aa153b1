"""One wish from what its cells say: offers of ours by name, other identifiers as match keys.

Every format that is no MARC comes down to this: texts that identify, words that say what it is, a
quantity and a note.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from marc_mappings import match_keys
from marc_mappings.match_keys import Key
from service.domain import wish_title
from service.domain.match_rule import COMPARED, LOOKED_UP
from service.domain.wish import Wanted, WishLine

# Columns of a table and members of a JSON object that hold an identifier, and of which kind.
IDENTIFIER_COLUMNS: dict[str, str] = {
    "identifier": "",
    "oai_identifier": "",
    "isbn": "isbn",
    "issn": "issn",
    "ismn": "ismn",
    "doi": "doi",
    "lccn": "lccn",
    "control_number": "control",
}
# Columns and members that say in words what is asked for.
WORD_COLUMNS: tuple[str, ...] = Wanted._fields
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
# A page about an offer, its record, and where the API has it.
_PAGES = ("/offers/", "/api/v1/offers/")
# NUL, and half of a surrogate pair: JSON can escape both, and neither can be kept.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# An ISBN of ten digits that a spreadsheet took for a number has lost its zeros in front.
_WITHOUT_ZEROS = re.compile(r"[0-9]{7,9}", re.ASCII)
_SHOWN = 300  # characters of a line that an answer repeats


@dataclass(frozen=True, slots=True)
class Names:
    """How our own offers are named outside: the repository identifier and the public address.

    ``headings`` are the sender's own, as it explained them (``wish_headings.explained``).
    """

    repository_identifier: str
    base_url: str
    headings: Mapping[str, str] = field(default_factory=dict)

    def offer(self, text: str) -> str | None:
        """Return the public id of the offer that ``text`` names, "" if it names no offer of ours.

        None when the text is no address of any kind, so that it may be another identifier. Http
        and https, a slash at the end, ``.xml`` and escaped characters make no difference.
        """
        given = unquote(text.strip())
        for start in (f"oai:{self.repository_identifier}:offer/", "offer/"):
            if given.casefold().startswith(start.casefold()):
                return _ulid(given[len(start) :])
        if scheme := _SCHEME.match(given):
            return self._at(given[scheme.end() :])
        return "" if given.casefold().startswith("oai:") else None

    def _at(self, address: str) -> str:
        """Return the public id of the offer at an address without its scheme, "" for none."""
        ours = _SCHEME.sub("", self.base_url).casefold()
        for page in _PAGES:
            if address.casefold().startswith(ours + page):
                rest = re.split("[?#]", address[len(ours + page) :])[0].rstrip("/")
                return _ulid(re.sub(r"\.xml$", "", rest, flags=re.IGNORECASE))
        return ""

    def said(self, text: str) -> str | None:
        """Return what ``offer`` does; in a cell of a wish list a public id alone is a name, too.

        In a record it may be anybody's.
        """
        return _ulid(text.strip()) or self.offer(text)


def _ulid(text: str) -> str:
    candidate = text.upper()
    return candidate if _ULID.fullmatch(candidate) else ""


class Cells(NamedTuple):
    """What one line says: (kind, text) of each identifier, ``kind`` "" where the text tells.

    ``zeros_lost``: the kinds in which an ISBN may have lost its zeros, where a spreadsheet was at
    work.
    """

    identifiers: tuple[tuple[str, Any], ...]
    quantity: Any = None
    note: Any = None
    zeros_lost: tuple[str, ...] = ()
    wanted: Wanted = Wanted()


def from_members(number: int, members: Mapping[str, Any], names: Names) -> WishLine:
    """Return the wish that an object says.

    Its members are named as ``IDENTIFIER_COLUMNS`` and ``WORD_COLUMNS``.
    """
    said = tuple((kind, members.get(name)) for name, kind in IDENTIFIER_COLUMNS.items())
    text = json.dumps(members, ensure_ascii=False)
    wanted = wish_title.from_members(members)
    cells = Cells(said, members.get("quantity"), members.get("note"), wanted=wanted)
    return from_cells(number, text, cells, names)


def from_text(number: int, text: str, names: Names) -> WishLine:
    """Return the wish that one identifier or address is."""
    return from_cells(number, text, Cells((("", text),)), names)


def from_cells(number: int, text: str, cells: Cells, names: Names) -> WishLine:
    """Return the wish of a line; ``text`` is what an answer repeats of it."""
    quantity, problem = _quantity(cells.quantity)
    if problem:
        return invalid(number, text, problem)
    note = str(cells.note or "").strip()
    keys: list[Key] = []
    complaints: list[str] = []
    remarks: list[str] = []
    for kind, value in cells.identifiers:
        cell = str(value or "").strip()
        if not cell:
            continue
        offer = names.said(cell) if not kind else None
        if offer:
            return WishLine(number, text[:_SHOWN], offer=offer, quantity=quantity, note=note)
        if offer == "":
            complaints.append(f"{cell[:100]!r} is not an identifier or address of an offer of ours")
            continue
        found = match_keys.identifier_keys(cell, kind)
        if not found and kind in cells.zeros_lost:
            found = _with_zeros(cell, remarks)
        keys += found
        if not found:
            complaints.append(match_keys.explain_invalid(cell).removesuffix("."))
    line = from_keys(number, text, keys, complaints, cells.wanted)
    remark = " ".join(filter(None, (*remarks, line.remark)))
    return line._replace(quantity=quantity, note=note, remark=remark)


def _with_zeros(cell: str, remarks: list[str]) -> tuple[Key, ...]:
    """Return the key of an ISBN that lost the zeros in front of it, and say so."""
    if not _WITHOUT_ZEROS.fullmatch(cell):
        return ()
    whole = cell.zfill(10)
    found = match_keys.identifier_keys(whole, "isbn")
    if found:
        remarks.append(f"{cell} was read as ISBN {whole}: a spreadsheet drops zeros in front.")
    return found


def from_keys(
    number: int,
    text: str,
    keys: Iterable[Key],
    complaints: Sequence[str] = (),
    wanted: Wanted | None = None,
) -> WishLine:
    """Return the wish for what has one of ``keys``, or is what ``wanted`` says.

    ``complaints`` are said where none helps, and where an identifier is wrong that stands beside a
    title.
    """
    wanted = wanted if wanted and wanted.title else None
    given = (*keys, *(wish_title.keys(wanted) if wanted else ()))
    known = tuple(dict.fromkeys(key for key in given if key.kind in COMPARED))
    if any(key.kind in LOOKED_UP for key in known):
        remark = f"Not looked for: {'; '.join(complaints)}." if complaints and wanted else ""
        return WishLine(number, text[:_SHOWN], keys=known, wanted=wanted, remark=remark)
    why = "; ".join(complaints) or (
        f"the title {wanted.title[:100]!r} says too little; add author and year, or an identifier"
        if wanted
        else "it names no offer, and has no control number with its agency, ISBN, ISSN or other "
        "identifier, and no title to look for"
    )
    return invalid(number, text, f"This line cannot be matched: {why}.")


def identifies(text: str, names: Names) -> bool:
    """Whether a text is an identifier that can be looked for, without being told its kind."""
    return bool(names.said(text)) or bool(match_keys.identifier_keys(text))


def invalid(number: int, text: str, problem: str) -> WishLine:
    """Return the line that is no wish, because of ``problem``."""
    return WishLine(number, text[:_SHOWN], problem=problem)


def storable(value: Any) -> Any:
    """Return text, or JSON, with what no database holds as text shown as U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, Mapping):
        return {storable(name): storable(each) for name, each in value.items()}
    return value


def _quantity(value: Any) -> tuple[int, str]:
    if value is None or str(value).strip() == "":
        return 1, ""
    try:
        quantity = int(str(value).strip())
    except ValueError:
        quantity = 0
    if 1 <= quantity <= 1000:
        return quantity, ""
    return 1, f"The quantity {str(value)[:40]!r} is not a number from 1 to 1000."
