"""The foundation: who, records, imports, offers, the feed, wishes, jobs, search."""

import time

import sqlalchemy as sa
from alembic import op

from service.store.tables import Id, Instant, Name

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, and the rows that are there from the first day."""
    op.create_table(
        "account",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sa.UniqueConstraint("public_id", name="uq_account_public_id"),
    )
    op.create_table(
        "audience",
        sa.Column("id", Id, nullable=False),
        sa.Column("code", Name, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audience"),
        sa.UniqueConstraint("code", name="uq_audience_code"),
    )
    op.create_table(
        "feed_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("p", sa.BigInteger(), nullable=False),
        sa.Column("earliest", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_feed_clock_single"),
        sa.PrimaryKeyConstraint("id", name="pk_feed_clock"),
    )
    op.create_table(
        "feed_dirty",
        sa.Column("n", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_feed_dirty"),
    )
    op.create_table(
        "job",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("public_id", name="uq_job_public_id"),
    )
    op.create_index("ix_job_state_id", "job", ["state", "id"], unique=False)
    op.create_table(
        "original",
        sa.Column("id", Id, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_original"),
        sa.UniqueConstraint("sha256", name="uq_original_sha256"),
    )
    op.create_table(
        "partner",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("code", Name, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.String(length=2), server_default="", nullable=False),
        sa.Column("isil", sa.Text(), nullable=True),
        sa.Column("isil_folded", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
        sa.UniqueConstraint("code", name="uq_partner_code"),
        sa.UniqueConstraint("isil_folded", name="uq_partner_isil_folded"),
        sa.UniqueConstraint("public_id", name="uq_partner_public_id"),
    )
    op.create_table(
        "record",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("current_version_id", Id, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        *_current_version_key(),
        sa.PrimaryKeyConstraint("id", name="pk_record"),
        sa.UniqueConstraint("current_version_id", name="uq_record_current_version_id"),
        sa.UniqueConstraint("public_id", name="uq_record_public_id"),
    )
    op.create_table(
        "api_token",
        sa.Column("id", Id, nullable=False),
        sa.Column("partner_id", Id, nullable=True),
        sa.Column("account_id", Id, nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "(partner_id IS NULL) <> (account_id IS NULL)", name="ck_api_token_one_owner"
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_api_token_account_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_api_token_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("digest", name="uq_api_token_digest"),
    )
    op.create_index("ix_api_token_account_id", "api_token", ["account_id"], unique=False)
    op.create_index("ix_api_token_partner_id", "api_token", ["partner_id"], unique=False)
    op.create_table(
        "audience_member",
        sa.Column("audience_id", Id, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name="fk_audience_member_audience_id"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_audience_member_partner_id"
        ),
        sa.PrimaryKeyConstraint("audience_id", "partner_id", name="pk_audience_member"),
    )
    op.create_index(
        "ix_audience_member_partner_id", "audience_member", ["partner_id"], unique=False
    )
    op.create_table(
        "feed_stream",
        sa.Column("id", Id, nullable=False),
        sa.Column("audience_id", Id, nullable=False),
        sa.Column("set_spec", Name, nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name="fk_feed_stream_audience_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feed_stream"),
        sa.UniqueConstraint("audience_id", "set_spec", name="uq_feed_stream_audience_id_set_spec"),
    )
    op.create_table(
        "offer_list",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("slug", Name, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("audience_id", Id, nullable=False),
        sa.Column("opens_at", Instant(), nullable=True),
        sa.Column("closes_at", Instant(), nullable=True),
        sa.Column("zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audience.id"], name="fk_offer_list_audience_id"),
        sa.PrimaryKeyConstraint("id", name="pk_offer_list"),
        sa.UniqueConstraint("public_id", name="uq_offer_list_public_id"),
        sa.UniqueConstraint("slug", name="uq_offer_list_slug"),
    )
    op.create_index("ix_offer_list_state", "offer_list", ["state"], unique=False)
    op.create_table(
        "original_chunk",
        sa.Column("original_id", Id, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["original_id"],
            ["original.id"],
            name="fk_original_chunk_original_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("original_id", "start", name="pk_original_chunk"),
    )
    op.create_table(
        "record_version",
        sa.Column("id", Id, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("control_key", sa.Text(), nullable=True),
        sa.Column("original_id", Id, nullable=False),
        sa.Column("original_offset", sa.BigInteger(), nullable=False),
        sa.Column("original_length", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_vernacular", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_vernacular", sa.Text(), nullable=False),
        sa.Column("publisher", sa.Text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=2), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("isbns", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["original_id"], ["original.id"], name="fk_record_version_original_id"
        ),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_record_version_record_id"),
        sa.PrimaryKeyConstraint("id", name="pk_record_version"),
    )
    op.create_index(
        "ix_record_version_control_key", "record_version", ["control_key"], unique=False
    )
    op.create_index("ix_record_version_digest", "record_version", ["digest"], unique=False)
    op.create_index("ix_record_version_record_id", "record_version", ["record_id"], unique=False)
    op.create_table(
        "wish_list",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("list_key", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("original_id", Id, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["original_id"], ["original.id"], name="fk_wish_list_original_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_wish_list_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_wish_list"),
        sa.UniqueConstraint(
            "partner_id", "idempotency_key", name="uq_wish_list_partner_id_idempotency_key"
        ),
        sa.UniqueConstraint("public_id", name="uq_wish_list_public_id"),
    )
    op.create_index(
        "ix_wish_list_partner_id_channel_list_key",
        "wish_list",
        ["partner_id", "channel", "list_key"],
        unique=False,
    )
    op.create_table(
        "feed_item",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("version_id", Id, nullable=False),
        sa.Column("sets", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_version.id"], name="fk_feed_item_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feed_item"),
        sa.UniqueConstraint("kind", "public_id", name="uq_feed_item_kind_public_id"),
        sa.UniqueConstraint("kind", "source_id", name="uq_feed_item_kind_source_id"),
    )
    op.create_table(
        "import_batch",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("original_id", Id, nullable=False),
        sa.Column("list_id", Id, nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage_only", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("committed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["offer_list.id"], name="fk_import_batch_list_id"),
        sa.ForeignKeyConstraint(
            ["original_id"], ["original.id"], name="fk_import_batch_original_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_batch"),
        sa.UniqueConstraint("original_id", "list_id", name="uq_import_batch_original_id_list_id"),
        sa.UniqueConstraint("public_id", name="uq_import_batch_public_id"),
    )
    op.create_index("ix_import_batch_list_id", "import_batch", ["list_id"], unique=False)
    op.create_table(
        "match_key",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("version_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_version.id"], name="fk_match_key_version_id"
        ),
        sa.PrimaryKeyConstraint("kind", "value", "version_id", name="pk_match_key"),
    )
    op.create_index("ix_match_key_version_id", "match_key", ["version_id"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("list_id", Id, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("pinned_version_id", Id, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("copies", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("copies > 0", name="ck_offer_copies"),
        sa.ForeignKeyConstraint(["list_id"], ["offer_list.id"], name="fk_offer_list_id"),
        sa.ForeignKeyConstraint(
            ["pinned_version_id"], ["record_version.id"], name="fk_offer_pinned_version_id"
        ),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_offer_record_id"),
        sa.PrimaryKeyConstraint("id", name="pk_offer"),
        sa.UniqueConstraint("public_id", name="uq_offer_public_id"),
    )
    op.create_index("ix_offer_pinned_version_id", "offer", ["pinned_version_id"], unique=False)
    op.create_index("ix_offer_record_id", "offer", ["record_id"], unique=False)
    op.create_index(
        "uq_offer_list_id_record_id_offered",
        "offer",
        ["list_id", "record_id"],
        unique=True,
        sqlite_where=sa.text("state = 'OFFERED'"),
        postgresql_where=sa.text("state = 'OFFERED'"),
    )
    op.create_table(
        "rendition",
        sa.Column("version_id", Id, nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_version.id"], name="fk_rendition_version_id"
        ),
        sa.PrimaryKeyConstraint("version_id", "prefix", name="pk_rendition"),
    )
    op.create_table(
        "feed_entry",
        sa.Column("item_id", Id, nullable=False),
        sa.Column("stream_id", Id, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["feed_item.id"], name="fk_feed_entry_item_id"),
        sa.ForeignKeyConstraint(["stream_id"], ["feed_stream.id"], name="fk_feed_entry_stream_id"),
        sa.PrimaryKeyConstraint("item_id", "stream_id", name="pk_feed_entry"),
    )
    op.create_index(
        "ix_feed_entry_stream_id_stamp_item_id",
        "feed_entry",
        ["stream_id", "stamp", "item_id"],
        unique=False,
    )
    op.create_table(
        "import_line",
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("control_number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("encoding_certain", sa.Boolean(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("record_id", Id, nullable=True),
        sa.Column("version_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name="fk_import_line_batch_id"),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name="fk_import_line_record_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_version.id"], name="fk_import_line_version_id"
        ),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_import_line"),
    )
    op.create_index("ix_import_line_record_id", "import_line", ["record_id"], unique=False)
    op.create_index("ix_import_line_version_id", "import_line", ["version_id"], unique=False)
    op.create_table(
        "wish",
        sa.Column("wish_list_id", Id, nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partner_id", Id, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("offer_id", Id, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wished_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name="fk_wish_offer_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_wish_partner_id"),
        sa.ForeignKeyConstraint(["wish_list_id"], ["wish_list.id"], name="fk_wish_wish_list_id"),
        sa.PrimaryKeyConstraint("wish_list_id", "line_no", name="pk_wish"),
    )
    op.create_index("ix_wish_offer_id", "wish", ["offer_id"], unique=False)
    op.create_index(
        "uq_wish_partner_id_target_open",
        "wish",
        ["partner_id", "target"],
        unique=True,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    if not _on_sqlite():
        op.create_foreign_key(
            "fk_record_current_version_id",
            "record",
            "record_version",
            ["current_version_id"],
            ["id"],
        )
    _search()
    _first_rows()


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _current_version_key() -> list[sa.ForeignKeyConstraint]:
    """Return the key from a record to its current version, where it can be made at once.

    The two tables point at each other. SQLite takes a key to a table that is still to come and
    knows no other moment to add one; PostgreSQL the reverse.
    """
    if not _on_sqlite():
        return []
    return [
        sa.ForeignKeyConstraint(
            ["current_version_id"], ["record_version.id"], name="fk_record_current_version_id"
        )
    ]


def _search() -> None:
    if _on_sqlite():
        op.execute(
            "CREATE VIRTUAL TABLE search_text USING fts5("
            "terms, content='', detail=none, tokenize=\"unicode61 remove_diacritics 0\")"
        )
    else:
        op.execute(
            "CREATE TABLE search_text (version_id BIGINT PRIMARY KEY "
            "REFERENCES record_version (id), terms TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX ix_search_text_terms ON search_text USING gin (terms)")


def _first_rows() -> None:
    op.execute("INSERT INTO audience (id, code, kind) VALUES (1, 'public', 'PUBLIC')")
    op.execute("INSERT INTO feed_stream (id, audience_id, set_spec) VALUES (1, 1, '')")
    if not _on_sqlite():
        op.execute("SELECT setval(pg_get_serial_sequence('audience', 'id'), 1)")
        op.execute("SELECT setval(pg_get_serial_sequence('feed_stream', 'id'), 1)")
    now = int(time.time())
    op.execute(f"INSERT INTO feed_clock (id, p, earliest) VALUES (1, {now}, {now})")  # noqa: S608
