"""Papers of a consignment, and labels of a gift that came in: all that is printed on them.

What is printed is made from the rows as they are at that moment; nothing is kept. The pages are
made of it in :mod:`service.papers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from marc_mappings import codes
from marc_mappings.citation import language_tags
from service.config import Settings
from service.domain import address_label, customs, paper
from service.domain import place as places
from service.domain.address_label import AddressLabel
from service.domain.consignment import Consignment, Line, Service
from service.domain.customs import Choices, Declaration, Item
from service.domain.paper import GiftLabel, PaperKind
from service.domain.parcel import Parcel, ParcelKind
from service.domain.partner import Partner
from service.errors import Conflict, NotFound
from service.store import gifts, paper_rows
from service.store.db import Connection, Database
from service.store.paper_rows import RecordRow
from service.usecases import holding_consignments, naming_places, packing, receiving


class Sender(NamedTuple):
    """Who sends: our name and address, and whom to ask."""

    name: str
    lines: tuple[str, ...]
    email: str


class PaperLine(NamedTuple):
    """A line of a packing list, with the tag (BCP 47) of its title's language, "" if unknown.

    ``language_name`` is that language in English.
    """

    line: Line
    language: str
    heading: str
    value: int | None
    language_name: str = ""


class Papers(NamedTuple):
    """All that is printed on the papers of a consignment.

    ``link`` and ``qr`` (an SVG picture of it) let the recipient say what arrived, "" for none.
    ``place`` is the name of the country or region, ``origin`` where the books are from.
    ``approved_by`` approved a direct gift, "" for what is none.
    """

    consignment: Consignment
    lines: tuple[PaperLine, ...]
    parcels: tuple[Parcel, ...]
    address: AddressLabel
    sender: Sender
    place: str
    origin: str
    choices: Choices
    declarations: tuple[Declaration, ...]
    link: str
    qr: str
    made_on: date
    remarks: tuple[str, ...]
    approved_by: str = ""

    def due(self) -> list[PaperKind]:
        """Return the papers that this consignment goes with."""
        found = self.consignment
        return paper.due(
            sum(each.weight for each in self.parcels),
            has_m_bags=any(each.kind is ParcelKind.M_BAG for each in self.parcels),
            is_freight=found.service is Service.FREIGHT,
        )


def of_consignment(
    db: Database,
    settings: Settings,
    name: str,
    *,
    now: datetime,
    partner: Partner | None = None,
) -> Papers:
    """Return what is printed for a consignment, by public id or number.

    A ``partner`` sees its own once they are dispatched. Raises ``NotFound``, and ``WrongValues``
    for choices for the customs that are none.
    """
    with db.read() as conn:
        found = packing.contents(conn, holding_consignments.visible(conn, name, partner))
        records = paper_rows.records(conn, found.consignment.id)
        gift_id = found.consignment.gift_id
        approved_by = "" if gift_id is None else gifts.by_id(conn, gift_id).approved_by
        named = naming_places.all_places(conn)
        choices = customs.read(found.consignment.customs)
        lines = tuple(_line(each, records, choices) for each in found.lines)
        items = [_item(each) for each in lines]
        address = _address(conn, found.consignment)
        origin = named[choices.origin].name if choices.origin in named else choices.origin
    sender = _sender(settings)
    # Without a key there is no link that could be trusted; `bookbridge doctor` tells of that.
    link = receiving.link(settings, found.consignment.public_id) if settings.secret_key else ""
    return Papers(
        consignment=found.consignment,
        lines=lines,
        parcels=tuple(found.parcels),
        address=address,
        sender=sender,
        place=named[found.consignment.place].name if found.consignment.place in named else "",
        origin=origin,
        choices=choices,
        declarations=tuple(
            customs.declare(items, {each.number: each.weight for each in found.parcels}, choices)
        ),
        link=link,
        qr=receiving.qr_svg(link) if link else "",
        made_on=now.date(),
        remarks=(
            *found.remarks,
            *address.remarks,
            *customs.remarks(items, choices),
            *_about_sender(sender, origin),
        ),
        approved_by=approved_by,
    )


_BY_PARCEL: Final = frozenset(
    {PaperKind.ADDRESS_LABELS, PaperKind.CUSTOMS_DECLARATION, PaperKind.PROFORMA_INVOICE}
)


def check_printable(papers: Papers, kind: PaperKind) -> None:
    """Refuse a paper with nothing on it; raise ``Conflict`` that says what to do first."""
    number = papers.consignment.number
    if kind is PaperKind.M_BAG_TAGS and not _m_bags(papers.parcels):
        raise Conflict(f"there is no M-bag in consignment {number}")
    if kind in _BY_PARCEL and not papers.parcels:
        raise Conflict(f"consignment {number} has no parcel yet: split or tick its lines first")


def _m_bags(parcels: Sequence[Parcel]) -> list[Parcel]:
    return [each for each in parcels if each.kind is ParcelKind.M_BAG]


def _line(line: Line, records: Mapping[int, RecordRow], by: Choices) -> PaperLine:
    record = RecordRow("", "") if line.version_id is None else records[line.version_id]
    heading = by.headings.get(line.position) or by.heading or line.tariff
    if heading == "4901":  # what a line has that nobody looked at: its record may know better
        chosen = line.position in by.headings or by.heading
        heading = heading if chosen else customs.heading(record.leader)
    first = record.languages.partition(" ")[0]
    return PaperLine(
        line,
        language_tags.of_marc(first),
        heading,
        by.values.get(line.position, by.value),
        codes.language_name(first) if first else "",
    )


def _item(each: PaperLine) -> Item:
    return Item(each.line.position, each.heading, each.line.units, each.line.parcel, each.value)


def _address(conn: Connection, found: Consignment) -> AddressLabel:
    place = naming_places.all_places(conn).get(found.place)
    usual = places.built_in(found.place) if found.place else None
    country = place.name if place else ""
    # The site may call it in its own script; carriers read Roman letters.
    if usual and not address_label.is_roman(country):
        country = usual.name
    return address_label.label(
        found.partner_name,
        found.address_roman,
        found.address_local,
        country,
        [each.name for each in (place, usual) if each] + [found.place],
    )


def _sender(settings: Settings) -> Sender:
    lines = tuple(line.strip() for line in settings.postal_address.split(";") if line.strip())
    return Sender(settings.repository_name, lines, settings.admin_email)


def _about_sender(sender: Sender, origin: str) -> list[str]:
    told = []
    if not sender.lines:
        told.append("our own address is not on the papers: the setting postal_address is empty")
    if not origin:
        told.append("customs.origin is not chosen: where the books are from is left open")
    return told


def of_gift(db: Database, name: str) -> list[GiftLabel]:
    """Return the labels for the accepted books of an incoming gift, by position.

    Raises ``NotFound``, and ``Conflict`` while none is accepted.
    """
    with db.read() as conn:
        found = paper_rows.gift_labels(conn, name)
        named = naming_places.all_places(conn)
    if found is None:
        raise NotFound(f"there is no incoming gift {name!r}")
    if not found:
        raise Conflict("no book of this gift is accepted yet: check its pieces first")
    return [
        each._replace(place=named[each.place].name if each.place in named else each.place)
        for each in found
    ]
