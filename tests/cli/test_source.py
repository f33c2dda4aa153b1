"""`bookbridge source` and `bookbridge harvest NAME`: a partner's provider, kept and harvested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Bookbridge
from tests.oai.hostile import Sent, books, serving
from tests.oai.hostile import Site as Provider

SECRET = b"a very hidden secret\n"


@pytest.fixture
def provider() -> Iterator[tuple[Provider, str]]:
    there = Provider(books(4))
    with serving(there) as url:
        yield there, url


@pytest.fixture(autouse=True)
def _reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKBRIDGE_REACHABLE_NETWORKS", "127.0.0.0/8")


@pytest.fixture
def added(bookbridge: Bookbridge, provider: tuple[Provider, str]) -> Provider:
    """A source named nagasaki with credentials, whose records are committed at once."""
    there, url = provider
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki Library")
    made = bookbridge(
        *("source", "add", "nagasaki", "--partner", "nagasaki", "--url", url, "--every", "1d"),
        *("--user", "seaside", "--token-stdin", "--auto-commit"),
        stdin=SECRET,
    )
    assert "Next: bookbridge harvest nagasaki" in made.stdout
    return there


def test_a_source_lives_from_its_entering_to_its_end(
    bookbridge: Bookbridge, added: Provider
) -> None:
    assert "nagasaki  ACTIVE  OFFERS" in bookbridge("source", "list").stdout
    shown = bookbridge("source", "show", "nagasaki").stdout
    assert "list: from-nagasaki" in shown
    assert "credentials: kept" in shown
    assert "PAUSED" in bookbridge("source", "pause", "nagasaki").stdout
    assert "ACTIVE" in bookbridge("source", "resume", "nagasaki").stdout
    assert "--yes" in bookbridge("source", "remove", "nagasaki", code=1).stderr
    bookbridge("source", "remove", "nagasaki", "--yes")
    assert "There are no sources yet" in bookbridge("source", "list").stdout
    bookbridge("source", "show", "nagasaki", code=1)


def test_credentials_are_asked_for_kept_and_never_shown(
    bookbridge: Bookbridge, added: Provider, data_dir: Path
) -> None:
    told = bookbridge("harvest", "nagasaki")
    assert all(each.headers["authorization"].startswith("Basic ") for each in added.log)
    for shown in (
        told,
        bookbridge("source", "list"),
        bookbridge("source", "show", "nagasaki"),
        bookbridge("harvest", "--status"),
        bookbridge("doctor"),
    ):
        assert SECRET.decode().strip() not in shown.output
    for file in data_dir.iterdir():
        assert SECRET.strip() not in file.read_bytes()
    words = ("source", "add", "x", "--partner", "nagasaki", "--url", "https://b.example.org/")
    bookbridge(*words, "--user", "me", code=2)
    bookbridge(*words, "--token-stdin", code=2, stdin=b"x")
    bookbridge(*words, "--token", "x", code=2)


def test_a_source_is_harvested_now_and_what_came_is_told(
    bookbridge: Bookbridge, added: Provider
) -> None:
    told = bookbridge("harvest", "nagasaki").stdout
    assert "DONE  full  4 records, 0 deleted, 2 pages" in told
    assert "4 titles" in bookbridge("list", "show", "from-nagasaki").stdout
    added.memory.publish(2, deleted=True)
    assert "changes" in bookbridge("harvest", "nagasaki").stdout
    assert "3 titles" in bookbridge("list", "show", "from-nagasaki").stdout
    assert "full" in bookbridge("harvest", "nagasaki", "--full").stdout
    history = bookbridge("harvest", "--status", "nagasaki").stdout
    assert history.count("DONE") == 3
    assert bookbridge("harvest", "--status").stdout.count("DONE") == 1


def test_without_auto_commit_the_next_step_is_told(
    bookbridge: Bookbridge, provider: tuple[Provider, str]
) -> None:
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki Library")
    bookbridge("source", "add", "here", "--partner", "nagasaki", "--url", provider[1])
    told = bookbridge("harvest", "here").stdout
    batch = told.rpartition("Next: bookbridge batch commit ")[2].strip()
    bookbridge("batch", "commit", batch)
    assert "4 titles" in bookbridge("list", "show", "from-here").stdout


def test_what_failed_is_told_and_the_same_command_goes_on(
    bookbridge: Bookbridge, added: Provider
) -> None:
    added.script = lambda asked: Sent(b"<h1>Not here</h1>", 404) if asked.token else None
    told = bookbridge("harvest", "nagasaki", code=1)
    assert "404" in told.stdout
    assert "1 failure in a row; it is tried again later" in told.stdout
    added.script = lambda _: None
    asked = len(added.log)
    assert "DONE" in bookbridge("harvest", "nagasaki").stdout
    assert len(added.log) == asked + 1


def test_so_much_gone_needs_a_yes(bookbridge: Bookbridge, added: Provider) -> None:
    bookbridge("harvest", "nagasaki")
    added.memory.items.clear()
    told = bookbridge("harvest", "nagasaki", "--full", code=1)
    command = "bookbridge harvest nagasaki --full --accept-vanished"
    assert command in told.stdout
    bookbridge(*command.split()[1:])
    assert "0 titles" in bookbridge("list", "show", "from-nagasaki").stdout


def test_wrong_usage_ends_with_2(bookbridge: Bookbridge, added: Provider) -> None:
    bookbridge("harvest", code=2)
    bookbridge("harvest", "nagasaki", "--set", "x", code=2)
    bookbridge("harvest", "nagasaki", "--full", "--from", "2026-01-01", code=2)
    bookbridge("harvest", "nagasaki", "-o", "x.xml", "--full", code=2)
    bookbridge("harvest", "https://books.example.org/oai", code=2)
    bookbridge("harvest", "--status", "nagasaki", "--full", code=2)
    bookbridge("harvest", "nobody", code=1)
    words = ("source", "add", "x", "--partner", "nagasaki", "--url", "https://b.example.org/")
    for every in ("1y", "0d", "-1d", "1s", "", "d"):
        bookbridge(*words, "--every", every, code=2)
    for url in ("http://10.0.0.1/oai", "http://me:secret@b.example.org/", "ftp://b.example.org/"):
        refused = bookbridge(*words[:-1], url, code=1)
        assert "secret" not in refused.output
