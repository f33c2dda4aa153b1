"""Exchange partners: the libraries we give to and receive from, and how they are named.

A partner's code is ours and never changes; its ISIL (ISO 15511) is an attribute that it may not
have. Two ISILs that differ only in case are one. Here is what every request needs of a partner; all
that the directory holds of it is in :mod:`service.domain.partner_entry`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.errors import Invalid

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_ISIL = re.compile(r"([A-Z]{2}|[A-Za-z0-9]|[A-Za-z0-9]{3,4})-[A-Za-z0-9/:\-]{1,11}", re.ASCII)


class PartnerState(StrEnum):
    """Whether the exchange with a partner runs."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class PartnerType(StrEnum):
    """What kind of library, or other body, a partner is."""

    NATIONAL = "NATIONAL"
    UNIVERSITY = "UNIVERSITY"
    PUBLIC = "PUBLIC"
    SPECIAL = "SPECIAL"
    PARLIAMENTARY = "PARLIAMENTARY"
    SCHOOL = "SCHOOL"
    MUSEUM = "MUSEUM"
    EXCHANGE_CENTRE = "EXCHANGE_CENTRE"  # acts for a country (UNESCO convention of 1958, art. 3)
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner. ``place`` is its country or region as ISO 3166-1 alpha-2, or empty."""

    id: int
    public_id: str
    code: str
    name: str
    city: str
    place: str
    isil: str | None
    state: PartnerState
    created_at: datetime


def check_code(code: str) -> str:
    """Return ``code`` if it can name a partner for ever, in a setSpec and in an address."""
    if not _CODE.fullmatch(code) or len(code) > 40:
        raise Invalid(
            f"{code!r} cannot be a partner's code: "
            "use 1 to 40 of a-z, 0-9 and single hyphens between them",
            field="code",
        )
    return code


def check_isil(isil: str) -> str:
    """Return ``isil`` if it has the shape of ISO 15511; nobody is asked whether it is registered.

    >>> check_isil("KR-OL999999")
    'KR-OL999999'
    """
    if not _ISIL.fullmatch(isil) or len(isil) > 16:
        raise Invalid(
            f"{isil!r} is not an ISIL: a prefix such as KR, a hyphen, "
            "then up to 11 letters, digits, '/', ':' or '-'",
            field="isil",
        )
    return isil


def fold_isil(isil: str) -> str:
    """Return the form under which two spellings of one ISIL are equal."""
    return isil.casefold()
