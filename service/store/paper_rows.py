"""What papers and labels need besides the rows of a consignment or an incoming gift."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.paper import GiftLabel
from service.store import public_ids
from service.store.tables import (
    accession_line,
    consignment_line,
    incoming_gift,
    partner,
    record_version,
)


class RecordRow(NamedTuple):
    """Of the record of a line: its MARC language codes, and its leader if it is ISO 2709."""

    languages: str
    leader: str


def records(conn: Connection, consignment_id: int) -> dict[int, RecordRow]:
    """Return what the records of a consignment's lines say, by version."""
    rows = conn.execute(
        sa.select(
            record_version.c.id,
            record_version.c.languages,
            sa.func.substr(record_version.c.canonical, 1, 24).label("head"),
        ).where(
            sa.exists().where(
                consignment_line.c.version_id == record_version.c.id,
                consignment_line.c.consignment_id == consignment_id,
            )
        )
    )
    return {row.id: RecordRow(row.languages, _leader(row.head or b"")) for row in rows}


def _leader(head: bytes) -> str:
    text = head.decode("ascii", "replace")
    return "" if text.startswith("<") else text


def gift_labels(conn: Connection, name: str) -> list[GiftLabel] | None:
    """Return the accepted books of an incoming gift by position, None for no such gift.

    ``place`` is a code here.
    """
    wanted = public_ids.read(name)
    gift = conn.execute(
        sa.select(incoming_gift.c.id, incoming_gift.c.received_on, partner.c.name, partner.c.place)
        .join(partner, partner.c.id == incoming_gift.c.partner_id)
        .where(incoming_gift.c.public_id == wanted)
    ).first()
    if gift is None:
        return None
    rows = conn.execute(
        sa.select(accession_line)
        .where(
            accession_line.c.incoming_gift_id == gift.id, accession_line.c.decision == "ACCEPTED"
        )
        .order_by(accession_line.c.position)
    )
    return [
        GiftLabel(
            title=row.title,
            translated_title=row.translated_title,
            donor=gift.name,
            place=gift.place,
            accession_number=row.accession_number or "",
            shelf=row.shelf,
            received_on=gift.received_on,
        )
        for row in rows
    ]
