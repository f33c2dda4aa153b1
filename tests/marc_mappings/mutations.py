"""Files with one damaged record between two good ones: named kinds of damage, seeded.

The kinds are those seen in files of libraries, and those that wires, tapes, editors, mail programs
and careless converters make. A kind takes the bytes of a sound record and a source of chance, and
returns other bytes; it knows nothing of the reader. ``by_the_book`` says of bytes whether they keep
to ISO 2709 in every respect, so that no reader could know of a damage.

Source: ISO 2709:2008; MARC 21 Specifications for Record Structure (Library of Congress).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from tests.marc_mappings.reencoding import frame

Damage = Callable[[bytes, random.Random], bytes]
Change = Callable[[bytes, int], bytes]


class Damaged(NamedTuple):
    """A file: ``before`` and ``after`` are good records, ``victim`` the third one, undamaged."""

    kind: str
    before: bytes
    victim: bytes
    damaged: bytes
    after: bytes

    @property
    def whole(self) -> bytes:
        """The file as it should have been."""
        return self.before + self.victim + self.after

    @property
    def file(self) -> bytes:
        """The file as it came."""
        return self.before + self.damaged + self.after


def files(
    pools: Sequence[Sequence[bytes]], kinds: Mapping[str, Damage], seed: int, count: int
) -> Iterator[Damaged]:
    """Yield ``count`` files of records drawn from one pool each; every kind comes equally often."""
    dice = random.Random(f"{seed}")  # noqa: S311
    names = list(kinds)
    for number in range(count):
        if number % len(names) == 0:
            dice.shuffle(names)
        name = names[number % len(names)]
        pool = dice.choice(pools)
        before, victim, after = dice.sample(pool, 3)
        yield Damaged(name, before, victim, kinds[name](victim, dice), after)


# --- the parts of a sound record -------------------------------------------------------------


class Parts(NamedTuple):
    """Leader, directory entries (12 bytes each) and fields (without terminator)."""

    leader: bytes
    entries: list[bytes]
    fields: list[bytes]

    def joined(self) -> bytes:
        """The record of these parts, numbers as they are."""
        fields = b"".join(field + b"\x1e" for field in self.fields)
        return self.leader + b"".join(self.entries) + b"\x1e" + fields + b"\x1d"


def parts(raw: bytes) -> Parts:
    """Take a sound record apart."""
    head, *fields = raw[:-2].split(b"\x1e")
    return Parts(head[:24], [head[at : at + 12] for at in range(24, len(head), 12)], fields)


# Lengths, status to coding, two counts, base address, three codes, the entry map.
_LEADER: Final = rb"[0-9]{5}[A-Za-z0-9 |#]{5}22[0-9]{5}[A-Za-z0-9 |#]{3}45[0-9 ]{2}"
_BASE: Final = re.compile(rb"(?:[0-9A-Za-z]{3}[0-9]{9})*")


def by_the_book(raw: bytes) -> bool:
    """Whether no rule of the format is broken: nobody could tell that the record was damaged."""
    head, *fields = raw.split(b"\x1e")
    if not fields or fields.pop() != b"\x1d" or not _BASE.fullmatch(head, 24):
        return False
    if len(head) < 24 or not re.fullmatch(_LEADER, head[:24]):
        return False
    if (int(head[:5]), head[12:17]) != (len(raw), b"%05d" % (len(head) + 1)):
        return False
    spans = sorted(
        (int(head[at + 7 : at + 12]), int(head[at + 3 : at + 7]), head[at : at + 3])
        for at in range(24, len(head), 12)
    )
    at = 0
    for (start, length, tag), data in zip(spans, fields, strict=False):
        if start != at or length != len(data) + 1 or not _field_by_the_book(tag, data):
            return False
        at += length
    return len(spans) == len(fields) and len(fields) > 0


def _field_by_the_book(tag: bytes, data: bytes) -> bool:
    if not data or re.search(rb"[\x00-\x1a\x1c-\x1e\x7f]", data) or tag == b"000":
        return False
    if tag[:2] == b"00":
        return b"\x1f" not in data
    if _left_in_another_set(data) or _TWICE_UTF8.search(data):
        return False
    return re.fullmatch(rb"[0-9a-z ]{2}(?:\x1f[0-9A-Za-z][^\x1f]*)+", data) is not None


# What UTF-8 looks like that was taken for Latin-1 and put into UTF-8 again.
_TWICE_UTF8: Final = re.compile(rb"\xc3[\x82\x83]\xc2[\xa0-\xbf]")


def _left_in_another_set(data: bytes) -> bool:
    """Whether an escape sequence of MARC-8 is in force at the end of a value."""
    for value in data.split(b"\x1f"):
        found = re.findall(rb"\x1b([gbps]|\$?,?\(?!?[0-9A-Z])", value)
        if found and found[-1] not in (b"s", b"(B"):
            return not re.search(rb"\x1f6[^\x1f]*/[($]", data)
    return False


# --- how damage is done ------------------------------------------------------------------------


def _put(start: int, text: bytes) -> Damage:
    return lambda raw, _: raw[:start] + text + raw[start + len(text) :]


def _length(by: int) -> Damage:
    return lambda raw, _: b"%05d" % max(0, len(raw) + by) + raw[5:]


def _base(by: int) -> Damage:
    return lambda raw, _: raw[:12] + b"%05d" % (int(raw[12:17]) + by) + raw[17:]


def _at(where: str, change: Change) -> Damage:
    """Change the record at a random place of its leader, directory or data."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        base = raw.index(b"\x1e") + 1
        spans = {"leader": (0, 24), "directory": (24, base - 1), "data": (base, len(raw) - 2)}
        low, high = spans[where] if where in spans else (0, len(raw))
        return change(raw, dice.randrange(low, max(high, low + 1)))

    return damage


