"""Exchange partners, their tokens, and who the caller is."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields, validate

from service.api import revisions
from service.api.addresses import site
from service.api.authentication import partner_required, signed_in, staff_required
from service.api.parameters import Text, page_of, paged
from service.api.partner_schemas import (
    MergedSchema,
    MergeSchema,
    NewPartnerSchema,
    OwnChangeSchema,
    OwnEntrySchema,
    PartnerChangeSchema,
    PartnerSchema,
    PartnersQuery,
    dumped,
    shown,
)
from service.api.resource import Resource, no_parameters
from service.domain.partner import Partner, PartnerState
from service.domain.partner_entry import PartnerEntry
from service.domain.permission import STAFF, Role
from service.usecases import enrolling, merging, naming_places, signing_in
from service.usecases.signing_in import Caller

partners = Resource("Partners", "The libraries we exchange with, and their tokens.")

_STATES = {"suspend": PartnerState.SUSPENDED, "resume": PartnerState.ACTIVE}


class NewTokenSchema(ma.Schema):
    """A token to be made."""

    label = Text(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "What it is for, so that you know it again"},
    )


class TokenSchema(ma.Schema):
    """A token. This is the only time it is shown."""

    token = fields.String(required=True)
    partner = fields.String(required=True)
    label = fields.String(required=True)


class RevokedSchema(ma.Schema):
    """How many tokens were revoked."""

    revoked = fields.Integer(required=True)


class CallerSchema(ma.Schema):
    """Who is calling."""

    kind = fields.String(required=True, validate=validate.OneOf(["partner", "staff"]))
    name = fields.String(required=True)
    role = fields.String(
        required=True,
        validate=validate.OneOf([role.value for role in (Role.PARTNER, *STAFF)]),
        metadata={"description": "As what it acts; a member of the staff has a role of its own"},
    )
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "The partner's; null for staff"}
    )
    state = fields.Enum(PartnerState, by_value=True, required=True, allow_none=True)
    entry = fields.Nested(
        OwnEntrySchema,
        required=True,
        allow_none=True,
        metadata={"description": "The partner's own; null for staff"},
    )


@partners.get("/me")
@signed_in
@no_parameters(partners)
@partners.response(200, CallerSchema)
def show_caller(caller: Caller) -> Any:
    """Tell whose token this is, and a partner its entry in our directory."""
    partner = caller.partner
    if partner is None:
        return {
            "kind": "staff",
            "name": caller.staff,
            "role": caller.role,
            "code": None,
            "state": None,
            "entry": None,
        }
    entry = enrolling.find_entry(site().db, partner.code)
    return _caller(entry), 200, revisions.etag(entry.revision)


@partners.patch("/me")
@partner_required
@no_parameters(partners)
@partners.arguments(OwnChangeSchema)
@partners.doc(parameters=[revisions.IF_MATCH])
@partners.response(200, CallerSchema)
def change_caller(partner: Partner, body: dict[str, Any]) -> Any:
    """Change your own names, contacts, addresses and website.

    For the rest of your entry write to the library.
    """

    def change() -> Any:
        seen = revisions.expected()
        entry = enrolling.change_own(site().db, partner, body, seen=seen, now=site().now())
        return _caller(entry), 200, revisions.etag(entry.revision)

    return revisions.changed(change, lambda: _current(partner.code, own=True), body)


@partners.get("/partners")
@staff_required
@partners.arguments(PartnersQuery, location="query", as_kwargs=True)
@partners.response(200, page_of(PartnerSchema))
def list_partners(after: str, limit: int) -> Any:
    """List the partners in the order of their codes.

    For the staff.
    """
    rows = enrolling.list_entries(site().db, after, limit + 1)
    places = naming_places.names(site().db)
    return paged(rows, limit, "after", lambda entry: entry.code, lambda each: shown(each, places))


@partners.post("/partners")
@staff_required
@no_parameters(partners)
@partners.arguments(NewPartnerSchema)
@partners.response(201, PartnerSchema)
def add_partner(body: dict[str, Any]) -> Any:
    """Enter a partner.

    For the staff.
    """
    code = body.pop("code")
    entry = enrolling.add(site().db, code, body, by=g.caller.name, now=site().now())
    made = _shown(entry)
    return made, 201, {"Location": made["url"], **revisions.etag(entry.revision)}


@partners.get("/partners/<code>")
@staff_required
@no_parameters(partners)
@partners.response(200, PartnerSchema)
def show_partner(code: str) -> Any:
    """Show a partner.

    For the staff.
    """
    return _answer(enrolling.find_entry(site().db, code))


@partners.patch("/partners/<code>")
@staff_required
@no_parameters(partners)
@partners.arguments(PartnerChangeSchema)
@partners.doc(parameters=[revisions.IF_MATCH])
@partners.response(200, PartnerSchema)
def edit_partner(body: dict[str, Any], code: str) -> Any:
    """Change some of a partner's entry.

    For the staff. With `If-Match`, somebody else's change since then is not overwritten: the
    answer (412) has both versions.
    """

    def change() -> Any:
        seen, by = revisions.expected(), g.caller.name
        return _answer(enrolling.change(site().db, code, body, seen=seen, by=by, now=site().now()))

    return revisions.changed(change, lambda: _current(code), body)


@partners.post("/partners/<code>/merge")
@staff_required
@no_parameters(partners)
@partners.arguments(MergeSchema)
@partners.doc(parameters=[revisions.IF_MATCH])
@partners.response(200, MergedSchema)
def merge_partner(body: dict[str, Any], code: str) -> Any:
    """Merge this entry into another one of the same library, whose entry stands.

    For the staff. Wishes, transfers, lists, groups and all else become the other's; of two open
    wishes for the same thing the older stands. The code stays reserved, its tokens are revoked.
    """

    def change() -> Any:
        found = merging.merge(
            site().db,
            code,
            body["into"],
            seen=revisions.expected(),
            by=g.caller.name,
            now=site().now(),
        )
        return {**found._asdict(), "into": _shown(found.entry)}

    return revisions.changed(change, lambda: _current(code), body)


@partners.post(f"/partners/<code>/<any({', '.join(_STATES)}):action>")
@staff_required
@no_parameters(partners)
@partners.response(200, PartnerSchema)
def change_partner(code: str, action: str) -> Any:
    """Suspend the exchange with a partner, or take it up again.

    For the staff. A suspended partner sees what everybody sees; its wishes are answered
    `restricted`.
    """
    by, now = g.caller.name, site().now()
    return _answer(enrolling.set_state(site().db, code, _STATES[action], by=by, now=now))


@partners.post("/partners/<code>/tokens")
@staff_required
@no_parameters(partners)
@partners.arguments(NewTokenSchema)
@partners.response(201, TokenSchema)
def issue_token(body: dict[str, Any], code: str) -> Any:
    """Make a token for a partner; it is shown once, in this answer.

    For the staff.
    """
    token = signing_in.issue_partner_token(
        site().db, code, body["label"], site().now(), by=g.caller.name
    )
    made = {"token": token, "partner": code, "label": body["label"]}
    return made, 201, {"Cache-Control": "no-store"}


@partners.delete("/partners/<code>/tokens")
@staff_required
@no_parameters(partners)
@partners.response(200, RevokedSchema)
def revoke_tokens(code: str) -> Any:
    """Revoke all tokens of a partner at once.

    For the staff.
    """
    return {
        "revoked": signing_in.revoke_partner_tokens(site().db, code, site().now(), by=g.caller.name)
    }


def _shown(entry: PartnerEntry) -> dict[str, Any]:
    return shown(entry, naming_places.names(site().db))


def _answer(entry: PartnerEntry) -> Any:
    return _shown(entry), 200, revisions.etag(entry.revision)


def _caller(entry: PartnerEntry) -> dict[str, Any]:
    return {
        "kind": "partner",
        "name": entry.name,
        "role": Role.PARTNER,
        "code": entry.code,
        "state": entry.state,
        "entry": _shown(entry),
    }


def _current(code: str, *, own: bool = False) -> dict[str, Any]:
    entry = enrolling.find_entry(site().db, code)
    return dumped(entry, naming_places.names(site().db), own=own)
