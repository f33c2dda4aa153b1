"""Whom a list opens to and when, what partners were given, and who left an audience when."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tiers, transfers, and the stamps of joining and leaving."""
    with op.batch_alter_table("audience_member") as batch:
        batch.add_column(
            sa.Column("belongs", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        batch.add_column(sa.Column("left", sa.BigInteger()))
        batch.alter_column("since", existing_type=sa.BigInteger(), nullable=True)
    op.add_column(
        "feed_entry", sa.Column("since", sa.BigInteger(), nullable=False, server_default="0")
    )
    # Nobody has left an audience yet: any stamp up to now is early enough.
    op.execute("UPDATE feed_entry SET since = stamp")
    # Until now no partner harvested what its audiences see. Its harvesters go by stamps that are
    # later than that of its joining, so every membership is told anew.
    op.execute(
        "INSERT INTO feed_dirty (kind, source_id) "
        "SELECT DISTINCT 'membership', partner_id FROM audience_member"
    )
    op.execute("UPDATE audience_member SET since = NULL")
    op.create_table(
        "offer_list_tier",
        sa.Column("list_id", Id, nullable=False),
        sa.Column("audience_id", Id, nullable=False),
        sa.Column("opens_at", Instant(), nullable=False),
        sa.Column("opened_at", Instant()),
        sa.ForeignKeyConstraint(
            ["audience_id"],
            ["audience.id"],
            name="fk_offer_list_tier_audience_id",
        ),
        sa.ForeignKeyConstraint(["list_id"], ["offer_list.id"], name="fk_offer_list_tier_list_id"),
        sa.PrimaryKeyConstraint("list_id", "audience_id", name="pk_offer_list_tier"),
    )
    op.create_table(
        "transfer",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("offer_id", Id),
        sa.Column("version_id", Id, nullable=False),
        sa.Column("copies", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("copies > 0", name="ck_transfer_copies"),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_transfer_offer_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_transfer_partner_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_version.id"], name="fk_transfer_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfer"),
        sa.UniqueConstraint("public_id", name="uq_transfer_public_id"),
    )
    op.create_index("ix_transfer_offer_id", "transfer", ["offer_id"])
    op.create_index("ix_transfer_partner_id", "transfer", ["partner_id"])
