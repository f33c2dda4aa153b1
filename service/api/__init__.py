"""What partners' and staff's machines call: `/api/v1`, JSON, problem+json, OpenAPI 3.1.

A view has three moves: parse, call one use-case or one read, render.
"""

from __future__ import annotations

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from service.api import (
    agreements,
    allocations,
    audit,
    claims,
    consignments,
    directory,
    docs,
    exchange,
    gifts,
    harvesters,
    incoming_gifts,
    ledger,
    letters,
    matching,
    own_wishes,
    papers,
    partners,
    places,
    problems,
    receipts,
    records,
    selections,
    serials,
    sources,
    standing_wishes,
    statistics,
    webhooks,
    wishlists,
)
from service.api.resource import ROOT

RESOURCES = (
    exchange.lists,
    exchange.offers,
    allocations.allocations,
    wishlists.wish_lists,
    matching.matching,
    standing_wishes.standing_wishes,
    webhooks.webhooks,
    own_wishes.own_wishes,
    selections.selections,
    records.imports,
    sources.sources,
    partners.partners,
    directory.directory,
    places.places,
    consignments.consignments,
    gifts.gifts,
    incoming_gifts.incoming_gifts,
    receipts.receipts,
    claims.claims,
    serials.serials,
    papers.papers,
    letters.letters,
    agreements.agreements,
    ledger.ledger,
    statistics.statistics,
    harvesters.harvesters,
    audit.audit,
    docs.description,
)


def register(app: Flask) -> None:
    """Add the API and its documentation to the application."""
    if isinstance(app.json, DefaultJSONProvider):
        app.json.ensure_ascii = False
        app.json.sort_keys = False
    problems.handle_unknown_addresses(app, ROOT)
    api = docs.api(app, app.extensions["bookbridge"].settings)
    for resource in RESOURCES:
        api.register_blueprint(resource)
    app.register_blueprint(docs.pages)
