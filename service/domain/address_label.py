"""Addresses on parcels: in Roman letters, the country's name in capitals on the last line.

The address in the local script stands beside it, for the last part of the way.

Source: Universal Postal Union, Convention Manual: addressing; S42.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple


class AddressLabel(NamedTuple):
    """An address as it is printed; ``remarks`` say for people what is doubtful in it."""

    lines: tuple[str, ...]
    country: str
    local: tuple[str, ...]
    remarks: tuple[str, ...]


def label(
    name: str, roman: str, local: str, country: str, known_as: Sequence[str] = ()
) -> AddressLabel:
    """Return the label of an address.

    ``country`` is its name on the site's list, ``known_as`` other names of it: a last line that is
    one of them gives way to the name in capitals. ``name`` is put first unless the address has it.

    >>> made = label("City Library", "1 Harbour Road\\nNagasaki\\nJapan", "", "Japan")
    >>> made.lines, made.country
    (('City Library', '1 Harbour Road', 'Nagasaki'), 'JAPAN')
    """
    lines, beside = _lines(roman), _lines(local)
    remarks = []
    if lines and country and _folded(lines[-1]) in {_folded(each) for each in (country, *known_as)}:
        lines.pop()
    if not lines:
        lines, beside = beside, []
        remarks.append(
            "there is no address in Roman letters, which carriers on the way read: enter "
            "address_roman"
        )
    elif foreign := _first_foreign("\n".join(lines)):
        remarks.append(
            f"the address has {foreign!r}, which is no Roman letter; the local script has its "
            "place in address_local"
        )
    if not country:
        remarks.append("no country or region is entered, so that its name is not on the label")
    elif _first_foreign(country):
        remarks.append(
            f"the site calls the country or region {country!r}: carriers on the way read Roman "
            "letters"
        )
    if name and is_roman(name) and not any(_folded(name) in _folded(line) for line in lines):
        lines.insert(0, name)
    return AddressLabel(tuple(lines), country.upper(), tuple(beside), tuple(remarks))


def is_roman(text: str) -> bool:
    """Whether all letters of a text are Roman, with any marks on them.

    >>> is_roman("Thư viện, 69 Lý Tự Trọng"), is_roman("長崎")
    (True, False)
    """
    return not _first_foreign(text)


def _first_foreign(text: str) -> str:
    for each in text:
        if unicodedata.category(each)[0] == "L" and not unicodedata.name(each, "").startswith(
            ("LATIN", "MODIFIER", "FEMININE", "MASCULINE", "FULLWIDTH LATIN")
        ):
            return each
    return ""


def _lines(text: str) -> list[str]:
    return [line for line in (" ".join(each.split()) for each in text.splitlines()) if line]


def _folded(text: str) -> str:
    """Return the letters of a name alone, so that two ways to write it are equal."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in plain if each.isalnum())
