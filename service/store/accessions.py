"""The pieces of incoming gifts: their counts, decisions, numbers and records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.domain.accession import (
    AccessionLine,
    Decision,
    NewAccessionLine,
    first_number,
    next_number,
    stem,
)
from service.domain.import_batch import OFFERING
from service.domain.incoming_gift import IncomingState
from service.domain.own_wish import OwnWishState
from service.errors import Conflict
from service.store import bulk
from service.store.tables import (
    accession_line,
    harvested,
    import_batch,
    import_line,
    incoming_gift,
    match_key,
    offer,
    own_wish,
    record,
    record_version,
    source,
)

# The number of the advisory lock under which accession numbers are given.
_NUMBERING: Final = 0x42424143
_L = accession_line.c
_TAKEN: Final = sorted(each.value for each in OFFERING)
_TITLE = sa.case(
    (record_version.c.title_vernacular != "", record_version.c.title_vernacular),
    else_=record_version.c.title,
)

# --- reading --------------------------------------------------------------------------------------

_LINES = (
    sa.select(
        accession_line,
        record.c.public_id,
        record.c.current_version_id,
        import_batch.c.state.label("batch_state"),
        import_line.c.problems,
    )
    .select_from(
        accession_line.outerjoin(record, record.c.id == _L.record_id)
        .outerjoin(import_batch, import_batch.c.id == _L.batch_id)
        .outerjoin(
            import_line,
            (import_line.c.batch_id == _L.batch_id)
            & (import_line.c.position == _L.batch_position)
            & _L.record_id.is_(None),
        )
    )
    .order_by(_L.position)
)


def lines(
    conn: Connection,
    gift_id: int,
    after: int = 0,
    limit: int | None = None,
    decisions: Collection[Decision] = frozenset(Decision),
) -> list[AccessionLine]:
    """Return up to ``limit`` lines behind position ``after``, those with these decisions."""
    query = _LINES.where(_L.incoming_gift_id == gift_id, _L.position > after)
    if set(decisions) != set(Decision):
        query = query.where(_L.decision.in_(sorted(each.value for each in decisions)))
    return [_line(row) for row in conn.execute(query.limit(limit))]


def line(conn: Connection, gift_id: int, position: int) -> AccessionLine | None:
    """Return one line, or None."""
    query = _LINES.where(_L.incoming_gift_id == gift_id, _L.position == position)
    row = conn.execute(query).first()
    return None if row is None else _line(row)


def of_code(conn: Connection, gift_id: int, code: str, isbn: str) -> list[AccessionLine]:
    """Return the lines of a barcode, or of an ISBN (13 digits, "" for none), by position.

    A record has the ISBNs of all its forms; any of them names it.
    """
    named = (_L.barcode == code) | (_L.accession_number == code)
    if isbn:
        keyed = sa.exists().where(
            match_key.c.version_id == record.c.current_version_id,
            match_key.c.kind.in_(["isbn", "isbn_set"]),
            match_key.c.value == isbn,
        )
        named = named | (_L.isbn == isbn) | keyed
    rows = conn.execute(_LINES.where(_L.incoming_gift_id == gift_id, named))
    return [_line(row) for row in rows]


def _line(row: Any) -> AccessionLine:
    return AccessionLine(
        position=row.position,
        record=row.public_id or "",
        record_id=row.record_id,
        version_id=row.current_version_id,
        title=row.title,
        isbn=row.isbn,
        announced=row.announced,
        received=row.received,
        damaged=row.damaged,
        volumes=row.volumes,
        decision=Decision(row.decision),
        reason=row.reason,
        accession_number=row.accession_number or "",
        barcode=row.barcode,
        shelf=row.shelf,
        translated_title=row.translated_title,
        problem=_why(row) if row.record_id is None and row.batch_id is not None else "",
    )


def _why(row: Any) -> str:
    """Return why what came in a file has no record."""
    if row.problems is None:
        return f"its record is not catalogued: the import of its file is {row.batch_state}"
    told = "; ".join(each["message"] for each in row.problems)
    return f"its record was not taken into the catalogue: {told or 'it is not in the import'}"


# --- joining and leaving --------------------------------------------------------------------------

_NAMES: Final = ("incoming_gift_id", "position", "decision", *NewAccessionLine._fields)


def add(conn: Connection, gift_id: int, new: Sequence[NewAccessionLine]) -> int:
    """Enter lines behind those that there are; return the position of the first of them."""
    last = conn.execute(
        sa.select(sa.func.max(_L.position)).where(_L.incoming_gift_id == gift_id)
    ).scalar()
    first = (last or 0) + 1
    pending = Decision.PENDING.value
    rows = [(gift_id, position, pending, *each) for position, each in enumerate(new, first)]
    bulk.insert(conn, accession_line, _NAMES, rows)
    return first


def remove(conn: Connection, gift_id: int, position: int) -> None:
    """Take a line out."""
    conn.execute(
        accession_line.delete().where(_L.incoming_gift_id == gift_id, _L.position == position)
    )


class Brought(NamedTuple):
    """A record of an import: its place, its row (None: not taken), its title and ISBNs."""

    position: int
    record_id: int | None
    title: str
    isbns: tuple[str, ...]


def brought(conn: Connection, batch_id: int) -> list[Brought]:
    """Return what an import brought, line by line; what it did not take has no record."""
    taken = import_line.c.action.in_(_TAKEN)
    rows = conn.execute(
        sa.select(
            import_line.c.position,
            import_line.c.title,
            record.c.id,
            _TITLE.label("shown"),
            record_version.c.isbns,
        )
        .select_from(
            import_line.outerjoin(
                record, (record.c.id == import_line.c.record_id) & taken
            ).outerjoin(record_version, record_version.c.id == record.c.current_version_id)
        )
        .where(import_line.c.batch_id == batch_id)
        .order_by(import_line.c.position)
    )
    return [
        Brought(row.position, row.id, row.shown or row.title, tuple((row.isbns or "").split()))
        for row in rows
    ]


def of_batch(conn: Connection, gift_id: int, batch_id: int) -> dict[int, int]:
    """Return the lines that came with an import: their positions by their places in it."""
    rows = conn.execute(
        sa.select(_L.batch_position, _L.position).where(
            _L.incoming_gift_id == gift_id, _L.batch_id == batch_id
        )
    )
    return {row[0]: row[1] for row in rows}


def read_otherwise(conn: Connection, gift_id: int, batch_id: int) -> set[int]:
    """Return the records in a gift that another reading of the octets of an import brought."""
    this = import_batch.alias()
    rows = conn.execute(
        sa.select(_L.record_id)
        .join(import_batch, import_batch.c.id == _L.batch_id)
        .join(this, this.c.original_id == import_batch.c.original_id)
        .where(
            _L.incoming_gift_id == gift_id,
            _L.record_id.is_not(None),
            this.c.id == batch_id,
            import_batch.c.id != batch_id,
        )
    )
    return set(rows.scalars())


def bare(conn: Connection, gift_id: int) -> dict[str, int]:
    """Return the lines that have an ISBN and no record and came with no file: positions by ISBN."""
    rows = conn.execute(
        sa.select(_L.isbn, _L.position)
        .where(
            _L.incoming_gift_id == gift_id,
            _L.isbn != "",
            _L.record_id.is_(None),
            _L.batch_id.is_(None),
        )
        .order_by(_L.position.desc())
    )
    return {row[0]: row[1] for row in rows}


_SET_RECORD = (
    accession_line.update()
    .where(
        _L.incoming_gift_id == sa.bindparam("gift"),
        _L.position == sa.bindparam("at"),
        _L.record_id.is_(None),
    )
    .values(
        record_id=sa.bindparam("brought"),
        isbn=sa.case((_L.isbn == "", sa.bindparam("of_record", type_=sa.Text)), else_=_L.isbn),
    )
)


def set_records(
    conn: Connection, gift_id: int, found: Sequence[tuple[int, int | None, str]]
) -> None:
    """Give lines (by position) their records, and an ISBN where they have none."""
    if found:
        conn.execute(
            _SET_RECORD,
            [
                {"gift": gift_id, "at": position, "brought": record_id, "of_record": isbn}
                for position, record_id, isbn in found
            ],
        )


# --- counting, deciding, describing ---------------------------------------------------------------


def put(conn: Connection, gift_id: int, position: int, **values: Any) -> None:
    """Write columns of a line; raise ``Conflict`` for an accession number that is another's."""
    changed = accession_line.update().where(_L.incoming_gift_id == gift_id, _L.position == position)
    try:
        with conn.begin_nested():
            conn.execute(changed.values(**values))
    except IntegrityError as error:
        number = values.get("accession_number")
        raise Conflict(f"accession number {number} is given to another book") from error


