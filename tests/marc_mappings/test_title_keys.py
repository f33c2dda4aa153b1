"""Title keys: every script and romanisation of a title meets, and other titles and parts do not."""

from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings import formats, steps
from marc_mappings.formats import Parsed
from marc_mappings.keys import folding, romanisation, title_keys
from marc_mappings.keys.key_kinds import TITLE_KINDS, Key
from marc_mappings.keys.romanisation import sound
from marc_mappings.record import Field, Record, Subfield
from tests.marc_mappings.conftest import BOOK, LEADER, record

# --- folding --------------------------------------------------------------------------------------

TEXTS = st.text(max_size=40) | st.text(
    alphabet=st.sampled_from("aÉßİŭǰ'’ʻ&+# -가각ㄱ한國国ァぁガｶﾞーйёΐ́̆क़ि๑٣ﷺ…ﬁⅣ㍿andet"), max_size=20
)


@given(TEXTS)
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    once = folding.folded(text)
    assert folding.folded(once) == once


@given(TEXTS)
def test_the_normal_form_of_unicode_never_matters(text: str) -> None:
    forms = {folding.folded(normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1


@given(st.text(alphabet="abcXYZ가나國カ12", min_size=1, max_size=12), st.data())
def test_width_case_blanks_and_punctuation_never_matter(text: str, data: st.DataObject) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    assert folding.folded(wide) == folding.folded(text) == folding.folded(text.swapcase())
    signs = data.draw(st.lists(st.sampled_from(" .,:;/=()[]「」『』·—-'’ʹ"), max_size=len(text)))
    broken = "".join(c + s for c, s in zip(text, [*signs, *[""] * len(text)], strict=False))
    assert folding.folded(broken) == folding.folded(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("國語辭典", "国语辞典"),
        ("广州发展史", "廣州發展史"),
        ("日本經濟史", "日本経済史"),
        ("渋沢栄一伝", "澁澤榮一傳"),
        ("これからのほん", "コレカラノホン"),
        ("Tōkyō", "Tokyo"),
        ("Đường", "duong"),
        ("Pride & prejudice", "Pride and Prejudice"),
        ("Pride &amp; prejudice", "Pride and Prejudice"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("كتاب الأغاني", "كتاب الاغانى"),
        ("שָׁלוֹם", "שלום"),
        ("भाग ३", "भाग 3"),
        ("Ёлка", "Елка"),
    ],
)
def test_spellings_of_one_title_meet(one: str, other: str) -> None:
    assert folding.folded(one) == folding.folded(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("कल", "कुल"),
        ("แม่", "มา"),
        ("か", "が"),
        ("한강", "한국"),
        ("Part 1", "Part 2"),
        ("A", "&"),
    ],
)
def test_titles_that_differ_in_a_letter_stay_apart(one: str, other: str) -> None:
    assert folding.folded(one) != folding.folded(other)


# --- sounds ---------------------------------------------------------------------------------------

# Titles of Korean books; in the middle as the ALA-LC table (McCune-Reischauer) divides and writes
# them, on the right in the Revised Romanization of 2000 with its sound changes.
KOREAN = [
    ("채식주의자", "Ch'aesikchuŭija", "Chaesikjuuija"),
    ("엄마를 부탁해", "Ŏmma rŭl put'ak hae", "Eommareul butakhae"),
    ("태백산맥", "T'aebaek sanmaek", "Taebaeksanmaek"),
    ("쏘아올린 작은 공", "Ssoaollin chagŭn kong", "Ssoaollin jageun gong"),
    ("한국 문학사", "Han'guk munhaksa", "Hangungmunhaksa"),
    ("우리들의 일그러진 영웅", "Uridŭl ŭi ilgŭrŏjin yŏngung", "Urideurui ilgeureojin yeongung"),
    ("소년이 온다", "Sonyŏn i onda", "Sonyeoni onda"),
    ("독립신문", "Tongnip sinmun", "Dongnipsinmun"),
    ("삼국유사", "Samguk yusa", "Samgukyusa"),
    ("조선왕조실록", "Chosŏn wangjo sillok", "Joseonwangjosillok"),
    ("훈민정음", "Hunmin chŏngŭm", "Hunminjeongeum"),
    ("님의 침묵", "Nim ŭi ch'immuk", "Nimui chimmuk"),
    ("천변풍경", "Ch'ŏnbyŏn p'unggyŏng", "Cheonbyeonpunggyeong"),
    ("韓國 經濟史", "Han'guk kyŏngjesa", "Hangukgyeongjesa"),
    ("역사란 무엇인가", "Yŏksa ran muŏsin'ga", "Yeoksaran mueosinga"),
    ("칼의 노래", "K'al ŭi norae", "Karui norae"),
    ("백년의 고독", "Paengnyŏn ŭi kodok", "Baengnyeonui godok"),
    ("책 읽는 여자", "Ch'aek ingnŭn yŏja", "Chaek ingneun yeoja"),
    ("해돋이", "Haedoji", "Haedoji"),
    ("못다 핀 꽃", "Motta p'in kkot", "Motda pin kkot"),
]  # fmt: skip


@pytest.mark.parametrize(("hangul", "ala_lc", "revised"), KOREAN)
def test_a_korean_title_meets_both_its_romanisations(
    hangul: str, ala_lc: str, revised: str
) -> None:
    assert sound(hangul, "kor") == sound(ala_lc, "kor") == sound(revised, "kor") != ""
    undotted = ala_lc.replace("ŏ", "o").replace("ŭ", "u").replace("'", "").replace("Ŏ", "O")
    assert sound(undotted, "kor") == sound(hangul, "kor")


def test_no_two_of_these_titles_sound_alike() -> None:
    assert len({sound(hangul, "kor") for hangul, _, _ in KOREAN}) == len(KOREAN)


@pytest.mark.parametrize(
    ("tongue", "one", "other"),
    [
        ("kor", "소년이 온다", "소녀가 온다"),
        ("kor", "토지", "도자기"),
        ("kor", "한국사", "한국어사"),
        ("kor", "채식주의자", "Ch'aesikchuŭi"),
        ("kor", "엄마를 부탁해", "아빠를 부탁해"),
        ("jpn", "キョウト ダイガク", "Tōkyō daigaku"),
        ("jpn", "コレカラ ノ ホン", "Sorekara no hon"),
        ("cyr", "Война и мир", "Voina i mor"),
        ("cyr", "Преступление и наказание", "Prestuplenie i pokai͡anie"),
    ],
)
def test_near_misses_stay_apart(tongue: str, one: str, other: str) -> None:
    assert sound(one, tongue) != sound(other, tongue)


@pytest.mark.parametrize(
    ("tongue", "spellings"),
    [
        ("cyr", ["Чайка", "Chaĭka", "Čajka", "Chayka"]),
        ("cyr", ["Вишнёвый сад", "Vishnëvyĭ sad", "Višnëvyj sad", "Vishnevyy sad"]),
        ("cyr", ["Юность Хаджи", "I͡Unostʹ Khadzhi", "Ûnost' Hadži", "Yunost Khadzhi"]),
        ("cyr", ["Монголын нууц товчоо", "Mongolyn nuut͡s tovchoo", "Mongolyn nuuc tovčoo"]),
        ("cyr", ["Үндэсний түүх", "U̇ndėsniĭ tu̇u̇kh"]),
        ("jpn", ["しんぶん", "Shimbun", "Shinbun", "Sinbun"]),
        ("jpn", ["ショウボウ", "Shōbō", "Syôbô", "Shobo"]),
        ("jpn", ["まっちゃ", "Matcha", "Maccha", "Mattya"]),
        ("jpn", ["ツヅキ", "Tsuzuki", "Tuduki"]),
        ("jpn", ["ファイル", "Fairu"]),
    ],
)
def test_romanisations_of_one_title_meet(tongue: str, spellings: list[str]) -> None:
    assert len({sound(spelling, tongue) for spelling in spellings}) == 1


@given(TEXTS, st.sampled_from(["kor", "jpn", "cyr"]))
def test_a_sound_is_the_sound_of_itself_and_never_fails(text: str, tongue: str) -> None:
    once = sound(text, tongue)
    assert sound(normalize("NFD", text), tongue) == once
    assert isinstance(romanisation.family_sound(text, tongue), str)


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("한강", "Han, Kang"),
        ("박완서", "Park, Wan-suh"),
        ("박완서", "Pak, Wan-sŏ"),
        ("이문열", "Yi, Mun-yŏl"),
        ("이문열", "Lee, Moon-yeol"),
        ("최인훈", "Ch'oe, In-hun"),
        ("남궁억", "Namgung, Ŏk"),
        ("金素月", "Kim, So-wŏl"),
    ],
)
def test_a_korean_family_name_meets_its_spellings(hangul: str, latin: str) -> None:
    assert romanisation.family_sound(hangul, "kor") == romanisation.family_sound(latin, "kor")


