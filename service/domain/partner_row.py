"""A row of the directory as a table: what stands under which heading, and what it says.

A cell is a text. An empty one leaves what is there; one with a single ``-`` clears it. Names in
other languages stand in columns such as ``name:ja``; of contacts the first is ``contact_name`` and
so on, the second ``contact2_name``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from service.domain import partner_entry, partner_fields, table_file
from service.domain.partner import PartnerState
from service.domain.partner_entry import CONTACT, PartnerEntry
from service.domain.partner_fields import Fault, language_tag
from service.domain.subject_profile import FIELDS as PROFILE
from service.domain.table_import import REASONS
from service.errors import Invalid

CLEARED: Final = "-"
_BEHIND_NAMES = ("isil", "state", "type", "city", "place", "place_name", "languages", "website")
_LAST = (
    "address_roman",
    "address_local",
    "dialect",
    "encoding",
    *(f"profile_{each}" for each in PROFILE),
    "priority",
    "per_list",
    "per_year",
    "notes",
)
# Columns that tell something and are not read: what is in them is kept elsewhere.
_TOLD = frozenset({"place_name"})
_CONTACT = re.compile(r"contact([2-9]|1[0-9]|20)?_(\w+)", re.ASCII)


def columns(tags: Sequence[str], contacts: int) -> list[str]:
    """Return the headings of a table with names in these languages and so many contacts."""
    found = ["code", "name", *(f"name:{tag}" for tag in tags), *_BEHIND_NAMES]
    for number in range(1, max(1, contacts) + 1):
        found += [_contact_column(number, field) for field in CONTACT]
    return [*found, *_LAST]


def _contact_column(number: int, field: str) -> str:
    return f"contact{'' if number == 1 else number}_{field}"


def row(entry: PartnerEntry, headings: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """Return the cells of an entry under ``headings``; ``places`` are names by code."""
    cells = {"code": entry.code, "state": entry.state, "place_name": places.get(entry.place, "")}
    for field in partner_fields.FIELDS:
        value = getattr(entry, field)
        cells[field] = " ".join(value) if field == "languages" else "" if value is None else value
    cells |= {f"name:{tag}": name for tag, name in entry.names.items()}
    if entry.profile is not None:
        cells |= {f"profile_{each}": "; ".join(getattr(entry.profile, each)) for each in PROFILE}
    for number, contact in enumerate(entry.contacts, 1):
        cells |= {_contact_column(number, field): getattr(contact, field) for field in CONTACT}
    return [table_file.guarded(str(cells.get(heading, ""))) for heading in headings]


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """One row of a table that came: its number there, and its cells by column, none of them empty.

    ``problem`` says what is wrong with the row as such.
    """

    number: int
    cells: Mapping[str, str]
    problem: Fault | None = None

    @property
    def code(self) -> str:
        """The code of the partner, "" where the row names none."""
        return table_file.unguarded(self.cells.get("code", ""))

    def returned(self, headings: Sequence[str], faults: Sequence[Fault]) -> list[str]:
        """Return it as it came, behind its number and what is wrong with it.

        The headings above it are ``table_import.REASONS`` and ``headings``.
        """
        cells = (self.cells.get(heading, "") for heading in headings)
        return [
            str(self.number),
            " ".join(fault.field for fault in faults),
            table_file.guarded("; ".join(fault.reason for fault in faults)),
            *(
                cell if cell == CLEARED else table_file.guarded(table_file.unguarded(cell))
                for cell in cells
            ),
        ]


def heading(cell: str) -> str:
    """Return the column that a heading names, "" for none of ours."""
    name = cell.strip()
    if name.lower().startswith("name:"):
        try:
            return f"name:{language_tag(name[5:], 'names')}"
        except Invalid:
            return ""
    name = name.lower()
    found = _CONTACT.fullmatch(name)
    known = {"code", "name", *_BEHIND_NAMES, *_LAST, *REASONS}
    return name if name in known or (found and found[2] in CONTACT) else ""


class Said(NamedTuple):
    """What a row says of a partner: checked fields, its state if told, and what is wrong."""

    values: dict[str, Any]
    state: PartnerState | None
    faults: list[Fault]


def said(cells: Mapping[str, str], entry: PartnerEntry | None) -> Said:
    """Return what cells by column say of ``entry``, None where there is none yet.

    Each fault names the column that is wrong.
    """
    texts = {
        column: "" if cell == CLEARED else table_file.unguarded(cell)
        for column, cell in cells.items()
        if column not in {"code", *_TOLD, *REASONS}
    }
    state, faults = _state(texts.pop("state", None))
    given: dict[str, Any] = {}
    owners: dict[str, str] = {}  # the column that a fault of a field is told of
    contacts: dict[int, dict[str, str]] = {}
    for column, text in texts.items():
        if found := _CONTACT.fullmatch(column):
            contacts.setdefault(int(found[1] or 1), {})[found[2]] = text
            owners.setdefault("contacts", column)
        elif column.startswith("name:"):
            given.setdefault("names", dict(entry.names) if entry else {})[column[5:]] = text
            owners.setdefault("names", column)
        elif column.startswith("profile_"):
            profile = given.setdefault("profile", _profile(entry))
            profile[column[8:]] = [part for part in text.split(";") if part.strip()]
            owners.setdefault("profile", column)
        else:
            given[column] = partner_entry.BLANK.get(column, "") if text == "" else text
    if contacts:
        given["contacts"], wrong = _contacts(contacts, entry)
        faults += wrong
    values, wrong = partner_fields.check(given)
    return Said(
        values, state, faults + [Fault(owners.get(f.field, f.field), f.reason) for f in wrong]
    )


def _state(text: str | None) -> tuple[PartnerState | None, list[Fault]]:
    if text is None:
        return None, []
    try:
        return PartnerState(text.upper()), []
    except ValueError:
        return None, [Fault("state", f"{text!r} is no state: {', '.join(PartnerState)}")]


def _profile(entry: PartnerEntry | None) -> dict[str, list[str]]:
    return entry.profile.as_json() if entry and entry.profile else {}


def _contacts(
    told: Mapping[int, Mapping[str, str]], entry: PartnerEntry | None
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return the contacts of an entry after what a row tells of some; one without a name goes."""
    known: dict[int, dict[str, Any]] = {
        number: {field: getattr(contact, field) for field in CONTACT}
        for number, contact in enumerate(entry.contacts if entry else (), 1)
    }
    faults: list[Fault] = []
    for number, fields in told.items():
        known[number] = {**known.get(number, {}), **fields}
        if fields.get("name") == "" or not any(known[number].values()):
            del known[number]
    found: list[dict[str, Any]] = []
    for number in sorted(known):
        try:
            partner_fields.checked({"contacts": [known[number]]})
            found.append(known[number])
        except Invalid as error:
            faults.append(Fault(_contact_column(number, "name"), error.detail))
    return found, faults
