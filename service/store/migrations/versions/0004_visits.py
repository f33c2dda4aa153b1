"""Who harvests us: a line for each harvest."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the visits of harvesters."""
    op.create_table(
        "harvester_visit",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id),
        sa.Column("address", sa.Text()),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("set_spec", sa.Text(), nullable=False),
        sa.Column("from_", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_harvester_visit_partner_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_harvester_visit"),
        sa.UniqueConstraint("public_id", name="uq_harvester_visit_public_id"),
    )
    op.create_index("ix_harvester_visit_last_at", "harvester_visit", ["last_at"])
    op.create_index("ix_harvester_visit_partner_id", "harvester_visit", ["partner_id"])
