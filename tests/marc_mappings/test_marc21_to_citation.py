"""Citations: read again as they were written, whatever stands in a title."""

from __future__ import annotations

import json
import re
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings import conversion, formats, iso2709, marc21_to_citation
from marc_mappings.citation import bibtex, csl_json, language_tags, ris
from marc_mappings.citation import parts as citation_parts
from marc_mappings.citation import values as citations
from marc_mappings.citation.values import Citation, Name
from marc_mappings.formats import Parsed
from marc_mappings.record import Field, Record, Subfield
from tests.marc_mappings.conftest import BOOK, LEADER, record
from tests.marc_mappings.test_marc21_to_mods import read_case

CASES = sorted((Path(__file__).parent / "crosswalk_cases" / "marc21_to_citation").iterdir())


# Small readers of what is written, stricter than any reference manager.


def read_ris(text: str) -> list[tuple[str, str]]:
    """Return the (tag, value) of one reference."""
    assert text.endswith("ER  - \r\n")
    lines = text.removesuffix("\r\n").split("\r\n")
    pairs = []
    for line in lines:
        assert line.splitlines() == [line]
        match = re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line)
        assert match, line
        pairs.append((match[1], match[2]))
    assert [tag for tag, _ in pairs].count("TY") == 1 == [tag for tag, _ in pairs].count("ER")
    assert pairs[0][0] == "TY"
    return pairs


def read_bibtex(text: str) -> tuple[str, str, dict[str, str]]:
    """Return (type, key, fields) of one entry; braces are counted as BibTeX counts them."""
    match = re.match(r"@([a-z]+)\{([^,{}\s]+),\n", text)
    assert match
    at, fields = match.end(), {}
    while text[at] != "}":
        head = re.compile(r"  ([a-z]+) = \{").match(text, at)
        assert head, text[at:]
        depth, end = 1, head.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        assert text[end : end + 2] == ",\n"
        assert head[1] not in fields
        fields[head[1]] = text[head.end() : end - 1]
        at = end + 2
    assert text[at:] == "}\n"
    return match[1], match[2], fields


_COMMANDS = {
    r"\textbackslash{}": "\\",
    r"\textbraceleft{}": "{",
    r"\textbraceright{}": "}",
    r"\textasciicircum{}": "^",
    r"\textasciitilde{}": "~",
    **{f"\\{sign}": sign for sign in "%&$#_"},
}


def printed(value: str) -> str:
    """Return what TeX prints of an escaped value."""
    pattern = "|".join(map(re.escape, _COMMANDS))
    return re.sub(pattern, lambda match: _COMMANDS[match[0]], value)


# The variables of CSL 1.0.2 by the form of their value.
_STRINGS = {
    *("id", "type", "title", "original-title", "container-title", "collection-title"),
    *("collection-number", "event-title", "volume", "page", "number-of-pages", "publisher"),
    *("publisher-place", "edition", "genre", "scale", "ISBN", "ISSN", "DOI", "URL", "language"),
    *("abstract", "keyword", "note"),
}
_NAME_PARTS = {"family", "given", "suffix", "literal"}


def read_csl(text: str) -> dict[str, object]:
    """Return the object, after a look at every rule of the schema that it could break."""
    made = json.loads(text)
    assert {"id", "type"} <= set(made)
    assert made["type"] in citations.TYPES
    for key, value in made.items():
        if key in _STRINGS:
            assert isinstance(value, str)
            assert value
        elif key == "issued":
            _check_date(value)
        elif key == "custom":
            assert isinstance(value, dict)
        else:
            assert key in citations.ROLES
            assert all(name and set(name) <= _NAME_PARTS for name in value)
    return made  # type: ignore[no-any-return]


