"""OAI-PMH edge cases 1 to 12, verbs and arguments, over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest

from oai.characters import is_legal
from tests.oai.asking import Told
from tests.real.edge_case_library import HEADERS, LIST, Library, served

GET = "verb=GetRecord&metadataPrefix=oai_dc&identifier="
UNKNOWN = "oai:books.example.org:offer/0"
CODES = {
    "badArgument",
    "badResumptionToken",
    "badVerb",
    "cannotDisseminateFormat",
    "idDoesNotExist",
    "noMetadataFormats",
    "noRecordsMatch",
    "noSetHierarchy",
}


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library with five books; nothing here changes it."""
    with served(sqlite_template, tmp_path_factory.mktemp("verbs")) as library:
        library.books(5)
        yield library


def sent(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def told(library: Library, method: str, query: str) -> Told:
    return library.ask(query) if method == "GET" else library.post(query.encode())


BAD_VERBS = {
    1: ["", "verb=", "verb", "&", "metadataPrefix=oai_dc"],
    2: [
        "verb=identify",
        "verb=nasty",
        "verb=GetMetadata",
        f"verb=GetMetadata&metadataPrefix=oai_dc&identifier={UNKNOWN}",
        "Verb=Identify",
        "verb=Identify%20",
        "verb=Identify%00",
    ],
    3: ["verb=Identify&verb=Identify", "verb=Identify&verb=ListSets", "verb=&verb=Identify"],
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("number", "query"), [(number, query) for number, each in BAD_VERBS.items() for query in each]
)
def test_1_2_3_7_a_verb_that_is_missing_unknown_or_repeated_is_bad_and_nothing_is_echoed(
    library: Library, method: str, number: int, query: str
) -> None:
    answer = told(library, method, query)
    assert (answer.codes, answer.echo) == (["badVerb"], {}), number


BAD_ARGUMENTS = {
    4: [
        "verb=Identify&foo=bar",
        "verb=Identify&metadataPrefix=oai_dc",
        "verb=ListSets&metadataPrefix=x",
        "verb=ListMetadataFormats&metadataPrefix=oai_dc",
        f"{LIST}&identifier={UNKNOWN}",
        f"{GET}{UNKNOWN}&set=list",
        f"{LIST}&x",
    ],
    5: [
        f"{LIST}&metadataPrefix=oai_dc",
        f"{LIST}&from=2026-01-01&from=2026-01-01",
        f"{LIST}&until=2026-01-01&until=2026-01-02",
        f"{LIST}&set=list&set=list",
        f"{GET}{UNKNOWN}&identifier={UNKNOWN}",
        "verb=ListSets&resumptionToken=a&resumptionToken=a",
    ],
    6: [
        "verb=ListRecords",
        "verb=ListIdentifiers",
        "verb=ListIdentifiers&set=list",
        f"verb=GetRecord&identifier={UNKNOWN}",
        "verb=GetRecord&metadataPrefix=oai_dc",
    ],
    10: [
        "verb=ListRecords&metadataprefix=oai_dc",
        "verb=ListRecords&MetadataPrefix=oai_dc",
        f"{LIST}&Set=list",
        "verb=ListRecords&metadataPrefix=",
        f"{LIST}&set=",
        f"{LIST}&from=",
        f"{LIST}&until",
        "verb=ListRecords&resumptionToken=",
        GET,
        "verb=ListMetadataFormats&identifier=",
    ],
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("number", "query"),
    [(number, query) for number, each in BAD_ARGUMENTS.items() for query in each],
)
def test_4_5_6_7_10_a_wrong_argument_is_bad_and_nothing_is_echoed(
    library: Library, method: str, number: int, query: str
) -> None:
    answer = told(library, method, query)
    assert set(answer.codes) == {"badArgument"}, number
    assert answer.echo == {}


OTHER_ERRORS = [
    (f"{HEADERS}&until=1999-01-01", "noRecordsMatch"),
    (f"{LIST}&set=no:such", "noRecordsMatch"),
    ("verb=ListRecords&metadataPrefix=nosuch", "cannotDisseminateFormat"),
    (f"{GET}{UNKNOWN}", "idDoesNotExist"),
    (f"verb=ListMetadataFormats&identifier={UNKNOWN}", "idDoesNotExist"),
    ("verb=ListRecords&resumptionToken=junk", "badResumptionToken"),
    ("verb=ListIdentifiers&resumptionToken=a%20b%26%3Cc%3E%22", "badResumptionToken"),
    ("verb=ListSets&resumptionToken=junk", "badResumptionToken"),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("query", "code"), OTHER_ERRORS)
def test_7_8_every_other_error_echoes_the_request_as_it_was_sent(
    library: Library, method: str, query: str, code: str
) -> None:
    answer = told(library, method, query)
    assert (answer.codes, answer.echo) == ([code], sent(query))


def test_7_8_without_any_offer_there_are_no_sets_and_the_request_is_echoed(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as empty:
        for query in ("verb=ListSets", f"{LIST}&set=list:spring"):
            answer = empty.ask(query)
            assert (answer.codes, answer.echo) == (["noSetHierarchy"], sent(query))


@pytest.mark.parametrize(
    "query",
    [
        "verb=Identify",
        f"{LIST}&until=2050-01-01&from=2026-01-01",
        f"{LIST}&from=2026-01-01T00:00:00Z",
        "metadataPrefix=oai_dc&set=list%3Aspring&verb=ListIdentifiers",
        "%76erb=List%53ets",
    ],
)
def test_8_a_good_request_is_echoed_pair_by_pair_and_never_rewritten(
    library: Library, query: str
) -> None:
    answer = library.ask(query)
    assert (answer.codes, answer.echo) == ([], sent(query))


@pytest.mark.parametrize(
    "query",
    ["verb=Identify", "verb=ListSets", LIST, HEADERS, f"{LIST}&set=list%3Aspring", "verb=x", ""],
)
def test_9_a_form_by_post_is_answered_as_the_same_request_by_get(
    library: Library, query: str
) -> None:
    body = library.ask(query).body
    assert library.post(query.encode()).body == body
    assert library.post(query.encode(), f"{FORM_UTF8}").body == body


FORM_UTF8 = "application/x-www-form-urlencoded; charset=UTF-8"


def test_9_arguments_of_the_address_and_of_the_form_are_one_request(library: Library) -> None:
    split = library.post(b"metadataPrefix=oai_dc", query="verb=ListRecords")
    assert (split.codes, split.echo) == ([], sent(LIST))
    assert library.post(b"verb=Identify", query="verb=Identify").codes == ["badVerb"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/xml", "/"],
)
def test_9_a_post_of_anything_else_is_an_error_of_the_protocol(
    library: Library, content_type: str
) -> None:
    for body in (b'{"verb": "Identify"}', b"", b"\x00\xff" * 100):
        answer = library.post(body, content_type)
        assert (answer.codes, answer.echo) == (["badArgument"], {})


def test_9_a_form_of_a_megabyte_is_an_error_of_the_protocol(library: Library) -> None:
    answer = library.post(b"verb=ListRecords&resumptionToken=" + b"a" * 1_000_000)
    assert (answer.codes, answer.echo) == (["badArgument"], {})
    assert library.ask("verb=Identify").codes == []


def test_11_all_faults_are_told_at_once_in_codes_of_the_protocol(library: Library) -> None:
    answer = library.ask("verb=ListRecords&from=x&until=y&foo=z&set=a/b")
    assert answer.codes == ["badArgument"] * 5
    texts = answer.texts("o:error/text()")
    assert len(set(texts)) == 5
    for name in ("from", "until", "foo", "set", "metadataPrefix"):
        assert any(name in text for text in texts)


HOSTILE = ['"', "<", "&", ">", "'", "\x01", "\x00", "\r\n", "]]>", "\ufffe", "é", "x" * 100_000]
NAMES = ["verb", "identifier", "metadataPrefix", "set", "from", "until", "resumptionToken", "a"]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value[:6]))
@pytest.mark.parametrize("name", NAMES)
def test_11_12_no_character_breaks_an_answer(library: Library, name: str, value: str) -> None:
    quoted = quote(value, safe="")
    for query in (f"{LIST}&{name}={quoted}", f"verb=GetRecord&{name}={quoted}"):
        for answer in (library.ask(query), library.post(query.encode())):
            assert answer.codes
            assert set(answer.codes) <= CODES
            silent = {"badVerb", "badArgument"} & set(answer.codes)
            assert answer.echo == ({} if silent else sent(query))
    for verb in ("ListRecords", "ListSets"):
        answer = library.ask(f"verb={verb}&resumptionToken={quoted}")
        assert answer.codes == ["badResumptionToken"]
        assert answer.echo == {"verb": verb} | (
            {"resumptionToken": value} if is_legal(value) else {}
        )


