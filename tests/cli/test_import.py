"""`bookbridge import` and `bookbridge batch`: the report adds up, whatever the file holds."""

from __future__ import annotations

import gzip
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
from tests.marc_mappings.reencoding import frame

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
        "dialect",
        "problems",
        "unmapped",
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


# --- other dialects and encodings ---------------------------------------------------------------


@pytest.fixture
def korean(tmp_path: Path) -> str:
    """A file as Korean libraries send it: KORMARC in CP949."""
    file = tmp_path / "korea.mrc"
    file.write_bytes(b"".join(kormarc(*each) for each in enumerate(_KOREAN)))
    return str(file)


_KOREAN = ("한국의 옛이야기", "바다와 나비", "서울 사람들의 하루", "우리말의 뿌리를 찾아서")


def kormarc(number: int, title: str) -> bytes:
    return frame(
        b"00000nam  2200000 k 4500",
        [
            (b"001", b"KMO%09d" % number),
            (b"008", b"980610s1998    ulk           000a  kor  "),
            (b"049", b"0 \x1flEM%06d" % number),
            (b"245", f"00\x1fa{title} /\x1fd홍길동 지음".encode("cp949")),
            (b"900", b"  \x1fa"),
        ],
    )


def test_the_report_says_on_what_evidence_a_file_was_read(
    bookbridge: Bookbridge, a_list: str, korean: str
) -> None:
    text = bookbridge("import", korean, "--list", a_list).stdout
    assert "  Encoding: cp949. 4 of 4 records" in text
    assert "  Dialect: kormarc. 4 of 4 records" in text
    assert "  Note on 4 records: " in text
    assert "  Fields of which nothing arrived, and in how many records: 900 (4)" in text
    assert "at octet" not in text, "notes alone are no lines that a person must read"
    batch = bookbridge("batch", "list").stdout.split()[0]
    assert bookbridge("batch", "show", batch, "--all").stdout.count("at octet") == 4


def test_the_json_report_has_the_dialect_and_what_was_lost(
    bookbridge: Bookbridge, a_list: str, korean: str
) -> None:
    lines, batch = _objects(bookbridge("import", korean, "--list", a_list, "--json").stdout)
    assert {(line["dialect"], line["encoding"]) for line in lines} == {("kormarc", "cp949")}
    assert all(line["unmapped"] == ["900"] for line in lines)
    assert [line["title"].split(" /")[0] for line in lines] == list(_KOREAN)
    assert batch["survey"]["dialect"]["name"] == "kormarc"
    assert batch["survey"]["encoding"]["certain"] is True
    assert batch["survey"]["encoding"]["evidence"]
    assert batch["next_steps"] == []


@pytest.fixture
def doubtful(tmp_path: Path) -> str:
    """A file of one short record that nothing but its sender's word can settle."""
    file = tmp_path / "short.mrc"
    fields = [(b"245", "00\x1faЗима".encode("koi8-r"))]
    file.write_bytes(frame(b"00000nam a2200000 i 4500", fields))
    return str(file)


def test_what_is_not_certain_ends_with_1_and_the_next_step_which_helps(
    bookbridge: Bookbridge, a_list: str, doubtful: str
) -> None:
    text = bookbridge("import", doubtful, "--list", a_list, code=1).stdout
    assert "(not certain)" in text
    assert "1 of doubtful encoding: look at their titles" in text
    assert "say --encoding NAME and send the file again" in text
    again = bookbridge("import", doubtful, "--list", a_list, "--encoding", "KOI8-R")
    assert "came before" not in again.stderr
    assert "1 a newer form of a record we have" in again.stdout
    assert "Зима" in again.stdout
    assert "1 title" in bookbridge("list", "show", a_list).stdout


def test_the_sender_can_say_the_dialect(bookbridge: Bookbridge, a_list: str, korean: str) -> None:
    lines, batch = _objects(
        bookbridge("import", korean, "--list", a_list, "--from-dialect", "marc21", "--json").stdout
    )
    assert {line["dialect"] for line in lines} == {"marc21"}
    assert batch["dialect_said"] == "marc21"


@pytest.mark.parametrize(
    ("option", "value"), [("--encoding", "klingon"), ("--from-dialect", "marc22")]
)
def test_a_name_that_means_nothing_is_wrong_usage(
    bookbridge: Bookbridge, a_list: str, good: str, option: str, value: str
) -> None:
    done = bookbridge("import", good, "--list", a_list, option, value, code=2)
    assert value in done.stderr
    assert bookbridge("batch", "list").stdout == ""


def test_a_file_in_gzip_is_unpacked_and_a_cut_one_refused(
    bookbridge: Bookbridge, a_list: str, tmp_path: Path
) -> None:
    packed = gzip.compress(b"".join(_RECORDS))
    cut, whole = tmp_path / "cut.mrc.gz", tmp_path / "whole.mrc.gz"
    cut.write_bytes(packed[:-20])
    whole.write_bytes(packed)
    done = bookbridge("import", str(cut), str(whole), "--list", a_list, code=1)
    assert done.stderr.startswith("bookbridge: cut.mrc.gz: This is a damaged gzip file")
    assert "12 new to the catalogue" in done.stdout
    assert len(bookbridge("batch", "list").stdout.splitlines()) == 1
