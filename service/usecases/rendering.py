"""The formats on offer, and renditions that are made when somebody first asks for them: MODS.

A page in MODS is read like one in MARC 21, within one snapshot. What is stored already is taken;
the rest is made on the spot, so that no record is ever left out of a list.

**Nothing is given that is not stored.** What was made is kept before the answer leaves, in a
transaction of its own; where that cannot be had, the harvester is asked to come again. So when the
crosswalk changes, what anybody was given is there to be compared with what it makes now
(``usecases.rerendering``). And what is stored is given as it is, whichever edition made it, until
it is replaced together with the mark that brings its new datestamp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oai.repository import MetadataFormat
from service.domain import rendition
from service.domain.rendition import CROSSWALKS
from service.store import renditions
from service.store.db import Connection, Database
from service.store.feed_reading import Entry

# Milliseconds that storing may wait for the lock. A harvester waits as well, but only for what
# nobody has asked for before; after that it is told to come again.
_PATIENCE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Offered:
    """One format on offer, and under which prefix its renditions are stored.

    Some are there from the beginning. Others are made when somebody first asks for them
    (``rendered``).
    """

    format: MetadataFormat
    stored: str

    @property
    def on_demand(self) -> bool:
        """Whether its renditions are made when somebody first asks for them."""
        return not CROSSWALKS[self.stored].at_once

    @property
    def source(self) -> str:
        """Under which prefix that is stored which is there from the beginning."""
        return "marc21" if self.on_demand else self.stored


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
        ),
    )
}


def rendered(
    conn: Connection, prefix: str, entries: Sequence[Entry]
) -> tuple[list[Entry], dict[int, bytes]]:
    """Return entries that come in MARC 21 in another format, and what was made of them just now.

    The latter by the id of the version, for ``keep``.
    """
    wanted = [entry[-1] for entry in entries if entry[6] is not None]
    there = renditions.stored(conn, prefix, wanted)
    missing = [version for version in wanted if version not in there]
    fresh = {
        version: rendition.made_of(canonical, [prefix])[prefix]
        for version, canonical in renditions.canonical(conn, missing).items()
    }
    bodies = there | fresh
    return [
        entry if entry[6] is None else Entry(*entry)._replace(body=bodies[entry[-1]])
        for entry in entries
    ], fresh


def keep(db: Database, prefix: str, fresh: Mapping[int, bytes]) -> bool:
    """Store what was made; return whether it is what is stored now, and may be given.

    Otherwise somebody else stored other bytes first: read again. Raises ``Busy`` when the database
    takes nothing.
    """
    if not fresh:
        return True
    with db.write(_PATIENCE_MS) as conn:
        return renditions.keep(conn, prefix, CROSSWALKS[prefix].edition, fresh)
