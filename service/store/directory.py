"""The directory: partners with all that is known of them, their names and contacts too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain import subject_profile
from service.domain.partner import PartnerState, PartnerType, fold_isil
from service.domain.partner_entry import Contact, Digest, PartnerEntry
from service.domain.subject_profile import SubjectProfile
from service.errors import Conflict
from service.store import bulk, public_ids
from service.store.tables import partner, partner_contact, partner_name

_CONTACT = ("partner_id", "position", "name", "role", "email", "phone", "language", "digest")


def add(conn: Connection, code: str, values: Mapping[str, Any], now: datetime) -> int:
    """Enter a partner with checked ``values``; return its row.

    Raises ``Conflict`` when its code or its ISIL is taken.
    """
    row = {
        "public_id": public_ids.new(),
        "code": code,
        "state": PartnerState.ACTIVE.value,
        "created_at": now,
        **_columns(values),
    }
    try:
        with conn.begin_nested():
            made = conn.execute(partner.insert().values(**row).returning(partner.c.id))
            partner_id = int(made.scalar_one())
    except IntegrityError as error:
        raise _taken(conn, code, values) from error
    _put_parts(conn, partner_id, values)
    return partner_id


def change(conn: Connection, partner_id: int, revision: int, values: Mapping[str, Any]) -> bool:
    """Write checked ``values`` over those of ``revision``; return whether that was the newest.

    Raises ``Conflict`` when its ISIL is taken.
    """
    try:
        with conn.begin_nested():
            done = conn.execute(
                partner.update()
                .where(partner.c.id == partner_id, partner.c.revision == revision)
                .values(revision=revision + 1, **_columns(values))
            )
    except IntegrityError as error:
        raise _taken(conn, "", values) from error
    if done.rowcount != 1:
        return False
    _put_parts(conn, partner_id, values)
    return True


def _taken(conn: Connection, code: str, values: Mapping[str, Any]) -> Conflict:
    owner = conn.execute(
        sa.select(partner.c.code).where(
            partner.c.isil_folded == fold_isil(values.get("isil") or "")
        )
    ).scalar()
    of_code = conn.execute(sa.select(partner.c.code).where(partner.c.code == code)).scalar()
    if of_code is not None or owner is None:
        return Conflict(f"there is already a partner with code {code!r}")
    return Conflict(f"there is already a partner with ISIL {values['isil']!r}: {owner}")


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the partner's own row for these fields."""
    row = {field: value for field, value in values.items() if field not in {"names", "contacts"}}
    if "isil" in row:
        row["isil_folded"] = fold_isil(row["isil"]) if row["isil"] else None
    if "type" in row:
        row["type"] = PartnerType(row["type"]).value
    if "languages" in row:
        row["languages"] = " ".join(row["languages"])
    if isinstance(row.get("profile"), SubjectProfile):
        row["profile"] = row["profile"].as_json()
    return row


def _put_parts(conn: Connection, partner_id: int, values: Mapping[str, Any]) -> None:
    if "names" in values:
        conn.execute(partner_name.delete().where(partner_name.c.partner_id == partner_id))
        rows = [(partner_id, tag, name) for tag, name in values["names"].items()]
        bulk.insert(conn, partner_name, ("partner_id", "language", "name"), rows)
    if "contacts" in values:
        conn.execute(partner_contact.delete().where(partner_contact.c.partner_id == partner_id))
        contacts = [
            (partner_id, place, *map(str, astuple(contact)))
            for place, contact in enumerate(values["contacts"], 1)
        ]
        bulk.insert(conn, partner_contact, _CONTACT, contacts)


def entry(conn: Connection, code: str) -> PartnerEntry | None:
    """Return the entry of this code, None where there is none or it was merged into another."""
    found = _entries(conn, sa.select(partner).where(partner.c.code == code, _CURRENT))
    return found[0] if found else None


def entries_of(conn: Connection, partner_ids: Collection[int]) -> dict[str, PartnerEntry]:
    """Return the entries of these rows by code."""
    found = _entries(conn, sa.select(partner).where(partner.c.id.in_(partner_ids), _CURRENT))
    return {each.code: each for each in found}


def entries(conn: Connection, after: str = "", limit: int = 1000) -> list[PartnerEntry]:
    """Return entries in the order of their codes, behind ``after``."""
    query = sa.select(partner).where(partner.c.code > after, _CURRENT)
    return _entries(conn, query.order_by(partner.c.code).limit(limit))


_CURRENT: sa.ColumnElement[bool] = partner.c.merged_into.is_(None)


class Extent(NamedTuple):
    """How wide a table of the directory is: language tags of names, and contacts of one partner."""

    tags: tuple[str, ...]
    contacts: int


def extent(conn: Connection) -> Extent:
    """Return the tags that names have, and the most contacts that a partner has."""
    tags = conn.execute(
        sa.select(partner_name.c.language).distinct().order_by(partner_name.c.language)
    )
    contacts = conn.execute(sa.select(sa.func.max(partner_contact.c.position))).scalar()
    return Extent(tuple(tags.scalars()), int(contacts or 0))


_VALUES: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_NAMES = sa.select(partner_name.c.partner_id, partner_name.c.language, partner_name.c.name).where(
    partner_name.c.partner_id.in_(_VALUES)
)
_CONTACTS = sa.select(*(partner_contact.c[name] for name in _CONTACT)).where(
    partner_contact.c.partner_id.in_(_VALUES)
)


def _entries(conn: Connection, query: sa.Select[Any]) -> list[PartnerEntry]:
    rows = conn.execute(query).all()
    ids = [row.id for row in rows]
    names: dict[int, dict[str, str]] = {each: {} for each in ids}
    for partner_id, tag, name in sorted(bulk.select_in(conn, _NAMES, ids)):
        names[partner_id][tag] = name
    contacts: dict[int, list[Contact]] = {each: [] for each in ids}
    for found in sorted(bulk.select_in(conn, _CONTACTS, ids)):
        contacts[found[0]].append(_contact(*found[2:]))
    return [_entry(row, names[row.id], contacts[row.id]) for row in rows]


def _contact(name: str, role: str, email: str, phone: str, language: str, digest: str) -> Contact:
    return Contact(name, role, email, phone, language, Digest(digest))


def _entry(row: sa.Row[Any], names: Mapping[str, str], contacts: Iterable[Contact]) -> PartnerEntry:
    return PartnerEntry(
        id=row.id,
        public_id=row.public_id,
        code=row.code,
        state=PartnerState(row.state),
        created_at=row.created_at,
        revision=row.revision,
        name=row.name,
        type=PartnerType(row.type),
        city=row.city,
        place=row.place,
        isil=row.isil,
        names=names,
        contacts=tuple(contacts),
        address_roman=row.address_roman,
        address_local=row.address_local,
        languages=tuple(row.languages.split()),
        website=row.website,
        dialect=row.dialect,
        encoding=row.encoding,
        profile=subject_profile.from_json(row.profile),
        priority=row.priority,
        per_list=row.per_list,
        per_year=row.per_year,
        notes=row.notes,
    )
