"""The titles that a partner may wish for: browsed, searched, ticked, and wished for at once.

What was ticked travels with the form from page to page, so that it is kept without a script and
without a basket that grows old: it is written down when it is sent.
"""

from __future__ import annotations

import csv
import io
from typing import Final, NamedTuple

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
from flask_babel import ngettext
from werkzeug.wrappers import Response as Answer

from service.domain.offer import Offer
from service.errors import Invalid, NotFound
from service.store import public_ids
from service.usecases import offering, wishing
from service.usecases.site import Site
from service.web import faults, forms
from service.web.guarding import caller, needs, partner
from service.web.portal.words import words

pages = Blueprint("portal_titles", __name__, url_prefix="/portal/titles")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 50
# Titles ticked at once: as many as an address may carry.
MOST: Final = 200
_LONGEST_QUERY: Final = 200
CHANNEL: Final = "portal"


class Asked(NamedTuple):
    """What a page of titles was asked for."""

    query: str
    slug: str
    after: str
    picked: tuple[str, ...]


@pages.get("/")
@needs("show_portal")
def index() -> str:
    """Show titles on offer to this partner, to be ticked."""
    site, asked = _site(), _asked()
    seen = caller().audiences
    titles = offering.browse(
        site.db, seen, slug=asked.slug, query=asked.query, after=asked.after, limit=PER_PAGE + 1
    )
    shown = titles[:PER_PAGE]
    lists = offering.list_lists(site.db, seen)
    here = {title.public_id for title in shown}
    return render_template(
        "portal/titles.html",
        asked=asked,
        elsewhere=[each for each in asked.picked if each not in here],
        lists=[
            ("", _("all lists open to you")),
            *((each.offer_list.slug, each.offer_list.title) for each in lists),
        ],
        takes_wishes={
            each.offer_list.slug for each in lists if each.offer_list.takes_wishes(site.now())
        },
        titles=shown,
        more=len(titles) > PER_PAGE,
    )


@pages.get("/<public_id>")
@needs("show_portal")
def title(public_id: str) -> str:
    """Show one title, to be wished for."""
    found = _title(public_id)
    entry = offering.find_list(_site().db, found.list_slug, caller().audiences)
    return render_template(
        "portal/title.html", offer=found, list=entry.offer_list, now=_site().now()
    )


@pages.get("/chosen")
@needs("show_portal")
def chosen() -> str:
    """Show what was ticked, before it is sent."""
    return _chosen({})


@pages.post("/chosen")
@needs("send_wish_list")
def send() -> Answer:
    """Send what was ticked as one wish list, once however often the button is pressed."""
    site = _site()
    try:
        body = _wish_list([_title(each) for each in forms.texts("offer")[:MOST]])
    except Invalid as error:
        return make_response(_chosen(forms.wrong(error)), 422)
    asked = wishing.Request(
        body.encode(),
        "text/csv",
        channel=CHANNEL,
        charset="utf-8",
        idempotency_key=f"{CHANNEL}:{forms.text('once') or public_ids.new()}"[:200],
    )
    received = wishing.receive(
        site.db, partner(), asked, site.names(), site.wish_limits(), site.now()
    )
    number = received.wish_list.total
    flash(ngettext("%(num)d wish was sent.", "%(num)d wishes were sent.", number), "done")
    return redirect(url_for("portal_wishes.show", wish_list=received.wish_list.public_id), 303)


def _wish_list(titles: list[Offer]) -> str:
    """Return the titles of the form as a wish list that names each offer exactly."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(("identifier", "quantity", "note"))
    number = 0
    for each in titles:
        quantity = forms.number(f"quantity.{each.public_id}")
        if quantity == 0:
            continue
        number += 1
        name = f"oai:{_site().settings.repository_identifier}:offer/{each.public_id}"
        rows.writerow((name, quantity or 1, forms.text(f"note.{each.public_id}")[:200]))
    if not number:
        raise Invalid("tick at least one title", field="")
    return written.getvalue()


def _chosen(wrong: object) -> str:
    names = request.form.getlist("offer") or list(_asked().picked)
    found, gone = [], 0
    for each in names[:MOST]:
        try:
            found.append(_title(each))
        except NotFound:
            gone += 1
    return render_template(
        "portal/chosen.html",
        titles=found,
        gone=gone,
        over=max(0, len(names) - MOST),
        once=forms.text("once") or public_ids.new(),
        wrong=wrong,
        asked=_asked(),
    )


def _title(public_id: str) -> Offer:
    """Return a title that is offered to this partner; raise ``NotFound`` for any other."""
    shown = offering.show(_site().db, caller().audiences, public_id)
    if not shown.listed:
        raise NotFound("there is no such offer")
    return shown.offer


def _asked() -> Asked:
    given = request.args
    picked = (public_ids.read(each) for each in given.getlist("pick"))
    return Asked(
        given.get("q", "").strip()[:_LONGEST_QUERY],
        given.get("list", ""),
        public_ids.read(given.get("after", "")) or "",
        tuple(dict.fromkeys(each for each in picked if each)),
    )


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
