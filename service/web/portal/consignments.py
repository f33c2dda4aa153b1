"""What was sent to a partner: its papers and records, what arrived of it, and what is claimed."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request
from flask import url_for as address
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from service.domain.accompanying_file import FILE_FORMS, Wanted
from service.domain.claim import ClaimReason, ClaimSide, ClaimState
from service.domain.consignment import RECEIVABLE
from service.errors import Invalid
from service.store import public_ids
from service.usecases import accompanying, claiming, packing, receiving
from service.usecases.site import Site
from service.web import faults, forms
from service.web.guarding import caller, needs, partner
from service.web.portal.words import words

pages = Blueprint("portal_consignments", __name__, url_prefix="/portal/consignments")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 30


@pages.get("/")
@needs("list_consignments")
def index() -> str:
    """Show what was sent to this partner, newest first, and its claims."""
    site = _site()
    before = public_ids.read(request.args.get("before", "")) or ""
    rows = packing.list_consignments(site.db, partner=partner(), before=before, limit=PER_PAGE + 1)
    return render_template(
        "portal/consignments.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        before=before,
        receivable=RECEIVABLE,
        claims=claiming.list_claims(site.db, partner=partner(), limit=PER_PAGE),
    )


@pages.get("/<number>")
@needs("show_consignment")
def show(number: str) -> str:
    """Show a consignment line by line, with what was said to have arrived."""
    site = _site()
    found = packing.find(site.db, number, partner())
    slip = receiving.find(site.db, number, partner())
    return render_template(
        "portal/consignment.html",
        consignment=found.consignment,
        lines=found.lines,
        parcels=found.parcels,
        slip=slip,
        said={} if slip.receipt is None else {each.position: each for each in slip.receipt.lines},
        claimed={each.about.position for each in slip.claims},
        link=receiving.link(site.settings, found.consignment.public_id),
        forms=list(FILE_FORMS),
        reasons=list(ClaimReason),
    )


@pages.get("/<number>/records")
@needs("send_records")
def records(number: str) -> Response:
    """Give the MARC records of exactly these books."""
    site = _site()
    wanted = Wanted(request.args.get("to", ""), request.args.get("dialect", ""), False)
    file = accompanying.records(site.db, site.settings, number, wanted, partner())
    answer = Response(file.body, content_type=file.media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    return answer


@pages.post("/<number>/claims")
@needs("open_claim")
def claim(number: str) -> Answer:
    """Say of a line that something is wrong with it."""
    site = _site()
    reason = forms.text("reason")
    if reason not in list(ClaimReason):
        raise Invalid(f"{reason!r} is no reason of a claim", field="reason")
    claiming.open_on_consignment(
        site.db,
        number,
        ClaimReason(reason),
        position=forms.number("line"),
        copies=forms.number("copies"),
        text=forms.text("text"),
        partner=partner(),
        by=caller().name,
        now=site.now(),
    )
    flash(_("Your claim is kept; the exchange librarian answers it."), "done")
    return redirect(address(".show", number=number), 303)


@pages.get("/claims/<claim_id>")
@needs("show_claim")
def show_claim(claim_id: str) -> str:
    """Show a claim and its answer."""
    found = claiming.find(_site().db, claim_id, partner())
    return render_template(
        "portal/claim.html",
        claim=found,
        to_answer=found.side is ClaimSide.OURS and found.state is ClaimState.SENT,
        wrong={},
    )


@pages.post("/claims/<claim_id>")
@needs("answer_claim")
def answer_claim(claim_id: str) -> Answer | tuple[str, int]:
    """Answer a claim of the library."""
    site = _site()
    try:
        claiming.answer(
            site.db,
            claim_id,
            forms.text("text"),
            partner=partner(),
            seen=forms.number("revision"),
            by=caller().name,
            now=site.now(),
        )
    except Invalid as error:
        found = claiming.find(site.db, claim_id, partner())
        wrong = forms.wrong(error)
        return render_template("portal/claim.html", claim=found, to_answer=True, wrong=wrong), 422
    flash(_("Your answer is kept."), "done")
    return redirect(address(".show_claim", claim_id=claim_id), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
