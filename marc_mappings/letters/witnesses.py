"""What one record contributes to the question of a file's encoding: languages, rules, words.

Only words with bytes above 7F speak; the rest of a record is the same in all sets that are asked
about. The words keep their order, and none is cut in two, for that would halve a character.

Source: UNIMARC Manual, field 100 $a positions 26-33; RUSMARC, field 100 (79, 89, 99); MARC 21,
008/15-17, 008/35-37, 040, 041.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from marc_mappings import codes
from marc_mappings.letters import eight_bit, marc8, writing
from marc_mappings.letters.decoding import ISO5426, MARC8, UTF8
from marc_mappings.letters.glimpse import Glimpse

# Octets kept: of one word at most, of one record about.
_OF_WORD, _OF_ONE = 1000, 600
# UNIMARC 100 $a/26-33, two digits each; 01 is ASCII, the others have no table here.
_DECLARED: Final[Mapping[bytes, str]] = {
    b"03": ISO5426,
    b"20": "gb18030",
    b"50": UTF8,
    b"79": "cp866",
    b"89": "cp1251",
    b"99": "koi8-r",
}
_SEQUENCE: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_BLANKING: Final = bytes(0x20 if byte <= 0x20 or byte == 0x7F else byte for byte in range(256))


class Sample(NamedTuple):
    """What one record contributes: its languages, the set it declares, words with high bytes.

    ``kept``: the set whose rules its bytes keep of themselves (MARC-8, ISO 5426, UTF-8 with
    accidents), or ``""``. ``proved``: no other set has such bytes (escape sequences, ligatures).
    """

    languages: frozenset[str]
    declared: str
    kept: str
    words: tuple[bytes, ...]
    proved: bool = False


def sample(raw: bytes, seen: Glimpse) -> Sample:
    """Return what the bytes of one record contribute."""
    says_utf8 = seen.leader[9:10] == b"a"
    languages = languages_of(seen)
    unimarc = b"200" in seen.tags and b"245" not in seen.tags
    kept = ""
    proved = not unimarc and marc8.PROOF.search(raw) is not None
    if sound_in_utf8(raw, 1 if says_utf8 else 4):
        kept = UTF8
    elif unimarc:
        kept = ISO5426 if eight_bit.keeps_the_rules(raw, ISO5426) else ""
    elif proved or marc8.keeps_the_rules(raw):
        kept = MARC8
    return Sample(languages, declared(seen), kept, words_of(seen.fields), proved)


def words_of(fields: Iterable[bytes], room: int = _OF_ONE) -> tuple[bytes, ...]:
    """Return the words with high bytes, about ``room`` octets, without codes and controls."""
    found: list[bytes] = []
    for data in fields:
        if data.isascii():
            continue
        parts = data.split(b"\x1f")
        text = b" ".join([parts[0], *(part[1:] for part in parts[1:])]).translate(_BLANKING)
        for word in text.split():
            # A longer one (Chinese has no blanks) is not cut: that would halve a character.
            if len(word) <= _OF_WORD and not word.isascii():
                found.append(word)
                room -= len(word)
        if room < 0:
            break
    return tuple(found)


def sound_in_utf8(data: bytes, times: int = 4) -> bool:
    """Whether ``data`` is UTF-8 here and there hurt: more sound characters than accidents.

    ``times``: how many times more; fewer suffice where the leader promises UTF-8.
    """
    if not _SEQUENCE.search(data):
        return False
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    high = len(text) - len(text.encode("ascii", "ignore")) - broken
    return high > times * broken


def languages_of(seen: Glimpse) -> frozenset[str]:
    """Return the languages a record names (text, cataloguing, country) that we know letters of."""
    found = {_code(seen.value(tag, b"a")) for tag in (b"041", b"101")}
    found.add(_code(seen.value(b"040", b"b")))
    control = seen.first(b"008")
    found.add(_code(control[35:38]))
    place = codes.place_of(control[15:18].decode("latin-1")) if len(control) > 17 else ""
    country = seen.value(b"102", b"a").decode("latin-1").upper()
    coded = seen.value(b"100", b"a")
    if len(coded) in (35, 36) and coded[:8].isdigit():
        found.update(_code(coded[at : at + 3]) for at in (21, 22))
    for each in (place, country):
        found.update(writing.languages_of(each))
    return frozenset(found & writing.writings().keys())


def _code(data: bytes) -> str:
    return data[:3].decode("latin-1").lower()


def declared(seen: Glimpse) -> str:
    """Return the set a record declares, ``""`` if none or one that says nothing.

    >>> declared(Glimpse(b"", [b"100"], [b"  \\x1fa19980716d1997    u  y0rusy0189    ca"]))
    'cp1251'
    """
    coded = seen.value(b"100", b"a")
    if b"245" not in seen.tags and len(coded) >= 30:
        for at in (28, 26):
            if name := _DECLARED.get(coded[at : at + 2]):
                return name
        return ""
    return UTF8 if seen.leader[9:10] == b"a" else ""


def main_languages(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the languages that at least a fifth of the records name, most frequent first.

    Of equally frequent ones the alphabet decides, so that a file is told of alike on every run.

    >>> main_languages([Sample(frozenset({"fre", "chi", "ger"}), "", "", ())])
    ('chi', 'fre', 'ger')
    """
    counts = Counter(each for one in samples for each in one.languages)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, count in ranked if count * 5 >= len(samples))
