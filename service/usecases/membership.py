"""Partners are entered, suspended and taken back; they join audiences and leave them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from service.domain import audience as rules
from service.domain.audience import Audience, AudienceKind, Member
from service.domain.partner import Partner, PartnerState, check_code, check_isil
from service.errors import Conflict, Invalid, NotFound
from service.store import audiences, feed, partners
from service.store.db import Connection, Database


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
    """Enter a partner library. ``place`` is ISO 3166-1 alpha-2.

    Raises ``Invalid`` for a code, place or ISIL of the wrong shape, ``Conflict`` for a taken one.
    """
    if not name.strip():
        raise Invalid("a partner needs a name", field="name")
    if place and not (len(place) == 2 and place.isascii() and place.isalpha()):
        raise Invalid(
            f"{place!r} is not a country or region code: two letters, such as KR", field="place"
        )
    with db.write() as conn:
        return partners.add(
            conn,
            code=check_code(code),
            name=name.strip(),
            city=city.strip(),
            place=place.upper(),
            isil=check_isil(isil) if isil else None,
            now=now,
        )


def find_partner(db: Database, code: str) -> Partner:
    """Return a partner; raise ``NotFound``."""
    with db.read() as conn:
        return known_partner(conn, code)


def known_partner(conn: Connection, code: str) -> Partner:
    """Return a partner within a transaction; raise ``NotFound``."""
    found = partners.by_code(conn, code)
    if found is None:
        raise NotFound(f"there is no partner with code {code!r}")
    return found


def list_partners(db: Database, after: str = "", limit: int = 1000) -> list[Partner]:
    """Return up to ``limit`` partners by code, behind ``after``."""
    with db.read() as conn:
        return partners.listed(conn, after, limit)


def set_state(db: Database, code: str, state: PartnerState) -> Partner:
    """Suspend the exchange with a partner, or take it up again.

    A suspended partner sees what everybody sees. When the exchange goes on, all that is shown to
    it beyond that is listed anew: it may have harvested past what changed meanwhile.
    """
    with db.write() as conn:
        found = known_partner(conn, code)
        partners.set_state(conn, found.id, state)
        if found.state is not state and state is PartnerState.ACTIVE:
            feed.mark(conn, feed.MEMBERSHIP_AGAIN, [found.id])
        return partners.by_id(conn, found.id)


def add_audience(db: Database, code: str, partner_codes: Sequence[str] = ()) -> Audience:
    """Make a group of partners that lists can be shown to.

    Raises ``Invalid`` for a code of the wrong shape and for a partner nobody knows, ``Conflict``
    for a taken code.
    """
    rules.check_code(code)
    with db.write() as conn:
        return make_group(conn, code, partner_codes)


def make_group(conn: Connection, code: str, partner_codes: Sequence[str]) -> Audience:
    """Make a group with its members within a transaction; the feed tells them of it."""
    members = known_partners(conn, partner_codes)
    made = audiences.add(conn, code)
    audiences.decide(conn, made.id, members, belongs=True)
    return made


def join(db: Database, code: str, partner_codes: Sequence[str]) -> None:
    """Let partners belong to a group: they see what it sees from the next publication on."""
    _decide(db, code, partner_codes, belongs=True)


def leave(db: Database, code: str, partner_codes: Sequence[str]) -> None:
    """Let partners belong to a group no more: what it saw is deleted for them."""
    _decide(db, code, partner_codes, belongs=False)


def _decide(db: Database, code: str, partner_codes: Sequence[str], *, belongs: bool) -> None:
    with db.write() as conn:
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
