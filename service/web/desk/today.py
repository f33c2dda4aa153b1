"""The board of the day: what needs us, whom we wait for, what was done of late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flask import Blueprint, current_app, render_template, url_for
from flask_babel import lazy_gettext as _

from service.domain.board import Matter, Turn
from service.usecases import overlooking
from service.usecases.site import Site
from service.web import faults, guarding
from service.web.guarding import needs

pages = Blueprint("desk", __name__, url_prefix="/desk")
faults.handle(pages)


class Way(NamedTuple):
    """What a matter is called, the view to which it leads, and what that is asked for."""

    words: object
    view: str
    asked: Mapping[str, str] = {}


_M: Final = Matter
WAYS: Final[Mapping[Matter, Way]] = {
    _M.IMPORT_STAGED: Way(
        _("Files read, to be looked at and committed"), "desk_imports.index", {"state": "STAGED"}
    ),
    _M.IMPORT_FAILED: Way(
        _("Files that could not be read"), "desk_imports.index", {"state": "FAILED"}
    ),
    _M.LIST_PAST_CLOSING: Way(
        _("Lists past their closing day, still open"), "desk_lists.index", {"state": "OPEN"}
    ),
    _M.LIST_TO_ALLOCATE: Way(
        _("Closed lists, to be allocated"), "desk_lists.index", {"state": "CLOSED"}
    ),
    _M.PLAN_TO_CONFIRM: Way(
        _("Proposed allocations, to be confirmed"), "desk_lists.index", {"state": "CLOSED"}
    ),
    _M.GIFT_TO_APPROVE: Way(_("Gifts, to be approved"), "desk_gifts.index", {"state": "SUBMITTED"}),
    _M.GIFT_TO_PACK: Way(
        _("Approved gifts, to be packed"), "desk_gifts.index", {"state": "APPROVED"}
    ),
    _M.COPIES_TO_PACK: Way(
        _("Partners for whom books wait to be packed"), "desk_consignments.index"
    ),
    _M.CONSIGNMENT_DRAFT: Way(
        _("Consignments being packed"), "desk_consignments.index", {"state": "DRAFT"}
    ),
    _M.CONSIGNMENT_PACKED: Way(
        _("Packed consignments, to be dispatched"), "desk_consignments.index", {"state": "PACKED"}
    ),
    _M.INCOMING_TO_CHECK: Way(
        _("Gifts that arrived, to be checked"), "desk_incoming.index", {"state": "RECEIVED"}
    ),
    _M.INCOMING_TO_ACCESSION: Way(
        _("Checked gifts, to be accessioned"), "desk_incoming.index", {"state": "CHECKED"}
    ),
    _M.INCOMING_TO_THANK: Way(
        _("Gifts for which nobody was thanked yet"), "desk_incoming.index", {"state": "ACCEPTED"}
    ),
    _M.SELECTION_OPEN: Way(_("Partners’ lists, to be looked through"), "desk_selections.index"),
    _M.CLAIM_OF_THEIRS: Way(
        _("Partners’ claims, to be answered"), "desk_claims.index", {"side": "THEIRS"}
    ),
    _M.CLAIM_ANSWERED: Way(
        _("Our claims that were answered"), "desk_claims.index", {"state": "ANSWERED"}
    ),
    _M.ISSUE_MISSING: Way(_("Issues that should have come, to be claimed"), "desk_claims.index"),
    _M.AGREEMENT_EXPIRING: Way(_("Agreements that expire soon"), "desk_agreements.index"),
    _M.LIST_OPEN: Way(_("Lists open for wishes"), "desk_lists.index", {"state": "OPEN"}),
    _M.PARTNER_ASKED: Way(
        _("Substitutes that partners are asked about"), "desk_lists.index", {"state": "ALLOCATED"}
    ),
    _M.CONSIGNMENT_ON_ITS_WAY: Way(
        _("Consignments on their way"), "desk_consignments.index", {"state": "DISPATCHED"}
    ),
    _M.CLAIM_OF_OURS: Way(
        _("Our claims, to be answered by partners"), "desk_claims.index", {"side": "OURS"}
    ),
    _M.INCOMING_ANNOUNCED: Way(
        _("Gifts announced to us"), "desk_incoming.index", {"state": "ANNOUNCED"}
    ),
    _M.OWN_WISH_SENT: Way(_("Wishes of ours that partners have"), "desk_selections.index"),
    _M.LIST_ALLOCATED: Way(_("Lists allocated"), "desk_lists.index", {"state": "ALLOCATED"}),
    _M.DISPATCHED: Way(
        _("Consignments dispatched"), "desk_consignments.index", {"state": "DISPATCHED"}
    ),
    _M.RECEIPT_CONFIRMED: Way(_("Receipts confirmed by partners"), "desk_consignments.index"),
    _M.INCOMING_CATALOGUED: Way(
        _("Gifts catalogued"), "desk_incoming.index", {"state": "CATALOGUED"}
    ),
}
HEADINGS: Final[Mapping[Turn, object]] = {
    Turn.YOU: _("Needs you"),
    Turn.OTHERS: _("Waiting for others"),
    Turn.DONE: _("Done in the last seven days"),
}


class Card(NamedTuple):
    """A matter as the board shows it; ``since`` is UTC."""

    number: int
    words: object
    address: str
    since: object


@pages.get("/")
@needs("show_board")
def today() -> str:
    """Show the board."""
    site: Site = current_app.extensions["bookbridge"]
    board = overlooking.today(site.db, site.now())
    columns = [
        (
            whose,
            HEADINGS[whose],
            [
                Card(each.number, WAYS[each.matter].words, _address(each.matter), each.oldest)
                for each in board[whose]
            ],
        )
        for whose in Turn
    ]
    return render_template("desk/today.html", columns=columns)


def _address(matter: Matter) -> str:
    """Return where a matter is seen to, ``""`` where whoever looks may not go there."""
    way = WAYS[matter]
    view = current_app.view_functions.get(way.view)
    action = None if view is None else guarding.needed(view)
    asked: Any = way.asked
    return url_for(way.view, **asked) if action and guarding.may(action) else ""
