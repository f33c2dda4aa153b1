"""Announcing gifts: a partner says what it sends us, by letter, by a file, or by its own list.

A file goes through the catalogue like every file. The import needs a list: it gets one of the
gift's own, of what a partner gives us, which is in no feed and on no page. ``by`` is who acts, as
the audit log has it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final, NamedTuple

from marc_mappings.survey import Said
from service.domain import accession, consignment_fields, gift_table, revision, table_import
from service.domain import incoming_gift as rules
from service.domain.accession import NewAccessionLine
from service.domain.gift_table import Fault, GiftTable
from service.domain.import_batch import Batch, BatchState
from service.domain.incoming_gift import (
    GROWING,
    NUMBERED,
    IncomingGift,
    IncomingSource,
    IncomingState,
)
from service.domain.offer import ListState, OfferList
from service.domain.source import SourceKind
from service.errors import Conflict, NotFound
from service.store import (
    accessions,
    audit_log,
    incoming_gifts,
    incoming_lists,
    offer_lists,
    partners,
    public_ids,
)
from service.store.db import Connection, Database
from service.usecases import cataloguing
from service.usecases.enrolling import known_partner

KIND: Final = "incoming gift"  # in the audit log
# A file may still bring records for what was accepted, by ISBN.
_TAKES_RECORDS: Final = GROWING | {IncomingState.CHECKED} | NUMBERED


class Taken(NamedTuple):
    """A gift with its file: the import, and of a table how it was read.

    ``titles`` are the rows of a table, 0 of a file of MARC, whose records the import will tell.
    """

    gift: IncomingGift
    titles: int = 0
    rejected: tuple[Fault, ...] = ()
    remarks: tuple[Fault, ...] = ()
    columns_not_read: tuple[str, ...] = ()
    remark: str = ""


# --- announcing -----------------------------------------------------------------------------------


def announce(
    db: Database, code: str, given: Mapping[str, Any], *, by: str, now: datetime
) -> IncomingGift:
    """Enter that a partner announced a gift; ``given`` has its title, and may have more of it.

    Raises ``NotFound`` for a partner that there is not, ``WrongValues`` that tells all that is
    wrong.
    """
    values = accession.checked({"title": "", "source": "MAIL", **given}, rules.ANNOUNCED)
    rules.check_whole(None, values)
    with db.write() as conn:
        return _announced(conn, known_partner(conn, code).id, values, (), by, now)


def announce_list(
    db: Database, slug: str, given: Mapping[str, Any] | None = None, *, by: str, now: datetime
) -> IncomingGift:
    """Enter a gift of what a partner's list, as we harvested it, says is ours.

    Of records that it gave us, all; of its offers, those that it allocated to us. What is in
    another gift already is left out. Raises ``NotFound`` and ``Conflict``, also where nothing is
    left to announce.
    """
    with db.write() as conn:
        on, partner_id, kind = _list_of_partner(conn, slug)
        partners.lock(conn, partner_id)
        look = (
            accessions.announced_as_allocated
            if kind is SourceKind.OFFERS
            else accessions.announced_as_given
        )
        found = look(conn, on.id)
        if not found:
            told = "was allocated to us" if kind is SourceKind.OFFERS else "is left"
            raise Conflict(f"nothing of list {slug!r} {told} that is in no gift yet")
        source = IncomingSource.LIST if kind is SourceKind.OFFERS else IncomingSource.HARVEST
        said = {"title": on.title, **(given or {}), "source": source.value}
        values = accession.checked(said, rules.ANNOUNCED)
        rules.check_whole(None, values)
        pieces = [
            NewAccessionLine(
                each.title,
                each.copies,
                volumes=each.volumes,
                isbn=(each.isbns.split() or [""])[0],
                record_id=each.record_id,
            )
            for each in found
        ]
        return _announced(conn, partner_id, values, pieces, by, now)


def _list_of_partner(conn: Connection, slug: str) -> tuple[OfferList, int, SourceKind]:
    on = offer_lists.by_slug(conn, slug)
    if on is None:
        raise NotFound(f"there is no offer list named {slug!r}")
    whose = incoming_lists.whose(conn, on.id)
    if whose is None:
        raise Conflict(f"list {slug!r} is ours: no partner announces anything by it")
    if whose.kind is None:
        raise Conflict(f"list {slug!r} holds what a gift brought; show that gift")
    return on, whose.partner_id, whose.kind


def _announced(
    conn: Connection,
    partner_id: int,
    values: Mapping[str, Any],
    pieces: Sequence[NewAccessionLine],
    by: str,
    now: datetime,
) -> IncomingGift:
    row = incoming_gifts.add(conn, partner_id, consignment_fields.columns(values), by, now)
    accessions.add(conn, row, pieces)
    made = incoming_gifts.by_id(conn, row)
    keep(conn, "announced", None, made, by, now)
    return made


# --- its file -------------------------------------------------------------------------------------


def take_in(
    db: Database,
    name: str,
    stream: BinaryIO,
    media_type: str = "",
    *,
    file_name: str = "",
    charset: str = "",
    said: Said = Said(),  # noqa: B008 - a value
    limit: int,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Taken:
    """Read what a partner sent with its gift: a table (CSV, a spreadsheet), else a file of MARC.

    Rows of a table are pieces of the gift at once, records of MARC when their import is committed,
    which a worker does. Rows that are wrong are told with reasons: mend those, and send them alone.
    Before a gift is checked every record is a piece; after that it can only be the record of a
    piece that has none. Raises ``Conflict`` for a gift that takes none, and for a file that it took
    before; ``UnsupportedFormat``, ``TooLarge`` and ``Invalid`` for what is no file of books.
    """
    is_table = media_type in table_import.MEDIA_TYPES
    with db.read() as conn:
        _check_takes(known(conn, name), is_table)
    table = gift_table.read(stream, media_type, charset, currency=None) if is_table else None
    if table is not None and not table.lines:
        with db.read() as conn:
            return _taken(known(conn, name), table)
    with db.write() as conn:
        found = hold(conn, name, seen)
        _check_takes(found, is_table)
        slug = _own_list(conn, found, now)

    def join(conn: Connection, batch: Batch) -> None:
        held = hold(conn, name)
        _check_takes(held, is_table)
        if table is not None:
            accessions.add(conn, held.id, _pieces(table, batch))
        made = incoming_gifts.put(conn, held, batch_id=batch.id)
        keep(conn, "file taken in", held, made, by, now)

    received = cataloguing.receive(
        db,
        stream if table is None else io.BytesIO(table.marc),
        file_name=file_name or "file",
        list_slug=slug,
        said=said,
        limit=limit,
        also=join,
        by=by,
        now=now,
    )
    if received.already and received.batch.state is BatchState.COMMITTED:
        raise Conflict("this gift took in this very file before; nothing was added")
    with db.read() as conn:
        return _taken(known(conn, name), table)


def _check_takes(found: IncomingGift, is_table: bool) -> None:
    if is_table or found.state not in _TAKES_RECORDS:
        rules.check_growing(found)


def _taken(found: IncomingGift, table: GiftTable | None) -> Taken:
    if table is None:
        return Taken(found)
    return Taken(
        found,
        len(table.lines),
        table.rejected,
        table.remarks,
        table.columns_not_read,
        table.remark,
    )


def _pieces(table: GiftTable, batch: Batch) -> list[NewAccessionLine]:
    return [
        NewAccessionLine(
            each.title,
            each.copies,
            volumes=each.volumes,
            batch_id=batch.id,
            batch_position=each.batch_position,
        )
        for each in table.lines
    ]


def _own_list(conn: Connection, found: IncomingGift, now: datetime) -> str:
    """Return the slug of the gift's own list, which is made for its first file."""
    slug = rules.list_slug(found.public_id)
    if offer_lists.by_slug(conn, slug) is None:
        incoming_lists.add(
            conn,
            slug=slug,
            title=f"Given to us: {found.title}",
            description="Records of a gift that came in.",
            partner_id=found.partner_id,
            state=ListState.DRAFT,
            now=now,
        )
    return slug


