"""Allocations: who was given what of a list, and for every wish the reason."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from service.api.addresses import address, offer_identifier, site
from service.api.authentication import staff_required
from service.api.parameters import LARGEST, Moment, limit_field, page_of, paged
from service.api.resource import Resource
from service.domain.allocation import AllocationPolicy
from service.store.allocations import Decided
from service.usecases import allocating

allocations = Resource(
    "Allocations", "Who was given what of a closed list, and why. For the staff."
)


class DecisionsQuery(ma.Schema):
    """Paging in the order of the decisions."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only decisions behind this number"},
    )
    limit = limit_field()


class RunSchema(ma.Schema):
    """One allocation of one list."""

    id = fields.String(required=True)
    policy = fields.Enum(AllocationPolicy, by_value=True, required=True)
    begun_at = Moment(required=True)
    finished_at = Moment(
        required=True, allow_none=True, metadata={"description": "Null while it goes on"}
    )
    wishes = fields.Integer(required=True, metadata={"description": "Wishes decided on"})
    met = fields.Integer(required=True, metadata={"description": "Those that got a copy"})
    given = fields.Integer(required=True, metadata={"description": "Copies given"})
    partners = fields.Integer(required=True, metadata={"description": "Partners they go to"})


class DecisionSchema(ma.Schema):
    """What became of one wish, and what the decision was made of."""

    position = fields.Integer(required=True, metadata={"description": "Number within the run"})
    partner = fields.String(required=True)
    wish_list = fields.String(required=True)
    wish_list_url = fields.Url(required=True)
    line_no = fields.Integer(required=True)
    offer = fields.String(required=True, metadata={"description": "OAI identifier of the offer"})
    title = fields.String(required=True)
    wished_at = Moment(required=True)
    quantity = fields.Integer(required=True, metadata={"description": "Copies wished for"})
    copies = fields.Integer(required=True, metadata={"description": "Copies offered"})
    rank = fields.Integer(
        required=True, metadata={"description": "Place among the wishes; 0: it took no part"}
    )
    given = fields.Integer(required=True)
    reason = fields.String(required=True)
    transfer = fields.String(
        required=True, allow_none=True, metadata={"description": "What was given, if anything"}
    )


class AllocationSchema(page_of(DecisionSchema)):  # type: ignore[misc]
    """A run, and a page of what it decided."""

    run = fields.Nested(RunSchema, required=True)


@allocations.get("/lists/<slug>/allocation")
@staff_required
@allocations.arguments(DecisionsQuery, location="query", as_kwargs=True)
@allocations.response(200, AllocationSchema)
def show_allocation(slug: str, after: int, limit: int) -> Any:
    """Show how a list was allocated: the run, and its decisions in their order.

    For the staff. `bookbridge allocate LIST` allocates.
    """
    run = allocating.show(site().db, slug).run
    rows = allocating.decisions(site().db, run, after, limit + 1)
    page = paged(rows, limit, "after", lambda row: row.position, _decision)
    shown = {name: getattr(run, name) for name in RunSchema().fields if name != "id"}
    return page | {"run": {"id": run.public_id} | shown}


def _decision(row: Decided) -> dict[str, Any]:
    return row._asdict() | {
        "wish_list_url": address("Wish lists.show_wish_list", wish_list_id=row.wish_list),
        "offer": offer_identifier(row.offer),
    }
