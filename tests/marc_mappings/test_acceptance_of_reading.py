"""The figures of ``benchmarks.reading``, a bounded part of each, and that they can be bad."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from benchmarks import reading_conversions, reading_encodings
from benchmarks.reading_conversions import not_arrived
from benchmarks.reading_encodings import as_said
from marc_mappings import formats, incoming
from marc_mappings.incoming import Incoming
from marc_mappings.rules import Loss
from tests.marc_mappings.conftest import record
from tests.marc_mappings.reencoding import frames

NAMED = dict(reading_conversions.FILES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "encoding"),
    [(reading_encodings.KORMARC, "cp949"), (reading_encodings.RUSMARC, "cp1251")],
)
@pytest.mark.parametrize("cut", [0, 10, 3])
def test_titles_are_right_in_whole_files_and_in_small_ones(
    corpus: Path, name: str, encoding: str, cut: int
) -> None:
    raws = [raw for raw in frames(corpus / name) if not raw.isascii()][:60]
    found = reading_encodings.figures(raws, cut, partial(as_said, encoding=encoding))
    assert (found.read, found.silent) == (len(raws), 0)
    assert found.certain >= 0.99 * found.read


def test_a_title_read_wrong_with_certainty_counts_as_silent(corpus: Path) -> None:
    raws = [raw for raw in frames(corpus / reading_encodings.RUSMARC) if not raw.isascii()][:5]
    found = reading_encodings.figures(raws, 0, partial(as_said, encoding="koi8-r"))
    assert (found.right, found.silent) == (0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_of_every_dialect_all_text_arrives_or_is_told(corpus: Path, name: str) -> None:
    with (corpus / NAMED[name]).open("rb") as stream:
        slices = [part for part, _ in zip(formats.cut(stream), range(40), strict=False)]
    came = [one for one in map(incoming.take, slices) if isinstance(one, Incoming)]
    assert len(came) == len(slices) > 0
    for one in came:
        source = one.parsed.record
        missed = not_arrived(source, one.record, one.losses)
        assert not [where for where in missed if not reading_conversions.is_coded(where)]
        assert len(one.record.control("008")) == 40
        assert sum(1 for _ in one.record.all("880")) >= sum(1 for _ in source.all("880"))
        assert not [part for field in one.record.all("245") for part in field.all("dex")]


def test_text_that_does_not_arrive_is_seen_unless_it_is_told() -> None:
    source = record("001 1", "200 1_$aMoby Dick$fHerman Melville", "905 __$aSH")
    made = record("001 1", "245 10$aMoby Dick")
    assert list(not_arrived(source, made, ())) == ["200$f", "905$a"]
    told = (Loss("200", "f"), Loss("905"))
    assert list(not_arrived(source, made, told)) == []
