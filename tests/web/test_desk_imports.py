"""A cataloguer at the desk: a file comes in, is looked at, decided about, committed, undone."""

from __future__ import annotations

import io
import re

import pytest

from marc_mappings import iso2709, table_to_marc21
from service import worker
from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListAction, OfferState
from service.domain.permission import Role
from service.store.feed import PUBLIC
from service.usecases import allocating, cataloguing, offering
from tests.marc_mappings import reencoding
from tests.web.conftest import KOREAN, Reader, Visitor, text

TITLES = ("우리들의 일그러진 영웅", "난장이가 쏘아올린 작은 공", "무진기행")
HOSTILE = "<script>alert(1)</script>"


def kormarc(title: str, number: int) -> bytes:
    """A record as Korean libraries send it: CP949, and no word of that in the leader."""
    return reencoding.frame(
        b"00000nam  2200000 k 4500",
        [
            (b"001", b"KMO%09d" % number),
            (b"008", b"980610s1998    ulk           000a  kor  "),
            (b"049", b"0 \x1flEM%06d" % number),
            (b"245", f"00\x1fa{title} /\x1fd홍길동 지음".encode("cp949")),
            (b"260", "  \x1fa서울 :\x1fb민음사,\x1fc1998".encode("cp949")),
        ],
    )


DAMAGE = b"Dear colleagues,\r\n\r\n"
FILE = DAMAGE + b"".join(kormarc(title, n) for n, title in enumerate(TITLES, 1))


def sent(hana: Visitor, data: bytes, status: int = 303, **fields: str) -> str:
    """Send a file to list spring; return where that leads, or the page."""
    fields = {"list": "spring", **fields}
    answer = hana.post("/desk/imports/", status, file=(io.BytesIO(data), "books.mrc"), **fields)
    return answer.location or answer.text


def work(reader: Reader) -> None:
    while worker.turn(reader.site):
        pass


@pytest.fixture
def hana(reader: Reader) -> Visitor:
    reader.draft("spring")
    return reader.as_(Role.CATALOGUER)


def on_offer(reader: Reader) -> set[str]:
    return {each.title for each in offering.browse(reader.site.db, {PUBLIC}, slug="spring")}


def test_a_korean_file_with_damage_from_upload_to_undo(reader: Reader, hana: Visitor) -> None:
    assert "There is no import here" in hana.get("/desk/imports/").text
    page = sent(hana, FILE)
    assert "You may leave this page" in hana.get(page).text
    work(reader)
    assert sent(hana, FILE) == page  # the same file leads to its import
    shown = text(hana.tree(page))
    assert "cp949" in shown
    assert "KORMARC" in shown
    assert "All: 4" in shown
    assert "Rejected: 1" in shown
    assert all(title in shown for title in TITLES)
    rejected = text(hana.tree(f"{page}?sort=rejected"))
    assert TITLES[0] not in rejected
    assert hana.get(f"{page}/bad-records").data == DAMAGE
    assert TITLES[0] in hana.get(f"{page}?as=csv").text
    assert hana.get(f"{page}?as=xlsx").data.startswith(b"PK")
    assert len(hana.get(f"{page}/report.jsonl").text.splitlines()) == 4

    record = hana.get(f"{page}/2").text
    assert "As received: KORMARC" in record
    assert "As MARC 21" in record
    assert "홍길동" in record
    assert "Dear colleagues" in hana.get(f"{page}/1").text
    hana.get(f"{page}/99", 404)

    # One is left out, and the rest committed.
    hana.post(f"{page}/leave-out", position="3", what="leave_out")
    assert "decided by" in hana.get(page).text
    assert TITLES[1] in text(hana.tree(f"{page}?sort=left_out"))
    hana.post(f"{page}/commit")
    hana.post(f"{page}/leave-out", 409, position="2", what="leave_out")
    work(reader)
    reader.change("spring", ListAction.OPEN)
    assert len(on_offer(reader)) == 2
    assert not any(TITLES[1] in title for title in on_offer(reader))

    assert "Undo this import?" in hana.get(f"{page}/undo").text
    hana.post(f"{page}/undo")
    work(reader)
    reader.publish()
    assert on_offer(reader) == set()
    assert "Undone" in hana.get(page).text
    hana.post(f"{page}/undo", 409)
    hana.post(f"{page}/commit")
    work(reader)
    reader.publish()
    assert len(on_offer(reader)) == 2


