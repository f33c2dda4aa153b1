"""Every address that an answer tells, built from the settings and never from the request's host."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from service.usecases.site import Site


def site() -> Site:
    """Return the site that this application serves."""
    found: Site = current_app.extensions["bookbridge"]
    return found


def address(endpoint: str, **values: Any) -> str:
    """Return the public address of a view; ``.name`` is one of the same resource."""
    return site().settings.base_url + url_for(endpoint, **values)


def offer_identifier(public_id: str) -> str:
    """Return the OAI identifier of an offer."""
    return f"oai:{site().settings.repository_identifier}:offer/{public_id}"


def offer_page(public_id: str) -> str:
    """Return the address of the page about an offer, which is also a name for it in a wish list."""
    return f"{site().settings.base_url}/offers/{public_id}"
