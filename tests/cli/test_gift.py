"""`bookbridge gift`: a direct gift at a terminal, from the spreadsheet to its consignment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.config import load
from service.store.db import Database
from service.usecases import enrolling
from service.usecases.site import Site
from tests.cli.conftest import Bookbridge
from tests.service.builders import work

ADDRESS = "69 Ly Tu Trong, District 1\nHo Chi Minh City"


@pytest.fixture
def site(data_dir: Path) -> Site:
    """The site with a partner that has an address."""
    settings = load({}, data_dir=data_dir)
    made = Site(Database(settings.database), settings, lambda: 2_500_000_000.0)
    entry = {"name": "Library of Ho Chi Minh City", "address_roman": ADDRESS}
    enrolling.add(made.db, "hcmc", entry, by="staff:hana", now=made.now())
    return made


def drafted(bookbridge: Bookbridge) -> str:
    """Draft a gift; return its id."""
    made = bookbridge("gift", "draft", "hcmc", "--title", "Children's books", "--currency", "KRW")
    assert "DRAFT  hcmc  Children's books  0 titles, 0 volumes" in made.stdout
    return str(made.stdout.split()[0])


def table(tmp_path: Path, text: str) -> str:
    """Write a table of books; return its path."""
    file = tmp_path / "books.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_gift_from_the_spreadsheet_to_its_consignment(
    bookbridge: Bookbridge, site: Site, tmp_path: Path
) -> None:
    gift = drafted(bookbridge)
    file = table(tmp_path, "서명,저자,부수,단가,색\n나무,김,2,12000,초록\n바다,이,1,9000,\n")
    told = bookbridge("gift", "fill", gift, file).stdout
    assert "2 titles read, 0 faults" in told
    assert "Columns that were not read: 색" in told
    early = bookbridge("gift", "submit", gift, code=1).stderr
    assert "line 1 (나무): its record is still being catalogued" in early
    work(site)
    site.db.close()
    bookbridge("gift", "line", gift, "2", "--copies", "3", "--cost", "8000")
    assert "Next: bookbridge gift approve" in bookbridge("gift", "submit", gift).stdout
    approved = bookbridge("gift", "approve", gift, "--approver", "KIM Minji").stdout
    assert "approved by KIM Minji" in approved
    assert "Note: no budget line is entered" in approved
    paid = bookbridge("gift", "budget", gift, "--line", "EX-7", "--cost", "50000").stdout
    assert "purchase: 50,000 KRW" in paid
    assert "the titles cost 48,000 KRW together, the purchase as a whole 50,000 KRW" in paid
    packed = bookbridge("gift", "pack", gift, "--service", "freight").stdout
    assert "PACKED  hcmc" in packed
    assert "Next: bookbridge consignment split" in packed
    assert "PACKED" in bookbridge("gift", "list", "--state", "packed").stdout
    shown = bookbridge("gift", "show", gift).stdout
    assert "2  바다  3 × 1 vol.  8,000 KRW" in shown
    document = json.loads(bookbridge("gift", "show", gift, "--json").stdout)
    assert (document["state"], document["volumes"]) == ("PACKED", 5)
    assert [each["title"] for each in document["lines"]] == ["나무", "바다"]
    number = document["consignments"][0]["number"]
    assert "FREIGHT" in bookbridge("consignment", "show", number, "--json").stdout


def test_rows_that_are_wrong_are_told_on_standard_error(
    bookbridge: Bookbridge, site: Site, tmp_path: Path
) -> None:
    site.db.close()
    gift = drafted(bookbridge)
    done = bookbridge("gift", "fill", gift, table(tmp_path, "title,qty\nTree,1\nSea,x\n"), code=1)
    assert "1 titles read, 1 faults" in done.stdout
    assert "row 3, copies: 'x' is no whole number" in done.stderr


def test_a_wrong_step_says_what_is_possible(bookbridge: Bookbridge, site: Site) -> None:
    site.db.close()
    gift = drafted(bookbridge)
    assert "there is no title in it" in bookbridge("gift", "submit", gift, code=1).stderr
    wrong = bookbridge("gift", "approve", gift, "--approver", "KIM", code=1).stderr
    assert "is DRAFT: it cannot be approved; possible: submit, cancel" in wrong
    assert "hcmc  Other  " in bookbridge("gift", "change", gift, "--title", "Other").stdout
    assert "CANCELLED" in bookbridge("gift", "cancel", gift, "--reason", "no money").stdout
    assert "there is no gift 'x'" in bookbridge("gift", "show", "x", code=1).stderr
