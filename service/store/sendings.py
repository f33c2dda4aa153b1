"""Our wishes on their way: sealed under a key, answered, taken back, decided on.

What was sealed together is sent together, however often: its lines never change again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.own_wish import UNSETTLED, Line, OwnWishState, Said
from service.store import public_ids
from service.store.tables import job, own_wish, source


class Sending(NamedTuple):
    """What was sealed together: its key, the source it goes to, where it is answered if known."""

    key: str
    source_id: int
    answer_url: str


class Withdrawal(NamedTuple):
    """A wish whose withdrawal the partner does not know of."""

    id: int
    source_id: int
    answer_url: str
    line_no: int


class Address(NamedTuple):
    """Where and with what a partner is called; ``credentials`` are sealed."""

    url: str
    wishes_url: str
    credentials: bytes | None


_S = OwnWishState
# Sealed, and the partner's answer is not noted.
_ON_ITS_WAY = own_wish.c.sending.is_not(None) & (own_wish.c.outcome == "")


def seal(conn: Connection, partner_id: int, at_most: int) -> int:
    """Give the noted wishes of a partner a key and a line each, ``at_most`` to a key; count them.

    The caller holds the partner's row.
    """
    rows = conn.execute(
        sa.select(own_wish.c.id, own_wish.c.source_id)
        .where(own_wish.c.partner_id == partner_id, own_wish.c.state == _S.WISHED.value)
        .order_by(own_wish.c.source_id, own_wish.c.id)
    ).all()
    key, line_no, last = "", 0, None
    for row in rows:
        if row.source_id != last or line_no == at_most:
            key, line_no, last = public_ids.new(), 0, row.source_id
        line_no += 1
        conn.execute(
            own_wish.update()
            .where(own_wish.c.id == row.id)
            .values(state=_S.SENT.value, sending=key, line_no=line_no)
        )
    return len(rows)


def sendings(conn: Connection, partner_id: int) -> list[Sending]:
    """Return what is on its way to a partner, oldest first."""
    rows = conn.execute(
        sa.select(
            own_wish.c.sending,
            own_wish.c.source_id,
            sa.func.coalesce(sa.func.max(own_wish.c.answer_url), ""),
        )
        .where(own_wish.c.partner_id == partner_id, _ON_ITS_WAY)
        .group_by(own_wish.c.sending, own_wish.c.source_id)
        .order_by(own_wish.c.sending)
    )
    return [Sending(*row) for row in rows]


def lines(conn: Connection, key: str) -> list[Line]:
    """Return the lines that were sealed under a key, in their order."""
    rows = conn.execute(
        sa.select(own_wish.c.line_no, own_wish.c.identifier, own_wish.c.quantity, own_wish.c.note)
        .where(own_wish.c.sending == key)
        .order_by(own_wish.c.line_no)
    )
    return [Line(*row) for row in rows]


def accept(conn: Connection, key: str, answer_url: str) -> None:
    """Note that the partner has taken a list, and where it answers ("": it has not)."""
    conn.execute(own_wish.update().where(own_wish.c.sending == key).values(answer_url=answer_url))


def answer(
    conn: Connection, key: str, answer_url: str, said: Sequence[Said], now: datetime
) -> None:
    """Note a partner's answers; a wish that is to be withdrawn stays so."""
    for each in said:
        conn.execute(
            own_wish.update()
            .where(own_wish.c.sending == key, own_wish.c.line_no == each.line_no, _ON_ITS_WAY)
            .values(
                outcome=each.outcome,
                reason=each.reason,
                answer_url=answer_url,
                answered_at=now,
                state=sa.case(
                    (own_wish.c.state == _S.SENT.value, _S.ANSWERED.value),
                    else_=own_wish.c.state,
                ),
            )
        )


def withdrawals(conn: Connection, partner_id: int) -> list[Withdrawal]:
    """Return the withdrawals that a partner is to be told of; it has answered these wishes."""
    rows = conn.execute(
        sa.select(own_wish.c.id, own_wish.c.source_id, own_wish.c.answer_url, own_wish.c.line_no)
        .where(
            own_wish.c.partner_id == partner_id,
            own_wish.c.state == _S.WITHDRAWING.value,
            own_wish.c.outcome != "",
        )
        .order_by(own_wish.c.id)
    )
    return [Withdrawal(*row) for row in rows]


