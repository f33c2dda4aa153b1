"""OAI-PMH edge cases 13 to 18, Identify, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oai.datestamp import parse
from service.domain.offer import ListAction
from tests.oai.asking import NS
from tests.real.edge_case_library import (
    BASE,
    HEADERS,
    LIST,
    MARC,
    REPOSITORY,
    Library,
    served,
)
from tests.service.builders import a_record

IDENTIFY = "verb=Identify"
REQUESTS = [
    IDENTIFY,
    "verb=ListSets",
    "verb=ListMetadataFormats",
    LIST,
    HEADERS,
    "verb=x",
    f"{LIST}&until=1999-01-01",
    "verb=ListRecords&resumptionToken=junk",
]


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library with seven books, two of them taken back; no test here changes it."""
    with served(sqlite_template, tmp_path_factory.mktemp("identify"), page_size=10) as library:
        library.books(4)
        library.clock.move(86_400)
        library.books(3, start=4)
        for identifier in library.identifiers()[2:4]:
            library.withdraw(identifier)
        yield library


def test_13_nothing_is_stamped_before_the_earliest_datestamp(library: Library) -> None:
    (earliest,) = library.ask(IDENTIFY).texts("*/o:earliestDatestamp/text()")
    headers = library.headers()
    assert len([header for header in headers if header.deleted]) == 2
    assert all(header.stamp >= parse(earliest) for header in headers)
    assert earliest.endswith("Z")
    assert len(earliest) == len("YYYY-MM-DDThh:mm:ssZ")


def test_13_the_earliest_datestamp_stays_when_all_that_was_old_is_gone(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as library:
        before = library.ask(IDENTIFY).texts("*/o:earliestDatestamp/text()")
        library.books(2)
        library.change("spring", ListAction.WITHDRAW)
        assert library.ask(IDENTIFY).texts("*/o:earliestDatestamp/text()") == before


def test_14_datestamps_and_response_dates_have_the_granularity_of_seconds(
    library: Library,
) -> None:
    assert library.ask(IDENTIFY).texts("*/o:granularity/text()") == ["YYYY-MM-DDThh:mm:ssZ"]
    for query in REQUESTS:
        answer = library.ask(query)
        dates = answer.texts("o:responseDate/text() | .//o:header/o:datestamp/text()")
        assert dates
        assert all(len(date) == 20 and parse(date) for date in dates), query


def test_14_a_response_date_has_seconds_even_when_days_were_asked_for(library: Library) -> None:
    answer = library.ask(f"{LIST}&from=2026-01-01&until=2050-01-01")
    dates = answer.texts("o:responseDate/text() | .//o:header/o:datestamp/text()")
    assert len(dates) > 1
    assert {len(date) for date in dates} == {20}


def test_15_there_is_somebody_to_write_to(library: Library) -> None:
    assert library.ask(IDENTIFY).texts("*/o:adminEmail/text()") == ["exchange@books.example.org"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "evil.example.org"},
        {"X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "ftp"},
        {"Forwarded": "host=evil.example.org;proto=http"},
    ],
)
def test_15_the_base_url_is_the_public_one_whatever_the_request_says_of_its_way(
    library: Library, headers: dict[str, str]
) -> None:
    for query in REQUESTS:
        told = library.fetch(query, headers=headers).told
        assert told.texts("o:request/text()") == [f"{BASE}/oai"]
    told = library.fetch(IDENTIFY, headers=headers).told
    assert told.texts("*/o:baseURL/text()") == [f"{BASE}/oai"]


def test_16_compression_names_what_is_really_given_and_never_identity(library: Library) -> None:
    named = library.ask(IDENTIFY).texts("*/o:compression/text()")
    assert named == ["gzip"]
    for encoding in named:
        answer = library.fetch(LIST, headers={"Accept-Encoding": encoding})
        assert answer.headers["content-encoding"] == encoding


def test_17_identifiers_are_explained_and_the_sample_can_be_fetched(library: Library) -> None:
    told = library.ask(IDENTIFY)
    (root,) = told.root.iterfind(".//{*}oai-identifier")
    said = {child.tag.partition("}")[2]: child.text or "" for child in root}
    sample = said.pop("sampleIdentifier")
    assert said == {"scheme": "oai", "repositoryIdentifier": REPOSITORY, "delimiter": ":"}
    fetched = library.ask(f"verb=GetRecord&metadataPrefix=oai_dc&identifier={sample}")
    assert fetched.identifiers == [sample]
    assert fetched.root.find(".//o:metadata", NS) is not None
    for identifier in library.identifiers():
        assert identifier.startswith(f"oai:{REPOSITORY}:")


def test_18_tombstones_are_persistent_in_lists_and_for_one_record(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as library:
        assert library.ask(IDENTIFY).texts("*/o:deletedRecord/text()") == ["persistent"]
        library.books(4)
        gone = set(library.identifiers()[1:3])
        for identifier in gone:
            library.withdraw(identifier)
        library.clock.move(400 * 86_400)
        library.bring(a_record("Beside it", number="x"))
        for query in (HEADERS, LIST, MARC):
            assert {each.identifier for each in library.headers(query) if each.deleted} == gone
        for identifier in gone:
            for prefix in ("oai_dc", "marc21"):
                told = library.ask(
                    f"verb=GetRecord&metadataPrefix={prefix}&identifier={identifier}"
                )
                assert told.texts(".//o:header/@status") == ["deleted"]
