"""What a partner was given is harvested by it alone, with the record as it was sent."""

from __future__ import annotations

import pytest

from service.domain.partner import Partner
from service.domain.transfer import Given, TransferState
from service.errors import Conflict, NotFound
from service.store import feed
from service.usecases import giving, offering
from service.usecases.rendering import FORMATS
from service.usecases.site import Site
from tests.service.builders import a_partner, a_record, bring, open_list
from tests.service.partner_views import known, listed, publish, repository, titles


@pytest.fixture
def ara(site: Site) -> Partner:
    """A partner, another one, and two books on an open list."""
    a_partner(site, "bela")
    open_list(site)
    bring(site, a_record("One", number="1"), a_record("Two", number="2"))
    return a_partner(site, "ara")


def offers(site: Site) -> dict[str, str]:
    return {offer.title: offer.public_id for offer in offering.browse(site.db, {feed.PUBLIC})}


def give(site: Site, *names: str) -> list[str]:
    by_title = offers(site)
    wanted = [by_title[name] for name in names]
    made = giving.give_offers(site.db, "ara", wanted, site.now())
    publish(site)
    return [each.public_id for each in made]


def test_a_transfer_is_an_item_of_its_own_in_every_format(site: Site, ara: Partner) -> None:
    (name,) = give(site, "One")
    (row,) = listed(site, ara, set="given:ara")
    assert row.identifier == f"oai:{site.settings.repository_identifier}:transfer/{name}"
    assert row.sets == "given:ara"
    for prefix in FORMATS:
        found = repository(site, ara).record(row.identifier, prefix)
        assert found is not None
        assert b"One" in (found.metadata or b"")
    assert repository(site, ara).item_formats(row.identifier) == list(FORMATS)


def test_it_is_in_the_whole_and_in_no_set_of_offers(site: Site, ara: Partner) -> None:
    give(site, "One")
    assert titles(listed(site, ara)) == ["One", "One", "Two"]
    for name in ("list", "place", "lang", "list:spring", "place:KR", "lang:kor"):
        assert titles(listed(site, ara, set=name)) == ["One", "Two"]
    assert listed(site, ara, set="partner:ara") == []


def test_nobody_else_sees_it(site: Site, ara: Partner) -> None:
    give(site, "One")
    (row,) = listed(site, ara, set="given:ara")
    for other in (None, known(site, "bela")):
        assert repository(site, other).record(row.identifier, "oai_dc") is None
        assert repository(site, other).item_formats(row.identifier) is None
        assert row.identifier not in [each.identifier for each in listed(site, other)]
    assert listed(site, known(site, "bela"), set="given:ara") == []


def test_the_record_is_as_it_was_sent(site: Site, ara: Partner) -> None:
    give(site, "One")
    bring(site, a_record("One, corrected", number="1"))
    publish(site)
    assert titles(listed(site, ara, set="given:ara")) == ["One"]
    offering.withdraw_offer(site.db, offers(site)["One, corrected"], now=site.now())
    publish(site)
    assert titles(listed(site, ara, set="given:ara")) == ["One"]


def test_what_is_taken_back_is_deleted_for_the_partner(site: Site, ara: Partner) -> None:
    first, second = give(site, "One", "Two")
    assert giving.retract(site.db, first.lower()).state is TransferState.RETRACTED
    stamp = publish(site)
    rows = {row.identifier.rpartition("/")[2]: row for row in listed(site, ara, set="given:ara")}
    assert (rows[first].deleted, rows[second].deleted) == (True, False)
    assert rows[first].sets == "given:ara"
    assert rows[first].key.stamp <= stamp
    with pytest.raises(Conflict):
        giving.retract(site.db, first)
    with pytest.raises(NotFound):
        giving.retract(site.db, "0" * 26)


def test_the_first_transfer_makes_an_audience_and_later_ones_do_not(
    site: Site, ara: Partner
) -> None:
    give(site, "One")
    before = max(row.key.stamp for row in listed(site, ara))
    give(site, "Two")
    assert titles(listed(site, ara, from_=before + 1)) == ["Two"]


def test_a_direct_gift_needs_no_offer(site: Site, ara: Partner) -> None:
    give(site, "One")
    with site.db.write() as conn:
        version = conn.exec_driver_sql("SELECT max(id) FROM record_version").scalar_one()
        names = giving.give(
            conn, ara.id, [Given(None, version), Given(None, version, 3)], site.now()
        )
        assert giving.give(conn, ara.id, [], site.now()) == []
    publish(site)
    found = [row.identifier.rpartition("/")[2] for row in listed(site, ara, set="given:ara")]
    assert {*names} < {*found}
    assert len(found) == 3


def test_what_is_not_there_cannot_be_given_and_nothing_is_given_by_halves(
    site: Site, ara: Partner
) -> None:
    with pytest.raises(NotFound):
        giving.give_offers(site.db, "ara", [offers(site)["One"], "0" * 26], site.now())
    with pytest.raises(NotFound):
        giving.give_offers(site.db, "nobody", [offers(site)["One"]], site.now())
    publish(site)
    assert listed(site, ara, set="given:ara") == []
