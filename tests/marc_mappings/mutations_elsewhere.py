"""More kinds of damage, found elsewhere than those of ``mutations``: by who does them.

``mutations`` walks through the parts of a record and hurts each. Here the damage is what a mail
program, an export, a transfer, an editor, a spreadsheet, a converter, a disk or a careless script
makes of a whole record. ``told=True`` is a program that writes new numbers, so that the frame fits
what it did to the text.

``NOBODY_KNOWS`` names the kinds after which every rule is kept and the text is one that somebody
might have meant: a reader has to take it as it stands.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import json
import quopri
import random
import re
import struct
from collections.abc import Callable, Mapping
from typing import Final
from unicodedata import normalize

from tests.marc_mappings.mutations import Damage, parts
from tests.marc_mappings.reencoding import frame

Text = Callable[[str], str]

NOBODY_KNOWS: Final = frozenset(
    (
        "smart quotes",  # three points and one sign of them are equally long
        "smart quotes, told",
        "an empty subfield more",
        "values cut at 40",
        "next lines of EBCDIC",  # a letter in most sets of eight bits
        "a page backwards",  # inside of one long value
        "a page twice",  # the same
        "zero width no-break space, told",
        "composed otherwise, told",
        "words doubled, told",
        "CP949 taken for Latin-1, told",
        "UTF-8 taken for CP1251, told",
        "UTF-8 taken for CP949, told",
        "UTF-8 taken for GBK, told",
    )
)


def _always(change: Callable[[bytes], bytes]) -> Damage:
    return lambda raw, _: change(raw)


def _fields(change: Callable[[bytes, bytes], bytes], *, told: bool) -> Damage:
    """Change every field by its tag and octets."""

    def damage(raw: bytes, _: random.Random) -> bytes:
        made = parts(raw)
        tags = [entry[:3] for entry in made.entries]
        changed = [change(tag, field) for tag, field in zip(tags, made.fields, strict=True)]
        if not told:
            return made._replace(fields=changed).joined()
        return frame(made.leader, zip(tags, changed, strict=True))

    return damage


def _values(change: Callable[[bytes], bytes], *, told: bool) -> Damage:
    """Change the value of every subfield: no code, no indicator, no control field."""

    def changed(_: bytes, field: bytes) -> bytes:
        head, *values = field.split(b"\x1f")
        return b"\x1f".join((head, *(value[:1] + change(value[1:]) for value in values)))

    return _fields(changed, told=told)


def _texts(change: Text, *, told: bool) -> Damage:
    """Change the text of every value, if the record is in UTF-8; another is cut."""
    damage = _values(lambda value: change(value.decode()).encode("utf-8", "replace"), told=told)
    return lambda raw, dice: damage(raw, dice) if _is_utf8(raw) else raw[:-1]


def _taken_for(name: str, *, told: bool) -> Damage:
    """UTF-8 read in another set, and written as UTF-8."""
    return _values(
        lambda value: value.decode(name, "replace").encode() if _is_utf8(value) else value,
        told=told,
    )


def _windows(value: bytes) -> bytes:
    """UTF-8 taken for Windows-1252; the octets without a letter there stay as they are."""
    if not _is_utf8(value):
        return value
    return "".join(
        bytes((octet,)).decode("cp1252", "ignore") or chr(octet) for octet in value
    ).encode()


def _one_value(change: Callable[[bytes], bytes]) -> Damage:
    """Change one value of at least six octets, and write new numbers."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        made = parts(raw)
        places = [
            (number, at)
            for number, field in enumerate(made.fields)
            for at, value in enumerate(field.split(b"\x1f"))
            if at and len(value) > 6
        ]
        if not places:
            return raw[:-1]
        number, at = dice.choice(places)
        values = made.fields[number].split(b"\x1f")
        values[at] = values[at][:1] + change(values[at][1:])
        made.fields[number] = b"\x1f".join(values)
        pairs = zip((entry[:3] for entry in made.entries), made.fields, strict=True)
        return frame(made.leader, pairs)

    return damage


