"""The first page of a partner's people: what needs them, what is open to them, what comes next."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template

from service.usecases import offering, wishing
from service.usecases.site import Site
from service.web import faults
from service.web.guarding import caller, needs, partner
from service.web.portal.words import words

pages = Blueprint("portal", __name__, url_prefix="/portal")
faults.handle(pages)
pages.context_processor(words)

# Lists and wish lists that the page has room for; the rest is a step away.
_SHOWN = 10


@pages.get("/")
@needs("show_portal")
def overview() -> str:
    """Show a partner where it stands."""
    site: Site = current_app.extensions["bookbridge"]
    lists = offering.list_lists(site.db, caller().audiences)
    return render_template(
        "portal/overview.html",
        partner=partner(),
        lists=[each for each in lists if each.offer_list.takes_wishes(site.now())],
        sent=wishing.list_wish_lists(site.db, partner(), "", _SHOWN),
        now=site.now(),
    )
