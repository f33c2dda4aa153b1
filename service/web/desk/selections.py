"""The desk of partners' lists: routed to selectors, chosen from, sent back as one wish list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

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

from service.domain import selection as rules
from service.domain.own_wish import MOST_COPIES, WITHDRAWALS, OwnWishState
from service.domain.selection import SelectionState, Title
from service.errors import Conflict, Invalid, NotFound
from service.store import public_ids
from service.usecases import requesting, selecting
from service.usecases.site import Site
from service.web import faults, forms, table_answer
from service.web.desk.list_words import words
from service.web.guarding import caller, needs

pages = Blueprint("desk_selections", __name__, url_prefix="/desk/selections")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 50
_TITLES: Final = ("offer", "title", "author", "published", "languages", "isbns", "copies", "held",
                  "wish", "wanted", "quantity", "reason")  # fmt: skip
_SELECTIONS: Final = ("id", "list", "partner", "selector", "state", "due_on", "titles", "held",
                      "chosen", "passed_over")  # fmt: skip
_OWN: Final = ("id", "partner", "title", "identifier", "copies", "state", "outcome", "reason",
               "note", "wished_by", "wished_at", "answered_at")  # fmt: skip
_WANTED: Final[Mapping[str, bool]] = {"yes": True, "no": False}


# --- routed ---------------------------------------------------------------------------------------


@pages.get("")
@needs("list_selections")
def index() -> ResponseReturnValue:
    """Show what partners offer us, and who looks through it."""
    state = request.args.get("state", "")
    if kind := request.args.get("as", ""):
        found = selecting.list_selections(_site().db, states=_states(state))
        rows = [
            (each.public_id, each.list_slug, each.partner, each.selector, each.state.value,
             each.due_on, each.titles, each.held, each.chosen, each.passed_over)
            for each in found
        ]  # fmt: skip
        return table_answer.table(_SELECTIONS, rows, "selections", kind)
    return _index({})


def _states(given: str) -> list[SelectionState]:
    return [each for each in SelectionState if each.value == given] or list(SelectionState)


def _index(wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    state = request.args.get("state", "")
    before = public_ids.read(request.args.get("before", "")) or ""
    found = selecting.list_selections(
        site.db, states=_states(state), before=before, limit=PER_PAGE + 1
    )
    names = ("list", "selector", "languages", "places", "due_on", "note")
    page = render_template(
        "desk/selections.html",
        incoming=selecting.list_incoming(site.db),
        selections=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        before=before,
        state=state,
        given={name: forms.text(name) for name in names} | {"held": forms.ticked("not_held")},
        wrong=wrong,
    )
    return make_response(page, status)


@pages.post("")
@needs("route_selection")
def route() -> ResponseReturnValue:
    """Route a partner's list to a selector, all of it or by language and place."""
    site = _site()
    try:
        query = rules.query(
            forms.text("languages").replace(",", " ").split(),
            forms.text("places").replace(",", " ").split(),
            not_held=forms.ticked("not_held"),
        )
        made = selecting.route(
            site.db,
            forms.text("list"),
            forms.text("selector"),
            query,
            due_on=forms.day("due_on"),
            note=forms.text("note"),
            by=caller().name,
            now=site.now(),
        )
    except (Conflict, NotFound) as error:
        return _index({"list": error.detail}, 422)
    except Invalid as error:
        return _index(forms.wrong(error), 422)
    flash(_("The list is routed. Its titles can be looked through now."), "done")
    return redirect(url_for("desk_selections.show", selection=made.public_id), 303)


# --- looked through -------------------------------------------------------------------------------


@pages.get("/<selection>")
@needs("show_selection")
def show(selection: str) -> ResponseReturnValue:
    """Show the titles of a selection, each with whether we hold it."""
    if kind := request.args.get("as", ""):
        rows = selecting.list_titles(_site().db, selection)
        return table_answer.table(_TITLES, rows, f"selection-{selection}", kind)
    return _show(selection, {})


