"""The partner and the staff read the same balance; what is wrong in the ledger is put right."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask

from service.domain.ledger import Direction, Entry, Event
from service.domain.permission import Role
from service.domain.transfer import TransferKind
from service.store import ledger
from service.usecases import enrolling
from service.usecases.site import Site
from tests.api.conftest import Client, new_staff

CODE = "ulaanbaatar"


def happened(site: Site, code: str = CODE, key: str = "C1", **more: Any) -> str:
    """Let books have been sent to a partner."""
    with site.db.write() as conn:
        values: dict[str, Any] = {
            "partner_id": enrolling.known_partner(conn, code).id,
            "direction": Direction.SENT,
            "kind": TransferKind.EXCHANGE,
            "event": Event.DISPATCH,
            "event_key": key,
            "on_date": date(2026, 3, 1),
            "titles": 10,
            "volumes": 12,
            "value": 9000,
            "currency": "KRW",
        }
        [name] = ledger.write(conn, [Entry(**values | more)], by="staff:kim", now=site.now())
    return name


def test_both_sides_read_the_same_figures_each_in_its_own_words(
    site: Site, staff: Client, partner: Client, other: Client
) -> None:
    happened(site)
    ours, theirs = staff.get(f"/partners/{CODE}/balance").json, partner.get("/balance").json
    assert ours["told"][0] == f"Sent by us to {CODE}: 10 titles in 12 volumes, worth 9,000 KRW."
    assert theirs["told"][0] == (
        "Sent by the library to you: 10 titles in 12 volumes, worth 9,000 KRW."
    )
    assert {**ours, "told": []} == {**theirs, "told": []}
    assert theirs["sent_to_partner"] == {
        "titles": 10,
        "volumes": 12,
        "values": [{"amount": 9000, "currency": "KRW", "shown": "9,000 KRW"}],
    }
    assert theirs["lines"] == [
        {
            "year": 2026,
            "direction": "SENT",
            "kind": "EXCHANGE",
            "material": "BOOK",
            "opening": False,
            "titles": 10,
            "volumes": 12,
            "value": 9000,
            "currency": "KRW",
        }
    ]
    assert (theirs["basis"], theirs["agreement"], theirs["tolerance"]) == ("OPEN", None, None)
    assert other.get("/balance").json["lines"] == []
    assert other.get(f"/partners/{CODE}/balance").status_code in {403, 404}


def test_both_sides_read_the_same_entries_and_the_staff_who_made_them(
    site: Site, staff: Client, partner: Client
) -> None:
    names = [happened(site, key=f"C{n}") for n in range(3)]
    ours = staff.get(f"/partners/{CODE}/ledger?limit=2").json
    assert [each["id"] for each in ours["items"]] == [names[2], names[1]]
    assert ours["items"][0]["entered_by"] == "staff:kim"
    rest = staff.get(ours["next"]).json
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([names[0]], None)
    theirs = partner.get("/ledger").json["items"]
    assert [each["id"] for each in theirs] == names[::-1]
    assert "entered_by" not in theirs[0]
    assert (theirs[0]["event"], theirs[0]["event_key"]) == ("DISPATCH", "C2")


@pytest.mark.usefixtures("partner", "other")
def test_balances_are_listed_by_code(site: Site, staff: Client) -> None:
    happened(site)
    first = staff.get("/balances?limit=1").json
    assert [each["partner"] for each in first["items"]] == [CODE]
    second = staff.get(first["next"]).json
    assert [each["partner"] for each in second["items"]] == ["vladivostok"]
    assert second["next"] is None


def test_an_entry_is_taken_back_with_a_reason_and_entered_right(
    site: Site, staff: Client, partner: Client
) -> None:
    name = happened(site)
    path = f"/ledger/{name}/counter"
    assert staff.post(path, json={}).status_code == 422
    assert staff.post(path, json={"reason": " "}).status_code == 422
    wrong = staff.post(path, json={"reason": "R", "instead": {"titles": 40}})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "volumes")
    done = staff.post(path, json={"reason": "One was left", "instead": {"volumes": 11}})
    assert done.status_code == 201
    back, right = done.json["items"]
    assert (back["event"], back["counters"], back["volumes"]) == ("COUNTER", name, -12)
    assert (right["volumes"], right["titles"], right["value"]) == (11, 10, 9000)
    again = staff.post(path, json={"reason": "R"})
    assert (again.status_code, back["id"] in again.json["detail"]) == (409, True)
    assert partner.get("/balance").json["sent_to_partner"]["volumes"] == 11
    assert partner.post(path, json={"reason": "R"}).status_code in {403, 404}
    assert staff.post("/ledger/nothing/counter", json={"reason": "R"}).status_code == 404


def test_a_cataloguer_reads_the_ledger_and_does_not_correct_it(app: Flask, site: Site) -> None:
    cataloguer = new_staff(app, "min", Role.CATALOGUER)
    enrolling.add(site.db, CODE, {"name": "U"}, by="staff:kim", now=site.now())
    name = happened(site)
    assert cataloguer.get(f"/partners/{CODE}/ledger").status_code == 200
    assert cataloguer.post(f"/ledger/{name}/counter", json={"reason": "R"}).status_code == 403


def test_an_opening_balance_is_entered_once(staff: Client, partner: Client) -> None:
    body = {"year": 2019, "direction": "SENT", "kind": "GIFT", "volumes": 120, "note": "Report"}
    path = f"/partners/{CODE}/opening-balances"
    made = staff.post(path, json=body)
    assert (made.status_code, made.json["on_date"]) == (201, "2019-12-31")
    assert (made.json["reason"], made.json["event"]) == ("Report", "OPENING")
    again = staff.post(path, json=body)
    assert (again.status_code, again.json["id"]) == (200, made.json["id"])
    other = staff.post(path, json=body | {"volumes": 130})
    assert (other.status_code, made.json["id"] in other.json["detail"]) == (409, True)
    assert staff.post(path, json=body | {"year": 9999}).status_code == 422
    assert staff.post("/partners/nowhere/opening-balances", json=body).status_code == 404
    [line] = partner.get("/balance").json["lines"]
    assert (line["opening"], line["volumes"]) == (True, 120)


@pytest.mark.usefixtures("partner")
def test_a_table_of_opening_balances_gives_wrong_rows_back(staff: Client) -> None:
    table = (
        "partner;year;direction;kind;titles;volumes;seen\n"
        f"{CODE};2019;sent;gift;;120;x\n"
        f"{CODE};2019;lent;gift;;120;x\n"
    )

    def send(query: str = "") -> Any:
        return staff.post(
            f"/opening-balances/import{query}", data=table.encode(), content_type="text/csv"
        ).json

    tried = send("?dry_run=true")
    assert (tried["dry_run"], tried["counts"]["entered"]) == (True, 1)
    taken = send()
    assert taken["counts"] == {"entered": 1, "unchanged": 0, "rejected": 1}
    assert taken["rejected"] == [
        {"row": 3, "column": "direction", "reason": "'lent' is none of sent, received"}
    ]
    assert taken["rejected_csv"].splitlines()[1].startswith("3,direction,\"'lent'")
    assert taken["columns_not_read"] == ["seen"]
    assert send()["counts"] == {"entered": 0, "unchanged": 1, "rejected": 1}


def test_what_would_even_a_balance_is_the_staffs_to_read(
    site: Site, staff: Client, partner: Client
) -> None:
    happened(site)
    found = staff.get(f"/partners/{CODE}/parity?limit=5").json
    assert (found["given_by"], found["titles"]) == (None, [])  # no agreement: nobody owes anything
    assert partner.get(f"/partners/{CODE}/parity").status_code in {403, 404}
