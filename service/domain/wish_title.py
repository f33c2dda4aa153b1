"""What a wish says in words, as keys: the same code makes them for a wish and for a record.

A list of wishes says less than a record does: no language, a name in either order, a role behind
it. A title in Latin letters without a language may be a romanisation, and may begin with an
article; every way to read it makes keys, and what comes of them is judged afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from unicodedata import combining, normalize

from marc_mappings import codes, match_keys
from marc_mappings import summary as summaries
from marc_mappings.framing.sound import Sound
from marc_mappings.keys import edition_keys, folding, title_keys
from marc_mappings.keys.key_kinds import Key
from marc_mappings.record import Field, Record, Subfield
from service.domain.wish import Wanted

# Characters of one cell that are read.
_LONGEST: Final = 500
_LEADER: Final = " " * 24
# The fields that keys are made of.
_READ: Final = match_keys.NUMBERED | title_keys.TAGS | edition_keys.TAGS
# "채식주의자: 한강 소설", "Title : subtitle / author".
_SUBTITLE = re.compile(r"\s*[:：]\s+|\s+:\s*|：")
_STATEMENT = re.compile(r"\s+/\s+")
# Several names in one cell, and what stands behind one of them.
_NAMES = re.compile(r"\s*(?:[;；|·、/]|,\s*(?=[가-힣㐀-鿿]{2,4}(?:\s|,|$)))\s*")
_ROLE = re.compile(
    r"\s*[(\[（［]?\s*(?:지음|지은이|글쓴이|저자|저|글|엮음|엮은이|편저|편|옮김|그림|"
    r"主編|主编|編著|编著|編|编|著|譯|译|作|"
    r"author|editor|eds?\.|comp\.|автор|ред\.?)\s*[)\]）］]?\s*$",
    re.IGNORECASE,
)
_BY = re.compile(r"^(?:by|von|par|por|di)\s+", re.IGNORECASE)
# Languages in which a title may begin with an article, and those that are romanised; MARC codes.
_WITH_ARTICLES: Final = ("eng", "fre", "ger", "spa", "ita", "por", "dut")
# What a romanisation from that language never has, in letters without their marks: Korean has no
# f, q, v, x and z; a Japanese word ends in a vowel or n.
_NEVER: Final = {
    "kor": re.compile("[fqvxz]"),
    "jpn": re.compile(r"[lqx]|[^aeioun\W](?!\w)"),
    "rus": re.compile("q|th|ck|ee|oo"),
}
_SOUND_KINDS: Final = frozenset({"title_sound", "title_sound_year", "title_sound_alone"})


def keys(wanted: Wanted) -> tuple[Key, ...]:
    """Return the title keys of a wish, and what tells its edition from others, each once.

    >>> wanted = Wanted("The vegetarian : a novel", "Han Kang", "2015")
    >>> [key.value for key in keys(wanted) if key.kind == "title"][:2]
    ['thevegetarian||han|2015', 'thevegetarian||kang|2015']
    >>> [key.value for key in keys(Wanted("채식주의자", "한강 지음")) if "sound" in key.kind]
    ['kor:caesikcuica|']
    """
    if not wanted.title.strip():
        return ()
    title, rest = _parted(wanted.title[:_LONGEST])
    language = _language(wanted.language)
    names = _names(wanted.author[:_LONGEST])
    plain = _record(wanted, title, rest, language, names[:1])
    found = dict.fromkeys(_of_titles(plain))
    for other in names[1:]:
        found.update(dict.fromkeys(_of_titles(_record(wanted, title, rest, language, [other]))))
    if not language:
        found.update(dict.fromkeys(_in_other_languages(wanted, title, rest, names)))
    found.update(dict.fromkeys(edition_keys.of_record(plain)))
    return tuple(found)


def of_record(record: Record) -> tuple[Key, ...]:
    """Return the title keys of a record, and what tells its edition from others."""
    return (*_of_titles(record), *edition_keys.of_record(record))


def all_keys(content: Record | Sound) -> tuple[Key, ...]:
    """Return every key by which a wish and an offer are compared: numbers, titles, edition."""
    record = content.part(_READ) if isinstance(content, Sound) else content
    return tuple(dict.fromkeys((*match_keys.identifier_only(record), *of_record(record))))


def wanted_of(record: Record) -> Wanted:
    """Return what a MARC 21 record says in words."""
    said = summaries.of_record(record)
    edition = next((each.first("a") for each in record.all("250")), "")
    volume = next((each.first("n") for each in record.all("245")), "")
    language = said.languages[0] if said.languages[0] != codes.UNKNOWN_LANGUAGE else ""
    return Wanted(
        said.title_vernacular or said.title,
        said.author_vernacular or said.author,
        said.published,
        edition,
        volume,
        said.publisher,
        language,
    )


def from_members(members: Mapping[str, Any]) -> Wanted:
    """Return what the members of a JSON object, or the cells of a row, say in words."""
    return Wanted(*(_text(members.get(name)) for name in Wanted._fields))


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = "; ".join(str(each) for each in value)
    return "" if value is None else str(value).strip()[:_LONGEST]


def _of_titles(record: Record) -> tuple[Key, ...]:
    return title_keys.of_record(record, bare=True)


def _in_other_languages(wanted: Wanted, title: str, rest: str, names: list[str]) -> Iterator[Key]:
    """Yield keys by the languages that a title without one may be in."""
    script = folding.script(title)
    for language in _WITH_ARTICLES if script == "Latn" else ():
        if title_keys.without_article(title, "", language) != title:
            for chosen in [[name] for name in names] or [[]]:
                yield from _of_titles(_record(wanted, title, rest, language, chosen))
    for language in _romanised(title, script):
        for chosen in [[name] for name in names] or [[]]:
            made = _of_titles(_record(wanted, title, rest, language, chosen))
            yield from (key for key in made if key.kind in _SOUND_KINDS)


def _romanised(title: str, script: str) -> list[str]:
    """Return the languages that a title may be romanised from; Hanja may be read in Korean."""
    if script != "Latn":
        return ["kor"] if script == "Hani" else []
    letters = "".join(c for c in normalize("NFKD", title).lower() if not combining(c) and c != "'")
    return [language for language, never in _NEVER.items() if not never.search(letters)]


def _parted(title: str) -> tuple[str, str]:
    """Return the title proper and the rest of it, without a statement of responsibility."""
    title = _STATEMENT.split(title.strip(), maxsplit=1)[0]
    proper, *rest = _SUBTITLE.split(title, maxsplit=1)
    return (proper, rest[0]) if rest and proper else (title, "")


def _names(author: str) -> list[str]:
    """Return the first author's name, and in Latin or Cyrillic letters also its other order."""
    first = _NAMES.split(author.strip(), maxsplit=1)[0]
    name = _BY.sub("", _ROLE.sub("", first)).strip(" ,.")
    if not name:
        return []
    words = name.split()
    if folding.script(name) not in ("Latn", "Cyrl") or "," in name or len(words) < 2:
        return [name]
    return [f"{words[0]}, {' '.join(words[1:])}", f"{words[-1]}, {' '.join(words[:-1])}"]


