"""The public catalogue: the offer lists, their titles, one title, and the search over them."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, render_template, request

from marc_mappings import marcxml
from service.domain import search_query
from service.errors import NotFound
from service.store import public_ids
from service.store.shown_offers import Shown
from service.usecases import offering, searching
from service.usecases.rendering import FORMATS
from service.usecases.signing_in import ANONYMOUS
from service.usecases.site import Site
from service.web import answers, client_settings
from service.web.client_settings import Chosen

pages = Blueprint("catalogue", __name__)
pages.register_error_handler(NotFound, answers.not_found)

# Titles on one page: a screenful or three, and an even number of printed sheets.
PER_PAGE = 50


@pages.get("/")
def front() -> str:
    """Show what is on offer, and where partners and their systems go from here."""
    site = _site()
    lists = offering.list_lists(site.db, ANONYMOUS.audiences)
    return render_template("front.html", lists=lists, now=site.now())


@pages.get("/lists/<slug>")
def offer_list(slug: str) -> str:
    """Show an offer list and a page of its titles."""
    site = _site()
    found = offering.find_list(site.db, slug, ANONYMOUS.audiences)
    titles = offering.browse(
        site.db, ANONYMOUS.audiences, slug=slug, after=_after(), limit=PER_PAGE + 1
    )
    return render_template(
        "list.html",
        list=found.offer_list,
        count=found.titles,
        titles=titles[:PER_PAGE],
        more=len(titles) > PER_PAGE,
        after=_after(),
        now=site.now(),
        clients=client_settings.clients(site.settings, Chosen("marc21", f"list:{slug}")),
    )


@pages.get("/search")
def search() -> str:
    """Show the titles on offer that hold every word asked for; all of them without a word."""
    site = _site()
    query = request.args.get("q", "").strip()
    found = searching.offers(site.db, ANONYMOUS.audiences, query, after=_after(), limit=PER_PAGE)
    return render_template(
        "search.html",
        query=query[: search_query.LONGEST],
        titles=found.rows,
        more=found.more,
        remarks=[remark.value for remark in found.remarks],
        after=_after(),
    )


@pages.get("/offers/<public_id>")
def offer(public_id: str) -> str:
    """Show one title with its MARC record."""
    site = _site()
    shown = _on_offer(site, public_id)
    found = offering.find_list(site.db, shown.offer.list_slug, ANONYMOUS.audiences)
    return render_template(
        "offer.html",
        offer=shown.offer,
        list=found.offer_list,
        record=marcxml.parse(shown.marcxml).record,
        formats=list(FORMATS),
        now=site.now(),
    )


@pages.get("/offers/<public_id>.xml")
def offer_marcxml(public_id: str) -> Response:
    """Give one title's record as a MARCXML file."""
    shown = _on_offer(_site(), public_id)
    response = Response(
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + shown.marcxml,
        mimetype="application/marcxml+xml",
    )
    response.headers.set(
        "Content-Disposition", "attachment", filename=f"{shown.offer.public_id}.xml"
    )
    return response


def _on_offer(site: Site, public_id: str) -> Shown:
    """Return an offer that is still in the feed; the answer to any other is 404 or 410."""
    shown = offering.show(site.db, ANONYMOUS.audiences, public_id)
    if not shown.listed:
        abort(410)
    return shown


def _after() -> str:
    """Return the public id that this page follows; anything else begins at the beginning."""
    return public_ids.read(request.args.get("after", "")) or ""


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
