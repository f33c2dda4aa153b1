"""The same field in another script: UNIMARC $6 and $7, pinyin in CNMARC, and 880 of MARC 21.

UNIMARC repeats a field in another script and links the two by $6; CNMARC writes the romanised
form into the same field, under the codes in capitals (CALIS) or $9 (National Library of China);
the Chinese format of Taiwan uses $r. In MARC 21 the other form is an 880, numbered in pairs.
The form that UNIMARC has first, and the characters of CNMARC, stay in the field itself.

Source: IFLA, UNIMARC Manual, control subfields $6 and $7, and 100 $a/34-35; WH/T 0503 (CNMARC);
MARC 21 Bibliographic 880 and Appendix A, "Control Subfields".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from marc_mappings.letters import linkage
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss
from marc_mappings.unimarc.names import CJK

LATIN: Final = "(B"
# Script code of UNIMARC $7 to that of MARC 21 $6. Other scripts have none there.
_SCRIPTS: Final = {
    "ba": LATIN, "ca": "(N", "da": "$1", "db": "$1", "dc": "$1", "ea": "$1", "fa": "(3",
    "ga": "(S", "ha": "(2", "ka": "$1",
}  # fmt: skip
_OTHER_FORMS: Final = frozenset("679rABCDEFGHIJKLMNOPQRSTUVWXYZ")
# Coded fields have no other form; links say theirs in fields of their own.
_WITH_FORMS: Final = frozenset("23567")
_LINK = re.compile(r"a([0-9]{2})")

# In which fields a code means the romanised $a, by dialect.
_ROMANISED: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "cnmarc": ("9", frozenset({"200", "225"} | {f"{tag}" for tag in range(500, 800)})),
    "cmarc": (
        "r",
        frozenset({"200", "225"} | {f"{tag}" for tag in (*range(510, 518), *range(700, 723))}),
    ),
}


_ALONE: Final = "the other form of a field that is not in the result"


class Pair(NamedTuple):
    """Two forms of one field: the one that stays, its partner, and the partner's script code."""

    main: Field
    partner: Field
    script: str


def split(record: Record, dialect: str) -> tuple[Record, tuple[Pair, ...]]:
    """Return the record with one form of each field, and the other forms with it."""
    if not any(map(_may_have_two, record.fields)):
        return record, ()
    fields: list[Field] = []
    pairs: list[Pair] = []
    linked: dict[tuple[str, str], Field] = {}
    keys = [_link(field) for field in record.fields]
    for field, key in zip(record.fields, keys, strict=True):
        if key and keys.count(key) < 2:
            key = None
        plain, romanised = _apart(field, dialect, is_linked=key is not None)
        if key and key in linked:
            pairs.append(Pair(linked[key], plain, _script(field)))
            continue
        if key:
            linked[key] = plain
        fields.append(plain)
        if romanised:
            pairs.append(Pair(plain, romanised, LATIN))
    return Record(record.leader, tuple(fields)), tuple(pairs)


def _may_have_two(field: Field) -> bool:
    return not _OTHER_FORMS.isdisjoint([code for code, _ in field.subfields])


def _link(field: Field) -> tuple[str, str] | None:
    match = _LINK.match(field.first("6"))
    return (field.tag, match[1]) if match else None


def _script(field: Field) -> str:
    """Return what ends a $6 of MARC 21 behind the slash: from $7, else from the letters."""
    if found := _SCRIPTS.get(field.first("7")[:2]):
        return found
    return linkage.end_for(" ".join([value for _, value in field.subfields if len(value) > 3]))[1:]


def _apart(field: Field, dialect: str, *, is_linked: bool) -> tuple[Field, Field | None]:
    """Return the field without its romanised subfields, and one made of those.

    ``is_linked``: there is another form of the field, so that $6 and $7 have done their work.
    """
    if field.tag[:1] not in _WITH_FORMS or not _may_have_two(field):
        return field, None
    own = {code for code, _ in field.subfields}
    extra, tags = _ROMANISED.get(dialect, ("", frozenset()))
    if field.tag not in tags or not CJK.search(field.first("a")):
        extra = ""
    plain: list[Subfield] = []
    other: list[Subfield] = []
    for part in field.subfields:
        code, value = part
        if code.isupper() and code.lower() in own:
            other.append(Subfield(code.lower(), value))
        elif code == extra and value.isprintable() and not CJK.search(value):
            other.append(Subfield("a", value))
        elif is_linked and code in "67":
            continue
        else:
            plain.append(part)
    kept = field._replace(subfields=tuple(plain))
    if not any(value.strip() for _, value in other):
        return kept, None
    return kept, field._replace(subfields=tuple(other))


def attached(
    fields: Sequence[Field], pairs: Iterable[Pair], made: Callable[[Field], list[Field]]
) -> tuple[list[Field], list[Loss]]:
    """Return ``fields`` with each partner as 880 behind what its main form became.

    ``made`` says what the mapping makes of a field of UNIMARC. A partner that has no field to
    stand beside is returned as lost.
    """
    found = list(fields)
    lost: list[Loss] = []
    for main, partner, script in pairs:
        mains = [*made(main)]
        for other in made(partner):
            match = next((one for one in mains if one.tag[1:] == other.tag[1:]), None)
            if match is None or match not in found or match.tag < "010":
                lost.append(Loss(partner.tag, _all_codes(partner), _ALONE))
                continue
            mains.remove(match)
            at = found.index(match) + 1
            linkage = Subfield("6", f"000-00/{script}" if script else "000-00")
            form = Field("880", other.indicators, (linkage, *other.subfields))
            if form not in found[at : at + 1]:
                found.insert(at, form)
    return found, lost


def _all_codes(field: Field) -> str:
    return "".join(dict.fromkeys(code for code, _ in field.subfields))


def numbered(fields: Sequence[Field]) -> list[Field]:
    """Return ``fields`` with the links of every 880 to the field before it numbered from 01."""
    if not any(field.tag == "880" for field in fields):
        return list(fields)
    found: list[Field] = []
    count, main = 0, -1
    for field in fields:
        if field.tag != "880" or not field.first("6").startswith("000-00"):
            found.append(field)
            main = len(found) - 1
            continue
        head = found[main]
        if head.first("6").startswith("880-"):
            number = head.first("6")[4:6]
        else:
            count += 1
            number = f"{count:02}"
            link = Subfield("6", f"880-{number}")
            found[main] = head._replace(subfields=(link, *head.subfields))
        script = field.subfields[0].value[6:]
        linkage = Subfield("6", f"{head.tag}-{number}{script}")
        first = head.indicators[0] if head.tag[1:] != "30" else field.indicators[0]
        indicators = first + field.indicators[1]
        found.append(Field("880", indicators, (linkage, *field.subfields[1:])))
    return found
