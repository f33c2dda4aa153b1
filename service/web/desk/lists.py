"""The desk of offer lists: drawn up, filled, opened, prolonged, closed, withdrawn, archived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

from service.domain.offer import (
    GROWING,
    INDIRECT,
    LISTED,
    ListState,
    possible,
    proposed_slug,
)
from service.errors import Conflict, Invalid, Outdated
from service.store import public_ids
from service.store.counted_lists import CountedList, CountedOffer
from service.usecases import changing_lists, offering, overlooking_lists, tiering
from service.usecases.site import Site
from service.web import faults, forms, table_answer
from service.web.desk import allocation, list_forms, list_moves, list_titles
from service.web.desk.list_words import words
from service.web.guarding import caller, needs

pages = Blueprint("desk_lists", __name__, url_prefix="/desk/lists")
faults.handle(pages)
pages.context_processor(words)
pages.register_blueprint(list_moves.pages)
pages.register_blueprint(list_titles.pages)
pages.register_blueprint(allocation.pages)

PER_PAGE: Final = 25
TITLES: Final = 50
_COUNTED: Final = ("list", "title", "state", "opens_at", "closes_at", "titles", "wishes",
                   "partners", "harvests")  # fmt: skip
_TITLE: Final = ("id", "title", "title_vernacular", "author", "publisher", "published", "languages",
                 "isbns", "copies", "volumes", "condition", "not_to", "state", "wishes",
                 "given")  # fmt: skip


@pages.get("")
@needs("create_list")
def index() -> ResponseReturnValue:
    """Show our lists, newest first, with what came of each; ``state`` bounds them."""
    site, state = _site(), request.args.get("state", "")
    states = [each for each in ListState if each.value == state]
    if kind := request.args.get("as", ""):
        found = overlooking_lists.list_lists(site.db, site.now(), states=states)
        return table_answer.table(_COUNTED, [_row(each) for each in found], "offer-lists", kind)
    before = public_ids.read(request.args.get("before", "")) or ""
    found = overlooking_lists.list_lists(
        site.db, site.now(), states=states, before=before, limit=PER_PAGE + 1
    )
    return render_template(
        "desk/lists.html",
        lists=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        before=before,
        state=states[0] if states else None,
    )


def _row(each: CountedList) -> tuple[object, ...]:
    on = each.offer_list
    return (on.slug, on.title, on.state.value, on.opens_at, on.closes_at, each.titles, each.wishes,
            each.partners, each.harvests)  # fmt: skip


# --- drawn up and changed -------------------------------------------------------------------------


@pages.get("/_new")
@needs("create_list")
def new() -> ResponseReturnValue:
    """Show the form of a new list."""
    return _form(None, {"zone": "UTC"}, {})


@pages.post("/_new")
@needs("create_list")
def add() -> ResponseReturnValue:
    """Draw up a list, and go on to its titles."""
    site = _site()
    try:
        terms = list_forms.given()
        title = terms.pop("title", "")
        made = offering.create_list(
            site.db,
            slug=forms.text("slug") or proposed_slug(title),
            title=title,
            description=terms.pop("description", ""),
            opens_at=terms.pop("opens_at", None),
            closes_at=terms.pop("closes_at", None),
            zone=terms.pop("zone", "") or "UTC",
            audience=forms.text("audience"),
            partner_codes=forms.text("partners").replace(",", " ").split(),
            terms=terms,
            draft=True,
            by=caller().name,
            now=site.now(),
        )
    except Conflict as error:
        return _form(None, list_forms.typed(), {"slug": error.detail}, 422)
    except Invalid as error:
        return _form(None, list_forms.typed(), _at_its_field(error), 422)
    flash(_("The list is drawn up as a draft. Add its titles."), "done")
    return redirect(url_for("desk_lists.titles.choose", slug=made.slug), 303)


def _at_its_field(error: Invalid) -> dict[str, str]:
    """Return faults by the fields of the form, which has others than the use-case in one place."""
    found = dict(forms.wrong(error))
    if "" in found and "partner" in found[""]:
        found["partners"] = found.pop("")
    return found


@pages.get("/<slug>/edit")
@needs("edit_list")
def edit(slug: str) -> ResponseReturnValue:
    """Show the form of a list."""
    found = _find(slug).counted
    return _form(found, list_forms.kept(found.offer_list), {})


@pages.post("/<slug>/edit")
@needs("edit_list")
def change(slug: str) -> ResponseReturnValue:
    """Change a list; who was overtaken sees both versions."""
    site, reason = _site(), forms.text("reason")
    found = _find(slug).counted
    try:
        changing_lists.change_terms(
            site.db,
            slug,
            list_forms.given(found.offer_list),
            seen=forms.number("revision"),
            override=bool(reason),
            reason=reason,
            by=caller().name,
            now=site.now(),
        )
    except Outdated:
        return _form(_find(slug).counted, list_forms.typed(), {}, 412)
    except Conflict as error:
        return _form(found, list_forms.typed(), {"": error.detail}, 422)
    except Invalid as error:
        return _form(found, list_forms.typed(), forms.wrong(error), 422)
    flash(_("The list was changed."), "done")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


def _form(
    found: CountedList | None, given: Mapping[str, str], wrong: Mapping[str, str], status: int = 200
) -> Response:
    on = None if found is None else found.offer_list
    overtaken = status == 412
    revision = given.get("revision", "")
    page = render_template(
        "desk/list_form.html",
        list=on,
        wishes=0 if found is None else found.wishes,
        given=given,
        kept=None if on is None or not overtaken else list_forms.kept(on),
        revision=on.revision if on is not None and overtaken else revision,
        fields=list_forms.FIELDS if on is None else list_forms.changeable(on),
        audiences=list_forms.audiences(_site().db) if on is None else [],
        zones=list_forms.zones(),
        explained=allocation.explained(),
        overtaken=overtaken,
        wrong=wrong,
    )
    return make_response(page, status)


# --- one list -------------------------------------------------------------------------------------


@pages.get("/<slug>")
@needs("create_list")
def show(slug: str) -> ResponseReturnValue:
    """Show a list: how it stands, to whom it is open, what can be done, and its titles."""
    return _show(slug, {})


def _show(slug: str, wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    found = _find(slug)
    on = found.counted.offer_list
    if kind := request.args.get("as", ""):
        rows = _title_rows(overlooking_lists.all_offers(site.db, slug))
        return table_answer.table(_TITLE, rows, slug, kind)
    query = request.args.get("q", "").strip()[:200]
    after = public_ids.read(request.args.get("after", "")) or ""
    titles = overlooking_lists.list_offers(site.db, slug, after, TITLES + 1, query=query)
    page = render_template(
        "desk/list.html",
        found=found,
        list=on,
        counted=found.counted,
        titles=titles[:TITLES],
        more=len(titles) > TITLES,
        after=after,
        query=query,
        moves_now=[each for each in possible(on.state) if each not in INDIRECT],
        can_allocate=on.state in {ListState.CLOSED, ListState.ALLOCATED},
        can_grow=on.state in GROWING,
        is_listed=on.state in LISTED,
        audiences=["public", *list_forms.audiences(site.db)],
        zones=list_forms.zones(),
        wrong=wrong,
        now=site.now(),
    )
    return make_response(page, status)


def _title_rows(titles: Iterator[CountedOffer]) -> Iterator[tuple[object, ...]]:
    for each in titles:
        title = each.offer
        yield (title.public_id, title.title, title.title_vernacular, title.author, title.publisher,
               title.published, title.languages, title.isbns, title.copies, title.volumes,
               title.condition, " ".join(title.not_to), title.state.value, each.wishes,
               each.given)  # fmt: skip


# --- to whom it opens later -----------------------------------------------------------------------


@pages.post("/<slug>/tiers")
@needs("edit_list")
def add_tier(slug: str) -> ResponseReturnValue:
    """Let a list open to another audience at a moment."""
    site = _site()
    zone = forms.text("zone") or "UTC"
    try:
        opens_at = forms.moment("opens_at", zone)
        if opens_at is None:
            raise Invalid(_("say when it opens to them"), "opens_at")
        tiering.add_tier(
            site.db, slug, forms.text("audience"), opens_at, site.now(), by=caller().name
        )
    except Conflict as error:
        return _show(slug, {"": error.detail}, 409)
    except Invalid as error:
        return _show(slug, forms.wrong(error), 422)
    flash(_("The list opens to them at that moment."), "done")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


@pages.post("/<slug>/tiers/remove")
@needs("edit_list")
def remove_tier(slug: str) -> ResponseReturnValue:
    """Let a list not open to an audience after all."""
    site = _site()
    tiering.remove_tier(site.db, slug, forms.text("audience"), site.now(), by=caller().name)
    flash(_("The list does not open to them."), "done")
    return redirect(url_for("desk_lists.show", slug=slug), 303)


def _find(slug: str) -> Any:
    site = _site()
    return overlooking_lists.find(site.db, slug, site.now())


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
