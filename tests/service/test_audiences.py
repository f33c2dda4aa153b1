"""Who sees what: groups, tiers, joining and leaving, and what none of it may show to others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from oai.repository import Key, Selection
from service import worker
from service.domain.audience import AudienceKind
from service.domain.feed_view import Place, Source
from service.domain.partner import Partner, PartnerState
from service.domain.wish import Outcome
from service.errors import Conflict, Invalid, NotFound
from service.store import audiences, bulk, feed, feed_merging, public_ids
from service.store.db import Connection, Database
from service.store.tables import (
    audience_member,
    feed_entry,
    feed_item,
    feed_stream,
    partner,
)
from service.usecases import (
    enrolling,
    membership,
    offering,
    publishing,
    signing_in,
    tiering,
    wishing,
)
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.service.builders import (
    a_file,
    a_record,
    bring,
    make_site,
    open_list,
    receive,
)
from tests.service.partner_views import hand, known, listed, publish, repository, titles

# --- where an entry stands ------------------------------------------------------------------------

stamps = st.integers(0, 12)
sources = st.builds(
    Source,
    st.just(1),
    st.just(AudienceKind.GROUP),
    stamps,
    st.none() | stamps,
)


@given(sources, st.sets(st.tuples(stamps, st.integers(1, 4))), st.tuples(stamps, stamps, stamps))
def test_a_stream_goes_on_behind_just_what_a_view_has_given(
    source: Source, entries: set[tuple[int, int]], given_: tuple[int, int, int]
) -> None:
    after = Place(*given_)
    wanted = {entry for entry in entries if source.place(*entry) > after}
    behind = source.behind(after)
    assert {entry for entry in entries if behind is not None and entry > behind} == wanted


@given(sources, st.lists(st.tuples(stamps, st.integers(1, 4))))
def test_the_order_of_a_stream_is_its_order_in_a_view(
    source: Source, entries: list[tuple[int, int]]
) -> None:
    assert sorted(entries) == sorted(entries, key=lambda entry: source.place(*entry))


# --- who sees what --------------------------------------------------------------------------------


def test_a_list_for_a_group_is_seen_by_its_members_alone(site: Site, tiered: Partner) -> None:
    assert titles(listed(site, tiered)) == ["Open", "Secret"]
    assert titles(listed(site, tiered, set="partner:ara")) == ["Secret"]
    assert titles(listed(site, tiered, set="list:secret")) == ["Secret"]
    for other in (None, known(site, "bela")):
        assert titles(listed(site, other)) == ["Open"]
        if other:
            assert listed(site, other, set="partner:ara") == []
            assert listed(site, other, set="partner:bela") == []
        assert listed(site, other, set="list:secret") == []
        assert [
            row.spec for row in repository(site, other).sets(None).rows if "secret" in row
        ] == []


def test_what_is_restricted_carries_the_readers_own_set(site: Site, tiered: Partner) -> None:
    (secret,) = listed(site, tiered, set="partner:ara")
    assert secret.sets == "list:secret place:KR lang:kor partner:ara"
    record = repository(site, tiered).record(secret.identifier, "marc21")
    assert record is not None
    assert (record.sets, record.key.stamp) == (secret.sets, secret.key.stamp)
    (shown,) = [row for row in listed(site, tiered) if "list:open" in row.sets]
    assert shown.sets == "list:open place:KR lang:kor"


def test_a_partners_own_sets_are_shown_to_it_alone(site: Site, tiered: Partner) -> None:
    specs = [row.spec for row in repository(site, tiered).sets(None).rows]
    assert specs == sorted({*specs})
    assert {"partner:ara", "given:ara", "list:secret", "list"} <= {*specs}
    assert all(not spec.startswith(("partner", "given")) or spec.endswith("ara") for spec in specs)
    public = [row.spec for row in repository(site).sets(None).rows]
    assert [spec for spec in public if spec.startswith(("partner", "given"))] == []


def test_who_joins_late_is_told_all_that_the_group_sees(site: Site, tiered: Partner) -> None:
    bela = known(site, "bela")
    held = max(row.key.stamp for row in listed(site, bela))
    membership.join(site.db, "near", ["bela"], now=site.now())
    assert titles(listed(site, bela)) == ["Open"], "before it is published, nothing is shown"
    stamp = publish(site)
    (told,) = listed(site, bela, from_=held + 1)
    assert (titles([told]), told.key.stamp) == (["Secret"], stamp)
    assert told.key.own is not None


def test_who_leaves_is_told_so_and_hears_of_nothing_that_comes_later(
    site: Site, tiered: Partner
) -> None:
    membership.leave(site.db, "near", ["ara"], now=site.now())
    receive(site, a_file(a_record("In the same publication", number="3")), "secret")
    while (held := worker.lease(site)) is not None:  # all of the import but its publication
        worker.work(site, held, lambda *_: None)
    stamp = publish(site)
    bring(site, a_record("Later", number="4"), slug="secret")
    bring(site, a_record("Secret, moved", number="1", place="ja "), slug="secret")
    publish(site)
    (gone,) = [row for row in listed(site, tiered) if "list:secret" in row.sets]
    assert (gone.deleted, gone.metadata, gone.key.stamp) == (True, None, stamp)
    assert gone.sets == "list:secret partner:ara"
    assert [row.deleted for row in listed(site, tiered, set="partner:ara")] == [True]
    (there,) = listed(site, tiered, set="place:KR", from_=stamp)
    assert (there.deleted, there.sets) == (True, "list:secret place:KR partner:ara")
    assert listed(site, tiered, set="place:JP") == []
    record = repository(site, tiered).record(gone.identifier, "marc21")
    assert record is not None
    assert (record.deleted, record.metadata, record.key.stamp) == (True, None, stamp)
    # 2 hidden items of the list: nothing under any name
    with site.db.read() as conn:
        names = conn.execute(sa.select(feed_item.c.public_id).order_by(feed_item.c.id)).scalars()
        later = [*names][2:]
    for name in later:
        identifier = f"oai:{site.settings.repository_identifier}:offer/{name}"
        assert repository(site, tiered).record(identifier, "oai_dc") is None
        assert repository(site, tiered).item_formats(identifier) is None
    assert "list:secret" not in [row.spec for row in repository(site, tiered).sets(None).rows]


def test_who_left_before_it_was_told_anything_has_seen_nothing(site: Site, tiered: Partner) -> None:
    bela = known(site, "bela")
    membership.join(site.db, "near", ["bela"], now=site.now())
    membership.leave(site.db, "near", ["bela"], now=site.now())
    publish(site)
    assert titles(listed(site, bela)) == ["Open"]
    assert len(listed(site, bela)) == 1


def test_a_title_on_two_lists_of_two_groups_is_two_items_and_one_in_two_streams_is_one(
    site: Site, tiered: Partner
) -> None:
    membership.join(site.db, "far", ["ara"], now=site.now())
    tiering.add_tier(site.db, "secret", "far", site.now(), site.now())
    publish(site)
    rows = listed(site, tiered)
    assert titles(rows) == ["Open", "Secret"]
    assert len({row.identifier for row in rows}) == len(rows) == 2


def test_the_size_of_a_list_is_what_it_holds(site: Site, tiered: Partner) -> None:
    """Twelve titles in both groups, some of them public, and a partner that left one of them."""
    membership.join(site.db, "far", ["ara"], now=site.now())
    bring(site, *(a_record(f"Both {n}", number=f"b{n}") for n in range(12)), slug="secret")
    tiering.add_tier(site.db, "secret", "far", site.now(), site.now())
    marks = [publish(site)]
    membership.leave(site.db, "near", ["ara"], now=site.now())
    marks.append(publish(site))
    bring(site, *(a_record(f"More {n}", number=f"m{n}") for n in range(5)), slug="secret")
    marks.append(publish(site))
    small = make_site(site.db, site.settings.data_dir, hand(site), page_size=3)
    for chosen in ("partner:ara", "list:secret", None, "place:KR"):
        for from_ in (None, *marks[1:]):
            for until in (None, marks[1]):
                selection = Selection("oai_dc", chosen, from_, until)
                page = repository(small, tiered).page(selection, None, with_metadata=True)
                rows = listed(small, tiered, set=chosen, from_=from_, until=until)
                assert len({row.identifier for row in rows}) == len(rows)
                assert rows == sorted(rows, key=lambda row: row.key)
                if page.more:
                    assert page.total == len(rows)


def test_the_size_of_a_list_is_left_out_above_the_cap(
    site: Site, tiered: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(site, *(a_record(f"B {n}", number=f"b{n}") for n in range(5)), slug="secret")
    publish(site)
    small = make_site(site.db, site.settings.data_dir, hand(site), page_size=3)
    monkeypatch.setattr("service.usecases.disseminating._COUNT_CAP", 5)
    page = repository(small, tiered).page(Selection("oai_dc"), None, with_metadata=True)
    assert (page.more, page.total) == (True, None)


def test_a_list_is_for_some_partners_or_for_a_group_and_not_for_both(
    site: Site, tiered: Partner
) -> None:
    for wrong, named in (
        ({"partner_codes": ["ara"], "audience": "near"}, "audience"),
        ({"audience": "nobody"}, "audience"),
        ({"partner_codes": ["nobody"]}, "partners"),
    ):
        with pytest.raises(Invalid) as refused:
            offering.create_list(site.db, slug="x", title="X", now=site.now(), **wrong)
        assert refused.value.field == named


@pytest.mark.parametrize("code", ["", "Near", "a b", "list:x", "given:ara", "public", "a" * 41])
def test_a_group_cannot_take_a_name_that_means_something_else(site: Site, code: str) -> None:
    with pytest.raises(Invalid):
        membership.add_audience(site.db, code, now=site.now())


def test_everybody_cannot_be_joined_or_left(site: Site, tiered: Partner) -> None:
    for act in (membership.join, membership.leave):
        with pytest.raises(Conflict):
            act(site.db, "public", ["ara"], now=site.now())
        with pytest.raises(NotFound):
            act(site.db, "nobody", ["ara"], now=site.now())
        with pytest.raises(Invalid):
            act(site.db, "near", ["nobody"], now=site.now())
    with pytest.raises(Conflict, match="already"):
        membership.add_audience(site.db, "near", now=site.now())


# --- beside the feed ------------------------------------------------------------------------------


def sees(site: Site, code: str) -> list[str]:
    """Return the titles that the partner's own token opens over the API."""
    token = signing_in.issue_partner_token(site.db, code, "", site.now())
    caller = signing_in.identify(site.db, token, now=site.now())
    return sorted(offer.title for offer in offering.browse(site.db, caller.audiences))


