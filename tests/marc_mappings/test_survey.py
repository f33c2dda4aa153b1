"""A whole file says which encoding and dialect it is in: measured over real records."""

from __future__ import annotations

import tracemalloc
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import encodings, survey
from marc_mappings.letters.decoding import NAMES
from marc_mappings.letters.witnesses import Sample, main_languages
from marc_mappings.survey import Said
from tests.marc_mappings.conftest import record
from tests.marc_mappings.reencoding import (
    Tally,
    frame,
    frames,
    frames_of_xml,
    reencoded,
    tally,
    tally_alone,
)

EVERGREEN = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets"
KORMARC = "kolas3__kolas/develop/Source/ESL/MARC/marc.txt"
RUSMARC = "amironov73__ManagedIrbis/TestData/TEST1.ISO"
RUSSIAN = "edsu__pymarc/test/1251.dat"
SLOVAK = "OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc"
JAPANESE = "next-l__enju_leaf/spec/fixtures/files/marc21.dat"
CHINESE = "DigitalPlatform__dp2/dp2Catalog/SRU/sample_kormarcxml.xml"
FRENCH = f"{EVERGREEN}/lul_fre_500.mrc"
MARC8 = [
    f"{EVERGREEN}/hebrew.marc",
    f"{EVERGREEN}/jazz_1k.mrc",
    FRENCH,
    f"{EVERGREEN}/oss.marc",
    "solrmarc__solrmarc/test/data/records/specTestRecs.mrc",
    "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc",
    "folio-org__mod-data-import/src/test/resources/61PRINT160129.mrc",
]


def _legacy(path: Path) -> list[bytes]:
    return [raw for raw in frames(path) if not raw.isascii()]


@pytest.mark.parametrize(
    ("name", "encoding", "dialect"),
    [
        (KORMARC, "cp949", "kormarc"),
        (RUSMARC, "cp1251", "rusmarc"),
        ("loge-gh__rusmarc/tests/data/TEST2.ISO", "cp1251", "rusmarc"),
        (RUSSIAN, "cp1251", "marc21"),
        (SLOVAK, "utf-8", "unimarc"),
        (f"{EVERGREEN}/FSL.marc", "utf-8", "marc21"),
        (JAPANESE, "utf-8", "marc21"),
        *[(name, "marc-8", "marc21") for name in MARC8],
    ],
)
def test_a_real_file_is_known_for_certain(
    corpus: Path, name: str, encoding: str, dialect: str
) -> None:
    found = survey.of_frames(frames(corpus / name))
    assert (found.encoding.encoding, found.encoding.certain) == (encoding, True)
    assert (found.dialect.dialect, found.dialect.certain) == (dialect, True)
    assert found.encoding.evidence
    assert found.dialect.evidence


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        (KORMARC, "cp949"),
        (RUSMARC, "cp1251"),
        (RUSSIAN, "cp1251"),
        (SLOVAK, "utf-8"),
        (f"{EVERGREEN}/FSL.marc", "utf-8"),
    ],
)
def test_every_title_of_a_real_file_is_right_and_certain(
    corpus: Path, name: str, truth: str
) -> None:
    raws = _legacy(corpus / name)
    assert raws
    assert tally(raws, truth) == Tally(len(raws), len(raws), len(raws), 0)


@pytest.mark.parametrize(
    ("name", "encoding", "least"),
    [
        (CHINESE, "gb18030", 10),
        (CHINESE, "gbk", 10),
        (JAPANESE, "cp932", 100),
        (JAPANESE, "shift_jis", 100),
        (JAPANESE, "euc_jp", 100),
        (SLOVAK, "cp1250", 250),
        (SLOVAK, "iso8859-2", 250),
        (SLOVAK, "iso5426", 250),
        (SLOVAK, "cp852", 250),
    ],
)
def test_a_file_put_into_an_old_set_is_read_right(
    corpus: Path, name: str, encoding: str, least: int
) -> None:
    path = corpus / name
    read = frames_of_xml if path.suffix == ".xml" else frames
    raws = list(islice(reencoded(read(path), encoding), 250))
    assert len(raws) >= least
    found = tally(raws, encoding)
    assert found.silent == 0
    assert found.right >= 0.99 * found.read
    assert found.certain >= 0.99 * found.read
    alone = tally_alone(raws[:15], encoding)
    assert alone.silent == 0
    assert alone.right >= 0.97 * alone.read


def _in_utf8(raws: list[bytes], encoding: str) -> list[bytes]:
    """Put legacy records into UTF-8, so that they can be put into other sets."""
    whole = []
    for raw in raws:
        fields = encodings.decode(raw[int(raw[12:17]) :], encoding)[0].split("\x1e")[:-1]
        tags = [raw[at : at + 3] for at in range(24, int(raw[12:17]) - 1, 12)]
        texts = [field.encode() for field in fields]
        whole.append(frame(raw[:24], zip(tags, texts, strict=True)))
    return whole


