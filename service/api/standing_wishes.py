"""Standing wishes: what partners always look for, and what on offer met it."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields, validate

from service.api.addresses import address, offer_identifier, offer_page, site
from service.api.authentication import signed_in
from service.api.parameters import Moment, NewestFirst, Text, page_of, paged, paged_back
from service.api.resource import Resource, no_parameters
from service.domain.partner import Partner
from service.domain.standing_wish import Match, StandingWish, StandingWishState
from service.errors import Forbidden, Invalid
from service.usecases import membership, watching
from service.usecases.signing_in import Caller

standing_wishes = Resource(
    "Standing wishes",
    "Queries that meet what is offered as it appears. A partner has its own; the staff may add and "
    "stop them on a partner's behalf.",
)


def _values(told: str) -> fields.List[Any]:
    return fields.List(
        Text(), validate=validate.Length(max=50), metadata={"description": f"{told}: one of these"}
    )


def _year(told: str) -> fields.Integer:
    return fields.Integer(strict=True, allow_none=True, metadata={"description": told})


class QuerySchema(ma.Schema):
    """What is looked for: every criterion that is named must be met, by one of its values."""

    words = _values("Words in the title")
    subjects = _values("Words in a subject heading")
    authors = _values("Words in the name of an author or editor")
    series = _values("Words in the title of a series")
    publishers = _values("Words in the name of the publisher")
    classes = _values("Beginnings of class numbers")
    places = _values("Places of publication, ISO 3166-1 alpha-2")
    languages = _values("MARC codes of languages")
    year_from = _year("First year of publication")
    year_to = _year("Last year of publication")


class NewStandingWishSchema(ma.Schema):
    """A standing wish to be added."""

    title = Text(required=True, metadata={"description": "What you call it"})
    query = fields.Nested(QuerySchema, required=True)
    registers = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether what meets it is wished for, or you are only told"},
    )
    partner = Text(
        load_default="", metadata={"description": "Whose it is; for the staff, who must say it"}
    )


class StandingWishSchema(ma.Schema):
    """A standing wish."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    title = fields.String(required=True)
    query = fields.Nested(QuerySchema, required=True)
    registers = fields.Boolean(required=True)
    state = fields.Enum(StandingWishState, by_value=True, required=True)
    created_at = Moment(required=True)
    matches = fields.Integer(required=True, metadata={"description": "Titles that met it so far"})
    matches_url = fields.Url(required=True)


class StandingWishesQuery(NewestFirst):
    """Whose, and which page."""

    partner = Text(
        load_default="", metadata={"description": "For the staff: only those of this partner"}
    )


class StandingMatchSchema(ma.Schema):
    """A title that met a standing wish."""

    offer = fields.String(required=True)
    identifier = fields.String(
        required=True, metadata={"description": "OAI identifier; wish for the title by it"}
    )
    url = fields.Url(required=True)
    title = fields.String(required=True)
    list = fields.String(required=True, metadata={"description": "Slug of the offer list"})
    reason = fields.String(required=True, metadata={"description": "By what it meets the wish"})
    matched_at = Moment(required=True)


@standing_wishes.get("/standing-wishes")
@signed_in
@standing_wishes.arguments(StandingWishesQuery, location="query", as_kwargs=True)
@standing_wishes.response(200, page_of(StandingWishSchema))
def list_standing_wishes(caller: Caller, partner: str, before: str, limit: int) -> Any:
    """List your standing wishes, newest first; for the staff everybody's."""
    owner = _owner(caller, partner) if partner else caller.partner
    rows = watching.list_standing_wishes(site().db, owner, before, limit + 1)
    return paged_back(rows, limit, _standing_wish)


@standing_wishes.post("/standing-wishes")
@signed_in
@no_parameters(standing_wishes)
@standing_wishes.arguments(NewStandingWishSchema)
@standing_wishes.response(201, StandingWishSchema)
def add_standing_wish(caller: Caller, body: dict[str, Any]) -> Any:
    """Add a standing wish; it meets what is offered from now on.

    You are told of each title once, as soon as you may see it.
    """
    made = watching.add(
        site().db,
        _owner(caller, body["partner"]),
        body["title"],
        body["query"],
        registers=body["registers"],
        by=g.caller.name,
        now=site().now(),
    )
    shown = _standing_wish(made)
    return shown, 201, {"Location": shown["url"]}


@standing_wishes.get("/standing-wishes/<standing_wish_id>")
@signed_in
@no_parameters(standing_wishes)
@standing_wishes.response(200, StandingWishSchema)
def show_standing_wish(caller: Caller, standing_wish_id: str) -> Any:
    """Show a standing wish."""
    return _standing_wish(watching.show(site().db, standing_wish_id, caller.partner))


@standing_wishes.get("/standing-wishes/<standing_wish_id>/matches")
@signed_in
@standing_wishes.arguments(NewestFirst, location="query", as_kwargs=True)
@standing_wishes.response(200, page_of(StandingMatchSchema))
def list_standing_matches(caller: Caller, standing_wish_id: str, before: str, limit: int) -> Any:
    """List what met a standing wish, the newest offer first, and by what."""
    rows = watching.list_matches(site().db, standing_wish_id, caller.partner, before, limit + 1)
    return paged(rows, limit, "before", lambda each: each.offer, _match)


@standing_wishes.delete("/standing-wishes/<standing_wish_id>")
@signed_in
@no_parameters(standing_wishes)
@standing_wishes.response(200, StandingWishSchema)
def stop_standing_wish(caller: Caller, standing_wish_id: str) -> Any:
    """Stop a standing wish; what it has wished for stands."""
    return _standing_wish(
        watching.stop(
            site().db, standing_wish_id, caller.partner, by=g.caller.name, now=site().now()
        )
    )


def _owner(caller: Caller, code: str) -> Partner:
    """Return whose standing wish this is: the partner's own, or whom the staff names."""
    if caller.partner is None:
        if not code:
            raise Invalid("say whose standing wish this is, by the partner's code", "partner")
        return membership.find_partner(site().db, code)
    if code not in {"", caller.partner.code}:
        raise Forbidden(f"your token is partner {caller.partner.code!r}'s, not {code!r}'s")
    return caller.partner


def _standing_wish(found: StandingWish) -> dict[str, Any]:
    here = {"standing_wish_id": found.public_id}
    return {
        "id": found.public_id,
        "url": address(".show_standing_wish", **here),
        "partner": found.partner_code,
        "title": found.title,
        "query": found.query.as_json(),
        "registers": found.registers,
        "state": found.state,
        "created_at": found.created_at,
        "matches": found.matches,
        "matches_url": address(".list_standing_matches", **here),
    }


def _match(found: Match) -> dict[str, Any]:
    return {
        "offer": found.offer,
        "identifier": offer_identifier(found.offer),
        "url": offer_page(found.offer),
        "title": found.title,
        "list": found.list_slug,
        "reason": found.reason,
        "matched_at": found.matched_at,
    }
