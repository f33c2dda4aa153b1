"""A partner's own entry, as far as it changes that itself, and how its system harvests here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
from werkzeug.wrappers import Response

from service.errors import Invalid
from service.usecases import enrolling
from service.usecases.site import Site
from service.web import client_settings, faults, forms
from service.web.client_settings import Chosen
from service.web.guarding import needs, partner

pages = Blueprint("portal_library", __name__, url_prefix="/portal/library")
faults.handle(pages)

# What the form has of the fields that a partner changes itself; the API has the others.
FIELDS: Final = ("address_roman", "address_local", "website")


@pages.get("/")
@needs("show_caller")
def index() -> str:
    """Show what we know of this library, and settings for its system."""
    return _index({})


@pages.post("/")
@needs("change_caller")
def change() -> Response:
    """Change the library's own addresses."""
    site = _site()
    given: dict[str, Any] = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        seen = forms.number("revision")
        enrolling.change_own(site.db, partner(), given, seen=seen, now=site.now())
    except Invalid as error:
        return make_response(_index(forms.wrong(error)), 422)
    flash(_("Your library’s entry is changed."), "done")
    return redirect(url_for(".index"), 303)


def _index(wrong: Mapping[str, str]) -> str:
    site = _site()
    code = partner().code
    sets = (("", _("Everything open to you")), (f"given:{code}", _("What you were given")))
    return render_template(
        "portal/library.html",
        entry=enrolling.find_entry(site.db, code),
        fields=FIELDS,
        wrong=wrong,
        harvests=[
            (words, client_settings.clients(site.settings, Chosen("marc21", spec)))
            for spec, words in sets
        ],
    )


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
