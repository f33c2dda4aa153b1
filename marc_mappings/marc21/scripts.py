"""Fields in two scripts: the 880 of MARC 21 as parallel fields of UNIMARC, or pinyin of CNMARC.

MARC 21 has the romanised form in the field and the form in its own script in an 880, or the other
way round (JAPAN/MARC, with two readings for one field). UNIMARC repeats the field itself for each
script, linked by $6 and named by $7. CNMARC has the field in its own script, and the romanisation
beside each subfield under the same letter as a capital: ``$a图书馆$Atushuguan``.

Source: UNIMARC Manual, Bibliographic Format, control subfields $6 and $7, 100 $a/34-35; MARC 21,
Appendix A ($6); for $A the records of CALIS and the National Library of China.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from marc_mappings.letters import linkage
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss

# The name of a character in Unicode to the script code of 100/34-35. Source: UNIMARC Manual 100.
_SCRIPTS: Final[Mapping[str, str]] = {
    "LATIN": "ba",
    "CYRILLIC": "ca",
    "HIRAGANA": "dc",
    "KATAKANA": "dc",
    "CJK": "ea",
    "ARABIC": "fa",
    "GREEK": "ga",
    "HEBREW": "ha",
    "THAI": "ia",
    "DEVANAGARI": "ja",
    "HANGUL": "ka",
    "TAMIL": "la",
    "GEORGIAN": "ma",
    "ARMENIAN": "mb",
}
LATIN: Final = "ba"
_HAN: Final = "ea"
_KANA: Final = "dc"
_HANGUL: Final = "ka"
# Han characters alone belong to the language of the book.
_HAN_OF: Final = {"jpn": "db", "kor": "ka"}
EAST_ASIAN: Final = frozenset({"da", "db", "dc", "ea", "ka"})
NOT_PAIRED: Final = "880 whose $6 does not say which field it stands for"
NO_ROOM: Final = "a second reading; CNMARC has room for one beside the form in its own script"
NOT_ROMANISED: Final = "romanised, and said in its own script; CNMARC romanises titles and names"
# CNMARC romanises titles, names and headings, not imprints and notes.
_ROMANISED: Final = ("200", "225", "4", "5", "6", "7")


_NAMES: Final = ("600", "602", "70", "72")


class Source(NamedTuple):
    """A field to convert, without its $6; ``group`` is shared by all its forms, 0 for none."""

    field: Field
    group: int
    is_alternate: bool


@lru_cache(maxsize=8192)
def _script_of(char: str) -> str:
    """Return the script code of a letter, ``""`` for a letter that any script may have."""
    kind = unicodedata.category(char)
    words = unicodedata.name(unicodedata.normalize("NFKC", char)[0], "").split(" ", 1)
    return "" if kind == "Lm" else _SCRIPTS.get(words[0], "zz")


def script(text: str, language: str = "") -> str:
    """Return the script code of a text: that of its letters that are not Latin, if it has any.

    ``language`` is a MARC code, to tell kanji and hanja from Chinese. Blanks without any letter.

    >>> script("Han, Kang"), script("채식주의자"), script("図書館のこと"), script("図書館", "jpn")
    ('ba', 'ka', 'da', 'db')
    """
    if text.isascii():
        return LATIN if any(map(str.isalpha, text)) else "  "
    found = {_script_of(char) for char in text if char.isalpha()} - {""}
    if _KANA in found:
        return "da" if _HAN in found else _KANA
    if _HANGUL in found:
        return _HANGUL
    if _HAN in found:
        return _HAN_OF.get(language, _HAN)
    others = found - {LATIN}
    return min(others) if others else (LATIN if found else "  ")


def sources(record: Record) -> list[Source]:
    """Return the fields of a record with the 880 fields under the tags they stand for.

    An 880 without a number (``245-00``) is a form of the only field with that tag, if there is
    one. An 880 that names no tag stays 880.
    """
    if not any(field.tag == "880" for field in record.fields):
        return [Source(_without_link(field), 0, False) for field in record.fields]
    first: dict[str, int] = {}
    groups: dict[tuple[str, str], int] = {}
    found: list[Source] = []
    for number, field in enumerate(record.fields, 1):
        tag = field.tag
        link = linkage.link(field.first("6"))
        if tag != "880":
            group = number if link and int(link.occurrence) else 0
            if link and group:
                groups.setdefault((tag, link.occurrence), group)
            first.setdefault(tag, len(found))
            found.append(Source(_without_link(field), group, False))
        elif link is None:
            found.append(Source(field, 0, True))
        else:
            found.append(Source(_without_link(field)._replace(tag=link.tag), 0, True))
    return _paired(record, found, groups, first)


def _paired(
    record: Record,
    found: list[Source],
    groups: Mapping[tuple[str, str], int],
    first: Mapping[str, int],
) -> list[Source]:
    """Give every 880 the group of its field."""
    for at, (field, whole) in enumerate(zip(record.fields, found, strict=True)):
        link = linkage.link(field.first("6")) if whole.is_alternate else None
        if link is None:
            continue
        group = groups.get((link.tag, link.occurrence), 0)
        if not group and link.tag == "245" and link.tag in first:
            base = found[first[link.tag]]
            group = base.group or first[link.tag] + 1
            found[first[link.tag]] = base._replace(group=group)
        found[at] = whole._replace(group=group)
    return found


def _without_link(field: Field) -> Field:
    for code, _ in field.subfields:
        if code == "6":
            kept = tuple([part for part in field.subfields if part.code != "6"])
            return field._replace(subfields=kept)
    return field


def parallel(made: Sequence[tuple[Source, list[Field]]], language: str) -> list[Field]:
    """Return the fields of UNIMARC: forms of one field linked by $6, each with its script in $7."""
    forms = _forms(made)
    numbers = {group: number for number, group in enumerate(forms, 1)}
    fields: list[Field] = []
    for source, values in made:
        if source.group not in forms:
            mark = source.is_alternate
            fields += [_with_script(each, "", language) if mark else each for each in values]
            continue
        base = forms[source.group][0][1]
        for at, value in enumerate(values):
            if source.is_alternate and at < len(base) and _is_kin(value, base[at]):
                value = value._replace(tag=base[at].tag)
            fields.append(_with_script(value, f"a{numbers[source.group]:02}", language))
    return fields


def _is_kin(one: Field, other: Field) -> bool:
    """Whether two fields are of one kind, as 701 and 702: a form goes where its field goes."""
    return one.tag[:2] == other.tag[:2]


def _forms(
    made: Sequence[tuple[Source, list[Field]]],
) -> dict[int, list[tuple[Source, list[Field]]]]:
    """Return the forms of each group that has several, the field before its 880 fields."""
    forms: dict[int, list[tuple[Source, list[Field]]]] = {}
    for source, values in made:
        if source.group and values:
            forms.setdefault(source.group, []).append((source, values))
    return {
        group: sorted(several, key=lambda form: form[0].is_alternate)
        for group, several in forms.items()
        if len(several) > 1
    }


def _with_script(field: Field, link: str, language: str) -> Field:
    marks = [Subfield("6", link)] if link else []
    code = script(_text(field), language)
    if code.strip():
        marks.append(Subfield("7", code))
    return field._replace(subfields=(*marks, *field.subfields))


def _text(field: Field) -> str:
    return " ".join(
        value for code, value in field.subfields if code.isalpha() and code not in "fvx"
    )


def romanised(
    made: Sequence[tuple[Source, list[Field]]], language: str, lost: dict[Loss, None]
) -> list[Field]:
    """Return the fields of CNMARC: in their own script, with the romanisation in capitals."""
    forms = _forms(made)
    fields: list[Field] = []
    done: set[int] = set()
    for source, values in made:
        if source.group not in forms:
            fields += values
        elif source.group not in done:
            done.add(source.group)
            fields += _merged(forms[source.group], language, lost)
    return fields


def _merged(
    forms: Sequence[tuple[Source, list[Field]]], language: str, lost: dict[Loss, None]
) -> list[Field]:
    """Return the fields of the form in its own script, with the first Latin form beside."""
    ranked = [(script(" ".join(map(_text, values)), language), values) for _, values in forms]
    own = next((at for at, (code, _) in enumerate(ranked) if code.strip() and code != LATIN), 0)
    latin = next((at for at, (code, _) in enumerate(ranked) if code == LATIN and at != own), None)
    for at, (source, _) in enumerate(forms):
        if at not in (own, latin):
            lost[Loss(source.field.tag, "", NO_ROOM)] = None
    main = ranked[own][1]
    base = forms[0][1]
    if len(main) == len(base):
        pairs = zip(main, base, strict=True)
        main = [one._replace(tag=other.tag) if _is_kin(one, other) else one for one, other in pairs]
    if latin is None:
        return main
    readings = ranked[latin][1]
    merged = []
    for at, field in enumerate(main):
        if at >= len(readings):
            merged.append(field)
        elif field.tag.startswith(_ROMANISED):
            merged.append(_beside(field, readings[at]))
        else:
            merged.append(field)
            if readings[at].subfields != field.subfields:
                lost[Loss(forms[latin][0].field.tag, "", NOT_ROMANISED)] = None
    return merged


def _beside(field: Field, reading: Field) -> Field:
    """Put each subfield of ``reading`` behind its counterpart, as a capital.

    A name that the reading alone divides into two parts stays one beside the undivided one.
    """
    waiting = _by_code(reading.subfields)
    if field.tag.startswith(_NAMES) and not any(code == "b" for code, _ in field.subfields):
        parts = [*waiting.get("a", [])[:1], *waiting.pop("b", [])]
        if parts:
            waiting["a"] = [", ".join(parts)]
    merged: list[Subfield] = []
    for code, value in field.subfields:
        merged.append(Subfield(code, value))
        if code.islower() and (same := waiting.get(code)):
            other = same.pop(0)
            if other != value:
                merged.append(Subfield(code.upper(), other))
    rest = [
        Subfield(code.upper(), value)
        for code, values in waiting.items()
        if code.islower()
        for value in values
    ]
    return field._replace(subfields=(*merged, *rest))


def _by_code(subfields: Iterable[Subfield]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, value in subfields:
        found.setdefault(code, []).append(value)
    return found
