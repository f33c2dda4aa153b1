"""Containers validate, whatever is put into them (oai.md 5, numbers 17, 51, 55)."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from oai import containers, uris
from oai.characters import escape, is_legal, legal
from oai.containers import Origin
from oai.repository import Identity
from tests.oai.asking import ask
from tests.oai.memory import Memory

HOSTILE = 'a & <b> "c" \x00\x01\ufffe\ud800 ]]>'
LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
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
        containers.branding(LICENCE, title=HOSTILE),
        containers.set_description(HOSTILE, HOSTILE),
    ],
)
def test_no_text_breaks_out_of_a_container(content):
    assert b"<?xml" not in content
    root = etree.fromstring(content)
    assert not root.findall(".//b")


@pytest.mark.parametrize("no_uri", [HOSTILE, "", "a b", "http://[", "http://a.org/é", "a%2", "\n"])
def test_17_51_what_is_no_uri_is_refused_because_the_schemas_do(no_uri):
    for make in (
        lambda: containers.friends([LICENCE, no_uri]),
        lambda: containers.rights_manifest([no_uri]),
        lambda: containers.rights(no_uri),
        lambda: containers.branding(no_uri),
        lambda: replace(ORIGIN, base_url=no_uri),
        lambda: replace(ORIGIN, identifier=no_uri),
        lambda: replace(ORIGIN, namespace=no_uri),
    ):
        with pytest.raises(ValueError, match="not a URI"):
            make()


@pytest.mark.parametrize("date", ["", "2020-1-1", "2020-02-30", "2020-01-01T00:00:00", HOSTILE])
def test_51_what_is_no_datestamp_is_refused_because_the_schema_does(date):
    for field in ("datestamp", "harvested"):
        with pytest.raises(ValueError, match="not a UTC datestamp"):
            replace(ORIGIN, **{field: date})


def test_17_a_manifest_of_no_rights_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        containers.rights_manifest([])


URIS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://a.example.org", "oai:a.org:", "urn:x:1", "https://a.org:80/", "x"]),
    st.text("aZ1-._~!$&'()*+,;=:@/", max_size=12),
    st.sampled_from(["", "?a=b&c=%20d", "#e"]),
    st.text("aZ1-._~!$&'()*+,;=:@/?", max_size=12),
).filter(uris.is_legal)
DATES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001 - UTC
    lambda moment: f"{moment.replace(microsecond=0).isoformat()}Z"
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.builds(Origin, URIS, URIS, DATES, URIS, DATES, st.booleans()), min_size=1),
    URIS,
    st.text(),
)
def test_17_51_whatever_is_not_refused_is_valid(origins, uri, text):
    chain = None
    for origin in origins:
        chain = replace(origin, origin=chain)
    memory = Memory()
    about = containers.about(containers.provenance(chain), containers.rights(uri))
    identifier = memory.publish(1, about=about)
    descriptions = (
        containers.friends([uri, uri]),
        containers.rights_manifest([uri]),
        containers.branding(uri, link=uri, title=text),
    )
    identity = replace(memory.identity(), descriptions=descriptions)
    memory.identity = lambda: identity
    assert len(ask(memory, "verb=Identify").root.findall(".//{*}description")) == 4
    told = ask(memory, f"verb=GetRecord&metadataPrefix=oai_dc&identifier={identifier}")
    assert len(told.root.findall(".//{*}originDescription")) == len(origins)
    bare = Origin(uri, uri, "2020-01-01", uri, "2020-01-02", altered=False)
    about = containers.about(containers.provenance(bare))
    memory.publish(1, about=about)
    assert ask(memory, f"verb=GetRecord&metadataPrefix=oai_dc&identifier={identifier}").texts(
        ".//@harvestDate"
    ) == ["2020-01-02"]


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
