"""Wish lists: a partner asks in a format it has already; every line is answered with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import marshmallow as ma
from flask import request
from marshmallow import fields, validate

from service.api import csv_answer
from service.api.addresses import address, offer_identifier, offer_page, site
from service.api.authentication import partner_required, signed_in
from service.api.parameters import LARGEST, Moment, NewestFirst, Text, page_of, paged
from service.api.resource import Resource, body_of_at_most, no_parameters
from service.domain.partner import Partner
from service.domain.wish import AnsweredLine, Mode, Outcome, WishList, WishState
from service.usecases import wishing
from service.usecases.signing_in import Caller

wish_lists = Resource(
    "Wish lists",
    "What a partner asks for. A bad line never costs the others: every line gets an outcome and "
    "a reason.",
)


class WishListQuery(ma.Schema):
    """How a wish list is to be taken."""

    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Answer every line, and keep nothing"}
    )
    mode = fields.Enum(
        Mode,
        by_value=True,
        load_default=Mode.APPEND,
        metadata={
            "description": "`replace` withdraws what earlier lists of the same `list_key` asked "
            "for and this one does not repeat"
        },
    )
    list_key = Text(
        load_default="",
        metadata={"description": "Your own name for this list, if you keep several"},
    )


class WishListHeaders(ma.Schema):
    """What makes a repeated request safe."""

    idempotency_key = Text(
        data_key="Idempotency-Key",
        metadata={"description": "1 to 200 characters; the same key and body are kept once"},
    )


class WishListFormat(ma.Schema):
    """In which form."""

    format = fields.String(
        validate=validate.OneOf(["json", "csv"]),
        metadata={"description": "`json` or `csv`; without it, the Accept header decides"},
    )


class WishLineSchema(ma.Schema):
    """One line of a wish list with its answer."""

    line_no = fields.Integer(required=True, metadata={"description": "As in what you sent"})
    line = fields.String(required=True, metadata={"description": "What you sent, or its title"})
    outcome = fields.Enum(Outcome, by_value=True, required=True)
    reason = fields.String(required=True, metadata={"description": "Why, in a sentence"})
    offer = fields.String(
        required=True, allow_none=True, metadata={"description": "OAI identifier of the offer"}
    )
    offer_url = fields.Url(required=True, allow_none=True)
    quantity = fields.Integer(required=True)
    note = fields.String(required=True)
    state = fields.Enum(WishState, by_value=True, required=True)


class WishListSchema(ma.Schema):
    """A wish list as it was received and answered."""

    id = fields.String(
        required=True, allow_none=True, metadata={"description": "Null after a dry run"}
    )
    url = fields.Url(required=True, allow_none=True)
    partner = fields.String(required=True, metadata={"description": "Code of the partner"})
    mode = fields.Enum(Mode, by_value=True, required=True)
    list_key = fields.String(required=True)
    received_at = Moment(required=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "How many lines got each outcome; zeros are left out"},
    )
    withdrawn = fields.Integer(
        metadata={"description": "Earlier wishes that this list withdrew; in its first answer only"}
    )
    lines = fields.List(fields.Nested(WishLineSchema), required=True)


class WishListRowSchema(ma.Schema):
    """A wish list without its lines."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    received_at = Moment(required=True)
    lines = fields.Integer(required=True, metadata={"description": "How many lines it has"})


_TEXT = {"type": "string"}
_BINARY = {"type": "string", "format": "binary"}
_IDENTIFIER = "oai:bookbridge.example.org:offer/01JZ0000000000000000000000"
_WISH = {
    "type": "object",
    "properties": {
        "identifier": {**_TEXT, "description": "OAI identifier, address or other identifier"},
        "isbn": _TEXT,
        "issn": _TEXT,
        "ismn": _TEXT,
        "doi": _TEXT,
        "lccn": _TEXT,
        "control_number": {**_TEXT, "description": "With its agency, as (KR-011001)KMO2025"},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1},
        "note": _TEXT,
    },
}
_BODY = {
    "required": True,
    "description": "The wishes, in whichever of these formats your system has. Text is UTF-8.",
    "content": {
        "text/uri-list": {
            "schema": _TEXT,
            "examples": {"offers": {"value": f"# spring list\r\n{_IDENTIFIER}\r\n"}},
        },
        "application/json": {
            "schema": {"type": "array", "items": {"oneOf": [_WISH, _TEXT]}},
            "examples": {
                "offer and ISBN": {
                    "value": [
                        {"identifier": _IDENTIFIER, "quantity": 2},
                        {"isbn": "9780306406157", "note": "any edition of 2020 or later"},
                    ]
                }
            },
        },
        "text/csv": {
            "schema": _TEXT,
            "examples": {"by ISBN": {"value": "isbn,quantity,note\r\n9780306406157,1,\r\n"}},
        },
        "application/marc": {"schema": _BINARY},
        "application/marcxml+xml": {"schema": _TEXT},
        "application/marc-in-json": {"schema": _TEXT},
        "application/xml": {"schema": _TEXT},
        "text/xml": {"schema": _TEXT},
    },
}
_HEADERS = {
    201: {"Location": {"description": "Address of the wish list", "schema": _TEXT}},
    200: {"Idempotency-Replayed": {"description": "`true` on a replay", "schema": _TEXT}},
}