def wishes_for(site: Site, code: str, identifier: str) -> Outcome:
    request = Request(identifier.encode(), "text/uri-list", dry_run=True)
    received = wishing.receive(
        site.db, known(site, code), request, site.names(), site.wish_limits(), site.now()
    )
    return received.wish_list.lines[0].outcome


def test_browsing_and_wishing_go_by_what_a_partner_may_see_now(site: Site, tiered: Partner) -> None:
    (secret,) = listed(site, tiered, set="partner:ara")
    assert (sees(site, "ara"), sees(site, "bela")) == (["Open", "Secret"], ["Open"])
    assert wishes_for(site, "ara", secret.identifier) is Outcome.REGISTERED
    assert wishes_for(site, "bela", secret.identifier) is Outcome.NOT_OFFERED
    tiering.add_tier(site.db, "secret", "far", site.now() + timedelta(hours=1), site.now())
    assert sees(site, "bela") == ["Open"]
    hand(site).move(3600)
    publish(site)
    assert sees(site, "bela") == ["Open", "Secret"]
    assert wishes_for(site, "bela", secret.identifier) is Outcome.REGISTERED
    membership.leave(site.db, "near", ["ara"], now=site.now())
    assert sees(site, "ara") == ["Open"]
    assert wishes_for(site, "ara", secret.identifier) is Outcome.NOT_OFFERED
    assert offering.find_list(site.db, "secret", None).public is False
    tiering.add_tier(site.db, "secret", "public", site.now(), site.now())
    assert offering.find_list(site.db, "secret", {feed.PUBLIC}).public is True


