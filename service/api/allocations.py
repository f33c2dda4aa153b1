"""Allocations: who was given what of a list, and for every wish the reason.

The staff plans and confirms; a partner sees what was decided on its own wishes, and answers.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields, validate

from service.api.addresses import address, offer_identifier, site
from service.api.authentication import partner_required, signed_in, staff_required
from service.api.parameters import LARGEST, Moment, Text, limit_field, page_of, paged
from service.api.resource import Resource, no_parameters
from service.domain.allocation import AllocationPolicy, AllocationState, RunState
from service.domain.partner import Partner
from service.store.allocations import Decided
from service.usecases import accepting, allocating, confirming, planning
from service.usecases.signing_in import Caller

allocations = Resource(
    "Allocations",
    "Who is given what of a closed list, and why. The staff plans and confirms; a partner sees "
    "what was decided on its own wishes, and says whether it takes what differs from them.",
)


class DecisionsQuery(ma.Schema):
    """Paging in the order of the decisions."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only decisions behind this number"},
    )
    limit = limit_field()


class PlanSchema(ma.Schema):
    """By what a list is to be planned."""

    policy = fields.Enum(
        AllocationPolicy,
        by_value=True,
        load_default=None,
        metadata={"description": "Without it, the list's own"},
    )
    seed = Text(
        load_default="",
        validate=validate.Length(max=100),
        metadata={"description": "What lots are drawn from; without it, as planned before"},
    )


class ConfirmSchema(ma.Schema):
    """Which plan is to be confirmed."""

    plan = Text(
        load_default="",
        metadata={"description": "The `id` of the plan that was looked at; refused if it changed"},
    )


class RunSchema(ma.Schema):
    """The allocation of one list."""

    id = fields.String(required=True, metadata={"description": "Another one for each plan"})
    state = fields.Enum(RunState, by_value=True, required=True)
    policy = fields.Enum(AllocationPolicy, by_value=True, required=True)
    seed = fields.String(required=True, metadata={"description": "What lots are drawn from"})
    begun_at = Moment(required=True)
    confirmed_at = Moment(required=True, allow_none=True)
    finished_at = Moment(
        required=True, allow_none=True, metadata={"description": "Null until all is confirmed"}
    )
    wishes = fields.Integer(required=True, metadata={"description": "Wishes decided on"})
    met = fields.Integer(required=True, metadata={"description": "Those that got a copy"})
    given = fields.Integer(required=True, metadata={"description": "Copies given"})
    partners = fields.Integer(required=True, metadata={"description": "Partners they go to"})
    asked = fields.Integer(
        required=True, metadata={"description": "Wishes whose partners are asked"}
    )


class OwnDecisionSchema(ma.Schema):
    """What became of one wish."""

    id = fields.String(required=True)
    state = fields.Enum(AllocationState, by_value=True, required=True)
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
    differs = fields.String(
        required=True, metadata={"description": "What is not as it was wished; empty: nothing"}
    )
    answer_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Until when it is kept for an answer, when it is `OFFERED`"},
    )
    transfer = fields.String(
        required=True, allow_none=True, metadata={"description": "What was given, if anything"}
    )


class DecisionSchema(OwnDecisionSchema):
    """What became of one wish of a partner, and what the decision was made of."""

    position = fields.Integer(required=True, metadata={"description": "Number within the run"})
    partner = fields.String(required=True)


class AllocationSchema(page_of(DecisionSchema)):  # type: ignore[misc]
    """A run, and a page of what it decided."""

    run = fields.Nested(RunSchema, required=True)


class ShareSchema(ma.Schema):
    """What a partner gets by the plan that is kept, and what it would get."""

    partner = fields.String(required=True)
    now = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null: nothing is planned"}
    )
    then = fields.Integer(required=True)


class WhatIfSchema(ma.Schema):
    """What another policy or seed would come to."""

    policy = fields.Enum(AllocationPolicy, by_value=True, required=True)
    seed = fields.String(required=True)
    wishes = fields.Integer(required=True)
    met = fields.Integer(required=True)
    given = fields.Integer(required=True)
    shares = fields.List(fields.Nested(ShareSchema), required=True)


class OwnQuery(ma.Schema):
    """Which decisions on one's wishes, and which page of them."""

    state = fields.Enum(AllocationState, by_value=True, load_default=None)
    before = Text(
        load_default="", metadata={"description": "Only what stands behind the one of this id"}
    )
    limit = limit_field()


class DeclineSchema(ma.Schema):
    """Why something is declined."""

    reason = Text(load_default="", validate=validate.Length(max=1000))


# --- the staff ------------------------------------------------------------------------------------


