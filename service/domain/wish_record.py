"""A record of a partner's own wish list, as it was harvested, read as one wish.

MARC in any dialect, and Dublin Core. A record that names an offer of ours asks for just that;
others are looked for by their numbers and titles, in every script that they have them in.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from lxml import etree

from marc_mappings import formats, incoming, match_keys
from marc_mappings.framing.xml_slices import xml_parser
from marc_mappings.match_keys import Key
from marc_mappings.record import Record
from service.domain import wish_title
from service.domain.wish import Wanted, WishLine
from service.domain.wish_cells import Names, from_keys, invalid

_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_OAI_DC: Final = "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc"
# Where a MARC record names a thing of another system: other numbers, and addresses.
_NAMES: Final = (("024", "a"), ("035", "a"), ("856", "u"))
_SHOWN = 300  # characters of a title or identifier
_MOST_TITLES: Final = 5


def read(number: int, content: bytes, names: Names) -> WishLine:
    """Return the wish that a record is; one that cannot be read is a wish with a ``problem``."""
    dublin_core = _dublin_core(content)
    if dublin_core is not None:
        return _of_dublin_core(number, dublin_core, names)
    try:
        part = next(iter(formats.cut(io.BytesIO(content))), None)
    except formats.NotMarc:
        part = None
    if part is None:
        return invalid(number, "record", "This record is neither MARC nor Dublin Core.")
    item = incoming.take(part)
    if isinstance(item, formats.Unreadable):
        reasons = "; ".join(problem.message for problem in item.problems)
        return invalid(number, "record", f"This record cannot be read: {reasons}")
    return of_marc(number, item.record, names)


def of_marc(number: int, record: Record, names: Names) -> WishLine:
    """Return the wish that a record in MARC 21 is."""
    title = next((field.first("a") for field in record.all("245")), "")
    text = " ".join(part for part in (record.control_number, title) if part)
    for tag, code in _NAMES:
        for field in record.all(tag):
            if offer := names.offer(field.first(code) or ""):
                return WishLine(number, text[:_SHOWN], offer=offer)
    line = from_keys(number, text, wish_title.all_keys(record))
    return line._replace(wanted=wish_title.wanted_of(record)) if line.keys else line


def _dublin_core(content: bytes) -> etree._Element | None:
    """Return the ``oai_dc:dc`` element that ``content`` is, or None."""
    try:
        root = etree.fromstring(content, xml_parser())
    except etree.XMLSyntaxError:
        return None
    return root if root.tag == _OAI_DC else None


def _of_dublin_core(number: int, root: etree._Element, names: Names) -> WishLine:
    said = [text for each in root.iter(f"{_DC}identifier") if (text := _text(each))]
    text = next((_text(each) for each in root.iter(f"{_DC}title")), "") or "; ".join(said)
    keys: list[Key] = []
    complaints: list[str] = []
    for identifier in said:
        offer = names.offer(identifier)
        if offer:
            return WishLine(number, text[:_SHOWN], offer=offer)
        found = match_keys.identifier_keys(identifier, "") if offer is None else ()
        keys += found
        if not found:
            complaints.append(f"{identifier[:100]!r} is no identifier that can be looked for")
    return _by_titles(from_keys(number, text, keys, complaints, _wanted(root)), root)


def _wanted(root: etree._Element) -> Wanted:
    """Return what a record in Dublin Core says in words, by the first of each element."""
    elements = ("title", "creator", "date", "", "", "publisher", "language")
    return Wanted(*(next(_said(root, name), "") if name else "" for name in elements))


def _by_titles(line: WishLine, root: etree._Element) -> WishLine:
    """Add the keys of further titles, which are the same one in other scripts."""
    if line.wanted is None:
        return line
    others = [title for title in _said(root, "title") if title != line.wanted.title]
    keys = [
        key
        for title in others[:_MOST_TITLES]
        for key in wish_title.keys(line.wanted._replace(title=title))
    ]
    return line._replace(keys=tuple(dict.fromkeys((*line.keys, *keys))))


def _said(root: etree._Element, name: str) -> Iterator[str]:
    return (text for each in root.iter(f"{_DC}{name}") if (text := _text(each)))


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()
