"""What stands over the columns of a partner's lists is understood, or explained once and kept."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter

from service.domain import wish_headings
from service.domain.partner import Partner
from service.domain.wish import Outcome, WishList
from service.domain.wish_sheet import XLSX
from service.errors import Invalid
from service.usecases import wishing
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.service.builders import a_file, a_partner, open_list, receive, work
from tests.service.matching import a_book

SNOW, KYOTO = "9784101001012", "9784101001067"
OWN = ("本の名前", "書いた人", "図書番号")
EXPLAINED = wish_headings.explained(["本の名前=title", "書いた人=author", "図書番号=isbn"])


@pytest.fixture
def nagasaki(site: Site) -> Partner:
    """Nagasaki, and a list with two books that it may wish for."""
    open_list(site)
    books = (
        a_book("雪国", "川端康成", "1947", isbn=SNOW, language="jpn"),
        a_book("古都", "川端康成", "1968", isbn=KYOTO, language="jpn"),
    )
    receive(site, a_file(*books))
    work(site)
    return a_partner(site, "nagasaki")


def xlsx(*rows: tuple[object, ...]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
    return out.getvalue()


def send(site: Site, partner: Partner, body: bytes, **more: Any) -> WishList:
    """Send a spreadsheet, let it be answered, and return it as it is then."""
    request = Request(body, XLSX, **more)
    limits = site.wish_limits()
    made = wishing.receive(site.db, partner, request, site.names(), limits, site.now()).wish_list
    work(site)
    return wishing.show(site.db, made.public_id, partner) if made.public_id else made


def outcomes(found: WishList) -> list[Outcome]:
    return [line.outcome for line in found.lines]


def test_an_xlsx_from_nagasaki_is_mapped_and_every_line_is_answered(
    site: Site, nagasaki: Partner
) -> None:
    found = send(
        site,
        nagasaki,
        xlsx(
            ("長崎市立図書館 希望図書",),
            ("書名", "著者", "ISBN", "棚"),
            ("雪国", "川端康成", SNOW, "A"),
            ("古都", "川端康成", "", "B"),
            ("舞姫", "川端康成", "", ""),
            ("", "", "123", ""),
            ("", "川端康成", "", "C"),
        ),
    )
    assert found.reading.columns_not_read == ("棚",)
    assert [line.line_no for line in found.lines] == [3, 4, 5, 6, 7]
    assert outcomes(found) == [
        Outcome.REGISTERED,
        Outcome.MATCHED,
        Outcome.WAITING,
        Outcome.INVALID,
        Outcome.INVALID,
    ]
    assert all(line.reason for line in found.lines)


def test_headings_of_its_own_are_explained_once_and_remembered(
    site: Site, nagasaki: Partner
) -> None:
    rows = (("雪国", "川端康成", SNOW), ("古都", "川端康成", ""))
    with pytest.raises(Invalid, match="say once with the list what they mean"):
        send(site, nagasaki, xlsx(OWN, *rows[1:]))
    tried = send(site, nagasaki, xlsx(OWN, *rows), headings=EXPLAINED, dry_run=True)
    assert outcomes(tried) == [Outcome.REGISTERED, Outcome.MATCHED]
    with pytest.raises(Invalid):  # what was tried is not kept
        send(site, nagasaki, xlsx(OWN, *rows[1:]))
    first = send(site, nagasaki, xlsx(OWN, *rows), headings=EXPLAINED)
    assert outcomes(first) == [Outcome.REGISTERED, Outcome.MATCHED]
    assert first.reading.headings == EXPLAINED
    for later in (False, True):
        again = send(site, nagasaki, xlsx(OWN, *rows), respond_async=later)
        assert outcomes(again) == [Outcome.DUPLICATE, Outcome.DUPLICATE]
        assert again.reading.columns_not_read == ()
    other = a_partner(site, "ara")
    with pytest.raises(Invalid):
        send(site, other, xlsx(OWN, *rows[1:]))


def test_what_is_explained_later_is_added_and_goes_before(site: Site, nagasaki: Partner) -> None:
    row = ("雪国", SNOW)
    send(site, nagasaki, xlsx(OWN[::2], row), headings=EXPLAINED)
    explained = wish_headings.explained(["頒布=quantity", "書名=note"])
    table = xlsx(("図書番号", "頒布", "書名"), (KYOTO, "2", "急ぎ"))
    found = send(site, nagasaki, table, headings=explained)
    (line,) = found.lines
    assert (line.quantity, line.note) == (2, "急ぎ")
    assert found.reading.headings == {**EXPLAINED, **explained}


@pytest.mark.parametrize(
    "said", [("書名",), ("書名=",), ("=title",), ("書名=shelf",), ("A=title", "a=isbn")]
)
def test_what_explains_nothing_is_refused(said: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        wish_headings.explained(said)
    assert caught.value.field == "heading"
