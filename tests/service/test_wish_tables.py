"""Wish lists that came as a table, a spreadsheet or an array are read as their senders meant."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings.match_keys import Key
from service.domain import wish_headings, wish_json, wish_line, wish_sheet
from service.domain.wish import Wanted, WishLine
from service.domain.wish_cells import storable
from service.domain.wish_line import Names, Opened
from service.domain.wish_sheet import ODS, XLSX
from service.errors import CallerError, Invalid, TooLarge, UnsupportedFormat

NAMES = Names("books.example.org", "https://books.example.org")
ULID = "01JZ0000000000000000000000"
ISBN, OTHER = "9788936434120", "9780306406157"


def opened(body: bytes, media_type: str = "text/csv", charset: str = "") -> Opened:
    return wish_line.open_body(io.BytesIO(body), media_type, NAMES, charset)


def read(body: bytes, media_type: str = "text/csv") -> list[WishLine]:
    return list(opened(body, media_type).lines())


def isbns(lines: list[WishLine]) -> list[str]:
    """Return the ISBN of each line, or what is wrong with it."""
    return [next((k.value for k in each.keys if k.kind == "isbn"), each.problem) for each in lines]


def xlsx(*rows: tuple[object, ...], at: tuple[int, int] = (0, 0)) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            sheet.write_row(at[0] + number, at[1], cells)
    return out.getvalue()


def ods(rows: str) -> bytes:
    """Return a spreadsheet of OpenDocument with these rows, as XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("mimetype", ODS)
        packed.writestr(
            "META-INF/manifest.xml",
            "<manifest:manifest"
            ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/>'
            "</manifest:manifest>",
        )
        packed.writestr(
            "content.xml",
            "<office:document-content"
            ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
            ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
            ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
            '<office:body><office:spreadsheet><table:table table:name="S">'
            f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return out.getvalue()


def ods_row(*cells: str, more: str = "") -> str:
    texts = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{each}</text:p></table:table-cell>'
        for each in cells
    )
    return f"<table:table-row>{texts}{more}</table:table-row>"


@pytest.mark.parametrize(
    "headings",
    [
        "書名,著者,出版社,ISBN", "서명,저자,발행처,국제표준도서번호", "题名,责任者,出版社,书号",
        "書名,作者,出版社,書號", "Nhan đề,Tác giả,Nhà xuất bản,Số ISBN",
        "Название,Автор,Издательство,ISBN", "Номын нэр,Зохиолч,Хэвлэлийн газар,ISBN",
        "title,author,publisher,isbn", "Title,Author,Publisher,ISBN-13",
        "書名,著者,出版社,ＩＳＢＮ",
    ],
)  # fmt: skip
def test_headings_are_understood_in_the_languages_of_partners(headings: str) -> None:
    found = opened(f"{headings}\nA,B,C,{ISBN}\n".encode())
    (line,) = found.lines()
    assert isbns([line]) == [ISBN]
    assert line.wanted == Wanted(title="A", author="B", publisher="C")
    assert found.reading.columns_not_read == ()
    assert found.reading.remarks == ()


def test_quantity_and_note_are_read_from_a_table_in_any_language() -> None:
    (line,) = read(f"ISBN;수량;비고\n{ISBN};3;열람실용\n".encode())
    assert (line.quantity, line.note) == (3, "열람실용")


def test_no_heading_stands_in_the_table_for_two_columns() -> None:
    assert wish_headings.heading("Số lượng").name == "quantity"
    assert wish_headings.heading("something").name == ""


def test_a_title_above_the_headings_is_passed_over_and_rows_keep_their_numbers() -> None:
    body = f"2026 교환 도서 목록\n\n부산\n서명\tISBN\n책\t{ISBN}\n".encode()
    (line,) = read(body)
    assert (line.line_no, isbns([line])) == (5, [ISBN])


def test_without_headings_the_first_column_of_identifiers_is_found_and_that_is_said() -> None:
    found = opened(f"A book,Seoul,{ISBN}\nAnother,Busan,{OTHER}\n".encode())
    assert isbns(list(found.lines())) == [ISBN, OTHER]
    (remark,) = found.reading.remarks
    assert "column 3" in remark
    assert "row 1" in remark


def test_headings_without_an_identifier_are_told_what_they_may_be_called() -> None:
    with pytest.raises(Invalid, match="isbn") as refused:
        read("著者,出版社\n川端康成,新潮社\n".encode())
    assert "著者, 出版社" in refused.value.detail


