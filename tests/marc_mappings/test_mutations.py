"""A damaged record costs nothing but itself, whatever the damage, and nothing goes unsaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from marc_mappings.formats import Parsed, Unreadable
from marc_mappings.problems import problem
from marc_mappings.record import Field, Record, Subfield
from tests.marc_mappings import mutations, pools
from tests.marc_mappings.judgement import Item, Judgement, judge
from tests.marc_mappings.mutations import Damaged, by_the_book
from tests.marc_mappings.mutations_of_text import ENVELOPES, files_of

MADE = list(pools.made().values())
SEED = 20


def _faults(judged: Iterable[Judgement]) -> list[tuple[str, str]]:
    return [(one.kind, one.raised or one.silent) for one in judged if one.raised or one.silent]


def _lost(judged: Iterable[Judgement]) -> Counter[str]:
    return Counter(one.kind for one in judged if one.before_lost or one.after_lost)


def test_there_are_as_many_kinds_as_asked_and_each_does_damage() -> None:
    assert len(mutations.ISO2709) >= 29
    files = mutations.files(MADE[:1], mutations.ISO2709, SEED, 4 * len(mutations.ISO2709))
    done = Counter(file.kind for file in files if file.damaged != file.victim)
    assert set(done) == set(mutations.ISO2709)


def test_every_good_record_keeps_every_rule() -> None:
    assert all(by_the_book(raw) for pool in MADE for raw in pool)
    assert not by_the_book(MADE[0][0][:-1])


def test_the_same_seed_makes_the_same_files() -> None:
    once, again = (list(mutations.files(MADE, mutations.ISO2709, 3, 50)) for _ in range(2))
    assert once == again
    assert once != list(mutations.files(MADE, mutations.ISO2709, 4, 50))


@pytest.mark.parametrize("kind", mutations.ISO2709)
def test_no_damage_in_iso2709_costs_a_good_record_or_goes_unsaid(kind: str) -> None:
    kinds = {kind: mutations.ISO2709[kind]}
    judged = [judge(file) for file in mutations.files(MADE, kinds, SEED, 8)]
    assert not _faults(judged)
    assert not _lost(judged)


@pytest.mark.parametrize("form", ENVELOPES)
def test_no_damage_in_a_text_form_costs_a_good_record_or_goes_unsaid(form: str) -> None:
    envelope = ENVELOPES[form]
    records = [pools.read(pool) for pool in MADE]
    count = 2 * len(envelope.kinds)
    judged = [judge(file, envelope.judged) for file in files_of(envelope, records, SEED, count)]
    assert not _faults(judged)
    assert not _lost(judged)


@pytest.mark.slow
def test_over_real_records_one_in_a_hundred_is_lost_at_most(corpus: Path) -> None:
    real = list(pools.real(corpus, 300).values())
    judged = [judge(file) for file in mutations.files(real, mutations.ISO2709, SEED, 500)]
    assert not _faults(judged)
    assert sum(one.after_lost for one in judged) <= 0.01 * len(judged)
    assert sum(one.before_lost for one in judged) <= 0.01 * len(judged)


# --- teeth: readers that do less fail ---------------------------------------------------------


def naive(data: bytes) -> list[Item]:
    """Read as many scripts do: split at the record terminators and trust every number."""
    items: list[Item] = []
    at = 0
    for position, part in enumerate(data.split(b"\x1d")[:-1], 1):
        raw = part + b"\x1d"
        try:
            items.append(
                Parsed(position, at, len(raw), _trusting(raw), "utf-8", encoding_certain=True)
            )
        except ValueError:
            why = (problem("not-a-record"),)
            items.append(Unreadable(position, at, len(raw), raw, why))
        at += len(raw)
    return items


def _trusting(raw: bytes) -> Record:
    base = int(raw[12:17])
    fields = []
    for at in range(24, base - 1, 12):
        tag, length, start = raw[at : at + 3], int(raw[at + 3 : at + 7]), int(raw[at + 7 : at + 12])
        data = raw[base + start : base + start + length - 1].decode("utf-8", "replace")
        head, *parts = data.split("\x1f")
        subfields = tuple(Subfield(part[:1], part[1:]) for part in parts)
        is_control = tag < b"010"
        fields.append(
            Field(tag.decode("ascii"), "", (), head)
            if is_control
            else Field(tag.decode("ascii"), head, subfields)
        )
    return Record(raw[:24].decode("ascii"), tuple(fields))


def _judged_naively(names: Iterable[str]) -> Mapping[str, list[Judgement]]:
    found: dict[str, list[Judgement]] = {}
    for name in names:
        kinds = {name: mutations.ISO2709[name]}
        files = mutations.files([MADE[0]], kinds, SEED, 6)
        found[name] = [judge(file, reader=naive) for file in files]
    return found


def test_a_reader_that_trusts_the_numbers_fails_the_same_assertions() -> None:
    losing = ("record terminator missing", "line end after", "noise after")
    judged = _judged_naively(losing)
    assert all(_lost(judged[name]) for name in losing)
    silent = ("entries overlap", "counted in characters", "indicators lost", "NUL in the data")
    told = _judged_naively(silent)
    assert all(any(one.silent for one in told[name]) for name in silent)
    every = _judged_naively(mutations.ISO2709).values()
    lost = sum(one.after_lost or one.before_lost for group in every for one in group)
    assert lost > 0.1 * sum(map(len, every))


def test_a_reader_that_raises_or_hides_a_stretch_is_seen() -> None:
    (file,) = mutations.files([MADE[0]], {"noise": mutations.ISO2709["noise"]}, SEED, 1)

    def raising(data: bytes) -> list[Item]:
        if data == file.file:
            raise UnicodeDecodeError("ascii", b"", 0, 1, "no")
        return naive(data)

    def hiding(data: bytes) -> list[Item]:
        return [item for item in naive(data) if isinstance(item, Parsed)]

    assert judge(file, reader=raising).raised.startswith("UnicodeDecodeError")
    assert judge(file, reader=hiding).silent.startswith("in no item")


def test_what_nobody_could_know_is_counted_apart() -> None:
    before, victim, after = MADE[0]
    file = Damaged("a letter", before, victim, victim.replace(b"The sea", b"The tea"), after)
    judged = judge(file)
    assert (judged.silent, judged.unknowable, judged.outcome) == ("", True, "differs")
