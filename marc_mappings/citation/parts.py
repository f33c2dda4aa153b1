"""What fields of MARC 21 give to a citation: rows, and the functions and steps that rows name.

Source: MARC 21 Bibliographic; CSL 1.0.2, Appendix IV; the degree and the pages are read as MARC 21
502 and 300 print them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from marc_mappings import encodings, spec, steps
from marc_mappings.citation.values import Name
from marc_mappings.keys import identifiers
from marc_mappings.mods.elements import uri
from marc_mappings.record import Field, Record
from marc_mappings.rules import Row


class Part(NamedTuple):
    """A value of a citation: a field of ``Citation`` (or a role) and its text or name."""

    variable: str
    text: str = ""
    name: Name = Name()
    vernacular: bool = False


Step = Callable[[str], str]


def clean(text: str) -> str:
    """Return ``text`` as one line without controls, marks of filing and ISBD at its end."""
    return steps.trim_isbd(_line(text))


def _line(text: str) -> str:
    """Return ``text`` as one line without controls and marks of filing."""
    return " ".join(steps.without_non_sorting_marks(encodings.without_junk(text)).split())


# Variables that keep the stop at their end: sentences, and editions that end in an abbreviation.
_WITH_STOP: Final = frozenset({"edition", "abstract", "notes"})


def part(variable: str, place: str, source: str, *row_steps: Step, each: bool = False) -> Row[Part]:
    """Return a row: ``variable`` from ``place``, joined by blanks or ``each`` on its own."""
    parsed = spec.place(place)
    last = _line if variable in _WITH_STOP else clean

    def make(field: Field, _: Record) -> list[Part]:
        is_880 = field.tag == "880"
        if is_880 and variable != "title":
            return []
        values = field.all("".join(parsed.codes)) if each else (parsed.text(field),)
        found = []
        for text in values:
            for step in row_steps:
                text = step(text)
            if text := last(text):
                found.append(Part(variable, text, vernacular=is_880))
        return found

    names = [step.__name__.strip("_").replace("_", " ") for step in row_steps]
    how = ", ".join(["each" if each else "joined by blanks", *names])
    return Row(place, variable, how, source, make, parsed.codes)


# Relator codes and terms, as records say them -> the role.
ROLE_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "aut",
            "cre",
            "author",
            "auteur",
            "verfasser",
            "著",
            "著者",
            "저",
            "저자",
            "지음",
            "글",
            "автор",
        ),
        "author",
    ),
    **dict.fromkeys(
        (
            *("edt", "editor", "ed", "éditeur scientifique", "herausgeber", "hrsg"),
            *("編", "编", "編者", "편", "편자", "엮음", "редактор"),
        ),
        "editor",
    ),
    **dict.fromkeys(
        (
            *("trl", "translator", "tr", "trans", "traducteur", "übersetzer"),
            *("訳", "訳者", "譯", "译", "역", "역자", "옮김", "번역", "переводчик", "орчуулагч"),
        ),
        "translator",
    ),
    **dict.fromkeys(("com", "compiler", "comp"), "compiler"),
    **dict.fromkeys(("cmp", "composer", "compositeur", "komponist", "작곡"), "composer"),
    **dict.fromkeys(("drt", "fmd", "director", "film director", "監督", "감독"), "director"),
    **dict.fromkeys(("ill", "illustrator", "illustrateur", "絵", "그림"), "illustrator"),
}


def _role(field: Field, tag: str, record: Record) -> str:
    """Return the role of a name: what its relators say, else author if it is the main entry.

    Without a relator it is an author too if the record has no main entry: persons, or bodies where
    there are no persons.
    """
    said = [_relator(value) for value in field.all("4")]
    said += [_relator(value) for value in field.all("e")]
    roles = [ROLE_WORDS[word] for word in said if word in ROLE_WORDS]
    if roles:
        return roles[0]
    if tag.startswith("1"):
        return "author"
    before = ("100", "110", "111") if tag == "700" else ("100", "110", "111", "700")
    return "contributor" if any(said) or any(record.all(*before)) else "author"


def _relator(value: str) -> str:
    """Return a relator code or term as ``ROLE_WORDS`` has it; of an address its last part."""
    word = steps.trim_isbd(value).rstrip(".").casefold()
    return word.rstrip("/").rpartition("/")[2] if word.startswith("http") else word


def _person(field: Field) -> Name:
    """Return a personal name: family and given name where ``$a`` has a comma (X00, ind1 1)."""
    full = clean(" ".join(field.all("a")))
    titles = clean(" ".join(field.all("c")))
    family, comma, given = full.partition(",")
    if comma and given.strip() and family.strip() and field.indicators[:1] != "3":
        suffix = titles if titles.rstrip(".") in ("Jr", "Sr", "II", "III", "IV") else ""
        return Name(family.strip(), given.strip(), suffix)
    return Name(literal=clean(" ".join(field.all("ab"))))


def _named(tag: str) -> Callable[[Field, Record], list[Part]]:
    def make(field: Field, record: Record) -> list[Part]:
        """the name in its role: family and given where a comma separates them, else literal"""
        if field.first("t"):
            return []
        if tag.endswith("00"):
            name = _person(field)
        else:
            codes = "ab" if tag.endswith("10") else "acden"
            name = Name(literal=clean(" ".join(map(_clean_unit, field.all(codes)))))
        if name == Name():
            return []
        role = _role(field, tag, record)
        return [Part(role, name=name, vernacular=field.tag == "880")]

    return make


def _clean_unit(text: str) -> str:
    return " ".join(text.split())


def meeting(field: Field, _: Record) -> list[Part]:
    """event-title: the name of the meeting with number, place and date"""
    shown = clean(" ".join(field.all("acdnq")))
    return [Part("event_title", shown)] if shown and field.tag != "880" else []


def name(tag: str, reads: str) -> Row[Part]:
    """Return a row for a field of names."""
    make = _named(tag)
    how = (make.__doc__ or "").strip()
    return Row(tag, "name", how, f"MARC 21: {tag}", make, frozenset(reads))


def pages(text: str) -> str:
    """Return the number of pages in an extent that has one sequence of them, else ``""``."""
    numbers = _PAGES.findall(text)
    return numbers[0] if len(numbers) == 1 and len(_NUMBER.findall(text)) == 1 else ""


_NUMBER = re.compile("[0-9]+")


_PAGES = re.compile(
    r"(?<![0-9])([0-9]{1,5})\s{0,2}(?:p|pages|S|Seiten|s|с|стр|h|쪽|페이지|面|頁|页|ページ)(?![^\W\d_])"
)


_PAGE_RANGE = re.compile(
    r"(?<!\w)(?:pp?|S|s|с|쪽|頁|页)\.? ?([0-9]{1,6}(?: ?[-\u2013] ?[0-9]{1,6})?)|"
    r"([0-9]{1,6} ?[-\u2013] ?[0-9]{1,6}) ?(?:쪽|頁|页|p)"
)


def page_range(text: str) -> str:
    """Return the pages in the part of a host ("p. 12-34")."""
    match = _PAGE_RANGE.search(text)
    return (match[1] or match[2]).replace(" ", "").replace("\u2013", "-") if match else ""


def isbn(text: str) -> str:
    """Return the ISBN as 13 digits; that of a set is not the book's."""
    return "" if identifiers.is_set(text) else identifiers.isbn13(text)


