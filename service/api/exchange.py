"""Offer lists and the titles on them: for everybody what is open to everybody, for a partner what
is offered to it as well, for the staff all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from service.api.addresses import address, offer_identifier, offer_page, site
from service.api.authentication import anyone, staff_required
from service.api.parameters import Moment, NewestFirst, PublicId, Text, limit_field, page_of, paged
from service.api.resource import Resource, no_parameters
from service.domain.offer import INDIRECT, ListAction, ListState, Offer, OfferList, OfferState
from service.store.feed import PUBLIC
from service.usecases import offering
from service.usecases.offering import ListWithCount
from service.usecases.signing_in import Caller

lists = Resource(
    "Offer lists",
    "Titles offered together until a closing date. A partner sees the lists for all and those "
    "for itself; only the staff sees drafts.",
)
offers = Resource("Offers", "A title on one offer list, with its record.")

_ACTIONS = tuple(action.value for action in ListAction if action not in INDIRECT)
_RENDITIONS: Mapping[str, str] = {
    "marcxml": "application/marcxml+xml",
    "oai_dc": "application/xml",
}


class NewListSchema(ma.Schema):
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
    copies = fields.Integer(required=True)
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
        validate=validate.OneOf(["json", *_RENDITIONS]),
        metadata={"description": "`marcxml` or `oai_dc` sends the record itself"},
    )


@lists.get("/lists")
@anyone
@lists.arguments(NewestFirst, location="query", as_kwargs=True)
@lists.response(200, page_of(ListSchema))
def list_lists(caller: Caller, before: str, limit: int) -> Any:
    """List the offer lists, newest first: those in the feed, or for the staff all of them."""
    rows = offering.list_lists(site().db, _sees(caller), before, limit + 1)
    return paged(rows, limit, "before", lambda row: row.offer_list.public_id, _list)


@lists.post("/lists")
@staff_required
@no_parameters(lists)
@lists.arguments(NewListSchema)
@lists.response(201, ListSchema)
def create_list(body: dict[str, Any]) -> Any:
    """Draw up an offer list.

    For the staff. It begins as a draft, or scheduled when `opens_at` lies ahead.
    """
    made = offering.create_list(site().db, **body, now=site().now())
    shown = _list(ListWithCount(made, 0, public=made.audience_id == PUBLIC))
    return shown, 201, {"Location": shown["url"]}


@lists.get("/lists/<slug>")
@anyone
@no_parameters(lists)
@lists.response(200, ListSchema)
def show_list(caller: Caller, slug: str) -> Any:
    """Show an offer list."""
    return _list(offering.find_list(site().db, slug, _sees(caller)))


@lists.post(f"/lists/<slug>/<any({', '.join(_ACTIONS)}):action>")
@staff_required
@no_parameters(lists)
@lists.response(200, ListSchema)
def change_list(slug: str, action: str) -> Any:
    """Open, close, archive or withdraw an offer list.

    For the staff. A list can be opened from DRAFT or SCHEDULED, closed when OPEN, archived when
    CLOSED or ALLOCATED, and withdrawn until it is closed.
    """
    offering.change_list(site().db, slug, ListAction(action), site().now())
    return _list(offering.find_list(site().db, slug, None))


@offers.get("/offers")
@anyone
@offers.arguments(OffersQuery, location="query", as_kwargs=True)
@offers.response(200, page_of(OfferSchema))
def list_offers(caller: Caller, list: str, q: str, after: str, limit: int) -> Any:  # noqa: A002
    """Browse the titles on offer, on one list or on all, or search them."""
    rows = offering.browse(
        site().db, _sees(caller), slug=list, query=q, after=after, limit=limit + 1
    )
    return paged(rows, limit, "after", lambda offer: offer.public_id, _offer)


@offers.get("/offers/<offer_id>")
@anyone
@offers.arguments(OfferQuery, location="query", as_kwargs=True)
@offers.response(200, OfferWithLinksSchema)
@offers.alt_response(200, schema={"type": "string"}, content_type=_RENDITIONS["marcxml"])
@offers.alt_response(200, schema={"type": "string"}, content_type=_RENDITIONS["oai_dc"])
def show_offer(caller: Caller, offer_id: str, format: str) -> Any:  # noqa: A002
    """Show a title, on offer or not any more; or send its record."""
    shown = offering.show(site().db, _sees(caller), offer_id)
    if format in _RENDITIONS:
        body = shown.marcxml if format == "marcxml" else shown.dublin_core
        return Response(body, content_type=f"{_RENDITIONS[format]}; charset=utf-8")
    offer = shown.offer
    here = {"offer_id": offer.public_id}
    return _offer(offer) | {
        "listed": shown.listed,
        "links": {
            "self": address(".show_offer", **here),
            "list": address(f"{lists.name}.show_list", slug=offer.list_slug),
            "page": offer_page(offer.public_id),
            "marcxml": address(".show_offer", **here, format="marcxml"),
            "oai_dc": address(".show_offer", **here, format="oai_dc"),
        },
    }


@offers.post("/offers/<offer_id>/withdraw")
@staff_required
@no_parameters(offers)
@offers.response(204)
def withdraw_offer(offer_id: str) -> Any:
    """Take a title back; partners learn it as a deletion.

    For the staff.
    """
    offering.withdraw_offer(site().db, offer_id)
    return "", 204


def _sees(caller: Caller) -> frozenset[int] | None:
    """Return the audiences whose lists the caller sees; None means all of them."""
    return None if caller.staff else caller.audiences


def _list(row: ListWithCount) -> dict[str, Any]:
    found: OfferList = row.offer_list
    return {
        "id": found.public_id,
        "url": address(f"{lists.name}.show_list", slug=found.slug),
        "slug": found.slug,
        "title": found.title,
        "description": found.description,
        "state": found.state,
        "public": row.public,
        "opens_at": found.opens_at,
        "closes_at": found.closes_at,
        "zone": found.zone,
        "created_at": found.created_at,
        "titles": row.titles,
        "offers_url": address(f"{offers.name}.list_offers", list=found.slug),
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.public_id,
        "identifier": offer_identifier(offer.public_id),
        "url": offer_page(offer.public_id),
        "list": offer.list_slug,
        "state": offer.state,
        "copies": offer.copies,
        "title": offer.title,
        "title_vernacular": offer.title_vernacular,
        "author": offer.author,
        "author_vernacular": offer.author_vernacular,
        "publisher": offer.publisher,
        "published": offer.published,
        "place": offer.place,
        "languages": offer.languages.split(),
        "isbns": offer.isbns.split(),
    }
