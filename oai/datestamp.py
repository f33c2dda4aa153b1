"""Datestamps: whole seconds since the epoch, UTC, inside; one of two strict forms outside.

The repository's granularity is seconds, so both forms are understood and one is written.

Source: OAI-PMH sections 3.3 (UTCdatetime) and 2.7.1 (from and until are inclusive).
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import date
from functools import lru_cache

from oai import pyoai

GRANULARITY = "YYYY-MM-DDThh:mm:ssZ"

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_SECONDS = tuple(f"{second:02}Z" for second in range(60))
_EPOCH = date(1970, 1, 1).toordinal()


def parse(text: str, *, until: bool = False) -> int:
    """Return the stamp of a datestamp; a day is its first second, or its last for ``until``.

    Raises ``ValueError`` for every other form and for days and hours that do not exist.

    >>> parse("1970-01-02"), parse("1970-01-02", until=True), parse("1970-01-01T00:01:00Z")
    (86400, 172799, 60)
    """
    if not _FORM.fullmatch(text):
        raise ValueError("a datestamp is YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")
    return timegm(pyoai.read_datestamp(text, inclusive=until).timetuple())


def is_legal(text: str) -> bool:
    """Whether a text is a datestamp in one of the two forms, of a time that exists."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def is_day(text: str) -> bool:
    """Whether a legal datestamp has the granularity of a day."""
    return "T" not in text


def written(stamp: int) -> str:
    """Return the datestamp of a stamp, to the second.

    >>> written(0), written(1_767_225_599)
    ('1970-01-01T00:00:00Z', '2025-12-31T23:59:59Z')
    """
    minute, second = divmod(stamp, 60)
    return _minute(minute) + _SECONDS[second]


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    """Return a datestamp up to its seconds; neighbours in a list share it."""
    days, rest = divmod(minute, 24 * 60)
    hours, minutes = divmod(rest, 60)
    return f"{date.fromordinal(_EPOCH + days).isoformat()}T{hours:02}:{minutes:02}:"
