"""The page behind the link on a packing slip: a partner says what arrived, without an account.

The link itself is the capability: there is no session to be ridden on, and looking changes nothing.
Since it opens something, the page is kept out of caches and search engines, and tells its address
to no other site.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as Answer

from service.domain.receipt import ALL_ARRIVED, Arrival, Said
from service.errors import Conflict, NotFound, WrongValues
from service.usecases import receiving
from service.usecases.receiving import Slip
from service.usecases.site import Site

pages = Blueprint("receipt_page", __name__)

# Octets of a form: two figures for each of many thousand lines.
_LARGEST: Final = 1_000_000
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_MOST_DIGITS: Final = 9


@pages.errorhandler(NotFound)
def not_found(_: NotFound) -> Response:
    """Tell that a link is none of ours: forged, altered or cut off."""
    return make_response(render_template("receipt_unknown.html"), 404)


@pages.after_request
def keep_private(response: Response) -> Response:
    """Keep the page and its address out of everything that keeps pages."""
    response.headers.update(_HEADERS)
    return response


@pages.get("/receipts/<token>")
def show(token: str) -> str:
    """Show what was sent, and ask what arrived; or say what was said already."""
    site = _site()
    return _page(receiving.slip(site.db, site.settings, token))


@pages.post("/receipts/<token>")
def confirm(token: str) -> Answer:
    """Enter what arrived: all of it with one click, or what the figures say line by line."""
    request.max_content_length = request.max_form_memory_size = _LARGEST
    site = _site()
    found = receiving.slip(site.db, site.settings, token)
    faults: list[tuple[str, str]] = []
    said = _all() if "all" in request.form else _said(found, faults)
    try:
        if faults:
            raise WrongValues(faults)
        receiving.confirm_by_link(site.db, site.settings, token, said, site.now())
    except WrongValues as error:
        return make_response(_page(found, dict(error.faults)), 422)
    except Conflict:
        # It was confirmed, or came back, a moment ago: say how it is now.
        return make_response(_page(receiving.slip(site.db, site.settings, token)), 409)
    return redirect(url_for("receipt_page.show", token=token), 303)


def _all() -> Said:
    return ALL_ARRIVED._replace(received_by=request.form.get("received_by", ""))


def _said(found: Slip, faults: list[tuple[str, str]]) -> Said:
    """Return what the form says; what is no number goes to ``faults``."""
    lines = []
    for line in found.lines:
        arrived = _number(f"lines.{line.position}.arrived", line.copies, faults)
        damaged = _number(f"lines.{line.position}.damaged", 0, faults)
        lines.append(Arrival(line.position, arrived, damaged))
    form = request.form
    return Said(tuple(lines), None, form.get("received_by", ""), form.get("note", ""))


def _number(name: str, default: int, faults: list[tuple[str, str]]) -> int:
    """Return a figure of the form; what was left empty is as sent."""
    given = request.form.get(name, "").strip()
    if not given:
        return default
    if not (given.isdecimal() and len(given) <= _MOST_DIGITS):
        faults.append((name, f"{given[:20]!r} is no number of copies"))
        return default
    return int(given)


def _page(found: Slip, faults: Mapping[str, str] | None = None) -> str:
    said = {} if found.receipt is None else {each.position: each for each in found.receipt.lines}
    return render_template(
        "receipt.html",
        slip=found,
        consignment=found.consignment,
        receipt=found.receipt,
        said=said,
        faults=faults or {},
        given=request.form,
    )


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
