"""The scores of match rules that a site has changed; all others are as they come."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store.tables import match_rule


def changed(conn: Connection) -> dict[str, int]:
    """Return the scores that the site has set, by the name of the rule."""
    rows = conn.execute(sa.select(match_rule.c.name, match_rule.c.score))
    return {row.name: row.score for row in rows}


def put(conn: Connection, name: str, score: int) -> None:
    """Set the score of a rule."""
    moved = conn.execute(match_rule.update().where(match_rule.c.name == name).values(score=score))
    if moved.rowcount == 0:
        conn.execute(match_rule.insert().values(name=name, score=score))


def reset(conn: Connection, name: str) -> None:
    """Let a rule be worth what it is worth by itself."""
    conn.execute(match_rule.delete().where(match_rule.c.name == name))
