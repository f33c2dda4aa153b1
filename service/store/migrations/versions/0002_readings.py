"""A file may be read more than once: what its sender said of it, and what was found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns to batches and lines; a batch is one reading of a file for a list."""
    op.add_column("import_line", sa.Column("dialect", sa.Text(), nullable=False, server_default=""))
    # SQLite knows no change of a constraint: there the table is made anew with its rows.
    with op.batch_alter_table("import_batch") as batch:
        for name in ("encoding_said", "dialect_said"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("survey", sa.JSON(), nullable=True))
        batch.drop_constraint("uq_import_batch_original_id_list_id", type_="unique")
        batch.create_unique_constraint(
            "uq_import_batch_original_id_list_id_encoding_said_dialect_said",
            ["original_id", "list_id", "encoding_said", "dialect_said"],
        )
