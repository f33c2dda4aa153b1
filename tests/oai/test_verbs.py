"""The rim of the protocol: verbs and arguments (oai.md 5, numbers 1 to 12 and 21 to 24, 31, 53)."""

from urllib.parse import parse_qsl

import pytest
from oaipmh import error
from oaipmh.validation import ResumptionValidationSpec

from oai import errors
from oai.repository import Selection
from oai.verbs import VERBS, Request, parse

LIST = "verb=ListRecords&metadataPrefix=oai_dc"
GET = "verb=GetRecord&metadataPrefix=oai_dc&identifier="


def faults(query: str) -> list[str]:
    parsed = parse(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))
    return [] if isinstance(parsed, Request) else [fault.code for fault in parsed]


@pytest.mark.parametrize(
    ("number", "query", "codes"),
    [
        (1, "", ["badVerb"]),
        (1, "verb=", ["badVerb"]),
        (1, "metadataPrefix=oai_dc", ["badVerb"]),
        (2, "verb=identify", ["badVerb"]),
        (2, "verb=nasty", ["badVerb"]),
        (2, "verb=GetMetadata&identifier=a&metadataPrefix=b", ["badVerb"]),
        (2, "Verb=Identify", ["badVerb"]),
        (2, "verb=Identify%20", ["badVerb"]),
        (3, "verb=Identify&verb=Identify", ["badVerb"]),
        (3, "verb=Identify&verb=ListSets", ["badVerb"]),
        (4, "verb=Identify&foo=bar", ["badArgument"]),
        (4, "verb=ListSets&metadataPrefix=oai_dc", ["badArgument"]),
        (4, "verb=ListMetadataFormats&metadataPrefix=oai_dc", ["badArgument"]),
        (4, f"{LIST}&identifier=oai:a:1", ["badArgument"]),
        (4, f"{GET}oai:a:1&set=a", ["badArgument"]),
        (4, f"{LIST}&=", ["badArgument"]),
        (5, f"{LIST}&metadataPrefix=oai_dc", ["badArgument"]),
        (5, f"{LIST}&set=a&set=b", ["badArgument"]),
        (5, f"{LIST}&from=2026-01-01&from=2026-01-01", ["badArgument"]),
        (5, "verb=ListRecords&resumptionToken=a&resumptionToken=a", ["badArgument"]),
        (6, "verb=ListRecords", ["badArgument"]),
        (6, "verb=ListIdentifiers", ["badArgument"]),
        (6, "verb=GetRecord&metadataPrefix=oai_dc", ["badArgument"]),
        (6, "verb=GetRecord&identifier=oai:a:1", ["badArgument"]),
        (10, "verb=ListRecords&metadataprefix=oai_dc", ["badArgument"] * 2),
        (10, "verb=ListRecords&metadataPrefix=", ["badArgument"]),
        (10, f"{LIST}&set=", ["badArgument"]),
        (10, f"{LIST}&from=&until=", ["badArgument"] * 2),
        (10, "verb=ListRecords&resumptionToken=", ["badArgument"]),
        (10, GET, ["badArgument"]),
        (11, "verb=GetRecord", ["badArgument"] * 2),
        (11, "verb=ListRecords&from=x&until=y&foo=z", ["badArgument"] * 4),
        (12, "verb=GetRecord&metadataPrefix=a%22b&identifier=a", ["badArgument"]),
        (12, f"{GET}a%22b", ["badArgument"]),
        (12, f"{GET}a%3Cb", ["badArgument"]),
        (12, f"{GET}a%01b", ["badArgument"]),
        (12, f"{GET}a%FFb", ["badArgument"]),
        (12, f"{GET}a%20b", ["badArgument"]),
        (12, f"{GET}a%25zz", ["badArgument"]),
        (12, f"{LIST}&%FF=1", ["badArgument"]),
        (21, f"{LIST}&from=2026-01-02&until=2026-01-01", ["badArgument"]),
        (21, f"{LIST}&from=2026-01-01T00:00:01Z&until=2026-01-01T00:00:00Z", ["badArgument"]),
        (22, f"{LIST}&from=2026-01-01&until=2026-01-02T00:00:00Z", ["badArgument"]),
        (24, f"{LIST}&from=2026-1-1", ["badArgument"]),
        (24, f"{LIST}&until=2026-01-01T00:00:00.5Z", ["badArgument"]),
        (31, f"{LIST}&resumptionToken=a", ["badArgument"]),
        (31, "verb=ListIdentifiers&resumptionToken=a&until=2000-02-05", ["badArgument"]),
        (31, "verb=ListSets&resumptionToken=a&foo=b", ["badArgument"] * 2),
        (53, f"{LIST}&set=a/b", ["badArgument"]),
        (53, f"{LIST}&set=a:", ["badArgument"]),
        (53, f"{LIST}&set=:a", ["badArgument"]),
        (53, f"{LIST}&set=a::b", ["badArgument"]),
        (53, f"{LIST}&set=%C3%A9", ["badArgument"]),
        (53, f"{LIST}&set=a%0A", ["badArgument"]),
    ],
)
def test_a_faulty_request_is_told_all_its_faults(number, query, codes):
    assert faults(query) == codes, f"oai.md 5, number {number}"


@pytest.mark.parametrize(
    "query",
    [
        "verb=Identify",
        "verb=ListSets",
        "verb=ListSets&resumptionToken=a",
        "verb=ListMetadataFormats",
        "verb=ListMetadataFormats&identifier=oai:books.example.org:offer/1",
        "verb=ListRecords&resumptionToken=%00",
        f"{LIST}&set=a:b-_.!~*'():c",
        f"{LIST}&from=2026-01-01&until=2026-01-01",
        f"{LIST}&until=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00Z",
        f"{GET}oai:books.example.org:offer/1",
        f"{GET}nosuch",
        f"{GET}a/b:c",
        f"{GET}http://example.org:80/a?b=c%26d%23e",
        f"{GET}urn:nbn:de:101-2026;a=@b",
    ],
)
def test_a_right_request_has_no_faults(query):
    assert faults(query) == []


def test_a_request_keeps_its_pairs_as_sent_and_its_dates_as_seconds():
    pairs = [("until", "2026-01-01"), ("verb", "ListRecords"), ("metadataPrefix", "oai_dc")]
    request = parse(pairs)
    assert isinstance(request, Request)
    assert request.sent == tuple(pairs)
    assert request.selection == Selection("oai_dc", until=1_767_311_999)


def test_no_fault_repeats_what_was_sent_as_a_value():
    parsed = parse([("verb", "ListRecords"), ("metadataPrefix", "<script>"), ("<b>", "1")])
    assert isinstance(parsed, tuple)
    assert not any("<" in fault.message for fault in parsed)


def test_the_table_of_verbs_is_that_of_pyoai():
    """A foreign witness; pyoai keeps a GetMetadata, which the protocol never had."""
    for verb in VERBS.values():
        theirs = getattr(ResumptionValidationSpec, verb.name)
        ours = {
            **dict.fromkeys(verb.required, "required"),
            **dict.fromkeys(verb.optional, "optional"),
            **({verb.exclusive: "exclusive"} if verb.exclusive else {}),
        }
        assert ours == {name.rstrip("_"): kind for name, kind in theirs.items()}


def test_11_our_errors_are_the_eight_of_the_protocol():
    codes = {kind.code for kind in errors.ProtocolError.__subclasses__()}
    assert len(codes) == 8
    assert all(
        issubclass(getattr(error, f"{code[0].upper()}{code[1:]}Error"), Exception) for code in codes
    )
