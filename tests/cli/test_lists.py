"""`bookbridge list`: the life of a list, and moments as people write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from service import config
from service.cli import moments
from service.demo import books
from service.store.db import Database
from service.usecases import offering
from service.usecases.disseminating import FeedRepository
from tests.cli.conftest import Bookbridge


def _in_the_feed(data_dir: Path) -> int:
    settings = config.load({}, data_dir=data_dir)
    db = Database(settings.database)
    try:
        repository = FeedRepository(db, settings, time.time)
        specs = [row.spec for row in repository.sets(None).rows]
        return specs.count("list:autumn")
    finally:
        db.close()


def test_a_list_lives_from_draft_to_archive(
    bookbridge: Bookbridge, data_dir: Path, tmp_path: Path
) -> None:
    made = bookbridge(
        *("list", "create", "autumn", "--title", "Books of autumn"),
        *("--closes-at", "2999-12-31T18:00", "--zone", "Asia/Seoul"),
    )
    assert "autumn  DRAFT  Books of autumn" in made.stdout
    assert "2999-12-31 18:00 Asia/Seoul (2999-12-31 09:00 UTC)" in made.stdout
    file = tmp_path / "books.mrc"
    file.write_bytes(books.file())
    bookbridge("import", str(file), "--list", "autumn")
    assert _in_the_feed(data_dir) == 0
    assert "autumn  OPEN" in bookbridge("list", "open", "autumn").stdout
    assert _in_the_feed(data_dir) == 1, "it is published at once, without a worker"
    assert "71 titles" in bookbridge("list", "show").stdout
    assert "autumn  CLOSED" in bookbridge("list", "close", "autumn").stdout
    assert "autumn  ARCHIVED" in bookbridge("list", "archive", "autumn", "--yes").stdout


def test_what_deletes_for_every_partner_needs_a_yes(bookbridge: Bookbridge) -> None:
    bookbridge("list", "create", "autumn", "--title", "Books")
    bookbridge("list", "open", "autumn")
    done = bookbridge("list", "withdraw", "autumn", code=1)
    assert "--yes" in done.stderr
    assert "OPEN" in bookbridge("list", "show", "autumn").stdout
    assert "WITHDRAWN" in bookbridge("list", "withdraw", "autumn", "--yes").stdout


def test_a_step_that_the_state_forbids_is_told_plainly(bookbridge: Bookbridge) -> None:
    bookbridge("list", "create", "autumn", "--title", "Books")
    assert (
        "only a list that is OPEN can close" in bookbridge("list", "close", "autumn", code=1).stderr
    )
    assert "no offer list" in bookbridge("list", "open", "spring", code=1).stderr
    bookbridge("list", "create", "autumn", "--title", "Books", code=1)
    bookbridge("list", "create", "Not A Slug", "--title", "Books", code=1)


def test_a_list_for_one_partner_needs_that_partner(bookbridge: Bookbridge) -> None:
    arguments = ("list", "create", "for-us", "--title", "Books", "--for", "nagasaki")
    assert "nagasaki" in bookbridge(*arguments, code=1).stderr
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki Prefectural Library")
    bookbridge(*arguments)


def test_a_list_with_a_later_opening_is_scheduled(bookbridge: Bookbridge) -> None:
    done = bookbridge(
        "list", "create", "spring", "--title", "Books", "--opens-at", "2999-03-01T09:00Z"
    )
    assert "spring  SCHEDULED" in done.stdout
    assert "opens 2999-03-01 09:00 UTC" in done.stdout


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-12-31T18:00+09:00", None, datetime(2026, 12, 31, 9, tzinfo=UTC)),
        ("2026-12-31T18:00", "Asia/Seoul", datetime(2026, 12, 31, 9, tzinfo=UTC)),
        ("2026-12-31 18:00Z", "Asia/Seoul", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-07-01T12:00", "America/Los_Angeles", datetime(2026, 7, 1, 19, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_its_offset_or_its_zone(
    text: str, zone: str | None, moment: datetime
) -> None:
    assert moments.read(text, "closes-at", zone) == moment


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("next week", None, "is not a moment"),
        ("2026-12-31", "Asia/Seoul", "say the hour too"),
        ("2026-12-31T18:00", None, "does not say where"),
        ("2026-12-31T18:00", "Mars/Olympus", "is not a time zone"),
        ("2026-03-29T02:30", "Europe/Berlin", "skip"),
    ],
)
def test_a_moment_that_is_not_certain_is_asked_about(
    text: str, zone: str | None, said: str
) -> None:
    with pytest.raises(click.BadParameter, match=said):
        moments.read(text, "closes-at", zone)


def test_a_wrong_moment_is_wrong_usage(bookbridge: Bookbridge) -> None:
    bookbridge("list", "create", "a", "--title", "Books", "--closes-at", "soon", code=2)


def test_a_list_and_a_title_are_changed(
    bookbridge: Bookbridge, data_dir: Path, tmp_path: Path
) -> None:
    bookbridge(
        *("list", "create", "autumn", "--title", "Books", "--zone", "Asia/Seoul"),
        *("--source", "surplus", "--max-per-partner", "5", "--not-to", "us"),
    )
    made = bookbridge(
        *("list", "change", "autumn", "--title", "Books of autumn", "--policy", "FIRST_COME"),
        *("--max-per-partner", "0", "--closes-at", "2999-12-31T18:00"),
    )
    assert "Books of autumn" in made.stdout
    assert "2999-12-31 18:00 Asia/Seoul (2999-12-31 09:00 UTC)" in made.stdout
    assert "SURPLUS; FIRST_COME; not to US" in made.stdout
    assert "at most" not in made.stdout
    never = bookbridge("list", "change", "autumn", "--closes-at", "never")
    assert "closing date" not in never.stdout
    file = tmp_path / "books.mrc"
    file.write_bytes(books.file())
    bookbridge("import", str(file), "--list", "autumn")
    bookbridge("list", "open", "autumn")
    db = Database(config.load({}, data_dir=data_dir).database)
    offer = offering.browse(db, None, limit=1)[0].public_id
    db.close()
    changed = bookbridge(
        *("list", "title", offer, "--copies", "3", "--volumes", "4", "--condition", "Good")
    )
    assert "3 copies of 4 volumes; Good" in changed.stdout
    assert "whole number" in bookbridge("list", "title", offer, "--copies", "0", code=1).stderr


def test_a_draft_is_approved(bookbridge: Bookbridge) -> None:
    bookbridge(
        *("list", "create", "spring", "--title", "Books", "--draft"),
        *("--opens-at", "2999-03-01T09:00Z"),
    )
    assert "spring  DRAFT" in bookbridge("list", "show", "spring").stdout
    assert "spring  SCHEDULED" in bookbridge("list", "approve", "spring").stdout


def test_standing_wishes_are_added_listed_and_stopped(bookbridge: Bookbridge) -> None:
    assert "There are no standing wishes" in bookbridge("standing", "list").stdout
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki")
    added = bookbridge(
        *("standing", "add", "nagasaki", "--title", "History", "--subject", "history"),
        *("--language", "kor", "--language", "jpn", "--from", "1990", "--register"),
    )
    assert "nagasaki  ACTIVE  registers  History  0 met" in added.stdout
    assert "languages: kor | jpn" in added.stdout
    public_id = added.stdout.split()[0]
    assert public_id in bookbridge("standing", "list", "nagasaki").stdout
    assert "0 met" in bookbridge("standing", "show", public_id).stdout
    assert "STOPPED" in bookbridge("standing", "stop", public_id).stdout
    assert "stopped already" in bookbridge("standing", "stop", public_id, code=1).stderr
    bookbridge("standing", "add", "nagasaki", "--title", "X", code=1)
