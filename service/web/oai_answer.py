"""The provider's XML answer, read again, so that the explorer shows just what machines get.

Source: OAI-PMH sections 2.5 (record), 2.6 (set), 3.2 (responses), 3.5 (flow control), 3.6 (errors).
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from lxml import etree

from marc_mappings.framing.xml_slices import xml_parser

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_MARC = "{http://www.loc.gov/MARC21/slim}"
# Where a title stands: Dublin Core, MARC 21.
_TITLES = (
    "{http://purl.org/dc/elements/1.1/}title",
    f"{_MARC}datafield[@tag='245']/{_MARC}subfield[@code='a']",
)


class Fault(NamedTuple):
    """One ``error``: its code, and the message for people."""

    code: str
    message: str


class Fact(NamedTuple):
    """One thing that Identify tells: the name of its element, and the text."""

    name: str
    text: str


class Format(NamedTuple):
    """A ``metadataFormat``."""

    prefix: str
    schema: str
    namespace: str


class SetLine(NamedTuple):
    """A ``set``."""

    spec: str
    name: str


class Item(NamedTuple):
    """A header and, where it was asked for, the metadata as indented XML (``""`` without).

    ``title`` is the first one in the metadata, so that people see what it is about.
    """

    identifier: str
    datestamp: str
    sets: tuple[str, ...]
    deleted: bool
    title: str
    metadata: str


class Flow(NamedTuple):
    """The ``resumptionToken``: ``""`` ends the list; the numbers are None where not told."""

    token: str
    cursor: int | None
    size: int | None


class Answer(NamedTuple):
    """An answer of the protocol; only what its verb tells is filled."""

    as_of: str
    faults: tuple[Fault, ...]
    facts: tuple[Fact, ...]
    formats: tuple[Format, ...]
    sets: tuple[SetLine, ...]
    items: tuple[Item, ...]
    flow: Flow | None


def read(body: bytes) -> Answer:
    """Read an answer's XML."""
    root = etree.fromstring(body, xml_parser())
    return Answer(
        as_of=_text(root, "responseDate"),
        faults=tuple(
            Fault(fault.get("code", ""), fault.text or "")
            for fault in root.iterfind(_OAI + "error")
        ),
        facts=tuple(
            Fact(etree.QName(element).localname, (element.text or "").strip())
            for element in root.iterfind(f"{_OAI}Identify//*")
            if len(element) == 0
        ),
        formats=tuple(
            Format(
                _text(each, "metadataPrefix"),
                _text(each, "schema"),
                _text(each, "metadataNamespace"),
            )
            for each in root.iterfind(f"*/{_OAI}metadataFormat")
        ),
        sets=tuple(
            SetLine(_text(each, "setSpec"), _text(each, "setName"))
            for each in root.iterfind(f"*/{_OAI}set")
        ),
        items=tuple(_item(header) for header in root.iter(_OAI + "header")),
        flow=_flow(root.find(f"*/{_OAI}resumptionToken")),
    )


def _item(header: etree._Element) -> Item:
    parent = header.getparent()
    metadata = None if parent is None else parent.find(f"{_OAI}metadata/*")
    return Item(
        identifier=_text(header, "identifier"),
        datestamp=_text(header, "datestamp"),
        sets=tuple(each.text or "" for each in header.iterfind(_OAI + "setSpec")),
        deleted=header.get("status") == "deleted",
        title="" if metadata is None else next(filter(None, map(metadata.findtext, _TITLES)), ""),
        metadata="" if metadata is None else _indented(metadata),
    )


def _indented(element: etree._Element) -> str:
    """Return an element by itself as indented XML, with the namespaces it uses and no others."""
    alone = deepcopy(element)
    alone.tail = None
    etree.cleanup_namespaces(alone)
    etree.indent(alone)
    return etree.tostring(alone, encoding="unicode")


def _flow(element: etree._Element | None) -> Flow | None:
    if element is None:
        return None
    cursor, size = element.get("cursor"), element.get("completeListSize")
    return Flow(
        element.text or "",
        None if cursor is None else int(cursor),
        None if size is None else int(size),
    )


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(_OAI + name) or ""