def _check_date(value: dict[str, object]) -> None:
    assert set(value) in ({"date-parts"}, {"literal"})
    dates = value.get("date-parts", [])
    assert isinstance(dates, list)
    assert len(dates) <= 2
    for date in dates:
        assert 1 <= len(date) <= 3
        assert all(type(part) is int for part in date)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_case_is_cited_as_it_was_approved(folder: Path) -> None:
    one = read_case(folder)
    assert marc21_to_citation.ris(one).encode() == (folder / "out.ris").read_bytes()
    assert marc21_to_citation.bibtex(one) == (folder / "out.bib").read_text(encoding="utf-8")
    assert marc21_to_citation.csl_json(one) + "\n" == (folder / "out.json").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_case_reads_again(folder: Path) -> None:
    _all_read(read_case(folder))


def _all_read(one: Record) -> None:
    """Read the three forms of a record; they say the same title and key."""
    cited = marc21_to_citation.citation(one)
    tags = read_ris(marc21_to_citation.ris(one))
    _, key, fields = read_bibtex(marc21_to_citation.bibtex(one))
    made = read_csl(marc21_to_citation.csl_json(one))
    assert key == made["id"] == dict(tags)["ID"] == cited.key == marc21_to_citation.key(one)
    assert re.fullmatch(r"[a-z0-9]+", key)
    for text in (marc21_to_citation.ris(one), marc21_to_citation.bibtex(one)):
        assert text.encode("utf-8")
    assert dict(tags).get("TI", "") == cited.title == made.get("title", "")
    assert printed(fields.get("title", "")) == cited.title


def test_an_empty_record_is_cited_by_a_key_alone() -> None:
    _all_read(Record("", ()))
    assert marc21_to_citation.ris(Record(LEADER, ())).startswith("TY  - BOOK\r\nID  - untitled")


def test_a_title_in_its_own_script_stands_beside_the_romanised_one() -> None:
    cited = marc21_to_citation.citation(BOOK)
    assert (cited.title, cited.title_vernacular) == ("Ch'aesikchuŭija", "채식주의자")
    assert read_csl(marc21_to_citation.csl_json(BOOK))["original-title"] == "채식주의자"
    assert read_bibtex(marc21_to_citation.bibtex(BOOK))[2]["titleaddon"] == "채식주의자"
    assert ("N1", "채식주의자") in read_ris(marc21_to_citation.ris(BOOK))


def test_the_title_of_the_work_translated_does_not_push_the_vernacular_out() -> None:
    one = record("240 10$aOriginal.$lKorean", "245 10$6880-01$aPŏnyŏk", "880 10$6245-01/{1}$a번역")
    made = read_csl(marc21_to_citation.csl_json(one))
    assert made["original-title"] == "Original"
    assert made["custom"] == {"title-vernacular": "번역"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("100 1_$aHan, Kang,", Name("Han", "Kang")),
        ("100 1_$aKing, Martin Luther,$cJr.,$d1929-1968.", Name("King", "Martin Luther", "Jr.")),
        ("100 0_$a한강", Name(literal="한강")),
        ("100 1_$a山田, 花子", Name("山田", "花子")),
        ("100 0_$aElizabeth$bII,$cQueen", Name(literal="Elizabeth II")),
        ("100 3_$aKim family,", Name(literal="Kim family")),
        ("110 1_$aSeoul.$bCouncil.", Name(literal="Seoul. Council")),
    ],
)
def test_a_name_is_parted_only_where_the_record_parts_it(line: str, name: Name) -> None:
    assert marc21_to_citation.citation(record(line)).names == (("author", name),)


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("700 1_$aA, B,$etranslator.", "translator"),
        ("700 1_$aA, B$4edt", "editor"),
        ("700 1_$aA, B$4http://id.loc.gov/vocabulary/relators/trl", "translator"),
        ("700 1_$a김수영$e옮김", "translator"),
        ("700 1_$aA, B$ebinder", "contributor"),
        ("700 1_$aA, B", "contributor"),
    ],
)
def test_a_role_is_what_a_relator_says(line: str, role: str) -> None:
    cited = marc21_to_citation.citation(record("100 1_$aMain, Entry", line))
    assert [found for found, _ in cited.names] == ["author", role]


