"""Every error is a problem as RFC 9457 describes it, and tells nothing of our insides."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from service import errors
from service.api import problems
from service.usecases import offering
from tests.api.conftest import Client, offer


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.json
    assert body["type"] == f"urn:bookbridge:problem:{code}"
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


def test_every_error_of_a_caller_has_a_row_in_the_table() -> None:
    def below(kind: type[errors.BookbridgeError]) -> set[type[errors.BookbridgeError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    # Those with several faults are answered as the kind that they are of.
    for kind in below(errors.CallerError) - {problems.WrongFields, errors.WrongValues}:
        assert kind in problems.KINDS
    assert errors.Busy in problems.KINDS


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1", "/api/v1/", "/api/nothing", "/api/docs/nothing"]
)
def test_an_unknown_address_is_a_problem(nobody: Client, path: str) -> None:
    problem(nobody.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/lists/a%00b", "/offers/%00", "/%00"])
def test_an_address_with_a_nul_names_nothing(nobody: Client, path: str) -> None:
    problem(nobody.get(path), 404, "not_found")


def test_a_method_that_is_not_there_is_a_problem_that_says_which_are(nobody: Client) -> None:
    answer = nobody.delete("/offers")
    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_unknown_action_is_no_address(staff: Client) -> None:
    problem(staff.post("/lists/spring/destroy"), 404, "not_found")


def test_pages_keep_their_own_errors(nobody: Client) -> None:
    answer = nobody.client.get("/no-such-page")
    assert answer.status_code == 404
    assert answer.content_type != problems.MEDIA_TYPE


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("before=1", "before"),
        ("befor=01JZ0000000000000000000000", "befor"),
    ],
)
def test_a_wrong_query_parameter_is_named(nobody: Client, query: str, field: str) -> None:
    body = problem(nobody.get(f"/lists?{query}"), 422, "invalid")
    assert [(fault["in"], fault["field"]) for fault in body["errors"]] == [("query", field)]


# In the path of a rule: what a part of it has to be, what that may be, and its name.
_CONVERTERS = re.compile(r"<(int|any)(?:\(([^)]*)\))?:(\w+)>")


def test_every_view_refuses_a_parameter_that_it_does_not_know(
    app: Flask, nobody: Client, staff: Client, partner: Client
) -> None:
    swept = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/"):
            continue
        given: dict[str, object] = dict.fromkeys(rule.arguments, "x")
        for kind, allowed, name in _CONVERTERS.findall(rule.rule):
            given[name] = 1 if kind == "int" else allowed.split(",")[0].strip(" '\"")
        path = rule.build(given)
        assert path is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answers = [who(method, f"{path[1]}?nonsense=1", json={}) for who in (staff, partner)]
            refused = [a for a in answers if a.status_code == 422]
            assert refused, f"{method} {rule.rule}: {[a.status_code for a in answers]}"
            assert all("nonsense" in answer.json["detail"] for answer in refused)
            swept += 1
    assert swept >= 20


def test_all_wrong_members_of_a_body_are_named_at_once(staff: Client) -> None:
    given = {"slug": 3, "closes_at": "soon", "colour": "red", "partners": ["a", 7]}
    body = problem(staff.post("/lists", json=given), 422, "invalid")
    assert {fault["field"] for fault in body["errors"]} == {
        "slug",
        "title",
        "closes_at",
        "colour",
        "partners.1",
    }
    assert {fault["in"] for fault in body["errors"]} == {"json"}


def test_a_rule_of_the_field_names_its_field_too(staff: Client) -> None:
    body = problem(staff.post("/lists", json={"slug": "A B", "title": "x"}), 422, "invalid")
    assert [fault["field"] for fault in body["errors"]] == ["slug"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"code": "a", ',
        b"\xff\xfe\xfa",
        b'{"code": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"text"',
        b'{"code": "a", "name": "\\u0000"}',
        b'{"code": "a", "name": "\\ud800"}',
    ],
)
def test_a_body_that_is_not_the_json_it_should_be_is_a_problem(staff: Client, data: bytes) -> None:
    answer = staff.post("/partners", data=data, content_type="application/json")
    problem(answer, 422, "invalid")


def test_a_body_of_another_media_type_is_a_problem(staff: Client) -> None:
    body = problem(
        staff.post("/partners", data={"code": "a", "name": "A"}), 415, "unsupported_format"
    )
    assert body["found"] == "application/x-www-form-urlencoded"


class Unread:
    """A body that must not be read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")

    readline = readinto = read


@pytest.mark.parametrize(
    ("path", "media_type", "limit"),
    [
        ("/partners", "application/json", 1_000_000),
        ("/imports?list=spring", "application/marc", 300_000),
        ("/imports", "multipart/form-data; boundary=x", 300_000),
    ],
)
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    staff: Client, site: Any, path: str, media_type: str, limit: int
) -> None:
    offer(site, "spring")
    body = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(limit + 1)}
    answer = staff.post(path, environ_overrides=body, content_type=media_type)
    assert problem(answer, 413, "too_large")["limit"] == limit


def test_a_conflict_is_a_problem(staff: Client) -> None:
    for status in (201, 409):
        answer = staff.post("/partners", json={"code": "hcmc", "name": "Library"})
        assert answer.status_code == status
    problem(answer, 409, "conflict")


def test_busy_says_when_to_try_again(nobody: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise errors.Busy("the database is busy with another writer; try again")

    monkeypatch.setattr(offering, "list_lists", busy)
    answer = nobody.get("/lists")
    problem(answer, 503, "busy")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "fault",
    [ValueError("secret /var/lib"), errors.Misconfigured("secret"), errors.LeaseLost("secret")],
)
def test_what_nobody_foresaw_is_logged_and_says_nothing_of_our_insides(
    nobody: Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Exception,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(offering, "list_lists", broken)
    answer = nobody.get("/lists")
    problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "ValueError" not in answer.text
    logged = capsys.readouterr()
    assert "secret" in logged.out + logged.err


def test_problems_are_text_in_utf_8(staff: Client) -> None:
    answer = staff.post("/lists", json={"slug": "부산", "title": "x"})
    assert "부산" in answer.get_data().decode()
    assert json.loads(answer.get_data())["status"] == 422
