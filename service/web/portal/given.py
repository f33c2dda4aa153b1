"""What was decided on a partner's wishes: given, passed over, or asked about; with every reason."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.domain.allocation import AllocationState
from service.usecases import accepting
from service.usecases.site import Site
from service.web import faults, forms
from service.web.guarding import caller, needs, partner
from service.web.portal.words import words

pages = Blueprint("portal_given", __name__, url_prefix="/portal/given")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 50


@pages.get("/")
@needs("list_allocations")
def index() -> str:
    """Show the decisions, newest first; those that wait for an answer above all others."""
    site = _site()
    before = request.args.get("before", "")[:100]
    rows = accepting.list_own(site.db, partner(), state=None, before=before, limit=PER_PAGE + 1)
    asked = accepting.list_own(
        site.db, partner(), state=AllocationState.OFFERED, before="", limit=PER_PAGE
    )
    return render_template(
        "portal/given.html",
        asked=asked,
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        before=before,
        declinable={AllocationState.CONFIRMED, AllocationState.ACCEPTED},
    )


@pages.post("/<allocation>/accept")
@needs("accept_allocation")
def accept(allocation: str) -> Response:
    """Take what differs from the wish."""
    site = _site()
    accepting.accept(site.db, allocation, partner(), now=site.now(), by=caller().name)
    flash(_("You took it: it will be sent to you."), "done")
    return redirect(url_for(".index"), 303)


@pages.get("/<allocation>/decline")
@needs("decline_allocation")
def ask_to_decline(allocation: str) -> str:
    """Ask once more before something goes to the next in line."""
    found = accepting.show(_site().db, allocation, partner())
    return render_template("portal/decline.html", row=found)


@pages.post("/<allocation>/decline")
@needs("decline_allocation")
def decline(allocation: str) -> Response:
    """Leave what was allocated to the next in line."""
    site = _site()
    accepting.decline(
        site.db,
        allocation,
        partner(),
        reason=forms.text("reason")[:1000],
        now=site.now(),
        by=caller().name,
    )
    flash(_("You declined it: it goes to the next in line."), "done")
    return redirect(url_for(".index"), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
