"""Summaries, search terms, Dublin Core, steps: what is shown and found of a record."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from marc_mappings import codes, marc21_to_dc, oai_dc, rules, search_terms, spec, steps, summary
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, LEADER, record

EMPTY = Record(LEADER, ())


def test_a_summary_has_both_scripts() -> None:
    assert summary.of_record(BOOK) == summary.Summary(
        title="Ch'aesikchuŭija",
        title_vernacular="채식주의자",
        author="Han, Kang",
        author_vernacular="한강",
        publisher="Ch'angbi",
        published="2007",
        languages=("kor",),
        place="KR",
        isbns=("9788936433598",),
    )


def test_a_title_in_its_own_script_has_no_other_own_script() -> None:
    made = record("245 00$6880-01$a채식주의자", "880 00$6245-01/(B$aChaesikchuuija")
    assert summary.of_record(made)[:2] == ("채식주의자", "")


def test_an_empty_record_has_an_empty_summary() -> None:
    assert summary.of_record(EMPTY) == ("", "", "", "", "", "", ("und",), "ZZ", ())


@pytest.mark.parametrize(
    ("lines", "year"),
    [
        (["008 070301s2007    ko            000 1 kor d"], "2007"),
        (["008 070301s19uu    ko            000 1 kor d", "260 __$cc1987."], "1987"),
        (["008 070301||||||||||||", "264 _1$c[2001?]"], "2001"),
        (["260 __$cn.d."], ""),
        ([], ""),
    ],
)
def test_the_year_is_a_year_or_nothing(lines: list[str], year: str) -> None:
    assert summary.published(record(*lines)) == year


@pytest.mark.parametrize(
    ("lines", "languages"),
    [
        (["041 0_$akor$aeng$hger"], ("kor", "eng")),
        (["041 0_$aengkor"], ("eng", "kor")),
        (["008 070301s2007    ko            000 1 mul d", "041 0_$akor$ajpn"], ("kor", "jpn")),
        (["008 070301s2007    ko            000 1 scr d"], ("hrv",)),
        (["041 07$ako$2iso639-1"], ("und",)),
        (["041 0_$axx?"], ("und",)),
    ],
)
def test_languages_are_marc_codes(lines: list[str], languages: tuple[str, ...]) -> None:
    assert summary.languages(record(*lines)) == languages


def test_the_publisher_is_said_before_the_printer() -> None:
    made = record("264 _3$aSeoul :$bPrinter,", "264 _1$aSeoul :$bPublisher,$c2001.")
    assert summary.of_record(made).publisher == "Publisher"


@pytest.mark.parametrize(
    ("code", "iso"),
    [
        *(("ko", "KR"), ("cc", "CN"), ("ch", "TW"), ("ja", "JP"), ("vm", "VN"), ("mp", "MN")),
        *(("xxu", "US"), ("nyu", "US"), ("enk", "GB"), ("xxk", "GB"), ("onc", "CA"), ("xx ", "ZZ")),
        *(("xna", "AU"), ("hk ", "HK"), ("ur ", "RU"), ("   ", "ZZ"), ("|||", "ZZ"), ("?", "ZZ")),
    ],
)
def test_places_of_publication_are_iso_codes(code: str, iso: str) -> None:
    assert codes.place_of(code) == iso


def test_every_country_and_language_has_a_name() -> None:
    for country in codes.countries().values():
        assert country.name
        assert country.now in codes.countries()
        if country.iso != "ZZ":
            assert codes.place_name(country.iso) != "Unknown place", country
    for language in codes.languages().values():
        assert codes.language_name(language.marc) == language.name
        assert language.now in codes.languages()
    assert codes.place_name("KR") == "Korea (South)"
    assert codes.marc_country("HK") == "cc"


# --- search terms --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Chaesikchuŭija", "chaesikchuuija"),
        ("채식주의자", "주의자"),
        ("吾輩は猫である", "猫である"),
        ("红楼梦", "红楼"),
        ("Truyện Kiều", "truyen kieu"),
        ("Đất nước", "dat nuoc"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("ガラス", "ガラス"),
        ("Straße", "STRASSE"),
        ("Монгол Улсын түүх", "МОНГОЛ улсын ТҮҮХ"),
        ("O'Brien", "obrien"),
        ("Ch‘aesik", "chʻaesik"),
        ("लेख संग्रह", "लेख"),
        ("國語辭典", "国语辞典"),
        ("図書館", "圖書"),
    ],
)
def test_what_is_asked_meets_what_is_stored(stored: str, asked: str) -> None:
    assert set(search_terms.of_text(asked)) <= set(search_terms.of_text(stored))
    assert search_terms.of_text(asked)


def test_a_voiced_kana_is_another_letter() -> None:
    assert search_terms.of_text("カキ") != search_terms.of_text("ガキ")


def test_terms_of_a_record_cover_every_script_and_the_isbn() -> None:
    terms = search_terms.of_record(
        record(*("020 __$a8936434128",), "245 00$aSea", "880 00$6245-01/{1}$a채식")
    )
    assert terms.split() == ["9788936434120", "채식", "채", "식", "sea"]
    found = set(search_terms.of_record(BOOK).split())
    assert {"chaesikchuuija", "채식", "식주", "한강", "han", "kang", "changbi", "fiction"} <= found


def test_terms_of_a_record_hold_single_characters_and_numbers_without_hyphens() -> None:
    found = search_terms.of_record(
        record(
            *("001 KMO 201", "010 __$a   85-2", "020 __$a89-364-3412-1 (wrong)"),
            *("022 0_$a1234-5679", "024 7_$a10.1000/abc$2doi", "035 __$a(OCoLC)ocm00012345"),
            "245 00$a그림책",
        )
    ).split()
    assert {"85000002", "8936434121", "12345679", "10", "1000", "abc", "12345"} <= set(found)
    assert {"kmo", "201", "그림", "림책", "그", "림", "책"} <= set(found)


def test_hanja_of_a_korean_record_are_found_as_they_are_read() -> None:
    for language, expected in (("kor", True), ("chi", False)):
        fixed = f"008 260101s2020    ko            000 0 {language} d"
        found = set(search_terms.of_record(record(fixed, "245 00$a韓國文學史")).split())
        assert ({"한국", "국문", "문학", "학사"} <= found) is expected
        assert set(search_terms.of_text("韓国")) <= found


@given(st.text())
def test_terms_are_plain_distinct_and_bounded(text: str) -> None:
    terms = search_terms.of_text(text)
    assert len(set(terms)) == len(terms) <= search_terms.MOST_TERMS
    assert all(term and not any(char.isspace() for char in term) for term in terms)


def test_terms_take_linear_time() -> None:
    def seconds(text: str) -> float:
        started = time.process_time()
        search_terms.of_text(text)
        return time.process_time() - started

    for piece in ("가나다라", "a-", "e\u0301", "x", "-" * 10, "word "):
        assert seconds(piece * 100_000) < 1.5


def test_a_record_of_a_million_words_has_bounded_terms() -> None:
    words = " ".join(f"w{number}" for number in range(50_000))
    made = record(f"245 00$a{words}", f"650 _0$a{words}é")
    assert len(search_terms.of_record(made).split()) == search_terms.MOST_TERMS


# --- Dublin Core ---------------------------------------------------------------------------


def test_dublin_core_says_what_the_record_says_in_both_scripts() -> None:
    pairs, lost = marc21_to_dc.convert(BOOK)
    assert pairs == (
        ("title", "Ch'aesikchuŭija"),
        ("title", "채식주의자"),
        ("creator", "Han, Kang"),
        ("creator", "한강"),
        ("subject", "Korean fiction"),
        ("publisher", "Ch'angbi"),
        ("date", "2007"),
        ("type", "Text"),
        ("format", "247 p. ; 23 cm"),
        ("identifier", "URN:ISBN:9788936433598"),
        ("language", "kor"),
    )
    assert lost == ()


def test_nothing_is_invented_of_an_empty_record(schemas: etree.XMLSchema) -> None:
    nothing = Record(" " * 24, ())
    assert marc21_to_dc.convert(nothing) == ((), ())
    schemas.assertValid(etree.fromstring(oai_dc.write(nothing)))


def test_what_no_row_takes_is_reported_lost() -> None:
    _, lost = marc21_to_dc.convert(record("245 00$aX", "999 __$alocal", "534 __$ax", "263 __$a2"))
    assert [loss.tag for loss in lost] == ["999", "263"]


def test_valid_numbers_are_urns_and_others_stay_as_they_are() -> None:
    pairs, _ = marc21_to_dc.convert(
        record(
            "020 __$a8936434128 (pbk.)",
            "020 __$a12345",
            "022 __$a0317-8471",
            "024 7_$a10.1000/x$2doi",
        )
    )
    assert ("identifier", "URN:ISBN:9788936434120") in pairs
    assert ("identifier", "12345") in pairs
    assert ("identifier", "URN:ISSN:0317-8471") in pairs
    assert ("identifier", "https://doi.org/10.1000/x") in pairs


def test_subjects_keep_their_subdivisions() -> None:
    pairs, _ = marc21_to_dc.convert(record("650 _0$aWomen$zKorea$vFiction."))
    assert ("subject", "Women -- Korea -- Fiction") in pairs


@pytest.mark.parametrize(
    ("name", "place", "steps", "source"),
    [
        ("titel", "245a", (), "LC"),
        ("title", "24a", (), "LC"),
        ("title", "245|12", (), "LC"),
        ("title", "245a", (), ""),
        ("title", "245a", ("strip",), "LC"),
    ],
)
def test_a_wrong_row_fails_when_it_is_defined(
    name: str, place: str, steps: tuple[rules.Step, ...], source: str
) -> None:
    with pytest.raises(ValueError, match=r"Wrong row|no place"):
        rules.Table([marc21_to_dc.element(name, place, steps, source)])


def test_a_place_may_ask_for_indicators() -> None:
    place = spec.place("264|*1|b")
    first, second = record("264 _1$bP", "264 _4$bQ").fields
    assert (place.has_room_for(first), place.has_room_for(second)) == (True, False)


# --- steps ---------------------------------------------------------------------------------


def test_local_fields_stay_at_home_and_every_880_goes() -> None:
    made = record(
        "001 x", "049 __$aABC", "090 __$aB", "245 00$aT", "590 __$an", "852 __$as", "876 __$pi",
        "880 00$6245-01/{1}$a채", "880 __$6590-02/{1}$a메모", "949 __$al",
    )  # fmt: skip
    kept = steps.without_local_fields(made)
    assert [field.tag for field in kept.fields] == ["001", "245", "880"]
    assert steps.without_local_fields(kept) is kept


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("Title :", "Title"),
        ("Title /", "Title"),
        ("Title.", "Title"),
        ("King, Martin Luther, Jr.", "King, Martin Luther, Jr."),
        ("Austen, J.", "Austen, J."),
        ("Who? ", "Who?"),
        ("And then ...", "And then ..."),
        (" : ", ""),
        ("", ""),
    ],
)
def test_isbd_punctuation_is_trimmed_and_abbreviations_are_kept(text: str, trimmed: str) -> None:
    assert steps.trim_isbd(text) == trimmed


@given(st.text())
def test_trimming_twice_is_trimming_once_and_loses_no_word(text: str) -> None:
    once = steps.trim_isbd(text)
    assert once in text
