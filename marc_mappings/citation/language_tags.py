"""Language tags (BCP 47): the two-letter code where ISO 639-1 has one, else the ISO 639-3 code.

Source: RFC 5646, section 2.2.1 (the shortest code); ISO 639-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from marc_mappings import codes


@cache
def _two_letters() -> Mapping[str, str]:
    """Return ISO 639-3 -> ISO 639-1."""
    text = files(codes).joinpath("language_tags.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return dict(rows[1:])


def of_marc(code: str) -> str:
    """Return the language tag of a MARC language code, ``""`` if it is no language.

    >>> of_marc("chi"), of_marc("kor"), of_marc("grc"), of_marc("und")
    ('zh', 'ko', 'grc', '')
    """
    iso = codes.iso_language(code)
    return _two_letters().get(iso, iso)
