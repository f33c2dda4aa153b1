"""`bookbridge consignment`: what an exchange librarian does with a parcel, at a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.config import load
from service.store.db import Database
from service.usecases import enrolling, giving, offering
from service.usecases.site import Site
from tests.cli.conftest import Bookbridge
from tests.service.builders import a_file, a_record

ISBN = "9788936434120"


@pytest.fixture
def given(bookbridge: Bookbridge, data_dir: Path, tmp_path: Path) -> str:
    """A partner with an address who was given two titles; its code."""
    file = tmp_path / "books.mrc"
    file.write_bytes(a_file(a_record("Tree", number="1", isbn=ISBN), a_record("Sea", number="2")))
    bookbridge("list", "create", "spring", "--title", "Spring")
    bookbridge("import", str(file), "--list", "spring")
    bookbridge("list", "open", "spring")
    settings = load({}, data_dir=data_dir)
    db = Database(settings.database)
    site = Site(db, settings, lambda: 2_500_000_000.0)
    entry = {"name": "Nagasaki", "address_roman": "1 Harbour Road\nNagasaki"}
    enrolling.add(db, "nagasaki", entry, by="staff:hana", now=site.now())
    ids = [each.public_id for each in offering.browse(db, None, slug="spring", limit=10)]
    giving.give_offers(db, "nagasaki", ids, site.now())
    db.close()
    return "nagasaki"


def test_the_operator_of_the_site_holds_where_no_other_is_named(
    bookbridge: Bookbridge, given: str, data_dir: Path
) -> None:
    number = bookbridge("consignment", "make", given).stdout.split()[0]
    trying = ("consignment", "split", number, "--dry-run")
    assert "M_BAG of any operator" in bookbridge(*trying).stdout
    settings = data_dir / "bookbridge.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before + 'postal_operator = "Korea_Post"\n', encoding="utf-8")
    assert "M_BAG of KOREA_POST" in bookbridge(*trying).stdout
    assert "M_BAG of USPS" in bookbridge(*trying, "--operator", "usps").stdout
    assert "M_BAG of any operator" in bookbridge(*trying, "--operator", "").stdout
    settings.write_text(before + 'postal_operator = "PIGEON"\n', encoding="utf-8")
    assert "'postal_operator' is none of" in bookbridge(*trying, code=1).stderr
    pallet = bookbridge(*trying, "--operator", "", "--kind", "pallet").stdout
    assert "parcel 1: PALLET  lines 1 to 2" in pallet


def test_choices_for_the_customs_are_made_one_by_one(
    bookbridge: Bookbridge, given: str, tmp_path: Path
) -> None:
    number = bookbridge("consignment", "make", given).stdout.split()[0]
    bookbridge("consignment", "split", number)
    change = ("consignment", "change", number)
    bookbridge(*change, "--customs", "currency=KRW", "--customs", "value=12000")
    bookbridge(*change, "--customs", "heading=4903", "--customs", 'headings={"2": "4901"}')
    assert "this is none of" in bookbridge(*change, "--customs", "colour=red", code=1).stderr
    assert "not NAME=VALUE" in bookbridge(*change, "--customs", "value", code=2).stderr
    bookbridge("consignment", "papers", number, "-o", str(tmp_path))
    page = (tmp_path / f"{number}-customs-declaration.html").read_text(encoding="utf-8")
    for said in ("24,000 KRW", ">4901<", ">4903<"):
        assert said in page


def test_a_consignment_from_the_shelf_to_the_post(
    bookbridge: Bookbridge, given: str, tmp_path: Path
) -> None:
    assert "nagasaki  2 titles, 2 copies" in bookbridge("consignment", "waiting").stdout
    made = bookbridge("consignment", "make", given, "--theme", "Busan").stdout
    number = made.split()[0]
    assert "DRAFT  nagasaki  EXCHANGE  2 titles, 2 volumes" in made
    assert "line 1 (Tree), line 2 (Sea) are in no parcel" in made
    assert f"Next: bookbridge consignment split {number}" in made
    early = bookbridge("consignment", "dispatch", number, code=1).stderr
    assert "is DRAFT: it cannot be dispatched; possible: pack, cancel" in early
    tried = bookbridge("consignment", "split", number, "--operator", "korea_post", "--dry-run")
    assert "M_BAG of KOREA_POST: 10.0 kg to 30.0 kg, can be registered" in tried.stdout
    assert "parcel 1: PARCEL  lines 1 to 2  about 0.8 kg" in tried.stdout
    bookbridge("consignment", "split", number)
    scans = bookbridge("consignment", "scan", number, stdin=f"{ISBN}\n\nX9\n".encode(), code=1)
    assert f"{ISBN}: Tree  parcel 1" in scans.stdout
    assert "X9: nothing in consignment" in scans.stderr
    bookbridge("consignment", "label", number, "2", "X9")
    assert "X9: Sea  parcel 1" in bookbridge("consignment", "scan", number, "X9").stdout
    bookbridge("consignment", "parcel", number, "1", "--weight", "760", "--kind", "PARCEL")
    packed = bookbridge("consignment", "pack", number).stdout
    assert "parcel 1: PARCEL  2 lines  0.76 kg" in packed
    left = bookbridge(
        "consignment",
        "dispatch",
        number,
        "--tracking",
        "RR473124829KR",
        "--postage",
        "98,00",
        "KRW",
        code=1,
    )
    assert "98,00" in left.stderr
    left = bookbridge(
        "consignment", "dispatch", number, "--tracking", "RR473124829KR", "--postage", "9800", "KRW"
    )
    assert "postage: 9,800 KRW, paid by SENDER" in left.stdout
    assert "RR473124829KR" in left.stdout
    assert "possible: correct, in-customs, delivered, returned, lost" in left.stdout
    out = tmp_path / "books.xml"
    told = bookbridge(
        "consignment", "records", number, "-o", str(out), "--to", "marcxml", "--541"
    ).stderr
    assert f"{number}: 2 records  application/marcxml+xml" in told
    assert out.read_bytes().count(b'tag="541"') == 2
    shown = json.loads(bookbridge("consignment", "show", number, "--json").stdout)
    assert shown["consignment"]["state"] == "DISPATCHED"
    assert [line["title"] for line in shown["lines"]] == ["Tree", "Sea"]
    assert "nagasaki" in bookbridge("consignment", "list", "--state", "dispatched").stdout
    log = bookbridge("audit", "--kind", "consignment").stdout
    assert "dispatched" in log


def test_what_was_entered_wrongly_is_corrected_at_the_terminal(
    bookbridge: Bookbridge, given: str
) -> None:
    number = bookbridge("consignment", "make", given).stdout.split()[0]
    bookbridge("consignment", "tick", number, code=2)
    bookbridge("consignment", "tick", number, "--line", "1", "--parcel", "2")
    bookbridge("consignment", "tick", number, "--line", "1", "--undo")
    bookbridge("consignment", "take-out", number, code=2)
    bookbridge("consignment", "take-out", number, "--line", "2")
    bookbridge("consignment", "change", number, code=2)
    bookbridge(
        "consignment", "change", number, "--service", "air", "--address-roman", "2 Hill\\nJP"
    )
    bookbridge("consignment", "tick", number, "--all", "--parcel", "1")
    bookbridge("consignment", "pack", number)
    bookbridge("consignment", "unpack", number)
    assert "2 titles" in bookbridge("consignment", "add", number).stdout
    bookbridge("consignment", "tick", number, "--all")
    bookbridge("consignment", "pack", number)
    bookbridge("consignment", "dispatch", number, "--tracking", "x=1", code=2)
    bookbridge("consignment", "dispatch", number, "--tracking", "1=AB 1")
    bookbridge("consignment", "correct", number, code=2)
    part = bookbridge("consignment", "correct", number, "--line", "2", "--reason", "left behind")
    assert "DISPATCHED  nagasaki  EXCHANGE  1 titles" in part.stdout
    bookbridge("consignment", "note", number, "delivered", "--reason", "so", code=2)
    assert "DELIVERED" in bookbridge("consignment", "note", number, "delivered").stdout
    bookbridge("consignment", "note", number, "returned", code=1)
    back = bookbridge("consignment", "note", number, "returned", "--reason", "refused").stdout
    assert "RETURNED" in back
    again = bookbridge("consignment", "make", given).stdout
    assert "2 titles" in again
    cancelled = bookbridge("consignment", "cancel", again.split()[0], "--reason", "no").stdout
    assert "CANCELLED" in cancelled
    assert "possible: nothing" in cancelled
    assert "There are no such" in bookbridge("consignment", "list", "--state", "lost").stdout