def end_withdrawal(conn: Connection, wish_id: int, state: OwnWishState, reason: str) -> None:
    """Note how a withdrawal ended; ``reason`` is the partner's if it says one."""
    values = {"state": state.value} | ({"reason": reason} if reason else {})
    conn.execute(
        own_wish.update()
        .where(own_wish.c.id == wish_id, own_wish.c.state == _S.WITHDRAWING.value)
        .values(**values)
    )


def open_lists(conn: Connection, partner_id: int, lately: datetime) -> list[tuple[int, str, str]]:
    """Return (source, key, address) of lists in which the partner may still decide.

    A copy may come back to a wish that got none, if it was answered ``lately`` or since.
    """
    rows = conn.execute(
        sa.select(own_wish.c.source_id, own_wish.c.sending, own_wish.c.answer_url)
        .where(own_wish.c.partner_id == partner_id, _UNDECIDED | _passed_over(lately))
        .distinct()
        .order_by(own_wish.c.sending)
    )
    return [(row[0], row[1], row[2]) for row in rows]


_UNDECIDED = (own_wish.c.state == _S.ANSWERED.value) & own_wish.c.outcome.in_(
    sorted(outcome.value for outcome in UNSETTLED)
)


_PASSED_OVER = own_wish.c.state == _S.NOT_ALLOCATED.value


def _passed_over(lately: datetime) -> sa.ColumnElement[bool]:
    return _PASSED_OVER & (own_wish.c.answered_at >= lately)


def decide(conn: Connection, key: str, line_no: int, state: OwnWishState, reason: str) -> None:
    """Note what a partner decided since it answered; who got nothing may be next in line."""
    conn.execute(
        own_wish.update()
        .where(own_wish.c.sending == key, own_wish.c.line_no == line_no, _UNDECIDED | _PASSED_OVER)
        .values(state=state.value, reason=reason)
    )


def address(conn: Connection, source_id: int) -> Address:
    """Return where and with what the partner behind a source is called."""
    row = conn.execute(
        sa.select(source.c.url, source.c.wishes_url, source.c.credentials).where(
            source.c.id == source_id
        )
    ).one()
    return Address(row.url, row.wishes_url, row.credentials)


# --- who is to be called --------------------------------------------------------------------------


def noted(conn: Connection) -> list[int]:
    """Return the partners with wishes that are noted and not sent."""
    rows = conn.execute(
        sa.select(own_wish.c.partner_id)
        .where(own_wish.c.state == _S.WISHED.value)
        .distinct()
        .order_by(own_wish.c.partner_id)
    )
    return [int(each) for each in rows.scalars()]


_TO_BE_TOLD = (_S.SENT.value, _S.WITHDRAWING.value)


def unasked(conn: Connection, kind: str, since: datetime) -> list[int]:
    """Return the partners with something open that were not called ``since``, by jobs of ``kind``.

    They may have decided, or a job for them came to a bad end. A partner whose job is still to be
    done is not among them.
    """
    return _not_asked(conn, kind, since, _UNDECIDED | own_wish.c.state.in_(_TO_BE_TOLD))


def passed_over(conn: Connection, kind: str, since: datetime, lately: datetime) -> list[int]:
    """Do as ``unasked`` for partners that gave us nothing of what they answered ``lately``."""
    return _not_asked(conn, kind, since, _passed_over(lately))


def _not_asked(
    conn: Connection, kind: str, since: datetime, which: sa.ColumnElement[bool]
) -> list[int]:
    asked = sa.select(job.c.id).where(
        job.c.kind == kind,
        job.c.subject_id == own_wish.c.partner_id,
        job.c.finished_at.is_(None) | (job.c.finished_at >= since),
    )
    rows = conn.execute(
        sa.select(own_wish.c.partner_id)
        .where(which, ~asked.exists())
        .distinct()
        .order_by(own_wish.c.partner_id)
    )
    return [int(each) for each in rows.scalars()]
