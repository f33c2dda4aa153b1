"""Our wishes reach a partner once, whatever happens on the way, and its answers reach us."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain import own_wish as rules
from service.domain.offer import ListAction
from service.domain.own_wish import OwnWish, OwnWishState
from service.domain.source import SourceKind
from service.domain.wish import WishList, WishState
from service.errors import Conflict, Invalid, NotFound
from service.store import jobs, sendings
from service.store.db import Database
from service.store.tables import own_wish
from service.usecases import (
    accepting,
    allocating,
    enrolling,
    fetching,
    membership,
    offering,
    ordering_harvests,
    requesting,
    sending_wishes,
    signing_in,
    subscribing,
    wishing,
)
from service.usecases.site import Site
from tests.service.builders import HandClock, a_record, bring, make_site, open_list, work
from tests.service.partner_server import Answer, Asked, Line, serving

TITLES = ("One", "Two", "Three")


@dataclass
class Exchange:
    """We, the partner that offers us titles, and the line between us."""

    us: Site
    partner: Site
    line: Line
    clock: HandClock

    def offers(self) -> dict[str, str]:
        """Return the public ids of what is offered to us, by title."""
        found = offering.browse(self.us.db, None, slug="from-busan", limit=1000)
        return {offer.title: offer.public_id for offer in found}

    def add(self, *titles: str, **more: object) -> list[OwnWish]:
        names = [self.offers()[title] for title in titles]
        return requesting.add(self.us.db, names, now=self.us.now(), **more)  # type: ignore[arg-type]

    def theirs(self, title: str) -> str:
        """Return the identifier of an offer at the partner's."""
        (found,) = [
            each.public_id
            for each in offering.browse(self.partner.db, None, slug="spring", limit=1000)
            if each.title == title
        ]
        return f"oai:{self.partner.settings.repository_identifier}:offer/{found}"

    def send(self) -> None:
        requesting.release(self.us.db, "busan", self.us.now())
        work(self.us)

    def wishes(self) -> dict[str, OwnWish]:
        return {each.title: each for each in requesting.list_own_wishes(self.us.db)}

    def states(self) -> dict[str, OwnWishState]:
        return {title: each.state for title, each in self.wishes().items()}

    def received(self) -> list[WishList]:
        """Return the wish lists that the partner has, oldest first."""
        found = wishing.list_wish_lists(self.partner.db, None, "", 100)
        return [wishing.show(self.partner.db, each.public_id, None) for each in reversed(found)]

    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)
        work(self.us)


@pytest.fixture
def exchange(db: Database, tmp_path: Path, sqlite_template: Path) -> Iterator[Exchange]:
    clock = HandClock()
    theirs = tmp_path / "partner.sqlite3"
    theirs.write_bytes(sqlite_template.read_bytes())
    partner_db = Database(f"sqlite:///{theirs}")

    def make(url: str) -> Site:
        more = {"base_url": url, "repository_identifier": "busan.example.org"}
        return make_site(partner_db, tmp_path, clock, **more)

    with serving(make) as (url, partner, line):
        us = make_site(db, tmp_path, clock, reachable_networks="127.0.0.0/8")
        open_list(partner)
        bring(partner, *map(a_record, TITLES))
        membership.add_partner(partner.db, code="us", name="We", now=partner.now())
        token = signing_in.issue_partner_token(partner.db, "us", "", partner.now())
        membership.add_partner(us.db, code="busan", name="Busan", now=us.now())
        subscribing.add_source(
            us,
            name="busan",
            partner_code="busan",
            url=f"{url}/oai",
            kind=SourceKind.OFFERS,
            credentials=("us", token),
            auto_commit=True,
            now=us.now(),
        )
        ordering_harvests.begin(us.db, "busan", now=us.now())
        work(us)
        yield Exchange(us, partner, line, clock)
    partner_db.close()


# --- sending --------------------------------------------------------------------------------------


