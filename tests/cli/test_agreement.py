"""`bookbridge agreement`: from a file or from options, to the last term."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Bookbridge
from tests.service.agreement_terms import ULAANBAATAR

TOML = """\
title = "Books for a shelf of its own"
scope = ["BOOKS"]
signed_on = 2026-01-10
starts_on = "2026-02-01"
term_months = 36
allowance_first = 500
allowance_per_year = 100

[[parties]]
partner = "ulaanbaatar"
signatory = "The director"

[[activities]]
kind = "BOOKS"
title = "The first 500 books"
starts_on = 2026-03-01
"""


@pytest.fixture(autouse=True)
def _partner(bookbridge: Bookbridge) -> None:
    bookbridge("partner", "add", "ulaanbaatar", "--name", "City Library", "--city", "Ulaanbaatar")


def _id(text: str) -> str:
    found = re.search(r"\b[0-9A-Z]{26}\b", text)
    assert found is not None, text
    return found[0]


def test_an_agreement_goes_from_a_file_through_its_life(
    bookbridge: Bookbridge, tmp_path: Path
) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(TOML, encoding="utf-8")
    made = bookbridge("agreement", "add", "--file", str(file), "--signed-in", "Busan")
    name = _id(made.stdout)
    assert f"{name}  PROPOSED  Books for a shelf of its own" in made.stdout
    assert "2026-02-01 to 2029-01-31" in made.stdout
    assert "signed in: Busan" in made.stdout
    assert f"Next: bookbridge agreement document add {name} SCAN" in made.stdout
    refused = bookbridge("agreement", "move", name, "renew", code=1).stderr
    assert "PROPOSED: it cannot renew; possible: negotiate, terminate" in refused
    bookbridge("agreement", "move", name, "negotiate")
    bookbridge("agreement", "change", name, "--reply-days", "30", "--revision", "2")
    unchanged = bookbridge("agreement", "change", name, "--ends", "--revision", "3")
    assert "revision 3" in unchanged.stdout, "that was no change"
    bookbridge("agreement", "change", name, "--notes", "A", "--revision", "3")
    slower = bookbridge("agreement", "change", name, "--notes", "B", "--revision", "3", code=1)
    assert "now it is 4" in slower.stderr
    signed = bookbridge("agreement", "move", name, "sign").stdout
    assert re.search(rf"{name}  (SIGNED|ACTIVE|EXPIRING|EXPIRED)", signed)
    assert "look at this: it is signed, and its document is not filed here" in signed
    assert "amendment" in bookbridge("agreement", "change", name, "--duties", "A", code=1).stderr


def test_options_alone_make_an_agreement_that_is_signed_already(bookbridge: Bookbridge) -> None:
    made = bookbridge(
        *("agreement", "add", "--title", "Memorandum", "--scope", "BOOKS", "--scope", "staff"),
        *("--party", "ulaanbaatar=The director", "--signed-on", "2020-01-01", "--starts-on"),
        *("2020-01-01", "--activity", "STAFF", "Exchange of staff", "--signed"),
        *("--subject", "history", "--language", "mon"),
    ).stdout
    assert "ACTIVE  Memorandum" in made
    assert "party ulaanbaatar: The director" in made
    assert "STAFF: Exchange of staff" in made
    assert "2020-01-01 to no end" in made
    listed = bookbridge("agreement", "list").stdout
    assert _id(made) in listed
    assert "Relations: 1 partner in 1 city" in listed
    summary = bookbridge("agreement", "list", "--summary", "--partner", "ulaanbaatar").stdout
    assert _id(made) not in summary
    assert "ACTIVE: 1" in summary


def test_all_that_is_wrong_is_told_at_once(bookbridge: Bookbridge, tmp_path: Path) -> None:
    told = bookbridge(
        *("agreement", "add", "--title", "A", "--scope", "STAFF", "--party", "nobody"),
        *("--starts-on", "2026-02-01", "--ends-on", "2026-01-01", "--allowance-first", "5"),
        code=1,
    ).stderr
    for word in ("parties.1.partner", "ends_on", "allowance_first"):
        assert word in told
    file = tmp_path / "terms.json"
    for text in ("{", "[]", '{"colour": "red"}'):
        file.write_text(text, encoding="utf-8")
        assert bookbridge("agreement", "add", "--file", str(file), code=1).stderr
    file.write_text(json.dumps(ULAANBAATAR), encoding="utf-8")
    assert "PROPOSED" in bookbridge("agreement", "add", "--file", str(file)).stdout
    assert "no such" in bookbridge("agreement", "show", "nothing", code=1).stderr


def test_a_scan_is_filed_and_saved_again(bookbridge: Bookbridge, tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text(json.dumps(ULAANBAATAR), encoding="utf-8")
    name = _id(bookbridge("agreement", "add", "--file", str(terms)).stdout)
    scan = tmp_path / "memorandum.pdf"
    scan.write_bytes(b"%PDF-1.7\0\xff")
    filed = bookbridge("agreement", "document", "add", name, str(scan), "--title", "Scan").stdout
    assert "memorandum.pdf  application/pdf  10 octets  Scan" in filed
    again = bookbridge("agreement", "document", "add", name, str(scan)).stdout
    assert "was filed before" in again
    document = _id(filed)
    target = tmp_path / "saved.pdf"
    bookbridge("agreement", "document", "save", name, document, str(target))
    assert target.read_bytes() == scan.read_bytes()
    told = bookbridge("agreement", "document", "save", name, document, str(target), code=1).stderr
    assert "exists" in told
    assert target.read_bytes() == scan.read_bytes()


def test_terminating_needs_a_yes(bookbridge: Bookbridge, tmp_path: Path) -> None:
    terms = tmp_path / "terms.json"
    terms.write_text(json.dumps(ULAANBAATAR), encoding="utf-8")
    name = _id(bookbridge("agreement", "add", "--file", str(terms)).stdout)
    assert "--yes" in bookbridge("agreement", "move", name, "terminate", code=1).stderr
    assert "PROPOSED" in bookbridge("agreement", "show", name).stdout
    done = bookbridge("agreement", "move", name, "terminate", "--yes").stdout
    assert "possible: nothing, it is over" in done


def test_one_about_to_expire_is_marked_and_the_doctor_tells_of_it(
    bookbridge: Bookbridge,
) -> None:
    assert "Agreements about to expire: 0" in bookbridge("doctor").stdout
    today = datetime.now(UTC).date().isoformat()
    made = bookbridge(
        *("agreement", "add", "--title", "Short", "--scope", "BOOKS", "--party", "ulaanbaatar"),
        *("--signed-on", today, "--starts-on", today, "--term-months", "2", "--signed"),
    ).stdout
    assert f"{_id(made)}  EXPIRING  !  Short" in bookbridge("agreement", "list").stdout
    assert "then it EXPIRES" in made
    told = bookbridge("doctor").stdout
    assert "Agreements about to expire: 1" in told
    assert f"bookbridge agreement show {_id(made)}" in told
