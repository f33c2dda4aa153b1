"""The errors of the protocol: the caller's, told in the answer, always with HTTP 200.

::

    ProtocolError
    ├── BadVerb                  the verb is missing, repeated or unknown
    ├── BadArgument              an argument is missing, repeated, unknown, or its value illegal
    ├── BadResumptionToken       the token was not given out by us, for this list, to this caller
    ├── CannotDisseminateFormat  the format is unknown here, or the item is not in it
    ├── IdDoesNotExist           there is no such item
    ├── NoMetadataFormats        the item has no formats
    ├── NoRecordsMatch           the list would be empty
    └── NoSetHierarchy           there are no sets

    CredentialsNeeded            not of the protocol: HTTP tells it, with status 401

Source: OAI-PMH section 3.6; 3.1.2.2 (status codes of HTTP stay what they are).
"""

from __future__ import annotations

from typing import ClassVar

from oai import pyoai


class ProtocolError(Exception):
    """One ``<error>``: ``code`` for machines, ``message`` for people.

    ``as_of`` is the public clock of what was read to find it out (seconds, UTC), or None when
    nothing was read.
    """

    code: ClassVar[str]

    def __init__(self, message: str, as_of: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.as_of = as_of


class BadVerb(ProtocolError):
    """The verb is missing, repeated or none of the six."""

    code = pyoai.BAD_VERB


class BadArgument(ProtocolError):
    """An argument is missing, repeated or unknown, or its value has an illegal syntax."""

    code = pyoai.BAD_ARGUMENT


class BadResumptionToken(ProtocolError):
    """The token is not ours, not of this list or caller, or its list is gone."""

    code = pyoai.BAD_RESUMPTION_TOKEN


class CannotDisseminateFormat(ProtocolError):
    """The metadataPrefix is not offered here, or not for this item."""

    code = pyoai.CANNOT_DISSEMINATE_FORMAT


class IdDoesNotExist(ProtocolError):
    """The identifier is unknown here, or to this caller."""

    code = pyoai.ID_DOES_NOT_EXIST


class NoMetadataFormats(ProtocolError):
    """The item has no formats."""

    code = pyoai.NO_METADATA_FORMATS


class NoRecordsMatch(ProtocolError):
    """From, until, set and metadataPrefix together give an empty list."""

    code = pyoai.NO_RECORDS_MATCH


class NoSetHierarchy(ProtocolError):
    """The repository has no sets."""

    code = pyoai.NO_SET_HIERARCHY


class CredentialsNeeded(Exception):
    """A caller without credentials named a set that nobody can see without them.

    Raised by a repository by the name of the set alone, whether there is such a set or not, so
    that the answer betrays nothing. It passes through the provider, and the rim answers it with
    HTTP 401. To callers with credentials that do not suffice, the set is an empty one.
    """