def test_titles_without_any_number_are_wishes() -> None:
    (line,) = read("書名,著者,版,備考,棚\n雪国,川端康成,2版,急ぎ,7\n".encode())
    assert line.wanted == Wanted(title="雪国", author="川端康成", edition="2版")
    assert Key("title_author", "雪国||川端康成") in line.keys
    assert (line.note, line.problem) == ("急ぎ", "")


def test_a_column_of_titles_goes_with_a_column_of_numbers_that_nothing_names() -> None:
    found = opened(f"서명,저자,바코드\n채식주의자,한강,{ISBN}\n".encode())
    (line,) = found.lines()
    assert isbns([line]) == [ISBN]
    assert line.wanted == Wanted(title="채식주의자", author="한강")
    assert "column 3 (바코드)" in found.reading.remarks[0]


def test_a_number_that_is_none_does_not_cost_a_line_its_title() -> None:
    (line,) = read("ISBN,Title,Author\n9788936433590,채식주의자,한강\n".encode())
    assert (line.problem, isbns([line])) == ("", [""])
    assert "9788936433590" in line.remark


@pytest.mark.parametrize("title", ["", "Poems", "12", "ab", "…"])
def test_a_title_that_says_too_little_alone_is_no_wish_and_is_told_so(title: str) -> None:
    (line,) = read(f"title,author\n{title},\n,x\n".encode())[:1]
    assert line.keys == ()
    assert "cannot be matched" in line.problem


def test_several_columns_of_identifiers_are_all_looked_at() -> None:
    (line,) = read(f"ISBN,ISBN-10,ISSN\n{ISBN},0306406152,1234-5679\n".encode())
    assert [key.value for key in line.keys] == [ISBN, OTHER, "1234-5679"]


def test_an_isbn_that_lost_its_zeros_in_a_spreadsheet_is_read_and_that_is_said() -> None:
    (line,) = read(xlsx(("ISBN",), (306406152,)), XLSX)
    assert isbns([line]) == [OTHER]
    assert "0306406152" in line.remark
    assert read(b"control_number\n306406152\n")[0].keys == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_any_form_of_unicode_is_read(encoding: str) -> None:
    found = opened(f"서명,ISBN\n채식주의자,{ISBN}\n".encode(encoding))
    (line,) = found.lines()
    assert (line.text, found.reading.remarks) == (f"채식주의자,{ISBN}", ())


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp949", "서명,저자,발행처,ISBN\n채식주의자,한강,창비,{}\n"),
        ("cp932", "書名,著者,出版社,ISBN\n雪国,川端康成,新潮社,{}\n"),
        (
            "gb18030",
            "题名,责任者,出版社,ISBN\n活着,余华,作家出版社,{}\n红高粱,莫言,人民文学,{}\n",
        ),
        ("big5hkscs", "書名,作者,出版社,ISBN\n台北人,白先勇,爾雅出版社,{}\n"),
        ("cp1251", "Название,Автор,Издательство,ISBN\nВойна и мир,Лев Толстой,Азбука,{}\n"),
    ],
)
def test_a_table_in_an_older_encoding_is_read_and_that_is_said(encoding: str, text: str) -> None:
    body = text.replace("{}", ISBN).encode(encoding)
    found = opened(body)
    first, *_ = found.lines()
    assert first.text == text.replace("{}", ISBN).splitlines()[1]
    assert encoding in found.reading.remarks[0]
    assert opened(body, charset=encoding).reading.remarks == ()


def test_what_is_in_no_encoding_is_refused_with_the_octet_and_what_to_do() -> None:
    with pytest.raises(Invalid, match=r"octet 5 .*save the file as UTF-8"):
        read(b"isbn\n\x81\x00\xff,x\n")
    with pytest.raises(Invalid, match="is not EUC-KR: octet 5"):
        opened(b"isbn\n\xff\xff,x\n", charset="EUC-KR")


def test_an_encoding_that_is_none_is_refused() -> None:
    for charset in ("klingon", "marc-8", "zlib"):
        with pytest.raises(Invalid, match="no encoding of text"):
            opened(b"isbn\n1\n", charset=charset)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["text/csv", "text/uri-list", "application/json"]))