def _show(selection: str, wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    found = selecting.find(site.db, selection)
    after = public_ids.read(request.values.get("after", "")) or ""
    wanted = _WANTED.get(request.values.get("wanted", ""))
    titles: Sequence[Title] = selecting.list_titles(
        site.db, selection, after, PER_PAGE + 1, wanted=wanted
    )
    page = render_template(
        "desk/selection.html",
        found=found,
        titles=titles[:PER_PAGE],
        more=len(titles) > PER_PAGE,
        after=after,
        wanted=request.values.get("wanted", ""),
        is_open=found.state is SelectionState.OPEN,
        ticked=set(forms.texts("offers")),
        given={"quantity": forms.text("quantity") or "1", "reason": forms.text("reason")},
        most=MOST_COPIES,
        wrong=wrong,
    )
    return make_response(page, status)


@pages.post("/<selection>")
@needs("choose_titles")
def choose(selection: str) -> ResponseReturnValue:
    """Say of the ticked titles that they are wanted, or passed over."""
    site = _site()
    is_wanted = forms.text("do") != "pass"
    ticked = forms.texts("offers")
    try:
        selecting.choose(
            site.db,
            selection,
            ticked,
            wanted=is_wanted,
            quantity=forms.number("quantity") or 1,
            reason=forms.text("reason"),
            seen=forms.number("revision"),
            by=caller().name,
            now=site.now(),
        )
    except Invalid as error:
        return _show(selection, forms.wrong(error), 422)
    number = len(ticked)
    if is_wanted:
        flash(ngettext("%(num)d title is wanted.", "%(num)d titles are wanted.", number), "done")
    else:
        told = ngettext("%(num)d title is passed over.", "%(num)d titles are passed over.", number)
        flash(told, "done")
    after = public_ids.read(forms.text("after")) or None
    wanted = forms.text("wanted") if forms.text("wanted") in _WANTED else None
    return redirect(
        url_for("desk_selections.show", selection=selection, after=after, wanted=wanted), 303
    )


@pages.get("/<selection>/<any(close,cancel):action>")
@needs("show_selection")
def ask(selection: str, action: str) -> ResponseReturnValue:
    """Ask once more before a selection is closed or cancelled."""
    found = selecting.find(_site().db, selection)
    return render_template("desk/selection_end.html", found=found, closes=action == "close")


@pages.post("/<selection>/close")
@needs("close_selection")
def close(selection: str) -> ResponseReturnValue:
    """Close a selection and note what was chosen as wishes of ours."""
    site = _site()
    done = selecting.close(
        site.db, selection, seen=forms.number("revision"), by=caller().name, now=site.now()
    )
    told = _(
        "%(new)d wishes are noted; %(old)d stood before, %(gone)d are not on offer any more.",
        new=done.wished,
        old=done.already,
        gone=done.gone,
    )
    flash(told, "done")
    return redirect(url_for("desk_selections.show", selection=selection), 303)


@pages.post("/<selection>/cancel")
@needs("cancel_selection")
def cancel(selection: str) -> ResponseReturnValue:
    """Cancel a selection: nothing of it is wished for."""
    site = _site()
    selecting.cancel(
        site.db, selection, seen=forms.number("revision"), by=caller().name, now=site.now()
    )
    flash(_("The selection is cancelled."), "done")
    return redirect(url_for("desk_selections.index"), 303)


# --- sent back ------------------------------------------------------------------------------------


@pages.post("/_send")
@needs("send_selections")
def send() -> ResponseReturnValue:
    """Let what was chosen of a list go out to its partner as one wish list."""
    site, slug = _site(), forms.text("list")
    try:
        made = selecting.send(site.db, slug, unfinished=forms.ticked("unfinished"), now=site.now())
    except Conflict as error:
        page = render_template("desk/selection_send.html", slug=slug, wrong={"": error.detail})
        return make_response(page, 409)
    told = ngettext("%(num)d wish is being sent.", "%(num)d wishes are being sent.", made.wishes)
    flash(told, "done")
    return redirect(url_for("desk_selections.own_wishes"), 303)


@pages.get("/_wishes")
@needs("list_own_wishes")
def own_wishes() -> ResponseReturnValue:
    """Show our own wishes, newest first, with what partners answered."""
    site = _site()
    partner = request.args.get("partner", "").strip()
    state = next((e for e in OwnWishState if e.value == request.args.get("state", "")), None)
    if kind := request.args.get("as", ""):
        found = requesting.list_own_wishes(site.db, partner=partner, state=state, limit=100_000)
        rows = [
            (each.public_id, each.partner, each.title, each.identifier, each.quantity,
             each.state.value, each.outcome, each.reason, each.note, each.wished_by,
             each.wished_at, each.answered_at)
            for each in found
        ]  # fmt: skip
        return table_answer.table(_OWN, rows, "our-wishes", kind)
    before = public_ids.read(request.args.get("before", "")) or ""
    found = requesting.list_own_wishes(
        site.db, partner=partner, state=state, before=before, limit=PER_PAGE + 1
    )
    return render_template(
        "desk/own_wishes.html",
        wishes=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        before=before,
        partner=partner,
        state=state,
        trouble=requesting.trouble(site.db, partner) if partner else "",
        withdrawable=set(WITHDRAWALS),
    )


@pages.post("/_wishes/<wish>/withdraw")
@needs("withdraw_own_wish")
def withdraw(wish: str) -> ResponseReturnValue:
    """Take one wish of ours back."""
    site = _site()
    requesting.withdraw(site.db, wish, site.now())
    flash(_("The wish is taken back."), "done")
    return redirect(url_for("desk_selections.own_wishes"), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
