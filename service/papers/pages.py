"""Pages that print on A4, from templates; a title says in which language it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from service.domain import amount
from service.domain.letter import LetterText, written
from service.domain.paper import TITLES, GiftLabel, GiftPaper, PaperKind
from service.domain.parcel import ParcelKind, kilograms
from service.usecases.papers import Papers, check_printable

# What a page may do, for whoever serves it: it styles itself, and that is all.
POLICY: Final = "sandbox allow-modals; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_PAPERS: Final[Mapping[PaperKind, str]] = {
    PaperKind.PACKING_LIST: "packing_list.html",
    PaperKind.ADDRESS_LABELS: "address_labels.html",
    PaperKind.CUSTOMS_DECLARATION: "customs_declaration.html",
    PaperKind.M_BAG_TAGS: "m_bag_tags.html",
    PaperKind.PROFORMA_INVOICE: "proforma_invoice.html",
    PaperKind.CERTIFICATE_OF_DONATION: "certificate_of_donation.html",
    PaperKind.TITLE_LIST: "title_list.html",
}
_GIFT_PAPERS: Final[Mapping[GiftPaper, str]] = {
    GiftPaper.BOOKPLATES: "bookplates.html",
    GiftPaper.SHELF_LABELS: "shelf_labels.html",
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("service.papers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"kilograms": kilograms, "amount": amount.shown, "day": _day}
    made.globals |= {"M_BAG": ParcelKind.M_BAG}
    return made


def _day(when: date | None) -> str:
    """Return a day as papers that cross borders write it: nobody takes the month for the day.

    >>> _day(date(2026, 3, 1))
    '2026-03-01'
    """
    return "" if when is None else when.isoformat()


def paper(kind: PaperKind, papers: Papers) -> str:
    """Return the page of one paper; raise ``Conflict`` where there is nothing to print on it."""
    check_printable(papers, kind)
    # The picture is drawn by us, of a link that is ours.
    picture = Markup(papers.qr)  # noqa: S704
    return (
        _environment()
        .get_template(_PAPERS[kind])
        .render(papers=papers, title=TITLES[kind], picture=picture)
    )


def gift_paper(kind: GiftPaper, labels: Sequence[GiftLabel], library: str) -> str:
    """Return the page of labels for the books of an incoming gift."""
    template = _environment().get_template(_GIFT_PAPERS[kind])
    return template.render(labels=labels, library=library, title=kind.value)


def letter(
    texts: Sequence[LetterText], *, sender: str, address: Sequence[str], dated_on: date
) -> str:
    """Return a letter as a page: its languages side by side, each with its day."""
    columns = [(each, written(dated_on, each.language)) for each in texts]
    template = _environment().get_template("letter.html")
    return template.render(columns=columns, sender=sender, address=address, title=texts[0].subject)


if set(_PAPERS) != set(PaperKind) or set(_GIFT_PAPERS) != set(GiftPaper):
    raise AssertionError("every paper needs its template")
