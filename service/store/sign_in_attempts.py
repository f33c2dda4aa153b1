"""How often it was tried to sign in, by name and by address: the same for every process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.sign_in_attempt import Attempts
from service.store import bulk
from service.store.tables import sign_in_attempt

_COLUMNS = ("digest", "failures", "tried_at", "next_at")


def hold(conn: Connection, digests: Sequence[bytes], now: datetime) -> dict[bytes, Attempts]:
    """Return what is known under some digests, and let nobody else change it meanwhile.

    What was not known is entered as never tried.
    """
    bulk.insert(
        conn,
        sign_in_attempt,
        _COLUMNS,
        [(each, 0, now, now) for each in sorted(digests)],
        if_new=True,
    )
    rows = conn.execute(
        sa.select(sign_in_attempt)
        .where(sign_in_attempt.c.digest.in_(digests))
        .order_by(sign_in_attempt.c.digest)
        .with_for_update()
    )
    return {bytes(row.digest): Attempts(row.failures, row.tried_at, row.next_at) for row in rows}


def keep(conn: Connection, found: Mapping[bytes, Attempts]) -> None:
    """Keep what is known now under some digests, which are held."""
    for digest, attempts in sorted(found.items()):
        conn.execute(
            sign_in_attempt.update()
            .where(sign_in_attempt.c.digest == digest)
            .values(attempts._asdict())
        )


def forget(conn: Connection, digest: bytes) -> None:
    """Forget what was tried under a digest."""
    conn.execute(sign_in_attempt.delete().where(sign_in_attempt.c.digest == digest))


def give_back(conn: Connection, digest: bytes) -> None:
    """Count one try less under a digest: it did not fail."""
    conn.execute(
        sign_in_attempt.update()
        .where(sign_in_attempt.c.digest == digest, sign_in_attempt.c.failures > 0)
        .values(failures=sign_in_attempt.c.failures - 1)
    )


def discard(conn: Connection, tried_before: datetime) -> int:
    """Forget what was tried last before a moment."""
    done = conn.execute(sign_in_attempt.delete().where(sign_in_attempt.c.tried_at < tried_before))
    return done.rowcount
