"""Whether the process lives and whether it can do its work: for load balancers and operators."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from service.errors import Misconfigured
from service.usecases import health
from service.usecases.site import Site

endpoint = Blueprint("health", __name__)


@endpoint.get("/healthz")
def healthz() -> Response:
    """Answer that the process lives, whatever its database does."""
    return jsonify(status="ok")


@endpoint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Answer 200 when requests can be served, 503 with the reason when not."""
    site: Site = current_app.extensions["bookbridge"]
    try:
        health.check(site.db)
    except Misconfigured as error:
        return jsonify(status="not ready", reason=error.detail), 503
    return jsonify(status="ready"), 200
