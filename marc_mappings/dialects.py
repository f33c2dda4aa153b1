"""Which dialect of MARC a file is in: by the votes of its records, with their evidence.

File names and senders' words are often wrong, the fields seldom: a title in 245 is MARC 21 or
KORMARC, one in 200 the UNIMARC family, one in 251 the JAPAN/MARC of before 2012. So the *family*
is settled record by record. The *flavour* within a family (RUSMARC, CNMARC, CMARC, KORMARC) shows
in few records and is settled for the file as a whole.

JAPAN/MARC since 2012 is MARC 21 and converts as such: its dialect is ``marc21``, and the verdict
says so in its evidence and in its votes (``japanmarc21``).

Source: UNIMARC Manual, Bibliographic Format, 3rd ed. (IFLA); KORMARC (KS X 6006-0); JAPAN/MARC
Manual (NDL, 2002 and 2012); RUSMARC (rusmarc.info); CNMARC (WH/T 0503); CMARC, 4th ed. (NCL).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from marc_mappings.letters import glimpse
from marc_mappings.letters.glimpse import Glimpse
from marc_mappings.record import Record

DIALECTS: Final[Mapping[str, str]] = {
    "marc21": "MARC 21 (also USMARC, and JAPAN/MARC since 2012)",
    "unimarc": "UNIMARC",
    "cnmarc": "CNMARC, the Chinese UNIMARC",
    "cmarc": "CMARC, the UNIMARC of Taiwan (Chinese MARC)",
    "rusmarc": "RUSMARC, the Russian UNIMARC",
    "kormarc": "KORMARC, the Korean MARC",
    "japanmarc": "JAPAN/MARC before 2012, a format of its own",
}
FAMILY: Final[Mapping[str, str]] = {
    "marc21": "marc21",
    "kormarc": "marc21",
    "japanmarc21": "marc21",
    "unimarc": "unimarc",
    "cnmarc": "unimarc",
    "cmarc": "unimarc",
    "rusmarc": "unimarc",
    "japanmarc": "japanmarc",
}
# A verdict needs this share of the votes to be certain; a flavour this share of its family's
# records, and of those that show a flavour at all.
_CERTAIN, _SHOWN, _AGREED = 0.8, 0.2, 0.8


class Verdict(NamedTuple):
    """The dialect of a file, whether that is certain, the votes (most first), and sentences.

    ``said``: the sender says so, and every record is taken for it.
    """

    dialect: str
    certain: bool
    votes: tuple[tuple[str, int], ...] = ()
    evidence: tuple[str, ...] = ()
    said: bool = False


class Sign(NamedTuple):
    """What gives a flavour away: a field (``b""`` = the leader) with bytes in it, in words.

    ``shows`` looks for them in a field's bytes.
    """

    dialect: str
    tag: bytes
    shows: Callable[[bytes], re.Match[bytes] | None]
    words: str


def _sign(dialect: str, tag: str, pattern: bytes, words: str) -> Sign:
    # Searching is far quicker than going to the end of a field first, and back from there.
    anywhere = pattern.removeprefix(b".*")
    shows = re.compile(pattern, re.DOTALL).match
    if anywhere != pattern:
        shows = re.compile(anywhere, re.DOTALL).search
    return Sign(dialect, tag.encode("ascii"), shows, words)


SIGNS: Final[tuple[Sign, ...]] = (
    _sign("kormarc", "", rb".{18}k", "leader/18 is k (KORMARC rules)"),
    _sign("kormarc", "049", rb".*\x1fl[A-Z]{1,4}[0-9]{6}", "049 $l, a Korean accession number"),
    _sign("kormarc", "056", rb".*\x1fa[0-9]", "056, the Korean Decimal Classification"),
    _sign(
        "kormarc",
        "012",
        rb"(?:..\x1fa)?K[A-Z]{2}[0-9]",
        "012, the control number of the National Library",
    ),
    _sign("kormarc", "245", rb".*/\x1fd", "245 $d, the first responsibility"),
    _sign("japanmarc21", "040", rb".*\x1f[acd]JTNDL", "040 names JTNDL, the National Diet Library"),
    _sign("rusmarc", "801", rb".*\x1fa(?:RU|SU)", "801 $a is RU"),
    _sign("rusmarc", "686", rb".*\x1f2rub", "686 $2 names the Russian classification (rub...)"),
    _sign("rusmarc", "899", rb"..\x1f[apjbx]", "899, Russian holdings"),
    _sign("rusmarc", "100", rb"..\x1fa.{26,28}(?:79|89|99)", "100 $a names a Russian code page"),
    _sign("cnmarc", "801", rb".*\x1faCN", "801 $a is CN"),
    _sign("cnmarc", "102", rb".*\x1faCN\x1fb[0-9]{6}", "102 has a Chinese region code"),
    _sign("cnmarc", "690", rb".*\x1fa[A-Z]{1,2}[0-9]", "690, the Chinese Library Classification"),
    _sign("cnmarc", "200", rb".*\x1f[A9][A-Za-z'0-9]", "200 has pinyin in $A or $9"),
    _sign("cnmarc", "091", rb".*\x1fa", "091, the Chinese unified book number"),
    _sign("cmarc", "801", rb".*\x1fa(?:CW|TW|tw|cw)", "801 $a is TW"),
    _sign("cmarc", "102", rb".*\x1fa(?:cw|CW)", "102 $a is cw"),
    _sign("cmarc", "681", rb".*\x1fa", "681, the classification of Taiwan"),
    _sign("cmarc", "805", rb".*\x1fa", "805, holdings of Taiwan"),
    _sign("cmarc", "100", rb"..\x1fa.{20}[0-9 ][a-z]{3}[a-z].{9,10}$", "100 $a is CMARC's, short"),
)
_BY_FAMILY: Final = {
    family: [sign for sign in SIGNS if FAMILY[sign.dialect] == family]
    for family in ("marc21", "unimarc", "japanmarc")
}
# Without one of these a record of the MARC 21 family need not be searched for flavours.
_KOREAN: Final = frozenset({b"049", b"056", b"012"})
_OLD_JAPANESE: Final = frozenset({b"551", b"751", b"677", b"270", b"905"})


def family_of(seen: Glimpse) -> str:
    """Return the family of one record, ``""`` if its fields do not tell.

    >>> family_of(Glimpse(b" " * 24, [b"001", b"245"], [b"1", b"10"]))
    'marc21'
    """
    tags = seen.tags
    if b"245" in tags:
        if b"200" not in tags:
            return "marc21"
    elif b"200" in tags:
        return "unimarc"
    elif b"251" in tags and not _OLD_JAPANESE.isdisjoint(tags):
        return "japanmarc"
    return _family_without_title(seen)


def _family_without_title(seen: Glimpse) -> str:
    """Authorities, holdings, and records that have both titles: by 008, 100 and 801."""
    has_100 = re.match(rb"[ 0-9]{2}\x1fa[0-9]{8}[a-z ]", seen.first(b"100")) is not None
    if has_100 or (b"801" in seen.tags and b"040" not in seen.tags):
        return "unimarc"
    control = seen.first(b"008")
    coded = len(control) in (32, 40) and b"\x1f" not in control
    if coded and (seen.leader[20:22] == b"45" or b"040" in seen.tags):
        return "marc21"
    if b"040" in seen.tags and seen.leader[20:24] == b"4500":
        return "marc21"
    return ""


def is_plain_marc21(raw: bytes) -> bool:
    """Whether a frame is of MARC 21 and shows no flavour, as nearly all do: seldom wrongly no.

    It asks what ``family_of`` and ``signs_of`` ask of its glimpse, and spares making that.
    """
    if raw[18:19] == b"k" or b"JTNDL" in raw or b"/\x1fd" in raw:
        return False
    count, odd = divmod(raw.find(b"\x1e") - 24, 12)
    if odd or not 0 < count < glimpse.LONGEST or raw.count(b"\x1e") != count + 1:
        return False
    tags = glimpse.tags_of(raw, count)
    return b"245" in tags and b"200" not in tags and _KOREAN.isdisjoint(tags)


def signs_of(seen: Glimpse, family: str) -> list[Sign]:
    """Return the signs of a flavour that a record of ``family`` shows."""
    return [
        sign
        for sign in _BY_FAMILY.get(family, ())
        if (data := seen.first(sign.tag) if sign.tag else seen.leader) and sign.shows(data)
    ]


def flavour(signs: list[Sign], family: str) -> str:
    """Return the dialect that most of a record's signs name; the family's own without signs.

    A stray local field does not make a record Korean: leader/18 does, or two signs.
    """
    if not signs:
        return family
    if family == "marc21" and len(signs) == 1 and signs[0].dialect == "kormarc" and signs[0].tag:
        return family
    if len(signs) == 1:
        return signs[0].dialect
    counts = Counter(sign.dialect for sign in signs)
    return counts.most_common(1)[0][0]


def verdict(
    families: Mapping[str, int], votes: Mapping[str, int], shown: Mapping[str, int]
) -> Verdict:
    """Return the verdict over a file, from the records looked at.

    ``families``: records by family (``""`` = undecided); ``votes``: the decided ones by flavour;
    ``shown``: records by the words of a sign.
    """
    decided = {name: number for name, number in families.items() if name}
    ranked = tuple(sorted({**votes}.items(), key=lambda pair: (-pair[1], pair[0])))
    total, all_records = sum(decided.values()), sum(families.values())
    if not total:
        said = f"None of {all_records:,} records looked at shows its dialect; taken as MARC 21."
        return Verdict("marc21", False, ranked, (said,))
    family, number = max(decided.items(), key=lambda pair: (pair[1], pair[0]))
    evidence = [
        f"{number:,} of {all_records:,} records looked at have the title where {_WHERE[family]}."
    ]
    inside = {name: count for name, count in votes.items() if name and FAMILY[name] == family}
    dialect, agreed = _flavour_of_file(inside, family)
    evidence += [
        f"{shown[sign.words]:,} record{'s' * (shown[sign.words] > 1)}: {sign.words}."
        for sign in _BY_FAMILY[family]
        if shown.get(sign.words)
    ]
    if dialect == "japanmarc21":
        evidence.append("It is JAPAN/MARC as it is since 2012, which is MARC 21.")
        dialect = "marc21"
    return Verdict(dialect, agreed and number >= _CERTAIN * total, ranked, tuple(evidence))


_WHERE: Final = {
    "marc21": "MARC 21 and KORMARC have it (245), or its coded fields",
    "unimarc": "UNIMARC has it (200), or its coded fields",
    "japanmarc": "JAPAN/MARC before 2012 had it (251)",
}


def _flavour_of_file(inside: Mapping[str, int], family: str) -> tuple[str, bool]:
    """Return (dialect, whether its records agree) among the votes inside one family."""
    flavours = {name: count for name, count in inside.items() if name != family}
    if not flavours:
        return family, True
    best, count = max(flavours.items(), key=lambda pair: (pair[1], pair[0]))
    if count < _SHOWN * sum(inside.values()):
        return family, True
    return best, count >= _AGREED * sum(flavours.values())


def said(dialect: str) -> Verdict:
    """Return the verdict where the sender names the dialect; ValueError if it is none.

    >>> said("rusmarc").certain
    True
    """
    if dialect not in DIALECTS:
        raise ValueError(f"{dialect!r} is no dialect. Say one of: {', '.join(DIALECTS)}.")
    return Verdict(dialect, True, (), (f"The sender says: {DIALECTS[dialect]}.",), said=True)


def of_record(record: Record, verdict: Verdict) -> str:
    """Return the dialect of one record of a file with this verdict.

    The record's own fields settle the family where they are unambiguous; the file settles the
    flavour.
    """
    seen = glimpse.of_record(record)
    family = family_of(seen)
    if not family or family == FAMILY[verdict.dialect]:
        return verdict.dialect
    own = flavour(signs_of(seen, family), family)
    return own if own in DIALECTS else "marc21"
