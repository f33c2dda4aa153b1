"""Incoming gifts over the API, for the staff: announced, checked piece by piece, accessioned."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, g, request

from marc_mappings.survey import Said
from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.incoming_gift_schemas import (
    AccessionLineSchema,
    AccessionLinesQuery,
    CorrectionSchema,
    CountSchema,
    DayCorrectionSchema,
    FileQuery,
    GiftRecordsQuery,
    IncomingChangeSchema,
    IncomingFileSchema,
    IncomingGiftSchema,
    IncomingGiftsQuery,
    IncomingStepSchema,
    NewIncomingGiftSchema,
    NewPieceSchema,
    PieceChangeSchema,
    PieceDecisionSchema,
    PieceScanSchema,
    PieceSchema,
    ReceivedSchema,
    WholeIncomingGiftSchema,
)
from service.api.parameters import page_of, paged, paged_back
from service.api.resource import Resource, body_of_at_most, no_parameters
from service.api.revisions import IF_MATCH, change_seen, etag
from service.domain import incoming_gift as rules
from service.domain.accession import AccessionLine, Decision, Told
from service.domain.accompanying_file import FILE_FORMS
from service.domain.incoming_gift import IncomingAction, IncomingGift, IncomingState
from service.errors import Invalid, WrongValues
from service.usecases import accessioning, announcing_gifts, checking_pieces, exporting_gifts
from service.usecases.accessioning import Corrected

incoming_gifts = Resource(
    "Incoming gifts",
    "Books that partners give us: announced, received, checked piece by piece, accessioned, "
    "catalogued, displayed. For the staff: cataloguers check and describe, an exchange librarian "
    "announces, corrects and concludes the check, with which a gift is in the balance.",
)

_A = IncomingAction
_STEPS: dict[IncomingAction, Any] = {
    _A.CHECK: accessioning.check,
    _A.ACCESSION: accessioning.give_numbers,
    _A.CATALOGUE: accessioning.catalogue,
    _A.DISPLAY: accessioning.display,
    _A.CANCEL: accessioning.cancel,
}
# What can be said with a step.
_TAKES = {
    _A.CHECK: frozenset({"claim"}),
    _A.ACCESSION: frozenset({"first"}),
    _A.CANCEL: frozenset({"reason"}),
}
_PATHS = ", ".join(each.value for each in _STEPS)
_SHOWN = (
    "partner",
    "partner_name",
    "title",
    "kind",
    "state",
    "source",
    "announced_titles",
    "announced_volumes",
    "announced_at",
    "received_on",
    "checked_at",
    "catalogued_at",
    "displayed_at",
    "acknowledged_at",
    "postage",
    "postage_currency",
    "weight",
    "notes",
    "lines",
    "titles",
    "volumes",
    "declined",
    "missing",
    "undecided",
    "batch",
    "batch_state",
    "revision",
)
_BINARY = {"type": "string", "format": "binary"}
_FILE = {
    "required": True,
    "description": "A table (CSV, .xlsx, .ods) with a row for each title, or MARC in any form.",
    "content": {"*/*": {"schema": _BINARY}},
}


# --- looking --------------------------------------------------------------------------------------


@incoming_gifts.get("/incoming-gifts")
@staff_required
@incoming_gifts.arguments(IncomingGiftsQuery, location="query", as_kwargs=True)
@incoming_gifts.response(200, page_of(IncomingGiftSchema))
def list_incoming_gifts(partner: str, state: list[IncomingState], before: str, limit: int) -> Any:
    """List incoming gifts, newest first.

    For the staff.
    """
    rows = accessioning.list_gifts(
        site().db, code=partner, states=state or list(IncomingState), before=before, limit=limit + 1
    )
    return paged_back(rows, limit, _shown)


@incoming_gifts.get("/incoming-gifts/<gift_id>")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def show_incoming_gift(gift_id: str) -> Any:
    """Show an incoming gift, and what a person should look at.

    For the staff.
    """
    found = _whole(gift_id)
    return found, 200, etag(found["revision"])


@incoming_gifts.get("/incoming-gifts/<gift_id>/lines")
@staff_required
@incoming_gifts.arguments(AccessionLinesQuery, location="query", as_kwargs=True)
@incoming_gifts.response(200, page_of(AccessionLineSchema))
def list_pieces(gift_id: str, after: int, limit: int, decision: list[Decision]) -> Any:
    """List the pieces of an incoming gift, by position.

    For the staff.
    """
    decisions = decision or list(Decision)
    rows = checking_pieces.list_pieces(site().db, gift_id, after, limit + 1, decisions)
    return paged(rows, limit, "after", lambda each: each.position, AccessionLine._asdict)


@incoming_gifts.get("/incoming-gifts/<gift_id>/records")
@staff_required
@incoming_gifts.arguments(GiftRecordsQuery, location="query", as_kwargs=True)
@incoming_gifts.doc(
    responses={
        "200": {
            "description": "The records",
            "content": {form.media_type: {"schema": _BINARY} for form in FILE_FORMS.values()},
        }
    }
)
@incoming_gifts.response(200, _BINARY, content_type="application/marc")
def export_gift_records(
    gift_id: str, to: str, dialect: str, with_source: bool, with_holdings: bool
) -> Any:
    """Export the MARC records of exactly what was accepted, for our own system.

    For the staff. Always in UTF-8. With `541=true` each record says from whom, how and when it
    came, with its accession number; with `852=true` where our copy stands (852 and 876; in KORMARC
    049).
    """
    told = Told(with_source, with_holdings)
    file = exporting_gifts.records(site().db, gift_id, form=to, dialect=dialect, told=told)
    answer = Response(file.body, content_type=file.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return answer


# --- announcing -----------------------------------------------------------------------------------


@incoming_gifts.post("/incoming-gifts")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(NewIncomingGiftSchema)
@incoming_gifts.response(201, WholeIncomingGiftSchema)
def announce_gift(body: dict[str, Any]) -> Any:
    """Enter that a partner announced a gift, by letter or by its list.

    For the staff. With `list` each title that it says is ours is a piece of it, once.
    """
    partner, slug = body.pop("partner"), body.pop("list")
    if bool(partner) == bool(slug):
        raise Invalid("say the partner, or its list", "partner")
    do, name = (
        (announcing_gifts.announce, partner) if partner else (announcing_gifts.announce_list, slug)
    )
    made = do(site().db, name, body, by=g.caller.name, now=site().now())
    shown = _whole(made.public_id)
    return shown, 201, etag(made.revision) | {"Location": shown["url"]}


@incoming_gifts.patch("/incoming-gifts/<gift_id>")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(IncomingChangeSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def change_incoming_gift(body: dict[str, Any], gift_id: str) -> Any:
    """Change what is said of an incoming gift.

    For the staff.
    """
    return _changed(announcing_gifts.change, gift_id, body)


@incoming_gifts.post("/incoming-gifts/<gift_id>/file")
@staff_required
@incoming_gifts.arguments(FileQuery, location="query", as_kwargs=True)
@incoming_gifts.doc(requestBody=_FILE, parameters=[IF_MATCH])
@incoming_gifts.response(200, IncomingFileSchema)
def take_in_gift_file(gift_id: str, file_name: str, encoding: str, dialect: str) -> Any:
    """Read what a partner sent with its gift: a table, or a file of MARC.

    For the staff. Rows of a table are pieces at once; records are when their import is committed.
    Rows that are wrong come back with reasons: mend them, and send them alone.
    """
    limit = site().settings.upload_bytes
    return _changed(
        announcing_gifts.take_in,
        gift_id,
        io.BytesIO(body_of_at_most(limit)),
        request.mimetype,
        file_name=file_name,
        charset=request.mimetype_params.get("charset", ""),
        said=Said(encoding, dialect),
        limit=limit,
        render=_file,
    )


# --- checking -------------------------------------------------------------------------------------


@incoming_gifts.post("/incoming-gifts/<gift_id>/receive")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(ReceivedSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def receive_gift(body: dict[str, Any], gift_id: str) -> Any:
    """Enter that a gift came.

    For the staff.
    """
    return _changed(accessioning.receive, gift_id, body.pop("received_on"), body)


@incoming_gifts.post("/incoming-gifts/<gift_id>/lines")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(NewPieceSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, PieceSchema)
def add_piece(body: dict[str, Any], gift_id: str) -> Any:
    """Add a piece: announced before the gift came, else one that came without a word.

    For the staff.
    """
    record = body.pop("record")
    return _changed(checking_pieces.add_piece, gift_id, body, record=record, render=_piece)


@incoming_gifts.patch("/incoming-gifts/<gift_id>/lines/<int:position>")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(PieceChangeSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, PieceSchema)
def describe_piece(body: dict[str, Any], gift_id: str, position: int) -> Any:
    """Say more of a piece: shelf, translated title, barcode, its number or its record.

    For the staff.
    """
    record = body.pop("record")
    return _changed(checking_pieces.describe, gift_id, position, body, record=record, render=_piece)


@incoming_gifts.delete("/incoming-gifts/<gift_id>/lines/<int:position>")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def take_out_piece(gift_id: str, position: int) -> Any:
    """Take out a piece that was entered wrongly.

    For the staff.
    """
    return _changed(checking_pieces.take_out, gift_id, position)


@incoming_gifts.post("/incoming-gifts/<gift_id>/scan")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(PieceScanSchema)
@incoming_gifts.response(200, PieceSchema)
def scan_piece(body: dict[str, Any], gift_id: str) -> Any:
    """Count one copy more of the piece with this barcode, ISBN or position.

    For the staff. What was not announced is a 404, one copy more than was announced a 409.
    """
    code, damaged = body["code"], body["damaged"]
    return _changed(checking_pieces.scan, gift_id, code, damaged=damaged, render=_piece)


@incoming_gifts.post("/incoming-gifts/<gift_id>/lines/<int:position>/count")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(CountSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, PieceSchema)
def count_piece(body: dict[str, Any], gift_id: str, position: int) -> Any:
    """Enter how many copies of a piece came, the damaged ones among them.

    For the staff.
    """
    received, damaged = body["received"], body["damaged"]
    return _changed(checking_pieces.count, gift_id, position, received, damaged, render=_piece)


@incoming_gifts.post("/incoming-gifts/<gift_id>/count-all")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def count_all_pieces(gift_id: str) -> Any:
    """Enter that all came, undamaged, of which nothing is counted yet.

    For the staff.
    """
    return _changed(checking_pieces.count_all, gift_id)


@incoming_gifts.post("/incoming-gifts/<gift_id>/<any(accept, decline):decision>")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(PieceDecisionSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def decide_on_pieces(body: dict[str, Any], gift_id: str, decision: str) -> Any:
    """Accept pieces, or decline them with a reason.

    For the staff.
    """
    lines, reason = body["lines"], body["reason"]
    if decision == "decline":
        return _changed(checking_pieces.decline, gift_id, lines, reason=reason)
    if reason:
        raise WrongValues([("reason", "this does not belong to accept")])
    return _changed(checking_pieces.accept, gift_id, lines)


@incoming_gifts.post("/incoming-gifts/<gift_id>/lines/<int:position>/correct")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(CorrectionSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, PieceSchema)
def correct_piece(body: dict[str, Any], gift_id: str, position: int) -> Any:
    """Correct a piece that is in the balance: a counter-entry, and the right one.

    For the staff.
    """
    why = body.pop("why")
    return _changed(
        accessioning.correct, gift_id, position, Corrected(**body), why=why, render=_piece
    )


@incoming_gifts.post("/incoming-gifts/<gift_id>/correct-day")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(DayCorrectionSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def correct_day_of_gift(body: dict[str, Any], gift_id: str) -> Any:
    """Correct the day on which a gift came, and with it the year in which it counts.

    For the staff.
    """
    return _changed(accessioning.correct_day, gift_id, body["received_on"], why=body["why"])


@incoming_gifts.post(f"/incoming-gifts/<gift_id>/<any({_PATHS}):action>")
@staff_required
@no_parameters(incoming_gifts)
@incoming_gifts.arguments(IncomingStepSchema)
@incoming_gifts.doc(parameters=[IF_MATCH])
@incoming_gifts.response(200, WholeIncomingGiftSchema)
def move_incoming_gift(body: dict[str, Any], gift_id: str, action: str) -> Any:
    """Conclude the check, give accession numbers, say that it is catalogued or displayed, cancel.

    For the staff. With the check what was accepted is in the balance. What its state forbids is a
    409 that says what is possible.
    """
    step = IncomingAction(action)
    takes = _TAKES.get(step, frozenset())
    if foreign := sorted(name for name, value in body.items() if value and name not in takes):
        raise WrongValues([(name, f"this does not belong to {action}") for name in foreign])
    return _changed(_STEPS[step], gift_id, **{name: body[name] for name in takes})


# --- what is shown --------------------------------------------------------------------------------


def _plain(made: IncomingGift) -> tuple[dict[str, Any], int]:
    return _whole(made.public_id), made.revision


def _piece(made: Any) -> tuple[dict[str, Any], int]:
    shown, revision = _plain(made.gift)
    return {"gift": shown, "line": made.line._asdict()}, revision


def _file(made: Any) -> tuple[dict[str, Any], int]:
    shown, revision = _plain(made.gift)
    rows = {
        name: [each._asdict() for each in getattr(made, name)] for name in ("rejected", "remarks")
    }
    return made._asdict() | rows | {"gift": shown}, revision


def _changed(
    do: Callable[..., Any],
    gift_id: str,
    *given: Any,
    render: Callable[[Any], tuple[dict[str, Any], int]] = _plain,
    **named: Any,
) -> Any:
    def current() -> Mapping[str, Any]:
        found: dict[str, Any] = WholeIncomingGiftSchema().dump(_whole(gift_id))
        return found

    return change_seen(do, gift_id, *given, render=render, current=current, **named)


def _whole(gift_id: str) -> dict[str, Any]:
    found = accessioning.find(site().db, gift_id)
    lines_url = address(".list_pieces", gift_id=found.gift.public_id)
    return _shown(found.gift) | {"lines_url": lines_url, "remarks": found.remarks}


def _shown(found: IncomingGift) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _SHOWN} | {
        "id": found.public_id,
        "url": address(".show_incoming_gift", gift_id=found.public_id),
        "possible": [each.value for each in rules.possible(found.state)],
    }