def test_a_suspended_partner_is_as_anybody_and_misses_nothing_when_it_is_taken_back(
    site: Site, tiered: Partner
) -> None:
    enrolling.set_state(site.db, "ara", PartnerState.SUSPENDED, by="test", now=site.now())
    assert sees(site, "ara") == ["Open"]
    bring(site, a_record("Meanwhile", number="9"), slug="secret")
    held = publish(site)
    enrolling.set_state(site.db, "ara", PartnerState.ACTIVE, by="test", now=site.now())
    publish(site)
    assert sees(site, "ara") == ["Meanwhile", "Open", "Secret"]
    assert titles(listed(site, tiered, from_=held + 1)) == ["Meanwhile", "Secret"]


def test_a_membership_that_a_stalled_commit_told_late_is_told_again(
    site: Site, tiered: Partner
) -> None:
    membership.join(site.db, "near", ["bela"], now=site.now())
    start = site.clock() + 60
    readings = iter([start, start, start + 30])  # drawn, checked in time; the commit took 30 s
    assert publishing.publish(site.db, lambda: next(readings)).more
    publishing.publish(site.db, lambda: start + 30)
    rows = listed(site, known(site, "bela"), set="partner:bela")
    assert [row.key.stamp for row in rows] == [int(start + 33)]


