"""Keys from what a publication is called, by whom, and when: for records without a common number.

A title counts in every script and romanisation that the record carries. The number and name of a
part belong to the title, so that two volumes of a set never meet. What is missing makes another,
weaker kind of key and never an empty place in a strong one; a title that many works have
("Poems", 作品集) is a key only with its author and year.

A value is ``TITLE|PART|AUTHOR|YEAR`` in folded letters, without the places its kind does not have;
PART is empty for a work in one part.

Source: MARC 21 Bibliographic 008/07-10 and 35-37, 100-111, 130, 240, 245, 246, 260, 264, 700-711,
880, and Appendix F (initial articles).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from marc_mappings import codes, steps
from marc_mappings.keys import folding, part_numbers, romanisation
from marc_mappings.keys.folding import folded
from marc_mappings.keys.key_kinds import Key
from marc_mappings.record import Field, Record, Subfield

# So that a value stays short whatever a field holds: the end of a longer title is told by a sum.
LONGEST: Final = 100
# So that a record with a hundred titles does not swamp the index.
MOST_TITLES: Final = 12
# Letters a title needs to stand without author or year, by script: a Han character says more.
_ENOUGH: Final = {"Latn": 6, "Cyrl": 6, "Kana": 5, "Hang": 3, "Hani": 3}
_ENOUGH_OF_OTHERS: Final = 5
_ENOUGH_SOUND: Final = 8

# Fields that are read, and what for. An 880 is read as the field it stands for.
_ROLES: Final = {
    **dict.fromkeys(("245", "246"), "title"),
    **dict.fromkeys(("130", "240"), "uniform"),
    **dict.fromkeys(("100", "110", "111"), "main"),
    **dict.fromkeys(("700", "710", "711"), "added"),
    **dict.fromkeys(("260", "264"), "imprint"),
    "880": "linked",
    "008": "fixed",
}
# Which indicator counts the letters that are skipped in filing.
# What ``of_record`` reads.
TAGS: Final = frozenset(_ROLES)
_NON_FILING: Final = {"130": 0, "240": 1, "245": 1}
# Scripts in which an article is written together with its word: Hebrew and Arabic.
_JOINED = re.compile("[\u0590-\u06ff]")
_ISBD = re.compile(r"\s[:=/;]\s")


class _Title(NamedTuple):
    """A title as it stands in a field, without its article; ``parts`` are $n and $p."""

    text: str
    parts: tuple[Subfield, ...]
    rest: str


class _Stated(NamedTuple):
    """What a record states: titles, names with the main entry first, year and language."""

    titles: list[_Title]
    uniform: list[_Title]
    names: list[str]
    year: str
    language: str


def of_record(record: Record, *, bare: bool = False) -> tuple[Key, ...]:
    """Return the title keys of a record, each once.

    With ``bare`` also its titles without author and year (``key_kinds.BARE_KINDS``), for who asks
    by the title alone, and titles of few letters with their author alone.

    >>> from marc_mappings.record import Subfield
    >>> title = Field("245", "10", (Subfield("a", "The Vegetarian /"), Subfield("c", "Han Kang")))
    >>> name = Field("100", "1 ", (Subfield("a", "Han, Kang,"),))
    >>> date = Field("264", " 1", (Subfield("c", "2015."),))
    >>> for key in of_record(Record(" " * 24, (name, title, date))):
    ...     print(*key)
    title thevegetarian||han|2015
    title_author thevegetarian||han
    title_year thevegetarian||2015
    """
    stated = _stated(record)
    found: list[Key] = []
    for title in stated.titles[:MOST_TITLES]:
        name, alone = _name(title)
        if not name:
            continue
        found += _keys_of(title, stated, name, alone=alone)
        few = bare and not alone and not _is_generic(title)
        if bare and alone:
            found.append(Key("title_alone", f"{name}|{_short(part_numbers.of(title.parts))}"))
        elif few and (author := _author_for(title.text, stated.names)):
            what = f"{folded(title.text)}|{_short(part_numbers.of(title.parts))}"
            found.append(Key("title_author", f"{what}|{author}"))
        if (alone or few) and (rules := romanisation.tongue(title.text, stated.language)):
            found += _sounds_of(title, stated, rules, bare=bare)
    for title in stated.uniform[:MOST_TITLES]:
        found += _uniform_of(title, stated)
    return tuple(dict.fromkeys(found))


def _keys_of(title: _Title, stated: _Stated, name: str, *, alone: bool) -> Iterator[Key]:
    what = f"{name}|{_short(part_numbers.of(title.parts))}"
    author, year = _author_for(title.text, stated.names), stated.year
    if author and year:
        yield Key("title", f"{what}|{author}|{year}")
    if alone and author:
        yield Key("title_author", f"{what}|{author}")
    if alone and year:
        yield Key("title_year", f"{what}|{year}")


def _uniform_of(title: _Title, stated: _Stated) -> Iterator[Key]:
    name, alone = _name(title)
    if name and alone:
        author = _author_for(title.text, stated.names)
        what = f"{name}|{_short(part_numbers.of(title.parts))}"
        yield Key("title_uniform", f"{what}|{author}" if author else what)


def _sounds_of(title: _Title, stated: _Stated, rules: str, *, bare: bool) -> Iterator[Key]:
    sound = romanisation.sound(title.text, rules)
    if not (sound and (stated.year or bare)):
        return
    what = f"{rules}:{_short(sound)}|{part_numbers.of_sounds(title.parts, rules)}"
    if bare and len(sound) >= _ENOUGH_SOUND:
        yield Key("title_sound_alone", what)
    if not stated.year:
        return
    families = (
        romanisation.family_sound(each, rules)
        for each in stated.names
        if folding.script(each) != "Hani" or rules == "kor"
    )
    if author := next(filter(None, families), ""):
        yield Key("title_sound", f"{what}|{author}|{stated.year}")
    if len(sound) >= _ENOUGH_SOUND:
        yield Key("title_sound_year", f"{what}|{stated.year}")


def _name(title: _Title) -> tuple[str, bool]:
    """Return the folded title, and whether it says enough to stand without author or year."""
    name = folded(title.text)
    alone = len(name) >= _ENOUGH.get(folding.script(name), _ENOUGH_OF_OTHERS)
    if alone and not name.isdigit() and name not in _generic():
        return _short(name), True
    return _short(name + folded(title.rest)), False


def _is_generic(title: _Title) -> bool:
    """Whether a title says nothing that another work would not say: a number, "Poems", none."""
    name = folded(title.text)
    return not name or name.isdigit() or name in _generic()


@cache
def _generic() -> frozenset[str]:
    titles = ";".join(codes.pairs("generic_titles.tsv").values()).split(";")
    return frozenset(folded(title) for title in titles)


def _short(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    rest = blake2b(name.encode(), digest_size=8).hexdigest()
    return name[: LONGEST - len(rest)] + rest


def _author_for(text: str, names: list[str]) -> str:
    """Return the word of the first name in the script of ``text``, else of the first name."""
    if not names:
        return ""
    script = folding.script(text)
    same = next((name for name in names if folding.script(name) == script), names[0])
    return author_word(same)


@lru_cache(maxsize=4096)
def author_word(name: str) -> str:
    """Return the word of a name that stands in keys: the family name, or all of a name in CJK.

    >>> author_word("Han, Kang,"), author_word("United Nations"), author_word("한, 강, 1970-")
    ('han', 'united', '한강')
    >>> author_word("村上, 春樹") == author_word("村上春樹")
    True
    """
    if folding.script(name) in ("Hang", "Hani", "Kana"):
        return folded(re.split(r"[0-9(（]", name, maxsplit=1)[0])
    family, comma, _ = name.partition(",")
    return folded(family if comma else " ".join(family.split()[:1]))


# --- what the fields say --------------------------------------------------------------------------


def _stated(record: Record) -> _Stated:
    found: dict[str, list[tuple[str, Field]]] = {role: [] for role in _ROLES.values()}
    role_of = _ROLES.get
    for field in record.fields:
        tag = field.tag
        role = role_of(tag)
        if role is None:
            continue
        if role == "linked":
            tag = steps.linked_tag(field)
            role = role_of(tag, role)
        found[role].append((tag, field))
    fixed = found["fixed"][0][1].value if found["fixed"] else ""
    language = fixed[35:38].lower()
    titles: list[_Title] = []
    for tag, field in found["title"]:
        titles += _titles(field, tag, language, titles[0].parts if titles else ())
    uniform = [t for tag, field in found["uniform"] for t in _titles(field, tag, language, ())]
    return _Stated(titles, uniform, _names(found), _year(fixed, found["imprint"]), language)


def _names(found: dict[str, list[tuple[str, Field]]]) -> list[str]:
    """Return the names of a record, the main entry first; an added entry of a work is no name."""
    names = [field.first("a") for _, field in found["main"]]
    names += [field.first("a") for _, field in found["added"] if not field.first("t")]
    return [name for name in names if name]


def _year(fixed: str, imprints: list[tuple[str, Field]]) -> str:
    date = fixed[7:11]
    if date.isdecimal() and (date := steps.year(date)):
        return date
    return next((y for _, field in imprints if (y := steps.year(field.first("c")))), "")


def _titles(
    field: Field, tag: str, language: str, parts_of_first: tuple[Subfield, ...]
) -> list[_Title]:
    """Return the title of a field, and the parallel title after it if there is one."""
    text, rest = "", ""
    parts: list[Subfield] = []
    for code, value in field.subfields:
        if code == "a" and not text:
            text = value
        elif code == "b" and not rest:
            rest = value
        elif code in "np":
            parts.append(Subfield(code, value))
    # A portion of the title is no title of the whole.
    if not text or (tag == "246" and field.indicators[1:] == "0" and field.tag != "880"):
        return []
    which = tuple(parts) or parts_of_first
    at = _NON_FILING.get(tag)
    skip = field.indicators[at : at + 1] if at is not None else ""
    proper, *others = _ISBD.split(text, maxsplit=1)
    found = [_Title(without_article(proper, skip, language), which, rest)]
    parallel = rest if text.rstrip().endswith("=") else others[0] if " = " in text else ""
    if parallel:
        parallel = _ISBD.split(parallel, maxsplit=1)[0]
        # Most are English, and no field says in which language one is.
        found.append(_Title(without_article(parallel, "", "eng"), which, ""))
    return found


def without_article(text: str, skip: str, language: str) -> str:
    """Return a title without its initial article.

    ``skip`` is the non-filing indicator. It is believed where it ends between words; where it
    counts nothing, the articles of the language (a MARC code) are skipped all the same, so that
    records meet whichever way they are indicated.

    >>> without_article("The Vegetarian", "4", ""), without_article("The Vegetarian", "0", "eng")
    ('Vegetarian', 'Vegetarian')
    >>> without_article("Vegetarian", "4", "eng"), without_article("L'étranger", "2", "fre")
    ('Vegetarian', 'étranger')
    """
    if text.startswith("\x98") and "\x9c" in text:
        return text.partition("\x9c")[2]
    if skip.isdecimal() and (count := int(skip)) and count < len(text):
        joined = text[count - 1].isalnum() and text[count].isalnum()
        if not joined or _JOINED.match(text):
            return text[count:]
    articles = _articles().get(language)
    match = articles.match(text) if articles else None
    return text[match.end() :] if match else text


@cache
def _articles() -> dict[str, re.Pattern[str]]:
    return {
        language: re.compile(
            r"\s*(?:"
            + "|".join(
                re.escape(word).replace("'", "['’]") + (r"\s*" if word.endswith("'") else r"\s+")
                for word in sorted(words.split(), key=len, reverse=True)
            )
            + r")(?=\w)",
            re.IGNORECASE,
        )
        for language, words in codes.pairs("initial_articles.tsv").items()
    }
