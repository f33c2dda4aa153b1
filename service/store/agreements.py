"""Agreements: their terms and states, their parties and activities, and the documents filed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.agreement import (
    NOTICE,
    RUNNING,
    SHOWN_TO_PARTIES,
    Activity,
    Agreement,
    AgreementState,
    BalanceBasis,
    Mode,
    Party,
    Postage,
    Scope,
    Terms,
)
from service.store import public_ids
from service.store.tables import agreement, agreement_activity, agreement_party, partner

# Columns that hold a field of the terms as it is; the others are lists, and have their own.
_PLAIN = (
    *("title", "our_signatory", "signed_on", "signed_in", "carries_out", "starts_on", "ends_on"),
    *("term_months", "renews", "mode", "basis", "tolerance", "allowance_first"),
    *("allowance_per_year", "postage", "reply_days", "duties", "notes"),
)
# --- writing ------------------------------------------------------------------------------------


def add(conn: Connection, terms: Terms, partner_ids: Mapping[str, int], now: datetime) -> int:
    """Enter a proposed agreement; ``partner_ids`` are the rows of its parties by code."""
    made = conn.execute(
        agreement.insert()
        .values(
            public_id=public_ids.new(),
            state=AgreementState.PROPOSED.value,
            created_at=now,
            **_columns(terms),
        )
        .returning(agreement.c.id)
    )
    agreement_id = int(made.scalar_one())
    _put_parts(conn, agreement_id, terms, partner_ids)
    return agreement_id


def put(
    conn: Connection,
    found: Agreement,
    new: Agreement,
    partner_ids: Mapping[str, int] | None = None,
) -> bool:
    """Write state and terms of ``new`` over ``found``; return whether nobody was faster.

    Parties and activities are written where ``partner_ids`` has the rows of the parties by code.
    """
    done = conn.execute(
        agreement.update()
        .where(
            agreement.c.id == found.id,
            agreement.c.revision == found.revision,
            agreement.c.state == found.state.value,
        )
        .values(
            revision=found.revision + 1,
            state=new.state.value,
            warned_at=new.warned_at,
            **_columns(new.terms),
        )
    )
    if done.rowcount != 1:
        return False
    if partner_ids is not None:
        _put_parts(conn, found.id, new.terms, partner_ids)
    return True


def _columns(terms: Terms) -> dict[str, Any]:
    values = {name: getattr(terms, name) for name in _PLAIN}
    return values | {
        "scope": " ".join(terms.scope),
        "subjects": "\n".join(terms.subjects),
        "languages": " ".join(terms.languages),
    }


def _put_parts(
    conn: Connection, agreement_id: int, terms: Terms, partner_ids: Mapping[str, int]
) -> None:
    for table in (agreement_party, agreement_activity):
        conn.execute(table.delete().where(table.c.agreement_id == agreement_id))
    for party in terms.parties:
        conn.execute(
            agreement_party.insert().values(
                agreement_id=agreement_id,
                partner_id=partner_ids[party.partner],
                signatory=party.signatory,
            )
        )
    for position, activity in enumerate(terms.activities, 1):
        conn.execute(
            agreement_activity.insert().values(
                agreement_id=agreement_id, position=position, **activity._asdict()
            )
        )


# --- reading ------------------------------------------------------------------------------------


def by_public_id(conn: Connection, public_id: str) -> Agreement | None:
    """Return one agreement, or None."""
    found = _agreements(conn, sa.select(agreement).where(agreement.c.public_id == public_id))
    return found[0] if found else None


def by_id(conn: Connection, agreement_id: int) -> Agreement:
    """Return the agreement of this row."""
    return _agreements(conn, sa.select(agreement).where(agreement.c.id == agreement_id))[0]


def lock(conn: Connection, agreement_id: int) -> Agreement:
    """Return an agreement and let nobody else change it until the transaction ends."""
    conn.execute(
        sa.select(agreement.c.id).where(agreement.c.id == agreement_id).with_for_update()
    ).one()
    return by_id(conn, agreement_id)


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    states: Collection[AgreementState] = frozenset(AgreementState),
    before: str = "",
    limit: int | None = None,
) -> list[Agreement]:
    """Return agreements in these states, newest first, older than the public id ``before``."""
    query = (
        sa.select(agreement)
        .where(agreement.c.state.in_([state.value for state in states]))
        .order_by(agreement.c.public_id.desc())
        .limit(limit)
    )
    if partner_id is not None:
        query = query.where(_party(partner_id))
    if before:
        query = query.where(agreement.c.public_id < before)
    return _agreements(conn, query)


def _party(partner_id: int) -> sa.ColumnElement[bool]:
    return (
        sa.exists()
        .where(agreement_party.c.agreement_id == agreement.c.id)
        .where(agreement_party.c.partner_id == partner_id)
    )


def shown_to(conn: Connection, public_id: str, partner_id: int) -> bool:
    """Whether a partner is party to an agreement, and it is not only a proposal of ours."""
    query = sa.select(agreement.c.id).where(
        agreement.c.public_id == public_id,
        agreement.c.state.in_([state.value for state in SHOWN_TO_PARTIES]),
        _party(partner_id),
    )
    return conn.execute(query).first() is not None


def beside(conn: Connection, found: Agreement) -> list[Agreement]:
    """Return the other agreements that run and have a party in common with this one."""
    codes = [party.partner for party in found.terms.parties]
    common = (
        sa.select(agreement_party.c.agreement_id)
        .join(partner, partner.c.id == agreement_party.c.partner_id)
        .where(partner.c.code.in_(codes))
    )
    query = sa.select(agreement).where(
        agreement.c.id != found.id,
        agreement.c.id.in_(common),
        agreement.c.state.in_([state.value for state in RUNNING]),
    )
    return _agreements(conn, query.order_by(agreement.c.id))


def running(conn: Connection) -> dict[int, list[Agreement]]:
    """Return the agreements that run, by the rows of the partners that are party to them."""
    pairs = conn.execute(
        sa.select(agreement_party.c.partner_id, agreement_party.c.agreement_id)
        .join(agreement, agreement.c.id == agreement_party.c.agreement_id)
        .where(agreement.c.state.in_([state.value for state in RUNNING]))
    ).all()
    found = {each.id: each for each in listed(conn, states=RUNNING)}
    result: dict[int, list[Agreement]] = {}
    for partner_id, agreement_id in pairs:
        result.setdefault(partner_id, []).append(found[agreement_id])
    return result


def due(conn: Connection, day: date) -> list[int]:
    """Return the rows of the agreements that the calendar may have to move on ``day``."""
    state, ends = agreement.c.state, agreement.c.ends_on
    under_way = [AgreementState.ACTIVE.value, AgreementState.RENEWED.value]
    ending = [AgreementState.EXPIRING.value, AgreementState.SUSPENDED.value]
    query = sa.select(agreement.c.id).where(
        sa.or_(
            (state == AgreementState.SIGNED.value) & (agreement.c.starts_on <= day),
            state.in_(under_way) & (ends <= day + NOTICE),
            state.in_(ending) & (ends < day),
        )
    )
    return list(conn.execute(query.order_by(agreement.c.id)).scalars())


def _agreements(conn: Connection, query: sa.Select[Any]) -> list[Agreement]:
    rows = conn.execute(query).all()
    ids = [row.id for row in rows]
    parties: dict[int, list[Party]] = {each: [] for each in ids}
    activities: dict[int, list[Activity]] = {each: [] for each in ids}
    for part in _in_parts(ids):
        for row in conn.execute(
            sa.select(agreement_party.c.agreement_id, partner.c.code, agreement_party.c.signatory)
            .join(partner, partner.c.id == agreement_party.c.partner_id)
            .where(agreement_party.c.agreement_id.in_(part))
            .order_by(partner.c.code)
        ):
            parties[row.agreement_id].append(Party(row.code, row.signatory))
        for row in conn.execute(
            sa.select(agreement_activity)
            .where(agreement_activity.c.agreement_id.in_(part))
            .order_by(agreement_activity.c.agreement_id, agreement_activity.c.position)
        ):
            activities[row.agreement_id].append(
                Activity(Scope(row.kind), row.title, row.starts_on, row.ends_on)
            )
    return [_agreement(row, parties[row.id], activities[row.id]) for row in rows]


# Rows that are asked for in one statement: fewer than the parameters that a database takes.
_PART = 5_000


def _in_parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[begin : begin + _PART] for begin in range(0, len(ids), _PART))


def _agreement(row: sa.Row[Any], parties: list[Party], activities: list[Activity]) -> Agreement:
    given = {name: getattr(row, name) for name in _PLAIN} | {
        "scope": tuple(map(Scope, row.scope.split())),
        "parties": tuple(parties),
        "mode": Mode(row.mode),
        "basis": BalanceBasis(row.basis),
        "postage": Postage(row.postage),
        "subjects": tuple(row.subjects.splitlines()),
        "languages": tuple(row.languages.split()),
        "activities": tuple(activities),
    }
    return Agreement(
        id=row.id,
        public_id=row.public_id,
        state=AgreementState(row.state),
        terms=Terms(**given),
        warned_at=row.warned_at,
        revision=row.revision,
        created_at=row.created_at,
    )
