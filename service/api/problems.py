"""Whatever goes wrong, as problem details (RFC 9457): one table from our errors to HTTP.

Errors of the framework – no such address, a body over the limit – get the same shape and the
same codes. What nobody foresaw is logged and answered without a word about our insides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import marshmallow as ma
import structlog
from flask import Blueprint, Flask, Response, current_app, g, request
from marshmallow import fields
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.exceptions import NotFound as NoSuchAddress
from werkzeug.routing import RequestRedirect

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
    WrongValues,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
URN = "urn:bookbridge:problem:"
INTERNAL = "internal_error"


class Kind(NamedTuple):
    """How one type of error is answered: its status, its title and further headers."""

    status: int
    title: str
    headers: tuple[tuple[str, str], ...] = ()


_CHALLENGES = (
    ("WWW-Authenticate", 'Bearer realm="Bookbridge"'),
    ("WWW-Authenticate", 'Basic realm="Bookbridge", charset="UTF-8"'),
)
KINDS: dict[type[BookbridgeError], Kind] = {
    CallerError: Kind(400, "The request cannot be answered"),
    Invalid: Kind(422, "A value is wrong"),
    UnsupportedFormat: Kind(415, "This format is not read here"),
    TooLarge: Kind(413, "Over a limit"),
    Unauthenticated: Kind(401, "No credentials, or wrong ones", _CHALLENGES),
    Forbidden: Kind(403, "Not allowed"),
    NotFound: Kind(404, "Not found"),
    Conflict: Kind(409, "The state of the thing forbids this"),
    Outdated: Kind(412, "Somebody changed it meanwhile"),
    TooSoon: Kind(429, "Tried too often"),
    Busy: Kind(503, "Busy, try again", (("Retry-After", "2"),)),
}
_BY_STATUS = {kind.status: (error.code, kind.title) for error, kind in KINDS.items()}


class WrongFields(Invalid):
    """Several values are wrong; ``faults`` has an entry for each of them."""

    def __init__(self, faults: Sequence[Mapping[str, str]]) -> None:
        first = faults[0]
        super().__init__(
            "; ".join(f"{fault['field']}: {fault['detail']}" for fault in faults), first["field"]
        )
        self.faults = faults


class FaultSchema(ma.Schema):
    """One value that is wrong."""

    location = fields.String(
        data_key="in", metadata={"description": "`query`, `json`, `form` or `headers`"}
    )
    field = fields.String(required=True, metadata={"description": "Name of the value"})
    detail = fields.String(required=True, metadata={"description": "What is wrong with it"})


class ProblemSchema(ma.Schema):
    """A problem as RFC 9457 describes it."""

    type = fields.String(required=True, metadata={"description": "`urn:bookbridge:problem:CODE`"})
    title = fields.String(required=True, metadata={"description": "The kind of problem"})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status"})
    detail = fields.String(required=True, metadata={"description": "What happened, for people"})
    code = fields.String(
        required=True, metadata={"description": "The kind of problem, for programs; stable"}
    )
    request_id = fields.String(
        required=True, metadata={"description": "What to quote when you write to us"}
    )
    errors = fields.List(
        fields.Nested(FaultSchema), metadata={"description": "The values that are wrong, if any"}
    )
    limit = fields.Integer(metadata={"description": "The limit that was passed (413)"})
    found = fields.String(metadata={"description": "What the bytes are instead (415)"})
    yours = fields.Dict(metadata={"description": "The version that you sent (412)"})
    current = fields.Dict(metadata={"description": "The version that there is now (412)"})


def handle(blueprint: Blueprint) -> None:
    """Answer every error of a blueprint's views as a problem.

    Every status has a row of its own, because Flask prefers a handler of the whole application
    for one status to a blueprint's handler for all.
    """
    for status in default_exceptions:
        blueprint.register_error_handler(status, from_framework)
    blueprint.register_error_handler(HTTPException, from_framework)
    blueprint.register_error_handler(BookbridgeError, from_error)
    blueprint.register_error_handler(Exception, unexpected)


def handle_unknown_addresses(app: Flask, prefix: str) -> None:
    """Answer addresses and methods below ``prefix`` that no view has, before pages do."""

    @app.before_request
    def unknown_address() -> Response | None:
        error = request.routing_exception
        if "\0" in request.path:
            error = NoSuchAddress()  # no name of ours has one, and PostgreSQL takes none
        if error is None or isinstance(error, RequestRedirect):
            return None
        if request.path != prefix and not request.path.startswith(f"{prefix}/"):
            return None
        return from_framework(error)


def from_error(error: BookbridgeError) -> Response:
    """Answer one of our own errors by the table; those of the operator are not for callers."""
    kind = next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), None)
    if kind is None:
        return unexpected(error)
    return _answer(kind.status, error.code, kind.title, error.detail, kind.headers, _members(error))


def from_framework(error: HTTPException) -> Response:
    """Answer an error of Flask or Werkzeug with the code that ours of the same status has."""
    status = error.code or 500
    if status >= 500:
        return unexpected(error)
    code, title = _BY_STATUS.get(status, (error.name.lower().replace(" ", "_"), error.name))
    headers = [pair for pair in error.get_headers() if pair[0].lower() != "content-type"]
    detail, members = error.description or error.name, {}
    if status == 413 and request.max_content_length is not None:
        members = {"limit": request.max_content_length}
        detail = f"the body may have at most {request.max_content_length} octets"
    elif isinstance(error, NoSuchAddress):
        detail = "there is nothing at this address; /api/docs lists what there is"
    return _answer(status, code, title, detail, headers, members)


def unexpected(error: Exception) -> Response:
    """Log an error that is ours, and say no more than that it happened."""
    log.error("api_fault", path=request.path, exc_info=error)
    return _answer(
        500,
        INTERNAL,
        "An error of ours",
        "Something went wrong here. It is in our log under the request_id; trying again later "
        "is safe.",
    )


def _members(error: BookbridgeError) -> dict[str, Any]:
    """Return what an error tells beyond its detail."""
    if isinstance(error, WrongFields):
        return {"errors": list(error.faults)}
    if isinstance(error, WrongValues):
        return {"errors": [{"field": name, "detail": told} for name, told in error.faults]}
    if isinstance(error, Invalid) and error.field:
        return {"errors": [{"field": error.field, "detail": error.detail}]}
    if isinstance(error, TooLarge):
        return {"limit": error.limit}
    if isinstance(error, UnsupportedFormat) and error.found:
        return {"found": error.found}
    return {}


def _answer(
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Iterable[tuple[str, str]] = (),
    members: Mapping[str, Any] | None = None,
) -> Response:
    body = {
        "type": URN + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id", ""),
        **(members or {}),
    }
    response = Response(current_app.json.dumps(body), status, content_type=MEDIA_TYPE)
    for name, value in headers:
        response.headers.add(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
