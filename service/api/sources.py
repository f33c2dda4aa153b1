"""Sources: the partners' providers that we harvest, their harvests, and harvesting now."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields, validate

from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.parameters import LARGEST, Moment, NewestFirst, Text, limit_field, page_of, paged
from service.api.records import imports
from service.api.resource import Resource, no_parameters
from service.domain.harvest import HarvestState
from service.domain.source import SourceKind, SourceState
from service.usecases import ordering_harvests, reading_sources, subscribing
from service.usecases.reading_sources import Past, Standing

sources = Resource(
    "Sources", "The providers of partners that we harvest: offers, wishes, records given to us."
)


class CredentialsSchema(ma.Schema):
    """What the provider asks for; it is kept sealed and never shown."""

    user = Text(required=True, validate=validate.Length(1, 200))
    secret = Text(required=True, validate=validate.Length(1, 1000))


class NewSourceSchema(ma.Schema):
    """A source to be entered."""

    name = Text(
        required=True,
        metadata={"description": "Its name in commands and its list's slug: a-z, 0-9, hyphens"},
    )
    partner = Text(required=True, metadata={"description": "The partner's code"})
    url = Text(
        required=True,
        validate=validate.Length(max=2000),
        metadata={"description": "The base URL of its OAI-PMH provider"},
    )
    kind = fields.Enum(SourceKind, by_value=True, load_default=SourceKind.OFFERS)
    set = Text(load_default="", metadata={"description": "Only this set; empty for all"})
    prefix = Text(load_default="", metadata={"description": "metadataPrefix; empty for MARC"})
    credentials = fields.Nested(CredentialsSchema, load_default=None, allow_none=True)
    every = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Seconds between two harvests; 0 for by hand"},
    )
    auto_commit = fields.Boolean(
        load_default=False, metadata={"description": "Whether what comes needs no person's yes"}
    )
    wishes_url = Text(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "Where our wishes go; empty: where a Bookbridge takes them"},
    )


class SourceSchema(ma.Schema):
    """A source."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    name = fields.String(required=True)
    partner = fields.String(required=True)
    kind = fields.Enum(SourceKind, by_value=True, required=True)
    base_url = fields.String(required=True)
    set = fields.String(required=True)
    prefix = fields.String(required=True)
    has_credentials = fields.Boolean(required=True)
    every = fields.Integer(required=True)
    auto_commit = fields.Boolean(required=True)
    wishes_url = fields.String(required=True)
    state = fields.Enum(SourceState, by_value=True, required=True)
    list = fields.String(
        required=True, allow_none=True, metadata={"description": "Slug of the list of what comes"}
    )
    due_at = Moment(required=True, allow_none=True)
    last_harvest = fields.Enum(HarvestState, by_value=True, required=True, allow_none=True)
    created_at = Moment(required=True)


class SourcesQuery(ma.Schema):
    """Paging in the order of the names."""

    after = Text(load_default="", metadata={"description": "Only names behind this one"})
    limit = limit_field()


class NewHarvestSchema(ma.Schema):
    """A harvest to be begun."""

    full = fields.Boolean(
        load_default=False,
        metadata={"description": "All there is; what is not there any more is gone"},
    )
    accept_vanished = fields.Boolean(
        load_default=False, metadata={"description": "A yes to so much being gone"}
    )


class RemarkSchema(ma.Schema):
    """How often the harvester had to say something, and what it said first."""

    code = fields.String(required=True)
    number = fields.Integer(required=True)
    first = fields.String(required=True)


class HarvestSchema(ma.Schema):
    """One harvest of a source."""

    id = fields.String(required=True)
    state = fields.Enum(HarvestState, by_value=True, required=True)
    full = fields.Boolean(required=True)
    pages = fields.Integer(required=True)
    records = fields.Integer(required=True)
    deleted = fields.Integer(required=True)
    lost = fields.Integer(
        required=True, metadata={"description": "Pages and records that could not be read"}
    )
    tries = fields.Integer(required=True, metadata={"description": "Failures in a row"})
    error = fields.String(required=True)
    remarks = fields.List(fields.Nested(RemarkSchema), required=True)
    batch = fields.Url(
        required=True, allow_none=True, metadata={"description": "The import that it brought"}
    )
    started_at = Moment(required=True)
    finished_at = Moment(required=True, allow_none=True)


