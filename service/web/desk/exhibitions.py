"""The desk of exhibitions: drawn up, filled with a partner's books, looked at before they open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import make_response as answer
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from service.domain.donated_book import BookKey, key
from service.domain.exhibition import Exhibition, Phase
from service.errors import Conflict, Invalid, Outdated
from service.usecases import exhibiting
from service.usecases.exhibiting import Shown
from service.usecases.site import Site
from service.web import corner, faults, forms, table_answer, translating
from service.web.guarding import caller, needs

pages = Blueprint("desk_exhibitions", __name__, url_prefix="/desk/exhibitions")
faults.handle(pages)

PER_PAGE: Final = 50
# Rows for words in one language more that a form has beyond those that are written.
_FREE: Final = 1
_PHASES: Final[Mapping[Phase, tuple[str, object]]] = {
    Phase.COMING: ("you", lazy_gettext("to come")),
    Phase.OPEN: ("others", lazy_gettext("open")),
    Phase.PAST: ("done", lazy_gettext("past")),
}


@pages.get("")
@needs("edit_exhibition")
def index() -> ResponseReturnValue:
    """Show all exhibitions, the latest first; ``as`` asks for them as a file."""
    found = exhibiting.list_exhibitions(_site().db)
    if kind := request.args.get("as", ""):
        return _table(found, kind)
    today = _site().now().date()
    return render_template(
        "desk/exhibitions.html",
        exhibitions=[(each, *_PHASES[each.phase(today)]) for each in found],
    )


def _table(found: Sequence[Exhibition], kind: str) -> Response:
    headings = ("slug", "title", "partner", "opens_on", "closes_on", "books")
    rows = [
        (each.slug, each.title, each.partner, each.opens_on, each.closes_on, each.books)
        for each in found
    ]
    return table_answer.table(headings, rows, "exhibitions", kind)


# --- words and days -------------------------------------------------------------------------------


@pages.get("/_new")
@needs("edit_exhibition")
def new() -> ResponseReturnValue:
    """Show the form of a new exhibition."""
    given = {"words": [[translating.tag(), "", ""]]}
    return _form(None, given, {})


@pages.post("/_new")
@needs("edit_exhibition")
def add() -> ResponseReturnValue:
    """Draw up an exhibition, and go on to its books."""
    site = _site()
    try:
        made = exhibiting.add(site.db, _given(), by=caller().name, now=site.now())
    except (Invalid, Conflict) as error:
        return _form(None, _typed(), _wrong(error), 422)
    flash(_("The exhibition is drawn up. Choose its books."), "done")
    return redirect(url_for(".books", slug=made.slug), 303)


@pages.get("/<slug>")
@needs("edit_exhibition")
def edit(slug: str) -> ResponseReturnValue:
    """Show the form of an exhibition, with ways to its books and to what visitors see."""
    found = exhibiting.find(_site().db, slug).exhibition
    return _form(found, _kept(found), {})


@pages.post("/<slug>")
@needs("edit_exhibition")
def change(slug: str) -> ResponseReturnValue:
    """Change an exhibition; who was overtaken sees both versions."""
    site = _site()
    try:
        exhibiting.change(
            site.db,
            slug,
            _given(),
            seen=forms.number("revision"),
            by=caller().name,
            now=site.now(),
        )
    except Outdated:
        return _form(exhibiting.find(site.db, slug).exhibition, _typed(), {}, 412)
    except (Invalid, Conflict) as error:
        return _form(exhibiting.find(site.db, slug).exhibition, _typed(), _wrong(error), 422)
    flash(_("The exhibition was changed."), "done")
    return redirect(url_for(".edit", slug=slug), 303)


def _form(
    found: Exhibition | None, given: Mapping[str, Any], wrong: Mapping[str, str], status: int = 200
) -> Response:
    site = _site()
    words = [*given["words"], *([["", "", ""]] * _FREE)]
    page = render_template(
        "desk/exhibition.html",
        exhibition=found,
        phase=None if found is None else _PHASES[found.phase(site.now().date())],
        coming=found is not None and found.phase(site.now().date()) is Phase.COMING,
        partners=[("", _("– choose –")), *exhibiting.givers(site.db)],
        given={**given, "words": words},
        revision=given.get("revision", "") if status == 422 else found.revision if found else "",
        overtaken=status == 412,
        wrong=wrong,
    )
    return answer(page, status)


def _given() -> dict[str, Any]:
    """Return a form as the use-case takes it; words in a language without any are left out."""
    rows = [row for row in _typed()["words"] if row[1] or row[2]]
    return {
        "slug": forms.text("slug"),
        "partner": forms.text("partner"),
        "opens_on": forms.day("opens_on"),
        "closes_on": forms.day("closes_on"),
        "words": rows,
    }


def _typed() -> dict[str, Any]:
    """Return what was typed, to be shown again."""
    fields = ("slug", "partner", "opens_on", "closes_on", "revision")
    rows: list[list[str]] = []
    while f"words.{len(rows)}.title" in request.form:
        names = (f"words.{len(rows)}.{name}" for name in ("language", "title", "text"))
        rows.append([forms.text(name) for name in names])
    return {**{name: forms.text(name) for name in fields}, "words": _written(rows)}


def _written(rows: list[list[str]]) -> list[list[str]]:
    """Return rows without the empty ones, so that faults are told of the row that is shown."""
    return [row for row in rows if row[1] or row[2]] or [[translating.tag(), "", ""]]


def _kept(found: Exhibition) -> dict[str, Any]:
    return {
        "slug": found.slug,
        "partner": found.partner,
        "opens_on": found.opens_on.isoformat(),
        "closes_on": found.closes_on.isoformat(),
        "words": [list(each) for each in found.words],
    }


def _wrong(error: Invalid | Conflict) -> Mapping[str, str]:
    return forms.wrong(error) if isinstance(error, Invalid) else {"": error.detail}


# --- its books ------------------------------------------------------------------------------------


@pages.get("/<slug>/books")
@needs("edit_exhibition")
def books(slug: str) -> ResponseReturnValue:
    """Show the books that are chosen, and a page of those that may be."""
    return _books(exhibiting.find(_site().db, slug), {})


@pages.post("/<slug>/books")
@needs("edit_exhibition")
def choose(slug: str) -> ResponseReturnValue:
    """Add the ticked books, or put those that are chosen in order and take some out."""
    site = _site()
    found = exhibiting.find(site.db, slug)
    try:
        exhibiting.choose(
            site.db,
            slug,
            _ordered(found),
            seen=forms.number("revision"),
            by=caller().name,
            now=site.now(),
        )
    except Invalid as error:
        return answer(_books(found, forms.wrong(error)), 422)
    flash(_("The choice of books was saved."), "done")
    return redirect(url_for(".books", slug=slug), 303)


def _ordered(found: Shown) -> list[BookKey]:
    """Return the books as the form has them: by the numbers given, then those that are new."""
    out = {key(each) for each in forms.texts("out")}
    kept = [book.key for book in found.books if book.key not in out]
    numbers = {each: forms.number(f"place.{each}") for each in kept}
    placed = sorted(kept, key=lambda each: (numbers[each] is None, numbers[each] or 0))
    return [*placed, *(key(each) for each in forms.texts("add"))]


def _books(found: Shown, wrong: Mapping[str, str]) -> str:
    site = _site()
    try:
        after = key(request.args.get("after", ""))
    except Invalid:
        after = None
    titles = exhibiting.titles(site.db, found.exhibition.slug, after=after, limit=PER_PAGE + 1)
    return render_template(
        "desk/exhibition_books.html",
        exhibition=found.exhibition,
        chosen=found.books,
        keys={book.key for book in found.books},
        titles=titles[:PER_PAGE],
        more=len(titles) > PER_PAGE,
        after=after,
        wrong=wrong,
    )


# --- seen before it opens, and taken away ---------------------------------------------------------


@pages.get("/<slug>/preview")
@needs("edit_exhibition")
def preview(slug: str) -> ResponseReturnValue:
    """Show an exhibition as visitors will see it."""
    return corner.show(exhibiting.find(_site().db, slug), preview=True)


@pages.get("/<slug>/remove")
@needs("edit_exhibition")
def ask_to_remove(slug: str) -> ResponseReturnValue:
    """Ask once more before an exhibition is taken away."""
    found = exhibiting.find(_site().db, slug).exhibition
    return render_template("desk/exhibition_remove.html", exhibition=found)


@pages.post("/<slug>/remove")
@needs("edit_exhibition")
def remove(slug: str) -> ResponseReturnValue:
    """Take away an exhibition that is still to come."""
    site = _site()
    exhibiting.remove(
        site.db,
        slug,
        today=site.now().date(),
        seen=forms.number("revision"),
        by=caller().name,
        now=site.now(),
    )
    flash(_("The exhibition was taken away."), "done")
    return redirect(url_for(".index"), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
