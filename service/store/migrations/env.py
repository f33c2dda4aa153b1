"""Runs the migrations on the connection that ``store.schema`` hands over."""

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext

from service.store.tables import metadata


def _every_key_holds(ctx: MigrationContext, *_: Any, **__: Any) -> None:
    """Undo a step that leaves a row pointing at none; SQLite was told not to look meanwhile."""
    connection = ctx.connection
    if connection is not None and connection.dialect.name == "sqlite":
        loose = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if loose:
            raise RuntimeError(f"this migration leaves {len(loose)} rows that point at none")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    on_version_apply=_every_key_holds,
)
with context.begin_transaction():
    context.run_migrations()
