"""Letters: written from data in two languages, kept as they were, filed when they come."""

from __future__ import annotations

import dataclasses
import io
from datetime import date
from typing import Any

import docx
import pytest
import sqlalchemy as sa
from hypothesis import given as holds_for
from hypothesis import strategies as st
from lxml import html

from service.domain import letter as rules
from service.domain.letter import LANGUAGES, Direction, LetterKind, LetterTemplate
from service.errors import Conflict, Invalid, NotFound, Outdated, TooLarge, WrongValues
from service.papers import letter_files
from service.papers.letter_files import LetterForm
from service.store.tables import (
    accession_line,
    audit_entry,
    claim,
    incoming_gift,
    letter,
    mail,
    offer_list,
    partner,
)
from service.usecases import enrolling, filing_letters, packing, wording_letters, writing_letters
from service.usecases.filing_letters import Incoming
from service.usecases.site import Site
from tests.service.builders import a_partner, open_list
from tests.service.consignment_scene import HANA, given, made

HOSTILE = "<script>alert(1)</script> {library} {{x}} \"'&"
GIFT = "01JZ0000000000000000000001"

# --- the rules, without a database ----------------------------------------------------------------


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_our_wording_is_filled_in_whole(kind: LetterKind, language: str) -> None:
    values = {name: f"[{name}]" for name in rules.PLACEHOLDERS[kind]}
    found = rules.fill(rules.built_in(kind, language), values)
    assert "[partner]" in found.body
    assert "[library]" in found.body
    assert not {"{", "}"} & set(found.subject + found.body)
    assert len(found.paragraphs()) >= 4


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{colour}", r"\{colour\} is not known; known are \{partner\}, \{library\}"),
        ("{title.x}", r"\{title.x\} is not known"),
        ("{title[0]}", r"is not known"),
        ("{}", r"\{\} is not known"),
        ("{titles!r}", "more in its braces than a name"),
        ("{titles:>9999}", "more in its braces than a name"),
        ("{partner", "a brace has no partner"),
        ("a } b", "a brace has no partner"),
        ("  ", "this is empty"),
        ("a\x07", "control character"),
    ],
)
def test_a_template_that_would_leave_a_hole_is_refused(body: str, told: str) -> None:
    with pytest.raises(WrongValues, match=told):
        rules.check_template(LetterKind.REMINDER, "Subject", body)


@holds_for(st.text(max_size=60))
def test_what_is_filled_in_is_never_read_as_a_template(value: str) -> None:
    template = LetterTemplate(LetterKind.INVITATION, "en", "{partner}", "<{partner}>")
    found = rules.fill(template, {"partner": value})
    assert found.body == f"<{' '.join(value.split())}>"


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en", "22 November 2026"),
        ("ko", "2026년 11월 22일"),
        ("zh-Hant", "2026年11月22日"),
        ("vi", "ngày 22 tháng 11 năm 2026"),
        ("mn", "2026 оны 11 сарын 22-ны өдөр"),
    ],
)
def test_a_day_is_written_as_each_language_does(language: str, day: str) -> None:
    assert rules.written(date(2026, 11, 22), language) == day


def test_a_letter_has_at_most_two_languages_each_once() -> None:
    assert rules.read_languages(["ko", "zh-TW", "KO"]) == ("ko", "zh-Hant")
    for wrong in ([], ["ko", "ja", "vi"], ["tlh"]):
        with pytest.raises(Invalid):
            rules.read_languages(wrong)


# --- writing --------------------------------------------------------------------------------------


def write(site: Site, kind: str, about: str = "", **more: Any) -> rules.Letter:
    """Write a letter to Kaohsiung."""
    how = {"languages": ["ko", "zh-Hant"], "by": HANA, "now": site.now(), "about": about, **more}
    code = how.pop("code", "kaohsiung")
    return writing_letters.write(site.db, site.settings, code, LetterKind(kind), **how)


