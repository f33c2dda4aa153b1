"""`bookbridge harvest` against a library of ours, and against providers that go wrong."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from requests_hardened import ip_filter_adapter
from requests_hardened.ip_filter import filter_host

from marc_mappings import formats
from marc_mappings.formats import Parsed
from oai.fetching import Query, Unreached
from service.cli import cli
from service.errors import Invalid
from service.usecases.fetching import EVERYWHERE, Port
from service.usecases.harvesting_to_file import Standing
from tests.oai.hostile import XML, Asked, Sent, Site, books, serving
from tests.real.edge_case_library import MARC, Library, served
from tests.service.builders import a_record

PLACE = "--allow-private"


def harvest(*arguments: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["harvest", *map(str, arguments)])
    assert done.exit_code == code, (arguments, done.output, done.exception)
    assert "Traceback" not in done.output
    return done


def titles(file: Path) -> list[str]:
    """Read a file with the reader of all files; every record must be sound."""
    with file.open("rb") as stream:
        found = list(formats.read(stream))
    assert all(isinstance(each, Parsed) and each.outcome == "ok" for each in found), found
    return [next(each.record.all("245")).first("a") for each in found if isinstance(each, Parsed)]


def lines(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()]


def standing(file: Path) -> Standing:
    return Standing.from_json(Path(f"{file}.harvest").read_text("utf-8"))


def url_of(library: Library) -> str:
    return f"http://127.0.0.1:{library.port}/oai"


# --- a library of ours --------------------------------------------------------------------------


def test_as_many_records_come_as_were_published_and_convert_reads_them_all(
    sqlite_template: Path, tmp_path: Path
) -> None:
    file, report = tmp_path / "books.xml", tmp_path / "books.jsonl"
    with served(sqlite_template, tmp_path) as library:
        library.books(10)
        library.withdraw(library.named("Book 4"))
        published = {each.identifier: each for each in library.headers(MARC)}
        done = harvest(url_of(library), "-o", file, "--report", report, PLACE)
    assert "9 records written, 1 deleted" in done.stderr
    assert sorted(title.rstrip(" /.") for title in titles(file)) == sorted(
        f"Book {n}" for n in range(10) if n != 4
    )
    told = {each["identifier"]: each for each in lines(report) if "note" not in each}
    assert told.keys() == published.keys()
    for identifier, header in published.items():
        assert told[identifier]["deleted"] == header.deleted
        assert tuple(told[identifier]["sets"]) == header.sets
    converted = tmp_path / "books.mrc"
    CliRunner().invoke(cli, ["convert", str(file), "--to", "iso2709", "-o", str(converted)])
    assert len(titles(converted)) == 9


def test_one_set_is_harvested_and_dublin_core_where_that_is_asked_for(
    sqlite_template: Path, tmp_path: Path
) -> None:
    file = tmp_path / "autumn.xml"
    with served(sqlite_template, tmp_path) as library:
        library.books(3)
        library.open("autumn")
        library.bring(a_record("An autumn book", number="9"), slug="autumn")
        specs = {spec for each in library.headers(MARC) for spec in each.sets}
        spec = next(each for each in specs if each.endswith("spring"))
        done = harvest(url_of(library), "-o", file, "--set", spec, "--prefix", "oai_dc", PLACE)
        nothing = tmp_path / "nothing.xml"
        harvest(url_of(library), "-o", nothing, "--set", "no:such", PLACE)
    assert "3 records written" in done.stderr
    assert file.read_bytes().count(b"<oai_dc:dc ") == 3
    assert standing(nothing).written == 0
    assert standing(nothing).finished


def test_a_finished_harvest_is_not_begun_anew_but_again_brings_what_changed(
    tmp_path: Path,
) -> None:
    first, second, third = (tmp_path / f"{name}.xml" for name in ("first", "second", "third"))
    site = Site(books(5))
    with serving(site) as url:
        site.memory.clock += 10_000
        harvest(url, "-o", first, PLACE)
        before = first.read_bytes()
        refused = harvest(url, "-o", first, PLACE, code=1)
        site.memory.publish(2)
        site.memory.publish(6)
        harvest(url, "-o", second, "--again", first, PLACE)
        harvest(url, "-o", third, "--again", first, "--set", "other", PLACE, code=1)
        harvest(url, "-o", third, "--again", first, "--from", "2026-01-01", PLACE, code=2)
    assert f"--again {first}" in refused.stderr
    assert first.read_bytes() == before
    assert [title.split()[1] for title in titles(second)] == ["2", "6"]


def test_after_an_end_the_next_harvest_begins_there(tmp_path: Path) -> None:
    first, second = tmp_path / "first.xml", tmp_path / "second.xml"
    site = Site(books(5))
    with serving(site) as url:
        site.memory.clock += 10_000
        harvest(url, "-o", first, "--until", "2026-01-01T00:00:03Z", PLACE)
        harvest(url, "-o", second, "--again", first, PLACE)
    assert [title.split()[1] for title in titles(first)] == ["1", "2", "3"]
    assert [title.split()[1] for title in titles(second)] == ["3", "4", "5"]


# --- going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [b"", b"<record><half", b"x" * 5000])
def test_a_run_that_was_killed_goes_on_and_makes_the_same_file(tmp_path: Path, rest: bytes) -> None:
    site, file, report = Site(books(30)), tmp_path / "killed.xml", tmp_path / "killed.jsonl"
    whole, whole_report = tmp_path / "whole.xml", tmp_path / "whole.jsonl"
    reached, gate = threading.Event(), threading.Event()

    def hold(asked: Asked) -> None:
        if len(site.asked("ListRecords")) == 5:
            reached.set()
            assert gate.wait(30)

    with serving(site) as url:
        harvest(url, "-o", whole, "--report", whole_report, PLACE)
        site.log.clear()
        site.script = hold
        arguments = ["harvest", url, "-o", str(file), "--report", str(report), PLACE]
        program = "from service.cli import main; main()"
        child = subprocess.Popen([sys.executable, "-c", program, *arguments])
        assert reached.wait(30)
        assert "is at work" in harvest(*arguments[1:], code=1).stderr
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
        gate.set()
        assert standing(file).point.pages == 4
        with file.open("ab") as stream:  # what a run may write before it can keep its point
            stream.write(rest)
        with report.open("ab") as stream:
            stream.write(rest)
        harvest(*arguments[1:])
    assert file.read_bytes() == whole.read_bytes()
    assert report.read_bytes() == whole_report.read_bytes()
    assert len(titles(file)) == 30
    assert len(site.asked("ListRecords")) == 11, "one page was asked for twice"
    assert len(site.asked("Identify")) == 1


def test_going_on_with_other_words_or_a_changed_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "books.xml"

    def lock_out(asked: Asked) -> Sent | None:
        return Sent(status=403) if asked.token else None

    site = Site(books(9), lock_out)
    with serving(site) as url:
        stopped = harvest(url, "-o", file, PLACE, code=1)
        assert "refused: HTTP status 403; the same command goes on from here." in stopped.stderr
        harvest(url, "-o", file, "--set", "other", PLACE, code=1)
        harvest(url, "-o", file, "--report", tmp_path / "r.jsonl", PLACE, code=1)
        kept = file.read_bytes()
        file.write_bytes(kept[:-1])
        assert "was changed" in harvest(url, "-o", file, PLACE, code=1).stderr
        file.write_bytes(kept)
        point = Path(f"{file}.harvest")
        text = point.read_text("utf-8")
        for damaged in ("", "[]", "{}", text.replace('"form": 1', '"form": 2')):
            point.write_text(damaged, "utf-8")
            assert "cannot be gone on from" in harvest(url, "-o", file, PLACE, code=1).stderr
        point.write_text(text, "utf-8")
        site.script = lambda _: None
        harvest(url, "-o", file, PLACE)
    assert len(titles(file)) == 9


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    file, report = tmp_path / "mine.xml", tmp_path / "mine.jsonl"
    report.write_text("my report", "utf-8")
    with serving(Site(books(3))) as url:
        harvest(url, "-o", file, "--report", report, PLACE, code=1)
        assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.jsonl"]
        file.write_text("my work", "utf-8")
        assert "is there already" in harvest(url, "-o", file, PLACE, code=1).stderr
    assert file.read_text("utf-8") == "my work"


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_record_that_cannot_be_read_is_left_out_named_and_ends_with_1(tmp_path: Path) -> None:
    file, report = tmp_path / "books.xml", tmp_path / "books.jsonl"

    def broken(asked: Asked) -> bytes | None:
        at = asked.honest.find(b"Title 5 ")
        return asked.honest[:at] + b"<&" + asked.honest[at:] if at >= 0 else None

    with serving(Site(books(9), broken)) as url:
        done = harvest(url, "-o", file, "--report", report, PLACE, code=1)
    assert {int(title.split()[1]) for title in titles(file)} == {1, 2, 3, 4, 6, 7, 8, 9}
    assert len(titles(file)) == 11
    assert "twice in the file, at most, because their list broke off: 3" in done.stderr
    assert "could not be read and left out: 1" in done.stderr
    (note,) = [each for each in lines(report) if each.get("note") == "quarantined"]
    assert note["identifier"].endswith("/5")
    assert "  quarantined: 1 note; the first: " in done.stderr


def test_what_is_no_provider_is_one_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def locked(asked: Asked) -> Sent:
        return Sent(status=404)

    with serving(Site(books(3), locked)) as url:
        done = harvest(url, "-o", tmp_path / "x.xml", PLACE, code=1)
    assert done.stderr == "bookbridge: x.xml: refused: HTTP status 404.\n"
    assert not list(tmp_path.iterdir())


def test_a_first_list_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    def locked(asked: Asked) -> Sent | None:
        return Sent(status=403) if asked.verb == "ListRecords" else None

    with serving(Site(books(3), locked)) as url:
        harvest(url, "-o", tmp_path / "x.xml", "--report", tmp_path / "x.jsonl", PLACE, code=1)
    assert not list(tmp_path.iterdir())


def test_this_machine_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    site = Site(books(3))
    with serving(site) as url:
        for there in (url, url.replace("127.0.0.1", "localhost")):
            done = harvest(there, "-o", tmp_path / "x.xml", code=1)
            assert "is no public address; --allow-private lets it be called." in done.stderr
    assert not site.log
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - an address to be refused
        "100.64.0.1",
        "224.0.0.1",
        "2130706433",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fd00::1]",
        "[fe80::1]",
    ],
)
def test_no_address_of_a_machine_or_its_network_is_called(host: str) -> None:
    with (
        pytest.raises(Unreached, match="is no public address") as refused,
        Port(f"http://{host}/oai")(Query([("verb", "Identify")], 1, 1)),
    ):
        pass
    assert not refused.value.again


def test_wrong_usage_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "x.xml"
    for url in ("ftp://books.example.org/", "books.example.org", "http://me:secret@example.org/"):
        assert "secret" not in harvest(url, "-o", file, code=2).stderr
    url = "http://books.example.org/"
    harvest(url, code=2)
    harvest(url, "-o", file, "--from", "yesterday", code=2)
    harvest(url, "-o", file, "--from", "2026-02-01", "--until", "2026-01-01", code=2)
    harvest(url, "-o", file, "--report", file, code=2)


# --- the port -----------------------------------------------------------------------------------


def _always(sent: Sent, _: Asked) -> Sent:
    return sent


def _ask(url: str) -> tuple[int, dict[str, str], bytes]:
    port = Port(url, networks=EVERYWHERE)
    try:
        with port(Query([("verb", "Identify")], 2, 2)) as reply:
            return reply.status, dict(reply.headers), b"".join(reply.pieces)
    finally:
        port.close()


def test_a_body_comes_as_it_was_sent_and_a_short_one_is_told() -> None:
    packed = gzip.compress(b"<x/>")
    gzipped = Sent(packed, headers=(XML, ("Content-Encoding", "gzip")))
    with serving(Site(books(1), lambda _: gzipped)) as url:
        assert _ask(url)[2] == packed
    with (
        serving(Site(books(1), lambda _: Sent(b"<x", length=50))) as url,
        pytest.raises(Unreached, match="broke off"),
    ):
        _ask(url)


def test_redirects_are_followed_five_times_and_never_elsewhere_than_the_web() -> None:
    def around(asked: Asked) -> Sent:
        return Sent(status=302, headers=(("Location", "?verb=Identify"),))

    site = Site(books(1), around)
    with serving(site) as url, pytest.raises(Unreached, match="redirects in a row"):
        _ask(url)
    assert len(site.log) == 6
    for location in ("file:///etc/passwd", "ftp://example.org/", "http://me:pw@127.0.0.1/", "//["):
        elsewhere = Sent(status=301, headers=(("Location", location),))
        site = Site(books(1), partial(_always, elsewhere))
        with serving(site) as url:
            assert _ask(url)[0] == 301


def test_every_redirect_is_checked_like_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def localhost_alone(host: str, port: int, *, allow_loopback: bool) -> str:
        checked.append(host)
        return str(filter_host(host, port, allow_loopback=host == "localhost"))

    monkeypatch.setattr(ip_filter_adapter, "filter_host", localhost_alone)
    site = Site(books(1))
    with serving(site) as url:
        site.script = partial(_always, Sent(status=302, headers=(("Location", f"{url}?x=1"),)))
        port = Port(url.replace("127.0.0.1", "localhost"))
        with pytest.raises(Unreached, match="is no public address"), port(Query([], 2, 2)):
            pass
        port.close()
    assert checked == ["localhost", "127.0.0.1"]
    assert len(site.log) == 1


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_no_redirect_leads_from_https_to_http(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    asked: list[str] = []

    def moved(_: Port, url: str, query: Query, auth: object) -> requests.Response:
        asked.append(url)
        answer = requests.Response()
        answer.status_code, answer.raw = 302, BytesIO()
        answer.headers["Location"] = "http://books.example.org/oai"
        return answer

    monkeypatch.setattr(Port, "_asked", moved)
    with Port(f"{scheme}://books.example.org/oai")(Query([], 2, 2)) as reply:
        assert reply.status == 302
    assert len(asked) == 1


def test_credentials_in_an_address_are_refused() -> None:
    with pytest.raises(Invalid, match="Credentials"):
        Port("https://me:secret@books.example.org/oai")
