"""Signing in and out, and what somebody sees to who is signed in: password, sessions, tokens.

Whatever is wrong with a name or a password is told in the same words. Nothing on these pages can be
said about anybody else: the account is that of the session, whatever a form brings along.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from service.domain import demo_account, password
from service.domain.permission import Kind
from service.errors import Busy, Conflict, Invalid, NotFound, TooSoon, Unauthenticated
from service.usecases import changing_passwords, opening_sessions, signing_in, staffing
from service.usecases.signing_in import Caller
from service.usecases.site import Site
from service.web import answers, guarding, sessions
from service.web.guarding import caller, needs, open_to_all
from service.web.own_addresses import own_address
from service.web.translating import LANGUAGES

pages = Blueprint("accounts", __name__)
pages.register_error_handler(NotFound, answers.not_found)

# Where somebody begins who was on the way to nowhere else.
_DOORS: Final = {Kind.STAFF: "desk.today", Kind.PARTNER: "portal.overview"}
# How long a new token can be used, in days; "" is until it is revoked.
TOKEN_DAYS: Final = ("90", "365", "")


# --- signing in and out ---------------------------------------------------------------------------


@pages.get("/sign-in")
@open_to_all
def sign_in() -> ResponseReturnValue:
    """Ask for name and password; who is signed in goes on."""
    if guarding.is_signed_in():
        return redirect(_next(caller()), 303)
    return _sign_in_page({})


@pages.post("/sign-in")
@open_to_all
def enter() -> ResponseReturnValue:
    """Sign somebody in."""
    site = _site()
    try:
        opened = opening_sessions.sign_in(
            site.db,
            sessions.hasher(),
            request.form.get("name", ""),
            request.form.get("password", ""),
            address=sessions.address(),
            browser=sessions.browser(),
            now=site.now(),
        )
    except Unauthenticated:
        return _sign_in_page({"": _("The name or the password is wrong.")}, 401)
    except (TooSoon, Busy) as error:
        told, status, seconds = wait(error)
        return _sign_in_page({"": told}, status, seconds)
    sessions.begin(opened)
    return redirect(_next(opened.caller), 303)


@pages.post("/sign-out")
@open_to_all
def sign_out() -> ResponseReturnValue:
    """Sign somebody out; who was not signed in is not, either."""
    sessions.end()
    return redirect(url_for("catalogue.front"), 303)


def wait(error: TooSoon | Busy) -> tuple[str, int, int]:
    """Return what to tell somebody who has to wait, the status, and how many seconds."""
    if isinstance(error, Busy):
        return _("Too many people are signing in at this moment. Please try again."), 503, 2
    told = _("It was tried too often. Please wait %(seconds)s seconds.", seconds=error.seconds)
    return told, 429, error.seconds


def _sign_in_page(wrong: Mapping[str, str], status: int = 200, seconds: int = 0) -> Response:
    """Return the form, with what is wrong, and after how many seconds to try again."""
    site = _site()
    page = render_template(
        "accounts/sign_in.html",
        wrong=wrong,
        name=request.form.get("name", ""),
        next=own_address(request.values.get("next", ""), ""),
        demo=demo_account.ACCOUNTS if site.settings.demo else (),
        mails=bool(site.settings.smtp_host),
    )
    answer = make_response(page, status)
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _next(who: Caller) -> str:
    """Return where somebody goes who signed in: where the way was going, or to the first room."""
    return own_address(request.values.get("next", ""), first_room(who))


def first_room(who: Caller) -> str:
    """Return where somebody begins."""
    room = _DOORS.get(who.role.kind, "")
    return url_for(room if room in current_app.view_functions else "accounts.mine")


# --- the own account ------------------------------------------------------------------------------


@pages.get("/account")
@needs("manage_own_account")
def mine() -> ResponseReturnValue:
    """Show somebody the own account: what it is told by, sessions, tokens."""
    return _mine()


@pages.post("/account")
@needs("manage_own_account")
def describe() -> ResponseReturnValue:
    """Keep how somebody is called and in which language the pages are."""
    site, who, form = _site(), caller(), request.form
    given = {"full_name": form.get("full_name", "")}
    if form.get("locale", "") in {"", *LANGUAGES}:
        given["locale"] = form.get("locale", "")
    staffing.describe(site.db, who.account, given, site.now(), by=who.name)
    flash(_("Your account is changed."), "done")
    return _back()


@pages.post("/account/password")
@needs("manage_own_account")
def change_password() -> ResponseReturnValue:
    """Give the account another password, and this browser another session."""
    site, who, form = _site(), caller(), request.form
    new = form.get("password", "")
    if form.get("again", new) != new:
        return _mine({"again": _("The two are not the same.")}, 422)
    try:
        opened = changing_passwords.change(
            site.db,
            sessions.hasher(),
            who.account,
            form.get("old", ""),
            new,
            library=site.settings.repository_name,
            address=sessions.address(),
            browser=sessions.browser(),
            now=site.now(),
            by=who.name,
        )
    except Invalid as error:
        return _mine({error.field: why_not(error, new, who.account)}, 422)
    except Conflict:
        return _mine({"old": _("The password was changed a moment ago.")}, 409)
    except (TooSoon, Busy) as error:
        told, status, seconds = wait(error)
        return _mine({"old": told}, status, seconds)
    sessions.begin(opened)
    flash(
        _("Your password is changed. Wherever else you were signed in, you are not any more."),
        "done",
    )
    return _back()


def why_not(error: Invalid, new: str, name: str) -> str:
    """Return in the reader's language why a password cannot be changed to ``new``."""
    library = _site().settings.repository_name
    found = password.weakness(new, name=name, library=library)
    if error.field == "old":
        return str(_("This is not the password you have now."))
    told: dict[password.Weakness, str] = {
        password.Weakness.SHORT: _(
            "A password needs at least %(number)s characters.", number=password.SHORTEST
        ),
        password.Weakness.LONG: _(
            "A password has at most %(number)s characters.", number=password.LONGEST
        ),
        password.Weakness.NAME: _("A password must not be your name."),
        password.Weakness.LIBRARY: _("A password must not be the name of the library."),
        password.Weakness.COMMON: _(
            "This password is one of those that are tried first. Take another."
        ),
    }
    return str(_("Choose a password.")) if found is None else told[found]


