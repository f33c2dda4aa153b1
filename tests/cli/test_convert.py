"""``bookbridge convert``: what a cataloguer and a shell may rely on."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from marc_mappings import formats, iso2709, marcxml
from marc_mappings.conversion import FORMS
from marc_mappings.formats import Parsed
from service.cli import cli
from tests.marc_mappings.conftest import BOOK, record

CONVERT = [sys.executable, "-c", "from service.cli import main; main()", "convert"]
ONE = iso2709.write(BOOK)
DAMAGED = b"This should have been a record.\x1e\x1d"
EMPTY = b"00026     2200025   4500\x1e\x1d"
KOREAN = record(
    "001 KMO000000001",
    "008 070301s2007    ggk           000a  kor  ",
    "020 __$a9788936433598",
    "049 0_$lEM0000000001",
    "056 __$a813.6$24",
    "245 10$a채식주의자 /$d한강 지음.",
    "260 __$a파주 :$b창비,$c2007.",
    "300 __$a247 p. ;$c23 cm.",
    "950 0_$b12000원",
    leader="00000nam  2200000 k 4500",
)
UNIMARC = record(
    "001 un1",
    "100 __$a20070301d2007    m  y0frey50      ba",
    "101 0_$afre",
    "200 1_$aLa végétarienne$fHan Kang",
    "210 __$aParis$cLe Serpent à plumes$d2015",
    "995 __$aà nous",
    leader="00000nam0 2200000   450 ",
)

Convert = Callable[..., Result]


@pytest.fixture
def convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Convert:
    """Run the command in a folder of its own; the caller says with which exit code it must end."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
        done = CliRunner().invoke(cli, ["convert", *arguments], input=stdin)
        assert done.exit_code == code, (arguments, done.output, done.exception)
        return done

    return run


def _file(data: bytes, name: str = "in.mrc") -> str:
    Path(name).write_bytes(data)
    return name


def _lines(name: str = "report.jsonl") -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(name).read_bytes().splitlines()]


# What the report says


def test_the_report_has_one_line_for_each_record_found_in_their_order(convert: Convert) -> None:
    file = _file(ONE + DAMAGED + iso2709.write(UNIMARC, is_unimarc=True))
    convert(file, "--to", "marcxml", "-o", "out.xml", "--report", "report.jsonl", code=1)
    good, bad, french = _lines()
    assert {key: good[key] for key in list(good)[:8]} == {
        "position": 1,
        "offset": 0,
        "control_number": "bk000001",
        "outcome": "ok",
        "encoding": "utf-8",
        "encoding_certain": True,
        "dialect": "marc21",
        "title": "Ch'aesikchuŭija",
    }
    assert list(good)[8:] == ["problems", "unmapped"]
    assert (bad["position"], bad["offset"], bad["outcome"]) == (2, len(ONE), "rejected")
    assert [each["code"] for each in bad["problems"]] == ["not-a-record"]  # type: ignore[attr-defined]
    assert (french["dialect"], french["title"]) == ("unimarc", "La végétarienne")
    assert french["unmapped"] == ["995"]
    assert all({"code", "message", "tag"} <= each.keys() for each in french["problems"])  # type: ignore[attr-defined]


def test_a_lost_tag_is_named_once_and_a_lost_subfield_is_a_problem(convert: Convert) -> None:
    more = (*UNIMARC.fields, *record("995 __$bmore", "101 0_$afre$zxyz").fields)
    file = _file(iso2709.write(UNIMARC._replace(fields=more), is_unimarc=True))
    convert(file, "--to", "json", "--report", "report.jsonl", "-o", "out.json")
    (line,) = _lines()
    assert line["unmapped"] == ["995"]
    lost = [each for each in line["problems"] if each["code"] == "subfield-unmapped"]  # type: ignore[attr-defined]
    assert [(each["tag"], "$z" in each["message"]) for each in lost] == [("101", True)]


