"""A second process prepares just what the first one would, and never outlives it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from marc_mappings import formats, incoming, match_keys, search_terms, summary
from marc_mappings.framing.sound import Sound
from marc_mappings.record import Field, Subfield
from service.usecases import preparing
from tests.service.builders import a_file, a_record

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data() -> bytes:
    """A file of more than one step, with damage in it."""
    records = [a_record(f"책 {n} " + "x" * 3000, number=str(n), isbn="") for n in range(800)]
    return a_file(*records[:400]) + b"damage\x1d" + a_file(*records[400:])


def test_a_second_process_prepares_what_the_first_would(data: bytes) -> None:
    assert len(data) > preparing._WORTH_A_PROCESS
    here = list(preparing.steps(formats.cut(io.BytesIO(data)), 7, 0))
    apart = list(preparing._apart(preparing._cut(formats.cut(io.BytesIO(data))), 7))
    assert apart == here
    assert [each.position for step in apart for each in step] == list(range(1, 802))


def test_what_is_looked_at_says_the_same_as_the_whole_record() -> None:
    fields = tuple(
        Field(
            tag,
            "10",
            (Subfield("6", "245-01/$1"), Subfield("a", f"제목 {tag}"), Subfield("b", "x")),
        )
        for tag in ("100", "245", "260", "264", "300", "490", "500", "650", "710", "880")
    )
    whole = a_record("Title", number="7", isbn="9788936434120", extra=fields)
    (part,) = formats.cut(io.BytesIO(a_file(whole)))
    item = incoming.take(part)
    assert isinstance(item, incoming.Incoming)
    assert isinstance(item.content, Sound)
    seen = preparing._looked_at(item.content)
    assert len(seen.fields) < len(whole.fields)
    for of in (summary.of_record, search_terms.of_record, match_keys.identifier_only):
        assert of(seen) == of(item.record)


def test_an_error_in_the_second_process_is_raised_in_the_first() -> None:
    broken = iter([[object()]])
    with pytest.raises(AttributeError):
        list(preparing._apart(broken, 7))  # type: ignore[arg-type]


def test_a_reader_that_stops_early_ends_the_second_process(data: bytes) -> None:
    before = set(psutil.Process().children())
    steps = preparing._apart(preparing._cut(formats.cut(io.BytesIO(data))), 7)
    next(steps)
    assert set(psutil.Process().children()) != before
    steps.close()  # type: ignore[attr-defined]
    assert set(psutil.Process().children()) == before


def test_the_second_process_ends_when_the_first_is_killed() -> None:
    code = (
        "import io, sys, time\n"
        "from marc_mappings import formats\n"
        "from service.usecases import preparing\n"
        "from tests.service.builders import a_file, a_record\n"
        "if __name__ == '__main__':\n"
        "    data = a_file(*(a_record(str(n), number=str(n)) for n in range(2000)))\n"
        "    steps = preparing._apart(preparing._cut(formats.cut(io.BytesIO(data))), 7)\n"
        "    next(steps)\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        children = psutil.Process(first.pid).children(recursive=True)
        assert children
        os.kill(first.pid, signal.SIGKILL)
    finally:
        first.kill()
        first.wait(10)
        first.stdout.close() if first.stdout else None
    deadline = time.monotonic() + 20
    while any(child.is_running() and child.status() != "zombie" for child in children):
        assert time.monotonic() < deadline, "the second process outlived the first"
        time.sleep(0.1)
