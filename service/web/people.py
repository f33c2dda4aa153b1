"""The administration of accounts: who is there, who is invited, in which role, and who is not."""

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
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from service.domain.account import ROLES
from service.domain.permission import STAFF, Role
from service.errors import BookbridgeError, Conflict, Invalid, NotFound
from service.usecases import inviting, opening_sessions, staffing
from service.usecases.inviting import Made
from service.usecases.site import Site
from service.web import answers
from service.web.guarding import caller, needs

pages = Blueprint("people", __name__, url_prefix="/desk/accounts")
pages.register_error_handler(NotFound, answers.not_found)

PER_PAGE: Final = 100


@pages.get("")
@needs("manage_accounts")
def index() -> ResponseReturnValue:
    """List the accounts, a page at a time, and ask for a new one."""
    return _index()


@pages.post("")
@needs("manage_accounts")
def invite() -> ResponseReturnValue:
    """Enter an account and make its invitation, whose link is shown once."""
    site, form, now = _site(), request.form, _site().now()
    try:
        made = staffing.add(
            site.db,
            form.get("name", ""),
            _role(form.get("role", "")),
            now,
            partner=form.get("partner", "").strip(),
            full_name=form.get("full_name", ""),
            email=form.get("email", ""),
            by=caller().name,
        )
    except Invalid as error:
        return _index({error.field: _told(error)}, 422)
    except Conflict as error:
        return _index({"name": _told(error)}, 409)
    except NotFound as error:
        return _index({"partner": _told(error)}, 422)
    link = inviting.invite(site.db, site.settings, made.name, now, by=caller().name)
    return _link_page(made.name, link)


@pages.get("/<name>")
@needs("manage_accounts")
def show(name: str) -> ResponseReturnValue:
    """Show one account, and what can be done with it."""
    return _show(name)


@pages.post("/<name>")
@needs("manage_accounts")
def change(name: str) -> ResponseReturnValue:
    """Change how an account is told of, and where its mail goes."""
    site, form = _site(), request.form
    given = {field: form[field] for field in ("full_name", "email") if field in form}
    try:
        staffing.describe(site.db, name, given, site.now(), by=caller().name)
    except Invalid as error:
        return _show(name, {error.field: _told(error)}, 422)
    flash(_("The account is changed."), "done")
    return _back(name)


@pages.post("/<name>/role")
@needs("manage_accounts")
def change_role(name: str) -> ResponseReturnValue:
    """Let a member of the staff act in another role; it signs in anew."""
    site = _site()
    try:
        role = _role(request.form.get("role", ""))
        staffing.change_role(site.db, name, role, site.now(), by=caller().name)
    except (Invalid, Conflict) as error:
        return _show(name, {"role": _told(error)}, 422)
    flash(_("The role is changed; whoever was signed in signs in anew."), "done")
    return _back(name)


@pages.post("/<name>/disable")
@needs("manage_accounts")
def disable(name: str) -> ResponseReturnValue:
    """Let nobody sign in as an account any more."""
    site = _site()
    try:
        staffing.disable(site.db, name, site.now(), by=caller().name)
    except Conflict as error:
        return _show(name, {"": _told(error)}, 409)
    flash(_("The account is disabled."), "done")
    return _back(name)


@pages.post("/<name>/enable")
@needs("manage_accounts")
def enable(name: str) -> ResponseReturnValue:
    """Let an account be used again."""
    site = _site()
    staffing.enable(site.db, name, site.now(), by=caller().name)
    flash(_("The account can be used again."), "done")
    return _back(name)


@pages.post("/<name>/sessions/close")
@needs("manage_accounts")
def close_sessions(name: str) -> ResponseReturnValue:
    """Sign somebody out everywhere."""
    site = _site()
    opening_sessions.close_all(site.db, name, site.now(), by=caller().name)
    flash(_("Every browser of this account is signed out."), "done")
    return _back(name)


@pages.post("/<name>/link")
@needs("manage_accounts")
def make_link(name: str) -> ResponseReturnValue:
    """Make a link to take an account over or to set a new password, and show it, once."""
    site, now = _site(), _site().now()
    found = staffing.find(site.db, name, now)
    make = inviting.reset if found.has_password else inviting.invite
    try:
        made = make(site.db, site.settings, name, now, by=caller().name)
    except Conflict as error:
        return _show(name, {"": _told(error)}, 409)
    return _link_page(name, made)


def _index(wrong: Mapping[str, str] | None = None, status: int = 200) -> Response:
    site, after = _site(), request.args.get("after", "")
    found = staffing.list_accounts(site.db, site.now(), after, PER_PAGE + 1)
    page = render_template(
        "accounts/people.html",
        accounts=found[:PER_PAGE],
        after=after,
        more=len(found) > PER_PAGE,
        roles=ROLES,
        wrong=wrong or {},
        form=request.form,
    )
    return make_response(page, status)


def _show(name: str, wrong: Mapping[str, str] | None = None, status: int = 200) -> Response:
    site, now = _site(), _site().now()
    page = render_template(
        "accounts/person.html",
        account=staffing.find(site.db, name, now),
        sessions=opening_sessions.list_sessions(site.db, name, now),
        roles=STAFF,
        wrong=wrong or {},
        form=request.form,
    )
    return make_response(page, status)


def _link_page(name: str, made: Made) -> ResponseReturnValue:
    return render_template("accounts/link_made.html", name=name, made=made)


def _role(given: str) -> Role:
    try:
        return Role(given)
    except ValueError as error:
        raise Invalid(_("Choose a role."), field="role") from error


def _told(error: BookbridgeError) -> str:
    return f"{error.detail[:1].upper()}{error.detail[1:]}."


def _back(name: str) -> ResponseReturnValue:
    return redirect(url_for("people.show", name=name), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
