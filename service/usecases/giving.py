"""Giving: what a partner gets is entered as transfers, which it harvests as ``given:{code}``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from service.domain.audience import AudienceKind, given_set
from service.domain.transfer import Given, Transfer
from service.errors import NotFound
from service.store import audiences, offers, partners, public_ids, transfers
from service.store.db import Connection, Database
from service.usecases.enrolling import known_partner


def give(conn: Connection, partner_id: int, items: Sequence[Given], now: datetime) -> list[str]:
    """Enter what a partner is given, within a transaction; return the public ids of the transfers.

    They are in the order of ``items``. Each keeps the version it names, whatever its record
    becomes.
    """
    return give_all(conn, [(partner_id, each) for each in items], now)


def give_all(
    conn: Connection,
    items: Sequence[tuple[int, Given]],
    now: datetime,
    has_set: set[int] | None = None,
) -> list[str]:
    """Enter what several partners are given, as ``give`` does: (partner, what) in any order.

    What an entry that was merged into another is given, that other one is given. Somebody who gives
    much in many transactions may remember whose sets were seen to, as ``has_set``, which grows; and
    holds those partners.
    """
    became = partners.survivors(conn, [partner_id for partner_id, _ in items])
    items = [(became.get(partner_id, partner_id), each) for partner_id, each in items]
    known = set() if has_set is None else has_set
    # Nobody holds yet what others were merged into.
    missing = {partner_id for partner_id, _ in items} - known | {*became.values()}
    see_to_sets(conn, sorted(missing))
    known |= {partner_id for partner_id, _ in items}
    return transfers.add(conn, items, now)


def see_to_sets(conn: Connection, partner_ids: Sequence[int]) -> None:
    """See to it that each of these partners has a set of what it was given."""
    if not partner_ids:
        return
    codes = partners.lock_all(conn, partner_ids)  # two first gifts at once make one audience
    known = audiences.known(conn, [given_set(code) for code in codes.values()])
    for partner_id, code in codes.items():
        if given_set(code) not in known:
            made = audiences.add(conn, given_set(code), AudienceKind.GIVEN)
            audiences.decide(conn, made.id, [partner_id], belongs=True)


def give_offers(
    db: Database, partner_code: str, offer_ids: Sequence[str], now: datetime
) -> list[Transfer]:
    """Give a partner a copy of each of these offers (public ids), as their records are now.

    Raises ``NotFound`` for a partner or an offer that there is not.
    """
    with db.write() as conn:
        partner_id = known_partner(conn, partner_code).id
        items = []
        for offer_id in offer_ids:
            wanted = public_ids.read(offer_id)
            found = None if wanted is None else offers.version_of(conn, wanted)
            if found is None:
                raise NotFound(f"there is no offer {offer_id!r}")
            items.append(Given(*found))
        names = give(conn, partner_id, items, now)
        return [_known(conn, name) for name in names]


def retract(db: Database, public_id: str) -> Transfer:
    """Take a transfer back; its partner learns it as a deletion.

    Raises ``NotFound`` when there is none, ``Conflict`` when it was taken back before.
    """
    with db.write() as conn:
        found = _known(conn, public_ids.read(public_id) or "")
        transfers.retract(conn, found.public_id)
        return _known(conn, found.public_id)


def _known(conn: Connection, public_id: str) -> Transfer:
    found = transfers.by_public_id(conn, public_id)
    if found is None:
        raise NotFound("there is no such transfer")
    return found
