"""Direct gifts over the API, for the staff: drafted and filled, approved, packed.

A partner learns of a gift when its consignment is dispatched, and as of any other.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from flask import g, request

from service.api import table_import
from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.gift_schemas import (
    GiftBudgetSchema,
    GiftChangeSchema,
    GiftFilledSchema,
    GiftLineChangeSchema,
    GiftLineSchema,
    GiftLinesQuery,
    GiftMoveSchema,
    GiftPackSchema,
    GiftSchema,
    GiftsQuery,
    GiftTableSchema,
    GiftTakenOutSchema,
    NewGiftSchema,
    TitlesToGiveSchema,
    WholeGiftSchema,
)
from service.api.parameters import page_of, paged, paged_back
from service.api.resource import Resource, body_of_at_most, no_parameters
from service.api.revisions import IF_MATCH, change_seen, etag
from service.domain import gift as rules
from service.domain.gift import Gift, GiftAction, GiftLine, GiftState
from service.errors import WrongValues
from service.usecases import filling_gifts, presenting
from service.usecases.filling_gifts import Chosen

gifts = Resource(
    "Direct gifts",
    "Books chosen and sent to a partner without a list and without a wish. For the staff: a "
    "cataloguer drafts and fills, an exchange librarian enters the approval and packs.",
)

_TABLE = table_import.body(
    "The books: one row for each under a row of headings, the title among them."
)
_A = GiftAction
_STEPS: dict[GiftAction, Any] = {
    _A.SUBMIT: presenting.submit,
    _A.APPROVE: presenting.approve,
    _A.REJECT: presenting.reject,
    _A.REVISE: presenting.revise,
    _A.CANCEL: presenting.cancel,
}
# What can be said with a step.
_TAKES = {
    _A.APPROVE: frozenset({"approver", "reason"}),
    _A.REJECT: frozenset({"reason"}),
    _A.CANCEL: frozenset({"reason"}),
}
_PATHS = ", ".join(each.value for each in _STEPS)
_SHOWN = (
    "partner",
    "partner_name",
    "title",
    "kind",
    "state",
    "titles",
    "volumes",
    "budget_line",
    "cost",
    "cost_of_lines",
    "currency",
    "requested_by",
    "requested_at",
    "approved_by",
    "approved_at",
    "reason",
    "notes",
    "created_at",
    "revision",
    "batch",
)


# --- looking --------------------------------------------------------------------------------------


@gifts.get("/gifts")
@staff_required
@gifts.arguments(GiftsQuery, location="query", as_kwargs=True)
@gifts.response(200, page_of(GiftSchema))
def list_gifts(partner: str, state: list[GiftState], before: str, limit: int) -> Any:
    """List direct gifts, newest first.

    For the staff.
    """
    rows = presenting.list_gifts(
        site().db, code=partner, states=state or list(GiftState), before=before, limit=limit + 1
    )
    return paged_back(rows, limit, _shown)


@gifts.get("/gifts/<gift_id>")
@staff_required
@no_parameters(gifts)
@gifts.response(200, WholeGiftSchema)
def show_gift(gift_id: str) -> Any:
    """Show a direct gift with its consignments, and what a person should look at.

    For the staff.
    """
    found = _whole(gift_id)
    return found, 200, etag(found["revision"])


@gifts.get("/gifts/<gift_id>/lines")
@staff_required
@gifts.arguments(GiftLinesQuery, location="query", as_kwargs=True)
@gifts.response(200, page_of(GiftLineSchema))
def list_gift_lines(gift_id: str, after: int, limit: int) -> Any:
    """List the titles of a gift, by position.

    For the staff.
    """
    rows = presenting.lines(site().db, gift_id, after, limit + 1)
    return paged(rows, limit, "after", lambda each: each.position, GiftLine._asdict)


# --- drafting and filling -------------------------------------------------------------------------


@gifts.post("/gifts")
@staff_required
@no_parameters(gifts)
@gifts.arguments(NewGiftSchema)
@gifts.response(201, WholeGiftSchema)
def draft_gift(body: dict[str, Any]) -> Any:
    """Draft a gift for a partner.

    For the staff.
    """
    made = presenting.draft(
        site().db, body.pop("partner"), body, by=g.caller.name, now=site().now()
    )
    shown = _whole(made.public_id)
    return shown, 201, etag(made.revision) | {"Location": shown["url"]}


@gifts.patch("/gifts/<gift_id>")
@staff_required
@no_parameters(gifts)
@gifts.arguments(GiftChangeSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, WholeGiftSchema)
def change_gift(body: dict[str, Any], gift_id: str) -> Any:
    """Change title, kind or notes of a draft.

    For the staff.
    """
    return _changed(presenting.change, gift_id, body)


@gifts.post("/gifts/<gift_id>/lines")
@staff_required
@no_parameters(gifts)
@gifts.arguments(TitlesToGiveSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, GiftFilledSchema)
def add_gift_lines(body: dict[str, Any], gift_id: str) -> Any:
    """Add titles to a draft: of a committed import, or records and offers.

    For the staff. What is in it already is counted, and not added once more.
    """
    return _changed(filling_gifts.add, gift_id, Chosen(**body), render=_filled)


@gifts.post("/gifts/<gift_id>/table")
@staff_required
@no_parameters(gifts)
@gifts.doc(requestBody=_TABLE, parameters=[IF_MATCH])
@gifts.response(200, GiftTableSchema)
def fill_gift(gift_id: str) -> Any:
    """Read a table of books into a draft, in place of the table read before.

    For the staff. Rows that are wrong come back with reasons; the others are catalogued by an
    import, and in the gift at once.
    """
    return _changed(
        filling_gifts.take_in,
        gift_id,
        io.BytesIO(body_of_at_most(table_import.OCTETS)),
        request.mimetype,
        charset=request.mimetype_params.get("charset", ""),
        limit=table_import.OCTETS,
        render=_table,
    )


@gifts.patch("/gifts/<gift_id>/lines/<int:position>")
@staff_required
@no_parameters(gifts)
@gifts.arguments(GiftLineChangeSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, WholeGiftSchema)
def change_gift_line(body: dict[str, Any], gift_id: str, position: int) -> Any:
    """Change copies, volumes or cost of a title of a draft.

    For the staff.
    """
    return _changed(filling_gifts.change_line, gift_id, position, body)


@gifts.post("/gifts/<gift_id>/take-out")
@staff_required
@no_parameters(gifts)
@gifts.arguments(GiftTakenOutSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, WholeGiftSchema)
def take_out_gift_lines(body: dict[str, Any], gift_id: str) -> Any:
    """Take titles out of a draft.

    For the staff.
    """
    return _changed(filling_gifts.take_out, gift_id, body["lines"])


# --- approval and what follows --------------------------------------------------------------------


@gifts.patch("/gifts/<gift_id>/budget")
@staff_required
@no_parameters(gifts)
@gifts.arguments(GiftBudgetSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, WholeGiftSchema)
def cost_gift(body: dict[str, Any], gift_id: str) -> Any:
    """Enter budget line and purchase cost, until the gift is packed.

    For the staff.
    """
    return _changed(presenting.cost, gift_id, body)


@gifts.post("/gifts/<gift_id>/pack")
@staff_required
@no_parameters(gifts)
@gifts.arguments(GiftPackSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, WholeGiftSchema)
def pack_gift(body: dict[str, Any], gift_id: str) -> Any:
    """Make a consignment of an approved gift; it is packed and dispatched as any other.

    For the staff.
    """
    return _changed(presenting.pack, gift_id, **body)


@gifts.post(f"/gifts/<gift_id>/<any({_PATHS}):action>")
@staff_required
@no_parameters(gifts)
@gifts.arguments(GiftMoveSchema)
@gifts.doc(parameters=[IF_MATCH])
@gifts.response(200, WholeGiftSchema)
def move_gift(body: dict[str, Any], gift_id: str, action: str) -> Any:
    """Submit a gift, enter its approval or its rejection, revise or cancel it.

    For the staff. What its state forbids is a 409 that says what is possible.
    """
    step = GiftAction(action)
    takes = _TAKES.get(step, frozenset())
    if foreign := sorted(name for name, value in body.items() if value and name not in takes):
        raise WrongValues([(name, f"this does not belong to {action}") for name in foreign])
    return _changed(_STEPS[step], gift_id, **{name: body[name] for name in takes})


# --- what is shown --------------------------------------------------------------------------------


def _plain(made: Gift) -> tuple[dict[str, Any], int]:
    return _whole(made.public_id), made.revision


def _filled(made: Any) -> tuple[dict[str, Any], int]:
    return made._asdict() | {"gift": _whole(made.gift.public_id)}, made.gift.revision


def _table(made: Any) -> tuple[dict[str, Any], int]:
    rows = {
        name: [each._asdict() for each in getattr(made, name)] for name in ("rejected", "remarks")
    }
    answer, revision = _filled(made)
    return answer | rows, revision


def _changed(
    do: Callable[..., Any],
    gift_id: str,
    *given: Any,
    render: Callable[[Any], tuple[dict[str, Any], int]] = _plain,
    **named: Any,
) -> Any:
    def current() -> Mapping[str, Any]:
        found: dict[str, Any] = WholeGiftSchema().dump(_whole(gift_id))
        return found

    return change_seen(do, gift_id, *given, render=render, current=current, **named)


def _whole(gift_id: str) -> dict[str, Any]:
    found = presenting.find(site().db, gift_id)
    lines_url = address(".list_gift_lines", gift_id=found.gift.public_id)
    return _shown(found.gift) | {"lines_url": lines_url, "remarks": found.remarks}


def _shown(found: Gift) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _SHOWN} | {
        "id": found.public_id,
        "url": address(".show_gift", gift_id=found.public_id),
        "consignments": [
            each._asdict()
            | {"url": address("Consignments.show_consignment", consignment_id=each.number)}
            for each in found.consignments
        ],
        "possible": [each.value for each in rules.possible(found.state)],
    }
