"""CSL-JSON: the citation as citation processors take it.

Source: CSL-JSON schema 1.0.2,
https://github.com/citation-style-language/schema/blob/v1.0.2/schemas/input/csl-data.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from marc_mappings import encodings
from marc_mappings.citation.values import ROLES, Citation, Name

# A value of JSON as this writer makes it.
Value = str | int | Sequence["Value"] | Mapping[str, "Value"]


def csl_json_of(cited: Citation) -> str:
    """Return one object of CSL-JSON, in UTF-8 text."""
    return json.dumps(_clean(as_dict(cited)), ensure_ascii=False, indent=1)


def as_dict(cited: Citation) -> dict[str, Value]:
    """Return the citation in the names of CSL; what is not known is left out."""
    texts = _texts(cited)
    made: dict[str, Value] = {"id": cited.key, "type": cited.type}
    made.update({name: value for name, value in texts.items() if value})
    for role in ROLES:
        if names := cited.named(role):
            made[role] = [_name(name) for name in names]
    if issued := _issued(cited):
        made["issued"] = issued
    if custom := _custom(cited):
        made["custom"] = custom
    return made


def _texts(cited: Citation) -> Mapping[str, str]:
    return {
        "title": cited.title,
        "original-title": cited.title_original or cited.title_vernacular,
        "container-title": cited.container_title,
        "collection-title": cited.collection_title,
        "collection-number": cited.collection_number,
        "event-title": cited.event_title,
        "volume": cited.volume,
        "page": cited.page,
        "number-of-pages": cited.number_of_pages,
        "publisher": cited.publisher,
        "publisher-place": cited.publisher_place,
        "edition": cited.edition,
        "genre": cited.genre,
        "scale": cited.scale,
        "ISBN": cited.isbns[0] if cited.isbns else "",
        "ISSN": cited.issn,
        "DOI": cited.doi,
        "URL": cited.url,
        "language": cited.language,
        "abstract": cited.abstract,
        "keyword": "; ".join(cited.keywords),
        "note": "; ".join(cited.notes),
    }


def _name(name: Name) -> dict[str, Value]:
    return {key: value for key, value in name._asdict().items() if value}


def _issued(cited: Citation) -> dict[str, Value]:
    if cited.issued:
        return {"date-parts": [list(date) for date in cited.issued]}
    return {"literal": cited.issued_text} if cited.issued_text else {}


def _custom(cited: Citation) -> dict[str, Value]:
    """Return what CSL has no variable for: title and names in their own script."""
    made: dict[str, Value] = {}
    if cited.title_vernacular and cited.title_original:
        made["title-vernacular"] = cited.title_vernacular
    if cited.names_vernacular:
        made["names-vernacular"] = [_name(name) for _, name in cited.names_vernacular]
    return made


def _clean(value: Value) -> Value:
    """Return ``value`` with every text on one line and without controls and lone surrogates."""
    if isinstance(value, str):
        return " ".join(encodings.without_junk(value).split())
    if isinstance(value, Mapping):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [_clean(each) for each in value]
    return value