@pytest.mark.parametrize("encoding", ["koi8-r", "cp866", "iso8859-5"])
@pytest.mark.parametrize("name", [RUSMARC, RUSSIAN])
def test_russian_records_are_read_right_though_they_declare_another_set(
    corpus: Path, name: str, encoding: str
) -> None:
    raws = list(reencoded(_in_utf8(_legacy(corpus / name), "cp1251"), encoding))
    assert len(raws) >= 5
    assert tally(raws, encoding) == Tally(len(raws), len(raws), len(raws), 0)
    assert tally_alone(raws, encoding).silent == 0


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-1", "cp850", "iso8859-15"])
def test_french_records_are_read_right(corpus: Path, encoding: str) -> None:
    raws = list(reencoded(_in_utf8(_legacy(corpus / FRENCH), "marc-8"), encoding))
    assert len(raws) > 150
    found = tally(raws, encoding)
    assert found.right >= 0.99 * found.read
    assert found.silent == 0
    assert found.certain >= 0.99 * found.read
    alone = tally_alone(raws[:20], encoding)
    assert alone.silent == 0


@pytest.mark.parametrize(
    ("name", "least"), [(f"{EVERGREEN}/jazz_1k.mrc", 0.9), (MARC8[-1], 0.94), (FRENCH, 1.0)]
)
def test_in_files_of_three_records_damage_does_not_spread(
    corpus: Path, name: str, least: float
) -> None:
    raws = _legacy(corpus / name)
    found = [tally(raws[at : at + 3], "marc-8") for at in range(0, len(raws), 3)]
    assert sum(each.silent for each in found) == 0
    assert sum(each.certain for each in found) >= least * len(raws)


@pytest.mark.parametrize(("encoding", "least"), [("iso8859-2", 0.75), ("cp1250", 0.9)])
def test_small_files_in_sets_that_are_nearly_alike_are_right_or_open(
    corpus: Path, encoding: str, least: float
) -> None:
    raws = list(islice(reencoded(frames(corpus / SLOVAK), encoding), 150))
    found = [tally(raws[at : at + 3], encoding) for at in range(0, len(raws), 3)]
    assert sum(each.silent for each in found) == 0
    assert sum(each.right for each in found) == len(raws)
    assert sum(each.certain for each in found) >= least * len(raws)


def _book(number: int, title: str, language: str, country: str) -> bytes:
    fields = [
        (b"001", b"%06d" % number),
        (b"008", f"070301s2007    {country:3} ||||||||||||||| {language} d".encode()),
        (b"245", f"00\x1fa{title}".encode()),
    ]
    return frame(b"00000nam a2200000 i 4500", fields)


VIETNAMESE = [
    "Dế Mèn phiêu lưu ký : truyện đồng thoại",
    "Truyện Kiều của Nguyễn Du, bản dịch mới",
    "Lịch sử Việt Nam từ nguồn gốc đến thế kỷ mười chín",
    "Phóng sự báo chí : lý thuyết, kỹ năng và kinh nghiệm",
    "Tuyển tập truyện ngắn Nam Cao",
    "Đại Việt sử ký toàn thư",
    "Văn học dân gian các dân tộc thiểu số",
    "Từ điển tiếng Việt phổ thông",
    "Hồi ức của một người lính cũ",
    "Kinh tế nông nghiệp vùng đồng bằng sông Cửu Long",
    "Số đỏ : tiểu thuyết",
    "Bảo tồn di sản kiến trúc đô thị cổ Hội An",
    "Những vấn đề văn hoá và ngôn ngữ học ứng dụng",
    "Nhật ký trong tù và những bài thơ chữ Hán khác",
]
TRADITIONAL = [
    "紅樓夢人物論與清代社會研究",
    "臺灣經濟發展史論文集",
    "中國圖書館學的歷史與現代理論",
    "國立臺灣大學圖書館藏善本書目",
    "鄉土文學討論集 : 從一九七七年到現在",
    "傳統戲劇與電影藝術的關係",
]


@pytest.mark.parametrize("encoding", ["tcvn3", "viscii", "cp1258"])
def test_vietnamese_titles_are_read_right(encoding: str) -> None:
    books = [_book(n, title, "vie", "vm ") for n, title in enumerate(VIETNAMESE)]
    raws = list(reencoded(books, encoding))
    assert len(raws) == len(books)
    assert tally(raws, encoding) == Tally(len(raws), len(raws), len(raws), 0)
    assert tally_alone(raws, encoding).silent == 0


@pytest.mark.parametrize(("encoding", "country"), [("big5hkscs", "ch "), ("gb18030", "ch ")])
def test_titles_in_traditional_characters_are_read_right(encoding: str, country: str) -> None:
    books = [_book(n, title, "chi", country) for n, title in enumerate(TRADITIONAL)]
    raws = list(reencoded(books, encoding))
    assert tally(raws, encoding) == Tally(6, 6, 6, 0)
    assert tally_alone(raws, encoding).silent == 0


