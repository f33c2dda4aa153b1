"""What an import is asked for and answered with: the schemas of `records`, which document it."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from marc_mappings.dialects import DIALECTS
from marc_mappings.formats import Format
from service.api.parameters import LARGEST, Moment, Text, limit_field
from service.domain.import_batch import Action, BatchState


class ImportQuery(ma.Schema):
    """What an import is for."""

    list_slug = Text(
        data_key="list", metadata={"description": "Slug of the offer list that the titles join"}
    )
    stage_only = fields.Boolean(
        metadata={"description": "Wait for `commit` after the report is ready"}
    )
    file_name = Text(metadata={"description": "Name of the file, for the report"})
    encoding = Text(
        metadata={
            "description": "Encoding of the file, such as `EUC-KR`, if it is not to be found out"
        }
    )
    dialect = Text(
        metadata={
            "description": "Dialect of the file, if it is not to be found out: "
            + ", ".join(f"`{name}`" for name in DIALECTS)
        }
    )


class JobSchema(ma.Schema):
    """The work on a file, and how far it is."""

    kind = fields.String(metadata={"description": "`stage_import`, `commit_import`, `undo_import`"})
    state = fields.String(
        validate=validate.OneOf(["WAITING", "RUNNING", "DONE", "FAILED"]),
    )
    done = fields.Integer(metadata={"description": "How much is done, in `unit`"})
    total = fields.Integer(metadata={"description": "How much there is, in `unit`"})
    unit = fields.String(metadata={"description": "`octets` while staging, else `records`"})
    error = fields.String(metadata={"description": "Why it failed, or empty"})


class CountsSchema(ma.Schema):
    """Figures of an import, in records."""

    read = fields.Integer(metadata={"description": "Found in the file so far"})
    ok = fields.Integer(metadata={"description": "Read as they came"})
    repaired = fields.Integer(metadata={"description": "Read with something mended"})
    rejected = fields.Integer(metadata={"description": "Not readable; their bytes are kept"})
    new = fields.Integer(metadata={"description": "New in the catalogue"})
    update = fields.Integer(metadata={"description": "A newer form of a record we have"})
    duplicate = fields.Integer(metadata={"description": "The same as a record we have"})
    ambiguous = fields.Integer(metadata={"description": "Left for a person to decide"})
    doubtful = fields.Integer(
        metadata={"description": "Read in an encoding that is not certain: look at their titles"}
    )


class FindingSchema(ma.Schema):
    """What a file as a whole is found to be."""

    name = fields.String(required=True)
    certain = fields.Boolean(required=True)
    evidence = fields.List(
        fields.String(), required=True, metadata={"description": "Why, in sentences"}
    )


class SurveySchema(ma.Schema):
    """What a file says of itself as a whole."""

    encoding = fields.Nested(FindingSchema, required=True)
    dialect = fields.Nested(FindingSchema, required=True)


class ImportSchema(ma.Schema):
    """A file and where it stands."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    lines_url = fields.Url(required=True, metadata={"description": "The report, line by line"})
    list = fields.String(required=True, metadata={"description": "Slug of its offer list"})
    file_name = fields.String(required=True)
    format = fields.String(required=True, validate=validate.OneOf([each.value for each in Format]))
    state = fields.Enum(BatchState, by_value=True, required=True)
    stage_only = fields.Boolean(required=True)
    created_at = Moment(required=True)
    committed_at = Moment(required=True, allow_none=True)
    encoding_said = fields.String(
        required=True, metadata={"description": "What the sender said of the file, or empty"}
    )
    dialect_said = fields.String(
        required=True, metadata={"description": "What the sender said of the file, or empty"}
    )


class ImportReportSchema(ImportSchema):
    """A file, its figures and the work on it."""

    counts = fields.Nested(CountsSchema, required=True)
    job = fields.Nested(JobSchema, required=True, allow_none=True)
    survey = fields.Nested(
        SurveySchema,
        required=True,
        allow_none=True,
        metadata={"description": "What was found of the file as a whole; null until it is read"},
    )
    next_steps = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What to do about what is not certain, in sentences"},
    )
    already = fields.Boolean(
        metadata={"description": "Whether this very file was there for this list before"}
    )


class ImportProblemSchema(ma.Schema):
    """One thing that was odd about a record."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    tag = fields.String(required=True, metadata={"description": "The MARC field, or empty"})


class ImportLineSchema(ma.Schema):
    """What the report says of one record of the file."""

    position = fields.Integer(required=True, metadata={"description": "In the file, from 1"})
    offset = fields.Integer(required=True, metadata={"description": "In the file, in octets"})
    length = fields.Integer(required=True, metadata={"description": "In octets"})
    control_number = fields.String(required=True)
    title = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(["ok", "repaired", "rejected"]))
    action = fields.Enum(Action, by_value=True, required=True)
    encoding = fields.String(required=True)
    encoding_certain = fields.Boolean(required=True)
    dialect = fields.String(required=True, metadata={"description": "In which it came"})
    problems = fields.List(fields.Nested(ImportProblemSchema), required=True)
    unmapped = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "MARC fields of which nothing arrived in MARC 21"},
    )


class LinesQuery(ma.Schema):
    """Paging through a report."""

    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LARGEST),
        metadata={"description": "Only what stands behind this position in the file"},
    )
    limit = limit_field()
    format = fields.String(
        load_default="json",
        validate=validate.OneOf(["json", "csv"]),
        metadata={"description": "`csv` sends the whole report, without pages"},
    )