def test_offsets_count_the_unpacked_bytes(convert: Convert) -> None:
    file = _file(gzip.compress(ONE * 3), "in.mrc.gz")
    convert(file, "--to", "mrk", "-o", "out.mrk", "--report", "report.jsonl")
    assert [line["offset"] for line in _lines()] == [0, len(ONE), 2 * len(ONE)]


@pytest.mark.parametrize("odd", ["\u2028", "\u0085", "\u202e", '"\\', "\x00"])
def test_a_line_of_the_report_is_one_line_whatever_the_title(convert: Convert, odd: str) -> None:
    title = record("001 1", f"245 00$aBefore{odd}after")
    data = b'<?xml version="1.0"?><collection>' + marcxml.write(title) + b"</collection>"
    done = convert(_file(data), "--to", "mrk", "-o", "out", "--report", "-")
    (line,) = done.stdout_bytes.splitlines()
    assert str(json.loads(line)["title"]).startswith("Before")
    assert str.splitlines(line.decode()) == [line.decode()]


def test_problems_make_exit_code_1_and_notes_do_not(convert: Convert) -> None:
    note = ONE[:9] + b" " + ONE[10:]  # UTF-8, but the leader says MARC-8
    convert(_file(note), "--to", "mrk", "--report", "report.jsonl", "-o", "out")
    assert [each["code"] for each in _lines()[0]["problems"]] == ["leader-says-marc8"]  # type: ignore[attr-defined]
    wrong_length = b"00099" + ONE[5:]
    convert(_file(wrong_length), "--to", "mrk", "-o", "out", code=1)


def test_standard_error_says_what_was_read_and_on_what_evidence(convert: Convert) -> None:
    done = convert(_file(ONE * 2), "--to", "mrk", "-o", "out")
    first, dialect, encoding = done.stderr.splitlines()
    assert first == "in.mrc: 2 records read"
    assert dialect.startswith("  Dialect: MARC 21. 2 of 2 records")
    assert encoding.startswith("  Encoding: utf-8. ")
    assert done.stdout == ""


