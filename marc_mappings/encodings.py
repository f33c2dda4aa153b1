"""Bytes to text with certainty: which encoding a record is in, and text that is safe for ever.

Decoding is not the hard part, choosing is: a wrong choice makes no error, only wrong letters. So
the choice is made from the bytes first and the leader second, and an answer that rests on
neither is marked uncertain.

Order: strict UTF-8 where any byte is high; else MARC-8, doubted where its own rules are broken
(a character it does not define, a combining mark that stands on nothing or on a letter that it
never stands on).

Source: MARC 21 Specifications, Character Sets (Library of Congress); W3C XML 1.0, section 2.2.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from unicodedata import is_normalized, normalize

from marc_mappings import marc8
from marc_mappings.problems import Problem, problem

UTF8, MARC8 = "utf-8", "marc-8"

# Everything that may not stand in a value: C0 (the MARC delimiters too), DEL, C1 except the
# non-sorting marks 98 and 9C, which MARC 21 uses, the non-characters, and lone surrogates.
JUNK: Final = re.compile("[\x00-\x1f\x7f-\x97\x99-\x9b\x9d-\x9f\ufffe\uffff\ud800-\udfff]")

_BLANKS = "\t\n\x0b\x0c\r\x85"
# Non-sorting marks as MARC-8 has them, put into Unicode code for code by a careless converter.
_MARKS = {"\x88": "\x98", "\x89": "\x9c"}

_HIGH = re.compile(rb"[\x80-\xff]")
_DESIGNATION = re.compile(rb"\x1b(?:[gbps]|\$[(,)\-]?!?[0-9A-Z]|[(,)\-]!?[0-9A-Z])")
_UNDEFINED = re.compile(rb"[\x80-\x87\x8a-\x8c\x8f-\xa0\xaf\xbb\xbe\xbf\xc9-\xdf\xfc\xfd\xff]")
_MARKED = re.compile(rb"([\xe0-\xfe]+)(.?)", re.DOTALL)
# Marks of romanised Cyrillic, Arabic and Indic that Unicode has no ready-made letters for:
# ligature halves, double tilde halves, candrabindu, dots and rings below, half rings.
_ROMANISING = frozenset(b"\xeb\xec\xfa\xfb\xef\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xe1\xe5\xe6\xe3")


class Choice(NamedTuple):
    """An encoding, whether we are sure of it, and what there is to say about it."""

    encoding: str
    certain: bool
    problems: tuple[Problem, ...] = ()


def choose(data: bytes, leader9: str) -> Choice:
    """Return the encoding of a record's bytes; ``leader9`` is its leader/09 (``a`` = Unicode).

    >>> choose("한강".encode(), " ").problems[0].code
    'leader-says-marc8'
    >>> choose("한강".encode("cp949"), " ").certain
    False
    """
    declared = UTF8 if leader9 == "a" else MARC8
    escapes = b"\x1b" in data and _DESIGNATION.search(data) is not None
    if data.isascii():
        if escapes and declared == UTF8:
            return Choice(MARC8, False, (problem("leader-says-utf8"),))
        return Choice(declared, True)
    if is_utf8(data) and not (escapes and declared == MARC8):
        notes = () if declared == UTF8 else (problem("leader-says-marc8"),)
        return Choice(UTF8, True, notes)
    if declared == UTF8:
        return _not_utf8_after_all(data, escapes=escapes)
    if escapes or is_plausible_marc8(data):
        return Choice(MARC8, True)
    return Choice(
        MARC8,
        False,
        (
            problem(
                "encoding-doubtful",
                "The bytes are neither UTF-8 nor proper MARC-8; read as MARC-8, so letters "
                "outside ASCII may be wrong. Say which encoding the file has.",
            ),
        ),
    )


def _not_utf8_after_all(data: bytes, *, escapes: bool) -> Choice:
    """The leader promises UTF-8 and the bytes break it: all of them, or here and there?"""
    sound = sum(1 for char in data.decode("utf-8", "replace") if char > "\x7f" and char != "\ufffd")
    if escapes or (not sound and is_plausible_marc8(data)):
        return Choice(MARC8, False, (problem("leader-says-utf8"),))
    return Choice(UTF8, False)


def is_utf8(data: bytes) -> bool:
    """Whether ``data`` is valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_plausible_marc8(data: bytes) -> bool:
    """Whether the high bytes of ``data`` (no escape sequences) keep the rules of ANSEL.

    Latin-1 and the East Asian sets do not: their bytes are undefined in ANSEL, or are combining
    marks before a blank, or before letters that never carry that mark.
    """
    if _UNDEFINED.search(data):
        return False
    good = bad = 0
    for marks, letter in _MARKED.findall(data):
        if not letter.isalpha() and letter not in b"\xa2\xa5\xb1\xb2\xb5\xb8\xac\xbc\xbd":
            return False
        if letter and (marks[0] in _ROMANISING or _composes(marks, letter)):
            good += 1
        else:
            bad += 1
    return good >= bad


def _composes(marks: bytes, letter: bytes) -> bool:
    """Whether Unicode has a ready-made letter for this letter with its (first) mark."""
    return len(marc8.decode(marks[:1] + letter).text) == 1


def decode(data: bytes, encoding: str) -> tuple[str, int]:
    """Return (text in NFC, number of undecodable characters) of one value's bytes."""
    if data.isascii() and b"\x1b" not in data:
        return data.decode("ascii"), 0
    if encoding == MARC8:
        return marc8.decode(data)
    text = data.decode("utf-8", "replace")
    return normalized(text), text.count("\ufffd") - data.count(b"\xef\xbf\xbd")


def normalized(text: str) -> str:
    """Return ``text`` in NFC."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def without_junk(text: str) -> str:
    """Return ``text`` without what may not stand in a value; it is fit for XML then.

    Tabs and line ends become a blank, other controls go, what XML forbids becomes U+FFFD.

    >>> without_junk("A\\x00 tale\\r\\nof\\ufffe")
    'A tale of\ufffd'
    """
    return JUNK.sub(_replacement, text.replace("\r\n", "\n")) if JUNK.search(text) else text


def _replacement(match: re.Match[str]) -> str:
    char = match[0]
    if char in _BLANKS:
        return " "
    if char in _MARKS:
        return _MARKS[char]
    return "" if char < " " or char == "\x7f" else "\ufffd"


def junk_problem(text: str, tag: str = "") -> Problem | None:
    """Return what to say about the junk in ``text``, or ``None`` when there is none."""
    found = sorted({match[0] for match in JUNK.finditer(text)})
    if not found:
        return None
    names = ", ".join(f"U+{ord(char):04X}" for char in found[:5])
    if all(char < "\xa0" for char in found):
        return problem(
            "control-character", f"Removed or replaced control characters: {names}.", tag
        )
    return problem("character-not-allowed", f"Replaced characters XML forbids: {names}.", tag)