def _directory(change: Callable[[list[bytes], random.Random], list[bytes]]) -> Damage:
    def damage(raw: bytes, dice: random.Random) -> bytes:
        made = parts(raw)
        return made._replace(entries=change(list(made.entries), dice)).joined()

    return damage


def _each_entry(change: Callable[[bytes], bytes]) -> Damage:
    return _directory(lambda entries, _: [change(entry) for entry in entries])


def _one_entry(change: Callable[[bytes], bytes]) -> Damage:
    def chosen(entries: list[bytes], dice: random.Random) -> list[bytes]:
        at = dice.randrange(len(entries))
        return [*entries[:at], change(entries[at]), *entries[at + 1 :]]

    return _directory(chosen)


def _one_field(change: Callable[[bytes], bytes]) -> Damage:
    """Change one data field and no number."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        made = parts(raw)
        at = dice.choice([n for n, field in enumerate(made.fields) if b"\x1f" in field] or [0])
        made.fields[at] = change(made.fields[at])
        return made.joined()

    return damage


def _each_field(change: Callable[[bytes], bytes], *, told: bool = False) -> Damage:
    """Change every field; ``told``: the program wrote the numbers that follow from it."""

    def damage(raw: bytes, _: random.Random) -> bytes:
        made = parts(raw)
        changed = [change(field) for field in made.fields]
        if told:
            tags = [entry[:3] for entry in made.entries]
            return frame(made.leader, zip(tags, changed, strict=True))
        return made._replace(fields=changed).joined()

    return damage


def _data(change: Callable[[bytes], bytes]) -> Damage:
    """Change what stands behind the directory, and no number."""

    def damage(raw: bytes, _: random.Random) -> bytes:
        base = raw.index(b"\x1e") + 1
        return raw[:base] + change(raw[base:])

    return damage


def anywhere(change: Change) -> Damage:
    """Change the record at a random place."""
    return lambda raw, dice: change(raw, dice.randrange(len(raw)))


def put_for(part: bytes, put: bytes) -> Damage:
    """Put something in the place of one of the parts of this kind, which the record mostly has."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        places = [match.start() for match in re.finditer(re.escape(part), raw)]
        if not places:
            return raw[:-1]
        at = dice.choice(places)
        return raw[:at] + put + raw[at + len(part) :]

    return damage


