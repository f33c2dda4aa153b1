"""The audit log: who changed what, when, with what it was before and after; for the staff."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from service.api.addresses import site
from service.api.authentication import staff_required
from service.api.parameters import Moment, NewestFirst, Text, page_of, paged
from service.api.resource import Resource
from service.domain.audit_entry import AuditEntry, sentence
from service.usecases import auditing

audit = Resource("Audit log", "Who did what to what, and when. Nothing in it ever changes.")


class AuditQuery(NewestFirst):
    """Which entries, and which page of them."""

    kind = Text(
        load_default="",
        metadata={"description": "Of one kind of thing: `partner`, `agreement`, `token` …"},
    )
    name = Text(
        load_default="", metadata={"description": "Of the thing with this code, slug or id"}
    )


class AuditEntrySchema(ma.Schema):
    """What somebody did."""

    id = fields.String(required=True)
    at = Moment(required=True)
    by = fields.String(
        required=True,
        metadata={"description": "`staff:NAME`, `partner:CODE`, `command line` or `worker`"},
    )
    action = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "Of what kind the thing is"})
    name = fields.String(required=True, metadata={"description": "Its code, slug or id"})
    before = fields.Dict(
        required=True, allow_none=True, metadata={"description": "What changed, as it was"}
    )
    after = fields.Dict(
        required=True, allow_none=True, metadata={"description": "What changed, as it is since"}
    )
    reason = fields.String(required=True)
    sentence = fields.String(required=True, metadata={"description": "All of it, for people"})


@audit.get("/audit")
@staff_required
@audit.arguments(AuditQuery, location="query", as_kwargs=True)
@audit.response(200, page_of(AuditEntrySchema))
def list_audit(kind: str, name: str, before: str, limit: int) -> Any:
    """List what was done, newest first.

    For the staff.
    """
    rows = auditing.list_entries(site().db, kind=kind, name=name, before=before, limit=limit + 1)
    return paged(rows, limit, "before", lambda entry: entry.public_id, _entry)


def _entry(found: AuditEntry) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "at": found.at,
        "by": found.actor,
        "action": found.action,
        "kind": found.kind,
        "name": found.name,
        "before": found.before,
        "after": found.after,
        "reason": found.reason,
        "sentence": f"{found.actor} {sentence(found)}",
    }