def a_gift(site: Site, state: str = "CHECKED") -> str:
    """Enter a gift of two books from Kaohsiung, of which one is accepted; return its id."""
    a_gift_for(site, a_partner(site, "kaohsiung").id, state)
    return GIFT


def a_gift_for(site: Site, partner_id: int, state: str = "CHECKED") -> int:
    """Do as ``a_gift``, from this partner; return the row."""
    with site.db.write() as conn:
        row = conn.execute(
            incoming_gift.insert()
            .values(
                public_id=GIFT,
                partner_id=partner_id,
                title="봄 책",
                state=state,
                source="LIST",
                announced_at=site.now(),
                received_on=date(2025, 4, 1),
                created_by=HANA,
            )
            .returning(incoming_gift.c.id)
        ).scalar_one()
        for position, decision in ((1, "ACCEPTED"), (2, "DECLINED")):
            conn.execute(
                accession_line.insert().values(
                    incoming_gift_id=row,
                    position=position,
                    title="T",
                    received=3,
                    volumes=2,
                    decision=decision,
                )
            )
    return int(row)


def acknowledged(site: Site) -> object:
    with site.db.read() as conn:
        return conn.execute(sa.select(incoming_gift.c.acknowledged_at)).scalar_one()


def test_a_gift_is_thanked_for_in_two_languages_and_is_acknowledged(site: Site) -> None:
    entry = {"name": "Kaohsiung", "names": {"zh-TW": "高雄市立圖書館"}}
    a_gift_for(site, enrolling.add(site.db, "kaohsiung", entry, by=HANA, now=site.now()).id)
    found = write(site, "acknowledgement", GIFT, signatory="Hana")
    assert [each.language for each in found.texts] == ["ko", "zh-Hant"]
    assert "2025년 4월 1일" in found.texts[0].body
    assert "1종 6책" in found.texts[0].body
    assert "高雄市立圖書館諸位同仁" in found.texts[1].body
    assert "1種6冊" in found.texts[1].body
    assert "Hana" in found.texts[1].body
    assert (found.about, found.direction) == (GIFT, Direction.OUT)
    assert acknowledged(site) is not None


@pytest.mark.parametrize("state", ["ANNOUNCED", "RECEIVED"])
def test_nobody_is_thanked_before_the_pieces_were_checked(site: Site, state: str) -> None:
    a_gift(site, state)
    with pytest.raises(Conflict, match="not checked yet"):
        write(site, "acknowledgement", GIFT)
    assert acknowledged(site) is None
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(letter)).scalar() == 0


def test_thanking_twice_keeps_the_first_day(site: Site) -> None:
    a_gift(site, "CATALOGUED")
    write(site, "acknowledgement", GIFT)
    first = acknowledged(site)
    site.clock.move(86_400)  # type: ignore[attr-defined]
    write(site, "acknowledgement", GIFT)
    assert acknowledged(site) == first


def test_a_letter_speaks_only_of_what_is_its_partners(site: Site) -> None:
    a_gift(site)
    a_partner(site, "ulaanbaatar")
    with pytest.raises(NotFound, match="is not an incoming gift of 'ulaanbaatar'"):
        write(site, "acknowledgement", GIFT, code="ulaanbaatar")
    assert acknowledged(site) is None
    with pytest.raises(Invalid, match="this letter is about an incoming gift"):
        write(site, "acknowledgement")
    with pytest.raises(Invalid, match="nothing but the partner"):
        write(site, "invitation", GIFT)
    with pytest.raises(NotFound):
        write(site, "invitation", code="nobody")


def test_a_reminder_waits_for_the_dispatch(site: Site) -> None:
    given(site, "One")
    number = made(site).number
    with pytest.raises(Conflict, match=r"\{sent_on\} is not known yet"):
        write(site, "reminder", number, code="nagasaki")
    with site.db.write() as conn:
        conn.execute(sa.text("UPDATE consignment SET dispatched_on = '2026-03-01'"))
    found = write(site, "reminder", number, code="nagasaki", languages=["ja"])
    assert number in found.subject
    assert "2026年3月1日" in found.texts[0].body
    assert found.about == packing.find(site.db, number).consignment.public_id


