"""OAI-PMH edge cases 39, 43 to 48 and 55 in MODS, the format that is made on demand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marc_mappings.record import Field, Subfield
from service.store import renditions
from service.store.tables import rendition
from service.usecases import rendering
from tests.oai.asking import NS
from tests.real.edge_case_library import HEADERS, Library, served
from tests.service.builders import a_record

MODS = "verb=ListRecords&metadataPrefix=mods"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


@pytest.fixture
def library(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """Seven books in pages of three, one taken back before anybody asked for MODS."""
    with served(sqlite_template, tmp_path) as library:
        library.books(7)
        library.withdraw(library.identifiers()[2])
        yield library


def stored(library: Library) -> int:
    with library.site.db.read() as conn:
        found = conn.execute(rendition.select().where(rendition.c.prefix == "mods"))
        return len(found.all())


def test_39_40_47_mods_lists_the_same_records_as_every_other_format(library: Library) -> None:
    pages = library.pages(MODS)
    assert [page.flow for page in pages] == [("0", "7"), ("3", "7"), ("6", "7")]
    wanted = library.headers(HEADERS)
    assert library.headers(MODS) == wanted
    assert library.headers(HEADERS.replace("oai_dc", "mods")) == wanted
    assert [page.body for page in library.pages(MODS)] == [page.body for page in pages]


def test_48_mods_is_one_valid_element_that_says_its_schema(library: Library) -> None:
    told = library.ask("verb=ListMetadataFormats")
    schemas = dict(
        zip(told.texts(".//o:metadataPrefix/text()"), told.texts(".//o:schema/text()"), strict=True)
    )
    for page in library.pages(MODS):
        for holder in page.root.iterfind(".//o:metadata", NS):
            (root,) = holder
            assert root.tag == "{http://www.loc.gov/mods/v3}mods"
            assert (root.get(XSI) or "").split() == ["http://www.loc.gov/mods/v3", schemas["mods"]]


def test_43_a_deleted_record_is_a_header_in_mods_too(library: Library) -> None:
    (gone,) = [header.identifier for header in library.headers() if header.deleted]
    told = library.ask(f"verb=GetRecord&metadataPrefix=mods&identifier={gone}")
    assert told.texts(".//o:header/@status") == ["deleted"]
    assert told.root.find(".//o:metadata", NS) is None


def test_mods_is_made_once_and_stored(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stored(library) == 0
    first = library.identifiers()[0]
    library.ask(f"verb=GetRecord&metadataPrefix=mods&identifier={first}")
    assert stored(library) == 1
    before = [page.body for page in library.pages(MODS)]
    assert stored(library) == 6

    def again(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(renditions, "keep", again)
    assert [page.body for page in library.pages(MODS)] == before


def test_26_mods_that_cannot_be_stored_is_not_given_but_asked_for_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody was given and nobody kept could change and keep its datestamp."""
    monkeypatch.setattr(rendering, "_PATIENCE_MS", 50)
    with library.site.db.write():
        answer = library.fetch(MODS)
        assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert stored(library) == 0
    assert len(library.ask(MODS).identifiers) == 3
    with library.site.db.write():  # what is stored is given whoever writes
        assert len(library.ask(MODS).identifiers) == 3


def test_what_is_local_is_not_in_mods(library: Library) -> None:
    local = Field("590", "  ", (Subfield("a", "Our shelf"),))
    library.bring(a_record("With a local note", number="x", extra=(local,)))
    bodies = b"".join(page.body for page in library.pages(MODS))
    assert b"With a local note" in bodies
    assert b"Our shelf" not in bodies


def test_55_every_set_is_described_and_a_list_by_its_own_words(library: Library) -> None:
    library.open("autumn", description="Fiction & <poetry>")
    library.bring(a_record("A", number="a"), slug="autumn")
    told = library.ask("verb=ListSets")
    assert len(told.root.findall(".//o:setDescription", NS)) == len(
        told.root.findall(".//o:set", NS)
    )
    assert told.texts(".//dc:description/text()") == ["Fiction & <poetry>"]
