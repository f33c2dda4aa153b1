"""Standing wishes: what a partner looks for in every list to come, and what met it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import (
    Blueprint,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from service.errors import Invalid
from service.store import public_ids
from service.usecases import watching
from service.usecases.site import Site
from service.web import faults, forms
from service.web.guarding import caller, needs, partner

pages = Blueprint("portal_standing", __name__, url_prefix="/portal/standing")
faults.handle(pages)

PER_PAGE: Final = 50
# The criteria of a query that have values, one on a line, and what they are called.
CRITERIA: Final[Mapping[str, object]] = {
    "words": lazy_gettext("Words of the title"),
    "subjects": lazy_gettext("Subjects"),
    "authors": lazy_gettext("Authors"),
    "series": lazy_gettext("Series"),
    "publishers": lazy_gettext("Publishers"),
    "classes": lazy_gettext("Beginnings of class numbers"),
    "languages": lazy_gettext("Languages (MARC codes such as kor)"),
    "places": lazy_gettext("Places of publication (codes such as KR)"),
}
YEARS: Final[Mapping[str, object]] = {
    "year_from": lazy_gettext("Published from"),
    "year_to": lazy_gettext("Published until"),
}


@pages.get("/")
@needs("list_standing_wishes")
def index() -> str:
    """Show the standing wishes of this partner, and a form for another."""
    return _index({})


@pages.post("/")
@needs("add_standing_wish")
def add() -> Response:
    """Enter a standing wish."""
    site = _site()
    try:
        made = watching.add(
            site.db,
            partner(),
            forms.text("title"),
            _query(),
            registers=forms.ticked("registers"),
            by=caller().name,
            now=site.now(),
        )
    except Invalid as error:
        wrong = {name.removeprefix("query."): told for name, told in forms.wrong(error).items()}
        return make_response(_index(wrong), 422)
    flash(_("The standing wish stands: it meets what is offered from now on."), "done")
    return redirect(url_for(".show", standing_wish=made.public_id), 303)


@pages.get("/<standing_wish>")
@needs("show_standing_wish")
def show(standing_wish: str) -> str:
    """Show a standing wish and what met it."""
    site = _site()
    before = public_ids.read(request.args.get("before", "")) or ""
    matches = watching.list_matches(site.db, standing_wish, partner(), before, PER_PAGE + 1)
    return render_template(
        "portal/standing_wish.html",
        found=watching.show(site.db, standing_wish, partner()),
        criteria={**CRITERIA, **YEARS},
        matches=matches[:PER_PAGE],
        more=len(matches) > PER_PAGE,
        before=before,
    )


@pages.post("/<standing_wish>/stop")
@needs("stop_standing_wish")
def stop(standing_wish: str) -> Response:
    """Stop a standing wish; what it has wished for stands."""
    site = _site()
    watching.stop(site.db, standing_wish, partner(), by=caller().name, now=site.now())
    flash(_("It is stopped; what it has wished for stands."), "done")
    return redirect(url_for(".index"), 303)


def _query() -> dict[str, Any]:
    values: dict[str, Any] = {
        name: [line.strip() for line in forms.text(name).splitlines() if line.strip()]
        for name in CRITERIA
    }
    years = {name: forms.number(name) for name in YEARS}
    return {name: value for name, value in (values | years).items() if value}


def _index(wrong: Mapping[str, str]) -> str:
    before = public_ids.read(request.args.get("before", "")) or ""
    rows = watching.list_standing_wishes(_site().db, partner(), before, PER_PAGE + 1)
    return render_template(
        "portal/standing.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        before=before,
        criteria=CRITERIA,
        years=YEARS,
        wrong=wrong,
    )


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