def _swapped_entries(entries: list[bytes], dice: random.Random) -> list[bytes]:
    a, b = dice.randrange(len(entries)), dice.randrange(len(entries))
    entries[a], entries[b] = entries[b], entries[a]
    return entries


def _number(entry: bytes, start: int, stop: int, by: int) -> bytes:
    width = stop - start
    number = (int(entry[start:stop]) + by) % 10**width
    return entry[:start] + b"%0*d" % (width, number) + entry[stop:]


def _counted_in_characters(raw: bytes, _: random.Random) -> bytes:
    """As programs do that take characters for octets."""
    made = parts(raw)
    try:
        raw.decode("utf-8")
        name = "utf-8"
    except UnicodeDecodeError:
        name = "cp949"
    at, entries = 0, []
    for entry, field in zip(made.entries, made.fields, strict=True):
        length = len(field.decode(name, "replace")) + 1
        entries.append(entry[:3] + b"%04d%05d" % (length, at))
        at += length
    base = 25 + 12 * len(entries)
    leader = b"%05d%b%05d%b" % (base + at + 1, raw[5:12], base, raw[17:24])
    return Parts(leader, entries, made.fields).joined()


def _wrapped(width: int, by: bytes) -> Damage:
    return lambda raw, _: by.join(raw[at : at + width] for at in range(0, len(raw), width))


def _flipped(where: str, count: Callable[[bytes], int]) -> Damage:
    def damage(raw: bytes, dice: random.Random) -> bytes:
        for _ in range(count(raw)):
            bit = dice.randrange(8)
            raw = _at(where, lambda r, i, b=bit: r[:i] + bytes([r[i] ^ 1 << b]) + r[i + 1 :])(  # type: ignore[misc]
                raw if raw.count(b"\x1e") > 1 else raw + b"\x1e\x1e", dice
            )
        return raw

    return damage


