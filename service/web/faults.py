"""How an error of a use-case is told on a page of the desk or the portal: what, and what next.

A view that shows a form catches ``Invalid`` itself and shows the form again with what was typed
(``forms.wrong``). Everything else – nothing there, not allowed, not possible now, changed meanwhile
– is told here, with its status and a way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, Response, make_response, render_template

from service.errors import (
    BookbridgeError,
    Busy,
    CallerError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    TooLarge,
    TooSoon,
    Unauthenticated,
    UnsupportedFormat,
)
from service.web import answers

STATUS: Final[Mapping[type[BookbridgeError], int]] = {
    CallerError: 400,
    Invalid: 422,
    UnsupportedFormat: 415,
    TooLarge: 413,
    Unauthenticated: 401,
    Forbidden: 403,
    Conflict: 409,
    Outdated: 412,
    TooSoon: 429,
    Busy: 503,
}
_AGAIN: Final = "2"  # seconds after which a busy site may be asked again


def handle(pages: Blueprint) -> None:
    """Let a blueprint's pages tell the errors of use-cases."""
    pages.register_error_handler(NotFound, answers.not_found)
    for error in STATUS:
        pages.register_error_handler(error, tell)


def tell(error: BookbridgeError) -> Response:
    """Return the page that tells an error; those of the operator are not for people."""
    status = next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), None)
    if status is None:
        raise error
    page = make_response(render_template("fault.html", error=error, code=status), status)
    if status == STATUS[Busy]:
        page.headers["Retry-After"] = _AGAIN
    return page
