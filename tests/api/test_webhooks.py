"""Webhooks over the API: a partner's own, checked when they are entered, secret only once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, url_for

from service import worker
from service.app import create_app
from service.cli import cli
from service.config import Settings
from service.domain import announcement
from service.domain.announcement import WISH_CHANGED, Announcement
from service.store.db import Database
from service.usecases.site import Site
from tests.api.conftest import BASE, ISBN, Client
from tests.api.test_problems import problem
from tests.service.test_notifying import Receiver, deliver_all
from tests.service.test_notifying import receiver as receiver

NOWHERE = "01JZ0000000000000000000000"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, reachable_networks=("127.0.0.0/8",))


@pytest.fixture
def app(settings: Settings, sqlite_url: str) -> Iterator[Flask]:
    db = Database(sqlite_url)
    yield create_app(settings, db)
    db.close()


def test_a_webhook_is_entered_shown_and_removed(
    receiver: Receiver, partner: Client, other: Client
) -> None:
    answer = partner.post("/webhooks", json={"url": f"{receiver.url}hook"})
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == made["self"] == f"{BASE}/api/v1/webhooks/{made['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert made.pop("secret").startswith("whsec_")
    assert made["state"] == "ACTIVE"
    assert partner.get("/webhooks").json == {"items": [made]}
    assert partner.get(f"/webhooks/{made['id']}").json == made
    assert other.get("/webhooks").json == {"items": []}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/resume")):
        problem(other(method, f"/webhooks/{made['id']}{path}"), 404, "not_found")
    assert partner.post(f"/webhooks/{made['id']}/resume").json == made
    assert partner.delete(f"/webhooks/{made['id']}").status_code == 204
    problem(partner.delete(f"/webhooks/{made['id']}"), 404, "not_found")
    problem(partner.get("/webhooks/x"), 404, "not_found")


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "ftp://example.org/", "", "http://["])
def test_an_address_that_may_not_be_called_is_refused(partner: Client, url: str) -> None:
    answer = problem(partner.post("/webhooks", json={"url": url}), 422, "invalid")
    assert answer["errors"][0]["field"] == "url"


def test_webhooks_are_for_partners(nobody: Client, staff: Client) -> None:
    problem(nobody.get("/webhooks"), 401, "unauthenticated")
    problem(staff.get("/webhooks"), 403, "forbidden")


def test_what_a_delivery_says_leads_to_the_answer(
    site: Site, receiver: Receiver, partner: Client
) -> None:
    partner.post("/webhooks", json={"url": receiver.url})
    sent = partner.wish(ISBN, Prefer="respond-async").json
    while worker.turn(site):
        pass
    deliver_all(site)
    ((_, body),) = receiver.requests
    said = json.loads(body)
    assert said["url"] == sent["url"]
    assert partner.get(said["url"].removeprefix(BASE)).json["counts"] == said["counts"]


def test_where_a_delivery_says_to_look_is_where_the_api_has_it(app: Flask, site: Site) -> None:
    with app.test_request_context():
        path = url_for("Wish lists.show_wish_list", wish_list_id=NOWHERE)
    told = Announcement("", WISH_CHANGED, {"wish_list": NOWHERE}, site.now())
    assert announcement.address(told, BASE) == BASE + path


def test_the_staff_enters_and_removes_webhooks_by_command(
    settings: Settings, site: Site, partner: Client, receiver: Receiver
) -> None:
    environment = {
        "BOOKBRIDGE_SECRET_KEY": settings.secret_key,
        "BOOKBRIDGE_DATABASE_URL": str(site.db.url),
        "BOOKBRIDGE_REACHABLE_NETWORKS": "127.0.0.0/8",
        "BOOKBRIDGE_DATA_DIR": str(settings.data_dir),
    }

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, ["webhook", *arguments], env=environment)
        assert done.exit_code == code, done.output
        return done.output

    assert "There are no webhooks yet" in run("list")
    secret, said = run("add", "ulaanbaatar", receiver.url).splitlines()
    assert secret.startswith("whsec_")
    assert "cannot be shown again" in said
    (hook,) = partner.get("/webhooks").json["items"]
    listed = run("list", "ulaanbaatar")
    assert hook["id"] in listed
    assert secret not in listed
    run("resume", hook["id"])
    run("remove", hook["id"])
    assert partner.get("/webhooks").json["items"] == []
    assert "no public address" in run("add", "ulaanbaatar", "http://10.0.0.1/", code=1)
    run("remove", hook["id"], code=1)
    run("list", "nobody", code=1)


def test_the_documented_verification_accepts_what_we_send(
    receiver: Receiver, site: Site, partner: Client
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    found: dict[str, object] = {}
    exec(code, found)  # noqa: S102 - our own documentation
    secret = partner.post("/webhooks", json={"url": receiver.url}).json["secret"]
    partner.wish(ISBN)
    deliver_all(site)
    ((headers, body),) = receiver.requests
    genuine = found["is_genuine"]
    assert callable(genuine)
    assert genuine(secret, headers["bookbridge-signature"], body)
    assert not genuine(secret, headers["bookbridge-signature"], body + b" ")
    assert not genuine(secret + "x", headers["bookbridge-signature"], body)
