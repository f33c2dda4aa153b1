"""What a password may be: long enough, and none that is tried first. What it is made of is free.

Source: NIST SP 800-63B-4, section 3.1.1.2: length counts, rules of composition do not; what is
common, and what speaks of the service or of the person, is refused.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

from service.errors import Invalid

SHORTEST: Final = 12
LONGEST: Final = 128

# What is tried first, of those that are long enough; rows, runs and repetitions are found by rule.
_COMMON: Final = frozenset(
    """
    adminadmin administrator administrator1 changemechangeme correcthorsebatterystaple
    iloveyouforever letmeinletmein passw0rdpassw0rd password-123 password1234 password12345
    password123456 password2024 password2025 password2026 passwordpassword p@ssw0rd1234
    qwerty123456 qwertyqwerty qwertyuiop12 qwertyuiop123 secretsecret welcome12345 welcomewelcome
    trustno1trustno1 libraryLibrary librarylibrary bookbridge123 exchangeexchange monkeymonkey
    dragondragon sunshine1234 princess1234 football1234 baseball1234 iloveyou1234 superman1234
    asdfghjkl123 zxcvbnm12345 1q2w3e4r5t6y 1qaz2wsx3edc q1w2e3r4t5y6 abcdefg12345 abc123abc123
    """.casefold().split()
)
_ROWS: Final = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1234567890qwertyuiop",
)


class Weakness(StrEnum):
    """Why a password cannot be used."""

    SHORT = f"a password needs at least {SHORTEST} characters"
    LONG = f"a password has at most {LONGEST} characters"
    NAME = "a password must not be your name"
    LIBRARY = "a password must not be the name of the library"
    COMMON = "this password is one of those that are tried first; take another"


def weakness(password: str, *, name: str = "", library: str = "") -> Weakness | None:
    """Return why a password cannot be used, None if it can.

    ``name`` is that of the account, ``library`` that of ours.

    >>> weakness("qwertyqwertyqwerty").name, weakness("사서가 책을 보낸다 2026", name="hana")
    ('COMMON', None)
    """
    found = normal(password)
    if len(found) < SHORTEST:
        return Weakness.SHORT
    if len(found) > LONGEST:
        return Weakness.LONG
    folded = _folded(found)
    if name and folded == _folded(name):
        return Weakness.NAME
    if library and folded == _folded(library):
        return Weakness.LIBRARY
    return Weakness.COMMON if folded in _COMMON or _is_monotonous(folded) else None


def check(password: str, *, name: str = "", library: str = "") -> str:
    """Return a password that may be used, in its normal form; raise ``Invalid`` saying why not.

    >>> check("short")
    Traceback (most recent call last):
        ...
    service.errors.Invalid: a password needs at least 12 characters
    """
    found = weakness(password, name=name, library=library)
    if found is not None:
        raise Invalid(found.value, field="password")
    return normal(password)


def normal(password: str) -> str:
    r"""Return the one form (NFC) of what may be typed in several ways.

    >>> normal("e\u0301") == normal("\xe9")
    True
    """
    return unicodedata.normalize("NFC", password)


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_monotonous(folded: str) -> bool:
    """Whether it is one piece again and again, or keys in a row."""
    pieces = range(1, 7)
    again = any(folded == (folded[:n] * len(folded))[: len(folded)] for n in pieces)
    return again or any(folded in each or folded[::-1] in each for each in _ROWS)
