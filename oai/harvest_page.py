"""One answer of a provider, read strictly and as a stream.

An answer counts when its XML is right up to ``</OAI-PMH>``; nothing is recovered, because a
parser that recovers loses records without a word. Elements are taken by their place (a record is
a child of the list, the list a child of the root), so a record inside of a record's metadata is
metadata. In a large page every element is dropped when it has been taken.

What is tolerated, and noted: white space before the document, anything after ``</OAI-PMH>``, and
elements of the frame that are in no namespace or in a wrong one. A DOCTYPE is refused, and with
it every entity; depth (256), text (10 MB) and names are bounded by libxml2 without its huge mode.

Source: OAI-PMH sections 3.2 (responses), 3.5 (resumptionToken), 3.6 (errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from lxml import etree

from oai import datestamp
from oai.harvest_answer import Answer, Part
from oai.harvest_errors import EXCERPT, Cut, Malformed, Note, NotOai, TooLarge
from oai.harvest_records import Record

NAMESPACE: Final = "http://www.openarchives.org/OAI/2.0/"
_ROOT: Final = f"{{{NAMESPACE}}}OAI-PMH"
_BEFORE_ROOT: Final = 65_536
_PIECE: Final = 65_536
_SMALL: Final = 1_000_000
_GUARDED: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "collect_ids": False,
}

ITEMS: Final = {
    "GetRecord": "record",
    "Identify": "Identify",
    "ListIdentifiers": "header",
    "ListMetadataFormats": "metadataFormat",
    "ListRecords": "record",
    "ListSets": "set",
}
"""What each verb's answer is made of."""


def read(
    verb: str, pieces: Iterator[bytes], *, record_bytes: int = 16_000_000, small: int = _SMALL
) -> Answer:
    """Read the answer to a verb from the pieces of its document.

    A faultless document of up to ``small`` bytes is parsed at once, which is quicker; every other
    one as a stream.

    Raises NotOai where it is something else, Malformed and Cut where it cannot be read to its
    end, TooLarge where one element has more than some ``record_bytes`` bytes. What the pieces
    raise, passes through.
    """
    reading = _Reading(verb, record_bytes)
    try:
        first = _first(pieces, min(small, record_bytes))
        if len(first) <= small and reading.at_once(first):
            return reading.end()
        for piece in chain(_again(first), pieces):
            if not reading.feed(piece):
                break
        return reading.end()
    except BaseException:
        reading.answer.records.close()
        raise


def _first(pieces: Iterator[bytes], small: int) -> bytes:
    """Return the document if it is small, else somewhat more than that of it."""
    found: list[bytes] = []
    number = 0
    for piece in pieces:
        found.append(piece)
        number += len(piece)
        if number > small:
            break
    return b"".join(found)


def _again(first: bytes) -> Iterator[bytes]:
    return (first[at : at + _PIECE] for at in range(0, len(first), _PIECE))


