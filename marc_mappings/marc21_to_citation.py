"""MARC 21 to citations: what a person puts into a reference manager, as RIS, BibTeX or CSL-JSON.

A citation is a summary: it takes what a bibliography prints, and DROPPED gives up the rest. Where
the title is romanised, it stays the title, and the one in its own script (880) stands beside it:
``original-title`` in CSL (unless the record names the work it translates: then under ``custom``),
``titleaddon`` in BibTeX, a note (N1) in RIS. Where the title is in its own script already, as in
JAPAN/MARC, its readings only help to make the key.

Names fall into family and given name only where the record separates them by a comma. Names
without a relator are authors where there is no main entry of a person or body, else contributors.

Source: CSL 1.0.2, Appendix III and IV; MARC 21 Bibliographic; the type of thesis and the pages are
read as MARC 21 502 and 300 print them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from marc_mappings import steps, summary
from marc_mappings.citation import language_tags
from marc_mappings.citation.bibtex import bibtex_of
from marc_mappings.citation.csl_json import csl_json_of
from marc_mappings.citation.parts import (
    Part,
    clean,
    colon,
    degree,
    host_level,
    isbn,
    known,
    meeting,
    name,
    page_range,
    pages,
    part,
    subject,
    translated,
    web_address,
)
from marc_mappings.citation.ris import ris_of
from marc_mappings.citation.values import Citation, Name, key_of
from marc_mappings.keys import identifiers
from marc_mappings.letters.scripts import is_romanised
from marc_mappings.record import Record
from marc_mappings.rules import Loss, Row, Table, made

SOURCE: Final = "MARC 21"
TARGET: Final = "citation (CSL 1.0.2)"
OTHERWISE: Final = "A field that no row names and DROPPED does not explain is reported as lost."

_S: Final = "MARC 21"
RULES: Final[tuple[Row[Part], ...]] = (
    part("title", "245abp", f"{_S}: 245", colon),
    part("volume", "245n", f"{_S}: 245 $n"),
    *(
        made(tag, "original-title", translated, f"{_S}: {tag} $l", reads="aklnp")
        for tag in ("130", "240")
    ),
    part("title_original", "765t", f"{_S}: 765 $t"),
    *(name(tag, "abcdeq4") for tag in ("100", "700")),
    *(name(tag, "abe4") for tag in ("110", "710")),
    made("111", "event-title", meeting, f"{_S}: 111", reads="acdnq"),
    made("711", "event-title", meeting, f"{_S}: 711", reads="acdnq"),
    part("container_title", "773t", f"{_S}: 773 $t"),
    part("page", "773g", f"{_S}: 773 $g", page_range),
    made("773", "type", host_level, f"{_S}: 773 $7", reads="7"),
    part("isbns", "773z", f"{_S}: 773 $z", isbn),
    part("issn", "773x", f"{_S}: 773 $x", identifiers.issn8),
    *(part("collection_title", f"{tag}ap", f"{_S}: {tag}") for tag in ("440", "490", "830")),
    *(part("collection_number", f"{tag}v", f"{_S}: {tag} $v") for tag in ("440", "490", "830")),
    part("edition", "250ab", f"{_S}: 250"),
    part("publisher_place", "260a", f"{_S}: 260", known, each=True),
    part("publisher", "260b", f"{_S}: 260", known, each=True),
    part("issued_text", "260c", f"{_S}: 260"),
    part("publisher_place", "264|*1|a", f"{_S}: 264, publication", known, each=True),
    part("publisher", "264|*1|b", f"{_S}: 264, publication", known, each=True),
    part("issued_text", "264|*1|c", f"{_S}: 264, publication"),
    part("number_of_pages", "300a", f"{_S}: 300 $a", pages),
    part("scale", "255a", f"{_S}: 255 $a"),
    made("502", "genre, publisher", degree, f"{_S}: 502"),
    part("isbns", "020a", f"{_S}: 020", isbn, each=True),
    part("issn", "022a", f"{_S}: 022", identifiers.issn8),
    part("doi", "024|7*|a", f"{_S}: 024, $2 doi", identifiers.doi),
    part("doi", "856u", f"{_S}: 856 $u", identifiers.doi),
    part("url", "856|*#|u", f"{_S}: 856 $u", web_address),
    part("url", "856|*0|u", f"{_S}: 856 $u, the resource itself", web_address),
    part("url", "856|*1|u", f"{_S}: 856 $u, a version of it", web_address),
    part("abstract", "520a", f"{_S}: 520"),
    *(part("keywords", f"{tag}a", f"{_S}: {tag}", subject) for tag in ("650", "651", "648")),
    *(part("keywords", f"{tag}abcdt", f"{_S}: {tag}", subject) for tag in ("600", "610", "611")),
    part("keywords", "630a", f"{_S}: 630", subject),
    part("keywords", "653a", f"{_S}: 653", subject, each=True),
    part("notes", "500a", f"{_S}: 500"),
)

_NO_PLACE: Final = "a citation has no place for it"
_ANY: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

# Tag, or tag and subfields -> why no row takes it: a citation is a summary.
DROPPED: Final[Mapping[str, str]] = {
    **{f"{number:03}": _NO_PLACE for number in range(1, 1000) if number != 880},
    **{f"{rule.place[:3]}{_ANY}": _NO_PLACE for rule in RULES},
    "008": "read for dates, language and type",
}
_TABLE: Final = Table(RULES, DROPPED)

# Leader/06 -> type, where the leader alone decides.
_BY_LEADER: Final[Mapping[str, str]] = {
    **dict.fromkeys("cd", "musical_score"),
    **dict.fromkeys("ef", "map"),
    "g": "motion_picture",
    **dict.fromkeys("ij", "song"),
    "k": "graphic",
    "m": "software",
    **dict.fromkeys("op", "collection"),
    "r": "document",
}


def convert(record: Record) -> tuple[Citation, tuple[Loss, ...]]:
    """Return the citation of a record, and what is not in it, with the reason if any."""
    parts, losses = _TABLE.convert(record)
    values = _values(parts)
    names = _names(parts, vernacular=False)
    cited = Citation(
        key=_key(record),
        type=_type(record, values),
        names=names,
        names_vernacular=_vernacular_names(parts, names),
        title=values.get("title", ""),
        title_vernacular=_vernacular_title(parts, values.get("title", "")),
        issued=_issued(record),
        language=_language(record),
        isbns=_all(parts, "isbns"),
        keywords=_all(parts, "keywords"),
        notes=_all(parts, "notes"),
        **{each: values.get(each, "") for each in _SINGLE},
    )
    if cited.type == "thesis" and "school" in values:
        cited = cited._replace(publisher=values["school"])
    return cited, losses


_SINGLE: Final = (
    *("title_original", "container_title", "collection_title", "collection_number"),
    *("event_title", "volume", "page", "number_of_pages", "publisher", "publisher_place"),
    *("issued_text", "edition", "genre", "scale", "issn", "doi", "url", "abstract"),
)


def citation(record: Record) -> Citation:
    """Return the citation of a record."""
    return convert(record)[0]


def key(record: Record) -> str:
    """Return the key of a record: author, year and a word of the title, in ASCII."""
    return _key(record)


def ris(record: Record, position: int = 0) -> str:
    """Return the record as one reference in RIS, lines ended by CRLF.

    ``position`` is where the record stands in its file, counted from 1; with it the key, which
    others may share, is the only one of its kind in the file.
    """
    return ris_of(_placed(record, position))


def bibtex(record: Record, position: int = 0) -> str:
    """Return the record as one entry of BibTeX (biblatex, UTF-8); ``position`` as in ``ris``."""
    return bibtex_of(_placed(record, position))


def csl_json(record: Record, position: int = 0) -> str:
    """Return the record as one object of CSL-JSON; ``position`` as in ``ris``."""
    return csl_json_of(_placed(record, position))


def _placed(record: Record, position: int) -> Citation:
    cited = citation(record)
    return cited._replace(key=f"{cited.key}-{position}") if position else cited


def _values(parts: Iterable[Part]) -> dict[str, str]:
    """Return the first value of each variable."""
    found: dict[str, str] = {}
    for each in parts:
        if each.text and not each.vernacular:
            found.setdefault(each.variable, each.text)
    return found


def _all(parts: Iterable[Part], variable: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([p.text for p in parts if p.variable == variable and p.text]))


def _names(parts: Iterable[Part], *, vernacular: bool) -> tuple[tuple[str, Name], ...]:
    found = [
        (each.variable, each.name)
        for each in parts
        if each.name != Name() and each.vernacular is vernacular
    ]
    return tuple(dict.fromkeys(found))


def _letters(name: Name) -> str:
    return name.literal or f"{name.family}, {name.given}"


def _vernacular_names(
    parts: Iterable[Part], names: tuple[tuple[str, Name], ...]
) -> tuple[tuple[str, Name], ...]:
    """Return the names in their own script, if the others are romanised."""
    if not all(is_romanised(_letters(name)) for _, name in names):
        return ()
    others = _names(parts, vernacular=True)
    return tuple([pair for pair in others if not is_romanised(_letters(pair[1]))])


def _vernacular_title(parts: Iterable[Part], title: str) -> str:
    if not is_romanised(title):
        return ""
    others = [p.text for p in parts if p.variable == "title" and p.vernacular]
    return next((text for text in others if not is_romanised(text)), "")


def _type(record: Record, values: Mapping[str, str]) -> str:
    kind, level = record.leader[6:7], record.leader[7:8]
    fixed = record.control("008")
    if any(record.all("502")) or (level == "m" and kind in ("a", "t") and "m" in fixed[24:28]):
        return "thesis"
    if kind in _BY_LEADER:
        return _BY_LEADER[kind]
    if level in ("a", "b"):
        in_serial = level == "b" or values.get("host_level") == "s"
        in_serial = in_serial or ("issn" in values and "isbns" not in values)
        return "article-journal" if in_serial else "chapter"
    if level == "s":
        return "periodical"
    if level == "i":
        return "webpage" if "url" in values else "book"
    if level == "c":
        return "collection"
    if kind == "t":
        return "manuscript"
    return "report" if "t" in fixed[24:28] and kind == "a" else "book"


def _issued(record: Record) -> tuple[tuple[int, ...], ...]:
    """Return the date of publication; a serial's dates are a span, 008/06 e has month and day."""
    year = summary.published(record)
    if not year:
        return ()
    fixed = record.control("008")
    kind, second = fixed[6:7], fixed[11:15]
    is_number = len(second) == 4 and second.isascii() and second.isdigit()
    if kind == "e" and is_number and fixed[7:11] == year:
        return (_day(int(year), int(second[:2]), int(second[2:])),)
    is_span = kind in ("c", "d", "u", "m", "i", "k") and fixed[7:11] == year
    if is_span and is_number and int(year) < int(second) < 3000:
        return ((int(year),), (int(second),))
    return ((int(year),),)


def _day(year: int, month: int, day: int) -> tuple[int, ...]:
    if not 1 <= month <= 12:
        return (year,)
    return (year, month, day) if 1 <= day <= 31 else (year, month)


def _language(record: Record) -> str:
    return next(filter(None, map(language_tags.of_marc, summary.languages(record))), "")


def _key(record: Record) -> str:
    """Return the key; a title or name in another script lends its romanised reading."""
    author = _romanised(record, ("100", "110", "111")) or _romanised(record, ("700", "710"))
    title = _romanised(record, ("245",))
    return key_of(author, summary.published(record), title, record.control_number)


def _romanised(record: Record, tags: tuple[str, ...]) -> str:
    """Return the first of these fields, or of their 880s, that is in Latin letters."""
    fields = [*record.all(*tags)]
    fields += [field for field in record.all("880") if steps.linked_tag(field) in tags]
    texts = [clean(" ".join(field.all("a"))) for field in fields]
    return next((text for text in texts if text and is_romanised(text)), "")
