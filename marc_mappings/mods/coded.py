"""What the leader, 007 and 008 say in codes, in the words MODS has for it.

Each position is a table from code to word; what a table does not have is not said.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress), "Leader and fixed fields",
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; MARC 21 Bibliographic, Leader, 007, 008;
MARC Genre Term List, https://www.loc.gov/standards/valuelist/marcgt.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from marc_mappings import codes
from marc_mappings.mods.elements import Element, some
from marc_mappings.record import Field, Record

# Leader/06 -> typeOfResource, and whether it is a manuscript.
TYPES: Final[Mapping[str, tuple[str, bool]]] = {
    "a": ("text", False),
    "c": ("notated music", False),
    "d": ("notated music", True),
    "e": ("cartographic", False),
    "f": ("cartographic", True),
    "g": ("moving image", False),
    "i": ("sound recording-nonmusical", False),
    "j": ("sound recording-musical", False),
    "k": ("still image", False),
    "m": ("software, multimedia", False),
    "o": ("kit", False),
    "p": ("mixed material", True),
    "r": ("three dimensional object", False),
    "t": ("text", True),
}

# Leader/07 -> issuance; a monograph is told closer by leader/19.
ISSUANCES: Final[Mapping[str, str]] = {
    **dict.fromkeys("acd", "monographic"),
    "m": "single unit",
    **dict.fromkeys("bs", "serial"),
    "i": "integrating resource",
}

# Leader/18 -> the rules of description.
RULES_OF_DESCRIPTION: Final[Mapping[str, str]] = {"a": "aacr", "c": "isbd", "i": "isbd"}

FREQUENCIES: Final[Mapping[str, str]] = {
    "a": "Annual",
    "b": "Bimonthly",
    "c": "Semiweekly",
    "d": "Daily",
    "e": "Biweekly",
    "f": "Semiannual",
    "g": "Biennial",
    "h": "Triennial",
    "i": "Three times a week",
    "j": "Three times a month",
    "k": "Continuously updated",
    "m": "Monthly",
    "q": "Quarterly",
    "s": "Semimonthly",
    "t": "Three times a year",
    "w": "Weekly",
}

AUDIENCES: Final[Mapping[str, str]] = {
    "a": "preschool",
    "b": "juvenile",
    "c": "juvenile",
    "d": "adolescent",
    "e": "adult",
    "f": "specialized",
    "g": "general",
    "j": "juvenile",
}

FORMS: Final[Mapping[str, str]] = {
    "a": "microfilm",
    "b": "microfiche",
    "c": "microopaque",
    "d": "large print",
    "f": "braille",
    "o": "electronic",
    "q": "electronic",
    "r": "print",
    "s": "electronic",
}

# 007/00 -> the category of material.
CATEGORIES: Final[Mapping[str, str]] = {
    "a": "map",
    "c": "electronic resource",
    "d": "globe",
    "f": "tactile material",
    "g": "projected graphic",
    "h": "microform",
    "k": "nonprojected graphic",
    "m": "motion picture",
    "o": "kit",
    "q": "notated music",
    "r": "remote-sensing image",
    "s": "sound recording",
    "t": "text",
    "v": "videorecording",
}

_CONTENTS: Final[Mapping[str, str]] = {
    "a": "abstract or summary",
    "b": "bibliography",
    "c": "catalog",
    "d": "dictionary",
    "e": "encyclopedia",
    "f": "handbook",
    "g": "legal article",
    "i": "index",
    "k": "discography",
    "l": "legislation",
    "m": "theses",
    "n": "survey of literature",
    "o": "review",
    "p": "programmed text",
    "q": "filmography",
    "r": "directory",
    "s": "statistics",
    "t": "technical report",
    "v": "legal case and case notes",
    "w": "law report or digest",
    "z": "treaty",
}

# The positions of 008 by the kind of material it describes -> marcgt terms.
GENRES: Final[Mapping[str, tuple[tuple[int, int, Mapping[str, str]], ...]]] = {
    "books": (
        (24, 28, _CONTENTS),
        (29, 30, {"1": "conference publication"}),
        (30, 31, {"1": "festschrift"}),
        (
            33,
            34,
            {
                "1": "fiction",
                "c": "comic strip",
                "d": "drama",
                "e": "essay",
                "f": "novel",
                "h": "humor, satire",
                "i": "letter",
                "j": "short story",
                "p": "poetry",
                "s": "speech",
            },
        ),
        (34, 35, {"a": "autobiography", **dict.fromkeys("bcd", "biography")}),
    ),
    "computer files": (
        (
            26,
            27,
            {
                "a": "numeric data",
                "b": "computer program",
                "e": "database",
                "f": "font",
                "g": "game",
            },
        ),
    ),
    "continuing resources": (
        (
            21,
            22,
            {
                "d": "database",
                "l": "loose-leaf",
                "m": "series",
                "n": "newspaper",
                "p": "periodical",
                "w": "web site",
            },
        ),
        (24, 28, _CONTENTS),
        (29, 30, {"1": "conference publication"}),
    ),
    "maps": (
        (25, 26, {**dict.fromkeys("abc", "map"), "d": "globe", "e": "atlas"}),
        (31, 32, {"1": "index"}),
    ),
    "music": (
        (
            30,
            32,
            {
                "a": "autobiography",
                "b": "biography",
                "c": "conference publication",
                "d": "drama",
                "e": "essay",
                "f": "fiction",
                "g": "reporting",
                "h": "history",
                "i": "instruction",
                "j": "language instruction",
                "k": "humor, satire",
                "l": "speech",
                "m": "memoir",
                "o": "folktale",
                "p": "poetry",
                "r": "rehearsal",
                "s": "sound",
                "t": "interview",
            },
        ),
    ),
    "visual materials": (
        (
            33,
            34,
            {
                "a": "art original",
                "b": "kit",
                "c": "art reproduction",
                "d": "diorama",
                "f": "filmstrip",
                "g": "game",
                "i": "picture",
                "k": "graphic",
                "l": "technical drawing",
                "m": "motion picture",
                "n": "chart",
                "o": "flash card",
                "p": "microscope slide",
                "q": "model",
                "r": "realia",
                "s": "slide",
                "t": "transparency",
                "v": "videorecording",
                "w": "toy",
            },
        ),
    ),
}

# 008/06 -> which of its two dates are what: issued (once or a span), of the copyright, of creation.
_SPANS: Final = frozenset("cdmuikq")
_SINGLE: Final = frozenset("serpt")


def material(leader: str) -> str:
    """Return the kind of material that 008/18-34 is about, ``""`` if the leader does not say.

    >>> material("00000nam a2200000 i 4500"), material("00000nas a2200000 i 4500")
    ('books', 'continuing resources')
    """
    kind, level = leader[6:7], leader[7:8]
    if kind == "a" and level in "bis" and level:
        return "continuing resources"
    for kinds, name in (
        ("at", "books"),
        ("m", "computer files"),
        ("ef", "maps"),
        ("cdij", "music"),
        ("gkor", "visual materials"),
    ):
        if kind and kind in kinds:
            return name
    return ""


def type_of_resource(record: Record) -> tuple[Element, ...]:
    """Return typeOfResource, from the leader."""
    word, is_manuscript = TYPES.get(record.leader[6:7], ("", False))
    level = record.leader[7:8]
    return some(
        "typeOfResource",
        word,
        collection="yes" if level == "c" else "",
        manuscript="yes" if is_manuscript else "",
    )


def issuance(record: Record) -> tuple[Element, ...]:
    """Return originInfo with the issuance, from the leader."""
    level = record.leader[7:8]
    word = ISSUANCES.get(level, "")
    if level == "m" and record.leader[19:20] in ("a", "b", "c"):
        word = "multipart monograph"
    return some("originInfo", some("issuance", word))


def description_standard(record: Record) -> tuple[Element, ...]:
    """Return recordInfo with the rules of description, from the leader."""
    word = RULES_OF_DESCRIPTION.get(record.leader[18:19], "")
    return some("recordInfo", some("descriptionStandard", word))


def genres(field: Field, record: Record) -> tuple[Element, ...]:
    """The kinds of text and material that 008/18-34 codes, in words of marcgt."""
    found: dict[str, None] = {}
    for start, end, words in GENRES.get(material(record.leader), ()):
        for code in field.value[start:end]:
            if word := words.get(code):
                found[word] = None
    return tuple([one for word in found for one in some("genre", word, authority="marcgt")])


def place(field: Field, _: Record) -> tuple[Element, ...]:
    """The country of publication, 008/15-17."""
    code = field.value[15:18].strip(" #|").lower()
    known = codes.countries().get(code)
    if known is None or known.marc == "xx":
        return ()
    term = some("placeTerm", known.marc, type="code", authority="marccountry")
    return some("originInfo", some("place", term))


def dates(field: Field, _: Record) -> tuple[Element, ...]:
    """The dates of 008/07-14 by the type of date, 008/06."""
    kind = field.value[6:7]
    one, two = _date(field.value[7:11]), _date(field.value[11:15])
    doubt = "questionable" if kind == "q" else ""
    if kind in _SPANS and kind:
        found = some("dateIssued", one, encoding="marc", point="start", qualifier=doubt)
        found += some("dateIssued", two, encoding="marc", point="end", qualifier=doubt)
    elif kind in _SINGLE and kind:
        found = some("dateIssued", one, encoding="marc")
        if kind == "t":
            found += some("copyrightDate", two, encoding="marc")
        elif kind == "p":
            found += some("dateCreated", two, encoding="marc")
    else:
        found = ()
    return some("originInfo", found)


def _date(text: str) -> str:
    """Return a date of 008 if it has a digit and nothing but digits and ``u``."""
    known = len(text) == 4 and text.isascii() and all(c.isdigit() or c == "u" for c in text)
    return text if known and text != "uuuu" else ""


def frequency(field: Field, record: Record) -> tuple[Element, ...]:
    """How often a continuing resource appears, 008/18."""
    if material(record.leader) != "continuing resources":
        return ()
    word = FREQUENCIES.get(field.value[18:19], "")
    return some("originInfo", some("frequency", word, authority="marcfrequency"))


def audience(field: Field, record: Record) -> tuple[Element, ...]:
    """Whom the work is for, 008/22."""
    if material(record.leader) in ("", "maps", "continuing resources"):
        return ()
    return some("targetAudience", AUDIENCES.get(field.value[22:23], ""), authority="marctarget")


def form(field: Field, record: Record) -> tuple[Element, ...]:
    """The form of the item, 008/23 or 008/29."""
    kind = material(record.leader)
    at = 29 if kind in ("maps", "visual materials") else 23
    word = FORMS.get(field.value[at : at + 1], "")
    return some("physicalDescription", some("form", word, authority="marcform"))


def language(field: Field, _: Record) -> tuple[Element, ...]:
    """The language of the text, 008/35-37."""
    return language_of(field.value[35:38])


def language_of(code: str, part: str = "", authority: str = "iso639-2b") -> tuple[Element, ...]:
    """Return the element language of a code; a code of three letters that is none is left out."""
    code = code.strip().lower() if authority == "iso639-2b" else code.strip()
    if authority == "iso639-2b" and not (len(code) == 3 and code.isascii() and code.isalpha()):
        return ()
    term = some("languageTerm", code, authority=authority, type="code")
    return some("language", term, objectPart=part)


def created(field: Field, _: Record) -> tuple[Element, ...]:
    """The day the record was made, 008/00-05."""
    day = field.value[:6]
    if not (len(day) == 6 and day.isascii() and day.isdigit()):
        return ()
    return some("recordInfo", some("recordCreationDate", day, encoding="marc"))


def category(field: Field, _: Record) -> tuple[Element, ...]:
    """The category of material, 007/00."""
    word = CATEGORIES.get(field.value[:1], "")
    return some("physicalDescription", some("form", word, authority="marccategory"))
