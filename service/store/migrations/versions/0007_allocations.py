"""Who is given what and why, and jobs that wait for their moment."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add allocations, and the moment before which a job is not begun."""
    op.add_column("job", sa.Column("due_at", Instant()))
    op.create_table(
        "allocation_run",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("list_id", Id, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant()),
        sa.ForeignKeyConstraint(["list_id"], ["offer_list.id"], name="fk_allocation_run_list_id"),
        sa.PrimaryKeyConstraint("id", name="pk_allocation_run"),
        sa.UniqueConstraint("list_id", name="uq_allocation_run_list_id"),
        sa.UniqueConstraint("public_id", name="uq_allocation_run_public_id"),
    )
    op.create_table(
        "allocation",
        sa.Column("run_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wish_list_id", Id, nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("offer_id", Id, nullable=False),
        sa.Column("wished_at", Instant(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("transfer", Name),
        sa.CheckConstraint("given <= copies", name="ck_allocation_given"),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_allocation_offer_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_allocation_partner_id"),
        sa.ForeignKeyConstraint(["run_id"], ["allocation_run.id"], name="fk_allocation_run_id"),
        sa.ForeignKeyConstraint(
            ["transfer"], ["transfer.public_id"], name="fk_allocation_transfer"
        ),
        sa.ForeignKeyConstraint(
            ["wish_list_id", "line_no"],
            ["wish.wish_list_id", "wish.line_no"],
            name="fk_allocation_wish_list_id",
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_allocation"),
        sa.UniqueConstraint(
            "run_id", "wish_list_id", "line_no", name="uq_allocation_run_id_wish_list_id_line_no"
        ),
        sa.UniqueConstraint("transfer", name="uq_allocation_transfer"),
    )
