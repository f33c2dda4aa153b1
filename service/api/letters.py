"""Letters: written from data in two languages, filed when they come; and their templates."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

from flask import Response, g, request, stream_with_context
from werkzeug.http import parse_options_header

from service.api.addresses import address, site
from service.api.authentication import staff_required
from service.api.letter_schemas import (
    IncomingLetterQuery,
    LetterSchema,
    LettersQuery,
    LetterTemplateSchema,
    MailLetterSchema,
    NewLetterSchema,
    NewLetterTemplateSchema,
)
from service.api.papers import page
from service.api.parameters import page_of, paged_back
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, changed, etag, expected
from service.domain import letter as rules
from service.domain.letter import Direction, Letter, LetterKind, LetterTemplate
from service.papers import letter_files
from service.papers.letter_files import LetterForm
from service.store.originals import PIECE
from service.usecases import filing_letters, wording_letters, writing_letters
from service.usecases.filing_letters import Incoming

letters = Resource(
    "Letters",
    "Letters to partners, written from data in one language or in two side by side; letters and "
    "scans that came, filed with a partner or an agreement; and the templates. For the staff.",
)
_FORMS = ", ".join(each.value for each in LetterForm)


# --- templates ------------------------------------------------------------------------------------


@letters.get("/letter-templates")
@staff_required
@no_parameters(letters)
@letters.response(200, LetterTemplateSchema(many=True))
def list_letter_templates() -> Any:
    """List the templates of all kinds in all languages.

    For the staff.
    """
    return [_template(each) for each in wording_letters.list_templates(site().db)]


@letters.get("/letter-templates/<kind>/<language>")
@staff_required
@no_parameters(letters)
@letters.response(200, LetterTemplateSchema)
def show_letter_template(kind: str, language: str) -> Any:
    """Show a template, and what it may ask for.

    For the staff.
    """
    return _shown(wording_letters.find_template(site().db, kind, language))


@letters.put("/letter-templates/<kind>/<language>")
@staff_required
@no_parameters(letters)
@letters.arguments(NewLetterTemplateSchema)
@letters.doc(parameters=[IF_MATCH])
@letters.response(200, LetterTemplateSchema)
def change_letter_template(body: dict[str, Any], kind: str, language: str) -> Any:
    """Put the site's own wording in the place of a template.

    For the staff. A name in braces that is not known is refused with those that are.
    """
    return changed(
        lambda: _shown(
            wording_letters.change_template(
                site().db,
                kind,
                language,
                **body,
                seen=expected(),
                by=g.caller.name,
                now=site().now(),
            )
        ),
        lambda: _current(kind, language),
        body,
    )


@letters.delete("/letter-templates/<kind>/<language>")
@staff_required
@no_parameters(letters)
@letters.doc(parameters=[IF_MATCH])
@letters.response(200, LetterTemplateSchema)
def reset_letter_template(kind: str, language: str) -> Any:
    """Take back the site's own wording; ours holds again.

    For the staff.
    """
    return changed(
        lambda: _shown(
            wording_letters.reset_template(
                site().db, kind, language, seen=expected(), by=g.caller.name, now=site().now()
            )
        ),
        lambda: _current(kind, language),
        {},
    )


def _shown(found: LetterTemplate) -> tuple[dict[str, Any], int, dict[str, str]]:
    return _template(found), 200, etag(found.revision)


def _current(kind: str, language: str) -> dict[str, Any]:
    found = _template(wording_letters.find_template(site().db, kind, language))
    shown: dict[str, Any] = LetterTemplateSchema().dump(found)
    return shown


def _template(found: LetterTemplate) -> dict[str, Any]:
    names = ("kind", "language", "subject", "body", "own", "changed_by", "changed_at", "revision")
    shown = {name: getattr(found, name) for name in names}
    return shown | {"placeholders": dict(rules.PLACEHOLDERS[found.kind])}


# --- letters --------------------------------------------------------------------------------------


@letters.get("/letters")
@staff_required
@letters.arguments(LettersQuery, location="query", as_kwargs=True)
@letters.response(200, page_of(LetterSchema))
def list_letters(partner: str, agreement: str, before: str, limit: int) -> Any:
    """List letters, newest first.

    For the staff.
    """
    rows = writing_letters.list_letters(
        site().db, code=partner, agreement=agreement, before=before, limit=limit + 1
    )
    return paged_back(rows, limit, _letter)


@letters.post("/letters")
@staff_required
@no_parameters(letters)
@letters.arguments(NewLetterSchema)
@letters.response(201, LetterSchema)
def write_letter(body: dict[str, Any]) -> Any:
    """Write a letter and keep it.

    For the staff. Thanks for a gift mark it acknowledged.
    """
    made = writing_letters.write(
        site().db,
        site().settings,
        body["partner"],
        LetterKind(body["kind"]),
        about=body["about"],
        languages=body["languages"],
        signatory=body["signatory"],
        by=g.caller.name,
        now=site().now(),
    )
    shown = _letter(made)
    return shown, 201, {"Location": shown["url"]}


@letters.post("/letters/incoming")
@staff_required
@letters.arguments(IncomingLetterQuery, location="query")
@letters.doc(
    requestBody={
        "required": True,
        "description": "The letter as it is, of any media type.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
)
@letters.response(201, LetterSchema)
@letters.alt_response(
    200, schema=LetterSchema, description="These octets were filed before", success=True
)
def file_letter(said: dict[str, Any]) -> Any:
    """File a letter or scan that came in, with a partner or an agreement.

    For the staff. Any media type; at most as large as an import may be.
    """
    # Buffered, because a body from the network may come in smaller pieces than asked for.
    stream = cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", request.stream), PIECE))
    disposition = parse_options_header(request.headers.get("Content-Disposition", ""))[1]
    name = said.pop("file_name") or disposition.get("filename", "")
    filed = filing_letters.file_letter(
        site().db,
        said.pop("partner"),
        stream,
        Incoming(file_name=name, media_type=request.mimetype, **said),
        limit=site().settings.upload_bytes,
        by=g.caller.name,
        now=site().now(),
    )
    shown = _letter(filed.letter)
    return shown, 200 if filed.already else 201, {"Location": shown["url"]}


@letters.get("/letters/<letter_id>")
@staff_required
@no_parameters(letters)
@letters.response(200, LetterSchema)
def show_letter(letter_id: str) -> Any:
    """Show a letter.

    For the staff.
    """
    return _letter(writing_letters.find_letter(site().db, letter_id))


@letters.get(f"/letters/<letter_id>/<any({_FORMS}, file):form>")
@staff_required
@no_parameters(letters)
@letters.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
def send_letter(letter_id: str, form: str) -> Any:
    """Send a letter of ours as a page or as a document to edit, or the file of one that came.

    For the staff.
    """
    found = writing_letters.find_letter(site().db, letter_id)
    if form == "file":
        return _filed(found)
    chosen = LetterForm(form)
    body = letter_files.letter_file(chosen, found, site().settings)
    if chosen is LetterForm.HTML:
        return page(body.decode())
    answer = Response(body, content_type=letter_files.MEDIA_TYPES[chosen])
    answer.headers.set("Content-Disposition", "attachment", filename=letter_files.file_name(found))
    return answer


def _filed(found: Letter) -> Response:
    octets = filing_letters.octets(site().db, found)
    answer = Response(stream_with_context(octets), content_type=found.media_type)
    # What somebody sent is never a page of ours: it is saved, not shown, and runs nothing.
    answer.headers.set("Content-Disposition", "attachment", filename=found.file_name)
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


@letters.post("/letters/<letter_id>/mail")
@staff_required
@no_parameters(letters)
@letters.arguments(MailLetterSchema)
@letters.response(202, LetterSchema)
def mail_letter(body: dict[str, Any], letter_id: str) -> Any:
    """Mail a letter of ours to a contact of its partner, once.

    For the staff.
    """
    return _letter(
        writing_letters.mail_letter(
            site().db,
            site().settings,
            letter_id,
            body["recipient"],
            by=g.caller.name,
            now=site().now(),
        )
    )


_SHOWN = (
    "partner",
    "agreement",
    "direction",
    "kind",
    "about",
    "subject",
    "file_name",
    "media_type",
    "dated_on",
    "mailed_at",
    "created_by",
    "created_at",
)


def _letter(found: Letter) -> dict[str, Any]:
    ours = found.direction is Direction.OUT

    def file(form: str, *, there: bool) -> str:
        return address(".send_letter", letter_id=found.public_id, form=form) if there else ""

    return {
        "id": found.public_id,
        "url": address(".show_letter", letter_id=found.public_id),
        "texts": [each._asdict() for each in found.texts],
        "html_url": file("html", there=ours),
        "docx_url": file("docx", there=ours),
        "file_url": file("file", there=not ours),
        **{name: getattr(found, name) for name in _SHOWN},
    }
