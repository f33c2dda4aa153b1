"""The papers that go with a consignment, and the labels of gifts that came in: which there are.

Freight papers go with what a forwarder carries, from about 300 kg on: the customs of the arriving
country treat it as cargo then, and ask for an invoice and a certificate instead of the forms of the
post.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain.parcel import FREIGHT_FROM
from service.errors import NotFound


class PaperKind(StrEnum):
    """A paper of a consignment, as addresses and file names call it."""

    PACKING_LIST = "packing-list"
    ADDRESS_LABELS = "address-labels"
    CUSTOMS_DECLARATION = "customs-declaration"
    M_BAG_TAGS = "m-bag-tags"
    PROFORMA_INVOICE = "proforma-invoice"
    CERTIFICATE_OF_DONATION = "certificate-of-donation"
    TITLE_LIST = "title-list"


TITLES: Final[Mapping[PaperKind, str]] = {
    PaperKind.PACKING_LIST: "Packing list",
    PaperKind.ADDRESS_LABELS: "Address labels",
    PaperKind.CUSTOMS_DECLARATION: "Customs declaration",
    PaperKind.M_BAG_TAGS: "M-bag tags",
    PaperKind.PROFORMA_INVOICE: "Proforma invoice",
    PaperKind.CERTIFICATE_OF_DONATION: "Certificate of donation",
    PaperKind.TITLE_LIST: "List of titles",
}
FREIGHT: Final = (
    PaperKind.PROFORMA_INVOICE,
    PaperKind.CERTIFICATE_OF_DONATION,
    PaperKind.TITLE_LIST,
)


class GiftPaper(StrEnum):
    """Labels for books of an incoming gift."""

    BOOKPLATES = "bookplates"
    SHELF_LABELS = "shelf-labels"


class GiftLabel(NamedTuple):
    """A book of an incoming gift, as its labels say; a place is a country or region in words."""

    title: str
    translated_title: str
    donor: str
    place: str
    accession_number: str
    shelf: str
    received_on: date | None
    language: str = ""


def due(weight: int, *, has_m_bags: bool, is_freight: bool) -> list[PaperKind]:
    """Return the papers that a consignment of this weight, in grams, goes with.

    >>> [each.value for each in due(12_000, has_m_bags=False, is_freight=False)]
    ['packing-list', 'address-labels', 'customs-declaration']
    """
    found = [PaperKind.PACKING_LIST, PaperKind.ADDRESS_LABELS, PaperKind.CUSTOMS_DECLARATION]
    if has_m_bags:
        found.append(PaperKind.M_BAG_TAGS)
    if is_freight or weight >= FREIGHT_FROM:
        found.extend(FREIGHT)
    return found


def read_kind(text: str) -> PaperKind:
    """Return a paper by its name; raise ``NotFound`` that names those there are."""
    try:
        return PaperKind(text)
    except ValueError as error:
        raise NotFound(f"there is no paper {text!r}; there are {', '.join(PaperKind)}") from error


def read_gift_paper(text: str) -> GiftPaper:
    """Return labels of an incoming gift by their name; raise ``NotFound``."""
    try:
        return GiftPaper(text)
    except ValueError as error:
        raise NotFound(f"there is no paper {text!r}; there are {', '.join(GiftPaper)}") from error


if set(TITLES) != set(PaperKind):
    raise AssertionError("every paper needs its title")
