"""What becomes of rows in every table when two entries of one library become one.

Every column that refers to a partner is found in the tables themselves, so a new one cannot be
forgotten. What two entries cannot both have under one name – a wish for the same thing, a place in
the same group – is settled by a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.audience import AudienceKind
from service.domain.merger import Merger, Settled
from service.store import audiences, feed, merged_wishes
from service.store.tables import (
    agreement_party,
    allocation,
    allocation_partner,
    api_token,
    audience,
    audience_member,
    digest_mark,
    metadata,
    partner,
    partner_contact,
    partner_name,
    transfer,
)

Rule = Callable[[Connection, Merger], Settled]


def references() -> Iterator[sa.Column[int]]:
    """Yield every column of every table that refers to a partner."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.references(partner.c.id):
                yield column


def move(conn: Connection, both: Merger, column: sa.Column[int]) -> Settled:
    """Let rows be the other's that are under no name which both could have."""
    done = conn.execute(
        column.table.update().where(column == both.old).values({column.name: both.new})
    )
    return Settled(done.rowcount)


def _drop(table: sa.Table) -> Rule:
    """Return the rule for what the caller brought together before: it goes with the old entry."""

    def drop(conn: Connection, both: Merger) -> Settled:
        conn.execute(table.delete().where(table.c.partner_id == both.old))
        return Settled(0)

    return drop


def _tokens(conn: Connection, both: Merger) -> Settled:
    """Revoke the tokens of the old entry: what they were told to harvest is not there any more."""
    done = conn.execute(
        api_token.update()
        .where(api_token.c.partner_id == both.old, api_token.c.revoked_at.is_(None))
        .values(revoked_at=both.now)
    )
    move(conn, both, api_token.c.partner_id)
    remark = (
        f"{done.rowcount} tokens of {both.code} are revoked: give its systems the new code and a "
        "token of it."
    )
    return Settled(0, (remark,) if done.rowcount else ())


def _memberships(conn: Connection, both: Merger) -> Settled:
    """Let the new entry belong to every group that the old one belonged to; the feed tells it."""
    theirs = audience_member.alias()
    known = sa.select(theirs.c.audience_id).where(
        theirs.c.partner_id == both.new, theirs.c.belongs.is_(True)
    )
    joined = conn.execute(
        sa.select(audience.c.id)
        .join(audience_member, audience_member.c.audience_id == audience.c.id)
        .where(
            audience_member.c.partner_id == both.old,
            audience_member.c.belongs.is_(True),
            audience.c.kind == AudienceKind.GROUP.value,
            audience.c.id.not_in(known),
        )
        .order_by(audience.c.id)
    ).scalars()
    ids = list(joined)
    for audience_id in ids:
        audiences.decide(conn, audience_id, [both.new], belongs=True)
    _drop(audience_member)(conn, both)
    return Settled(len(ids))


def _transfers(conn: Connection, both: Merger) -> Settled:
    """Let what was given be given to the new entry, and the feed say so."""
    moved = conn.execute(
        transfer.update()
        .where(transfer.c.partner_id == both.old)
        .values(partner_id=both.new)
        .returning(transfer.c.id)
    ).scalars()
    ids = sorted(moved)
    feed.mark(conn, feed.TRANSFER, ids)
    return Settled(len(ids))


def _parties(conn: Connection, both: Merger) -> Settled:
    """Move the party to agreements; where both are one, signatories are named together."""
    theirs = agreement_party.alias()
    rows = conn.execute(
        sa.select(agreement_party.c.agreement_id, agreement_party.c.signatory, theirs.c.signatory)
        .join(theirs, theirs.c.agreement_id == agreement_party.c.agreement_id)
        .where(agreement_party.c.partner_id == both.old, theirs.c.partner_id == both.new)
    ).all()
    for agreement_id, mine, other in rows:
        signatory = "; ".join(dict.fromkeys(filter(None, [other, mine])))
        of_agreement = agreement_party.c.agreement_id == agreement_id
        conn.execute(
            agreement_party.delete().where(of_agreement, agreement_party.c.partner_id == both.old)
        )
        conn.execute(
            agreement_party.update()
            .where(of_agreement, agreement_party.c.partner_id == both.new)
            .values(signatory=signatory)
        )
    moved = move(conn, both, agreement_party.c.partner_id).moved
    remark = f"Both were parties to {len(rows)} agreements: they are one party now."
    return Settled(moved, (remark,) if rows else ())