def test_a_name_without_relator_is_an_author_if_there_is_no_main_entry() -> None:
    cited = marc21_to_citation.citation(record("700 1_$aA, B", "700 1_$aC, D$eeditor"))
    assert [role for role, _ in cited.names] == ["author", "editor"]


def test_a_body_is_an_author_only_where_there_is_no_person() -> None:
    assert marc21_to_citation.citation(record("710 2_$aBody")).names[0][0] == "author"
    cited = marc21_to_citation.citation(record("700 1_$aA, B", "710 2_$aBody"))
    assert [role for role, _ in cited.names] == ["author", "contributor"]


def _typed(leader: str, *lines: str) -> str:
    return marc21_to_citation.citation(record(*lines, leader=leader)).type


@pytest.mark.parametrize(
    ("leader", "lines", "kind"),
    [
        (LEADER, ["245 00$aA"], "book"),
        ("00000nas a2200000 i 4500", [], "periodical"),
        ("00000naa a2200000 i 4500", ["773 0_$tA$x1234-5679"], "article-journal"),
        ("00000naa a2200000 i 4500", ["773 0_$7nnas$tA"], "article-journal"),
        ("00000naa a2200000 i 4500", ["773 0_$tA$z9788936433598"], "chapter"),
        (LEADER, ["502 __$aThesis (Ph. D.)--University of X, 1990."], "thesis"),
        ("00000ntm a2200000 i 4500", [], "manuscript"),
        ("00000nem a2200000 i 4500", [], "map"),
        ("00000nai a2200000 i 4500", ["856 40$uhttp://example.org"], "webpage"),
    ],
)
def test_the_type_is_what_leader_and_fields_say(leader: str, lines: list[str], kind: str) -> None:
    assert _typed(leader, *lines) == kind


def test_a_degree_is_read_from_the_note_too() -> None:
    cited = marc21_to_citation.citation(
        record("260 __$bPrinter", "502 __$aThesis (Ph. D.)--University of X, 1990.")
    )
    assert (cited.genre, cited.publisher) == ("Ph. D. thesis", "University of X")


@pytest.mark.parametrize(
    ("fixed", "dates"),
    [
        ("070301s2007    ", ((2007,),)),
        ("070301e20070315", ((2007, 3, 15),)),
        ("070301e200703  ", ((2007,),)),
        ("070301d19701985", ((1970,), (1985,))),
        ("070301c19709999", ((1970,),)),
        ("070301s19uu    ", ()),
    ],
)
def test_dates_are_years_or_days_or_spans(fixed: str, dates: tuple[tuple[int, ...], ...]) -> None:
    assert marc21_to_citation.citation(record(f"008 {fixed}")).issued == dates


@pytest.mark.parametrize(
    ("extent", "pages"),
    [
        ("247 p. ;", "247"),
        ("xii, 312 pages :", "312"),
        ("301p ;", "301"),
        ("320쪽", "320"),
        ("XVIII, 1515 S.", "1515"),
        ("300, 20 p.", ""),
        ("2 v.", ""),
    ],
)
def test_pages_are_counted_only_where_there_is_one_sequence(extent: str, pages: str) -> None:
    assert marc21_to_citation.citation(record(f"300 __$a{extent}")).number_of_pages == pages


def test_the_isbn_of_a_set_is_not_the_books() -> None:
    one = record("020 __$a9788936433598 (set)", "020 __$a89-364-3412-8")
    assert "9788936433598" not in marc21_to_citation.citation(one).isbns


def test_an_unknown_place_is_not_cited() -> None:
    cited = marc21_to_citation.citation(record("260 __$a[S.l.] :$b[s.n.],$c1990"))
    assert (cited.publisher_place, cited.publisher) == ("", "")


