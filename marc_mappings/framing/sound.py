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
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from string import ascii_lowercase, digits
from struct import Struct
from typing import Final, NamedTuple
from unicodedata import is_normalized, normalize

from marc_mappings.letters import traces
from marc_mappings.record import Field, Record, Subfield

# Octets that no value may hold: C0 but ESC (which switches sets) and two delimiters, DEL. All of
# them are made the terminator of a record, which is to stand at its end only.
_CONTROLS: Final = bytes(set(range(0x20)) - {0x1B, 0x1E, 0x1F}) + b"\x7f"
_ONE_CONTROL: Final = bytes.maketrans(_CONTROLS, b"\x1d" * len(_CONTROLS))
# The same for text in UTF-8: C1 except 98 and 9C, U+FFFE, U+FFFF; and what became UTF-8 twice
# (``letters.traces``). Patterns that begin with a letter are found ten times as fast.
_WIDE_JUNK: Final = re.compile(
    rb"\xc2(?:[\x80-\x97\x99-\x9b\x9d-\x9f]"
    rb"|(?<=\xc3[\x82\x83]\xc2)[\xa0-\xbf]"
    rb"|(?<=\xc3[\x84-\x9f]\xc2)[\xa1-\xaa\xac\xae-\xba\xbc-\xbf])"
)
_NON_CHARACTERS: Final = re.compile(rb"\xef\xbf[\xbe\xbf]")
# A delimiter without a plain subfield code behind it: before another one, or at a field's end.
_ODD_CODE: Final = re.compile("\x1f[^0-9a-z]")
# A data field that does not begin with two indicators that MARCXML allows, and a delimiter.
_ODD_HEAD: Final = re.compile("\x1e(?![0-9a-z ]{2}\x1f)")
# Where a head is odd, these count too: what is none at all, or has a character that XML escapes;
# and a data field with no text in it.
_NO_HEAD: Final = re.compile("\x1e(?![ -%'-;=?-~]{2}\x1f)|\x1e..(?:\x1f.)++(?:\x1e|\\Z)")
# The same heads one by one.
PLAIN_HEADS: Final = frozenset(
    f"{first}{second}\x1f"
    for first in f"{digits}{ascii_lowercase} "
    for second in f"{digits}{ascii_lowercase} "
)
# The tags of a directory's octets, which need not be made anew for each of its entries.
_TAGS: Final = {b"%03d" % number: f"{number:03}" for number in range(1, 1000)}

_CONTROL_TAGS: Final = frozenset(tag for tag in _TAGS.values() if tag < "010")


class _Numbers(dict[int, str]):
    """Numbers as a directory has them, each made when it is first met; there are 100,000."""

    def __init__(self, digits: int) -> None:
        super().__init__()
        self._digits = digits

    def __missing__(self, number: int) -> str:
        self[number] = made = f"{number:0{self._digits}}"
        return made


_LENGTHS: Final = _Numbers(4)
_STARTS: Final = _Numbers(5)

# Named tuples without the detour over their Python constructor: a third of the time of reading.
_new = tuple.__new__


