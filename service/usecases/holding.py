"""Holding: what our library has is uploaded, so that nobody wishes for what stands on our shelves.

All of a file is one transaction: it takes the place of what was uploaded before, or is added to it,
or nothing changes. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Final, NamedTuple

from marc_mappings import formats, match_keys
from marc_mappings.match_keys import Key
from service.domain import holding as rules
from service.domain import wish_sheet, wish_table, wish_text
from service.domain.holding import Fault
from service.errors import Invalid, TooLarge, UnsupportedFormat
from service.store import audit_log, holdings
from service.store.db import Database

_MOST: Final = 3_000_000  # identifiers
_TOLD: Final = 50  # faults that are told; all are counted
_NAME: Final = "holdings"


class Uploaded(NamedTuple):
    """What a file brought: rows or records read, those without a number, and what is held now.

    ``removed`` are identifiers that were held before and are not in the file.
    """

    read: int
    without: int
    faults: tuple[Fault, ...]
    removed: int
    counts: dict[str, int]
    remark: str = ""


def upload(
    db: Database,
    stream: BinaryIO,
    media_type: str = "",
    *,
    charset: str = "",
    replace: bool = True,
    limit: int,
    by: str,
    now: datetime,
) -> Uploaded:
    """Read what we hold: MARC in any format, text, CSV or a spreadsheet, as the octets show.

    With ``replace`` what was uploaded before is held no more. Raises ``TooLarge`` above ``limit``
    octets, ``Invalid`` for a file in which no row has a number: nothing changes then.
    """
    file = _whole(stream, limit)
    remark, rows = _rows(file, media_type, charset)
    told = _Told()
    keys = set(told.keys(rows))  # before anything is written: others write meanwhile
    if not keys:
        raise Invalid("no row of this file has an ISBN, ISSN or ISMN: nothing was changed")
    with db.write() as conn:
        number = holdings.next_upload(conn)
        holdings.put(conn, number, keys)
        removed = holdings.drop_before(conn, number) if replace else 0
        counts = holdings.counts(conn)
        audit_log.write(
            conn,
            by=by,
            action="replaced" if replace else "added to",
            kind=_NAME,
            name=_NAME,
            now=now,
            after={"read": told.read, "without": told.without, "removed": removed, **counts},
        )
    return Uploaded(told.read, told.without, tuple(told.faults), removed, counts, remark)


def count(db: Database) -> dict[str, int]:
    """Return how many identifiers of each kind we hold."""
    with db.read() as conn:
        return holdings.counts(conn)


class _Told:
    """Counts rows as their numbers are taken."""

    def __init__(self) -> None:
        self.read = self.without = self.kept = 0
        self.faults: list[Fault] = []

    def keys(self, rows: Iterator[tuple[int, str, tuple[Key, ...]]]) -> Iterator[Key]:
        """Yield the numbers of rows."""
        for row, text, found in rows:
            self.read += 1
            self.kept += len(found)
            if self.kept > _MOST:
                raise TooLarge(f"the file has more than {_MOST:,} identifiers", _MOST)
            yield from found
            if not found:
                self.without += 1
                if len(self.faults) < _TOLD:
                    self.faults.append(rules.fault(row, text))


def _whole(stream: BinaryIO, limit: int) -> io.BytesIO:
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise TooLarge(f"the file is larger than {limit:,} octets", limit)
    return io.BytesIO(body)


def _rows(
    file: io.BytesIO, media_type: str, charset: str
) -> tuple[str, Iterator[tuple[int, str, tuple[Key, ...]]]]:
    if media_type in (wish_sheet.XLSX, wish_sheet.ODS):
        return "", _of_table(wish_sheet.rows(file, media_type))
    try:
        formats.sniff(file.read(formats.HEAD))
    except formats.NotMarc as error:
        if error.found and b"\0" in file.getvalue()[:4096] and not charset.startswith("utf-16"):
            raise UnsupportedFormat(f"this is no list of numbers: {error}", error.found) from error
        found = wish_text.encoding(file, charset)
        return found.remark, _of_table(wish_table.rows_of_csv(wish_text.lines(file, found.name)))
    file.seek(0)
    return "", _of_marc(file)


def _of_table(rows: Iterator[wish_table.Row]) -> Iterator[tuple[int, str, tuple[Key, ...]]]:
    for row in rows:
        yield row.number, row.text, rules.of_row(row.cells)


def _of_marc(file: io.BytesIO) -> Iterator[tuple[int, str, tuple[Key, ...]]]:
    for number, each in enumerate(formats.read(file), 1):
        if isinstance(each, formats.Unreadable):
            yield number, "a record that cannot be read", ()
            continue
        keys = match_keys.identifier_only(each.content)
        found = tuple(key for key in keys if key.kind in rules.KINDS)
        yield number, f"record {number}", found
