"""Letters as JSON."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from service.api.parameters import Moment, NewestFirst, PublicId, Text
from service.domain.letter import ABOUT, LANGUAGES, MOST_LANGUAGES, OTHER, Direction, LetterKind

_KINDS = [each.value for each in LetterKind]
_LINE = validate.Length(max=500)


class LetterTextSchema(ma.Schema):
    """A letter in one language."""

    language = fields.String(required=True, metadata={"description": "BCP 47"})
    subject = fields.String(required=True)
    body = fields.String(required=True, metadata={"description": "Paragraphs, empty lines between"})


class LetterSchema(ma.Schema):
    """A letter that we wrote, or that came and was filed."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    partner = fields.String(required=True)
    agreement = fields.String(required=True, metadata={"description": "Its id; empty: none"})
    direction = fields.Enum(Direction, by_value=True, required=True)
    kind = fields.String(required=True, validate=validate.OneOf([*_KINDS, OTHER]))
    about = fields.String(required=True, metadata={"description": "Id of what it is about"})
    subject = fields.String(required=True)
    texts = fields.List(fields.Nested(LetterTextSchema), required=True)
    html_url = fields.String(required=True, metadata={"description": "Of ours: the page"})
    docx_url = fields.String(required=True, metadata={"description": "Of ours: to be edited"})
    file_url = fields.String(required=True, metadata={"description": "Of what came: the file"})
    file_name = fields.String(required=True)
    media_type = fields.String(required=True)
    dated_on = fields.Date(required=True)
    mailed_at = Moment(required=True, allow_none=True)
    created_by = fields.String(required=True)
    created_at = Moment(required=True)


class LettersQuery(NewestFirst):
    """Which letters to list."""

    partner = Text(load_default="", metadata={"description": "Only those of this partner"})
    agreement = Text(load_default="", metadata={"description": "Only those of this agreement"})


class NewLetterSchema(ma.Schema):
    """A letter to be written."""

    partner = Text(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    about = Text(
        load_default="",
        validate=_LINE,
        metadata={
            "description": "; ".join(f"{kind}: {what or 'empty'}" for kind, what in ABOUT.items())
        },
    )
    languages = fields.List(
        Text(),
        required=True,
        validate=validate.Length(min=1, max=MOST_LANGUAGES),
        metadata={"description": ", ".join(LANGUAGES)},
    )
    signatory = Text(load_default="", validate=_LINE)


class MailLetterSchema(ma.Schema):
    """Whom to mail a letter to."""

    recipient = Text(required=True, metadata={"description": "Address of a contact of the partner"})


class IncomingLetterQuery(ma.Schema):
    """What is said of a letter or scan that came in; its octets are the body."""

    partner = Text(required=True)
    agreement = PublicId(load_default="")
    kind = fields.String(load_default=OTHER, validate=validate.OneOf([*_KINDS, OTHER]))
    about = Text(load_default="", validate=_LINE)
    subject = Text(load_default="", validate=_LINE)
    file_name = Text(load_default="", validate=_LINE)
    dated_on = fields.Date(load_default=None)


class LetterTemplateSchema(ma.Schema):
    """A template: the site's own wording, or ours."""

    kind = fields.Enum(LetterKind, by_value=True, required=True)
    language = fields.String(required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    own = fields.Boolean(required=True, metadata={"description": "The site's own wording"})
    changed_by = fields.String(required=True)
    changed_at = Moment(required=True, allow_none=True)
    revision = fields.Integer(required=True)
    placeholders = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class NewLetterTemplateSchema(ma.Schema):
    """The wording to be put in the place of a template."""

    subject = Text(required=True)
    body = Text(required=True)
