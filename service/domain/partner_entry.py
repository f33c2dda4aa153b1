"""An entry of the directory: a partner's names and contacts, how to write to it, what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from service.domain.partner import PartnerState, PartnerType
from service.domain.subject_profile import SubjectProfile


class Digest(StrEnum):
    """How often mail tells a contact what happened."""

    NEVER = "NEVER"
    AT_ONCE = "AT_ONCE"
    DAILY = "DAILY"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or desk at a partner. ``language`` is the BCP 47 tag of letters to it, or empty."""

    name: str
    role: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    digest: Digest = Digest.NEVER


@dataclass(frozen=True, slots=True)
class PartnerEntry:
    """All that the directory holds of a partner.

    ``names`` are by BCP 47 tag; ``languages`` are MARC codes; ``priority`` is 1 (first) to 3;
    ``per_list`` and ``per_year`` are copies, None: no bound. ``dialect`` and ``encoding`` say how
    its records are written, empty: as each file shows.
    """

    id: int
    public_id: str
    code: str
    state: PartnerState
    created_at: datetime
    revision: int
    name: str
    type: PartnerType
    city: str
    place: str
    isil: str | None
    names: Mapping[str, str]
    contacts: tuple[Contact, ...]
    address_roman: str
    address_local: str
    languages: tuple[str, ...]
    website: str
    dialect: str
    encoding: str
    profile: SubjectProfile | None
    priority: int
    per_list: int | None
    per_year: int | None
    notes: str

    def value(self, field: str) -> Any:
        """Return one field as JSON has it."""
        found = getattr(self, field)
        if isinstance(found, SubjectProfile):
            return found.as_json()
        if field == "contacts":
            return [asdict(each) for each in found]
        if field == "names":
            return dict(sorted(found.items()))
        return list(found) if isinstance(found, tuple) else found

    def values(self) -> dict[str, Any]:
        """Return what people fill in, as JSON has it: what the audit log keeps."""
        return {field: self.value(field) for field in ("name", *BLANK)}


CONTACT: Final = ("name", "role", "email", "phone", "language", "digest")

OWN_FIELDS: Final = ("name", "names", "contacts", "address_roman", "address_local", "website")
"""What a partner may change itself."""

NOT_SHOWN: Final = frozenset({"notes", "priority"})
"""What a partner does not see of its own entry."""

BLANK: Final[Mapping[str, Any]] = {
    "type": PartnerType.OTHER,
    "city": "",
    "place": "",
    "isil": None,
    "names": {},
    "contacts": (),
    "address_roman": "",
    "address_local": "",
    "languages": (),
    "website": "",
    "dialect": "",
    "encoding": "",
    "profile": None,
    "priority": 2,
    "per_list": None,
    "per_year": None,
    "notes": "",
}
"""What a field holds that nobody filled in; a name is always there."""
