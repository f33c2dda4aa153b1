"""MARC-8 bytes to text, on the character tables of pymarc.

The tables (EACC included) are pymarc's; the walk over the bytes is ours, because pymarc's writes
to stderr or turns what it does not know into a blank without a word, drops combining characters
at the end, and drops the C1 controls (joiners, non-sorting marks). Here every byte that could not
be read is counted and shows as U+FFFD.

Source: MARC-8 Encoding Environment, https://www.loc.gov/marc/specifications/speccharmarc8.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple
from unicodedata import normalize

from pymarc.marc8_mapping import CODESETS, ODD_MAP

BASIC_LATIN, ANSEL, EACC = 0x42, 0x45, 0x31
REPLACEMENT = "\ufffd"

# C1 controls with a meaning in MARC-8, and the characters MARC 21 in Unicode uses for them.
CONTROLS: Final = {0x88: "\x98", 0x89: "\x9c", 0x8D: "\u200d", 0x8E: "\u200c"}

# ESC, what it designates (G0 or G1, multibyte or not), and the final byte of the set.
# "ESC g/b/p/s" are the short forms for Greek symbols, subscripts, superscripts and back to ASCII.
_ESCAPE = re.compile(rb"\x1b(?:(?P<short>[gbps])|(?P<where>\$?[(,)\-]?)!?(?P<final>[0-9A-Z]))")
_TO_ASCII: Final = (b"\x1b(B", b"\x1b,B", b"\x1bs")
_PLAIN = re.compile(rb"[\x20-\x7e]+")
_SHORT = {b"g": 0x67, b"b": 0x62, b"p": 0x70, b"s": BASIC_LATIN}


class Decoded(NamedTuple):
    """The text (NFC) and how many characters of it could not be decoded."""

    text: str
    undecodable: int


class _Sets:
    """The graphic sets that are designated at one moment."""

    __slots__ = ("g0", "g1")

    def __init__(self) -> None:
        self.g0 = BASIC_LATIN
        self.g1 = ANSEL

    def designate(self, escape: re.Match[bytes]) -> bool:
        """Switch as the escape sequence says; ``False`` if it names a set that does not exist."""
        if short := escape["short"]:
            self.g0 = _SHORT[short]
            return True
        final = escape["final"][0]
        if final not in CODESETS:
            return False
        if escape["where"][-1:] in (b")", b"-"):
            self.g1 = final
        else:
            self.g0 = final
        return True


def decode(data: bytes) -> Decoded:
    """Return the text of MARC-8 ``data`` (one subfield's or control field's bytes).

    >>> decode(b"M\\xe8unchen")
    Decoded(text='München', undecodable=0)
    >>> decode(b"\\x1b$1!0!\\x1b(B")
    Decoded(text='一', undecodable=0)
    >>> decode(b"a\\xbf")
    Decoded(text='a\ufffd', undecodable=1)
    """
    if b"\x1b" not in data:
        return _decode_ansel(data)
    sets = _Sets()
    out: list[str] = []
    marks: list[str] = []  # combining characters come before their letter in MARC-8
    bad = 0
    at, end = 0, len(data)
    while at < end:
        if sets.g0 == BASIC_LATIN and (plain := _PLAIN.match(data, at)):
            run = plain[0].decode("ascii")
            out += (run[0], *marks, run[1:]) if marks else (run,)
            marks.clear()
            at = plain.end()
            continue
        byte = data[at]
        if byte == 0x1B:
            escape = _ESCAPE.match(data, at)
            if escape and sets.designate(escape):
                at = escape.end()
                continue
            at, text, combining = at + 1, "", False
        else:
            at, text, combining = _character(data, at, sets)
        if not text:
            bad += 1
            text = REPLACEMENT
        if combining:
            marks.append(text)
        else:
            out += (text, *marks)
            marks.clear()
    return Decoded(normalize("NFC", "".join(out + marks)), bad)


def _decode_ansel(data: bytes) -> Decoded:
    """Return what ``decode`` does of bytes without an escape sequence, which nearly all are."""
    text = _NOT_PLAIN.sub(lambda found: _IN_ANSEL[found[0]], data.decode("latin-1"))
    return Decoded(normalize("NFC", text), len(data) - len(data.translate(None, _UNKNOWN)))


class _InAnsel(dict[str, str]):
    """What a letter says with the marks before it, or an octet outside ASCII; made when met."""

    def __missing__(self, octets: str) -> str:
        text = "".join([_ANSEL[char] for char in octets])
        # Marks come before their letter in MARC-8, and behind it in Unicode.
        if octets[-1] not in _ANSEL_MARKS:
            text = normalize("NFC", text[-1] + text[:-1])
        # Letters with one mark are few; a hostile file may have any number with many.
        if len(octets) <= 2:
            self[octets] = text
        return text


_IN_ANSEL: Final = _InAnsel()


def is_left_open(data: bytes) -> bool:
    """Whether another set than ASCII is in force (G0) at the end of a value, against the rules.

    >>> is_left_open(b"\x1b(NmOSKWA\x1b(B, 2010"), is_left_open(b"Norwell, \x1b(NMass.")
    (False, True)
    """
    is_open = False
    for escape in _ESCAPE.finditer(data):
        if escape["short"]:
            is_open = escape["short"] != b"s"
        elif escape["where"][-1:] not in (b")", b"-"):
            is_open = escape["final"] != b"B"
    return is_open


def is_never_opened(data: bytes) -> bool:
    """Whether a value returns to ASCII from East Asian letters that no escape sequence begins.

    >>> is_never_opened(b"Tokyo !0K!3l\x1b(B"), is_never_opened(b"Tokyo \x1b(B")
    (True, False)
    """
    is_on = False
    for escape in _ESCAPE.finditer(data):
        is_back = escape[0] in _TO_ASCII
        letters = data[max(escape.start() - 3, 0) : escape.start()]
        if is_back and not is_on and int.from_bytes(letters, "big") in CODESETS[EACC]:
            return True
        is_on = not is_back and (is_on or (escape["where"] or b"")[-1:] not in (b")", b"-"))
    return False


def lacks_an_escape(data: bytes) -> bool:
    """Whether a value leaves a set on, or returns from one that was never on."""
    return b"\x1b" in data and (is_left_open(data) or is_never_opened(data))


def _character(data: bytes, at: int, sets: _Sets) -> tuple[int, str, bool]:
    """Return (next position, character or "" if unknown, whether it combines)."""
    byte = data[at]
    if byte < 0x20 or byte == 0x7F or 0x80 <= byte < 0xA0:
        return at + 1, CONTROLS.get(byte, chr(byte)), False
    charset, width = (sets.g1 if byte > 0x80 else sets.g0), 1
    if charset == EACC:
        # A blank inside EACC is written as one byte by many systems, as three by none.
        if byte == 0x20:
            return at + 1, " ", False
        width = 3
    code = int.from_bytes(data[at : at + width], "big")
    if width == 3 and at + 3 > len(data):
        return len(data), "", False
    found = CODESETS[charset].get(code)
    if found is None and byte == 0x20:
        return at + 1, " ", False
    if found is None:
        odd = ODD_MAP.get(code)
        return at + width, chr(odd) if odd else "", False
    return at + width, chr(found[0]), bool(found[1])


# Every octet as it is read where nothing was designated: which are marks, and which unknown.
_READ_ALONE: Final = {octet: _character(bytes((octet,)), 0, _Sets()) for octet in range(0x100)}
_ANSEL: Final = {chr(octet): text or REPLACEMENT for octet, (_, text, _) in _READ_ALONE.items()}
_ANSEL_MARKS: Final = "".join(chr(octet) for octet, read in _READ_ALONE.items() if read[2])
_UNKNOWN: Final = bytes(octet for octet, (_, text, _) in _READ_ALONE.items() if not text)
_NOT_PLAIN: Final = re.compile(f"[{_ANSEL_MARKS}]+[^{_ANSEL_MARKS}]?|[^ -~]")

_UNDEFINED = re.compile(rb"[\x80-\x87\x8a-\x8c\x8f-\xa0\xaf\xbb\xbe\xbf\xc9-\xdf\xfc\xfd\xff]")
_ASCII: Final = bytes(range(0x80))
_PAIRS = ((b"\x88", b"\x89"), (b"\xeb", b"\xec"), (b"\xfa", b"\xfb"))
# What no other set has: escape sequences, and the ligature of romanised Cyrillic.
PROOF: Final = re.compile(
    rb"\x1b(?:[gbps]|\$[(,)\-]?!?[0-9A-Z]|[(,)\-]!?[0-9A-Z])|\xeb[A-Za-z]\xec[A-Za-z]"
)
# "+" alone would have each octet tried; a set of octets is looked for.
_MARKED = re.compile(rb"([\xe0-\xfe][\xe0-\xfe]*+)(.?)", re.DOTALL)
# Marks of romanised Cyrillic, Arabic and Indic that Unicode has no ready-made letters for:
# ligature halves, double tilde halves, candrabindu, dots and rings below, half rings.
_ROMANISING = frozenset(b"\xeb\xec\xfa\xfb\xef\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xe1\xe5\xe6\xe3")


def keeps_the_rules(data: bytes) -> bool:
    """Whether the high bytes of ``data`` (no escape sequences) keep the rules of ANSEL.

    Latin-1 and the East Asian sets do not: their bytes are undefined in ANSEL, or are combining
    marks before a blank, or before letters that never carry that mark. Non-sorting marks and
    halves of ligatures come in pairs.
    """
    high = data.translate(None, _ASCII)
    if _UNDEFINED.search(high) or any(high.count(one) != high.count(two) for one, two in _PAIRS):
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


def has_marks(word: bytes) -> bool:
    r"""Whether a word has marks before letters, and keeps the rules of ANSEL.

    >>> has_marks(b"si\xe1ecle"), has_marks(b"si\xe8cle"), has_marks(b"\xb5m")
    (True, False, False)
    """
    return _MARK_AND_LETTER.search(word) is not None and keeps_the_rules(word)


_MARK_AND_LETTER = re.compile(rb"[\xe0-\xfe][A-Za-z]")


@cache
def _composed(mark: int, letter: bytes) -> bool:
    return len(decode(bytes((mark,)) + letter).text) == 1


def _composes(marks: bytes, letter: bytes) -> bool:
    """Whether Unicode has a ready-made letter for this letter with its (first) mark."""
    return _composed(marks[0], letter)
