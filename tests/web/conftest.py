"""A site with books in four scripts, seen by a reader who is nobody we know."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from lxml import html
from werkzeug.test import TestResponse

from marc_mappings import iso2709, table_to_marc21
from service import worker
from service.app import create_app
from service.config import Settings
from service.domain.offer import ListAction, Offer
from service.store.db import Database
from service.store.feed import PUBLIC
from service.usecases import cataloguing, offering, publishing
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


@dataclass
class Reader:
    """Somebody with a browser, and a hand in the exchange librarian's work."""

    app: Flask
    site: Site
    clock: Clock

    def open(self, path: str) -> TestResponse:
        return self.app.test_client().get(path, buffered=True)

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
    yield Reader(app, app.extensions["bookbridge"], clock)
    db.close()


def text(tree: html.HtmlElement) -> str:
    """What a person reads: the text of a page with single blanks."""
    return " ".join(tree.text_content().split())