# What is made


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_made_of_a_file_and_of_standard_input(convert: Convert, form: str) -> None:
    convert(_file(ONE * 2), "--to", form, "-o", "out")
    piped = convert("-", "--to", form, stdin=gzip.compress(ONE * 2))
    assert piped.stdout_bytes == Path("out").read_bytes()
    assert (
        "채식주의자".encode() in piped.stdout_bytes
        or "Ch'aesikchuŭija".encode() in piped.stdout_bytes
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_form_without_any_record_is_still_a_file_of_that_form(
    convert: Convert, form: str
) -> None:
    convert(_file(EMPTY * 2), "--to", form, "-o", "out", code=1)
    body = Path("out").read_bytes()
    assert body == FORMS[form].begin + (FORMS[form].end if FORMS[form].begin else b"")


def test_the_dialect_that_is_wanted_is_written(convert: Convert) -> None:
    file = _file(ONE)
    for dialect in ("unimarc", "cnmarc", "kormarc"):
        convert(file, "--to", "iso2709", "--to-dialect", dialect, "-o", "out.mrc")
        with Path("out.mrc").open("rb") as stream:
            (item,) = list(formats.read(stream))
        assert isinstance(item, Parsed)
        tag = "245" if dialect == "kormarc" else "200"
        assert next(item.record.all(tag)).first("a")
        assert Path("out.mrc").read_bytes()[20:24] == (b"4500" if tag == "245" else b"450 ")


@pytest.mark.parametrize("dialect", ["as-it-is", "unimarc"])
def test_a_record_of_the_dialect_that_is_wanted_is_not_converted_at_all(
    convert: Convert, dialect: str
) -> None:
    data = iso2709.write(UNIMARC, is_unimarc=True)
    report = ("--report", "report.jsonl")
    convert(_file(data), "--to", "iso2709", "--to-dialect", dialect, "-o", "out.mrc", *report)
    assert Path("out.mrc").read_bytes() == data
    assert (_lines()[0]["unmapped"], _lines()[0]["problems"]) == ([], [])


def test_a_unimarc_record_kept_as_it_is_says_that_it_is_in_utf8_now(convert: Convert) -> None:
    head = UNIMARC.fields[1]._replace(
        subfields=(("a", "20070301d2007    m  y0frey0103    ba"),)  # type: ignore[arg-type]
    )
    title = record("200 1_$aLa vegetarienne$fHan Kang").fields[0]
    data = iso2709.write(
        UNIMARC._replace(fields=(UNIMARC.fields[0], head, title)), is_unimarc=True
    ).replace(b"vegeta", b"v\xc2egta")  # ISO 5426: the acute before its letter
    convert(_file(data), "--to", "mrk", "--to-dialect", "as-it-is", "-o", "out.mrk")
    text = Path("out.mrk").read_text("utf-8")
    assert "La végtarienne" in text
    assert "y50  " in text.replace("\\", " ")


def test_what_is_lost_behind_marc21_is_named_apart(convert: Convert) -> None:
    file = _file(iso2709.write(KOREAN))
    to = ("--to", "mrk", "--to-dialect", "unimarc", "-o", "out.mrk", "--report", "report.jsonl")
    convert(file, *to, "--from-dialect", "kormarc")
    behind = [each for each in _lines()[0]["unmapped"] if str(each).startswith("marc21 ")]  # type: ignore[attr-defined]
    named = {
        each["tag"] for each in _lines()[0]["problems"] if "From MARC 21 on" in each["message"]
    }  # type: ignore[attr-defined]
    assert {each.removeprefix("marc21 ") for each in behind} <= named


def test_a_record_too_large_for_iso2709_is_refused_and_all_others_are_written(
    convert: Convert,
) -> None:
    long = record("001 long", "245 00$aLong", *[f"500 __$a{'x' * 9_000}"] * 12)
    wide = record("001 wide", "245 00$aWide", f"500 __$a{'x' * 9_999}")
    data = b"".join(map(marcxml.write, (BOOK, long, BOOK, wide, BOOK)))
    file = _file(b"<collection>" + data + b"</collection>")
    targets = ("-o", "out.mrc", "--report", "report.jsonl", "--rejected", "left.xml")
    convert(file, "--to", "iso2709", *targets, code=1)
    assert Path("out.mrc").read_bytes() == ONE * 3
    found = {line["control_number"]: line for line in _lines() if line["outcome"] == "rejected"}
    assert [(each["title"], each["problems"][-1]["tag"]) for each in found.values()] == [  # type: ignore[index]
        ("Long", ""),
        ("Wide", "500"),
    ]
    for line in found.values():
        assert "Send it as MARCXML" in line["problems"][-1]["message"]  # type: ignore[index]
    convert("left.xml", "--to", "marcxml", "-o", "again.xml")
    assert Path("again.xml").read_bytes().count(b"<record") == 2


def test_rejected_bytes_are_kept_as_they_came(convert: Convert) -> None:
    file = _file(ONE + DAMAGED + ONE + DAMAGED)
    convert(file, "--to", "mrk", "-o", "out.mrk", "--rejected", "left.mrc", code=1)
    assert Path("left.mrc").read_bytes() == DAMAGED * 2


# What the sender says wins


def test_what_is_said_of_the_encoding_wins_and_a_contradiction_is_told(convert: Convert) -> None:
    file = _file(_recoded(iso2709.write(KOREAN), "cp949"))
    to = ("--to", "mrk", "-o", "out.mrk", "--report", "report.jsonl")
    convert(file, *to, "--encoding", "EUC-KR")
    assert _lines()[0]["title"] == "채식주의자"
    convert(file, *to, "--encoding", "UTF-8", code=1)
    (line,) = _lines()
    assert (line["encoding"], line["encoding_certain"]) == ("utf-8", False)
    assert "encoding-not-as-said" in {each["code"] for each in line["problems"]}  # type: ignore[attr-defined]


def _recoded(data: bytes, encoding: str) -> bytes:
    """Return an ISO 2709 record with its text in another encoding, lengths right."""
    texts = data[int(data[12:17]) : -2].split(b"\x1e")
    bodies = [text.decode("utf-8").encode(encoding) + b"\x1e" for text in texts]
    entries, at = b"", 0
    for number, body in enumerate(bodies):
        entries += data[24 + 12 * number :][:3] + b"%04d%05d" % (len(body), at)
        at += len(body)
    whole = data[5:9] + b" " + data[10:24] + entries + b"\x1e" + b"".join(bodies) + b"\x1d"
    return b"%05d" % (len(whole) + 5) + whole


def test_what_is_said_of_the_dialect_wins_and_a_contradiction_is_told(convert: Convert) -> None:
    file = _file(iso2709.write(KOREAN))
    to = ("--to", "mrk", "-o", "out.mrk", "--report", "report.jsonl")
    convert(file, *to, "--from-dialect", "marc21")
    assert _lines()[0]["dialect"] == "marc21"
    convert(file, *to, "--from-dialect", "unimarc", code=1)
    (line,) = _lines()
    (told,) = [each for each in line["problems"] if each["code"] == "dialect-not-as-said"]  # type: ignore[attr-defined]
    assert line["dialect"] == "unimarc"
    assert (
        "The sender says UNIMARC; the fields of this record are those of MARC 21" in told["message"]
    )


def test_the_old_japan_marc_is_told_to_be_no_marc21(convert: Convert) -> None:
    old = record(
        "001 85012345", "251 __$A雪国$F川端康成", "270 __$A東京$B新潮社$D1985", "551 __$Aユキグニ"
    )
    file = _file(iso2709.write(old))
    convert(file, "--to", "mrk", "-o", "out.mrk", "--report", "report.jsonl", code=1)
    (line,) = _lines()
    assert (line["dialect"], line["problems"][-1]["code"]) == ("japanmarc", "dialect-not-converted")  # type: ignore[index]


# Files and targets


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"PK\x03\x04 xl/workbook.xml", "a spreadsheet"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><collection><record/></collection>', "DOCTYPE"),
        (b"Dear colleagues,", "plain text"),
        (gzip.compress(b"Dear colleagues,", mtime=0), "plain text"),
    ],
)
def test_what_is_no_marc_is_one_sentence_exit_1_and_no_file(
    convert: Convert, data: bytes, found: str
) -> None:
    done = convert(_file(data), "--to", "marcxml", "-o", "out.xml", "--report", "r", code=1)
    assert found in done.stderr
    assert done.stderr.startswith("bookbridge: in.mrc: This is ")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in Path().iterdir()) == ["in.mrc"]
    assert convert("in.mrc", "--to", "marcxml", code=1).stdout == ""


