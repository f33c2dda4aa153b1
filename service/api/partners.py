"""Exchange partners, their tokens, and who the caller is."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from service.api.addresses import address, site
from service.api.authentication import signed_in, staff_required
from service.api.parameters import Moment, Text, limit_field, page_of, paged
from service.api.resource import Resource, no_parameters
from service.domain.partner import Partner, PartnerState
from service.usecases import membership, signing_in
from service.usecases.signing_in import Caller

partners = Resource("Partners", "The libraries we exchange with, and their tokens.")

_STATES = {"suspend": PartnerState.SUSPENDED, "resume": PartnerState.ACTIVE}


class NewPartnerSchema(ma.Schema):
    """A partner to be entered."""

    code = Text(
        required=True,
        metadata={"description": "Its name in sets and addresses, for ever: a-z, 0-9, hyphens"},
    )
    name = Text(required=True, validate=validate.Length(max=500))
    city = Text(load_default="", validate=validate.Length(max=200))
    place = Text(load_default="", metadata={"description": "Country or region, ISO 3166-1 alpha-2"})
    isil = Text(load_default=None, allow_none=True, metadata={"description": "ISO 15511"})


class PartnerSchema(ma.Schema):
    """An exchange partner."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    city = fields.String(required=True)
    place = fields.String(required=True)
    isil = fields.String(required=True, allow_none=True)
    state = fields.Enum(PartnerState, by_value=True, required=True)
    created_at = Moment(required=True)


class PartnersQuery(ma.Schema):
    """Paging in the order of the codes."""

    after = Text(load_default="", metadata={"description": "Only codes behind this one"})
    limit = limit_field()


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
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "The partner's; null for staff"}
    )
    state = fields.Enum(PartnerState, by_value=True, required=True, allow_none=True)


@partners.get("/me")
@signed_in
@no_parameters(partners)
@partners.response(200, CallerSchema)
def show_caller(caller: Caller) -> Any:
    """Tell whose token this is."""
    partner = caller.partner
    if partner is None:
        return {"kind": "staff", "name": caller.staff, "code": None, "state": None}
    return {
        "kind": "partner",
        "name": partner.name,
        "code": partner.code,
        "state": partner.state,
    }


@partners.get("/partners")
@staff_required
@partners.arguments(PartnersQuery, location="query", as_kwargs=True)
@partners.response(200, page_of(PartnerSchema))
def list_partners(after: str, limit: int) -> Any:
    """List the partners in the order of their codes.

    For the staff.
    """
    rows = membership.list_partners(site().db, after, limit + 1)
    return paged(rows, limit, "after", lambda partner: partner.code, _partner)


@partners.post("/partners")
@staff_required
@no_parameters(partners)
@partners.arguments(NewPartnerSchema)
@partners.response(201, PartnerSchema)
def add_partner(body: dict[str, Any]) -> Any:
    """Enter a partner.

    For the staff.
    """
    shown = _partner(membership.add_partner(site().db, **body, now=site().now()))
    return shown, 201, {"Location": shown["url"]}


@partners.get("/partners/<code>")
@staff_required
@no_parameters(partners)
@partners.response(200, PartnerSchema)
def show_partner(code: str) -> Any:
    """Show a partner.

    For the staff.
    """
    return _partner(membership.find_partner(site().db, code))


@partners.post(f"/partners/<code>/<any({', '.join(_STATES)}):action>")
@staff_required
@no_parameters(partners)
@partners.response(200, PartnerSchema)
def change_partner(code: str, action: str) -> Any:
    """Suspend the exchange with a partner, or take it up again.

    For the staff. A suspended partner sees what everybody sees; its wishes are answered
    `restricted`.
    """
    return _partner(membership.set_state(site().db, code, _STATES[action]))


@partners.post("/partners/<code>/tokens")
@staff_required
@no_parameters(partners)
@partners.arguments(NewTokenSchema)
@partners.response(201, TokenSchema)
def issue_token(body: dict[str, Any], code: str) -> Any:
    """Make a token for a partner; it is shown once, in this answer.

    For the staff.
    """
    token = signing_in.issue_partner_token(site().db, code, body["label"], site().now())
    shown = {"token": token, "partner": code, "label": body["label"]}
    return shown, 201, {"Cache-Control": "no-store"}


@partners.delete("/partners/<code>/tokens")
@staff_required
@no_parameters(partners)
@partners.response(200, RevokedSchema)
def revoke_tokens(code: str) -> Any:
    """Revoke all tokens of a partner at once.

    For the staff.
    """
    return {"revoked": signing_in.revoke_partner_tokens(site().db, code, site().now())}


def _partner(partner: Partner) -> dict[str, Any]:
    return {
        "id": partner.public_id,
        "url": address(".show_partner", code=partner.code),
        "code": partner.code,
        "name": partner.name,
        "city": partner.city,
        "place": partner.place,
        "isil": partner.isil,
        "state": partner.state,
        "created_at": partner.created_at,
    }
