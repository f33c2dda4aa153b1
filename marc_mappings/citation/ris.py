"""RIS: one reference as lines of tag and value, which every reference manager reads.

A value is one line always, so that nothing in a title can end the reference or begin a tag.
Editors are ED, translators A4, other contributors A2. A title in its own script beside a romanised
one, and names so, are notes (N1); the title of the work translated is OP.

Source: RIS Format Specifications (Research Information Systems),
https://en.wikipedia.org/wiki/RIS_(file_format) for the list of tags; EndNote, "Reference types".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from marc_mappings import encodings
from marc_mappings.citation.values import Citation, Name

TYPES: Final[Mapping[str, str]] = {
    "article-journal": "JOUR",
    "book": "BOOK",
    "chapter": "CHAP",
    "collection": "GEN",
    "document": "GEN",
    "graphic": "ART",
    "manuscript": "UNPB",
    "map": "MAP",
    "motion_picture": "MPCT",
    "musical_score": "MUSIC",
    "periodical": "JFULL",
    "report": "RPRT",
    "software": "COMP",
    "song": "SOUND",
    "thesis": "THES",
    "webpage": "ELEC",
}
_ROLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("author", "composer", "director", "compiler"), "AU"),
    "editor": "ED",
    "translator": "A4",
    **dict.fromkeys(("illustrator", "contributor"), "A2"),
}


def ris_of(cited: Citation) -> str:
    """Return one reference, from TY to ER, each line ended by CRLF."""
    kind = TYPES[cited.type]
    if kind == "BOOK" and cited.event_title:
        kind = "CONF"
    lines = [("TY", kind), *_tags(cited), ("ER", "")]
    return "".join(
        f"{tag}  - {text}\r\n" for tag, value in lines if (text := _line(value)) or tag == "ER"
    )


def _line(text: str) -> str:
    """Return ``text`` as one line."""
    return " ".join(encodings.without_junk(text).split())


def _shown(name: Name) -> str:
    if name.literal:
        return name.literal
    return ", ".join(filter(None, (name.family, name.given, name.suffix)))


def _tags(cited: Citation) -> Iterator[tuple[str, str]]:
    """Yield (tag, value); an empty value is left out by the writer."""
    yield "ID", cited.key
    yield "TI", cited.title
    for role, name in cited.names:
        yield _ROLES[role], _shown(name)
    yield "T2", cited.container_title or cited.collection_title
    yield "T3", cited.collection_title if cited.container_title else ""
    yield "C3", cited.event_title
    yield "VL", cited.volume or cited.collection_number
    yield from _pages(cited)
    yield "PB", cited.publisher
    yield "CY", cited.publisher_place
    yield from _dates(cited)
    yield "ET", cited.edition
    yield "M3", cited.genre
    for number in cited.isbns:
        yield "SN", number
    yield "SN", cited.issn
    yield "DO", cited.doi
    yield "UR", cited.url
    yield "LA", cited.language
    yield "OP", cited.title_original
    yield "AB", cited.abstract
    for word in cited.keywords:
        yield "KW", word
    yield "N1", cited.title_vernacular
    yield "N1", "; ".join(_shown(name) for _, name in cited.names_vernacular)
    for note in cited.notes:
        yield "N1", note


def _pages(cited: Citation) -> Iterator[tuple[str, str]]:
    start, _, end = cited.page.partition("-")
    yield "SP", start or cited.number_of_pages
    yield "EP", end


def _dates(cited: Citation) -> Iterator[tuple[str, str]]:
    if cited.issued:
        first = cited.issued[0]
        yield "PY", f"{first[0]:04}"
        if len(first) > 1:
            yield "DA", "/".join([f"{first[0]:04}", *(f"{n:02}" for n in first[1:])]) + "/"
    else:
        yield "DA", cited.issued_text
