"""The name a thing bears outside: a ULID, made once, never reused, sortable by its making."""

from __future__ import annotations

import re

from ulid import ULID

# Crockford's base 32, as the ULID specification writes it; partners may send small letters.
_FORM = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)


def new() -> str:
    """Return a new public id: 26 characters."""
    return str(ULID())


def read(text: str) -> str | None:
    """Return ``text`` as a public id in its one spelling, or None when it cannot be one."""
    candidate = text.strip().upper()
    return candidate if _FORM.fullmatch(candidate) else None
