"""Who may call: both schemes, every request anew, and nothing for those who may not."""

from __future__ import annotations

import base64
import http.client
import threading

import pytest
from flask import Flask

from service.cli.server import Server
from service.usecases import signing_in
from service.usecases.site import Site
from tests.api.conftest import Client


def basic(name: str, token: str) -> dict[str, str]:
    pair = base64.b64encode(f"{name}:{token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_a_bearer_token_says_who_calls(partner: Client, staff: Client) -> None:
    told = partner.get("/me").json
    assert told.pop("entry")["code"] == "ulaanbaatar"
    assert told == {
        "kind": "partner",
        "name": "Library of ulaanbaatar",
        "role": "partner",
        "code": "ulaanbaatar",
        "state": "ACTIVE",
    }
    told = staff.get("/me").json
    assert told == {
        "kind": "staff",
        "name": "kim",
        "role": "admin",
        "code": None,
        "state": None,
        "entry": None,
    }


def test_basic_with_the_partner_code_and_its_token_says_the_same(
    nobody: Client, partner: Client
) -> None:
    answer = nobody.get("/me", headers=basic("ulaanbaatar", partner.token))
    assert answer.status_code == 200
    assert answer.json == partner.get("/me").json


def test_without_credentials_both_schemes_are_asked_for(nobody: Client) -> None:
    answer = nobody.get("/me")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers.getlist("WWW-Authenticate") == [
        'Bearer realm="Bookbridge"',
        'Basic realm="Bookbridge", charset="UTF-8"',
    ]


@pytest.mark.parametrize("path", ["/me", "/lists", "/offers", "/openapi.json"])
@pytest.mark.parametrize(
    "header",
    [
        "Bearer bb_wrong",
        "Bearer",
        "Bearer ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Digest username=a",
        "bb_wrong",
        "",
    ],
)
def test_wrong_credentials_are_refused_even_where_none_are_needed(
    nobody: Client, path: str, header: str
) -> None:
    answer = nobody.get(path, headers={"Authorization": header})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_a_token_under_another_partners_name_is_refused(
    nobody: Client, partner: Client, other: Client
) -> None:
    assert nobody.get("/me", headers=basic("vladivostok", partner.token)).status_code == 401
    assert nobody.get("/me", headers=basic("nobody", other.token)).status_code == 401


def test_a_revoked_token_is_refused_at_once(site: Site, partner: Client) -> None:
    assert partner.get("/lists").status_code == 200
    signing_in.revoke_partner_tokens(site.db, "ulaanbaatar", site.now())
    assert partner.get("/lists").status_code == 401


def test_a_second_request_on_the_same_connection_needs_credentials_again(
    app: Flask, site: Site, partner: Client
) -> None:
    server = Server(app, site.settings, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        statuses = []
        for headers in ({"Authorization": f"Bearer {partner.token}"}, {}):
            connection.request("GET", "/api/v1/me", headers=headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        assert statuses == [200, 401]
    finally:
        connection.close()
        server.stop()
        thread.join(20)
