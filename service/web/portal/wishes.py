"""A partner's wish lists: sent as a file or pasted, answered line by line, and taken back."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Final

from flask import (
    Blueprint,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.domain.wish import CONFIRMABLE, AnsweredLine, Mode, Outcome, WishListState, WishState
from service.domain.wish_sheet import ODS, XLSX
from service.errors import Invalid, TooLarge, UnsupportedFormat
from service.store import public_ids
from service.usecases import choosing_offers, wishing
from service.usecases.site import Site
from service.web import faults, forms, table_answer
from service.web.guarding import needs, partner
from service.web.portal.titles import CHANNEL
from service.web.portal.words import words

pages = Blueprint("portal_wishes", __name__, url_prefix="/portal/wishes")
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 100
_LISTS: Final = 20
_LARGEST_LINE: Final = 10**9
# What a file is by its ending; whatever has another one is read as MARC, which knows its own kinds.
_BY_ENDING: Final[Mapping[str, str]] = {
    ".xlsx": XLSX,
    ".ods": ODS,
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".json": "application/json",
    ".txt": "text/uri-list",
}
_COLUMNS: Final = ("line", "asked for", "outcome", "reason", "state", "copies", "offer", "note")


@pages.get("/")
@needs("list_wish_lists")
def index() -> str:
    """Show the wish lists of this partner, newest first, and the ways to send another."""
    return _index({})


@pages.post("/")
@needs("send_wish_list")
def send() -> Response:
    """Take a wish list from a file or from what was pasted."""
    site = _site()
    request.max_content_length = site.settings.wish_list_bytes + 100_000
    try:
        received = wishing.receive(
            site.db, partner(), _request(), site.names(), site.wish_limits(), site.now()
        )
    except (Invalid, UnsupportedFormat, TooLarge) as error:
        where = forms.wrong(error) if isinstance(error, Invalid) else {"": error.detail}
        return make_response(_index(where), 422)
    flash(_("Your wish list is kept; every line has its answer."), "done")
    return redirect(url_for(".show", wish_list=received.wish_list.public_id), 303)


@pages.get("/<wish_list>")
@needs("show_wish_list")
def show(wish_list: str) -> str | Response:
    """Show a wish list with the answers to its lines; as a file when asked."""
    site = _site()
    after = request.args.get("after", "0")
    behind = int(after) if after.isdecimal() and len(after) < 10 else 0
    found = wishing.show(site.db, wish_list, partner(), behind, PER_PAGE + 1)
    if kind := request.args.get("as", ""):
        rows = _rows(wishing.lines(site.db, found))
        return table_answer.table(_COLUMNS, rows, f"wish-list-{found.public_id}", kind)
    shown = found.lines[:PER_PAGE]
    return render_template(
        "portal/wish_list.html",
        found=found,
        lines=shown,
        following=shown[-1].line_no if len(found.lines) > PER_PAGE else None,
        after=behind,
        running=found.state in {WishListState.RECEIVED, WishListState.ANSWERING},
        withdrawable={WishState.OPEN, WishState.PENDING},
        choosable=CONFIRMABLE,
        ambiguous=Outcome.AMBIGUOUS,
    )


@pages.post("/<wish_list>/<int:line_no>/withdraw")
@needs("withdraw_wish")
def withdraw(wish_list: str, line_no: int) -> Response:
    """Take one wish back."""
    wishing.withdraw(_site().db, partner(), wish_list, min(line_no, _LARGEST_LINE))
    flash(_("The wish of line %(number)d is taken back.", number=line_no), "done")
    return redirect(url_for(".show", wish_list=wish_list), 303)


@pages.post("/<wish_list>/<int:line_no>/choose")
@needs("confirm_wish")
def choose(wish_list: str, line_no: int) -> Response:
    """Say which offer a wish means."""
    site = _site()
    line = choosing_offers.choose(
        site.db,
        partner(),
        wish_list,
        min(line_no, _LARGEST_LINE),
        forms.text("offer"),
        site.names(),
        site.now(),
    )
    flash(line.reason, "done")
    return redirect(url_for(".show", wish_list=wish_list), 303)


def _request() -> wishing.Request:
    """Return what the form sends as a wish list; raise ``Invalid`` where it sends nothing."""
    upload, pasted = request.files.get("file"), forms.text("pasted")
    once = f"{CHANNEL}:{forms.text('once') or public_ids.new()}"[:200]
    mode = Mode.REPLACE if forms.ticked("replace") else Mode.APPEND
    if upload is not None and upload.filename:
        head = upload.stream.read(4096)
        upload.stream.seek(0)
        if not head:
            raise Invalid(_("this file is empty"), field="file")
        kind = _BY_ENDING.get(PurePath(upload.filename).suffix.lower(), "application/marc")
        stream = io.BytesIO(upload.stream.read())
        return wishing.Request(stream, kind, mode, channel=CHANNEL, idempotency_key=once)
    if not pasted:
        raise Invalid(_("choose a file, or paste what you wish for"), field="pasted")
    first = pasted.splitlines()[0]
    kind = "text/csv" if any(mark in first for mark in "\t;,") else "text/uri-list"
    return wishing.Request(
        pasted.encode(), kind, mode, channel=CHANNEL, charset="utf-8", idempotency_key=once
    )


def _rows(lines: Iterator[AnsweredLine]) -> Iterator[tuple[object, ...]]:
    for line in lines:
        yield (
            line.line_no,
            line.line,
            line.outcome.value,
            line.reason,
            line.state.value,
            line.quantity,
            line.offer,
            line.note,
        )


def _index(wrong: Mapping[str, str]) -> str:
    before = public_ids.read(request.args.get("before", "")) or ""
    lists = wishing.list_wish_lists(_site().db, partner(), before, _LISTS + 1)
    return render_template(
        "portal/wishes.html",
        lists=lists[:_LISTS],
        more=len(lists) > _LISTS,
        before=before,
        once=forms.text("once") or public_ids.new(),
        wrong=wrong,
    )


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
