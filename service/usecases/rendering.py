"""The formats on offer, and renditions that are made when somebody first asks for them: MODS.

MODS is made from the public MARC 21. A page in it is read like one in MARC 21, within one snapshot.
What is stored already is taken; the rest is made on the spot, so that no record is ever left out of
a list, and is stored afterwards in a transaction of its own, which may fail: then the next
harvester makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from marc_mappings import marcxml
from marc_mappings.record import Record
from oai.repository import MetadataFormat
from service.errors import Busy
from service.store import feed_reading
from service.store.db import Connection, Database
from service.store.feed_reading import Entry

Make = Callable[[bytes], bytes]

# Milliseconds that storing may wait for the lock: a harvester waits for it as well.
_PATIENCE_MS = 50


def mods(marc: bytes) -> bytes:
    """Return the MODS of a stored MARCXML rendition, which has no local fields any more."""
    content = marcxml.parse(marc).content
    if not isinstance(content, Record):
        raise TypeError("a stored rendition of MARC 21 is a record")
    # Its tables are large, and few harvesters ask for it.
    from marc_mappings import marc21_to_mods

    return marc21_to_mods.write(content)


@dataclass(frozen=True, slots=True)
class Offered:
    """One format on offer, and under which name its renditions are stored.

    Without ``make`` they are there from the beginning. Others are made of the MARC 21 of the same
    version when somebody first asks for them (``rendered``).
    """

    format: MetadataFormat
    stored: str
    make: Make | None = None

    @property
    def source(self) -> str:
        """Under which name that is stored which is there from the beginning."""
        return "marc21" if self.make else self.stored


_MARC = "http://www.loc.gov/MARC21/slim"
_MARC_SCHEMA = "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"
FORMATS = {
    offered.format.prefix: offered
    for offered in (
        Offered(
            MetadataFormat(
                "oai_dc",
                "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
                "http://www.openarchives.org/OAI/2.0/oai_dc/",
            ),
            "oai_dc",
        ),
        Offered(MetadataFormat("marc21", _MARC_SCHEMA, _MARC), "marc21"),
        Offered(MetadataFormat("marcxml", _MARC_SCHEMA, _MARC), "marc21"),
        Offered(
            MetadataFormat(
                "mods",
                "http://www.loc.gov/standards/mods/v3/mods-3-7.xsd",
                "http://www.loc.gov/mods/v3",
            ),
            "mods",
            make=mods,
        ),
    )
}


def rendered(
    conn: Connection, stored: str, make: Make, entries: Sequence[Entry]
) -> tuple[list[Entry], dict[int, bytes]]:
    """Return entries that come in MARC 21 in another format, and what was made of them just now.

    The latter by the id of the version, for ``keep``.
    """
    wanted = {entry[-1]: entry[6] for entry in entries if entry[6] is not None}
    there = feed_reading.renditions(conn, stored, [*wanted])
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
            feed_reading.keep_renditions(conn, stored, fresh)
