"""Leader, 005, 006 and 008 of KORMARC and MARC 21, position by position, in both directions.

The two formats share the common positions of 008 up to the language, and no more: KORMARC keeps
26-28, 32 and 38-39 for codes of its own in every material, so that 18-25, 29-31 and 33-34 are all
that is left for the material, and 006 is shorter by what 008 shares. A code that the other format
does not have becomes a fill character and is reported; none is copied into a position that means
something else.

In the losses of these fields ``Loss.codes`` are positions (``26-27``), not subfields.

Source: KS X 6006-0:2023, leader, 005, 006, 008 (common, 2 to 9),
https://librarian.nl.go.kr/kormarc/KSX6006-0/index.html; MARC 21 Bibliographic, leader, 005-008.
Which letters 008/28, 32 and 33 may hold is from there; what some of them mean is not verified, and
those become fill characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from marc_mappings.kormarc.places import FILL, kormarc_place, marc21_place
from marc_mappings.record import Record
from marc_mappings.rules import Loss

# What is written where a record has no 008: dates, place and language unknown, the rest not coded.
NOT_CODED: Final = "000000nuuuuuuuu||||||||||||||||||||und||"


class Run(NamedTuple):
    """Positions of 008 that mean the same in both formats: the first in each, and how many."""

    kormarc: int
    marc21: int
    length: int


# Source: KORMARC 008 pages 2 to 9; MARC 21 008 of the same material. KORMARC 006/01-13 are
# 008/18-25, 29-31 and 33-34; MARC 21 006/01-17 are 008/18-34.
RUNS: Final[Mapping[str, tuple[Run, ...]]] = {
    "books": (Run(18, 18, 8), Run(29, 29, 3), Run(33, 33, 2)),
    "continuing": (Run(18, 18, 6), Run(24, 25, 2), Run(29, 29, 1), Run(33, 33, 2)),
    "computer": (Run(22, 22, 2), Run(25, 26, 1)),
    "maps": (Run(18, 18, 8), Run(29, 29, 3), Run(33, 33, 2)),
    "music": (Run(18, 18, 8), Run(30, 30, 2), Run(33, 33, 1)),
    "visual": (Run(18, 18, 3), Run(22, 22, 1), Run(29, 29, 1), Run(33, 33, 2)),
    "mixed": (Run(23, 23, 1),),
    "old": (Run(18, 18, 1), Run(23, 23, 3), Run(33, 33, 2)),  # KORMARC only: before 1910
}
# Leader/06 to the material; language material is told apart by leader/07. 006/00 knows s as well.
_MATERIALS: Final[Mapping[str, str]] = {
    **dict.fromkeys("at", "books"),
    **dict.fromkeys("cdij", "music"),
    **dict.fromkeys("ef", "maps"),
    **dict.fromkeys("gkor", "visual"),
    "m": "computer",
    "p": "mixed",
    "s": "continuing",
    "w": "old",
}
_WITH_GOVERNMENT: Final = frozenset(("books", "continuing", "computer", "maps", "visual", "old"))
_COMMON: Final = frozenset((26, 27, 28, 32))

# Codes of a material position in the target that are not those of the source. Others stay.
_TO_MARC21: Final[Mapping[tuple[str, int], Mapping[str, str]]] = {
    ("books", 22): {"z": " "},
    ("books", 33): dict.fromkeys(" kltvw", FILL),
    ("old", 33): dict.fromkeys(" kltvw", FILL),
    ("music", 20): {"9": FILL},
    ("music", 22): {"z": " "},
    ("computer", 22): {"z": " "},
    ("visual", 22): {"z": " "},
}
_TO_KORMARC: Final[Mapping[tuple[str, int], Mapping[str, str]]] = {
    ("books", 22): {"g": " "},
    ("books", 33): {"0": " ", "1": FILL, "c": FILL},
    ("music", 22): {"g": " "},
    ("computer", 22): {"g": " "},
    ("visual", 22): {"g": " "},
}
# KORMARC 008/28 and MARC 21 008/38, modified record; KORMARC 32 and MARC 21 39, cataloguing source.
_MODIFIED: Final = {" ": " ", "b": "x", "r": "r", "s": "s", "x": "x"}
_MODIFIED_BACK: Final = {" ": " ", "o": "r", "r": "r", "s": "s", "x": "x"}
_SOURCE: Final = {" ": " ", "c": "c", "d": "d", "u": "u"}

_UNIVERSITY: Final = "code of a Korean university: MARC 21 has no place for it"
_BODY: Final = (
    "code of a Korean government body: 008/28 only says that it is a government publication"
)
_LEVEL: Final = "KORMARC names the government body, not its level, and MARC 21 does not name it"
_NO_CODE: Final = "the other format has no such code"
_NO_POSITION: Final = "the other format does not code this"

# Leader positions with the codes both formats have, and what stands for any other.
_LEADER: Final[Mapping[int, tuple[str, str]]] = {
    5: ("acdnp", "n"),
    6: ("acdefgijkmoprt", "a"),
    7: ("abcdims", "m"),
    8: (" a", " "),
    17: (" 1234578uz", "u"),
    18: (" acinu", "u"),
    19: (" abc", " "),
}
_MANUSCRIPT: Final = re.compile("필사|筆寫|寫本|사본|稿本")
_TIME: Final = re.compile(r"[0-9]{14}")


def marc21_leader(record: Record) -> str:
    """Return the leader for MARC 21: w (old books) is a, or t if 250 says manuscript; k (KCR) is i.

    The Korean rules write ISBD punctuation, which is what leader/18 i says.
    """
    changed = {6: "w", 18: "k"}
    found = {at: _letter(record.leader, at) for at in _LEADER}
    if found[6] == changed[6]:
        edition = " ".join(text for field in record.all("250") for text in field.all("ab"))
        found[6] = "t" if _MANUSCRIPT.search(edition) else "a"
    if found[18] == changed[18]:
        found[18] = "i"
    return _leader(found)


def kormarc_leader(record: Record) -> str:
    """Return the leader for KORMARC, whose codes are those of MARC 21 and two more."""
    return _leader({at: _letter(record.leader, at) for at in _LEADER})


def _letter(leader: str, at: int) -> str:
    return leader[at : at + 1] or " "


def _leader(found: Mapping[int, str]) -> str:
    chars = list("00000nam a2200000   4500")
    for at, (allowed, otherwise) in _LEADER.items():
        chars[at] = found[at] if found[at] in allowed else otherwise
    return "".join(chars)


def marc21_time(value: str) -> str:
    """Return 005 with the tenth of a second that MARC 21 has and KORMARC has not.

    >>> marc21_time("20131127141510")
    '20131127141510.0'
    """
    return f"{value}.0" if _TIME.fullmatch(value) else value


def kormarc_time(value: str) -> str:
    """Return 005 without the tenth of a second."""
    return value[:14] if _TIME.match(value) else value


def _material(kind: str, level: str) -> str:
    if kind == "a" and level in "bis":
        return "continuing"
    return _MATERIALS.get(kind, "books")


def _forty(value: str) -> str:
    """Return 40 characters of ASCII; what is missing or odd is a fill character."""
    if not value:
        return NOT_CODED
    if len(value) == 40 and value.isascii() and value.isprintable():
        return value
    plain = "".join([char if " " <= char <= "~" else FILL for char in value])
    return plain[:40].ljust(40, FILL)


def marc21_008(record: Record) -> tuple[str, tuple[Loss, ...]]:
    """Return 008 for MARC 21, 40 characters, and the positions whose codes did not get there."""
    kind, level = _letter(record.leader, 6), _letter(record.leader, 7)
    return _marc21_008(record.control("008"), _material(kind, level))


@lru_cache(maxsize=1024)
def _marc21_008(given: str, material: str) -> tuple[str, tuple[Loss, ...]]:
    value = _forty(given)
    body, lost = _across(value, material, to_marc21=True)
    place = marc21_place(value[15:18])
    if not place:
        lost["15-17"] = "no country code of KORMARC"
    if value[26:28].strip(" |"):
        lost["26-27"] = _UNIVERSITY
    modified, source = _MODIFIED.get(value[28], FILL), _SOURCE.get(value[32], FILL)
    _report(lost, "28", value[28], modified)
    _report(lost, "32", value[32], source)
    agency = value[38:40]
    if agency.strip(" |"):
        lost["38-39"] = _BODY
    if material in _WITH_GOVERNMENT:
        body[28 - 18] = "o" if agency.strip(" |") else agency[0]
    head = value[:15] + (place or "xx ")
    return head + "".join(body) + value[35:38] + modified + source, _losses("008", lost)


def kormarc_008(record: Record) -> tuple[str, tuple[Loss, ...]]:
    """Return 008 for KORMARC, 40 characters, and the positions whose codes did not get there."""
    material = _material(_letter(record.leader, 6), _letter(record.leader, 7))
    given = record.control("008")
    places = tuple(_places_of_publication(record)) if given[15:18] == "ko " else ()
    return _kormarc_008(given, material, places)


@lru_cache(maxsize=1024)
def _kormarc_008(
    given: str, material: str, places: tuple[str, ...]
) -> tuple[str, tuple[Loss, ...]]:
    value = _forty(given)
    body, lost = _across(value, material, to_marc21=False)
    place = kormarc_place(value[15:18], places)
    if not place:
        lost["15-17"] = "no MARC country code"
    modified, source = _MODIFIED_BACK.get(value[38], FILL), _SOURCE.get(value[39], FILL)
    _report(lost, "38", value[38], modified)
    _report(lost, "39", value[39], source)
    agency = "  "
    if material in _WITH_GOVERNMENT and value[28] != " ":
        agency = FILL * 2
        if value[28] not in "|u":
            lost["28"] = _LEVEL
    body[26 - 18 : 28 - 18] = FILL * 2
    body[28 - 18], body[32 - 18] = modified, source
    head = value[:15] + (place or "xx ")
    return head + "".join(body) + value[35:38] + agency, _losses("008", lost)


def marc21_006(value: str) -> str:
    """Return 006 for MARC 21, 18 characters, of the 14 of KORMARC."""
    if len(value) == 18:
        return value
    plain = _forty(value)[:14]
    body = " " * 18 + plain[1:9] + "   " + plain[9:12] + " " + plain[12:14]
    spread, _ = _across(body.ljust(40), _material(plain[0], " "), to_marc21=True)
    return plain[0].replace("w", "a") + "".join(spread)


def kormarc_006(value: str) -> str:
    """Return 006 for KORMARC, 14 characters, of the 18 of MARC 21."""
    if len(value) == 14:
        return value
    plain = _forty(value)[:18]
    spread, _ = _across((" " * 18 + plain[1:]).ljust(40), _material(plain[0], " "), to_marc21=False)
    return plain[0] + "".join(spread[:8] + spread[11:14] + spread[15:17])


def _across(value: str, material: str, *, to_marc21: bool) -> tuple[list[str], dict[str, str]]:
    """Return positions 18-34 of the target, and the positions of the source that are lost."""
    body = [" "] * 17
    if material == "old":
        body[29 - 18 : 32 - 18] = FILL * 3  # KORMARC has kinds of edition there
    for run in RUNS[material]:
        start, end = (run.kormarc, run.marc21) if to_marc21 else (run.marc21, run.kormarc)
        body[end - 18 : end - 18 + run.length] = value[start : start + run.length]
    lost: dict[str, str] = {}
    for source, target, recoded in _RECODED[material, to_marc21]:
        char = value[source]
        body[target - 18] = recoded.get(char, char)
        _report(lost, f"{source}", char, body[target - 18])
    for at in _UNREAD[material, to_marc21]:
        if value[at] not in " |":
            lost[f"{at}"] = _NO_POSITION
    return body, lost


def _recoded(material: str, to_marc21: bool) -> tuple[tuple[int, int, Mapping[str, str]], ...]:
    """Return source and target position of what is recoded, and how."""
    shifts = {run.marc21 + step: run.kormarc - run.marc21 for run, step in _steps(material)}
    found = []
    for (each, at), values in (_TO_MARC21 if to_marc21 else _TO_KORMARC).items():
        if each == material:
            other = at + shifts[at]
            found.append((other, at, values) if to_marc21 else (at, other, values))
    return tuple(found)


def _unread(material: str, to_marc21: bool) -> tuple[int, ...]:
    """Return the positions 18-34 of the source that no run and no common element reads."""
    read = {(run.kormarc if to_marc21 else run.marc21) + step for run, step in _steps(material)}
    if to_marc21:
        read |= _COMMON
    else:
        read.add(32)  # once the main entry's place in the text, obsolete
        if material in _WITH_GOVERNMENT:
            read.add(28)
    return tuple(at for at in range(18, 35) if at not in read)


def _steps(material: str) -> Iterator[tuple[Run, int]]:
    return ((run, step) for run in RUNS[material] for step in range(run.length))


_RECODED: Final = {(m, way): _recoded(m, way) for m in RUNS for way in (True, False)}
_UNREAD: Final = {(m, way): _unread(m, way) for m in RUNS for way in (True, False)}


def _report(lost: dict[str, str], positions: str, char: str, target: str) -> None:
    if target == FILL and char not in " |":
        lost[positions] = _NO_CODE


def _losses(tag: str, lost: Mapping[str, str]) -> tuple[Loss, ...]:
    """Return the losses in the order of the positions, neighbours with one reason as a run."""
    runs: list[Loss] = []
    for positions, reason in sorted(lost.items()):
        start, _, end = runs[-1].codes.partition("-") if runs else ("", "", "")
        if runs and runs[-1].reason == reason and positions == f"{int(end or start) + 1}":
            runs[-1] = Loss(tag, f"{start}-{positions}", reason)
        else:
            runs.append(Loss(tag, positions, reason))
    return tuple(runs)


def _places_of_publication(record: Record) -> Iterator[str]:
    for field in record.fields:
        if field.tag in ("260", "264") or (
            field.tag == "880" and field.first("6")[:3] in ("260", "264")
        ):
            yield from field.all("a")
