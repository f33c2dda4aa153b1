"""Audiences: to whom something is shown – everybody, a group of partners, or one partner alone.

What is shown belongs to audiences, never to partners: the feed has a row for each audience that
sees an item, and a partner sees what its few audiences see. A group is a tier, a consortium, or
the partners that one list is for; ``given:{code}`` is what one partner was given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from service.errors import Invalid

PUBLIC = 1  # the audience that everybody belongs to; the first migration makes it

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_RESERVED = frozenset({"public"})


class AudienceKind(StrEnum):
    """Who belongs to an audience."""

    PUBLIC = "PUBLIC"
    GROUP = "GROUP"
    GIVEN = "GIVEN"
    INCOMING = "INCOMING"  # nobody: of a list that a partner offers us


# To whom a list can be open.
OFFERED_TO = frozenset({AudienceKind.PUBLIC, AudienceKind.GROUP})


@dataclass(frozen=True, slots=True)
class Audience:
    """One audience. A list's own is named ``list:{slug}``, what a partner got ``given:{code}``."""

    id: int
    code: str
    kind: AudienceKind


class Member(NamedTuple):
    """One partner's place in an audience.

    ``belongs`` is what was decided; ``since`` and ``left`` are what the feed has told, as stamps:
    None before it has. Who has left and belongs again is told so by a new ``since``.
    """

    partner_code: str
    belongs: bool
    since: int | None
    left: int | None


def check_code(code: str) -> str:
    """Return ``code`` if a group can have this name."""
    if not _CODE.fullmatch(code) or len(code) > 40 or code in _RESERVED:
        raise Invalid(
            f"{code!r} cannot name an audience: use 1 to 40 of a-z, 0-9 and single hyphens "
            "between them, and not the word public",
            field="code",
        )
    return code


def of_list(slug: str) -> str:
    """Return the code of the audience that one list is for."""
    return f"list:{slug}"


def given_set(partner_code: str) -> str:
    """Return the code of what a partner was given: an audience, and the set that it sees."""
    return f"given:{partner_code}"


def partner_set(partner_code: str) -> str:
    """Return the name of the set of what is offered to a partner beyond the public."""
    return f"partner:{partner_code}"
