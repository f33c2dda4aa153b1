"""What the API reads and writes of serials on exchange."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, NewestFirst, Text
from service.domain.exchange_serial import CLAIM_AFTER, IssueState, SerialState
from service.domain.issue_calendar import Frequency
from service.domain.ledger import Direction
from service.domain.transfer import TransferKind

_number = validate.Range(1, LARGEST)


class SerialIssueSchema(ma.Schema):
    """One issue of a serial."""

    issue = fields.Integer(
        required=True,
        metadata={"description": "Its number from the first that is followed, from 1"},
    )
    label = fields.String(required=True, metadata={"description": "As on the cover: 12 (2026) 3"})
    year = fields.Integer(required=True)
    state = fields.Enum(IssueState, by_value=True, required=True)
    due_on = fields.Date(required=True)
    moved_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "Sent or received"}
    )
    resent_on = fields.Date(required=True, allow_none=True)
    tracking = fields.String(required=True)
    note = fields.String(required=True)
    possible = fields.List(fields.String(), metadata={"description": "staff: what can be done"})


class SerialSchema(ma.Schema):
    """A journal with a partner, and how far it has come."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    direction = fields.Enum(
        Direction,
        by_value=True,
        required=True,
        metadata={"description": "SENT: by this library to the partner; RECEIVED: from it"},
    )
    title = fields.String(required=True)
    issn = fields.String(required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    frequency = fields.Enum(Frequency, by_value=True, required=True)
    per_year = fields.Integer(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    first_volume = fields.Integer(required=True, allow_none=True)
    copies = fields.Integer(required=True)
    claim_after = fields.Integer(
        required=True, metadata={"description": "Days after an issue was due"}
    )
    state = fields.Enum(SerialState, by_value=True, required=True)
    last_moved = fields.String(
        required=True, metadata={"description": "The last issue that was sent or received"}
    )
    last_moved_on = fields.Date(required=True, allow_none=True)
    open_issues = fields.Integer(
        required=True, metadata={"description": "Issues that are missing or claimed"}
    )
    created_at = Moment(required=True)
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    notes = fields.String(metadata={"description": "staff"})


class WholeSerialSchema(SerialSchema):
    """A journal with a partner, with its issues."""

    issues = fields.List(fields.Nested(SerialIssueSchema), required=True)


class ClaimedIssueSchema(WholeSerialSchema):
    """A serial of which an issue was claimed."""

    claim = fields.String(required=True, metadata={"description": "Id of the claim"})


class NewSerialSchema(ma.Schema):
    """A journal that is to be followed."""

    partner = Text(required=True, metadata={"description": "Its code"})
    direction = fields.Enum(Direction, by_value=True, required=True)
    title = Text(required=True)
    frequency = fields.Enum(Frequency, by_value=True, required=True)
    starts_on = fields.Date(
        required=True, metadata={"description": "When the first issue is due that is followed"}
    )
    per_year = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=_number,
        metadata={"description": "Issues of a year; IRREGULAR needs it"},
    )
    issn = Text(load_default="")
    kind = fields.Enum(TransferKind, by_value=True, load_default=TransferKind.EXCHANGE)
    ends_on = fields.Date(load_default=None, allow_none=True)
    first_volume = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=_number,
        metadata={"description": "Volume of the year in which it starts"},
    )
    copies = fields.Integer(load_default=1, validate=_number)
    claim_after = fields.Integer(load_default=CLAIM_AFTER, validate=_number)
    notes = Text(load_default="")


class SerialEndSchema(ma.Schema):
    """When a serial ends, and why."""

    on = fields.Date(required=True)
    reason = Text(required=True)


class IssueSentSchema(ma.Schema):
    """When an issue was sent, and by which number it is tracked."""

    on = fields.Date(load_default=None, allow_none=True, metadata={"description": "null: today"})
    tracking = Text(load_default="")


class IssueSentToAllSchema(ma.Schema):
    """Which issue of which journal was sent to all that get it."""

    serial = Text(required=True, metadata={"description": "ISSN, or the title"})
    issue = Text(required=True, metadata={"description": "Its label: 12 (2026) 3"})
    on = fields.Date(load_default=None, allow_none=True, metadata={"description": "null: today"})


class NotSentSchema(ma.Schema):
    """To whom an issue was not sent."""

    partner = fields.String(required=True)
    reason = fields.String(required=True)


class SentToAllSchema(ma.Schema):
    """To whom an issue was sent, and to whom not."""

    sent = fields.List(fields.String(), required=True)
    left = fields.List(fields.Nested(NotSentSchema), required=True)


class IssueReceivedSchema(ma.Schema):
    """When an issue arrived."""

    on = fields.Date(load_default=None, allow_none=True, metadata={"description": "null: today"})


class IssueClaimSchema(ma.Schema):
    """What is said with a claim on an issue."""

    text = Text(load_default="")


class IssueCloseSchema(ma.Schema):
    """Why an issue is given up."""

    reason = Text(required=True)


class SerialsQuery(NewestFirst):
    """Which serials, and which page of them."""

    partner = Text(load_default="", metadata={"description": "staff: those of this partner's code"})
    direction = fields.Enum(Direction, by_value=True, load_default=None)
    state = fields.List(
        fields.Enum(SerialState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )
    missing = fields.Boolean(
        load_default=False,
        metadata={"description": "Only those of which an issue is missing or claimed"},
    )
