"""``bookbridge check``: one report of all that is wrong, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marc_mappings import iso2709
from marc_mappings.record import Record
from service.cli import cli
from tests.marc_mappings.conftest import BOOK, field, record

SOUND = iso2709.write(BOOK)
DAMAGED = b"This should have been a record.\x1e\x1d"
UNIMARC = record(
    "001 un1",
    "100 __$a20070301d2007    m  y0frey50      ba",
    "101 0_$afre",
    "200 1_$aLa végétarienne$fHan Kang",
    "210 __$aParis$d2015",
    "995 __$aà nous",
    leader="00000nam0 2200000   450 ",
)

Check = Callable[..., Result]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Run the command on bytes; the caller says with which exit code it must end."""
    monkeypatch.chdir(tmp_path)

    def run(data: bytes, *arguments: str, code: int = 0) -> Result:
        Path("in.mrc").write_bytes(data)
        done = CliRunner().invoke(cli, ["check", "in.mrc", *arguments])
        assert done.exit_code == code, (done.output, done.exception)
        assert [path.name for path in Path().iterdir()] == ["in.mrc"]
        return done

    return run


def _with(*lines: str) -> bytes:
    return iso2709.write(Record(BOOK.leader, (*BOOK.fields, *map(field, lines))))


WRONG_ISBN = _with("020 __$a9788936433590")
TWO_TITLES = _with("245 10$aAnother title")


def test_a_sound_file_is_said_to_be_sound(check: Check) -> None:
    done = check(SOUND * 2)
    assert done.stdout.startswith("in.mrc: 2 records read\n  Dialect: MARC 21. ")
    assert done.stdout.endswith("\nNo errors and no warnings.\n")
    assert done.stderr == ""


def test_everything_wrong_reads_as_one_report(check: Check) -> None:
    done = check(SOUND + WRONG_ISBN * 2 + DAMAGED + TWO_TITLES + b"00099" + SOUND[5:], code=1)
    blocks = done.stdout.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [
        "in.mrc: 6 records read, 1 repaired, 1 rejected",
        "Rejected: no record could be read there",
        "Errors: against rules that others rely on",
        "Warnings: worth a look",
    ]
    assert f"Record 4 at octet {len(SOUND) + 2 * len(WRONG_ISBN):,}" in blocks[1]
    assert "  record not-a-record: 1 record (4)\n" in blocks[2]
    assert "  245    field-not-repeatable: 1 record (5)\n" in blocks[2]
    # What concerns whole records comes first, then what is most frequent.
    assert blocks[3].index("record length-wrong") < blocks[3].index("020    check-digit-wrong")
    assert "  020    check-digit-wrong: 2 records (2, 3)\n" in blocks[3]
    assert "First in record 2 (bk000001), Ch'aesikchuŭija:\n" in blocks[3]


def test_positions_are_cut_short_and_times_told_apart_from_records(check: Check) -> None:
    twice = _with("020 __$a9788936433590", "020 __$a9788936433591")
    done = check(twice * 7, code=1)
    assert "check-digit-wrong: 14 times in 7 records (1, 2, 3, 4, 5, …)" in done.stdout


def test_notes_are_counted_and_shown_when_asked_for(check: Check) -> None:
    data = SOUND[:9] + b" " + SOUND[10:]  # UTF-8, but the leader says MARC-8
    done = check(data)
    assert "Notes" not in done.stdout
    assert "There is 1 note besides; --notes shows it." in done.stdout
    done = check(data, "--notes")
    assert "Notes: worth knowing\n  record leader-says-marc8: 1 record (1)" in done.stdout
    assert "--notes" not in done.stdout


def test_tags_of_ones_own_are_not_judged(check: Check) -> None:
    data = _with("218 __$aours", "TOC __$aours")
    check(data, "--notes", "--local", "TOC", code=1)
    done = check(data, "--notes", "--local", "218, TOC")
    assert "218" not in done.stdout
    assert "TOC" not in done.stdout


def test_a_machine_gets_a_line_for_each_record_and_nothing_else(check: Check) -> None:
    done = check(SOUND + DAMAGED + WRONG_ISBN, "--json", code=1)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["position"] for line in lines] == [1, 2, 3]
    assert [line["outcome"] for line in lines] == ["ok", "rejected", "ok"]
    assert [[each["code"] for each in line["problems"]] for line in lines] == [
        [],
        ["not-a-record"],
        ["check-digit-wrong"],
    ]
    assert done.stderr.startswith("in.mrc: 3 records read, 1 rejected\n")


def test_another_dialect_is_held_against_the_rules_as_marc21(check: Check) -> None:
    done = check(iso2709.write(UNIMARC, is_unimarc=True), "--json")
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (line["dialect"], line["unmapped"]) == ("unimarc", ["995"])
    rules = [each for each in line["problems"] if each["code"].startswith("fixed-field")]
    assert all(each["message"].startswith("As MARC 21: ") for each in rules)


def test_a_doubtful_encoding_makes_exit_code_1(check: Check) -> None:
    data = SOUND.replace("채식주의자".encode(), b"\xc3\xa4\xbd\xc4\xc1\xd6\xc0\xc7\xc0\xda     ")
    done = check(data[:9] + b" " + data[10:], code=1)
    assert "1 of doubtful encoding" in done.stdout.splitlines()[0]


def test_what_is_no_marc_is_one_sentence_and_exit_1(check: Check) -> None:
    done = check(b"%PDF-1.7", code=1)
    assert (
        done.stderr
        == "bookbridge: in.mrc: This is a PDF document, not a file of MARC records. Send MARC "
        "records as ISO 2709 (.mrc), MARCXML (.xml), JSON (.json) or MarcEdit text (.mrk).\n"
    )
    assert done.stdout == ""


def test_standard_input_is_checked_too() -> None:
    done = CliRunner().invoke(cli, ["check", "-"], input=SOUND)
    assert done.exit_code == 0
    assert done.stdout.startswith("standard input: 1 record read\n")


def test_nothing_in_a_record_can_steer_a_terminal(check: Check) -> None:
    bad = record("001 \u202eevil", "245 00$a\u202eTurned", "020 __$a\u202e123")
    done = check(iso2709.write(bad), "--notes", code=1)
    assert not {"\x1b", "\u202e"} & set(done.stdout)
