"""The ledger and the balances made of it: the partner and the staff read the same figures.

What is called sent was sent by this library, what is called received was received by it, whoever
asks; the sentences in ``told`` say it in the words of whoever does.
"""

from __future__ import annotations

import io
from typing import Any

from flask import g, request

from service.api import table_import
from service.api.addresses import site
from service.api.authentication import partner_required, staff_required
from service.api.ledger_schemas import (
    BalanceSchema,
    BalancesQuery,
    CounteredSchema,
    CounterSchema,
    EntrySchema,
    ImportOpeningsQuery,
    OpeningSchema,
    OpeningsTakenSchema,
    ParityQuery,
    ParitySchema,
    StaffEntrySchema,
)
from service.api.parameters import NewestFirst, page_of, paged, paged_back
from service.api.resource import Resource, body_of_at_most, no_parameters
from service.domain import amount, balance
from service.domain.balance import Balance, Line, Reader, Total
from service.domain.ledger import Figures, Right, Written
from service.domain.opening_balance import Opening
from service.domain.partner import Partner
from service.usecases import accounting, carrying_forward

ledger = Resource(
    "Balance",
    "What was sent to a partner and received from it, entry by entry and in all. Sent is always "
    "what this library sent to the partner. Values are whole numbers of the smallest unit of their "
    "currency.",
)

_BODY = table_import.body(
    "The table: a row for each partner, year, direction (sent, received), kind "
    "(gift, exchange, deposit) and currency, under the headings `partner`, `year`, `direction`, "
    "`kind`, `titles`, `volumes`, and if wanted `value`, `currency`, `note`. A value is written in "
    "units of its currency, such as 120.50."
)
# --- balances -------------------------------------------------------------------------------------


@ledger.get("/balance")
@partner_required
@no_parameters(ledger)
@ledger.response(200, BalanceSchema)
def show_own_balance(partner: Partner) -> Any:
    """Show what the library sent to you and received from you.

    The figures are those that the library sees.
    """
    return _balance(accounting.show(site().db, partner.code, site().now()), Reader.its_own())


@ledger.get("/balances")
@staff_required
@ledger.arguments(BalancesQuery, location="query", as_kwargs=True)
@ledger.response(200, page_of(BalanceSchema))
def list_balances(after: str, limit: int) -> Any:
    """List the balances with all partners in the order of their codes.

    For the staff.
    """
    rows = accounting.list_balances(site().db, site().now(), after, limit + 1)
    return paged(rows, limit, "after", lambda each: each.partner_code, _to_staff)


@ledger.get("/partners/<code>/balance")
@staff_required
@no_parameters(ledger)
@ledger.response(200, BalanceSchema)
def show_balance(code: str) -> Any:
    """Show the balance with a partner, as the partner sees it too.

    For the staff.
    """
    return _to_staff(accounting.show(site().db, code, site().now()))


def _to_staff(found: Balance) -> dict[str, Any]:
    return _balance(found, Reader.staff(found.partner_code))


def _balance(found: Balance, reader: Reader) -> dict[str, Any]:
    return {
        "partner": found.partner_code,
        "told": balance.told(found, reader),
        "sent_to_partner": _total(found.sent),
        "received_from_partner": _total(found.received),
        "basis": found.basis,
        "tolerance": found.tolerance,
        "agreement": found.agreement,
        "bands": found.bands,
        "lines": [_line(each) for each in found.lines],
    }


def _total(some: Total) -> dict[str, Any]:
    values = [
        {"amount": each, "currency": code, "shown": amount.shown(each, code)}
        for code, each in some.values.items()
    ]
    return {"titles": some.titles, "volumes": some.volumes, "values": values}


def _line(line: Line) -> dict[str, Any]:
    return {**line._asdict(), **line.figures._asdict()}


# --- what would even it ---------------------------------------------------------------------------


