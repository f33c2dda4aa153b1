"""Two entries of one library become one, and nothing that either asked for or was given is lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.agreement import Agreement, AgreementAction
from service.domain.partner import Partner
from service.domain.wish import Mode, Outcome
from service.errors import Conflict, Invalid, NotFound, Outdated, Unauthenticated
from service.store import audiences, feed, merged_rows, partners
from service.store.tables import (
    account,
    agreement_party,
    allocation,
    allocation_partner,
    digest_mark,
    metadata,
    partner,
    partner_name,
    wish,
    wish_list,
)
from service.usecases import (
    agreeing,
    enrolling,
    giving,
    membership,
    merging,
    moving_agreements,
    notifying,
    offering,
    reading_agreements,
    signing_in,
    wishing,
)
from service.usecases.merging import Merged
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.service.any_row import add_row
from tests.service.builders import a_partner, a_record, bring, open_list
from tests.service.partner_views import hand, known, listed, publish, titles


@pytest.fixture
def both(site: Site) -> tuple[Partner, Partner]:
    """Two entries of one library, ``old`` and ``new``, and three books on an open list."""
    open_list(site)
    bring(site, *(a_record(name, number=name) for name in ("One", "Two", "Three")))
    return a_partner(site, "old"), a_partner(site, "new")


def merge(site: Site, code: str = "old", into: str = "new", **more: Any) -> Merged:
    return merging.merge(site.db, code, into, by="staff:hana", now=site.now(), **more)


def ask(site: Site, asker: Partner, *names: str, **more: Any) -> wishing.Received:
    by_title = {each.title: each.public_id for each in offering.browse(site.db, {feed.PUBLIC})}
    lines = "\n".join(f"offer/{by_title[name]}" for name in names)
    request = Request(lines.encode(), "text/uri-list", **more)
    hand(site).move(10)
    return wishing.receive(site.db, asker, request, site.names(), site.wish_limits(), site.now())


def open_wishes(site: Site, code: str) -> list[tuple[str, str]]:
    """Return (target, list) of the open wishes of a partner."""
    with site.db.read() as conn:
        rows = conn.execute(
            sa.select(wish.c.target, wish_list.c.public_id)
            .join(wish_list, wish_list.c.id == wish.c.wish_list_id)
            .join(partner, partner.c.id == wish.c.partner_id)
            .where(partner.c.code == code, wish.c.state == "OPEN")
            .order_by(wish_list.c.id, wish.c.line_no)
        )
        return [tuple(row) for row in rows]


def test_merging_loses_no_wish(site: Site, both: tuple[Partner, Partner]) -> None:
    old, new = both
    mine = ask(site, old, "One", "Two").wish_list.public_id
    theirs = ask(site, new, "Two", "Three").wish_list.public_id
    before = {target for code in ("old", "new") for target, _ in open_wishes(site, code)}
    done = merge(site)
    after = open_wishes(site, "new")
    assert {target for target, _ in after} == before
    assert [name for _, name in after] == [mine, mine, theirs], "of the same wish the older stands"
    assert open_wishes(site, "old") == []
    survivor = known(site, "new")
    found = wishing.show(site.db, theirs, survivor)
    assert [line.outcome for line in found.lines] == [Outcome.DUPLICATE, Outcome.REGISTERED]
    assert mine in found.lines[0].reason
    assert any(theirs in remark for remark in done.remarks)
    told = notifying.announcements(site.db, survivor, "", 10)[0]
    assert (told.event, told.body) == ("wish.changed", {"wish_list": theirs, "duplicate": 1})
    again = ask(site, survivor, "One")
    assert [line.outcome for line in again.wish_list.lines] == [Outcome.DUPLICATE]


def test_a_list_that_replaces_the_others_leaves_the_merged_one_alone(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    old, new = both
    ask(site, old, "One")
    ask(site, new, "Two")
    done = merge(site)
    assert any("@old" in remark for remark in done.remarks)
    ask(site, known(site, "new"), "Three", mode=Mode.REPLACE)
    assert len(open_wishes(site, "new")) == 2, "One of the old entry, and Three"


def test_one_request_of_each_under_the_same_key_can_both_be_there(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    for asker in both:
        ask(site, asker, "One", idempotency_key="same")
    merge(site)
    with site.db.read() as conn:
        keys = conn.execute(sa.select(wish_list.c.idempotency_key).order_by(wish_list.c.id))
        assert list(keys.scalars()) == [None, "same"]


def test_what_was_given_is_harvested_by_the_one_that_stands(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    by_title = {each.title: each.public_id for each in offering.browse(site.db, {feed.PUBLIC})}
    kept = giving.give_offers(site.db, "old", [by_title["One"], by_title["Two"]], site.now())
    giving.retract(site.db, kept[1].public_id)
    stamp = publish(site)
    merge(site)
    publish(site)
    new = known(site, "new")
    assert titles(listed(site, new, set="given:new")) == ["One"]
    assert titles(listed(site, new)).count("One") == 2, "the offer, and what was given"
    fresh = listed(site, new, from_=stamp + 1)
    assert titles(fresh) == ["One"], "a harvester that goes on learns it"
    giving.give_offers(site.db, "new", [by_title["Three"]], site.now())
    publish(site)
    assert titles(listed(site, new, set="given:new")) == ["One", "Three"]


def test_what_only_the_old_entry_was_shown_is_shown_to_the_other(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    membership.add_audience(site.db, "near", ["old"], now=site.now())
    membership.add_audience(site.db, "far", ["old", "new"], now=site.now())
    open_list(site, "secret", audience="near")
    bring(site, a_record("Secret", number="9"), slug="secret")
    publish(site)
    new = known(site, "new")
    assert titles(listed(site, new, set="partner:new")) == []
    merge(site)
    stamp = publish(site)
    assert titles(listed(site, new, set="partner:new")) == ["Secret"]
    assert titles(listed(site, new, from_=stamp)) == ["Secret"]
    assert [each.partner_code for each in membership.list_members(site.db, "far")] == ["new"]


def test_the_old_code_stays_reserved_and_leads_to_the_other(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    token = signing_in.issue_partner_token(site.db, "old", "", site.now())
    done = merge(site)
    with pytest.raises(NotFound, match="'new'"):
        enrolling.find_entry(site.db, "old")
    with pytest.raises(NotFound, match="'new'"):
        membership.find_partner(site.db, "old")
    with pytest.raises(Conflict):
        a_partner(site, "old")
    with pytest.raises(Unauthenticated):
        signing_in.identify(site.db, token, now=site.now())
    assert any("1 tokens of old are revoked" in remark for remark in done.remarks)
    assert [each.code for each in enrolling.list_entries(site.db)] == ["new"]
    with pytest.raises(Invalid, match="old"):
        membership.add_audience(site.db, "near", ["old"], now=site.now())


def test_an_entry_holds_what_only_the_other_told(site: Site) -> None:
    now, by = site.now(), "staff:hana"
    old = {
        "name": "Library A",
        "isil": "JP-1",
        "city": "Nagasaki",
        "names": {"ja": "甲", "en": "A"},
        "contacts": [{"name": "Desk", "email": "DESK@a.example"}, {"name": "Tanaka"}],
        "languages": ["jpn"],
        "notes": "Closed in May.",
        "priority": 1,
    }
    new = {
        "name": "Library B",
        "names": {"ja": "乙"},
        "contacts": [{"name": "The desk", "email": "desk@a.example"}],
        "languages": ["kor"],
        "city": "Sasebo",
    }
    enrolling.add(site.db, "old", old, by=by, now=now)
    enrolling.add(site.db, "new", new, by=by, now=now)
    entry = merge(site).entry
    assert (entry.name, entry.city, entry.isil, entry.priority) == (
        "Library B",
        "Sasebo",
        "JP-1",
        2,
    )
    assert entry.names == {"en": "A", "ja": "乙"}
    assert [each.name for each in entry.contacts] == ["The desk", "Tanaka"]
    assert entry.languages == ("kor", "jpn")
    assert entry.notes == "Merged with old: Library A, Nagasaki, JP-1\nClosed in May."


def test_nothing_but_the_ledger_stays_with_the_old_entry(site: Site) -> None:
    old, new = a_partner(site, "old"), a_partner(site, "new")
    columns = list(merged_rows.references())
    named = {f"{column.table.name}.{column.name}" for column in columns}
    assert named == {
        f"{table.name}.{key.parent.name}"
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column is partner.c.id
    }
    assert len(named) >= 20
    assert set(merged_rows.RULES) <= named
    with site.db.write() as conn:
        for column in columns:
            more = {
                partner: {"code": "chained"},
                partner_name: {"language": "ja"},
                account: {"role": "partner"},
            }
            add_row(conn, column.table, **{column.name: old.id}, **more.get(column.table, {}))
    merge(site)
    with site.db.read() as conn:
        left = {
            f"{column.table.name}.{column.name}": count
            for column in columns
            if (
                count := conn.execute(
                    sa.select(sa.func.count()).where(column == old.id)
                ).scalar_one()
            )
        }
        assert left.keys() == {"ledger_entry.partner_id", "ledger_total.partner_id"}
        moved = sa.select(sa.func.count()).where(partner.c.merged_into == new.id)
        assert conn.execute(moved).scalar_one() == 2, "the old entry, and one that was merged there"


def test_what_both_cannot_have_under_one_name_is_settled(site: Site) -> None:
    old, new = a_partner(site, "old"), a_partner(site, "new")
    with site.db.write() as conn:
        party = add_row(conn, agreement_party, partner_id=old.id, signatory="Kim")
        agreement = party["agreement_id"]
        add_row(conn, agreement_party, agreement_id=agreement, partner_id=new.id, signatory="Lee")
        for each, mark in ((old, 3), (new, 7)):
            add_row(conn, digest_mark, partner_id=each.id, recipient="a@b", announcement_id=mark)
        run = add_row(conn, allocation, partner_id=old.id)["run_id"]
        add_row(conn, allocation_partner, run_id=run, partner_id=old.id, facts={"of": "old"})
        add_row(conn, allocation_partner, run_id=run, partner_id=new.id, facts={"of": "new"})
    done = merge(site)
    with site.db.read() as conn:
        rows = conn.execute(sa.select(agreement_party.c.partner_id, agreement_party.c.signatory))
        assert rows.all() == [(new.id, "Lee; Kim")]
        marks = conn.execute(sa.select(digest_mark.c.partner_id, digest_mark.c.announcement_id))
        assert marks.all() == [(new.id, 3)], "rather told twice than never"
        facts = conn.execute(
            sa.select(allocation_partner.c.partner_id, allocation_partner.c.facts).order_by(
                allocation_partner.c.partner_id
            )
        )
        assert facts.all() == [(old.id, {"of": "old"}), (new.id, {"of": "new"})]
        assert conn.execute(sa.select(allocation.c.partner_id)).scalars().all() == [old.id]
    assert any("1 decisions of runs" in remark for remark in done.remarks)


def test_what_comes_late_for_the_old_entry_is_the_others(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    old, new = both
    merge(site)
    with pytest.raises(Conflict, match="merged"):
        ask(site, old, "One")
    with site.db.write() as conn:
        notifying.announce(conn, old.id, "wish.changed", {"wish_list": "x"}, site.now())
        wanted = offering.browse(site.db, {feed.PUBLIC})[0]
        version = conn.execute(sa.text("select id from record_version limit 1")).scalar_one()
        giving.give(conn, old.id, [giving.Given(None, version)], site.now())
    assert wanted.title
    publish(site)
    assert len(notifying.announcements(site.db, new, "", 10)) == 1
    assert len(listed(site, new, set="given:new")) == 1


def test_merging_the_same_two_again_moves_what_came_meanwhile(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    old, _ = both
    merge(site)
    before = enrolling.find_entry(site.db, "new")
    with site.db.write() as conn:
        add_row(conn, metadata.tables["webhook"], partner_id=old.id)
    done = merge(site)
    assert done.moved == {"webhook": 1}
    assert done.entry == before


def test_what_is_under_way_is_concluded_first(site: Site, both: tuple[Partner, Partner]) -> None:
    old, _ = both
    ask(site, old, "One", respond_async=True)
    with pytest.raises(Conflict, match="is being answered"):
        merge(site)
    assert enrolling.find_entry(site.db, "old").code == "old"
    publish(site)
    with site.db.write() as conn:
        conn.execute(wish_list.update().values(state="answered"))
        row = add_row(conn, allocation, partner_id=old.id, state="OFFERED")
    assert row["state"] == "OFFERED"
    with pytest.raises(Conflict, match="the allocation of list"):
        merge(site)


@pytest.mark.parametrize(
    ("code", "into", "error"),
    [
        ("old", "old", Invalid),
        ("nobody", "new", NotFound),
        ("old", "nobody", Invalid),
        ("gone", "old", NotFound),
        ("old", "gone", Invalid),
    ],
)
def test_only_two_entries_that_stand_are_merged(
    site: Site, code: str, into: str, error: type[Exception]
) -> None:
    for each in ("old", "new", "gone"):
        a_partner(site, each)
    merge(site, "gone", "new")
    with pytest.raises(error):
        merge(site, code, into)


def test_who_looked_at_an_earlier_revision_merges_nothing(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    enrolling.change(site.db, "old", {"city": "Busan"}, by="x", now=site.now())
    with pytest.raises(Outdated):
        merge(site, seen=1)
    assert merge(site, seen=2).entry.city == "Busan"


def test_wishes_that_arrive_while_entries_merge_are_the_others_or_are_refused(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    old, _ = both
    start = threading.Barrier(3)
    taken: list[str] = []

    def wish_for(names: Sequence[str]) -> None:
        start.wait()
        for name in names:
            try:
                ask(site, old, name)
                taken.append(name)
            except Conflict:
                return

    threads = [
        threading.Thread(target=wish_for, args=(names,)) for names in (["One", "Two"], ["Three"])
    ]
    for each in threads:
        each.start()
    start.wait()
    merge(site)
    for each in threads:
        each.join()
    assert len(open_wishes(site, "new")) == len(taken)
    with site.db.read() as conn:
        left = sa.select(sa.func.count()).where(wish.c.partner_id == old.id)
        assert conn.execute(left).scalar_one() == 0
        assert audiences.standing(conn, old.id) == {feed.PUBLIC}
        assert partners.merged_into(conn, "old") == "new"


# --- agreements -----------------------------------------------------------------------------------

AGREED = {"title": "Exchange", "scope": ["BOOKS"], "signed_on": "2049-01-01"}


def agree(site: Site, code: str, **terms: Any) -> Agreement:
    """Let an agreement about books with a partner run."""
    given = AGREED | {"starts_on": "2049-01-01", "parties": [{"partner": code}]} | terms
    return agreeing.draw_up(site.db, given, signed=True, by="staff:hana", now=site.now())


def test_two_whose_agreements_contradict_each_other_do_not_become_one_before_that_is_settled(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    mine = agree(site, "old", basis="PIECE", tolerance=5)
    theirs = agree(site, "new", basis="VOLUME", tolerance=5)
    agree(site, "new", scope=["STAFF"], title="Of something else")
    with pytest.raises(Conflict) as refused:
        merge(site)
    assert (
        f"agreement {mine.public_id} (Exchange) with old: basis is PIECE here and VOLUME in "
        f"agreement {theirs.public_id} (Exchange) with new, which runs at the same time. Let both"
    ) in refused.value.detail
    assert refused.value.detail.count("agreement ") == 2
    assert enrolling.find_entry(site.db, "old").code == "old"
    moving_agreements.move(
        site.db,
        theirs.public_id,
        AgreementAction.TERMINATE,
        reason="One library",
        by="staff:hana",
        now=site.now(),
    )
    merge(site)
    found = reading_agreements.find(site.db, mine.public_id)
    assert [party.partner for party in found.agreement.terms.parties] == ["new"]


def test_an_agreement_that_ended_or_is_not_signed_is_in_nobodys_way(
    site: Site, both: tuple[Partner, Partner]
) -> None:
    ended = agree(site, "old", basis="PIECE")
    moving_agreements.move(
        site.db,
        ended.public_id,
        AgreementAction.TERMINATE,
        reason="One library",
        by="staff:hana",
        now=site.now(),
    )
    given = AGREED | {"parties": [{"partner": "old"}], "basis": "PIECE"}
    agreeing.draw_up(site.db, given, by="staff:hana", now=site.now())
    agree(site, "new", basis="VOLUME")
    merge(site)
