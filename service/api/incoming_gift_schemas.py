"""What incoming gifts look like in JSON: as they are announced, checked and corrected, as kept."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, NewestFirst, Text, limit_field
from service.domain.accession import Decision
from service.domain.accompanying_file import FILE_FORMS, WRITTEN_DIALECTS
from service.domain.import_batch import BatchState
from service.domain.incoming_gift import IncomingSource, IncomingState
from service.domain.transfer import TransferKind

_AMOUNT = "In the smallest unit of the currency: cents, won"


def _count(told: str, *, required: bool = False) -> fields.Integer:
    return fields.Integer(
        strict=True,
        required=required,
        validate=validate.Range(0, LARGEST),
        metadata={"description": told},
    )


def _figure(told: str) -> fields.Integer:
    return fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(0, LARGEST),
        metadata={"description": told},
    )


class IncomingReceiptSchema(ma.Schema):
    """What the post cost, and what it weighed."""

    postage = fields.Integer(strict=True, allow_none=True, metadata={"description": _AMOUNT})
    postage_currency = Text(metadata={"description": "ISO 4217"})
    weight = _figure("Grams")
    notes = Text(metadata={"description": "For the staff alone"})


class IncomingChangeSchema(IncomingReceiptSchema):
    """What may be said of an incoming gift at any time."""

    title = Text(metadata={"description": "What it is: Children's books from Kaohsiung"})
    kind = fields.Enum(
        TransferKind, by_value=True, metadata={"description": "Until it is in the balance"}
    )
    announced_titles = _figure("As the partner said")
    announced_volumes = _figure("As the partner said")


class NewIncomingGiftSchema(IncomingChangeSchema):
    """Who announced what. With `list` a partner's list says it, title by title."""

    partner = Text(load_default="", metadata={"description": "The partner's code"})
    source = fields.Enum(
        IncomingSource, by_value=True, metadata={"description": "Without it, MAIL"}
    )
    list = Text(
        load_default="",
        metadata={"description": "Slug of a harvested list: what of it is ours is announced"},
    )


class ReceivedSchema(IncomingReceiptSchema):
    """When a gift came."""

    received_on = fields.Date(required=True)


class NewPieceSchema(ma.Schema):
    """A piece that joins a gift."""

    title = Text(metadata={"description": "Without it, that of its record"})
    isbn = Text()
    copies = _count("Without it, one")
    volumes = _count("Of one copy")
    barcode = Text()
    record = Text(load_default="", metadata={"description": "Id of its record"})


class PieceChangeSchema(ma.Schema):
    """What may be said of a piece."""

    title = Text()
    isbn = Text()
    volumes = _count("Of one copy; until the gift is checked")
    barcode = Text()
    shelf = Text(metadata={"description": "Its place, as on its label"})
    translated_title = Text(metadata={"description": "In the language of our readers"})
    accession_number = Text()
    record = Text(load_default="", metadata={"description": "Id of its record"})


class PieceScanSchema(ma.Schema):
    """A piece that came."""

    code = Text(required=True, metadata={"description": "Barcode, ISBN or position"})
    damaged = fields.Boolean(load_default=False)


class CountSchema(ma.Schema):
    """How many copies came of a piece."""

    received = _count("The damaged ones among them", required=True)
    damaged = fields.Integer(strict=True, load_default=0, validate=validate.Range(0, LARGEST))


class PieceDecisionSchema(ma.Schema):
    """Which pieces are accepted or declined."""

    lines = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, LARGEST)),
        load_default=(),
        metadata={"description": "Positions; accept without them: all that came sound"},
    )
    reason = Text(load_default="", metadata={"description": "decline: why"})


class IncomingStepSchema(ma.Schema):
    """What is said with a step, if anything."""

    claim = fields.Boolean(
        load_default=False, metadata={"description": "check: claim what is damaged or missing"}
    )
    first = Text(
        load_default="",
        metadata={"description": "accession: the first number, from which the others count on"},
    )
    reason = Text(load_default="", metadata={"description": "cancel: why"})


class CorrectionSchema(ma.Schema):
    """What is right of a piece that is in the balance; what is left out is right as it is."""

    received = _count("Copies that came")
    damaged = _count("Of those")
    volumes = _count("Of one copy")
    decision = fields.Enum(Decision, by_value=True)
    reason = Text(load_default="", metadata={"description": "Why it is declined"})
    why = Text(required=True, metadata={"description": "Why this is corrected; in the ledger"})


class DayCorrectionSchema(ma.Schema):
    """The day on which a gift came."""

    received_on = fields.Date(required=True)
    why = Text(required=True, metadata={"description": "Why this is corrected; in the ledger"})