@pytest.mark.parametrize("tongue", ["kor", "jpn", "cyr"])
@pytest.mark.parametrize("letters", ["pm", "n", "tl", "k", "ng", "i", "ch", "ー", "각", "ш", "a "])
def test_the_time_for_a_sound_grows_with_its_length_only(tongue: str, letters: str) -> None:
    """A quadratic rule takes some twenty seconds for this."""
    started = time.process_time()
    sound(letters * 20_000, tongue)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("hanja", "hangul"),
    [
        ("女性 文學", "여성 문학"),
        ("理論과 實際", "이론과 실제"),
        ("勞動法", "노동법"),
        ("男女", "남녀"),
    ],
)
def test_hanja_is_read_with_the_rule_of_initial_sounds(hanja: str, hangul: str) -> None:
    assert sound(hanja, "kor") == sound(hangul, "kor")


def test_no_reading_of_chinese_or_japanese_is_invented() -> None:
    assert romanisation.tongue("紅樓夢", "chi") == romanisation.tongue("源氏物語", "jpn") == ""


# --- keys of a record -----------------------------------------------------------------------------


def _kinds(made: Record) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, value in title_keys.of_record(made):
        found.setdefault(kind, []).append(value)
    return found


def _book(title: str, *more: str, author: str = "Han, Kang", year: str = "2007") -> Record:
    return record(
        *([f"100 1_$a{author}"] if author else []),
        f"245 00$a{title}",
        *([f"264 _1$c{year}."] if year else []),
        *more,
    )


