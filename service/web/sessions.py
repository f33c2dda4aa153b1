"""Who looks at a page: the session that the browser's cookie opens, found before the page is made.

The cookie is signed and holds the token of our session and the key of its forms, nothing else. A
request without a cookie costs no look into the database. The API and ``/oai`` do not read it: what
a browser sends by itself must open nothing there.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, current_app, g, request, session

from service.config import Settings
from service.usecases import opening_sessions
from service.usecases.hashing_passwords import HASHER, Hasher
from service.usecases.opening_sessions import Opened
from service.usecases.signing_in import ANONYMOUS
from service.usecases.site import Site
from service.web import answers, flow_control

_TOKEN: Final = "token"  # noqa: S105 - its place in the cookie
_HASHER: Final = "hasher"
# The same for everybody.
_FILES: Final = frozenset({"static", "bootstrap.static"})


def register(app: Flask, settings: Settings, hasher: Hasher = HASHER) -> None:
    """Let every page know who looks at it; ``hasher`` is for passwords."""
    safe = settings.base_url.startswith("https://")
    app.config.update(
        # No other host and no path can set a cookie of this name (RFC 6265bis, section 4.1.3.2).
        SESSION_COOKIE_NAME="__Host-bookbridge" if safe else "bookbridge",
        SESSION_COOKIE_SECURE=safe,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_DOMAIN=None,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.extensions[_HASHER] = hasher
    app.before_request(find)
    app.after_request(keep_private)


def find() -> None:
    """Find out who asks for a page, ``g.caller``, by which session, ``g.session``."""
    if not _is_page():
        return
    g.caller, g.session = ANONYMOUS, ""
    if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return
    token = session.get(_TOKEN)
    if not isinstance(token, str):
        return
    site = _site()
    signed = opening_sessions.identify(site.db, token, site.now())
    if signed is None:
        session.pop(_TOKEN)
    else:
        g.caller, g.session = signed.caller, signed.session


def keep_private(response: Response) -> Response:
    """Let nothing keep a page made for one browser: of who is signed in, or with a form in it.

    Only of pages is the session looked at: looking tells caches that the answer is by cookie.
    """
    if _is_page() and (g.get("session") or session.modified):
        response.vary.add("Cookie")
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_page() -> bool:
    return answers.is_for_people(request.path) and request.endpoint not in _FILES


def begin(opened: Opened) -> None:
    """Let this browser be signed in; nothing of what its cookie held before stays."""
    session.clear()
    session[_TOKEN] = opened.token
    g.caller = opened.caller


def end() -> None:
    """Sign out: the session is dead, wherever its cookie was copied to."""
    token = session.get(_TOKEN)
    session.clear()
    if isinstance(token, str):
        site = _site()
        opening_sessions.close(site.db, token, site.now())
    g.caller = ANONYMOUS


def address() -> str:
    """Return what tries to sign in are counted by: the address, or the network of an IPv6 one."""
    return flow_control.network_of(request.remote_addr or "")


def browser() -> str:
    """Return what the browser calls itself, for people to tell their sessions apart."""
    return request.headers.get("User-Agent", "")


def hasher() -> Hasher:
    """Return what hashes passwords."""
    found: Hasher = current_app.extensions[_HASHER]
    return found


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
