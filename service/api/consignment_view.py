"""How consignments are shown over the API: to the staff, and to the partner whose they are."""

from __future__ import annotations

from typing import Any

from service.api.addresses import address, offer_identifier
from service.domain import consignment as rules
from service.domain.consignment import Consignment, Line
from service.domain.parcel import Proposal
from service.usecases.packing import Contents
from service.usecases.signing_in import Caller

_OURS = frozenset({"notes", "customs", "created_by"})
_SHOWN = (
    "number",
    "partner",
    "partner_name",
    "kind",
    "state",
    "theme",
    "address_roman",
    "address_local",
    "place",
    "service",
    "carrier",
    "customs",
    "postage",
    "postage_currency",
    "postage_paid_by",
    "notes",
    "titles",
    "volumes",
    "weight",
    "created_by",
    "created_at",
    "packed_at",
    "dispatched_on",
    "delivered_at",
    "closed_at",
    "revision",
)


def whole(found: Contents, caller: Caller) -> dict[str, Any]:
    """Return a consignment with its parcels and what a person should look at."""
    made = shown(found.consignment, caller)
    name = found.consignment.public_id
    made |= {
        "lines_url": address(".list_consignment_lines", consignment_id=name),
        "records_url": address(".send_records", consignment_id=name),
        "parcels": [each._asdict() for each in found.parcels],
    }
    return made | ({"remarks": found.remarks} if caller.staff else {})


def shown(found: Consignment, caller: Caller) -> dict[str, Any]:
    """Return a consignment as its caller may see it."""
    names = [name for name in _SHOWN if caller.staff or name not in _OURS]
    told = {name: getattr(found, name) for name in names}
    told |= {
        "id": found.public_id,
        "url": address(".show_consignment", consignment_id=found.public_id),
    }
    if caller.staff:
        told["possible"] = [each.value for each in rules.possible(found.state)]
    return told


def line(found: Line) -> dict[str, Any]:
    """Return a line of the packing list."""
    return found._asdict() | {
        "offer": offer_identifier(found.offer) if found.offer else None,
        "transfer": found.transfer or None,
    }


def proposal(found: Proposal) -> dict[str, Any]:
    """Return how a consignment can be packed."""
    return {
        "parcels": [
            {"kind": each.kind, "lines": list(each.positions), "weight": each.weight}
            for each in found.parcels
        ],
        "weight": found.weight,
        "grams_per_volume": found.grams_per_volume,
        "least": found.limit.least,
        "most": found.limit.most,
        "registered": found.limit.registered,
        "source": found.limit.source,
        "remarks": list(found.remarks),
    }
