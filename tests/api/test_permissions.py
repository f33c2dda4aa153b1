"""Who may do what, swept over every route of the API and every role, as the table says."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from flask import Flask

from service.domain import permission
from service.domain.offer import ListAction
from service.domain.permission import ACTIONS, STAFF, Kind, Permission, Reach, Role
from service.usecases import offering, staffing
from service.usecases.site import Site
from service.web import guarding
from tests.api.conftest import Client, new_partner, new_staff, oai, offer, record
from tests.service.agreement_terms import ULAANBAATAR

NOWHERE = "01JZ0000000000000000000000"


class Route(NamedTuple):
    """A method and a path below /api/v1 with ``{name}`` for its arguments, and who serves it."""

    method: str
    path: str
    action: str

    @property
    def arguments(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def to(self, **given: str) -> str:
        """Return the path to a thing; what is not given is nothing's name."""
        return self.path.format(**{name: given.get(name, NOWHERE) for name in self.arguments})


def routes(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/"):
            path = rule.rule.removeprefix("/api/v1")
            path = re.sub(r"<any\('?([\w-]+)[^)]*\):\w+>", r"\1", path)  # the first of the words
            path = re.sub(r"<int[^:]*:\w+>", "1", path)
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
            assert "<" not in path, f"say what stands for the argument in {path}"
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(method, path, rule.endpoint.rpartition(".")[2])


@pytest.fixture
def callers(app: Flask, nobody: Client, partner: Client) -> dict[Role, Client]:
    """Each role's client; who has one is called as its role, the partner by its code."""
    staff = {role: new_staff(app, role.value, role) for role in STAFF}
    return {Role.ANONYMOUS: nobody, Role.PARTNER: partner, **staff}


def test_every_route_has_a_row_and_every_row_a_route_or_a_page(app: Flask) -> None:
    pages = {guarding.needed(view) for view in app.view_functions.values()} - {None, ""}
    assert {route.action for route in routes(app)} | pages == set(ACTIONS)


@pytest.mark.parametrize(
    ("action", "admitted", "told"),
    [
        ("show_secrets", frozenset(Kind), "has no row"),
        ("list_audit", frozenset(Kind), "is open to anonymous, partner, staff, but"),
        ("show_list", frozenset({Kind.STAFF}), "is open to staff, but"),
    ],
)
def test_a_route_without_a_row_or_with_other_roles_stops_the_program(
    action: str, admitted: frozenset[Kind], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        permission.check(action, admitted)


def test_the_columns_of_the_table_are_the_roles_and_the_staffs_are_nested() -> None:
    assert Permission._fields == tuple(Role)
    for action, row in ACTIONS.items():
        reach = [row.of(role) for role in STAFF]
        # From the first role that may, all may; and none of the staff is told apart by whose it is.
        assert reach == sorted(reach, key=[Reach.NONE, Reach.ANY].index), action


READING = re.compile("(list|show|find|count|export)_|send_document")


def test_a_cataloguer_reads_all_that_the_staff_read(app: Flask) -> None:
    for route in routes(app):
        row = ACTIONS[route.action]
        if READING.match(route.action) and row.admin is Reach.ANY:
            assert row.cataloguer is Reach.ANY, route.action


def expected(role: Role, reach: Reach) -> set[int]:
    """Return the only refusal that a caller may see; none where it is let in."""
    if reach is not Reach.NONE:
        return set()
    return {401} if role is Role.ANONYMOUS else {403}


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
def test_every_role_gets_into_every_route_as_the_table_says_and_no_further(
    app: Flask, callers: dict[Role, Client], scheme: str
) -> None:
    wrong = []
    for route in routes(app):
        for role, client in callers.items():
            headers = {}
            if scheme == "basic" and role is not Role.ANONYMOUS:
                name = "ulaanbaatar" if role is Role.PARTNER else role.value
                pair = base64.b64encode(f"{name}:{client.token}".encode()).decode()
                headers = {"Authorization": f"Basic {pair}"}
            answer = client(route.method, route.to(), json={}, headers=headers)
            refused = {answer.status_code} & {401, 403}
            if refused != expected(role, ACTIONS[route.action].of(role)):
                wrong.append((route.method, route.path, role, answer.status_code))
            assert answer.status_code < 500, (route, role, answer.get_data(as_text=True))
            answer.close()  # some are streams, which may hold no connection
    assert wrong == []


def test_nobody_gets_in_without_credentials_whatever_else_is_wrong(
    app: Flask, nobody: Client
) -> None:
    for route in routes(app):
        if ACTIONS[route.action].anonymous is Reach.NONE:
            answer = nobody(route.method, f"{route.to()}?nonsense=1", data=b"\xff")
            assert answer.status_code == 401, route


@pytest.mark.parametrize(
    ("role", "needed", "method", "path"),
    [
        (Role.CATALOGUER, Role.EXCHANGE_LIBRARIAN, "PATCH", "/partners/ulaanbaatar"),
        (Role.CATALOGUER, Role.EXCHANGE_LIBRARIAN, "POST", f"/allocations/{NOWHERE}/accept"),
        (Role.CATALOGUER, Role.ADMIN, "POST", "/partners/ulaanbaatar/tokens"),
        (Role.EXCHANGE_LIBRARIAN, Role.ADMIN, "POST", "/partners/ulaanbaatar/tokens"),
    ],
)
def test_a_member_of_the_staff_is_told_which_role_is_needed(
    callers: dict[Role, Client], role: Role, needed: Role, method: str, path: str
) -> None:
    answer = callers[role](method, path, json={})
    assert answer.status_code == 403
    assert answer.json["detail"] == (
        f"this needs the role {needed.value}; you are here as {role.value}"
    )


def test_a_token_acts_in_the_role_that_its_holder_has_now(
    site: Site, callers: dict[Role, Client]
) -> None:
    client = callers[Role.CATALOGUER]
    body = {"slug": "spring", "title": "Spring"}
    assert client.get("/me").json["role"] == "cataloguer"
    assert client.post("/lists", json=body).status_code == 403
    staffing.change_role(site.db, "cataloguer", Role.EXCHANGE_LIBRARIAN, site.now())
    assert client.get("/me").json["role"] == "exchange_librarian"
    assert client.post("/lists", json=body).status_code == 201
    staffing.change_role(site.db, "cataloguer", Role.CATALOGUER, site.now())
    assert client.post("/lists/spring/open").status_code == 403
    assert callers[Role.PARTNER].get("/me").json["role"] == "partner"


def test_who_is_refused_is_told_for_whom_it_is(partner: Client, staff: Client) -> None:
    answer = partner.get("/audit")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert "staff" in answer.json["detail"]
    assert "ulaanbaatar" in answer.json["detail"]
    assert "partners" in staff.get("/webhooks").json["detail"]


# --- what is one partner's is nobody else's -------------------------------------------------------

CANARY = "qzwxcanary"


@dataclass
class Theirs:
    """What partner ulaanbaatar has that nobody else may learn of: by argument of a path."""

    client: Client
    ids: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def theirs(app: Flask, site: Site, staff: Client, partner: Client) -> Theirs:
    """A partner with one of everything, each with a word in it that is nowhere else."""
    found = Theirs(partner)
    assert (
        partner(
            "PATCH", "/me", json={"contacts": [{"name": CANARY, "email": f"{CANARY}@lib.example"}]}
        ).status_code
        == 200
    )
    (one,) = offer(site, f"{CANARY}-list", record(f"Title {CANARY}"), partners=["ulaanbaatar"])
    (two,) = offer(site, f"{CANARY}-closed", record(f"Other {CANARY}"), partners=["ulaanbaatar"])
    found.ids["offer_id"], found.ids["slug"] = one, f"{CANARY}-list"
    made = partner.post(
        "/wishlists",
        json={"list_key": CANARY, "lines": [{"identifier": oai(one)}, {"title": CANARY}]},
    )
    assert made.status_code == 201, made.json
    found.ids["wish_list_id"] = made.json["id"]
    assert partner.wish(oai(two)).status_code == 201
    offering.change_list(site.db, f"{CANARY}-closed", ListAction.CLOSE, site.now())
    path = f"/lists/{CANARY}-closed/allocation"
    assert staff.post(path, json={"policy": "FIRST_COME"}).status_code == 200
    assert staff.post(f"{path}/confirm", json={}).status_code == 200
    (decision,) = partner.get("/allocations").json["items"]
    found.ids["allocation_id"] = decision["id"]
    consignment = staff.post("/consignments", json={"partner": "ulaanbaatar", "theme": CANARY})
    assert consignment.status_code == 201, consignment.json
    found.ids["consignment_id"] = consignment.json["id"]
    path = f"/consignments/{consignment.json['id']}"
    staff("PATCH", path, json={"address_roman": CANARY})
    for step in ("tick", "pack", "dispatch"):
        assert staff.post(f"{path}/{step}", json={}).status_code == 200
    receipt = partner.post(
        f"{path}/receipt", json={"note": CANARY, "lines": [{"position": 1, "arrived": 0}]}
    )
    assert receipt.status_code == 201, receipt.json
    found.ids["claim_id"] = receipt.json["claims"][0]["id"]
    hook = partner.post("/webhooks", json={"url": f"https://1.1.1.1/{CANARY}"})
    assert hook.status_code == 201, hook.json
    found.ids["webhook_id"] = hook.json["id"]
    terms = ULAANBAATAR | {"title": CANARY, "signed": True}
    agreement = staff.post("/agreements", json=terms)
    assert agreement.status_code == 201, agreement.json
    found.ids["agreement_id"] = agreement.json["id"]
    scan = staff.post(
        f"/agreements/{agreement.json['id']}/documents",
        data={"file": (io.BytesIO(b"%PDF " + CANARY.encode()), f"{CANARY}.pdf")},
    )
    assert scan.status_code == 201, scan.json
    found.ids["document_id"] = scan.json["id"]
    wish = partner.post("/standing-wishes", json={"title": CANARY, "query": {"words": [CANARY]}})
    assert wish.status_code == 201, wish.json
    found.ids["standing_wish_id"] = wish.json["id"]
    serial = {"partner": "ulaanbaatar", "direction": "SENT", "title": CANARY}
    serial |= {"frequency": "ANNUAL", "starts_on": str(site.now().date())}
    followed = staff.post("/serials", json=serial)
    assert followed.status_code == 201, followed.json
    found.ids["serial_id"] = followed.json["id"]
    return found


# Bodies that are right, so that what refuses a request is whose the thing is.
BODIES: dict[str, dict[str, Any]] = {
    "confirm_wish": {"offer": NOWHERE},
    "decline_allocation": {"reason": "x"},
    "enter_receipt": {"note": "x"},
    "answer_claim": {"text": "x"},
    "claim_serial_issue": {"text": "x"},
}


def own(app: Flask) -> list[Route]:
    """Return the routes to things that are a partner's own."""
    return [
        route
        for route in routes(app)
        if route.arguments and ACTIONS[route.action].partner is Reach.OWN
    ]


def told(client: Client, found: list[Route], ids: dict[str, str]) -> dict[str, tuple[int, bytes]]:
    return {
        route.path: (answer.status_code, answer.data)
        for route in found
        if route.method == "GET"
        for answer in [client.get(route.to(**ids))]
    }


def test_what_is_one_partners_own_is_not_there_for_another_and_stays_as_it_is(
    app: Flask, theirs: Theirs, staff: Client
) -> None:
    other = new_partner(app, "vladivostok")
    found = own(app)
    unknown = {name for route in found for name in route.arguments} - theirs.ids.keys()
    assert not unknown, f"make one of these that is a partner's own: {unknown}"
    before = told(theirs.client, found, theirs.ids)
    assert {status for status, _ in before.values()} == {200}
    for route in found:
        body = {"json": BODIES[route.action]} if route.action in BODIES else {}
        answer = other(route.method, route.to(**theirs.ids), **body)
        assert answer.status_code == 404, (route, answer.get_data(as_text=True))
        nothing = other(route.method, route.to(), **body).json
        said = [answer.json["detail"], nothing["detail"]]
        for name in route.arguments:
            said = [each.replace(theirs.ids[name], "").replace(NOWHERE, "") for each in said]
        assert said[0] == said[1], "the answer tells what is there from what is not"
    assert told(theirs.client, found, theirs.ids) == before


def test_no_answer_to_anybody_else_has_a_word_of_what_is_a_partners_own(
    app: Flask, theirs: Theirs, nobody: Client
) -> None:
    # An answer may say back what was asked for: the path, in the problem and in the pages.
    asked = set(theirs.ids.values())
    other = new_partner(app, "vladivostok")
    found = [route for route in routes(app) if route.method == "GET"]
    seen = 0
    for route in found:
        mine = theirs.client.get(route.to(**theirs.ids))
        seen += CANARY.encode() in mine.data
        for client in (nobody, other):
            answer = client.get(route.to(**theirs.ids))
            said = answer.get_data(as_text=True) + str(answer.headers)
            for word in asked:
                said = said.replace(word, "")
            assert CANARY not in said, (route, client.token and "other")
    assert seen >= 6, "the words are not where they should be found"
    for client in (nobody, other):
        for path in (f"/offers?q={CANARY}", f"/offers?list={CANARY}-list"):
            answer = client.get(path)
            assert answer.json.get("items", []) == [], path


# --- nobody becomes what it is not by saying so ---------------------------------------------------

TOO_MUCH = {"role": "admin", "staff": True, "partner_id": 1, "code": "vladivostok", "state": "X"}
SAID = {("scan_book", "code"), ("scan_piece", "code")}  # which is that of the book


def test_members_that_are_not_for_the_caller_to_say_are_refused(
    app: Flask, nobody: Client, partner: Client, staff: Client
) -> None:
    operations = {
        operation["operationId"]: operation
        for item in nobody.get("/openapi.json").json["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    }
    swept = 0
    for route in routes(app):
        content = operations[route.action].get("requestBody", {}).get("content", {})
        if "application/json" not in content or route.action == "send_wish_list":
            continue
        client = partner if ACTIONS[route.action].partner is not Reach.NONE else staff
        for name, value in TOO_MUCH.items():
            if (route.action, name) in SAID:
                continue
            answer = client(route.method, route.to(), json={name: value})
            assert answer.status_code == 422, (route, name, answer.get_data(as_text=True))
        swept += 1
    assert swept >= 8


def test_a_partner_cannot_act_in_anothers_name(app: Flask, theirs: Theirs) -> None:
    other = new_partner(app, "vladivostok")
    body = {"title": "mine", "query": {"words": ["x"]}, "partner": "ulaanbaatar"}
    assert other.post("/standing-wishes", json=body).status_code == 403
    before = theirs.client.get("/standing-wishes").json
    assert [each["title"] for each in before["items"]] == [CANARY]
    assert other.get("/wishlists?partner=ulaanbaatar").status_code in {403, 404, 422}
