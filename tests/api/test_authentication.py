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
    assert partner.get("/me").json == {
        "kind": "partner",
        "name": "Library of ulaanbaatar",
        "code": "ulaanbaatar",
        "state": "ACTIVE",
    }
    assert staff.get("/me").json == {"kind": "staff", "name": "kim", "code": None, "state": None}


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


STAFF_ONLY = [
    ("POST", "/imports"),
    ("GET", "/imports"),
    ("GET", "/imports/x"),
    ("GET", "/imports/x/lines"),
    ("POST", "/imports/x/commit"),
    ("POST", "/lists"),
    ("POST", "/lists/x/open"),
    ("GET", "/lists/x/allocation"),
    ("POST", "/offers/x/withdraw"),
    ("GET", "/partners"),
    ("POST", "/partners"),
    ("GET", "/partners/x"),
    ("POST", "/partners/x/suspend"),
    ("POST", "/partners/x/tokens"),
    ("DELETE", "/partners/x/tokens"),
    ("GET", "/harvesters"),
    ("GET", "/sources"),
    ("POST", "/sources"),
    ("GET", "/sources/x"),
    ("POST", "/sources/x/harvest"),
    ("GET", "/sources/x/harvests"),
    ("GET", "/own-wishes"),
    ("POST", "/own-wishes"),
    ("POST", "/own-wishes/send"),
    ("GET", "/own-wishes/x"),
    ("DELETE", "/own-wishes/x"),
]
PARTNERS_ONLY = [
    ("POST", "/wishlists"),
    ("GET", "/wishlists.atom"),
    ("DELETE", "/wishlists/x/lines/1"),
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("GET", "/webhooks/x"),
    ("POST", "/webhooks/x/resume"),
    ("DELETE", "/webhooks/x"),
]
SIGNED_IN = [("GET", "/wishlists"), ("GET", "/wishlists/x"), ("GET", "/me")]


@pytest.mark.parametrize(("method", "path"), STAFF_ONLY)
def test_a_partner_may_not_do_what_the_staff_does(partner: Client, method: str, path: str) -> None:
    answer = partner(method, path)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert "staff" in answer.json["detail"]
    assert "ulaanbaatar" in answer.json["detail"]


@pytest.mark.parametrize(("method", "path"), PARTNERS_ONLY)
def test_the_staff_may_not_do_what_partners_do(staff: Client, method: str, path: str) -> None:
    answer = staff(method, path)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert "partners" in answer.json["detail"]


@pytest.mark.parametrize(("method", "path"), [*STAFF_ONLY, *PARTNERS_ONLY, *SIGNED_IN])
def test_nobody_gets_in_without_credentials_whatever_else_is_wrong(
    nobody: Client, method: str, path: str
) -> None:
    assert nobody(method, f"{path}?nonsense=1").status_code == 401


def test_every_address_is_in_one_of_the_tables_above_or_public(app: Flask) -> None:
    public = {"/lists", "/lists/<>", "/offers", "/offers/<>", "/openapi.json"}
    tables = [*STAFF_ONLY, *PARTNERS_ONLY, *SIGNED_IN]
    guarded = {(method, len(path.split("/")), path.split("/")[1]) for method, path in tables}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/"):
            continue
        path = rule.rule.removeprefix("/api/v1")
        parts = ["<>" if part.startswith("<") else part for part in path.split("/")]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if method == "GET" and "/".join(parts) in public:
                continue
            assert (method, len(parts), parts[1]) in guarded, f"{method} {path}"
