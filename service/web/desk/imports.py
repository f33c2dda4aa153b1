"""The desk of imports: a file comes in, is looked at, decided about, committed, and undone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final, cast

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marc_mappings.survey import Said
from service.domain.import_batch import AT_WORK, BatchState, Line, Sieve
from service.domain.offer import GROWING
from service.errors import Conflict, Invalid, NotFound, TooLarge, UnsupportedFormat
from service.store import public_ids
from service.usecases import cataloguing, comparing_records, offering
from service.usecases.site import Site
from service.web import faults, forms, table_answer
from service.web.desk import import_decisions
from service.web.desk.import_words import words
from service.web.guarding import caller, needs

pages = Blueprint("desk_imports", __name__, url_prefix="/desk/imports")
pages.register_blueprint(import_decisions.pages)
faults.handle(pages)
pages.context_processor(words)

PER_PAGE: Final = 50
_LISTS: Final = 200
_AT_ONCE: Final = 500
_LARGEST_LINE: Final = 10**9
_COLUMNS: Final = (
    "position",
    "offset",
    "control_number",
    "title",
    "outcome",
    "action",
    "decided_by",
    "encoding",
    "encoding_certain",
    "dialect",
    "problems",
)


# --- all imports --------------------------------------------------------------------------------


@pages.get("/")
@needs("list_imports")
def index() -> ResponseReturnValue:
    """Show the imports, newest first, and the form that brings another."""
    return _index({})


@pages.post("/")
@needs("receive_import")
def receive() -> ResponseReturnValue:
    """Keep a file, or what was pasted, and let it be read; the same file leads to its import."""
    site = _site()
    request.max_content_length = site.settings.upload_bytes + 100_000
    try:
        stream, name = _sent()
        received = cataloguing.receive(
            site.db,
            stream,
            file_name=name,
            list_slug=forms.text("list"),
            stage_only=True,
            said=Said(forms.text("encoding"), forms.text("dialect")),
            limit=site.settings.upload_bytes,
            by=caller().name,
            now=site.now(),
        )
    except Invalid as error:
        return _index(forms.wrong(error), 422)
    except (UnsupportedFormat, TooLarge) as error:
        return _index({"file": error.detail}, 422)
    except (NotFound, Conflict) as error:
        return _index({"list": error.detail}, 422)
    if received.already:
        flash(_("This very file was here before. This is its import."), "note")
    else:
        flash(_("The file is kept and is being read."), "done")
    return redirect(url_for(".show", batch=received.batch.public_id), 303)


def _sent() -> tuple[BinaryIO, str]:
    upload, pasted = request.files.get("file"), request.form.get("pasted", "")
    if not forms.text("list"):
        raise Invalid(_("choose the list that the titles join"), field="list")
    if upload is not None and upload.filename:
        stream = cast("BinaryIO", upload.stream)
        if not stream.read(1):
            raise Invalid(_("this file is empty; choose another"), field="file")
        stream.seek(0)
        return stream, upload.filename.replace("\0", "")
    if pasted.strip():
        return io.BytesIO(pasted.encode()), _("pasted text")
    raise Invalid(_("choose a file, or paste records"), field="file")


def _index(wrong: Mapping[str, str], status: int = 200) -> ResponseReturnValue:
    site = _site()
    before = public_ids.read(request.args.get("before", "")) or ""
    state = request.args.get("state", "")
    wanted = BatchState(state) if state in set(BatchState) else None
    found = cataloguing.list_batches(site.db, before, PER_PAGE + 1, wanted)
    lists = offering.list_lists(site.db, None, limit=_LISTS)
    page = render_template(
        "desk/imports.html",
        batches=found[:PER_PAGE],
        more=len(found) > PER_PAGE,
        before=before,
        state=wanted,
        lists=[each.offer_list for each in lists if _takes(each.offer_list)],
        wrong=wrong,
    )
    return make_response(page, status)


def _takes(offer_list: Any) -> bool:
    return offer_list.state in GROWING and offer_list.ours


# --- one import ---------------------------------------------------------------------------------


@pages.get("/<batch>")
@needs("show_import")
def show(batch: str) -> ResponseReturnValue:
    """Show an import: how far it is, what was found, and its lines; as a file when asked."""
    site = _site()
    report = cataloguing.report(site.db, batch)
    sort = request.args.get("sort", "")
    sieve = Sieve(sort) if sort in set(Sieve) else None
    if kind := request.args.get("as", ""):
        rows = map(_cells, _all_lines(report.batch.public_id, sieve))
        return table_answer.table(_COLUMNS, rows, f"import-{report.batch.public_id}", kind)
    given = request.args.get("after", "0")
    after = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0
    lines = cataloguing.report_lines(site.db, batch, after, PER_PAGE + 1, sieve)
    return render_template(
        "desk/import.html",
        report=report,
        batch=report.batch,
        lines=lines[:PER_PAGE],
        following=lines[PER_PAGE - 1].position if len(lines) > PER_PAGE else None,
        after=after,
        sieve=sieve,
        at_work=report.batch.state in AT_WORK.values(),
        wrong={},
    )


@pages.get("/<batch>/report.jsonl")
@needs("list_import_lines")
def report_file(batch: str) -> Response:
    """Give the report as a line of JSON for each record."""
    found = cataloguing.report(_site().db, batch).batch
    lines = (
        json.dumps(
            {name: getattr(line, name) for name in _COLUMNS}, ensure_ascii=False, default=str
        )
        + "\n"
        for line in _all_lines(found.public_id, None)
    )
    return _file(lines, f"import-{found.public_id}.jsonl", "application/x-ndjson")


@pages.get("/<batch>/bad-records")
@needs("list_import_lines")
def bad_records(batch: str) -> Response:
    """Give the records that could not be read, as they came."""
    found = cataloguing.report(_site().db, batch).batch
    octets = comparing_records.bad_records(_site().db, batch)
    return _file(octets, f"bad-records-{found.public_id}.bin", "application/octet-stream")


def _file(parts: Iterator[Any], name: str, kind: str) -> Response:
    answer = Response(stream_with_context(parts), mimetype=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@pages.get("/<batch>/<int:position>")
@needs("list_import_lines")
def record(batch: str, position: int) -> str:
    """Show one record side by side: as it came, as MARC 21, and what it may be."""
    found = comparing_records.compare(_site().db, batch, min(position, _LARGEST_LINE))
    return render_template("desk/import_record.html", found=found, line=found.line, wrong={})


@pages.post("/<batch>/read-again")
@needs("receive_import")
def read_again(batch: str) -> ResponseReturnValue:
    """Read the same file in the encoding or dialect that somebody says."""
    site = _site()
    said = Said(forms.text("encoding"), forms.text("dialect"))
    try:
        received = cataloguing.read_again(site.db, batch, said, by=caller().name, now=site.now())
    except Invalid as error:
        flash(error.detail, "fault")
        return redirect(url_for(".show", batch=batch), 303)
    flash(_("The file is being read as you said."), "done")
    return redirect(url_for(".show", batch=received.batch.public_id), 303)


def _all_lines(batch: str, sieve: Sieve | None) -> Iterator[Line]:
    db, after = _site().db, 0
    while lines := cataloguing.report_lines(db, batch, after, _AT_ONCE, sieve):
        yield from lines
        after = lines[-1].position


def _cells(line: Line) -> list[object]:
    problems = "; ".join(f"{each['code']}: {each['message']}" for each in line.problems)
    plain = {"action": line.action.value, "problems": problems}
    return [plain.get(name, getattr(line, name)) for name in _COLUMNS]


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
