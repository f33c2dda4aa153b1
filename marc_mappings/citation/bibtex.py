"""BibTeX in its biblatex form: UTF-8, braces around every value, nothing that TeX would obey.

Braces and backslashes of a value become commands, so that the braces of the file always balance.
A title in its own script beside a romanised one is ``titleaddon``; the title of the work translated
is ``origtitle``; notes are ``annotation``, which bibliographies do not print.

Source: The biblatex Package, section 2 (entry types and fields) and 2.3.4 (encoding); BibTeXing
(O. Patashnik), section 4 (names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from marc_mappings import encodings
from marc_mappings.citation.values import Citation, Name
from marc_mappings.mods.elements import uri

TYPES: Final[Mapping[str, str]] = {
    "article-journal": "article",
    "book": "book",
    "chapter": "incollection",
    "collection": "misc",
    "document": "misc",
    "graphic": "image",
    "manuscript": "unpublished",
    "map": "misc",
    "motion_picture": "video",
    "musical_score": "misc",
    "periodical": "periodical",
    "report": "report",
    "software": "software",
    "song": "audio",
    "thesis": "thesis",
    "webpage": "online",
}
_ESCAPES: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        **{sign: f"\\{sign}" for sign in "%&$#_"},
    }
)
# Roles -> field; biblatex knows others than author, editor, translator as editors of a type.
_ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "author": ("author", ""),
    "editor": ("editor", ""),
    "translator": ("translator", ""),
    "composer": ("author", ""),
    "director": ("author", ""),
    "compiler": ("editora", "compiler"),
    "contributor": ("editorb", "collaborator"),
    "illustrator": ("editorc", "illustrator"),
}
# The field of the title of the host, by type; that of a set is maintitle.
_HOSTS: Final = {"article-journal": "journaltitle", "chapter": "booktitle"}
# What ends or divides a name in a list of names.
_DIVIDES = re.compile(r",|\band\b", re.IGNORECASE)


def bibtex_of(cited: Citation) -> str:
    """Return one entry, ended by a line end."""
    kind = TYPES[cited.type]
    if kind == "book" and cited.event_title:
        kind = "proceedings"
    lines = [f"  {name} = {{{value}}},\n" for name, value in _fields(cited) if value]
    return f"@{kind}{{{cited.key},\n{''.join(lines)}}}\n"


def escaped(text: str) -> str:
    """Return ``text`` as one line that TeX prints as it is.

    >>> escaped("100% {sure}")
    '100\\\\% \\\\textbraceleft{}sure\\\\textbraceright{}'
    """
    return " ".join(encodings.without_junk(text).split()).translate(_ESCAPES)


def _name(name: Name) -> str:
    """Return a name for a list of names; one that is no person's is braced."""
    if name.literal:
        return f"{{{escaped(name.literal)}}}"
    parts = [_part(part) for part in (name.family, name.suffix, name.given) if part.strip()]
    return ", ".join(parts)


def _part(text: str) -> str:
    shown = escaped(text)
    return f"{{{shown}}}" if _DIVIDES.search(shown) else shown


def _listed(names: tuple[Name, ...]) -> str:
    return " and ".join(map(_name, names))


def _address(text: str) -> str:
    """Return an address for a field that is read verbatim: no brace or backslash is left in it."""
    return uri(text) if text else ""


def _fields(cited: Citation) -> Iterator[tuple[str, str]]:
    """Yield (field, value) with the value escaped; an empty value is left out by the writer."""
    yield from _people(cited)
    yield "title", escaped(cited.title)
    yield "titleaddon", escaped(cited.title_vernacular)
    yield "origtitle", escaped(cited.title_original)
    yield _HOSTS.get(cited.type, "maintitle"), escaped(cited.container_title)
    yield "eventtitle", escaped(cited.event_title)
    yield "series", escaped(cited.collection_title)
    yield "number", escaped(cited.collection_number)
    yield "volume", escaped(cited.volume)
    yield "edition", escaped(cited.edition)
    yield "type", escaped(cited.genre)
    is_school = cited.type in ("thesis", "report")
    yield "institution" if is_school else "publisher", escaped(cited.publisher)
    yield "location", escaped(cited.publisher_place)
    yield "date", _date(cited)
    yield "pages", escaped(cited.page.replace("-", "--"))
    yield "pagetotal", escaped(cited.number_of_pages)
    yield "isbn", escaped(cited.isbns[0]) if cited.isbns else ""
    yield "issn", escaped(cited.issn)
    yield "doi", _address(cited.doi)
    yield "url", _address(cited.url)
    yield "language", escaped(cited.language)
    yield "howpublished", escaped(cited.scale)
    yield "abstract", escaped(cited.abstract)
    yield (
        "keywords",
        ", ".join(f"{{{escaped(w)}}}" if "," in w else escaped(w) for w in cited.keywords),
    )
    yield "annotation", escaped(" ".join(cited.notes))


def _people(cited: Citation) -> Iterator[tuple[str, str]]:
    lists: dict[str, list[Name]] = {}
    kinds: dict[str, str] = {}
    for role, name in cited.names:
        field, kind = _ROLES[role]
        lists.setdefault(field, []).append(name)
        kinds[field] = kind
    for field, names in lists.items():
        yield field, _listed(tuple(names))
        yield f"{field}type", kinds[field]


def _date(cited: Citation) -> str:
    """Return the date in ISO 8601, a span with a slash."""
    dates = ["-".join([f"{d[0]:04}", *(f"{n:02}" for n in d[1:])]) for d in cited.issued]
    return "/".join(dates)
