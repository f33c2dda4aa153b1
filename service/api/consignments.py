"""Consignments: made, packed and dispatched by the staff; a partner sees its own once they left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, g, request

from service.api import consignment_view as view
from service.api.addresses import site
from service.api.authentication import signed_in, staff_required
from service.api.consignment_schemas import (
    BarcodeSchema,
    ConsignmentChangeSchema,
    ConsignmentLineSchema,
    ConsignmentLinesQuery,
    ConsignmentMoveSchema,
    ConsignmentSchema,
    ConsignmentsQuery,
    DispatchCorrectionSchema,
    DispatchSchema,
    LinesToPackSchema,
    ListsToPackSchema,
    NewConsignmentSchema,
    PackingProposalSchema,
    ParcelChangeSchema,
    RecordsQuery,
    ScanSchema,
    SplitQuery,
    SplitSchema,
    TakenOutSchema,
    WaitingToTravelSchema,
    WholeConsignmentSchema,
)
from service.api.parameters import page_of, paged, paged_back
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, change_seen, changed, etag, expected
from service.domain.accompanying_file import FILE_FORMS, Wanted
from service.domain.consignment import Consignment, ConsignmentAction, ConsignmentState
from service.errors import WrongValues
from service.usecases import accompanying, dispatching, packing, parcelling
from service.usecases.dispatching import Posting
from service.usecases.parcelling import Wish
from service.usecases.signing_in import Caller

consignments = Resource(
    "Consignments",
    "Books that travel to a partner together. The staff makes, packs and dispatches them; a "
    "partner sees its own, their packing lists and their records once they are dispatched.",
)

_A = ConsignmentAction
_STEPS: dict[ConsignmentAction, Any] = {
    _A.PACK: packing.pack,
    _A.UNPACK: packing.unpack,
    _A.CANCEL: packing.cancel,
    _A.STOP: partial(dispatching.note, action=_A.STOP),
    _A.DELIVER: partial(dispatching.note, action=_A.DELIVER),
    _A.RETURN: dispatching.come_back,
    _A.LOSE: dispatching.lose,
}
# A word of one piece needs no quotes in a rule; one with a hyphen does.
_PATHS = ", ".join(each.value if each.value.isidentifier() else repr(each.value) for each in _STEPS)


# --- looking --------------------------------------------------------------------------------------


@consignments.get("/consignments")
@signed_in
@consignments.arguments(ConsignmentsQuery, location="query", as_kwargs=True)
@consignments.response(200, page_of(ConsignmentSchema))
def list_consignments(
    caller: Caller, partner: str, state: list[ConsignmentState], before: str, limit: int
) -> Any:
    """List consignments, newest first: for a partner its own that were dispatched."""
    rows = packing.list_consignments(
        site().db,
        partner=caller.partner,
        code=partner,
        states=state or list(ConsignmentState),
        before=before,
        limit=limit + 1,
    )
    return paged_back(rows, limit, lambda each: view.shown(each, caller))


@consignments.get("/consignments/waiting")
@staff_required
@no_parameters(consignments)
@consignments.response(200, WaitingToTravelSchema(many=True))
def list_waiting() -> Any:
    """List the partners to whom something was given that is in no consignment.

    For the staff.
    """
    return [each._asdict() for each in packing.waiting(site().db)]


@consignments.get("/consignments/<consignment_id>")
@signed_in
@no_parameters(consignments)
@consignments.response(200, WholeConsignmentSchema)
def show_consignment(caller: Caller, consignment_id: str) -> Any:
    """Show a consignment with its parcels, by its id or its number."""
    found = packing.find(site().db, consignment_id, caller.partner)
    return view.whole(found, caller), 200, etag(found.consignment.revision)


@consignments.get("/consignments/<consignment_id>/lines")
@signed_in
@consignments.arguments(ConsignmentLinesQuery, location="query", as_kwargs=True)
@consignments.response(200, page_of(ConsignmentLineSchema))
def list_consignment_lines(caller: Caller, consignment_id: str, after: int, limit: int) -> Any:
    """List the lines of the packing list, by position."""
    found = packing.find(site().db, consignment_id, caller.partner)
    rows = [line for line in found.lines if line.position > after][: limit + 1]
    return paged(rows, limit, "after", lambda each: each.position, view.line)


@consignments.get("/consignments/<consignment_id>/records")
@signed_in
@consignments.arguments(RecordsQuery, location="query", as_kwargs=True)
@consignments.doc(
    responses={
        "200": {
            "description": "The records",
            "content": {
                form.media_type: {"schema": {"type": "string", "format": "binary"}}
                for form in FILE_FORMS.values()
            },
        }
    }
)
@consignments.response(200, {"type": "string", "format": "binary"}, content_type="application/marc")
def send_records(
    caller: Caller, consignment_id: str, to: str, dialect: str, with_source: bool
) -> Any:
    """Send the MARC records of exactly these books.

    In the dialect of the partner's system unless another is asked for, always in UTF-8. With
    `541=true` each record says from whom the copy came.
    """
    file = accompanying.records(
        site().db,
        site().settings,
        consignment_id,
        Wanted(to, dialect, with_source),
        caller.partner,
    )
    answer = Response(file.body, content_type=file.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return answer


# --- making and packing ---------------------------------------------------------------------------


@consignments.post("/consignments")
@staff_required
@no_parameters(consignments)
@consignments.arguments(NewConsignmentSchema)
@consignments.response(201, WholeConsignmentSchema)
def make_consignment(body: dict[str, Any]) -> Any:
    """Make a consignment of all that a partner was given and that is in none yet.

    For the staff. What is on several lists may travel together.
    """
    made = packing.make_for(
        site().db,
        body.pop("partner"),
        body.pop("lists"),
        **body,
        by=g.caller.name,
        now=site().now(),
    )
    shown, _, headers = _answer(made)
    return shown, 201, headers | {"Location": shown["url"]}


@consignments.patch("/consignments/<consignment_id>")
@staff_required
@no_parameters(consignments)
@consignments.arguments(ConsignmentChangeSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def change_consignment(body: dict[str, Any], consignment_id: str) -> Any:
    """Change what is said of a consignment; once it left, only what is known later.

    For the staff. With `If-Match` only the version that you looked at is changed.
    """
    return _changed(packing.change, consignment_id, body)


@consignments.post("/consignments/<consignment_id>/lines")
@staff_required
@no_parameters(consignments)
@consignments.arguments(ListsToPackSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def add_consignment_lines(body: dict[str, Any], consignment_id: str) -> Any:
    """Put what waits for the partner by now into a draft, too.

    For the staff.
    """
    return _changed(packing.add_waiting, consignment_id, body["lists"])


@consignments.post("/consignments/<consignment_id>/take-out")
@staff_required
@no_parameters(consignments)
@consignments.arguments(TakenOutSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def take_out_lines(body: dict[str, Any], consignment_id: str) -> Any:
    """Take lines out of a draft: their copies wait for a later consignment.

    For the staff.
    """
    return _changed(packing.take_out, consignment_id, body["lines"], reason=body["reason"])


@consignments.patch("/consignments/<consignment_id>/lines/<int:position>")
@staff_required
@no_parameters(consignments)
@consignments.arguments(BarcodeSchema)
@consignments.response(200, WholeConsignmentSchema)
def label_consignment_line(body: dict[str, Any], consignment_id: str, position: int) -> Any:
    """Give a line the barcode that is on its book.

    For the staff.
    """
    return _answer(
        parcelling.label(
            site().db, consignment_id, position, body["barcode"], by=g.caller.name, now=site().now()
        )
    )


@consignments.post("/consignments/<consignment_id>/tick")
@staff_required
@no_parameters(consignments)
@consignments.arguments(LinesToPackSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def tick_lines(body: dict[str, Any], consignment_id: str) -> Any:
    """Put lines into a parcel: those named, or all.

    For the staff.
    """
    return _changed(parcelling.tick, consignment_id, body["lines"], body["parcel"])


@consignments.post("/consignments/<consignment_id>/untick")
@staff_required
@no_parameters(consignments)
@consignments.arguments(LinesToPackSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def untick_lines(body: dict[str, Any], consignment_id: str) -> Any:
    """Take lines out of their parcels: those named, or all.

    For the staff.
    """
    return _changed(parcelling.untick, consignment_id, body["lines"])


@consignments.post("/consignments/<consignment_id>/scan")
@staff_required
@no_parameters(consignments)
@consignments.arguments(ScanSchema)
@consignments.response(200, ConsignmentLineSchema)
def scan_book(body: dict[str, Any], consignment_id: str) -> Any:
    """Put the line that a barcode or an ISBN names into a parcel, and answer with it.

    For the staff. What is not known here is a 404 that says where the book may belong.
    """
    code, parcel = body["barcode"], body["parcel"]
    return view.line(
        parcelling.scan(site().db, consignment_id, code, parcel, by=g.caller.name, now=site().now())
    )


# --- parcels --------------------------------------------------------------------------------------


def _wish(given: dict[str, Any]) -> Wish:
    """Return how parcels are wanted; by the site's own operator unless another is named."""
    return Wish(**{**given, "operator": parcelling.operator(site().settings, given["operator"])})


