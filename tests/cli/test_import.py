"""`bookbridge import` and `bookbridge batch`: the report adds up, whatever the file holds."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from marc_mappings import iso2709
from service import config, worker
from service.demo import books
from service.store.db import Database
from service.store.jobs import Job
from service.usecases import cataloguing
from service.usecases.site import Site
from tests.cli.conftest import Bookbridge

_RECORDS = [iso2709.write(books.record(row)) for row in books.rows()[:12]]


@pytest.fixture
def a_list(bookbridge: Bookbridge) -> str:
    """The slug of a draft list."""
    bookbridge("list", "create", "autumn", "--title", "Books of autumn")
    return "autumn"


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A file with nothing wrong."""
    file = tmp_path / "good.mrc"
    file.write_bytes(b"".join(_RECORDS))
    return str(file)


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    """A file with one record of each kind of trouble among good ones."""
    wrong_length = b"99999" + _RECORDS[1][5:]
    rubbish = b"00100nam a22garbage\x1d"
    other_content = _RECORDS[2].replace("장유승".encode(), "장유성".encode())
    assert other_content != _RECORDS[2]
    file = tmp_path / "damaged.mrc"
    file.write_bytes(
        b"".join([_RECORDS[0], wrong_length, rubbish, _RECORDS[2], _RECORDS[2], other_content])
    )
    return str(file)


