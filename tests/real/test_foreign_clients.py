"""Clients that nobody here wrote harvest a real server, and they all count alike."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from marc_mappings.table_to_marc21 import convert
from tests.conftest import SHARED
from tests.real.conftest import Server
from tests.service.builders import a_file, a_record

with warnings.catch_warnings():
    # The clients are taken as they are, with the warnings of their own code.
    warnings.simplefilter("ignore")
    import oaipmh.client
    import oaipmh.metadata
    import oaipmh_scythe
    import sickle

OAI = "{http://www.openarchives.org/OAI/2.0/}"
NUMBER = 95


@pytest.fixture(scope="module")
def filled(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server with an open list of 95 titles in four scripts, two of them taken back."""
    rows = [
        {"language": "kor", "title": f"채식주의자 {n}", "title_romanised": "Ch'aesikchuŭija"}
        for n in range(NUMBER - 3)
    ]
    records = [convert({**row, "key": f"k{n}", "agency": "XX-T"})[0] for n, row in enumerate(rows)]
    records += [
        a_record("Монголын нууц товчоо & <tag>", number="m", language="mon", place="mp "),
        a_record("図書館", number="j", language="jpn", place="ja "),
        a_record("Truyện Kiều", number="v", language="vie", place="vm "),
    ]
    file = tmp_path_factory.mktemp("files") / "titles.mrc"
    file.write_bytes(a_file(*records))
    server.run("list", "create", "spring", "--title", "Spring & more")
    server.run("list", "open", "spring")
    server.run("import", str(file), "--list", "spring")
    server.run("user", "add", "staff", "--role", "exchange_librarian")
    token = server.run("user", "token", "staff").strip().split()[-1]
    offers = requests.get(f"{server.url}/api/v1/offers?limit=2", timeout=30).json()["items"]
    for offer in offers:
        identifier = offer["identifier"].rpartition("/")[2]
        done = requests.post(
            f"{server.url}/api/v1/offers/{identifier}/withdraw",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert done.ok, done.text
    _wait_for(lambda: len([h for h in _headers(server) if h[1]]) == 2)
    return server


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def _pages(server: Server, **arguments: str) -> Iterator[etree._Element]:
    """Yield every page of a list, each checked against the schemas where they are at hand."""
    schema = _schema()
    while True:
        answer = requests.get(f"{server.url}/oai", params=arguments, timeout=30)
        assert answer.status_code == 200
        root = etree.fromstring(answer.content)
        if schema is not None:
            schema.assertValid(root)
        yield root
        token = root.findtext(f".//{OAI}resumptionToken")
        if not token:
            return
        arguments = {"verb": arguments["verb"], "resumptionToken": token}


def _schema() -> etree.XMLSchema | None:
    file = SHARED / "schemas" / "all.xsd"
    return etree.XMLSchema(etree.parse(str(file))) if file.is_file() else None


def _headers(server: Server, **more: str) -> list[tuple[str, bool, str]]:
    """Return (identifier, deleted, datestamp) of a whole list, read without any client."""
    arguments = {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc", **more}
    return [
        (
            header.findtext(f"{OAI}identifier") or "",
            header.get("status") == "deleted",
            header.findtext(f"{OAI}datestamp") or "",
        )
        for page in _pages(server, **arguments)
        for header in page.iter(f"{OAI}header")
    ]


def _by_sickle(server: Server, **arguments: str) -> list[str]:
    client = sickle.Sickle(f"{server.url}/oai", timeout=30)
    return [record.header.identifier for record in client.ListRecords(**arguments)]


def _by_scythe(server: Server, **arguments: str) -> list[str]:
    names = {"from": "from_", "set": "set_"}
    named = {names.get(name, name): value for name, value in arguments.items()}
    prefix = named.pop("metadataPrefix")
    with oaipmh_scythe.Scythe(f"{server.url}/oai") as client:
        return [
            record.header.identifier
            for record in client.list_records(metadata_prefix=prefix, **named)
        ]


def _by_pyoai(server: Server, **arguments: str) -> list[str]:
    registry = oaipmh.metadata.MetadataRegistry()
    for prefix in ("oai_dc", "marc21", "marcxml"):
        registry.registerReader(prefix, lambda element: element)
    client = oaipmh.client.Client(f"{server.url}/oai", registry)
    named: dict[str, Any] = dict(arguments)
    if "from" in named:
        moment = datetime.strptime(named.pop("from"), "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - as it wants
        named["from_"] = moment
    return [header.identifier() for header, _, _ in client.listRecords(**named)]


CLIENTS = {"sickle": _by_sickle, "oaipmh-scythe": _by_scythe, "oaipmh": _by_pyoai}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("prefix", ["oai_dc", "marc21", "marcxml"])
def test_a_full_harvest_has_every_item_once(filled: Server, client: str, prefix: str) -> None:
    found = CLIENTS[client](filled, metadataPrefix=prefix)
    assert len(found) == len(set(found)) == NUMBER
    assert set(found) == {identifier for identifier, _, _ in _headers(filled)}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_harvest_from_a_date_has_what_was_changed_since(filled: Server, client: str) -> None:
    headers = _headers(filled)
    newest = max(stamp for _, _, stamp in headers)
    wanted = {identifier for identifier, _, stamp in headers if stamp >= newest}
    found = CLIENTS[client](filled, metadataPrefix="oai_dc", **{"from": newest})
    assert set(found) == wanted
    assert len(wanted) < NUMBER


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("name", "size"), [("lang:mon", 1), ("list:spring", NUMBER)])
def test_a_set_is_harvested_alike_by_all(filled: Server, client: str, name: str, size: int) -> None:
    assert len(CLIENTS[client](filled, metadataPrefix="marc21", set=name)) == size


@pytest.mark.parametrize("prefix", ["oai_dc", "marc21", "marcxml"])
@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_every_page_is_valid_and_the_last_one_ends_the_list(
    filled: Server, verb: str, prefix: str
) -> None:
    pages = list(_pages(filled, verb=verb, metadataPrefix=prefix))
    sizes = [len(list(page.iter(f"{OAI}header"))) for page in pages]
    tokens = [page.find(f".//{OAI}resumptionToken") for page in pages]
    assert sum(sizes) == NUMBER
    if len(pages) > 1:
        assert all(token is not None and token.text for token in tokens[:-1])
        assert tokens[-1] is not None
        assert not tokens[-1].text
        assert [int(token.get("cursor")) for token in tokens] == [
            sum(sizes[:n]) for n in range(len(sizes))
        ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"verb": "Identify"},
        {"verb": "ListSets"},
        {"verb": "ListMetadataFormats"},
        {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "oai:x.org:1"},
        {"verb": "Nonsense"},
        {"verb": "ListRecords"},
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-02-30"},
        {"verb": "ListRecords", "resumptionToken": "junk\x01\ud800".encode("utf-8", "replace")},
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "until": "1999-01-01"},
        {"verb": '<&">', "set": "\x00" * 300},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_answer_is_valid_whatever_was_asked(
    filled: Server, method: str, arguments: dict[str, Any]
) -> None:
    place = {"params": arguments} if method == "GET" else {"data": arguments}
    answer = requests.request(method, f"{filled.url}/oai", timeout=30, **place)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    root = etree.fromstring(answer.content)
    schema = _schema()
    if schema is not None:
        schema.assertValid(root)


def test_a_page_is_compressed_only_when_that_was_asked_for(filled: Server) -> None:
    url = f"{filled.url}/oai?verb=ListRecords&metadataPrefix=marc21"
    bodies = {}
    for accept, compressed in (
        ("gzip", True),
        ("gzip;q=0", False),
        ("*", False),
        ("identity", False),
        ("br, gzip;q=0.5", True),
    ):
        answer = requests.get(url, headers={"Accept-Encoding": accept}, timeout=30)
        assert (answer.headers.get("Content-Encoding") == "gzip") is compressed, accept
        assert answer.headers["Vary"] == "Accept-Encoding"
        bodies[accept] = answer.content
    assert len(set(bodies.values())) == 1


def test_head_is_answered_and_a_post_of_something_else_is_an_error_of_the_protocol(
    filled: Server,
) -> None:
    assert requests.head(f"{filled.url}/oai?verb=Identify", timeout=30).status_code == 200
    answer = requests.post(f"{filled.url}/oai", json={"verb": "Identify"}, timeout=30)
    assert answer.status_code == 200
    assert b"badArgument" in answer.content or b"badVerb" in answer.content


def test_what_was_sent_comes_back_in_its_own_script(filled: Server) -> None:
    client = sickle.Sickle(f"{filled.url}/oai")
    titles = {
        record.header.identifier: record.metadata.get("title", [])
        for record in client.ListRecords(metadataPrefix="oai_dc", ignore_deleted=True)
    }
    flat = {title for each in titles.values() for title in each}
    assert {"Монголын нууц товчоо & <tag>", "図書館", "Truyện Kiều", "채식주의자 7"} <= flat


def test_the_server_says_when_it_is(filled: Server) -> None:
    answer = etree.fromstring(requests.get(f"{filled.url}/oai?verb=Identify", timeout=30).content)
    said = datetime.fromisoformat(answer.findtext(f"{OAI}responseDate") or "")
    assert abs((datetime.now(UTC) - said).total_seconds()) < 30


def test_slow_clients_do_not_keep_an_honest_one_waiting(filled: Server) -> None:
    import socket
    from urllib.parse import urlsplit

    address = urlsplit(filled.url)
    slow = []
    try:
        for _ in range(150):
            half = socket.create_connection((address.hostname or "", address.port or 0), timeout=5)
            half.sendall(b"GET /oai?verb=Identify HTTP/1.1\r\nHost: x\r\nX-")
            slow.append(half)
        assert requests.get(f"{filled.url}/oai?verb=Identify", timeout=10).ok
    finally:
        for half in slow:
            half.close()


def test_a_token_outlives_the_server(tmp_path: Path) -> None:
    from tests.real.conftest import start, stop

    server, process = start(tmp_path, BOOKBRIDGE_PAGE_SIZE="2")
    try:
        file = tmp_path / "f.mrc"
        file.write_bytes(a_file(*(a_record(f"Book {n}", number=str(n)) for n in range(5))))
        server.run("list", "create", "spring", "--title", "Spring")
        server.run("list", "open", "spring")
        server.run("import", str(file), "--list", "spring")
        first = requests.get(f"{server.url}/oai?verb=ListRecords&metadataPrefix=oai_dc", timeout=30)
        token = etree.fromstring(first.content).findtext(f".//{OAI}resumptionToken")
    finally:
        stop(process)
    again, process = start(tmp_path, BOOKBRIDGE_PAGE_SIZE="2")
    try:
        pages = list(_pages(again, verb="ListRecords", resumptionToken=token or ""))
        assert sum(len(list(page.iter(f"{OAI}header"))) for page in pages) == 3
    finally:
        stop(process)
