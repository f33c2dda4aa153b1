"""Countries and regions as the site calls them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields

from service.api.addresses import site
from service.api.authentication import staff_required
from service.api.parameters import Text
from service.api.resource import Resource, no_parameters
from service.domain.place import Place
from service.usecases import naming_places

places = Resource("Places", "Countries and regions, as this site wants them called. For the staff.")


class PlaceChangeSchema(ma.Schema):
    """How a country or region is called from now on."""

    name = Text(required=True)
    region = Text(metadata={"description": "Of the world; stays as it is if it is not given"})
    weight = fields.Integer(
        strict=True,
        metadata={"description": "0 to 100: what it counts when copies are given; else as it is"},
    )


class PlaceSchema(ma.Schema):
    """A country or region."""

    code = fields.String(required=True, metadata={"description": "ISO 3166-1 alpha-2"})
    name = fields.String(required=True)
    region = fields.String(required=True)
    weight = fields.Integer(required=True)
    own = fields.Boolean(required=True, metadata={"description": "Whether the site named it"})


class PlacesSchema(ma.Schema):
    """All countries and regions."""

    items = fields.List(fields.Nested(PlaceSchema), required=True)


@places.get("/places")
@staff_required
@no_parameters(places)
@places.response(200, PlacesSchema)
def list_places() -> Any:
    """List the countries and regions by code.

    For the staff.
    """
    return {"items": [_place(each) for each in naming_places.list_places(site().db)]}


@places.put("/places/<code>")
@staff_required
@no_parameters(places)
@places.arguments(PlaceChangeSchema)
@places.response(200, PlaceSchema)
def name_place(body: dict[str, Any], code: str) -> Any:
    """Name a country or region.

    For the staff. A code that nobody knew is one of a country or region from then on.
    """
    by, now = g.caller.name, site().now()
    return _place(naming_places.set_place(site().db, code, **body, by=by, now=now))


@places.delete("/places/<code>")
@staff_required
@no_parameters(places)
@places.response(204)
def reset_place(code: str) -> None:
    """Take the site's own name of a country or region back; it is called as before.

    For the staff.
    """
    naming_places.reset_place(site().db, code, by=g.caller.name, now=site().now())


def _place(place: Place) -> dict[str, Any]:
    return place._asdict()
