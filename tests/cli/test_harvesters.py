"""`bookbridge harvesters`: a table for people, lines of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from oai.provider import Answer, ListPart, Selection
from service import config
from service.domain import visit
from service.domain.visit import Harvester
from service.store.db import Database
from service.usecases import membership, visiting
from tests.cli.conftest import Bookbridge
from tests.real.conftest import start, stop

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def db(data_dir: Path) -> Iterator[Database]:
    database = Database(config.load({}, data_dir=data_dir).database)
    yield database
    database.close()


def _visit(db: Database, who: Harvester, answer: Answer, minutes: int = 0) -> None:
    page = visit.of_answer(who, answer, NOW + timedelta(minutes=minutes))
    assert page is not None
    visiting.keep(db, [page], with_addresses=True)


@pytest.fixture
def visited(db: Database) -> Database:
    """A site that a partner harvested whole, and somebody else in part, with errors."""
    partner = membership.add_partner(db, code="nagasaki", name="Nagasaki Library", now=NOW)
    spring = ListPart(Selection("marc21", "list:spring", 0), True, True, 1234)
    _visit(
        db, visit.harvester(partner.id, "", "Koha/24.11"), Answer(b"", "ListRecords", (), spring)
    )
    rest = visit.harvester(None, "192.0.2.7", "evil\x1b[2J" + "x" * 300)
    _visit(db, rest, Answer(b"", "", ("badArgument",)), minutes=5)
    return db


def test_a_table_says_who_harvested_what_and_how_far(
    visited: Database, bookbridge: Bookbridge
) -> None:
    assert visited
    heads, newest, oldest = bookbridge("harvesters").stdout.splitlines()
    assert heads.split() == [
        *("last", "who", "what", "from", "pages", "records", "errors", "state", "agent")
    ]
    assert "2026-05-01 09:05 UTC  192.0.2.7  (unreadable)" in newest
    assert "1 badArgument  not finished  evil [2Jx" in newest
    assert "\x1b" not in newest
    assert "nagasaki   ListRecords marc21 list:spring  1970-01-01T00:00:00Z" in oldest
    assert oldest.split()[-5:] == ["1", "1,234", "0", "finished", "Koha/24.11"]
    assert heads.index("agent") == oldest.index("Koha")


def test_programs_read_lines_of_json(visited: Database, bookbridge: Bookbridge) -> None:
    assert visited
    newest, oldest = map(json.loads, bookbridge("harvesters", "--json").stdout.splitlines())
    assert (newest["address"], newest["partner"], newest["complete"]) == ("192.0.2.7", None, False)
    assert (oldest["set"], oldest["records"], oldest["until"]) == ("list:spring", 1234, None)
    assert oldest["last_at"] == "2026-05-01T09:00:00Z"


def test_harvests_can_be_asked_for_by_partner_and_page_by_page(
    visited: Database, bookbridge: Bookbridge
) -> None:
    assert visited
    assert "192.0.2.7" not in bookbridge("harvesters", "--partner", "nagasaki").stdout
    done = bookbridge("harvesters", "--limit", "1", "--json")
    more = f"More: bookbridge harvesters --before {json.loads(done.stdout)['id']}"
    assert more in done.stderr
    done = bookbridge(*more.split()[2:])
    assert "nagasaki" in done.stdout
    assert done.stderr == ""
    assert "no partner" in bookbridge("harvesters", "--partner", "nobody", code=1).stderr


def test_where_nobody_harvested_that_is_said(bookbridge: Bookbridge) -> None:
    assert bookbridge("harvesters").stdout == "Nobody has harvested yet.\n"
    assert bookbridge("harvesters", "--json").stdout == ""


@pytest.mark.slow
def test_what_a_server_saw_is_written_when_it_ends(tmp_path: Path) -> None:
    server, process = start(tmp_path)
    try:
        for _ in range(3):
            assert requests.get(f"{server.url}/oai?verb=ListRecords", timeout=30).ok
    finally:
        stop(process)
    (line,) = server.run("harvesters", "--json").splitlines()
    found = json.loads(line)
    assert (found["errors"], found["last_error"]) == (3, "badArgument")
    assert found["agent"].startswith("python-requests")
