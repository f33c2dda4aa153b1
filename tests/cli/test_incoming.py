"""`bookbridge incoming`, `holdings`, `selection`: what comes in, at a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.config import load
from service.store.db import Database
from service.usecases import enrolling
from service.usecases.site import Site
from tests.cli.conftest import Bookbridge
from tests.service.builders import a_file, a_record, work

ISBN = "9788936433598"


@pytest.fixture
def site(data_dir: Path) -> Site:
    """The site with a partner that gives us something."""
    settings = load({}, data_dir=data_dir)
    made = Site(Database(settings.database), settings, lambda: 2_500_000_000.0)
    entry = {"name": "Kaohsiung Public Library", "place": "TW"}
    enrolling.add(made.db, "kaohsiung", entry, by="staff:hana", now=made.now())
    return made


def announced(bookbridge: Bookbridge) -> str:
    """Announce a gift; return its id."""
    made = bookbridge("incoming", "announce", "kaohsiung", "--title", "Books", "--titles", "2")
    assert "ANNOUNCED  kaohsiung  Books  0 titles, 0 volumes accepted of 0 listed" in made.stdout
    return str(made.stdout.split()[0])


def test_a_gift_from_its_announcement_to_the_records_for_our_system(
    bookbridge: Bookbridge, site: Site, tmp_path: Path
) -> None:
    gift = announced(bookbridge)
    file = tmp_path / "gift.mrc"
    file.write_bytes(a_file(a_record("樹", isbn=ISBN, number="1"), a_record("海", number="2")))
    assert (
        "catalogued by a worker: import" in bookbridge("incoming", "file", gift, str(file)).stdout
    )
    work(site)
    site.db.close()
    told = bookbridge(
        "incoming", "receive", gift, "--on", "2026-03-01", "--postage", "12000", "--currency", "KRW"
    ).stdout
    assert "received on 2026-03-01" in told
    assert "postage: 12,000 KRW" in told
    assert "Next: bookbridge incoming scan" in told
    scanned = bookbridge("incoming", "scan", gift, stdin=f"{ISBN}\nnonsense\n".encode(), code=1)
    assert "1  樹  1 of 1 received" in scanned.stdout
    assert "no piece of this gift has the barcode, ISBN or position 'nonsense'" in scanned.stderr
    bookbridge("incoming", "count", gift, "2", "--received", "1", "--damaged", "1")
    assert "say why" in bookbridge("incoming", "decline", gift, "2", "--reason", " ", code=1).stderr
    bookbridge("incoming", "decline", gift, "2", "--reason", "wet")
    bookbridge("incoming", "accept", gift)
    checked = bookbridge("incoming", "check", gift, "--claim").stdout
    assert "CHECKED  kaohsiung  Books  1 titles, 1 volumes accepted of 2 listed, 1 decl" in checked
    assert "Note: it is not acknowledged yet" in checked
    bookbridge("incoming", "accession", gift, "--first", "K-001")
    described = bookbridge("incoming", "describe", gift, "1", "--shelf", "TW 3").stdout
    assert "1  樹  1 of 1 received, accepted, K-001, TW 3" in described
    bookbridge("incoming", "labels", gift, "-o", str(tmp_path / "labels"))
    plates, shelves = sorted((tmp_path / "labels").iterdir())
    assert "K-001" in plates.read_text(encoding="utf-8")
    assert "TW 3" in shelves.read_text(encoding="utf-8")
    bookbridge("incoming", "catalogue", gift)
    out = tmp_path / "ours.xml"
    made = bookbridge(
        "incoming", "export", gift, "-o", str(out), "--to", "marcxml", "--541", "--852"
    )
    assert "1 records" in made.output
    assert out.read_text(encoding="utf-8").count("K-001") == 3  # 541, 852, 876
    right = ("--decision", "accepted", "--damaged", "0", "--why", "it dried")
    corrected = bookbridge("incoming", "correct", gift, "2", *right).stdout
    assert "2  海  1 of 1 received, accepted" in corrected
    assert "2 titles, 2 volumes accepted" in corrected
    bookbridge("incoming", "correct-day", gift, "2025-12-31", "--why", "the postmark")
    assert "DISPLAYED" in bookbridge("incoming", "display", gift).stdout
    assert gift in bookbridge("incoming", "list", "--state", "displayed").stdout
    shown = json.loads(bookbridge("incoming", "show", gift, "--json").stdout)
    assert (shown["titles"], shown["received_on"], len(shown["lines"])) == (2, "2025-12-31", 2)
    assert "received, accepted" in bookbridge("incoming", "show", gift).stdout


def test_a_piece_that_was_not_announced_and_a_gift_that_does_not_come(
    bookbridge: Bookbridge, site: Site
) -> None:
    gift = announced(bookbridge)
    bookbridge("incoming", "add", gift, "--title", "Tree", "--isbn", ISBN)
    bookbridge("incoming", "add", gift, "--title", "Slip", "--copies", "2")
    assert "Slip" not in bookbridge("incoming", "take-out", gift, "2").stdout
    bookbridge("incoming", "change", gift, "--notes", "by sea", "--weight", "900")
    early = bookbridge("incoming", "check", gift, code=1).stderr
    assert "this gift is ANNOUNCED: it cannot be checked; possible: receive, cancel" in early
    bookbridge("incoming", "receive", gift)
    added = bookbridge("incoming", "add", gift, "--title", "Sea", "--volumes", "2").stdout
    assert "Sea  1, not announced received, 2 volumes each" in added
    bookbridge("incoming", "count", gift, "--all")
    assert "1 of 1 received" in bookbridge("incoming", "show", gift).stdout
    bookbridge("incoming", "count", gift, code=2)
    bookbridge("incoming", "announce", code=2)
    other = announced(bookbridge)
    cancelled = bookbridge("incoming", "cancel", other, "--reason", "the ship turned back").stdout
    assert "CANCELLED" in cancelled
    site.db.close()


def test_wrong_rows_of_a_table_are_told_and_the_others_read(
    bookbridge: Bookbridge, site: Site, tmp_path: Path
) -> None:
    gift = announced(bookbridge)
    site.db.close()
    file = tmp_path / "gift.csv"
    file.write_text("書名,著者,部數,色\n樹,王,2,綠\n,李,1,\n", encoding="utf-8")
    told = bookbridge("incoming", "file", gift, str(file), code=1)
    assert "1 titles read, 1 faults" in told.stdout
    assert "Columns that were not read: 色" in told.stdout
    assert "row 3, title: a book needs its title" in told.stderr
    assert "1  樹  0 of 2 received" in bookbridge("incoming", "show", gift).stdout


def test_what_we_hold_is_uploaded(bookbridge: Bookbridge, tmp_path: Path) -> None:
    assert "Held: nothing. Next:" in bookbridge("holdings", "show").stdout
    file = tmp_path / "held.csv"
    file.write_text(f"ISBN\n{ISBN}\n", encoding="utf-8")
    told = bookbridge("holdings", "upload", str(file)).stdout
    assert "2 rows read, 1 of them without a number" in told
    assert "row 1: ISBN" in told
    assert "Held: 1 isbn" in told
    file.write_text("1234-5679\n", encoding="utf-8")
    assert "1 isbn, 1 issn" in bookbridge("holdings", "upload", str(file), "--add").stdout
    replaced = bookbridge("holdings", "upload", str(file)).stdout
    assert "1 identifiers of before are held no more" in replaced
    file.write_text("nothing\n", encoding="utf-8")
    assert "nothing was changed" in bookbridge("holdings", "upload", str(file), code=1).stderr


def test_only_what_a_partner_offers_can_be_looked_through(bookbridge: Bookbridge) -> None:
    assert "There are no such selections" in bookbridge("selection", "list").stdout
    missing = bookbridge("selection", "route", "nowhere", "Minji", code=1).stderr
    assert "there is no offer list named 'nowhere'" in missing
    wrong = bookbridge("selection", "route", "nowhere", "Minji", "--language", "日本", code=1)
    assert "is no code such as jpn" in wrong.stderr
    assert "no selection" in bookbridge("selection", "show", "x", code=1).stderr
