"""What direct gifts look like in JSON: as they are drafted, filled and approved, and as kept."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, NewestFirst, Text, limit_field
from service.domain.consignment import ConsignmentState, Service
from service.domain.gift import GiftState
from service.domain.transfer import TransferKind

_AMOUNT = "In the smallest unit of the currency: cents, won"
_MOST_NAMES = 2_000


def _amount() -> fields.Integer:
    return fields.Integer(strict=True, allow_none=True, metadata={"description": _AMOUNT})


def _count(told: str) -> fields.Integer:
    return fields.Integer(strict=True, metadata={"description": told})


class GiftChangeSchema(ma.Schema):
    """What is said of a gift while it is a draft."""

    title = Text(metadata={"description": "What it is: Children's books 2024"})
    kind = fields.Enum(TransferKind, by_value=True)
    notes = Text(metadata={"description": "For the staff alone"})


class GiftBudgetSchema(ma.Schema):
    """From which budget a gift is paid, and what it cost."""

    budget_line = Text()
    cost = _amount()
    currency = Text(metadata={"description": "ISO 4217, also of the costs of single titles"})


class NewGiftSchema(GiftChangeSchema, GiftBudgetSchema):
    """For whom a gift is drafted, and what is said of it."""

    partner = Text(required=True, metadata={"description": "The partner's code"})
    title = Text(required=True, metadata={"description": "What it is: Children's books 2024"})


class TitlesToGiveSchema(ma.Schema):
    """Which titles join a gift."""

    batch = Text(
        data_key="import", load_default="", metadata={"description": "Id of a committed import"}
    )
    records = fields.List(
        Text(),
        load_default=(),
        validate=validate.Length(max=_MOST_NAMES),
        metadata={"description": "Records by id"},
    )
    offers = fields.List(
        Text(),
        load_default=(),
        validate=validate.Length(max=_MOST_NAMES),
        metadata={"description": "Offers of ours by id; their copies stay on their lists"},
    )
    copies = fields.Integer(strict=True, load_default=1)
    volumes = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "Of one copy; without it, as the offer says, else 1"},
    )
    cost = fields.Integer(
        strict=True, load_default=None, allow_none=True, metadata={"description": "Of one copy"}
    )


class GiftLineChangeSchema(ma.Schema):
    """What may be changed of a line of a draft."""

    copies = _count("Copies")
    volumes = _count("Of one copy")
    cost = _amount()


class GiftTakenOutSchema(ma.Schema):
    """Which lines are not given."""

    lines = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, LARGEST)),
        required=True,
        validate=validate.Length(min=1),
    )


class GiftMoveSchema(ma.Schema):
    """What is said with a step, if anything."""

    approver = Text(
        load_default="", metadata={"description": "approve: whose name stands on the papers"}
    )
    reason = Text(load_default="", metadata={"description": "approve, reject, cancel: why"})


class GiftPackSchema(ma.Schema):
    """How a gift is packed."""

    theme = Text(load_default="", metadata={"description": "Without it, the gift's title"})
    service = fields.Enum(Service, by_value=True, load_default=Service.SURFACE)


class GiftConsignmentSchema(ma.Schema):
    """A consignment of a gift."""

    number = fields.String(required=True)
    state = fields.Enum(ConsignmentState, by_value=True, required=True)
    url = fields.Url(required=True)


class GiftSchema(ma.Schema):
    """A direct gift."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    partner_name = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    state = fields.Enum(GiftState, by_value=True, required=True)
    titles = fields.Integer(required=True)
    volumes = fields.Integer(required=True, metadata={"description": "Physical units"})
    budget_line = fields.String(required=True)
    cost = fields.Integer(required=True, allow_none=True, metadata={"description": _AMOUNT})
    cost_of_lines = fields.Integer(
        required=True, metadata={"description": "What is said of single titles, added up"}
    )
    currency = fields.String(required=True)
    requested_by = fields.String(required=True)
    requested_at = Moment(required=True, allow_none=True)
    approved_by = fields.String(required=True)
    approved_at = Moment(required=True, allow_none=True)
    reason = fields.String(required=True, metadata={"description": "Of the last answer"})
    notes = fields.String(required=True)
    created_at = Moment(required=True)
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    batch = fields.String(
        required=True,
        data_key="import",
        metadata={"description": "Id of the import of its table; empty: none"},
    )
    consignments = fields.List(fields.Nested(GiftConsignmentSchema), required=True)
    possible = fields.List(
        fields.String(), required=True, metadata={"description": "What can be done as it stands"}
    )


class WholeGiftSchema(GiftSchema):
    """A direct gift with what a person should look at."""

    lines_url = fields.Url(required=True)
    remarks = fields.List(fields.String(), required=True)


class GiftFilledSchema(ma.Schema):
    """A gift with what joined it."""

    gift = fields.Nested(WholeGiftSchema, required=True)
    added = fields.Integer(required=True)
    already = fields.Integer(required=True, metadata={"description": "Titles in it before"})


class GiftRowSchema(ma.Schema):
    """What there is to say of a row."""

    row = fields.Integer(required=True, metadata={"description": "As a spreadsheet counts them"})
    column = fields.String(required=True, metadata={"description": "Empty: the row as a whole"})
    reason = fields.String(required=True)


class GiftTableSchema(ma.Schema):
    """A gift with what became of its table."""

    gift = fields.Nested(WholeGiftSchema, required=True)
    titles = fields.Integer(required=True, metadata={"description": "Rows that were read"})
    rejected = fields.List(
        fields.Nested(GiftRowSchema),
        required=True,
        metadata={"description": "To be mended in the table, which is sent again as a whole"},
    )
    remarks = fields.List(fields.Nested(GiftRowSchema), required=True)
    columns_not_read = fields.List(fields.String(), required=True)
    remark = fields.String(required=True)


class GiftLineSchema(ma.Schema):
    """A title of a gift."""

    position = fields.Integer(required=True)
    record = fields.String(
        required=True, metadata={"description": "Id; empty until the import brings it"}
    )
    title = fields.String(required=True)
    copies = fields.Integer(required=True)
    volumes = fields.Integer(required=True, metadata={"description": "Of one copy"})
    cost = fields.Integer(required=True, allow_none=True, metadata={"description": _AMOUNT})
    problem = fields.String(required=True, metadata={"description": "Why it has no record"})


class GiftsQuery(NewestFirst):
    """Which gifts, and which page of them."""

    partner = Text(load_default="", metadata={"description": "Those for this partner's code"})
    state = fields.List(
        fields.Enum(GiftState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )


class GiftLinesQuery(ma.Schema):
    """Paging in the order of the lines."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only lines behind this position"},
    )
    limit = limit_field()