@pages.post("/account/sessions/<public_id>/close")
@needs("manage_own_account")
def close_session(public_id: str) -> ResponseReturnValue:
    """Sign another browser out."""
    site, who = _site(), caller()
    opening_sessions.close_one(site.db, who.account, public_id, site.now(), by=who.name)
    flash(_("That browser is signed out."), "done")
    return _back()


@pages.post("/account/sessions/close")
@needs("manage_own_account")
def close_sessions() -> ResponseReturnValue:
    """Sign every other browser out."""
    site, who = _site(), caller()
    opening_sessions.close_all(site.db, who.account, site.now(), by=who.name, but=g.session)
    flash(_("Every other browser is signed out."), "done")
    return _back()


@pages.post("/account/tokens")
@needs("manage_own_account")
def issue_token() -> ResponseReturnValue:
    """Make a token for a program, and show it, once."""
    site, who = _site(), caller()
    days = request.form.get("days", TOKEN_DAYS[0])
    lasts = timedelta(days=int(days)) if days in TOKEN_DAYS[:-1] else None
    if days not in TOKEN_DAYS:
        return _mine({"days": _("Say how long the token is to be used.")}, 422)
    try:
        made = signing_in.issue_own_token(
            site.db, who, request.form.get("label", ""), site.now(), lasts=lasts
        )
    except Invalid:
        told = _("Say what the token is for, in at most %(number)s characters.", number=100)
        return _mine({"label": told}, 422)
    return render_template("accounts/token.html", token=made)


@pages.post("/account/tokens/<public_id>/revoke")
@needs("manage_own_account")
def revoke_token(public_id: str) -> ResponseReturnValue:
    """Let a token open nothing any more."""
    site = _site()
    signing_in.revoke_own_token(site.db, caller(), public_id, site.now())
    flash(_("The token is revoked."), "done")
    return _back()


def _mine(wrong: Mapping[str, str] | None = None, status: int = 200, seconds: int = 0) -> Response:
    site, who = _site(), caller()
    now = site.now()
    page = render_template(
        "accounts/mine.html",
        wrong=wrong or {},
        form=request.form,
        account=staffing.find(site.db, who.account, now),
        sessions=opening_sessions.list_sessions(site.db, who.account, now),
        here=g.session,
        tokens=signing_in.own_tokens(site.db, who, now),
        days=TOKEN_DAYS,
        all_languages=LANGUAGES,
    )
    answer = make_response(page, status)
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _back() -> ResponseReturnValue:
    return redirect(url_for("accounts.mine"), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