def test_a_target_that_is_the_source_is_wrong_usage_and_destroys_nothing(convert: Convert) -> None:
    file = _file(ONE)
    Path("link.mrc").symlink_to(file)
    for option, target in (("-o", "./in.mrc"), ("--report", "link.mrc"), ("--rejected", file)):
        done = convert(file, "--to", "mrk", option, target, code=2)
        assert "are the same" in done.stderr
    assert Path(file).read_bytes() == ONE


def test_two_targets_at_one_place_are_wrong_usage(convert: Convert) -> None:
    file = _file(ONE)
    convert(file, "--to", "mrk", "-o", "out", "--report", "./out", code=2)
    convert(file, "--to", "mrk", "--report", "-", code=2)
    convert(file, "--to", "mrk", "-o", "/dev/null", "--report", "/dev/null")
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--to", "mrk", "-o", "nowhere/out.mrk"),
        ("--to", "mrk", "-o", "."),
        ("--to", "mrk", "--encoding", "klingon"),
        ("--to", "mrk", "--from-dialect", "klingon"),
        ("--to", "pdf"),
        ("--to", "oai_dc", "--to-dialect", "unimarc"),
        ("--to", "mrk", "--workers", "0"),
        (),
    ],
)
def test_wrong_usage_ends_with_2_and_leaves_nothing(
    convert: Convert, arguments: tuple[str, ...]
) -> None:
    convert(_file(ONE), *arguments, code=2)
    convert("absent.mrc", "--to", "mrk", code=2)
    assert [path.name for path in Path().iterdir()] == ["in.mrc"]


