"""Webhooks: addresses of partners' systems that are called when something happens to wishes."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields

from service.api.addresses import address, site
from service.api.authentication import partner_required
from service.api.parameters import Moment, Text
from service.api.resource import Resource, no_parameters
from service.domain.partner import Partner
from service.domain.webhook import Webhook, WebhookState
from service.usecases import notifying

webhooks = Resource(
    "Webhooks",
    "Addresses of your system that are called when a wish list is answered or a wish changes. "
    "Deliveries are signed, come at least once and in order, and are tried for three days.",
)


class NewWebhookSchema(ma.Schema):
    """A webhook to be entered."""

    url = Text(required=True, metadata={"description": "A public http or https address"})


class WebhookSchema(ma.Schema):
    """A webhook and how its deliveries fare."""

    id = fields.String(required=True)
    url = fields.String(required=True, metadata={"description": "What is called"})
    self = fields.Url(required=True, metadata={"description": "Address of this webhook here"})
    state = fields.Enum(WebhookState, by_value=True, required=True)
    failing_since = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "First failure since the last success; null if all is well"},
    )
    error = fields.String(required=True, metadata={"description": "What went wrong last"})
    waiting = fields.Integer(required=True, metadata={"description": "Deliveries still to come"})
    given_up = fields.Integer(
        required=True, metadata={"description": "Deliveries that are not tried any more"}
    )
    created_at = Moment(required=True)


class WebhookWithSecretSchema(WebhookSchema):
    """A new webhook."""

    secret = fields.String(
        required=True,
        metadata={"description": "What deliveries are signed with; it is never shown again"},
    )


class WebhooksSchema(ma.Schema):
    """All webhooks of a partner."""

    items = fields.List(fields.Nested(WebhookSchema), required=True)


@webhooks.get("/webhooks")
@partner_required
@no_parameters(webhooks)
@webhooks.response(200, WebhooksSchema)
def list_webhooks(partner: Partner) -> Any:
    """List your webhooks, and how their deliveries fare."""
    return {"items": [_webhook(each) for each in notifying.list_webhooks(site().db, partner)]}


@webhooks.post("/webhooks")
@partner_required
@no_parameters(webhooks)
@webhooks.arguments(NewWebhookSchema)
@webhooks.response(201, WebhookWithSecretSchema)
def add_webhook(partner: Partner, body: dict[str, Any]) -> Any:
    """Have an address called; the answer shows the secret that its deliveries are signed with."""
    added = notifying.add_webhook(
        site().db, site().settings, partner, body["url"], site().now(), by=g.caller.name
    )
    shown = _webhook(added.webhook) | {"secret": added.secret}
    return shown, 201, {"Location": shown["self"], "Cache-Control": "no-store"}


@webhooks.get("/webhooks/<webhook_id>")
@partner_required
@no_parameters(webhooks)
@webhooks.response(200, WebhookSchema)
def show_webhook(partner: Partner, webhook_id: str) -> Any:
    """Show one of your webhooks."""
    return _webhook(notifying.find_webhook(site().db, partner, webhook_id))


@webhooks.post("/webhooks/<webhook_id>/resume")
@partner_required
@no_parameters(webhooks)
@webhooks.response(200, WebhookSchema)
def resume_webhook(partner: Partner, webhook_id: str) -> Any:
    """Have a paused webhook called again, beginning with what it missed in the last three days."""
    now, by = site().now(), g.caller.name
    return _webhook(notifying.resume_webhook(site().db, partner, webhook_id, now, by=by))


@webhooks.delete("/webhooks/<webhook_id>")
@partner_required
@no_parameters(webhooks)
@webhooks.response(204)
def remove_webhook(partner: Partner, webhook_id: str) -> Any:
    """Remove one of your webhooks; what waits for it is not delivered."""
    notifying.remove_webhook(site().db, partner, webhook_id, site().now(), by=g.caller.name)
    return "", 204


def _webhook(found: Webhook) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "url": found.url,
        "self": address(".show_webhook", webhook_id=found.public_id),
        "state": found.state,
        "failing_since": found.failing_since,
        "error": found.error,
        "waiting": found.waiting,
        "given_up": found.given_up,
        "created_at": found.created_at,
    }