def _objects(text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    return found[:-1], found[-1]["batch"]


def _site(data_dir: Path) -> Site:
    settings = config.load({}, data_dir=data_dir)
    return Site(Database(settings.database), settings, time.time)


def test_a_good_file_ends_with_0_and_the_next_step(
    bookbridge: Bookbridge, a_list: str, good: str
) -> None:
    done = bookbridge("import", good, "--list", a_list)
    assert "12 records found" in done.stdout
    assert "12 new to the catalogue" in done.stdout
    assert "Next: bookbridge list open autumn" in done.stdout
    assert done.stderr == ""


def test_the_report_adds_up_and_1_says_that_something_needs_a_person(
    bookbridge: Bookbridge, a_list: str, damaged: str
) -> None:
    done = bookbridge("import", damaged, "--list", a_list, "--json", code=1)
    lines, batch = _objects(done.stdout)
    counts = batch["counts"]
    assert [line["position"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert counts["read"] == counts["ok"] + counts["repaired"] + counts["rejected"] == 6
    assert counts["rejected"] == 1
    assert counts["read"] - counts["rejected"] == sum(
        counts[name] for name in ("new", "update", "duplicate", "ambiguous")
    )
    actions = [(line["outcome"], line["action"]) for line in lines]
    assert actions == [
        ("ok", "new"),
        ("repaired", "new"),
        ("rejected", "none"),
        ("ok", "new"),
        ("ok", "duplicate"),
        ("ok", "ambiguous"),
    ]
    ends = [line["offset"] + line["length"] for line in lines]
    assert ends[:-1] == [line["offset"] for line in lines[1:]]
    assert ends[-1] == Path(damaged).stat().st_size


def test_each_json_line_has_all_of_its_members(
    bookbridge: Bookbridge, a_list: str, good: str
) -> None:
    lines, batch = _objects(bookbridge("import", good, "--list", a_list, "--json").stdout)
    assert set(lines[0]) == {
        "position",
        "offset",
        "length",
        "control_number",
        "title",
        "outcome",
        "action",
        "encoding",
        "encoding_certain",
        "problems",
    }
    assert lines[0]["control_number"] == "kor-001"
    assert batch["list"] == a_list
    assert batch["state"] == "COMMITTED"


def test_the_text_report_shows_the_gravest_first(
    bookbridge: Bookbridge, a_list: str, damaged: str
) -> None:
    text = bookbridge("import", damaged, "--list", a_list, code=1).stdout
    assert text.index("Record 3 at octet") < text.index("Record 6 at octet")
    assert text.index("Record 6 at octet") < text.index("Record 2 at octet")
    assert "1 ambiguous: not offered, somebody must decide" in text


def test_a_long_report_is_cut_and_says_how_to_see_the_rest(
    bookbridge: Bookbridge, a_list: str, tmp_path: Path
) -> None:
    file = tmp_path / "many.mrc"
    file.write_bytes(b"".join(b"99999" + record[5:] for record in _RECORDS * 2))
    text = bookbridge("import", str(file), "--list", a_list).stdout
    assert text.count("at octet") == 20
    rest = next(line for line in text.splitlines() if "more:" in line)
    assert rest.strip().startswith("… and 4 more: bookbridge batch show ")
    whole = bookbridge(*rest.partition("bookbridge ")[2].split()).stdout
    assert whole.count("at octet") == 24


def test_the_same_file_twice_is_one_import(bookbridge: Bookbridge, a_list: str, good: str) -> None:
    bookbridge("import", good, "--list", a_list)
    again = bookbridge("import", good, "--list", a_list)
    assert "came before for this list" in again.stderr
    assert "12 new to the catalogue" in again.stdout
    assert len(bookbridge("batch", "list").stdout.splitlines()) == 1


def test_standard_input_is_a_file_too(bookbridge: Bookbridge, a_list: str) -> None:
    done = bookbridge("import", "-", "--list", a_list, stdin=b"".join(_RECORDS))
    assert "standard input: offered on list autumn" in done.stdout


def test_a_file_that_is_no_marc_leaves_nothing_behind_and_the_others_go_on(
    bookbridge: Bookbridge, a_list: str, good: str, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7\n" + b"x" * 1000)
    done = bookbridge("import", str(letter), good, "--list", a_list, code=1)
    assert done.stderr.startswith("bookbridge: letter.pdf: ")
    assert len(done.stderr.splitlines()) == 1
    assert "12 new to the catalogue" in done.stdout
    assert "letter.pdf" not in bookbridge("batch", "list").stdout


def test_a_missing_list_is_told_with_what_to_do(bookbridge: Bookbridge, good: str) -> None:
    done = bookbridge("import", good, "--list", "nowhere", code=1)
    assert "there is no offer list named 'nowhere'; create it first" in done.stderr


def test_a_missing_file_is_wrong_usage(bookbridge: Bookbridge, a_list: str) -> None:
    bookbridge("import", "no-such-file.mrc", "--list", a_list, code=2)


def test_a_staged_file_is_offered_by_commit_and_only_then(
    bookbridge: Bookbridge, a_list: str, good: str
) -> None:
    staged = bookbridge("import", good, "--list", a_list, "--stage-only").stdout
    assert "not offered yet" in staged
    assert "0 titles" in bookbridge("list", "show", a_list).stdout
    command = staged.strip().splitlines()[-1].partition("bookbridge ")[2].split()
    assert command[:2] == ["batch", "commit"]
    assert "offered on list autumn" in bookbridge(*command).stdout
    assert "12 titles" in bookbridge("list", "show", a_list).stdout
    assert "cannot become COMMITTING" in bookbridge(*command, code=1).stderr


def test_an_unknown_batch_is_told_plainly(bookbridge: Bookbridge) -> None:
    assert "there is no such import" in bookbridge("batch", "show", "X", code=1).stderr


def test_titles_cannot_command_the_terminal(
    bookbridge: Bookbridge, a_list: str, tmp_path: Path
) -> None:
    evil = tmp_path / "a\x1b[31mred\u202e.mrc"
    evil.write_bytes(_RECORDS[0])
    done = bookbridge("import", str(evil), "--list", a_list)
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output


def test_work_that_a_worker_took_first_is_waited_for(
    bookbridge: Bookbridge, a_list: str, good: str, data_dir: Path
) -> None:
    site = _site(data_dir)
    with Path(good).open("rb") as stream:
        cataloguing.receive(
            site.db, stream, file_name="good.mrc", list_slug=a_list, limit=10**9, now=site.now()
        )
    held = worker.lease(site)
    assert held is not None
    taken: Job = held

    def other_worker() -> None:
        time.sleep(0.5)
        worker.work(site, taken, lambda _job, _done: None)

    thread = threading.Thread(target=other_worker)
    thread.start()
    try:
        done = bookbridge("import", good, "--list", a_list)
    finally:
        thread.join()
        site.db.close()
    assert "12 new to the catalogue" in done.stdout
