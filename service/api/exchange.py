"""Offer lists and the titles on them: for everybody what is open to everybody, for a partner what
is offered to it as well, for the staff all of it.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from service.api.addresses import address, offer_identifier, offer_page, site
from service.api.authentication import anyone, staff_required
from service.api.list_schemas import (
    RENDITIONS,
    ListChangeSchema,
    ListMoveSchema,
    ListSchema,
    NewListSchema,
    OfferChangeSchema,
    OfferQuery,
    OfferSchema,
    OffersQuery,
    OfferWithLinksSchema,
    TermsSchema,
)
from service.api.parameters import NewestFirst, page_of, paged
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, changed, etag, expected
from service.domain.offer import INDIRECT, ListAction, Offer, OfferList, possible
from service.store.feed import PUBLIC
from service.store.shown_offers import Shown
from service.usecases import changing_lists, offering
from service.usecases.offering import ListWithCount
from service.usecases.signing_in import Caller

lists = Resource(
    "Offer lists",
    "Titles offered together until a closing date. A partner sees the lists for all and those "
    "for itself; only the staff sees drafts.",
)
offers = Resource("Offers", "A title on one offer list, with its record.")

_ACTIONS = tuple(action.value for action in ListAction if action not in INDIRECT)


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
    terms = {name: body.pop(name) for name in TermsSchema().fields if name in body}
    made = offering.create_list(site().db, **body, terms=terms, by=g.caller.name, now=site().now())
    shown = _list(ListWithCount(made, 0, public=made.audience_id == PUBLIC))
    return shown, 201, {"Location": shown["url"], **etag(made.revision)}


@lists.get("/lists/<slug>")
@anyone
@no_parameters(lists)
@lists.response(200, ListSchema)
def show_list(caller: Caller, slug: str) -> Any:
    """Show an offer list."""
    found = offering.find_list(site().db, slug, _sees(caller))
    return _list(found), 200, etag(found.offer_list.revision)


@lists.patch("/lists/<slug>")
@staff_required
@no_parameters(lists)
@lists.arguments(ListChangeSchema)
@lists.doc(parameters=[IF_MATCH])
@lists.response(200, ListSchema)
def edit_list(body: dict[str, Any], slug: str) -> Any:
    """Change some of an offer list: its words, its dates, how it is allocated.

    For the staff. Its closing date may be made later at any time. Once a wish stands on it, it is
    made earlier only with `override` and a `reason`; every partner that the list concerns is told
    of either. With `If-Match` only the version that you looked at is changed (else 412).
    """
    override, reason = body.pop("override"), body.pop("reason")

    def change() -> Any:
        changing_lists.change_terms(
            site().db,
            slug,
            body,
            seen=expected(),
            override=override,
            reason=reason,
            by=g.caller.name,
            now=site().now(),
        )
        return _answer(slug)

    return changed(change, lambda: _current(slug), request.get_json())


@lists.post(f"/lists/<slug>/<any({', '.join(_ACTIONS)}):action>")
@staff_required
@lists.arguments(ListMoveSchema, location="query", as_kwargs=True)
@lists.doc(parameters=[IF_MATCH])
@lists.response(200, ListSchema)
def change_list(slug: str, action: str, *, override: bool, reason: str) -> Any:
    """Approve, open, close, archive or withdraw an offer list.

    For the staff. A DRAFT is approved to open at its moment; a list can be opened from DRAFT or
    SCHEDULED, closed when OPEN, archived when CLOSED or ALLOCATED, and withdrawn until it is
    closed. Before its closing date a list on which wishes stand closes only with `override` and a
    `reason`.
    """

    def change() -> Any:
        offering.change_list(
            site().db,
            slug,
            ListAction(action),
            site().now(),
            seen=expected(),
            override=override,
            reason=reason,
            by=g.caller.name,
        )
        return _answer(slug)

    return changed(change, lambda: _current(slug), {"action": action})


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
@offers.alt_response(200, schema={"type": "string"}, content_type=RENDITIONS["marcxml"])
@offers.alt_response(200, schema={"type": "string"}, content_type=RENDITIONS["oai_dc"])
def show_offer(caller: Caller, offer_id: str, format: str) -> Any:  # noqa: A002
    """Show a title, on offer or not any more; or send its record."""
    shown = offering.show(site().db, _sees(caller), offer_id)
    if format in RENDITIONS:
        body = shown.marcxml if format == "marcxml" else shown.dublin_core
        return Response(body, content_type=f"{RENDITIONS[format]}; charset=utf-8")
    return _with_links(shown), 200, etag(shown.offer.revision)


@offers.patch("/offers/<offer_id>")
@staff_required
@no_parameters(offers)
@offers.arguments(OfferChangeSchema)
@offers.doc(parameters=[IF_MATCH])
@offers.response(200, OfferSchema)
def edit_offer(body: dict[str, Any], offer_id: str) -> Any:
    """Change what is offered of a title: copies, volumes of each, condition, where it may not go.

    For the staff, until its list is allocated. With `If-Match` only the version that you looked at
    is changed (else 412).
    """

    def change() -> Any:
        changing_lists.change_offer(
            site().db, offer_id, body, seen=expected(), by=g.caller.name, now=site().now()
        )
        shown = offering.show_to_staff(site().db, offer_id)
        return _offer(shown), 200, etag(shown.revision)

    return changed(change, lambda: _current_offer(offer_id), request.get_json())


@offers.post("/offers/<offer_id>/withdraw")
@staff_required
@no_parameters(offers)
@offers.response(204)
def withdraw_offer(offer_id: str) -> Any:
    """Take a title back; partners learn it as a deletion.

    For the staff.
    """
    offering.withdraw_offer(site().db, offer_id, by=g.caller.name, now=site().now())
    return "", 204


def _answer(slug: str) -> Any:
    found = offering.find_list(site().db, slug, None)
    return _list(found), 200, etag(found.offer_list.revision)


def _current(slug: str) -> dict[str, Any]:
    found: dict[str, Any] = ListSchema().dump(_answer(slug)[0])
    return found


def _current_offer(offer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = OfferSchema().dump(_offer(offering.show_to_staff(site().db, offer_id)))
    return found


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
        "source": found.source,
        "policy": found.policy,
        "max_per_partner": found.max_per_partner,
        "min_parcel": found.min_parcel,
        "not_to": found.not_to,
        "revision": found.revision,
        **({"possible": possible(found.state)} if g.caller.staff else {}),
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.public_id,
        "identifier": offer_identifier(offer.public_id),
        "url": offer_page(offer.public_id),
        "list": offer.list_slug,
        "state": offer.state,
        "source": offer.source,
        "copies": offer.copies,
        "volumes": offer.volumes,
        "condition": offer.condition,
        "not_to": offer.not_to,
        "revision": offer.revision,
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


def _with_links(shown: Shown) -> dict[str, Any]:
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