def _language(text: str) -> str:
    """Return the MARC code of a language that a person writes, "" for none."""
    first = re.split(r"[\s;,/_-]", text.strip(), maxsplit=1)[0]
    for written in (text.strip(), first):
        if code := codes.marc_language(written) or _LANGUAGES.get(written.casefold(), ""):
            return code
    return ""


# Source: ISO 639-1; languages as exchange partners call them.
_LANGUAGES: Final = {
    each: code
    for code, written in {
        "kor": "ko 한국어 조선어 韓国語 韩语 韩文 韓文 korean",
        "jpn": "ja 日本語 일본어 일어 日语 日文",
        "chi": "zh 中文 중국어 中国語 汉语 漢語",
        "eng": "en 영어 英語 英语 英文",
        "rus": "ru русский 러시아어 俄语 ロシア語",
        "mon": "mn монгол 몽골어",
        "vie": "vi việt 베트남어 越南语",
        "fre": "fr français",
        "ger": "de deutsch",
        "spa": "es español",
        "ita": "it",
        "por": "pt",
        "tha": "th",
        "ind": "id",
    }.items()
    for each in written.split()
}


def _record(wanted: Wanted, title: str, rest: str, language: str, names: list[str]) -> Record:
    """Return a wish as a small record."""
    fields = [Field("008", "", value=f"{'':35}{language or '   '}  ")]
    fields += [Field("100", "1 ", (Subfield("a", name),)) for name in names]
    proper = [Subfield("a", title), Subfield("b", rest), Subfield("n", wanted.volume)]
    fields.append(Field("245", "00", tuple(each for each in proper if each.value)))
    if wanted.edition:
        fields.append(Field("250", "  ", (Subfield("a", wanted.edition),)))
    imprint = [Subfield("b", wanted.publisher), Subfield("c", wanted.year)]
    fields.append(Field("264", " 1", tuple(each for each in imprint if each.value)))
    return Record(_LEADER, tuple(fields))