def test_a_wish_is_noted_sent_together_with_others_and_answered(exchange: Exchange) -> None:
    made = exchange.add("One", "Two", quantity=2, note="for the children’s room", by="kim")
    assert [each.state for each in made] == [OwnWishState.WISHED] * 2
    assert exchange.line.log == []
    exchange.send()
    (received,) = exchange.received()
    assert [(line.quantity, line.note) for line in received.lines] == [
        (2, "for the children’s room")
    ] * 2
    assert exchange.line.methods()[0] == "POST"
    wish = exchange.wishes()["One"]
    assert (wish.state, wish.outcome, wish.wished_by) == (
        OwnWishState.ANSWERED,
        "registered",
        "kim",
    )
    assert wish.reason == "The offer you named is “One” on list spring."
    assert wish.answered_at is not None


def test_what_is_offered_to_us_is_shown_with_our_wishes(exchange: Exchange) -> None:
    exchange.add("One")
    shown = requesting.list_offers(exchange.us.db, "busan")
    assert {each.title: each.wish for each in shown} == {"One": "WISHED", "Two": "", "Three": ""}
    rest = requesting.list_offers(exchange.us.db, "busan", after=shown[0].public_id)
    assert rest == shown[1:]
    with pytest.raises(NotFound):
        requesting.list_offers(exchange.us.db, "nobody")


def test_an_offer_can_be_named_by_the_partners_identifier(exchange: Exchange) -> None:
    identifier = exchange.add("One")[0].identifier
    requesting.withdraw(exchange.us.db, exchange.offers()["One"], exchange.us.now())
    (again,) = requesting.add(exchange.us.db, [identifier], now=exchange.us.now())
    assert (again.title, again.state) == ("One", OwnWishState.WISHED)


def test_what_cannot_be_wished_for_is_refused_whole_and_by_name(exchange: Exchange) -> None:
    open_list(exchange.us, "ours")
    bring(exchange.us, a_record("Our own"), slug="ours")
    ours = offering.browse(exchange.us.db, None, slug="ours")[0].public_id
    theirs = exchange.offers()["One"]
    for wrong in (ours, "0" * 26, "oai:busan.example.org:offer/nothing"):
        with pytest.raises(Invalid, match=f"no partner offers us {wrong};"):
            requesting.add(exchange.us.db, [theirs, wrong], now=exchange.us.now())
    exchange.add("One")
    with pytest.raises(Conflict, match=f"already wished for: {theirs}"):
        exchange.add("Two", "One")
    with pytest.raises(Invalid, match="1 to 1000 copies"):
        exchange.add("Two", quantity=0)
    assert list(exchange.states()) == ["One"]


def test_a_title_that_the_partner_took_back_cannot_be_wished_for(exchange: Exchange) -> None:
    gone = exchange.offers()["One"]
    theirs = offering.browse(exchange.partner.db, None, slug="spring")
    offering.withdraw_offer(
        exchange.partner.db,
        next(offer.public_id for offer in theirs if offer.title == "One"),
        now=exchange.partner.now(),
    )
    work(exchange.partner)
    exchange.clock.move(10)
    ordering_harvests.begin(exchange.us.db, "busan", now=exchange.us.now())
    work(exchange.us)
    with pytest.raises(Invalid, match="not on offer any more"):
        requesting.add(exchange.us.db, [gone], now=exchange.us.now())


def test_a_partner_whose_answer_is_lost_gets_the_list_again_under_its_key(
    exchange: Exchange,
) -> None:
    exchange.add(*TITLES)
    exchange.line.lost = 2
    exchange.send()
    assert set(exchange.states().values()) == {OwnWishState.SENT}
    for _ in range(2):
        exchange.wait(60)
    sent = [asked for asked in exchange.line.log if asked.method == "POST"]
    assert len(sent) == 3
    assert len({(asked.key, asked.body) for asked in sent}) == 1
    assert sent[0].key
    (received,) = exchange.received()
    assert set(exchange.states().values()) == {OwnWishState.ANSWERED}
    assert {line.state for line in received.lines} == {WishState.OPEN}


class Killed(BaseException):
    """The worker ended here."""


