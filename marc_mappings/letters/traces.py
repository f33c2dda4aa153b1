"""Traces of a program that hurt the letters before we got them: seen in text, told, never undone.

The bytes are sound, and so is every character; only together do they say that something happened:
UTF-8 taken for Windows-1252 and put into UTF-8 again, letters that a program could not read and
wrote as U+FFFD, references of HTML or escapes of a programming language in place of letters,
East Asian letters of MARC-8 without the escape sequence that begins them. What was meant is often
plain; but a guess would be silent, and a person who sees the message can ask for the file anew.

Source: Unicode Standard, U+FFFD; WHATWG Encoding Standard, windows-1252; MARC 21 Specifications,
MARC-8 (EACC) and "numeric character references" (Library of Congress).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import name2codepoint
from typing import Final

from marc_mappings.letters import marc8
from marc_mappings.problems import Problem, problem

# What the octets 80-9F show as in Windows-1252.
_WINDOWS: Final = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
# Of these, what may well stand behind an accented letter: "passé…»", „DÄ“.
_ENDS: Final = "…‘’“”–—›°»"
_ODD: Final = "".join(sorted(set(_WINDOWS) - set(_ENDS)))

# What UTF-8 shows as when it is taken for Latin-1 and put into UTF-8 once more: "Ã©". Behind
# other capitals than these two, a blank or a quotation mark may stand by right: "LIBERTÉ »".
# Taken for Windows-1252, also signs and quotation marks stand there: "Ã‰", "â€™", "í•œ".
_TWICE: Final = re.compile(
    "[\u00c2\u00c3][\u00a0-\u00bf]|[\u00c4-\u00df][\u00a1-\u00aa\u00ac\u00ae-\u00ba\u00bc-\u00bf]"
    f"|[\u00c4-\u00df][{_ODD}]|[\u00c2\u00c3](?:[{_ODD}]|[{_ENDS}](?=\\w))"
    f"|[\u00e0-\u00f4](?![{_ENDS}]{{2}})[{_WINDOWS}\u00a0-\u00bf]{{2}}"
)
_NAMES: Final = "|".join(sorted({*name2codepoint, "apos"}))
_REFERENCE: Final = re.compile(
    rf"&(?:#(?:[0-9]{{2,7}}|[xX][0-9A-Fa-f]{{2,6}})|{_NAMES});"
    r"|\\(?:x[0-9a-f]{2}|u[0-9a-fA-F]{4}|\")"
)
# A bounded number of letters, so that a hostile value is not gone through again and again.
_WITHOUT_ESCAPE: Final = re.compile(r"\$1((?:[!-~]{3}){1,40}?)\(B")
_LOST: Final = re.compile("\ufffd")

# The same in UTF-8, as far as ``framing.sound`` does not look for it; and what is before that.
# A pattern that begins with a letter is found ten times as fast.
_SIGNS: Final = "|".join(_WINDOWS)
_TWICE_IN_UTF8: Final = re.compile(
    rb"\xc3(?:[\x82-\x9f](?:%b)|[\xa0-\xb4](?:%b|\xc2[\xa0-\xbf]){2})"
    % (_SIGNS.encode(), _SIGNS.encode())
)
_PERHAPS_TWICE: Final = re.compile(rb"\xc3[\x82-\xb4](?:\xe2|\xc2|\xc5|\xc6|\xcb)")


def problems(text: str, tag: str = "", *, is_whole: bool = True) -> Iterator[Problem]:
    """Yield what there is to say of the traces in one value.

    ``is_whole``: no letter of it was lost in our own reading, of which is told elsewhere.

    >>> [each.message for each in problems("cafÃ© Ã‰toile")]
    ["Letters seem to have become UTF-8 twice; kept: 'cafÃ© Ã‰toile'"]
    >>> [each.code for each in problems("Lodz &#321;; $1!0K!3l(B")]
    ['character-reference', 'set-not-opened']
    >>> list(problems("LIBERTÉ », passé…» and R&D; $15.00 (Boston)"))
    []
    """
    if not text.isascii():
        if found := _TWICE.search(text):
            words = "Letters seem to have become UTF-8 twice"
            yield problem("text-encoded-twice", _told(words, found), tag)
        if is_whole and (found := _LOST.search(text)):
            words = "Letters were lost and show as U+FFFD"
            yield problem("character-lost", _told(words, found), tag)
    if ("&" in text or "\\" in text) and (found := _REFERENCE.search(text)):
        words = "A letter seems to stand as a reference or an escape"
        yield problem("character-reference", _told(words, found), tag)
    if "$1" in text and (found := _WITHOUT_ESCAPE.search(text)) and _is_eacc(found[1]):
        words = "Letters of MARC-8 stand without the escape sequence before them"
        yield problem("set-not-opened", _told(words, found), tag)


def in_octets(raw: bytes, said: str = "") -> bool:
    """Whether a record may have traces: quick, and seldom wrongly yes.

    ``said``: what its octets are in UTF-8, ``""`` if they are in something else. One octet is
    looked for at a time, because Python finds one five times as fast as two; and a character of
    text faster than its octets.
    """
    if b"$" in raw and b"$1" in raw and _WITHOUT_ESCAPE_IN_OCTETS.search(raw):
        return True
    if b"&" in raw and _REFERENCE_IN_OCTETS.search(raw):
        return True
    if b"\\" in raw and _ESCAPE_IN_OCTETS.search(raw):
        return True
    if raw.isascii():
        return False
    if said:
        if "\ufffd" in said or "\u2028" in said or "\u2029" in said:
            return True
    elif b"\xef\xbf\xbd" in raw or _SEPARATORS_IN_UTF8.search(raw):
        return True
    if b"\xc3" not in raw or _PERHAPS_TWICE.search(raw) is None:
        return False
    return _TWICE_IN_UTF8.search(raw) is not None


_REFERENCE_IN_OCTETS: Final = re.compile(rb"&[#A-Za-z][0-9A-Za-z]{1,7};")
_ESCAPE_IN_OCTETS: Final = re.compile(rb'\\(?:[xu][0-9A-Fa-f]{2}|")')
_WITHOUT_ESCAPE_IN_OCTETS: Final = re.compile(rb"\$1(?:[!-~]{3}){1,40}?\(B")
_SEPARATORS_IN_UTF8: Final = re.compile(rb"\xe2\x80[\xa8\xa9]")


def _is_eacc(octets: str) -> bool:
    return marc8.decode(b"\x1b$1" + octets.encode("ascii") + b"\x1b(B").undecodable == 0


def _told(words: str, found: re.Match[str]) -> str:
    around = found.string[max(found.start() - 10, 0) : found.end() + 10]
    return f"{words}; kept: {around!r}"
