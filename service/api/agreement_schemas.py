"""What agreements look like in JSON: to be drawn up, changed, moved on, and as they are kept."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import LARGEST, Moment, NewestFirst, Text
from service.domain.agreement import AgreementState, BalanceBasis, Mode, Postage, Scope


def _number(told: str, least: int = 0) -> fields.Integer:
    return fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(least, LARGEST),
        metadata={"description": told},
    )


def _day(told: str) -> fields.Date:
    return fields.Date(allow_none=True, metadata={"description": told})


class PartySchema(ma.Schema):
    """A partner that is party to an agreement."""

    partner = Text(required=True, metadata={"description": "The partner's code"})
    signatory = Text(load_default="", metadata={"description": "Who signs for it"})


class ActivitySchema(ma.Schema):
    """Something to be done under an agreement."""

    kind = fields.Enum(Scope, by_value=True, required=True)
    title = Text(required=True)
    starts_on = fields.Date(load_default=None, allow_none=True)
    ends_on = fields.Date(load_default=None, allow_none=True)


class TermsSchema(ma.Schema):
    """What is written into an agreement."""

    title = Text()
    scope = fields.List(
        fields.Enum(Scope, by_value=True), metadata={"description": "What it is about"}
    )
    parties = fields.List(fields.Nested(PartySchema))
    our_signatory = Text(metadata={"description": "Who signs for us"})
    signed_on = _day("When it was signed")
    signed_in = Text(metadata={"description": "Where it was signed"})
    carries_out = Text(
        metadata={"description": "The agreement between governments that it carries out"}
    )
    starts_on = _day("Its first day")
    ends_on = _day("The last day of its term; it follows from term_months if it is not named")
    term_months = _number("How long a term is", 1)
    renews = fields.Boolean(metadata={"description": "Whether it renews itself for another term"})
    mode = fields.Enum(Mode, by_value=True)
    basis = fields.Enum(
        BalanceBasis, by_value=True, metadata={"description": "How the balance is kept"}
    )
    tolerance = _number("How much more a partner may receive than give; null: any")
    allowance_first = _number("Copies in the first year in which books go; null: any")
    allowance_per_year = _number("Copies in every other year; null: any")
    postage = fields.Enum(Postage, by_value=True, metadata={"description": "Who pays for the way"})
    subjects = fields.List(Text(), metadata={"description": "Words; empty: any subject"})
    languages = fields.List(Text(), metadata={"description": "MARC codes; empty: any language"})
    reply_days = _number("Days in which the other side answers", 1)
    duties = Text(metadata={"description": "What was promised besides: display, feedback"})
    notes = Text(metadata={"description": "For the staff alone"})
    activities = fields.List(fields.Nested(ActivitySchema))


class NewAgreementSchema(TermsSchema):
    """An agreement to be drawn up."""

    title = Text(required=True)
    scope = fields.List(fields.Enum(Scope, by_value=True), required=True)
    parties = fields.List(fields.Nested(PartySchema), required=True)
    signed = fields.Boolean(
        load_default=False,
        metadata={"description": "It is signed already: it goes on to where it stands today"},
    )


class AgreementChangeSchema(TermsSchema):
    """Fields to be changed, and why."""

    reason = Text(
        load_default="",
        metadata={"description": "Where the amendment of a signed agreement is agreed"},
    )


class AgreementMoveSchema(ma.Schema):
    """What is said with a move, if anything."""

    signed_on = _day("sign: when")
    signed_in = Text(metadata={"description": "sign: where"})
    our_signatory = Text(metadata={"description": "sign: who, for us"})
    starts_on = _day("sign: its first day")
    ends_on = _day("sign, renew: the last day of the term")
    term_months = _number("renew: how long a term is from now on", 1)
    reason = Text(load_default="", metadata={"description": "Why, for the audit log"})


class DocumentSchema(ma.Schema):
    """A document filed with an agreement."""

    id = fields.String(required=True)
    url = fields.Url(required=True, metadata={"description": "Its octets as they came"})
    file_name = fields.String(required=True)
    media_type = fields.String(required=True, metadata={"description": "As the sender said"})
    title = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "Octets"})
    sha256 = fields.String(required=True)
    added_at = Moment(required=True)


class AgreementSchema(TermsSchema):
    """An agreement. A partner does not see `notes` and `warnings`."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    state = fields.Enum(AgreementState, by_value=True, required=True)
    revision = fields.Integer(required=True, metadata={"description": "Its ETag, too"})
    warned_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When its parties were warned that this term ends"},
    )
    possible = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What people can do to it as it stands"},
    )
    created_at = Moment(required=True)


class AgreementWithDocumentsSchema(AgreementSchema):
    """An agreement with what is filed, and what a person should look at."""

    documents = fields.List(fields.Nested(DocumentSchema), required=True)
    warnings = fields.List(fields.String())


class AgreementsQuery(NewestFirst):
    """Which agreements, and which page of them."""

    partner = Text(load_default="", metadata={"description": "staff: those of this partner's code"})
    state = fields.List(
        fields.Enum(AgreementState, by_value=True),
        load_default=(),
        metadata={"description": "Only in these states; may be repeated"},
    )


class DocumentQuery(ma.Schema):
    """What is said of a document."""

    file_name = Text(load_default="", validate=validate.Length(max=500))
    title = Text(load_default="", validate=validate.Length(max=500))


class RelationsSchema(ma.Schema):
    """With whom there is a relation today: an agreement in force, or books given."""

    partners = fields.Integer(required=True)
    cities = fields.Integer(required=True)
    places = fields.Integer(required=True, metadata={"description": "Countries and regions"})
    expiring = fields.Integer(
        required=True, metadata={"description": "Agreements that are about to expire"}
    )
