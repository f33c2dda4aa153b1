"""The balance that both sides see: the same figures, in the partner's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, Response, current_app, render_template, request
from flask_babel import lazy_gettext as _

from service.domain import amount, balance
from service.domain.balance import Reader
from service.domain.ledger import Direction, Event, Written
from service.domain.transfer import TransferKind
from service.store import public_ids
from service.usecases import accounting
from service.usecases.site import Site
from service.web import faults, table_answer
from service.web.guarding import needs, partner
from service.web.portal.words import words

pages = Blueprint("portal_balance", __name__, url_prefix="/portal/balance")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 50
_COLUMNS: Final = ("day", "direction", "kind", "event", "titles", "volumes", "value")
KINDS: Final[Mapping[str, object]] = {
    TransferKind.GIFT.value: _("gift"),
    TransferKind.EXCHANGE.value: _("exchange"),
    TransferKind.DEPOSIT.value: _("deposit"),
}
EVENTS: Final[Mapping[str, object]] = {
    Event.DISPATCH.value: _("consignment sent"),
    Event.RETURN.value: _("consignment came back"),
    Event.ACCESSION.value: _("books received"),
    Event.SERIAL_YEAR.value: _("a year of a journal"),
    Event.OPENING.value: _("total of an earlier year"),
    Event.COUNTER.value: _("correction"),
}


@pages.get("/")
@needs("show_own_balance")
def index() -> str | Response:
    """Show the balance, what it is made of, and its entries; these as a file when asked."""
    site: Site = current_app.extensions["bookbridge"]
    code = partner().code
    if kind := request.args.get("as", ""):
        rows = (_row(each) for each in accounting.list_entries(site.db, code, limit=100_000))
        return table_answer.table(_COLUMNS, rows, f"balance-{code}", kind)
    before = public_ids.read(request.args.get("before", "")) or ""
    entries = accounting.list_entries(site.db, code, before, PER_PAGE + 1)
    found = accounting.show(site.db, code, site.now())
    return render_template(
        "portal/balance.html",
        told=balance.told(found, Reader.its_own()),
        balance=found,
        entries=entries[:PER_PAGE],
        more=len(entries) > PER_PAGE,
        before=before,
        shown=amount.shown,
        sent=Direction.SENT,
        kinds=KINDS,
        events=EVENTS,
    )


def _row(entry: Written) -> tuple[object, ...]:
    value = amount.shown(entry.value, entry.currency) if entry.currency else ""
    return (
        entry.on_date,
        entry.direction.value,
        entry.kind.value,
        entry.event.value,
        entry.titles,
        entry.volumes,
        value,
    )