def test_an_offer_names_the_last_day_for_wishes(site: Site) -> None:
    a_partner(site, "kaohsiung")
    open_list(site, "spring")
    with pytest.raises(Conflict, match="deadline"):
        write(site, "offer", "spring")
    midnight = site.now().replace(year=2027, month=6, day=1, hour=0, minute=0, second=0)
    with site.db.write() as conn:
        conn.execute(offer_list.update().values(closes_at=midnight, zone="UTC"))
    found = write(site, "offer", "spring", languages=["en", "vi"])
    assert "by 31 May 2027" in found.texts[0].body
    assert "/lists/spring" in found.texts[1].body


def test_a_claim_says_what_is_wrong_in_the_language_of_the_letter(site: Site) -> None:
    who = a_partner(site, "kaohsiung")
    name = "01JZ0000000000000000000002"
    a_gift_row = a_gift_for(site, who.id)
    with site.db.write() as conn:
        conn.execute(
            claim.insert().values(
                public_id=name,
                partner_id=who.id,
                side="OURS",
                state="OPEN",
                reason="SHORT",
                incoming_gift_id=a_gift_row,
                opened_by=HANA,
                opened_at=site.now(),
            )
        )
    found = write(site, "claim", name)
    assert "부수 또는 권수 부족" in found.texts[0].body
    assert "數量不足" in found.texts[1].body


# --- templates ------------------------------------------------------------------------------------


def change(site: Site, body: str, seen: int | None = None) -> LetterTemplate:
    return wording_letters.change_template(
        site.db,
        "invitation",
        "ko",
        subject="인사",
        body=body,
        seen=seen,
        by=HANA,
        now=site.now(),
    )


def test_a_letter_stays_as_it_was_when_its_template_changes(site: Site) -> None:
    a_partner(site, "kaohsiung")
    before = write(site, "invitation")
    assert change(site, "{partner}에게").revision == 1
    after = write(site, "invitation")
    assert writing_letters.find_letter(site.db, before.public_id).texts == before.texts
    assert after.subject == "인사"
    own = wording_letters.reset_template(site.db, "invitation", "ko", by=HANA, now=site.now())
    assert own == rules.built_in(LetterKind.INVITATION, "ko")


def test_two_people_at_one_template_do_not_overwrite_each_other(site: Site) -> None:
    assert change(site, "{partner}", seen=0).revision == 1
    with pytest.raises(Outdated):
        change(site, "{library}", seen=0)
    assert change(site, "{library}", seen=1).revision == 2
    with pytest.raises(WrongValues, match="known are"):
        change(site, "{colour}")
    with pytest.raises(NotFound):
        wording_letters.find_template(site.db, "invitation", "tlh")
    with site.db.read() as conn:
        kept = conn.execute(
            sa.select(sa.func.count()).where(audit_entry.c.kind == "letter template")
        ).scalar()
    assert kept == 2


def test_there_is_a_template_for_every_kind_in_every_language(site: Site) -> None:
    found = wording_letters.list_templates(site.db)
    assert len(found) == len(LetterKind) * len(LANGUAGES) == 42


# --- as files -------------------------------------------------------------------------------------


def test_a_letter_is_a_page_and_a_document_with_its_languages_side_by_side(site: Site) -> None:
    a_gift(site)
    found = write(site, "acknowledgement", GIFT)
    page = html.fromstring(letter_files.letter_file(LetterForm.HTML, found, site.settings))
    assert [each.get("lang") for each in page.iter("section")] == ["ko", "zh-Hant"]
    document = docx.Document(
        io.BytesIO(letter_files.letter_file(LetterForm.DOCX, found, site.settings))
    )
    (table,) = document.tables
    assert [cell.text for cell in table.rows[1].cells] == [each.subject for each in found.texts]
    for column, each in enumerate(found.texts):
        read = [row.cells[column].text for row in table.rows[2:]]
        assert [text for text in read if text] == each.paragraphs()