def count_uncounted(conn: Connection, gift_id: int) -> int:
    """Let lines that were announced and not counted be received as announced; return how many."""
    done = conn.execute(
        accession_line.update()
        .where(_L.incoming_gift_id == gift_id, _L.received == 0, _L.announced > 0)
        .values(received=_L.announced, damaged=0)
    )
    return done.rowcount


def decide(
    conn: Connection, gift_id: int, positions: Sequence[int], decision: Decision, reason: str
) -> None:
    """Write one decision into lines."""
    if positions:
        conn.execute(
            accession_line.update()
            .where(_L.incoming_gift_id == gift_id, _L.position == sa.bindparam("at"))
            .values(decision=decision.value, reason=reason),
            [{"at": position} for position in positions],
        )


def number(conn: Connection, gift_id: int, year: int, first: str) -> int:
    """Give accepted lines that have none their accession numbers; return how many.

    They count on from ``first``, or from the last of the year. Only one at a time gives numbers.
    Raises ``Conflict`` where one of them is another's.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_NUMBERING)))
    waiting = conn.execute(
        sa.select(_L.position)
        .where(
            _L.incoming_gift_id == gift_id,
            _L.decision == Decision.ACCEPTED.value,
            _L.accession_number.is_(None),
        )
        .order_by(_L.position)
    ).scalars()
    given: Mapping[int, str] = _numbered(list(waiting), first or _free(conn, year))
    taken = bulk.select_in(conn, _NUMBERS, list(given.values()))
    if taken:
        raise Conflict(
            f"accession number {min(taken)[0]} is given to another book: begin with a later one"
        )
    if given:
        conn.execute(
            accession_line.update()
            .where(_L.incoming_gift_id == gift_id, _L.position == sa.bindparam("at"))
            .values(accession_number=sa.bindparam("given")),
            [{"at": position, "given": each} for position, each in given.items()],
        )
    return len(given)


_NUMBERS = sa.select(_L.accession_number).where(
    _L.accession_number.in_(sa.bindparam("values", expanding=True))
)


def _numbered(positions: Sequence[int], first: str) -> dict[int, str]:
    found: dict[int, str] = {}
    following = first
    for position in positions:
        found[position] = following
        following = next_number(following)
    return found


def _free(conn: Connection, year: int) -> str:
    """Return the number behind the last one of a year that has our form."""
    head = stem(year)
    last = conn.execute(
        sa.select(_L.accession_number)
        .where(_L.accession_number > head, _L.accession_number < f"{head}:")  # ":" follows "9"
        .order_by(sa.func.length(_L.accession_number).desc(), _L.accession_number.desc())
    ).scalars()
    mine = next((each for each in last if each.removeprefix(head).isdecimal()), None)
    return first_number(year) if mine is None else next_number(mine)


# --- what a partner's list announces --------------------------------------------------------------


class Announced(NamedTuple):
    """A title that a partner says it gave us."""

    record_id: int
    title: str
    isbns: str
    copies: int
    volumes: int


_TOLD_OF = record.join(record_version, record_version.c.id == record.c.current_version_id)
_IN_A_GIFT = (
    sa.exists()
    .where(
        _L.record_id == record.c.id,
        _L.incoming_gift_id == incoming_gift.c.id,
        incoming_gift.c.state != IncomingState.CANCELLED.value,
    )
    .correlate(record)
)


def announced_as_allocated(conn: Connection, list_id: int) -> list[Announced]:
    """Return what a partner said it allocated to us of its list, and what is in no gift yet.

    With as many copies as we wished for.
    """
    rows = conn.execute(
        sa.select(record.c.id, _TITLE, record_version.c.isbns, own_wish.c.quantity, offer.c.volumes)
        .select_from(
            _TOLD_OF.join(offer, offer.c.record_id == record.c.id).join(
                own_wish, own_wish.c.offer_id == offer.c.id
            )
        )
        .where(
            offer.c.list_id == list_id,
            own_wish.c.state == OwnWishState.ALLOCATED.value,
            ~_IN_A_GIFT,
        )
        .order_by(offer.c.id)
    )
    return [Announced(*row) for row in rows]


def announced_as_given(conn: Connection, list_id: int) -> list[Announced]:
    """Return the records of what a partner says it gave us, by the list of its source.

    What it deleted since, and what is in a gift already, is left out.
    """
    rows = conn.execute(
        sa.select(record.c.id, _TITLE, record_version.c.isbns)
        .select_from(
            _TOLD_OF.join(harvested, harvested.c.record_id == record.c.id).join(
                source, source.c.id == harvested.c.source_id
            )
        )
        .where(source.c.list_id == list_id, harvested.c.deleted.is_(False), ~_IN_A_GIFT)
        .order_by(record.c.id)
    )
    return [Announced(*row, copies=1, volumes=1) for row in rows]
