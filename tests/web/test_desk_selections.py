"""A partner's list is routed, looked through with what we hold beside it, and sent back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from service import worker
from service.config import Settings
from service.domain.harvest import HARVEST
from service.domain.own_wish import OwnWishState
from service.domain.permission import Role
from service.domain.selection import SelectionState
from service.usecases import harvesting, membership, requesting, selecting
from tests.oai.hostile import Site as Provider
from tests.oai.hostile import books, serving
from tests.service.nagasaki import AT_ONCE, LOOPBACK, add, harvest
from tests.web.conftest import BASE, Reader, Visitor, text

PAGE = "/desk/selections"
SLUG = "from-nagasaki"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, secret_key="k" * 32, base_url=BASE, reachable_networks=(LOOPBACK,)
    )


@pytest.fixture
def hana(reader: Reader) -> Visitor:
    return reader.as_(Role.EXCHANGE_LIBRARIAN)


@pytest.fixture
def offered(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A site that harvested nine offers of Nagasaki."""
    at_once = partial(harvesting.work, patience=AT_ONCE, sleep=lambda _: None)
    monkeypatch.setitem(worker.CALLING, HARVEST, at_once)
    now = reader.site.now()
    membership.add_partner(reader.site.db, code="nagasaki", name="Nagasaki", now=now)
    there = Provider(books(9))
    there.memory.clock += 10_000
    with serving(there) as url:
        add(reader.site, url)
        harvest(reader.site)
        yield reader


def test_without_a_partners_list_it_says_where_one_comes_from(hana: Visitor) -> None:
    assert "No partner offers us anything yet." in text(hana.tree(PAGE))
    assert "We wish for nothing yet." in text(hana.tree(f"{PAGE}/_wishes"))
    assert "nothing that a partner offers" not in hana.get(PAGE).text
    hana.post(PAGE, 422, list="nothing", selector="Minji")
    hana.get(f"{PAGE}/nonsense", 404)


def test_a_list_is_routed_looked_through_and_sent_back_as_one_wish_list(
    offered: Reader, hana: Visitor
) -> None:
    db = offered.site.db
    wrong = hana.post(PAGE, 422, list=SLUG, selector="<b>Minji</b>", languages="korean")
    assert "is no code such as" in wrong.text
    assert "&lt;b&gt;Minji" in wrong.text
    assert "say who looks" in hana.post(PAGE, 422, list=SLUG, selector="").text
    assert "is no day" in hana.post(PAGE, 422, list=SLUG, selector="Minji", due_on="soon").text
    page = str(hana.post(PAGE, list=SLUG, selector="Minji", due_on="2026-12-01").location)
    shown = hana.tree(page)
    assert "looked through by Minji" in text(shown)
    offers = shown.xpath("//input[@name='offers']/@value")
    assert len(offers) == 9
    (seen,) = shown.xpath("//form//input[@name='revision']/@value")
    none = hana.post(page, 422, do="want", revision=seen)
    assert "name at least one offer" in none.text
    kept = hana.post(page, 422, do="want", offers=offers[:2], quantity="many")
    assert 'value="many"' in kept.text
    assert kept.text.count(" checked") == 2
    hana.post(page, do="want", offers=offers[:2], quantity="2", reason="corner", revision=seen)
    hana.post(page, 412, do="pass", offers=offers[:1], revision=seen)  # somebody was before
    minji = offered.as_(Role.CATALOGUER)  # a selector need not be an exchange librarian
    assert "Cancel it" not in minji.get(page).text
    assert "Route it" not in minji.get(PAGE).text
    minji.post(page, do="pass", offers=offers[2:4])
    assert len(hana.tree(f"{page}?wanted=yes").xpath("//tbody/tr")) == 2
    assert len(hana.tree(f"{page}?wanted=no").xpath("//tbody/tr")) == 2
    refused = hana.post(f"{PAGE}/_send", 409, list=SLUG)
    assert "still looked through by Minji" in refused.text
    asked = text(hana.tree(f"{page}/close"))
    assert "2 titles are wanted" in asked
    assert "Of 5 titles nothing was said" in asked
    hana.post(f"{page}/close")
    hana.post(f"{page}/close", 409)
    wishes = requesting.list_own_wishes(db)
    assert [(each.state, each.quantity, each.note) for each in wishes] == [
        (OwnWishState.WISHED, 2, "corner")
    ] * 2
    own = f"{PAGE}/_wishes"
    assert "noted, to be sent" in text(hana.tree(own))
    hana.post(f"{own}/{wishes[0].public_id}/withdraw")
    hana.post(f"{own}/{wishes[0].public_id}/withdraw", 409)
    hana.post(f"{PAGE}/_send", list=SLUG)
    states = {each.state for each in requesting.list_own_wishes(db)}
    assert states == {OwnWishState.WITHDRAWN, OwnWishState.SENT}
    assert "nagasaki" in hana.get(f"{own}?as=csv").text
    assert "taken back" in text(hana.tree(f"{own}?partner=nagasaki&state=WITHDRAWN"))
    hana.get(f"{own}?partner=nobody", 404)


def test_what_we_hold_is_marked_and_a_selection_can_be_cancelled(
    offered: Reader, hana: Visitor
) -> None:
    page = str(hana.post(PAGE, list=SLUG, selector="Jun", not_held="yes").location)
    assert "what we hold" in text(hana.tree(page))
    assert "Jun" in hana.get(f"{PAGE}?as=csv").text
    assert hana.get(f"{page}?as=xlsx").data[:2] == b"PK"
    assert "Nothing of it is wished for" in text(hana.tree(f"{page}/cancel"))
    offered.as_(Role.CATALOGUER).post(f"{page}/cancel", 403)
    hana.post(f"{page}/cancel")
    found = selecting.list_selections(offered.site.db)
    assert [each.state for each in found] == [SelectionState.CANCELLED]
    hana.post(page, 409, do="want", offers="0" * 26)
    assert "Jun" in text(hana.tree(f"{PAGE}?state=CANCELLED"))
    assert "None yet." in text(hana.tree(f"{PAGE}?state=OPEN"))
