"""`bookbridge receipt` and `claim`: what came by letter is entered, and what is missing settled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.config import load
from service.domain.consignment import Consignment
from service.store.db import Database
from service.usecases import receiving
from service.usecases.site import Site
from tests.cli.conftest import Bookbridge
from tests.service import receipt_scene
from tests.service.builders import HandClock


@pytest.fixture
def site(bookbridge: Bookbridge, data_dir: Path) -> Iterator[Site]:
    """The site of the command line."""
    bookbridge("partner", "list")
    settings = load({}, data_dir=data_dir)
    db = Database(settings.database)
    yield Site(db, settings, HandClock(time.time()))
    db.close()


@pytest.fixture
def sent(site: Site) -> Consignment:
    """A consignment on its way."""
    return receipt_scene.sent(site)


def test_a_letter_is_entered_corrected_and_shown(
    bookbridge: Bookbridge, site: Site, sent: Consignment
) -> None:
    number = sent.number
    assert "Nobody said yet what arrived." in bookbridge("receipt", "show", number).stdout
    link = bookbridge("receipt", "link", number).stdout.strip()
    assert link == receiving.link(site.settings, sent.public_id)
    why = ("--reason", "her letter")
    for wrong in ("1", "1:x", "1:1:1:1"):
        told = bookbridge("receipt", "enter", number, "--line", wrong, *why, code=1).stderr
        assert "is not LINE:ARRIVED" in told
    told = bookbridge("receipt", "enter", number, "--line", "1:3", *why, code=1).stderr
    assert "but 2 were sent" in told
    made = bookbridge("receipt", "enter", number, "--line", "1:1:1", "--by", "Ms Ono", *why).stdout
    assert f"{number}  RECEIVED_SHORT  nagasaki" in made
    assert "said on" in made
    assert "by STAFF, Ms Ono" in made
    assert "line 1  Snow country: 1 of 2 arrived, 1 damaged" in made
    assert "THEIRS  OPEN  nagasaki  short, 1 copy" in made
    corrected = bookbridge("receipt", "correct", number, "--reason", "found").stdout
    assert "RECEIVED_COMPLETE" in corrected
    document = json.loads(bookbridge("receipt", "show", number, "--json").stdout)
    assert document["receipt"]["outcome"] == "COMPLETE"
    assert {each["resolution"] for each in document["claims"]} == {"ARRIVED"}


def test_a_claim_is_opened_answered_settled_and_opened_again(
    bookbridge: Bookbridge, sent: Consignment
) -> None:
    assert "There are no such claims." in bookbridge("claim", "list").stdout
    number = sent.number
    made = bookbridge("claim", "open", number, "damaged", "--line", "1", "--text", "wet").stdout
    name = made.split()[0]
    assert "Next: Answer it" in made
    new = f"nagasaki, damaged, {number}: bookbridge claim show {name}"
    assert new in bookbridge("doctor").stdout
    bookbridge("claim", "answer", name, "We look")
    assert "nobody answered yet: 0" in bookbridge("doctor").stdout
    early = bookbridge("claim", "resolve", name, "credited", code=1).stderr
    assert "is DISPATCHED" in early
    bookbridge("receipt", "enter", number, "--line", "1:2:2", "--reason", "letter")
    done = bookbridge("claim", "resolve", name, "credited").stdout
    assert "RESOLVED CREDITED" in done
    assert "possible: reopen" in done
    assert bookbridge("claim", "list", "--state", "resolved").stdout.startswith(name)
    assert "ANSWERED" in bookbridge("claim", "reopen", name, "--reason", "no").stdout
    again = bookbridge("claim", "resolve", name, "resent").stdout
    assert "sent again with: " in again
    document = json.loads(bookbridge("claim", "show", name, "--json").stdout)
    assert (document["line"], document["resolution"]) == (1, "RESENT")
    told = bookbridge("claim", "close", name, "--reason", "x", code=1).stderr
    assert "possible: reopen" in told
    assert "cannot be sent" in bookbridge("claim", "send", name, code=1).stderr
