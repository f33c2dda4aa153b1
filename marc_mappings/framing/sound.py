"""Records of ISO 2709 in which nothing is wrong: nearly all of them, and so the quick way.

A frame whose leader, directory and delimiters agree in every number and whose text holds no octet
that may not be there needs no care: it is split once, and every form that is made of it (MARCXML,
Dublin Core, match keys) is made of the same pieces. Anything else is none of this room's business:
``read`` answers ``None``, and the careful way in ``iso2709`` is taken. The tests prove over real
and damaged records that both ways give the same.

Source: ISO 2709:2008; MARC 21 Specifications for Record Structure (Library of Congress).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from string import ascii_lowercase, digits
from typing import Final, NamedTuple
from unicodedata import is_normalized

from marc_mappings.record import Field, Record, Subfield

# Octets that no value may hold: C0 but ESC (which switches sets) and two delimiters, DEL.
_CONTROLS: Final = bytes(set(range(0x20)) - {0x1B, 0x1E, 0x1F}) + b"\x7f"
# The same for text in UTF-8: C1 except 98 and 9C, U+FFFE, U+FFFF; and what became UTF-8 twice
# (``encodings.twice_problem``).
_WIDE_JUNK: Final = re.compile(
    rb"\xc2[\x80-\x97\x99-\x9b\x9d-\x9f]|\xef\xbf[\xbe\xbf]"
    rb"|(?<=\xc3[\x82\x83])\xc2[\xa0-\xbf]"
    rb"|(?<=\xc3[\x84-\x9f])\xc2[\xa1-\xaa\xac\xae-\xba\xbc-\xbf]"
)
# A delimiter without a plain subfield code behind it: before another one, or at a field's end.
_ODD_CODE: Final = re.compile(rb"\x1f[^0-9a-z]")

# What a data field begins with: two indicators that MARCXML allows, and a delimiter.
PLAIN_HEADS: Final = frozenset(
    f"{first}{second}\x1f"
    for first in f"{digits}{ascii_lowercase} "
    for second in f"{digits}{ascii_lowercase} "
)

# Named tuples without the detour over their Python constructor: a third of the time of reading.
_new = tuple.__new__


class Sound(NamedTuple):
    """A record split into fields and not further.

    ``octets`` has the octets of a field for each of ``tags``, one character each (as in Latin-1:
    Python joins and splits such text fastest): a control field's value, or two indicators and then
    1F, code and value of each subfield. They are UTF-8 in NFC; ``texts`` are what they say.
    ``has_markup``: some of them may be characters that XML escapes. ``raw`` is the frame, ``b""``
    if fields were taken out.
    """

    leader: str
    tags: list[str]
    octets: list[str]
    has_markup: bool
    raw: bytes = b""

    @property
    def is_ascii(self) -> bool:
        """Whether there is no letter outside ASCII in it."""
        return all(map(str.isascii, self.octets))

    def first(self, tag: str) -> str:
        """Return the octets of the first field ``tag``, or ``""``."""
        return self.octets[self.tags.index(tag)] if tag in self.tags else ""

    def texts(self) -> list[str]:
        """Return the text of the fields, in the form of ``octets``."""
        joined = "\x1e".join(self.octets)
        return self.octets if joined.isascii() else text(joined).split("\x1e")

    def record(self) -> Record:
        """Return the record."""
        return Record(self.leader, tuple(map(field, self.tags, self.texts())))

    def part(self, tags: Collection[str]) -> Record:
        """Return the record with no other fields than those of ``tags``."""
        pairs = zip(self.tags, self.octets, strict=True)
        fields = [field(tag, text(octets)) for tag, octets in pairs if tag in tags]
        return Record(self.leader, tuple(fields))

    def without(self, tags: Collection[str]) -> Sound:
        """Return the pieces but those of fields of ``tags``, and of their 880s."""
        kept = [
            (tag, octets)
            for tag, octets in zip(self.tags, self.octets, strict=True)
            if (linked_tag(octets) if tag == "880" else tag) not in tags
        ]
        if len(kept) == len(self.tags):
            return self
        return Sound(
            self.leader, [tag for tag, _ in kept], [octets for _, octets in kept], self.has_markup
        )


def record_of(content: Record | Sound) -> Record:
    """Return the record itself; made anew at every call where it is in pieces."""
    return content.record() if isinstance(content, Sound) else content


def text(octets: str) -> str:
    """Return what octets say."""
    return octets if octets.isascii() else octets.encode("latin-1").decode("utf-8")


def linked_tag(text: str) -> str:
    """Return the tag that an 880 stands for by its $6, ``""`` if it names none."""
    # $6 is nearly always the first subfield.
    at = 2 if text[2:4] == "\x1f6" else text.find("\x1f6")
    return tag_of(text[at + 2 : at + 6]) if at >= 0 else ""


def tag_of(linkage: str) -> str:
    """Return the tag that a linkage ($6) such as ``245-01/$1`` names, ``""`` if none.

    The quick way to one part of what ``letters.linkage`` reads.
    """
    return linkage[:3] if linkage[3:4] == "-" and linkage[:3].isdigit() else ""


def read(raw: bytes) -> Sound | None:
    """Return a frame's record if its structure is sound, else ``None``.

    The octets are in the encoding of the record still: see ``is_unicode``.
    """
    head, *octets = raw.decode("latin-1").split("\x1e")
    count = len(octets) - 1
    stop = 24 + 12 * count
    if count < 1 or octets.pop() != "\x1d" or len(head) != stop or not head.isascii():
        return None
    if head[:5] != f"{len(raw):05}" or head[12:17] != f"{stop + 1:05}":
        return None
    # Nothing but the last octet is a control; every delimiter has a code behind it.
    if len(raw.translate(None, _CONTROLS)) != len(raw) - 1 or _ODD_CODE.search(raw):
        return None
    tags = [head[entry : entry + 3] for entry in range(24, stop, 12)]
    numbers = [head[entry : entry + 9] for entry in range(27, stop, 12)]
    if not head[24:].isdigit() or "000" in tags or "\x1f" in head or "\x1b" in head:
        return None
    at = 0
    # Length (4 digits) and start (5 digits) in one number.
    for tag, number, each in zip(tags, map(int, numbers), octets, strict=True):
        size = len(each) + 1
        if number != size * 100_000 + at:
            return None
        at += size
        if (each[:3] not in PLAIN_HEADS) if tag >= "010" else (not each or "\x1f" in each):
            return None
    has_markup = b"&" in raw or b"<" in raw or b">" in raw
    return Sound(head[:24], tags, octets, has_markup, raw)


def is_unicode(raw: bytes) -> bool:
    """Whether the octets are UTF-8 in NFC, and no character is one that may not be there."""
    if b"\x1b" in raw:
        return False
    if raw.isascii():
        return True
    if (b"\xc2" in raw or b"\xef\xbf" in raw) and _WIDE_JUNK.search(raw):
        return False
    try:
        return is_normalized("NFC", raw.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def field(tag: str, text: str) -> Field:
    """Return the field of one text of a ``Sound``."""
    if tag < "010":
        control: Field = _new(Field, (tag, "", (), text))
        return control
    indicators, *parts = text.split("\x1f")
    subfields = tuple([_new(Subfield, (part[0], part[1:])) for part in parts])
    data: Field = _new(Field, (tag, indicators, subfields, ""))
    return data
