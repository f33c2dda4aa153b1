"""Where the real records and the schemas are, and short builders of records."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from marc_mappings.record import Field, Record, Subfield

ROOT = Path(__file__).parents[2]
SHARED = ROOT / ".." / "shared"
CASES = Path(__file__).parent / "cases"
LEADER = "00000nam a2200000 i 4500"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real records; tests that use it skip where it is absent."""
    folder = SHARED / "corpus"
    if not folder.is_dir():
        pytest.skip(f"no real records at {folder}")
    return folder


@pytest.fixture(scope="session")
def schemas() -> etree.XMLSchema:
    """OAI-PMH, oai_dc and MARCXML in one schema; tests that use it skip where it is absent."""
    path = SHARED / "schemas" / "all.xsd"
    if not path.is_file():
        pytest.skip(f"no schemas at {path}")
    return etree.XMLSchema(etree.parse(path))


def field(text: str) -> Field:
    """Build a field from ``245 10 $aTitle /$cName`` or ``001 123`` .

    ``_`` is a blank indicator, ``{1}`` the script code ``$1``.
    """
    tag, rest = text[:3], text[4:]
    if tag.startswith("00"):
        return Field(tag, "", (), rest)
    indicators, *parts = rest.split("$")
    indicators = indicators.rstrip().ljust(2).replace("_", " ")
    return Field(tag, indicators, tuple(Subfield(p[0], p[1:].replace("{1}", "$1")) for p in parts))


def record(*lines: str, leader: str = LEADER) -> Record:
    """Build a record from lines as ``field`` takes them."""
    return Record(leader, tuple(field(line) for line in lines))


BOOK = record(
    "001 bk000001",
    "003 KR-BUL",
    "008 070301s2007    ko            000 1 kor d",
    "020 __$a9788936433598",
    "100 1_$6880-01$aHan, Kang",
    "245 10$6880-02$aCh'aesikchuŭija /$cHan Kang.",
    "264 _1$aKyŏnggi-do P'aju-si :$bCh'angbi,$c2007.",
    "300 __$a247 p. ;$c23 cm.",
    "650 _4$aKorean fiction",
    "880 1_$6100-01/{1}$a한강",
    "880 10$6245-02/{1}$a채식주의자 /$c한강.",
)
