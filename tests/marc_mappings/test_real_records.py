"""Real files of libraries, whole: every byte accounted for, every title right, all output valid."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path
from unicodedata import normalize

import pymarc
import pytest
from lxml import etree

from marc_mappings import (
    formats,
    iso2709,
    marcxml,
    match_keys,
    oai_dc,
    search_terms,
    steps,
    summary,
)
from marc_mappings.formats import Parsed, Unreadable

ENJU = "next-l__enju_leaf/spec/fixtures/files/marc21.dat"
UVA = "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc"
EVERGREEN = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets"
JAZZ = f"{EVERGREEN}/jazz_1k.mrc"
FRENCH = f"{EVERGREEN}/lul_fre_500.mrc"
HEBREW = f"{EVERGREEN}/hebrew.marc"
NEPALI = f"{EVERGREEN}/nepali.marc"
CORNELL = "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc"
PRIDE = "marc4j__marc4j/test/resources/pride-and-prejudice-with-many-errors.mrc"
YAZ = [f"indexdata__yaz/test/marc-files/marccol{n}.u8.marc" for n in (2, 4, 5)]

WHOLE = [ENJU, UVA, JAZZ, FRENCH, HEBREW, NEPALI, CORNELL, PRIDE, *YAZ]


def _read(path: Path) -> list[Parsed | Unreadable]:
    with path.open("rb") as stream:
        return list(formats.read(stream))


def _parsed(path: Path) -> list[Parsed]:
    return [item for item in _read(path) if isinstance(item, Parsed)]


@pytest.mark.parametrize("name", WHOLE)
def test_every_byte_is_in_a_record_or_blank_and_none_is_lost(corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    items = _read(corpus / name)
    at = blanks = 0
    for item in items:
        gap = data[at : item.offset]
        assert not gap.strip()
        blanks += len(gap)
        at = item.offset + item.length
    assert not data[at:].strip()
    assert sum(item.length for item in items) + blanks + len(data) - at == len(data)
    assert len(items) == data.count(b"\x1d")
    assert not [item for item in items if item.outcome == "rejected"]


@pytest.mark.parametrize("name", WHOLE)
def test_all_that_is_written_of_real_records_is_valid(
    corpus: Path, schemas: etree.XMLSchema, name: str
) -> None:
    for item in _parsed(corpus / name)[::3]:
        record = steps.without_local_fields(item.record)
        schemas.assertValid(etree.fromstring(marcxml.write(record)))
        schemas.assertValid(etree.fromstring(oai_dc.write(record)))


@pytest.mark.parametrize("name", WHOLE)
def test_both_forms_of_a_real_record_read_as_the_record(corpus: Path, name: str) -> None:
    for item in _parsed(corpus / name)[::2]:
        for raw in (iso2709.write(item.record), marcxml.write(item.record)):
            again = formats.read_one(raw)
            assert isinstance(again, Parsed)
            if item.outcome == "ok" and raw[0] != ord("<"):
                assert again.record.fields == item.record.fields
                assert again.outcome == "ok"


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        (ENJU, {"これからの本の話をしよう"}),
        (UVA, {"Escritos políticos", "Die Karlspreisträger und ihre europäischen Reden"}),
        (HEBREW, {"לתורה בלמועדים : רסיסי הגיונות", "La-Torah vela-moʻadim : resise hegyonot"}),
        (NEPALI, {"बिहानी टुसा", "हाम्रो समाज भाग ३ : आठौं कक्षाको निमित्त"}),
        (
            CORNELL,
            {
                "Phóng sự báo chí : lý thuyết, kỹ năng và kinh nghiệm",
                "大陸建設の礎",
                "Краєзнавці Черкавщини : біобібліографічний довідник",
                "भारतीय धर्म-संस्कृति और पर्यावरण",
            },
        ),
        (FRENCH, {"Histoire générale de la Société des Missions-étrangères"}),
        (YAZ[2], {"พระจันทร์แสนกล", "Mananay : taregrkʿoyk", "Մանանայ : տարեգրքոյկ"}),
        (PRIDE, {"Orgueil et préjugés", "Rozważna i romantyczna"}),
    ],
)
def test_known_titles_are_read_right(corpus: Path, name: str, titles: set[str]) -> None:
    summaries = [summary.of_record(item.record) for item in _parsed(corpus / name)]
    assert titles <= {s.title for s in summaries} | {s.title_vernacular for s in summaries}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [UVA, HEBREW, JAZZ])
def test_marc8_is_read_as_pymarc_reads_it(corpus: Path, name: str) -> None:
    """The same text wherever pymarc knew every character (it writes a blank where it did not)."""
    with warnings.catch_warnings(), (corpus / name).open("rb") as stream:
        theirs = list(pymarc.MARCReader(stream, hide_utf8_warnings=True))
    ours = _read(corpus / name)
    assert len(theirs) == len(ours)
    compared = 0
    for their, our in zip(theirs, ours, strict=True):
        if not isinstance(our, Parsed) or their is None or our.encoding != "marc-8":
            continue
        for one, other in zip(their.fields, our.record.fields, strict=True):
            if one.is_control_field():
                continue
            for mine, yours in zip(other.subfields, one.subfields, strict=False):
                if "\ufffd" in mine.value or our.outcome == "repaired":
                    continue
                plain = steps.without_non_sorting_marks(mine.value)
                assert plain == normalize("NFC", yours.value), our.offset
                compared += 1
    assert compared > 200


def test_the_whole_corpus_is_read_without_an_exception(corpus: Path) -> None:
    """Every ISO 2709 and XML file of every dialect; a whole file may be refused, with a name."""
    read = 0
    refused: list[tuple[str, int]] = []
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        path = corpus / row["file"]
        if row["kind"] not in ("iso2709", "xml") or not path.is_file():
            continue
        try:
            items = _read(path)
        except formats.NotMarc:
            refused.append((row["kind"], path.stat().st_size))
            continue
        assert items, path
        for item in items:
            if isinstance(item, Parsed):
                assert search_terms.of_record(item.record) is not None
                match_keys.keys(item.record)
                summary.of_record(item.record)
        read += 1
    assert read > 600
    assert len(refused) < 30
    assert all(kind == "xml" or not size for kind, size in refused)


def test_offsets_lead_to_the_record(corpus: Path) -> None:
    data = (corpus / PRIDE).read_bytes()
    for item in _parsed(corpus / PRIDE):
        alone = formats.read_one(data[item.offset : item.offset + item.length], item.encoding)
        assert isinstance(alone, Parsed)
        assert alone.record == item.record
    again = formats.read(io.BytesIO(data), start=formats.Start(item.position, item.offset))
    assert next(again).record == item.record  # type: ignore[union-attr]
