"""What the doctor tells of renditions that the crosswalks of this program did not make."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.domain.rendition import CROSSWALKS, Crosswalk
from service.store import jobs
from service.store.db import Database
from service.usecases import rerendering
from tests.cli.conftest import Bookbridge
from tests.service.builders import a_file, a_record

_NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def stocked(bookbridge: Bookbridge, data_dir: Path) -> Database:
    """The site's database, with two books in it."""
    file = data_dir / "books.mrc"
    file.write_bytes(a_file(a_record("One", number="1"), a_record("Two", number="2")))
    bookbridge("list", "create", "spring", "--title", "Spring")
    bookbridge("import", str(file), "--list", "spring")
    return Database(f"sqlite:///{data_dir}/bookbridge.sqlite3")


def raise_to(monkeypatch: pytest.MonkeyPatch, edition: int) -> Crosswalk:
    made = CROSSWALKS["oai_dc"]._replace(edition=edition)
    monkeypatch.setitem(CROSSWALKS, "oai_dc", made)
    return made


def test_the_doctor_tells_what_is_outdated_and_how_far_the_work_is(
    bookbridge: Bookbridge, stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "all were made by the crosswalks of this version" in bookbridge("doctor").stdout
    raise_to(monkeypatch, 2)
    told = bookbridge("doctor").stdout
    assert "Renditions: 2 were made by earlier crosswalks" in told
    assert "a worker makes them anew: it looks when it starts" in told
    assert rerendering.order(stocked, _NOW)
    assert "a worker makes them anew: 0 of 2 done" in bookbridge("doctor").stdout
    stocked.close()


def test_the_doctor_calls_for_a_person_when_it_failed(
    bookbridge: Bookbridge, stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_to(monkeypatch, 2)
    rerendering.order(stocked, _NOW)
    with stocked.write() as conn:
        held = jobs.lease(conn, _NOW)
        assert held is not None
        jobs.fail(conn, held, "1 renditions could not be made anew", _NOW)
    assert "failed: 1 renditions could not be made anew" in bookbridge("doctor", code=1).stdout
    stocked.close()


def test_the_doctor_says_that_this_is_the_older_program(
    bookbridge: Bookbridge, stocked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_to(monkeypatch, 0)
    told = bookbridge("doctor").stdout
    assert "some in oai_dc were made by a newer version of Bookbridge" in told
    assert not rerendering.order(stocked, _NOW)
    stocked.close()