def block(change: Callable[[bytes, bytes, bytes, random.Random], bytes]) -> Damage:
    """Do something to a block of up to 512 octets anywhere."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        size = dice.randrange(1, min(512, len(raw)) + 1)
        at = dice.randrange(len(raw) - size + 1)
        return change(raw[:at], raw[at : at + size], raw[at + size :], dice)

    return damage


def _two_blocks_swapped(raw: bytes, dice: random.Random) -> bytes:
    a, b, c = sorted(dice.randrange(len(raw) + 1) for _ in range(3))
    return raw[:a] + raw[b:c] + raw[a:b] + raw[c:]


def several(raw: bytes, dice: random.Random) -> bytes:
    """One to five of: a byte changed, some lost, some too many."""
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(raw) or 1)
        raw = dice.choice(
            (
                raw[:at] + dice.randbytes(1) + raw[at + 1 :],
                raw[:at] + raw[at + dice.randrange(1, 9) :],
                raw[:at] + dice.randbytes(dice.randrange(1, 9)) + raw[at:],
            )
        )
    return raw or b"?"


def _as_utf8_of_latin1(data: bytes) -> bytes:
    return data.decode("latin-1").encode("utf-8")


def _without(codes: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.translate(None, codes)


# --- the kinds -----------------------------------------------------------------------------------

ISO2709: Final[Mapping[str, Damage]] = {
    # leader
    "length too short": _put(0, b"00040"),
    "length too long": _put(0, b"99999"),
    "length zero": _put(0, b"00000"),
    "length blank": _put(0, b"     "),
    "length not numeric": _put(0, b"abcde"),
    "length one less": _length(-1),
    "length one more": _length(1),
    "length reaches into the next record": _length(60),
    "length random": lambda raw, dice: b"%05d" % dice.randrange(100_000) + raw[5:],
    "base address zero": _put(12, b"00000"),
    "base address wrong": _put(12, b"00099"),
    "base address one less": _base(-1),
    "base address one more": _base(1),
    "base address not numeric": _put(12, b"x y z"),
    "entry map missing": _put(20, b"    "),
    "indicator count missing": _put(10, b"  "),
    "leader blank": _put(0, b" " * 24),
    "leader not ASCII": _put(5, b"\xff\xfe\x80"),
    "leader/09 wrong": lambda raw, _: raw[:9] + (b" " if raw[9:10] == b"a" else b"a") + raw[10:],
    "leader one short": _at("leader", lambda raw, i: raw[:i] + raw[i + 1 :]),
    "leader one long": _at("leader", lambda raw, i: raw[:i] + b"0" + raw[i:]),
    "leader shifted": lambda raw, _: b" " + raw[:23] + raw[24:],
    "leader lost": lambda raw, _: raw[24:],
    "leader doubled": lambda raw, _: raw[:24] + raw,
    # directory
    "directory byte lost": _at("directory", lambda raw, i: raw[:i] + raw[i + 1 :]),
    "directory byte too many": _at("directory", lambda raw, i: raw[:i] + b"7" + raw[i:]),
    "directory byte changed": _at("directory", lambda raw, i: raw[:i] + b"x" + raw[i + 1 :]),
    "directory byte high": _at("directory", lambda raw, i: raw[:i] + b"\xb3" + raw[i + 1 :]),
    "directory bytes lost": _at("directory", lambda raw, i: raw[:i] + raw[i + 5 :]),
    "directory out of order": _directory(_swapped_entries),
    "directory backwards": _directory(lambda entries, _: entries[::-1]),
    "entry lost": _directory(lambda entries, dice: _less(entries, dice)),
    "entry twice": _directory(lambda entries, dice: _twice(entries, dice)),
    "entry tag not ASCII": _one_entry(lambda entry: b"\xe92\xe9" + entry[3:]),
    "entry tags in lower case": _each_entry(lambda e: e[:3].replace(b"2", b"b") + e[3:]),
    "entry start one off": _one_entry(lambda entry: _number(entry, 7, 12, 1)),
    "entry length one off": _one_entry(lambda entry: _number(entry, 3, 7, 1)),
    "entries overlap": _one_entry(lambda entry: _number(entry, 3, 7, 25)),
    "all starts one off": _each_entry(lambda entry: _number(entry, 7, 12, 1)),
    "all starts zero": _each_entry(lambda entry: entry[:7] + b"00000"),
    "all lengths 9999": _each_entry(lambda entry: entry[:3] + b"9999" + entry[7:]),
    "all lengths without terminator": _each_entry(lambda entry: _number(entry, 3, 7, -1)),
    "all numbers blank": _each_entry(lambda entry: entry[:3] + b" " * 9),
    "directory lost": lambda raw, _: raw[:24] + raw[raw.index(b"\x1e") :],
    "counted in characters": _counted_in_characters,
    # terminators and delimiters
    "record terminator missing": lambda raw, _: raw[:-1],
    "both last terminators missing": lambda raw, _: raw[:-2],
    "record terminator doubled": lambda raw, _: raw + b"\x1d",
    "record terminator a line end": lambda raw, _: raw[:-1] + b"\n",
    "last terminators swapped": lambda raw, _: raw[:-2] + b"\x1d\x1e",
    "record terminator inside": _at("data", lambda raw, i: raw[:i] + b"\x1d" + raw[i + 1 :]),
    "record terminator in the directory": _at("directory", lambda r, i: r[:i] + b"\x1d" + r[i:]),
    "directory terminator lost": lambda raw, _: raw.replace(b"\x1e", b"", 1),
    "field terminator lost": put_for(b"\x1e", b""),
    "field terminator a blank": put_for(b"\x1e", b" "),
    "field terminator a delimiter": put_for(b"\x1e", b"\x1f"),
    "field terminator a record terminator": put_for(b"\x1e", b"\x1d"),
    "field terminator too many": _at("data", lambda raw, i: raw[:i] + b"\x1e" + raw[i:]),
    "all field terminators lost": _data(_without(b"\x1e")),
    "all field terminators line ends": _data(lambda d: d[:-1].replace(b"\x1e", b"\n") + b"\x1d"),
    "line end after each field": _data(lambda data: data.replace(b"\x1e", b"\x1e\r\n")),
    "delimiter lost": put_for(b"\x1f", b""),
    "delimiter a field terminator": put_for(b"\x1f", b"\x1e"),
    "delimiter anywhere": anywhere(lambda raw, i: raw[:i] + b"\x1f" + raw[i:]),
    "delimiter doubled": put_for(b"\x1f", b"\x1f\x1f"),
    "delimiter at the end of a field": _one_field(lambda field: field + b"\x1f"),
    "delimiters as dollar signs": _data(lambda data: data.replace(b"\x1f", b"$")),
    "all delimiters lost": _data(_without(b"\x1f")),
    "all control characters blanks": lambda raw, _: re.sub(rb"[\x1d-\x1f]", b" ", raw),
    # indicators and fields
    "indicators lost": _one_field(lambda field: field[2:]),
    "one indicator lost": _one_field(lambda field: field[1:]),
    "indicator too many": _one_field(lambda field: b"0" + field),
    "all indicators lost": _each_field(lambda f: f[2:] if b"\x1f" in f else f, told=True),
    "indicator not ASCII": _one_field(lambda field: b"\xc3" + field[1:]),
    "subfield code not ASCII": _one_field(lambda field: field[:3] + b"\xe2" + field[4:]),
    "subfield code a blank": _one_field(lambda field: field[:3] + b" " + field[4:]),
    "field lost, entry kept": lambda raw, dice: _fields(raw, dice, _without_one),
    "field twice, entry once": lambda raw, dice: _fields(raw, dice, _with_one_twice),
    "field emptied": _one_field(lambda _: b""),
    # bytes of the data
    "bytes lost in the data": _at("data", lambda raw, i: raw[:i] + raw[i + 7 :]),
    "bytes too many in the data": _at("data", lambda raw, i: raw[:i] + b"surplus" + raw[i:]),
    "NUL in the data": _at("data", lambda raw, i: raw[:i] + b"\x00" + raw[i + 1 :]),
    "high byte in the data": _at("data", lambda raw, i: raw[:i] + b"\xff" + raw[i + 1 :]),
    "escape in the data": _at("data", lambda raw, i: raw[:i] + b"\x1b(N" + raw[i:]),
    "escape before a value": put_for(b"\x1fa", b"\x1fa\x1b(N"),
    "octets swapped": anywhere(lambda raw, i: raw[:i] + raw[i : i + 2][::-1] + raw[i + 2 :]),
    "surrogate in the data": _at("data", lambda raw, i: raw[:i] + b"\xed\xa0\x80" + raw[i:]),
    "block lost": block(lambda before, _lost, after, _: before + after),
    "block doubled": block(lambda before, part, after, _: before + part + part + after),
    "block zeroed": block(lambda before, part, after, _: before + bytes(len(part)) + after),
    "block of noise": block(lambda b, part, a, dice: b + dice.randbytes(len(part)) + a),
    "blocks swapped": _two_blocks_swapped,
    "one bit flipped": _flipped("anywhere", lambda _: 1),
    "bit flipped in the leader": _flipped("leader", lambda _: 1),
    "bit flipped in the directory": _flipped("directory", lambda _: 1),
    "many bits flipped": _flipped("anywhere", lambda raw: 1 + len(raw) // 100),
    "several small faults": several,
    # truncation
    "truncated in the leader": _at("leader", lambda raw, i: raw[:i] or b"0"),
    "truncated in the directory": _at("directory", lambda raw, i: raw[:i]),
    "truncated in the data": _at("data", lambda raw, i: raw[:i]),
    "truncated behind the directory": lambda raw, _: raw[: raw.index(b"\x1e") + 1],
    "truncated, terminators put": _at("data", lambda raw, i: raw[:i] + b"\x1e\x1d"),
    "begin lost in the leader": _at("leader", lambda raw, i: raw[i:]),
    "begin lost in the directory": _at("directory", lambda raw, i: raw[i:]),
    "begin lost in the data": _at("data", lambda raw, i: raw[i:]),
    # what programs do to the whole
    "7 bits": lambda raw, _: bytes(byte & 0x7F for byte in raw),
    "high bytes as question marks": lambda raw, _: re.sub(rb"[\x80-\xff]", b"?", raw),
    "high bytes lost": lambda raw, _: re.sub(rb"[\x80-\xff]", b"", raw),
    "Latin-1 to UTF-8, numbers old": _data(_as_utf8_of_latin1),
    "Latin-1 to UTF-8, numbers new": _each_field(_as_utf8_of_latin1, told=True),
    "lower case": lambda raw, _: raw.lower(),
    "blanks collapsed": lambda raw, _: re.sub(rb"  +", b" ", raw),
    "blanks as tabs": lambda raw, _: raw.replace(b" ", b"\t"),
    "entities for ampersands": lambda raw, _: raw.replace(b"a", b"&amp;"),
    "UTF-16": lambda raw, _: raw.decode("latin-1").encode("utf-16"),
    "lines of 80": _wrapped(80, b"\r\n"),
    "lines of 76, quoted": _wrapped(76, b"=\r\n"),
    "sent twice": lambda raw, _: raw + raw,
    "one in another": _at("data", lambda raw, i: raw[:i] + raw + raw[i:]),
    # between records
    "line end after": lambda raw, _: raw + b"\r\n",
    "byte order mark before": lambda raw, _: b"\xef\xbb\xbf" + raw,
    "byte order mark of UTF-16 before": lambda raw, _: b"\xff\xfe" + raw,
    "blanks and NUL after": lambda raw, _: raw + b"  \x00\x00\x1a",
    "filled to a tape block": lambda raw, _: raw + b"^" * (-len(raw) % 2048),
    "words before": lambda raw, _: b"Subject: new books\r\n\r\n" + raw,
    "words after": lambda raw, _: raw + b"-- end of message --",
    "numbers before": lambda raw, _: b"00512nam  2200" + raw,
    "noise before": lambda raw, dice: dice.randbytes(dice.randrange(1, 80)) + raw,
    "noise after": lambda raw, dice: raw + dice.randbytes(dice.randrange(1, 80)),
    # no record at all
    "empty record": lambda *_: b"00026nam a2200025   4500\x1e\x1d",
    "only a terminator": lambda *_: b"\x1d",
    "only a leader": lambda raw, _: raw[:24],
    "zeros": lambda *_: bytes(500),
    "noise": lambda _, dice: dice.randbytes(300) + b"\x1d",
    "a page of HTML": lambda *_: b"<html><body><h1>502 Bad Gateway</h1></body></html>\n",
}


def _fields(
    raw: bytes, dice: random.Random, change: Callable[[list[bytes], int], list[bytes]]
) -> bytes:
    made = parts(raw)
    return made._replace(fields=change(made.fields, dice.randrange(len(made.fields)))).joined()


def _without_one(fields: list[bytes], at: int) -> list[bytes]:
    return fields[:at] + fields[at + 1 :]


def _with_one_twice(fields: list[bytes], at: int) -> list[bytes]:
    return fields[: at + 1] + fields[at:]


def _less(entries: list[bytes], dice: random.Random) -> list[bytes]:
    del entries[dice.randrange(len(entries))]
    return entries


def _twice(entries: list[bytes], dice: random.Random) -> list[bytes]:
    at = dice.randrange(len(entries))
    return [*entries[:at], entries[at], *entries[at:]]


def made_good(raws: Iterable[bytes]) -> list[bytes]:
    """Return records without the fields that break a rule, so that they can be called good."""
    good = []
    for raw in raws:
        made = parts(raw)
        pairs = zip((entry[:3] for entry in made.entries), made.fields, strict=False)
        whole = frame(made.leader, [pair for pair in pairs if _field_by_the_book(*pair)])
        good += [one for one in (raw, whole) if by_the_book(one)][:1]
    return good