def test_a_record_has_a_key_in_each_of_its_scripts() -> None:
    assert _kinds(BOOK) == {
        "title": ["chaesikchuuija||han|2007", "채식주의자||한강|2007"],
        "title_author": ["chaesikchuuija||han", "채식주의자||한강"],
        "title_year": ["chaesikchuuija||2007", "채식주의자||2007"],
        "title_sound": ["kor:caesikcuica||han|2007"],
        "title_sound_year": ["kor:caesikcuica||2007"],
    }


def _korean(*lines: str) -> Record:
    return record("008 070301s2007    ko            000 1 kor d", *lines)


@pytest.mark.parametrize(
    "other",
    [
        _korean("100 1_$a한강", "245 00$a채식주의자"),
        _korean("100 1_$aHan, Kang", "245 10$aChaesikjuuija"),
        record(
            "245 00$6880-01$aX",
            "880 00$6245-01$a채식 주의자 :$b장편 소설",
            "700 1_$a한, 강",
            "260 __$c[2007]",
        ),
        _korean("100 1_$a한강", "245 00$a菜食主義者"),
    ],
)
def test_one_book_meets_in_whatever_script_a_library_wrote(other: Record) -> None:
    assert set(title_keys.of_record(BOOK)) & {
        key for key in title_keys.of_record(other) if key.kind in ("title", "title_sound")
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("삼국지$n1", "삼국지$n2"),
        ("Selected studies$nv. 1", "Selected studies$nv. 2"),
        ("Selected studies", "Selected studies$nv. 2"),
        ("Faust$pDer Tragödie erster Teil", "Faust$pDer Tragödie zweiter Teil"),
        ("中国通史$n第一卷", "中国通史$n第二卷"),
        ("中国通史$n上", "中国通史$n下"),
        ("Proceedings A$nSeries A, 3", "Proceedings A$nSeries B, 3"),
        ("Война и мир$nТ. 1", "Война и мир$nТ. 2"),
    ],
)
def test_two_volumes_of_a_set_never_meet(one: str, other: str) -> None:
    assert not set(title_keys.of_record(_book(one))) & set(title_keys.of_record(_book(other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v. 2", "제2권"),
        ("第二卷", "Bd. 2"),
        ("Vol. II", "2"),
        ("第十二冊", "12"),
        ("т. 02", "ч. 2"),
    ],
)
def test_numbers_of_parts_meet_in_any_language(one: str, other: str) -> None:
    first, second = (set(title_keys.of_record(_book(f"토지 문학$n{n}"))) for n in (one, other))
    assert first == second


def test_a_variant_without_a_number_is_not_another_volume() -> None:
    made = record("100 1_$a한강", "245 00$a전쟁과 평화$n2", "246 3_$aWar and peace", "264 _1$c2007")
    assert "warpeace|2|한강|2007" in _kinds(made)["title"]


@pytest.mark.parametrize(
    "title", ["Poems", "作品集", "詩集", "시집", "Works", "1984", "It", "전집", "Œuvres"]
)
def test_a_title_of_many_works_is_a_key_only_with_author_and_year(title: str) -> None:
    assert set(_kinds(_book(title))) == {"title"}
    assert _kinds(_book(title, author="")) == {}
    assert _kinds(_book(title, year="")) == {}


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (_book("The vegetarian"), {"title", "title_author", "title_year"}),
        (_book("The vegetarian", author=""), {"title_year"}),
        (_book("The vegetarian", year=""), {"title_author"}),
        (_book("The vegetarian", author="", year=""), set()),
        (record("245 00$a..."), set()),
        (Record(LEADER, ()), set()),
    ],
)
def test_what_is_missing_makes_a_weaker_kind_and_no_empty_place(
    made: Record, kinds: set[str]
) -> None:
    found = _kinds(made)
    assert set(found) == kinds
    places = {"title": 4, "title_author": 3, "title_year": 3}
    for kind, values in found.items():
        assert all(len(value.split("|")) == places[kind] for value in values)
        assert all(not value.endswith("|") and value[0] != "|" for value in values)


