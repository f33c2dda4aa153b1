"""Who belongs to which audience: partners join groups and leave them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from service.domain import audience as rules
from service.domain.audience import Audience, AudienceKind, Member
from service.domain.audit_entry import COMMAND_LINE
from service.domain.partner import Partner
from service.errors import Conflict, Invalid, NotFound
from service.store import audiences, audit_log, partners
from service.store.db import Connection, Database
from service.usecases import enrolling
from service.usecases.enrolling import known_partner


def add_partner(
    db: Database,
    *,
    code: str,
    name: str,
    city: str = "",
    place: str = "",
    isil: str | None = None,
    now: datetime,
) -> Partner:
    """Enter a partner library at the command line; :mod:`service.usecases.enrolling` says more.

    ``place`` is ISO 3166-1 alpha-2. Raises ``Invalid`` for a code, place or ISIL of the wrong
    shape, ``Conflict`` for a taken one.
    """
    given = {"name": name, "city": city, "place": place, "isil": isil}
    enrolling.add(db, code, given, by=COMMAND_LINE, now=now)
    return find_partner(db, code)


def find_partner(db: Database, code: str) -> Partner:
    """Return a partner; raise ``NotFound``."""
    with db.read() as conn:
        return known_partner(conn, code)


def add_audience(
    db: Database,
    code: str,
    partner_codes: Sequence[str] = (),
    *,
    by: str = COMMAND_LINE,
    now: datetime,
) -> Audience:
    """Make a group of partners that lists can be shown to.

    Raises ``Invalid`` for a code of the wrong shape and for a partner nobody knows, ``Conflict``
    for a taken code.
    """
    rules.check_code(code)
    with db.write() as conn:
        made = make_group(conn, code, partner_codes)
        _keep(conn, "added", code, partner_codes, by, now)
        return made


def make_group(conn: Connection, code: str, partner_codes: Sequence[str]) -> Audience:
    """Make a group with its members within a transaction; the feed tells them of it."""
    members = known_partners(conn, partner_codes)
    made = audiences.add(conn, code)
    audiences.decide(conn, made.id, members, belongs=True)
    return made


def join(
    db: Database, code: str, partner_codes: Sequence[str], *, by: str = COMMAND_LINE, now: datetime
) -> None:
    """Let partners belong to a group: they see what it sees from the next publication on."""
    with db.write() as conn:
        _decide(conn, code, partner_codes, belongs=True)
        _keep(conn, "joined", code, partner_codes, by, now)


def leave(
    db: Database, code: str, partner_codes: Sequence[str], *, by: str = COMMAND_LINE, now: datetime
) -> None:
    """Let partners belong to a group no more: what it saw is deleted for them."""
    with db.write() as conn:
        _decide(conn, code, partner_codes, belongs=False)
        _keep(conn, "left", code, partner_codes, by, now)


def _keep(
    conn: Connection, action: str, code: str, partner_codes: Sequence[str], by: str, now: datetime
) -> None:
    """Enter in the audit log who came or went."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind="audience",
        name=code,
        now=now,
        after={"partners": list(partner_codes)},
    )


def _decide(conn: Connection, code: str, partner_codes: Sequence[str], *, belongs: bool) -> None:
    found = known_audience(conn, code)
    if found.kind is not AudienceKind.GROUP:
        raise Conflict(f"{code!r} is no group of partners; nobody can join or leave it")
    audiences.decide(conn, found.id, known_partners(conn, partner_codes), belongs=belongs)


def known_audience(conn: Connection, code: str, field: str = "") -> Audience:
    """Return an audience within a transaction; raise ``NotFound``, or ``Invalid`` for a field."""
    found = audiences.by_code(conn, code)
    if found is None:
        problem = f"there is no audience named {code!r}"
        raise Invalid(problem, field=field) if field else NotFound(problem)
    return found


def known_partners(conn: Connection, codes: Sequence[str]) -> list[int]:
    """Return the rows of partners, each once; raise ``Invalid`` for a code that nobody has."""
    wanted = list(dict.fromkeys(codes))
    found = partners.by_codes(conn, wanted)
    unknown = [code for code in wanted if code not in found]
    if unknown:
        raise Invalid(f"there is no partner with code {unknown[0]!r}", field="partners")
    return list(found.values())


def list_audiences(db: Database, after: str = "", limit: int = 1000) -> list[tuple[Audience, int]]:
    """Return up to ``limit`` groups by code behind ``after``, with how many belong to each."""
    with db.read() as conn:
        return audiences.listed(conn, after, limit)


def list_members(db: Database, code: str, after: str = "", limit: int = 1000) -> list[Member]:
    """Return who belongs or belonged to an audience, by code; raise ``NotFound``."""
    with db.read() as conn:
        return audiences.members(conn, known_audience(conn, code).id, after, limit)
