"""The small verbs and the frame of every answer (oai.md 5, numbers 7, 8, 11 to 18, 43 to 55)."""

import dataclasses

import pytest

from oai import provider
from oai.errors import ProtocolError
from oai.provider import CredentialsNeeded, Row, Tokens, respond
from tests.oai.asking import NS, TOKENS, ask, read
from tests.oai.memory import OAI_DC, START, Memory, identifier_of

GET = "verb=GetRecord&metadataPrefix=marc21&identifier="


@pytest.fixture
def memory() -> Memory:
    memory = Memory(page_size=10)
    memory.publish(1, sets=["list:spring:a", "place:fr"])
    memory.publish(2, sets=["list:spring"], formats=["marc21"])
    memory.publish(3, sets=["list:autumn"], formats=["oai_dc"], deleted=True)
    return memory


# the frame


@pytest.mark.parametrize(
    "query",
    [
        "",
        "verb=nasty",
        "verb=Identify&verb=Identify",
        "verb=Identify&foo=bar",
        "verb=ListRecords",
        "verb=ListRecords&metadataPrefix=oai_dc&from=2026-1-1",
    ],
)
def test_1_7_bad_verb_and_bad_argument_echo_nothing(memory, query):
    told = ask(memory, query)
    assert told.codes
    assert told.echo == {}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{GET}{identifier_of(9)}", "idDoesNotExist"),
        (
            f"verb=GetRecord&metadataPrefix=mods&identifier={identifier_of(1)}",
            "cannotDisseminateFormat",
        ),
        ("verb=ListRecords&metadataPrefix=mods", "cannotDisseminateFormat"),
        ("verb=ListIdentifiers&metadataPrefix=oai_dc&until=1999-01-01", "noRecordsMatch"),
        ("verb=ListIdentifiers&metadataPrefix=oai_dc&set=no:such", "noRecordsMatch"),
        ("verb=ListRecords&resumptionToken=junk", "badResumptionToken"),
        ("verb=ListSets&resumptionToken=junk", "badResumptionToken"),
    ],
)
def test_7_8_every_other_error_echoes_the_request_byte_for_byte(memory, query, code):
    told = ask(memory, query)
    assert told.codes == [code]
    assert told.echo == dict(pair.split("=", 1) for pair in query.split("&"))


def test_8_dates_are_echoed_as_they_came(memory):
    query = "verb=ListRecords&metadataPrefix=oai_dc&from=2025-12-31&until=2026-01-01"
    assert ask(memory, query).echo["until"] == "2026-01-01"


def test_8_a_token_is_echoed_byte_for_byte_unless_xml_cannot_carry_it(memory):
    odd = "a\t\"b'\r\n<c>&amp; é"
    told = ask(memory, [("verb", "ListRecords"), ("resumptionToken", odd)])
    assert told.echo["resumptionToken"] == odd
    told = ask(memory, [("verb", "ListRecords"), ("resumptionToken", "a\x00\ufffe\udcff")])
    assert told.codes == ["badResumptionToken"]
    assert told.echo == {"verb": "ListRecords"}


def test_9_a_request_that_the_rim_cannot_read_is_a_bad_argument(memory):
    answer = respond(memory, [], tokens=TOKENS, malformed=True)
    told = read(answer.body)
    assert (told.codes, told.echo) == (["badArgument"], {})


@pytest.mark.parametrize("value", ['"', "<", "&", "\x01", "\ufffd", "%ff", "x" * 100_000])
@pytest.mark.parametrize(
    "name", ["verb", "identifier", "metadataPrefix", "set", "from", "resumptionToken", "no"]
)
def test_12_no_value_breaks_an_answer(memory, name, value):
    for verb in ("ListRecords", "GetRecord", "ListSets"):
        pairs = [("verb", verb), ("metadataPrefix", "oai_dc"), (name, value)]
        assert ask(memory, pairs).codes
    assert ask(memory, [("verb", "ListRecords"), (name, value)]).codes


def test_28_56_an_answer_says_when_it_was_true_and_what_it_is(memory):
    memory.clock = START + 10
    told = ask(memory, "verb=Identify")
    assert told.texts("o:responseDate/text()") == ["2026-01-01T00:00:10Z"]
    assert told.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert provider.CONTENT_TYPE == "text/xml; charset=utf-8"


def test_an_answer_tells_the_log_its_verb_and_errors(memory):
    answer = respond(memory, [("verb", "ListRecords")], tokens=TOKENS)
    assert (answer.verb, answer.errors) == ("", ("badArgument",))
    answer = respond(memory, [("verb", "Identify")], tokens=TOKENS)
    assert (answer.verb, answer.errors) == ("Identify", ())