@wish_lists.post("/wishlists")
@partner_required
@wish_lists.arguments(WishListQuery, location="query", as_kwargs=True)
@wish_lists.arguments(WishListHeaders, location="headers", as_kwargs=True)
@wish_lists.doc(requestBody=_BODY)
@wish_lists.response(201, WishListSchema, description="Kept", headers=_HEADERS[201])
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
    idempotency_key: str | None = None,
) -> Any:
    """Send a wish list; every line is answered at once.

    `registered`: the wish for one offer stands. `matched`: an identifier that covers more than
    one piece (ISSN, ISBN of a set) led to an offer; name the offer to register it. `waiting`:
    nothing like it is offered now. `ambiguous`: several offers fit; name one. `duplicate`: the
    same wish stands already. `not_offered`: the offer you named is not on offer. `closed`: its
    list closed. `restricted`: your exchange is suspended. `invalid`: the line says nothing that
    can be looked for.
    """
    limits = site().wish_limits()
    received = wishing.receive(
        site().db,
        partner,
        wishing.Request(
            body=body_of_at_most(limits.octets),
            media_type=request.mimetype,
            mode=mode,
            list_key=list_key,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        ),
        site().names(),
        limits,
        site().now(),
    )
    shown = _wish_list(received.wish_list)
    if received.replayed:
        return shown, 200, {"Idempotency-Replayed": "true"}
    shown["withdrawn"] = received.wish_list.withdrawn
    return (shown, 200) if dry_run else (shown, 201, {"Location": shown["url"]})


@wish_lists.get("/wishlists")
@signed_in
@wish_lists.arguments(NewestFirst, location="query", as_kwargs=True)
@wish_lists.response(200, page_of(WishListRowSchema))
def list_wish_lists(caller: Caller, before: str, limit: int) -> Any:
    """List the wish lists, newest first: a partner's own, for the staff everybody's."""
    rows = wishing.list_wish_lists(site().db, caller.partner, before, limit + 1)
    return paged(rows, limit, "before", lambda row: row[0], lambda row: _row(*row))


@wish_lists.get("/wishlists/<wish_list_id>")
@signed_in
@wish_lists.arguments(WishListFormat, location="query", as_kwargs=True)
@wish_lists.response(200, WishListSchema)
@wish_lists.alt_response(200, schema=_TEXT, content_type=csv_answer.MEDIA_TYPE)
def show_wish_list(caller: Caller, wish_list_id: str, format: str = "") -> Any:  # noqa: A002
    """Show a wish list with the answer to every line and where each wish stands now."""
    found = wishing.show(site().db, wish_list_id, caller.partner)
    if (format or _accepted()) == "csv":
        rows = [list(_line(line, plain=True).values()) for line in found.lines]
        return csv_answer.stream(_COLUMNS, rows, f"wish-list-{found.public_id}.csv")
    return _wish_list(found)


@wish_lists.delete(f"/wishlists/<wish_list_id>/lines/<int(max={LARGEST}):line_no>")
@partner_required
@no_parameters(wish_lists)
@wish_lists.response(204)
def withdraw_wish(partner: Partner, wish_list_id: str, line_no: int) -> Any:
    """Take one wish back; it must be one of yours and still open."""
    wishing.withdraw(site().db, partner, wish_list_id, line_no)
    return "", 204


def _accepted() -> str:
    kinds = {"application/json": "json", csv_answer.MEDIA_TYPE: "csv"}
    return kinds[request.accept_mimetypes.best_match(kinds, "application/json")]


def _row(public_id: str, partner: str, received_at: datetime, lines: int) -> dict[str, Any]:
    return {
        "id": public_id,
        "url": address(".show_wish_list", wish_list_id=public_id),
        "partner": partner,
        "received_at": received_at,
        "lines": lines,
    }


def _wish_list(found: WishList) -> dict[str, Any]:
    kept = found.public_id or None
    return {
        "id": kept,
        "url": kept and address(".show_wish_list", wish_list_id=kept),
        "partner": found.partner_code,
        "mode": found.mode,
        "list_key": found.list_key,
        "received_at": found.received_at,
        "counts": found.counts(),
        "lines": [_line(line) for line in found.lines],
    }


_COLUMNS = tuple(WishLineSchema().fields)


def _line(line: AnsweredLine, *, plain: bool = False) -> dict[str, Any]:
    """Return a line for JSON, or ``plain`` for CSV: the same columns without enumerations."""
    return {
        "line_no": line.line_no,
        "line": line.line,
        "outcome": line.outcome.value if plain else line.outcome,
        "reason": line.reason,
        "offer": offer_identifier(line.offer) if line.offer else None,
        "offer_url": offer_page(line.offer) if line.offer else None,
        "quantity": line.quantity,
        "note": line.note,
        "state": line.state.value if plain else line.state,
    }
