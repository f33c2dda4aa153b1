"""Encodings: real files as they are and put into old sets, whole and cut to a few records.

A file is right where its titles are those of the known truth. *Silently wrong* is a title that is
wrong and comes with no doubt: ``encoding_certain`` and no problem of level warning or error.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

import pymarc

from marc_mappings import encodings, formats
from marc_mappings.formats import Parsed
from marc_mappings.letters import glimpse
from tests.marc_mappings.pools import EVERGREEN
from tests.marc_mappings.reencoding import (
    TITLES,
    frame,
    frames,
    frames_of_xml,
    reencoded,
)

KORMARC = "kolas3__kolas/develop/Source/ESL/MARC/marc.txt"
RUSMARC = "amironov73__ManagedIrbis/TestData/TEST1.ISO"
RUSSIAN = "edsu__pymarc/test/1251.dat"
SLOVAK = "OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc"
JAPANESE = "next-l__enju_leaf/spec/fixtures/files/marc21.dat"
CNMARC = "DigitalPlatform__dp2/dp2Catalog/SRU/sample_kormarcxml.xml"
CMARC = "feelovejun__marc21tocmarc/MarcTranser/20171117_423294_ntuedu_CMARC.mrc"
CORNELL = "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc"
FRENCH = f"{EVERGREEN}/lul_fre_500.mrc"
MARC8 = (
    f"{EVERGREEN}/hebrew.marc",
    f"{EVERGREEN}/jazz_1k.mrc",
    FRENCH,
    f"{EVERGREEN}/oss.marc",
    "solrmarc__solrmarc/test/data/records/specTestRecs.mrc",
    "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc",
    "folio-org__mod-data-import/src/test/resources/61PRINT160129.mrc",
)
CUTS = (0, 50, 10, 3, 1)
# Records of a set at most, and files of one length at most: a table must not take an hour.
_MOST, _MOST_FILES = 300, 100

Truth = Callable[[bytes], list[str]]


class Row(NamedTuple):
    """Records whose titles are known: ``truth`` gives them for the bytes of one."""

    name: str
    raws: Sequence[bytes]
    truth: Truth


def rows(corpus: Path) -> Iterator[Row]:
    """Yield the sets of records, those as they came first."""
    as_they_are = (
        ("KORMARC, CP949", KORMARC, "cp949"),
        ("RUSMARC, CP1251", RUSMARC, "cp1251"),
        ("MARC 21, CP1251", RUSSIAN, "cp1251"),
        ("UNIMARC, UTF-8 (comsode)", SLOVAK, "utf-8"),
        ("MARC 21, UTF-8, blank leader/09 (FSL)", f"{EVERGREEN}/FSL.marc", "utf-8"),
        ("JAPAN/MARC, UTF-8", JAPANESE, "utf-8"),
        ("CMARC, UTF-8", CMARC, "utf-8"),
    )
    for name, path, encoding in as_they_are:
        yield Row(name, _high(frames(corpus / path)), partial(as_said, encoding=encoding))
    for path in MARC8:
        raws = _high(frames(corpus / path))
        yield Row(f"MARC-8 as pymarc reads it: {Path(path).name}", raws, _pymarc_titles)
    chinese = frames_of_xml(corpus / CNMARC)
    taiwan = frames(corpus / CMARC)
    slovak, japanese = frames(corpus / SLOVAK), frames(corpus / JAPANESE)
    russian = _in_utf8(_high(frames(corpus / RUSMARC)), "cp1251")
    french = _in_utf8(_high(frames(corpus / FRENCH)), "marc-8")
    korean = _in_utf8(_high(frames(corpus / KORMARC)), "cp949")
    vietnamese = [raw for raw in frames(corpus / CORNELL) if b"vie" in raw and b"vm " in raw]
    made = (
        ("CNMARC", chinese, ("gbk", "gb18030")),
        ("CMARC", taiwan, ("big5hkscs", "gbk", "gb18030")),
        ("JAPAN/MARC", japanese, ("euc_jp", "cp932")),
        ("RUSMARC", russian, ("koi8-r", "cp866", "iso8859-5")),
        ("UNIMARC, Slovak", slovak, ("cp1250", "iso8859-2", "iso5426", "cp852")),
        ("MARC 21, French", french, ("cp1252", "iso8859-1", "iso8859-15", "cp850")),
        ("KORMARC", korean, ("euc_kr",)),
        ("MARC 21, Vietnamese (Cornell)", vietnamese, ("tcvn3", "viscii", "cp1258")),
    )
    for name, raws, names in made:
        for encoding in names:
            truth = partial(as_said, encoding=encoding)
            yield Row(f"{name}, put into {encoding}", list(reencoded(raws, encoding)), truth)


class Figures(NamedTuple):
    """Records of files of one length: read, right, right and certain, unsure, silently wrong."""

    read: int
    right: int
    certain: int
    unsure: int
    silent: int
    outcomes: tuple[int, int, int]


def tables(corpus: Path) -> None:
    """Print, for each set, whole and cut, how its titles were read."""
    print("\n## Encodings\n")
    print(
        "Right % (of these certain) in files of so many records; silently wrong in all of them.\n"
    )
    cuts = " | ".join(f"{cut}" if cut else "whole" for cut in CUTS)
    print(f"| set | records | {cuts} | silently wrong | ok, repaired, rejected |")
    print("|---|---:" + "|---:" * len(CUTS) + "|---:|---:|")
    for row in rows(corpus):
        raws = list(row.raws)[: _MOST if "put into" in row.name else None]
        if not raws:
            print(f"| {row.name} | 0: the set lacks their letters |" + " |" * (len(CUTS) + 2))
            continue
        found = {cut: figures(raws, cut, row.truth) for cut in CUTS if cut < len(raws)}
        cells = [_cell(found[cut]) if cut in found else "" for cut in CUTS]
        silent = sum(each.silent for each in found.values())
        outcomes = ", ".join(map(str, found[0].outcomes))
        print(f"| {row.name} | {len(raws)} | {' | '.join(cells)} | **{silent}** | {outcomes} |")


def _cell(found: Figures) -> str:
    return f"{found.right / found.read:.1%} ({found.certain / found.read:.1%})"


def figures(raws: Sequence[bytes], cut: int, truth: Truth) -> Figures:
    """Read records in files of ``cut`` (0: all in one) and compare their titles."""
    size = cut or len(raws)
    read = right = certain = unsure = silent = 0
    outcomes = {"ok": 0, "repaired": 0, "rejected": 0}
    for at in range(0, len(raws), size)[:_MOST_FILES]:
        whole = b"".join(raws[at : at + size])
        for item in formats.read(io.BytesIO(whole)):
            read += 1
            outcomes[item.outcome] += 1
            if not isinstance(item, Parsed):
                continue
            raw = whole[item.offset : item.offset + item.length]
            is_right = _plain(_titles(item)) == _plain(truth(raw))
            doubts = any(each.level != "note" and "encod" in each.code for each in item.problems)
            right += is_right
            certain += is_right and item.encoding_certain
            unsure += not item.encoding_certain
            silent += not is_right and item.encoding_certain and not doubts
    return Figures(read, right, certain, unsure, silent, tuple(outcomes.values()))  # type: ignore[arg-type]


def as_said(raw: bytes, encoding: str) -> list[str]:
    """Return the titles of one record where the sender says the encoding: the truth."""
    item = formats.read_one(raw, encoding)
    return _titles(item) if isinstance(item, Parsed) else []


def _titles(item: Parsed) -> list[str]:
    """Return the titles of the record as it was read, code and value of each subfield."""
    fields = item.record.all(*(tag.decode() for tag in TITLES))
    return [code + value for field in fields for code, value in field.subfields]


def _plain(texts: Sequence[str]) -> list[str]:
    """Return what is compared: NFC, without non-sorting marks and indicators."""
    return [normalize("NFC", text).translate(_MARKS).strip() for text in texts if len(text) > 2]


_MARKS = {0x98: None, 0x9C: None}


def _high(raws: Sequence[bytes]) -> list[bytes]:
    return [raw for raw in raws if not raw.isascii()]


def _pymarc_titles(raw: bytes) -> list[str]:
    """Return the titles as pymarc decodes them."""
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = next(pymarc.MARCReader(io.BytesIO(raw), hide_utf8_warnings=True))
    if record is None:
        return []
    return [
        part.code + part.value
        for tag in TITLES
        for field in record.get_fields(tag.decode())
        for part in field.subfields
    ]


def _in_utf8(raws: Sequence[bytes], encoding: str) -> list[bytes]:
    """Put legacy records into UTF-8, so that they can be put into other sets."""
    whole = []
    for raw in raws:
        seen = glimpse.of_frame(raw)
        texts = [encodings.decode(data, encoding)[0].encode() for data in seen.fields]
        whole.append(frame(seen.leader, zip(seen.tags, texts, strict=False)))
    return whole