# --- rows -----------------------------------------------------------------------------------------


def test_fifty_thousand_partners_add_nothing_to_the_feed(sqlite_url: str, tmp_path: Path) -> None:
    db = Database(sqlite_url)
    site = make_site(db, tmp_path)
    membership.add_audience(db, "all-of-them", now=datetime.now(UTC))
    open_list(site, "secret", audience="all-of-them")
    bring(site, *(a_record(f"B {n}", number=str(n)) for n in range(20)), slug="secret")
    publish(site)
    before = _rows_of_the_feed(db)
    with db.write() as conn:
        names = [f"p{n:05}" for n in range(50_000)]
        bulk.insert(
            conn,
            partner,
            ("public_id", "code", "name", "city", "place", "state", "created_at"),
            [(public_ids.new(), name, name, "", "", "ACTIVE", site.now()) for name in names],
        )
        rows = [*conn.execute(sa.select(partner.c.id)).scalars()]
        group = audiences.by_code(conn, "all-of-them")
        assert group is not None
        audiences.decide(conn, group.id, rows, belongs=True)
    publishing.publish_all(db, site.clock, sleep=lambda _: None)
    assert _rows_of_the_feed(db) == before
    with db.read() as conn:
        untold = sa.select(sa.func.count()).where(audience_member.c.since.is_(None))
        assert conn.execute(untold).scalar_one() == 0
    assert len(listed(site, known(site, "p31415"), set="partner:p31415")) == 20
    db.close()


def _rows_of_the_feed(db: Database) -> list[int]:
    with db.read() as conn:
        return [
            int(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for table in (feed_item, feed_entry, feed_stream)
        ]


def test_a_page_of_what_everybody_sees_is_one_query_as_before(
    site: Site, tiered: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for the clock and the stream, one for the page; for a partner one more."""
    asked: list[object] = []
    select = bulk.select

    def counted(conn: Connection, statement: sa.Select[Any], given: Mapping[str, Any]) -> Any:
        asked.append(statement)
        return select(conn, statement, given)

    monkeypatch.setattr(bulk, "select", counted)
    first = Key(1, 1)
    for reader, queries in ((None, 2), (known(site, "bela"), 3)):
        asked.clear()
        page = repository(site, reader).page(Selection("marc21"), first, with_metadata=True)
        assert (len(page.rows), len(asked)) == (1, queries)


def test_a_partners_page_begins_at_a_key_and_sorts_nothing(sqlite_url: str, tmp_path: Path) -> None:
    db = Database(sqlite_url)
    given = {"stream": 1, "stamp": 5, "item": 5, "until": 9, "before": 9, "limit": 3}
    with db.read() as conn:
        compiled = feed_merging._KEYS.compile(conn.engine)
        named = {**compiled.params, **given}
        values = tuple(named[name] for name in compiled.positiontup or ())
        rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
        plan = [row[-1] for row in rows]
    (step,) = plan
    assert "USING INDEX ix_feed_entry_stream_id_stamp_item_id" in step
    assert "stream_id=?" in step
    assert "stamp" in step.partition("(")[2]
    db.close()
