"""A spreadsheet row becomes a record that any library system takes."""

from __future__ import annotations

import pytest
from lxml import etree

from marc_mappings import formats, iso2709, marcxml, oai_dc, summary, table_to_marc21
from marc_mappings.record import Record
from marc_mappings.table_to_marc21 import EmptyRow, convert

ROWS = {
    "kor": {
        "key": "kor-1", "agency": "KR-BUL", "language": "kor", "title": "채식주의자",
        "title_romanised": "Ch'aesikchuŭija", "subtitle": "한강 연작소설", "author": "한강",
        "author_romanised": "Han, Kang", "publisher": "창비", "publisher_romanised": "Ch'angbi",
        "place": "파주", "place_romanised": "P'aju", "country": "KR", "year": "2007",
        "isbn": "978-89-364-3359-8", "extent": "247 p.", "subject": "Korean fiction | 소설",
    },
    "chi": {"language": "zho", "title": "红楼梦", "title_romanised": "Hong lou meng",
            "author": "曹雪芹", "author_romanised": "Cao, Xueqin", "country": "CN", "year": "1982"},
    "jpn": {"language": "Japanese", "title": "吾輩は猫である", "author": "夏目漱石",
            "title_romanised": "Wagahai wa neko de aru", "country": "ja", "year": "1905年"},
    "vie": {"language": "vie", "title": "Truyện Kiều", "author": "Nguyễn Du", "country": "vm"},
    "mon": {"language": "mon", "title": "Тунгалаг Тамир", "title_romanised": "Tungalag Tamir",
            "author": "Чадраабалын Лодойдамба", "country": "MN", "year": "1962"},
    "eng": {"language": "eng", "title": "The sea, the sea", "author": "Murdoch, Iris",
            "publisher": "Chatto & Windus", "place": "London", "country": "United Kingdom",
            "year": "1978", "isbn": "0-7011-2339-7"},
}  # fmt: skip


def _lines(record: Record) -> list[str]:
    return [
        f"{field.tag} {field.indicators}{field.value}"
        + "".join(f"${code}{value}" for code, value in field.subfields)
        for field in record.fields
        if field.tag not in ("336", "337", "338")
    ]


def test_a_korean_row_has_the_romanised_form_and_the_original_linked() -> None:
    made, lost = convert(ROWS["kor"])
    assert lost == ()
    assert _lines(made) == [
        "001 kor-1",
        "003 KR-BUL",
        "008 000000s2007    ko |||||||||||||| ||kor d",
        "020   $a9788936433598",
        "100 1 $6880-01$aHan, Kang",
        "245 10$6880-02$aCh'aesikchuŭija /$cHan Kang.",
        "264  1$6880-03$aP'aju :$bCh'angbi,$c2007.",
        "300   $a247 p.",
        "650  4$aKorean fiction",
        "650  4$a소설",
        "880 1 $6100-01/$1$a한강",
        "880 10$6245-02/$1$a채식주의자 :$b한강 연작소설 /$c한강.",
        "880  1$6264-03/$1$a파주 :$b창비,$c2007.",
    ]


def test_without_romanisation_the_original_stands_in_the_field() -> None:
    made, _ = convert(ROWS["vie"])
    assert _lines(made)[1:] == ["100 0 $aNguyễn Du", "245 10$aTruyện Kiều /$cNguyễn Du."]


def test_an_english_row_skips_its_article_and_says_the_name_as_it_is_said() -> None:
    made, _ = convert(ROWS["eng"])
    assert "245 14$aThe sea, the sea /$cIris Murdoch." in _lines(made)
    assert "020   $a9780701123390" in _lines(made)


def test_mongolian_is_linked_with_its_own_script_code() -> None:
    made, _ = convert(ROWS["mon"])
    lines = _lines(made)
    assert "245 10$6880-01$aTungalag Tamir." in lines
    assert "880 10$6245-01/(N$aТунгалаг Тамир /$cЧадраабалын Лодойдамба." in lines
    assert "100 0 $aЧадраабалын Лодойдамба" in lines


@pytest.mark.parametrize("name", ROWS)
def test_every_row_makes_a_valid_record_that_reads_as_written(
    schemas: etree.XMLSchema, name: str
) -> None:
    made, lost = convert(ROWS[name])
    assert lost == ()
    assert len(made.leader) == 24
    assert len(made.control("008")) == 40
    for raw in (iso2709.write(made), marcxml.write(made)):
        again = formats.read_one(raw)
        assert isinstance(again, formats.Parsed)
        assert again.record.fields == made.fields
        assert again.outcome == "ok"
    schemas.assertValid(etree.fromstring(marcxml.write(made)))
    schemas.assertValid(etree.fromstring(oai_dc.write(made)))


@pytest.mark.parametrize(
    ("name", "place", "language", "year"),
    [
        ("kor", "KR", "kor", "2007"),
        ("chi", "CN", "chi", "1982"),
        ("jpn", "JP", "jpn", "1905"),
        ("vie", "VN", "vie", ""),
        ("mon", "MN", "mon", "1962"),
        ("eng", "GB", "eng", "1978"),
    ],
)
def test_the_fixed_field_says_where_when_and_in_which_language(
    name: str, place: str, language: str, year: str
) -> None:
    said = summary.of_record(convert(ROWS[name])[0])
    assert (said.place, said.languages, said.published) == (place, (language,), year)


def test_several_languages_make_an_041() -> None:
    made, _ = convert({"title": "X", "language": "kor | English"})
    assert "041 0 $akor$aeng" in _lines(made)
    assert made.control("008")[35:38] == "kor"


def test_a_wrong_isbn_is_kept_as_invalid() -> None:
    made, _ = convert({"title": "X", "isbn": "9788936434121"})
    assert "020   $z9788936434121" in _lines(made)


def test_what_is_not_understood_is_lost_and_said() -> None:
    _, lost = convert({"title": "X", "language": "elvish", "country": "Mordor", "shelf": "B3"})
    assert lost == ("shelf", "language", "country")


@pytest.mark.parametrize("row", [{}, {"title": "  "}, {"author": "한강"}, {"title": "\x00"}])
def test_a_row_without_a_title_is_refused_with_words(row: dict[str, str]) -> None:
    with pytest.raises(EmptyRow, match="at least the column title"):
        convert(row)


def test_every_column_of_the_lines_is_documented() -> None:
    used = {part.column for line in table_to_marc21.LINES for part in line.parts}
    assert used <= set(table_to_marc21.COLUMNS)


def test_the_date_entered_is_said_by_the_host_or_left_open() -> None:
    for said, written, lost in (("261122", "261122", ()), ("soon", "000000", ("entered",))):
        record, missing = convert({"title": "A", "entered": said})
        assert record.control("008")[:6] == written
        assert missing == lost
    assert convert({"title": "A"})[0].control("008")[:6] == "000000"
