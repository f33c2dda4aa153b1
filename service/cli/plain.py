"""Text from outside made safe for a terminal: no control or direction characters, one line."""

from __future__ import annotations

import re

# C0, C1, line and paragraph separators, and the characters that turn the direction of writing.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def line(text: str, longest: int = 200) -> str:
    """Return ``text`` as one line of at most ``longest`` characters.

    >>> line("a\\x1b[31mred\\n")
    'a [31mred'
    """
    safe = " ".join(_UNSAFE.sub(" ", text).split())
    return safe if len(safe) <= longest else safe[: longest - 1] + "…"
