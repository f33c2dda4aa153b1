"""What of MARC 21 has no place in UNIMARC, and why: the reasons that the loss report gives.

Source: UNIMARC Manual, Bibliographic Format (IFLA, 2023); MARC 21 Bibliographic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from marc_mappings import steps
from marc_mappings.marc21 import links, scripts
from marc_mappings.record import Field
from marc_mappings.rules import Row

_LOCAL: Final = "local field, without meaning outside the library that made it"

# Tag or place -> why no row takes it. Subfields of this list are given up in every field.
_EVERYWHERE: Final = {
    "5": "of one copy, in the library named here",
    "8": "links fields to each other, without a counterpart",
    "1": "address of a description of the thing itself, without a counterpart",
    "7": "about the linking or the data itself, without a counterpart",
    "9": "local subfield",
}
_WITHOUT_PLACE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("006", "007"), "codes of physical form; 106, 181-183 and 215 say it"),
    "008": "read for 100, 101, 102, 105, 106 and 110",
    "041": "read for 101",
    "044": "read for 102",
    "880": scripts.NOT_PAIRED,
    **dict.fromkeys(("042", "066", "882", "883", "884", "885", "887"), "about the MARC 21 record"),
    **dict.fromkeys(("013", "018", "025", "032", "038", "074", "085"), "a number UNIMARC has not"),
    **dict.fromkeys(
        ("033", "034", "036", "046", "047", "048", "051", "052", "055", "061", "071"),
        "codes without a counterpart; the words stand in other fields",
    ),
    **dict.fromkeys(("072", "088"), "a code of a subject field or report, without a counterpart"),
    **dict.fromkeys(
        (
            "257",
            "258",
            "270",
            "307",
            "340",
            "341",
            "342",
            "343",
            "344",
            "345",
            "346",
            "347",
            "348",
            "351",
            "352",
            "353",
            "355",
            "357",
            "363",
            "365",
            "366",
            "377",
        ),
        "details of form or trade that UNIMARC has no field for",
    ),
    **dict.fromkeys(
        ("370", "380", "381", "382", "383", "384", "385", "386", "387", "388"),
        "attributes of the work, which UNIMARC has in authority records",
    ),
    **dict.fromkeys(("541",), "how one copy was acquired"),
    **dict.fromkeys(
        (
            "211",
            "212",
            "214",
            "241",
            "262",
            "265",
            "301",
            "302",
            "303",
            "304",
            "305",
            "308",
            "315",
            "350",
            "359",
            "400",
            "410",
            "411",
            "503",
            "523",
            "527",
            "537",
            "543",
            "570",
            "582",
            "705",
            "715",
            "755",
            "840",
            "870",
            "871",
            "872",
            "873",
        ),
        "obsolete in MARC 21",
    ),
    **dict.fromkeys(("654", "658", "688", "751", "753", "754", "758"), "UNIMARC has no such entry"),
    "012": "local or obsolete number",
    "035": "no number in $a or $z",
    "035bc": "a local number",
    "045": "a date in words, which 661 has not",
    "045bc": "a date in words, which 661 has not",
    **dict.fromkeys(
        (f"{tag}imno" for tag in (*links.TARGETS, "773", "780", "785")),
        "words about the link, which UNIMARC says by its tag",
    ),
    **dict.fromkeys(("3363", "3373", "3383", "3003"), "which part it is of; 215 says it in words"),
    **dict.fromkeys(("336a", "337a", "338a"), "the term of the code in $b"),
    **dict.fromkeys(
        ("700ei4", "710ei4", "711ij4"), "role in another work, or words about the link"
    ),
    **dict.fromkeys(
        (f"{tag}03" for tag in (*links.SERIES_TAGS, "700", "710", "711")),
        "authority number of a linked work, which a link has no place for",
    ),
    **dict.fromkeys(
        (f"{tag}2" for tag in ("600", "610", "611", "630", "648", "650", "651", "655")),
        "the second indicator names another list",
    ),
    **dict.fromkeys(("600e4", "610e4", "611j4", "630e4", "650e4", "651e4"), "role of a subject"),
    "5832": "list of a code that is given as a word",
    "082b": "item number, which UNIMARC 676 has not",
    "022b": "obsolete in MARC 21",
    "210x": "obsolete in MARC 21",
}


def dropped(rows: Iterable[Row[Field]]) -> dict[str, str]:
    """Return what is given up beside what ``rows`` take: a tag or a place, and why."""
    taken = {row.place[:3] for row in rows}
    local = {f"{tag:03}" for tag in range(1, 1000) if "9" in f"{tag:03}"} | steps.LOCAL_TAGS
    reasons = dict.fromkeys(sorted(local - taken), _LOCAL)
    reasons |= _WITHOUT_PLACE
    for tag in sorted(taken - {"001", "003", "005"}):
        reasons |= {f"{tag}{code}": why for code, why in _EVERYWHERE.items()}
    return reasons
