"""`bookbridge demo`: the tour runs, twice, and never in somebody else's folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from service.demo import folder, seaside
from service.demo.command_line import CommandLine, clean_settings
from service.demo.partner_system import WentWrong
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
        assert "MATCHED  The same title in Korean script and in romanisation" in done.stdout
        assert "OTHER EDITION  Another edition is offered" in done.stdout
        assert "ulaanbaatar  Kept for you: first of" in done.stdout
        assert "Not allocated: the only copy went to a partner" in done.stdout
        assert "Declined on " in done.stdout
        assert "after all: somebody before you in line left it" in done.stdout
        assert "set=given:nagasaki" in done.stdout
        assert "it learns 71 deletions" in done.stdout
        _look_at_what_travelled(place, done.stdout)
        # What to open stands at the end, and none of it needs what is shown further up.
        assert done.stdout.rindex("/api/docs") > done.stdout.rindex("is offered again")


def _look_at_what_travelled(place: Path, told: str) -> None:
    """Both ways: what was sent, confirmed, claimed and given; what came, and its thanks."""
    for said in (
        "2026-0001  RECEIVED_DAMAGED  nagasaki",
        "RESOLVED, CREDITED",
        "approved by Director of the library",
        "Sent by us to ho-chi-minh: 6 titles in 1,000 volumes",
        "13 volumes accepted of 16 listed, 3 declined",
        "13 records in KORMARC",
        "1,000 to Ho Chi Minh City",
        "received 13 from Kaohsiung",
        "感謝惠贈圖書",
        "이 가운데 13종 13책을",
    ):
        assert re.sub(r"^\d{4}", "", said) in told, said
    sent = re.findall(r"Sent by (?:us to nagasaki|the library to you): (.*)", told)
    assert len(sent) == 2
    assert sent[0] == sent[1], "both sides read the same balance"
    # The letter closes the tour; behind it is only what to open.
    assert told.rindex("感謝惠贈圖書") > told.rindex("received 13 from Kaohsiung")
    opened = [Path(unquote(urlsplit(each).path)) for each in re.findall(r"file://\S+\.\w+", told)]
    assert {each.suffix for each in opened} == {".html", ".docx"}
    assert len(opened) == 3 + 6 + 2 + 2
    assert all(each.stat().st_size > 500 and each.parent == place / "papers" for each in opened)
    ours = [*iso2709_records(place / folder.CATALOGUED)]
    assert len(ours) == 13
    assert len([*iso2709_records(place / folder.SENT_ALONG)]) in {3, 4}


def iso2709_records(file: Path) -> list[bytes]:
    """Return the records of a file, each with its terminator."""
    return [each for each in file.read_bytes().split(b"\x1d") if each]


def test_the_partners_of_the_demo_are_read_by_their_own_scripts() -> None:
    partners = {partner.code: partner for partner in seaside.cities()}
    assert partners["nagasaki"].local == "長崎県立図書館"
    assert partners["los-angeles"].local == ""
    assert set(seaside.WISHING) < set(partners)


def test_the_environment_of_an_operator_does_not_count_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOOKBRIDGE_DATABASE_URL", "postgresql://somewhere/else")
    with clean_settings():
        assert "BOOKBRIDGE_DATABASE_URL" not in os.environ
    assert os.environ["BOOKBRIDGE_DATABASE_URL"] == "postgresql://somewhere/else"


def test_a_command_that_fails_ends_the_tour_in_words(tmp_path: Path) -> None:
    commands = CommandLine(tmp_path / "nothing")
    with pytest.raises(WentWrong, match="`bookbridge list open spring`"):
        commands.run("list", "open", "spring")


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
