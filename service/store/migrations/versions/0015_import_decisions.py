"""People decide about lines of an import, and an import can be undone.

A line keeps what it was staged to do, who decided otherwise, and which version of its record it
replaced; an offer keeps which import brought it.
"""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was committed before has none of this, and cannot be undone."""
    decided = sa.Column("decided_by", sa.Text(), server_default="", nullable=False)
    op.add_column("import_line", decided)
    op.add_column("import_line", sa.Column("staged_action", sa.Text()))
    op.add_column("import_line", sa.Column("staged_record_id", Id))
    op.add_column("import_line", sa.Column("replaced_version_id", Id))
    op.add_column("offer", sa.Column("import_id", Id))
    undoable: sa.Column[bool] = sa.Column(
        "can_be_undone", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("import_batch", undoable)
