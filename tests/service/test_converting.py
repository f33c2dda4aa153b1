"""Converting whole files: in order, alike with any number of processes, in constant memory."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from marc_mappings import iso2709
from marc_mappings.conversion import FORMS, Wanted
from marc_mappings.survey import Said
from service.errors import BookbridgeError
from service.usecases import converting
from service.usecases.converting import Done, Sinks, Tally
from tests.marc_mappings.conftest import BOOK, record

DAMAGED = b"This should have been a record.\x1e\x1d"
WRONG_LENGTH = b"00099" + iso2709.write(BOOK)[5:]
REAL = (
    "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/jazz_1k.mrc",
    "OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc",
    "kolas3__kolas/develop/Source/ESL/MARC/marc.txt",
    "edsu__pymarc/test/bad_records.mrc",
)


def _numbered(number: int) -> bytes:
    return iso2709.write(record(f"001 n{number}", f"245 00$aBook {number}, 책"))


def _convert(data: bytes, form: str = "marcxml", workers: int = 1) -> tuple[Done, list[bytes]]:
    sinks = Sinks(io.BytesIO(), io.BytesIO(), io.BytesIO())
    done = converting.convert(io.BytesIO(data), sinks, Wanted(form), Said(), workers=workers)
    return done, [sink.getvalue() for sink in sinks if isinstance(sink, io.BytesIO)]


def test_the_figures_add_up() -> None:
    data = _numbered(1) + DAMAGED + WRONG_LENGTH
    done, (out, report, rejected) = _convert(data)
    assert done.tally == Tally(read=3, ok=1, repaired=1, rejected=1, errors=1, warnings=1)
    assert not done.tally.is_fine
    assert done.survey.records == 3
    assert out.count(b"<record") == 2
    assert [json.loads(line)["outcome"] for line in report.splitlines()] == [
        "ok",
        "rejected",
        "repaired",
    ]
    assert rejected == DAMAGED


def test_steps_are_told_as_they_are_done() -> None:
    data = b"".join(map(_numbered, range(250)))
    told: list[tuple[int, int]] = []
    converting.convert(
        io.BytesIO(data),
        Sinks(io.BytesIO()),
        Wanted("mrk"),
        Said(),
        on_step=lambda records, octets: told.append((records, octets)),
    )
    assert [records for records, _ in told] == [100, 200, 250]
    assert told[-1][1] == len(data)


def test_two_processes_make_the_same_bytes_as_one() -> None:
    data = b"".join(DAMAGED if at % 7 == 3 else _numbered(at) for at in range(1_050))
    assert _convert(data, workers=2) == _convert(data, workers=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_two_processes_make_the_same_of_real_files(corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    for form in FORMS:
        assert _convert(data, form, workers=2) == _convert(data, form, workers=1)
        if "kolas" not in name:
            break


def test_a_check_with_two_processes_says_the_same() -> None:
    data = b"".join(map(_numbered, range(450))) + DAMAGED
    one, two = (converting.check(io.BytesIO(data), Said(), workers=workers) for workers in (1, 2))
    assert one[0] == two[0]
    assert list(one[1]) == list(two[1])


def test_a_process_that_dies_ends_the_work_with_a_clear_error() -> None:
    data = b"".join(map(_numbered, range(5_000)))

    def kill(_records: int, _octets: int) -> None:
        for child in psutil.Process().children():
            with suppress(psutil.ZombieProcess):  # killed before
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()

    with pytest.raises(BookbridgeError, match="a process at work ended before its time"):
        converting.convert(
            io.BytesIO(data), Sinks(io.BytesIO()), Wanted("mods"), Said(), workers=2, on_step=kill
        )


_MEASURED = """
import resource, sys
from service.cli import main
try:
    main()
except SystemExit as end:
    print(end.code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def _peak(folder: Path, data: bytes, times: int) -> int:
    """Return the largest memory, in MiB, of converting ``data`` so many times over."""
    file = folder / "in.mrc"
    with file.open("wb") as stream:
        for _ in range(times):
            stream.write(data)
    targets = ["-o", str(folder / "out.xml"), "--report", str(folder / "report.jsonl")]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, "convert", str(file), "--to", "marcxml", *targets],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    code, peak = done.stdout.split()
    assert code in ("0", "1", "None"), done.stderr
    for made in folder.iterdir():
        made.unlink()
    return int(peak)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    data = b"".join(map(_numbered, range(500))) + iso2709.write(BOOK) * 1_000 + DAMAGED
    small, large = _peak(tmp_path, data, 2), _peak(tmp_path, data, 50_000_000 // len(data) + 1)
    assert large < small + 16, (small, large)