@pytest.mark.parametrize(
    ("form", "keys"),
    [
        ("bibtex", rb"^@book\{([^,]+),"),
        ("ris", rb"^ID  - ([^\r\n]+)"),
        ("csl-json", rb'"id": ?"([^"]+)"'),
    ],
)
def test_keys_are_unique_in_a_file_whichever_process_makes_which_part(
    form: str, keys: bytes
) -> None:
    slices = list(formats.cut(BytesIO(3 * iso2709.write(BOOK))))
    # The last first, as if another process had made it.
    made = [conversion.convert(part, conversion.Wanted(form)).body for part in reversed(slices)]
    found = [re.findall(keys, each, re.MULTILINE) for each in made]
    assert found == [[b"han2007chaesikchuuija-%d" % position] for position in (3, 2, 1)]


@pytest.mark.parametrize(
    ("code", "tag"), [("kor", "ko"), ("chi", "zh"), ("ger", "de"), ("grc", "grc")]
)
def test_languages_have_their_shortest_tag(code: str, tag: str) -> None:
    assert language_tags.of_marc(code) == tag


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *("ends }", "{ begins", "\\", "a\nER  - \nTY  - BOOK", "a\r\nER  - ", "x\u2028ER  - "),
            *('","type":"x', "A and B, C", "},\n@book{x,", "\x85TY  - ", "\ud800", "% #_^~$&"),
            *("http://x/}\\{", "10.1000/a}b{\\c", "9788936433598", "1999", "\x98The \x9ctale"),
        ]
    ),
)
_TAGS = sorted({rule.place[:3] for rule in marc21_to_citation.RULES} | {"880", "001", "008"})


def _field(tag: str, indicators: str, parts: list[tuple[str, str]], value: str) -> Field:
    if tag.startswith("00"):
        return Field(tag, "", (), value)
    return Field(tag, indicators, tuple(Subfield(*part) for part in parts))


_FIELDS = st.builds(
    _field,
    st.sampled_from(_TAGS),
    st.sampled_from(["  ", "1 ", "10", "7 ", "40"]),
    st.lists(st.tuples(st.sampled_from("abcdeglnptuvxz46"), HOSTILE), max_size=6),
    HOSTILE,
)


@settings(max_examples=120, deadline=None)
@given(
    st.one_of(st.just(LEADER), st.text("acdegimnrst", max_size=9)), st.lists(_FIELDS, max_size=8)
)
def test_nothing_in_a_record_breaks_a_reference(leader: str, fields: list[Field]) -> None:
    _all_read(Record(leader, tuple(fields)))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_citation_is_written_so_that_it_reads_again(one: str, two: str, three: str) -> None:
    names = (("author", Name(one, two, three)), ("editor", Name(literal=three)))
    cited = Citation("k", "book", one, two, three, names, names, url=two, doi=three, page=one,
                     keywords=(one, two), notes=(three,), issued_text=two)  # fmt: skip
    read_ris(ris.ris_of(cited))
    read_bibtex(bibtex.bibtex_of(cited))
    json.loads(csl_json.csl_json_of(cited).encode())


def test_every_type_and_role_has_its_place_in_every_format() -> None:
    assert set(ris.TYPES) == set(bibtex.TYPES) == citations.TYPES
    for role in citations.ROLES:
        cited = Citation("k", "book", names=((role, Name("A", "B")),))
        assert "A, B" in ris.ris_of(cited)
        assert "A, B" in bibtex.bibtex_of(cited)
        assert role in csl_json.csl_json_of(cited)
    assert set(citation_parts.ROLE_WORDS.values()) <= set(citations.ROLES)


FILES = (
    "next-l__enju_leaf/spec/fixtures/files/marc21.dat",
    "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc",
    "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/jazz_1k.mrc",
    "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/hebrew.marc",
    "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc",
    "rero__rero-ils/data/migration.xml",
)


@pytest.mark.parametrize("name", FILES)
def test_citations_of_real_records_read_again(corpus: Path, name: str) -> None:
    with (corpus / name).open("rb") as stream:
        records = [item.record for item in formats.read(stream) if isinstance(item, Parsed)]
    assert records
    for one in islice(records, 0, None, max(1, len(records) // 40)):
        _all_read(one)