def _one_value_in_utf8(change: Callable[[bytes], bytes]) -> Damage:
    """The same where the record says that it is in UTF-8; in other sets these octets are letters.

    Other records are cut.
    """
    damage = _one_value(change)
    return lambda raw, dice: damage(raw, dice) if raw[9:10] == b"a" else raw[:-1]


def _entries(change: Callable[[bytes, int], bytes]) -> Damage:
    """Change every directory entry; the second argument is the base address."""

    def damage(raw: bytes, _: random.Random) -> bytes:
        made = parts(raw)
        base = int(made.leader[12:17])
        return made._replace(entries=[change(entry, base) for entry in made.entries]).joined()

    return damage


def _lines(raw: bytes, width: int, begin: bytes, end: bytes) -> bytes:
    pieces = (raw[at : at + width] for at in range(0, len(raw), width))
    return b"".join(begin + piece + end for piece in pieces)


def _signs(unit: bytes, field: bytes, record: bytes) -> Damage:
    """Write the three control characters otherwise."""
    return _always(
        lambda raw: raw.replace(b"\x1f", unit).replace(b"\x1e", field).replace(b"\x1d", record)
    )


def _uuencoded(raw: bytes) -> bytes:
    lines = (binascii.b2a_uu(raw[at : at + 45]) for at in range(0, len(raw), 45))
    return b"begin 644 books.mrc\n" + b"".join(lines) + b"`\nend\n"


def _dumped(raw: bytes) -> bytes:
    """As a hexadecimal dump shows it, sixteen octets in a line."""
    lines = []
    for at in range(0, len(raw), 16):
        row = raw[at : at + 16]
        seen = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in row)
        lines.append(f"{at:08x}: {row.hex(' ', 2):39}  {seen}\n")
    return "".join(lines).encode()


def _with_parity(raw: bytes) -> bytes:
    return bytes(octet | 0x80 if octet < 0x80 and octet.bit_count() % 2 else octet for octet in raw)


def _pairs_swapped(raw: bytes) -> bytes:
    even = raw + b"\0" * (len(raw) % 2)
    return b"".join(even[at : at + 2][::-1] for at in range(0, len(even), 2))


def _wide_entries(raw: bytes, _: random.Random) -> bytes:
    """Lengths of five digits, as a writer gives that meets a field above 9,999 octets."""
    made = parts(raw)
    entries = [entry[:3] + b"0" + entry[3:] for entry in made.entries]
    return made._replace(entries=entries).joined()


def _wide_entries_told(raw: bytes, _: random.Random) -> bytes:
    """The same with an entry map that says so, as ISO 2709 allows and MARC does not."""
    made = parts(raw)
    base = int(made.leader[12:17]) + len(made.entries)
    total = len(raw) + len(made.entries)
    leader = b"%05d%b%05d%b5500" % (total, made.leader[5:12], base, made.leader[17:20])
    entries = [entry[:3] + b"0" + entry[3:] for entry in made.entries]
    return made._replace(leader=leader, entries=entries).joined()


def _shuffled(raw: bytes, dice: random.Random) -> bytes:
    made = parts(raw)
    dice.shuffle(made.fields)
    return made.joined()


def _control_as_data(tag: bytes, field: bytes) -> bytes:
    return b"  \x1fa" + field if tag[:2] == b"00" else field


def _data_as_control(_: bytes, field: bytes) -> bytes:
    return b" ".join(value[1:] for value in field.split(b"\x1f")[1:]) or field


def _delimiter_in_control(tag: bytes, field: bytes) -> bytes:
    if tag[:2] != b"00" or len(field) < 4:
        return field
    return field[:2] + b"\x1f" + field[3:]


# A page of another record, as a disk puts it where it does not belong.
_FOREIGN: Final = (
    b"x\x1e10\x1faA history of bells /\x1fcby nobody.\x1e  \x1faLondon :\x1fbDoe,\x1fc1911.\x1e"
    b"  \x1fa312 p. :\x1fbill. ;\x1fc21 cm.\x1e 0\x1faBells\x1fxHistory.\x1e"
)


