"""Selections over the API, and what we hold: a partner's list looked through, for the staff."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from flask import g, request

from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.parameters import page_of, paged, paged_back
from service.api.resource import Resource, body_of_at_most, no_parameters
from service.api.revisions import IF_MATCH, change_seen, etag
from service.api.selection_schemas import (
    HoldingsQuery,
    HoldingsSchema,
    NewSelectionSchema,
    SelectionChoiceSchema,
    SelectionClosedSchema,
    SelectionSchema,
    SelectionSendSchema,
    SelectionSentSchema,
    SelectionsQuery,
    SelectionTitleSchema,
    SelectionTitlesQuery,
    UploadedSchema,
)
from service.domain import selection as rules
from service.domain.selection import Selection, SelectionState, Title
from service.usecases import holding, selecting

selections = Resource(
    "Selections",
    "What partners offer us, looked through by selectors with what we hold beside it; what is "
    "chosen goes back as one wish list. For the staff.",
)

_SHOWN = (
    "list_slug",
    "partner",
    "selector",
    "state",
    "due_on",
    "note",
    "created_at",
    "closed_at",
    "titles",
    "held",
    "chosen",
    "passed_over",
    "revision",
)
_FILE = {
    "required": True,
    "description": "ISBNs and ISSNs as text, CSV, .xlsx or .ods, or our records as MARC.",
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}


# --- looking through a list -----------------------------------------------------------------------


@selections.get("/selections")
@staff_required
@selections.arguments(SelectionsQuery, location="query", as_kwargs=True)
@selections.response(200, page_of(SelectionSchema))
def list_selections(list: str, state: list[SelectionState], before: str, limit: int) -> Any:  # noqa: A002
    """List selections, newest first.

    For the staff.
    """
    states = state or [*SelectionState]
    rows = selecting.list_selections(
        site().db, slug=list, states=states, before=before, limit=limit + 1
    )
    return paged_back(rows, limit, _shown)


@selections.post("/selections")
@staff_required
@no_parameters(selections)
@selections.arguments(NewSelectionSchema)
@selections.response(201, SelectionSchema)
def route_selection(body: dict[str, Any]) -> Any:
    """Route a partner's list to a selector, all of it or by language or place.

    For the staff.
    """
    said: dict[str, Any] = {"languages": (), "places": (), "not_held": False} | body["query"]
    query = rules.query(said["languages"], said["places"], not_held=said["not_held"])
    made = selecting.route(
        site().db,
        body["list"],
        body["selector"],
        query,
        due_on=body["due_on"],
        note=body["note"],
        by=g.caller.name,
        now=site().now(),
    )
    shown = _shown(made)
    return shown, 201, etag(made.revision) | {"Location": shown["url"]}


@selections.get("/selections/<selection_id>")
@staff_required
@no_parameters(selections)
@selections.response(200, SelectionSchema)
def show_selection(selection_id: str) -> Any:
    """Show a selection.

    For the staff.
    """
    found = selecting.find(site().db, selection_id)
    return _shown(found), 200, etag(found.revision)


@selections.get("/selections/<selection_id>/titles")
@staff_required
@selections.arguments(SelectionTitlesQuery, location="query", as_kwargs=True)
@selections.response(200, page_of(SelectionTitleSchema))
def list_selection_titles(selection_id: str, after: str, limit: int, wanted: bool | None) -> Any:
    """List the titles of a selection, each with whether we hold it.

    For the staff.
    """
    rows = selecting.list_titles(site().db, selection_id, after, limit + 1, wanted=wanted)
    return paged(rows, limit, "after", lambda each: each.offer, Title._asdict)


@selections.post("/selections/<selection_id>/choose")
@staff_required
@no_parameters(selections)
@selections.arguments(SelectionChoiceSchema)
@selections.doc(parameters=[IF_MATCH])
@selections.response(200, SelectionSchema)
def choose_titles(body: dict[str, Any], selection_id: str) -> Any:
    """Say of titles that they are wanted, or passed over.

    For the staff. All of them or none.
    """
    return _changed(selecting.choose, selection_id, body.pop("offers"), **body)


@selections.post("/selections/<selection_id>/close")
@staff_required
@no_parameters(selections)
@selections.doc(parameters=[IF_MATCH])
@selections.response(200, SelectionClosedSchema)
def close_selection(selection_id: str) -> Any:
    """Close a selection and note what was chosen as wishes of ours.

    For the staff.
    """

    def render(made: Any) -> tuple[dict[str, Any], int]:
        return made._asdict() | {"selection": _shown(made.selection)}, made.selection.revision

    return _changed(selecting.close, selection_id, render=render)


@selections.post("/selections/<selection_id>/cancel")
@staff_required
@no_parameters(selections)
@selections.doc(parameters=[IF_MATCH])
@selections.response(200, SelectionSchema)
def cancel_selection(selection_id: str) -> Any:
    """Cancel a selection: nothing of it is wished for.

    For the staff.
    """
    return _changed(selecting.cancel, selection_id)


@selections.post("/lists/<slug>/selections/send")
@staff_required
@no_parameters(selections)
@selections.arguments(SelectionSendSchema)
@selections.response(202, SelectionSentSchema)
def send_selections(body: dict[str, Any], slug: str) -> Any:
    """Send what was chosen of a partner's list as one wish list.

    For the staff. A 409 names selectors who are not done.
    """
    made = selecting.send(site().db, slug, unfinished=body["unfinished"], now=site().now())
    return {"wishes": made.wishes, "job": made.job}


# --- what we hold ---------------------------------------------------------------------------------


@selections.get("/holdings")
@staff_required
@no_parameters(selections)
@selections.response(200, HoldingsSchema)
def count_holdings() -> Any:
    """Count what we hold, by kind of identifier.

    For the staff.
    """
    return {"counts": holding.count(site().db)}


@selections.put("/holdings")
@staff_required
@selections.arguments(HoldingsQuery, location="query", as_kwargs=True)
@selections.doc(requestBody=_FILE)
@selections.response(200, UploadedSchema)
def upload_holdings(add: bool) -> Any:
    """Say what we hold: the file takes the place of what was uploaded before, or is added.

    For the staff. A file without a single number changes nothing.
    """
    limit = site().settings.upload_bytes
    made = holding.upload(
        site().db,
        io.BytesIO(body_of_at_most(limit)),
        request.mimetype,
        charset=request.mimetype_params.get("charset", ""),
        replace=not add,
        limit=limit,
        by=g.caller.name,
        now=site().now(),
    )
    return made._asdict() | {"faults": [each._asdict() for each in made.faults]}


# --- what is shown --------------------------------------------------------------------------------


def _plain(made: Selection) -> tuple[dict[str, Any], int]:
    return _shown(made), made.revision


def _changed(
    do: Callable[..., Any],
    selection_id: str,
    *given: Any,
    render: Callable[[Any], tuple[dict[str, Any], int]] = _plain,
    **named: Any,
) -> Any:
    def current() -> Mapping[str, Any]:
        found: dict[str, Any] = SelectionSchema().dump(
            _shown(selecting.find(site().db, selection_id))
        )
        return found

    return change_seen(do, selection_id, *given, render=render, current=current, **named)


def _shown(found: Selection) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _SHOWN} | {
        "id": found.public_id,
        "url": address(".show_selection", selection_id=found.public_id),
        "titles_url": address(".list_selection_titles", selection_id=found.public_id),
        "query": found.query._asdict(),
        "possible": [each.value for each in rules.possible(found.state)],
    }