def test_a_fault_of_the_repository_is_not_hidden_in_an_answer(memory, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(memory, "page", broken)
    with pytest.raises(RuntimeError, match="gone"):
        ask(memory, "verb=ListRecords&metadataPrefix=oai_dc")


# Identify


def test_13_to_18_identify_tells_what_holds(memory):
    told = ask(memory, "verb=Identify")
    assert told.texts("*/o:baseURL/text()") == told.texts("o:request/text()") == [memory.base_url()]
    assert told.texts("*/o:earliestDatestamp/text()") == ["2026-01-01T00:00:00Z"]
    assert told.texts("*/o:granularity/text()") == ["YYYY-MM-DDThh:mm:ssZ"]
    assert told.texts("*/o:deletedRecord/text()") == ["persistent"]
    assert told.texts("*/o:compression/text()") == ["gzip"]
    assert len(told.texts("*/o:adminEmail/text()")) == 1
    assert told.texts("*/o:repositoryName/text()") == ["Books & <friends>"]
    roots = [description[0].tag for description in told.root.iterfind(".//o:description", NS)]
    assert [tag.partition("}")[2] for tag in roots] == [
        "oai-identifier",
        "friends",
        "rightsManifest",
    ]


def test_17_the_sample_identifier_is_one_that_get_record_answers(memory):
    (sample,) = [
        each.text for each in ask(memory, "verb=Identify").root.iterfind(".//{*}sampleIdentifier")
    ]
    assert ask(memory, f"{GET}{sample}").identifiers == [sample]


# GetRecord


def test_43_a_deleted_record_is_a_header_in_every_format_it_ever_had(memory):
    memory.publish(4, formats=["oai_dc", "marc21"], deleted=True, about=b"<about/>")
    for prefix in ("oai_dc", "marc21", "marcxml"):
        query = f"verb=GetRecord&metadataPrefix={prefix}&identifier={identifier_of(4)}"
        told = ask(memory, query)
        assert told.texts(".//o:header/@status") == ["deleted"]
        assert [child.tag for child in told.root.find(".//o:record", NS)] == [
            f"{{{NS['o']}}}header"
        ]


def test_43_a_deleted_record_is_not_there_in_a_format_it_never_had(memory):
    assert ask(memory, f"{GET}{identifier_of(3)}").codes == ["cannotDisseminateFormat"]


@pytest.mark.parametrize(
    ("identifier", "prefix", "code"),
    [
        (identifier_of(9), "oai_dc", "idDoesNotExist"),
        ("nosuch", "oai_dc", "idDoesNotExist"),
        (identifier_of(9), "mods", "idDoesNotExist"),
        (identifier_of(1), "mods", "cannotDisseminateFormat"),
        (identifier_of(2), "oai_dc", "cannotDisseminateFormat"),
    ],
)
def test_44_an_unknown_item_and_an_unknown_format_are_told_apart(memory, identifier, prefix, code):
    query = f"verb=GetRecord&metadataPrefix={prefix}&identifier={identifier}"
    assert ask(memory, query).codes == [code]


def test_46_the_alias_gives_the_same_bytes_as_the_format(memory):
    marc21 = ask(memory, f"{GET}{identifier_of(1)}").body
    alias = ask(memory, f"{GET}{identifier_of(1)}".replace("marc21", "marcxml")).body
    assert alias == marc21.replace(b'metadataPrefix="marc21"', b'metadataPrefix="marcxml"')


def test_48_50_stored_metadata_stands_in_the_answer_as_it_is(memory):
    stored = memory.items[identifier_of(1)].renditions["marc21"]
    assert b"<metadata>" + stored + b"</metadata>" in ask(memory, f"{GET}{identifier_of(1)}").body


def test_49_a_record_without_its_metadata_does_not_break_the_page(memory):
    """The port forbids it in a list; should it happen, the others are told all the same."""
    memory.items[identifier_of(1)].renditions["marc21"] = None
    told = ask(memory, "verb=ListRecords&metadataPrefix=marc21")
    assert told.identifiers == [identifier_of(1), identifier_of(2)]
    assert len(told.texts(".//m:leader")) == 1


def test_an_identifier_with_markup_in_it_is_escaped():
    memory = Memory()
    memory.publish(1)
    item = memory.items.pop(identifier_of(1))
    odd = "oai:books.example.org:a&b"

    class Odd(Memory):
        def _row(self, item, prefix, *, with_metadata):
            return Row(*super()._row(item, prefix, with_metadata=with_metadata))._replace(
                identifier=odd
            )

    strange = Odd(items={odd: item})
    told = ask(strange, [("verb", "ListRecords"), ("metadataPrefix", "oai_dc")])
    assert told.identifiers == [odd]
    query = [("verb", "GetRecord"), ("metadataPrefix", "oai_dc"), ("identifier", odd)]
    assert ask(strange, query).echo["identifier"] == odd


# credentials


class WithCredentials(Memory):
    """Its sets ``partner:...`` are for callers with credentials; nobody here has any."""

    def page(self, selection, after, *, with_metadata):
        if (selection.set or "").startswith("partner:"):
            raise CredentialsNeeded
        return super().page(selection, after, with_metadata=with_metadata)


@pytest.mark.parametrize("spec", ["partner:nagasaki", "partner:no-such", "partner:a:b"])
def test_59_a_set_that_needs_credentials_is_the_rims_to_answer_whether_it_exists_or_not(spec):
    closed = WithCredentials()
    closed.publish(1, sets=["list:a", "partner:nagasaki"])
    for verb in ("ListRecords", "ListIdentifiers"):
        with pytest.raises(CredentialsNeeded):
            ask(closed, f"verb={verb}&metadataPrefix=oai_dc&set={spec}")
        told = ask(closed, f"verb={verb}&metadataPrefix=oai_dc&set={spec}&foo=bar")
        assert told.codes == ["badArgument"]
        told = ask(closed, f"verb={verb}&metadataPrefix=nosuch&set={spec}")
        assert told.codes == ["cannotDisseminateFormat"]
    assert CredentialsNeeded not in ProtocolError.__subclasses__()
    assert ask(closed, "verb=ListRecords&metadataPrefix=oai_dc&set=list:a").codes == []


# ListMetadataFormats


def test_45_formats_of_the_repository_and_of_an_item(memory):
    formats = "verb=ListMetadataFormats"
    prefixes = ".//o:metadataPrefix/text()"
    assert ask(memory, formats).texts(prefixes) == ["oai_dc", "marc21", "marcxml"]
    for number, expected in [(2, ["marc21", "marcxml"]), (3, ["oai_dc"])]:
        told = ask(memory, f"{formats}&identifier={identifier_of(number)}")
        assert told.texts(prefixes) == expected
    assert ask(memory, f"{formats}&identifier=nosuch").codes == ["idDoesNotExist"]
    memory.publish(5, formats=[])
    told = ask(memory, f"{formats}&identifier={identifier_of(5)}")
    assert told.codes == ["noMetadataFormats"]


# ListSets and sets


def test_41_55_sets_are_listed_with_descriptions_over_pages():
    memory = Memory(page_size=2)
    for number in range(5):
        memory.publish(number, sets=[f"list:{number}"])
    specs, flows, token = [], [], ""
    while True:
        query = f"verb=ListSets&resumptionToken={token}" if token else "verb=ListSets"
        told = ask(memory, query)
        specs += told.texts(".//o:setSpec/text()")
        assert len(told.texts(".//o:setDescription//dc:title/text()")) == len(
            told.texts(".//o:set")
        )
        flows.append(told.flow)
        if not (token := told.token):
            break
    assert specs == [f"list:{number}" for number in range(5)]
    assert flows == [("0", None), ("2", None), ("4", "5")]


def test_41_sets_that_are_gone_in_the_middle_of_their_list_ask_for_a_new_start():
    memory = Memory(page_size=1)
    memory.publish(1, sets=["a", "b"])
    token = ask(memory, "verb=ListSets").token
    del memory.set_names["b"]
    told = ask(memory, f"verb=ListSets&resumptionToken={token}")
    assert told.codes == ["badResumptionToken"]


def test_41_a_single_page_of_sets_has_no_token(memory):
    assert ask(memory, "verb=ListSets").token is None


def test_52_without_sets_there_is_no_set_hierarchy():
    memory = Memory()
    memory.publish(1)
    assert ask(memory, "verb=ListSets").codes == ["noSetHierarchy"]
    told = ask(memory, "verb=ListRecords&metadataPrefix=oai_dc&set=a")
    assert told.codes == ["noSetHierarchy"]


def test_53_a_set_holds_the_members_of_its_subsets_and_headers_say_the_most_specific(memory):
    told = ask(memory, "verb=ListIdentifiers&metadataPrefix=marc21&set=list:spring")
    assert told.identifiers == [identifier_of(1), identifier_of(2)]
    assert told.texts(".//o:setSpec/text()") == ["list:spring:a", "place:fr", "list:spring"]
    told = ask(memory, "verb=ListIdentifiers&metadataPrefix=marc21&set=list")
    assert told.identifiers == [identifier_of(1), identifier_of(2)]


def test_54_a_deleted_record_is_told_to_those_who_harvest_its_set(memory):
    told = ask(memory, "verb=ListRecords&metadataPrefix=oai_dc&set=list:autumn")
    assert told.texts(".//o:header/@status") == ["deleted"]
    assert told.texts(".//o:metadata") == []


def test_a_format_withdrawn_in_the_middle_of_a_list_asks_for_a_new_start():
    memory = Memory(page_size=1)
    memory.publish(1)
    memory.publish(2)
    token = ask(memory, "verb=ListRecords&metadataPrefix=marc21").token
    withdrawn = dataclasses.replace(memory, offered=(OAI_DC,))
    told = ask(withdrawn, f"verb=ListRecords&resumptionToken={token}")
    assert told.codes == ["badResumptionToken"]


def test_33_a_caller_of_another_audience_cannot_go_on_with_a_list():
    memory = Memory(page_size=1)
    memory.publish(1)
    memory.publish(2)
    token = ask(memory, "verb=ListRecords&metadataPrefix=marc21", audience="partner:a").token
    resumed = f"verb=ListRecords&resumptionToken={token}"
    assert ask(memory, resumed, audience="partner:a").codes == []
    assert ask(memory, resumed).codes == ["badResumptionToken"]
    foreign = Tokens("another key")
    assert ask(memory, resumed, audience="partner:a", tokens=foreign).codes == [
        "badResumptionToken"
    ]
