"""One record element of MARCXML, cut out of its document, to a ``Record``.

The only XML parser of this package is made here: no entities, no network, no DTD, bounded depth.
A slice brings no namespace declarations of its own, so its prefixes are bound by an element put
around it; names are compared without namespace, because the wild uses every one.

Source: MARC 21 XML Schema (Library of Congress); W3C XML 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import name2codepoint

from lxml import etree

from marc_mappings import encodings
from marc_mappings.framing import mending
from marc_mappings.framing.frames import Reading
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Field, Record

_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.\-]*):[A-Za-z_]")
_DELETED = re.compile(rb"""<(?:[\w.\-]+:)?header\s[^<>]*?status\s*=\s*["']deleted""")
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_STRAY_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(#?\w+;)?")
_STRAY_LESS = re.compile(r"<(?![A-Za-z_/!?])")
_CHARACTER = re.compile(r"#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
# Text behind the end of a part of a record, or at the beginning of one that holds only others.
_TEXT_BETWEEN = re.compile(
    rb"</(?:[A-Za-z_][\w.\-]*:)?(?:subfield|datafield|controlfield|leader)\s*+>\s*+[^<\s]"
    rb"|<(?:[A-Za-z_][\w.\-]*:)?(?:record|datafield)(?:\s[^<>]*+)?>\s*+[^<\s]"
)
# CDATA is passed over: what looks like a comment in it is text.
_NOT_CONTENT = re.compile(rb"(?:<!\[CDATA\[.*?\]\]>)++|(<!--.*?-->|<\?.*?\?>)", re.DOTALL)
_ATTRIBUTES = frozenset(("tag", "ind1", "ind2", "code", "id", "type"))
_PARTS = frozenset(("record", "leader", "controlfield", "datafield", "subfield"))
_XSI = b"http://www.w3.org/2001/XMLSchema-instance"
_NOWHERE = b"urn:unbound"
# An element with more is no record, and will not be well-formed.
_MOST_PREFIXES = 50
# No honest element has more attributes, and to list very many takes very long.
_MOST_ATTRIBUTES = 20


def xml_parser() -> etree.XMLParser:
    """Return a parser that resolves nothing and reaches nowhere."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def is_deleted(raw: bytes) -> bool:
    """Whether this is the OAI-PMH envelope of a deleted record, which has no metadata."""
    return _DELETED.search(raw) is not None


def read(raw: bytes, encoding: str) -> Reading:
    """Return the record of one element; raises ``Rejected`` if none can be made out."""
    problems: list[Problem] = []
    certain = True
    if _DECLARES.search(raw):
        raise Rejected(problem("xml-not-well-formed", "A DTD is not allowed."))
    text = ""
    if encoding != encodings.UTF8:
        text = raw.decode(encoding, "replace")
        raw = text.encode("utf-8")
    try:
        root = _tree(raw)
    except (etree.XMLSyntaxError, IndexError) as fault:
        text = raw.decode("utf-8", "replace")
        root = _mended_tree(text, str(fault), problems)
    if text and (bad := text.count("\ufffd") - raw.count(b"\xef\xbf\xbd") * (encoding == "utf-8")):
        certain = False
        message = f"{bad} characters are not {encoding}; they show as U+FFFD."
        problems.append(problem("character-undecodable", message))
    if _TEXT_BETWEEN.search(raw):
        problems += _texts_between(root)
    if all(each.code != "xml-repaired" for each in problems):  # so that every comment has an end
        problems += _not_content(raw)
    return Reading(_record(root, problems), encoding, certain, tuple(problems))


def _not_content(raw: bytes) -> Iterator[Problem]:
    """Yield what there is to say of comments and instructions, which XML counts as no text."""
    for match in _NOT_CONTENT.finditer(raw) if b"<!--" in raw or b"<?" in raw else ():
        shown = (match[1] or b"")[:200].decode("utf-8", "replace")
        if shown:
            yield problem("xml-comment", f"Left out, as it is no text in XML: {shown!r}")


def _texts_between(root: etree._Element) -> Iterator[Problem]:
    """Yield what there is to say of text that stands in no field."""
    for element in (root, *root):
        holds_others = element is root or _local(element) == "datafield"
        tag = element.get("tag") or ""
        own = [element.text] if holds_others else []
        for text in own + [child.tail for child in element]:
            if text and text.strip():
                message = f"Left out, as it stands in no field: {text.strip()[:500]!r}"
                yield problem("xml-text-between", message, tag)


def _tree(raw: bytes) -> etree._Element:
    """Parse a slice, binding the prefixes it uses; returns the record element."""
    prefixes = set(_PREFIX.findall(raw)) - {b"xml", b"xmlns"}
    bound = b"".join(
        b' xmlns:%b="%b"' % (prefix, _XSI if prefix == b"xsi" else _NOWHERE)
        for prefix in sorted(prefixes)[:_MOST_PREFIXES]
    )
    return etree.fromstring(b"<slice%b>%b</slice>" % (bound, raw), xml_parser())[0]


def _mended_tree(text: str, fault: str, problems: list[Problem]) -> etree._Element:
    """Parse again without what XML forbids and with stray ``&`` and ``<`` escaped."""
    mended = _STRAY_LESS.sub("&lt;", _STRAY_AMPERSAND.sub(_reference, text))
    mended = encodings.without_junk(mended)
    try:
        root = _tree(mended.encode("utf-8"))
    except (etree.XMLSyntaxError, IndexError):
        raise Rejected(problem("xml-not-well-formed", f"Not well-formed: {fault}")) from None
    problems.append(problem("xml-repaired", f"Mended; it was not well-formed: {fault}"))
    return root


def _reference(match: re.Match[str]) -> str:
    """Return what a ``&`` that XML does not know stood for: HTML's names, code points, itself."""
    name = match[1] or ""
    if name[:-1] in name2codepoint:
        return chr(name2codepoint[name[:-1]])
    if number := _CHARACTER.fullmatch(name):
        code = int(number[1], 16) if number[1] else int(number[2])
        allowed = code in (9, 10, 13) or 0x20 <= code <= 0x10FFFF
        if not allowed or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
            return "\ufffd" if code > 0x20 else ""
        return f"&{name}"
    return f"&amp;{name}"


def _record(root: etree._Element, problems: list[Problem]) -> Record:
    _kind(root, problems)
    leader = ""
    fields: list[Field] = []
    for element in root:
        kind = _kind(element, problems)
        if kind == "datafield":
            field = _data_field(element, problems)
        elif kind == "controlfield":
            tag = mending.tag(element.get("tag") or "", problems)
            text = _content(element, tag, problems)
            field = mending.control_field(tag, text, problems)
        elif kind == "leader":
            leader = leader or mending.leader(_content(element, "LDR", problems), problems)
            continue
        else:
            problems.append(problem("xml-element-unknown", f"Element {kind!r} was left out."))
            continue
        if field:
            fields.append(field)
    return mending.record(leader, fields, problems)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _kind(element: etree._Element, problems: list[Problem]) -> str:
    """Return the name of a part of a record; one in capitals is taken for it, which is told."""
    name = _local(element)
    if name not in _PARTS and name.lower() in _PARTS:
        problems.append(problem("xml-name-in-capitals", f"{name!r} is read as {name.lower()!r}."))
        return name.lower()
    return name


def _data_field(element: etree._Element, problems: list[Problem]) -> Field | None:
    tag = mending.tag(element.get("tag") or "", problems)
    pairs: list[tuple[str, str]] = []
    for child in element:
        if _kind(child, problems) == "subfield":
            pairs.append((child.get("code") or "", _content(child, tag, problems)))
        else:
            problems.append(problem("xml-element-unknown", f"{_local(child)!r} left out.", tag))
    indicators = mending.indicators((element.get("ind1"), element.get("ind2")), tag, problems)
    return mending.data_field(tag, indicators, pairs, problems)


def _content(element: etree._Element, tag: str, problems: list[Problem]) -> str:
    """Return the text in an element, that of elements in it too, which is told."""
    text = element.text or ""
    if len(element):
        names = ", ".join(sorted({_local(child) for child in element.iter(etree.Element)} - _PARTS))
        message = f"Elements stand in a value; their text was kept: {names or 'subfield'}"
        problems.append(problem("xml-element-unknown", message, tag))
        text = " ".join(str(part) for part in element.itertext())
    # Attributes that nobody knows are no text, unless they stand in its place.
    if not text and 0 < len(element.attrib) <= _MOST_ATTRIBUTES:
        others = [f"{name!s}={each!r}" for name, each in element.items() if name not in _ATTRIBUTES]
        if others:
            message = f"Left out, attributes of an empty element: {', '.join(others)[:500]}"
            problems.append(problem("xml-element-unknown", message, tag))
    return text