@pytest.mark.parametrize("place", ["answer", "accept"])
def test_a_worker_killed_between_sending_and_noting_sends_the_same_again(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    exchange.add(*TITLES)

    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(sendings, place, dying)
        with pytest.raises(Killed):
            exchange.send()
    assert len(exchange.received()) == 1, "the partner has it"
    assert set(exchange.states().values()) == {OwnWishState.SENT}, "we do not know"
    exchange.wait(jobs.LEASE.total_seconds() + 1)
    assert set(exchange.states().values()) == {OwnWishState.ANSWERED}
    assert len(exchange.received()) == 1


def test_without_the_kept_key_the_partner_would_have_two_lists(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Show that the tests above would notice a key that is made when it is sent."""
    whole = fetching.send

    def naive(url: str, body: bytes, headers: dict[str, str], **more: Any) -> fetching.Sent:
        return whole(url, body, headers | {"Idempotency-Key": uuid.uuid4().hex}, **more)

    monkeypatch.setattr(fetching, "send", naive)
    exchange.add("One")
    exchange.line.lost = 1
    exchange.send()
    exchange.wait(60)
    assert len(exchange.received()) == 2
    assert exchange.wishes()["One"].outcome == "duplicate"


def test_a_partner_that_is_away_is_tried_again_after_pauses_that_grow(exchange: Exchange) -> None:
    exchange.line.instead = lambda _: ("500 Internal Server Error", [], b"")
    exchange.add("One")
    exchange.send()
    tried = [len(exchange.line.log)]
    for seconds in (4, 2, 8, 3, 18, 3):
        exchange.wait(seconds)
        tried.append(len(exchange.line.log))
    assert tried == [1, 1, 2, 2, 3, 3, 4], "after 5, 10 and 20 seconds"
    assert "was answered 500" in requesting.trouble(exchange.us.db, "busan")
    exchange.line.instead = lambda _: None
    requesting.release(exchange.us.db, "busan", exchange.us.now())
    exchange.wait(60)
    assert exchange.states() == {"One": OwnWishState.ANSWERED}
    assert requesting.trouble(exchange.us.db, "busan") == ""


def test_what_a_failed_job_left_is_taken_up_again(exchange: Exchange) -> None:
    exchange.line.lost = 1
    exchange.add("One")
    exchange.send()
    with exchange.us.db.write() as conn:
        held = jobs.lease(conn, exchange.us.now() + timedelta(hours=1))
        assert held is not None
        jobs.fail(conn, held, "an internal error", exchange.us.now())
    exchange.wait(60)
    assert exchange.states() == {"One": OwnWishState.SENT}
    exchange.wait(3600)
    assert exchange.states() == {"One": OwnWishState.ANSWERED}


def test_a_partner_that_asks_for_time_is_given_it(exchange: Exchange) -> None:
    exchange.line.instead = lambda _: ("503 Busy", [("Retry-After", "600")], b"")
    exchange.add("One")
    exchange.send()
    exchange.line.instead = lambda _: None
    exchange.wait(590)
    assert exchange.states() == {"One": OwnWishState.SENT}
    exchange.wait(20)
    assert exchange.states() == {"One": OwnWishState.ANSWERED}


def test_refused_credentials_are_told_in_the_partners_words_and_never_themselves(
    exchange: Exchange,
) -> None:
    signing_in.revoke_partner_tokens(exchange.partner.db, "us", exchange.partner.now())
    exchange.add("One")
    exchange.send()
    trouble = requesting.trouble(exchange.us.db, "busan")
    assert "was answered 401: " in trouble
    assert signing_in.TOKEN_PREFIX not in trouble
    assert exchange.states() == {"One": OwnWishState.SENT}


def test_a_partner_that_answers_later_is_asked_for_its_answer(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_wishes, "_LONG", 2)
    exchange.add(*TITLES)
    exchange.send()
    assert exchange.line.log[0].prefer == "respond-async"
    for _ in range(3):
        work(exchange.partner)
        exchange.wait(2)
    assert set(exchange.states().values()) == {OwnWishState.ANSWERED}
    assert exchange.line.methods().count("POST") == 1


def test_a_partner_that_lost_what_it_took_gets_it_again(exchange: Exchange) -> None:
    def once_lost(asked: Asked) -> Answer | None:
        if asked.method == "POST" and len(exchange.line.log) == 1:
            location = "/api/v1/wishlists/01JZ0000000000000000000000"
            return "202 Accepted", [("Location", location)], b"{}"
        return None

    exchange.line.instead = once_lost
    exchange.add("One")
    exchange.send()
    for _ in range(4):
        exchange.wait(60)
        work(exchange.partner)
    assert exchange.line.methods()[:3] == ["POST", "GET", "POST"]
    assert len({asked.key for asked in exchange.line.log if asked.method == "POST"}) == 1
    assert exchange.states() == {"One": OwnWishState.ANSWERED}


def test_a_long_list_is_sent_in_parts(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST", 2)
    exchange.add(*TITLES)
    exchange.send()
    work(exchange.partner)
    exchange.wait(60)
    assert [received.total for received in exchange.received()] == [2, 1]
    assert set(exchange.states().values()) == {OwnWishState.ANSWERED}


NO_ANSWERS = (
    b"",
    b"<html>",
    b"[]",
    b'{"lines": 1}',
    b'{"lines": [{"line_no": "1"}]}',
    b"[" * 100_000,
    b'{"lines": []}' + b" " * 1_100_000,
    b'{"id": "../../etc", "lines": [{"line_no": 1, "outcome": "registered"}]}',
)


def test_an_answer_that_is_none_is_no_answer(exchange: Exchange) -> None:
    exchange.add("One")
    for content in NO_ANSWERS:
        exchange.line.instead = lambda _, content=content: ("201 Created", [], content)
        exchange.send()
        exchange.wait(7 * 3600)
        assert exchange.states() == {"One": OwnWishState.SENT}
        assert requesting.trouble(exchange.us.db, "busan")
    exchange.line.instead = lambda _: None
    exchange.wait(7 * 3600)
    assert exchange.states() == {"One": OwnWishState.ANSWERED}


def test_what_no_database_holds_is_kept_as_what_it_can_be(exchange: Exchange) -> None:
    lines = [{"line_no": 1, "outcome": "registered", "reason": "a\0b\ud800" + "c" * 9000}]
    content = json.dumps({"id": "X1", "lines": lines}).encode()
    exchange.line.instead = lambda _: ("201 Created", [], content)
    exchange.add("One")
    exchange.send()
    reason = exchange.wishes()["One"].reason
    assert reason.startswith("a\ufffdb\ufffdccc")
    assert len(reason) == 500


def test_a_partner_is_never_called_twice_at_once(exchange: Exchange) -> None:
    arrived = threading.Event()
    exchange.line.meanwhile = lambda _: (arrived.set(), threading.Event().wait(0.3))[0]
    exchange.add("One")
    requesting.release(exchange.us.db, "busan", exchange.us.now())
    threads = [threading.Thread(target=work, args=[exchange.us]) for _ in range(3)]
    threads[0].start()
    assert arrived.wait(20)
    exchange.add("Two")
    requesting.release(exchange.us.db, "busan", exchange.us.now())
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(60)
    work(exchange.partner)
    exchange.wait(60)
    assert exchange.line.most_at_once == 1
    assert set(exchange.states().values()) == {OwnWishState.ANSWERED}, "what came meanwhile, too"


def test_noted_wishes_are_sent_by_themselves_where_the_site_wants_it(exchange: Exchange) -> None:
    exchange.add("One")
    work(exchange.us)
    assert exchange.line.log == []
    settings = exchange.us.settings
    auto = make_site(
        exchange.us.db,
        settings.data_dir,
        exchange.clock,
        reachable_networks="127.0.0.0/8",
        auto_send_wishes=True,
    )
    work(auto)
    assert exchange.states()["One"] in (OwnWishState.SENT, OwnWishState.ANSWERED)
    assert len(exchange.received()) == 1


def test_where_wishes_go_is_told_by_the_address_or_said() -> None:
    assert rules.wishes_address("https://a.example.org/x/oai?k=1") == (
        "https://a.example.org/x/api/v1/wishlists"
    )
    said = "https://b.example.org/wishes"
    assert rules.wishes_address("https://a.example.org/OAI-HUB", said) == said
    with pytest.raises(Invalid, match="give the source the address"):
        rules.wishes_address("https://a.example.org/OAI-HUB")


@pytest.mark.parametrize(
    ("location", "list_id", "address"),
    [
        ("https://a.example.org/other/1", "", "https://a.example.org/other/1"),
        ("/lists/1", "", "https://a.example.org/lists/1"),
        ("https://evil.example.org/1", "X1", "https://a.example.org/wishes/X1"),
        ("https://evil.example.org/1", "", None),
        ("http://a.example.org/1", "", None),
        ("//evil.example.org/1", "", None),
        ("https://a.example.org@evil.example.org/1", "../x", None),
        ("", "", None),
    ],
)
def test_credentials_go_nowhere_but_to_the_partner(
    location: str, list_id: str, address: str | None
) -> None:
    wishes = "https://a.example.org/wishes"
    if address is not None:
        assert rules.list_address(wishes, location, list_id) == address
        return
    with pytest.raises(ValueError, match="does not say where"):
        rules.list_address(wishes, location, list_id)


# --- taking back ----------------------------------------------------------------------------------


def test_a_wish_that_was_never_sent_is_taken_back_here_alone(exchange: Exchange) -> None:
    (wish,) = exchange.add("One")
    after = requesting.withdraw(exchange.us.db, wish.public_id, exchange.us.now())
    assert after.state is OwnWishState.WITHDRAWN
    work(exchange.us)
    assert exchange.line.log == []
    with pytest.raises(Conflict, match="cannot be taken back"):
        requesting.withdraw(exchange.us.db, wish.public_id, exchange.us.now())
    with pytest.raises(NotFound):
        requesting.withdraw(exchange.us.db, "0" * 26, exchange.us.now())


def _answered(exchange: Exchange, *titles: str) -> dict[str, OwnWish]:
    exchange.add(*titles)
    exchange.send()
    work(exchange.partner)
    exchange.wait(60)
    assert set(exchange.states().values()) == {OwnWishState.ANSWERED}
    return exchange.wishes()


def test_a_wish_that_was_sent_is_taken_back_there_too(exchange: Exchange) -> None:
    wish = _answered(exchange, "One", "Two")["One"]
    exchange.line.lost = 1
    after = requesting.withdraw(exchange.us.db, wish.public_id, exchange.us.now())
    assert after.state is OwnWishState.WITHDRAWING
    work(exchange.us)
    exchange.wait(60)
    assert exchange.states() == {"One": OwnWishState.WITHDRAWN, "Two": OwnWishState.ANSWERED}
    assert exchange.line.methods().count("DELETE") == 2, "its first answer was lost"
    (received,) = exchange.received()
    assert [line.state for line in received.lines] == [WishState.WITHDRAWN, WishState.OPEN]
    exchange.add("One")
    exchange.send()
    work(exchange.partner)
    exchange.wait(60)
    assert exchange.states()["One"] is OwnWishState.ANSWERED


def test_a_wish_taken_back_on_its_way_is_sent_and_then_withdrawn(exchange: Exchange) -> None:
    exchange.line.lost = 1
    (wish,) = exchange.add("One")
    exchange.send()
    requesting.withdraw(exchange.us.db, wish.public_id, exchange.us.now())
    for _ in range(3):
        exchange.wait(60)
        work(exchange.partner)
    assert exchange.states() == {"One": OwnWishState.WITHDRAWN}
    ((line,),) = [received.lines for received in exchange.received()]
    assert line.state is WishState.WITHDRAWN


def test_what_the_partner_did_not_take_it_is_not_told_of(exchange: Exchange) -> None:
    exchange.add("One")
    offering.change_list(exchange.partner.db, "spring", ListAction.CLOSE, exchange.partner.now())
    exchange.send()
    work(exchange.partner)
    exchange.wait(60)
    wish = exchange.wishes()["One"]
    assert (wish.state, wish.outcome) == (OwnWishState.ANSWERED, "closed")
    after = requesting.withdraw(exchange.us.db, wish.public_id, exchange.us.now())
    assert after.state is OwnWishState.WITHDRAWN
    work(exchange.us)
    assert "DELETE" not in exchange.line.methods()


# --- what the partner decides ---------------------------------------------------------------------


def _allocate(exchange: Exchange) -> None:
    partner = exchange.partner
    offering.change_list(partner.db, "spring", ListAction.CLOSE, partner.now())
    allocating.allocate(partner.db, "spring", partner.now)
    work(partner)


def test_what_the_partner_decided_is_asked_for_from_time_to_time(exchange: Exchange) -> None:
    _answered(exchange, "One")
    _allocate(exchange)
    exchange.wait(60)
    assert exchange.states() == {"One": OwnWishState.ANSWERED}
    exchange.wait(3600)
    wish = exchange.wishes()["One"]
    assert wish.state is OwnWishState.ALLOCATED
    assert wish.reason.endswith("Allocated: the only wish.")
    asked = len(exchange.line.log)
    exchange.wait(7200)
    assert len(exchange.line.log) == asked, "there is nothing left to ask for"


def test_sending_asks_at_once_what_was_decided(exchange: Exchange) -> None:
    _answered(exchange, "One")
    _allocate(exchange)
    exchange.send()
    assert exchange.states() == {"One": OwnWishState.ALLOCATED}


def test_a_copy_that_comes_back_to_us_is_heard_of_after_nothing_was_allocated(
    exchange: Exchange,
) -> None:
    partner = exchange.partner
    first = membership.add_partner(partner.db, code="ara", name="Ara", now=partner.now())
    line = {"isbn": "", "identifier": exchange.theirs("One")}
    body = json.dumps([line]).encode()
    request = wishing.Request(body, "application/json")
    wishing.receive(
        partner.db, first, request, partner.names(), partner.wish_limits(), partner.now()
    )
    enrolling.change(partner.db, "ara", {"priority": 1}, by="staff:hana", now=partner.now())
    _answered(exchange, "One")
    _allocate(exchange)
    exchange.wait(3600)
    assert exchange.states() == {"One": OwnWishState.NOT_ALLOCATED}
    asked = len(exchange.line.log)
    exchange.wait(7200)
    assert len(exchange.line.log) == asked, "what was decided on is asked for once a day"
    (given,) = accepting.list_own(partner.db, first)
    accepting.decline(partner.db, given.id, first, now=partner.now(), by="partner:ara")
    work(partner)
    exchange.wait(24 * 3600)
    assert exchange.states() == {"One": OwnWishState.ALLOCATED}
    asked = len(exchange.line.log)
    exchange.wait(24 * 3600 + 1)
    assert len(exchange.line.log) == asked, "there is nothing left to ask for"


def test_what_was_in_vain_is_not_asked_for_for_ever(exchange: Exchange) -> None:
    _answered(exchange, "One")
    (wish,) = exchange.received()
    with exchange.us.db.write() as conn:
        sendings.decide(
            conn, _key(exchange), wish.lines[0].line_no, OwnWishState.NOT_ALLOCATED, "No copy."
        )
    exchange.wait(24 * 3600)
    asked = len(exchange.line.log)
    assert asked
    exchange.wait(rules.NEXT_IN_LINE.total_seconds())
    assert len(exchange.line.log) == asked


def _key(exchange: Exchange) -> str:
    """Return the key under which the one wish of ours was sent."""
    with exchange.us.db.read() as conn:
        return str(conn.execute(sa.select(own_wish.c.sending)).scalar_one())


def test_a_withdrawal_that_comes_too_late_learns_what_was_decided(exchange: Exchange) -> None:
    wish = _answered(exchange, "One")["One"]
    _allocate(exchange)
    requesting.withdraw(exchange.us.db, wish.public_id, exchange.us.now())
    work(exchange.us)
    assert exchange.states() == {"One": OwnWishState.ALLOCATED}
