"""The OAI-PMH endpoint: raw argument pairs in, XML out, always with status 200.

The arguments are taken apart here and nowhere else, because the protocol needs what a parsed form
has lost: repeated arguments, empty ones, and the exact characters that were sent.
"""

from __future__ import annotations

import gzip
from urllib.parse import parse_qsl

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from oai.provider import CONTENT_TYPE, respond
from service.usecases.publishing import FeedRepository
from service.usecases.site import Site

endpoint = Blueprint("oai", __name__)

# The largest form that is read: far beyond any request of the protocol.
_FORM_OCTETS = 256 * 1024
# Level 1 makes MARCXML ten times smaller; a higher level costs more time than the whole page.
_GZIP_LEVEL = 1


@endpoint.route("/oai", methods=["GET", "POST"])
def oai() -> Response:
    """Answer one request of the protocol."""
    site: Site = current_app.extensions["bookbridge"]
    pairs, malformed = _pairs()
    repository = FeedRepository(site.db, site.settings, site.clock)
    answer = respond(
        repository, pairs, tokens=current_app.extensions["oai_tokens"], malformed=malformed
    )
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
    text = query.decode("ascii", "replace")
    pairs = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace")
    return pairs, malformed


def _asks_for_gzip() -> bool:
    """Whether gzip is asked for by name: a bare ``*`` is no request for it."""
    return any(name.lower() == "gzip" and q > 0 for name, q in request.accept_encodings)
