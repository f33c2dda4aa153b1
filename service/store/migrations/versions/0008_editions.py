"""Which edition of its crosswalk made a rendition, so that a new one makes it anew."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add editions, and ways to find what is outdated and which transfers show it.

    What is there was made by crosswalks that nobody counted: a worker looks at it once.
    """
    op.add_column(
        "rendition", sa.Column("edition", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_index(
        "ix_rendition_prefix_edition_version_id",
        "rendition",
        ["prefix", "edition", "version_id"],
    )
    op.create_index("ix_transfer_version_id", "transfer", ["version_id"])