@pytest.mark.parametrize(
    "lines",
    [
        ["245 14$aThe vegetarian /"],
        ["245 10$aVegetarian"],
        ["245 10$aThe vegetarian"],
        ["245 14$a\x98The \x9cvegetarian"],
        ["245 10$aThe Vegetarian : a novel"],
        ["245 10$aThe Vegetarian =$bChaesikjuuija"],
        ["245 10$a채식주의자 =$bThe vegetarian /$cHan Kang"],
        ["245 10$a채식주의자 = The vegetarian"],
        ["245 10$aX", "246 31$aVegetarian"],
    ],
)
def test_articles_subtitles_and_parallel_titles_do_not_keep_records_apart(lines: list[str]) -> None:
    english = "008 070301s2007    xxu           000 1 eng d"
    assert "vegetarian||2007" in _kinds(record(english, *lines))["title_year"]


def test_a_wrong_filing_indicator_cuts_no_word() -> None:
    assert _kinds(record("245 04$aVegetarian", "264 _1$c2007"))["title_year"] == [
        "vegetarian||2007"
    ]


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("eng", "Gone with the wind"),
        ("eng", "Rosa Luxemburg"),
        ("eng", "Another day"),
        ("eng", "The"),
        ("fre", "Lamiel"),
        ("fre", "Voyage de l'âme"),
        ("ger", "Dame in Schwarz"),
        ("kor", "An Chunggŭn"),
    ],
)
def test_only_an_article_at_the_beginning_is_skipped(language: str, title: str) -> None:
    assert title_keys.without_article(title, "0", language) == title


def test_a_uniform_title_is_a_kind_of_its_own() -> None:
    made = _book("The vegetarian", "240 10$aCh'aesikchuŭija.$lEnglish")
    assert _kinds(made)["title_uniform"] == ["chaesikchuuija||han"]
    assert "title_uniform" not in _kinds(_book("The vegetarian", "240 10$aPoems.$kSelections"))


def test_an_english_title_has_no_sound() -> None:
    english = "008 070301s2007    xxu           000 1 eng d"
    assert "title_sound" not in _kinds(record(english, "100 1_$aHan", "245 10$aVegetarian"))


def test_a_long_title_is_a_short_key_and_its_end_still_counts() -> None:
    one, other = (_kinds(_book("Proceedings of the congress " * 20 + end)) for end in "ab")
    assert one != other
    assert all(len(value) < 150 for values in one.values() for value in values)


