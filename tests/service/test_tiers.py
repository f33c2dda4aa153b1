"""A list opens to one audience after the other, each time by a publication."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from oai.repository import Key, Selection
from service.domain.audit_entry import sentence
from service.domain.offer import ListAction
from service.domain.partner import Partner
from service.errors import Conflict, Invalid, NotFound
from service.store.db import Database
from service.usecases import auditing, changing_lists, membership, offering, tiering
from service.usecases.site import Site
from tests.service.builders import a_partner, a_record, bring, make_site, open_list
from tests.service.partner_views import hand, known, listed, publish, repository, titles


def test_a_tier_opens_by_a_publication_and_not_by_the_date_of_the_question(
    site: Site, tiered: Partner
) -> None:
    bela = known(site, "bela")
    tiering.add_tier(site.db, "secret", "far", site.now() + timedelta(hours=1), site.now())
    hand(site).move(7200)
    assert titles(listed(site, bela)) == ["Open"], "no worker has opened it yet"
    stamp = publish(site)
    assert titles(listed(site, bela)) == ["Open", "Secret"]
    assert [row.key.stamp for row in listed(site, bela, set="list:secret")] == [stamp]
    assert titles(listed(site)) == ["Open"]
    (tier,) = tiering.list_tiers(site.db, "secret")
    assert tier.opened_at is not None


def test_what_opens_to_all_leaves_the_groups_and_their_sets(site: Site, tiered: Partner) -> None:
    tiering.add_tier(site.db, "secret", "public", site.now() + timedelta(hours=1), site.now())
    before = publish(site)
    hand(site).move(7200)
    publish(site)
    assert titles(listed(site)) == titles(listed(site, tiered)) == ["Open", "Secret"]
    assert [row.deleted for row in listed(site, tiered, set="partner:ara")] == [True]
    (secret,) = listed(site, tiered, set="list:secret")
    assert (secret.deleted, secret.sets) == (False, "list:secret place:KR lang:kor")
    assert titles(listed(site, from_=before + 1)) == ["Secret"]


def test_a_tier_waits_for_its_list_and_a_closed_list_opens_to_nobody(site: Site) -> None:
    membership.add_audience(site.db, "near", now=site.now())
    membership.add_audience(site.db, "far", now=site.now())
    offering.create_list(site.db, slug="later", title="L", audience="near", now=site.now())
    tiering.add_tier(site.db, "later", "far", site.now(), site.now())
    assert offering.keep_dates(site.db, site.now()) == 0
    tiering.add_tier(site.db, "later", "public", site.now() + timedelta(1), site.now())
    offering.change_list(site.db, "later", ListAction.OPEN, site.now())
    assert offering.keep_dates(site.db, site.now()) == 1
    offering.change_list(site.db, "later", ListAction.CLOSE, site.now())
    assert offering.keep_dates(site.db, site.now() + timedelta(2)) == 0
    assert [tier.opened_at is None for tier in tiering.list_tiers(site.db, "later")] == [
        False,
        True,
    ]


def test_a_tier_that_could_show_nothing_to_anybody_is_refused(site: Site, tiered: Partner) -> None:
    now = site.now()
    for slug, name, error in (
        ("nothing", "far", NotFound),
        ("secret", "nobody", NotFound),
        ("secret", "near", Conflict),
        ("open", "far", Conflict),
    ):
        with pytest.raises(error):
            tiering.add_tier(site.db, slug, name, now, now)
    with pytest.raises(Invalid):
        tiering.add_tier(site.db, "secret", "far", now.replace(tzinfo=None), now)
    tiering.add_tier(site.db, "secret", "far", now, now)
    with pytest.raises(Conflict, match="already"):
        tiering.add_tier(site.db, "secret", "far", now + timedelta(1), now)
    offering.change_list(site.db, "secret", ListAction.CLOSE, now)
    with pytest.raises(Conflict, match="CLOSED"):
        tiering.add_tier(site.db, "secret", "public", now, now)


def test_a_tier_opens_to_all_after_thirty_days_while_one_harvests_and_nobody_misses_anything(
    db: Database, tmp_path: Path
) -> None:
    site = make_site(db, tmp_path, page_size=2)
    city, far = a_partner(site, "city"), a_partner(site, "far")
    membership.add_audience(site.db, "cities", ["city"], now=site.now())
    open_list(site, "spring", audience="cities")
    open_list(site, "autumn")
    later = site.now() + timedelta(days=30)
    tiering.add_tier(site.db, "spring", "public", later, site.now())
    spring = [f"Spring {n}" for n in range(7)]
    autumn = [f"Autumn {n}" for n in range(5)]
    bring(site, *(a_record(each, number=each) for each in spring), slug="spring")
    bring(site, *(a_record(each, number=each) for each in autumn), slug="autumn")
    hand(site).move(29 * 86_400)
    publish(site)
    assert titles(listed(site, city)) == sorted(autumn + spring), "cities first"
    assert titles(listed(site, far)) == titles(listed(site)) == autumn

    harvests = {each: _Harvest(site, each) for each in (city, far, None)}
    for each in harvests.values():
        each.page()
    hand(site).move(2 * 86_400)
    for each in harvests.values():
        each.page()
    offering.keep_dates(site.db, site.now())
    for each in harvests.values():
        each.page()
    publish(site)
    for each in harvests.values():
        each.to_the_end()
        each.begin_again()
        each.to_the_end()
        assert sorted(each.there.values()) == sorted(autumn + spring)


def test_what_becomes_of_a_tier_is_in_the_log_of_its_list(site: Site, tiered: Partner) -> None:
    begun = site.now()
    tiering.add_tier(site.db, "secret", "far", begun + timedelta(1), begun, by="staff:hana")
    tiering.add_tier(site.db, "secret", "far", begun + timedelta(2), begun, by="staff:kim")
    tiering.add_tier(site.db, "secret", "far", begun + timedelta(2), begun, by="staff:kim")
    tiering.add_tier(site.db, "secret", "public", begun + timedelta(3), begun, by="staff:kim")
    assert tiering.remove_tier(site.db, "secret", "public", begun, by="staff:hana") == (
        tiering.list_tiers(site.db, "secret")
    )
    hand(site).move(3 * 86_400)
    offering.keep_dates(site.db, site.now())
    entries = auditing.list_entries(site.db, kind=changing_lists.KIND, name="secret")
    days = [f"{begun + timedelta(n):%Y-%m-%dT%H:%M:%SZ}" for n in range(4)]
    assert [(each.actor, sentence(each)) for each in reversed(entries)][-5:] == [
        ("staff:hana", f"added a tier to offer list secret: tier far {days[1]}"),
        ("staff:kim", f"moved a tier of offer list secret: tier far {days[1]} → {days[2]}"),
        ("staff:kim", f"added a tier to offer list secret: tier public {days[3]}"),
        ("staff:hana", f"removed a tier of offer list secret: tier public {days[3]}"),
        ("worker", "opened a tier of offer list secret: audience far"),
    ]


def test_a_tier_is_taken_back_only_while_it_has_not_opened(site: Site, tiered: Partner) -> None:
    now = site.now()
    tiering.add_tier(site.db, "secret", "far", now, now)
    with pytest.raises(Conflict, match="has opened to 'far' already"):
        tiering.remove_tier(site.db, "secret", "far", now)
    with pytest.raises(NotFound, match="no later tier for 'public'"):
        tiering.remove_tier(site.db, "secret", "public", now)


class _Harvest:
    """A harvester that goes page by page, and then only for what is newer than its beginning."""

    def __init__(self, site: Site, reader: Partner | None) -> None:
        self.site, self.reader = site, reader
        self.there: dict[str, str] = {}
        self.begun = repository(site, reader).as_of()
        self.from_: int | None = None
        self.after: Key | None = None
        self.more = True

    def page(self) -> None:
        selection = Selection("oai_dc", from_=self.from_)
        page = repository(self.site, self.reader).page(selection, self.after, with_metadata=True)
        for row in page.rows:
            self.there.pop(row.identifier, None)
            if not row.deleted:
                (self.there[row.identifier],) = titles([row])
        self.after, self.more = page.rows[-1].key if page.rows else self.after, page.more

    def to_the_end(self) -> None:
        while self.more:
            self.page()

    def begin_again(self) -> None:
        self.from_, self.after, self.more = self.begun, None, True
