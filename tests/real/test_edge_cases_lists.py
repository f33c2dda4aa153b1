"""OAI-PMH edge cases 29 to 42, tokens and lists, over a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from oai.repository import Key, Selection
from oai.token import ListPlace, SetPlace, Tokens
from service.domain.offer import ListAction
from service.store import feed
from service.store.tables import feed_entry, feed_item, feed_stream
from tests.oai.asking import NS, Told
from tests.real.edge_case_library import (
    HEADERS,
    LIST,
    MARC,
    Library,
    bounds,
    headers_of,
    response_date,
    served,
)
from tests.service.builders import a_record

PREFIXES = ("oai_dc", "marc21", "marcxml")
NEXT = "verb=ListRecords&resumptionToken="


@pytest.fixture(scope="module")
def library(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Seven books in pages of three, one of them taken back; nothing here changes it."""
    with served(sqlite_template, tmp_path_factory.mktemp("lists")) as library:
        library.books(7)
        library.withdraw(library.identifiers()[3])
        yield library


@pytest.fixture
def changing(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """Seven books in pages of two, for a test to change."""
    with served(sqlite_template, tmp_path, page_size=2) as library:
        library.books(7)
        yield library


def end(library: Library, token: str, verb: str = "ListRecords") -> list[Told]:
    """Follow a list from a token to its end."""
    return library.pages(f"verb={verb}&resumptionToken={token}")


def flows(pages: list[Told]) -> list[tuple[str | None, str | None]]:
    return [page.flow for page in pages]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_29_30_a_list_of_pages_ends_with_an_empty_token_and_counts(
    library: Library, prefix: str
) -> None:
    pages = library.pages(f"verb=ListRecords&metadataPrefix={prefix}")
    assert [len(page.identifiers) for page in pages] == [3, 3, 1]
    assert [bool(page.token) for page in pages] == [True, True, False]
    assert pages[-1].token == ""
    assert flows(pages) == [("0", "7"), ("3", "7"), ("6", "7")]
    for page in pages:
        assert page.root.find(".//o:resumptionToken", NS).get("expirationDate") is None


def test_29_a_list_of_one_page_has_no_token(library: Library) -> None:
    stamp = max(header.stamp for header in library.headers())
    for query in (LIST + bounds(from_=stamp), HEADERS):
        (page,) = library.pages(query)
        assert page.token is None


def test_29_38_a_list_that_fills_its_last_page_has_no_empty_one_behind_it(
    changing: Library,
) -> None:
    changing.bring(a_record("Book 7", number="7"))
    pages = changing.pages(LIST)
    assert [len(page.identifiers) for page in pages] == [2, 2, 2, 2]
    assert pages[-1].token == ""


def test_30_the_size_of_a_list_that_grows_is_revised(changing: Library) -> None:
    first = changing.ask(LIST)
    changing.books(3, start=7)
    pages = [first, *end(changing, first.token or "")]
    sizes = [int(size or 0) for _, size in flows(pages)]
    assert sizes[0] == 7
    assert sizes == sorted(sizes)
    assert sizes[-1] == sum(len(page.identifiers) for page in pages) == 10


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers", "ListSets"])
@pytest.mark.parametrize(
    "more", ["metadataPrefix=oai_dc", "from=2026-01-01", "until=2050-01-01", "set=list", "x=y"]
)
def test_31_a_token_stands_alone(library: Library, verb: str, more: str) -> None:
    token = library.ask(LIST).token
    for query in (f"resumptionToken={token}&{more}", f"{more}&resumptionToken={token}"):
        told = library.ask(f"verb={verb}&{query}")
        assert set(told.codes) == {"badArgument"}
        assert told.echo == {}


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers", "ListSets"])
@pytest.mark.parametrize(
    "junk",
    [
        "junk",
        "0",
        "-1",
        "%00%ff",
        "%00",
        "..",
        ".",
        "a" * 10_000,
        "oai_dc::::-100",
        "oai_dc/9999999999999999999999///oai_dc",
        "eyJwcmVmaXgiOiAib2FpX2RjIn0=",
        "%E2%80%8B",
        "1.2.3",
        "null.null",
    ],
)
def test_32_41_junk_is_no_token(library: Library, verb: str, junk: str) -> None:
    assert library.ask(f"verb={verb}&resumptionToken={junk}").codes == ["badResumptionToken"]


def test_32_a_token_with_any_letter_changed_cut_or_added_is_none(library: Library) -> None:
    token = library.ask(LIST).token or ""
    assert library.ask(NEXT + token).codes == []
    changed = [
        token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        for place in range(0, len(token), 3)
    ]
    cut = [token[:length] for length in range(1, len(token), 7)] + [token[1:], token[:-1]]
    added = [token + more for more in ("A", "=", ".", "+", " ", "\n", "\x00", "é", token)]
    for other in (*changed, *cut, *added, token.swapcase(), token[::-1]):
        told = library.ask(NEXT + quote(other, safe=""))
        assert told.codes == ["badResumptionToken"], other


def test_32_a_token_of_another_verb_audience_or_key_is_none(library: Library) -> None:
    token = library.ask(LIST).token
    for verb in ("ListIdentifiers", "ListSets"):
        told = library.ask(f"verb={verb}&resumptionToken={token}")
        assert told.codes == ["badResumptionToken"]
    ours, place = library.site.tokens(), ListPlace(Selection("oai_dc"), Key(1, 0), 0, 7)
    assert library.ask(NEXT + ours.for_list("ListRecords", "public", place)).codes == []
    for strange in (
        ours.for_list("ListRecords", "partner:nagasaki", place),
        ours.for_sets("public", SetPlace("list", 1)),
        Tokens("another key").for_list("ListRecords", "public", place),
        ours.for_list("ListRecords", "public", replace(place, selection=Selection("nosuch"))),
    ):
        assert library.ask(NEXT + strange).codes == ["badResumptionToken"]


def test_33_a_token_outlives_a_restart_and_a_rotated_key_and_works_at_any_server(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as first:
        first.books(7)
        before = first.pages(LIST)
        token = before[0].token or ""
        with served(sqlite_template, tmp_path, first.clock) as second:
            assert end(second, token)[0].body == before[1].body
    with served(sqlite_template, tmp_path, first.clock) as again:
        assert [page.identifiers for page in end(again, token)] == [
            page.identifiers for page in before[1:]
        ]
    rotated = {"secret_key": "a new key", "secret_key_fallbacks": "an old key, a key for tests"}
    with served(sqlite_template, tmp_path, first.clock, **rotated) as later:
        page = later.ask(NEXT + token)
        assert page.identifiers == before[1].identifiers
        assert page.token != before[1].token
        fresh = page.token or ""
    with served(sqlite_template, tmp_path, first.clock, secret_key="a new key") as last:
        assert last.ask(NEXT + token).codes == ["badResumptionToken"]
        assert last.ask(NEXT + fresh).identifiers == before[2].identifiers


def test_33_a_token_of_a_list_that_nobody_may_see_any_more_is_none(changing: Library) -> None:
    """The public loses the format or the set: the token says so, and tells nothing else."""
    ours, key = changing.site.tokens(), Key(changing.headers()[0].stamp, 1)
    hidden = ListPlace(Selection("oai_dc", "list:secret"), key, 2, 7)
    told = changing.ask(NEXT + ours.for_list("ListRecords", "public", hidden))
    assert told.codes == ["badResumptionToken"]


def test_34_a_token_may_be_sent_again_at_any_time(library: Library) -> None:
    first = library.ask(LIST)
    second = library.ask(NEXT + (first.token or ""))
    third = library.ask(NEXT + (second.token or ""))
    for _ in range(3):
        assert library.ask(NEXT + (first.token or "")).body == second.body
        assert library.ask(NEXT + (second.token or "")).body == third.body
    assert library.ask(LIST).body == first.body


def test_34_a_token_sent_again_after_a_change_has_all_that_did_not_change(
    changing: Library,
) -> None:
    first = changing.ask(LIST)
    second = changing.ask(NEXT + (first.token or ""))
    changing.withdraw(second.identifiers[0])
    again = changing.ask(NEXT + (first.token or ""))
    assert again.identifiers[0] == second.identifiers[1]
    rest = [name for page in end(changing, again.token or "") for name in page.identifiers]
    assert second.identifiers[0] in rest


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_35_a_token_is_short_and_needs_no_encoding(
    sqlite_template: Path, tmp_path: Path, verb: str
) -> None:
    slug = "a" * 60
    with served(sqlite_template, tmp_path, page_size=1) as library:
        library.open(slug)
        library.bring(*(a_record(f"B {n}", number=str(n)) for n in range(12)), slug=slug)
        dates = "&from=2026-01-01T00:00:00Z&until=2099-12-31T23:59:59Z"
        told = library.ask(f"verb={verb}&metadataPrefix=marcxml&set=list:{slug}{dates}")
        token = told.token or ""
        assert re.fullmatch(r"[A-Za-z0-9._-]+", token)
        assert quote(token, safe="") == token
        assert len(token) < 1000


def test_36_37_what_changes_during_a_harvest_is_lost_to_nobody(changing: Library) -> None:
    """Changed, taken back and added between the pages; also what lies behind the harvester."""
    changed = changing.named("Book 0")
    before = [name for name in changing.identifiers() if name != changed]
    first = changing.ask(LIST)
    held = {header.identifier: header for header in headers_of(first)}
    token = first.token
    changing.bring(a_record("Book 0, corrected", number="0"))
    changing.withdraw(before[0])  # behind the harvester
    changing.withdraw(before[5])  # still before it
    changing.books(2, start=7)
    pages = 1
    while token:
        told = changing.ask(NEXT + token)
        held |= {header.identifier: header for header in headers_of(told)}
        token = told.token
        pages += 1
        assert pages < 20
    truth = {header.identifier: header for header in changing.headers()}
    assert held == truth
    assert {name for name, header in truth.items() if header.deleted} == {before[0], before[5]}
    since = HEADERS + bounds(from_=response_date(first))
    assert {changed, before[0], before[5]} <= set(changing.identifiers(since))


def test_36_nothing_that_stays_is_lost_while_a_title_changes_behind_every_page(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path, page_size=5) as library:
        library.books(40)
        told = library.ask(HEADERS)
        # Headers come ten times as many: the list is cut by records.
        told = library.ask(LIST)
        seen, number = list(told.identifiers), 0
        while told.token and number < 30:
            library.bring(a_record(f"Book {number}, again", number=str(number)))
            number += 1
            told = library.ask(NEXT + told.token)
            seen += told.identifiers
        assert not told.token, "the list never ended"
        assert set(seen) == set(library.identifiers())


def test_37_a_list_without_until_is_not_cut_at_its_first_page(changing: Library) -> None:
    first = changing.ask(LIST)
    changing.books(1, start=7)
    found = [name for page in end(changing, first.token or "") for name in page.identifiers]
    assert changing.identifiers()[-1] in found
    assert len(found) == 6


def test_38_no_page_is_empty(changing: Library) -> None:
    assert all(page.identifiers for page in changing.pages(LIST))
    until = HEADERS.replace("ListIdentifiers", "ListRecords") + bounds(
        until=changing.headers()[-1].stamp
    )
    first = changing.ask(until)
    changing.change("spring", ListAction.WITHDRAW)  # all that was left has moved behind `until`
    told = changing.ask(NEXT + (first.token or ""))
    assert told.codes == ["badResumptionToken"]
    assert changing.ask(until).codes == ["noRecordsMatch"]
    assert {header.deleted for header in changing.headers()} == {True}


def test_38_an_empty_repository_has_no_records(sqlite_template: Path, tmp_path: Path) -> None:
    with served(sqlite_template, tmp_path) as library:
        for query in (LIST, HEADERS, MARC):
            assert library.ask(query).codes == ["noRecordsMatch"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("more", ["", "&set=list:spring", "&set=lang:kor", "from", "until"])
def test_39_records_and_identifiers_list_the_same(library: Library, prefix: str, more: str) -> None:
    if more in ("from", "until"):
        stamp = sorted({header.stamp for header in library.headers()})[0]
        more = bounds(until=stamp) if more == "until" else bounds(from_=stamp + 1)
    records, identifiers = (
        library.headers(f"verb={verb}&metadataPrefix={prefix}{more}")
        for verb in ("ListRecords", "ListIdentifiers")
    )
    assert records == identifiers
    assert records


@pytest.mark.parametrize("size", [1, 2, 7, 8, 100])
def test_40_a_quiet_harvest_has_each_item_once_and_as_many_as_it_said(
    sqlite_template: Path, tmp_path: Path, size: int
) -> None:
    with served(sqlite_template, tmp_path, page_size=size) as library:
        library.books(23)
        for query in (LIST, HEADERS, MARC):
            pages = library.pages(query)
            found = [name for page in pages for name in page.identifiers]
            assert len(found) == len(set(found)) == 23
            if len(pages) > 1:
                assert {total for _, total in flows(pages)} == {"23"}


def test_41_sets_are_listed_over_pages_and_each_once(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.usecases.disseminating._SETS_PER_PAGE", 4)
    with served(sqlite_template, tmp_path) as library:
        places = ("ko ", "ja ", "mp ", "vm ", "fr ", "it ", "sp ")
        library.bring(*(a_record("B", number=p.strip(), place=p) for p in places))
        pages = library.pages("verb=ListSets")
        specs = [spec for page in pages for spec in page.texts(".//o:set/o:setSpec/text()")]
        assert len(pages) == 3
        assert len(specs) == len(set(specs)) == 12  # 7 places, a list, a language, and 3 wholes
        assert [cursor for cursor, _ in flows(pages)] == ["0", "4", "8"]
        assert pages[-1].token == ""
        again = library.ask(f"verb=ListSets&resumptionToken={pages[0].token}")
        assert again.body == pages[1].body
        told = library.ask(NEXT + (pages[0].token or ""))
        assert told.codes == ["badResumptionToken"]


MANY = 60_000


def fill(library: Library, count: int) -> None:
    """Put ``count`` more items into the feed, which all share the rendition of the first one."""
    library.books(1)
    stamp = library.headers()[0].stamp
    with library.site.db.write() as conn:
        version = conn.execute(sa.select(feed_item.c.version_id)).scalar_one()
        streams = conn.execute(
            sa.select(feed_stream.c.id).where(feed_stream.c.set_spec.in_(["", "list:spring"]))
        )
        items = [
            {
                "id": 1000 + n,
                "kind": "offer",
                "source_id": 1000 + n,
                "public_id": f"0{n:025}",
                "stamp": stamp + n // 100,
                "deleted": False,
                "version_id": version,
                "sets": "list:spring",
            }
            for n in range(1, count + 1)
        ]
        conn.execute(feed_item.insert(), items)
        for stream in streams.scalars().all():
            conn.execute(
                feed_entry.insert().values(stream_id=stream, present=True),
                [{"item_id": each["id"], "stamp": each["stamp"]} for each in items],
            )
        feed.set_clock(conn, stamp + count)
    library.clock.move(count)


def comes_to_equal(library: Library, early: str, late: str) -> bool:
    """Whether the best time of the late page comes within 1.2 of the early one's.

    Both are asked in turn. What other programs cost goes away with patience, what an offset costs
    does not: at this size it makes the late page nearly twice as long.
    """
    best = {early: float("inf"), late: float("inf")}
    for turn in range(400):
        for query in (early, late) if turn % 2 else (late, early):
            began = time.perf_counter()
            library.fetch(query)
            best[query] = min(best[query], time.perf_counter() - began)
        if turn >= 20 and best[late] < 1.2 * best[early]:
            return True
    return False


def test_42_the_last_page_of_a_long_list_costs_what_the_second_one_does(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path, page_size=100) as library:
        fill(library, MANY)
        for spec in (None, "list:spring"):
            first = library.ask(MARC + (f"&set={spec}" if spec else ""))
            assert first.flow == ("0", str(MANY + 1))
            second = NEXT + (first.token or "")
            end = Key(headers_of(first)[0].stamp + MANY // 100 - 1, 0)
            place = ListPlace(Selection("marc21", spec), end, MANY - 100, MANY + 1)
            last = NEXT + library.site.tokens().for_list("ListRecords", "public", place)
            assert len(library.ask(second).identifiers) == 100
            assert len(library.ask(last).identifiers) == 100
            assert comes_to_equal(library, second, last)