LINES = st.lists(
    st.tuples(
        st.sampled_from(["100", "130", "240", "245", "246", "264", "700", "880"]),
        st.text(max_size=2),
        st.lists(st.tuples(st.sampled_from("abcnp6t"), TEXTS), max_size=4),
    ),
    max_size=6,
)


@given(LINES, st.text(max_size=40))
def test_no_record_breaks_the_keys(
    lines: list[tuple[str, str, list[tuple[str, str]]]], fixed: str
) -> None:
    fields = [Field("008", "", (), fixed)]
    fields += [Field(tag, i.ljust(2), tuple(Subfield(*s) for s in subs)) for tag, i, subs in lines]
    found = title_keys.of_record(Record(LEADER, tuple(fields)))
    assert len(set(found)) == len(found)
    for key in found:
        assert isinstance(key, Key)
        assert key.kind in TITLE_KINDS
        assert key.value.count("|") >= 1
        assert "" not in (key.value.split("|")[0], key.value.split("|")[-1][:1] or "part")


# --- real records ---------------------------------------------------------------------------------

ENJU = "next-l__enju_leaf/spec/fixtures/files/marc21.dat"
UVA = "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc"
EVERGREEN = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets"
FRENCH, JAZZ = f"{EVERGREEN}/lul_fre_500.mrc", f"{EVERGREEN}/jazz_1k.mrc"


def test_kana_and_romanisation_of_real_japanese_titles_meet(corpus: Path) -> None:
    """JAPAN/MARC gives a title in Kana and in Latin letters, both by the same library."""
    met: Counter[bool] = Counter()
    with (corpus / ENJU).open("rb") as stream:
        for item in formats.read(stream):
            assert isinstance(item, Parsed)
            titles = [f.first("a") for f in item.record.all("880") if steps.linked_tag(f) == "245"]
            sounds = [sound(t, "jpn") for t in titles if folding.script(t) in ("Kana", "Latn")]
            if len(sounds) == 2:
                met[sounds[0] == sounds[1]] += 1
    assert met[True] >= 110
    assert met[False] == 0


def _read(path: Path) -> list[Record]:
    with path.open("rb") as stream:
        return [item.record for item in formats.read(stream) if isinstance(item, Parsed)]


def _pairs(made: Record) -> list[tuple[str, str]]:
    """Return the titles and names of a record with their 880: (as romanised, in its script)."""
    linked = {
        f"{field.tag}{field.first('6')[4:6]}": field.first("a")
        for field in made.all("100", "245", "246", "700")
    }
    return [
        (linked[key], field.first("a"))
        for field in made.all("880")
        if (key := steps.linked_tag(field) + field.first("6")[4:6]) in linked and field.first("a")
    ]


def test_real_titles_in_cyrillic_and_hangul_meet_their_romanisation(corpus: Path) -> None:
    """As libraries wrote both; one Serbian title of the corpus has lost letters, and stays out."""
    pairs: set[tuple[str, str]] = set()
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        if "880" in row["note"] and any(s in row["note"] for s in ("cyrillic", "hangul")):
            for made in _read(corpus / row["file"]):
                pairs.update(_pairs(made))
    met: Counter[tuple[str, bool]] = Counter()
    for latin, original in pairs:
        rules = {"Cyrl": "cyr", "Hang": "kor"}.get(folding.script(original))
        if rules and folding.script(latin) == "Latn" and "\ufffd" not in original:
            met[rules, sound(latin, rules) == sound(original, rules)] += 1
    assert met["cyr", True] >= 20
    assert met["kor", True] >= 5
    assert met["cyr", False] == met["kor", False] == 0


def test_no_two_works_of_a_real_library_share_a_strong_key(corpus: Path) -> None:
    """Two records meet by title, author and year only if they have the very same title."""
    by_key: dict[Key, set[str]] = {}
    for made in (made for name in (UVA, FRENCH, JAZZ, ENJU) for made in _read(corpus / name)):
        title = next((field for field in made.all("245")), None)
        for key in title_keys.of_record(made):
            if title and key.kind in ("title", "title_sound"):
                proper = title_keys.without_article(title.first("a"), title.indicators[1:], "fre")
                by_key.setdefault(key, set()).add(folding.folded(proper.partition(" : ")[0]))
    assert len(by_key) > 2000
    assert [key for key, titles in by_key.items() if len(titles) > 1] == []
