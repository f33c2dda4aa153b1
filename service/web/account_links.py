"""Pages behind links that open an account, and the one that asks for such a link.

Looking changes nothing: programs open the links of mail before people do. What a link opens is kept
out of caches and search engines, and its address is told to no other site.
"""

from __future__ import annotations

from collections.abc import Mapping
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
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from service.errors import Busy, Invalid, NotFound, TooSoon
from service.usecases import inviting, signing_links
from service.usecases.site import Site
from service.web import accounts, sessions
from service.web.guarding import open_to_all

pages = Blueprint("account_links", __name__)

_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@pages.errorhandler(NotFound)
def not_found(_error: NotFound) -> Response:
    """Tell that a link opens nothing: used, too old, altered, or never ours, in the same words."""
    return make_response(render_template("accounts/link_gone.html"), 404)


@pages.after_request
def keep_private(response: Response) -> Response:
    """Keep the page and its address out of everything that keeps pages."""
    response.headers.update(_HEADERS)
    return response


@pages.get("/sign-in/link")
@open_to_all
def ask() -> ResponseReturnValue:
    """Ask who wants a link by mail."""
    return _ask_page()


@pages.post("/sign-in/link")
@open_to_all
def send() -> ResponseReturnValue:
    """Mail a link to whoever has this account, and say the same whether there is one."""
    site = _site()
    if not site.settings.smtp_host:
        return _ask_page(409)
    try:
        inviting.ask(
            site.db,
            site.settings,
            request.form.get("who", ""),
            address=sessions.address(),
            now=site.now(),
        )
    except TooSoon as error:
        told, status, seconds = accounts.wait(error)
        answer = _ask_page(status, {"who": told})
        answer.headers["Retry-After"] = str(seconds)
        return answer
    return render_template("accounts/link_sent.html")


@pages.get(f"{signing_links.PATH}<token>")
@open_to_all
def show(token: str) -> ResponseReturnValue:
    """Show what a link opens, and ask for a password where it takes one."""
    return _page(token)


@pages.post(f"{signing_links.PATH}<token>")
@open_to_all
def accept(token: str) -> ResponseReturnValue:
    """Use a link: a password is set, or somebody is let in."""
    site, new = _site(), request.form.get("password", "")
    if request.form.get("again", new) != new:
        return _page(token, 422, {"again": _("The two are not the same.")})
    try:
        opened = inviting.accept(
            site.db,
            site.settings,
            sessions.hasher(),
            token,
            new,
            browser=sessions.browser(),
            now=site.now(),
        )
    except Invalid as error:
        name = inviting.look(site.db, site.settings, token, site.now()).name
        return _page(token, 422, {"password": accounts.why_not(error, new, name)})
    except Busy as error:
        told, status, _seconds = accounts.wait(error)
        return _page(token, status, {"": told})
    sessions.begin(opened)
    flash(_("You are signed in."), "done")
    return redirect(accounts.first_room(opened.caller), 303)


def _page(token: str, status: int = 200, wrong: Mapping[str, str] | None = None) -> Response:
    site = _site()
    found = inviting.look(site.db, site.settings, token, site.now())
    page = render_template("accounts/link.html", invited=found, wrong=wrong or {})
    return make_response(page, status)


def _ask_page(status: int = 200, wrong: Mapping[str, str] | None = None) -> Response:
    page = render_template(
        "accounts/ask.html",
        wrong=wrong or {},
        given=request.form.get("who", ""),
        mails=bool(_site().settings.smtp_host),
    )
    return make_response(page, status)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
