"""What selections and holdings look like in JSON."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import Moment, NewestFirst, Text, limit_field
from service.domain.selection import SelectionState

_MOST = 2_000


class SelectionQuerySchema(ma.Schema):
    """Which titles of a list are looked through; what is left out is no bound."""

    languages = fields.List(Text(), load_default=(), metadata={"description": "MARC codes"})
    places = fields.List(
        Text(), load_default=(), metadata={"description": "Of publication, ISO 3166-1 alpha-2"}
    )
    not_held = fields.Boolean(load_default=False, metadata={"description": "Not what we hold"})


class NewSelectionSchema(ma.Schema):
    """Who looks through which titles of a partner's list."""

    list = Text(required=True, metadata={"description": "Slug of the partner's list"})
    selector = Text(required=True, metadata={"description": "Who looks through it"})
    query = fields.Nested(SelectionQuerySchema, load_default=dict)
    due_on = fields.Date(load_default=None, allow_none=True)
    note = Text(load_default="")


class SelectionChoiceSchema(ma.Schema):
    """What is said of titles."""

    offers = fields.List(
        Text(), required=True, validate=validate.Length(1, _MOST), metadata={"description": "Ids"}
    )
    wanted = fields.Boolean(load_default=True)
    quantity = fields.Integer(strict=True, load_default=1)
    reason = Text(load_default="", metadata={"description": "Goes with the wish as its note"})


class SelectionSendSchema(ma.Schema):
    """Whether what is not decided yet may come later."""

    unfinished = fields.Boolean(load_default=False)


class SelectionSchema(ma.Schema):
    """A selection with its figures, in titles."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    titles_url = fields.Url(required=True)
    list_slug = fields.String(required=True, data_key="list")
    partner = fields.String(required=True)
    selector = fields.String(required=True)
    query = fields.Nested(SelectionQuerySchema, required=True)
    state = fields.Enum(SelectionState, by_value=True, required=True)
    due_on = fields.Date(required=True, allow_none=True)
    note = fields.String(required=True)
    created_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    titles = fields.Integer(required=True)
    held = fields.Integer(required=True, metadata={"description": "Of those we hold"})
    chosen = fields.Integer(required=True)
    passed_over = fields.Integer(required=True)
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    possible = fields.List(fields.String(), required=True)


class SelectionClosedSchema(ma.Schema):
    """A selection that was closed, and what was noted as wishes of ours."""

    selection = fields.Nested(SelectionSchema, required=True)
    wished = fields.Integer(required=True)
    already = fields.Integer(required=True, metadata={"description": "Wished for before"})
    gone = fields.Integer(required=True, metadata={"description": "Taken back by the partner"})


class SelectionSentSchema(ma.Schema):
    """What goes out as one wish list, and the job that sends it."""

    wishes = fields.Integer(required=True)
    job = fields.String(required=True)


class SelectionTitleSchema(ma.Schema):
    """A title of a partner's list."""

    offer = fields.String(required=True, metadata={"description": "Id of the offer"})
    title = fields.String(required=True)
    author = fields.String(required=True)
    published = fields.String(required=True)
    languages = fields.String(required=True)
    isbns = fields.String(required=True)
    copies = fields.Integer(required=True)
    held = fields.Boolean(required=True, metadata={"description": "We hold it, by its numbers"})
    wish = fields.String(required=True, metadata={"description": "Where our wish stands"})
    wanted = fields.Boolean(required=True, allow_none=True)
    quantity = fields.Integer(required=True)
    reason = fields.String(required=True)


class SelectionsQuery(NewestFirst):
    """Which selections, and which page of them."""

    list = Text(load_default="", metadata={"description": "Of this list"})
    state = fields.List(
        fields.Enum(SelectionState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )


class SelectionTitlesQuery(ma.Schema):
    """Paging in the order of the offers."""

    after = Text(load_default="", metadata={"description": "Only offers behind this id"})
    limit = limit_field()
    wanted = fields.Boolean(
        load_default=None,
        allow_none=True,
        metadata={"description": "Only what was chosen, or passed over"},
    )


class HoldingsQuery(ma.Schema):
    """Whether a file takes the place of what was uploaded before."""

    add = fields.Boolean(load_default=False, metadata={"description": "Add to what is there"})


class HoldingsSchema(ma.Schema):
    """What we hold: identifiers by kind."""

    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class HoldingRowSchema(ma.Schema):
    """A row, or a record of MARC, without a number."""

    row = fields.Integer(required=True)
    text = fields.String(required=True)


class UploadedSchema(HoldingsSchema):
    """What a file brought."""

    read = fields.Integer(required=True, metadata={"description": "Rows, or records of MARC"})
    without = fields.Integer(required=True, metadata={"description": "Of those without a number"})
    faults = fields.List(
        fields.Nested(HoldingRowSchema),
        required=True,
        metadata={"description": "The first of those"},
    )
    removed = fields.Integer(required=True, metadata={"description": "Held before, not now"})
    remark = fields.String(required=True)