def test_any_octets_are_lines_or_an_error_for_the_caller(body: bytes, media_type: str) -> None:
    lines: list[WishLine] = []
    with suppress(CallerError):
        lines = read(body, media_type)
    numbers = [line.line_no for line in lines]
    assert numbers == sorted(set(numbers))


# --- permalinks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"https://books.example.org/offers/{ULID}", f"http://books.example.org/offers/{ULID}",
        f"HTTPS://Books.Example.Org/offers/{ULID.lower()}/",
        f"https://books.example.org/offers/{ULID}.xml",
        f"https%3A%2F%2Fbooks.example.org%2Foffers%2F{ULID}",
        f" oai:books.example.org:offer/{ULID} ",
        f"oai:books.example.org:offer%2F{ULID}", f"https://books.example.org/offers/{ULID}?x=1#top",
        f"https://books.example.org/api/v1/offers/{ULID}",
    ],
)  # fmt: skip
def test_an_offer_is_named_by_its_identifier_and_by_every_form_of_its_address(text: str) -> None:
    assert NAMES.offer(text) == ULID
    bodies = {
        "text/uri-list": text.encode(),
        "application/json": json.dumps([{"identifier": text}]).encode(),
        "text/csv": f"identifier\n{text}\n".encode(),
        XLSX: xlsx(("Permalink",), (text,)),
        ODS: ods(ods_row("リンク") + ods_row(text.strip().replace("&", "&amp;"))),
    }
    for media_type, body in bodies.items():
        assert [line.offer for line in read(body, media_type)] == [ULID], media_type


@pytest.mark.parametrize(
    "text",
    [
        f"https://elsewhere.example.org/offers/{ULID}", "https://books.example.org/lists/spring",
        f"https://books.example.org.evil.example/offers/{ULID}",
        f"https://books.example.org/offers/{ULID}0",
        f"https://x@books.example.org/offers/{ULID}", f"oai:books.example.com:offer/{ULID}",
    ],
)  # fmt: skip
def test_the_address_of_something_else_names_no_offer(text: str) -> None:
    assert NAMES.offer(text) == ""


# --- spreadsheets -------------------------------------------------------------------------------


def test_a_spreadsheet_is_read_from_wherever_its_table_stands() -> None:
    rows = (
        ("교환 도서",),
        (),
        ("서명", "ISBN", "수량"),
        ("책", 9788936434120, 2),
        ("다른 책", OTHER, 1),
    )
    lines = read(xlsx(*rows, at=(3, 2)), XLSX)
    assert [(line.line_no, line.quantity) for line in lines] == [(7, 2), (8, 1)]
    assert isbns(lines) == [ISBN, OTHER]
    assert lines[0].text == f"책, {ISBN}, 2"


def test_an_open_document_spreadsheet_is_read() -> None:
    lines = read(ods(ods_row("書名", "ISBN") + ods_row("雪国", ISBN)), ODS)
    assert isbns(lines) == [ISBN]


def test_a_hidden_and_an_empty_sheet_are_passed_over() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet("Empty")
        hidden = book.add_worksheet("Hidden")
        hidden.hide()
        hidden.write_column(0, 0, ["ISBN", OTHER])
        book.add_worksheet("Books").write_column(0, 0, ["ISBN", ISBN])
    assert isbns(read(out.getvalue(), XLSX)) == [ISBN]


