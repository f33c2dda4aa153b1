"""What a provider says of itself (oai.md 4; number 71): honest, sloppy and hostile ones."""

import re

import pytest

from oai.errors import BadVerb
from oai.harvest_errors import Looping, NotOai, Told
from oai.repository import MetadataFormat
from oai.source import choose_prefix, formats, identify, sets
from oai.windows import Granularity
from tests.oai.hostile import Asked, Port, Sent, Site, Time, asking, honest, serving
from tests.oai.memory import START, Memory


def ask(script=honest, memory: Memory | None = None):
    site = Site(memory or Memory(page_size=2), script)
    return site, serving(site), Time()


def identified(script=honest):
    _, server, time = ask(script)
    with server as url:
        return identify(asking(Port(url), time))


def swap(old: bytes, new: bytes):
    return lambda asked: re.sub(old, new, asked.honest)


def test_71_identify_is_read():
    source = identified()
    assert source.name == "Books & <friends>"
    assert source.base_url == "https://books.example.org/oai?a=1&b=2"
    assert source.granularity is Granularity.SECONDS
    assert source.deleted_record == "persistent"
    assert source.earliest == START
    assert source.responded == START
    assert source.admin_emails == ("exchange@books.example.org",)
    assert source.compression == ("gzip",)
    assert len(source.descriptions) == 3
    assert b"oai-identifier" in source.descriptions[0]
    assert source.notes == ()


@pytest.mark.parametrize(
    ("script", "expected", "noted"),
    [
        (swap(rb"YYYY-MM-DDThh:mm:ssZ", b"YYYY-MM-DD"), {"granularity": Granularity.DAYS}, set()),
        (swap(rb"YYYY-MM-DDThh:mm:ssZ", b"yyyy-mm-dd"), {"granularity": Granularity.DAYS}, set()),
        (
            swap(rb"YYYY-MM-DDThh:mm:ssZ", b"YYYY-MM-DDThh:mm:ss.sZ"),
            {"granularity": Granularity.DAYS},
            {"granularity"},
        ),
        (
            swap(rb"<granularity>.*?</granularity>", b""),
            {"granularity": Granularity.DAYS},
            {"granularity"},
        ),
        (swap(rb"persistent", b"Transient"), {"deleted_record": "transient"}, set()),
        (swap(rb"persistent", b"maybe"), {"deleted_record": "no"}, {"deleted-record"}),
        (
            swap(rb"<deletedRecord>.*?</deletedRecord>", b""),
            {"deleted_record": "no"},
            {"deleted-record"},
        ),
        (swap(rb"(<earliest.*?>)[^<]*", rb"\g<1>2001-02-29"), {"earliest": None}, {"earliest"}),
        (swap(rb"(<earliest.*?>)[^<]*", rb"\g<1>1970-01-02"), {"earliest": 86_400}, set()),
        (swap(rb"<Identify>", b'<Identify xmlns="">'), {"earliest": START}, {"namespace"}),
        (
            swap(rb' xmlns="http://www.openarchives.org/OAI/2.0/"', b""),
            {"name": "Books & <friends>"},
            {"namespace"},
        ),
        (swap(rb">2\.0<", b">1.1<"), {"earliest": START}, {"protocol-version"}),
        (swap(rb"<responseDate>[^<]*", b"<responseDate>"), {"responded": None}, {"response-date"}),
        (lambda asked: b"\n\n" + asked.honest, {"earliest": START}, {"before-the-beginning"}),
    ],
)
def test_71_a_sloppy_identify_is_read_with_care_and_noted(script, expected, noted):
    source = identified(script)
    assert {name: getattr(source, name) for name in expected} == expected
    assert {note.code for note in source.notes} == noted


def test_an_identify_that_is_none_says_so():
    with pytest.raises(NotOai):
        identified(lambda _: Sent(b"<html>Sign in</html>"))
    root = b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    error = root + b'<error code="%b">x</error></OAI-PMH>'
    with pytest.raises(Told) as caught:
        identified(lambda _: error % b"badVerb")
    assert isinstance(caught.value.error, BadVerb)
    with pytest.raises(Told) as caught:
        identified(lambda _: error % b"tooBad")
    assert (caught.value.error, caught.value.told) == (None, "tooBad")


def test_sets_are_listed_to_their_end():
    memory = Memory(page_size=2)
    memory.publish(1, sets=["a", "b:c", "d", "e", "f"])
    site, server, time = ask(memory=memory)
    with server as url:
        found = sets(asking(Port(url), time))
    assert [each.spec for each in found] == ["a", "b:c", "d", "e", "f"]
    assert found[0].name == "The set <a> & more"
    assert b"About a" in found[0].descriptions[0]
    assert len(site.log) == 3


def test_a_repository_without_sets_has_none():
    _, server, time = ask()
    with server as url:
        assert sets(asking(Port(url), time)) == []


def test_66_a_list_of_sets_without_an_end_stops():
    memory = Memory(page_size=1)
    memory.publish(1, sets=["a", "b"])
    first: list[bytes] = []

    def script(asked: Asked) -> bytes:
        first.append(asked.honest)
        return first[0]

    site, server, time = ask(script, memory)
    with server as url, pytest.raises(Looping):
        sets(asking(Port(url), time))
    assert len(site.log) == 2


def test_an_empty_page_of_sets_that_carries_a_token_goes_on():
    memory = Memory(page_size=1)
    memory.publish(1, sets=["a", "b", "c"])

    def script(asked: Asked) -> bytes:
        return re.sub(rb"<set>.*</set>", b"", asked.honest) if asked.number == 2 else asked.honest

    _, server, time = ask(script, memory)
    with server as url:
        assert [each.spec for each in sets(asking(Port(url), time))] == ["a", "c"]


def test_formats_are_listed_and_the_best_is_chosen():
    memory = Memory()
    identifier = memory.publish(1, formats=["oai_dc"])
    _, server, time = ask(memory=memory)
    with server as url:
        offered = formats(asking(Port(url), time))
        of_item = formats(asking(Port(url), time), identifier)
    assert offered == list(memory.offered)
    assert [each.prefix for each in of_item] == ["oai_dc"]
    assert choose_prefix(offered) == "marc21"


@pytest.mark.parametrize(
    ("prefixes", "chosen"),
    [
        (["oai_dc", "marc", "marcxml", "marc21"], "marc21"),
        (["oai_dc", "marcxml", "marc"], "marcxml"),
        (["MARC21", "oai_dc"], "MARC21"),
        (["mods", "oai_dc"], "oai_dc"),
    ],
)
def test_the_prefix_is_chosen_by_its_usual_names(prefixes, chosen):
    assert choose_prefix(MetadataFormat(each, "", "") for each in prefixes) == chosen


def test_the_prefix_is_chosen_by_its_namespace_where_its_name_is_unusual():
    odd = MetadataFormat("kat_full", "", "http://www.loc.gov/MARC21/slim")
    assert choose_prefix([MetadataFormat("oai_dc", "", ""), odd]) == "kat_full"
    with pytest.raises(NotOai):
        choose_prefix([MetadataFormat("mods", "", "")])
