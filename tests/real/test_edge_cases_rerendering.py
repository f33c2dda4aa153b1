"""OAI-PMH edge case 26: a new crosswalk is a change of what it makes otherwise, and of no more."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from lxml import etree

from oai.datestamp import written
from service.domain.rendition import CROSSWALKS
from service.store.db import Database
from service.store.tables import rendition
from service.usecases import rerendering
from tests.oai.asking import NS, Told, read
from tests.real.conftest import Server, start, stop
from tests.real.edge_case_library import Library, bounds, response_date, served
from tests.service.builders import a_file, a_record
from tests.service.test_rerendering import saying

pytestmark = pytest.mark.slow

FORMATS = ("oai_dc", "marc21", "marcxml", "mods")


@pytest.fixture
def library(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """Seven books in pages of three, harvested in every format."""
    with served(sqlite_template, tmp_path) as library:
        library.books(7)
        yield library


def listing(prefix: str) -> str:
    return f"verb=ListRecords&metadataPrefix={prefix}"


def bodies(pages: list[Told]) -> dict[str, bytes]:
    """Return what stands in ``metadata``, by identifiers."""
    found = {}
    for page in pages:
        for each in page.root.iterfind(".//o:record", NS):
            name = each.findtext("o:header/o:identifier", namespaces=NS)
            (metadata,) = each.iterfind("o:metadata/*", NS)
            found[str(name)] = etree.tostring(metadata, with_tail=False)
    return found


def test_26_a_new_crosswalk_moves_the_datestamps_of_what_it_changes(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, from_ = {}, {}
    for prefix in FORMATS:
        pages = library.pages(listing(prefix))
        held[prefix], from_[prefix] = bodies(pages), response_date(pages[0])
    stamps = {each.identifier: each.stamp for each in library.headers()}
    library.clock.move(60)
    for prefix, of in (("oai_dc", "1"), ("marc21", "14"), ("mods", "5")):
        monkeypatch.setitem(CROSSWALKS, prefix, saying(prefix, 2, of))
    changed = {library.named(f"Book {n}") for n in (1, 4, 5)}
    for prefix in FORMATS:  # until it is done, everybody is given what was given before
        assert library.ask(listing(prefix) + bounds(from_=from_[prefix])).codes == [
            "noRecordsMatch"
        ]
        assert bodies(library.pages(listing(prefix))) == held[prefix]

    assert rerendering.order(library.site.db, library.site.now())
    library.publish()
    for prefix in FORMATS:
        pages = library.pages(listing(prefix) + bounds(from_=from_[prefix]))
        came = bodies(pages)
        assert came.keys() == changed
        held[prefix] |= came
        assert held[prefix] == bodies(library.pages(listing(prefix)))
        behind = bounds(from_=response_date(pages[0]) + 1)
        assert library.ask(listing(prefix) + behind).codes == ["noRecordsMatch"]
    assert held["marc21"] == held["marcxml"]
    after = {each.identifier: each.stamp for each in library.headers()}
    moved = {name for name in stamps if after[name] != stamps[name]}
    assert moved == changed
    assert all(after[name] > stamps[name] for name in moved)


@pytest.fixture
def older(tmp_path: Path) -> Server:
    """A server that ended, over a database that an older program wrote: one book was other."""
    server, process = start(tmp_path)
    server.run("list", "create", "spring", "--title", "Spring")
    file = tmp_path / "books.mrc"
    file.write_bytes(a_file(*(a_record(f"Book {n}", number=str(n)) for n in range(5))))
    server.run("import", str(file), "--list", "spring")
    server.run("list", "open", "spring")
    stop(process)
    db = Database(f"sqlite:///{tmp_path}/bookbridge.sqlite3")
    with db.write() as conn:
        conn.execute(rendition.update().values(edition=0))
        was = conn.execute(
            sa.select(rendition.c.version_id, rendition.c.body).where(
                rendition.c.prefix == "oai_dc"
            )
        )
        for version, body in was.all():
            if b"Book 3" in body:
                conn.execute(
                    rendition.update()
                    .where(rendition.c.version_id == version, rendition.c.prefix == "oai_dc")
                    .values(body=body.replace(b"<dc:title>", b"<dc:title>Older "))
                )
    db.close()
    return server


def titles(server: Server, from_: str = "") -> tuple[list[str], str]:
    """Return the titles of a list on one page, and its ``responseDate``."""
    query = listing("oai_dc") + (f"&from={from_}" if from_ else "")
    told = read(requests.get(f"{server.url}/oai?{query}", timeout=10).content)
    if told.codes == ["noRecordsMatch"]:
        return [], ""
    return sorted(told.texts(".//dc:title/text()")), told.texts("o:responseDate/text()")[0]


def test_26_after_an_upgrade_the_worker_does_it_by_itself(older: Server, tmp_path: Path) -> None:
    assert "10 were made by earlier crosswalks" in older.run("doctor")
    db = Database(f"sqlite:///{tmp_path}/bookbridge.sqlite3")
    with db.read() as conn:
        stamp = conn.execute(sa.text("SELECT max(stamp) FROM feed_item")).scalar_one()
    db.close()
    server, process = start(tmp_path)
    process.send_signal(signal.SIGKILL)  # its worker ends with it, wherever it was
    process.wait(10)
    server, process = start(tmp_path)
    try:
        deadline = time.monotonic() + 60
        while not (came := titles(server, written(stamp + 1))[0]):
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert came == ["Book 3"]
        assert titles(server)[0] == [f"Book {n}" for n in range(5)]
        while "all were made by the crosswalks of this version" not in server.run("doctor"):
            assert time.monotonic() < deadline
        assert titles(server, written(stamp + 1))[0] == ["Book 3"]
    finally:
        stop(process)
