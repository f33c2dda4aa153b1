"""The composition root: settings and a database become a web application.

Everything that touches the outside world – the database, the clock, the signing key – is made or
taken in here and passed inwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from service.config import Settings
from service.store import schema
from service.store.db import Database
from service.usecases.site import Site
from service.web import oai_endpoint


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
    app = Flask("service", static_folder=None, template_folder=None)
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
    app.register_blueprint(oai_endpoint.endpoint)
    return app
