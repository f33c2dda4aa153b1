"""The frame of every answer: prolog, responseDate, the echo of the request, the contents.

Source: OAI-PMH section 3.2 (responses); 3.6 for the echo when something was wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oai.characters import escape, is_legal
from oai.datestamp import written
from oai.errors import ProtocolError
from oai.repository import Selection

CONTENT_TYPE = "text/xml; charset=utf-8"

_OPENING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/'
    ' http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">'
)


@dataclass(frozen=True, slots=True)
class ListPart:
    """Which part of which list of items an answer is, or was to be.

    ``first``: asked for without a token. ``last``: nothing follows, as no token does.
    ``items``: how many records or headers it has.
    """

    selection: Selection
    first: bool
    last: bool
    items: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: ``body`` in UTF-8, to be sent with HTTP 200 as :data:`CONTENT_TYPE`.

    For logs and figures: ``verb`` is the verb asked for, ``""`` where the request had none that
    is legal; ``errors`` are the codes told in the body; ``part`` is what ListRecords and
    ListIdentifiers were asked for, None for other verbs and where that cannot be known.
    """

    body: bytes
    verb: str = ""
    errors: tuple[str, ...] = ()
    part: ListPart | None = None


def frame(
    as_of: int, base_url: str, sent: Iterable[tuple[str, str]], contents: Iterable[bytes]
) -> bytes:
    """Return a whole answer around its contents.

    ``as_of`` becomes the responseDate; ``sent`` are the pairs to echo, none after badVerb and
    badArgument. A value that XML cannot carry is left out: it could only be echoed as another.
    """
    echo = "".join(f' {name}="{escape(value)}"' for name, value in sent if is_legal(value))
    opening = (
        f"{_OPENING}<responseDate>{written(as_of)}</responseDate>"
        f"<request{echo}>{escape(base_url)}</request>"
    )
    return b"".join((opening.encode(), *contents, b"</OAI-PMH>\n"))


def error_elements(errors: Iterable[ProtocolError]) -> list[bytes]:
    """Return one ``error`` element for each error (section 3.6)."""
    return [
        f'<error code="{error.code}">{escape(error.message)}</error>'.encode() for error in errors
    ]
