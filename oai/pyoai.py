"""The one room that faces pyoai (distribution ``oaipmh``), which has no types.

What is used of it: the names of the protocol's errors, and the reading of a datestamp, where it
knows that a day in ``until`` means the last second of that day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from oaipmh import error
from oaipmh.datestamp import datestamp_to_datetime

BAD_ARGUMENT: Final[str] = error.BadArgumentError().oainame()
BAD_RESUMPTION_TOKEN: Final[str] = error.BadResumptionTokenError().oainame()
BAD_VERB: Final[str] = error.BadVerbError().oainame()
CANNOT_DISSEMINATE_FORMAT: Final[str] = error.CannotDisseminateFormatError().oainame()
ID_DOES_NOT_EXIST: Final[str] = error.IdDoesNotExistError().oainame()
NO_METADATA_FORMATS: Final[str] = error.NoMetadataFormatsError().oainame()
NO_RECORDS_MATCH: Final[str] = error.NoRecordsMatchError().oainame()
NO_SET_HIERARCHY: Final[str] = error.NoSetHierarchyError().oainame()


def read_datestamp(text: str, *, inclusive: bool) -> datetime:
    """Return the naive UTC time of a datestamp; a day is its last second if ``inclusive``.

    It reads loosely (``2026-1-1``, ``.5Z``), so the caller checks the form first.
    Raises ``ValueError`` for what is no time.
    """
    try:
        moment: datetime = datestamp_to_datetime(text, inclusive)
    except error.DatestampError as problem:
        raise ValueError(f"no such time: {text}") from problem
    return moment
