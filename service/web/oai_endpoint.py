"""The OAI-PMH endpoint: raw argument pairs in, XML out, with status 200.

The arguments are taken apart here and nowhere else, because the protocol needs what a parsed form
has lost: repeated arguments, empty ones, and the exact characters that were sent.

Two things are not the protocol's to tell, but HTTP's: that credentials are wrong or needed (401),
and that the database cannot be reached just now (503 with the seconds to wait, which every
harvester understands: it goes on with the token it has).
"""

from __future__ import annotations

import gzip
from urllib.parse import parse_qsl

import structlog
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from oai.provider import CONTENT_TYPE, CredentialsNeeded, respond
from service.errors import Busy, Unauthenticated
from service.store.db import DatabaseError
from service.usecases import signing_in
from service.usecases.disseminating import FeedRepository
from service.usecases.signing_in import ANONYMOUS, Caller
from service.usecases.site import Site
from service.web import flow_control, visitors_book

endpoint = Blueprint("oai", __name__)
endpoint.register_error_handler(flow_control.Overdrawn, flow_control.refuse)
log = structlog.get_logger(__name__)

# The largest form that is read: far beyond any request of the protocol.
_FORM_OCTETS = 256 * 1024
# Level 1 makes MARCXML ten times smaller; a higher level costs more time than the whole page.
_GZIP_LEVEL = 1
# Seconds after which a harvester may ask again when the database is away: pyoai and sickle read
# whole seconds and no date.
_RETRY_AFTER = 30


@endpoint.route("/oai", methods=["GET", "POST"])
def oai() -> Response:
    """Answer one request of the protocol."""
    site: Site = current_app.extensions["bookbridge"]
    caller = _caller(site)
    pairs, malformed = _pairs()
    reader = caller.active
    repository = FeedRepository(
        site.db, site.settings, site.clock, reader, signed_in=caller != ANONYMOUS
    )
    with flow_control.admitted(caller):
        answer = respond(
            repository,
            pairs,
            tokens=current_app.extensions["oai_tokens"],
            audience=f"partner:{reader.code}" if reader else "public",
            malformed=malformed,
        )
    visitors_book.note(caller, answer)
    body = answer.body
    response = Response(status=200)
    response.headers["Content-Type"] = CONTENT_TYPE
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "no-cache"
    if _asks_for_gzip():
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    return response


@endpoint.errorhandler(CredentialsNeeded)
@endpoint.errorhandler(Unauthenticated)
def unauthenticated(_: Exception) -> Response:
    """Ask for credentials; in the same words whether they are wrong or missing."""
    response = Response(
        "This needs a partner's code and its token, over HTTP Basic, or the token as Bearer.\n",
        status=401,
        mimetype="text/plain",
    )
    response.headers["WWW-Authenticate"] = 'Basic realm="OAI-PMH", charset="UTF-8"'
    return response


@endpoint.errorhandler(Busy)
@endpoint.errorhandler(DatabaseError)
def unavailable(error: Exception) -> Response:
    """Ask a harvester to come again: what it has already is not lost."""
    log.error("oai_unavailable", exc_info=error)
    response = Response("Please come again later.\n", status=503, mimetype="text/plain")
    response.headers["Retry-After"] = str(_RETRY_AFTER)
    return response


def _caller(site: Site) -> Caller:
    """Return who asks; raise ``Unauthenticated`` for credentials that are wrong or unreadable."""
    if "Authorization" not in request.headers:
        return ANONYMOUS
    given = request.authorization
    if given is not None and given.type == "bearer" and given.token:
        return signing_in.identify(site.db, given.token, now=site.now())
    if given is not None and given.type == "basic":
        return signing_in.identify(
            site.db, given.password or "", given.username or "", now=site.now()
        )
    raise Unauthenticated("the Authorization header cannot be read")


def _pairs() -> tuple[list[tuple[str, str]], bool]:
    """Return the argument pairs as sent, and whether the request could not be read as a form."""
    query = request.query_string
    malformed = False
    if request.method == "POST":
        if request.mimetype not in {"application/x-www-form-urlencoded", ""}:
            return [], True
        try:
            request.max_content_length = _FORM_OCTETS
            form = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return [], True
        query = b"&".join(part for part in (query, form) if part)
    # Octets that are no UTF-8 stay apart from every character, so that none is echoed as another.
    text = query.decode("utf-8", "surrogateescape")
    pairs = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
    return pairs, malformed


def _asks_for_gzip() -> bool:
    """Whether gzip is asked for by name: a bare ``*`` is no request for it."""
    return any(name.lower() == "gzip" and q > 0 for name, q in request.accept_encodings)
