"""Agreements: drawn up, changed and moved on by the staff; read by the partners party to them."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Response, g, request, stream_with_context
from werkzeug.http import dump_options_header, parse_options_header

from service.api.addresses import address, site
from service.api.agreement_schemas import (
    AgreementChangeSchema,
    AgreementMoveSchema,
    AgreementSchema,
    AgreementsQuery,
    AgreementWithDocumentsSchema,
    DocumentQuery,
    DocumentSchema,
    NewAgreementSchema,
    RelationsSchema,
)
from service.api.authentication import signed_in, staff_required
from service.api.parameters import page_of, paged_back
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, changed, etag, expected
from service.domain import agreement as rules
from service.domain.agreement import (
    BY_CALENDAR,
    Agreement,
    AgreementAction,
    AgreementState,
    Document,
)
from service.domain.agreement_fields import OURS
from service.errors import Invalid
from service.store.originals import PIECE
from service.usecases import agreeing, filing, moving_agreements, reading_agreements
from service.usecases.reading_agreements import Kept
from service.usecases.signing_in import Caller

agreements = Resource(
    "Agreements",
    "What was agreed with partners: scope, terms, allowances, activities, and the documents filed. "
    "The staff writes them; a partner reads those that it is party to.",
)

_ACTIONS = tuple(action.value for action in AgreementAction if action not in BY_CALENDAR)
_MULTIPART = "multipart/form-data"
_FILE = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "description": "The file as it is, of any media type; or a form with the file.",
    "content": {
        "application/octet-stream": {"schema": _FILE},
        "application/pdf": {"schema": _FILE},
        "image/*": {"schema": _FILE},
        _MULTIPART: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": _FILE, "title": {"type": "string"}},
            }
        },
    },
}


@agreements.get("/agreements")
@signed_in
@agreements.arguments(AgreementsQuery, location="query", as_kwargs=True)
@agreements.response(200, page_of(AgreementSchema))
def list_agreements(
    caller: Caller, partner: str, state: list[AgreementState], before: str, limit: int
) -> Any:
    """List the agreements, newest first: for a partner those that it is party to."""
    rows = reading_agreements.list_agreements(
        site().db,
        partner=caller.partner,
        code=partner,
        states=state or list(AgreementState),
        before=before,
        limit=limit + 1,
    )
    return paged_back(rows, limit, lambda each: _agreement(each, caller))


@agreements.post("/agreements")
@staff_required
@no_parameters(agreements)
@agreements.arguments(NewAgreementSchema)
@agreements.response(201, AgreementWithDocumentsSchema)
def draw_up_agreement(body: dict[str, Any]) -> Any:
    """Draw up an agreement as a proposal, or enter one that is signed already.

    For the staff. All that contradicts itself, or with `signed` another agreement, is told at once.
    """
    signed = body.pop("signed")
    made = agreeing.draw_up(site().db, body, signed=signed, by=g.caller.name, now=site().now())
    shown, _, headers = _answer(made.public_id)
    return shown, 201, headers | {"Location": shown["url"]}


@agreements.get("/agreements/relations")
@staff_required
@no_parameters(agreements)
@agreements.response(200, RelationsSchema)
def count_relations() -> Any:
    """Count whom there is a relation with today.

    For the staff. An agreement in force is a relation before any book moves.
    """
    found = reading_agreements.count_relations(site().db, site().now())
    return found._asdict() | {"expiring": len(reading_agreements.ending(site().db))}


@agreements.get("/agreements/<agreement_id>")
@signed_in
@no_parameters(agreements)
@agreements.response(200, AgreementWithDocumentsSchema)
def show_agreement(caller: Caller, agreement_id: str) -> Any:
    """Show an agreement and what is filed with it."""
    kept = reading_agreements.find(site().db, agreement_id, caller.partner)
    return _kept(kept, caller), 200, etag(kept.agreement.revision)


@agreements.patch("/agreements/<agreement_id>")
@staff_required
@no_parameters(agreements)
@agreements.arguments(AgreementChangeSchema)
@agreements.doc(parameters=[IF_MATCH])
@agreements.response(200, AgreementWithDocumentsSchema)
def change_agreement(body: dict[str, Any], agreement_id: str) -> Any:
    """Change fields of an agreement; of a signed one by an amendment with its `reason`.

    For the staff. With `If-Match` only the version that you looked at is changed.
    """
    reason = body.pop("reason")
    return changed(
        lambda: _answer(
            agreeing.change(
                site().db,
                agreement_id,
                body,
                seen=expected(),
                reason=reason,
                by=g.caller.name,
                now=site().now(),
            ).public_id
        ),
        lambda: _current(agreement_id),
        request.get_json(),
    )


@agreements.post(f"/agreements/<agreement_id>/<any({', '.join(_ACTIONS)}):action>")
@staff_required
@no_parameters(agreements)
@agreements.arguments(AgreementMoveSchema)
@agreements.doc(parameters=[IF_MATCH])
@agreements.response(200, AgreementWithDocumentsSchema)
def move_agreement(body: dict[str, Any], agreement_id: str, action: str) -> Any:
    """Move an agreement on: negotiate, sign, renew, suspend, resume or terminate it.

    For the staff. What its state forbids is a 409 that says what is possible. Its start, the
    warning before its end and the end itself come by the calendar.
    """
    reason = body.pop("reason")
    return changed(
        lambda: _answer(
            moving_agreements.move(
                site().db,
                agreement_id,
                AgreementAction(action),
                given=body,
                seen=expected(),
                reason=reason,
                by=g.caller.name,
                now=site().now(),
            ).public_id
        ),
        lambda: _current(agreement_id),
        request.get_json(),
    )


@agreements.post("/agreements/<agreement_id>/documents")
@staff_required
@agreements.arguments(DocumentQuery, location="query", as_kwargs=True)
@agreements.doc(requestBody=_BODY)
@agreements.response(201, DocumentSchema)
@agreements.alt_response(
    200, schema=DocumentSchema, description="These octets were filed before", success=True
)
def file_document(agreement_id: str, file_name: str, title: str) -> Any:
    """File a document with an agreement, such as its scan; it is kept as it came.

    For the staff. Any media type; at most as large as an import may be.
    """
    stream, name, media_type, said = _upload()
    filed = filing.file_document(
        site().db,
        agreement_id,
        stream,
        file_name=file_name or name,
        media_type=media_type,
        title=title or said,
        limit=site().settings.upload_bytes,
        by=g.caller.name,
        now=site().now(),
    )
    shown = _document(agreement_id, filed.document)
    return shown, 200 if filed.already else 201, {"Location": shown["url"]}


@agreements.get("/agreements/<agreement_id>/documents/<document_id>")
@signed_in
@no_parameters(agreements)
@agreements.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
def send_document(caller: Caller, agreement_id: str, document_id: str) -> Any:
    """Send the octets of a document as they came."""
    found = filing.find_document(site().db, agreement_id, document_id, caller.partner)
    answer = Response(
        stream_with_context(filing.octets(site().db, found)), content_type=found.media_type
    )
    # What somebody sent is never a page of ours: it is saved, not shown, and runs nothing.
    answer.headers["Content-Disposition"] = _attachment(found.file_name)
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Content-Length"] = str(found.size)
    return answer


def _attachment(name: str) -> str:
    """Return the header for a file name in any script, with a plain one for old clients (RFC 6266).

    >>> _attachment("양해.pdf")
    "attachment; filename=__.pdf; filename*=UTF-8''%EC%96%91%ED%95%B4.pdf"
    """
    plain = "".join(each if " " <= each <= "~" else "_" for each in name)
    named = {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}
    return dump_options_header("attachment", named)


def _upload() -> tuple[BinaryIO, str, str, str]:
    """Return the file, its name and media type as the sender says, and a title from the form."""
    if request.mimetype == _MULTIPART:
        file = request.files.get("file")
        if file is None:
            raise Invalid("the form has no file in a field named 'file'", field="file")
        said = DocumentQuery().fields["title"].deserialize(request.form.get("title", ""))
        return cast("BinaryIO", file.stream), file.filename or "", file.mimetype, str(said)
    # Buffered, because a body from the network may come in smaller pieces than asked for.
    stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", request.stream), PIECE))
    disposition = parse_options_header(request.headers.get("Content-Disposition", ""))[1]
    return stream, disposition.get("filename", ""), request.mimetype, ""


def _answer(public_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    kept = reading_agreements.find(site().db, public_id)
    return _kept(kept, g.caller), 200, etag(kept.agreement.revision)


def _current(public_id: str) -> dict[str, Any]:
    found: dict[str, Any] = AgreementWithDocumentsSchema().dump(_answer(public_id)[0])
    return found


def _kept(kept: Kept, caller: Caller) -> dict[str, Any]:
    shown = _agreement(kept.agreement, caller)
    shown["documents"] = [_document(kept.agreement.public_id, each) for each in kept.documents]
    return shown | ({"warnings": kept.warnings} if caller.staff else {})


def _agreement(found: Agreement, caller: Caller) -> dict[str, Any]:
    names = [name for name in rules.Terms.__slots__ if caller.staff or name not in OURS]
    return {
        "id": found.public_id,
        "url": address(".show_agreement", agreement_id=found.public_id),
        "state": found.state,
        "revision": found.revision,
        "warned_at": found.warned_at,
        "possible": [action.value for action in rules.possible(found.state)],
        "created_at": found.created_at,
        **{name: getattr(found.terms, name) for name in names},
    }


def _document(agreement_id: str, found: Document) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "url": address(
            ".send_document", agreement_id=agreement_id.upper(), document_id=found.public_id
        ),
        "file_name": found.file_name,
        "media_type": found.media_type,
        "title": found.title,
        "size": found.size,
        "sha256": found.sha256,
        "added_at": found.added_at,
    }
