"""Good records of every sort that ISO 2709 carries: made ones, and real ones from the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from marc_mappings import formats, iso2709
from marc_mappings.formats import Parsed
from marc_mappings.record import Record
from tests.marc_mappings.conftest import BOOK, record
from tests.marc_mappings.mutations import made_good
from tests.marc_mappings.reencoding import frames, reencoded

EVERGREEN: Final = "evergreen-library-system__Evergreen/Open-ILS/tests/datasets"

REAL: Final[Mapping[str, Sequence[str]]] = {
    "MARC 21, MARC-8": (
        f"{EVERGREEN}/jazz_1k.mrc",
        f"{EVERGREEN}/hebrew.marc",
        f"{EVERGREEN}/lul_fre_500.mrc",
        "solrmarc__solrmarc/test/data/records/uva_001_2000.mrc",
    ),
    "MARC 21, UTF-8": (
        f"{EVERGREEN}/nepali.marc",
        "next-l__enju_leaf/spec/fixtures/files/marc21.dat",
        "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc",
    ),
    "KORMARC, CP949": ("kolas3__kolas/develop/Source/ESL/MARC/marc.txt",),
    "UNIMARC, UTF-8": ("OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc",),
    "RUSMARC, CP1251": ("amironov73__ManagedIrbis/TestData/TEST1.ISO",),
}

# Other files than those, for ``mutations_elsewhere``; their sorts are in the names.
ELSEWHERE: Final[Sequence[str]] = (
    "folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc",
    f"{EVERGREEN}/FSL.marc",
    f"{EVERGREEN}/hebrew.marc",
    f"{EVERGREEN}/lul_fre_100.mrc",
    "feelovejun__marc21tocmarc/MarcTranser/20171117_423294_ntuedu_CMARC.mrc",
    "dchud__mrrc/tests/data/fixtures/fidelity_test_100.mrc",
    "kolas3__kolas/develop/Source/ESL/MARC/marc.txt",
    "loge-gh__rusmarc/tests/data/TEST1.ISO",
    "marc4j__marc4j/test/resources/pride-and-prejudice-fixed.mrc",
    "next-l__enju_leaf/spec/fixtures/files/marc21.dat",
    "OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc",
    "projectblacklight__blacklight-marc/test_support/data/test_data.utf8.mrc",
    "solrmarc__solrmarc/test/data/records/uva_001-200.mrc",
    "solrmarc__solrmarc/test/data/records/specTestRecs.mrc",
    "LibreCat__Catmandu-MARC/t/bu_bibs.mrc",
    "pkiraly__qa-catalogue/src/test/resources/unimarc/short.bnr.1993.mrc",
)

OTHER: Final = record("001 other", "245 00$aThe sea, the sea.", "260 __$c1978")
LONG: Final = record("001 long", "245 00$aВойна и мир", *(f"650 _4$aтема {i}" for i in range(40)))
_ODD: Final = (
    record("001 least"),
    record("245 00$aNo control number at all"),
    record("001 wide", f"520 __$a{'A long abstract. ' * 580}"),
    record("001 huge", *(f"505 0_$a{'Contents of a part. ' * 400}{i}" for i in range(12))),
    record("001 many", *(f"999 __$aitem {i}$bshelf {i % 7}" for i in range(900))),
)
_TITLES: Final = (
    "채식주의자 : 한강 장편소설",
    "한국의 역사와 문화",
    "엄마를 부탁해",
    "토지 : 박경리 대하소설",
)


def made() -> dict[str, list[bytes]]:
    """Return pools of made records, by sort; all of them keep every rule."""
    korean = [
        record(
            f"001 kmo{n}", f"008 070301s2007    ulk           000a  kor  {n}", f"245 00$a{title}"
        )
        for n, title in enumerate(_TITLES)
    ]
    unimarc = [
        record(
            f"001 fr{n}",
            "100 __$a20070301d2007    m  y0frey0103    ba",
            "101 0_$afre",
            f"200 1_$aL'été {n}$fune autrice",
            "700 _1$aDoe$bJane$4070",
            leader="00000nam0 2200000   450 ",
        )
        for n in range(4)
    ]
    return {
        "made, ordinary": list(map(iso2709.write, (BOOK, OTHER, LONG))),
        "made, odd sizes": list(map(iso2709.write, _ODD)),
        "made, CP949": list(reencoded(map(iso2709.write, korean), "cp949")),
        "made, UNIMARC": [iso2709.write(each, is_unimarc=True) for each in unimarc],
    }


def real(corpus: Path, most: int = 10_000) -> dict[str, list[bytes]]:
    """Return pools of real records, by sort; a field that breaks a rule is left out."""
    return {
        sort: [raw for name in names for raw in made_good(frames(corpus / name)[:most])]
        for sort, names in REAL.items()
    }


def elsewhere(corpus: Path, most: int = 120) -> dict[str, list[bytes]]:
    """Return pools of real records of the other files, one a file."""
    return {name: made_good(frames(corpus / name)[:most]) for name in ELSEWHERE}


def read(pool: Sequence[bytes]) -> list[Record]:
    """Return the records of a pool read as one file, those in which all is well."""
    items = formats.read(BytesIO(b"".join(pool)))
    return [item.record for item in items if isinstance(item, Parsed) and item.outcome == "ok"]
