"""What every answer carries beside its content, and the pages that say what went wrong.

This is the one place where the errors of pages become answers. The API tells its own errors as
problem+json, and ``/oai`` tells them in XML; both are left alone here.
"""

from __future__ import annotations

from flask import Flask, Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.exceptions import NotFound as PageNotFound

from service.errors import NotFound

# Bootstrap's style sheet draws its small signs from data: images; nothing else is let in.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "style-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
REFERRER_POLICY = "strict-origin-when-cross-origin"


def register(app: Flask) -> None:
    """Secure every answer, and tell the errors of pages."""
    app.after_request(secure)
    app.register_error_handler(HTTPException, tell)


def tell(error: HTTPException) -> ResponseReturnValue:
    """Tell an HTTP error on a page; the API answers its own before, and the rest stays plain."""
    return page_of(error) if is_for_people(request.path) else error


def secure(response: Response) -> Response:
    """Add the security headers; an answer that brings its own policy keeps it."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Referrer-Policy", REFERRER_POLICY)
    return response


def is_for_people(path: str) -> bool:
    """Whether what lies at ``path`` is a page, and not the API or the OAI-PMH endpoint.

    >>> [is_for_people(path) for path in ("/api/v1/x", "/api", "/oai", "/oai/explore", "/apis")]
    [False, False, False, True, True]
    """
    return path not in {"/api", "/oai"} and not path.startswith("/api/")


def not_found(_: NotFound) -> Response:
    """Tell that a use-case found nothing: in the same words whether it is hidden or never was."""
    return page_of(PageNotFound())


def page_of(error: HTTPException) -> Response:
    """Return the page that tells an HTTP error in plain words."""
    code = error.code or InternalServerError.code
    page = make_response(
        render_template("error.html", code=code, request_id=g.get("request_id", "")), code
    )
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            page.headers[name] = value
    return page
