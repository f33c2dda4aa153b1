"""OAI-PMH edge cases 56 to 60, HTTP, over a real server."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.store.feed_reading import Stream
from tests.real.edge_case_library import HEADERS, LIST, MARC, Library, served, wait_for
from tests.service.builders import a_record

IDENTIFY = "verb=Identify"
ERRORS = [
    ("verb=x", "badVerb"),
    ("verb=ListRecords", "badArgument"),
    ("verb=ListRecords&resumptionToken=x", "badResumptionToken"),
    ("verb=ListRecords&metadataPrefix=nosuch", "cannotDisseminateFormat"),
    ("verb=GetRecord&metadataPrefix=oai_dc&identifier=nosuch", "idDoesNotExist"),
    (f"{LIST}&until=1999-01-01", "noRecordsMatch"),
]


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Sixty books with long titles on one page; nothing here changes them."""
    folder = tmp_path_factory.mktemp("http")
    with served(sqlite_template, folder, page_size=100, threads=4) as library:
        library.bring(*(a_record(f"Book {n} " + "x" * 2000, number=str(n)) for n in range(60)))
        yield library


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("query", "code"), ERRORS)
def test_56_an_error_of_the_protocol_is_status_200_and_xml(
    library: Library, method: str, query: str, code: str
) -> None:
    answer = library.fetch(query) if method == "GET" else None
    told = answer.told if answer else library.post(query.encode())
    assert told.codes == [code]


def accepted(library: Library, accept: str | None, query: str = MARC) -> tuple[str, bytes]:
    """Return the Content-Encoding and the page itself, which must be whole and valid."""
    headers = {} if accept is None else {"Accept-Encoding": accept}
    answer = library.fetch(query, headers=headers)
    encoding = answer.headers.get("content-encoding", "")
    body = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
    assert answer._replace(body=body).told
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert int(answer.headers["content-length"]) == len(answer.body)
    return encoding, body


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (None, ""),
        ("", ""),
        ("identity", ""),
        ("*", ""),
        ("br", ""),
        ("deflate", ""),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("br;q=1.0, gzip;q=0.5", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("gzip;q=0", ""),
        ("gzip;q=0.0, identity", ""),
        ("gzip;q=0, *", ""),
        ("identity;q=0.5, gzip;q=0", ""),
        ("gzip;q=nonsense", None),
        (";;,,=", None),
    ],
)
def test_57_a_page_is_compressed_when_that_is_asked_for_by_name(
    library: Library, accept: str | None, encoding: str | None
) -> None:
    given, body = accepted(library, accept)
    assert given == encoding or encoding is None
    assert body == accepted(library, None)[1]


def test_57_every_answer_is_compressed_on_demand_errors_too_and_a_page_is_much_smaller(
    library: Library,
) -> None:
    for query in (IDENTIFY, "verb=x", HEADERS):
        assert accepted(library, "gzip", query)[0] == "gzip"
    small = library.fetch(MARC, headers={"Accept-Encoding": "gzip"}).body
    assert len(small) * 8 < len(library.fetch(MARC).body)


def test_58_the_endpoint_never_sends_a_harvester_elsewhere(library: Library) -> None:
    for query in (IDENTIFY, LIST, "verb=x", ""):
        answer = library.fetch(query)
        assert answer.status == 200
        assert "location" not in answer.headers
        assert "retry-after" not in answer.headers


def test_58_two_hundred_harvesters_at_once_are_all_served(library: Library) -> None:
    """More than there are threads: they wait their turn, and none is turned away."""
    found: list[int] = []

    def harvest() -> None:
        found.append(len(library.ask(LIST).identifiers))

    threads = [threading.Thread(target=harvest) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [60] * 200


@pytest.mark.parametrize("query", [IDENTIFY, MARC, "verb=x"])
def test_59_head_has_the_headers_of_get_and_no_body(library: Library, query: str) -> None:
    whole, head = library.fetch(query), library.fetch(query, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length", "vary"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_59_other_methods_are_told_what_is_allowed(library: Library, method: str) -> None:
    answer = library.fetch(IDENTIFY, method=method)
    assert answer.status == 405
    assert {"GET", "HEAD", "POST"} <= {each.strip() for each in answer.headers["allow"].split(",")}


def connections_in_use(library: Library) -> int:
    db = library.site.db
    pools: Any = (db._reader.pool, db._writer.pool)
    return sum(pool.checkedout() for pool in pools)


def leave(library: Library, request: bytes, after: int) -> None:
    """Send a request, read ``after`` octets of the answer, and reset the connection."""
    client = socket.create_connection(("127.0.0.1", library.port), timeout=10)
    client.sendall(request)
    while after > 0 and (came := client.recv(min(after, 4096))):
        after -= len(came)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("after", [0, 1, 20_000])
def test_60_a_client_that_goes_away_leaves_nothing_behind(library: Library, after: int) -> None:
    request = f"GET /oai?{MARC} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for _ in range(40):  # more than there are connections to the database
        leave(library, request, after)
    wait_for(lambda: connections_in_use(library) == 0)
    assert len(library.ask(MARC).identifiers) == 60


def test_60_half_a_request_costs_nothing_either(library: Library) -> None:
    for _ in range(40):
        leave(library, b"GET /oai?verb=ListRecords&metadata", 0)
        leave(library, b"POST /oai HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nverb=", 0)
    wait_for(lambda: connections_in_use(library) == 0)
    assert library.ask(IDENTIFY).codes == []


def test_60_a_fault_in_the_middle_of_a_page_gives_no_page_that_looks_whole(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is made before its first octet is sent, and its length is told."""
    wanted = Stream.entries

    def faulty(*arguments: Any, **options: Any) -> Any:
        rows = wanted(*arguments, **options)

        def some() -> Iterator[Any]:
            yield from rows[:30]
            raise RuntimeError("the disk is gone")

        class Rows(list):  # type: ignore[type-arg]
            def __iter__(self) -> Iterator[Any]:
                return some()

        return Rows(rows)

    monkeypatch.setattr(Stream, "entries", faulty)
    answer = library.fetch(MARC)
    assert answer.status >= 500
    assert b"OAI-PMH" not in answer.body
    assert b"disk" not in answer.body
    monkeypatch.undo()
    assert connections_in_use(library) == 0
    assert len(library.ask(MARC).identifiers) == 60


def test_60_a_cut_answer_is_shorter_than_it_says(library: Library) -> None:
    """Every page tells its length, so that no client can take a cut one for the end."""
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        answer = library.fetch(MARC, headers=headers)
        assert "transfer-encoding" not in answer.headers
        assert int(answer.headers["content-length"]) == len(answer.body)
