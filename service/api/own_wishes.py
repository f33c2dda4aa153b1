"""Our own wishes: what we ask of partners for the titles that they offer us."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields, validate

from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.parameters import Moment, NewestFirst, Text, page_of, paged
from service.api.resource import Resource, no_parameters
from service.domain.own_wish import MOST_COPIES, OwnWish, OwnWishState
from service.usecases import requesting

own_wishes = Resource(
    "Own wishes",
    "What we ask of partners for the titles that they offer us: noted, sent together, answered "
    "line by line. For the staff.",
)

_OFFERS = 500


class OwnWishesQuery(NewestFirst):
    """Which of our wishes."""

    partner = Text(load_default="", metadata={"description": "Code of the partner"})
    state = fields.Enum(OwnWishState, by_value=True, load_default=None)


class NewOwnWishesSchema(ma.Schema):
    """Wishes to be noted, one for each offer."""

    offers = fields.List(
        Text(),
        required=True,
        validate=validate.Length(1, _OFFERS),
        metadata={"description": "Ids of incoming offers here, or the partner's OAI identifiers"},
    )
    quantity = fields.Integer(load_default=1, validate=validate.Range(1, MOST_COPIES))
    note = Text(
        load_default="",
        validate=validate.Length(max=1000),
        metadata={"description": "What the partner reads beside it"},
    )


class OwnWishSchema(ma.Schema):
    """One wish of ours, and what the partner answered."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    offer = fields.String(required=True, metadata={"description": "Id of the incoming offer"})
    identifier = fields.String(
        required=True, metadata={"description": "The partner's OAI identifier"}
    )
    title = fields.String(required=True)
    quantity = fields.Integer(required=True)
    note = fields.String(required=True)
    state = fields.Enum(OwnWishState, by_value=True, required=True)
    outcome = fields.String(
        required=True, metadata={"description": "The partner's answer; empty before it came"}
    )
    reason = fields.String(required=True, metadata={"description": "In the partner's words"})
    wished_by = fields.String(required=True)
    wished_at = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)


class OwnWishesSchema(ma.Schema):
    """Wishes that were noted together."""

    items = fields.List(fields.Nested(OwnWishSchema), required=True)


class ReleaseSchema(ma.Schema):
    """Whose wishes are to be sent."""

    partner = Text(required=True, metadata={"description": "Code of the partner"})


class ReleasedSchema(ma.Schema):
    """What the worker now sends."""

    partner = fields.String(required=True)
    wishes = fields.Integer(required=True, metadata={"description": "Noted wishes now on the way"})
    own_wishes_url = fields.Url(required=True, metadata={"description": "Where answers are seen"})


@own_wishes.get("/own-wishes")
@staff_required
@own_wishes.arguments(OwnWishesQuery, location="query", as_kwargs=True)
@own_wishes.response(200, page_of(OwnWishSchema))
def list_own_wishes(partner: str, state: OwnWishState | None, before: str, limit: int) -> Any:
    """List our wishes, newest first, with what partners answered.

    For the staff.
    """
    rows = requesting.list_own_wishes(
        site().db, partner=partner, state=state, before=before, limit=limit + 1
    )
    return paged(rows, limit, "before", lambda wish: wish.public_id, _own_wish)


@own_wishes.post("/own-wishes")
@staff_required
@no_parameters(own_wishes)
@own_wishes.arguments(NewOwnWishesSchema)
@own_wishes.response(201, OwnWishesSchema)
def add_own_wishes(body: dict[str, Any]) -> Any:
    """Note wishes for incoming offers: all of them, or none where one cannot be wished for.

    For the staff. They are sent with `POST /api/v1/own-wishes/send`, or by themselves where the
    setting `auto_send_wishes` says so.
    """
    made = requesting.add(
        site().db,
        body["offers"],
        quantity=body["quantity"],
        note=body["note"],
        by=g.caller.staff,
        now=site().now(),
    )
    return {"items": [_own_wish(each) for each in made]}


@own_wishes.get("/own-wishes/<own_wish_id>")
@staff_required
@no_parameters(own_wishes)
@own_wishes.response(200, OwnWishSchema)
def show_own_wish(own_wish_id: str) -> Any:
    """Show one wish of ours.

    For the staff.
    """
    return _own_wish(requesting.show(site().db, own_wish_id))


@own_wishes.delete("/own-wishes/<own_wish_id>")
@staff_required
@no_parameters(own_wishes)
@own_wishes.response(200, OwnWishSchema)
def withdraw_own_wish(own_wish_id: str) -> Any:
    """Take a wish back; a partner that has it already is told by the worker.

    For the staff. `WITHDRAWING` until the partner knows.
    """
    return _own_wish(requesting.withdraw(site().db, own_wish_id, site().now()))


@own_wishes.post("/own-wishes/send")
@staff_required
@no_parameters(own_wishes)
@own_wishes.arguments(ReleaseSchema)
@own_wishes.response(202, ReleasedSchema)
def send_own_wishes(body: dict[str, Any]) -> Any:
    """Let the worker send a partner what is noted for it, and ask it what it decided since.

    For the staff. What cannot be sent is tried again, after pauses that grow.
    """
    released = requesting.release(site().db, body["partner"], site().now())
    return {
        "partner": body["partner"],
        "wishes": released.wishes,
        "own_wishes_url": address(".list_own_wishes", partner=body["partner"]),
    }


def _own_wish(wish: OwnWish) -> dict[str, Any]:
    shown = {name: getattr(wish, name) for name in OwnWishSchema().fields if hasattr(wish, name)}
    return shown | {
        "id": wish.public_id,
        "url": address(".show_own_wish", own_wish_id=wish.public_id),
    }
