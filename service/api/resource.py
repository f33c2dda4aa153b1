"""A group of addresses under `/api/v1`: how all of them read requests, refuse and answer.

A name that is not known – a query parameter, a member of a JSON object – is an error that says
so: a misspelt `limit` or `dry_run` must not be passed over in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

import marshmallow as ma
from flask import Request, Response, request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser, is_json_request

from service.api import authentication, problems
from service.api.problems import WrongFields
from service.errors import Invalid, TooLarge, UnsupportedFormat

ROOT = "/api"
PREFIX = f"{ROOT}/v1"
# The largest JSON body that is not a wish list: far beyond any list with all its partners.
_JSON_OCTETS = 1_000_000


class Nothing(ma.Schema):
    """No parameters at all."""


class Parser(FlaskParser):
    """Reads parameters and JSON bodies, and refuses them with our own errors."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - an attribute that webargs names
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "form": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        if not is_json_request(req):
            raise UnsupportedFormat("send this as application/json", found=req.mimetype)
        body = body_of_at_most(_JSON_OCTETS)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"the body is not JSON: {error}") from error

    def handle_error(self, error: ma.ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Refuse values that are wrong, all of them at once."""
        raise WrongFields(
            [
                {"in": place, "field": name or place, "detail": detail}
                for place, found in cast("Mapping[str, Any]", error.messages).items()
                for name, detail in _faults(found)
            ]
        ) from error


def body_of_at_most(limit: int) -> bytes:
    """Return the body of the request; raise ``TooLarge``, unread if it says how long it is.

    One octet more than ``limit`` is let through, because the framework cuts a body without a
    length off at its own limit and says nothing.
    """
    request.max_content_length = limit + 1
    if (request.content_length or 0) > limit or len(request.get_data()) > limit:
        raise TooLarge(f"the body may have at most {limit} octets", limit)
    return request.get_data()


def _faults(found: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield (name with dots, what is wrong) from the nested messages of marshmallow."""
    if isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _faults(inner, path if name == "_schema" else (*path, str(name)))
    else:
        for detail in found if isinstance(found, list) else [found]:
            yield ".".join(path), str(detail)


class Resource(Blueprint):
    """A blueprint of the API; its name and description head a chapter of the documentation."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, url_prefix=PREFIX, description=description)
        self.before_request(authentication.identify)
        self.after_request(_finish)
        problems.handle(self)

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        """Register a view; its name is the ``operationId`` that generated clients call it by."""
        view = options.get("view_func") or args[1]
        authentication.check(view)
        options["view_func"] = self.doc(operationId=view.__name__)(view)
        super().add_url_rule(rule, args[0] if args else None, **options)


def no_parameters(resource: Resource) -> Any:
    """Return the decorator of a view that takes no query parameters."""
    return resource.arguments(Nothing, location="query", as_kwargs=True)


def _finish(response: Response) -> Response:
    """Keep answers out of shared caches: what is seen depends on who asks."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.update(["Authorization", "Accept"])
    return response