class Sound(NamedTuple):
    """A record split into fields and not further.

    ``octets`` has the octets of a field for each of ``tags``, one character each (as in Latin-1:
    Python joins and splits such text fastest): a control field's value, or two indicators and then
    1F, code and value of each subfield. They are UTF-8 in NFC. ``made``: what they say, the same
    list where all is ASCII, and empty until somebody asks for ``texts``, for MARCXML does without.
    The first ``controls`` of the fields are the control fields. ``has_markup``: some of them may be
    characters that XML escapes. ``raw`` is the frame, ``b""`` if the fields are not those of the
    frame any more. ``has_odd_heads``: some indicators are neither blank, digit nor small letter
    (``##``), which is told and no reason for care.
    """

    leader: str
    tags: list[str]
    octets: list[str]
    made: list[str]
    controls: int
    has_markup: bool
    raw: bytes = b""
    has_odd_heads: bool = False

    @property
    def texts(self) -> list[str]:
        """What each field says."""
        if len(self.made) < len(self.octets):
            self.made[:] = text("\x1e".join(self.octets)).split("\x1e")
        return self.made

    @property
    def is_ascii(self) -> bool:
        """Whether there is no letter outside ASCII in it."""
        return self.octets is self.made or all(map(str.isascii, self.octets))

    def first(self, tag: str) -> str:
        """Return the octets of the first field ``tag``, or ``""``."""
        return self.octets[self.tags.index(tag)] if tag in self.tags else ""

    def record(self) -> Record:
        """Return the record."""
        return Record(self.leader, tuple(map(field, self.tags, self.texts)))

    def part(self, tags: Collection[str]) -> Record:
        """Return the record with no other fields than those of ``tags``."""
        pairs = zip(self.tags, self.texts, strict=True)
        return Record(self.leader, tuple([field(tag, text) for tag, text in pairs if tag in tags]))

    def without(self, tags: Collection[str]) -> Sound:
        """Return the pieces but those of fields of ``tags``, and of their 880s."""
        triples = zip(self.tags, self.octets, self.texts, strict=True)
        kept = [
            triple
            for triple in triples
            if (linked_tag(triple[1]) if triple[0] == "880" else triple[0]) not in tags
        ]
        if len(kept) == len(self.tags):
            return self
        left, octets, texts = ([triple[at] for triple in kept] for at in range(3))
        controls = sum([tag < "010" for tag in left])
        return self._replace(tags=left, octets=octets, made=texts, controls=controls, raw=b"")


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

    The octets are in the encoding of the record still: see ``in_unicode``.
    """
    text = raw.decode("latin-1")
    head, *octets = text.split("\x1e")
    stop = len(head)
    # A record of one field is so rare that it may go the careful way.
    if len(octets) < 3 or octets.pop() != "\x1d" or stop != 24 + 12 * len(octets):
        return None
    if head[:5] != f"{len(raw):05}" or head[12:17] != f"{stop + 1:05}":
        return None
    leader = head[:24]
    if not (leader.isascii() and leader.isprintable()):
        return None
    # Nothing but the last octet is a control; every delimiter has a code behind it.
    if raw.translate(_ONE_CONTROL).find(b"\x1d") != len(raw) - 1 or _ODD_CODE.search(text):
        return None
    sizes = [len(each) + 1 for each in octets]
    tags = _tags(head, sizes)
    # Control fields come first, and hold text; data fields begin as they should.
    controls = 0
    while controls < len(tags) and tags[controls] < "010":
        controls += 1
    if not tags or not _CONTROL_TAGS.isdisjoint(tags[controls:]) or "" in octets[:controls]:
        return None
    begin = stop + sum(sizes[:controls])
    if "\x1f" in text[:begin]:
        return None
    is_odd = _ODD_HEAD.search(text, begin, len(text) - 2) is not None
    if is_odd and _NO_HEAD.search(text, begin, len(text) - 2):
        return None
    has_markup = "&" in text or "<" in text or ">" in text
    return _new(Sound, (leader, tags, octets, octets, controls, has_markup, raw, is_odd))


def _tags(head: str, sizes: list[int]) -> list[str]:
    """Return the tags of a directory that agrees with the sizes of the fields, else none."""
    try:
        tags = [*itemgetter(*_directory(len(sizes)).unpack_from(head.encode("latin-1"), 24))(_TAGS)]
    except KeyError:
        return []
    # The directory as it should be, of lengths and starts that are made once, is compared whole.
    entries = [""] * (3 * len(sizes))
    entries[::3] = tags
    entries[1::3] = map(_LENGTHS.__getitem__, sizes)
    entries[2::3] = map(_STARTS.__getitem__, accumulate(sizes[:-1], initial=0))
    return tags if "".join(entries) == head[24:] else []


@lru_cache(maxsize=512)
def _directory(count: int) -> Struct:
    """The tags of so many entries, of which each has a length and a start, too."""
    return Struct("3s9x" * count)


def said_in_utf8(raw: bytes) -> str:
    """Return what a frame says in UTF-8; ``""`` if it is in something else."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def in_unicode(pieces: Sound, said: str) -> Sound | None:
    """Return pieces that are in UTF-8, and say this as a whole, composed (NFC).

    ``None`` if it is not UTF-8, if a character is in it that may not be there, or if a mark would
    join a subfield code.
    """
    raw = pieces.raw
    if not said or b"\x1b" in raw or _has_junk(raw):
        return None
    # The marks of Latin letters are looked for first: a text that has them is seldom composed, and
    # to compose it as a whole is slow.
    if b"\xcc" in raw or b"\xcd" in raw or not is_normalized("NFC", said):
        return _composed(pieces, said.split("\x1e")[1:-1])
    return _new(Sound, (*pieces[:3], [], *pieces[4:]))


def _composed(pieces: Sound, said: list[str]) -> Sound | None:
    """Return pieces that say this, field by field, composed."""
    texts = [each if each.isascii() else normalize("NFC", each) for each in said]
    mended = [at for at, each in enumerate(texts) if each != said[at]]
    if not mended:
        return _new(Sound, (*pieces[:3], texts, *pieces[4:]))
    octets = pieces.octets.copy()
    for at in mended:
        octets[at] = texts[at].encode("utf-8").decode("latin-1")
    changed = "\x1e".join([texts[at] for at in mended])
    data = changed.encode("utf-8")
    # What was looked for in the frame may be there only now.
    if _ODD_CODE.search(changed) or _has_junk(data) or traces.in_octets(data, changed):
        return None
    return pieces._replace(octets=octets, made=texts, raw=b"")


def _has_junk(data: bytes) -> bool:
    """Whether UTF-8 says a character that may not be there, or letters that became UTF-8 twice.

    One octet is looked for first, which is quicker still, and enough for most records.
    """
    if b"\xc2" in data and _WIDE_JUNK.search(data):
        return True
    return b"\xef" in data and _NON_CHARACTERS.search(data) is not None


def field(tag: str, text: str) -> Field:
    """Return the field of one text of a ``Sound``."""
    if tag < "010":
        control: Field = _new(Field, (tag, "", (), text))
        return control
    indicators, *parts = text.split("\x1f")
    subfields = tuple([_new(Subfield, (part[0], part[1:])) for part in parts])
    data: Field = _new(Field, (tag, indicators, subfields, ""))
    return data
