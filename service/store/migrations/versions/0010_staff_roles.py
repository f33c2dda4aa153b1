"""What members of the staff may do."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every account a role; who is there could do everything, and still can."""
    op.add_column(
        "account", sa.Column("role", sa.Text(), nullable=False, server_default="cataloguer")
    )
    op.execute("UPDATE account SET role = 'admin'")