@pytest.mark.parametrize("form", LetterForm)
def test_hostile_values_stay_text_in_a_letter(site: Site, form: LetterForm) -> None:
    a_partner(site, "kaohsiung")
    with site.db.write() as conn:
        conn.execute(partner.update().values(name=HOSTILE + "\x0b\ufffe"))
    named = dataclasses.replace(site.settings, repository_name=HOSTILE, postal_address=HOSTILE)
    site = Site(site.db, named, site.clock)
    found = write(site, "invitation", signatory=HOSTILE)
    body = letter_files.letter_file(form, found, site.settings)
    if form is LetterForm.HTML:
        assert b"<script" not in body
        assert not list(html.fromstring(body).iter("script"))
        assert b"{library} {{x}}" in body
    else:
        (table,) = docx.Document(io.BytesIO(body)).tables
        assert HOSTILE in table.rows[2].cells[0].text


# --- what came in, and what is mailed -------------------------------------------------------------


def file(site: Site, octets: bytes, limit: int = 1000, **said: Any) -> filing_letters.FiledLetter:
    said = {"subject": "Thanks", "file_name": "a.pdf", "media_type": "application/pdf", **said}
    return filing_letters.file_letter(
        site.db,
        "kaohsiung",
        io.BytesIO(octets),
        Incoming(**said),
        limit=limit,
        by=HANA,
        now=site.now(),
    )


def test_a_letter_that_came_is_kept_octet_by_octet_and_once(site: Site) -> None:
    a_partner(site, "kaohsiung")
    octets = bytes(range(256)) * 3
    first = file(site, octets, file_name="C:\\scans\\..\\감사.pdf")
    assert not first.already
    assert (first.letter.file_name, first.letter.direction) == ("감사.pdf", Direction.IN)
    assert b"".join(filing_letters.octets(site.db, first.letter)) == octets
    again = file(site, octets)
    assert again.already
    assert again.letter.public_id == first.letter.public_id
    assert len(writing_letters.list_letters(site.db, code="kaohsiung")) == 1


def test_what_cannot_be_filed_is_told_and_nothing_is_kept(site: Site) -> None:
    a_partner(site, "kaohsiung")
    with pytest.raises(Invalid, match="empty"):
        file(site, b"")
    with pytest.raises(TooLarge):
        file(site, b"x" * 1001)
    with pytest.raises(Invalid, match="one line"):
        file(site, b"x", subject="a\x07b")
    with pytest.raises(NotFound):
        file(site, b"x", agreement="01JZ0000000000000000000009")
    assert writing_letters.list_letters(site.db) == []


def test_a_letter_is_mailed_to_a_contact_once(site: Site) -> None:
    entry = {"name": "Kaohsiung", "contacts": [{"name": "L", "email": "l@example.org"}]}
    enrolling.add(site.db, "kaohsiung", entry, by=HANA, now=site.now())
    found = write(site, "invitation")
    send = {"by": HANA, "now": site.now()}
    with pytest.raises(Conflict, match="smtp_host"):
        writing_letters.mail_letter(
            site.db, site.settings, found.public_id, "l@example.org", **send
        )
    settings = dataclasses.replace(site.settings, smtp_host="127.0.0.1")
    with pytest.raises(Invalid, match=r"no contact of 'kaohsiung': l@example\.org"):
        writing_letters.mail_letter(site.db, settings, found.public_id, "x@example.org", **send)
    sent = writing_letters.mail_letter(site.db, settings, found.public_id, "l@example.org", **send)
    assert sent.mailed_at == site.now()
    with pytest.raises(Conflict, match="mailed before"):
        writing_letters.mail_letter(site.db, settings, found.public_id, "l@example.org", **send)
    with site.db.read() as conn:
        (row,) = conn.execute(sa.select(mail.c.recipient, mail.c.subject, mail.c.body)).all()
    assert row.recipient == "l@example.org"
    assert all(each.body in row.body for each in found.texts)
