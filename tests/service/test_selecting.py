"""Looking through what a partner offers, with what we hold beside it, up to one wish list."""

from __future__ import annotations

import io
from datetime import date

import pytest
import sqlalchemy as sa

from marc_mappings.record import Field, Subfield
from service.domain import selection as rules
from service.domain import table_file as tables
from service.domain import wish_sheet
from service.domain.selection import Query, SelectionState
from service.errors import (
    Conflict,
    Invalid,
    NotFound,
    Outdated,
    TooLarge,
    UnsupportedFormat,
    WrongValues,
)
from service.store import incoming_lists
from service.store.tables import holding as holding_table
from service.store.tables import job, match_key, offer, own_wish, record
from service.usecases import holding, requesting, selecting
from service.usecases.holding import Uploaded
from service.usecases.site import Site
from tests.oai.hostile import Site as Provider
from tests.service.builders import a_file, a_record, open_list
from tests.service.consignment_scene import HANA
from tests.service.nagasaki import add, harvest, offered, rows

NAGASAKI = "from-nagasaki"
ISBNS = ("9788936433598", "9788936434595", "9788970128856")


def upload(site: Site, data: bytes, kind: str = "", **more: object) -> Uploaded:
    """Say what we hold."""
    more = {"limit": 10**7, **more}
    return holding.upload(
        site.db,
        io.BytesIO(data),
        kind,
        by=HANA,
        now=site.now(),
        **more,  # type: ignore[arg-type]
    )


def held(site: Site) -> set[str]:
    return {row[0] for row in rows(site, sa.select(holding_table.c.value))}


@pytest.fixture
def harvested(harvesting_site: Site, provider: tuple[Provider, str]) -> Site:
    """A site that harvested nine offers of Nagasaki."""
    add(harvesting_site, provider[1])
    harvest(harvesting_site)
    return harvesting_site


def titles(site: Site, name: str, **more: bool) -> list[rules.Title]:
    return selecting.list_titles(site.db, name, **more)  # type: ignore[arg-type]


def route(site: Site, selector: str = "Minji", query: Query = Query()) -> str:  # noqa: B008
    made = selecting.route(site.db, NAGASAKI, selector, query, by=HANA, now=site.now())
    return made.public_id


def choose(site: Site, name: str, offers: list[str], **more: object) -> rules.Selection:
    return selecting.choose(site.db, name, offers, by=HANA, now=site.now(), **more)  # type: ignore[arg-type]


# --- what we hold ---------------------------------------------------------------------------------


def test_what_we_hold_is_replaced_as_a_whole_or_added_to(site: Site) -> None:
    first = upload(site, b"ISBN;Title\n89-364-3359-8;A\n978 89 364 3459 5;B\n;C\n")
    assert (first.read, first.without, first.counts) == (4, 2, {"isbn": 2})
    assert [(each.row, each.text) for each in first.faults] == [(1, "ISBN;Title"), (4, ";C")]
    added = upload(site, b"ISSN 1234-5679\n9788936433598\n", replace=False)
    assert (added.counts, added.removed) == ({"isbn": 2, "issn": 1}, 0)
    other = upload(site, ISBNS[2].encode())
    assert (other.counts, other.removed) == ({"isbn": 1}, 3)
    assert held(site) == {ISBNS[2]}
    assert holding.count(site.db) == {"isbn": 1}


def test_what_we_hold_comes_as_marc_or_as_a_spreadsheet(site: Site) -> None:
    serial = Field("022", "  ", (Subfield("a", "1234-5679"),))
    file = a_file(
        a_record("A", isbn=ISBNS[0], number="1"),
        a_record("B", number="2", extra=(serial,)),
        a_record("C", number="3"),
    )
    made = upload(site, file)
    assert (made.read, made.without, made.counts) == (3, 1, {"isbn": 1, "issn": 1})
    assert made.faults == ((3, "record 3"),)
    sheet = tables.xlsx([("ISBN", "서명"), (ISBNS[1], "나무")], "Books")
    assert upload(site, sheet, wish_sheet.XLSX).counts == {"isbn": 1}
    assert held(site) == {ISBNS[1]}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Invalid),
        (b"title\nA book\n", Invalid),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" * 20, UnsupportedFormat),
        (b"9" * 101, TooLarge),
    ],
)
def test_a_file_without_a_number_changes_nothing(
    site: Site, data: bytes, error: type[Exception]
) -> None:
    upload(site, ISBNS[0].encode())
    with pytest.raises(error):
        upload(site, data, limit=100 if error is TooLarge else 10**6)
    assert held(site) == {ISBNS[0]}


# --- looking through a list -----------------------------------------------------------------------


