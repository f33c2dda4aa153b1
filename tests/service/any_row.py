"""A row of any table, made of what its columns ask for, with the rows that it refers to."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_count = itertools.count(1000)


def add_row(conn: Connection, table: sa.Table, **given: Any) -> dict[str, Any]:
    """Insert a row into ``table`` and return it; what is not given is anything that fits."""
    values = dict(given)
    for key in table.foreign_key_constraints:
        names = [column.name for column in key.columns]
        if not values.keys() & set(names) and not all(table.c[name].nullable for name in names):
            parent = add_row(conn, key.referred_table)
            values |= {
                name: parent[element.column.name]
                for name, element in zip(names, key.elements, strict=True)
            }
    for column in table.columns:
        if column.name not in values and not column.nullable and column.server_default is None:
            if column.name == "id" and column.primary_key:
                continue
            values[column.name] = _anything(column)
    row = conn.execute(table.insert().values(**values).returning(table)).one()
    return dict(row._mapping)


def _anything(column: sa.Column[Any]) -> Any:
    number = next(_count)
    if isinstance(column.type, sa.JSON):
        return {}
    of = column.type.impl if isinstance(column.type, sa.TypeDecorator) else column.type
    kind = of.python_type
    if kind is int:
        return number if column.primary_key else 1
    return {
        str: str(number)[-(getattr(column.type, "length", None) or 9) :],
        bool: False,
        float: 1.0,
        date: date(2026, 1, 1),
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        bytes: str(number).encode(),
    }[kind]
