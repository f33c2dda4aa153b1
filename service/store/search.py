"""Search terms of record versions, in the database's own full-text index.

The terms are made by ``marc_mappings.search_terms`` (words, and pairs of letters for scripts that
are written without blanks), so the index only has to keep and find them as they are: FTS5 on
SQLite, a ``tsvector`` of finished lexemes on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.engine import Connection

_ADD = {
    "sqlite": "INSERT INTO search_text (rowid, terms) VALUES (?, ?)",
    "postgresql": "INSERT INTO search_text (version_id, terms) "
    "VALUES (%s, array_to_tsvector(string_to_array(%s, ' ')))",
}
_FTS5 = sa.table("search_text", sa.column("rowid", sa.BigInteger), sa.column("search_text"))
_TSVECTOR = sa.table(
    "search_text", sa.column("version_id", sa.BigInteger), sa.column("terms", TSVECTOR)
)


def add(conn: Connection, terms: Sequence[tuple[int, str]]) -> None:
    """Index versions: pairs of (version id, distinct terms separated by single blanks)."""
    rows = [(version_id, words) for version_id, words in terms if words]
    if rows:
        conn.exec_driver_sql(_ADD[conn.dialect.name], rows)


def versions(conn: Connection, terms: Sequence[str]) -> sa.Select[tuple[int]]:
    """Return the query for the ids of the versions that hold all ``terms``."""
    if conn.dialect.name == "sqlite":
        quoted = " AND ".join('"' + term.replace('"', '""') + '"' for term in terms)
        return sa.select(_FTS5.c.rowid).where(
            _FTS5.c.search_text.op("MATCH")(sa.literal(quoted, sa.Text))
        )
    quoted = " & ".join("'" + t.replace("\\", "\\\\").replace("'", "''") + "'" for t in terms)
    return sa.select(_TSVECTOR.c.version_id).where(
        _TSVECTOR.c.terms.op("@@")(sa.cast(quoted, TSQUERY))
    )
