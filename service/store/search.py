"""Search terms of record versions, in the database's own full-text index.

The terms are made by ``marc_mappings.search_terms`` (words, and pairs of letters for scripts that
are written without blanks), so the index only has to keep and find them as they are: FTS5 on
SQLite, a ``tsvector`` of finished lexemes on PostgreSQL.

What is found comes newest first and only as far as somebody reads on. FTS5 walks its lists in that
order. GIN knows no order and returns all it has at once, which for a word in every other record is
too much: so each version has the number of its block among its lexemes, and a common word is asked
for block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final

from sqlalchemy.engine import Connection

from service.domain.search_query import Part

_ADD = {
    "sqlite": "INSERT INTO search_text (rowid, terms) VALUES (?, ?)",
    "postgresql": "INSERT INTO search_text (version_id, terms) "
    "VALUES (%s, array_to_tsvector(string_to_array(%s, ' ')))",
}
# Versions of a block, as powers of two, and the sign before its number: no term has it.
_SMALL: Final = (12, "#")
_LARGE: Final = (15, "##")
# Versions that PostgreSQL expects to find up to which it is asked for all of them at once, and
# large blocks that it is asked for at once otherwise.
_FEW: Final = 20_000
_MOST_BLOCKS: Final = 4
# Of what is found, so many at first; each time four times as many, up to the last number.
_FIRST, _MOST = 100, 5_000


def add(conn: Connection, terms: Sequence[tuple[int, str]]) -> None:
    """Index versions: pairs of (version id, distinct terms separated by single blanks)."""
    rows = [(version_id, words) for version_id, words in terms if words]
    if rows and conn.dialect.name == "postgresql":
        rows = [
            (version_id, f"{words} {_block(_SMALL, version_id)} {_block(_LARGE, version_id)}")
            for version_id, words in rows
        ]
    if rows:
        conn.exec_driver_sql(_ADD[conn.dialect.name], rows)


def versions(
    conn: Connection, parts: Sequence[Part], last: int | None = None
) -> Generator[list[int], None, None]:
    """Yield the ids of the versions that have all ``parts``, newest first, up to ``last``.

    They come in lists that grow, each made when it is asked for. Close what is not read to its end
    (``contextlib.closing``): it holds a cursor.
    """
    top = 2**62 if last is None else last
    if conn.dialect.name == "sqlite":
        return _on_sqlite(conn, parts, top)
    return _on_postgresql(conn, parts, top)


def _sizes() -> Iterator[int]:
    size = _FIRST
    while True:
        yield size
        size = min(size * 4, _MOST)


# --- SQLite -------------------------------------------------------------------------------------

WALK: Final = (
    "SELECT rowid FROM search_text WHERE search_text MATCH ? AND rowid <= ? ORDER BY rowid DESC"
)


def _on_sqlite(
    conn: Connection, parts: Sequence[Part], top: int
) -> Generator[list[int], None, None]:
    cursor = conn.connection.cursor()
    try:
        cursor.execute(WALK, (match(parts), top))
        for size in _sizes():
            rows = cursor.fetchmany(size)
            if not rows:
                return
            yield [row[0] for row in rows]
    finally:
        cursor.close()


def match(parts: Sequence[Part]) -> str:
    """Return the query of FTS5; every term is quoted, so that none is an operator."""
    return _joined(parts, " AND ", " OR ", lambda term: '"' + term.replace('"', '""') + '"')


# --- PostgreSQL ---------------------------------------------------------------------------------

# The order is by an expression, or the planner might walk the primary key backwards and compare
# every row, for a word that it takes for common and that is not.
AT_ONCE: Final = (
    "SELECT version_id FROM search_text WHERE terms @@ CAST(%s AS tsquery) AND version_id <= %s "
    "ORDER BY version_id + 0 DESC"
)


def _on_postgresql(
    conn: Connection, parts: Sequence[Part], top: int
) -> Generator[list[int], None, None]:
    newest = conn.exec_driver_sql("SELECT max(version_id) FROM search_text").scalar()
    top = min(top, newest or 0)
    query = lexemes(parts)
    first = top >> _SMALL[0]
    yield from _found(conn, _in_blocks(query, _SMALL, first, first), top)
    top = (first << _SMALL[0]) - 1
    if top < 0:
        return
    if _expected(conn, query) <= _FEW:
        yield from _found(conn, query, top)
        return
    high, many = top >> _LARGE[0], 1
    while high >= 0:
        low = max(0, high - many + 1)
        yield from _found(conn, _in_blocks(query, _LARGE, low, high), top)
        high, many = low - 1, min(2 * many, _MOST_BLOCKS)


def _found(conn: Connection, query: str, top: int) -> Iterator[list[int]]:
    """Yield what one query finds: a page of it, and the rest only when that was not enough."""
    rows = _ids(conn, f"{AT_ONCE} LIMIT {_MOST}", query, top)
    while rows:
        yield from _cut(rows)
        if len(rows) != _MOST:
            return
        rows = _ids(conn, AT_ONCE, query, rows[-1] - 1)


def _ids(conn: Connection, sql: str, query: str, top: int) -> list[int]:
    return list(conn.exec_driver_sql(sql, (query, top)).scalars())


def _cut(rows: list[int]) -> Iterator[list[int]]:
    start = 0
    for size in _sizes():
        if start >= len(rows):
            return
        yield rows[start : start + size]
        start += size


def lexemes(parts: Sequence[Part]) -> str:
    """Return the query of PostgreSQL; every term is quoted, so that none is an operator."""
    return _joined(parts, " & ", " | ", _lexeme)


def _lexeme(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def _block(kind: tuple[int, str], version_id: int) -> str:
    bits, sign = kind
    return f"{sign}{version_id >> bits}"


def _in_blocks(query: str, kind: tuple[int, str], low: int, high: int) -> str:
    blocks = " | ".join(f"'{kind[1]}{number}'" for number in range(low, high + 1))
    return f"({query}) & ({blocks})"


def _expected(conn: Connection, query: str) -> int:
    """Return how many versions the planner expects, from what it has counted of common words."""
    plan: Any = conn.exec_driver_sql(
        "EXPLAIN (FORMAT JSON) SELECT 1 FROM search_text WHERE terms @@ CAST(%s AS tsquery)",
        (query,),
    ).scalar()
    return int(plan[0]["Plan"]["Plan Rows"])


def _joined(parts: Sequence[Part], all_of: str, one_of: str, quoted: Callable[[str], str]) -> str:
    return all_of.join(
        "(" + one_of.join("(" + all_of.join(map(quoted, each)) + ")" for each in part) + ")"
        for part in parts
    )
