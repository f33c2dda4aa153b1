"""The composition root: settings and a database become a web application.

Everything that touches the outside world – the database, the clock, the signing key – is made or
taken in here and passed inwards.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

import structlog
from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from service import api, web
from service.config import Settings
from service.store import schema
from service.store.db import Database
from service.usecases import signing_links
from service.usecases.site import Site

log = structlog.get_logger(__name__)


def create_app(
    settings: Settings, db: Database | None = None, clock: Callable[[], float] = time.time
) -> Flask:
    """Return the application for one site.

    Raises ``Misconfigured`` without a secret key, or when the schema is not the one this code
    was written for.
    """
    site = Site(db or Database(settings.database), settings, clock)
    tokens = site.tokens()
    schema.check(site.db)
    app = Flask("service.web", static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        MAX_CONTENT_LENGTH=settings.upload_bytes,
    )
    app.extensions["bookbridge"] = site
    app.extensions["oai_tokens"] = tokens
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    _log_requests(app)
    api.register(app)
    web.register(app)
    return app


def _log_requests(app: Flask) -> None:
    """Give every request an id, told in the answer and in each line of the log about it."""

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()
        g.request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        log.info(
            "request",
            method=request.method,
            path=_named(request.path),
            status=response.status_code,
            ms=round((time.monotonic() - g.began) * 1000, 1),
        )
        return response


def _named(path: str) -> str:
    """Return a path as the log has it: without what opens a receipt or an account."""
    return next((f"{room}…" for room in _SECRET if path.startswith(room)), path)


# Below these a path is known to who holds the slip or got the mail, and to nobody else.
_SECRET: Final = ("/receipts/", signing_links.PATH)
