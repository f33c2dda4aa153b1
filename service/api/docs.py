"""The OpenAPI document, and the page that shows it: no address outside, no inline script."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any

import flask_smorest
from flask import Blueprint, Flask, Response, current_app, send_from_directory
from werkzeug.exceptions import NotFound

from service.api import problems
from service.api.authentication import SCHEMES
from service.api.problems import ProblemSchema
from service.api.resource import ROOT, Resource, no_parameters
from service.config import Settings

OPENAPI = "3.1.0"
VERSION = "1"

description = Resource("Description", "This document.")
pages = Blueprint("api_docs", __name__, url_prefix=f"{ROOT}/docs")
problems.handle(pages)

_OURS = Path(__file__).parent / "static"
_SWAGGER_UI = Path(str(resources.files("flask_swagger_ui"))) / "dist"
_ASSETS: Mapping[str, Path] = {
    "docs.js": _OURS,
    "swagger-ui.css": _SWAGGER_UI,
    "swagger-ui-bundle.js": _SWAGGER_UI,
    "favicon-32x32.png": _SWAGGER_UI,
}
# The stylesheet of Swagger UI has images inside itself (data:).
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class Api(flask_smorest.Api):
    """flask-smorest with problems as its errors; it answers none itself, `problems` does.

    Its resources are described when somebody asks: that takes as long as all else at a start.
    """

    DEFAULT_ERROR_RESPONSE_NAME = "PROBLEM"

    def __init__(self, app: Flask, **given: Any) -> None:
        self._resources: list[Resource] = []
        self._described = ""
        self._describing = threading.Lock()
        super().__init__(app, **given)

    def register_blueprint(self, blp: Resource) -> None:
        """Let a resource be called; it is described later."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)
        self._resources.append(blp)

    def described(self) -> str:
        """Return the OpenAPI document of all resources, as JSON."""
        with self._describing:
            if not self._described:
                for each in self._resources:
                    each.register_views_in_doc(
                        self, self._app, self.spec, name=each.name, parameters=None
                    )
                    self.spec.tag({"name": each.name, "description": each.description})
                self._described = self._app.json.dumps(self.spec.to_dict())
            return self._described

    def _register_error_handlers(self) -> None:
        """Leave errors to the handlers of the resources: pages have others."""

    def _register_pagination_header(self) -> None:
        """Leave out the header that flask-smorest pages by offset with: we page by key."""

    def _register_responses(self) -> None:
        content = {problems.MEDIA_TYPE: {"schema": ProblemSchema}}
        for name in (self.DEFAULT_ERROR_RESPONSE_NAME, HTTPStatus(422).name):
            answer = {"description": "A problem (RFC 9457)", "content": dict(content)}
            self.spec.components.response(name, answer, lazy=True)


def api(app: Any, settings: Settings) -> Api:
    """Return the API of an application, to register resources with."""
    made = Api(
        app,
        spec_kwargs={
            "title": settings.repository_name,
            "version": VERSION,
            "openapi_version": OPENAPI,
            "servers": [{"url": settings.base_url}],
            "info": {
                "summary": "The exchange service of a library that gives and receives books",
                "contact": {"email": settings.admin_email},
            },
        },
    )
    for name, scheme in SCHEMES.items():
        made.spec.components.security_scheme(name, scheme)
    return made


@description.get("/openapi.json")
@no_parameters(description)
@description.response(200, {"type": "object"})
def show_openapi() -> Any:
    """Describe this API (OpenAPI 3.1)."""
    extension = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return Response(extension.described(), mimetype="application/json")


@pages.get("")
def show_docs() -> Response:
    """Show the documentation as a page."""
    return send_from_directory(_OURS, "docs.html")


@pages.get("/<name>")
def show_asset(name: str) -> Response:
    """Send one of the files that the page is made of."""
    if name not in _ASSETS:
        raise NotFound
    return send_from_directory(_ASSETS[name], name)


@pages.after_request
def _guard(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
