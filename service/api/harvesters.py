"""Who harvested us, when, what and how far: for the staff."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from service.api.addresses import site
from service.api.authentication import staff_required
from service.api.parameters import Moment, NewestFirst, Text, page_of, paged
from service.api.resource import Resource
from service.store.visits import Kept
from service.usecases import visiting

harvesters = Resource("Harvesters", "Who harvested our feed by OAI-PMH, and what came of it.")


class VisitsQuery(NewestFirst):
    """Which harvests, and which page of them."""

    partner = Text(load_default="", metadata={"description": "Code of one partner"})


class VisitSchema(ma.Schema):
    """One harvest, from its first request to its last page."""

    id = fields.String(required=True)
    partner = fields.String(
        required=True, allow_none=True, metadata={"description": "Its code, if it signed in"}
    )
    address = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of others, until it is forgotten (`harvester_address_days`)"},
    )
    agent = fields.String(required=True, metadata={"description": "What the program calls itself"})
    verb = fields.String(
        required=True,
        metadata={"description": "Empty for requests that could not be read"},
    )
    metadata_prefix = fields.String(required=True)
    set = fields.String(required=True, allow_none=True)
    from_ = fields.String(data_key="from", required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True)
    began_at = Moment(required=True)
    last_at = Moment(required=True, metadata={"description": "Its latest request"})
    pages = fields.Integer(required=True, metadata={"description": "Answers without an error"})
    records = fields.Integer(required=True, metadata={"description": "Records or headers sent"})
    errors = fields.Integer(required=True)
    last_error = fields.String(
        required=True, allow_none=True, metadata={"description": "Code of OAI-PMH"}
    )
    complete = fields.Boolean(
        required=True, metadata={"description": "Whether the last page was sent"}
    )


@harvesters.get("/harvesters")
@staff_required
@harvesters.arguments(VisitsQuery, location="query", as_kwargs=True)
@harvesters.response(200, page_of(VisitSchema))
def list_harvesters(partner: str, before: str, limit: int) -> Any:
    """List the harvests of our feed, newest first.

    For the staff. What is going on appears some seconds later; refused requests are not counted.
    """
    rows = visiting.list_visits(site().db, partner_code=partner, before=before, limit=limit + 1)
    return paged(rows, limit, "before", lambda row: row.public_id, _visit)


def _visit(kept: Kept) -> dict[str, Any]:
    visit, asked = kept.visit, kept.visit.asked
    return {
        "id": kept.public_id,
        "partner": kept.partner_code,
        "address": visit.harvester.address or None,
        "agent": visit.harvester.agent,
        "verb": asked.verb,
        "metadata_prefix": asked.prefix,
        "set": asked.set_spec or None,
        "from_": asked.from_ or None,
        "until": asked.until or None,
        "began_at": visit.began_at,
        "last_at": visit.last_at,
        "pages": visit.pages,
        "records": visit.records,
        "errors": visit.errors,
        "last_error": visit.last_error or None,
        "complete": visit.complete,
    }