# --- changing -------------------------------------------------------------------------------------


def change(
    db: Database,
    name: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> IncomingGift:
    """Change what is said of a gift: title, kind, notes, what was announced, postage and weight.

    Raises ``NotFound``, ``WrongValues``, ``Conflict`` for the kind of what is in the balance,
    ``Outdated``.
    """
    values = accession.checked(given, rules.SAID)
    with db.write() as conn:
        found = hold(conn, name, seen)
        rules.check_whole(found, values)
        new = {key: value for key, value in values.items() if getattr(found, key) != value}
        if not new:
            return found
        made = incoming_gifts.put(conn, found, **consignment_fields.columns(new))
        keep(conn, "changed", found, made, by, now)
        return made


# --- the parts ------------------------------------------------------------------------------------


def known(conn: Connection, name: str) -> IncomingGift:
    """Return a gift by its public id within a transaction; raise ``NotFound``."""
    wanted = public_ids.read(name)
    found = None if wanted is None else incoming_gifts.by_public_id(conn, wanted)
    if found is None:
        raise NotFound(f"there is no incoming gift {name!r}")
    return found


def hold(conn: Connection, name: str, seen: int | None = None) -> IncomingGift:
    """Return a gift that nobody else changes meanwhile.

    ``seen`` is the revision that was looked at, None for any. Raises ``NotFound``, ``Outdated``.
    """
    found = incoming_gifts.lock(conn, known(conn, name).id)
    revision.check_seen("this gift", seen, found.revision)
    return found


def hold_with_partner(conn: Connection, name: str, seen: int | None = None) -> IncomingGift:
    """Do as ``hold`` for what the balance or a claim tells, with the partner held before."""
    before = known(conn, name)
    partners.lock(conn, before.partner_id)
    found = hold(conn, name, seen)
    if found.partner_id != before.partner_id:
        raise Conflict("its partner was merged at the same moment; look again")
    return found


def keep(
    conn: Connection,
    action: str,
    before: IncomingGift | None,
    after: IncomingGift,
    by: str,
    now: datetime,
    reason: str = "",
    **more: Any,
) -> None:
    """Enter in the audit log what was done to a gift."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=after.public_id,
        now=now,
        before=None if before is None else _told(before),
        after=_told(after) | more,
        reason=reason,
    )


_TOLD: Final = (
    "partner",
    "title",
    "kind",
    "state",
    "source",
    "announced_titles",
    "announced_volumes",
    "postage",
    "postage_currency",
    "weight",
    "notes",
    "lines",
    "titles",
    "volumes",
    "declined",
    "missing",
)


def _told(found: IncomingGift) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in _TOLD}
    return told | {"received_on": found.received_on and found.received_on.isoformat()}
