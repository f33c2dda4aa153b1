"""Standing wishes meet what is offered as soon as their partners may see it, and tell it once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marc_mappings.record import Field, Record, Subfield
from service.domain.announcement import STANDING_WISH_MET
from service.domain.offer import ListAction
from service.domain.partner import Partner, PartnerState
from service.domain.standing_wish import StandingWish
from service.domain.wish import Outcome
from service.errors import Conflict, NotFound, WrongValues
from service.store import partners, wish_keys
from service.store.tables import audit_entry
from service.usecases import enrolling, membership, notifying, offering, tiering, watching, wishing
from service.usecases.site import Site
from tests.service.builders import a_partner, a_record, bring, open_list, work
from tests.service.matching import one
from tests.service.partner_views import hand, known, publish


def about(subject: str) -> Field:
    return Field("650", " 0", (Subfield("a", subject),))


def look_out(
    site: Site, partner: Partner, registers: bool = False, **query: object
) -> StandingWish:
    return watching.add(
        site.db,
        partner,
        "What we look for",
        query,
        registers=registers,
        by="partner:x",
        now=site.now(),
    )


def told(site: Site, partner: Partner) -> list[dict[str, Any]]:
    """Return what a partner was told of its standing wishes, oldest first."""
    found = notifying.announcements(site.db, partner, "", 1000)
    return [dict(each.body) for each in reversed(found) if each.event == STANDING_WISH_MET]


def met(site: Site, wished: StandingWish) -> list[tuple[str, str]]:
    found = watching.list_matches(site.db, wished.public_id, None)
    return sorted((each.title, each.reason) for each in found)


def draft(site: Site, *records: Record, slug: str = "spring", **more: Any) -> None:
    offering.create_list(site.db, slug=slug, title=f"List {slug}", now=site.now(), **more)
    bring(site, *records, slug=slug)


def test_by_subject_and_language_a_title_is_met_the_moment_its_list_opens(site: Site) -> None:
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, subjects=["history"], languages=["mon"])
    draft(
        site,
        a_record("Both", number="1", language="mon", extra=(about("Mongolia -- History"),)),
        a_record("Language", number="2", language="mon", extra=(about("Mongolia -- Maps"),)),
        a_record("Subject", number="3", language="kor", extra=(about("Korea -- History"),)),
        a_record("Prehistory", number="4", language="mon", extra=(about("Prehistory"),)),
    )
    assert told(site, ara) == [], "nobody may see a draft"
    offering.change_list(site.db, "spring", ListAction.OPEN, site.now())
    work(site)
    assert met(site, wished) == [("Both", "Its subject is “Mongolia -- History”; language mon.")]
    assert told(site, ara) == [{"standing_wishes": {wished.public_id: 1}, "titles": 1}]
    assert watching.show(site.db, wished.public_id, ara).matches == 1


def test_a_title_of_a_list_that_the_partner_may_not_see_is_not_told(site: Site) -> None:
    ara, bela = a_partner(site, "ara"), a_partner(site, "bela")
    membership.add_audience(site.db, "near", ["bela"], now=site.now())
    publish(site)
    mine, theirs = (look_out(site, each, languages=["mon"]) for each in (ara, bela))
    open_list(site, "secret", audience="near")
    bring(site, a_record("Hidden", number="1", language="mon"), slug="secret")
    assert [title for title, _ in met(site, theirs)] == ["Hidden"]
    assert met(site, mine) == []
    assert told(site, ara) == []
    with pytest.raises(NotFound):
        watching.list_matches(site.db, theirs.public_id, ara)


def test_who_leaves_a_group_reads_no_more_what_of_its_lists_was_met(site: Site) -> None:
    ara = a_partner(site, "ara")
    membership.add_audience(site.db, "near", ["ara"], now=site.now())
    publish(site)
    wished = look_out(site, ara, languages=["mon"])
    open_list(site, "secret", audience="near")
    bring(site, a_record("Hidden", number="1", language="mon"), slug="secret")
    assert len(watching.list_matches(site.db, wished.public_id, ara)) == 1
    membership.leave(site.db, "near", ["ara"], now=site.now())
    publish(site)
    assert watching.list_matches(site.db, wished.public_id, ara) == []


def test_an_offer_is_told_once_though_its_record_changes(site: Site) -> None:
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, languages=["mon"])
    open_list(site)
    bring(site, a_record("First title", number="1", language="mon"))
    bring(site, a_record("Second title", number="1", language="mon"))
    bring(site, a_record("Third title", number="1", language="mon"))
    assert [title for title, _ in met(site, wished)] == ["Third title"]
    assert len(told(site, ara)) == 1


def test_a_record_that_is_corrected_into_what_is_looked_for_is_told_then(site: Site) -> None:
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, languages=["mon"])
    open_list(site)
    bring(site, a_record("A book", number="1", language="kor"))
    assert told(site, ara) == []
    bring(site, a_record("A book", number="1", language="mon"))
    assert [title for title, _ in met(site, wished)] == ["A book"]


def test_what_becomes_visible_later_is_met_then(site: Site) -> None:
    ara, bela, cora = (a_partner(site, code) for code in ("ara", "bela", "cora"))
    membership.add_audience(site.db, "near", ["ara"], now=site.now())
    publish(site)
    wanted = {each.code: look_out(site, each, languages=["mon"]) for each in (ara, bela, cora)}
    open_list(site, "spring", audience="near")
    bring(site, a_record("A book", number="1", language="mon"))
    assert [len(told(site, each)) for each in (ara, bela, cora)] == [1, 0, 0]
    membership.join(site.db, "near", ["bela"], now=site.now())
    work(site)
    assert [len(told(site, each)) for each in (ara, bela, cora)] == [1, 1, 0], "who joins"
    tiering.add_tier(site.db, "spring", "public", site.now() + timedelta(days=30), site.now())
    hand(site).move(31 * 86_400)
    work(site)
    assert [len(told(site, each)) for each in (ara, bela, cora)] == [1, 1, 1], "a tier that opens"
    assert all(len(met(site, each)) == 1 for each in wanted.values())


def test_one_step_is_one_announcement_with_a_figure_for_each_standing_wish(site: Site) -> None:
    ara = a_partner(site, "ara")
    first = look_out(site, ara, languages=["mon"])
    second = look_out(site, ara, words=["steppe"])
    open_list(site)
    bring(
        site,
        a_record("The steppe", number="1", language="mon"),
        a_record("The river", number="2", language="mon"),
        a_record("Songs of the steppe", number="3", language="kor"),
    )
    (body,) = told(site, ara)
    assert body == {
        "standing_wishes": {first.public_id: 2, second.public_id: 2},
        "titles": 3,
    }


def test_what_registers_is_wished_for_in_a_wish_list_of_its_own(site: Site) -> None:
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, registers=True, languages=["mon"])
    again = look_out(site, ara, registers=True, words=["river"])
    open_list(site)
    bring(site, a_record("The river", number="1", language="mon"))
    bring(site, a_record("The steppe", number="2", language="mon"))
    (listed,) = wishing.list_wish_lists(site.db, ara, "", 10)
    lines = wishing.show(site.db, listed.public_id, ara).lines
    assert [(each.line_no, each.outcome, each.note) for each in lines] == [
        (1, Outcome.REGISTERED, "Language mon."),
        (2, Outcome.REGISTERED, "Language mon."),
    ]
    assert listed.total == 2
    assert (len(met(site, wished)), len(met(site, again))) == (2, 1), "one wish for what meets both"


def test_what_is_wished_for_already_or_was_taken_back_is_not_wished_for_again(site: Site) -> None:
    ara = a_partner(site, "ara")
    open_list(site)
    bring(site, a_record("The river", number="1", isbn="9788936433598", language="mon"))
    assert one(site, ara, isbn="9788936433598").outcome is Outcome.REGISTERED
    wished = look_out(site, ara, registers=True, languages=["mon"])
    bring(site, a_record("The wide river", number="1", isbn="9788936433598", language="mon"))
    assert met(site, wished) == []
    bring(site, a_record("The steppe", number="2", language="mon"))
    sent = next(each for each in wishing.list_wish_lists(site.db, ara, "", 10) if each.total == 1)
    wishing.withdraw(site.db, ara, sent.public_id, 1)
    bring(site, a_record("The green steppe", number="2", language="mon"))
    assert len(told(site, ara)) == 1


def test_one_that_is_stopped_meets_nothing_more_and_its_wishes_stand(site: Site) -> None:
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, languages=["mon"])
    open_list(site)
    bring(site, a_record("One", number="1", language="mon"))
    watching.stop(site.db, wished.public_id, ara, by="partner:ara", now=site.now())
    bring(site, a_record("Two", number="2", language="mon"))
    assert [title for title, _ in met(site, wished)] == ["One"]
    with pytest.raises(Conflict, match="stopped already"):
        watching.stop(site.db, wished.public_id, ara, by="partner:ara", now=site.now())
    with site.db.read() as conn:
        logged = conn.execute(
            sa.select(audit_entry.c.action, audit_entry.c.actor)
            .where(audit_entry.c.kind == watching.KIND)
            .order_by(audit_entry.c.id)
        ).all()
    assert [tuple(row) for row in logged] == [("added", "partner:x"), ("stopped", "partner:ara")]


def test_a_suspended_partner_is_told_nothing(site: Site) -> None:
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, languages=["mon"])
    _suspend(site, "ara")
    open_list(site)
    bring(site, a_record("One", number="1", language="mon"))
    assert (met(site, wished), told(site, known(site, "ara"))) == ([], [])


def _suspend(site: Site, code: str) -> None:
    enrolling.set_state(site.db, code, PartnerState.SUSPENDED, by="staff:kim", now=site.now())


def test_all_that_is_wrong_with_a_query_is_told_at_once(site: Site) -> None:
    ara = a_partner(site, "ara")
    with pytest.raises(WrongValues) as refused:
        look_out(
            site,
            ara,
            languages=["korean"],
            places=["KOR"],
            words=["史"],
            colour=["red"],
            year_from=2020,
            year_to=1999,
        )
    assert sorted(name for name, _ in refused.value.faults) == [
        "query.colour",
        "query.languages",
        "query.places",
        "query.words",
        "query.year_to",
    ]
    with pytest.raises(WrongValues, match="say what you look for"):
        look_out(site, ara)


def test_telling_a_partner_does_not_wait_for_its_wish_list_that_waits_for_the_telling(
    site: Site,
) -> None:
    if site.db.is_sqlite:
        pytest.skip("there is one writer at a time")
    ara = a_partner(site, "ara")
    both = threading.Barrier(2)
    failed: list[Exception] = []

    def answer() -> None:
        try:
            with site.db.write() as conn:
                partners.lock(conn, ara.id)
                both.wait(10)
                wish_keys.hold(conn)
        except Exception as error:
            failed.append(error)

    answering = threading.Thread(target=answer)
    answering.start()
    with site.db.write() as conn:
        wish_keys.exclude(conn)
        both.wait(10)
        body = {"standing_wishes": {"01JZ": 1}, "titles": 1}
        notifying.announce(conn, ara.id, STANDING_WISH_MET, body, site.now())
    answering.join(20)
    assert failed == []
    assert len(told(site, ara)) == 1


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"words": ["채식주의자"]}, True),
        ({"words": ["vegetarian"]}, False),
        ({"authors": ["kang han"]}, True),
        ({"authors": ["한강"]}, True),
        ({"authors": ["Han Kang", "Pak Kyongni"]}, True),
        ({"series": ["창비"]}, True),
        ({"publishers": ["changbi"]}, True),
        ({"classes": ["895.7"]}, True),
        ({"classes": ["895.73 5"]}, True),
        ({"classes": ["95"]}, False),
        ({"places": ["KR"]}, True),
        ({"places": ["JP"]}, False),
        ({"year_from": 2019, "year_to": 2020}, True),
        ({"year_from": 2021}, False),
        ({"year_to": 2019}, False),
        ({"subjects": ["fiction korean"], "languages": ["eng", "kor"]}, True),
        ({"subjects": ["korean history"]}, False),
    ],
)
def test_each_criterion_meets_what_it_says(site: Site, query: dict[str, Any], fits: bool) -> None:
    if not site.db.is_sqlite:
        pytest.skip("a matter of rules, not of the database")
    ara = a_partner(site, "ara")
    wished = look_out(site, ara, **query)
    open_list(site)
    extra = (
        Field("082", "04", (Subfield("a", "895.735"),)),
        Field("100", "1 ", (Subfield("6", "880-01"), Subfield("a", "Han, Kang"))),
        Field("264", " 1", (Subfield("b", "Changbi,"),)),
        Field("490", "0 ", (Subfield("a", "창비 소설선"),)),
        about("Korean fiction"),
        Field("880", "1 ", (Subfield("6", "100-01/$1"), Subfield("a", "한강"))),
    )
    bring(site, a_record("채식주의자", number="1", extra=extra))
    assert [title for title, _ in met(site, wished)] == (["채식주의자"] if fits else [])
