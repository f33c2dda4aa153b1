"""How wishes and offers are matched: a partner names the offer it means, the staff tunes rules."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields, validate

from service.api.addresses import site
from service.api.authentication import partner_required, staff_required
from service.api.parameters import LARGEST, Text
from service.api.resource import Resource, no_parameters
from service.api.wishlist_schemas import WishLineSchema
from service.api.wishlists import line_of
from service.domain.partner import Partner
from service.usecases import choosing_offers, tuning_matches

matching = Resource(
    "Matching", "Which offer a wish means, and what a number or a title in common is worth."
)


class ChoiceSchema(ma.Schema):
    """The offer that is meant."""

    offer = Text(
        required=True,
        validate=validate.Length(1, 500),
        metadata={"description": "Its OAI identifier, its address, or its id"},
    )


class MatchRuleSchema(ma.Schema):
    """One rule, or one of the thresholds `register` and `match`."""

    name = fields.String(required=True)
    score = fields.Integer(required=True, metadata={"description": "0 to 100, at this site"})
    default = fields.Integer(required=True, metadata={"description": "What it comes with"})
    meaning = fields.String(required=True, metadata={"description": "What it is about, in words"})


class MatchRulesSchema(ma.Schema):
    """The whole table, strongest first."""

    rules = fields.List(fields.Nested(MatchRuleSchema), required=True)


class ScoreSchema(ma.Schema):
    """Another score for a rule."""

    score = fields.Integer(required=True, strict=True, validate=validate.Range(0, 100))
    reason = Text(
        load_default="",
        validate=validate.Length(max=500),
        metadata={"description": "Why, for the audit log"},
    )


@matching.post(f"/wishlists/<wish_list_id>/lines/<int(max={LARGEST}):line_no>/confirm")
@partner_required
@no_parameters(matching)
@matching.arguments(ChoiceSchema, as_kwargs=True)
@matching.response(200, WishLineSchema)
def confirm_wish(partner: Partner, wish_list_id: str, line_no: int, offer: str) -> Any:
    """Name the offer that one of your wishes means: it is registered.

    For a wish that is `matched`, `other_edition` or `ambiguous`. Any offer will do that you may see
    and that takes wishes. The same once more changes nothing.
    """
    line = choosing_offers.choose(
        site().db, partner, wish_list_id, line_no, offer, site().names(), site().now()
    )
    return line_of(line)


@matching.get("/match-rules")
@staff_required
@no_parameters(matching)
@matching.response(200, MatchRulesSchema)
def list_match_rules() -> Any:
    """Show what a number or a title in common is worth, and the two thresholds."""
    return {"rules": [each._asdict() for each in tuning_matches.list_rules(site().db)]}


@matching.put("/match-rules/<name>")
@staff_required
@no_parameters(matching)
@matching.arguments(ScoreSchema, as_kwargs=True)
@matching.response(200, MatchRuleSchema)
def set_match_rule(name: str, score: int, reason: str) -> Any:
    """Give a rule another score, from the next answer on.

    What was answered stays; `bookbridge match LIST` compares a list with what waits once more.
    """
    tuned = tuning_matches.set_score(
        site().db, name, score, by=g.caller.name, now=site().now(), reason=reason
    )
    return tuned._asdict()
