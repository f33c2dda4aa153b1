"""The provider: one request against one repository, answered.

What harvesters rely on, beside the letter of the protocol:

* ``responseDate`` is the public clock of the snapshot that was read, or an earlier one, never a
  later: whatever the answer did not contain is stamped later than it says.
* A list is not cut at the time of its first page. What changes meanwhile moves to its tail.
* A page is never empty. A repository loses no item from a list, so the page behind a token has
  rows; it has none only if the list itself is gone (its set or its rights were taken away), or
  if ``until`` is given and all that was left has changed since. Then the answer is
  badResumptionToken, not noRecordsMatch, which many clients take for a good end: the harvester
  starts again and learns what is true now.
* completeListSize is counted on the first page and carried in the token. Where more came by
  then it is raised; the last page tells what was really given.

Source: OAI-PMH sections 3.5, 3.6 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from oai import pages
from oai.errors import (
    BadArgument,
    BadResumptionToken,
    CannotDisseminateFormat,
    CredentialsNeeded,
    IdDoesNotExist,
    NoMetadataFormats,
    NoRecordsMatch,
    NoSetHierarchy,
    ProtocolError,
)
from oai.frame import CONTENT_TYPE, Answer, ListPart, error_elements, frame
from oai.repository import (
    Identity,
    Key,
    MetadataFormat,
    Page,
    Repository,
    Row,
    Selection,
    SetPage,
    SetRow,
)
from oai.token import ListPlace, SetPlace, Tokens
from oai.verbs import VERBS, Request, parse

__all__ = [
    "CONTENT_TYPE",
    "Answer",
    "CredentialsNeeded",
    "Identity",
    "Key",
    "ListPart",
    "MetadataFormat",
    "Page",
    "Repository",
    "Row",
    "Selection",
    "SetPage",
    "SetRow",
    "Tokens",
    "respond",
]


@dataclass(frozen=True, slots=True)
class _Call:
    """A request on its way: who asks what of whom."""

    request: Request
    repository: Repository
    tokens: Tokens
    audience: str


class _Reply(NamedTuple):
    """What a verb answers: the clock it read at (seconds, UTC), and the element's contents.

    ``part``: of which list that is a part, for the list verbs.
    """

    as_of: int
    contents: list[bytes]
    part: ListPart | None = None


def respond(
    repository: Repository,
    pairs: Sequence[tuple[str, str]],
    *,
    tokens: Tokens,
    audience: str = "public",
    malformed: bool = False,
) -> Answer:
    """Answer the raw argument ``pairs`` of one request.

    Pairs come in the order sent, with repetitions, and may hold any characters. ``audience``
    names whose view of the repository this is; tokens of another audience do not open.
    ``malformed``: the rim could not read the arguments (say, a POST that is no form).

    Faults of the request are told in the answer, never raised. What the repository raises,
    passes through, :class:`CredentialsNeeded` among it, which the rim answers with HTTP 401.
    """
    request = parse(pairs)
    if malformed:
        request = (BadArgument("The arguments of the request cannot be read as a form."),)
    if not isinstance(request, Request):
        return _refuse(repository, request)
    call = _Call(request, repository, tokens, audience)
    try:
        reply = _ANSWERS[request.verb](call)
    except ProtocolError as error:
        return replace(_refuse(repository, (error,), request), part=_missed(call, error))
    element = request.verb.encode()
    contents = (b"<%b>" % element, *reply.contents, b"</%b>" % element)
    body = frame(reply.as_of, repository.base_url(), request.sent, contents)
    return Answer(body, request.verb, part=reply.part)


def _missed(call: _Call, error: ProtocolError) -> ListPart | None:
    """Return which part of which list was asked for in vain, None where that cannot be known."""
    request = call.request
    if request.selection is not None:
        return ListPart(request.selection, True, isinstance(error, NoRecordsMatch), 0)
    if _ANSWERS[request.verb] is _list_items:
        with suppress(BadResumptionToken):
            place = call.tokens.open_list(request.verb, call.audience, request.token)
            return ListPart(place.selection, False, False, 0)
    return None


def _refuse(
    repository: Repository, errors: Sequence[ProtocolError], request: Request | None = None
) -> Answer:
    """Tell errors; without a request (badVerb, badArgument) nothing of it is echoed (3.2)."""
    as_of = errors[0].as_of
    body = frame(
        repository.as_of() if as_of is None else as_of,
        repository.base_url(),
        request.sent if request else (),
        error_elements(errors),
    )
    return Answer(body, request.verb if request else "", tuple(error.code for error in errors))


def _identify(call: _Call) -> _Reply:
    as_of = call.repository.as_of()
    identity = call.repository.identity()
    return _Reply(as_of, pages.identify(identity, call.repository.base_url()))


def _list_metadata_formats(call: _Call) -> _Reply:
    as_of = call.repository.as_of()
    offered = call.repository.formats()
    if call.request.identifier:
        prefixes = call.repository.item_formats(call.request.identifier)
        if prefixes is None:
            raise IdDoesNotExist("There is no such item here.", as_of)
        offered = [each for each in offered if each.prefix in prefixes]
    if not offered:
        raise NoMetadataFormats("There are no metadata formats for this item.", as_of)
    return _Reply(as_of, pages.formats(offered))


def _get_record(call: _Call) -> _Reply:
    as_of = call.repository.as_of()
    identifier, prefix = call.request.identifier, call.request.prefix
    if not _is_offered(call, prefix):
        if call.repository.item_formats(identifier) is None:
            raise IdDoesNotExist("There is no such item here.", as_of)
        raise CannotDisseminateFormat("This metadataPrefix is not offered here.", as_of)
    row = call.repository.record(identifier, prefix)
    if row is None:
        raise IdDoesNotExist("There is no such item here.", as_of)
    if row.metadata is None and not row.deleted:
        raise CannotDisseminateFormat("The item is not available in this format.", as_of)
    return _Reply(as_of, pages.records((row,)))


def _list_items(call: _Call) -> _Reply:
    """ListRecords and ListIdentifiers, which differ in what they write of a row."""
    place = _place(call)
    whole = call.request.verb == "ListRecords"
    page = call.repository.page(place.selection, place.after, with_metadata=whole)
    if not page.rows:
        raise _nothing(call, place, page.as_of)
    contents = pages.records(page.rows) if whole else pages.headers(page.rows)
    seen = place.cursor + len(page.rows)
    if page.more:
        total = page.total if place.after is None else place.total
        total = None if total is None else max(total, seen + 1)
        following = replace(place, after=page.rows[-1].key, cursor=seen, total=total)
        token = call.tokens.for_list(call.request.verb, call.audience, following)
        contents.append(pages.resumption(token, place.cursor, total))
    elif place.after is not None:
        contents.append(pages.resumption("", place.cursor, seen))
    part = ListPart(place.selection, place.after is None, not page.more, len(page.rows))
    return _Reply(page.as_of, contents, part)


def _place(call: _Call) -> ListPlace:
    """Return where in which list the page begins."""
    request = call.request
    if request.selection is None:
        place = call.tokens.open_list(request.verb, call.audience, request.token)
        if not _is_offered(call, place.selection.prefix):
            raise BadResumptionToken("The format of this list is no longer offered.")
        return place
    if not _is_offered(call, request.selection.prefix):
        raise CannotDisseminateFormat("This metadataPrefix is not offered here.")
    return ListPlace(request.selection)


def _nothing(call: _Call, place: ListPlace, as_of: int) -> ProtocolError:
    """Return why a page has no rows (see the module's docstring)."""
    if place.after is not None:
        return BadResumptionToken("The list has changed: please request it anew.", as_of)
    if place.selection.set is not None and not call.repository.sets(None).rows:
        return NoSetHierarchy("This repository has no sets.", as_of)
    return NoRecordsMatch("No record matches these arguments.", as_of)


def _list_sets(call: _Call) -> _Reply:
    place = SetPlace()
    if call.request.token:
        place = call.tokens.open_sets(call.audience, call.request.token)
    page = call.repository.sets(place.after)
    if not page.rows and place.after is not None:
        raise BadResumptionToken("The list has changed: please request it anew.", page.as_of)
    if not page.rows:
        raise NoSetHierarchy("This repository has no sets.", page.as_of)
    contents = pages.sets(page.rows)
    seen = place.cursor + len(page.rows)
    if page.after is not None:
        token = call.tokens.for_sets(call.audience, SetPlace(page.after, seen))
        contents.append(pages.resumption(token, place.cursor, None))
    elif place.after is not None:
        contents.append(pages.resumption("", place.cursor, seen))
    return _Reply(page.as_of, contents)


def _is_offered(call: _Call, prefix: str) -> bool:
    return any(each.prefix == prefix for each in call.repository.formats())


_ANSWERS: dict[str, Callable[[_Call], _Reply]] = {
    "GetRecord": _get_record,
    "Identify": _identify,
    "ListIdentifiers": _list_items,
    "ListMetadataFormats": _list_metadata_formats,
    "ListRecords": _list_items,
    "ListSets": _list_sets,
}
if _ANSWERS.keys() != VERBS.keys():
    raise TypeError("every verb needs its answer")
