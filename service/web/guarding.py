"""Nobody gets into a page, and no form changes anything, unless it was decided here or at the page.

Who may see a page says the same table as for the API, ``service/domain/permission.py``. A page that
says neither which action it needs nor that it is open to all stops the program. Every form that
changes something carries a token of the browser's own session; the table of those that need none
says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect

from service.domain.partner import Partner
from service.domain.permission import ACTIONS, STAFF, Kind, Role
from service.usecases.signing_in import ANONYMOUS, Caller
from service.web import answers

View = TypeVar("View", bound=Callable[..., Any])

# Whose every view is open to everybody, as it was when the house had no doors.
PUBLIC: Final = frozenset(
    {"bootstrap", "catalogue", "health", "language", "oai_explorer", "receipt_page"}
)
WITHOUT_TOKEN: Final[Mapping[str, str]] = {
    "receipt_page.confirm": "the address is the capability: no cookie takes part in it",
    "language.choose": "changes words alone, and public pages shall need no session",
}
"""Views that take a form without a token, and why nobody can be made to send it unawares.

The API and ``/oai`` are not pages: they read no cookie, so a browser lends nobody its rights there.
"""

PLACES: Final[Mapping[str, Kind]] = {"/desk": Kind.STAFF, "/portal": Kind.PARTNER}
"""What lies below these is for one kind of people, whatever else an action admits."""

_NEEDED: Final = "needed_action"
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Octets that somebody may send who is not signed in.
_LITTLE: Final = 1_000_000

_csrf = CSRFProtect()


def register(app: Flask) -> None:
    """Look at the token of every form before its page does."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,  # the check is ours, below
        WTF_CSRF_TIME_LIMIT=None,  # a form may stand open as long as its session lasts
        # Our cookie cannot be set by another host; and pages behind a link tell no referrer.
        WTF_CSRF_SSL_STRICT=False,
    )
    _csrf.init_app(app)
    app.before_request(look_at_form)
    app.register_error_handler(CSRFError, _form_too_old)


def look_at_form() -> None:
    """Raise ``CSRFError`` for a form that no page of ours made for this browser."""
    if request.method not in _UNSAFE or not answers.is_for_people(request.path):
        return
    if request.endpoint is None or request.endpoint in WITHOUT_TOKEN:
        return
    if not is_signed_in():
        request.max_content_length = request.max_form_memory_size = _LITTLE
    _csrf.protect()


def caller() -> Caller:
    """Return who looks at this page."""
    found: Caller = g.get("caller", ANONYMOUS)
    return found


def is_signed_in() -> bool:
    """Whether somebody is signed in here."""
    return caller() != ANONYMOUS


def partner() -> Partner:
    """Return the partner whose person looks at a page that is for partners alone."""
    found = caller().partner
    assert found is not None  # noqa: S101 - the page was guarded
    return found


def may(action: str) -> bool:
    """Whether who looks at this page may do an action at all, so that a page offers no more."""
    return caller().role in ACTIONS[action].admitted


def needs(action: str) -> Callable[[View], View]:
    """Return a decorator that lets only those see a page who may do ``action``.

    It stands below the route. Who is not signed in is sent to sign in, and comes back; who may not
    is told which role is needed.
    """
    if action not in ACTIONS:
        raise AssertionError(f"{action!r} has no row in service/domain/permission.py")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            role, admitted = caller().role, admitted_to(action, request.path)
            if role in admitted:
                answer: ResponseReturnValue = view(*args, **kwargs)
                return answer
            return _sign_in_first() if role is Role.ANONYMOUS else _not_for(admitted)

        guarded.__dict__[_NEEDED] = action
        return cast("View", guarded)

    return decorate


def admitted_to(action: str, path: str) -> frozenset[Role]:
    """Return the roles that see a page which needs ``action`` and lies at ``path``.

    >>> sorted(admitted_to("list_claims", "/portal/claims"))
    [<Role.PARTNER: 'partner'>]
    """
    place = next((kind for place, kind in PLACES.items() if _is_below(path, place)), None)
    admitted = ACTIONS[action].admitted
    return admitted if place is None else frozenset(r for r in admitted if r.kind is place)


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def open_to_all(view: View) -> View:
    """Say of a page that everybody may see it."""
    view.__dict__[_NEEDED] = ""
    return view


def needed(view: Callable[..., Any]) -> str | None:
    """Return the action that a page needs, ``""`` for none; None where nobody decided."""
    found: str | None = view.__dict__.get(_NEEDED)
    return found


def check(app: Flask) -> None:
    """Raise ``AssertionError`` for a page that nobody decided on, or a reason for one gone."""
    for rule in app.url_map.iter_rules():
        room = rule.endpoint.partition(".")[0]
        if not answers.is_for_people(rule.rule) or rule.endpoint == "static" or room in PUBLIC:
            continue
        if needed(app.view_functions[rule.endpoint]) is None:
            raise AssertionError(
                f"page {rule.rule} ({rule.endpoint}) is open and nobody said so: put `needs(…)` or "
                "`open_to_all` of service/web/guarding.py below its route"
            )
    gone = WITHOUT_TOKEN.keys() - app.view_functions.keys()
    if gone:
        raise AssertionError(f"guarding.WITHOUT_TOKEN names what is no view: {sorted(gone)}")


def _sign_in_first() -> ResponseReturnValue:
    """Send somebody to sign in; a form that was sent is not lost, but waits in the browser."""
    if request.method in {"GET", "HEAD"}:
        here = request.full_path if request.query_string else request.path
        return redirect(url_for("accounts.sign_in", next=request.script_root + here), 303)
    return _page("accounts/signed_out.html", 401)


def _not_for(admitted: frozenset[Role]) -> Response:
    role = next((each for each in STAFF if each in admitted), Role.PARTNER)
    return _page("accounts/forbidden.html", 403, needed=role, role=caller().role)


def _form_too_old(_: CSRFError) -> Response:
    return _page("accounts/form_too_old.html", 400)


def _page(template: str, status: int, **values: object) -> Response:
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