def test_a_list_comes_back_as_one_wish_list(harvested: Site) -> None:
    site = harvested
    open_ = titles(site, route(site, "Minji"))
    assert (len(open_), any(each.held for each in open_)) == (9, False)
    first, second = route(site, "Hana"), route(site, "Jun", rules.query([], [], not_held=True))
    by_title = sorted(offered(site), key=lambda name: offered(site)[name])
    one, two, three, four = by_title[:4]
    choose(site, first, [one, two], quantity=2, reason="for the corner")
    choose(site, first, [two], wanted=False, reason="we have it in Korean")
    made = choose(site, second, [one, three])
    assert (made.chosen, made.passed_over, made.titles) == (2, 0, 9)
    assert [each.offer for each in titles(site, first, wanted=True)] == [one]
    requesting.add(site.db, [four], now=site.now())
    choose(site, second, [four.lower()])
    done = selecting.close(site.db, first, by=HANA, now=site.now())
    assert (done.wished, done.already, done.gone) == (1, 0, 0)
    done = selecting.close(site.db, second, by=HANA, now=site.now())
    assert (done.wished, done.already) == (1, 2)
    with pytest.raises(Conflict, match="still looked through by Minji"):
        selecting.send(site.db, NAGASAKI, now=site.now())
    released = selecting.send(site.db, NAGASAKI, unfinished=True, now=site.now())
    assert released.wishes == 3
    sent = rows(site, sa.select(own_wish.c.sending, own_wish.c.quantity, own_wish.c.note))
    assert len({row.sending for row in sent}) == 1, "what is chosen goes out together"
    assert sorted((row.quantity, row.note) for row in sent) == [
        (1, ""),
        (1, ""),
        (2, "for the corner"),
    ]
    assert rows(site, sa.select(job.c.kind).where(job.c.kind == requesting.SEND))


def test_a_title_that_we_hold_says_so_and_can_be_left_out(harvested: Site) -> None:
    site = harvested
    name = route(site)
    one = min(offered(site))
    shown = (
        sa.select(record.c.current_version_id)
        .join(offer, offer.c.record_id == record.c.id)
        .where(offer.c.public_id == one)
    )
    with site.db.write() as conn:  # as if the partner's record had an ISBN
        version_id = conn.execute(shown).scalar_one()
        key = {"kind": "isbn", "value": ISBNS[0], "version_id": version_id}
        conn.execute(match_key.insert().values(key))
    upload(site, f"{ISBNS[0]}\n{ISBNS[1]}".encode())
    assert [each.offer for each in titles(site, name) if each.held] == [one]
    assert selecting.find(site.db, name).held == 1
    rest = route(site, query=rules.query([], [], not_held=True))
    assert len(titles(site, rest)) == 8


def test_a_list_is_shared_by_language(harvested: Site) -> None:
    site = harvested
    languages = {each.languages for each in titles(site, route(site))}
    code = sorted(languages)[0].split()[0]
    mine = titles(site, route(site, query=rules.query([code.upper()], [], not_held=False)))
    assert mine
    assert all(code in each.languages.split() for each in mine)
    assert titles(site, route(site, query=rules.query(["zxx"], ["XX"], not_held=False))) == []


def test_what_a_partner_took_back_is_not_wished_for(harvested: Site) -> None:
    site = harvested
    name = route(site)
    some = sorted(offered(site))[:2]
    choose(site, name, some)
    with site.db.write() as conn:
        incoming_lists.withdraw_all(conn, selecting.find(site.db, name).list_id)
    done = selecting.close(site.db, name, by=HANA, now=site.now())
    assert (done.wished, done.gone) == (0, 2)


def test_nothing_is_chosen_in_a_selection_that_is_over(harvested: Site) -> None:
    site = harvested
    name, one = route(site), min(offered(site))
    with pytest.raises(Outdated):
        choose(site, name, [one], seen=9)
    with pytest.raises(NotFound, match="has no offer"):
        choose(site, name, [one, "01JZ0000000000000000000000"])
    with pytest.raises(Invalid):
        choose(site, name, [])
    with pytest.raises(Invalid):
        choose(site, name, [one], quantity=0)
    made = selecting.cancel(site.db, name, by=HANA, now=site.now())
    assert made.state is SelectionState.CANCELLED
    with pytest.raises(Conflict, match="CANCELLED: nothing is chosen"):
        choose(site, name, [one])
    with pytest.raises(Conflict, match="possible: nothing"):
        selecting.close(site.db, name, by=HANA, now=site.now())


def test_only_what_a_partner_offers_is_looked_through(site: Site) -> None:
    open_list(site)
    with pytest.raises(Conflict, match="'spring' is nothing that a partner offers us"):
        selecting.route(site.db, "spring", "Minji", by=HANA, now=site.now())
    with pytest.raises(NotFound):
        selecting.route(site.db, "nowhere", "Minji", by=HANA, now=site.now())
    with pytest.raises(Invalid, match="who"):
        selecting.route(site.db, "spring", " ", by=HANA, now=site.now())
    with pytest.raises(WrongValues) as wrong:
        rules.query(["Japanese"], ["JPN"], not_held=False)
    assert {name for name, _ in wrong.value.faults} == {"languages", "places"}


def test_selections_are_listed_newest_first(harvested: Site) -> None:
    site = harvested
    made = selecting.route(
        site.db, NAGASAKI, "Minji", due_on=date(2049, 5, 1), by=HANA, now=site.now()
    )
    newer = route(site, "Hana")
    found = selecting.list_selections(site.db, slug=NAGASAKI)
    assert {each.public_id for each in found} == {made.public_id, newer}
    assert found == sorted(found, key=lambda each: each.public_id, reverse=True)
    assert selecting.list_selections(site.db, states=[SelectionState.CLOSED]) == []
    assert selecting.find(site.db, made.public_id).due_on == date(2049, 5, 1)