@consignments.get("/consignments/<consignment_id>/proposal")
@staff_required
@consignments.arguments(SplitQuery, location="query", as_kwargs=True)
@consignments.response(200, PackingProposalSchema)
def propose_parcels(consignment_id: str, **wish: Any) -> Any:
    """Propose parcels by estimated weight and an operator's limits; nothing is kept.

    For the staff.
    """
    return view.proposal(parcelling.propose(site().db, consignment_id, _wish(wish)))


@consignments.post("/consignments/<consignment_id>/split")
@staff_required
@no_parameters(consignments)
@consignments.arguments(SplitSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, PackingProposalSchema)
def split_consignment(body: dict[str, Any], consignment_id: str) -> Any:
    """Assign every line of a draft to a parcel as proposed.

    For the staff.
    """
    return changed(
        lambda: view.proposal(
            parcelling.split(
                site().db,
                consignment_id,
                _wish(body),
                seen=expected(),
                by=g.caller.name,
                now=site().now(),
            )
        ),
        lambda: _current(consignment_id),
        request.get_json(),
    )


@consignments.patch("/consignments/<consignment_id>/parcels/<int:number>")
@staff_required
@no_parameters(consignments)
@consignments.arguments(ParcelChangeSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def describe_parcel(body: dict[str, Any], consignment_id: str, number: int) -> Any:
    """Say what a parcel is, weighs and how it is tracked; in a draft it is made if need be.

    For the staff. A tracking number may come after the dispatch.
    """
    return _changed(parcelling.describe, consignment_id, number, **body)


@consignments.delete("/consignments/<consignment_id>/parcels/<int:number>")
@staff_required
@no_parameters(consignments)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def remove_parcel(consignment_id: str, number: int) -> Any:
    """Remove a parcel of a draft; its lines are in none then.

    For the staff.
    """
    return _changed(parcelling.remove, consignment_id, number)


# --- leaving, and what comes after ----------------------------------------------------------------


@consignments.post("/consignments/<consignment_id>/dispatch")
@staff_required
@no_parameters(consignments)
@consignments.arguments(DispatchSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def dispatch_consignment(body: dict[str, Any], consignment_id: str) -> Any:
    """Dispatch a packed consignment: with its entry in the balance, or not at all.

    For the staff. Its partner is told.
    """
    posting = Posting(body.pop("dispatched_on"), body.pop("tracking"), body)
    return _changed(dispatching.dispatch, consignment_id, posting)


@consignments.post("/consignments/<consignment_id>/correct")
@staff_required
@no_parameters(consignments)
@consignments.arguments(DispatchCorrectionSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def correct_consignment(body: dict[str, Any], consignment_id: str) -> Any:
    """Correct a dispatch that was entered wrongly: as a whole, or lines that did not travel.

    For the staff. The balance keeps what was written, and an entry against it.
    """
    return _changed(dispatching.correct, consignment_id, body.pop("lines"), **body)


@consignments.post(f"/consignments/<consignment_id>/<any({_PATHS}):action>")
@staff_required
@no_parameters(consignments)
@consignments.arguments(ConsignmentMoveSchema)
@consignments.doc(parameters=[IF_MATCH])
@consignments.response(200, WholeConsignmentSchema)
def move_consignment(body: dict[str, Any], consignment_id: str, action: str) -> Any:
    """Move a consignment on: pack, unpack or cancel it; stopped at the customs, delivered; back.

    For the staff. What its state forbids is a 409 that says what is possible.
    """
    step = ConsignmentAction(action)
    takes = _TAKES.get(step, frozenset())
    if foreign := sorted(name for name, value in body.items() if value and name not in takes):
        raise WrongValues([(name, f"this does not belong to {action}") for name in foreign])
    return _changed(_STEPS[step], consignment_id, **{name: body[name] for name in takes})


# What can be said with a step.
_TAKES = {
    _A.CANCEL: frozenset({"reason"}),
    _A.RETURN: frozenset({"reason", "on"}),
    _A.LOSE: frozenset({"reason", "on"}),
}


# --- what is shown --------------------------------------------------------------------------------


def _changed(do: Callable[..., Any], consignment_id: str, *given: Any, **named: Any) -> Any:
    return change_seen(
        do,
        consignment_id,
        *given,
        render=_made,
        current=lambda: _current(consignment_id),
        **named,
    )


def _made(made: Consignment) -> tuple[dict[str, Any], int]:
    found = packing.find(site().db, made.public_id)
    return view.whole(found, g.caller), found.consignment.revision


def _answer(made: Consignment) -> tuple[dict[str, Any], int, dict[str, str]]:
    shown, revision = _made(made)
    return shown, 200, etag(revision)


def _current(name: str) -> dict[str, Any]:
    found = packing.find(site().db, name)
    shown: dict[str, Any] = WholeConsignmentSchema().dump(view.whole(found, g.caller))
    return shown
