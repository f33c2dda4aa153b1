"""A list that cannot be read, had another way: its headers by ListIdentifiers, then GetRecord.

Headers carry no metadata, so they can mostly be read where records cannot; and the one record
that spoils its page is then found, while its neighbours are harvested.

Source: OAI-PMH sections 4.1 (GetRecord) and 4.3 (ListIdentifiers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from oai.asking import Asking, Pairs
from oai.errors import BadResumptionToken, CannotDisseminateFormat, IdDoesNotExist, NoRecordsMatch
from oai.harvest_answer import Answer
from oai.harvest_errors import BadPage, Note
from oai.harvest_records import Held, Record

TOKEN_LOST: Final = frozenset({BadResumptionToken.code, NoRecordsMatch.code})
"""The errors that mean, in answer to a token, that its list is gone."""

_NOT_THERE: Final = frozenset({IdDoesNotExist.code, CannotDisseminateFormat.code})


@dataclass
class Listing:
    """The headers of a list; ``whole``: they are all there are. ``first``: the first answer."""

    headers: Held = field(default_factory=Held)
    whole: bool = False
    first: Answer | None = None
    notes: list[Note] = field(default_factory=list)


def list_headers(
    asking: Asking, selection: Pairs, at_most: int, keep_limits: Callable[[], None]
) -> Listing:
    """Return the headers of a list, not many more than ``at_most``.

    ``keep_limits`` is called before each request and may raise.
    """
    listing = Listing()
    for _ in range(asking.limits.restarts + 1):
        listing.headers.close()
        listing.headers = Held()
        if not _is_lost(asking, selection, at_most, keep_limits, listing):
            break
    return listing


def _is_lost(
    asking: Asking,
    selection: Pairs,
    at_most: int,
    keep_limits: Callable[[], None],
    listing: Listing,
) -> bool:
    """Read a list from its beginning; True where its token was refused in the middle."""
    request, tokens = selection, set[str]()
    while True:
        keep_limits()
        try:
            answer = asking.answer("ListIdentifiers", request)
        except BadPage as fault:
            listing.notes += [*fault.notes, fault.as_note()]
            return False
        listing.notes += answer.notes
        if tokens and answer.codes & TOKEN_LOST:
            return True
        if answer.codes - {NoRecordsMatch.code}:
            return False
        listing.first = listing.first or answer
        for record in answer.records:
            listing.headers.add(record)
        answer.records.close()
        number, token = len(listing.headers), answer.token
        if not token:
            listing.whole = True
            return False
        if max(number, answer.size or 0, len(tokens)) > at_most or token in tokens:
            return False
        tokens.add(token)
        request = [("resumptionToken", token)]


def get_record(asking: Asking, identifier: str, prefix: str) -> tuple[Record | None, list[Note]]:
    """Return one record, or None and, as the last note, why not.

    The note's code is ``gone`` where the provider no longer has it, else ``quarantined``.
    """
    try:
        answer = asking.answer(
            "GetRecord", [("identifier", identifier), ("metadataPrefix", prefix)]
        )
    except BadPage as fault:
        message = f"The record cannot be read: {fault.message}"
        notes = [note._replace(identifier=identifier) for note in fault.notes]
        return None, [*notes, Note("quarantined", message, identifier, fault.excerpt)]
    notes = [note._replace(identifier=identifier) for note in answer.notes]
    records = list(answer.records)
    answer.records.close()
    for record in records:
        if record.identifier == identifier:
            return record, notes
    code = "gone" if answer.codes & _NOT_THERE else "quarantined"
    message = "GetRecord answered with another record." if records else "There is no record."
    if answer.errors:
        message = "GetRecord was answered by {}: {}".format(*answer.errors[0])
    return None, [*notes, Note(code, message, identifier)]