def test_what_is_no_file_of_records_is_told_and_nothing_is_kept(
    reader: Reader, hana: Visitor
) -> None:
    assert "empty" in sent(hana, b"", 422)
    assert "PDF" in sent(hana, b"%PDF-1.7 nothing", 422)
    assert "choose the list" in sent(hana, FILE, 422, list="")
    assert "no offer list" in sent(hana, FILE, 422, list="nowhere")
    kept = sent(hana, FILE, 422, encoding=HOSTILE)
    assert HOSTILE not in kept
    assert "&lt;script&gt;" in kept
    hana.post("/desk/imports/", 422, list="spring")
    assert cataloguing.list_batches(reader.site.db, "", 9) == []
    hana.get("/desk/imports/01J00000000000000000000000", 404)
    hana.get("/desk/imports/?state=nonsense&before=%00")


def test_a_file_is_pasted_read_again_in_another_encoding_and_set_aside(
    reader: Reader, hana: Visitor
) -> None:
    pasted = f"=LDR  00000nam a2200000 a 4500\n=001  1\n=245  10$aA sea {HOSTILE}\n"
    page = hana.post("/desk/imports/", list="spring", pasted=pasted).location
    work(reader)
    assert HOSTILE not in hana.get(page).text
    assert HOSTILE not in hana.get(f"{page}/1").text
    hana.post(f"{page}/set-aside")
    assert "Set aside" in hana.get(page).text
    hana.post(f"{page}/commit", 409)

    first = sent(hana, kormarc(TITLES[0], 1))
    work(reader)
    assert hana.post(f"{first}/read-again", encoding="no such").location == first
    again = hana.post(f"{first}/read-again", encoding="EUC-KR", dialect="kormarc").location
    assert again != first
    work(reader)
    assert "as you said" in hana.get(again).text
    assert "Set aside" in hana.get(first).text
    staged = hana.get("/desk/imports/?state=STAGED").text
    assert again in staged
    assert first not in staged


def test_an_ambiguous_record_is_what_the_cataloguer_says(reader: Reader, hana: Visitor) -> None:
    def book(title: str) -> bytes:
        return reencoding.frame(
            b"00000nam a2200000 a 4500",
            [(b"001", b"7"), (b"003", b"XX"), (b"245", b"10\x1fa" + title.encode())],
        )

    page = sent(hana, book("One") + book("Two"))
    work(reader)
    hana.post(f"{page}/commit")
    work(reader)
    second = sent(hana, book("Three") + book("Four"))
    work(reader)
    assert "1 record is ambiguous" in text(hana.tree(second))
    shown = hana.get(f"{second}/2").text
    assert "In the catalogue: One" in shown
    candidate = re.search(r'name="record" value="([0-9A-Z]{26})"', shown)
    assert candidate is not None
    hana.post(f"{second}/2/decide", 422, what="same", record="01J00000000000000000000000")
    hana.post(f"{second}/2/decide", what="same", record=candidate[1])
    hana.post(f"{second}/2/decide", what="as_staged")
    hana.post(f"{second}/2/decide", what="new")
    hana.post(f"{second}/1/decide", what="leave_out")
    hana.post(f"{second}/commit")
    work(reader)
    reader.change("spring", ListAction.OPEN)
    assert on_offer(reader) == {"One", "Four"}


def test_what_was_given_is_not_undone_and_is_named_before(reader: Reader, hana: Visitor) -> None:
    kenji = reader.as_(Role.PARTNER)
    records = [table_to_marc21.convert(row)[0] for row in (KOREAN, {"title": "Goes"})]
    page = sent(hana, b"".join(map(iso2709.write, records)))
    work(reader)
    hana.post(f"{page}/commit")
    work(reader)
    reader.change("spring", ListAction.OPEN)
    db = reader.site.db
    offers = {each.title: each.public_id for each in offering.browse(db, {PUBLIC}, slug="spring")}
    kenji.post("/portal/wishes/", pasted=KOREAN["isbn"])
    reader.change("spring", ListAction.CLOSE)
    allocating.allocate(db, "spring", reader.site.now, policy=AllocationPolicy.FIRST_COME)
    asked = text(hana.tree(f"{page}/undo"))
    assert "What cannot be undone" in asked
    assert KOREAN["title_romanised"] in asked
    assert "Goes" not in asked
    hana.post(f"{page}/undo")
    work(reader)
    states = {title: offering.show_to_staff(db, name).state for title, name in offers.items()}
    assert states == {
        KOREAN["title_romanised"]: OfferState.OFFERED,
        "Goes": OfferState.WITHDRAWN,
    }
    assert "it is given to a partner" in hana.get(f"{page}/1").text
    assert "it is given to a partner" not in hana.get(f"{page}/2").text


def test_a_file_too_large_is_told_so_and_not_kept(reader: Reader, hana: Visitor) -> None:
    reader.app.config["MAX_CONTENT_LENGTH"] = 5000
    told = sent(hana, FILE * 20, 413)
    assert "too large" in told
    assert cataloguing.list_batches(reader.site.db, "", 9) == []
