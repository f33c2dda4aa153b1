"""The search index anew: single characters, numbers, one form of a Han character, and no sizes."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from marc_mappings import formats, search_terms
from marc_mappings.framing.sound import record_of
from service.store import search

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Versions whose terms are made and kept at once; a record may have 99,999 octets and more.
_STEP = 500


def upgrade() -> None:
    """Make the index of every version from its record; of a million that takes minutes.

    ``ascii`` leaves every other letter as it is, where ``unicode61`` has categories of 2012 and
    would cut what Unicode has got since. No ranking needs the sizes of documents.
    """
    conn = op.get_bind()
    if conn.dialect.name == "sqlite":
        op.execute("DROP TABLE search_text")
        op.execute(
            "CREATE VIRTUAL TABLE search_text USING fts5("
            "terms, content='', detail=none, columnsize=0, tokenize='ascii')"
        )
    else:
        op.execute("DELETE FROM search_text")
    for rows in _versions(conn):
        search.add(conn, [(version_id, _terms(body)) for version_id, body in rows])


def _versions(conn: sa.Connection) -> Iterator[list[tuple[int, bytes]]]:
    last = 0
    query = sa.text(
        "SELECT id, canonical FROM record_version WHERE id > :last ORDER BY id LIMIT :step"
    )
    while rows := [
        (row.id, bytes(row.canonical)) for row in conn.execute(query, {"last": last, "step": _STEP})
    ]:
        yield rows
        last = rows[-1][0]


def _terms(canonical: bytes) -> str:
    read = formats.read_one(canonical)
    if isinstance(read, formats.Unreadable):
        raise TypeError("what is kept of a record can be read")
    return search_terms.of_record(record_of(read.content))
