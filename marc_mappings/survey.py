"""What a whole file says before its records are read: its dialect and its encoding.

One record is often too short to tell EUC-KR from GBK, or RUSMARC from UNIMARC; a file is not. So
the file is passed over once. Sound records in UTF-8 or ASCII cost next to nothing; of the others
an evenly drawn sample of bounded size is kept for ``detection``.

Source: the order of evidence is that of ``encodings``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from marc_mappings import dialects, encodings
from marc_mappings.letters import detection, glimpse, witnesses
from marc_mappings.letters.glimpse import Glimpse
from marc_mappings.record import Record

# Every record votes on the dialect at first, later every eighth.
_EACH, _STRIDE, _STRIDE_IN_BLOCK = 512, 8, 64
# A record ends with this octet; what is shorter than a leader is what stands between records.
RECORD_END: Final = b"\x1d"
_SHORTEST: Final = 24
# Records that are kept for detection: at most twice this number at any moment.
_KEPT: Final = 256
# Octets of records that are looked at together.
_BUNCH: Final = 64_000
# Octets of a record that is kept as it is until then.
_LARGEST_KEPT: Final = 8_000


class Said(NamedTuple):
    """What the sender says of a file: ``""`` = find out. Names as in ``--encoding``."""

    encoding: str = ""
    dialect: str = ""


class Survey(NamedTuple):
    """What a file says as a whole; ``records`` = frames seen.

    ``encoding`` is for bytes that are not UTF-8 and carry no evidence of their own.
    """

    encoding: encodings.Verdict
    dialect: dialects.Verdict
    records: int


class _Votes:
    """The votes on the dialect, record by record."""

    def __init__(self) -> None:
        self.families: Counter[str] = Counter()
        self.flavours: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()

    def add(self, raw: bytes) -> None:
        if dialects.is_plain_marc21(raw):
            self.families["marc21"] += 1
            self.flavours["marc21"] += 1
        else:
            self.add_seen(glimpse.of_frame(raw))

    def add_seen(self, seen: Glimpse) -> None:
        family = dialects.family_of(seen)
        self.families[family] += 1
        if not family:
            return
        signs = dialects.signs_of(seen, family)
        self.flavours[dialects.flavour(signs, family)] += 1
        for sign in signs:
            self.shown[sign.words] += 1

    def verdict(self, said: str) -> dialects.Verdict:
        if said:
            return dialects.said(said)
        return dialects.verdict(self.families, self.flavours, self.shown)


class _Sample:
    """An evenly drawn sample of the records whose bytes are not UTF-8.

    What they contribute is looked at in the end, because half of them are given up on the way; of
    a record that is too large to be kept, at once.
    """

    def __init__(self) -> None:
        self._drawn: list[bytes | witnesses.Sample] = []
        self.met = 0
        self.stride = 1

    def add(self, raw: bytes) -> None:
        if self.met % self.stride == 0:
            self._drawn.append(raw if len(raw) <= _LARGEST_KEPT else _sampled(raw))
            if len(self._drawn) > 2 * _KEPT:
                self._drawn = self._drawn[::2]
                self.stride *= 2
        self.met += 1

    def kept(self) -> list[witnesses.Sample]:
        return [_sampled(each) if isinstance(each, bytes) else each for each in self._drawn]


def _sampled(raw: bytes) -> witnesses.Sample:
    return witnesses.sample(raw, glimpse.of_frame(raw))


class _Look:
    """A file looked at, record by record or many records at a time."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self._told = encodings.said(said.encoding) if said.encoding else None
        if said.dialect:
            dialects.said(said.dialect)
        self._votes, self._sample = _Votes(), _Sample()
        self._utf8 = self._total = 0

    def at_records(self, records: list[bytes]) -> None:
        """Look at some records: each votes, and where all are in Unicode that is seen at once."""
        # What stands between them keeps a letter from being in two of them.
        all_unicode = _is_unicode(RECORD_END.join(records))
        for raw in records:
            self._total += 1
            if self._total <= _EACH or self._total % _STRIDE == 0:
                self._votes.add(raw)
            if not (all_unicode or _is_unicode(raw)):
                self._sample.add(raw)
            elif not raw.isascii():
                self._utf8 += 1

    def at_block(self, block: bytes) -> None:
        """Look at many whole records: where all are in Unicode, only some of them by themselves."""
        records = [raw for raw in block.split(RECORD_END) if len(raw) > _SHORTEST]
        if not _is_unicode(block):
            for raw in records:
                self.at_records([raw + RECORD_END])
            return
        self._total += len(records)
        if not block.isascii():
            self._utf8 += sum([not raw.isascii() for raw in records])
        for raw in records[::_STRIDE_IN_BLOCK]:
            self._votes.add(raw + RECORD_END)

    def survey(self) -> Survey:
        dialect = self._votes.verdict(self._said.dialect)
        found = self._told or detection.of_file(
            self._sample.kept(), dialect.dialect, legacy=self._sample.met, utf8=self._utf8
        )
        return Survey(found, dialect, self._total)


def _is_unicode(data: bytes) -> bool:
    return b"\x1b" not in data and (data.isascii() or encodings.is_utf8(data))


def of_frames(
    frames: Iterable[bytes],
    said: Said = Said(),  # noqa: B008
    blocks: Iterable[bytes] = (),
) -> Survey:
    """Survey ISO 2709 frames (the bytes of each record), in one pass and bounded memory.

    ``blocks`` are what follows the frames, many records in each, which is much quicker. Raises
    ``decoding.UnknownEncoding`` or ValueError when the sender names what does not exist.
    """
    look = _Look(said)
    for records in _bunches(frames):
        look.at_records(records)
    for block in blocks:
        look.at_block(block)
    return look.survey()


def _bunches(frames: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the frames some at a time, few enough to be held together."""
    bunch: list[bytes] = []
    size = 0
    for raw in frames:
        bunch.append(raw)
        size += len(raw)
        if size > _BUNCH:
            yield bunch
            bunch, size = [], 0
    yield bunch


def of_records(records: Iterable[Record], said: Said = Said()) -> Survey:  # noqa: B008
    """Survey records that are text already (MARCXML, JSON, ``.mrk``): the dialect only."""
    votes = _Votes()
    total = 0
    for record in records:
        total += 1
        if total <= _EACH or total % _STRIDE == 0:
            votes.add_seen(glimpse.of_record(record))
    evidence = ("The format says its encoding itself.",)
    verdict = encodings.Verdict(encodings.UTF8, True, evidence)
    return Survey(verdict, votes.verdict(said.dialect), total)
