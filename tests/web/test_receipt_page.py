"""The page behind the link on a packing slip, as somebody sees it who has only a browser."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from service.domain.consignment import Consignment, NewLine
from service.usecases import dispatching, packing, receiving
from tests.service import receipt_scene
from tests.service.consignment_scene import HANA
from tests.web.conftest import BASE, Reader, text

TITLES = (NewLine("雪国", 2), NewLine("<b>A & B</b>", 1, 3, value=900, currency="KRW"))


def path(reader: Reader, found: Consignment) -> str:
    return receiving.link(reader.site.settings, found.public_id).removeprefix(BASE)


@pytest.fixture
def sent(reader: Reader) -> Consignment:
    return receipt_scene.sent(reader.site, TITLES)


def post(reader: Reader, where: str, **form: str) -> TestResponse:
    data = {name.replace("__", "."): value for name, value in form.items()}
    return reader.app.test_client().post(where, data=data)


def test_the_page_shows_what_was_sent_and_nothing_private(
    reader: Reader, sent: Consignment
) -> None:
    answer = reader.open(path(reader, sent))
    assert answer.status_code == 200
    shown = text(reader.tree(path(reader, sent)))
    for expected in (sent.number, "雪国", "<b>A & B</b>", "Library of nagasaki", "all arrived"):
        assert expected in shown
    for private in ("1 Road", "KRW", "900", HANA, sent.public_id):
        assert private not in shown
    assert "<script" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in answer.headers


def test_looking_changes_nothing_and_one_click_confirms(reader: Reader, sent: Consignment) -> None:
    where = path(reader, sent)
    for _ in range(3):
        reader.open(where)
        reader.app.test_client().head(where)
    assert receiving.find(reader.site.db, sent.number).receipt is None
    answer = post(reader, where, all="1")
    assert (answer.status_code, answer.headers["Location"]) == (303, where)
    shown = text(reader.tree(where))
    assert "Thank you: this was confirmed on 2026-10-01" in shown
    assert "Everything arrived." in shown
    assert "the exchange librarian can correct it" in shown
    assert reader.tree(where).xpath("//main//form") == []


def test_what_is_short_or_damaged_is_said_line_by_line_and_becomes_a_claim(
    reader: Reader, sent: Consignment
) -> None:
    where = path(reader, sent)
    named = {each.get("name") for each in reader.tree(where).xpath("//form[2]//input[@type]")}
    assert {f"lines.{n}.{each}" for n in (1, 2) for each in ("arrived", "damaged")} <= named
    answer = post(
        reader,
        where,
        lines__1__arrived="1",
        lines__1__damaged="1",
        lines__2__arrived="",
        note="<i>wet</i>",
        received_by="Ono",
    )
    assert answer.status_code == 303
    shown = text(reader.tree(where))
    assert "Something did not arrive" in shown
    assert "as Ono says" in shown
    assert "<i>wet</i>" in shown
    assert "Line 1, 雪国: 1 copy short – open: the exchange librarian answers" in shown
    assert "Line 1, 雪国: 1 copy damaged" in shown
    assert "Line 2" not in shown
    again = post(reader, where, all="1")
    assert again.status_code == 409
    assert "this was confirmed on" in again.text
    assert receiving.find(reader.site.db, sent.number).consignment.state == "RECEIVED_SHORT"


def test_a_figure_that_cannot_be_is_told_beside_its_line_and_nothing_is_lost(
    reader: Reader, sent: Consignment
) -> None:
    where = path(reader, sent)
    for given in ("3", "-1", "two", "9" * 30, "²", "1.5"):
        answer = post(reader, where, lines__1__arrived=given, lines__2__arrived="0", note="a note")
        assert answer.status_code == 422, given
        assert "Nothing was entered yet" in answer.text
        assert 'id="fault-1"' in answer.text
        assert "a note</textarea>" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert receiving.find(reader.site.db, sent.number).receipt is None


def test_a_forged_altered_or_foreign_link_is_nothing_and_says_so(
    reader: Reader, sent: Consignment
) -> None:
    where, other = path(reader, sent), path(reader, receipt_scene.sent(reader.site, TITLES))
    mixed = f"{where.partition('.')[0]}.{other.partition('.')[2]}"
    for forged in (where[:-1], f"{where}A", mixed, "/receipts/x", f"/receipts/{sent.public_id}"):
        page = text(reader.tree(forged, 404))
        assert "This link opens nothing" in page
        assert sent.number not in page
        answer = post(reader, forged, all="1")
        assert answer.status_code == 404
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert receiving.find(reader.site.db, sent.number).receipt is None


def test_a_slip_of_what_has_not_left_says_so(reader: Reader) -> None:
    waiting = receipt_scene.packed(reader.site, TITLES)
    shown = text(reader.tree(path(reader, waiting)))
    assert "This has not left yet" in shown
    assert "雪国" not in shown
    assert post(reader, path(reader, waiting), all="1").status_code == 409
    assert packing.find(reader.site.db, waiting.number).consignment.state == "PACKED"


def test_a_slip_of_what_came_back_says_so(reader: Reader, sent: Consignment) -> None:
    site = reader.site
    dispatching.come_back(site.db, sent.number, reason="refused", by=HANA, now=site.now())
    shown = text(reader.tree(path(reader, sent)))
    assert "For us this consignment is returned to us" in shown
    assert post(reader, path(reader, sent), all="1").status_code == 409


def test_the_address_of_a_receipt_is_in_no_log(
    reader: Reader, sent: Consignment, capfd: pytest.CaptureFixture[str]
) -> None:
    where = path(reader, sent)
    post(reader, where, all="1")
    reader.open(where)
    logged = "".join(capfd.readouterr())
    assert "/receipts/…" in logged
    assert where.rpartition(".")[2] not in logged


def test_a_form_of_many_lines_is_read_to_its_end(reader: Reader) -> None:
    many = receipt_scene.sent(reader.site, [NewLine(f"Title {n}", 2) for n in range(1500)])
    form = {f"lines__{n}__arrived": "2" for n in range(1, 1500)}
    answer = post(reader, path(reader, many), **form, lines__1500__arrived="1")
    assert answer.status_code == 303
    (claim,) = receiving.find(reader.site.db, many.number).claims
    assert (claim.about.position, claim.copies) == (1500, 1)
