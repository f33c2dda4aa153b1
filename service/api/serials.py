"""Serials over the API: a partner sees its own and reports what is missing; the staff does more."""

from __future__ import annotations

from typing import Any

from flask import g, request

from service.api.addresses import address, site
from service.api.authentication import signed_in, staff_required
from service.api.parameters import page_of, paged_back
from service.api.resource import Resource, no_parameters
from service.api.revisions import IF_MATCH, changed, etag, expected
from service.api.serial_schemas import (
    ClaimedIssueSchema,
    IssueClaimSchema,
    IssueCloseSchema,
    IssueReceivedSchema,
    IssueSentSchema,
    IssueSentToAllSchema,
    NewSerialSchema,
    SentToAllSchema,
    SerialEndSchema,
    SerialSchema,
    SerialsQuery,
    WholeSerialSchema,
)
from service.domain.exchange_serial import ExchangeSerial, SerialState, possible
from service.domain.ledger import Direction
from service.usecases import claiming_issues, following_serials
from service.usecases.holding_serials import Followed
from service.usecases.signing_in import Caller

serials = Resource(
    "Serials",
    "Journals on exchange: which issues are expected, were sent or received, or are missing. A "
    "year of a journal is one title in the balance.",
)

_SHOWN = (
    "partner",
    "direction",
    "title",
    "issn",
    "kind",
    "frequency",
    "per_year",
    "starts_on",
    "ends_on",
    "first_volume",
    "copies",
    "claim_after",
    "state",
    "last_moved",
    "last_moved_on",
    "open_issues",
    "created_at",
    "revision",
)


@serials.get("/serials")
@signed_in
@serials.arguments(SerialsQuery, location="query", as_kwargs=True)
@serials.response(200, page_of(SerialSchema))
def list_serials(
    caller: Caller,
    partner: str,
    direction: Direction | None,
    state: list[SerialState],
    missing: bool,
    before: str,
    limit: int,
) -> Any:
    """List serials, newest first: for a partner its own."""
    rows = following_serials.list_serials(
        site().db,
        partner=caller.partner,
        code=partner,
        direction=direction,
        states=state or list(SerialState),
        open_only=missing,
        before=before,
        limit=limit + 1,
    )
    return paged_back(rows, limit, lambda each: shown(each, caller))


@serials.post("/serials")
@staff_required
@no_parameters(serials)
@serials.arguments(NewSerialSchema)
@serials.response(201, WholeSerialSchema)
def add_serial(body: dict[str, Any]) -> Any:
    """Follow a journal that a partner gets, or that comes from it.

    For the staff. Its issues are expected a year ahead, and made further by themselves.
    """
    code = body.pop("partner")
    made = following_serials.add(site().db, code, by=g.caller.name, now=site().now(), **body)
    told, _, headers = _answer(made, g.caller)
    return told, 201, headers | {"Location": told["url"]}


@serials.get("/serials/<serial_id>")
@signed_in
@no_parameters(serials)
@serials.response(200, WholeSerialSchema)
def show_serial(caller: Caller, serial_id: str) -> Any:
    """Show a serial with its issues."""
    return _answer(following_serials.find(site().db, serial_id, caller.partner), caller)


@serials.post("/serials/<serial_id>/end")
@staff_required
@no_parameters(serials)
@serials.arguments(SerialEndSchema)
@serials.doc(parameters=[IF_MATCH])
@serials.response(200, WholeSerialSchema)
def end_serial(body: dict[str, Any], serial_id: str) -> Any:
    """End a serial: after a day no issue is expected any more.

    For the staff.
    """
    return changed(
        lambda: _done(following_serials.end, serial_id, **body, seen=expected()),
        lambda: WholeSerialSchema().dump(
            _whole(following_serials.find(site().db, serial_id), g.caller)
        ),
        request.get_json(silent=True) or {},
    )


@serials.post("/serials/issues/sent")
@staff_required
@no_parameters(serials)
@serials.arguments(IssueSentToAllSchema)
@serials.response(200, SentToAllSchema)
def send_serial_to_all(body: dict[str, Any]) -> Any:
    """Enter that an issue was sent to all partners that get a journal.

    For the staff. Who has it already is left out; told again it changes nothing.
    """
    done = following_serials.send_to_all(
        site().db,
        body["serial"],
        body["issue"],
        on=body["on"],
        by=g.caller.name,
        now=site().now(),
    )
    left = [{"partner": code, "reason": reason} for code, reason in done.left]
    return {"sent": done.sent, "left": left}


