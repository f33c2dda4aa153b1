"""What browsers and harvesters see: pages for people, and the OAI-PMH endpoint.

A view has three moves: parse, call one use-case or one read, render.
"""

from __future__ import annotations

from flask import Flask

from service.web import health, oai_endpoint


def register(app: Flask) -> None:
    """Add the pages and the endpoint to the application."""
    app.register_blueprint(oai_endpoint.endpoint)
    app.register_blueprint(health.endpoint)
