"""Eight-bit character sets that Python has no codec for: ISO 5426, ISO 6937, TCVN3, VISCII.

In ISO 5426 and ISO 6937 a combining character stands *before* the letter it belongs to, as in
MARC-8; in TCVN3 it stands behind, as in Unicode. A byte that the set leaves open is counted and
shows as U+FFFD, so that nothing is read wrongly in silence.

Source: the table ``codes/eight_bit.tsv``, which names the standards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, NamedTuple
from unicodedata import combining, normalize

REPLACEMENT: Final = "\ufffd"


class Decoded(NamedTuple):
    """The text (NFC) and how many characters of it could not be decoded."""

    text: str
    undecodable: int


def _tables() -> Mapping[str, dict[int, str]]:
    """Read the table: set -> byte -> character. ASCII and controls are what they are."""
    text = files("marc_mappings.codes").joinpath("eight_bit.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")][1:]
    plain = {byte: chr(byte) for byte in range(0x80)}
    tables = {name: dict(plain) for name, *_ in rows}
    for name, octet, character, _ in rows:
        tables[name][int(octet, 16)] = chr(int(character, 16))
    for table in tables.values():
        for byte in range(0x80, 0x100):
            table.setdefault(byte, REPLACEMENT)
    return tables


SETS: Final = _tables()
MARK_FIRST: Final = frozenset({"iso5426", "iso6937"})

_MARK = {
    name: "".join(char for char in SETS[name].values() if combining(char)) for name in MARK_FIRST
}
# Marks, then what they stand on: the letter, or nothing at all at the end of the value.
_MARKED = {name: re.compile(f"([{marks}]+)(.?)", re.DOTALL) for name, marks in _MARK.items()}
_MARK_BYTES = {
    name: bytes(byte for byte, char in SETS[name].items() if char in _MARK[name])
    for name in MARK_FIRST
}
_MARKED_BYTES = {
    name: re.compile(b"([" + re.escape(marks) + b"]+)(.?)", re.DOTALL)
    for name, marks in _MARK_BYTES.items()
}


def decode(data: bytes, name: str) -> Decoded:
    """Return the text of ``data`` in the set ``name``; KeyError if the table has no such set.

    >>> decode(b"Biblioth\\xc1eque", "iso5426"), decode(b"\\xd6\\xc2e", "iso5426").text
    (Decoded(text='Bibliothèque', undecodable=0), 'ẹ́')
    >>> decode(b"\\x88Le \\x89livre \\xe0", "iso5426")
    Decoded(text='\\x98Le \\x9clivre \ufffd', undecodable=1)
    >>> decode(b"Vi\\xd6t Nam", "tcvn3").text
    'Việt Nam'
    """
    text = data.decode("latin-1").translate(SETS[name])
    bad = text.count(REPLACEMENT)
    if marked := _MARKED.get(name):
        text = marked.sub(r"\2\1", text)
    return Decoded(normalize("NFC", text), bad)


def keeps_the_rules(data: bytes, name: str) -> bool:
    """Whether the high bytes of ``data`` are all defined, and marks stand on letters.

    For ISO 5426 and ISO 6937 only; a Windows or East Asian text seldom passes.
    """
    table = SETS[name]
    if any(table[byte] == REPLACEMENT for byte in set(data) if byte > 0x7F):
        return False
    good = bad = 0
    for marks, letter in _MARKED_BYTES[name].findall(data):
        base = table[letter[0]] if letter else ""
        if not base.isalpha():
            return False
        if len(normalize("NFC", base + table[marks[0]])) == 1:
            good += 1
        else:
            bad += 1
    return good > 0 and good >= 4 * bad
