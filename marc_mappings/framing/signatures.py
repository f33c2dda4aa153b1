"""What a stream is, told from its first bytes; and what to say about one that is no MARC.

The answer names what was found and what to send instead, because the person who gets it has a
file of some name and does not know what is in it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from marc_mappings import marc_json, marc_text

SEND = "Send MARC records as ISO 2709 (.mrc), MARCXML (.xml), JSON (.json) or MarcEdit text (.mrk)."


class Format(StrEnum):
    """The formats this library reads. JSON is one whether in an array or in lines."""

    ISO2709 = "iso2709"
    MARCXML = "marcxml"
    MARC_JSON = "json"
    MARC_TEXT = "mrk"


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
    (b"ID3", "media", "a media file (MP3)"),
    (b"OggS", "media", "a media file (Ogg)"),
    (b"fLaC", "media", "a media file (FLAC)"),
    (b"\x1aE\xdf\xa3", "media", "a media file (Matroska)"),
    (b"\x1f\x8b", "gzip", "a gzip archive"),
    (b"BZh", "archive", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "archive", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "a 7-Zip archive"),
    (b"Rar!", "archive", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office", "an old Office document (.xls or .doc)"),
    (b"{\\rtf", "office", "an RTF document"),
    (b"SQLite format 3\x00", "database", "a SQLite database"),
    (b"\x7fELF", "program", "a program"),
    (b"MZ\x90", "program", "a program"),
    (b"\xff\xfe", "utf-16", "text in UTF-16"),
    (b"\xfe\xff", "utf-16", "text in UTF-16"),
    (b"<\x00", "utf-16", "text in UTF-16"),
    (b"\x00<", "utf-16", "text in UTF-16"),
)

# An MPEG-4 file states the length of its first box before it says what it is.
_MPEG4 = re.compile(rb".{4}ftyp", re.DOTALL)
_PICA = b"info:srw/schema/5/picaXML"
_PICA_TAG = re.compile(rb"""<datafield[^<>]{1,80}?tag\s?=\s?["'][0-9]{3}[A-Z@]["']""")
_LINES = re.compile(rb"(?:LDR|LEADER|000)\s|[0-9]{5}[A-Za-z ].{14,18}\r?\n\s*00[1-9]\s")
_LEADER = re.compile(rb"[0-9]{5}[A-Za-z ][A-Za-z ].{3}[0-9 ]{7}.{3}45", re.DOTALL)
# The end of a directory: what even a record without a sound leader has.
_DIRECTORY = re.compile(rb"[0-9A-Za-z]{3}[0-9]{9}\x1e")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_MARC_ELEMENT = re.compile(rb"<(?:[\w.\-]+:)?(?:record|collection)[\s/>]")
_LEADER_ELEMENT = re.compile(rb"<(?:[\w.\-]+:)?leader[\s/>]")
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_RECORD = re.compile(rb"<(?:[\w.\-]+:)?record[\s/>]")
_ROOT = re.compile(rb"<(?:[\w.\-]+:)?([A-Za-z_][\w.\-]*)")
_PROLOG = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
# Envelopes whose first record may come late.
_ENVELOPES: Final = frozenset(
    (b"OAI-PMH", b"ListRecords", b"GetRecord", b"searchRetrieveResponse", b"records")
)


def of(head: bytes) -> Format:
    """Return the format of a stream that begins with ``head``; ``NotMarc`` for all else."""
    _refuse_signatures(head)
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\xef\xbb\xbf")
    if not body:
        raise NotMarc("empty", "an empty file")
    if _DIRECTORY.search(body):
        return Format.ISO2709
    if body.startswith(b"<"):
        _refuse_other_xml(body)
        return Format.MARCXML
    if body[:1] in (b"{", b"[", b"\x1e") and marc_json.is_records(body):
        return Format.MARC_JSON
    if marc_text.is_records(body):
        return Format.MARC_TEXT
    _refuse_text(body)
    return Format.ISO2709


def _refuse_signatures(head: bytes) -> None:
    if head.startswith(b"PK\x03\x04"):
        raise _zip(head)
    for signature, code, found in SIGNATURES:
        if head.startswith(signature) and not (code == "image" and b"\x1e" in head[:4096]):
            if code in ("gzip", "archive"):
                raise NotMarc(code, found, f"Unpack it first. {SEND}")
            if code == "utf-16":
                raise NotMarc(code, found, f"Save it as UTF-8. {SEND}")
            raise NotMarc(code, found)

    if _MPEG4.match(head):
        raise NotMarc("media", "a media file (MPEG-4)")


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
    declared = _DECLARES.search(body)
    record = _RECORD.search(body)
    if declared and (not record or declared.start() < record.start()):
        raise NotMarc("doctype", "an XML document with a DTD (DOCTYPE)", f"Take it out. {SEND}")
    has_leader = _LEADER_ELEMENT.search(body)
    if not has_leader and (_PICA in body[:4096] or _PICA_TAG.search(body)):
        raise NotMarc("pica", "PICA+ in XML", f"Export it as MARC 21. {SEND}")
    root = _ROOT.match(rest)
    if not root:
        raise NotMarc("text", "text with angle brackets")
    if not first and root[1] not in _ENVELOPES:
        name = root[1].decode("ascii", "replace")
        raise NotMarc("xml", f"an XML document of another kind (<{name}>)")


def _refuse_text(body: bytes) -> None:
    """Raise unless the first bytes look like a leader: without terminators all else is text."""
    if body[:1] in b"{[":
        raise NotMarc("json", "a JSON document without MARC records")
    if _LINES.match(body):
        raise NotMarc(
            "marc-text",
            "MARC in lines of a form that cannot be read with certainty",
            f"Save it in another form. {SEND}",
        )
    if _LEADER.match(body):
        return
    if _CONTROL.search(body):
        raise NotMarc("binary", "a binary file of unknown kind")
    if _is_table(body):
        raise NotMarc("table", "a table (CSV)", f"Its rows have no MARC fields. {SEND}")
    raise NotMarc("text", "plain text")


def _is_table(body: bytes) -> bool:
    """Whether the first lines have the same number of separators: a tab, ``;`` or ``,``."""
    lines = body[:4096].splitlines()[:5]
    if len(body) > 4096:
        lines = lines[:-1]
    counts = [[line.count(mark) for line in lines] for mark in (b"\t", b";", b",")]
    return len(lines) > 1 and any(each[0] and len(set(each)) == 1 for each in counts)
