"""Agreements looked at: by the staff all of them, by a partner those that it is party to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import NamedTuple

from service.domain import contradiction
from service.domain.agreement import SHOWN_TO_PARTIES, Agreement, AgreementState, Document
from service.domain.partner import Partner
from service.errors import NotFound
from service.store import agreement_documents, agreements, relations
from service.store.db import Connection, Database
from service.store.relations import Relations
from service.usecases import enrolling, holding_agreements


class Kept(NamedTuple):
    """An agreement, what is filed with it, and what of it a person should look at."""

    agreement: Agreement
    documents: list[Document]
    warnings: list[str]


def find(db: Database, public_id: str, partner: Partner | None = None) -> Kept:
    """Return an agreement, for a ``partner`` only one that it is party to; raise ``NotFound``."""
    with db.read() as conn:
        return kept(conn, visible(conn, public_id, partner))


def visible(conn: Connection, public_id: str, partner: Partner | None) -> Agreement:
    """Return an agreement within a transaction; raises as ``find`` does."""
    found = holding_agreements.known_agreement(conn, public_id)
    if partner is not None and not agreements.shown_to(conn, found.public_id, partner.id):
        raise NotFound("there is no such agreement")
    return found


def kept(conn: Connection, found: Agreement) -> Kept:
    """Return an agreement with all that belongs to it within a transaction."""
    filed = agreement_documents.of_agreement(conn, found.id)
    told = contradiction.warnings(found, agreements.beside(conn, found), len(filed))
    return Kept(found, filed, told)


def list_agreements(
    db: Database,
    *,
    partner: Partner | None = None,
    code: str = "",
    states: Collection[AgreementState] = frozenset(AgreementState),
    before: str = "",
    limit: int | None = None,
) -> list[Agreement]:
    """Return agreements, newest first, older than the public id ``before``.

    A ``partner`` sees those that it is party to; the staff may ask for those of one ``code``.
    Raises ``NotFound`` for a code that nobody has.
    """
    with db.read() as conn:
        partner_id = None if partner is None else partner.id
        if partner is not None:
            states = set(states) & SHOWN_TO_PARTIES
        elif code:
            partner_id = enrolling.known_partner(conn, code).id
        return agreements.listed(
            conn, partner_id=partner_id, states=states, before=before, limit=limit
        )


def ending(db: Database) -> list[Agreement]:
    """Return the agreements that are about to expire, the first to end first."""
    found = list_agreements(db, states={AgreementState.EXPIRING})
    return sorted(found, key=lambda each: (each.terms.ends_on or date.max, each.public_id))


def count_relations(db: Database, now: datetime) -> Relations:
    """Count partners, cities and countries with which there is a relation today.

    An agreement in force is one, before any book moves; books that were given are another.
    """
    with db.read() as conn:
        return relations.count(conn, now.astimezone(UTC).date())