KOREAN = [
    "채식주의자 : 한강 장편소설",
    "한국의 역사와 문화",
    "엄마를 부탁해",
    "토지 : 박경리 대하소설",
]


def test_a_record_in_utf8_inside_a_file_in_cp949_stays_utf8() -> None:
    books = [_book(n, title, "kor", "ko ") for n, title in enumerate(KOREAN * 3)]
    raws = list(reencoded(books, "cp949"))
    found = survey.of_frames([*raws, books[0], _book(9, "Poésies", "fre", "fr ")])
    assert found.encoding.encoding == "cp949"
    for book in (books[0], _book(9, "Poésies", "fre", "fr ")):
        choice = encodings.choose(book, " ", found.encoding, found.dialect.dialect)
        assert (choice.encoding, choice.certain) == ("utf-8", True)


def test_a_short_legacy_record_that_happens_to_be_utf8_is_not_read_as_utf8_blindly() -> None:
    books = [_book(n, title, "kor", "ko ") for n, title in enumerate(KOREAN * 3)]
    verdict = survey.of_frames(reencoded(books, "cp949")).encoding
    (raw,) = reencoded([_book(7, "짜증", "kor", "ko ")], "cp949")
    short = raw.replace("증".encode("cp949"), "짠".encode("cp949"))
    assert encodings.is_utf8(short)
    choice = encodings.choose(short, " ", verdict)
    assert (choice.encoding, choice.certain) == ("cp949", True) or not choice.certain
    assert choice.problems


def test_what_the_sender_says_wins_and_what_breaks_it_is_told() -> None:
    books = [_book(n, title, "kor", "ko ") for n, title in enumerate(KOREAN)]
    raws = list(reencoded(books, "cp949"))
    told = survey.of_frames(raws, Said("EUC-KR", "kormarc"))
    assert (told.encoding.encoding, told.encoding.certain) == ("cp949", True)
    assert told.dialect.dialect == "kormarc"
    assert encodings.choose(raws[0], " ", told.encoding) == ("cp949", True, ())
    wrong = survey.of_frames(raws, Said("utf-8"))
    choice = encodings.choose(raws[0], " ", wrong.encoding)
    assert (choice.encoding, choice.certain) == ("utf-8", False)
    assert [each.code for each in choice.problems] == ["encoding-not-as-said"]


def test_a_name_the_sender_invents_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(encodings.UnknownEncoding, match="cp949"):
        survey.of_frames([], Said("klingon"))
    with pytest.raises(ValueError, match="rusmarc"):
        survey.of_frames([], Said(dialect="finmarc"))


def test_records_that_are_text_already_vote_on_the_dialect_only() -> None:
    found = survey.of_records([record("001 1", "245 10$aTitle")] * 3)
    assert (found.encoding.encoding, found.dialect.dialect, found.records) == (
        "utf-8",
        "marc21",
        3,
    )


def test_languages_named_equally_often_are_told_in_one_order() -> None:
    # Nine of them: an order that a set gives by chance is another one nearly always.
    names = ("chi", "cze", "fre", "ger", "hun", "ita", "pol", "rus", "spa")
    one = Sample(frozenset(names), "", "", ())
    other = Sample(frozenset({"rus"}), "", "", ())
    assert main_languages([one, other]) == ("rus", *(name for name in names if name != "rus"))


def test_a_letter_cut_in_two_by_the_end_of_a_frame_is_no_utf8() -> None:
    halves = ["é".encode()[:1], "é".encode()[1:]]
    assert survey.of_frames(halves).encoding == survey.of_frames(halves[::-1]).encoding
    assert survey.of_frames(halves).encoding.evidence[0].startswith("2 of 2")


def test_an_empty_file_has_a_verdict() -> None:
    found = survey.of_frames([])
    assert (found.records, found.encoding.encoding, found.dialect.certain) == (0, "utf-8", False)


def test_a_file_of_any_size_is_surveyed_in_bounded_memory() -> None:
    books = [_book(n, title, "kor", "ko ") for n, title in enumerate(KOREAN)]
    raws = list(reencoded(books, "cp949"))
    survey.of_frames(raws)
    tracemalloc.start()
    found = survey.of_frames(raws[n % len(raws)] for n in range(3_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.records == 3_000
    assert peak < 8_000_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=4))
def test_any_bytes_can_be_surveyed_and_chosen_for(raws: list[bytes]) -> None:
    found = survey.of_frames(raws)
    assert found.records == len(raws)
    for raw in raws:
        choice = encodings.choose(raw, " ", found.encoding, found.dialect.dialect)
        assert choice.encoding in NAMES
