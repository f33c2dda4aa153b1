"""Offer lists and the titles on them as the API shows and reads them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, PublicId, Text, limit_field
from service.domain.allocation import AllocationPolicy
from service.domain.offer import ListAction, ListState, OfferState, Source

RENDITIONS: dict[str, str] = {
    "marcxml": "application/marcxml+xml",
    "oai_dc": "application/xml",
}


def _bound(told: str) -> fields.Integer:
    return fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, LARGEST),
        metadata={"description": f"{told}; null: no bound"},
    )


def _places(told: str) -> fields.List[Any]:
    return fields.List(
        Text(),
        validate=validate.Length(max=300),
        metadata={"description": f"Countries or regions to which {told}, ISO 3166-1 alpha-2"},
    )


class TermsSchema(ma.Schema):
    """Where the titles of a list come from, and how it is allocated."""

    source = fields.Enum(Source, by_value=True)
    policy = fields.Enum(
        AllocationPolicy, by_value=True, metadata={"description": "By which copies are given"}
    )
    max_per_partner = _bound("Most copies that one partner gets of it")
    min_parcel = _bound("Copies that a parcel must have at least")
    not_to = _places("nothing of it may go")


class NewListSchema(TermsSchema):
    """An offer list to be drawn up."""

    slug = Text(
        required=True,
        metadata={"description": "Its name in addresses and sets, for ever: a-z, 0-9, hyphens"},
    )
    title = Text(required=True, validate=validate.Length(max=500))
    description = Text(load_default="", validate=validate.Length(max=10_000))
    opens_at = Moment(
        load_default=None,
        metadata={"description": "When it opens by itself; without it, it stays a draft"},
    )
    closes_at = Moment(
        load_default=None, metadata={"description": "When it closes by itself, if ever"}
    )
    zone = Text(
        load_default="UTC", metadata={"description": "IANA time zone that people read it in"}
    )
    partner_codes = fields.List(
        Text(),
        data_key="partners",
        load_default=(),
        validate=validate.Length(min=1),
        metadata={"description": "Codes of the only partners it is for; without it, for all"},
    )
    audience = Text(
        load_default="",
        metadata={"description": "Code of the group of partners it is for, instead of `partners`"},
    )
    draft = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether it waits for approval although `opens_at` is given"},
    )


class OverrideSchema(ma.Schema):
    """By what a list closes early although wishes stand on it."""

    override = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether it may close earlier than partners were told"},
    )
    reason = Text(
        load_default="",
        validate=validate.Length(max=500),
        metadata={"description": "Why; every partner that the list concerns reads it"},
    )


class ListChangeSchema(TermsSchema, OverrideSchema):
    """What is to be changed of a list; what is not named stays."""

    title = Text(validate=validate.Length(max=500))
    description = Text(validate=validate.Length(max=10_000))
    opens_at = Moment(allow_none=True, metadata={"description": "Until it is open"})
    closes_at = Moment(
        allow_none=True,
        metadata={"description": "Later at any time; earlier only by `override` if wishes stand"},
    )
    zone = Text(metadata={"description": "IANA time zone that people read the dates in"})


class ListMoveSchema(OverrideSchema):
    """What belongs to an action on a list; only `close` before its day needs any of it."""


class ListSchema(ma.Schema):
    """An offer list."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    state = fields.Enum(ListState, by_value=True, required=True)
    public = fields.Boolean(
        required=True, metadata={"description": "Whether it is open to all, or to some partners"}
    )
    opens_at = Moment(required=True, allow_none=True)
    closes_at = Moment(required=True, allow_none=True)
    zone = fields.String(required=True)
    created_at = Moment(required=True)
    titles = fields.Integer(required=True, metadata={"description": "Titles on offer now"})
    source = fields.Enum(Source, by_value=True, required=True)
    policy = fields.Enum(AllocationPolicy, by_value=True, required=True)
    max_per_partner = fields.Integer(required=True, allow_none=True)
    min_parcel = fields.Integer(required=True, allow_none=True)
    not_to = fields.List(fields.String(), required=True)
    revision = fields.Integer(required=True, metadata={"description": "As in `ETag`"})
    possible = fields.List(
        fields.Enum(ListAction, by_value=True),
        metadata={"description": "For the staff: what can be done to it now"},
    )
    offers_url = fields.Url(required=True)


class OffersQuery(ma.Schema):
    """Which titles, and which page of them."""

    list = Text(load_default="", metadata={"description": "Slug of one offer list"})
    q = Text(
        load_default="",
        validate=validate.Length(max=500),
        metadata={"description": "Words that the title, author or publisher must have"},
    )
    after = PublicId(load_default="", metadata={"description": "Only what stands behind this id"})
    limit = limit_field()


class OfferSchema(ma.Schema):
    """A title on an offer list."""

    id = fields.String(required=True)
    identifier = fields.String(
        required=True, metadata={"description": "OAI identifier; wish for the title by it"}
    )
    url = fields.Url(required=True, metadata={"description": "Page about the title"})
    list = fields.String(required=True, metadata={"description": "Slug of the offer list"})
    state = fields.Enum(OfferState, by_value=True, required=True)
    source = fields.Enum(Source, by_value=True, required=True)
    copies = fields.Integer(required=True)
    volumes = fields.Integer(
        required=True, metadata={"description": "Of one copy: a set is one title"}
    )
    condition = fields.String(required=True, metadata={"description": "As we describe it"})
    not_to = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Where it may not go, beside those of its list"},
    )
    revision = fields.Integer(required=True, metadata={"description": "As in `ETag`"})
    title = fields.String(required=True)
    title_vernacular = fields.String(required=True)
    author = fields.String(required=True)
    author_vernacular = fields.String(required=True)
    publisher = fields.String(required=True)
    published = fields.String(required=True)
    place = fields.String(
        required=True, metadata={"description": "Place of publication, ISO 3166-1; ZZ unknown"}
    )
    languages = fields.List(fields.String(), required=True, metadata={"description": "MARC codes"})
    isbns = fields.List(fields.String(), required=True)


class OfferChangeSchema(ma.Schema):
    """What is to be changed of a title on offer; what is not named stays."""

    copies = fields.Integer(
        strict=True,
        validate=validate.Range(1, LARGEST),
        metadata={"description": "Not fewer than are given already"},
    )
    volumes = fields.Integer(
        strict=True,
        validate=validate.Range(1, LARGEST),
        metadata={"description": "Of one copy: a set is one title"},
    )
    condition = Text(validate=validate.Length(max=500))
    not_to = _places("it may not go")


class OfferLinksSchema(ma.Schema):
    """Where more about an offer is."""

    self = fields.Url(required=True)
    list = fields.Url(required=True)
    page = fields.Url(required=True)
    marcxml = fields.Url(required=True)
    oai_dc = fields.Url(required=True)


class OfferWithLinksSchema(OfferSchema):
    """A title, whether it can still be had, and where its record is."""

    listed = fields.Boolean(
        required=True, metadata={"description": "Whether it is in the feed at present"}
    )
    links = fields.Nested(OfferLinksSchema, required=True)


class OfferQuery(ma.Schema):
    """In which form."""

    format = fields.String(
        load_default="json",
        validate=validate.OneOf(["json", *RENDITIONS]),
        metadata={"description": "`marcxml` or `oai_dc` sends the record itself"},
    )