@pytest.mark.parametrize("raw", ["%FF", "%C3", "%ED%A0%80", "%F8%88%80%80%80", "%C0%AF"])
@pytest.mark.parametrize("name", NAMES[:-2])
def test_12_octets_that_are_no_utf8_are_an_error_of_the_protocol(
    library: Library, name: str, raw: str
) -> None:
    for query in (f"{LIST}&{name}=a{raw}", f"verb=GetRecord&{raw}=1&{name}={raw}"):
        answer = library.ask(query)
        assert set(answer.codes) <= {"badArgument", "badVerb"}
        assert answer.codes
        assert answer.echo == {}


def test_12_raw_octets_in_a_form_are_an_error_of_the_protocol(library: Library) -> None:
    for octet in range(256):
        form = b"verb=ListSets&resumptionToken=a" + bytes([octet]) + b"b"
        code = "badArgument" if octet in b"&" else "badResumptionToken"  # "&b" is an argument
        assert set(library.post(form).codes) == {code}


@pytest.mark.parametrize("octets", [b"\xff", "é".encode(), b"\x80\x01"])
def test_12_an_address_that_is_no_address_is_not_a_fault_of_the_server(
    library: Library, octets: bytes
) -> None:
    """An address has ASCII alone (RFC 3986); what else is sent, the web server refuses."""
    answer = library.fetch(b"verb=ListSets&resumptionToken=" + octets)
    assert answer.status in (200, 400)
    assert library.ask("verb=Identify").codes == []


def test_12_more_than_a_web_server_takes_is_not_a_fault_of_the_server(library: Library) -> None:
    answer = library.fetch(f"{LIST}&set={'x' * 400_000}")
    assert answer.status in (200, 414, 431)
    assert library.ask("verb=Identify").codes == []
