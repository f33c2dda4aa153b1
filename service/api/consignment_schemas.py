"""What consignments look like in JSON: made, packed, dispatched, and as they are kept."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, NewestFirst, Text, limit_field
from service.domain.accompanying_file import FILE_FORMS, WRITTEN_DIALECTS
from service.domain.consignment import ConsignmentState, PaidBy, Service
from service.domain.parcel import GRAMS_PER_VOLUME, ParcelKind
from service.domain.transfer import TransferKind

_AMOUNT = "In the smallest unit of the currency: cents, won"


def _number(told: str, least: int = 0) -> fields.Integer:
    return fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(least, LARGEST),
        metadata={"description": told},
    )


def _positions() -> fields.Field[Any]:
    return fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, LARGEST)),
        load_default=None,
        allow_none=True,
        metadata={"description": "Lines by position; without them, all"},
    )


class ConsignmentChangeSchema(ma.Schema):
    """What is said of a consignment."""

    kind = fields.Enum(TransferKind, by_value=True)
    theme = Text(metadata={"description": "In words, for the statistics: children's books"})
    address_roman = Text(metadata={"description": "As carriers read it, in Roman letters"})
    address_local = Text(metadata={"description": "In the local script"})
    place = Text(metadata={"description": "Country or region, ISO 3166-1 alpha-2"})
    service = fields.Enum(Service, by_value=True)
    carrier = Text()
    customs = fields.Dict(metadata={"description": "Choices for the customs papers"})
    postage = fields.Integer(strict=True, allow_none=True, metadata={"description": _AMOUNT})
    postage_currency = Text(metadata={"description": "ISO 4217"})
    postage_paid_by = fields.Enum(PaidBy, by_value=True)
    notes = Text(metadata={"description": "For the staff alone"})


class NewConsignmentSchema(ma.Schema):
    """For whom a consignment is to be made, and of what."""

    partner = Text(required=True, metadata={"description": "The partner's code"})
    lists = fields.List(
        Text(),
        load_default=(),
        metadata={"description": "Only what was on these lists; without them, all that waits"},
    )
    kind = fields.Enum(TransferKind, by_value=True, load_default=TransferKind.EXCHANGE)
    theme = Text(load_default="", validate=validate.Length(max=500))
    service = fields.Enum(Service, by_value=True, load_default=Service.SURFACE)


class ListsToPackSchema(ma.Schema):
    """Of which lists."""

    lists = fields.List(Text(), load_default=())


class LinesToPackSchema(ma.Schema):
    """Which lines, into which parcel, and why."""

    lines = _positions()
    parcel = _number("Number of the parcel; without it, the one assigned", 1)
    reason = Text(load_default="")


class TakenOutSchema(ma.Schema):
    """Which lines do not travel with it, and why."""

    lines = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, LARGEST)),
        required=True,
        validate=validate.Length(min=1),
    )
    reason = Text(load_default="")


class ScanSchema(ma.Schema):
    """What a scanner read."""

    barcode = Text(required=True, metadata={"description": "Or an ISBN"})
    parcel = _number("Number of the parcel; without it, the one assigned", 1)


class BarcodeSchema(ma.Schema):
    """The barcode on a book."""

    barcode = Text(required=True, metadata={"description": "Empty: none"})


class ParcelChangeSchema(ma.Schema):
    """What a parcel is."""

    kind = fields.Enum(ParcelKind, by_value=True, load_default=None)
    weight = _number("Grams, as weighed")
    tracking = Text(
        load_default=None,
        allow_none=True,
        metadata={"description": "A number of the post (S10) has its check digit looked at"},
    )


class ParcelSchema(ma.Schema):
    """A parcel."""

    number = fields.Integer(required=True)
    kind = fields.Enum(ParcelKind, by_value=True, required=True)
    weight = fields.Integer(required=True, metadata={"description": "Grams; 0: not weighed"})
    tracking = fields.String(required=True)


class SplitSchema(ma.Schema):
    """How parcels are wanted."""

    kind = fields.Enum(ParcelKind, by_value=True, load_default=None)
    operator = Text(
        load_default=None,
        metadata={"description": "Whose limits hold, such as KOREA_POST; else the site's own"},
    )
    least = _number("Grams of one parcel, instead of the operator's")
    most = _number("Grams of one parcel, instead of the operator's", 1)
    grams_per_volume = fields.Integer(
        strict=True,
        load_default=GRAMS_PER_VOLUME,
        metadata={"description": "What a volume weighs by estimate"},
    )


class SplitQuery(SplitSchema):
    """How parcels are wanted, as an address has it."""

    least = fields.Integer(load_default=None, validate=validate.Range(0, LARGEST))
    most = fields.Integer(load_default=None, validate=validate.Range(1, LARGEST))
    grams_per_volume = fields.Integer(load_default=GRAMS_PER_VOLUME)


class ProposedParcelSchema(ma.Schema):
    """A parcel that is proposed."""

    kind = fields.Enum(ParcelKind, by_value=True, required=True)
    lines = fields.List(fields.Integer(), required=True, metadata={"description": "By position"})
    weight = fields.Integer(required=True, metadata={"description": "Grams, by estimate"})


class PackingProposalSchema(ma.Schema):
    """How a consignment can be packed."""

    parcels = fields.List(fields.Nested(ProposedParcelSchema), required=True)
    weight = fields.Integer(required=True, metadata={"description": "Grams of all, by estimate"})
    grams_per_volume = fields.Integer(required=True)
    least = fields.Integer(required=True)
    most = fields.Integer(required=True)
    registered = fields.Boolean(
        required=True, metadata={"description": "Whether the operator registers it"}
    )
    source = fields.String(required=True, metadata={"description": "Whose limits these are"})
    remarks = fields.List(fields.String(), required=True)


class DispatchSchema(ma.Schema):
    """What is said when a consignment leaves."""

    dispatched_on = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "Without it, today (UTC)"}
    )
    tracking = fields.Dict(
        keys=fields.Integer(validate=validate.Range(1, LARGEST)),
        values=Text(),
        load_default=dict,
        metadata={"description": "Tracking numbers by the number of the parcel"},
    )
    carrier = Text()
    postage = fields.Integer(strict=True, allow_none=True, metadata={"description": _AMOUNT})
    postage_currency = Text(metadata={"description": "ISO 4217"})
    postage_paid_by = fields.Enum(PaidBy, by_value=True)
    notes = Text(metadata={"description": "For the staff alone"})


class DispatchCorrectionSchema(ma.Schema):
    """What of a dispatch was entered wrongly."""

    lines = _positions()
    reason = Text(required=True, metadata={"description": "It stays with the balance"})
    retract = fields.Boolean(
        load_default=False,
        metadata={"description": "Take back what nobody allocated, too: its partner learns it"},
    )


class ConsignmentMoveSchema(ma.Schema):
    """What is said with a step, if anything."""

    reason = Text(load_default="", metadata={"description": "cancel, returned, lost: why"})
    on = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "returned, lost: when"}
    )


class ConsignmentLineSchema(ma.Schema):
    """A line of the packing list."""

    position = fields.Integer(required=True)
    title = fields.String(required=True)
    title_vernacular = fields.String(required=True)
    author = fields.String(required=True)
    isbns = fields.List(fields.String(), required=True)
    copies = fields.Integer(required=True)
    volumes = fields.Integer(required=True, metadata={"description": "Of one copy"})
    parcel = fields.Integer(required=True, allow_none=True)
    packed = fields.Boolean(required=True)
    barcode = fields.String(required=True)
    tariff = fields.String(required=True, metadata={"description": "Heading of the HS"})
    value = fields.Integer(required=True, allow_none=True, metadata={"description": _AMOUNT})
    currency = fields.String(required=True)
    offer = fields.String(
        required=True, allow_none=True, metadata={"description": "OAI identifier of the offer"}
    )
    transfer = fields.String(
        required=True, allow_none=True, metadata={"description": "What was given, if it was yet"}
    )


class ConsignmentSchema(ma.Schema):
    """A consignment. A partner does not see `notes`, `customs`, `created_by` and `remarks`."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    number = fields.String(required=True, metadata={"description": "On its papers: 2026-0042"})
    partner = fields.String(required=True)
    partner_name = fields.String(required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    state = fields.Enum(ConsignmentState, by_value=True, required=True)
    theme = fields.String(required=True)
    address_roman = fields.String(required=True)
    address_local = fields.String(required=True)
    place = fields.String(required=True)
    service = fields.Enum(Service, by_value=True, required=True)
    carrier = fields.String(required=True)
    customs = fields.Dict()
    postage = fields.Integer(required=True, allow_none=True, metadata={"description": _AMOUNT})
    postage_currency = fields.String(required=True)
    postage_paid_by = fields.Enum(PaidBy, by_value=True, required=True)
    notes = fields.String()
    titles = fields.Integer(required=True)
    volumes = fields.Integer(required=True, metadata={"description": "Physical units"})
    weight = fields.Integer(required=True, metadata={"description": "Grams, of all parcels"})
    created_by = fields.String()
    created_at = Moment(required=True)
    packed_at = Moment(required=True, allow_none=True)
    dispatched_on = fields.Date(required=True, allow_none=True)
    delivered_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    possible = fields.List(
        fields.String(), metadata={"description": "What the staff can do with it as it stands"}
    )


class WholeConsignmentSchema(ConsignmentSchema):
    """A consignment with its parcels, and what a person should look at before it leaves."""

    lines_url = fields.Url(required=True)
    records_url = fields.Url(required=True)
    parcels = fields.List(fields.Nested(ParcelSchema), required=True)
    remarks = fields.List(fields.String())


class WaitingToTravelSchema(ma.Schema):
    """How much waits to be sent to a partner."""

    partner = fields.String(required=True)
    name = fields.String(required=True)
    titles = fields.Integer(required=True)
    copies = fields.Integer(required=True)


class ConsignmentsQuery(NewestFirst):
    """Which consignments, and which page of them."""

    partner = Text(load_default="", metadata={"description": "staff: those of this partner's code"})
    state = fields.List(
        fields.Enum(ConsignmentState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )


class ConsignmentLinesQuery(ma.Schema):
    """Paging in the order of the lines."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only lines behind this position"},
    )
    limit = limit_field()


class RecordsQuery(ma.Schema):
    """In which form the records are wanted."""

    to = fields.String(
        load_default="",
        validate=validate.OneOf(tuple(FILE_FORMS)),
        metadata={"description": "Without it, ISO 2709"},
    )
    dialect = fields.String(
        load_default="",
        validate=validate.OneOf(WRITTEN_DIALECTS),
        metadata={"description": "Without it, the partner's own"},
    )
    with_source = fields.Boolean(
        load_default=False,
        data_key="541",
        metadata={"description": "Write into each record from whom the copy came"},
    )