def _digests(conn: Connection, both: Merger) -> Settled:
    """Move how far recipients were told; who had digests of both goes on from the earlier one.

    What it is told twice it can pass over; what it is not told it would never know.
    """
    theirs = digest_mark.alias()
    rows = conn.execute(
        sa.select(digest_mark.c.recipient, digest_mark.c.announcement_id, theirs.c.announcement_id)
        .join(theirs, theirs.c.recipient == digest_mark.c.recipient)
        .where(digest_mark.c.partner_id == both.old, theirs.c.partner_id == both.new)
    ).all()
    for recipient, mine, other in rows:
        of_recipient = digest_mark.c.recipient == recipient
        conn.execute(digest_mark.delete().where(of_recipient, digest_mark.c.partner_id == both.old))
        conn.execute(
            digest_mark.update()
            .where(of_recipient, digest_mark.c.partner_id == both.new)
            .values(announcement_id=min(mine, other))
        )
    return move(conn, both, digest_mark.c.partner_id)


def _allocations(conn: Connection, both: Merger) -> Settled:
    """Move what runs decided and what they knew of the partner.

    Where both took part in one run its rows stay as they are: replayed, it must give the answer
    that it gave.
    """
    runs = [
        sa.select(table.c.run_id).where(table.c.partner_id == both.new)
        for table in (allocation, allocation_partner)
    ]
    shared = list(conn.execute(sa.union(*runs)).scalars())
    moved = kept = 0
    for table in (allocation, allocation_partner):
        mine = table.c.partner_id == both.old
        done = conn.execute(
            table.update().where(mine, table.c.run_id.not_in(shared)).values(partner_id=both.new)
        )
        if table is allocation:
            moved = done.rowcount
            kept = conn.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
    remark = f"{kept} decisions of runs in which both took part stay under {both.code}."
    return Settled(moved, (remark,) if kept else ())


def _with_allocations(_: Connection, __: Merger) -> Settled:
    """Leave what moves together with the allocations."""
    return Settled(0)


def _ledger(_: Connection, __: Merger) -> Settled:
    """Leave the ledger as it was written: the balance counts what the older entry has."""
    return Settled(0)


RULES: Final[dict[str, Rule]] = {
    "partner_name.partner_id": _drop(partner_name),
    "partner_contact.partner_id": _drop(partner_contact),
    "agreement_party.partner_id": _parties,
    "api_token.partner_id": _tokens,
    "audience_member.partner_id": _memberships,
    "transfer.partner_id": _transfers,
    "wish_list.partner_id": merged_wishes.move_lists,
    "wish.partner_id": merged_wishes.move,
    "digest_mark.partner_id": _digests,
    "allocation.partner_id": _allocations,
    "allocation_partner.partner_id": _with_allocations,
    "ledger_entry.partner_id": _ledger,
    "ledger_total.partner_id": _ledger,
}
"""Columns whose rows cannot simply become the other's. The others move as they are."""


def _in_a_key(column: sa.Column[int]) -> bool:
    """Whether two rows that differ in this column alone may both be there, and not after moving."""
    keys: list[set[str]] = [{each.name for each in column.table.primary_key}]
    keys += [
        {each.name for each in index.columns} for index in column.table.indexes if index.unique
    ]
    keys += [
        {each.name for each in constraint.columns}
        for constraint in column.table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    return any(column.name in key for key in keys)


if _unsettled := {f"{c.table.name}.{c.name}" for c in references() if _in_a_key(c)} - RULES.keys():
    raise AssertionError(f"two entries with these cannot become one: {sorted(_unsettled)}")
