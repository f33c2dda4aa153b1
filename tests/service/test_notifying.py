"""Partners are told at least once, in order and signed; a receiver that fails is tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import webhook as rules
from service.domain.announcement import WISH_CHANGED, WISHLIST_ANSWERED
from service.domain.partner import Partner
from service.domain.webhook import TRIED_FOR, Webhook, WebhookState
from service.errors import Conflict, Invalid, NotFound
from service.store.db import Database
from service.store.tables import webhook
from service.usecases import notifying, wishing
from service.usecases.notifying import Added
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.service.builders import HandClock, a_partner, make_site


@dataclass
class Receiver:
    """A partner's system: answers with the statuses of ``plan`` in turn, then with 204."""

    url: str = ""
    plan: list[int | Callable[[], int]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def taken(self) -> list[str]:
        """Return the ids of what came, repeats included."""
        return [headers[rules.EVENT_ID.lower()] for headers, _ in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            planned = found.plan.pop(0) if found.plan else 204
            status = planned() if callable(planned) else planned
            self.send_response(status)
            self.send_header("Location", f"{found.url}elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site(db: Database, tmp_path: Path) -> Site:
    """A site that may call this machine."""
    return make_site(db, tmp_path, reachable_networks="127.0.0.0/8")


def clock(site: Site) -> HandClock:
    assert isinstance(site.clock, HandClock)
    return site.clock


def add(site: Site, partner: Partner, receiver: Receiver, path: str = "hook") -> Added:
    return notifying.add_webhook(
        site.db, site.settings, partner, f"{receiver.url}{path}", site.now()
    )


def wish(site: Site, partner: Partner, line: str = "9788936433598") -> str:
    """Send a wish list; return its public id."""
    request = Request(line.encode(), "text/uri-list")
    return wishing.receive(
        site.db, partner, request, site.names(), site.wish_limits(), site.now()
    ).wish_list.public_id


def deliver(site: Site) -> bool:
    return notifying.deliver(site.db, site.settings, site.now, lambda: 0.5)


def deliver_all(site: Site) -> None:
    while deliver(site):
        pass


def found(site: Site, partner: Partner) -> Webhook:
    (only,) = notifying.list_webhooks(site.db, partner)
    return only


def is_genuine(secret: str, header: str, body: bytes, now: float) -> bool:
    """Verify a delivery as docs/api.md shows it to receivers."""
    sent = dict(part.split("=", 1) for part in header.split(","))
    signed = hmac.new(secret.encode(), f"{sent['t']}.".encode() + body, hashlib.sha256)
    return hmac.compare_digest(signed.hexdigest(), sent["v1"]) and abs(now - int(sent["t"])) < 300


def test_an_answered_wish_list_is_told_once_signed_and_without_titles(
    site: Site, receiver: Receiver
) -> None:
    partner = a_partner(site)
    added = add(site, partner, receiver)
    sent = wish(site, partner)
    deliver_all(site)
    ((headers, body),) = receiver.requests
    said = json.loads(body)
    assert said == {
        "id": headers["bookbridge-event-id"],
        "event": WISHLIST_ANSWERED,
        "at": f"{site.now():%Y-%m-%dT%H:%M:%SZ}",
        "url": f"{site.settings.base_url}/api/v1/wishlists/{sent}",
        "wish_list": sent,
        "counts": {"waiting": 1},
    }
    assert headers["bookbridge-event"] == WISHLIST_ANSWERED
    assert headers["content-type"] == "application/json"
    signature = headers["bookbridge-signature"]
    assert is_genuine(added.secret, signature, body, clock(site).at)
    assert not is_genuine(added.secret, signature, body + b" ", clock(site).at)
    assert not is_genuine("whsec_other", signature, body, clock(site).at)
    assert not is_genuine(added.secret, signature, body, clock(site).at + 400)
    assert not deliver(site)


def test_a_dry_run_and_another_partners_list_are_told_to_nobody(
    site: Site, receiver: Receiver
) -> None:
    add(site, a_partner(site), receiver)
    other = a_partner(site, "other")
    wish(site, other)
    request = Request(b"9788936433598", "text/uri-list", dry_run=True)
    wishing.receive(
        site.db, a_partner(site, "third"), request, site.names(), site.wish_limits(), site.now()
    )
    deliver_all(site)
    assert receiver.requests == []


def test_deliveries_come_in_order_and_wait_for_one_that_fails(
    site: Site, receiver: Receiver
) -> None:
    partner = a_partner(site)
    add(site, partner, receiver)
    receiver.plan = [204, 500, 404, 302, 204, 204]
    sent = [wish(site, partner, f"{n}") for n in range(3)]
    deliver_all(site)
    assert len(receiver.requests) == 2
    hook = found(site, partner)
    assert (hook.waiting, hook.failing_since) == (2, site.now())
    assert hook.error == "the receiver answered 500"
    for _ in range(3):
        clock(site).move(3600)
        deliver_all(site)
    told = [json.loads(body)["wish_list"] for _, body in receiver.requests]
    assert told == [sent[0], *[sent[1]] * 4, sent[2]]
    assert len(set(receiver.taken())) == 3
    hook = found(site, partner)
    assert (hook.waiting, hook.given_up, hook.failing_since, hook.error) == (0, 0, None, "")
    assert "/elsewhere" not in str([body for _, body in receiver.requests])


def test_a_delivery_whose_worker_was_killed_before_noting_it_comes_again(
    site: Site, receiver: Receiver
) -> None:
    class Killed(BaseException):
        pass

    partner = a_partner(site)
    add(site, partner, receiver)
    wish(site, partner)
    wish(site, partner, "x")

    def killed() -> float:
        raise Killed

    with pytest.raises(Killed):
        notifying.deliver(site.db, site.settings, site.now, killed)
    assert len(receiver.requests) == 1
    deliver_all(site)
    assert len(receiver.requests) == 1, "nobody else sends it, or what follows, meanwhile"
    clock(site).move(61)
    deliver_all(site)
    first, again, second = receiver.taken()
    assert first == again != second
    assert receiver.requests[0][1] == receiver.requests[1][1]


def test_what_is_announced_is_undone_with_its_cause(site: Site, receiver: Receiver) -> None:
    partner = a_partner(site)
    add(site, partner, receiver)

    def fails() -> None:
        with site.db.write() as conn:
            body = {"wish_list": "01JZ0000000000000000000000"}
            notifying.announce(conn, partner.id, WISH_CHANGED, body, site.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert not deliver(site)
    assert notifying.announcements(site.db, partner, "", 10) == []


def test_a_webhook_that_fails_for_three_days_is_paused_and_says_so(
    site: Site, receiver: Receiver
) -> None:
    partner = a_partner(site)
    hook = add(site, partner, receiver).webhook
    sent = [wish(site, partner, str(n)) for n in range(2)]
    receiver.plan = [503] * 1000
    began = site.now()
    while found(site, partner).state is WebhookState.ACTIVE:
        clock(site).move(3600)
        deliver_all(site)
    assert TRIED_FOR <= site.now() - began <= TRIED_FOR + timedelta(hours=5)
    paused = found(site, partner)
    assert (paused.waiting, paused.given_up) == (0, 2)
    assert "Paused" in paused.error
    assert "503" in paused.error
    late = wish(site, partner, "late")
    tried = len(receiver.requests)
    clock(site).move(3600)
    deliver_all(site)
    assert len(receiver.requests) == tried
    receiver.plan = []
    notifying.resume_webhook(site.db, partner, hook.public_id, site.now())
    deliver_all(site)
    told = [json.loads(body)["wish_list"] for _, body in receiver.requests[tried:]]
    assert told == [late], "what is older than three days is in the feed, and not sent any more"
    assert found(site, partner).state is WebhookState.ACTIVE
    assert found(site, partner).given_up == len(sent)


def test_a_resumed_webhook_is_told_in_order_what_it_missed(site: Site, receiver: Receiver) -> None:
    partner = a_partner(site)
    hook = add(site, partner, receiver).webhook
    with site.db.write() as conn:
        conn.execute(webhook.update().values(state=WebhookState.PAUSED.value))
    sent = [wish(site, partner, str(n)) for n in range(3)]
    deliver_all(site)
    assert receiver.requests == []
    notifying.resume_webhook(site.db, partner, hook.public_id, site.now())
    notifying.resume_webhook(site.db, partner, hook.public_id, site.now())
    sent.append(wish(site, partner, "more"))
    deliver_all(site)
    assert [json.loads(body)["wish_list"] for _, body in receiver.requests] == sent


def test_a_receiver_that_fails_holds_up_no_other(site: Site, receiver: Receiver) -> None:
    partner = a_partner(site)
    add(site, partner, receiver, "bad")
    add(site, partner, receiver, "good")
    receiver.plan = [500]
    for n in range(3):
        wish(site, partner, str(n))
    deliver_all(site)
    assert len(receiver.requests) == 4
    waiting = [each.waiting for each in notifying.list_webhooks(site.db, partner)]
    assert sorted(waiting) == [0, 3]


def test_many_workers_send_each_delivery_once_and_in_order(site: Site, receiver: Receiver) -> None:
    partner = a_partner(site)
    add(site, partner, receiver)
    sent = [wish(site, partner, str(n)) for n in range(8)]
    threads = [threading.Thread(target=deliver_all, args=(site,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    deliver_all(site)
    assert [json.loads(body)["wish_list"] for _, body in receiver.requests] == sent


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/x", "http://169.254.169.254/", "ftp://example.org/x", "file:///etc/passwd",
        "http://user:word@127.0.0.1/", "http://127.0.0.1:22/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_called_is_no_webhook(site: Site, url: str) -> None:
    partner = a_partner(site)
    with pytest.raises(Invalid):
        notifying.add_webhook(site.db, site.settings, partner, url, site.now())
    assert notifying.list_webhooks(site.db, partner) == []


def test_an_address_is_looked_at_again_when_it_is_called(
    db: Database, tmp_path: Path, receiver: Receiver
) -> None:
    before = make_site(db, tmp_path, reachable_networks="127.0.0.0/8")
    partner = a_partner(before)
    add(before, partner, receiver)
    wish(before, partner)
    deliver_all(make_site(db, tmp_path))
    assert receiver.requests == []
    assert "no public address" in found(before, partner).error


def test_the_secret_is_kept_sealed_and_shown_once(site: Site, receiver: Receiver) -> None:
    added = add(site, a_partner(site), receiver)
    with site.db.read() as conn:
        kept = conn.execute(sa.select(webhook.c.secret)).scalar_one()
    assert added.secret.startswith("whsec_")
    assert added.secret.encode() not in bytes(kept)
    assert added.secret not in repr(added.webhook)


def test_a_webhook_is_its_partners_alone(site: Site, receiver: Receiver) -> None:
    partner, other = a_partner(site), a_partner(site, "other")
    hook = add(site, partner, receiver).webhook
    for act in (
        lambda: notifying.remove_webhook(site.db, other, hook.public_id, site.now()),
        lambda: notifying.find_webhook(site.db, other, hook.public_id),
        lambda: notifying.resume_webhook(site.db, other, hook.public_id, site.now()),
    ):
        with pytest.raises(NotFound):
            act()
    wish(site, partner)
    notifying.remove_webhook(site.db, partner, hook.public_id, site.now())
    deliver_all(site)
    assert receiver.requests == []


def test_a_partner_has_a_limited_number_of_webhooks(site: Site, receiver: Receiver) -> None:
    partner = a_partner(site)
    for n in range(notifying.MOST):
        add(site, partner, receiver, str(n))
    with pytest.raises(Conflict):
        add(site, partner, receiver, "more")


def test_the_feed_has_what_was_announced_newest_first_also_without_a_webhook(site: Site) -> None:
    partner = a_partner(site)
    wish(site, a_partner(site, "other"))
    sent = []
    for n in range(5):
        sent.append(wish(site, partner, str(n)))
        clock(site).move(1)
    told = notifying.announcements(site.db, partner, "", 10)
    assert sorted(each.body["wish_list"] for each in told) == sorted(sent)
    page = notifying.announcements(site.db, partner, told[1].public_id, 2)
    assert page == told[2:4]


@settings(deadline=None)
@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_within_bounds(attempts: int, chance: float) -> None:
    pause = rules.pause(attempts, chance)
    assert timedelta(seconds=4) <= pause <= timedelta(hours=3.6)
    assert rules.pause(attempts + 2, 0.0) >= min(rules.pause(attempts, 0.99), timedelta(hours=2.4))
