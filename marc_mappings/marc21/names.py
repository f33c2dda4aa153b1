"""Names of MARC 21 as UNIMARC has them: entry element and rest apart, roles by number.

"Fromer, Julie E.," becomes ``$aFromer$bJulie E.``; a name in Chinese, Japanese or Korean script is
never divided. Who wrote is 700 (first) or 701 (equal), who translated, edited or illustrated 702:
the role says so, or else whether the first statement of responsibility names the person.

Source: UNIMARC Manual, Bibliographic Format, 600-604, 700-730, Appendix C (relator codes);
MARC 21 Bibliographic, X00-X11; LC, UNIMARC to MARC 21 Conversion Specifications: 600, 7XX.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, Literal

from marc_mappings import codes, steps
from marc_mappings.marc21.scripts import EAST_ASIAN, script
from marc_mappings.record import Field, Record, Subfield

Flavour = Literal["unimarc", "cnmarc"]

# MARC 21 subfield to UNIMARC subfield, for a person, a body, a meeting.
# Source: UNIMARC Manual 700, 710; LC, UNIMARC to MARC 21: 700, 710.
_PERSON: Final = {"b": "d", "c": "c", "d": "f", "j": "k", "q": "g", "u": "p", "0": "3", "3": "8"}
_BODY: Final = {
    "a": "a",
    "b": "b",
    "c": "e",
    "d": "f",
    "g": "c",
    "n": "d",
    "u": "p",
    "0": "3",
    "3": "8",
}
_MEETING: Final = {**_BODY, "e": "b", "q": "c"}
PERSON_CODES: Final = "".join(_PERSON) + "a"
BODY_CODES: Final = "".join(_BODY)
MEETING_CODES: Final = "".join(_MEETING)
# Where the role stands: as a code, as a word.
_ROLE_WORDS: Final = {
    "100": "e",
    "110": "e",
    "111": "j",
    "700": "e",
    "710": "e",
    "711": "j",
    "720": "e",
}

# Roles of those who answer for the whole work; every other one is secondary (702, 712).
# Source: UNIMARC Manual 700, 702 (definitions).
_PRIMARY_ROLES: Final = frozenset(
    ["070", "040", "100", "180", "230", "233", "305", "330", "500", "600", "705"]
)
# Roles as Chinese and Japanese books and CNMARC name them. Source: CNMARC 7XX $4 in real records.
_HAN_ROLES: Final = {
    word: code
    for code, words in {
        "070": "著 撰 作 著者 共著 合著 文 지은이 저자 지음 글",
        "730": "译 譯 訳 翻译 翻譯 翻訳 共訳 옮긴이 역자 옮김",
        "340": "编 編 主编 主編 编著 編著 编者 編者 共編 監修 엮은이 엮음",
        "440": "绘 繪 绘图 画 絵 그림",
        "100": "原著 原作",
        "600": "摄影 攝影 写真 사진",
    }.items()
    for word in words.split()
}
# Roles as older records shorten them. Source: AACR2 21.0D.
_SHORT_ROLES: Final = {"ed": "340", "comp": "220", "tr": "730", "trans": "730", "ill": "440"}
_LONGEST_FIRST: Final = sorted(_HAN_ROLES, key=len, reverse=True)
# UNIMARC code to the word of CNMARC. Source: CNMARC 7XX $4 in real records.
_CHINESE: Final = {
    "070": "著",
    "730": "译",
    "340": "编",
    "220": "编",
    "440": "绘",
    "230": "作曲",
    "600": "摄影",
    "020": "注",
    "210": "评",
    "650": "出版",
    "300": "导演",
}
_BRACKETS: Final = re.compile(r"^[(\[]|[)\]]$")


def is_east_asian(text: str) -> bool:
    """Whether a name is in Chinese, Japanese or Korean script, so that it is not divided."""
    return not text.isascii() and script(text) in EAST_ASIAN


def is_surname(field: Field) -> bool:
    """Whether a name begins with the surname: the indicator, or where it is blank the comma."""
    first = field.indicators[:1]
    return first == "1" or (first not in ("0", "3") and "," in field.first("a").rstrip(", "))


def order(field: Field, parts: Sequence[Subfield], flavour: Flavour) -> str:
    """Return the second indicator of 700: 1 a surname first, 0 a name in direct order.

    ``parts`` are its subfields. CNMARC has a Chinese name that is not divided in direct order.
    """
    name = parts[0].value if parts else ""
    if flavour == "cnmarc" and "," not in name and is_east_asian(name):
        return "0"
    return "1" if is_surname(field) else "0"


def person(field: Field) -> list[Subfield]:
    """Return the subfields of a personal name, without the role.

    >>> person(Field("100", "1 ", (Subfield("a", "Fromer, Julie E.,"), Subfield("d", "1970-"))))
    [Subfield(code='a', value='Fromer'), Subfield(code='b', value='Julie E.'), \
Subfield(code='f', value='1970-')]
    """
    parts: list[Subfield] = []
    for code, value in field.subfields:
        if code == "a":
            parts += _entry(steps.trim_isbd(value), is_inverted=is_surname(field))
        elif to := _PERSON.get(code):
            text = value.strip() if code in "03" else steps.trim_isbd(value)
            if code == "q":
                text = text.strip("()")
            if text:
                parts.append(Subfield(to, text))
    return parts


def _entry(name: str, *, is_inverted: bool) -> Iterator[Subfield]:
    """Yield the entry element and the rest of a name."""
    entry, comma, rest = name.partition(",")
    if is_inverted and comma and entry and rest.strip() and not is_east_asian(name):
        yield Subfield("a", entry.strip())
        yield Subfield("b", rest.strip())
    elif name:
        yield Subfield("a", name)


def body(field: Field) -> list[Subfield]:
    """Return the subfields of a corporate body or a meeting, without the role."""
    table = _MEETING if field.tag[1:] == "11" else _BODY
    parts = []
    for code, value in field.subfields:
        if to := table.get(code):
            text = value.strip() if code in "03" else _plain(code, value)
            if text:
                parts.append(Subfield(to, text))
    return parts


def _plain(code: str, value: str) -> str:
    """Return a part of a body's name; number, date and place lose their brackets."""
    text = steps.trim_isbd(value)
    if code not in "ndc":
        return text
    return _BRACKETS.sub("", _BRACKETS.sub("", text)).rstrip(" :") if text else ""