@sources.get("/sources")
@staff_required
@sources.arguments(SourcesQuery, location="query", as_kwargs=True)
@sources.response(200, page_of(SourceSchema))
def list_sources(after: str, limit: int) -> Any:
    """List the sources in the order of their names.

    For the staff.
    """
    rows = reading_sources.list_sources(site().db, after, limit + 1)
    return paged(rows, limit, "after", lambda each: each.source.name, _source)


@sources.post("/sources")
@staff_required
@no_parameters(sources)
@sources.arguments(NewSourceSchema)
@sources.response(201, SourceSchema)
def add_source(body: dict[str, Any]) -> Any:
    """Enter a source; with `every` it is harvested at once and then on schedule.

    For the staff.
    """
    given = body["credentials"]
    made = subscribing.add_source(
        site(),
        name=body["name"],
        partner_code=body["partner"],
        url=body["url"],
        kind=body["kind"],
        set_=body["set"],
        prefix=body["prefix"],
        credentials=None if given is None else (given["user"], given["secret"]),
        every=body["every"],
        auto_commit=body["auto_commit"],
        wishes_url=body["wishes_url"],
        by=g.caller.name,
        now=site().now(),
    )
    shown = _source(Standing(made, None, None))
    return shown, 201, {"Location": shown["url"]}


@sources.get("/sources/<source_id>")
@staff_required
@no_parameters(sources)
@sources.response(200, SourceSchema)
def show_source(source_id: str) -> Any:
    """Show a source.

    For the staff. It is named by its id or its name.
    """
    return _source(reading_sources.find_source(site().db, source_id))


@sources.post("/sources/<source_id>/harvest")
@staff_required
@no_parameters(sources)
@sources.arguments(NewHarvestSchema)
@sources.response(202, HarvestSchema)
def harvest_source(body: dict[str, Any], source_id: str) -> Any:
    """Harvest a source now; one that failed goes on from where it stands.

    For the staff. A worker does it; look at its harvests.
    """
    begun = ordering_harvests.begin(
        site().db, source_id, **body, by=g.caller.name, now=site().now()
    )
    assert begun.harvest is not None  # noqa: S101 - it was begun
    return _harvest(reading_sources.find_harvest(site().db, begun.harvest.id)), 202


@sources.get("/sources/<source_id>/harvests")
@staff_required
@sources.arguments(NewestFirst, location="query", as_kwargs=True)
@sources.response(200, page_of(HarvestSchema))
def list_harvests(source_id: str, before: str, limit: int) -> Any:
    """List the harvests of a source, the newest first.

    For the staff.
    """
    rows = reading_sources.list_harvests(site().db, source_id, before, limit + 1)
    return paged(rows, limit, "before", lambda past: past.harvest.public_id, _harvest)


def _source(standing: Standing) -> dict[str, Any]:
    source, last = standing.source, standing.harvest
    return {
        "id": source.public_id,
        "url": address(".show_source", source_id=source.public_id),
        "name": source.name,
        "partner": source.partner_code,
        "kind": source.kind,
        "base_url": source.url,
        "set": source.set,
        "prefix": source.prefix,
        "has_credentials": source.credentials is not None,
        "every": source.every,
        "auto_commit": source.auto_commit,
        "wishes_url": source.wishes_url,
        "state": source.state,
        "list": source.list_slug,
        "due_at": source.due_at,
        "last_harvest": None if last is None else last.state,
        "created_at": source.created_at,
    }


def _harvest(past: Past) -> dict[str, Any]:
    found = past.harvest
    first = {each.code: each.message for each in reversed(found.remarks.first)}
    return {
        "id": found.public_id,
        "state": found.state,
        "full": found.order.full,
        "pages": found.pages,
        "records": found.records,
        "deleted": found.deleted,
        "lost": found.lost,
        "tries": found.tries,
        "error": found.error,
        "remarks": [
            {"code": code, "number": number, "first": first.get(code, "")}
            for code, number in found.remarks.numbers.items()
        ],
        "batch": address(f"{imports.name}.show_import", import_id=past.batch)
        if past.batch
        else None,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
    }
