"""What tells the editions of a work apart: year, edition, publisher, language, form, subtitle.

No record is looked for by these, because thousands share each of them; they are compared when two
records are laid side by side, see ``match_score``.

Source: MARC 21 Bibliographic Leader/06, 008/07-10, 008/23 and 29 (form of item), 008/35-37,
245, 250, 260, 264.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from marc_mappings import codes, steps
from marc_mappings.keys import folding
from marc_mappings.keys.folding import folded
from marc_mappings.keys.key_kinds import Key
from marc_mappings.record import Field, Record

# Numbers of editions in words, in the languages that write them so.
_ORDINALS: Final = {
    word: str(number)
    for number, words in enumerate(
        (
            "first erste première primera prima первое 초판 初版",
            "second zweite deuxième segunda seconda второе 재판 再版",
            "third dritte troisième tercera terza третье 三版",
            "fourth vierte quatrième cuarta quarta четвертое 四版",
            "fifth fünfte cinquième quinta пятое 五版",
        ),
        start=1,
    )
    for word in map(folded, words.split())
}
# What ``of_record`` reads.
TAGS: Final = frozenset({"007", "008", "245", "250", "260", "264", "338", "880"})
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,3}(?![0-9])")
# A printing is no edition: 초판 5쇄, 第2版第3次印刷.
_PRINTING = re.compile(r"第?\s?[0-9]{1,3}\s?(?:쇄|刷|次印刷|(?:st|nd|rd|th)?\s?(?:print|impr))")
_WORDS = re.compile(r"[^\W\d_]+")
# What stands around the name of a publisher and is not it.
_FIRM: Final = frozenset(
    {"the", "verlag", "editions", "editorial", "publishers", "publisher", "publishing", "press"}
    | {"books", "co", "inc", "ltd", "company", "uitgeverij", "izdatelstvo", "издательство", "изд"}
)
# Forms of item, in 008/23, or 008/29 for maps and pictures; and what else says so, because many
# records leave that code blank: the category of material, the old $h, and the type of carrier.
# Source: MARC 21 Bibliographic 008 form of item, 007/00, 245 $h, 338 $b.
_FORMS: Final = {
    **dict.fromkeys("abc", "micro"),
    "d": "large",
    "f": "braille",
    **dict.fromkeys("oqs", "electronic"),
}
_FORM_AT: Final = dict.fromkeys("efgkor", 29)
_CATEGORIES: Final = {"c": "electronic", "h": "micro"}
_CARRIERS: Final = re.compile(r"(electronic)|(micro)|(large print)|(braille)", re.IGNORECASE)


def of_record(record: Record) -> tuple[Key, ...]:
    """Return what tells the editions of a work apart as keys, each once.

    >>> from marc_mappings.record import Subfield
    >>> edition = Field("250", "  ", (Subfield("a", "제2판"),))
    >>> imprint = Field("264", " 1", (Subfield("b", "The Knopf Press,"), Subfield("c", "2007")))
    >>> [tuple(key) for key in of_record(Record("00000nam", (edition, imprint)))]
    [('form', 'a'), ('edition', '2'), ('year', '2007'), ('publisher', 'knopf')]
    """
    fixed = record.control("008")
    found = dict.fromkeys(_fixed(fixed))
    if record.leader[6:7].strip():
        found[Key("form", f"{record.leader[6]} {_form(record, fixed)}".rstrip())] = None
    date = steps.year(fixed[7:11])
    for field in record.fields:
        tag = steps.linked_tag(field) if field.tag == "880" else field.tag
        if tag == "250":
            found.update(dict.fromkeys(_editions(field)))
        elif tag == "245":
            found.update(dict.fromkeys(_subtitle(field)))
        elif tag in ("260", "264"):
            found.update(dict.fromkeys(_imprint(field, dated=bool(date))))
    return tuple(found)


def _fixed(fixed: str) -> Iterator[Key]:
    if date := steps.year(fixed[7:11]):
        yield Key("year", date)
    language = codes.languages().get(fixed[35:38].lower())
    if language and language.now not in ("und", "mul", "zxx"):
        yield Key("language", language.now)


def _form(record: Record, fixed: str) -> str:
    """Return ``electronic``, ``micro``, ``large`` or ``braille``, ``""`` for print or unknown."""
    at = _FORM_AT.get(record.leader[6], 23)
    if form := _FORMS.get(fixed[at : at + 1]):
        return form
    for field in record.fields:
        if field.tag == "007" and (form := _CATEGORIES.get(field.value[:1])):
            return form
        if field.tag == "338" and field.first("b") == "cr":
            return "electronic"
        if field.tag == "245" and (match := _CARRIERS.search(field.first("h"))):
            return match[0].lower().split()[0]
    return ""


def _subtitle(field: Field) -> Iterator[Key]:
    """The rest of a title, unless it is the title in another language."""
    if not field.first("a").rstrip().endswith("=") and (rest := folded(field.first("b"))):
        yield Key("subtitle", rest)


def _editions(field: Field) -> Iterator[Key]:
    for value in field.all("a"):
        if edition := edition_number(value):
            yield Key("edition", edition)


def edition_number(text: str) -> str:
    """Return the number in an edition statement, or the statement folded if it has none.

    >>> edition_number("2nd ed., rev."), edition_number("Second edition"), edition_number("改訂版")
    ('2', '2', '改订版')
    >>> edition_number("초판 5쇄"), edition_number("第2版第3次印刷"), edition_number("2002 ed.")
    ('1', '2', '2002ed')
    """
    plain = _PRINTING.sub(" ", folding.plain_digits(text))
    if match := _NUMBER.search(plain):
        return match[0].lstrip("0") or "0"
    words = map(folded, _WORDS.findall(plain))
    return next((_ORDINALS[word] for word in words if word in _ORDINALS), folded(text))


def _imprint(field: Field, *, dated: bool) -> Iterator[Key]:
    if not dated and (year := steps.year(field.first("c"))):
        yield Key("year", year)
    for name in field.all("b"):
        words = [folded(word) for word in _WORDS.findall(name)]
        if publisher := "".join(word for word in words if word not in _FIRM):
            yield Key("publisher", publisher)
