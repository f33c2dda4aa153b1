"""OAI-PMH edge cases 17 and 51: rights, friends, branding and provenance, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oai import containers
from oai.containers import Origin
from service.config import load
from service.errors import Misconfigured
from service.store import bulk
from service.store.feed import PROVENANCE
from service.store.tables import feed_item, rendition
from tests.oai.asking import NS
from tests.real.edge_case_library import HEADERS, LIST, Library, served

LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
FRIENDS = ("https://nagasaki.example.org/oai?x=1&y=2", "http://brno.example.org/oai")
ORIGIN = Origin(
    base_url="https://nagasaki.example.org/oai",
    identifier="oai:nagasaki.example.org:offer/1",
    datestamp="2021-01-01",
    namespace="http://www.loc.gov/MARC21/slim",
    harvested="2021-02-02T00:00:00Z",
    altered=True,
    origin=Origin(
        base_url="https://first.example.org/oai",
        identifier="oai:first.example.org:1",
        datestamp="2020-01-01T00:00:00Z",
        namespace="http://www.loc.gov/MARC21/slim",
        harvested="2020-02-02T00:00:00Z",
        altered=False,
    ),
)


@pytest.fixture
def library(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """Four books, the first of which came from a partner; with a licence, friends and an icon."""
    given = {
        "metadata_rights": LICENCE,
        "friends": FRIENDS,
        "icon_url": "https://books.example.org/icon.png",
    }
    with served(sqlite_template, tmp_path, **given) as library:
        library.books(4)
        with library.site.db.write() as conn:
            version = conn.execute(feed_item.select().order_by(feed_item.c.id)).first()
            assert version is not None
            row = (version.version_id, PROVENANCE, containers.provenance(ORIGIN))
            bulk.insert(conn, rendition, ("version_id", "prefix", "body"), [row])
        yield library


def test_17_identify_names_rights_friends_and_an_icon(library: Library) -> None:
    told = library.ask("verb=Identify")
    roots = [each[0].tag.partition("}")[2] for each in told.root.iterfind(".//o:description", NS)]
    assert roots == ["oai-identifier", "friends", "rightsManifest", "branding"]
    assert [each.text for each in told.root.iterfind(".//{*}friends/{*}baseURL")] == [*FRIENDS]
    assert told.texts(".//@ref") == [LICENCE]
    assert [each.text for each in told.root.iterfind(".//{*}collectionIcon/{*}url")]


@pytest.mark.parametrize("prefix", ["oai_dc", "marc21", "marcxml"])
def test_51_a_record_from_a_partner_tells_where_it_came_from(library: Library, prefix: str) -> None:
    first, *others = library.identifiers()
    pages = library.pages(LIST.replace("oai_dc", prefix))
    records = [each for page in pages for each in page.root.iterfind(".//o:record", NS)]
    assert len(records) == 4
    assert [len(each.findall("o:about", NS)) for each in records] == [2, 1, 1, 1]
    for identifier, abouts in ((first, 2), (others[0], 1)):
        told = library.ask(f"verb=GetRecord&metadataPrefix={prefix}&identifier={identifier}")
        assert len(told.root.findall(".//o:about", NS)) == abouts
    (outer,) = records[0].iterfind(".//{*}provenance/{*}originDescription")
    assert outer.findtext("{*}baseURL") == ORIGIN.base_url
    assert outer.findtext("{*}datestamp") == "2021-01-01"
    assert (outer.get("harvestDate"), outer.get("altered")) == ("2021-02-02T00:00:00Z", "true")
    assert outer.findtext("{*}originDescription/{*}identifier") == "oai:first.example.org:1"
    header = next(each for each in library.headers() if each.identifier == first)
    assert header.stamp > 2_400_000_000  # ours, and not the partner's


def test_51_every_record_names_its_licence_and_headers_and_tombstones_nothing(
    library: Library,
) -> None:
    first = library.identifiers()[0]
    for page in library.pages(LIST):
        assert page.texts(".//o:about//@ref") == [LICENCE] * len(page.identifiers)
    assert b"<about>" not in library.fetch(HEADERS).body
    library.withdraw(first)
    told = library.ask(f"verb=GetRecord&metadataPrefix=oai_dc&identifier={first}")
    assert told.root.find(".//o:about", NS) is None


def test_51_without_a_licence_nothing_is_said_of_rights(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as library:
        library.books(1)
        assert b"<about>" not in library.fetch(LIST).body
        assert b"rights" not in library.fetch("verb=Identify").body


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metadata_rights", "CC0"),
        ("metadata_rights", "https://a.org/ b"),
        ("icon_url", "javascript:alert(1)"),
        ("friends", "nagasaki.example.org"),
    ],
)
def test_17_a_setting_that_would_make_answers_invalid_is_refused(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        load({}, **{name: value})
