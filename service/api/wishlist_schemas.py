"""What a wish list and its answer look like to the callers of the API."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, Text
from service.domain.wish import Mode, Outcome, WishListState, WishState
from service.domain.wish_sheet import ODS, XLSX
from service.usecases.wishing import AT_ONCE


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
    heading = fields.List(
        Text(),
        load_default=list,
        metadata={
            "description": "What a heading of your table means, where we do not know it: "
            "`HEADING=COLUMN`, once for each; it is remembered for your next lists"
        },
    )


class WishListHeaders(ma.Schema):
    """What makes a repeated request safe."""

    idempotency_key = Text(
        data_key="Idempotency-Key",
        metadata={"description": "1 to 200 characters; the same key and body are kept once"},
    )
    prefer = Text(
        data_key="Prefer",
        load_default="",
        metadata={"description": "`respond-async` (RFC 7240): answer 202 and come back for it"},
    )


class WishListPage(ma.Schema):
    """In which form, and which page of the lines."""

    format = fields.String(
        validate=validate.OneOf(["json", "csv", "marcxml", "atom"]),
        metadata={
            "description": "`csv` has every line, `marcxml` the record of every offer that was "
            "found, `atom` an entry for each line; without it, the Accept header decides"
        },
    )
    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only lines with a greater number"},
    )
    limit = fields.Integer(
        load_default=AT_ONCE,
        validate=validate.Range(1, AT_ONCE),
        metadata={"description": "Most lines on one page"},
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
    score = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "How surely the offer is meant; 1.0 by an identifier alone"},
    )
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
    state = fields.Enum(WishListState, by_value=True, required=True)
    total = fields.Integer(required=True, metadata={"description": "Lines that were sent"})
    answered = fields.Integer(required=True, metadata={"description": "Lines answered so far"})
    answered_at = Moment(required=True, allow_none=True)
    error = fields.String(required=True, metadata={"description": "Why it failed, if it did"})
    columns_not_read = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Headings of a table that were passed over"},
    )
    headings = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Headings that you explained, with this list or an earlier one"},
    )
    remarks = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What was guessed when the body was read, in sentences"},
    )
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "How many lines got each outcome; zeros are left out"},
    )
    withdrawn = fields.Integer(
        metadata={
            "description": "Earlier wishes that this list withdrew; in its first answer, and while "
            "it is shown if that was a 202"
        }
    )
    lines = fields.List(fields.Nested(WishLineSchema), required=True)
    next = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "Address of the next lines; null when these are the last"},
    )


class WishListRowSchema(ma.Schema):
    """A wish list without its lines."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    received_at = Moment(required=True)
    lines = fields.Integer(required=True, metadata={"description": "How many lines it has"})
    state = fields.Enum(WishListState, by_value=True, required=True)


TEXT = {"type": "string"}
_BINARY = {"type": "string", "format": "binary"}
_IDENTIFIER = "oai:bookbridge.example.org:offer/01JZ0000000000000000000000"
_WISH = {
    "type": "object",
    "properties": {
        "identifier": {**TEXT, "description": "OAI identifier, address or other identifier"},
        "isbn": TEXT,
        "issn": TEXT,
        "ismn": TEXT,
        "doi": TEXT,
        "lccn": TEXT,
        "control_number": {**TEXT, "description": "With its agency, as (KR-011001)KMO2025"},
        "title": {**TEXT, "description": "In any script or romanisation"},
        "author": {**TEXT, "description": "The first one counts"},
        "year": {**TEXT, "description": "Of publication"},
        "edition": TEXT,
        "volume": {**TEXT, "description": "Number of the part that is wanted"},
        "publisher": TEXT,
        "language": {**TEXT, "description": "MARC or ISO 639 code, or its name"},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1},
        "note": TEXT,
    },
}
BODY = {
    "required": True,
    "description": "The wishes, in whichever of these formats your system has. Text is UTF-8, or "
    "CSV says its `charset`.",
    "content": {
        "text/uri-list": {
            "schema": TEXT,
            "examples": {"offers": {"value": f"# spring list\r\n{_IDENTIFIER}\r\n"}},
        },
        "application/json": {
            "schema": {"type": "array", "items": {"oneOf": [_WISH, TEXT]}},
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
            "schema": TEXT,
            "examples": {
                "by ISBN": {"value": "isbn,quantity,note\r\n9780306406157,1,\r\n"},
                "by title": {"value": "title,author,year\r\n채식주의자,한강,2007\r\n"},
            },
        },
        XLSX: {"schema": _BINARY},
        ODS: {"schema": _BINARY},
        "application/marc": {"schema": _BINARY},
        "application/marcxml+xml": {"schema": TEXT},
        "application/marc-in-json": {"schema": TEXT},
        "application/xml": {"schema": TEXT},
        "text/xml": {"schema": TEXT},
    },
}
