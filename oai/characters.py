"""Which characters XML can carry, and how text is written into it.

One escape serves element content and attribute values alike. White space other than blanks is
written as references, because a parser would turn it into blanks within an attribute, and an
echo must come back byte for byte.

Source: XML 1.0, sections 2.2 (Char), 2.4 (character data) and 3.3.3 (attribute values).
"""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def is_legal(text: str) -> bool:
    """Whether XML can carry every character of a text."""
    return _ILLEGAL.search(text) is None


def legal(text: str) -> str:
    """Return the text with U+FFFD in the place of every character that XML forbids."""
    return _ILLEGAL.sub("�", text)


def legal_counted(text: str, instead: str = "�") -> tuple[str, int]:
    """Return the text with ``instead`` for what XML forbids, and how often that was."""
    return _ILLEGAL.subn(instead, text)


def escape(text: str) -> str:
    """Return any text as XML, for content and for attributes in double quotes.

    >>> escape('a < "b"')
    'a &lt; &quot;b&quot;'
    """
    plain = text.isascii() and text.isprintable()
    if plain and not ("&" in text or "<" in text or ">" in text or '"' in text):
        return text  # identifiers and setSpecs, and several times quicker than to translate
    return legal(text).translate(_REFERENCES)
