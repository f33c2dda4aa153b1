"""A site with books in four scripts, seen by a reader who is nobody we know."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from lxml import html
from werkzeug.test import TestResponse

from marc_mappings import iso2709, table_to_marc21
from service import worker
from service.app import create_app
from service.config import Settings
from service.domain.offer import ListAction, Offer
from service.domain.permission import Role
from service.errors import Conflict, NotFound
from service.store.db import Database
from service.store.feed import PUBLIC
from service.usecases import cataloguing, membership, offering, publishing, staffing
from service.usecases.hashing_passwords import Hasher
from service.usecases.site import Site

BASE = "https://books.example.org"

KOREAN = {
    "title": "채식주의자",
    "title_romanised": "Ch'aesikchuŭija",
    "author": "한강",
    "author_romanised": "Han, Kang",
    "publisher": "창비",
    "publisher_romanised": "Ch'angbi",
    "language": "kor",
    "country": "KR",
    "year": "2007",
    "isbn": "9788936433598",
}
JAPANESE = {"title": "雪国", "title_romanised": "Yukiguni", "language": "jpn", "country": "JP"}
RUSSIAN = {"title": "Отцы и дети", "author": "Тургенев, Иван", "language": "rus", "country": "RU"}
VIETNAMESE = {"title": "Truyện Kiều", "author": "Nguyễn, Du", "language": "vie", "country": "VN"}
BOOKS = (KOREAN, JAPANESE, RUSSIAN, VIETNAMESE)


class Clock:
    """Seconds since the epoch, UTC; it stands still unless a test moves it."""

    def __init__(self) -> None:
        self.seconds = datetime(2026, 10, 1, 12, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


LIGHT = Hasher(kib=8, passes=1, lanes=1, patience=30)
"""Hashes passwords quickly: how slow it is, is a test of its own."""
PASSWORD = "a password for tests"


@dataclass
class Visitor:
    """A browser of its own, in which somebody is signed in or nobody. ``name`` is the account's."""

    client: FlaskClient
    name: str = ""
    kept: str = ""  # the token of this session's forms

    def get(self, path: str, status: int = 200, **given: Any) -> TestResponse:
        answer = self.client.get(path, buffered=True, **given)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer

    def tree(self, path: str, status: int = 200) -> html.HtmlElement:
        return html.document_fromstring(self.get(path, status).text)

    def token(self, page: str = "/sign-in") -> str:
        """Return what the forms on a page carry, as a browser does."""
        answer = self.client.get(page, buffered=True)
        if answer.status_code == 303:  # whoever is signed in needs no such form
            answer = self.client.get("/account", buffered=True)
        for field in html.document_fromstring(answer.text).iter("input"):
            if field.get("name") == "csrf_token":
                return str(field.get("value"))
        raise AssertionError(f"there is no form on {page}")

    def post(self, path: str, status: int | None = 303, **fields: Any) -> TestResponse:
        """Send a form with its token; files are ``(stream, name)``."""
        if "csrf_token" not in fields:
            self.kept = fields["csrf_token"] = self.kept or self.token()
        answer = self.client.post(path, data=fields, buffered=True)
        if path.startswith(("/sign-", "/account")):
            self.kept = ""  # it may be another session now
        assert status in {None, answer.status_code}, (path, answer.status_code, answer.text)
        return answer

    def sign_in(self, name: str, password: str = PASSWORD, status: int = 303) -> TestResponse:
        return self.post("/sign-in", status, name=name, password=password)


def signed_in(app: Flask, role: Role, partner: str = "nagasaki") -> Visitor:
    """Return a browser in which somebody of this role is signed in; the account is made first."""
    site: Site = app.extensions["bookbridge"]
    now, code = site.now(), partner if role is Role.PARTNER else ""
    visitor = Visitor(app.test_client())
    if role is Role.ANONYMOUS:
        return visitor
    name = f"{code}-user" if code else role.value
    with suppress(NotFound):
        staffing.find(site.db, name, now)
        visitor.sign_in(name)
        visitor.name = name
        return visitor
    if code:
        with suppress(Conflict):
            membership.add_partner(site.db, code=code, name=f"Library of {code}", now=now)
    staffing.add(
        site.db, name, role, now, partner=code, password=app.extensions["hasher"].hash(PASSWORD)
    )
    visitor.sign_in(name)
    visitor.name = name
    return visitor


@dataclass
class Reader:
    """Somebody with a browser, and a hand in the exchange librarian's work."""

    app: Flask
    site: Site
    clock: Clock

    def open(self, path: str) -> TestResponse:
        return self.app.test_client().get(path, buffered=True)

    def as_(self, role: Role, partner: str = "nagasaki") -> Visitor:
        """Return somebody who is signed in as ``role``; a partner's person with its partner."""
        return signed_in(self.app, role, partner)

    def page(self, path: str, status: int = 200) -> str:
        answer = self.open(path)
        assert answer.status_code == status, answer.text
        assert answer.mimetype == "text/html"
        return answer.text

    def tree(self, path: str, status: int = 200) -> html.HtmlElement:
        return html.document_fromstring(self.page(path, status))

    def draft(self, slug: str, *rows: dict[str, str], **given: Any) -> None:
        """Draw up a list with these books, without opening it."""
        now = self.site.now()
        given = {"title": f"List {slug}", **given}
        offering.create_list(self.site.db, slug=slug, now=now, **given)
        records = b"".join(iso2709.write(table_to_marc21.convert(row)[0]) for row in rows)
        if records:
            cataloguing.receive(
                self.site.db,
                io.BytesIO(records),
                file_name=f"{slug}.mrc",
                list_slug=slug,
                limit=10**9,
                now=now,
            )
        while worker.turn(self.site):
            pass

    def change(self, slug: str, action: ListAction) -> None:
        offering.change_list(self.site.db, slug, action, self.site.now())
        self.publish()

    def offer(self, slug: str, *rows: dict[str, str], **given: Any) -> list[Offer]:
        """Open a list with these books and return what is then on offer."""
        self.draft(slug, *rows, **given)
        self.change(slug, ListAction.OPEN)
        return offering.browse(self.site.db, {PUBLIC}, slug=slug, limit=1000)

    def withdraw(self, offer: Offer) -> None:
        offering.withdraw_offer(self.site.db, offer.public_id, now=self.site.now())
        self.publish()

    def publish(self) -> None:
        publishing.publish_all(self.site.db, self.clock, self.clock.sleep)
        self.clock.sleep(60)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        secret_key="k" * 32,
        base_url=BASE,
        repository_name="Busan Library 부산",
        repository_identifier="books.example.org",
        admin_email="exchange@books.example.org",
        page_size=3,
    )


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Templates are compiled once, and not for every site anew."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def reader(settings: Settings, sqlite_url: str, compiled: BytecodeCache) -> Iterator[Reader]:
    db, clock = Database(sqlite_url), Clock()
    app = create_app(settings, db, clock)
    app.jinja_env.bytecode_cache = compiled
    app.extensions["hasher"] = LIGHT
    yield Reader(app, app.extensions["bookbridge"], clock)
    db.close()


def text(tree: html.HtmlElement) -> str:
    """What a person reads: the text of a page with single blanks."""
    return " ".join(tree.text_content().split())