def web_address(text: str) -> str:
    """Return an address of the web."""
    text = text.strip()
    return uri(text) if text.lower().startswith(("http://", "https://", "ftp://")) else ""


def known(text: str) -> str:
    """Return a place or publisher without the brackets around it, nothing for an unknown one."""
    text = steps.trim_isbd(text)
    if text.startswith("[") and text.endswith("]") and "[" not in text[1:]:
        text = text[1:-1].strip()
    return "" if text.casefold().strip("[]. ?").startswith(_UNKNOWN) else text


def edition(text: str) -> str:
    """Return an edition, with the stop of its last word."""
    return text.rstrip(" /:;,=")


_UNKNOWN: Final = (
    *("s.l", "s. l", "s.n", "s. n", "n.p", "place of publication not", "publisher not"),
    *("발행지불명", "발행자불명", "出版地不明", "出版者不明", "b.m", "б.м", "б. м"),
)


def colon(text: str) -> str:
    """Return a title with the colon of print instead of ISBD's."""
    return text.replace(" : ", ": ")


def subject(text: str) -> str:
    """Return a heading without the ISBD at its end."""
    return steps.trim_isbd(text)


def degree(field: Field, _: Record) -> list[Part]:
    """genre and publisher: the degree and who gave it, from $b and $c or from the note ($a)"""
    degree, school = clean(" ".join(field.all("b"))), clean(" ".join(field.all("c")))
    if not degree and (match := _THESIS.match(field.first("a").strip())):
        degree, school = clean(match[1]), school or clean(match[2].partition(",")[0])
    found = [Part("genre", f"{degree} thesis" if "thesis" not in degree.lower() else degree)]
    found = found if degree else []
    return found + ([Part("school", school)] if school else []) if field.tag != "880" else []


def host_level(field: Field, _: Record) -> list[Part]:
    """the bibliographic level of the host: a part of a serial is an article"""
    level = field.first("7")[3:4]
    return [Part("host_level", level)] if level.strip() and field.tag != "880" else []


_THESIS = re.compile(r"Thesis \(([^()]{1,40}(?:\([^()]{1,40}\))?)\)\s{0,2}(?:--|—)([^-]{1,200})")


def translated(field: Field, _: Record) -> list[Part]:
    """original title: a uniform title with a language ($l) is that of the work translated"""
    text = clean(" ".join(field.all("anp")))
    is_it = field.first("l") and text and field.tag != "880"
    return [Part("title_original", text)] if is_it else []
