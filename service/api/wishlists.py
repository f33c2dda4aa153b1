"""Wish lists: a partner asks in a format it has already; every line is answered with a reason."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from flask import Response, request, stream_with_context

from service.api import atom_answer, csv_answer
from service.api.addresses import address, offer_identifier, offer_page, site
from service.api.authentication import partner_required, signed_in
from service.api.parameters import LARGEST, NewestFirst, page_of, paged
from service.api.resource import Resource, no_parameters
from service.api.wishlist_schemas import (
    BODY,
    TEXT,
    WishLineSchema,
    WishListHeaders,
    WishListPage,
    WishListQuery,
    WishListRowSchema,
    WishListSchema,
)
from service.domain import announcement, wish_headings
from service.domain.announcement import Announcement
from service.domain.partner import Partner
from service.domain.wish import AnsweredLine, Listed, Mode, WishList, WishListState
from service.errors import TooLarge
from service.usecases import notifying, wishing
from service.usecases.signing_in import Caller

wish_lists = Resource(
    "Wish lists",
    "What a partner asks for. A bad line never costs the others: every line gets an outcome and "
    "a reason.",
)

RESPOND_ASYNC = "respond-async"
_MARCXML = "application/marcxml+xml"
_PIECE = 65_536
# A body above this goes to a file while it arrives.
_IN_MEMORY = 1_000_000
_HEADERS = {
    201: {"Location": {"description": "Address of the wish list", "schema": TEXT}},
    202: {
        "Location": {"description": "Where to look for the answer", "schema": TEXT},
        "Preference-Applied": {
            "description": f"`{RESPOND_ASYNC}` if you preferred it",
            "schema": TEXT,
        },
    },
    200: {"Idempotency-Replayed": {"description": "`true` on a replay", "schema": TEXT}},
}


@wish_lists.post("/wishlists")
@partner_required
@wish_lists.arguments(WishListQuery, location="query", as_kwargs=True)
@wish_lists.arguments(WishListHeaders, location="headers", as_kwargs=True)
@wish_lists.doc(requestBody=BODY)
@wish_lists.response(201, WishListSchema, description="Kept", headers=_HEADERS[201])
@wish_lists.alt_response(
    202,
    schema=WishListSchema,
    description="Kept, and to be answered: a long list, or one that you will come back for",
    headers=_HEADERS[202],
    success=True,
)
@wish_lists.alt_response(
    200,
    schema=WishListSchema,
    description="A dry run, or the answer that the same request got before",
    headers=_HEADERS[200],
    success=True,
)
def send_wish_list(
    partner: Partner,
    *,
    dry_run: bool,
    mode: Mode,
    list_key: str,
    heading: list[str],
    prefer: str,
    idempotency_key: str | None = None,
) -> Any:
    """Send a wish list; every line is answered, those of a list of up to 2,000 lines at once.

    `registered`: the wish for one offer stands. `matched`: a title, or an identifier that covers
    more than one piece (ISSN, ISBN of a set), led to an offer; name the offer to register it.
    `other_edition`: another edition is offered; the wish waits on, and naming the offer takes that
    one. `waiting`: nothing like it is offered now; you are told when it is. `ambiguous`: several
    offers fit; name one. `duplicate`: the same wish stands already. `not_offered`: the offer you
    named is not on offer. `closed`: its list closed. `restricted`: your exchange is suspended.
    `invalid`: the line says nothing that can be looked for.
    """
    limits = site().wish_limits()
    preferred = _prefers_async(prefer)
    with _spooled(limits.octets) as body:
        received = wishing.receive(
            site().db,
            partner,
            wishing.Request(
                body=body,
                media_type=request.mimetype,
                mode=mode,
                list_key=list_key,
                dry_run=dry_run,
                idempotency_key=idempotency_key,
                charset=request.mimetype_params.get("charset", ""),
                respond_async=preferred,
                headings=wish_headings.explained(heading),
            ),
            site().names(),
            limits,
            site().now(),
        )
    found = received.wish_list
    shown = _wish_list(found)
    if received.replayed:
        return shown, 200, {"Idempotency-Replayed": "true"}
    if dry_run:
        return shown, 200
    headers = {"Location": shown["url"]}
    if found.state is WishListState.ANSWERED:
        return shown, 201, headers
    return shown, 202, headers | ({"Preference-Applied": RESPOND_ASYNC} if preferred else {})


@wish_lists.get("/wishlists")
@signed_in
@wish_lists.arguments(NewestFirst, location="query", as_kwargs=True)
@wish_lists.response(200, page_of(WishListRowSchema))
def list_wish_lists(caller: Caller, before: str, limit: int) -> Any:
    """List the wish lists, newest first: a partner's own, for the staff everybody's."""
    rows = wishing.list_wish_lists(site().db, caller.partner, before, limit + 1)
    return paged(rows, limit, "before", lambda row: row.public_id, _row)


@wish_lists.get("/wishlists.atom")
@partner_required
@wish_lists.arguments(NewestFirst, location="query", as_kwargs=True)
@wish_lists.response(200, TEXT, content_type=atom_answer.MEDIA_TYPE)
def show_feed(partner: Partner, before: str, limit: int) -> Any:
    """Follow what happens to your wishes, newest first: an Atom feed for your feed reader."""
    rows = notifying.announcements(site().db, partner, before, limit + 1)
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        following = address(".show_feed", before=shown[-1].public_id, limit=limit)
    return atom_answer.feed(
        f"partner/{partner.public_id}/answers",
        f"{site().settings.repository_name}: answers to the wishes of {partner.name}",
        shown[0].created_at if shown else partner.created_at,
        map(_announced, shown),
        this=address(".show_feed", **request.args.to_dict()),
        following=following,
    )


@wish_lists.get("/wishlists/<wish_list_id>")
@signed_in
@wish_lists.arguments(WishListPage, location="query", as_kwargs=True)
@wish_lists.response(200, WishListSchema)
@wish_lists.alt_response(200, schema=TEXT, content_type=csv_answer.MEDIA_TYPE)
@wish_lists.alt_response(200, schema=TEXT, content_type=_MARCXML)
@wish_lists.alt_response(200, schema=TEXT, content_type=atom_answer.MEDIA_TYPE)
def show_wish_list(
    caller: Caller,
    wish_list_id: str,
    after: int,
    limit: int,
    format: str = "",  # noqa: A002
) -> Any:
    """Show a wish list, how far it is answered, and where each of its wishes stands now."""
    found = wishing.show(site().db, wish_list_id, caller.partner, after, limit)
    form = format or _accepted()
    if form == "csv":
        rows = (
            list(line_of(line, plain=True).values())
            for line in wishing.lines(site().db, found, after)
        )
        return csv_answer.stream(_COLUMNS, rows, f"wish-list-{found.public_id}.csv")
    if form == "marcxml":
        return _records(found, caller)
    if form == "atom":
        return _lines_feed(found, after, limit)
    return _wish_list(found, limit)


@wish_lists.delete(f"/wishlists/<wish_list_id>/lines/<int(max={LARGEST}):line_no>")
@partner_required
@no_parameters(wish_lists)
@wish_lists.response(204)
def withdraw_wish(partner: Partner, wish_list_id: str, line_no: int) -> Any:
    """Take one wish back; it must be one of yours (404) and still open (409)."""
    wishing.withdraw(site().db, partner, wish_list_id, line_no)
    return "", 204


def _spooled(limit: int) -> BinaryIO:
    """Return the body of the request in a file, unread if it says that it is over ``limit``."""
    request.max_content_length = limit + 1
    if (request.content_length or 0) > limit:
        raise TooLarge(f"the body may have at most {limit} octets", limit)
    spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - given to the caller
    size = 0
    while piece := request.stream.read(min(_PIECE, limit + 1 - size)):
        size += len(piece)
        if size > limit:
            spool.close()
            raise TooLarge(f"the body may have at most {limit} octets", limit)
        spool.write(piece)
    return spool


def _prefers_async(prefer: str) -> bool:
    """Whether a Prefer header (RFC 7240) names the one preference that is known here."""
    names = (each.partition(";")[0].partition("=")[0].strip() for each in prefer.split(","))
    return RESPOND_ASYNC in (name.lower() for name in names)


def _accepted() -> str:
    kinds = {
        "application/json": "json",
        csv_answer.MEDIA_TYPE: "csv",
        _MARCXML: "marcxml",
        atom_answer.MEDIA_TYPE: "atom",
    }
    return kinds[request.accept_mimetypes.best_match(kinds, "application/json")]


def _row(found: Listed) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "url": address(".show_wish_list", wish_list_id=found.public_id),
        "partner": found.partner_code,
        "received_at": found.received_at,
        "lines": found.total,
        "state": found.state,
    }


def _wish_list(found: WishList, limit: int = wishing.AT_ONCE) -> dict[str, Any]:
    kept = found.public_id or None
    shown = {
        "id": kept,
        "url": kept and address(".show_wish_list", wish_list_id=kept),
        "partner": found.partner_code,
        "mode": found.mode,
        "list_key": found.list_key,
        "received_at": found.received_at,
        "state": found.state,
        "total": found.total,
        "answered": found.answered,
        "answered_at": found.answered_at,
        "error": found.error,
        "columns_not_read": list(found.reading.columns_not_read),
        "headings": dict(found.reading.headings),
        "remarks": list(found.reading.remarks),
        "counts": found.counts(),
        "lines": [line_of(line) for line in found.lines],
        "next": _next(found, limit),
    }
    return shown if found.withdrawn is None else shown | {"withdrawn": found.withdrawn}


def _next(found: WishList, limit: int, **query: str) -> str | None:
    """Return the address of the next page of lines, if this one is full."""
    if not found.public_id or len(found.lines) < limit or len(found.lines) == found.total:
        return None
    last = found.lines[-1].line_no
    return address(
        ".show_wish_list", wish_list_id=found.public_id, after=last, limit=limit, **query
    )


_COLUMNS = tuple(WishLineSchema().fields)


def line_of(line: AnsweredLine, *, plain: bool = False) -> dict[str, Any]:
    """Return a line for JSON, or ``plain`` for CSV: the same columns without enumerations."""
    return {
        "line_no": line.line_no,
        "line": line.line,
        "outcome": line.outcome.value if plain else line.outcome,
        "reason": line.reason,
        "offer": offer_identifier(line.offer) if line.offer else None,
        "offer_url": offer_page(line.offer) if line.offer else None,
        "score": line.score,
        "quantity": line.quantity,
        "note": line.note,
        "state": line.state.value if plain else line.state,
    }


def _records(found: WishList, caller: Caller) -> Response:
    """Send the records of the offers that were found, as one collection."""
    audiences = None if caller.staff else caller.audiences
    records = wishing.records(site().db, found, audiences)

    def body() -> Iterator[bytes]:
        yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
        yield b'<collection xmlns="http://www.loc.gov/MARC21/slim">\n'
        for record in records:
            yield record + b"\n"
        yield b"</collection>\n"

    name = f"wish-list-{found.public_id}.xml"
    return Response(
        stream_with_context(body()),
        content_type=f"{_MARCXML}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines_feed(found: WishList, after: int, limit: int) -> Response:
    here = {"wish_list_id": found.public_id, "format": "atom", "limit": limit}
    page = address(".show_wish_list", wish_list_id=found.public_id)
    moment = found.answered_at or found.received_at
    name = f"wishlist/{found.public_id}"
    return atom_answer.feed(
        name,
        f"Wish list {found.public_id}: {found.state.value}",
        moment,
        (
            atom_answer.Entry(
                f"{name}/line/{line.line_no}",
                f"{line.outcome.value}: {line.line}",
                moment,
                offer_page(line.offer) if line.offer else page,
                line.reason,
            )
            for line in found.lines
        ),
        this=address(".show_wish_list", **here, **({"after": after} if after else {})),
        following=_next(found, limit, format="atom"),
    )


def _announced(each: Announcement) -> atom_answer.Entry:
    said = announcement.sentence(each)
    where = announcement.address(each, site().settings.base_url)
    return atom_answer.Entry(
        f"announcement/{each.public_id}", said, each.created_at, where, each.event
    )
