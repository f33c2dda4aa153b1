"""The title of UNIMARC, 200, as 245 of MARC 21 with the punctuation of ISBD, and 246 and 740.

UNIMARC codes every element and leaves the punctuation out; MARC 21 has three subfields for most
of them and writes it. What is skipped in filing is marked inside the text there and counted in an
indicator here.

Source: IFLA, UNIMARC Manual 200 and "Control functions" (NSB, NSE); MARC 21 Bibliographic 245,
246, 740; ISBD, area 1; SBN, "Guida alla catalogazione" (asterisk).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from marc_mappings import steps
from marc_mappings.record import Field, Record, Subfield

# Marks around what filing skips: control characters, the same in the wrong code page, and signs.
_MARKS: Final = (
    ("\u0088", "\u0089"),
    ("\u0098", "\u009c"),
    ("\u02dc", "\u0153"),
    ("<<", ">>"),
    ("≪", "≫"),
    ("\u2260", "\u2260"),
    ("¬", "¬"),
)
_MARKED: Final = re.compile("[\u0080-\u009f\u02dc\u2260¬≪*]|<<")
# SBN puts an asterisk where filing begins.
_ASTERISK: Final = re.compile(r"([^\s*]{1,8}['’\s]\s*)\*(?=\w)")
MOST_SKIPPED: Final = 9


@lru_cache(maxsize=1024)
def filing(text: str) -> tuple[str, int]:
    """Return ``text`` without non-sorting marks, and how many characters filing skips (0 to 9).

    >>> filing("<<The >>sweetest fig"), filing("\\x88Le \\x89livre"), filing("L'*isola")
    (('The sweetest fig', 4), ('Le livre', 3), ("L'isola", 2))
    >>> filing("C*-algebras"), filing("\\x98The\\x9c book")
    (('C*-algebras', 0), ('The book', 4))
    """
    if not _MARKED.search(text):
        return text, 0
    if match := _ASTERISK.match(text):
        return text[: match.end(1)] + text[match.end() :], _skipped(len(match[1]))
    skip = 0
    for begin, end in _MARKS:
        if text.startswith(begin) and (stop := text.find(end, len(begin))) > 0:
            rest = text[stop + len(end) :]
            marked = text[len(begin) : stop]
            skip = len(marked) + len(rest) - len(rest.lstrip())
            text = marked + rest
            break
    for begin, end in _MARKS:
        # Only in front it can be told from a letter of French.
        if end != "\u0153" and begin in text and end in text:
            text = text.replace(begin, "").replace(end, "")
    return normalize("NFC", steps.without_non_sorting_marks(text)), _skipped(skip)


def _skipped(count: int) -> int:
    return count if count <= MOST_SKIPPED else 0


def clean(text: str) -> str:
    """Return ``text`` without non-sorting marks and without ISBD punctuation before or after it.

    >>> clean("= The <<a>> title :"), clean("... et cetera")
    ('The a title', '... et cetera')
    """
    text = filing(text)[0].strip()
    while text[:1] in ("=", ":", ";", "/") and text[1:2] == " ":
        text = text[2:].lstrip()
    return text.rstrip(" =:;/")


# Subfield of 200 to subfield of 245 and the sign before it, while there is no $c yet. $p of the
# Chinese format of Taiwan is the number of volumes that old books say beside their title.
_BEFORE: Final = {
    "a": ("b", " ;"),
    "c": ("c", "."),
    "d": ("b", " ="),
    "e": ("b", " :"),
    "p": ("b", " :"),
    "f": ("c", " /"),
    "g": ("c", " /"),
    "h": ("n", "."),
    "v": ("n", "."),
    "i": ("p", "."),
}
# And once there is one: everything goes behind its text, with these signs.
_AFTER: Final = {
    **dict.fromkeys("a", "."),
    "c": ".",
    "d": " =",
    "e": " :",
    "p": " :",
    "f": " /",
    "g": " ;",
    "h": ".",
    "v": ".",
    "i": ",",
}


def title_parts(subfields: Sequence[Subfield]) -> tuple[tuple[Subfield, ...], int]:
    """Return the subfields of 245 for those of a 200, and how many characters filing skips."""
    parts: list[Subfield] = []
    designation, skip = "", 0
    before = ""
    for code, value in subfields:
        text = clean(value)
        if not text:
            continue
        if code == "b":
            said = text.strip("[]")
            designation = f"{designation[:-1]}, {said}]" if designation else f"[{said}]"
        elif code not in _BEFORE:
            continue
        elif not parts:
            if code == "a":
                skip = filing(value.strip())[1]
            parts.append(Subfield("a", text))
        else:
            _put(parts, code, text, before)
        before = code
    if designation:
        _insert(parts, designation)
    return tuple(parts), skip


def _put(parts: list[Subfield], code: str, text: str, before: str) -> None:
    """Put an element behind ``parts`` with the punctuation of ISBD."""
    last, written = parts[-1]
    if last == "c":
        sign = " ;" if code == "f" and before in "fg" else _AFTER[code]
        parts[-1] = Subfield("c", f"{steps.with_sign(written, sign)} {text}")
        return
    to, sign = _BEFORE[code]
    if to == "p" and last == "n":
        sign = ","
    if to == "b" and any(code == "b" for code, _ in parts):
        parts[-1] = Subfield(last, f"{steps.with_sign(written, sign)} {text}")
        return
    parts[-1] = Subfield(last, steps.with_sign(written, sign))
    parts.append(Subfield(to, text))


def _insert(parts: list[Subfield], designation: str) -> None:
    """Put the general material designation before $b and $c, where MARC 21 has it."""
    at = next((at for at, part in enumerate(parts) if part.code in "bc"), len(parts))
    if at == 0:
        return
    code, text = parts[at - 1]
    plain = steps.without_sign(text) if at < len(parts) else text
    sign = text[len(plain) :]
    parts[at - 1] = Subfield(code, plain)
    parts.insert(at, Subfield("h", designation + sign))


def title(field: Field, record: Record) -> list[Field]:
    """245 with ISBD punctuation; indicator 2 counts what non-sorting marks enclose; $h of 204."""
    subfields = field.subfields
    if not any(code == "b" for code, _ in subfields):
        general = (value for each in record.all("204") for value in each.all("a"))
        subfields += tuple([Subfield("b", value) for value in general][:1])
    parts, skip = title_parts(subfields)
    return [Field("245", f"0{skip}", parts)] if parts else []


def other_titles(field: Field, _: Record) -> Iterator[Field]:
    """246 31 for each parallel title ($d), 740 02 for each further title ($a, $c)."""
    seen = False
    for code, value in field.subfields:
        text = clean(value) if code in "acde" else ""
        if code == "d" and text:
            yield Field("246", "31", (Subfield("a", text),))
        elif code in "ac" and text:
            if seen:
                skip = filing(value.strip())[1]
                yield Field("740", f"{skip}2", (Subfield("a", text),))
            seen = seen or code == "a"


# A title that only says which part of something it is: nothing but words for parts and numbers.
_PART_WORDS: Final = (
    r"вып(?:уск)?|т(?:ом)?|ч(?:асть)?|кн(?:ига)?|сб|сер(?:ия)?|№|vol(?:ume)?s?|t(?:ome|omo)?|bd|"
    r"band|teil|part(?:e|ie)?|pt|sv(?:äzok)?|zv(?:äzok)?|č(?:ást|asť)?|d[íi]l|tom|cz|no|nr|heft|"
    r"livre|book|issue|kötet|knj|τόμος|τ|τεύχος|дэвтэр|боть|cilt"
)
_DESIGNATION: Final = re.compile(
    rf"[\[(]?(?:(?:{_PART_WORDS})\b[\s.:]*)?[0-9IVXLCDMІХ]+(?:[-–/,.\s]+[0-9IVXLCDMІХ]+)*[\])]?\.?"
    r"|第?[0-9一二三四五六七八九十百上中下]+[卷冊册輯辑集部編编期]?",
    re.IGNORECASE,
)


def is_designation(text: str) -> bool:
    """Whether a title only numbers a part of something.

    >>> [is_designation(text) for text in ("Вып. 13.", "Т. 2, 3", "第3卷", "XV", "1984 год", "上")]
    [True, True, True, True, False, True]
    """
    return len(text) < 40 and _DESIGNATION.fullmatch(text.strip()) is not None


def under_set(whole: Sequence[Subfield], volume: str, own: Sequence[Subfield]) -> list[Subfield]:
    """Return the subfields of a 200 for a volume: the set's title, then number and own title.

    ``whole`` are those of the set's 200 (or its $t as $a), ``volume`` the set's $v, ``own`` the
    subfields of the volume's own 200.

    >>> own = (Subfield("a", "Вып. 13."), Subfield("f", "С. Орлов"))
    >>> [part.value for part in under_set((Subfield("a", "Задачи"),), "Вып. 13", own)]
    ['Задачи', 'Вып. 13', 'С. Орлов']
    """
    head = [part for part in whole if part.code in "ahi"]
    number = volume.strip()
    rest: list[Subfield] = []
    first = True
    for code, value in own:
        text = value.strip()
        if code == "a" and first:
            first = False
            if not number and is_designation(text):
                number = text
            elif not _same(number, text):
                rest.append(Subfield("i", text))
        elif code == "h" and _same(number, text):
            continue
        else:
            rest.append(Subfield(code, value))
    return head + ([Subfield("h", number)] if number else []) + rest


def _same(one: str, other: str) -> bool:
    return one.strip(" .").casefold() == other.strip(" .").casefold()
