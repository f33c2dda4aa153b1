"""`bookbridge demo`: the tour runs, twice, and never in somebody else's folder."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from service.demo import folder
from service.errors import Misconfigured

_COMMAND = [sys.executable, "-P", "-m", "service.cli", "demo"]


@pytest.mark.slow
def test_the_tour_ends_with_0_and_shows_every_answer_and_can_be_had_again(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    for _ in range(2):
        done = subprocess.run(
            [*_COMMAND, "--no-serve", "--data-dir", str(place)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        assert "= 71 books" in done.stdout
        assert "채식주의자" in done.stdout
        assert "Монгол хэлцийн тайлбар толь" in done.stdout
        assert "Together: 4 registered, 1 waiting, 2 invalid, 1 duplicate." in done.stdout
        assert len(set(re.findall(r"bb_[\w-]{43}", done.stdout))) == 2
        assert "/api/docs" in done.stdout


@pytest.mark.slow
def test_the_demo_serves_until_it_is_stopped(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*_COMMAND, "--port", "0", "--data-dir", str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = ""
        for line in process.stdout:
            told += line
            if line.startswith("Serving at"):
                break
        served = re.search(r"Serving at (\S+)", told)
        assert served, told
        with urllib.request.urlopen(served[1] + "/healthz", timeout=30) as answer:
            assert answer.status == 200
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(served[1] + "/healthz", timeout=30)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "bookbridge.sqlite3"
    letter.write_text("somebody's data")
    with pytest.raises(Misconfigured, match="stays as it is"), folder.emptied(tmp_path):
        pass
    assert letter.read_text() == "somebody's data"
    assert list(tmp_path.iterdir()) == [letter]


def test_a_demo_removes_its_own_files_and_nothing_else(tmp_path: Path) -> None:
    with folder.emptied(tmp_path):
        (tmp_path / folder.BOOKS).write_text("")
        (tmp_path / "notes.txt").write_text("mine")
    with folder.emptied(tmp_path):
        assert not (tmp_path / folder.BOOKS).exists()
        assert (tmp_path / "notes.txt").read_text() == "mine"


def test_two_demos_never_share_a_folder(tmp_path: Path) -> None:
    with (
        folder.emptied(tmp_path),
        pytest.raises(Misconfigured, match="a demo is running"),
        folder.emptied(tmp_path),
    ):
        pass