@allocations.get("/lists/<slug>/allocation")
@staff_required
@allocations.arguments(DecisionsQuery, location="query", as_kwargs=True)
@allocations.response(200, AllocationSchema)
def show_allocation(slug: str, after: int, limit: int) -> Any:
    """Show how a list is planned or allocated: the run, and its decisions in their order.

    For the staff.
    """
    return _shown(slug, after, limit)


@allocations.post("/lists/<slug>/allocation")
@staff_required
@no_parameters(allocations)
@allocations.arguments(PlanSchema)
@allocations.response(200, AllocationSchema)
def plan_allocation(body: dict[str, Any], slug: str) -> Any:
    """Plan who is given what of a closed list, in the place of an earlier plan.

    For the staff. Nobody is told, and nothing is given before it is confirmed.
    """
    planning.plan(site().db, slug, site().now(), by=g.caller.name, **body)
    return _shown(slug, 0, 50)


@allocations.post("/lists/<slug>/allocation/confirm")
@staff_required
@no_parameters(allocations)
@allocations.arguments(ConfirmSchema)
@allocations.response(200, AllocationSchema)
def confirm_allocation(body: dict[str, Any], slug: str) -> Any:
    """Give what is planned, and tell everybody why.

    For the staff. A confirmation that was interrupted goes on; one that is done stays as it is.
    """
    confirming.confirm(site().db, slug, site().now, by=g.caller.name, plan=body["plan"])
    return _shown(slug, 0, 50)


@allocations.get("/lists/<slug>/allocation/what-if")
@staff_required
@allocations.arguments(PlanSchema, location="query", as_kwargs=True)
@allocations.response(200, WhatIfSchema)
def try_allocation(slug: str, policy: AllocationPolicy | None, seed: str) -> Any:
    """Show what another policy or seed would come to, beside the plan that is kept.

    For the staff. Nothing of it is kept.
    """
    return allocating.what_if(site().db, slug, site().now(), policy=policy, seed=seed)


# --- partners -------------------------------------------------------------------------------------


@allocations.get("/allocations")
@partner_required
@allocations.arguments(OwnQuery, location="query", as_kwargs=True)
@allocations.response(200, page_of(OwnDecisionSchema))
def list_allocations(
    partner: Partner, state: AllocationState | None, before: str, limit: int
) -> Any:
    """List what was decided on your wishes, newest first, each with its reason."""
    rows = accepting.list_own(site().db, partner, state=state, before=before, limit=limit + 1)
    return paged(rows, limit, "before", lambda row: row.id, _decision)


@allocations.get("/allocations/<allocation_id>")
@signed_in
@no_parameters(allocations)
@allocations.response(200, OwnDecisionSchema)
def find_allocation(caller: Caller, allocation_id: str) -> Any:
    """Show one decision, of yours or for the staff anybody's."""
    return _decision(accepting.show(site().db, allocation_id, caller.partner))


@allocations.post("/allocations/<allocation_id>/accept")
@signed_in
@no_parameters(allocations)
@allocations.response(200, OwnDecisionSchema)
def accept_allocation(caller: Caller, allocation_id: str) -> Any:
    """Take what differs from your wish: it is given to you.

    The staff may say so for a partner.
    """
    return _decision(
        accepting.accept(site().db, allocation_id, caller.partner, now=site().now(), by=caller.name)
    )


@allocations.post("/allocations/<allocation_id>/decline")
@signed_in
@no_parameters(allocations)
@allocations.arguments(DeclineSchema)
@allocations.response(200, OwnDecisionSchema)
def decline_allocation(caller: Caller, body: dict[str, Any], allocation_id: str) -> Any:
    """Leave what was allocated to you: it goes to the next in line.

    The staff may say so for a partner.
    """
    return _decision(
        accepting.decline(
            site().db,
            allocation_id,
            caller.partner,
            reason=body["reason"],
            now=site().now(),
            by=caller.name,
        )
    )


# --- how it is shown ------------------------------------------------------------------------------


def _shown(slug: str, after: int, limit: int) -> dict[str, Any]:
    run = allocating.show(site().db, slug).run
    rows = allocating.decisions(site().db, run, after, limit + 1)
    page = paged(rows, limit, "after", lambda row: row.position, _decision)
    if page["next"] is not None:
        # A plan is shown where it was asked for by POST; its next page is had by GET.
        behind = rows[limit - 1].position
        page["next"] = address(".show_allocation", slug=slug, after=behind, limit=limit)
    shown = {name: getattr(run, name) for name in RunSchema().fields if name != "id"}
    return page | {"run": {"id": run.public_id} | shown}


def _decision(row: Decided) -> dict[str, Any]:
    return row._asdict() | {
        "wish_list_url": address("Wish lists.show_wish_list", wish_list_id=row.wish_list),
        "offer": offer_identifier(row.offer),
    }
