"""The desk of wishes: what partners ask for, what it met and why; settled by hand; the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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

from service.domain.wish import CONFIRMABLE, Outcome, WishListState, WishState
from service.errors import Conflict, Invalid, NotFound
from service.store import public_ids
from service.store.wish_rows import Asked, WishRow
from service.usecases import (
    choosing_offers,
    membership,
    overlooking_lists,
    tuning_matches,
    wishing,
)
from service.usecases.site import Site
from service.web import faults, forms, table_answer
from service.web.desk.list_words import OUTCOMES, words
from service.web.guarding import caller, may, needs

pages = Blueprint("desk_wishes", __name__, url_prefix="/desk/wishes")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 50
_LARGEST_LINE: Final = 10**9
_COLUMNS: Final = ("wish_list", "line", "partner", "asked_for", "outcome", "reason", "list",
                   "offer", "title", "score", "copies", "state", "note", "wished_at")  # fmt: skip
_LISTS: Final = ("id", "partner", "received_at", "lines", "state")


# --- wishes ---------------------------------------------------------------------------------------


@pages.get("")
@needs("list_wish_lists")
def index() -> ResponseReturnValue:
    """Show wishes of all partners; ``list``, ``partner`` and ``outcome`` bound them."""
    site = _site()
    outcome = next((e for e in Outcome if e.value == request.args.get("outcome", "")), None)
    asked = Asked(_asked("list"), _asked("partner"), outcome)
    if kind := request.args.get("as", ""):
        rows = _rows(overlooking_lists.all_wishes(site.db, asked))
        return table_answer.table(_COLUMNS, rows, "wishes", kind)
    after = _after()
    found = overlooking_lists.list_wishes(site.db, asked, after, PER_PAGE + 1)
    return render_template(
        "desk/wishes.html",
        wishes=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        after=after,
        asked=asked,
        choices=list(OUTCOMES),
        counts=overlooking_lists.count_wishes(site.db, asked),
        lists=overlooking_lists.newest(site.db, 100),
        settleable=_is_settleable,
        can_settle=may("settle_wish"),
        can_open_lists=may("create_list"),
    )


def _asked(name: str) -> str:
    return request.args.get(name, "").strip()[:200]


def _after() -> tuple[str, int] | None:
    """Return behind which wish this page begins; anything that names none begins at the top."""
    on, _dash, number = request.args.get("after", "").partition("-")
    known = public_ids.read(on)
    return (known, int(number)) if known and number.isdecimal() and len(number) < 10 else None


def _rows(wishes: Iterable[WishRow]) -> Iterator[tuple[object, ...]]:
    for each in wishes:
        yield (each.wish_list, each.line_no, each.partner, each.line, each.outcome.value,
               each.reason, each.slug, each.offer, each.title, each.score, each.quantity,
               each.state.value, each.note, each.wished_at)  # fmt: skip


def _is_settleable(wish: WishRow) -> bool:
    """Whether somebody can say which offer a wish means."""
    is_open = wish.state in {WishState.OPEN, WishState.PENDING}
    return wish.outcome in CONFIRMABLE and (is_open or wish.outcome is Outcome.AMBIGUOUS)


# --- wish lists -----------------------------------------------------------------------------------


@pages.get("/lists")
@needs("list_wish_lists")
def lists() -> ResponseReturnValue:
    """Show wish lists as they came, newest first; ``partner`` bounds them to one."""
    site = _site()
    code = _asked("partner")
    whose = membership.find_partner(site.db, code) if code else None
    if kind := request.args.get("as", ""):
        rows = [tuple(each) for each in wishing.list_wish_lists(site.db, whose, "", 100_000)]
        return table_answer.table(_LISTS, rows, "wish-lists", kind)
    before = public_ids.read(request.args.get("before", "")) or ""
    found = wishing.list_wish_lists(site.db, whose, before, PER_PAGE + 1)
    return render_template(
        "desk/wish_lists.html",
        lists=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        before=before,
        partner=code,
    )


@pages.get("/<wish_list>")
@needs("show_wish_list")
def show(wish_list: str) -> ResponseReturnValue:
    """Show a wish list with the answers to its lines."""
    site = _site()
    given = request.args.get("after", "")
    after = int(given) if given.isdecimal() and len(given) < 10 else 0
    found = wishing.show(site.db, wish_list, None, after, PER_PAGE + 1)
    lines = found.lines[:PER_PAGE]
    return render_template(
        "desk/wish_list.html",
        found=found,
        lines=lines,
        following=lines[-1].line_no if len(found.lines) > PER_PAGE else None,
        after=after,
        running=found.state in {WishListState.RECEIVED, WishListState.ANSWERING},
        settleable=_is_settleable,
        can_settle=may("settle_wish"),
    )


# --- settled by hand ------------------------------------------------------------------------------


@pages.get("/<wish_list>/<int:line_no>")
@needs("show_wish_list")
def wish(wish_list: str, line_no: int) -> ResponseReturnValue:
    """Show one wish, and look among what its partner may see for the offer that it means."""
    return _wish(wish_list, line_no, {})


@pages.post("/<wish_list>/<int:line_no>")
@needs("settle_wish")
def settle(wish_list: str, line_no: int) -> ResponseReturnValue:
    """Say in a partner's place which offer a wish means."""
    site = _site()
    try:
        choosing_offers.choose_for(
            site.db,
            wish_list,
            min(line_no, _LARGEST_LINE),
            forms.text("offer"),
            site.names(),
            site.now(),
            by=caller().name,
        )
    except Invalid as error:
        return _wish(wish_list, line_no, forms.wrong(error), 422)
    except (Conflict, NotFound) as error:
        return _wish(wish_list, line_no, {"": error.detail}, 409)
    flash(_("The wish is registered for this title, and its partner reads who said so."), "done")
    return redirect(url_for("desk_wishes.show", wish_list=wish_list), 303)


