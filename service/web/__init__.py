"""What browsers and harvesters see: pages for people, and the OAI-PMH endpoint.

A view has three moves: parse, call one use-case or one read, render.
"""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5

from service.web import (
    account_links,
    accounts,
    answers,
    catalogue,
    corner,
    flow_control,
    guarding,
    health,
    navigation,
    oai_endpoint,
    oai_explorer,
    people,
    presentation,
    receipt_page,
    sessions,
    translating,
    visitors_book,
)
from service.web.desk import BLUEPRINTS as DESK
from service.web.portal import BLUEPRINTS as PORTAL


def register(app: Flask) -> None:
    """Add the pages and the endpoint to the application."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    sessions.register(app, app.extensions["bookbridge"].settings)
    guarding.register(app)
    translating.register(app)
    presentation.register(app)
    navigation.register(app)
    answers.register(app)
    flow_control.register(app, app.extensions["bookbridge"].settings)
    visitors_book.register(app, app.extensions["bookbridge"])
    app.register_blueprint(catalogue.pages)
    app.register_blueprint(corner.pages)
    app.register_blueprint(oai_explorer.pages)
    app.register_blueprint(oai_endpoint.endpoint)
    app.register_blueprint(receipt_page.pages)
    app.register_blueprint(health.endpoint)
    app.register_blueprint(accounts.pages)
    app.register_blueprint(account_links.pages)
    app.register_blueprint(people.pages)
    for room in (*DESK, *PORTAL):
        app.register_blueprint(room)
    guarding.check(app)
