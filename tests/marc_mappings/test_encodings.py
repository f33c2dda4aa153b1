"""Bytes to text: right, or said to be doubtful; never wrong in silence."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings import encodings, formats, iso2709
from marc_mappings.formats import Parsed
from marc_mappings.letters import glimpse, marc8
from tests.marc_mappings.conftest import record
from tests.marc_mappings.reencoding import frame

TITLE = "245 00$a"


def _read(title: bytes, leader9: str) -> Parsed:
    """Read a record whose title has these very bytes."""
    raw = iso2709.write(record("001 x", TITLE + "T" * len(title)))
    raw = raw.replace(b"T" * len(title), title)
    item = formats.read_one(raw[:9] + leader9.encode() + raw[10:])
    assert isinstance(item, Parsed)
    return item


def _title(item: Parsed) -> str:
    return next(item.record.all("245")).first("a")


def _codes(item: Parsed) -> set[str]:
    return {problem.code for problem in item.problems}


def test_utf8_with_a_blank_leader9_is_read_right_with_a_note() -> None:
    item = _read("채식주의자".encode(), " ")
    assert (_title(item), item.encoding, item.encoding_certain) == ("채식주의자", "utf-8", True)
    assert _codes(item) == {"leader-says-marc8"}
    assert item.outcome == "ok"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Les mis\xe2erables", "Les misérables"),
        (b"\xa1\xf2al", "Ł\u0323al".replace("\u0323a", "ạ")),
        (b"\x1b(NsOYT\x1b(B", "СоыТ"),
        (b"\x1b$1!Qz\x1b(B abc", None),
        (b"a\x88The \x89 b", "a\x98The \x9c b"),
    ],
)
def test_marc8_is_read(data: bytes, text: str | None) -> None:
    item = _read(data, " ")
    assert item.encoding == "marc-8"
    if text is not None and "СоыТ" not in text:
        assert _title(item) == text
        assert item.outcome == "ok"


def test_what_marc8_does_not_know_shows_and_is_told() -> None:
    item = _read(b"abc\x1b$1\x7e\x7e\x7e\x1b(Bdef", " ")
    assert _title(item) == "abc\ufffddef"
    assert "character-undecodable" in _codes(item)
    assert (item.outcome, item.encoding_certain) == ("repaired", False)
    assert next(p.tag for p in item.problems if p.code == "character-undecodable") == "245"


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("채식주의자 장편소설", "cp949"),
        ("Война и мир: роман", "cp1251"),
        ("Études à la française, été", "latin-1"),
        ("吾輩は猫である", "shift_jis"),
        ("红楼梦 曹雪芹", "gb18030"),
        ("紅樓夢 曹雪芹", "big5"),
    ],
)
def test_other_encodings_are_doubted_and_never_certain(text: str, charset: str) -> None:
    item = _read(text.encode(charset), " ")
    assert not item.encoding_certain
    assert {"encoding-doubtful"} <= _codes(item)


def test_broken_utf8_is_read_as_far_as_it_goes() -> None:
    item = _read("한강".encode() + b"\xff" + "채식".encode(), "a")
    assert _title(item) == "한강\ufffd채식"
    assert (item.encoding, item.encoding_certain, item.outcome) == ("utf-8", False, "repaired")


def test_marc8_under_a_leader_that_says_utf8_is_read_as_marc8() -> None:
    item = _read(b"Les mis\xe2erables", "a")
    assert _title(item) == "Les misérables"
    assert (item.encoding, item.encoding_certain) == ("marc-8", False)
    assert _codes(item) == {"leader-says-utf8"}


def test_text_is_composed_and_a_mark_never_joins_a_subfield_code() -> None:
    item = _read(normalize("NFD", "채식 ŭ").encode(), "a")
    assert _title(item) == "채식 ŭ"
    assert _title(_read("\u0301x".encode(), "a")) == "\u0301x"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\x00b", "ab"),
        (b"a\tb", "a b"),
        ("a\ufffeb".encode(), "a\ufffdb"),
        ("a\u0085b".encode(), "a b"),
        ("a\u0088b\u0089c".encode(), "a\x98b\x9cc"),
    ],
)
def test_control_characters_are_mended_and_told(data: bytes, text: str) -> None:
    item = _read(data, "a")
    assert _title(item) == text
    assert item.outcome == "repaired"
    assert _codes(item) & {"control-character", "character-not-allowed"}


@given(st.text())
def test_text_without_junk_is_fit_for_xml(text: str) -> None:
    clean = encodings.without_junk(text)
    assert not encodings.JUNK.search(clean)
    assert encodings.without_junk(clean) == clean


@given(st.binary(max_size=60))
def test_any_bytes_can_be_decoded_as_anything(data: bytes) -> None:
    for encoding in (encodings.UTF8, encodings.MARC8):
        text, bad = encodings.decode(data, encoding)
        assert bad >= 0
        assert encodings.normalized(text) == text


def _legacy_book(title: str, charset: str, language: str) -> bytes:
    coded = f"008 070301s2007    xx  ||||||||||||||| {language} d"
    raw = iso2709.write(record("001 x", coded, TITLE + title))
    seen = glimpse.of_frame(raw)
    fields = [data.decode().encode(charset) for data in seen.fields[: len(seen.tags)]]
    return frame(seen.leader[:9] + b" " + seen.leader[10:], zip(seen.tags, fields, strict=True))


def test_a_title_in_the_language_its_record_names_is_certain_with_a_note() -> None:
    choice = encodings.choose(_legacy_book("채식주의자 : 한강 장편소설", "cp949", "kor"), " ")
    assert (choice.encoding, choice.certain) == ("cp949", True)
    assert [each.code for each in choice.problems] == ["encoding-found"]


def test_a_small_letter_title_that_may_be_capitals_of_another_set_is_doubted() -> None:
    raw = _legacy_book("роман в четырёх томах с рисунками и примечаниями", "cp1251", "rus")
    choice = encodings.choose(raw, " ")
    assert (choice.encoding, choice.certain) == ("cp1251", False)
    assert [each.code for each in choice.problems] == ["encoding-doubtful"]


def test_latin1_that_keeps_the_rules_of_marc8_by_accident_is_not_read_so_in_silence() -> None:
    for title, language in (("Frédéric", "fre"), ("Doña Bárbara", "spa"), ("Kenzaburo née", "eng")):
        choice = encodings.choose(_legacy_book(title, "cp1252", language), " ")
        assert choice.encoding == "cp1252" or not choice.certain
        assert choice.certain or choice.problems


def test_a_record_that_fits_its_file_follows_it_and_another_is_doubted() -> None:
    verdict = encodings.Verdict("cp1251", True, (), frozenset({"rus"}))
    follows = encodings.choose(_legacy_book("Мир", "cp1251", "rus"), " ", verdict, "marc21")
    assert (follows.encoding, follows.certain) == ("cp1251", True)
    other = encodings.choose(_legacy_book("Θεωρία και πράξη", "cp1253", "gre"), " ", verdict)
    assert not other.certain
    assert [each.code for each in other.problems] == ["encoding-doubtful"]


def test_a_set_that_the_record_is_read_alike_in_is_no_reason_to_doubt_it() -> None:
    twins = encodings.Verdict("cp1252", True, (), frozenset({"fre"}), ("iso8859-15",))
    assert encodings.choose(_legacy_book("L'été", "cp1252", "fre"), " ", twins).certain
    assert not encodings.choose(_legacy_book("Cœur d'été", "cp1252", "fre"), " ", twins).certain


def test_twins_are_told_apart_by_a_sign_where_a_letter_must_stand() -> None:
    twins = encodings.Verdict("iso8859-15", True, (), frozenset({"fre"}), ("cp1252",))
    for title, certain in (("Mœurs", True), ("Œuvres", True), ("Prix 5 €", False)):
        choice = encodings.choose(_legacy_book(title, "iso8859-15", "fre"), " ", twins)
        assert (choice.encoding, choice.certain) == ("iso8859-15", certain)


def test_sets_that_are_equally_likely_are_no_reason_to_doubt_what_they_read_alike() -> None:
    open_file = encodings.Verdict("cp1250", False, (), frozenset({"slo"}), ("iso8859-2",))
    alike = encodings.choose(_legacy_book("Dejiny národa", "cp1250", "slo"), " ", open_file)
    assert (alike.encoding, alike.certain) == ("cp1250", True)
    other = encodings.choose(_legacy_book("Život", "cp1250", "slo"), " ", open_file)
    assert not other.certain


@pytest.mark.parametrize("verdict", ["cp1252", "marc-8"])
def test_a_record_that_is_certain_alone_stays_so_in_a_file_that_is_open(verdict: str) -> None:
    good = _book_of_bytes(b"Montr\xe2eal, Qu\xe2ebec")
    broken = _book_of_bytes(b"Easy livin\xe1-- can\xb4t")
    for raw, certain in ((good, True), (broken, False)):
        assert encodings.choose(raw, " ").certain is certain
        choice = encodings.choose(raw, " ", encodings.Verdict(verdict, False), "marc21")
        assert choice.certain is certain
    assert encodings.choose(good, " ", encodings.Verdict(verdict, False)).encoding == "marc-8"


def test_a_record_that_reads_well_in_marc8_is_open_in_a_file_that_is_certain_of_another() -> None:
    raw = _book_of_bytes(b"Montr\xe2eal, Qu\xe2ebec")
    choice = encodings.choose(raw, " ", encodings.Verdict("cp1252", True))
    assert (choice.encoding, choice.certain) == ("cp1252", False)
    assert [each.code for each in choice.problems] == ["encoding-doubtful"]


def test_a_record_in_latin1_is_open_in_a_file_that_is_certain_of_marc8() -> None:
    verdict = encodings.Verdict("marc-8", True, (), frozenset({"fre"}))
    for title in ("Fréron, d'après des inédits", "Félice, légendes"):
        raw = _legacy_book(title, "cp1252", "fre")
        assert marc8.keeps_the_rules(raw)
        choice = encodings.choose(raw, " ", verdict, "marc21")
        assert [each.code for each in choice.problems] == ["encoding-doubtful"]


def test_proof_of_marc8_is_certain_though_another_mark_of_the_record_is_broken() -> None:
    raw = _book_of_bytes(b"Russka\xebi\xeca kon\xebt\xecsa stat'\xebila")
    verdict = encodings.Verdict("marc-8", True, (), frozenset({"eng"}))
    assert encodings.choose(raw, " ", verdict, "marc21")[:2] == ("marc-8", True)


def _book_of_bytes(title: bytes) -> bytes:
    coded = b"070301s2007    xxu||||||||||||||| eng d"
    fields = [(b"001", b"x"), (b"008", coded), (b"245", b"00\x1fa" + title)]
    return frame(b"00000nam a2200000 i 4500"[:9] + b" " + b"2200000 i 4500", fields)


def test_unimarc_has_no_leader9_to_contradict() -> None:
    choice = encodings.choose("Écrits".encode(), " ", None, "unimarc")
    assert choice == ("utf-8", True, ())


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    _read(b"\x1b$1\x21", " ")
    _read(b"\xc9\xca\xbf", " ")
    assert capfd.readouterr().err == ""
