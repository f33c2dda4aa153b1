"""The OpenAPI document says what is there; the page that shows it needs nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import service.api.docs
from service.api import problems
from service.domain.wish import Outcome
from service.domain.wish_line import READERS
from service.usecases.site import Site
from tests.api.conftest import BASE, Client, marc, offer, record, work

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(nobody: Client) -> dict[str, Any]:
    answer = nobody.get("/openapi.json")
    assert answer.content_type == "application/json"
    found: dict[str, Any] = answer.json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[Any]]]:
    """Yield (path, method, operation, its parameters and those of its path)."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
            yield path, method, item[method], parameters


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def test_the_document_lists_exactly_the_routes(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^<>]*:)?([^<>:]+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, *_ in operations(document)} == routes


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= document["info"].keys()
    assert document["servers"] == [{"url": BASE}]
    tags = [tag["name"] for tag in document["tags"]]
    assert len(tags) == len(set(tags))
    ids = [operation["operationId"] for _, _, operation, _ in operations(document)]
    assert len(ids) == len(set(ids))
    for part in parts(document):
        assert "nullable" not in part, "a word of OpenAPI 3.0"
        if isinstance(part.get("$ref"), str):
            found: Any = document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]


def test_every_operation_is_described_in_full(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"].keys()
    assert schemes == {"bearer", "basic"}
    for path, method, operation, parameters in operations(document):
        assert operation["summary"].endswith("."), path
        assert set(operation["tags"]) <= {tag["name"] for tag in document["tags"]}
        in_path = {p["name"] for p in parameters if p["in"] == "path" and p["required"]}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        names = [(p["in"], p["name"]) for p in parameters]
        assert len(names) == len(set(names))
        assert all("schema" in p for p in parameters)
        assert all(re.fullmatch(r"[1-5]\d\d|default", status) for status in operation["responses"])
        assert "application/problem+json" in str(document["components"]["responses"]["PROBLEM"])
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/PROBLEM"}
        good = [r for status, r in operation["responses"].items() if status.startswith("2")]
        assert good, f"{method} {path}"
        assert all("description" in r for r in good)
        for needed in operation.get("security", []):
            assert needed.keys() <= schemes


def test_the_document_says_where_credentials_are_needed(document: dict[str, Any]) -> None:
    needed = {
        (path.removeprefix("/api/v1"), method)
        for path, method, operation, _ in operations(document)
        if operation.get("security") and {} not in operation["security"]
    }
    everything = {
        (path.removeprefix("/api/v1"), method) for path, method, *_ in operations(document)
    }
    assert everything - needed == {
        ("/lists", "get"),
        ("/lists/{slug}", "get"),
        ("/offers", "get"),
        ("/offers/{offer_id}", "get"),
        ("/openapi.json", "get"),
    }


def test_the_document_has_every_format_and_outcome_of_a_wish_list(
    document: dict[str, Any],
) -> None:
    operation = document["paths"]["/api/v1/wishlists"]["post"]
    content = operation["requestBody"]["content"]
    assert content.keys() == READERS.keys()
    assert all(
        content[kind]["examples"] for kind in ("text/uri-list", "application/json", "text/csv")
    )
    line = document["components"]["schemas"]["WishLine"]["properties"]
    assert set(line["outcome"]["enum"]) == set(Outcome)
    assert all(f"`{outcome}`" in operation["description"] for outcome in Outcome)


def test_answers_have_the_members_that_the_document_says(
    document: dict[str, Any], site: Site, partner: Client, staff: Client
) -> None:
    offer(site, "spring")
    schemas = document["components"]["schemas"]
    made = partner.wish("9780306406157").json
    assert made.keys() == schemas["WishList"]["properties"].keys()
    assert made["lines"][0].keys() == schemas["WishLine"]["properties"].keys()
    made = staff.post("/imports?list=spring", data=marc(record("One"))).json
    work(site)
    assert made.keys() == schemas["ImportReport"]["properties"].keys()
    shown = staff.get(f"/imports/{made['id']}").json
    assert shown["survey"].keys() == schemas["Survey"]["properties"].keys()
    assert shown["survey"]["dialect"].keys() == schemas["Finding"]["properties"].keys()
    assert shown["counts"].keys() == schemas["Counts"]["properties"].keys()
    (line,) = staff.get(f"/imports/{made['id']}/lines").json["items"]
    assert line.keys() == schemas["ImportLine"]["properties"].keys()
    wrong = partner.get("/offers?limit=0").json
    assert wrong.keys() <= schemas["Problem"]["properties"].keys()
    assert set(schemas["Problem"]["required"]) <= wrong.keys()


def test_the_page_has_no_inline_script_and_no_address_outside(nobody: Client) -> None:
    answer = nobody.get("/api/docs", buffered=True)
    assert answer.content_type == "text/html; charset=utf-8"
    assert re.search(r"<script(?![^>]*\ssrc=)", answer.text) is None
    assert re.search(r"\son\w+=|style=|<style", answer.text) is None
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:" in policy
    assert "unsafe" not in policy
    addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(addresses) >= 5
    for address in addresses:
        assert "//" not in address
        assert nobody.get(f"/api/{address}", buffered=True).status_code == 200
    for name in ("docs.html", "docs.js"):
        folder = Path(service.api.docs.__file__).parent / "static"
        assert "://" not in (folder / name).read_text(encoding="utf-8")


def test_no_other_file_can_be_had_from_the_page(nobody: Client) -> None:
    for name in ("index.css", "docs.html", "..%2fdocs.py", "swagger-ui.js", "LICENSE"):
        assert nobody.get(f"/api/docs/{name}").status_code == 404


def test_the_written_documentation_names_every_address_and_outcome(
    document: dict[str, Any],
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    for path in document["paths"]:
        assert re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1")) in re.sub(
            r"\{\w+\}", "{}", text
        ), path
    assert all(f"| `{outcome}` |" in text for outcome in Outcome)
    for kind in problems.KINDS.values():
        assert f"| {kind.status} |" in text