def test_what_is_no_spreadsheet_is_refused_with_what_to_do() -> None:
    whole = xlsx(("ISBN",), (ISBN,))
    for body in (b"", b"isbn\n1\n", b"\xd0\xcf\x11\xe0" + bytes(600), whole[: len(whole) // 2]):
        with pytest.raises(UnsupportedFormat, match=r"Save it as \.xlsx or \.ods"):
            read(body, XLSX)


def _repacked(change: Callable[[str, bytes], bytes | None]) -> bytes:
    """Return a spreadsheet whose members went through ``change``."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx(("ISBN",), (ISBN,)))) as given_,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as taken,
    ):
        for name in given_.namelist():
            content = change(name, given_.read(name))
            if content is not None:
                taken.writestr(name, content)
    return out.getvalue()


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused_unopened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wish_sheet, "_SMALL", 10_000)
    bomb = _repacked(
        lambda name, content: (
            content + b" " * 3_000_000 if name == "xl/sharedStrings.xml" else content
        )
    )
    with pytest.raises(TooLarge, match="times its packed size"):
        read(bomb, XLSX)
    monkeypatch.setattr(wish_sheet, "_UNPACKED_OCTETS", 5_000)
    with pytest.raises(TooLarge, match="larger than 5000 octets"):
        read(xlsx(("ISBN",), (ISBN,)), XLSX)


def test_a_member_that_lies_about_its_size_is_never_unpacked_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wish_sheet, "_UNPACKED_OCTETS", 200_000)
    honest = _repacked(
        lambda name, content: (
            content + b" " * 900_000 if name == "xl/sharedStrings.xml" else content
        )
    )
    with zipfile.ZipFile(io.BytesIO(honest)) as packed:
        member = packed.getinfo("xl/sharedStrings.xml")
    lying = honest.replace(struct.pack("<I", member.file_size), struct.pack("<I", 600))
    assert lying != honest
    with pytest.raises(CallerError):
        read(lying, XLSX)


@pytest.mark.parametrize(
    "sheet",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="XFD1048576"><v>1</v></c></row>',
        '<row><c r="A1"><v>1</v></c></row><row><c r="XFD999999"><v>1</v></c></row>',
        '<row><c r="XFD1"><v>1</v></c><c r="A9999999"><v>1</v></c><c r="A3"><v>1</v></c></row>',
        '<row r="1"><x><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></x></row>',
    ],
)
def test_two_cells_far_apart_make_no_sheet_of_billions(sheet: str) -> None:
    def change(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        head, _, rest = content.partition(b"<sheetData>")
        return (
            head
            + b"<sheetData>"
            + sheet.encode()
            + b"</sheetData>"
            + rest.partition(b"</sheetData>")[2]
        )

    with pytest.raises(TooLarge, match="delete what is far from the list"):
        read(_repacked(change), XLSX)


@pytest.mark.parametrize(
    "sheet",
    [
        '<c r="XFD1048576"><v>1</v></c><row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row><c r="XFD1048576"><v>1</v></c><row/>',
        '<row r="1"><c r="A1"><v>1</v></c></row><x><c r="XFD1048576"><v>1</v></c></x>',
    ],
)
def test_a_cell_outside_of_rows_is_refused(sheet: str) -> None:
    def change(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        return re.sub(
            rb"<sheetData>.*</sheetData>", f"<sheetData>{sheet}</sheetData>".encode(), content
        )

    with pytest.raises(UnsupportedFormat, match="between its rows"):
        read(_repacked(change), XLSX)


def test_a_cell_that_stands_for_billions_is_refused_but_empty_ones_are_not() -> None:
    empty = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    rows = ods_row("ISBN") + ods_row(ISBN)
    assert isbns(read(ods(rows + empty), ODS)) == [ISBN]
    full = empty.replace(
        "/></table:table-row>", "><text:p>1</text:p></table:table-cell></table:table-row>"
    )
    with pytest.raises(TooLarge, match="delete what is far from the list"):
        read(ods(rows + full), ODS)


def test_formats_far_away_cost_a_spreadsheet_nothing() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["ISBN", ISBN])
        sheet.write_blank(900_000, 16_000, None, book.add_format({"bold": True}))
    assert isbns(read(out.getvalue(), XLSX)) == [ISBN]


def test_a_document_type_in_a_spreadsheet_is_refused() -> None:
    entity = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'

    def change(name: str, content: bytes) -> bytes:
        return content.replace(b"?>", b"?>" + entity, 1) if "sheet1" in name else content

    with pytest.raises(UnsupportedFormat, match="DOCTYPE"):
        read(_repacked(change), XLSX)


# --- arrays -------------------------------------------------------------------------------------

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


@settings(deadline=None)
@given(st.lists(_VALUES, max_size=6), st.integers(1, 40), st.sampled_from([None, 1]))
def test_an_array_in_pieces_is_the_array(values: list[object], size: int, indent: int) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    assert list(wish_json.elements(_cut(text, size))) == storable(values)


@settings(deadline=None)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=5), st.integers(1, 9), st.data())
def test_an_array_that_is_cut_or_followed_by_more_is_refused(
    values: list[int], size: int, data: st.DataObject
) -> None:
    whole = json.dumps(values)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for text in (whole[:cut], whole + "]", whole[:-1] + ",]", whole + whole):
        with pytest.raises(Invalid):
            list(wish_json.elements(_cut(text, size)))


def test_one_wish_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(Invalid, match="has no end"):
        list(wish_json.elements(iter(['["'] + ["x" * 65_536] * 100)))
