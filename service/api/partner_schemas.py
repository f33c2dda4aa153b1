"""Partners as the API shows and reads them: the whole entry, what of it a partner itself sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from service.api.addresses import address
from service.api.parameters import LARGEST, Moment, Text, limit_field
from service.domain.partner import PartnerState, PartnerType
from service.domain.partner_entry import NOT_SHOWN, OWN_FIELDS, Digest, PartnerEntry
from service.domain.partner_fields import FIELDS


class ContactSchema(ma.Schema):
    """A person or desk at a partner."""

    name = Text(required=True)
    role = Text()
    email = Text()
    phone = Text()
    language = Text(metadata={"description": "Of letters to it: a BCP 47 tag, such as ja"})
    digest = fields.Enum(
        Digest, by_value=True, metadata={"description": "How often mail tells what happened"}
    )


class ProfileSchema(ma.Schema):
    """What a partner collects; a field without values asks for nothing."""

    languages = fields.List(Text(), metadata={"description": "MARC codes"})
    places = fields.List(Text(), metadata={"description": "Of publication, ISO 3166-1 alpha-2"})
    words = fields.List(
        Text(), metadata={"description": "Beginnings of words in titles and subjects"}
    )
    classes = fields.List(Text(), metadata={"description": "Beginnings of class numbers"})


def _bound(of: str) -> fields.Integer:
    return fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(0, LARGEST),
        metadata={"description": f"Most copies {of}; null: no bound"},
    )


class PartnerChangeSchema(ma.Schema):
    """What is to be changed of a partner; what is not named stays."""

    name = Text()
    type = fields.Enum(PartnerType, by_value=True)
    city = Text()
    place = Text(metadata={"description": "Country or region, ISO 3166-1 alpha-2"})
    isil = Text(allow_none=True, metadata={"description": "ISO 15511"})
    names = fields.Dict(
        keys=Text(),
        values=Text(),
        metadata={"description": "By language and script (BCP 47), such as ja or ko-Hang"},
    )
    contacts = fields.List(fields.Nested(ContactSchema))
    address_roman = Text(metadata={"description": "As the carrier reads it"})
    address_local = Text(metadata={"description": "In the local script"})
    languages = fields.List(Text(), metadata={"description": "MARC codes"})
    website = Text()
    dialect = Text(metadata={"description": "Of its records; empty: as each file shows"})
    encoding = Text(metadata={"description": "Of its records; empty: as each file shows"})
    profile = fields.Nested(ProfileSchema, allow_none=True)
    priority = fields.Integer(strict=True, metadata={"description": "1 comes first, 3 last"})
    per_list = _bound("of one list")
    per_year = _bound("in a calendar year")
    notes = Text(metadata={"description": "Ours; a partner never sees them"})


class NewPartnerSchema(PartnerChangeSchema):
    """A partner to be entered."""

    code = Text(
        required=True,
        metadata={"description": "Its name in sets and addresses, for ever: a-z, 0-9, hyphens"},
    )
    name = Text(required=True)


class OwnChangeSchema(PartnerChangeSchema):
    """What a partner changes of its own entry; what is not named stays."""

    class Meta:
        """Of all that an entry has."""

        fields = OWN_FIELDS


class PartnerSchema(PartnerChangeSchema):
    """An exchange partner."""

    id = fields.String(required=True)
    url = fields.Url(required=True)
    code = fields.String(required=True)
    place_name = fields.String(
        required=True, metadata={"description": "As the site calls its country or region"}
    )
    state = fields.Enum(PartnerState, by_value=True, required=True)
    revision = fields.Integer(
        required=True, metadata={"description": "Also the ETag; send it back as If-Match"}
    )
    created_at = Moment(required=True)


class OwnEntrySchema(PartnerSchema):
    """A partner's entry as it sees it itself."""

    class Meta:
        """Not what we noted for ourselves."""

        exclude = (*sorted(NOT_SHOWN), "id", "url")


class PartnersQuery(ma.Schema):
    """Paging in the order of the codes."""

    after = Text(load_default="", metadata={"description": "Only codes behind this one"})
    limit = limit_field()


class MergeSchema(ma.Schema):
    """Into which partner another one is merged."""

    into = Text(required=True, metadata={"description": "Code of the entry that stands"})


class MergedSchema(ma.Schema):
    """What became of two entries of one library."""

    code = fields.String(required=True, metadata={"description": "Reserved from now on"})
    into = fields.Nested(PartnerSchema, required=True)
    moved = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "How much of what is the other's now"},
    )
    remarks = fields.List(
        fields.String(), required=True, metadata={"description": "What to know, in sentences"}
    )


def shown(entry: PartnerEntry, places: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry as ``PartnerSchema`` has it; ``places`` are names by code."""
    return {
        "id": entry.public_id,
        "url": address("Partners.show_partner", code=entry.code),
        "code": entry.code,
        "place_name": places.get(entry.place, ""),
        "state": entry.state,
        "revision": entry.revision,
        "created_at": entry.created_at,
        **{field: entry.value(field) for field in FIELDS},
    }


def dumped(entry: PartnerEntry, places: Mapping[str, str], *, own: bool = False) -> dict[str, Any]:
    """Return an entry as it goes out, for an answer that has two of them."""
    schema = OwnEntrySchema() if own else PartnerSchema()
    found: dict[str, Any] = schema.dump(shown(entry, places))
    return found
