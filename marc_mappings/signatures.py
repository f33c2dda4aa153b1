"""What a stream is, told from its first bytes; and what to say about one that is no MARC.

The answer names what was found and what to send instead, because the person who gets it has a
file of some name and does not know what is in it.
"""

from __future__ import annotations

import re
from typing import Final

SEND = "Send MARC records as ISO 2709 (.mrc) or MARCXML (.xml)."


class NotMarc(ValueError):
    """The stream holds no MARC that we read.

    ``found`` names what it is ("a PDF document"); ``code`` is for programs.
    """

    def __init__(self, code: str, found: str, advice: str = SEND) -> None:
        super().__init__(f"This is {found}, not a file of MARC records. {advice}")
        self.code = code
        self.found = found


# (bytes at the beginning, code, what it is)
SIGNATURES: Final = (
    (b"%PDF-", "pdf", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "image", "an image (PNG)"),
    (b"\xff\xd8\xff", "image", "an image (JPEG)"),
    (b"GIF8", "image", "an image (GIF)"),
    (b"BM", "image", "an image (BMP)"),
    (b"II*\x00", "image", "an image (TIFF)"),
    (b"MM\x00*", "image", "an image (TIFF)"),
    (b"RIFF", "media", "a media file (RIFF)"),
    (b"\x1f\x8b", "gzip", "a gzip archive"),
    (b"BZh", "archive", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "archive", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "a 7-Zip archive"),
    (b"Rar!", "archive", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office", "an old Office document (.xls or .doc)"),
    (b"{\\rtf", "office", "an RTF document"),
    (b"SQLite format 3\x00", "database", "a SQLite database"),
    (b"\x7fELF", "program", "a program"),
    (b"\xff\xfe", "utf-16", "text in UTF-16"),
    (b"\xfe\xff", "utf-16", "text in UTF-16"),
    (b"<\x00", "utf-16", "text in UTF-16"),
    (b"\x00<", "utf-16", "text in UTF-16"),
)

_MNEMONIC = re.compile(rb"=(?:LDR|[0-9]{3})  ")
_LINES = re.compile(rb"(?:LDR|LEADER|000)\s|[0-9]{5}[A-Za-z ].{14,18}\r?\n\s*00[1-9]\s")
_LEADER = re.compile(rb"[0-9]{5}[A-Za-z ][A-Za-z ].{3}[0-9 ]{7}.{3}45", re.DOTALL)
# The end of a directory: what even a record without a sound leader has.
_DIRECTORY = re.compile(rb"[0-9A-Za-z]{3}[0-9]{9}\x1e")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_MARC_ELEMENT = re.compile(rb"<(?:[\w.\-]+:)?(?:record|collection)[\s/>]")
_RECORD = re.compile(rb"<(?:[\w.\-]+:)?record[\s/>]")
_ROOT = re.compile(rb"<(?:[\w.\-]+:)?([A-Za-z_][\w.\-]*)")
_PROLOG = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
# Envelopes whose first record may come late.
_ENVELOPES: Final = frozenset(
    (b"OAI-PMH", b"ListRecords", b"GetRecord", b"searchRetrieveResponse", b"records")
)


def is_xml(head: bytes) -> bool:
    """Whether the stream is MARCXML (else it is ISO 2709); raises ``NotMarc`` for all else."""
    _refuse_signatures(head)
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\xef\xbb\xbf")
    if not body:
        raise NotMarc("empty", "an empty file")
    if _DIRECTORY.search(body):
        return False
    if body.startswith(b"<"):
        _refuse_other_xml(body)
        return True
    _refuse_text(body)
    return False


def _refuse_signatures(head: bytes) -> None:
    if head.startswith(b"PK\x03\x04"):
        raise _zip(head)
    for signature, code, found in SIGNATURES:
        if head.startswith(signature) and not (code == "image" and b"\x1e" in head[:4096]):
            if code == "gzip":
                raise NotMarc(code, found, f"Unpack it first. {SEND}")
            if code == "utf-16":
                raise NotMarc(code, found, f"Save it as UTF-8. {SEND}")
            raise NotMarc(code, found)


def _zip(head: bytes) -> NotMarc:
    for name, found in (
        (b"xl/", "a spreadsheet (.xlsx)"),
        (b"word/", "a word processor document (.docx)"),
        (b"opendocument.spreadsheet", "a spreadsheet (.ods)"),
        (b"epub", "an e-book (EPUB)"),
    ):
        if name in head:
            return NotMarc("zip", found)
    return NotMarc("zip", "a zip archive", f"Unpack it first. {SEND}")


def _refuse_other_xml(body: bytes) -> None:
    """Raise unless the XML may hold MARC; nothing that declares a DTD is read."""
    prolog = _PROLOG.match(body)
    rest = body[prolog.end() :] if prolog else body
    if re.match(rb"<!DOCTYPE\s+html|<html", rest, re.IGNORECASE):
        raise NotMarc("html", "a web page (HTML)")
    first = _MARC_ELEMENT.search(body)
    doctype = body.find(b"<!DOCTYPE")
    record = _RECORD.search(body)
    if doctype >= 0 and (not record or doctype < record.start()):
        raise NotMarc("doctype", "an XML document with a DTD (DOCTYPE)", f"Take it out. {SEND}")
    root = _ROOT.match(rest)
    if not root:
        raise NotMarc("text", "text with angle brackets")
    if not first and root[1] not in _ENVELOPES:
        name = root[1].decode("ascii", "replace")
        raise NotMarc("xml", f"an XML document of another kind (<{name}>)")


def _refuse_text(body: bytes) -> None:
    """Raise unless the first bytes look like a leader: without terminators all else is text."""
    if body[:1] in b"{[":
        raise NotMarc("json", "a JSON document")
    if _MNEMONIC.match(body) or _LINES.match(body):
        raise NotMarc("marc-text", "MARC in a text format (lines of fields)")
    if _LEADER.match(body):
        return
    if _CONTROL.search(body):
        raise NotMarc("binary", "a binary file of unknown kind")
    raise NotMarc("text", "plain text")
