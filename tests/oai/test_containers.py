"""Containers validate, whatever is put into them (oai.md 5, numbers 17, 51, 55)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from oai import containers
from oai.characters import escape, is_legal, legal
from oai.containers import Origin
from oai.repository import Identity
from tests.oai.asking import ask
from tests.oai.memory import Memory

HOSTILE = 'a & <b> "c" \x00\x01\ufffe\ud800 ]]>'
ORIGIN = Origin(
    base_url="https://first.example.org/oai?a&b",
    identifier="oai:first.example.org:1",
    datestamp="2020-01-01",
    namespace="http://www.loc.gov/MARC21/slim",
    harvested="2020-02-02T00:00:00Z",
    altered=True,
)


def test_51_a_record_passed_on_tells_all_its_origins_the_nearest_outermost():
    nearest = Origin(
        base_url="https://second.example.org/oai",
        identifier="oai:second.example.org:1",
        datestamp="2021-01-01T00:00:00Z",
        namespace="http://www.loc.gov/MARC21/slim",
        harvested="2021-02-02T00:00:00Z",
        altered=False,
        origin=ORIGIN,
    )
    memory = Memory()
    about = containers.about(
        containers.provenance(nearest),
        containers.rights("https://creativecommons.org/publicdomain/zero/1.0/"),
    )
    identifier = memory.publish(1, about=about)
    told = ask(memory, f"verb=GetRecord&metadataPrefix=oai_dc&identifier={identifier}")
    assert len(told.root.findall(".//{*}about")) == 2
    assert [each.text for each in told.root.iterfind(".//{*}originDescription/{*}baseURL")] == [
        nearest.base_url,
        ORIGIN.base_url,
    ]
    assert len(told.root.findall(".//{*}originDescription/{*}originDescription")) == 1


@given(st.text())
def test_55_a_set_description_is_dublin_core_of_any_text(text):
    root = etree.fromstring(containers.set_description(text, text))
    assert root.tag == "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc"
    assert [child.text or "" for child in root] == [legal(text)] * 2


@pytest.mark.parametrize(
    "content",
    [
        containers.oai_identifier(HOSTILE, HOSTILE),
        containers.friends([HOSTILE, ""]),
        containers.rights_manifest([HOSTILE]),
        containers.rights(HOSTILE),
        containers.set_description(HOSTILE, HOSTILE),
        containers.provenance(Origin(*[HOSTILE] * 5, altered=True, origin=ORIGIN)),
    ],
)
def test_no_text_breaks_out_of_a_container(content):
    assert b"<?xml" not in content
    root = etree.fromstring(content)
    assert not root.findall(".//b")


@given(st.text())
def test_12_escaped_text_comes_back_as_content_and_as_attribute_byte_for_byte(text):
    escaped = escape(text)
    root = etree.fromstring(f'<a b="{escaped}">{escaped}</a>'.encode())
    assert (root.text or "") == root.get("b") == legal(text)
    assert is_legal(text) == (legal(text) == text)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("admin_emails", (), "adminEmail"),
        ("admin_emails", ("nobody",), "e-mail"),
        ("compression", ("identity",), "gzip or deflate"),
        ("repository_identifier", "localhost", "domain name"),
        ("sample_identifier", "oai:elsewhere.example.org:1", "no identifier"),
        ("sample_identifier", "oai:books.example.org:", "no identifier"),
    ],
)
def test_15_16_17_an_identity_that_the_schema_forbids_is_refused(field, value, reason):
    values = {
        "repository_name": "Books",
        "admin_emails": ("exchange@books.example.org",),
        "earliest_datestamp": 0,
        "repository_identifier": "books.example.org",
        "sample_identifier": "oai:books.example.org:offer/1",
    }
    assert Identity(**values).compression == ()
    with pytest.raises(ValueError, match=reason):
        Identity(**{**values, field: value})
