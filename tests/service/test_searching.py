"""Searching finds a title by any of its words, in any script, on both databases alike."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from marc_mappings import search_terms
from marc_mappings.record import Field, Subfield
from service.domain import search_query
from service.domain.offer import ListAction
from service.domain.search_query import Remark
from service.store import found_offers, found_records, search
from service.store.feed import PUBLIC
from service.usecases import membership, offering, searching
from service.usecases.site import Site
from tests.service.builders import a_file, a_partner, a_record, bring, open_list, receive, work


def _linked(title: str) -> Field:
    return Field("880", "10", (Subfield("6", "245-01"), Subfield("a", title)))


def _subject(words: str) -> Field:
    return Field("650", " 0", (Subfield("a", words),))


def _issn(number: str) -> Field:
    return Field("022", "  ", (Subfield("a", number),))


BOOKS = (
    a_record(
        "Ch'aesikchuŭija", number="1", isbn="978-89-364-3359-8", extra=(_linked("채식주의자"),)
    ),
    a_record("雪国 : 小説", number="2", language="jpn", extra=(_issn("1234-5679"),)),
    a_record("圖書館學", number="3", language="chi", extra=(_subject("Libraries & people"),)),
    a_record("韓國文學史", number="4", language="kor"),
    a_record("Truyện Kiều, 1950-1960", number="5", language="vie"),
    a_record("그림책", number="KMO201", isbn="978-89-364-3412-1"),
)


@pytest.fixture
def shelf(site: Site) -> Site:
    """A site with a list for everybody, and books in several scripts on it."""
    open_list(site)
    bring(site, *BOOKS)
    return site


def offered(site: Site, query: str, audiences: set[int] | None = None, **more: Any) -> list[str]:
    found = searching.offers(site.db, audiences or {PUBLIC}, query, **more)
    return [each.title for each in found.rows]


def catalogued(site: Site, query: str, **more: Any) -> list[str]:
    return [each.title for each in searching.records(site.db, query, **more).rows]


FINDABLE = {
    "채식": "Ch'aesikchuŭija",
    "주의자": "Ch'aesikchuŭija",
    "雪国": "雪国 : 小説",
    "小説": "雪国 : 小説",
    "图书": "圖書館學",
    "図書館": "圖書館學",
    "한국문학": "韓國文學史",
    "韓国": "韓國文學史",
    "chaesikchuuija": "Ch'aesikchuŭija",
    "CHAESIKCHUŬIJA": "Ch'aesikchuŭija",
    "ｔｒｕｙｅｎ kieu": "Truyện Kiều, 1950-1960",
    "1950-1960": "Truyện Kiều, 1950-1960",
    "책": "그림책",
    "kmo201": "그림책",
    "9788936433598": "Ch'aesikchuŭija",
    "isbn:9788936433598": "Ch'aesikchuŭija",
    "ISBN 978-89-364-3359-8": "Ch'aesikchuŭija",
    "978 89 364 3359 8": "Ch'aesikchuŭija",
    "978–89–364–3412–1": "그림책",
    "1234-5679": "雪国 : 小説",
    "issn: 12345679": "雪国 : 小説",
    "subject:libraries people": "圖書館學",
    '"people libraries"': "圖書館學",
}


def test_every_script_and_every_number_finds_its_title(shelf: Site) -> None:
    for query, title in FINDABLE.items():
        for found in (offered(shelf, query), catalogued(shelf, query)):
            if title is not None:
                assert found == [title], query


def test_one_character_finds_what_has_it_anywhere(shelf: Site) -> None:
    # 國 is another form of 国; a record in Chinese is not read as Korean.
    assert offered(shelf, "国") == ["韓國文學史", "雪国 : 小説"]
    assert offered(shelf, "學") == ["韓國文學史", "圖書館學"]
    assert offered(shelf, "학") == ["韓國文學史"]


def test_an_isbn_of_ten_digits_finds_the_one_of_thirteen(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Thirteen", number="1", isbn="9780306406157"))
    bring(site, a_record("Ten", number="2", isbn="0-306-40615-2 (pbk.)"))
    for query in ("0306406152", "0-306-40615-2", "9780306406157", "978-0-306-40615-7"):
        assert offered(site, query) == ["Ten", "Thirteen"]


def test_without_pairs_of_characters_a_part_of_a_word_is_not_found(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_terms, "pairwise", lambda run: [(run,)])
    search_terms._stored.cache_clear()
    open_list(site)
    bring(site, *BOOKS)
    assert offered(site, "채식") == []
    search_terms._stored.cache_clear()


def test_every_word_must_be_there(shelf: Site) -> None:
    assert offered(shelf, "truyen chaesikchuuija") == []
    assert offered(shelf, "채식 雪国") == []
    assert offered(shelf, "nowhere") == []


@pytest.mark.parametrize("query", ["!", "***", '"', "()", "\x00", "\ud800", "。", "́"])
def test_a_query_without_a_letter_finds_nothing(shelf: Site, query: str) -> None:
    assert searching.offers(shelf.db, {PUBLIC}, query) == ([], False, ())
    assert searching.records(shelf.db, query) == ([], False, ())


def test_no_query_is_no_question(shelf: Site) -> None:
    assert len(offered(shelf, "  ")) == len(BOOKS)
    assert catalogued(shelf, "") == list(reversed(catalogued_in_order(shelf)))


def catalogued_in_order(site: Site) -> list[str]:
    return [each.title for each in offering.browse(site.db, {PUBLIC}, limit=1000)]


SIGNS = st.text(st.sampled_from("채식 雪'\"*():-+^{}&|!<>\\%_;,.#ab1X:\x00é"), max_size=30)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(query=st.one_of(st.text(max_size=60), SIGNS, st.sampled_from(["a AND", "NEAR(a b)", "t:*"])))
def test_whatever_is_typed_is_a_query(shelf: Site, query: str) -> None:
    for found in (searching.offers(shelf.db, {PUBLIC}, query), searching.records(shelf.db, query)):
        assert isinstance(found.more, bool)


def test_a_word_that_is_an_operator_elsewhere_is_a_word(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Not or near", number="1"), a_record("This and that", number="2"))
    assert offered(site, "NOT near") == ["Not or near"]
    assert offered(site, "this AND that") == ["This and that"]
    assert offered(site, "this OR near") == []


def test_what_is_not_done_as_it_was_typed_is_said() -> None:
    said = {
        "w" * 500: Remark.CUT,
        " ".join(f"w{n}" for n in range(50)): Remark.CUT,
        '"The sea"': Remark.WORDS_IN_ANY_ORDER,
        "libr*": Remark.WHOLE_WORDS,
        "title:sea": Remark.NO_FIELDS,
    }
    for query, remark in said.items():
        assert search_query.read(query).remarks == (remark,)
    for query in ("sea", "isbn:0306406152", "*", ""):
        assert search_query.read(query).remarks == ()


def test_a_long_query_is_cut_and_still_finds(site: Site) -> None:
    open_list(site)
    words = " ".join(f"w{n}" for n in range(60))
    bring(site, a_record(words, number="1"))
    assert len(offered(site, words)) == 1
    terms = [term for part in search_query.read("가나다라마" * 30).parts for term in part]
    assert len(terms) <= search_query.MOST_TERMS


def test_titles_come_newest_first_and_page_by_page(site: Site) -> None:
    open_list(site)
    open_list(site, "autumn")
    for slug in ("spring", "autumn"):
        bring(site, *(a_record(f"Steppe {n}", number=f"{n}") for n in range(5)), slug=slug)
    seen: list[tuple[str, str]] = []
    after = ""
    while True:
        page = searching.offers(site.db, {PUBLIC}, "steppe", after=after, limit=3)
        seen += [(each.title, each.list_slug) for each in page.rows]
        if not page.more:
            break
        after = page.rows[-1].public_id
    expected = [(f"Steppe {n}", slug) for n in (4, 3, 2, 1, 0) for slug in ("autumn", "spring")]
    assert seen == expected
    assert offered(site, "steppe", slug="autumn") == [f"Steppe {n}" for n in (4, 3, 2, 1, 0)]
    assert offered(site, "steppe", after="7" + "Z" * 25) == []


def test_records_come_newest_first_and_page_by_page(site: Site) -> None:
    open_list(site)
    bring(site, *(a_record(f"Steppe {n}", number=f"{n}") for n in range(5)))
    for query in ("steppe", ""):
        first = searching.records(site.db, query, limit=3)
        rest = searching.records(site.db, query, first.rows[-1].public_id, limit=3)
        titles = [each.title for each in first.rows + rest.rows]
        assert titles == [f"Steppe {n}" for n in (4, 3, 2, 1, 0)]
        assert (first.more, rest.more) == (True, False)
    for nothing in ("7" + "Z" * 25, "junk"):
        assert catalogued(site, "steppe", after=nothing) == []


def test_a_record_is_found_by_what_it_says_now(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Old words", number="1"))
    bring(site, a_record("New words", number="1"))
    for find in (offered, catalogued):
        assert find(site, "old") == []
        assert find(site, "words") == ["New words"]


def test_what_is_staged_is_found_when_it_is_committed(site: Site) -> None:
    open_list(site)
    receive(site, a_file(a_record("Staged", number="1")), stage_only=True)
    work(site)
    assert offered(site, "staged") == catalogued(site, "staged") == []
    assert catalogued(site, "") == []


def test_an_offer_of_a_closed_list_is_found_by_what_it_said_then(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Old words", number="1"))
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    open_list(site, "autumn")
    bring(site, a_record("New words", number="1"), slug="autumn")
    assert offered(site, "words") == ["New words", "Old words"]
    assert offered(site, "old") == ["Old words"]
    assert catalogued(site, "words") == ["New words"]
    assert catalogued(site, "old") == []


def test_what_is_restricted_is_found_by_whom_it_is_shown_to_alone(site: Site) -> None:
    a_partner(site, "ara")
    membership.add_audience(site.db, "near", ["ara"], now=site.now())
    near = next(each.id for each, _ in membership.list_audiences(site.db) if each.code == "near")
    open_list(site, "secret", audience="near")
    open_list(site, "open")
    bring(site, a_record("Secret sea", number="1"), slug="secret")
    bring(site, *(a_record(f"Open sea {n}", number=f"2{n}") for n in range(2)), slug="open")
    assert offered(site, "secret") == []
    assert offered(site, "sea", slug="secret") == []
    page = searching.offers(site.db, {PUBLIC}, "sea", limit=2)
    assert ([each.title for each in page.rows], page.more) == (["Open sea 1", "Open sea 0"], False)
    assert offered(site, "sea", {PUBLIC, near}) == ["Open sea 1", "Open sea 0", "Secret sea"]
    assert searching.offers(site.db, None, "secret").rows[0].list_slug == "secret"


def test_what_is_withdrawn_or_archived_is_not_on_offer_and_still_catalogued(shelf: Site) -> None:
    (found,) = searching.offers(shelf.db, {PUBLIC}, "雪国").rows
    offering.withdraw_offer(shelf.db, found.public_id, now=shelf.now())
    assert offered(shelf, "雪国") == []
    (record,) = searching.records(shelf.db, "雪国").rows
    assert [(on.slug, on.list_state, on.state) for on in record.offered] == [
        ("spring", "OPEN", "WITHDRAWN")
    ]
    assert (record.given, record.languages) == ((), "jpn")
    offering.change_list(shelf.db, "spring", ListAction.WITHDRAW, shelf.now())
    assert offered(shelf, "채식") == []
    assert len(catalogued(shelf, "채식")) == 1


@pytest.mark.parametrize("few", [0, 3, 1000])
def test_many_versions_and_few_offers_are_found_alike(
    site: Site, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """However the work is divided: index first or offers first, blocks or all at once."""
    monkeypatch.setattr(found_offers, "_LOOKED_UP", 4)
    monkeypatch.setattr(found_offers, "_FEW", few)
    monkeypatch.setattr(search, "_FIRST", 2)
    monkeypatch.setattr(search, "_MOST", 3)
    monkeypatch.setattr(search, "_FEW", few)
    monkeypatch.setattr(search, "_SMALL", (1, "#"))
    monkeypatch.setattr(search, "_LARGE", (2, "##"))
    open_list(site)
    open_list(site, "autumn")
    bring(site, *(a_record(f"Sea {n}", number=f"a{n}") for n in range(3)), slug="autumn")
    bring(site, *(a_record(f"Sea {n}", number=f"b{n}") for n in range(3, 20)))
    offering.change_list(site.db, "spring", ListAction.WITHDRAW, site.now())
    assert offered(site, "sea") == ["Sea 2", "Sea 1", "Sea 0"]
    assert catalogued(site, "sea") == [f"Sea {n}" for n in range(19, -1, -1)]
    assert catalogued(site, "sea 3") == ["Sea 3"]
    last = searching.offers(site.db, {PUBLIC}, "sea", limit=1).rows[0].public_id
    assert offered(site, "sea", after=last) == ["Sea 1", "Sea 0"]


def test_an_index_made_anew_finds_what_it_found_before(shelf: Site) -> None:
    with shelf.db.engine.begin() as conn, Operations.context(MigrationContext.configure(conn)):
        import_module("service.store.migrations.versions.0014_search").upgrade()
    for query in ("채식", "9788936433598", "책", "한국문학"):
        assert offered(shelf, query) == [FINDABLE[query]]


def _plan(site: Site, statement: sa.Select[Any]) -> list[str]:
    bound = statement.params(values=list(range(100)), versions=list(range(100)))
    sql = bound.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with site.db.read() as conn:
        return [row.detail for row in conn.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}"))]


def test_what_the_index_finds_is_looked_up_by_its_number(site: Site) -> None:
    if not site.db.is_sqlite:
        pytest.skip("PostgreSQL plans by its statistics")
    uses = {
        found_offers.OF_VERSION: "uq_record_current_version_id|sqlite_autoindex_record",
        found_offers.OF_RECORD: "ix_offer_record_id",
        found_offers.PINNED: "ix_offer_pinned_version_id",
        found_offers.ON_LISTS: "uq_offer_list_id_record_id_offered",
        found_records.CURRENT: "sqlite_autoindex_record",
    }
    for statement, names in uses.items():
        first = _plan(site, statement)[0]
        assert first.startswith("SEARCH")
        assert any(name in first for name in names.split("|")), first
    with site.db.read() as conn:
        plan = conn.exec_driver_sql("EXPLAIN QUERY PLAN " + search.WALK, ("sea", 1)).all()
    # The index keeps the order itself: nothing is sorted.
    assert len(plan) == 1
    assert "VIRTUAL TABLE INDEX" in plan[0].detail


def test_postgresql_asks_its_index_and_never_walks_the_table(site: Site) -> None:
    if site.db.is_sqlite:
        pytest.skip("PostgreSQL's own")
    with site.db.write() as conn:
        conn.exec_driver_sql(
            "CREATE TEMP TABLE search_text AS SELECT n AS version_id, "
            "array_to_tsvector(ARRAY['sea', '#' || n / 4096]) AS terms "
            "FROM generate_series(1, 20000) n"
        )
        conn.exec_driver_sql("CREATE INDEX ON search_text USING gin (terms)")
        conn.exec_driver_sql("CREATE UNIQUE INDEX ON search_text (version_id)")
        conn.exec_driver_sql("ANALYZE search_text")
        query = ("('sea') & ('#4')", 20_000)
        plan = "\n".join(
            conn.exec_driver_sql(f"EXPLAIN {search.AT_ONCE} LIMIT 5000", query).scalars()
        )
    assert "Bitmap Index Scan" in plan
    assert "version_id_idx" not in plan
