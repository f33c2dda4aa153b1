"""Papers that print: of consignments, and labels for gifts that came in."""

from __future__ import annotations

from typing import Any

from flask import Response

from service.api.addresses import site
from service.api.authentication import signed_in, staff_required
from service.api.resource import Resource, no_parameters
from service.domain import paper as rules
from service.domain.paper import GiftPaper, PaperKind
from service.papers import pages
from service.usecases import papers as usecases
from service.usecases.signing_in import Caller

papers = Resource(
    "Papers",
    "What is printed, as pages in HTML for A4: packing list, labels, customs and freight papers.",
)
_PAGE = {"type": "string"}
_NAMES = ", ".join(f"'{each.value}'" for each in PaperKind)
_GIFT_NAMES = ", ".join(f"'{each.value}'" for each in GiftPaper)


@papers.get(f"/consignments/<consignment_id>/papers/<any({_NAMES}):paper>")
@signed_in
@no_parameters(papers)
@papers.response(200, _PAGE, content_type="text/html")
def send_paper(caller: Caller, consignment_id: str, paper: str) -> Any:
    """Send a paper of a consignment, made of the rows as they are now.

    A partner gets those of its own once they are dispatched.
    """
    now = site().now()
    found = usecases.of_consignment(
        site().db, site().settings, consignment_id, now=now, partner=caller.partner
    )
    return page(pages.paper(rules.read_kind(paper), found))


@papers.get(f"/incoming-gifts/<gift_id>/papers/<any({_GIFT_NAMES}):paper>")
@staff_required
@no_parameters(papers)
@papers.response(200, _PAGE, content_type="text/html")
def send_gift_labels(gift_id: str, paper: str) -> Any:
    """Send bookplates or shelf labels for the accepted books of an incoming gift.

    For the staff.
    """
    labels = usecases.of_gift(site().db, gift_id)
    library = site().settings.repository_name
    return page(pages.gift_paper(rules.read_gift_paper(paper), labels, library))


def page(html: str) -> Response:
    """Return a page that prints: it may style itself, and do nothing else."""
    answer = Response(html, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = pages.POLICY
    return answer
