"""What the API reads and writes of claims."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, NewestFirst, Text
from service.domain.claim import ClaimReason, ClaimSide, ClaimState, Resolution


class ClaimSchema(ma.Schema):
    """What did not arrive as it should, and what became of it."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    partner_name = fields.String(required=True)
    side = fields.Enum(
        ClaimSide,
        by_value=True,
        required=True,
        metadata={"description": "THEIRS: a partner's of what we sent; OURS: of what it sent"},
    )
    state = fields.Enum(ClaimState, by_value=True, required=True)
    reason = fields.Enum(ClaimReason, by_value=True, required=True)
    resolution = fields.Enum(Resolution, by_value=True, required=True, allow_none=True)
    consignment = fields.String(
        required=True, allow_none=True, metadata={"description": "Its number"}
    )
    incoming_gift = fields.String(required=True, allow_none=True)
    serial = fields.String(required=True, allow_none=True)
    issue = fields.Integer(required=True, allow_none=True)
    line = fields.Integer(
        required=True, allow_none=True, metadata={"description": "null: nothing of it arrived"}
    )
    title = fields.String(required=True)
    copies = fields.Integer(required=True)
    text = fields.String(required=True)
    answer = fields.String(required=True)
    resent = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Number of the consignment that sends it again"},
    )
    opened_at = Moment(required=True)
    sent_at = Moment(required=True, allow_none=True)
    answered_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    due_at = Moment(metadata={"description": "When it is looked at again"})
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    next_step = fields.String(metadata={"description": "staff: what to do with it"})
    possible = fields.List(fields.String(), metadata={"description": "staff: what can be done"})


class NewClaimSchema(ma.Schema):
    """A claim on a consignment, or a line of it."""

    consignment = Text(required=True, metadata={"description": "Its id or number"})
    reason = fields.Enum(ClaimReason, by_value=True, required=True)
    line = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, LARGEST),
        metadata={"description": "null for NOT_ARRIVED: nothing of it arrived"},
    )
    copies = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, LARGEST),
        metadata={"description": "null: all of the line"},
    )
    text = Text(load_default="")


class ClaimTextSchema(ma.Schema):
    """What is said with a step."""

    text = Text(load_default="")


class ClaimSendSchema(ma.Schema):
    """When a claim is looked at again."""

    due_at = Moment(load_default=None, allow_none=True, format="iso")


class ClaimResolutionSchema(ma.Schema):
    """How a claim is settled."""

    resolution = fields.Enum(Resolution, by_value=True, required=True)
    text = Text(load_default="", metadata={"description": "A note; WRITTEN_OFF needs one"})
    consignment = Text(
        load_default="",
        metadata={"description": "RESENT: in which it travels; without it a new one is made"},
    )


class ClaimsQuery(NewestFirst):
    """Which claims, and which page of them."""

    partner = Text(load_default="", metadata={"description": "staff: those of this partner's code"})
    side = fields.Enum(ClaimSide, by_value=True, load_default=None)
    state = fields.List(
        fields.Enum(ClaimState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )
    due = fields.Boolean(
        load_default=False, metadata={"description": "Only those to be looked at by now"}
    )
