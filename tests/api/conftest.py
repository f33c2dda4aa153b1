"""A site with a small database, and clients that call its API as somebody."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marc_mappings import iso2709
from marc_mappings.record import Field, Record, Subfield
from service import worker
from service.app import create_app
from service.config import Settings
from service.domain.offer import ListAction
from service.domain.permission import Role
from service.store.db import Database
from service.usecases import cataloguing, membership, offering, signing_in, staffing
from service.usecases.site import Site

BASE = "https://books.example.org"
REPOSITORY = "books.example.org"
LEADER = "     nam a22     2  4500"
ISBN = "9780306406157"
ISSN = "1234-5679"


def record(title: str, number: str = "", *, isbn: str = "", issn: str = "") -> Record:
    """A short record, valid by default."""
    given = [Field("001", "", (), number or title), Field("003", "", (), "KR-BUL")]
    given += [Field("020", "  ", (Subfield("a", isbn),))] if isbn else []
    given += [Field("022", "  ", (Subfield("a", issn),))] if issn else []
    given.append(Field("245", "00", (Subfield("a", title),)))
    return Record(LEADER, tuple(given))


def marc(*records: Record) -> bytes:
    return b"".join(iso2709.write(each) for each in records)


@dataclass
class Client:
    """One caller of the API: paths are below /api/v1."""

    client: FlaskClient
    token: str = ""

    def __call__(self, method: str, path: str, **given: Any) -> TestResponse:
        headers = dict(given.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        url = path if path.startswith(("/api", "http")) else f"/api/v1{path}"
        return self.client.open(url, method=method, headers=headers, **given)

    def get(self, path: str, **given: Any) -> TestResponse:
        return self("GET", path, **given)

    def post(self, path: str, **given: Any) -> TestResponse:
        return self("POST", path, **given)

    def delete(self, path: str, **given: Any) -> TestResponse:
        return self("DELETE", path, **given)

    def wish(self, *lines: str, query: str = "", **headers: str) -> TestResponse:
        """Send a wish list with one identifier in each line."""
        return self.post(
            f"/wishlists{query}",
            data="\n".join(lines),
            content_type="text/uri-list",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        secret_key="k" * 32,
        base_url=BASE,
        repository_identifier=REPOSITORY,
        upload_bytes=300_000,
        wish_list_bytes=20_000,
        wish_list_lines=50,
    )


@pytest.fixture
def app(settings: Settings, sqlite_url: str) -> Iterator[Flask]:
    db = Database(sqlite_url)
    yield create_app(settings, db)
    db.close()


@pytest.fixture
def site(app: Flask) -> Site:
    found: Site = app.extensions["bookbridge"]
    return found


@pytest.fixture
def nobody(app: Flask) -> Client:
    return Client(app.test_client())


@pytest.fixture
def staff(app: Flask) -> Client:
    return new_staff(app, "kim", Role.ADMIN)


def new_staff(app: Flask, name: str, role: Role) -> Client:
    site: Site = app.extensions["bookbridge"]
    staffing.add_staff(site.db, name, role, site.now())
    token = signing_in.issue_staff_token(site.db, name, "test", site.now())
    return Client(app.test_client(), token)


def new_partner(app: Flask, code: str) -> Client:
    site: Site = app.extensions["bookbridge"]
    membership.add_partner(site.db, code=code, name=f"Library of {code}", now=site.now())
    token = signing_in.issue_partner_token(site.db, code, "test", site.now())
    return Client(app.test_client(), token)


@pytest.fixture
def partner(app: Flask) -> Client:
    return new_partner(app, "ulaanbaatar")


@pytest.fixture
def other(app: Flask) -> Client:
    return new_partner(app, "vladivostok")


def work(site: Site) -> None:
    """Let the worker do all that is due."""
    while worker.turn(site):
        pass


def offer(
    site: Site, slug: str, *records: Record, partners: Sequence[str] = (), draft: bool = False
) -> list[str]:
    """Offer titles on a new list; return their public ids in the order of making."""
    now = site.now()
    offering.create_list(site.db, slug=slug, title=f"List {slug}", partner_codes=partners, now=now)
    if records:
        cataloguing.receive(
            site.db,
            io.BytesIO(marc(*records)),
            file_name="books.mrc",
            list_slug=slug,
            limit=10**6,
            now=now,
        )
        work(site)
    if draft:
        return []
    offering.change_list(site.db, slug, ListAction.OPEN, now)
    work(site)
    return [each.public_id for each in offering.browse(site.db, None, slug=slug, limit=1000)]


def oai(public_id: str) -> str:
    return f"oai:{REPOSITORY}:offer/{public_id}"