@ledger.get("/partners/<code>/parity")
@staff_required
@ledger.arguments(ParityQuery, location="query", as_kwargs=True)
@ledger.response(200, ParitySchema)
def show_parity(code: str, limit: int) -> Any:
    """Show which titles would even the balance with a partner.

    For the staff. Where the library owes: of its offers, what the partner wishes for and then what
    else it is shown. Where the partner owes: of its offers, what is not wished for yet.
    """
    return accounting.show_parity(site().db, code, site().now(), limit)._asdict()


# --- entries --------------------------------------------------------------------------------------


@ledger.get("/ledger")
@partner_required
@ledger.arguments(NewestFirst, location="query", as_kwargs=True)
@ledger.response(200, page_of(EntrySchema))
def list_own_entries(partner: Partner, before: str, limit: int) -> Any:
    """List what your balance is made of, the last written first."""
    rows = accounting.list_entries(site().db, partner.code, before, limit + 1)
    return paged_back(rows, limit, _entry)


@ledger.get("/partners/<code>/ledger")
@staff_required
@ledger.arguments(NewestFirst, location="query", as_kwargs=True)
@ledger.response(200, page_of(StaffEntrySchema))
def list_entries(code: str, before: str, limit: int) -> Any:
    """List what the balance with a partner is made of, the last written first.

    For the staff.
    """
    rows = accounting.list_entries(site().db, code, before, limit + 1)
    return paged_back(rows, limit, _entry)


@ledger.post("/ledger/<entry_id>/counter")
@staff_required
@no_parameters(ledger)
@ledger.arguments(CounterSchema)
@ledger.response(201, CounteredSchema)
def counter_entry(body: dict[str, Any], entry_id: str) -> Any:
    """Take an entry back by another one against it, and enter what is right in its place.

    For the staff. Nothing is changed or removed. An entry is taken back once; one that takes
    another back stays.
    """
    right = body["instead"]
    made = accounting.counter(
        site().db,
        entry_id,
        reason=body["reason"],
        instead=None if right is None else Right(**right),
        by=g.caller.name,
        now=site().now(),
    )
    return {"items": [_entry(each) for each in made]}


def _entry(entry: Written) -> dict[str, Any]:
    shown = {name: getattr(entry, name) for name in EntrySchema().fields if hasattr(entry, name)}
    return shown | {
        "id": entry.public_id,
        "partner": entry.partner_code,
        "entered_by": entry.actor,
    }


# --- opening balances -----------------------------------------------------------------------------


@ledger.post("/partners/<code>/opening-balances")
@staff_required
@no_parameters(ledger)
@ledger.arguments(OpeningSchema)
@ledger.response(201, StaffEntrySchema)
@ledger.alt_response(200, schema=StaffEntrySchema, description="It was there before")
def enter_opening_balance(body: dict[str, Any], code: str) -> Any:
    """Enter the total of an earlier year.

    For the staff. The same again changes nothing (200); for another figure the one that is there is
    taken back first.
    """
    figures = Figures(body["titles"], body["volumes"], body["value"])
    opening = Opening(
        code,
        body["year"],
        body["direction"],
        body["kind"],
        figures,
        amount.check_currency(body["currency"]),
        body["note"].strip(),
    )
    entry, is_new = carrying_forward.enter(site().db, opening, by=g.caller.name, now=site().now())
    return _entry(entry), 201 if is_new else 200


@ledger.post("/opening-balances/import")
@staff_required
@ledger.arguments(ImportOpeningsQuery, location="query", as_kwargs=True)
@ledger.doc(requestBody=_BODY)
@ledger.response(200, OpeningsTakenSchema)
def import_opening_balances(*, dry_run: bool) -> Any:
    """Take a table of opening balances in: rows that are right are entered, others come back.

    For the staff. Sending the same table again changes nothing.
    """
    taken = carrying_forward.take_in(
        site().db,
        io.BytesIO(body_of_at_most(table_import.OCTETS)),
        request.mimetype,
        charset=request.mimetype_params.get("charset", ""),
        dry_run=dry_run,
        by=g.caller.name,
        now=site().now(),
    )
    return table_import.taken_in(taken)
