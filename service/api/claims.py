"""Claims over the API: a partner opens its own and answers ours; the staff answers and settles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import g

from service.api.addresses import address, site
from service.api.authentication import signed_in, staff_required
from service.api.claim_schemas import (
    ClaimResolutionSchema,
    ClaimSchema,
    ClaimSendSchema,
    ClaimsQuery,
    ClaimTextSchema,
    NewClaimSchema,
)
from service.api.parameters import page_of, paged_back
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, change_seen, etag
from service.domain.claim import Claim, ClaimSide, ClaimState, next_step, possible
from service.usecases import claiming, settling
from service.usecases.signing_in import Caller

claims = Resource(
    "Claims",
    "What did not arrive, came short, damaged or wrong: a partner's claims on what we sent, and "
    "ours on what it sent, with what became of them. A receipt opens claims by itself.",
)

_SHOWN = (
    "partner",
    "partner_name",
    "side",
    "state",
    "reason",
    "resolution",
    "title",
    "copies",
    "text",
    "answer",
    "opened_at",
    "sent_at",
    "answered_at",
    "closed_at",
    "revision",
)


@claims.get("/claims")
@signed_in
@claims.arguments(ClaimsQuery, location="query", as_kwargs=True)
@claims.response(200, page_of(ClaimSchema))
def list_claims(
    caller: Caller,
    partner: str,
    side: ClaimSide | None,
    state: list[ClaimState],
    due: bool,
    before: str,
    limit: int,
) -> Any:
    """List claims, newest first: for a partner its own, and ours that were sent to it."""
    rows = claiming.list_claims(
        site().db,
        partner=caller.partner,
        code=partner,
        side=side,
        states=state or list(ClaimState),
        due=site().now() if due else None,
        before=before,
        limit=limit + 1,
    )
    return paged_back(rows, limit, lambda each: shown(each, caller))


@claims.get("/claims/<claim_id>")
@signed_in
@no_parameters(claims)
@claims.response(200, ClaimSchema)
def show_claim(caller: Caller, claim_id: str) -> Any:
    """Show a claim."""
    return _answer(claiming.find(site().db, claim_id, caller.partner), caller)


@claims.post("/claims")
@signed_in
@no_parameters(claims)
@claims.arguments(NewClaimSchema)
@claims.response(201, ClaimSchema)
def open_claim(caller: Caller, body: dict[str, Any]) -> Any:
    """Claim that a consignment, or copies of a line, did not arrive as it should.

    A partner of its own; the staff enters what a partner said. What was confirmed as short or
    damaged is a claim already.
    """
    made = claiming.open_on_consignment(
        site().db,
        body["consignment"],
        body["reason"],
        position=body["line"],
        copies=body["copies"],
        text=body["text"],
        partner=caller.partner,
        by=caller.name,
        now=site().now(),
    )
    told, _, headers = _answer(made, caller)
    return told, 201, headers | {"Location": told["url"]}


@claims.post("/claims/<claim_id>/answer")
@signed_in
@no_parameters(claims)
@claims.arguments(ClaimTextSchema)
@claims.doc(parameters=[IF_MATCH])
@claims.response(200, ClaimSchema)
def answer_claim(caller: Caller, body: dict[str, Any], claim_id: str) -> Any:
    """Answer a claim: a partner ours, the staff a partner's, or what came by letter."""
    return _changed(claiming.answer, claim_id, caller, body["text"], partner=caller.partner)


@claims.post("/claims/<claim_id>/send")
@staff_required
@no_parameters(claims)
@claims.arguments(ClaimSendSchema)
@claims.doc(parameters=[IF_MATCH])
@claims.response(200, ClaimSchema)
def send_claim(body: dict[str, Any], claim_id: str) -> Any:
    """Send a claim of ours to its partner, or send it again.

    For the staff. The partner is told.
    """
    return _changed(claiming.send, claim_id, g.caller, **body)


@claims.post("/claims/<claim_id>/resolve")
@staff_required
@no_parameters(claims)
@claims.arguments(ClaimResolutionSchema)
@claims.doc(parameters=[IF_MATCH])
@claims.response(200, ClaimSchema)
def resolve_claim(body: dict[str, Any], claim_id: str) -> Any:
    """Settle a claim: the copies are sent again, credited, written off, or were there.

    For the staff. What is sent again counts once in the balance.
    """
    return _changed(settling.resolve, claim_id, g.caller, **body)


@claims.post("/claims/<claim_id>/close")
@staff_required
@no_parameters(claims)
@claims.arguments(ClaimTextSchema)
@claims.doc(parameters=[IF_MATCH])
@claims.response(200, ClaimSchema)
def close_claim(body: dict[str, Any], claim_id: str) -> Any:
    """Close a claim of which nothing came; the text says why.

    For the staff.
    """
    return _changed(claiming.close, claim_id, g.caller, body["text"])


@claims.post("/claims/<claim_id>/reopen")
@staff_required
@no_parameters(claims)
@claims.arguments(ClaimTextSchema)
@claims.doc(parameters=[IF_MATCH])
@claims.response(200, ClaimSchema)
def reopen_claim(body: dict[str, Any], claim_id: str) -> Any:
    """Open a claim again that was settled wrongly; the balance is then as before.

    For the staff.
    """
    return _changed(settling.reopen, claim_id, g.caller, body["text"])


# --- what is shown --------------------------------------------------------------------------------


def _changed(
    do: Callable[..., Any], claim_id: str, caller: Caller, *given: Any, **named: Any
) -> Any:
    def current() -> Mapping[str, Any]:
        found = claiming.find(site().db, claim_id, caller.partner)
        now: dict[str, Any] = ClaimSchema().dump(shown(found, caller))
        return now

    def render(made: Claim) -> tuple[dict[str, Any], int]:
        return shown(made, caller), made.revision

    return change_seen(do, claim_id, *given, render=render, current=current, **named)


def _answer(found: Claim, caller: Caller) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown(found, caller), 200, etag(found.revision)


def shown(found: Claim, caller: Caller) -> dict[str, Any]:
    """Return a claim as a caller sees it; what is next is for the staff."""
    told: dict[str, Any] = {name: getattr(found, name) for name in _SHOWN}
    told |= {
        "id": found.public_id,
        "url": address("Claims.show_claim", claim_id=found.public_id),
        "consignment": found.consignment_number or None,
        "incoming_gift": found.incoming_gift or None,
        "serial": found.serial or None,
        "issue": found.about.issue,
        "line": found.about.position,
        "resent": found.resent_number or None,
    }
    if caller.partner is None:
        told |= {
            "due_at": found.due_at,
            "next_step": next_step(found.side, found.state),
            "possible": [each.value for each in possible(found.side, found.state)],
        }
    return told
