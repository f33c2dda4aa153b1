"""`bookbridge allocate` and `bookbridge wish`: what they decide, show and refuse."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import config
from service.demo import books
from service.store.db import Database
from service.usecases import membership, offering, wishing
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.cli.conftest import Bookbridge


@pytest.fixture
def wished(bookbridge: Bookbridge, data_dir: Path, tmp_path: Path) -> list[str]:
    """A closed list that two partners wished from; return the titles, the second twice wished."""
    file = tmp_path / "books.mrc"
    file.write_bytes(books.file())
    bookbridge("list", "create", "autumn", "--title", "Books")
    bookbridge("import", str(file), "--list", "autumn")
    bookbridge("list", "open", "autumn")
    settings = config.load({}, data_dir=data_dir)
    db = Database(settings.database)
    site = Site(db, settings, time.time)
    offers = offering.browse(db, None, slug="autumn", limit=2)
    for code, chosen in (("nagasaki", offers), ("kaohsiung", offers[1:])):
        partner = membership.add_partner(db, code=code, name=code, now=datetime.now(UTC))
        body = "\n".join(f"offer/{each.public_id}" for each in chosen).encode()
        request = Request(body, "text/uri-list")
        wishing.receive(db, partner, request, site.names(), site.wish_limits(), site.now())
    db.close()
    bookbridge("list", "close", "autumn")
    return [offer.title for offer in offers]


FIRST = ("--policy", "first_come", "--seed", "2026")


def test_a_list_is_planned_confirmed_once_and_shown_as_often_as_asked(
    bookbridge: Bookbridge, wished: list[str]
) -> None:
    tried = bookbridge("allocate", "autumn", "--dry-run", *FIRST).stdout
    assert "nothing of this is kept" in tried
    assert "has not been allocated" in bookbridge("allocate", "autumn", "--show", code=1).stderr
    planned = bookbridge("allocate", "autumn", *FIRST).stdout
    assert "PROPOSED  by FIRST_COME  seed 2026  2 of 3 wishes met" in planned
    assert "Nobody is told yet. Next: bookbridge allocate autumn --confirm" in planned
    assert "autumn  CLOSED" in bookbridge("list", "show", "autumn").stdout
    done = bookbridge("allocate", "autumn", "--confirm").stdout
    assert "autumn  ALLOCATED  by FIRST_COME" in done
    assert "2 of 3 wishes met; 2 copies for 1 partner" in done
    shown = bookbridge("allocate", "autumn", "--show").stdout
    assert shown.splitlines()[2::2] == tried.splitlines()[2::2]
    assert f"kaohsiung  0 of 1  NOT_ALLOCATED  {wished[1]}" in shown
    assert "Not allocated: the only copy went to an earlier wish" in shown
    again = bookbridge("allocate", "autumn", "--confirm").stdout
    assert again.startswith("autumn was allocated on ")
    assert "CLOSED can allocate" in bookbridge("allocate", "autumn", code=1).stderr
    assert "autumn  ALLOCATED" in bookbridge("list", "show", "autumn").stdout
    assert "autumn  ARCHIVED" in bookbridge("list", "archive", "autumn", "--yes").stdout


def test_another_policy_is_compared_with_the_plan(
    bookbridge: Bookbridge, wished: list[str]
) -> None:
    # Whichever title the lot takes first: else it may be the one that both want, which draws again.
    bookbridge("partner", "change", "kaohsiung", "--set", "priority=1")
    bookbridge("allocate", "autumn", *FIRST)
    tried = bookbridge("allocate", "autumn", "--dry-run", "--policy", "priority").stdout
    assert tried.startswith("PRIORITY  seed 2026  nothing of this is kept")
    assert tried.splitlines()[-2:] == ["kaohsiung  0 → 1 (+1)", "nagasaki  2 → 1 (-1)"]
    assert "by FIRST_COME" in bookbridge("allocate", "autumn", "--show").stdout


def test_what_is_declined_goes_to_the_next_in_line(
    bookbridge: Bookbridge, wished: list[str]
) -> None:
    bookbridge("allocate", "autumn", "--confirm", *FIRST)
    wishes = json.loads(bookbridge("allocate", "autumn", "--show", "--json").stdout)["wishes"]
    number = next(e["position"] for e in wishes if e["title"] == wished[1] and e["given"])
    left = bookbridge("allocate", "autumn", "--decline", str(number), "--reason", "Too old").stdout
    assert ": Too old." in left
    shown = bookbridge("allocate", "autumn", "--show").stdout
    assert f"kaohsiung  1 of 1  CONFIRMED  {wished[1]}" in shown
    refused = bookbridge("allocate", "autumn", "--accept", str(number), code=1).stderr
    assert "this allocation is DECLINED: it cannot be accepted; possible: nothing" in refused
    bookbridge("allocate", "autumn", "--decline", "1", "--accept", "1", code=2)


def test_what_was_decided_can_be_read_by_machines(
    bookbridge: Bookbridge, wished: list[str]
) -> None:
    planned = json.loads(bookbridge("allocate", "autumn", "--dry-run", *FIRST, "--json").stdout)
    assert planned["run"] is None
    assert planned["what_if"]["met"] == 2
    done = json.loads(bookbridge("allocate", "autumn", "--confirm", *FIRST, "--json").stdout)
    assert done == json.loads(bookbridge("allocate", "autumn", "--show", "--json").stdout)
    assert (done["run"]["policy"], done["run"]["given"]) == ("FIRST_COME", 2)
    assert [each["reason"] for each in done["wishes"]] == [
        each["reason"] for each in planned["wishes"]
    ]
    assert done["wishes"][0]["wished_at"].endswith("Z")


def test_what_cannot_be_allocated_is_told_plainly(bookbridge: Bookbridge) -> None:
    bookbridge("list", "create", "autumn", "--title", "Books")
    bookbridge("list", "open", "autumn")
    for more in ([], ["--dry-run"]):
        refused = bookbridge("allocate", "autumn", *more, code=1)
        assert "only a list that is CLOSED can allocate" in refused.stderr
    assert "no offer list" in bookbridge("allocate", "spring", code=1).stderr
    bookbridge("allocate", "autumn", "--dry-run", "--show", code=2)


def test_wishes_for_what_nobody_offers_are_refused(bookbridge: Bookbridge) -> None:
    assert "There are no such wishes" in bookbridge("wish", "list").stdout
    assert "no partner offers us X" in bookbridge("wish", "add", "X", code=1).stderr
    assert "no partner with code" in bookbridge("wish", "send", "busan", code=1).stderr
    assert "no such wish" in bookbridge("wish", "withdraw", "X", code=1).stderr
    bookbridge("wish", "add", "X", "--quantity", "0", code=2)
    bookbridge("wish", "list", "--state", "LOST", code=2)


def test_sending_with_nothing_noted_is_no_fault(bookbridge: Bookbridge) -> None:
    bookbridge("partner", "add", "busan", "--name", "Busan")
    assert bookbridge("wish", "send", "busan").stdout == ""
    assert "busan offers nothing now" in bookbridge("wish", "offers", "busan").stdout
