"""A person who signs in: of the staff, or one of a partner's people, who are bound to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain.mail import check_address, one_line
from service.domain.permission import STAFF, Role
from service.errors import Invalid

LONGEST_NAME: Final = 100
# Roles that an account may have: the staff's, and that of a partner's people.
ROLES: Final = (*STAFF, Role.PARTNER)


@dataclass(frozen=True, slots=True)
class Account:
    """A person. ``partner`` is the code of whose person it is, ``""`` for the staff.

    ``has_password`` says whether the invitation was accepted, ``sessions`` and ``tokens`` count
    what stands. Moments are UTC.
    """

    name: str
    role: Role
    partner: str = ""
    full_name: str = ""
    email: str = ""
    locale: str = ""
    has_password: bool = False
    sessions: int = 0
    tokens: int = 0
    disabled_at: datetime | None = None
    created_at: datetime | None = None


class Purpose(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"
    SIGN_IN = "sign_in"


# How long a link can be used.
LASTS: Final[Mapping[Purpose, timedelta]] = {
    Purpose.INVITATION: timedelta(days=7),
    Purpose.RESET: timedelta(hours=2),
    Purpose.SIGN_IN: timedelta(minutes=30),
}


class Span(NamedTuple):
    """How long somebody stays signed in: since the last page, and in all."""

    idle: timedelta
    whole: timedelta


# More than 20 hours, so that nobody is pressed for time (WCAG 2.2, success criterion 2.2.1).
SESSION: Final = Span(timedelta(hours=24), timedelta(days=14))


def check_name(name: str) -> str:
    """Return the name of an account without blanks around; raise ``Invalid``.

    >>> check_name(" hana ")
    'hana'
    """
    found = name.strip()
    if not found:
        raise Invalid("an account needs a name", field="name")
    odd = {"/", "\\"} & set(found) or not any(each.isalnum() for each in found)
    if len(found) > LONGEST_NAME or one_line(found) != found or odd:
        raise Invalid(
            f"the name of an account has at most {LONGEST_NAME} characters in one line, with a "
            "letter or a figure and without / and \\",
            field="name",
        )
    return found


def check_email(email: str) -> str:
    """Return an address that mail can be sent to, or ``""`` for none; raise ``Invalid``."""
    found = email.strip()
    if not found:
        return ""
    try:
        return check_address(found)
    except Invalid as error:
        raise Invalid(error.detail, field="email") from error


def check_role(role: Role, partner: str) -> None:
    """Raise ``Invalid`` unless an account may have this role, for a partner's code or none.

    >>> check_role(Role.PARTNER, "nagasaki")
    >>> check_role(Role.ADMIN, "nagasaki")
    Traceback (most recent call last):
        ...
    service.errors.Invalid: who belongs to a partner has the role partner, not 'admin'
    """
    if role not in ROLES:
        raise Invalid(f"{role.value!r} is no role of an account", field="role")
    if partner and role is not Role.PARTNER:
        raise Invalid(
            f"who belongs to a partner has the role partner, not {role.value!r}", field="role"
        )
    if role is Role.PARTNER and not partner:
        raise Invalid("say whose person it is: the code of a partner", field="partner")