def test_a_target_that_was_there_is_replaced_whole_and_keeps_its_mode(convert: Convert) -> None:
    target = Path("out.mrk")
    target.write_text("before")
    target.chmod(0o640)
    convert(_file(b"no MARC"), "--to", "mrk", "-o", "out.mrk", code=1)
    assert target.read_text() == "before"
    convert(_file(ONE), "--to", "mrk", "-o", "out.mrk")
    assert target.read_text().startswith("=LDR")
    assert target.stat().st_mode & 0o777 == 0o640


# In a shell


def _run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*CONVERT, *arguments], capture_output=True, timeout=120, check=False, **options
    )


def test_a_reader_that_has_enough_ends_the_command_quietly(tmp_path: Path) -> None:
    file = tmp_path / "in.mrc"
    file.write_bytes(ONE * 5_000)
    process = subprocess.Popen(
        [*CONVERT, str(file), "--to", "mrk"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline().startswith(b"=LDR")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert said == b""


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "in.mrc"
    file.write_bytes(ONE * 100)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CONVERT, str(file), "--to", "mrk"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"bookbridge: in.mrc: stopped before the end: No space left on device\n"
    to_file = _run(str(file), "--to", "mrk", "-o", "/dev/full")
    assert (to_file.returncode, to_file.stderr) == (1, done.stderr)


def test_a_pipe_is_read_and_written_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*CONVERT, str(pipe), "--to", "iso2709", "-o", "/dev/stdout"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with pipe.open("wb") as stream:
        stream.write(ONE * 3)
    assert process.communicate(timeout=60)[0] == ONE * 3


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_no_half_file_and_no_process(
    tmp_path: Path, number: signal.Signals, workers: str
) -> None:
    file = tmp_path / "in.mrc"
    file.write_bytes(ONE * 60_000)
    process = subprocess.Popen(
        [*CONVERT, str(file), "--to", "mods", "-o", str(tmp_path / "out"), "--workers", workers],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        parts = list(tmp_path.glob(".bookbridge-*.part"))
        if parts and parts[0].stat().st_size > 100_000:
            break
        time.sleep(0.05)
    # A terminal sends Ctrl-C to all processes of the command, kill only to the first.
    if number is signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert said.decode().strip() == "Aborted!"
    assert [path.name for path in tmp_path.iterdir()] == ["in.mrc"]
    deadline = time.monotonic() + 20
    while _alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(process.pid)


def _alive(group: int) -> list[psutil.Process]:
    """Return the processes of a group that have not ended."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def test_progress_is_for_a_terminal_only(tmp_path: Path) -> None:
    file = tmp_path / "in.mrc"
    file.write_bytes(ONE * 3_000)
    done = _run(str(file), "--to", "mrk", "-o", str(tmp_path / "out"))
    assert b"\x1b" not in done.stderr
    primary, secondary = os.openpty()
    process = subprocess.Popen(
        [*CONVERT, str(file), "--to", "mods"],
        stdout=subprocess.DEVNULL,
        stderr=secondary,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(secondary)
    shown = b""
    try:
        while piece := os.read(primary, 4096):
            shown += piece
    except OSError:
        pass  # the other side of a terminal is closed so
    os.close(primary)
    assert process.wait(60) == 0
    assert b"in.mrc: 3,000 records" in shown or b",000 records" in shown
