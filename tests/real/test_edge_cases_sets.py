"""OAI-PMH edge cases 52 to 55, sets, over a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.domain.offer import ListAction
from service.usecases import membership
from tests.oai.asking import NS
from tests.real.edge_case_library import HEADERS, LIST, Library, bounds, response_date, served
from tests.service.builders import a_record

SETS = "verb=ListSets"
SPEC = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(:[A-Za-z0-9\-_.!~*'()]+)*")


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Books of two places and three languages on two lists; nothing here changes it."""
    with served(sqlite_template, tmp_path_factory.mktemp("sets"), page_size=50) as library:
        library.open("autumn", description="Fiction & <poetry>")
        library.bring(
            a_record("A", number="1"), a_record("B", number="2", place="ja ", language="jpn")
        )
        library.bring(a_record("C", number="3", place="   ", language="   "), slug="autumn")
        library.withdraw(library.identifiers()[0])
        yield library


@pytest.fixture
def changing(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """One book, printed in Korea, for a test to change."""
    with served(sqlite_template, tmp_path) as library:
        library.bring(a_record("A", number="1", place="ko "))
        yield library


def test_52_without_sets_there_is_no_hierarchy(sqlite_template: Path, tmp_path: Path) -> None:
    with served(sqlite_template, tmp_path) as empty:
        for query in (SETS, f"{LIST}&set=list", f"{HEADERS}&set=list:spring"):
            assert empty.ask(query).codes == ["noSetHierarchy"]
        assert empty.ask(LIST).codes == ["noRecordsMatch"]


def test_53_a_set_has_the_members_of_its_subsets(library: Library) -> None:
    specs = library.ask(SETS).texts(".//o:set/o:setSpec/text()")
    assert specs == sorted(set(specs))
    everything = library.headers()
    for spec in specs:
        wanted = [
            header
            for header in everything
            if any(each == spec or each.startswith(f"{spec}:") for each in header.sets)
        ]
        assert wanted
        for verb in (LIST, HEADERS):
            assert library.headers(f"{verb}&set={spec}") == wanted
    assert {"list", "place", "lang"} < set(specs)


def test_53_headers_carry_the_most_specific_sets_alone_and_only_those_that_are_listed(
    library: Library,
) -> None:
    listed = set(library.ask(SETS).texts(".//o:set/o:setSpec/text()"))
    for query in (LIST, HEADERS):
        for header in library.headers(query):
            assert set(header.sets) <= listed
            assert all(SPEC.fullmatch(spec) for spec in header.sets)
            assert {spec.partition(":")[0] for spec in header.sets} == {"list", "place", "lang"}
            assert all(":" in spec for spec in header.sets)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("list:nosuch", "noRecordsMatch"),
        ("nosuch", "noRecordsMatch"),
        ("place:kr", "noRecordsMatch"),
        ("list:spring:deeper", "noRecordsMatch"),
        ("lis", "noRecordsMatch"),
        ("a-_.!~*'():b", "noRecordsMatch"),
        ("%25", "badArgument"),
        ("a/b", "badArgument"),
        ("a:", "badArgument"),
        (":a", "badArgument"),
        (":", "badArgument"),
        ("a::b", "badArgument"),
        ("a%20b", "badArgument"),
        ("%C3%A9", "badArgument"),
        ("list:spring%0A", "badArgument"),
        ("list,place", "badArgument"),
    ],
)
def test_53_an_unknown_set_matches_nothing_and_an_illegal_one_is_bad(
    library: Library, spec: str, code: str
) -> None:
    for verb in (LIST, HEADERS):
        assert library.ask(f"{verb}&set={spec}").codes == [code]


def test_54_who_harvests_a_set_learns_of_a_record_that_leaves_it(changing: Library) -> None:
    (identifier,) = changing.identifiers(f"{HEADERS}&set=place:KR")
    said = response_date(changing.ask(f"{LIST}&set=place:KR"))
    changing.bring(a_record("A", number="1", place="ja "))
    since = bounds(from_=said)
    (left,) = changing.headers(f"{LIST}&set=place:KR{since}")
    assert (left.identifier, left.deleted) == (identifier, True)
    (here,) = changing.headers(f"{LIST}&set=place:JP{since}")
    assert (here.identifier, here.deleted) == (identifier, False)
    (whole,) = changing.headers(f"{LIST}{since}")
    assert not whole.deleted
    assert "place:JP" in whole.sets
    told = changing.ask(f"verb=GetRecord&metadataPrefix=oai_dc&identifier={identifier}")
    assert told.root.find(".//o:metadata", NS) is not None


def test_54_a_record_that_comes_back_into_a_set_is_alive_there(changing: Library) -> None:
    for place in ("ja ", "ko "):
        changing.bring(a_record(f"A, printed in {place}", number="1", place=place))
    assert [header.deleted for header in changing.headers(f"{HEADERS}&set=place:KR")] == [False]
    assert [header.deleted for header in changing.headers(f"{HEADERS}&set=place:JP")] == [True]


@pytest.mark.parametrize("verb", [LIST, HEADERS])
@pytest.mark.parametrize("spec", ["list:spring", "list", "place:KR", "place", "lang:kor", "lang"])
def test_54_a_deleted_record_is_in_the_harvest_of_every_set_it_was_in(
    changing: Library, spec: str, verb: str
) -> None:
    before = response_date(changing.ask(f"{verb}&set={spec}"))
    changing.change("spring", ListAction.WITHDRAW)
    (header,) = changing.headers(f"{verb}&set={spec}{bounds(from_=before)}")
    assert header.deleted


def test_55_a_set_is_described_in_dublin_core(library: Library) -> None:
    told = library.ask(SETS)
    described = {
        each.findtext("o:setSpec", namespaces=NS): each.findtext(".//dc:title", namespaces=NS)
        for each in told.root.iterfind(".//o:set", NS)
        if each.find("o:setDescription", NS) is not None
    }
    assert described["list:spring"] == "List spring"
    assert described["list:autumn"] == "List autumn"
    for description in told.root.iterfind(".//o:setDescription", NS):
        assert not (description.text or "").strip()
        (root,) = description
        assert root.tag == "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc"


def test_53_a_set_that_the_public_may_not_see_looks_like_one_that_never_was(
    changing: Library,
) -> None:
    membership.add_partner(
        changing.site.db, code="nagasaki", name="Nagasaki", now=changing.site.now()
    )
    changing.open("secret", partner_codes=["nagasaki"])
    before = changing.ask(SETS).texts(".//o:setSpec/text()")
    changing.bring(a_record("Hidden", number="9", place="mn "), slug="secret")
    assert changing.ask(SETS).texts(".//o:setSpec/text()") == before
    for spec in ("list:secret", "place:MN"):
        never = changing.ask(f"{LIST}&set=list:never-was").body
        hidden = changing.ask(f"{LIST}&set={spec}").body
        assert hidden.replace(spec.encode(), b"list:never-was") == never