def _wish(wish_list: str, line_no: int, wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    found = overlooking_lists.find_wish(site.db, wish_list, min(line_no, _LARGEST_LINE))
    settleable = _is_settleable(found) and may("settle_wish")
    # What was asked for is what to look for first.
    query = request.values.get("q", found.line).strip()[:200]
    page = render_template(
        "desk/wish.html",
        wish=found,
        query=query,
        offers=overlooking_lists.offers_for(site.db, found.partner, query) if settleable else [],
        settleable=settleable,
        wrong=wrong,
    )
    return make_response(page, status)


# --- the rules of matching ------------------------------------------------------------------------


@pages.get("/rules")
@needs("list_match_rules")
def rules() -> ResponseReturnValue:
    """Show what a number or a title in common is worth."""
    return _rules({})


@pages.post("/rules")
@needs("set_match_rule")
def set_rule() -> ResponseReturnValue:
    """Give a rule another score, from the next answer on."""
    site, name = _site(), forms.text("name")
    try:
        score = forms.number("score")
        if score is None:
            raise Invalid(_("a score is needed, 0 to 100"), "score")
        tuning_matches.set_score(
            site.db,
            name,
            score,
            by=caller().name,
            now=site.now(),
            reason=forms.text("reason")[:500],
        )
    except Invalid as error:
        told = f"{name}: {error.detail}" if name else error.detail
        return _rules({f"score.{name}": told}, 422)
    flash(_("The score was changed; it holds from the next answer on."), "done")
    return redirect(url_for("desk_wishes.rules"), 303)


def _rules(wrong: Mapping[str, str], status: int = 200) -> Response:
    page = render_template(
        "desk/match_rules.html",
        rules=tuning_matches.list_rules(_site().db),
        can_set=may("set_match_rule"),
        typed={forms.text("name"): forms.text("score")},
        wrong=wrong,
    )
    return make_response(page, status)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
