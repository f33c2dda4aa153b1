"""Papers of a consignment: what is printed on them, and that nothing on them is more than text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given as holds_for
from hypothesis import strategies as st
from lxml import html

from service.domain import address_label, customs
from service.domain.customs import Choices, Form, Item
from service.domain.paper import FREIGHT, GiftLabel, GiftPaper, PaperKind, due
from service.errors import Conflict, NotFound, WrongValues
from service.papers import pages
from service.store.tables import (
    accession_line,
    consignment,
    consignment_line,
    incoming_gift,
    record_version,
)
from service.usecases import packing, papers, parcelling, receiving
from service.usecases.papers import Papers
from service.usecases.site import Site
from tests.service.builders import a_partner
from tests.service.consignment_scene import HANA, closed, given, made

HOSTILE = "<script>alert(1)</script>\u202e\"'&{{7*7}}"

# --- the rules, without a database ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("leader", "heading"),
    [
        ("00000nam a22", "4901"),
        ("00000nas a22", "4902"),
        ("00000ncm a22", "4904"),
        ("00000nem a22", "4905"),
        ("", "4901"),
    ],
)
def test_a_leader_says_under_which_heading_a_book_goes(leader: str, heading: str) -> None:
    assert customs.heading(leader) == heading


@pytest.mark.parametrize(
    ("value", "choices", "form"),
    [
        (570_000, {"currency": "KRW", "sdr_rate": "1900"}, Form.CN22),
        (570_001, {"currency": "KRW", "sdr_rate": "1900"}, Form.CN23),
        (36_000, {"currency": "EUR", "sdr_rate": "1.2"}, Form.CN22),
        (36_001, {"currency": "EUR", "sdr_rate": "1.2"}, Form.CN23),
        (1, {"currency": "KRW"}, Form.CN23),
        (None, {"currency": "KRW", "sdr_rate": "1900"}, Form.CN23),
        (570_001, {"currency": "KRW", "sdr_rate": "1900", "form": "CN22"}, Form.CN22),
    ],
)
def test_the_short_form_goes_up_to_300_special_drawing_rights(
    value: int | None, choices: Mapping[str, Any], form: Form
) -> None:
    assert customs.form(value, customs.read(choices)) is form


_ITEMS = st.lists(
    st.builds(
        Item,
        position=st.integers(1, 99),
        heading=st.sampled_from(sorted(customs.HEADINGS)),
        units=st.integers(1, 500),
        parcel=st.just(1),
        value=st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=20,
)


@holds_for(_ITEMS, st.integers(0, 10**6))
def test_the_lines_of_a_declaration_add_up_to_its_parcel(items: list[Item], weight: int) -> None:
    (found,) = customs.declare(items, {1: weight}, Choices())
    assert sum(each.weight for each in found.lines) == found.weight == weight
    assert sum(each.units for each in found.lines) == found.units == sum(i.units for i in items)
    assert sum(each.value or 0 for each in found.lines) == found.value
    assert all(each.weight >= 0 for each in found.lines)


def test_all_that_is_wrong_with_choices_is_told_at_once() -> None:
    wrong = {
        "category": "BRIBE",
        "heading": "4899",
        "values": {"x": 1},
        "sdr_rate": "0",
        "origin": "Korea",
        "convention_1958": "yes",
        "colour": "red",
    }
    with pytest.raises(WrongValues) as caught:
        customs.read(wrong)
    assert [name for name, _ in caught.value.faults] == [f"customs.{name}" for name in wrong]
    with pytest.raises(WrongValues, match=r"customs\.currency: say in which currency value is"):
        customs.read({"value": 5})


def test_a_donation_is_no_gift_to_the_customs_unless_somebody_says_so() -> None:
    assert customs.read({}).category is customs.Category.OTHER
    assert customs.read({"category": "gift"}).category is customs.Category.GIFT


@pytest.mark.parametrize(
    ("roman", "country", "lines", "last"),
    [
        ("1 Road\nNagasaki\nJAPAN", "Japan", ("1 Road", "Nagasaki"), "JAPAN"),
        ("1 Road\nNagasaki", "Japan", ("1 Road", "Nagasaki"), "JAPAN"),
        ("1 Road\nHCMC\nViet Nam", "Vietnam", ("1 Road", "HCMC"), "VIETNAM"),
        ("1 Road\nIstanbul", "Türkiye", ("1 Road", "Istanbul"), "TÜRKIYE"),
        ("1 Road", "", ("1 Road",), ""),
    ],
)
def test_the_last_line_of_an_address_is_the_country_in_capitals_once(
    roman: str, country: str, lines: tuple[str, ...], last: str
) -> None:
    found = address_label.label("", roman, "", country)
    assert (found.lines, found.country) == (lines, last)


def test_a_label_says_what_is_doubtful_in_its_address() -> None:
    local = address_label.label("長崎", "", "長崎市1", "Japan")
    assert local.lines == ("長崎市1",)
    assert "no address in Roman letters" in local.remarks[0]
    mixed = address_label.label("", "1 Road\n長崎", "長崎", "")
    assert mixed.local == ("長崎",)
    assert "'長'" in mixed.remarks[0]
    assert "no country or region" in mixed.remarks[1]


def test_freight_papers_go_with_what_a_forwarder_carries() -> None:
    assert set(FREIGHT) <= set(due(300_000, has_m_bags=False, is_freight=False))
    assert not set(FREIGHT) & set(due(299_999, has_m_bags=False, is_freight=False))
    assert set(FREIGHT) <= set(due(0, has_m_bags=False, is_freight=True))


# --- a consignment's ------------------------------------------------------------------------------


def printed(site: Site, name: str) -> Papers:
    """Return what is printed for a consignment now."""
    return papers.of_consignment(site.db, site.settings, name, now=site.now())


def keyed(site: Site, **settings: Any) -> Site:
    """Return the site with a key, and other settings."""
    new = dataclasses.replace(site.settings, secret_key="a key for tests", **settings)
    return Site(site.db, new, site.clock)


def text(page: str) -> str:
    """Return what a reader of a page reads."""
    return " ".join(" ".join(html.fromstring(page).find("body").itertext()).split())


@pytest.fixture
def packed(site: Site) -> str:
    """The number of a packed consignment of two titles, in two parcels of which one is an M-bag."""
    given(site, "One", "Two", copies=2)
    number = made(site).number
    parcelling.tick(site.db, number, [1], 1, by=HANA, now=site.now())
    parcelling.tick(site.db, number, [2], 2, by=HANA, now=site.now())
    for each, weight in ((1, 1_500), (2, 12_000)):
        parcelling.describe(site.db, number, each, weight=weight, by=HANA, now=site.now())
    with site.db.write() as conn:
        conn.execute(sa.text("UPDATE parcel SET kind = 'M_BAG' WHERE number = 2"))
    packing.pack(site.db, number, by=HANA, now=site.now())
    return number


def test_every_book_is_on_the_packing_list_with_the_link_that_confirms_it(
    site: Site, packed: str
) -> None:
    site = keyed(site)
    found = printed(site, packed)
    page = pages.paper(PaperKind.PACKING_LIST, found)
    assert found.link == receiving.link(site.settings, found.consignment.public_id)
    assert found.link in text(page)
    assert "<svg" in page
    read = text(page)
    assert f"Packing list {packed}" in read
    assert "Titles 2 Volumes 4 Parcels 2 Weight 13.5 kg" in read
    assert read.index("One") < read.index("Two")


def test_there_is_one_label_for_each_parcel_and_the_country_stands_last(
    site: Site, packed: str
) -> None:
    page = html.fromstring(pages.paper(PaperKind.ADDRESS_LABELS, printed(site, packed)))
    labels = page.find_class("label")
    assert [each.find_class("count")[0].text for each in labels] == ["1/2", "2/2"]
    assert {each.find_class("country")[0].text for each in labels} == {"JAPAN"}
    assert "".join(labels[0].itertext()).count("JAPAN") == 1
    tags = html.fromstring(pages.paper(PaperKind.M_BAG_TAGS, printed(site, packed)))
    assert [each.find_class("count")[0].text for each in tags.find_class("label")] == ["1/1"]


def test_choices_for_the_customs_are_declared_parcel_by_parcel(site: Site, packed: str) -> None:
    choices = {
        "currency": "KRW",
        "value": 10_000,
        "values": {"2": 300_000},
        "headings": {"1": "4903"},
        "sdr_rate": 1900,
        "origin": "KR",
    }
    packing.change(site.db, packed, {"customs": choices}, by=HANA, now=site.now())
    found = printed(site, packed)
    assert [(each.form, each.value, each.units) for each in found.declarations] == [
        (Form.CN22, 20_000, 2),
        (Form.CN23, 600_000, 2),
    ]
    page = text(pages.paper(PaperKind.CUSTOMS_DECLARATION, found))
    assert "Children's picture, drawing or colouring books 4903 2 1.5 kg 20,000 KRW" in page
    assert "Donated books, no commercial value" in page
    invoice = text(pages.paper(PaperKind.PROFORMA_INVOICE, found))
    assert "Total 4 620,000 KRW" in invoice
    assert found.choices.sdr_rate == Decimal(1900)


def test_what_nobody_chose_is_told_and_not_guessed(site: Site, packed: str) -> None:
    told = " ".join(printed(site, packed).remarks)
    for clause in ("no value for the customs", "choose sdr_rate", "postal_address", "origin"):
        assert clause in told
    with pytest.raises(WrongValues, match="none of 4901"):
        packing.change(site.db, packed, {"customs": {"heading": "9999"}}, by=HANA, now=site.now())


def test_freight_papers_say_who_gives_and_never_name_a_convention_unasked(
    site: Site, packed: str
) -> None:
    found = printed(
        keyed(site, postal_address="1 Library Road; 47011 Busan; REPUBLIC OF KOREA"), packed
    )
    certificate = text(pages.paper(PaperKind.CERTIFICATE_OF_DONATION, found))
    assert "47011 Busan" in certificate
    assert "1958" not in certificate
    packing.change(site.db, packed, {"customs": {"convention_1958": True}}, by=HANA, now=site.now())
    assert "1958" in text(pages.paper(PaperKind.CERTIFICATE_OF_DONATION, printed(site, packed)))
    titles = text(pages.paper(PaperKind.TITLE_LIST, found))
    assert "One" in titles
    assert "Two" in titles


def test_a_title_says_in_which_language_it_is(site: Site, packed: str) -> None:
    with site.db.write() as conn:
        conn.execute(
            record_version.update().values(
                languages="kor eng", title="Chaek", title_vernacular="책"
            )
        )
    page = html.fromstring(pages.paper(PaperKind.PACKING_LIST, printed(site, packed)))
    said = {(each.get("lang"), "".join(each.itertext())) for each in page.iter("cite")}
    assert ("ko", "책") in said
    assert {lang for lang, _ in said} == {"ko", "ko-Latn"}


def test_a_paper_with_nothing_on_it_is_refused(site: Site) -> None:
    given(site, "One")
    number = made(site).number
    with pytest.raises(Conflict, match="no M-bag"):
        pages.paper(PaperKind.M_BAG_TAGS, printed(site, number))
    with pytest.raises(Conflict, match="no parcel yet"):
        pages.paper(PaperKind.ADDRESS_LABELS, printed(site, number))


def test_a_partner_prints_its_own_once_they_left(site: Site, packed: str) -> None:
    other = a_partner(site, "ulaanbaatar")
    with pytest.raises(NotFound):
        papers.of_consignment(site.db, site.settings, packed, now=site.now(), partner=other)


@pytest.mark.parametrize("kind", PaperKind)
def test_hostile_values_stay_text_on_every_paper(site: Site, packed: str, kind: PaperKind) -> None:
    with site.db.write() as conn:
        conn.execute(
            consignment.update().values(
                address_roman=f"{HOSTILE}\n{HOSTILE}",
                address_local=HOSTILE,
                theme=HOSTILE,
                customs={"explanation": HOSTILE.replace("\u202e", "")},
            )
        )
        conn.execute(consignment_line.update().values(title=HOSTILE, barcode=HOSTILE))
        conn.execute(
            record_version.update().values(
                title_vernacular=HOSTILE, author=HOSTILE, publisher=HOSTILE, published=HOSTILE
            )
        )
        conn.execute(sa.text("UPDATE parcel SET tracking = :given"), {"given": HOSTILE})
        conn.execute(sa.text("UPDATE partner SET name = :given"), {"given": HOSTILE})
    page = pages.paper(kind, printed(keyed(site, repository_name=HOSTILE), packed))
    assert not list(html.fromstring(page).iter("script"))
    assert "<script" not in page
    assert "49{{" not in page
    assert "alert(1)" in page


def test_a_closed_consignment_prints_what_was_in_it(site: Site) -> None:
    given(site, "One")
    number = closed(site, made(site).number).number
    assert "One" in text(pages.paper(PaperKind.PACKING_LIST, printed(site, number)))


# --- gifts that came in ---------------------------------------------------------------------------


def a_gift(site: Site, *decisions: str, state: str = "CHECKED") -> str:
    """Enter an incoming gift with a line for each decision; return its public id."""
    who = a_partner(site, "kaohsiung")
    public_id = "01JZ0000000000000000000001"
    with site.db.write() as conn:
        row = conn.execute(
            incoming_gift.insert()
            .values(
                public_id=public_id,
                partner_id=who.id,
                title="Spring books",
                state=state,
                source="LIST",
                announced_at=site.now(),
                received_on=site.now().date(),
                created_by=HANA,
            )
            .returning(incoming_gift.c.id)
        ).scalar_one()
        for position, decision in enumerate(decisions, 1):
            conn.execute(
                accession_line.insert().values(
                    incoming_gift_id=row,
                    position=position,
                    title=f"Book {position}",
                    received=1,
                    decision=decision,
                    accession_number=f"2026-{position}",
                )
            )
    return public_id


def test_accepted_books_get_labels_and_declined_ones_none(site: Site) -> None:
    found = papers.of_gift(site.db, a_gift(site, "ACCEPTED", "DECLINED", "ACCEPTED"))
    assert [each.title for each in found] == ["Book 1", "Book 3"]
    plates = text(pages.gift_paper(GiftPaper.BOOKPLATES, found, "City Library"))
    assert "2026-3" in plates
    assert "2026-2" not in plates


def test_a_gift_of_which_nothing_is_accepted_has_no_labels(site: Site) -> None:
    with pytest.raises(Conflict, match="check its pieces first"):
        papers.of_gift(site.db, a_gift(site, "PENDING"))
    with pytest.raises(NotFound):
        papers.of_gift(site.db, "nothing")


@pytest.mark.parametrize("kind", GiftPaper)
def test_hostile_values_stay_text_on_every_label(kind: GiftPaper) -> None:
    every = GiftLabel(*[HOSTILE] * 6, received_on=None, language=HOSTILE)
    page = pages.gift_paper(kind, [every], HOSTILE)
    assert not list(html.fromstring(page).iter("script"))
    assert "alert(1)" in page
