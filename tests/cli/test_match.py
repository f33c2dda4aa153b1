"""`bookbridge match`: what met is printed, the rules are shown and tuned, what is wrong is said."""

from __future__ import annotations

import json
import time
from pathlib import Path

from marc_mappings import iso2709
from service import config
from service.store import audit_log
from service.store.db import Database
from service.usecases import membership, wishing
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.cli.conftest import Bookbridge
from tests.service.matching import VEGETARIAN, a_book


def test_a_list_meets_what_waits_and_says_what_it_found(
    bookbridge: Bookbridge, data_dir: Path, tmp_path: Path
) -> None:
    settings = config.load({}, data_dir=data_dir)
    site = Site(Database(settings.database), settings, time.time)
    partner = membership.add_partner(site.db, code="nagasaki", name="N", now=site.now())
    body = f"isbn,title,author\n{VEGETARIAN},,\n,Chaesikjuuija,Han Kang\n".encode()
    request = Request(body, "text/csv")
    wishing.receive(site.db, partner, request, site.names(), site.wish_limits(), site.now())
    file = tmp_path / "books.mrc"
    file.write_bytes(iso2709.write(a_book(isbn=VEGETARIAN)))
    bookbridge("list", "create", "autumn", "--title", "Books")
    bookbridge("import", str(file), "--list", "autumn")
    assert "DRAFT" in bookbridge("match", "autumn", code=1).stderr
    bookbridge("list", "open", "autumn")
    found = bookbridge("match", "autumn").stdout
    assert "registered  " in found
    assert "autumn  1 offers compared  1 duplicate, 1 registered" in found
    again = json.loads(bookbridge("match", "autumn", "--json").stdout)
    assert again == {"list": "autumn", "offers": 1, "met": []}
    assert "no offer list" in bookbridge("match", "nowhere", code=1).stderr
    site.db.close()


def test_rules_are_shown_tuned_and_logged(bookbridge: Bookbridge, data_dir: Path) -> None:
    assert "register            90" in bookbridge("match", "rules").stdout
    tuned = bookbridge("match", "rules", "--set", "title=95", "--reason", "we trust them").stdout
    assert "title               95" in tuned
    assert "(comes with 85)" in tuned
    scores = {
        each["name"]: each["score"]
        for each in json.loads(bookbridge("match", "rules", "--json").stdout)
    }
    assert (scores["title"], scores["isbn"]) == (95, 100)
    db = Database(config.load({}, data_dir=data_dir).database)
    with db.read() as conn:
        (entry,) = audit_log.listed(conn, kind="match_rule", name="title")
    db.close()
    assert (entry.before, entry.after, entry.reason) == (
        {"score": 85}, {"score": 95}, "we trust them",
    )  # fmt: skip
    for wrong, words in (
        ("title", "NAME=SCORE"),
        ("nothing=3", "no match rule"),
        ("match=95", "above"),
    ):
        assert words in bookbridge("match", "rules", "--set", wrong, code=1).stderr
