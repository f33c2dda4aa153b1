"""Receipts over the API: a partner says what arrived, the staff enters what it learnt otherwise."""

from __future__ import annotations

from typing import Any

from flask import g, request

from service.api.addresses import site
from service.api.authentication import signed_in, staff_required
from service.api.claims import shown
from service.api.receipt_schemas import NewReceiptSchema, ReceiptLinkSchema, ReceiptSchema
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, changed, etag, expected
from service.domain.receipt import Arrival, Said
from service.errors import NotFound, WrongValues
from service.usecases import packing, receiving
from service.usecases.receiving import Slip
from service.usecases.signing_in import Caller

receipts = Resource(
    "Receipts",
    "What arrived of a consignment: complete, short or damaged. Without an account, the link on "
    "the packing slip says the same.",
)


@receipts.get("/consignments/<consignment_id>/receipt")
@signed_in
@no_parameters(receipts)
@receipts.response(200, ReceiptSchema)
def show_receipt(caller: Caller, consignment_id: str) -> Any:
    """Show what was said to have arrived; 404 before anybody said so."""
    found = receiving.find(site().db, consignment_id, caller.partner)
    return _answer(found, caller)


@receipts.post("/consignments/<consignment_id>/receipt")
@signed_in
@no_parameters(receipts)
@receipts.arguments(NewReceiptSchema)
@receipts.alt_response(200, schema=ReceiptSchema, description="The same was said before")
@receipts.response(201, ReceiptSchema)
def enter_receipt(caller: Caller, body: dict[str, Any], consignment_id: str) -> Any:
    """Say what arrived; lines that are not named arrived whole. `{}` is: everything arrived.

    The same body again is answered 200 with the same receipt, another one 409. What is short or
    damaged opens a claim for each line. The staff says how it was learnt (`reason`).
    """
    reason = body.pop("reason")
    if reason and caller.partner is not None:
        raise WrongValues([("reason", "this is for the staff; put it into the note")])
    made = receiving.receive(
        site().db,
        consignment_id,
        _said(body),
        partner=caller.partner,
        reason=reason,
        by=caller.name,
        now=site().now(),
    )
    told, status, headers = _answer(made.slip, caller)
    return told, 201 if made.new else status, headers


@receipts.put("/consignments/<consignment_id>/receipt")
@staff_required
@no_parameters(receipts)
@receipts.arguments(NewReceiptSchema)
@receipts.doc(parameters=[IF_MATCH])
@receipts.response(200, ReceiptSchema)
def correct_receipt(body: dict[str, Any], consignment_id: str) -> Any:
    """Correct a receipt, with a reason; the claims follow it.

    For the staff. `If-Match` is the ETag of the receipt, which is that of its consignment.
    """
    reason = body.pop("reason")
    return changed(
        lambda: _answer(
            receiving.correct(
                site().db,
                consignment_id,
                _said(body),
                reason=reason,
                seen=expected(),
                by=g.caller.name,
                now=site().now(),
            ),
            g.caller,
        ),
        lambda: ReceiptSchema().dump(_shown(receiving.find(site().db, consignment_id), g.caller)),
        request.get_json(),
    )


@receipts.get("/consignments/<consignment_id>/receipt-link")
@staff_required
@no_parameters(receipts)
@receipts.response(200, ReceiptLinkSchema)
def show_receipt_link(consignment_id: str) -> Any:
    """Show the link that stands on the packing slip.

    For the staff: whoever has it may say what arrived.
    """
    found = packing.find(site().db, consignment_id).consignment
    return {"url": receiving.link(site().settings, found.public_id)}


def _said(body: dict[str, Any]) -> Said:
    return Said(**body | {"lines": tuple(Arrival(**line) for line in body["lines"])})


def _answer(found: Slip, caller: Caller) -> tuple[dict[str, Any], int, dict[str, str]]:
    return _shown(found, caller), 200, etag(found.consignment.revision)


def _shown(found: Slip, caller: Caller) -> dict[str, Any]:
    if found.receipt is None:
        raise NotFound(f"nobody confirmed consignment {found.consignment.number} yet")
    receipt, sent = found.receipt, {line.position: line for line in found.lines}
    return {
        "consignment": found.consignment.public_id,
        "number": found.consignment.number,
        "state": found.consignment.state,
        "outcome": receipt.outcome,
        "received_on": receipt.received_on,
        "channel": receipt.channel,
        "received_by": receipt.received_by,
        "note": receipt.note,
        "created_at": receipt.created_at,
        "lines": [
            each._asdict()
            | {"title": sent[each.position].title, "sent": sent[each.position].copies}
            for each in receipt.lines
        ],
        "claims": [shown(each, caller) for each in found.claims],
    }
