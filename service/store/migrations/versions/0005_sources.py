"""Whom we harvest, what came, and what we wish for of it."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add sources, their harvests, and our own wishes."""
    with op.batch_alter_table("offer_list") as batch:
        batch.add_column(sa.Column("offered_by", Id))
        batch.create_index("ix_offer_list_offered_by", ["offered_by"])
        batch.create_foreign_key("fk_offer_list_offered_by", "partner", ["offered_by"], ["id"])
    op.create_table(
        "source",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("set_spec", sa.Text(), server_default="", nullable=False),
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("credentials", sa.LargeBinary()),
        sa.Column("every", sa.Integer(), server_default="0", nullable=False),
        sa.Column("auto_commit", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("wishes_url", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("list_id", Id),
        sa.Column("next_from", sa.BigInteger()),
        sa.Column("due_at", Instant()),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["offer_list.id"], name="fk_source_list_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_source_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.UniqueConstraint("name", name="uq_source_name"),
        sa.UniqueConstraint("public_id", name="uq_source_public_id"),
    )
    op.create_index("ix_source_due_at", "source", ["due_at"])
    op.create_index("ix_source_partner_id", "source", ["partner_id"])
    op.create_table(
        "harvest",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("task", sa.JSON()),
        sa.Column("point", sa.JSON()),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("records", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deleted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("octets", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("original_id", Id),
        sa.Column("batch_id", Id),
        sa.Column("notes", sa.JSON()),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant()),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name="fk_harvest_batch_id"),
        sa.ForeignKeyConstraint(["original_id"], ["original.id"], name="fk_harvest_original_id"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_harvest_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_harvest"),
        sa.UniqueConstraint("public_id", name="uq_harvest_public_id"),
    )
    op.create_index("ix_harvest_source_id", "harvest", ["source_id"])
    op.create_index(
        "uq_harvest_source_id_running",
        "harvest",
        ["source_id"],
        unique=True,
        sqlite_where=sa.text("state = 'RUNNING'"),
        postgresql_where=sa.text("state = 'RUNNING'"),
    )
    op.create_table(
        "harvest_line",
        sa.Column("harvest_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identifier", Name, nullable=False),
        sa.Column("datestamp", sa.Text(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("about", sa.LargeBinary()),
        sa.Column("offset", sa.BigInteger()),
        sa.Column("length", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["harvest_id"],
            ["harvest.id"],
            ondelete="CASCADE",
            name="fk_harvest_line_harvest_id",
        ),
        sa.PrimaryKeyConstraint("harvest_id", "position", name="pk_harvest_line"),
    )
    op.create_index(
        "ix_harvest_line_harvest_id_identifier", "harvest_line", ["harvest_id", "identifier"]
    )
    op.create_index("ix_harvest_line_harvest_id_offset", "harvest_line", ["harvest_id", "offset"])
    op.create_table(
        "harvested",
        sa.Column("source_id", Id, nullable=False),
        sa.Column("identifier", Name, nullable=False),
        sa.Column("datestamp", sa.Text(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("harvest_id", Id, nullable=False),
        sa.Column("record_id", Id),
        sa.Column("wish_list_id", Id),
        sa.Column("line_no", sa.Integer()),
        sa.Column("digest", sa.LargeBinary(32)),
        sa.ForeignKeyConstraint(["harvest_id"], ["harvest.id"], name="fk_harvested_harvest_id"),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_harvested_record_id"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_harvested_source_id"),
        sa.ForeignKeyConstraint(
            ["wish_list_id"], ["wish_list.id"], name="fk_harvested_wish_list_id"
        ),
        sa.PrimaryKeyConstraint("source_id", "identifier", name="pk_harvested"),
    )
    op.create_index("ix_harvested_record_id", "harvested", ["record_id"])
    op.create_table(
        "own_wish",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("offer_id", Id, nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("identifier", Name, nullable=False),
        sa.Column("sending", Name),
        sa.Column("line_no", sa.Integer()),
        sa.Column("answer_url", sa.Text()),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("wished_by", sa.Text(), server_default="", nullable=False),
        sa.Column("wished_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant()),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_own_wish_offer_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_own_wish_partner_id"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_own_wish_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_own_wish"),
        sa.UniqueConstraint("offer_id", name="uq_own_wish_offer_id"),
        sa.UniqueConstraint("public_id", name="uq_own_wish_public_id"),
    )
    op.create_index("ix_own_wish_partner_id", "own_wish", ["partner_id"])
    op.create_index("ix_own_wish_sending", "own_wish", ["sending"])