@serials.post("/serials/<serial_id>/issues/<int(max=2147483647):issue>/sent")
@staff_required
@no_parameters(serials)
@serials.arguments(IssueSentSchema)
@serials.response(200, WholeSerialSchema)
def send_serial_issue(body: dict[str, Any], serial_id: str, issue: int) -> Any:
    """Enter that an issue was sent.

    For the staff. The first of a year brings the year into the balance.
    """
    return _done(following_serials.send, serial_id, issue, **body)


@serials.post("/serials/<serial_id>/issues/<int(max=2147483647):issue>/received")
@staff_required
@no_parameters(serials)
@serials.arguments(IssueReceivedSchema)
@serials.response(200, WholeSerialSchema)
def receive_serial_issue(body: dict[str, Any], serial_id: str, issue: int) -> Any:
    """Enter that an issue arrived; a claim on it is settled.

    For the staff. The first of a year brings the year into the balance.
    """
    return _done(claiming_issues.receive, serial_id, issue, **body)


@serials.post("/serials/<serial_id>/issues/<int(max=2147483647):issue>/missing")
@signed_in
@no_parameters(serials)
@serials.arguments(IssueClaimSchema)
@serials.response(201, ClaimedIssueSchema)
def claim_serial_issue(caller: Caller, body: dict[str, Any], serial_id: str, issue: int) -> Any:
    """Report that an issue did not arrive: a claim is opened.

    A partner of what it gets. The staff enters what a partner said, or claims what should have
    come; that claim is sent when somebody is content with it.
    """
    made = claiming_issues.claim(
        site().db,
        serial_id,
        issue,
        text=body["text"],
        partner=caller.partner,
        by=caller.name,
        now=site().now(),
    )
    told, _, headers = _answer(made.followed, caller)
    location = address("Claims.show_claim", claim_id=made.claim)
    return told | {"claim": made.claim}, 201, headers | {"Location": location}


@serials.post("/serials/<serial_id>/issues/<int(max=2147483647):issue>/resent")
@staff_required
@no_parameters(serials)
@serials.arguments(IssueSentSchema)
@serials.response(200, WholeSerialSchema)
def resend_serial_issue(body: dict[str, Any], serial_id: str, issue: int) -> Any:
    """Enter that a claimed issue was sent again; its claim is settled.

    For the staff. In the balance its year stays one title.
    """
    return _done(claiming_issues.resend, serial_id, issue, **body)


@serials.post("/serials/<serial_id>/issues/<int(max=2147483647):issue>/closed")
@staff_required
@no_parameters(serials)
@serials.arguments(IssueCloseSchema)
@serials.response(200, WholeSerialSchema)
def close_serial_issue(body: dict[str, Any], serial_id: str, issue: int) -> Any:
    """Give an issue up: it never appeared, or cannot be had; a claim on it is written off.

    For the staff.
    """
    return _done(claiming_issues.close, serial_id, issue, **body)


# --- what is shown --------------------------------------------------------------------------------


def _done(do: Any, serial_id: str, *given: Any, **named: Any) -> Any:
    made = do(site().db, serial_id, *given, **named, by=g.caller.name, now=site().now())
    return _answer(made, g.caller)


def _answer(found: Followed, caller: Caller) -> tuple[dict[str, Any], int, dict[str, str]]:
    return _whole(found, caller), 200, etag(found.serial.revision)


def _whole(found: Followed, caller: Caller) -> dict[str, Any]:
    issues = []
    for each in found.issues:
        told = each._asdict()
        if caller.partner is None:
            can = possible(found.serial.direction, each.state)
            told["possible"] = [action.value for action in can]
        issues.append(told)
    return shown(found.serial, caller) | {"issues": issues}


def shown(found: ExchangeSerial, caller: Caller) -> dict[str, Any]:
    """Return a serial as a caller sees it; the notes are the staff's."""
    told: dict[str, Any] = {name: getattr(found, name) for name in _SHOWN}
    told |= {
        "id": found.public_id,
        "url": address("Serials.show_serial", serial_id=found.public_id),
    }
    if caller.partner is None:
        told["notes"] = found.notes
    return told
