"""The desk of the titles on an offer list: added by hand, changed, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from service.domain.list_terms import CHANGEABLE
from service.domain.offer import GROWING, Offer, OfferState
from service.errors import Conflict, Invalid, NotFound, Outdated
from service.store import public_ids
from service.usecases import (
    changing_lists,
    offering,
    offering_titles,
    overlooking_lists,
    searching,
)
from service.usecases.site import Site
from service.web import forms
from service.web.guarding import caller, needs

pages = Blueprint("titles", __name__)

FOUND: Final = 25
_FIELDS: Final = ("copies", "volumes", "condition", "not_to")


# --- added ----------------------------------------------------------------------------------------


@pages.get("/<slug>/add")
@needs("add_titles")
def choose(slug: str) -> ResponseReturnValue:
    """Show the ways in which titles come to a list; search the records for some."""
    return _choose(slug, {})


@pages.post("/<slug>/add")
@needs("add_titles")
def add(slug: str) -> ResponseReturnValue:
    """Offer the ticked records, or what an import brought, or what another list has left."""
    try:
        new = _add(slug)
    except (Invalid, NotFound) as error:
        wrong = forms.wrong(error) if isinstance(error, Invalid) else {"": error.detail}
        return _choose(slug, wrong, 422)
    except Conflict as error:
        return _choose(slug, {"": error.detail}, 409)
    if new:
        flash(ngettext("%(num)d title was added.", "%(num)d titles were added.", new), "done")
    else:
        flash(_("Nothing was added: they are on this list already."), "note")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


def _add(slug: str) -> int:
    site = _site()
    who: dict[str, Any] = {"by": caller().name, "now": site.now()}
    if batch := forms.text("batch"):
        return offering_titles.offer_import(site.db, slug, batch, **who)
    if left := forms.text("left"):
        return offering_titles.offer_leftovers(site.db, slug, left, **who)
    return offering_titles.offer_records(site.db, slug, forms.texts("records"), **who)


def _choose(slug: str, wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    on = overlooking_lists.known(site.db, slug)
    query = request.values.get("q", "").strip()[:200]
    after = public_ids.read(request.args.get("after", "")) or ""
    found = searching.records(site.db, query, after, FOUND) if query else None
    page = render_template(
        "desk/list_add.html",
        list=on,
        can_grow=on.state in GROWING,
        query=query,
        found=found,
        after=after,
        ticked=set(forms.texts("records")),
        batch=forms.text("batch"),
        leftovers=offering_titles.lists_with_leftovers(site.db),
        left=forms.text("left"),
        can_import="desk_imports.index" in current_app.view_functions,
        wrong=wrong,
    )
    return make_response(page, status)


# --- changed --------------------------------------------------------------------------------------


@pages.get("/<slug>/titles/<offer>")
@needs("edit_offer")
def edit(slug: str, offer: str) -> ResponseReturnValue:
    """Show what is offered of a title, to be changed as far as its list allows."""
    found = _find(slug, offer)
    return _form(found, _kept(found), {})


@pages.post("/<slug>/titles/<offer>")
@needs("edit_offer")
def change(slug: str, offer: str) -> ResponseReturnValue:
    """Change copies, volumes, condition, and where a title may not go."""
    site = _site()
    found = _find(slug, offer)
    typed = {name: forms.text(name) for name in (*_FIELDS, "revision")}
    try:
        values = {
            "copies": forms.number("copies"),
            "volumes": forms.number("volumes"),
            "condition": typed["condition"],
            "not_to": typed["not_to"],
        }
        changing_lists.change_offer(
            site.db,
            found.public_id,
            values,
            seen=forms.number("revision"),
            by=caller().name,
            now=site.now(),
        )
    except Outdated:
        return _form(_find(slug, offer), typed, {}, 412)
    except Conflict as error:
        return _form(found, typed, {"": error.detail}, 422)
    except Invalid as error:
        return _form(found, typed, forms.wrong(error), 422)
    flash(_("The title was changed."), "done")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


def _kept(found: Offer) -> dict[str, str]:
    return {
        "copies": str(found.copies),
        "volumes": str(found.volumes),
        "condition": found.condition,
        "not_to": " ".join(found.not_to),
        "revision": str(found.revision),
    }


def _form(
    found: Offer, given: Mapping[str, str], wrong: Mapping[str, str], status: int = 200
) -> Response:
    site = _site()
    on = overlooking_lists.known(site.db, found.list_slug)
    page = render_template(
        "desk/list_title.html",
        list=on,
        offer=found,
        given=given,
        kept=_kept(found),
        revision=str(found.revision) if status == 412 else given.get("revision", ""),
        overtaken=status == 412,
        can_change=found.state is OfferState.OFFERED and on.state in CHANGEABLE["copies"],
        is_offered=found.state is OfferState.OFFERED,
        wrong=wrong,
    )
    return make_response(page, status)


# --- taken back -----------------------------------------------------------------------------------


@pages.get("/<slug>/titles/<offer>/withdraw")
@needs("withdraw_offer")
def ask_to_withdraw(slug: str, offer: str) -> ResponseReturnValue:
    """Ask once more before a title is taken back."""
    return render_template("desk/list_title_withdraw.html", slug=slug, offer=_find(slug, offer))


@pages.post("/<slug>/titles/<offer>/withdraw")
@needs("withdraw_offer")
def withdraw(slug: str, offer: str) -> ResponseReturnValue:
    """Take a title back; partners learn it as a deletion."""
    site = _site()
    found = _find(slug, offer)
    offering.withdraw_offer(site.db, found.public_id, by=caller().name, now=site.now())
    flash(_("The title was taken back."), "done")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


def _find(slug: str, offer: str) -> Offer:
    """Return a title of this list, which is ours; raise ``NotFound``."""
    site = _site()
    on = overlooking_lists.known(site.db, slug)
    found = offering.show_to_staff(site.db, offer)
    if found.list_slug != on.slug:
        raise NotFound("there is no such offer")
    return found


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
