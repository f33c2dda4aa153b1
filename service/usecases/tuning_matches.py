"""What a number or a title in common is worth at this site, and what that is changed to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from service.domain import match_rule
from service.errors import NotFound
from service.store import audit_log, match_rules
from service.store.db import Connection, Database


class Tuned(NamedTuple):
    """One rule: its score here, the score that it comes with, and what it is about in words."""

    name: str
    score: int
    default: int
    meaning: str


def list_rules(db: Database) -> list[Tuned]:
    """Return the rules, strongest first, and then the thresholds."""
    with db.read() as conn:
        return _rules(conn)


def _rules(conn: Connection) -> list[Tuned]:
    now, default = match_rule.of_site(match_rules.changed(conn)), match_rule.DEFAULT
    return [
        Tuned(name, now.scores[name], default.scores[name], match_rule.meaning(name))
        for name in match_rule.NAMES
    ]


def set_score(
    db: Database, name: str, score: int, *, by: str, now: datetime, reason: str = ""
) -> Tuned:
    """Give a rule another score from the next answer on; what was answered stays as it is.

    Raises ``NotFound`` for a rule that there is not, ``Invalid`` for a score out of range and for
    thresholds that would cross.
    """
    if name not in match_rule.NAMES:
        raise NotFound(f"there is no match rule {name!r}; there are {', '.join(match_rule.NAMES)}")
    with db.write() as conn:
        before = match_rule.of_site(match_rules.changed(conn))
        match_rule.check(name, score, before)
        if score != before.scores[name]:
            if score == match_rule.DEFAULT.scores[name]:
                match_rules.reset(conn, name)
            else:
                match_rules.put(conn, name, score)
            audit_log.write(
                conn,
                by=by,
                action="tune",
                kind="match_rule",
                name=name,
                now=now,
                before={"score": before.scores[name]},
                after={"score": score},
                reason=reason,
            )
        return next(each for each in _rules(conn) if each.name == name)
