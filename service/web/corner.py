"""What visitors see of the exchange: donated books by country, the exhibition, the programme.

Open to everybody, and made of what is public: no partner's contact, address or note is even read.
"""

from __future__ import annotations

from datetime import date

from flask import Blueprint, current_app, render_template, request

from service.domain.donated_book import BookKey, key
from service.errors import Invalid, NotFound
from service.usecases import exhibiting, reporting, showing_donations
from service.usecases.exhibiting import Shown
from service.usecases.naming_places import names
from service.usecases.site import Site
from service.web import answers, translating
from service.web.guarding import open_to_all

pages = Blueprint("corner", __name__)
pages.register_error_handler(NotFound, answers.not_found)

PER_PAGE = 50
# Exhibitions on one page: five years of them.
PER_LIST = 20


# --- the country corner ---------------------------------------------------------------------------


@pages.get("/countries")
@open_to_all
def countries() -> str:
    """Show from which countries, regions and cities books were donated."""
    return render_template(
        "corner/countries.html", countries=showing_donations.list_countries(_site().db)
    )


@pages.get("/countries/<iso>")
@open_to_all
def country(iso: str) -> str:
    """Show the cities of a country or region, and a page of the books from it."""
    return _shelf(iso, None)


@pages.get("/countries/<iso>/city")
@open_to_all
def city(iso: str) -> str:
    """Show a page of the books from the city that is named in the address."""
    return _shelf(iso, request.args.get("name", ""))


def _shelf(iso: str, name: str | None) -> str:
    after = _after()
    shelf = showing_donations.browse(_site().db, iso, name, after=after, limit=PER_PAGE)
    return render_template("corner/country.html", shelf=shelf, after=after)


def _after() -> BookKey | None:
    """Return the book that this page follows; anything else begins at the beginning."""
    try:
        return key(request.args.get("after", ""))
    except Invalid:
        return None


# --- exhibitions ----------------------------------------------------------------------------------


@pages.get("/exhibition")
@open_to_all
def exhibition() -> str:
    """Show the exhibition of today, if there is one."""
    site = _site()
    shown = exhibiting.current(site.db, site.now().date())
    return render_template("corner/no_exhibition.html") if shown is None else show(shown)


@pages.get("/exhibitions")
@open_to_all
def exhibitions() -> str:
    """Show what was exhibited before, the latest first."""
    site = _site()
    today = site.now().date()
    found = exhibiting.past(site.db, today, before=_before(), limit=PER_LIST + 1)
    return render_template(
        "corner/exhibitions.html",
        exhibitions=found[:PER_LIST],
        more=len(found) > PER_LIST,
        before=_before(),
    )


@pages.get("/exhibitions/<slug>")
@open_to_all
def one_exhibition(slug: str) -> str:
    """Show an exhibition that is or was open; one that is still to come is not there yet."""
    site = _site()
    return show(exhibiting.visit(site.db, slug, site.now().date()))


def show(shown: Shown, *, preview: bool = False) -> str:
    """Return the page of an exhibition, with a remark if it is shown to the staff before it opens.

    Its words come in the reader's language first, if they are written in it.
    """
    site = _site()
    found = shown.exhibition
    return render_template(
        "corner/exhibition.html",
        exhibition=found,
        phase=found.phase(site.now().date()),
        words=found.read_in(translating.tag()),
        country=names(site.db).get(found.place, found.place),
        books=shown.books,
        preview=preview,
    )


def _before() -> date | None:
    """Return the day before which exhibitions ended; anything else begins with the latest."""
    try:
        return date.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return None


# --- the programme --------------------------------------------------------------------------------


@pages.get("/programme")
@open_to_all
def programme() -> str:
    """Show what the exchange is, its figures, and how a library becomes a partner."""
    figures = reporting.programme(_site().db)
    volumes = (row[at] for row in figures.years.rows for at in (3, 5))
    most = max((each for each in volumes if isinstance(each, int)), default=0)
    return render_template("corner/programme.html", figures=figures, most=most)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
