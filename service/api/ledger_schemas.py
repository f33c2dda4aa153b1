"""What goes in and out of the addresses of the ledger; ``ledger`` has the addresses."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.directory import RowFaultSchema
from service.api.parameters import LARGEST, Moment, Text, limit_field
from service.domain.agreement import BalanceBasis
from service.domain.balance import Counted, Side
from service.domain.ledger import Direction, Event, Material
from service.domain.transfer import TransferKind
from service.usecases.carrying_forward import RowOutcome

_LARGEST_VALUE = 2**53 - 1


_ROW_COUNTS = [each.value for each in RowOutcome]


class AmountSchema(ma.Schema):
    """A sum of money."""

    amount = fields.Integer(required=True, metadata={"description": "In the smallest unit"})
    currency = fields.String(required=True, metadata={"description": "ISO 4217"})
    shown = fields.String(required=True, metadata={"description": "As people read it"})


class TotalSchema(ma.Schema):
    """What went one way in all, opening balances included."""

    titles = fields.Integer(required=True)
    volumes = fields.Integer(required=True)
    values = fields.List(fields.Nested(AmountSchema), required=True)


class LineSchema(ma.Schema):
    """What went one way in a year, of one kind."""

    year = fields.Integer(required=True)
    direction = fields.Enum(Direction, by_value=True, required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    material = fields.Enum(Material, by_value=True, required=True)
    opening = fields.Boolean(
        required=True, metadata={"description": "An opening balance: a total without titles"}
    )
    titles = fields.Integer(required=True)
    volumes = fields.Integer(required=True)
    value = fields.Integer(required=True)
    currency = fields.String(required=True)


class BandSchema(ma.Schema):
    """Where the balance stands between the bounds of the agreement."""

    counted = fields.Enum(Counted, by_value=True, required=True)
    currency = fields.String(required=True, metadata={"description": "Of values; else empty"})
    difference = fields.Integer(
        required=True,
        metadata={"description": "Sent to the partner less received from it"},
    )
    tolerance = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Either way; null: no bound"}
    )
    owed_by = fields.Enum(
        Side,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "Who is to give; null where it is even or no balance is kept"},
    )
    within = fields.Boolean(required=True, allow_none=True)
    may_be_sent = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "How much more can go to the partner before the bound"},
    )
    may_be_received = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "How much more can come from the partner before the bound"},
    )


class BalanceSchema(ma.Schema):
    """The balance with a partner; both sides get the same figures."""

    partner = fields.String(required=True)
    told = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "In sentences, for whoever asks: 'you' is the partner"},
    )
    sent_to_partner = fields.Nested(TotalSchema, required=True)
    received_from_partner = fields.Nested(TotalSchema, required=True)
    basis = fields.Enum(BalanceBasis, by_value=True, required=True)
    tolerance = fields.Integer(required=True, allow_none=True)
    agreement = fields.String(
        required=True, allow_none=True, metadata={"description": "Id; null: none is in force"}
    )
    bands = fields.List(fields.Nested(BandSchema), required=True)
    lines = fields.List(fields.Nested(LineSchema), required=True)


class BalancesQuery(ma.Schema):
    """Paging through partners by their codes."""

    after = Text(load_default="", metadata={"description": "Only codes behind this one"})
    limit = limit_field()


class ParityQuery(ma.Schema):
    """How many titles."""

    limit = limit_field()


class ProposedSchema(ma.Schema):
    """An offer out of which the balance is evened."""

    offer = fields.String(required=True, metadata={"description": "Id of the offer"})
    title = fields.String(required=True)
    copies = fields.Integer(required=True)
    volumes = fields.Integer(required=True, metadata={"description": "Of one copy"})
    why = fields.String(required=True)
    counts = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "What it counts for; null: offers have no value"},
    )


class ParitySchema(ma.Schema):
    """What would even the balance."""

    given_by = fields.Enum(
        Side,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "Who would give; null: nobody owes anything"},
    )
    counted = fields.Enum(Counted, by_value=True, required=True)
    currency = fields.String(required=True)
    needed = fields.Integer(required=True)
    missing = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "What these titles would leave; null: it cannot be told"},
    )
    titles = fields.List(fields.Nested(ProposedSchema), required=True)


class EntrySchema(ma.Schema):
    """An entry: it is never changed; a wrong one has another against it."""

    id = fields.String(required=True)
    partner = fields.String(required=True)
    direction = fields.Enum(Direction, by_value=True, required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    material = fields.Enum(Material, by_value=True, required=True)
    event = fields.Enum(Event, by_value=True, required=True)
    event_key = fields.String(
        required=True,
        metadata={"description": "What it comes from: the id of a consignment, of a gift …"},
    )
    on_date = fields.Date(required=True)
    year = fields.Integer(required=True)
    place = fields.String(
        required=True, metadata={"description": "Where the partner was then: ISO 3166-1 alpha-2"}
    )
    city = fields.String(required=True)
    titles = fields.Integer(required=True)
    volumes = fields.Integer(required=True)
    value = fields.Integer(required=True)
    currency = fields.String(required=True)
    counters = fields.String(
        required=True, allow_none=True, metadata={"description": "Id of what it takes back"}
    )
    countered_by = fields.String(
        required=True, allow_none=True, metadata={"description": "Id of what takes it back"}
    )
    reason = fields.String(required=True)
    created_at = Moment(required=True)


class StaffEntrySchema(EntrySchema):
    """An entry, with who entered it."""

    entered_by = fields.String(required=True)


def _right(most: int) -> fields.Integer:
    return fields.Integer(load_default=None, strict=True, validate=validate.Range(0, most))


class RightSchema(ma.Schema):
    """The figures that should be others, none below zero, even for what came back.

    What is not given is right as it is.
    """

    titles = _right(LARGEST)
    volumes = _right(LARGEST)
    value = _right(_LARGEST_VALUE)


class CounterSchema(ma.Schema):
    """Why an entry is taken back, and what is right if anything is."""

    reason = Text(required=True, metadata={"description": "Both sides read it"})
    instead = fields.Nested(RightSchema, load_default=None, allow_none=True)


class CounteredSchema(ma.Schema):
    """What was entered: the entry against the wrong one, and the right one."""

    items = fields.List(fields.Nested(StaffEntrySchema), required=True)


class OpeningSchema(ma.Schema):
    """A total of an earlier year, without titles."""

    year = fields.Integer(required=True, strict=True)
    direction = fields.Enum(Direction, by_value=True, required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    titles = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, LARGEST))
    volumes = fields.Integer(required=True, strict=True, validate=validate.Range(0, LARGEST))
    value = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, _LARGEST_VALUE))
    currency = Text(load_default="")
    note = Text(load_default="", metadata={"description": "Both sides read it"})


class ImportOpeningsQuery(ma.Schema):
    """How a table is taken in."""

    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Only say what would become of each row"}
    )


class OpeningsTakenSchema(ma.Schema):
    """What became of a table of opening balances."""

    dry_run = fields.Boolean(required=True)
    counts = fields.Dict(
        keys=fields.String(validate=validate.OneOf(_ROW_COUNTS)),
        values=fields.Integer(),
        required=True,
    )
    rejected = fields.List(fields.Nested(RowFaultSchema), required=True)
    rejected_csv = fields.String(
        required=True,
        metadata={"description": "The rejected rows, to be mended and sent again; empty if none"},
    )
    columns_not_read = fields.List(fields.String(), required=True)
    remark = fields.String(required=True)
