"""Who gets what, and why: partners in full, agreements, matching, planned allocations, the log."""

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the exchange, and what makes the log append-only."""
    _widen()
    op.create_table(
        "agreement",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("our_signatory", sa.Text(), server_default="", nullable=False),
        sa.Column("signed_on", sa.Date()),
        sa.Column("signed_in", sa.Text(), server_default="", nullable=False),
        sa.Column("carries_out", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.Column("term_months", sa.Integer()),
        sa.Column("renews", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("mode", sa.Text(), server_default="SELECTIVE", nullable=False),
        sa.Column("basis", sa.Text(), server_default="OPEN", nullable=False),
        sa.Column("tolerance", sa.Integer()),
        sa.Column("allowance_first", sa.Integer()),
        sa.Column("allowance_per_year", sa.Integer()),
        sa.Column("postage", sa.Text(), server_default="SENDER", nullable=False),
        sa.Column("subjects", sa.Text(), server_default="", nullable=False),
        sa.Column("languages", sa.Text(), server_default="", nullable=False),
        sa.Column("reply_days", sa.Integer()),
        sa.Column("duties", sa.Text(), server_default="", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("warned_at", Instant()),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agreement"),
        sa.UniqueConstraint("public_id", name="uq_agreement_public_id"),
    )
    op.create_index("ix_agreement_state", "agreement", ["state"])
    op.create_table(
        "audit_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True)),
        sa.Column("after", sa.JSON(none_as_null=True)),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
        sa.UniqueConstraint("public_id", name="uq_audit_entry_public_id"),
    )
    op.create_index("ix_audit_entry_kind_name_id", "audit_entry", ["kind", "name", "id"])
    op.create_table(
        "match_rule",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_match_rule"),
    )
    op.create_table(
        "place_name",
        sa.Column("code", sa.String(length=2), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_place_name"),
    )
    op.create_table(
        "agreement_activity",
        sa.Column("agreement_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.id"], name="fk_agreement_activity_agreement_id"
        ),
        sa.PrimaryKeyConstraint("agreement_id", "position", name="pk_agreement_activity"),
    )
    op.create_table(
        "agreement_document",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("agreement_id", Id, nullable=False),
        sa.Column("original_id", Id, nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.id"], name="fk_agreement_document_agreement_id"
        ),
        sa.ForeignKeyConstraint(
            ["original_id"], ["original.id"], name="fk_agreement_document_original_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_document"),
        sa.UniqueConstraint("public_id", name="uq_agreement_document_public_id"),
    )
    op.create_index("ix_agreement_document_agreement_id", "agreement_document", ["agreement_id"])
    op.create_table(
        "agreement_party",
        sa.Column("agreement_id", Id, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("signatory", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.id"], name="fk_agreement_party_agreement_id"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_agreement_party_partner_id"
        ),
        sa.PrimaryKeyConstraint("agreement_id", "partner_id", name="pk_agreement_party"),
    )
    op.create_index("ix_agreement_party_partner_id", "agreement_party", ["partner_id"])
    op.create_table(
        "digest_mark",
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("recipient", Name, nullable=False),
        sa.Column("announcement_id", Id, nullable=False),
        sa.Column("mailed_at", Instant()),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_digest_mark_partner_id"),
        sa.PrimaryKeyConstraint("partner_id", "recipient", name="pk_digest_mark"),
    )
    op.create_table(
        "mail",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", Instant()),
        sa.Column("sent_at", Instant()),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_mail_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.UniqueConstraint("public_id", name="uq_mail_public_id"),
    )
    op.create_index("ix_mail_due_at", "mail", ["due_at"])
    op.create_index("ix_announcement_partner_id_id", "announcement", ["partner_id", "id"])
    op.create_index("ix_mail_partner_id", "mail", ["partner_id"])
    op.create_table(
        "partner_contact",
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), server_default="NEVER", nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_partner_contact_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "position", name="pk_partner_contact"),
    )
    op.create_table(
        "partner_name",
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("language", Name, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_partner_name_partner_id"),
        sa.PrimaryKeyConstraint("partner_id", "language", name="pk_partner_name"),
    )
    op.create_table(
        "standing_wish",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("registers", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_standing_wish_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_standing_wish"),
        sa.UniqueConstraint("public_id", name="uq_standing_wish_public_id"),
    )
    op.create_index("ix_standing_wish_partner_id", "standing_wish", ["partner_id"])
    op.create_table(
        "allocation_partner",
        sa.Column("run_id", Id, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_allocation_partner_partner_id"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["allocation_run.id"], name="fk_allocation_partner_run_id"
        ),
        sa.PrimaryKeyConstraint("run_id", "partner_id", name="pk_allocation_partner"),
    )
    op.create_table(
        "standing_match",
        sa.Column("standing_wish_id", Id, nullable=False),
        sa.Column("offer_id", Id, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("matched_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_standing_match_offer_id"),
        sa.ForeignKeyConstraint(
            ["standing_wish_id"], ["standing_wish.id"], name="fk_standing_match_standing_wish_id"
        ),
        sa.PrimaryKeyConstraint("standing_wish_id", "offer_id", name="pk_standing_match"),
    )
    op.create_index("ix_standing_match_offer_id", "standing_match", ["offer_id"])
    op.create_table(
        "wish_key",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("wish_list_id", Id, nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["wish_list_id", "line_no"],
            ["wish.wish_list_id", "wish.line_no"],
            name="fk_wish_key_wish_list_id",
        ),
        sa.PrimaryKeyConstraint("kind", "value", "wish_list_id", "line_no", name="pk_wish_key"),
    )
    op.create_index("ix_wish_key_wish_list_id_line_no", "wish_key", ["wish_list_id", "line_no"])
    _settle_what_was_given()
    _guard_log()


def _widen() -> None:
    """Add columns to the tables that there are."""
    with op.batch_alter_table("allocation") as batch:
        batch.add_column(sa.Column("state", sa.Text(), server_default="CONFIRMED", nullable=False))
        batch.add_column(sa.Column("facts", sa.JSON(none_as_null=True)))
        batch.add_column(sa.Column("differs", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("answer_until", Instant()))
        batch.create_index("ix_allocation_offer_id_rank", ["offer_id", "rank"])
        batch.create_index(
            "ix_allocation_partner_id_run_id_position", ["partner_id", "run_id", "position"]
        )
        batch.create_index(
            "ix_allocation_answer_until_offered",
            ["answer_until"],
            sqlite_where=sa.text("state = 'OFFERED'"),
            postgresql_where=sa.text("state = 'OFFERED'"),
        )
    with op.batch_alter_table("allocation_run") as batch:
        batch.add_column(sa.Column("state", sa.Text(), server_default="CONFIRMED", nullable=False))
        batch.add_column(sa.Column("seed", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("confirmed_at", Instant()))
        batch.add_column(sa.Column("inputs", sa.JSON(none_as_null=True)))
    with op.batch_alter_table("offer") as batch:
        batch.add_column(sa.Column("allocated", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("volumes", sa.Integer(), server_default="1", nullable=False))
        batch.add_column(sa.Column("condition", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("not_to", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
        batch.add_column(sa.Column("matched_version_id", Id))
        batch.add_column(sa.Column("matched_keys", sa.Text()))
        batch.create_index("ix_offer_matched_version_id", ["matched_version_id"])
        batch.create_foreign_key(
            "fk_offer_matched_version_id", "record_version", ["matched_version_id"], ["id"]
        )
        batch.create_check_constraint(
            "ck_offer_allocated", "allocated >= 0 AND allocated <= copies"
        )
    with op.batch_alter_table("offer_list") as batch:
        batch.add_column(sa.Column("source", sa.Text(), server_default="DUPLICATE", nullable=False))
        batch.add_column(sa.Column("policy", sa.Text(), server_default="PRIORITY", nullable=False))
        batch.add_column(sa.Column("max_per_partner", sa.Integer()))
        batch.add_column(sa.Column("min_parcel", sa.Integer()))
        batch.add_column(sa.Column("not_to", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    with op.batch_alter_table("partner") as batch:
        batch.add_column(sa.Column("type", sa.Text(), server_default="OTHER", nullable=False))
        batch.add_column(sa.Column("languages", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("website", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("address_roman", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("address_local", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("dialect", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("encoding", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("profile", sa.JSON(none_as_null=True)))
        batch.add_column(sa.Column("priority", sa.Integer(), server_default="2", nullable=False))
        batch.add_column(sa.Column("per_list", sa.Integer()))
        batch.add_column(sa.Column("per_year", sa.Integer()))
        batch.add_column(sa.Column("notes", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("merged_into", Id))
        batch.add_column(sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
        batch.create_index("ix_partner_merged_into", ["merged_into"])
        batch.create_foreign_key("fk_partner_merged_into", "partner", ["merged_into"], ["id"])
    with op.batch_alter_table("wish") as batch:
        batch.add_column(sa.Column("wanted", sa.JSON(none_as_null=True)))


def _settle_what_was_given() -> None:
    """Say of earlier allocations what their state is, and of offers what of them is given."""
    op.execute("UPDATE allocation_run SET confirmed_at = begun_at")
    op.execute("UPDATE allocation SET state = 'NOT_ALLOCATED' WHERE given = 0")
    op.execute(
        "UPDATE offer SET allocated = (SELECT COALESCE(SUM(allocation.given), 0) FROM allocation "
        "WHERE allocation.offer_id = offer.id) "
        "WHERE id IN (SELECT offer_id FROM allocation WHERE given > 0)"
    )


_MESSAGE = "the audit log is append-only"


def _guard_log() -> None:
    """Refuse every change of the log in the database itself."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entry_no_{verb.lower()} BEFORE {verb} ON audit_entry "
                f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            )
        # INSERT OR REPLACE removes a row without asking the trigger of DELETE.
        op.execute(
            "CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry "  # noqa: S608
            "WHEN EXISTS "
            "(SELECT 1 FROM audit_entry WHERE id = NEW.id OR public_id = NEW.public_id) "
            f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()"
    )
