"""Books travel: consignments, gifts both ways, serials, claims, the ledger and letters."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and what makes the ledger append-only."""
    _gifts()
    _serials()
    _consignments()
    _ledger()
    _guard_ledger()


def _gifts() -> None:
    """What is given without a list, and what comes in."""
    op.create_table(
        "gift",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="GIFT", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("batch_id", Id),
        sa.Column("budget_line", sa.Text(), server_default="", nullable=False),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", Instant()),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_at", Instant()),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name="fk_gift_batch_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_gift_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gift"),
        sa.UniqueConstraint("public_id", name="uq_gift_public_id"),
    )
    op.create_index("ix_gift_partner_id", "gift", ["partner_id"])
    op.create_index("ix_gift_state", "gift", ["state"])
    op.create_table(
        "gift_line",
        sa.Column("gift_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", Id),
        sa.Column("batch_position", sa.Integer()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("volumes", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger()),
        sa.CheckConstraint("copies > 0 AND volumes > 0", name="ck_gift_line_counts"),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"], name="fk_gift_line_gift_id"),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_gift_line_record_id"),
        sa.PrimaryKeyConstraint("gift_id", "position", name="pk_gift_line"),
        sa.UniqueConstraint("gift_id", "record_id", name="uq_gift_line_gift_id_record_id"),
    )
    op.create_table(
        "incoming_gift",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="GIFT", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("batch_id", Id),
        sa.Column("announced_titles", sa.Integer()),
        sa.Column("announced_volumes", sa.Integer()),
        sa.Column("announced_at", Instant(), nullable=False),
        sa.Column("received_on", sa.Date()),
        sa.Column("checked_at", Instant()),
        sa.Column("catalogued_at", Instant()),
        sa.Column("displayed_at", Instant()),
        sa.Column("acknowledged_at", Instant()),
        sa.Column("postage", sa.BigInteger()),
        sa.Column("postage_currency", sa.Text(), server_default="", nullable=False),
        sa.Column("weight", sa.Integer()),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name="fk_incoming_gift_batch_id"
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_incoming_gift_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incoming_gift"),
        sa.UniqueConstraint("public_id", name="uq_incoming_gift_public_id"),
    )
    op.create_index("ix_incoming_gift_partner_id", "incoming_gift", ["partner_id"])
    op.create_index("ix_incoming_gift_state", "incoming_gift", ["state"])
    op.create_table(
        "accession_line",
        sa.Column("incoming_gift_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", Id),
        sa.Column("batch_id", Id),
        sa.Column("batch_position", sa.Integer()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("isbn", Name, server_default="", nullable=False),
        sa.Column("announced", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("volumes", sa.Integer(), server_default="1", nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("accession_number", Name),
        sa.Column("barcode", Name, server_default="", nullable=False),
        sa.Column("shelf", sa.Text(), server_default="", nullable=False),
        sa.Column("translated_title", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name="fk_accession_line_batch_id"
        ),
        sa.ForeignKeyConstraint(
            ["incoming_gift_id"], ["incoming_gift.id"], name="fk_accession_line_incoming_gift_id"
        ),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_accession_line_record_id"),
        sa.PrimaryKeyConstraint("incoming_gift_id", "position", name="pk_accession_line"),
        sa.UniqueConstraint("accession_number", name="uq_accession_line_accession_number"),
        sa.UniqueConstraint(
            "batch_id", "batch_position", name="uq_accession_line_batch_id_batch_position"
        ),
    )
    op.create_index("ix_accession_line_barcode", "accession_line", ["barcode"])
    op.create_index(
        "ix_accession_line_isbn_incoming_gift_id", "accession_line", ["isbn", "incoming_gift_id"]
    )
    op.create_index("ix_accession_line_record_id", "accession_line", ["record_id"])
    op.create_table(
        "holding",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", Name, nullable=False),
        sa.Column("upload", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name="pk_holding"),
    )
    op.create_table(
        "selection",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("list_id", Id, nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant()),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["offer_list.id"], name="fk_selection_list_id"),
        sa.PrimaryKeyConstraint("id", name="pk_selection"),
        sa.UniqueConstraint("public_id", name="uq_selection_public_id"),
    )
    op.create_index("ix_selection_list_id", "selection", ["list_id"])
    op.create_table(
        "selection_choice",
        sa.Column("selection_id", Id, nullable=False),
        sa.Column("offer_id", Id, nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("chosen_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_selection_choice_offer_id"),
        sa.ForeignKeyConstraint(
            ["selection_id"], ["selection.id"], name="fk_selection_choice_selection_id"
        ),
        sa.PrimaryKeyConstraint("selection_id", "offer_id", name="pk_selection_choice"),
    )


def _serials() -> None:
    """Journals on exchange."""
    op.create_table(
        "exchange_serial",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("issn", Name, server_default="", nullable=False),
        sa.Column("record_id", Id),
        sa.Column("kind", sa.Text(), server_default="EXCHANGE", nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("per_year", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("first_volume", sa.Integer()),
        sa.Column("copies", sa.Integer(), server_default="1", nullable=False),
        sa.Column("claim_after", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_exchange_serial_partner_id"
        ),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_exchange_serial_record_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exchange_serial"),
        sa.UniqueConstraint("public_id", name="uq_exchange_serial_public_id"),
    )
    op.create_index("ix_exchange_serial_issn", "exchange_serial", ["issn"])
    op.create_index("ix_exchange_serial_partner_id", "exchange_serial", ["partner_id"])
    op.create_index("ix_exchange_serial_record_id", "exchange_serial", ["record_id"])
    op.create_table(
        "serial_issue",
        sa.Column("serial_id", Id, nullable=False),
        sa.Column("issue", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("moved_on", sa.Date()),
        sa.Column("resent_on", sa.Date()),
        sa.Column("tracking", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["serial_id"], ["exchange_serial.id"], name="fk_serial_issue_serial_id"
        ),
        sa.PrimaryKeyConstraint("serial_id", "issue", name="pk_serial_issue"),
    )
    op.create_index("ix_serial_issue_state_due_on", "serial_issue", ["state", "due_on"])


def _consignments() -> None:
    """What travels, and what is said of it when it arrives."""
    op.create_table(
        "consignment",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("number", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), server_default="", nullable=False),
        sa.Column("address_roman", sa.Text(), server_default="", nullable=False),
        sa.Column("address_local", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.String(length=2), server_default="", nullable=False),
        sa.Column("service", sa.Text(), server_default="SURFACE", nullable=False),
        sa.Column("carrier", sa.Text(), server_default="", nullable=False),
        sa.Column("customs", sa.JSON(), nullable=False),
        sa.Column("postage", sa.BigInteger()),
        sa.Column("postage_currency", sa.Text(), server_default="", nullable=False),
        sa.Column("postage_paid_by", sa.Text(), server_default="SENDER", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("gift_id", Id),
        sa.Column("titles", sa.Integer(), server_default="0", nullable=False),
        sa.Column("volumes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("packed_at", Instant()),
        sa.Column("dispatched_at", Instant()),
        sa.Column("dispatched_on", sa.Date()),
        sa.Column("delivered_at", Instant()),
        sa.Column("closed_at", Instant()),
        sa.Column("remind_at", Instant()),
        sa.Column("presume_at", Instant()),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["gift_id"], ["gift.id"], name="fk_consignment_gift_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_consignment_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consignment"),
        sa.UniqueConstraint("number", name="uq_consignment_number"),
        sa.UniqueConstraint("public_id", name="uq_consignment_public_id"),
    )
    op.create_index("ix_consignment_gift_id", "consignment", ["gift_id"])
    op.create_index("ix_consignment_partner_id_id", "consignment", ["partner_id", "id"])
    op.create_index(
        "ix_consignment_presume_at_waiting",
        "consignment",
        ["presume_at"],
        sqlite_where=sa.text("presume_at IS NOT NULL"),
        postgresql_where=sa.text("presume_at IS NOT NULL"),
    )
    op.create_index(
        "ix_consignment_remind_at_waiting",
        "consignment",
        ["remind_at"],
        sqlite_where=sa.text("remind_at IS NOT NULL"),
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index("ix_consignment_state_id", "consignment", ["state", "id"])
    op.create_table(
        "parcel",
        sa.Column("consignment_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tracking", Name, server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name="fk_parcel_consignment_id"
        ),
        sa.PrimaryKeyConstraint("consignment_id", "number", name="pk_parcel"),
    )
    op.create_table(
        "consignment_line",
        sa.Column("consignment_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transfer_id", Id),
        sa.Column("offer_id", Id),
        sa.Column("version_id", Id),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("volumes", sa.Integer(), nullable=False),
        sa.Column("parcel", sa.Integer()),
        sa.Column("packed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("barcode", Name, server_default="", nullable=False),
        sa.Column("tariff", sa.Text(), server_default="4901", nullable=False),
        sa.Column("value", sa.BigInteger()),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("released", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("copies > 0 AND volumes > 0", name="ck_consignment_line_counts"),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name="fk_consignment_line_consignment_id"
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_consignment_line_offer_id"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfer.id"], name="fk_consignment_line_transfer_id"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_version.id"], name="fk_consignment_line_version_id"
        ),
        sa.PrimaryKeyConstraint("consignment_id", "position", name="pk_consignment_line"),
    )
    op.create_index("ix_consignment_line_barcode", "consignment_line", ["barcode"])
    op.create_index("ix_consignment_line_offer_id", "consignment_line", ["offer_id"])
    op.create_index(
        "uq_consignment_line_transfer_id_held",
        "consignment_line",
        ["transfer_id"],
        unique=True,
        sqlite_where=sa.text("transfer_id IS NOT NULL AND NOT released"),
        postgresql_where=sa.text("transfer_id IS NOT NULL AND NOT released"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("consignment_id", Id, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("received_by", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name="fk_receipt_consignment_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        sa.UniqueConstraint("consignment_id", name="uq_receipt_consignment_id"),
        sa.UniqueConstraint("public_id", name="uq_receipt_public_id"),
    )
    op.create_table(
        "receipt_line",
        sa.Column("receipt_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name="fk_receipt_line_receipt_id"),
        sa.PrimaryKeyConstraint("receipt_id", "position", name="pk_receipt_line"),
    )
    op.create_table(
        "claim",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), server_default="", nullable=False),
        sa.Column("consignment_id", Id),
        sa.Column("position", sa.Integer()),
        sa.Column("incoming_gift_id", Id),
        sa.Column("serial_id", Id),
        sa.Column("issue", sa.Integer()),
        sa.Column("resent_id", Id),
        sa.Column("copies", sa.Integer(), server_default="1", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant()),
        sa.Column("answered_at", Instant()),
        sa.Column("closed_at", Instant()),
        sa.Column("due_at", Instant()),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignment.id"], name="fk_claim_consignment_id"
        ),
        sa.ForeignKeyConstraint(
            ["incoming_gift_id"], ["incoming_gift.id"], name="fk_claim_incoming_gift_id"
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_claim_partner_id"),
        sa.ForeignKeyConstraint(["resent_id"], ["consignment.id"], name="fk_claim_resent_id"),
        sa.ForeignKeyConstraint(["serial_id"], ["exchange_serial.id"], name="fk_claim_serial_id"),
        sa.PrimaryKeyConstraint("id", name="pk_claim"),
        sa.UniqueConstraint("public_id", name="uq_claim_public_id"),
    )
    op.create_index("ix_claim_consignment_id", "claim", ["consignment_id"])
    op.create_index("ix_claim_incoming_gift_id", "claim", ["incoming_gift_id"])
    op.create_index("ix_claim_partner_id", "claim", ["partner_id"])
    op.create_index("ix_claim_resent_id", "claim", ["resent_id"])
    op.create_index("ix_claim_serial_id_issue", "claim", ["serial_id", "issue"])
    op.create_index("ix_claim_state", "claim", ["state"])


def _ledger() -> None:
    """The balance, and the letters about it."""
    op.create_table(
        "ledger_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("material", sa.Text(), server_default="BOOK", nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("event_key", Name, nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=2), server_default="", nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("titles", sa.Integer(), nullable=False),
        sa.Column("volumes", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("counters", Id),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["counters"], ["ledger_entry.id"], name="fk_ledger_entry_counters"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_ledger_entry_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entry"),
        sa.UniqueConstraint("counters", name="uq_ledger_entry_counters"),
        sa.UniqueConstraint("event", "event_key", name="uq_ledger_entry_event_event_key"),
        sa.UniqueConstraint("public_id", name="uq_ledger_entry_public_id"),
    )
    op.create_index("ix_ledger_entry_partner_id_id", "ledger_entry", ["partner_id", "id"])
    op.create_table(
        "ledger_total",
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=2), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("opening", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("titles", sa.BigInteger(), nullable=False),
        sa.Column("volumes", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_ledger_total_partner_id"),
        sa.PrimaryKeyConstraint(
            "partner_id",
            "year",
            "direction",
            "kind",
            "material",
            "place",
            "city",
            "opening",
            "currency",
            name="pk_ledger_total",
        ),
    )
    op.create_index("ix_ledger_total_year", "ledger_total", ["year"])
    op.create_table(
        "letter_template",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("kind", "language", name="pk_letter_template"),
    )
    op.create_table(
        "letter",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("agreement_id", Id),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", Name, server_default="", nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("texts", sa.JSON(none_as_null=True)),
        sa.Column("original_id", Id),
        sa.Column("file_name", sa.Text(), server_default="", nullable=False),
        sa.Column("media_type", sa.Text(), server_default="", nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("mailed_at", Instant()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.id"], name="fk_letter_agreement_id"),
        sa.ForeignKeyConstraint(["original_id"], ["original.id"], name="fk_letter_original_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_letter_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
        sa.UniqueConstraint("public_id", name="uq_letter_public_id"),
    )
    op.create_index("ix_letter_agreement_id", "letter", ["agreement_id"])
    op.create_index("ix_letter_partner_id", "letter", ["partner_id"])


_MESSAGE = "the ledger is append-only"


def _guard_ledger() -> None:
    """Refuse every change of the ledger in the database itself."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_entry_no_{verb.lower()} BEFORE {verb} ON ledger_entry "
                f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            )
        # INSERT OR REPLACE removes a row without asking the trigger of DELETE.
        op.execute(
            "CREATE TRIGGER ledger_entry_no_replace BEFORE INSERT ON ledger_entry "  # noqa: S608
            "WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.id "
            "OR public_id = NEW.public_id OR counters = NEW.counters "
            "OR (event = NEW.event AND event_key = NEW.event_key)) "
            f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION ledger_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_refuse()"
    )
