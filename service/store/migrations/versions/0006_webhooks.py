"""Long wish lists are answered step by step; partners are told at once, by webhook and feed."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'PENDING'")
_WAITING = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """Add what a list knows of its answering, announcements, webhooks and the outbox."""
    _answering()
    op.create_table(
        "announcement",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_announcement_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_announcement"),
        sa.UniqueConstraint("public_id", name="uq_announcement_public_id"),
    )
    op.create_index(
        "ix_announcement_partner_id_public_id", "announcement", ["partner_id", "public_id"]
    )
    op.create_table(
        "webhook",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failing_since", Instant()),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_webhook_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
        sa.UniqueConstraint("public_id", name="uq_webhook_public_id"),
    )
    op.create_index("ix_webhook_partner_id", "webhook", ["partner_id"])
    op.create_table(
        "outbox",
        sa.Column("id", Id, nullable=False),
        sa.Column("webhook_id", Id, nullable=False),
        sa.Column("announcement_id", Id, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", Instant()),
        sa.Column("delivered_at", Instant()),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcement.id"], name="fk_outbox_announcement_id"
        ),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name="fk_outbox_webhook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint(
            "webhook_id", "announcement_id", name="uq_outbox_webhook_id_announcement_id"
        ),
    )
    op.create_index(
        "ix_outbox_webhook_id_waiting",
        "outbox",
        ["webhook_id", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )


def _answering() -> None:
    """A list of before was answered at once, with all its lines."""
    for column in (
        sa.Column("state", sa.Text(), server_default="answered", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answered_at", Instant()),
        sa.Column("withdrawn", sa.Integer()),
        sa.Column("charset", sa.Text(), server_default="", nullable=False),
        sa.Column("reading", sa.JSON()),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("wish_list", column)
    op.execute(
        "UPDATE wish_list SET answered_at = received_at, total = "
        "(SELECT count(*) FROM wish WHERE wish.wish_list_id = wish_list.id)"
    )
    op.execute("UPDATE wish_list SET answered = total")
    op.add_column("wish", sa.Column("score", sa.Float()))
    op.execute("UPDATE wish SET score = 1.0 WHERE offer_id IS NOT NULL")
    op.create_index(
        "uq_wish_wish_list_id_target_pending",
        "wish",
        ["wish_list_id", "target"],
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
