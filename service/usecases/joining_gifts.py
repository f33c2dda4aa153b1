"""What a file of an incoming gift brought joins the gift, when its import is committed.

A room of its own because it is light: an import does this within its last transaction, so that the
records of a gift are catalogued and in it at the same moment.
"""

from __future__ import annotations

from service.domain.accession import NewAccessionLine
from service.domain.import_batch import Batch
from service.domain.incoming_gift import GROWING, of_slug
from service.domain.offer import OfferList
from service.store import accessions, incoming_gifts
from service.store.accessions import Brought
from service.store.db import Connection


def settle(conn: Connection, batch: Batch, on: OfferList) -> None:
    """Let the records of a batch be those of the gift whose list it is for, if it is for one.

    A row of a table is in the gift already, and gets its record; so does a piece that was entered
    by hand with the same ISBN. Any other record is a piece more, as long as pieces may join; a
    record that could not be read, too. A file that is read once more, as another encoding, brings
    newer forms of the same pieces.
    """
    name = of_slug(on.slug)
    found = incoming_gifts.by_public_id(conn, name) if name and not on.ours else None
    if found is None:
        return
    found = incoming_gifts.lock(conn, found.id)
    rows = accessions.of_batch(conn, found.id, batch.id)
    bare = accessions.bare(conn, found.id)
    again = accessions.read_otherwise(conn, found.id, batch.id)
    known: list[tuple[int, int | None, str]] = []
    new: list[NewAccessionLine] = []
    for each in accessions.brought(conn, batch.id):
        isbn = each.isbns[0] if each.isbns else ""
        by_hand = next((bare.pop(one) for one in each.isbns if one in bare), None)
        position = rows.get(each.position, by_hand)
        if position is not None:
            known.append((position, each.record_id, isbn))
        elif found.state in GROWING and each.record_id not in again:
            new.append(_piece(each, batch, isbn))
    accessions.set_records(conn, found.id, known)
    accessions.add(conn, found.id, new)
    if known or new:
        incoming_gifts.put(conn, found)


def _piece(each: Brought, batch: Batch, isbn: str) -> NewAccessionLine:
    return NewAccessionLine(
        each.title or f"record {each.position} of {batch.file_name}",
        isbn=isbn,
        record_id=each.record_id,
        batch_id=batch.id,
        batch_position=each.position,
    )