class IncomingGiftSchema(ma.Schema):
    """An incoming gift; days are calendar days."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    partner_name = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.Enum(TransferKind, by_value=True, required=True)
    state = fields.Enum(IncomingState, by_value=True, required=True)
    source = fields.Enum(IncomingSource, by_value=True, required=True)
    announced_titles = fields.Integer(required=True, allow_none=True)
    announced_volumes = fields.Integer(required=True, allow_none=True)
    announced_at = Moment(required=True)
    received_on = fields.Date(required=True, allow_none=True)
    checked_at = Moment(required=True, allow_none=True)
    catalogued_at = Moment(required=True, allow_none=True)
    displayed_at = Moment(required=True, allow_none=True)
    acknowledged_at = Moment(required=True, allow_none=True)
    postage = fields.Integer(required=True, allow_none=True, metadata={"description": _AMOUNT})
    postage_currency = fields.String(required=True)
    weight = fields.Integer(required=True, allow_none=True, metadata={"description": "Grams"})
    notes = fields.String(required=True)
    lines = fields.Integer(required=True, metadata={"description": "Titles that are listed"})
    titles = fields.Integer(required=True, metadata={"description": "Accepted"})
    volumes = fields.Integer(required=True, metadata={"description": "Accepted, physical units"})
    declined = fields.Integer(required=True)
    missing = fields.Integer(required=True, metadata={"description": "Titles that did not come"})
    undecided = fields.Integer(required=True, metadata={"description": "Titles that came"})
    batch = fields.String(
        required=True,
        data_key="import",
        metadata={"description": "Id of the last import of its file; empty: none"},
    )
    batch_state = fields.Enum(
        BatchState, by_value=True, required=True, allow_none=True, data_key="import_state"
    )
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    possible = fields.List(
        fields.String(), required=True, metadata={"description": "What can be done as it stands"}
    )


class WholeIncomingGiftSchema(IncomingGiftSchema):
    """An incoming gift with what a person should look at."""

    lines_url = fields.Url(required=True)
    remarks = fields.List(fields.String(), required=True)


class AccessionLineSchema(ma.Schema):
    """A piece: one title with its copies."""

    position = fields.Integer(required=True)
    record = fields.String(required=True, metadata={"description": "Id; empty: none"})
    title = fields.String(required=True)
    isbn = fields.String(required=True)
    announced = fields.Integer(required=True, metadata={"description": "0: it was not"})
    received = fields.Integer(required=True, metadata={"description": "The damaged ones too"})
    damaged = fields.Integer(required=True)
    volumes = fields.Integer(required=True, metadata={"description": "Of one copy"})
    decision = fields.Enum(Decision, by_value=True, required=True)
    reason = fields.String(required=True)
    accession_number = fields.String(required=True)
    barcode = fields.String(required=True)
    shelf = fields.String(required=True)
    translated_title = fields.String(required=True)
    problem = fields.String(required=True, metadata={"description": "Why it has no record"})


class PieceSchema(ma.Schema):
    """A gift, and the piece of it that something was done to."""

    gift = fields.Nested(WholeIncomingGiftSchema, required=True)
    line = fields.Nested(AccessionLineSchema, required=True)


class IncomingRowSchema(ma.Schema):
    """What there is to say of a row."""

    row = fields.Integer(required=True, metadata={"description": "As a spreadsheet counts them"})
    column = fields.String(required=True, metadata={"description": "Empty: the row as a whole"})
    reason = fields.String(required=True)


class IncomingFileSchema(ma.Schema):
    """A gift with what became of its file."""

    gift = fields.Nested(WholeIncomingGiftSchema, required=True)
    titles = fields.Integer(
        required=True, metadata={"description": "Rows of a table that are in the gift now"}
    )
    rejected = fields.List(
        fields.Nested(IncomingRowSchema),
        required=True,
        metadata={"description": "To be mended, and sent alone"},
    )
    remarks = fields.List(fields.Nested(IncomingRowSchema), required=True)
    columns_not_read = fields.List(fields.String(), required=True)
    remark = fields.String(required=True, metadata={"description": "On the table as a whole"})


class IncomingGiftsQuery(NewestFirst):
    """Which gifts, and which page of them."""

    partner = Text(load_default="", metadata={"description": "Those of this partner's code"})
    state = fields.List(
        fields.Enum(IncomingState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )


class AccessionLinesQuery(ma.Schema):
    """Paging in the order of the pieces."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only pieces behind this position"},
    )
    limit = limit_field()
    decision = fields.List(
        fields.Enum(Decision, by_value=True),
        load_default=(),
        metadata={"description": "Only with these decisions; may be repeated"},
    )


class FileQuery(ma.Schema):
    """What the sender says of a file."""

    file_name = Text(load_default="")
    encoding = Text(load_default="", metadata={"description": "Of MARC, if it is known"})
    dialect = Text(load_default="", metadata={"description": "Of MARC, if it is known"})


class GiftRecordsQuery(ma.Schema):
    """In which form the records are wanted, and what they say of our copy."""

    to = fields.String(
        load_default="",
        validate=validate.OneOf(tuple(FILE_FORMS)),
        metadata={"description": "Without it, ISO 2709"},
    )
    dialect = fields.String(
        load_default="",
        validate=validate.OneOf(WRITTEN_DIALECTS),
        metadata={"description": "Without it, MARC 21"},
    )
    with_source = fields.Boolean(
        load_default=False,
        data_key="541",
        metadata={"description": "From whom, how, when, accession number"},
    )
    with_holdings = fields.Boolean(
        load_default=False,
        data_key="852",
        metadata={"description": "852 and 876: place, number and barcode of our copy"},
    )