def _page(put: Callable[[bytes, bytes], bytes]) -> Damage:
    """Replace a page of 512 octets; of a short record, the second half."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        size = min(512, len(raw) // 2)
        at = size * dice.randrange(max(len(raw) // size, 1))
        page = raw[at : at + size]
        return raw[:at] + put(page, raw)[: len(page)].ljust(len(page), b"\0") + raw[at + size :]

    return damage


def _every(step: int, change: Callable[[bytes], bytes]) -> Damage:
    return _always(
        lambda raw: b"".join(
            change(raw[at : at + step]) if len(raw) - at > step else raw[at:]
            for at in range(0, len(raw), step)
        )
    )


_EACC: Final = b"\x1b$1!0K!3l!0?\x1b(B"


def _curly(text: str) -> str:
    text = re.sub(r"(?<!\w)['\"]", "“", text).replace("'", "’").replace('"', "”")
    return text.replace("...", "…").replace(" - ", " – ").replace("--", "—").replace(" :", "\xa0:")


def _without_escape(value: bytes) -> bytes:
    return (value + _EACC).replace(b"\x1b", b"")


ISO2709: Final[Mapping[str, Damage]] = {
    # a mail program
    "quoted-printable": _always(lambda raw: quopri.encodestring(raw)),
    "base64": _always(base64.encodebytes),
    "uuencoded": _always(_uuencoded),
    "an answer": _always(lambda raw: _lines(raw, 72, b"> ", b"\r\n")),
    "flowed": _always(lambda raw: re.sub(rb"([^\n]{50,72}) ", rb"\1 \r\n", raw)),
    "lines of 998": _always(lambda raw: _lines(raw, 990, b" ", b"!\r\n")),
    "a part of a message": _always(
        lambda raw: (
            b"--=_part_7\r\nContent-Type: application/marc\r\nContent-Length: 01234\r\n\r\n"
            + raw
            + b"\r\n--=_part_7--\r\n"
        )
    ),
    "a page": _always(
        lambda raw: (
            html.escape(raw.decode("latin-1")).encode("ascii", "xmlcharrefreplace") + b"<br>\r\n"
        )
    ),
    "references of HTML, told": _texts(
        lambda text: text.encode("ascii", "xmlcharrefreplace").decode(), told=True
    ),
    # an export
    "starts counted from the record": _entries(
        lambda entry, base: entry[:7] + b"%05d" % ((int(entry[7:]) + base) % 100_000)
    ),
    "numbers in hexadecimal": _entries(
        lambda entry, _: entry[:3] + b"%04x%05x" % (int(entry[3:7]), int(entry[7:]))
    ),
    "numbers filled with blanks": _entries(
        lambda entry, _: entry[:3] + b"%4d%5d" % (int(entry[3:7]), int(entry[7:]))
    ),
    "tags without zeros": _entries(lambda entry, _: entry[:3].lstrip(b"0").ljust(3) + entry[3:]),
    "tags without zeros, short": _entries(lambda entry, _: entry[:3].lstrip(b"0") + entry[3:]),
    "tags in front of their zeros": _entries(
        lambda entry, _: entry[:3].lstrip(b"0").rjust(3) + entry[3:]
    ),
    "length before start": _entries(lambda entry, _: entry[:3] + entry[7:] + entry[3:7]),
    "lengths of five digits": _wide_entries,
    "lengths of five digits, told": _wide_entries_told,
    "a length of six digits": _always(lambda raw: b"0" + raw),
    "entries parted": _entries(lambda entry, _: entry + b"\x1e"),
    "bars for delimiters": _fields(lambda _, field: field.replace(b"\x1f", b"|"), told=True),
    "double daggers for delimiters": _fields(
        lambda _, field: field.replace(b"\x1f", "‡".encode()), told=True
    ),
    "blank indicators left out": _fields(lambda _, field: field.lstrip(b" "), told=True),
    "control fields with codes": _fields(_control_as_data, told=True),
    "data fields without codes": _fields(_data_as_control, told=True),
    "an empty subfield more": _fields(
        lambda tag, field: field if tag < b"010" else field + b"\x1fz", told=True
    ),
    "strings of C": _always(lambda raw: raw[:-1].replace(b"\x1e", b"\x00") + b"\x1d"),
    "strings of C, all": _always(lambda raw: re.sub(rb"[\x1d\x1e]", b"\x00", raw)),
    "values cut at 40": _values(lambda value: value[:40], told=True),
    "letters cut": _one_value_in_utf8(lambda value: value[:4] + "한".encode()[:2]),
    "filled before the terminator": _always(lambda raw: raw[:-1] + b" " * 40 + b"\x1d"),
    "descriptor words": _always(lambda raw: struct.pack(">HH", (len(raw) + 4) % 65_536, 0) + raw),
    "a line with the length": _always(lambda raw: b"%05d\n" % len(raw) + raw),
    # a transfer
    "EBCDIC": _always(lambda raw: raw.decode("latin-1").encode("cp037")),
    "parity": _always(_with_parity),
    "flow control": _every(64, lambda piece: piece + b"\x11"),
    "an octet in a hundred lost": _every(100, lambda piece: piece[1:]),
    "octets in pairs swapped": _always(_pairs_swapped),
    "backspaces": _every(50, lambda piece: piece + b"q\x08"),
    # an editor
    "carets": _signs(b"^_", b"^^", b"^]"),
    "control pictures": _signs("␟".encode(), "␞".encode(), "␝".encode()),
    "names of control characters": _signs(b"<US>", b"<RS>", b"<GS>"),
    "signs of substitution": _signs(*["\ufffd".encode()] * 3),
    "opened as UTF-8": _always(
        lambda raw: raw.decode("ascii" if _is_utf8(raw) else "utf-8", "replace").encode()
    ),
    "opened as UTF-8, told": _values(
        lambda value: value.decode("ascii" if _is_utf8(value) else "utf-8", "replace").encode(),
        told=True,
    ),
    "decomposed": _texts(lambda text: normalize("NFD", text), told=False),
    "composed otherwise, told": _texts(lambda text: normalize("NFKD", text), told=True),
    "tabs for blanks": _always(lambda raw: re.sub(rb" {2,8}", b"\t", raw)),
    "zero width no-break space, told": _texts(lambda text: "\ufeff" + text, told=True),
    # a spreadsheet
    "quoted in a cell": _always(lambda raw: b'"' + raw.replace(b'"', b'""') + b'"\r\n'),
    "escaped in a cell": _signs(b"_x001F_", b"_x001E_", b"_x001D_"),
    "zeros of a number lost": _always(lambda raw: raw.lstrip(b"0")),
    "a number with exponent": _always(lambda raw: b"%.2E" % int(raw[:5]) + raw[5:]),
    "a column each": _always(lambda raw: raw.replace(b"\x1e", b"\t").replace(b"\x1d", b"\r\n")),
    "a cell's length": _always(lambda raw: raw[: min(len(raw) - 1, 255)] + b"\r\n"),
    # a converter
    "UTF-8 taken for CP949": _taken_for("cp949", told=False),
    "UTF-8 taken for CP949, told": _taken_for("cp949", told=True),
    "UTF-8 taken for GBK, told": _taken_for("gb18030", told=True),
    "UTF-8 taken for CP1252, told": _values(_windows, told=True),
    "UTF-8 taken for CP1251, told": _taken_for("cp1251", told=True),
    "UTF-8 twice, once more": _values(lambda value: _windows(_windows(value)), told=True),
    "CP949 taken for Latin-1, told": _texts(
        lambda text: text.encode("cp949", "replace").decode("latin-1"), told=True
    ),
    "EACC half written": _one_value(lambda value: value + b"\x1b$1!0K!3\x1b(B"),
    "EACC cut": _one_value(lambda value: value + b"\x1b$1!0K!"),
    "EACC without its escape": _one_value(_without_escape),
    "EACC without its first escape": _one_value(lambda value: value + b"!0K!3l\x1b(B"),
    "EACC without its last escape": _one_value(lambda value: value + b"\x1b$1!0K!3l"),
    "all escapes lost": _fields(
        lambda tag, field: field if tag < b"010" else _without_escape(field), told=True
    ),
    "shift out lost": _one_value(lambda value: value + b"\x1b$)CGQ19\x0f"),
    "next lines": _texts(lambda text: text.replace(" ", "\x85", 1), told=True),
    "next lines of EBCDIC": _values(lambda value: value.replace(b" ", b"\x85", 1), told=True),
    "line separators, told": _texts(lambda text: text.replace(" ", "\u2028", 1), told=True),
    "paragraph separators, told": _texts(lambda text: text.replace(" ", "\u2029"), told=True),
    "smart quotes": _texts(_curly, told=False),
    "smart quotes, told": _texts(_curly, told=True),
    "smart quotes of Windows": _one_value_in_utf8(lambda value: b"\x93" + value + b"\x94"),
    "octets too long": _one_value_in_utf8(
        lambda value: value.replace(b" ", b"\xc0\xa0") + b"\xc0\xaf"
    ),
    "UTF-7": _always(lambda raw: raw.decode("latin-1").encode("utf-7")),
    "UTF-32": _always(lambda raw: raw.decode("latin-1").encode("utf-32-le")),
    "pairs of surrogates": _one_value_in_utf8(lambda value: value + b"\xed\xa1\x80\xed\xb0\x80"),
    "noncharacters": _one_value_in_utf8(lambda value: value + "\ufffe\U0001ffff".encode()),
    # a disk
    "a page of another record": _page(lambda *_: _FOREIGN * 12),
    "a page of ones": _page(lambda page, _: b"\xff" * len(page)),
    "a page twice": _page(lambda _, raw: raw),
    "a page backwards": _page(lambda page, _: page[::-1]),
    "zeros to the end": _always(lambda raw: raw[: len(raw) // 2].ljust(len(raw), b"\0")),
    "packed": _always(lambda raw: gzip.compress(raw, mtime=0)),
    "a dump": _always(_dumped),
    "digits of a dump": _always(lambda raw: raw.hex().encode() + b"\n"),
    # a script
    "as Python shows it": _always(lambda raw: repr(raw).encode()),
    "as JSON shows it": _always(lambda raw: json.dumps(raw.decode("latin-1")).encode() + b"\n"),
    "escapes of JSON, told": _texts(lambda text: json.dumps(text)[1:-1], told=True),
    "split and joined": _always(
        lambda raw: " ".join(raw.decode("latin-1").split()).encode("latin-1")
    ),
    "lines split": _always(
        lambda raw: "\n".join(raw.decode("latin-1").splitlines()).encode("latin-1") + b"\n"
    ),
    "line by line": _always(
        lambda raw: raw.replace(b"\x1e", b"\x1e\n").replace(b"\x1f", b"\n\x1f")
    ),
    "fields shuffled": _shuffled,
    "words doubled, told": _texts(lambda text: re.sub(r"\b(\w+) ", r"\1 \1 ", text), told=True),
    "delimiters in control fields": _fields(_delimiter_in_control, told=True),
    "delimiters before indicators": _fields(
        lambda tag, field: field if tag < b"010" else b"\x1f" + field, told=True
    ),
    "terminators crossed": _always(
        lambda raw: raw[:24] + raw[24:].translate(bytes.maketrans(b"\x1e\x1f", b"\x1f\x1e"))
    ),
    "record and field crossed": _always(
        lambda raw: raw.translate(bytes.maketrans(b"\x1d\x1e", b"\x1e\x1d"))
    ),
    "two under one leader": _always(lambda raw: raw[:-1] + raw[raw.index(b"\x1e") + 1 :]),
    "delimiters counted away": _fields(lambda _, field: field.replace(b"\x1f", b""), told=True),
    "a leader before each field": _always(
        lambda raw: (
            raw[: raw.index(b"\x1e") + 1]
            + raw[raw.index(b"\x1e") + 1 : -2].replace(b"\x1e", b"\x1e" + raw[:24])
            + b"\x1e\x1d"
        )
    ),
    "sent by halves": _always(lambda raw: raw[: len(raw) // 2] + raw),
    "halves crossed": _always(lambda raw: raw[len(raw) // 2 :] + raw[: len(raw) // 2]),
}


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