@cache
def _by_word() -> dict[str, str]:
    """Return the UNIMARC code for each English word of a role."""
    known = codes.relators_to_unimarc()
    words = {
        role.name.casefold(): known[role.now]
        for role in codes.relators().values()
        if role.now in known
    }
    return {**words, **_SHORT_ROLES, **_HAN_ROLES}


def role(code: str, value: str) -> str:
    """Return the UNIMARC code of a role given as MARC code ($4) or word ($e, $j); ``""`` if none.

    >>> role("4", "trl"), role("e", "editor."), role("e", "著"), role("e", "grocer")
    ('730', '340', '070', '')
    """
    text = steps.trim_isbd(value).rstrip(".").casefold()
    if code == "4":
        return codes.relators_to_unimarc().get(text.rsplit("/", 1)[-1], "")
    return _by_word().get(text) or _by_word().get(text.replace("joint ", ""), "")


def roles(field: Field, record: Record | None = None) -> list[str]:
    """Return the UNIMARC codes of the roles in a name, each once.

    Where an East Asian name has none, the statement of responsibility of ``record`` says it:
    in "中島誠之 著 ; 柳沢智子 編" the word behind the name.
    """
    word = _ROLE_WORDS.get(field.tag, "e")
    found = [role(code, value) for code, value in field.subfields if code in ("4", word)]
    known = list(dict.fromkeys(filter(None, found)))
    return known if known or record is None else _role_in_statement(field, record)


def _role_in_statement(field: Field, record: Record) -> list[str]:
    name = "".join(field.first("a").replace(",", " ").split())
    if not is_east_asian(name):
        return []
    for whole in _statements(record):
        for statement in whole.split(" ; "):
            text = "".join(steps.trim_isbd(statement).split()).strip("[]")
            word = next((word for word in _LONGEST_FIRST if text.endswith(word)), "")
            if word and name in text[: -len(word)]:
                return [_HAN_ROLES[word]]
    return []


def _statements(record: Record) -> Iterator[str]:
    """Yield the statement of responsibility of a record in each of its scripts."""
    for field in record.fields:
        if field.tag == "245" or (field.tag == "880" and steps.linked_tag(field) == "245"):
            yield field.first("c")


def unknown_roles(field: Field) -> str:
    """Return the codes of the subfields with a role that UNIMARC has no code for."""
    if field.tag not in _ROLE_WORDS:
        return ""
    word = _ROLE_WORDS[field.tag]
    lost = [c for c, value in field.subfields if c in ("4", word) and not role(c, value)]
    return "".join(dict.fromkeys(lost))


def role_subfields(field: Field, record: Record, flavour: Flavour) -> list[Subfield]:
    """Return $4 for each role: its number, or its Chinese word where CNMARC has one."""
    words = _CHINESE if flavour == "cnmarc" else {}
    return [Subfield("4", words.get(code, code)) for code in roles(field, record)]


def added_tag(field: Field, record: Record, equal: str, secondary: str) -> str:
    """Return ``equal`` (701) or ``secondary`` (702) for an added entry.

    The role decides; where none is said, the person is equal if the first statement of
    responsibility of a book that has an author as main entry names him.
    """
    if known := roles(field, record):
        return equal if _PRIMARY_ROLES.intersection(known) else secondary
    entry = steps.trim_isbd(field.first("a")).partition(",")[0].casefold()
    if not entry or not any(each.tag == "100" for each in record.fields):
        return secondary
    first = next(_statements(record), "").partition(" ; ")[0]
    return equal if entry in first.casefold() else secondary


def heading(field: Field) -> str:
    """Return a name as one text, for a place that has no room for its parts: "Fromer, Julie E."."""
    wanted = "abcdjq" if field.tag[1:] == "00" else "abcdnq"
    return text_of(field.subfields, wanted)


def text_of(subfields: Sequence[Subfield], wanted: str) -> str:
    """Return the subfields ``wanted`` in one text, without punctuation at its end.

    A title follows a name: what stands behind the first $t belongs to the title.
    """
    parts = []
    for code, value in subfields:
        if code == "t":
            break
        if code in wanted:
            parts.append(value.strip())
    return steps.trim_isbd(" ".join(parts))
