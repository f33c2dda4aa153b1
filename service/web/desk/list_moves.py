"""The moves of an offer list: each is asked once more, with what will happen, before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    url_for,
)
from flask.typing import ResponseReturnValue

from service.domain import list_terms
from service.domain.offer import INDIRECT, ListAction, OfferList, possible
from service.errors import Conflict, Invalid
from service.usecases import offering, overlooking_lists
from service.usecases.site import Site
from service.web import forms
from service.web.desk.list_words import MOVES
from service.web.guarding import caller, needs

pages = Blueprint("moves", __name__)

_ACTIONS: Final = ",".join(each.value for each in ListAction if each not in INDIRECT)


@pages.get(f"/<slug>/<any({_ACTIONS}):action>")
@needs("change_list")
def ask(slug: str, action: str) -> ResponseReturnValue:
    """Ask once more before a list is moved, and say what will happen."""
    return _ask(slug, ListAction(action), {})


@pages.post(f"/<slug>/<any({_ACTIONS}):action>")
@needs("change_list")
def move(slug: str, action: str) -> ResponseReturnValue:
    """Approve, open, close, archive or withdraw a list."""
    site, asked, reason = _site(), ListAction(action), forms.text("reason")
    try:
        offering.change_list(
            site.db,
            slug,
            asked,
            site.now(),
            seen=forms.number("revision"),
            override=bool(reason),
            reason=reason,
            by=caller().name,
        )
    except Conflict as error:
        return _ask(slug, asked, {"": error.detail}, 409)
    except Invalid as error:
        return _ask(slug, asked, forms.wrong(error), 422)
    flash(str(MOVES[asked].done), "done")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


def _ask(slug: str, action: ListAction, wrong: Mapping[str, str], status: int = 200) -> Response:
    found, now = overlooking_lists.find(_site().db, slug, _site().now()).counted, _site().now()
    on: OfferList = found.offer_list
    early = action is ListAction.CLOSE and list_terms.is_shortened(on.closes_at, now)
    page = render_template(
        "desk/list_move.html",
        list=on,
        counted=found,
        action=action,
        move=MOVES[action],
        early=early and found.wishes > 0,
        is_possible=action in possible(on.state),
        reason=forms.text("reason"),
        wrong=wrong,
    )
    return make_response(page, status)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
