"""Visitors see what was donated: exhibitions, and an index by which the country corner is read."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of exhibitions, and the index of the country corner."""
    _exhibitions()
    op.create_index(
        "ix_ledger_entry_accessions",
        "ledger_entry",
        ["place", "event_key", "city"],
        sqlite_where=sa.text("event = 'ACCESSION'"),
        postgresql_where=sa.text("event = 'ACCESSION'"),
    )


def _exhibitions() -> None:
    op.create_table(
        "exhibition",
        sa.Column("id", Id, nullable=False),
        sa.Column("slug", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("words", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("opens_on <= closes_on", name="ck_exhibition_days"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_exhibition_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exhibition"),
        sa.UniqueConstraint("slug", name="uq_exhibition_slug"),
    )
    op.create_index("ix_exhibition_partner_id", "exhibition", ["partner_id"])
    op.create_index("ix_exhibition_closes_on", "exhibition", ["closes_on"])
    op.create_table(
        "exhibition_book",
        sa.Column("exhibition_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("incoming_gift_id", Id, nullable=False),
        sa.Column("accession_position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exhibition_id"], ["exhibition.id"], name="fk_exhibition_book_exhibition_id"
        ),
        sa.ForeignKeyConstraint(
            ["incoming_gift_id", "accession_position"],
            ["accession_line.incoming_gift_id", "accession_line.position"],
            name="fk_exhibition_book_accession_line",
        ),
        sa.PrimaryKeyConstraint("exhibition_id", "position", name="pk_exhibition_book"),
        sa.UniqueConstraint(
            "exhibition_id",
            "incoming_gift_id",
            "accession_position",
            name="uq_exhibition_book_accession_line",
        ),
    )
    op.create_index(
        "ix_exhibition_book_accession_line",
        "exhibition_book",
        ["incoming_gift_id", "accession_position"],
    )
