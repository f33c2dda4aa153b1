"""Many rows at once: Core's own statements, compiled once and run by the driver on plain tuples.

Core makes a dict and a set of bound parameters of every row that goes in, and an object of every
row that comes out; that costs an import, and a harvester's page, more than the database does.
Inserted values go through the column types' own processors; selected ones come as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.store.tables import Instant

Row = Sequence[Any]
_MARKS = {"qmark": "?", "pyformat": "%s"}
_Processor = Callable[[Any], Any]


def insert(
    conn: Connection,
    table: sa.Table,
    names: tuple[str, ...],
    rows: Iterable[Row],
    *,
    update: tuple[str, ...] = (),
    once: tuple[str, ...] = (),
    if_new: bool = False,
) -> None:
    """Insert ``rows``, whose values are in the order of ``names``.

    With ``update``, the columns of a unique key: a row whose key is there already is overwritten,
    except for the columns named in ``once``.
    With ``if_new``, a row that any unique key forbids is left out.
    """
    sql, processors = _compiled(conn.dialect, table, names, update, once, if_new)
    values: list[Row] = list(rows)
    if processors:
        values = _processed(values, processors)
    if values:
        conn.exec_driver_sql(sql, values)


def _processed(rows: list[Row], processors: Sequence[tuple[int, _Processor]]) -> list[Row]:
    """Return the rows with the values at these places as the driver takes them.

    The same object in many rows, as the moment of a step is, is turned once.
    """
    if not rows:
        return []
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, process in processors:
        # ``rows`` is a list that keeps its objects: no two of them have the same id.
        known = {key: process(value) for key, value in _by_id(columns[place]).items()}
        columns[place] = [known[id(value)] for value in columns[place]]
    return list(zip(*columns, strict=True))


def _by_id(values: Sequence[Any]) -> dict[int, Any]:
    return {id(value): value for value in values}


def update(conn: Connection, table: sa.Table, names: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Set the columns ``names`` of rows: the values in that order, and then the id of the row."""
    values = list(rows)
    if values:
        mark = _MARKS[conn.dialect.paramstyle]
        quote = conn.dialect.identifier_preparer.quote
        columns = ", ".join(f"{quote(name)} = {mark}" for name in names)
        conn.exec_driver_sql(
            f"UPDATE {quote(table.name)} SET {columns} WHERE id = {mark}",  # noqa: S608 - names of our own tables
            values,
        )


def run(
    conn: Connection,
    statement: sa.Update | sa.Delete,
    names: tuple[str, ...],
    rows: Sequence[Row],
) -> int:
    """Run a statement, the same object at every call, once for each row of its parameters.

    ``names`` are those of the parameters, in the order of a row. Returns how many rows of the table
    it met in all.
    """
    if not rows:
        return 0
    sql, order, constants, processors = _compiled_run(conn.dialect, statement, names)
    values = _processed(list(rows), processors) if processors else rows
    if order:
        at = [
            (names.index(name), None) if name in names else (-1, constants[name]) for name in order
        ]
        given: list[Any] = [tuple([row[n] if n >= 0 else set_ for n, set_ in at]) for row in values]
    else:
        given = [{**constants, **dict(zip(names, row, strict=True))} for row in values]
    return conn.exec_driver_sql(sql, given).rowcount


def select(
    conn: Connection, statement: sa.Select[Any], given: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that is the same object at every call, as the driver has them.

    Booleans are 0 and 1 on SQLite. Only for columns whose values need no conversion otherwise.
    """
    sql, order, constants = _compiled_select(conn.dialect, statement)
    values = {**constants, **given}
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql, [values[name] for name in order] if order else values)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def select_in(
    conn: Connection,
    statement: sa.Select[Any],
    values: Sequence[Any],
    given: Mapping[str, Any] | None = None,
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement whose one expanding parameter, ``values``, is this list.

    As ``select``: Core would make a parameter object of every value, at every call.
    """
    if not values:
        return []
    sql, order, constants = _compiled_select(conn.dialect, statement)
    mark = _MARKS[conn.dialect.paramstyle]
    named = {**constants, **(given or {})}
    if order:
        marks = ", ".join([mark] * len(values))
        parameters: Any = [
            each for name in order for each in (values if name == "values" else (named[name],))
        ]
    else:
        marks = ", ".join(f"%(value_{n})s" for n in range(len(values)))
        parameters = {**named, **{f"value_{n}": value for n, value in enumerate(values)}}
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql.replace(_EXPANDING, marks), parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()


# How Core writes an expanding parameter named ``values`` before it knows how many there are.
_EXPANDING = "__[POSTCOMPILE_values]"


@lru_cache(maxsize=64)
def _compiled_run(
    dialect: sa.Dialect, statement: sa.Update | sa.Delete, names: tuple[str, ...]
) -> tuple[str, tuple[str, ...], dict[str, Any], tuple[tuple[int, _Processor], ...]]:
    """Return what ``_compiled_select`` does, and what turns values into those of the driver."""
    sql, order, constants = _compiled_select(dialect, statement)
    types = {name: bind.type for name, bind in statement.compile(dialect=dialect).binds.items()}
    found = [
        (place, types[name].dialect_impl(dialect).bind_processor(dialect))
        for place, name in enumerate(names)
    ]
    return sql, order, constants, tuple((place, process) for place, process in found if process)


@lru_cache(maxsize=64)
def _compiled_select(
    dialect: sa.Dialect, statement: sa.Select[Any] | sa.Update | sa.Delete
) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    """Return the SQL, the order of its parameters (empty: by name), and those Core adds itself."""
    compiled = statement.compile(dialect=dialect)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), constants


@lru_cache(maxsize=64)
def _compiled(
    dialect: sa.Dialect,
    table: sa.Table,
    names: tuple[str, ...],
    update: tuple[str, ...],
    once: tuple[str, ...],
    if_new: bool,
) -> tuple[str, tuple[tuple[int, _Processor], ...]]:
    mark = _MARKS[dialect.paramstyle]
    columns = [table.c[name] for name in names]
    quote = dialect.identifier_preparer.quote
    marks = ", ".join(_mark(mark, column, dialect) for column in columns)
    sql = (
        f"INSERT INTO {quote(table.name)} ({', '.join(quote(name) for name in names)}) "  # noqa: S608 - names of our own tables
        f"VALUES ({marks})"
    )
    if update:
        changed = ", ".join(
            f"{quote(name)} = excluded.{quote(name)}"
            for name in names
            if name not in {*update, *once}
        )
        sql += f" ON CONFLICT ({', '.join(map(quote, update))}) DO UPDATE SET {changed}"
    if if_new:
        sql += " ON CONFLICT DO NOTHING"
    processors = [(place, _processor(column, dialect)) for place, column in enumerate(columns)]
    return sql, tuple((place, process) for place, process in processors if process)


def _processor(column: sa.Column[Any], dialect: sa.Dialect) -> _Processor | None:
    """Return what turns values of a column into those of the driver.

    Moments that are equal come out equal, and rows that come in parts have the same ones again.
    """
    process: _Processor | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    if process and isinstance(column.type, Instant):
        return lru_cache(maxsize=10_000)(process)
    return process


def _mark(mark: str, column: sa.Column[Any], dialect: sa.Dialect) -> str:
    """Return the place of one value; PostgreSQL takes JSON as text only with a cast."""
    if isinstance(column.type, sa.JSON) and dialect.name == "postgresql":
        return f"CAST({mark} AS JSON)"
    return mark
