"""Countries and regions as the site calls them: our names, and those that it prefers.

A code is ISO 3166-1 alpha-2. The site may call a place otherwise, put it in a region of the world,
and let it weigh more when copies are given.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from marc_mappings import codes
from service.errors import Invalid

_LONGEST = 200
_HEAVIEST = 100


class Place(NamedTuple):
    """A country or region. ``own``: the site named it; ``weight``: what it counts in allocation."""

    code: str
    name: str
    region: str = ""
    weight: int = 0
    own: bool = False


def built_in(code: str) -> Place | None:
    """Return a country or region by the name that we have for it; None where we have none.

    >>> built_in("MN").name, built_in("ZZ"), built_in("XQ")
    ('Mongolia', None, None)
    """
    if not codes.main_country(code):
        return None
    return Place(code, codes.place_name(code))


@cache
def all_built_in() -> Mapping[str, Place]:
    """Return all that we have names for, by code."""
    found = sorted({row.iso for row in codes.countries().values()})
    return {code: place for code in found if (place := built_in(code))}


def check_code(code: str) -> str:
    """Return ``code`` in capitals if it has the form of ISO 3166-1 alpha-2."""
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise Invalid(
            f"{code!r} is not a country or region code: two letters, such as KR", field="place"
        )
    return code.upper()


def check(code: str, name: str, region: str = "", weight: int = 0) -> Place:
    """Return what the site says of a place, or raise ``Invalid``."""
    texts = {"name": name, "region": region}
    for field, text in texts.items():
        texts[field] = unicodedata.normalize("NFC", " ".join(text.split()))
        if len(texts[field]) > _LONGEST or not texts[field].isprintable():
            raise Invalid(f"{field} is one line of at most {_LONGEST} characters", field=field)
    if not texts["name"]:
        raise Invalid("a country or region needs a name", field="name")
    if not 0 <= weight <= _HEAVIEST:
        raise Invalid(f"a weight is 0 to {_HEAVIEST}", field="weight")
    return Place(check_code(code), texts["name"], texts["region"], weight, own=True)
