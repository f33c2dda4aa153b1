"""What the API reads and writes of receipts."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.claim_schemas import ClaimSchema
from service.api.parameters import LARGEST, Moment, Text
from service.domain.consignment import ConsignmentState
from service.domain.receipt import Channel, Outcome


class NewReceiptLineSchema(ma.Schema):
    """What is said of a line of the packing list."""

    position = fields.Integer(required=True, validate=validate.Range(1, LARGEST))
    arrived = fields.Integer(
        required=True,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Copies, the damaged ones among them"},
    )
    damaged = fields.Integer(load_default=0, validate=validate.Range(0, LARGEST))
    note = Text(load_default="")


class NewReceiptSchema(ma.Schema):
    """What arrived; lines that are not named arrived whole."""

    lines = fields.List(fields.Nested(NewReceiptLineSchema), load_default=())
    received_on = fields.Date(load_default=None, allow_none=True)
    received_by = Text(load_default="")
    note = Text(load_default="")
    reason = Text(load_default="", metadata={"description": "staff: how this was learnt, or why"})


class ReceiptLineSchema(ma.Schema):
    """What arrived of a line of the packing list."""

    position = fields.Integer(required=True)
    title = fields.String(required=True)
    sent = fields.Integer(required=True)
    arrived = fields.Integer(required=True, metadata={"description": "The damaged ones too"})
    damaged = fields.Integer(required=True)
    note = fields.String(required=True)


class ReceiptSchema(ma.Schema):
    """What a partner says arrived, and the claims on what did not."""

    consignment = fields.String(required=True)
    number = fields.String(required=True)
    state = fields.Enum(ConsignmentState, by_value=True, required=True)
    outcome = fields.Enum(Outcome, by_value=True, required=True)
    received_on = fields.Date(required=True)
    channel = fields.Enum(Channel, by_value=True, required=True)
    received_by = fields.String(required=True)
    note = fields.String(required=True)
    created_at = Moment(required=True)
    lines = fields.List(fields.Nested(ReceiptLineSchema), required=True)
    claims = fields.List(fields.Nested(ClaimSchema), required=True)


class ReceiptLinkSchema(ma.Schema):
    """The link on a packing slip."""

    url = fields.Url(required=True)
