"""What partners write over the columns of their lists, in their languages.

A heading is compared without case, blanks, points and full-width forms. Columns that help nobody
find an offer (the number of a row) are known by name as well: they tell a row of headings from a
row of books, and from the lines of a title above the table.

Source: the spreadsheets of exchange partners in China, Japan, Korea, Mongolia, Russia, Taiwan and
Vietnam; ISBD and MARC field names for what they call a column by its number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from service.domain.wish_cells import IDENTIFIER_COLUMNS, WORD_COLUMNS
from service.errors import Invalid

QUANTITY, NOTE = "quantity", "note"

_SPELT: dict[str, str] = {
    "identifier": (
        "identifier | id | offer | offer id | oai id | permalink | link | url | uri | address"
        " | isbn/issn | isbn or issn | isbn issn | 식별자 | 링크 | 주소 | 標識符 | 识别号"
        " | 识别码 | 標識號 | 標識 | 链接 | 連結 | 網址 | 网址 | 識別子 | リンク"
        " | идентификатор | ссылка | адрес | mã định danh | đường dẫn | liên kết | холбоос"
    ),
    "oai_identifier": "oai identifier",
    "isbn": (
        "isbn | isbn13 | isbn10 | isbn no | isbn number | isbns | isbn号 | isbn號 | isbn番号"
        " | isbn번호 | 国际标准书号 | 國際標準書號 | 標準書號 | 标准书号 | 書號 | 书号"
        " | 国際標準図書番号 | 국제표준도서번호 | 표준도서번호 | số isbn | mã isbn"
        " | chỉ số isbn | номер isbn | 020 | 020a | 020$a"
    ),
    "issn": (
        "issn | issn no | issn number | issn号 | issn號 | issn番号 | issn번호"
        " | 国际标准连续出版物号 | 國際標準期刊號 | 国際標準逐次刊行物番号"
        " | 국제표준연속간행물번호 | số issn | номер issn | 022 | 022a | 022$a"
    ),
    "ismn": "ismn",
    "doi": "doi",
    "lccn": "lccn | lc control number | 010 | 010a | 010$a",
    "control_number": (
        "control number | record number | 제어번호 | 控制号 | 控制號 | 記録番号 | 書誌番号"
        " | номер записи | số biểu ghi | 035 | 035a | 035$a"
    ),
    QUANTITY: (
        "quantity | qty | copies | number of copies | no of copies | volumes | 수량 | 부수"
        " | 책수 | 권수 | 数量 | 數量 | 册数 | 冊数 | 冊數 | 部数 | 部數 | 复本数 | 複本數"
        " | số lượng | số bản | số cuốn | количество | кол во | экз | экземпляров"
        " | число экземпляров | тоо ширхэг | тоо"
    ),
    NOTE: (
        "note | notes | remark | remarks | comment | comments | 비고 | 메모 | 참고 | 備考"
        " | メモ | 备注 | 備註 | 附注 | 附註 | ghi chú | примечание | примечания"
        " | комментарий | тайлбар | тэмдэглэл"
    ),
    "title": (
        "title | titles | book title | 書名 | 书名 | 題名 | 题名 | 書籍名 | タイトル"
        " | 本のタイトル | 서명 | 제목 | 표제 | 도서명 | 책제목 | nhan đề | tên sách"
        " | tựa sách | название | заглавие | наименование | книга | номын нэр | гарчиг | 245"
        " | 245a | 245$a"
    ),
    "author": (
        "author | authors | creator | 著者 | 著者名 | 作者 | 责任者 | 責任者 | 著作者 | 저자"
        " | 저자명 | 지은이 | 글쓴이 | tác giả | автор | авторы | зохиолч | зохиогч | 100"
        " | 100a | 100$a"
    ),
    "publisher": (
        "publisher | publishers | 出版社 | 出版者 | 出版 | 発行者 | 発行所 | 발행처 | 발행자"
        " | 출판사 | 출판사명 | nhà xuất bản | nxb | издательство | издатель"
        " | хэвлэлийн газар | хэвлэгч | 260b | 264b"
    ),
    "year": (
        "year | publication year | date | 出版年 | 出版日期 | 発行年 | 刊行年 | 발행년"
        " | 발행연도 | 출판년도 | năm xuất bản | năm xb | год | год издания | хэвлэсэн он"
        " | он"
    ),
    "edition": (
        "edition | ed | edition statement | 판 | 판차 | 판사항 | 版 | 版次 | 版本 | 版表示"
        " | lần xuất bản | издание | номер издания | хэвлэл | 250 | 250a | 250$a"
    ),
    "volume": (
        "volume | vol | part | volume no | 권 | 권차 | 권호 | 卷 | 卷次 | 卷册 | 卷冊 | 巻 | 巻次"
        " | 巻号 | tập | том | часть | боть | 245n | 245$n"
    ),
    "language": (
        "language | lang | language code | 언어 | 言語 | 语言 | 語言 | 语种 | 語種 | ngôn ngữ"
        " | язык | хэл | 041 | 041a | 041$a"
    ),
    # Not read, but known.
    "position": (
        "no | nr | number | # | 번호 | 순번 | 연번 | 序号 | 序號 | 番号 | 編號 | 编号 | stt"
        " | số tt | п/п | № п/п | № | д/д"
    ),
}


class Heading(NamedTuple):
    """One column: its name among ours ("" for one we do not know), and as it was written."""

    name: str
    written: str

    @property
    def is_read(self) -> bool:
        """Whether what stands in this column counts."""
        return (
            self.name in IDENTIFIER_COLUMNS
            or self.name in WORD_COLUMNS
            or self.name in (QUANTITY, NOTE)
        )


def heading(cell: str, known: Mapping[str, str] = MappingProxyType({})) -> Heading:
    """Return what a cell means as the head of a column; ``known`` goes before what we know.

    >>> heading("ＩＳＢＮ-13").name, heading("Nhan đề").name, heading("Кол-во").name
    ('isbn', 'title', 'quantity')
    """
    plain = _plain(cell)
    return Heading(known.get(plain) or _NAMES.get(plain, ""), cell.strip())


def explained(said: Iterable[str]) -> dict[str, str]:
    """Return what a sender says that its headings mean; raise ``Invalid`` that says what is wrong.

    Each is a heading, an equals sign, and the name of a column that is read.

    >>> explained(["本の 名前=title"])
    {'本の名前': 'title'}
    """
    found: dict[str, str] = {}
    for each in said:
        written, _, name = each.rpartition("=")
        name, plain = name.strip().lower(), _plain(written)
        if not plain or len(plain) > _LONGEST or not Heading(name, "").is_read:
            columns = ", ".join([*IDENTIFIER_COLUMNS, *WORD_COLUMNS, QUANTITY, NOTE])
            raise Invalid(
                f"{each[:200]!r} does not say what a heading means; say HEADING=COLUMN, and the "
                f"column is one of {columns}",
                "heading",
            )
        if found.setdefault(plain, name) != name:
            raise Invalid(f"heading {written.strip()!r} is said to be two columns", "heading")
    if len(found) > _MOST:
        raise Invalid(f"at most {_MOST} headings are explained with a list", "heading")
    return found


_LONGEST, _MOST = 200, 50


def headings(
    cells: Sequence[str], explained: Mapping[str, str] = MappingProxyType({})
) -> tuple[Heading, ...] | None:
    """Return the columns that a row heads, or None if it is no row of headings.

    It is one if it names a column with identifiers or titles, or at least two that we know.
    """
    found = tuple(heading(cell, explained) for cell in cells)
    known = {each.name for each in found if each.name}
    telling = known & {*IDENTIFIER_COLUMNS, "title"}
    return found if telling or len(known) > 1 else None


def examples() -> str:
    """Return headings that are understood, for whoever must write one."""
    return ", ".join(
        [*IDENTIFIER_COLUMNS, "title", "국제표준도서번호", "书号", "書名", "서명", "ссылка"]
    )


def _plain(text: str) -> str:
    return re.sub(r"[\s\-_.:;,/()\[\]*\"'·]+", "", unicodedata.normalize("NFKC", text).casefold())


def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for name, spelt in _SPELT.items():
        for each in spelt.split(" | "):
            if names.setdefault(_plain(each), name) != name:
                raise AssertionError(f"heading {each!r} stands in the table for two columns")
    return names


_NAMES = _names()
