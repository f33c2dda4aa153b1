"""Renditions that are made when somebody first asks for them: MODS, from the public MARC 21.

A page in such a format is read like one in MARC 21, within one snapshot. What is stored already is
taken; the rest is made on the spot, so that no record is ever left out of a list, and is stored
afterwards in a transaction of its own, which may fail: then the next harvester makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from marc_mappings import marc21_to_mods, marcxml
from marc_mappings.record import Record
from service.errors import Busy
from service.store import feed
from service.store.db import Connection, Database
from service.store.feed import Entry

Make = Callable[[bytes], bytes]

# Milliseconds that storing may wait for the lock: a harvester waits for it as well.
_PATIENCE_MS = 50


def mods(marc: bytes) -> bytes:
    """Return the MODS of a stored MARCXML rendition, which has no local fields any more."""
    content = marcxml.parse(marc).content
    if not isinstance(content, Record):
        raise TypeError("a stored rendition of MARC 21 is a record")
    return marc21_to_mods.write(content)


def rendered(
    conn: Connection, stored: str, make: Make, entries: Sequence[Entry]
) -> tuple[list[Entry], dict[int, bytes]]:
    """Return entries that come in MARC 21 in another format, and what was made of them just now.

    The latter by the id of the version, for ``keep``.
    """
    wanted = {entry[-1]: entry[6] for entry in entries if entry[6] is not None}
    there = feed.renditions(conn, stored, [*wanted])
    fresh = {version: make(body) for version, body in wanted.items() if version not in there}
    bodies = there | fresh
    return [
        entry if entry[6] is None else Entry(*entry)._replace(body=bodies[entry[-1]])
        for entry in entries
    ], fresh


def keep(db: Database, stored: str, fresh: Mapping[int, bytes]) -> None:
    """Store what was made, unless somebody else is writing."""
    if fresh:
        with suppress(Busy), db.write(_PATIENCE_MS) as conn:
            feed.keep_renditions(conn, stored, fresh)
