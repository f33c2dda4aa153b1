"""Real UTF-8 records put into the character sets of old systems, and how they are read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from unicodedata import combining, normalize

from lxml import etree

from marc_mappings import encodings, survey
from marc_mappings.letters import eight_bit, glimpse
from marc_mappings.survey import Said

_BACK = {
    name: {char: byte for byte, char in table.items() if char != "\ufffd"}
    for name, table in eight_bit.SETS.items()
}
TITLES = (b"200", b"245")


def frames(path: Path) -> list[bytes]:
    """Return the records of an ISO 2709 file, cut at their terminators."""
    parts = path.read_bytes().split(b"\x1d")
    return [part.lstrip(b"\r\n") + b"\x1d" for part in parts if len(part.strip()) > 36]


def frames_of_xml(path: Path) -> list[bytes]:
    """Return the records of a MARCXML file as ISO 2709 in UTF-8."""
    found = []
    for record in etree.parse(path).iter("{*}record"):
        leader = record.find("{*}leader")
        if leader is None:
            continue
        fields: list[tuple[bytes, bytes]] = []
        for each in record.iter("{*}controlfield", "{*}datafield"):
            text = "".join(
                f"\x1f{part.get('code')}{part.text or ''}" for part in each.iter("{*}subfield")
            )
            text = f"{each.get('ind1')}{each.get('ind2')}{text}" if text else each.text or ""
            fields.append((str(each.get("tag")).encode(), text.encode()))
        found.append(frame((leader.text or "").encode(), fields))
    return found


def frame(leader: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return an ISO 2709 record of these fields."""
    directory = data = b""
    for tag, text in fields:
        body = text + b"\x1e"
        directory += b"%b%04d%05d" % (tag, len(body), len(data))
        data += body
    base = 25 + len(directory)
    head = b"%05d%b22%05d%b" % (base + len(data) + 1, leader[5:10], base, leader[17:24].ljust(7))
    return head + directory + b"\x1e" + data + b"\x1d"


def encoded(text: str, name: str) -> bytes:
    """Return ``text`` in the set ``name``, or raise UnicodeEncodeError.

    ISO 5426 has no degree sign; cataloguers wrote a small o.
    """
    if name == "iso5426":
        text = text.replace("°", "o")
    if name not in eight_bit.SETS:
        return b"".join(_codec(char, name) for char in normalize("NFC", text))
    back = _BACK[name]
    if name not in eight_bit.MARK_FIRST:
        return bytes(_byte(char, back, name) for char in normalize("NFC", text))
    plain = "".join(char if char in back else normalize("NFD", char) for char in text)
    out = bytearray()
    at = 0
    while at < len(plain):
        end = at + 1
        while end < len(plain) and combining(plain[end]):
            end += 1
        out += bytes(_byte(char, back, name) for char in plain[at + 1 : end] + plain[at])
        at = end
    return bytes(out)


def _byte(char: str, back: dict[str, int], name: str) -> int:
    if char not in back:
        raise UnicodeEncodeError(name, char, 0, 1, "not in the set")
    return back[char]


def _codec(char: str, name: str) -> bytes:
    try:
        return char.encode(name)
    except UnicodeEncodeError:
        return _decomposed(char).encode(name)


def _decomposed(char: str) -> str:
    """Split off the tone of a Vietnamese letter, as Windows-1258 writes it."""
    parts = normalize("NFD", char)
    tones = [mark for mark in parts[1:] if mark in "\u0300\u0301\u0303\u0309\u0323"]
    if len(tones) != 1:
        return char
    rest = normalize("NFC", "".join(part for part in parts if part not in tones))
    return rest + tones[0]


def reencoded(raws: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the records that the set has all letters for, with a blank leader/09."""
    for raw in raws:
        seen = glimpse.of_frame(raw)
        leader = seen.leader[:9] + b" " + seen.leader[10:]
        try:
            texts = [encoded(data.decode(), name) for data in seen.fields[: len(seen.tags)]]
        except UnicodeError:
            continue
        if not b"".join(texts).isascii():
            yield frame(leader, zip(seen.tags, texts, strict=True))


class Tally(NamedTuple):
    """Records read: how many right, certain, and wrong with certainty (silently)."""

    read: int
    right: int
    certain: int
    silent: int


def tally(raws: list[bytes], truth: str, said: Said = Said()) -> Tally:  # noqa: B008
    """Read records as one file and compare their titles with those in the set ``truth``."""
    found = survey.of_frames(raws, said)
    outcomes = []
    for raw in raws:
        leader9 = raw[9:10].decode("latin-1")
        choice = encodings.choose(raw, leader9, found.encoding, found.dialect.dialect)
        right = titles(raw, choice.encoding) == titles(raw, truth)
        assert choice.certain or choice.problems or choice.encoding == encodings.UTF8
        outcomes.append((right, choice.certain))
    return _count(outcomes)


def tally_alone(raws: list[bytes], truth: str) -> Tally:
    """The same with each record as a file of its own."""
    return _sum(tally([raw], truth) for raw in raws)


def _count(outcomes: list[tuple[bool, bool]]) -> Tally:
    return Tally(
        len(outcomes),
        sum(right for right, _ in outcomes),
        sum(certain for _, certain in outcomes),
        sum(certain and not right for right, certain in outcomes),
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    return Tally(*(sum(column) for column in zip(*tallies, strict=True)))


def titles(raw: bytes, name: str) -> list[str]:
    """Return the subfields of the title fields as read in the set ``name``."""
    seen = glimpse.of_frame(raw)
    return [
        encodings.decode(part, name)[0]
        for tag in TITLES
        for data in seen.all(tag)
        for part in data.split(b"\x1f")
    ]