class _Reading:
    """The state of one reading."""

    def __init__(self, verb: str, record_bytes: int) -> None:
        self.answer = Answer()
        self._verb = verb
        self._record_bytes = record_bytes
        self._head = b""
        self._fed = 0
        self._pending = 0
        self._root: Any = None
        self._list: Any = None
        self._item = ITEMS[verb]
        self._answered = False
        self._ended = False
        self._parser: etree.XMLPullParser | None = None

    def at_once(self, document: bytes) -> bool:
        """Read a whole document if it is without any fault; otherwise do nothing."""
        try:
            root = etree.fromstring(document, etree.XMLParser(**_GUARDED))
        except etree.XMLSyntaxError:
            return False
        if root.tag != _ROOT or root.getroottree().docinfo.internalDTD is not None:
            return False
        for child in root:
            if _name(child) != self._verb:
                self._child_of_root(child)
                continue
            self._answered = True
            self._look_at_namespace(child)
            for each in child:
                self._child_of_list(each)
            if self._verb == "Identify":
                self._part(child)
        self._ended = True
        return True

    def feed(self, piece: bytes) -> bool:
        """Read on; False when nothing that may follow is of interest."""
        if len(self._head) < EXCERPT:
            self._head += piece[:EXCERPT]
        if not self._fed:
            piece = self._without_blanks(piece)
        self._fed += len(piece)
        self._pending += len(piece)
        if self._parser is None:
            self._parser = _pull_parser(self._verb)
        try:
            if piece:
                self._parser.feed(piece)
        except etree.XMLSyntaxError as error:
            self._events()
            if self._ended:
                self._note("after-the-end", f"Something follows </OAI-PMH>: {error}", piece)
                return False
            if self._root is None:
                raise NotOai(f"The answer is no OAI-PMH: {error}", self._head) from error
            raise Malformed(f"The XML is wrong: {error}", self._head) from error
        self._events()
        if self._root is None and self._fed > _BEFORE_ROOT:
            raise NotOai("The answer is no OAI-PMH.", self._head)
        if self._pending > self._record_bytes:
            raise TooLarge(f"A record has more than {self._record_bytes} bytes.", self._head)
        return True

    def end(self) -> Answer:
        """Return the answer, if it was read to its end and is one to the verb."""
        if not self._ended:
            begins = self._head.lstrip(b"\xef\xbb\xbf \t\r\n")
            if self._root is not None or not begins or b"<?xml".startswith(begins[:5]):
                raise Cut("The answer ends before </OAI-PMH>.", self._head)
            raise NotOai("The answer is no OAI-PMH.", self._head)
        if not self._answered and not self.answer.errors:
            raise NotOai(f"The answer has neither {self._verb} nor an error.", self._head)
        return self.answer

    def _without_blanks(self, piece: bytes) -> bytes:
        stripped = piece.lstrip(b" \t\r\n")
        if stripped != piece:
            self._note("before-the-beginning", "White space stands before the document.")
        return stripped

    def _events(self) -> None:
        events: Iterator[tuple[str, Any]] = iter(())
        if self._parser is not None:
            events = self._parser.read_events()
        for event, element in events:
            if event == "start":
                if self._list is None:
                    self._begin(element)
            elif self._list is not None and (parent := element.getparent()) is self._list:
                self._child_of_list(element)
                while (before := element.getprevious()) is not None:
                    parent.remove(before)
            else:
                self._finish(element)

    def _begin(self, element: Any) -> None:
        parent = element.getparent()
        if parent is None:
            self._root = element
            if element.getroottree().docinfo.internalDTD is not None:
                raise NotOai("The answer has a DOCTYPE, which is refused.", self._head)
            self._look_at_namespace(element)
        elif parent is self._root and _name(element) == self._verb:
            self._list = element
            self._answered = True
            self._look_at_namespace(element)

    def _finish(self, element: Any) -> None:
        if element is self._list:
            if self._verb == "Identify":
                self._part(element)
            self._list = None
        elif element is self._root:
            self._ended = True
        elif element.getparent() is self._root:
            self._child_of_root(element)

    def _child_of_list(self, element: Any) -> None:
        name = _name(element)
        if name == self._item:
            self._pending = 0
            if name == "record":
                self._record(element)
            elif name == "header":
                self._keep(element, None, ())
            else:
                self._part(element)
        elif name == "resumptionToken":
            self.answer.token = (element.text or "").strip()
            size = element.get("completeListSize", "")
            self.answer.size = int(size) if size.isdecimal() and len(size) < 16 else None

    def _child_of_root(self, element: Any) -> None:
        if _name(element) == "error":
            self.answer.errors.append((element.get("code", ""), _text(element)))
        elif _name(element) == "responseDate":
            try:
                self.answer.responded = datestamp.parse(_text(element))
            except ValueError:
                self._note("response-date", f"responseDate is no time: {_text(element)[:80]!r}")

    def _record(self, element: Any) -> None:
        header = metadata = None
        about: list[bytes] = []
        for child in element:
            name = _name(child)
            if name == "header":
                header = child
            elif name == "metadata":
                metadata = _content(child)
            elif name == "about" and (content := _content(child)) is not None:
                about.append(content)
        self._keep(element if header is None else header, metadata, tuple(about))

    def _keep(self, header: Any, metadata: bytes | None, about: tuple[bytes, ...]) -> None:
        identifier = stamp = ""
        sets: list[str] = []
        for child in header:
            name = _name(child)
            if name == "identifier":
                identifier = _text(child)
            elif name == "datestamp":
                stamp = _text(child)
            elif name == "setSpec":
                sets.append(_text(child))
        if not identifier:
            shown = etree.tostring(header, encoding="UTF-8", xml_declaration=False)
            self._note("no-identifier", "A record has no identifier and is left out.", shown)
            return
        deleted = header.get("status") == "deleted"
        self.answer.records.add(Record(identifier, stamp, tuple(sets), deleted, metadata, about))

    def _part(self, element: Any) -> None:
        texts: dict[str, list[str]] = {}
        descriptions: list[bytes] = []
        for child in element:
            if _name(child) in ("description", "setDescription"):
                content = _content(child)
                descriptions += [] if content is None else [content]
            else:
                texts.setdefault(_name(child), []).append(_text(child))
        self.answer.parts.append(Part(texts, tuple(descriptions)))

    def _look_at_namespace(self, element: Any) -> None:
        if element.tag != f"{{{NAMESPACE}}}{_name(element)}":
            self._note("namespace", f"{_name(element)} is not in the namespace of OAI-PMH.")

    def _note(self, code: str, message: str, piece: bytes = b"") -> None:
        after = piece.rpartition(b"OAI-PMH>")[2] if code == "after-the-end" else piece
        self.answer.notes.append(Note(code, message, excerpt=after.strip()[:EXCERPT]))


def _pull_parser(verb: str) -> etree.XMLPullParser:
    names = {"OAI-PMH", verb, ITEMS[verb], "resumptionToken", "error", "responseDate"}
    tags = [f"{{*}}{name}" for name in sorted(names)]
    return etree.XMLPullParser(("start", "end"), tag=tags, **_GUARDED)


def _name(element: Any) -> str:
    """Return the name of an element without its namespace; ``""`` for a comment."""
    return _local(element.tag)


@lru_cache(maxsize=256)
def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(element: Any) -> str:
    return (element.text or "").strip()


def _content(element: Any) -> bytes | None:
    """Return the first element inside another one as a document of its own."""
    for child in element.iterchildren("*"):
        # To text and then to bytes is quicker than through libxml2's encoder, and the same.
        return etree.tostring(child, encoding="unicode", with_tail=False).encode()
    return None
