"""The tables, as SQLAlchemy Core sees them; ``migrations/`` makes them, a test holds both equal.

Integers inside, a public id (ULID) outside. Instants are UTC (``Instant``); the stamps of the
public feed are whole seconds since the epoch, as integers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Names that pages are keyed by sort by their code points in every database, whatever its locale.
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# SQLite numbers rows by itself only for a column that is spelt INTEGER PRIMARY KEY.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Instant(sa.TypeDecorator[datetime]):
    """A moment: aware datetimes in and out, UTC in the database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Refuse a moment without a zone, and turn any other into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _: sa.Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _public_id() -> Column[str]:
    return Column("public_id", Name, nullable=False, unique=True)


# --- who ---------------------------------------------------------------------------------------

partner = Table(
    "partner",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("code", Name, nullable=False, unique=True),
    Column("name", sa.Text, nullable=False),
    Column("city", sa.Text, nullable=False, server_default=""),
    Column("place", sa.String(2), nullable=False, server_default=""),
    Column("isil", sa.Text),
    Column("isil_folded", sa.Text, unique=True),
    Column("state", sa.Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("type", sa.Text, nullable=False, server_default="OTHER"),
    Column("languages", sa.Text, nullable=False, server_default=""),  # MARC codes, blanks between
    Column("website", sa.Text, nullable=False, server_default=""),
    # The postal address as the carrier reads it, and in the local script.
    Column("address_roman", sa.Text, nullable=False, server_default=""),
    Column("address_local", sa.Text, nullable=False, server_default=""),
    # How its records are written, and how it wants ours; "" is: as the file says.
    Column("dialect", sa.Text, nullable=False, server_default=""),
    Column("encoding", sa.Text, nullable=False, server_default=""),
    Column("profile", sa.JSON(none_as_null=True)),  # what it collects (domain.subject_profile)
    Column("priority", sa.Integer, nullable=False, server_default="2"),  # 1 comes first, 3 last
    # Copies that it may get of one list, and in a calendar year; NULL: no bound.
    Column("per_list", sa.Integer),
    Column("per_year", sa.Integer),
    Column("notes", sa.Text, nullable=False, server_default=""),
    Column("merged_into", Id, ForeignKey("partner.id"), index=True),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

# Names of a partner in the languages and scripts that it has them in, by BCP 47 tags.
partner_name = Table(
    "partner_name",
    metadata,
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True),
    Column("language", Name, primary_key=True),
    Column("name", sa.Text, nullable=False),
)

partner_contact = Table(
    "partner_contact",
    metadata,
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("name", sa.Text, nullable=False),
    Column("role", sa.Text, nullable=False, server_default=""),
    Column("email", sa.Text, nullable=False, server_default=""),
    Column("phone", sa.Text, nullable=False, server_default=""),
    Column("language", sa.Text, nullable=False, server_default=""),
    # How often mail tells what happened: NEVER, AT_ONCE or DAILY.
    Column("digest", sa.Text, nullable=False, server_default="NEVER"),
)

# The site's own names for countries and regions, where it does not want ours, and what they count
# when copies are given.
place_name = Table(
    "place_name",
    metadata,
    Column("code", sa.String(2), primary_key=True),
    Column("name", sa.Text, nullable=False),
    Column("region", sa.Text, nullable=False, server_default=""),
    Column("weight", sa.Integer, nullable=False, server_default="0"),
)

# --- what was agreed ----------------------------------------------------------------------------

agreement = Table(
    "agreement",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("title", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False, index=True),
    Column("scope", sa.Text, nullable=False),  # of BOOKS CITIZENS POLICY STAFF, blanks between
    Column("our_signatory", sa.Text, nullable=False, server_default=""),
    Column("signed_on", sa.Date),
    Column("signed_in", sa.Text, nullable=False, server_default=""),
    # The agreement between governments that this one carries out, if any.
    Column("carries_out", sa.Text, nullable=False, server_default=""),
    Column("starts_on", sa.Date),
    Column("ends_on", sa.Date),
    Column("term_months", sa.Integer),
    Column("renews", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("mode", sa.Text, nullable=False, server_default="SELECTIVE"),
    Column("basis", sa.Text, nullable=False, server_default="OPEN"),
    Column("tolerance", sa.Integer),  # in what the basis counts; NULL: any
    Column("allowance_first", sa.Integer),
    Column("allowance_per_year", sa.Integer),
    Column("postage", sa.Text, nullable=False, server_default="SENDER"),
    Column("subjects", sa.Text, nullable=False, server_default=""),
    Column("languages", sa.Text, nullable=False, server_default=""),
    Column("reply_days", sa.Integer),
    Column("duties", sa.Text, nullable=False, server_default=""),  # display, feedback, in words
    Column("notes", sa.Text, nullable=False, server_default=""),
    Column("warned_at", Instant),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
)

agreement_party = Table(
    "agreement_party",
    metadata,
    Column("agreement_id", Id, ForeignKey("agreement.id"), primary_key=True),
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True, index=True),
    Column("signatory", sa.Text, nullable=False, server_default=""),
)

agreement_activity = Table(
    "agreement_activity",
    metadata,
    Column("agreement_id", Id, ForeignKey("agreement.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("kind", sa.Text, nullable=False),
    Column("title", sa.Text, nullable=False),
    Column("starts_on", sa.Date),
    Column("ends_on", sa.Date),
)

agreement_document = Table(
    "agreement_document",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("agreement_id", Id, ForeignKey("agreement.id"), nullable=False, index=True),
    Column("original_id", Id, ForeignKey("original.id"), nullable=False),
    Column("file_name", sa.Text, nullable=False),
    Column("media_type", sa.Text, nullable=False),
    Column("title", sa.Text, nullable=False, server_default=""),
    Column("added_by", sa.Text, nullable=False),
    Column("added_at", Instant, nullable=False),
)

# --- who did what -------------------------------------------------------------------------------

# Triggers keep anybody from changing, replacing or removing a row.
audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("at", Instant, nullable=False),
    Column("actor", sa.Text, nullable=False),
    Column("action", sa.Text, nullable=False),
    Column("kind", sa.Text, nullable=False),  # of what: partner, agreement, offer_list, …
    Column("name", sa.Text, nullable=False),  # its code, slug or public id
    Column("before", sa.JSON(none_as_null=True)),
    Column("after", sa.JSON(none_as_null=True)),
    Column("reason", sa.Text, nullable=False, server_default=""),
    Index("ix_audit_entry_kind_name_id", "kind", "name", "id"),
)

# People who sign in: staff, and a partner's people, who are bound to it.
account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("name", sa.Text, nullable=False, unique=True),
    Column("role", sa.Text, nullable=False, server_default="cataloguer"),  # the one with least
    Column("partner_id", Id, ForeignKey("partner.id"), index=True),
    Column("full_name", sa.Text, nullable=False, server_default=""),
    Column("email", Name, nullable=False, server_default="", index=True),
    Column("password", sa.Text, nullable=False, server_default=""),  # argon2id; "": none yet
    Column("locale", sa.Text, nullable=False, server_default=""),  # "": as the browser prefers
    Column("disabled_at", Instant),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("(role = 'partner') = (partner_id IS NOT NULL)", name="partner"),
)

# Browsers in which somebody is signed in; the token itself is in its cookie alone.
session = Table(
    "session",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    Column("account_id", Id, ForeignKey("account.id"), nullable=False, index=True),
    Column("browser", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("revoked_at", Instant),
)

# Links that let somebody in once; what opens is their public id signed with the site's key.
account_link = Table(
    "account_link",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("account_id", Id, ForeignKey("account.id"), nullable=False, index=True),
    Column("purpose", sa.Text, nullable=False),  # invitation, reset, sign_in
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("used_at", Instant),
)

# How often it was tried to sign in under a name or from an address, and when it may be tried again.
sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("digest", sa.LargeBinary(32), primary_key=True),  # of what was tried: SHA-256
    Column("failures", sa.Integer, nullable=False),
    Column("tried_at", Instant, nullable=False, index=True),
    Column("next_at", Instant, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), index=True),
    Column("account_id", Id, ForeignKey("account.id"), index=True),
    Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    Column("label", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("expires_at", Instant),  # NULL: never
    Column("revoked_at", Instant),
    CheckConstraint("(partner_id IS NULL) <> (account_id IS NULL)", name="one_owner"),
)

audience = Table(
    "audience",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", Name, nullable=False, unique=True),
    Column("kind", sa.Text, nullable=False),
)

audience_member = Table(
    "audience_member",
    metadata,
    Column("audience_id", Id, ForeignKey("audience.id"), primary_key=True),
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True, index=True),
    # What was decided; what the feed has told of it are the stamps, made by the publisher alone.
    Column("belongs", sa.Boolean, nullable=False, server_default=sa.true()),
    Column("since", sa.BigInteger),
    Column("left", sa.BigInteger),
)

# --- originals and records ----------------------------------------------------------------------

original = Table(
    "original",
    metadata,
    Column("id", Id, primary_key=True),
    Column("sha256", sa.LargeBinary(32), unique=True),  # NULL while the bytes are still arriving
    Column("size", sa.BigInteger, nullable=False),
    Column("received_at", Instant, nullable=False),
)

original_chunk = Table(
    "original_chunk",
    metadata,
    Column("original_id", Id, ForeignKey("original.id", ondelete="CASCADE"), primary_key=True),
    Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("length", sa.Integer, nullable=False),
    Column("body", sa.LargeBinary, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    # NULL until the import that brought the record is committed.
    Column(
        "current_version_id",
        Id,
        ForeignKey("record_version.id", use_alter=True, name="fk_record_current_version_id"),
        unique=True,
    ),
    Column("created_at", Instant, nullable=False),
)

record_version = Table(
    "record_version",
    metadata,
    Column("id", Id, primary_key=True),
    Column("record_id", Id, ForeignKey("record.id"), nullable=False, index=True),
    Column("canonical", sa.LargeBinary, nullable=False),
    Column("digest", sa.LargeBinary(32), nullable=False, index=True),
    Column("control_key", sa.Text, index=True),
    Column("original_id", Id, ForeignKey("original.id"), nullable=False),
    Column("original_offset", sa.BigInteger, nullable=False),
    Column("original_length", sa.Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("title", sa.Text, nullable=False),
    Column("title_vernacular", sa.Text, nullable=False),
    Column("author", sa.Text, nullable=False),
    Column("author_vernacular", sa.Text, nullable=False),
    Column("publisher", sa.Text, nullable=False),
    Column("published", sa.Text, nullable=False),
    Column("place", sa.String(2), nullable=False),
    Column("languages", sa.Text, nullable=False),
    Column("isbns", sa.Text, nullable=False),
)

rendition = Table(
    "rendition",
    metadata,
    Column("version_id", Id, ForeignKey("record_version.id"), primary_key=True),
    Column("prefix", sa.Text, primary_key=True),
    Column("body", sa.LargeBinary, nullable=False),
    # Of the crosswalk that made it; 0: made before editions were counted, or by no crosswalk.
    Column("edition", sa.Integer, nullable=False, server_default="0"),
    Index("ix_rendition_prefix_edition_version_id", "prefix", "edition", "version_id"),
)

match_key = Table(
    "match_key",
    metadata,
    Column("kind", sa.Text, primary_key=True),
    Column("value", sa.Text, primary_key=True),
    Column("version_id", Id, ForeignKey("record_version.id"), primary_key=True, index=True),
)

# --- imports ------------------------------------------------------------------------------------

import_batch = Table(
    "import_batch",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("original_id", Id, ForeignKey("original.id"), nullable=False),
    Column("list_id", Id, ForeignKey("offer_list.id"), nullable=False, index=True),
    Column("file_name", sa.Text, nullable=False),
    Column("format", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("stage_only", sa.Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("committed_at", Instant),
    # What the sender says of the file ("" = nothing), and what was found: null until it is read.
    Column("encoding_said", sa.Text, nullable=False, server_default=""),
    Column("dialect_said", sa.Text, nullable=False, server_default=""),
    Column("survey", sa.JSON(none_as_null=True)),
    # Whether its commit kept what an undoing needs.
    Column("can_be_undone", sa.Boolean, nullable=False, server_default=sa.false()),
    UniqueConstraint("original_id", "list_id", "encoding_said", "dialect_said"),
)

import_line = Table(
    "import_line",
    metadata,
    Column("batch_id", Id, ForeignKey("import_batch.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("offset", sa.BigInteger, nullable=False),
    Column("length", sa.Integer, nullable=False),
    Column("control_number", sa.Text, nullable=False),
    Column("title", sa.Text, nullable=False),
    Column("outcome", sa.Text, nullable=False),
    Column("action", sa.Text, nullable=False),
    Column("encoding", sa.Text, nullable=False),
    Column("encoding_certain", sa.Boolean, nullable=False),
    Column("dialect", sa.Text, nullable=False, server_default=""),
    Column("problems", sa.JSON, nullable=False),
    Column("record_id", Id, ForeignKey("record.id"), index=True),
    Column("version_id", Id, ForeignKey("record_version.id"), index=True),
    # Who decided otherwise than it was staged ("": nobody), and what it was staged to do.
    Column("decided_by", sa.Text, nullable=False, server_default=""),
    Column("staged_action", sa.Text),
    Column("staged_record_id", Id),
    Column("replaced_version_id", Id),  # what its record showed before it was committed
)

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("kind", sa.Text, nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("cursor", sa.JSON, nullable=False),
    Column("done", sa.BigInteger, nullable=False),
    Column("total", sa.BigInteger, nullable=False),
    Column("attempts", sa.Integer, nullable=False),
    Column("lease", sa.Text),
    Column("lease_until", Instant),
    Column("error", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("due_at", Instant),  # NULL: at once
    Index("ix_job_state_id", "state", "id"),
)

# --- offers -------------------------------------------------------------------------------------

offer_list = Table(
    "offer_list",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("slug", Name, nullable=False, unique=True),
    Column("title", sa.Text, nullable=False),
    Column("description", sa.Text, nullable=False, server_default=""),
    Column("state", sa.Text, nullable=False, index=True),
    Column("audience_id", Id, ForeignKey("audience.id"), nullable=False),
    Column("opens_at", Instant),
    Column("closes_at", Instant),
    Column("zone", sa.Text, nullable=False, server_default="UTC"),
    Column("created_at", Instant, nullable=False),
    # The partner who offers, where we are the ones who may wish: such a list is in no feed of ours.
    Column("offered_by", Id, ForeignKey("partner.id"), index=True),
    # Where its titles come from (domain.offer.Source), and how it is allocated.
    Column("source", sa.Text, nullable=False, server_default="DUPLICATE"),
    Column("policy", sa.Text, nullable=False, server_default="PRIORITY"),
    Column("max_per_partner", sa.Integer),  # copies; NULL: no bound
    Column("min_parcel", sa.Integer),  # copies below which a parcel is not worth its postage
    # Countries or regions to which nothing of it may go, as ISO 3166-1 alpha-2, blanks between.
    Column("not_to", sa.Text, nullable=False, server_default=""),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

# A list opens to one audience after the other; before ``opened_at`` is set, a tier sees nothing.
offer_list_tier = Table(
    "offer_list_tier",
    metadata,
    Column("list_id", Id, ForeignKey("offer_list.id"), primary_key=True),
    Column("audience_id", Id, ForeignKey("audience.id"), primary_key=True),
    Column("opens_at", Instant, nullable=False),
    Column("opened_at", Instant),
)

# What a partner was given: from an allocation (``offer_id``) or as a direct gift.
transfer = Table(
    "transfer",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("offer_id", Id, ForeignKey("offer.id"), index=True),
    Column("version_id", Id, ForeignKey("record_version.id"), nullable=False, index=True),
    Column("copies", sa.Integer, nullable=False, server_default="1"),
    Column("state", sa.Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("copies > 0", name="copies"),
)

offer = Table(
    "offer",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("list_id", Id, ForeignKey("offer_list.id"), nullable=False),
    Column("record_id", Id, ForeignKey("record.id"), nullable=False, index=True),
    # NULL while the offer follows the record's current version; pinned when its list closes.
    Column("pinned_version_id", Id, ForeignKey("record_version.id"), index=True),
    Column("state", sa.Text, nullable=False),
    Column("copies", sa.Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    # Copies that are given: the one guard that none is given twice.
    Column("allocated", sa.Integer, nullable=False, server_default="0"),
    Column("volumes", sa.Integer, nullable=False, server_default="1"),  # of one copy: a set is one
    Column("condition", sa.Text, nullable=False, server_default=""),
    Column("not_to", sa.Text, nullable=False, server_default=""),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
    # The version whose keys were last compared with what partners wait for; NULL: none yet.
    Column("matched_version_id", Id, ForeignKey("record_version.id"), index=True),
    # The keys of that version, one a line: what a wish is compared with (store.candidates).
    Column("matched_keys", sa.Text),
    Column("import_id", Id),  # the import that brought it here; NULL: none, or before that was kept
    Index(
        "uq_offer_list_id_record_id_offered",
        "list_id",
        "record_id",
        unique=True,
        sqlite_where=sa.text("state = 'OFFERED'"),
        postgresql_where=sa.text("state = 'OFFERED'"),
    ),
    CheckConstraint("copies > 0", name="copies"),
    CheckConstraint("allocated >= 0 AND allocated <= copies", name="allocated"),
)

# --- the public feed ----------------------------------------------------------------------------

feed_clock = Table(
    "feed_clock",
    metadata,
    Column("id", sa.Integer, primary_key=True, autoincrement=False),
    Column("p", sa.BigInteger, nullable=False),
    Column("earliest", sa.BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

feed_dirty = Table(
    "feed_dirty",
    metadata,
    Column("n", Id, primary_key=True),
    Column("kind", sa.Text, nullable=False),
    Column("source_id", Id, nullable=False),
)

feed_item = Table(
    "feed_item",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", sa.Text, nullable=False),
    Column("source_id", Id, nullable=False),
    Column("public_id", Name, nullable=False),
    Column("stamp", sa.BigInteger, nullable=False),
    Column("deleted", sa.Boolean, nullable=False),
    Column("version_id", Id, ForeignKey("record_version.id"), nullable=False),
    Column("sets", sa.Text, nullable=False),
    UniqueConstraint("kind", "source_id"),
    UniqueConstraint("kind", "public_id"),
)

feed_stream = Table(
    "feed_stream",
    metadata,
    Column("id", Id, primary_key=True),
    Column("audience_id", Id, ForeignKey("audience.id"), nullable=False),
    Column("set_spec", Name, nullable=False),  # "" is everything the audience may see
    UniqueConstraint("audience_id", "set_spec"),
)

feed_entry = Table(
    "feed_entry",
    metadata,
    Column("item_id", Id, ForeignKey("feed_item.id"), primary_key=True),
    Column("stream_id", Id, ForeignKey("feed_stream.id"), primary_key=True),
    Column("stamp", sa.BigInteger, nullable=False),
    Column("present", sa.Boolean, nullable=False),
    # The stamp under which the item first stood here: who left before it never knew of the item.
    Column("since", sa.BigInteger, nullable=False, server_default="0"),
    Index("ix_feed_entry_stream_id_stamp_item_id", "stream_id", "stamp", "item_id"),
)

# --- wishes -------------------------------------------------------------------------------------

wish_list = Table(
    "wish_list",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False),
    Column("channel", sa.Text, nullable=False),
    Column("list_key", sa.Text, nullable=False),
    Column("mode", sa.Text, nullable=False),
    Column("media_type", sa.Text, nullable=False),
    Column("original_id", Id, ForeignKey("original.id"), nullable=False),
    Column("idempotency_key", sa.Text),
    Column("request_digest", sa.LargeBinary(32), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", sa.Text, nullable=False, server_default="answered"),
    Column("total", sa.Integer, nullable=False, server_default="0"),
    Column("answered", sa.Integer, nullable=False, server_default="0"),
    Column("answered_at", Instant),
    # Earlier wishes that this list ended, where that was not told in its first answer.
    Column("withdrawn", sa.Integer),
    Column("charset", sa.Text, nullable=False, server_default=""),
    Column("reading", sa.JSON(none_as_null=True)),
    Column("error", sa.Text, nullable=False, server_default=""),
    UniqueConstraint("partner_id", "idempotency_key"),
    Index("ix_wish_list_partner_id_channel_list_key", "partner_id", "channel", "list_key"),
)

wish = Table(
    "wish",
    metadata,
    Column("wish_list_id", Id, ForeignKey("wish_list.id"), primary_key=True),
    Column("line_no", sa.Integer, primary_key=True, autoincrement=False),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False),
    Column("line", sa.Text, nullable=False),
    Column("outcome", sa.Text, nullable=False),
    Column("reason", sa.Text, nullable=False),
    Column("offer_id", Id, ForeignKey("offer.id"), index=True),
    Column("quantity", sa.Integer, nullable=False),
    Column("note", sa.Text, nullable=False),
    # What the wish is for, the same text for the same thing: one open wish per partner and target.
    Column("target", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("wished_at", Instant, nullable=False),
    Column("score", sa.Float),
    # What is asked for in words and keys, so that later offers can be compared with it.
    Column("wanted", sa.JSON(none_as_null=True)),
    Index(
        "uq_wish_partner_id_target_open",
        "partner_id",
        "target",
        unique=True,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    ),
    # What a list that is being answered will ask for in the place of another.
    Index(
        "uq_wish_wish_list_id_target_pending",
        "wish_list_id",
        "target",
        unique=True,
        sqlite_where=sa.text("state = 'PENDING'"),
        postgresql_where=sa.text("state = 'PENDING'"),
    ),
)

# The keys of wishes that wait for an offer.
wish_key = Table(
    "wish_key",
    metadata,
    Column("kind", sa.Text, primary_key=True),
    Column("value", sa.Text, primary_key=True),
    Column("wish_list_id", Id, primary_key=True),
    Column("line_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.ForeignKeyConstraint(
        ["wish_list_id", "line_no"],
        ["wish.wish_list_id", "wish.line_no"],
        name="fk_wish_key_wish_list_id",
    ),
    Index("ix_wish_key_wish_list_id_line_no", "wish_list_id", "line_no"),
)

# What a partner always looks for: a query that meets new offers as they appear.
standing_wish = Table(
    "standing_wish",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("title", sa.Text, nullable=False),
    Column("query", sa.JSON, nullable=False),
    Column("registers", sa.Boolean, nullable=False),  # or only tells
    Column("state", sa.Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

standing_match = Table(
    "standing_match",
    metadata,
    Column("standing_wish_id", Id, ForeignKey("standing_wish.id"), primary_key=True),
    Column("offer_id", Id, ForeignKey("offer.id"), primary_key=True, index=True),
    Column("reason", sa.Text, nullable=False),
    Column("matched_at", Instant, nullable=False),
)

# Scores of match rules that the site has tuned; the others are as the table in the code says.
match_rule = Table(
    "match_rule",
    metadata,
    Column("name", sa.Text, primary_key=True),
    Column("score", sa.Integer, nullable=False),
)

# --- who harvests us ----------------------------------------------------------------------------

harvester_visit = Table(
    "harvester_visit",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), index=True),
    Column("address", sa.Text),  # NULL once it was kept long enough, and for partners
    Column("agent", sa.Text, nullable=False),
    Column("verb", sa.Text, nullable=False),
    Column("prefix", sa.Text, nullable=False),
    Column("set_spec", sa.Text, nullable=False),
    Column("from_", sa.Text, nullable=False),
    Column("until", sa.Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
    Column("pages", sa.Integer, nullable=False),
    Column("records", sa.Integer, nullable=False),
    Column("errors", sa.Integer, nullable=False),
    Column("last_error", sa.Text, nullable=False, server_default=""),
    Column("complete", sa.Boolean, nullable=False),
)

# --- whom we harvest ----------------------------------------------------------------------------

source = Table(
    "source",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("name", Name, nullable=False, unique=True),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("kind", sa.Text, nullable=False),  # OFFERS, WISHES or GIVEN
    Column("url", sa.Text, nullable=False),
    Column("set_spec", sa.Text, nullable=False, server_default=""),
    Column("prefix", sa.Text, nullable=False, server_default=""),
    # The partner code and token that the provider wants, sealed under the site's secret key.
    Column("credentials", sa.LargeBinary),
    Column("every", sa.Integer, nullable=False, server_default="0"),  # seconds; 0: by hand
    Column("auto_commit", sa.Boolean, nullable=False, server_default=sa.false()),
    # Where our wishes go, if it is not where Bookbridge takes them beside its /oai.
    Column("wishes_url", sa.Text, nullable=False, server_default=""),
    Column("state", sa.Text, nullable=False),
    Column("list_id", Id, ForeignKey("offer_list.id")),
    # What the last finished harvest left for the next: NULL makes that one full.
    Column("next_from", sa.BigInteger),
    Column("due_at", Instant, index=True),
    Column("created_at", Instant, nullable=False),
)

harvest = Table(
    "harvest",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("source_id", Id, ForeignKey("source.id"), nullable=False, index=True),
    Column("full", sa.Boolean, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("task", sa.JSON),
    Column("point", sa.JSON),
    Column("pages", sa.Integer, nullable=False, server_default="0"),
    Column("records", sa.Integer, nullable=False, server_default="0"),
    Column("deleted", sa.Integer, nullable=False, server_default="0"),
    Column("octets", sa.BigInteger, nullable=False, server_default="0"),
    Column("original_id", Id, ForeignKey("original.id")),
    Column("batch_id", Id, ForeignKey("import_batch.id")),
    Column("notes", sa.JSON),
    Column("error", sa.Text, nullable=False, server_default=""),
    # How often it failed since its last page.
    Column("tries", sa.Integer, nullable=False, server_default="0"),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Index(
        "uq_harvest_source_id_running",
        "source_id",
        unique=True,
        sqlite_where=sa.text("state = 'RUNNING'"),
        postgresql_where=sa.text("state = 'RUNNING'"),
    ),
)

# What came, in its order; ``offset`` and ``length`` are where its record stands in the harvest's
# original, in octets: NULL for a deleted one.
harvest_line = Table(
    "harvest_line",
    metadata,
    Column("harvest_id", Id, ForeignKey("harvest.id", ondelete="CASCADE"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("identifier", Name, nullable=False),
    Column("datestamp", sa.Text, nullable=False),
    Column("deleted", sa.Boolean, nullable=False),
    Column("about", sa.LargeBinary),
    Column("offset", sa.BigInteger),
    Column("length", sa.Integer),
    Index("ix_harvest_line_harvest_id_identifier", "harvest_id", "identifier"),
    Index("ix_harvest_line_harvest_id_offset", "harvest_id", "offset"),
)

# What a source says now, by identifier: an identifier is the provider's own, never another's.
harvested = Table(
    "harvested",
    metadata,
    Column("source_id", Id, ForeignKey("source.id"), primary_key=True),
    Column("identifier", Name, primary_key=True),
    Column("datestamp", sa.Text, nullable=False),
    Column("deleted", sa.Boolean, nullable=False),
    Column("harvest_id", Id, ForeignKey("harvest.id"), nullable=False),
    Column("record_id", Id, ForeignKey("record.id"), index=True),
    # As a wish: the line that stands for it, and the SHA-256 of the record that it was read from.
    Column("wish_list_id", Id, ForeignKey("wish_list.id")),
    Column("line_no", sa.Integer),
    Column("digest", sa.LargeBinary(32)),
)

# --- what we wish for -----------------------------------------------------------------------------

own_wish = Table(
    "own_wish",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("offer_id", Id, ForeignKey("offer.id"), nullable=False, unique=True),
    Column("quantity", sa.Integer, nullable=False, server_default="1"),
    Column("note", sa.Text, nullable=False, server_default=""),
    Column("state", sa.Text, nullable=False),
    # The source that brought the offer, and the name under which it did.
    Column("source_id", Id, ForeignKey("source.id"), nullable=False),
    Column("identifier", Name, nullable=False),
    # What was sent together has one key, so that it is taken once however often it is sent, and
    # a line in it; where the partner answers is known once it has taken the list.
    Column("sending", Name, index=True),
    Column("line_no", sa.Integer),
    Column("answer_url", sa.Text),
    Column("outcome", sa.Text, nullable=False, server_default=""),
    Column("reason", sa.Text, nullable=False, server_default=""),
    Column("wished_by", sa.Text, nullable=False, server_default=""),
    Column("wished_at", Instant, nullable=False),
    Column("answered_at", Instant),
)

# --- telling partners -----------------------------------------------------------------------------

# What there is to tell a partner, in the order in which it happened.
announcement = Table(
    "announcement",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False),
    Column("event", sa.Text, nullable=False),
    Column("body", sa.JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_announcement_partner_id_public_id", "partner_id", "public_id"),
    Index("ix_announcement_partner_id_id", "partner_id", "id"),
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("url", sa.Text, nullable=False),
    Column("secret", sa.LargeBinary, nullable=False),  # sealed under the site's secret key
    Column("state", sa.Text, nullable=False),
    Column("failing_since", Instant),
    Column("error", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhook.id"), nullable=False),
    Column("announcement_id", Id, ForeignKey("announcement.id"), nullable=False),
    Column("attempts", sa.Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),  # NULL: delivered, or given up
    Column("delivered_at", Instant),
    Column("error", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("webhook_id", "announcement_id"),
    Index(
        "ix_outbox_webhook_id_waiting",
        "webhook_id",
        "id",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    ),
)

# What is to be mailed to somebody, and what became of it.
mail = Table(
    "mail",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), index=True),
    Column("recipient", sa.Text, nullable=False),
    Column("subject", sa.Text, nullable=False),
    Column("body", sa.Text, nullable=False),
    Column("attempts", sa.Integer, nullable=False, server_default="0"),
    Column("due_at", Instant, index=True),  # NULL: sent, or given up
    Column("sent_at", Instant),
    Column("error", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
)

# Up to which announcement a contact was mailed a digest.
digest_mark = Table(
    "digest_mark",
    metadata,
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True),
    Column("recipient", Name, primary_key=True),
    Column("announcement_id", Id, nullable=False),
    Column("mailed_at", Instant),
)

# --- who is given what ----------------------------------------------------------------------------

allocation_run = Table(
    "allocation_run",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("list_id", Id, ForeignKey("offer_list.id"), nullable=False, unique=True),
    Column("policy", sa.Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("state", sa.Text, nullable=False, server_default="CONFIRMED"),
    Column("seed", sa.Text, nullable=False, server_default=""),
    Column("confirmed_at", Instant),
    # What it was decided from beside the wishes: rules, weights and bounds, as they were then.
    Column("inputs", sa.JSON(none_as_null=True)),
)

# What a run knew of a partner when it was planned.
allocation_partner = Table(
    "allocation_partner",
    metadata,
    Column("run_id", Id, ForeignKey("allocation_run.id"), primary_key=True),
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True),
    Column("facts", sa.JSON, nullable=False),
)

# One wish that a run decided on, with all that the decision was made of.
allocation = Table(
    "allocation",
    metadata,
    Column("run_id", Id, ForeignKey("allocation_run.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("wish_list_id", Id, nullable=False),
    Column("line_no", sa.Integer, nullable=False),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False),
    Column("offer_id", Id, ForeignKey("offer.id"), nullable=False),
    Column("wished_at", Instant, nullable=False),
    Column("quantity", sa.Integer, nullable=False),
    Column("copies", sa.Integer, nullable=False),
    Column("rank", sa.Integer, nullable=False),
    Column("given", sa.Integer, nullable=False),
    Column("reason", sa.Text, nullable=False),
    Column("transfer", Name, ForeignKey("transfer.public_id"), unique=True),
    Column("state", sa.Text, nullable=False, server_default="CONFIRMED"),
    Column("facts", sa.JSON(none_as_null=True)),
    # What differs from the wish: the partner is asked whether it takes it, until ``answer_until``.
    Column("differs", sa.Text, nullable=False, server_default=""),
    Column("answer_until", Instant),
    sa.ForeignKeyConstraint(
        ["wish_list_id", "line_no"],
        ["wish.wish_list_id", "wish.line_no"],
        name="fk_allocation_wish_list_id",
    ),
    UniqueConstraint("run_id", "wish_list_id", "line_no"),
    CheckConstraint("given <= copies", name="given"),
    Index("ix_allocation_offer_id_rank", "offer_id", "rank"),
    Index("ix_allocation_partner_id_run_id_position", "partner_id", "run_id", "position"),
    Index(
        "ix_allocation_answer_until_offered",
        "answer_until",
        sqlite_where=sa.text("state = 'OFFERED'"),
        postgresql_where=sa.text("state = 'OFFERED'"),
    ),
)

# --- books on their way ---------------------------------------------------------------------------

# Amounts are whole numbers of the smallest unit of a currency (ISO 4217): its cents, its won.

# A parcel group to one partner: what was allocated to it, chosen for it, or sent again.
consignment = Table(
    "consignment",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("number", Name, nullable=False, unique=True),  # on its papers: 2026-0042
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False),
    Column("kind", sa.Text, nullable=False),  # GIFT, EXCHANGE or DEPOSIT
    Column("state", sa.Text, nullable=False),
    Column("theme", sa.Text, nullable=False, server_default=""),  # in words: children's books
    # The postal address as it was when the consignment was made, or as it was changed for it.
    Column("address_roman", sa.Text, nullable=False, server_default=""),
    Column("address_local", sa.Text, nullable=False, server_default=""),
    Column("place", sa.String(2), nullable=False, server_default=""),
    Column("service", sa.Text, nullable=False, server_default="SURFACE"),
    Column("carrier", sa.Text, nullable=False, server_default=""),
    Column("customs", sa.JSON, nullable=False),  # choices: category, values by line
    Column("postage", sa.BigInteger),
    Column("postage_currency", sa.Text, nullable=False, server_default=""),
    Column("postage_paid_by", sa.Text, nullable=False, server_default="SENDER"),
    Column("notes", sa.Text, nullable=False, server_default=""),
    Column("gift_id", Id, ForeignKey("gift.id"), index=True),  # where it is not for allocations
    # Totals of its lines, written when it is packed and dispatched.
    Column("titles", sa.Integer, nullable=False, server_default="0"),
    Column("volumes", sa.Integer, nullable=False, server_default="0"),
    Column("weight", sa.Integer, nullable=False, server_default="0"),  # grams, of all parcels
    Column("created_by", sa.Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("packed_at", Instant),
    Column("dispatched_at", Instant),
    Column("dispatched_on", sa.Date),  # the day that statistics go by
    Column("delivered_at", Instant),
    Column("closed_at", Instant),  # received, presumed received, returned, lost or cancelled
    # When its partner is reminded of the receipt, and when it is presumed; NULL: not any more.
    Column("remind_at", Instant),
    Column("presume_at", Instant),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
    Index("ix_consignment_partner_id_id", "partner_id", "id"),
    Index("ix_consignment_state_id", "state", "id"),
    Index(
        "ix_consignment_remind_at_waiting",
        "remind_at",
        sqlite_where=sa.text("remind_at IS NOT NULL"),
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    ),
    Index(
        "ix_consignment_presume_at_waiting",
        "presume_at",
        sqlite_where=sa.text("presume_at IS NOT NULL"),
        postgresql_where=sa.text("presume_at IS NOT NULL"),
    ),
)

parcel = Table(
    "parcel",
    metadata,
    Column("consignment_id", Id, ForeignKey("consignment.id"), primary_key=True),
    Column("number", sa.Integer, primary_key=True, autoincrement=False),
    Column("kind", sa.Text, nullable=False),  # PARCEL, M_BAG, CARTON or PALLET
    Column("weight", sa.Integer, nullable=False, server_default="0"),  # grams
    Column("tracking", Name, nullable=False, server_default=""),
)

# A line of the packing list: copies of one title. ``released``: it does not hold them any more.
consignment_line = Table(
    "consignment_line",
    metadata,
    Column("consignment_id", Id, ForeignKey("consignment.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    # What was entered as given: at the allocation, or for a direct gift when it is dispatched.
    Column("transfer_id", Id, ForeignKey("transfer.id")),
    Column("offer_id", Id, ForeignKey("offer.id"), index=True),
    Column("version_id", Id, ForeignKey("record_version.id")),
    Column("title", sa.Text, nullable=False),
    Column("copies", sa.Integer, nullable=False),
    Column("volumes", sa.Integer, nullable=False),  # of one copy
    Column("parcel", sa.Integer),
    Column("packed", sa.Boolean, nullable=False, server_default=sa.false()),
    Column("barcode", Name, nullable=False, server_default="", index=True),
    Column("tariff", sa.Text, nullable=False, server_default="4901"),  # heading of the HS
    Column("value", sa.BigInteger),  # of one copy, for the balance
    Column("currency", sa.Text, nullable=False, server_default=""),
    Column("released", sa.Boolean, nullable=False, server_default=sa.false()),
    CheckConstraint("copies > 0 AND volumes > 0", name="counts"),
    # A copy that was given travels once, unless it came back.
    Index(
        "uq_consignment_line_transfer_id_held",
        "transfer_id",
        unique=True,
        sqlite_where=sa.text("transfer_id IS NOT NULL AND NOT released"),
        postgresql_where=sa.text("transfer_id IS NOT NULL AND NOT released"),
    ),
)

# What a partner says arrived. The link on the packing slip makes one, whoever holds it.
receipt = Table(
    "receipt",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("consignment_id", Id, ForeignKey("consignment.id"), nullable=False, unique=True),
    Column("outcome", sa.Text, nullable=False),  # COMPLETE, SHORT, DAMAGED
    Column("received_on", sa.Date, nullable=False),
    Column("channel", sa.Text, nullable=False),  # LINK, API, STAFF
    Column("received_by", sa.Text, nullable=False, server_default=""),
    Column("note", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
)

receipt_line = Table(
    "receipt_line",
    metadata,
    Column("receipt_id", Id, ForeignKey("receipt.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),  # of the packing list
    Column("arrived", sa.Integer, nullable=False),  # copies, the damaged ones among them
    Column("damaged", sa.Integer, nullable=False, server_default="0"),
    Column("note", sa.Text, nullable=False, server_default=""),
)

# "It has not arrived": a partner says so of what we sent (THEIRS), or we of what it sent (OURS).
claim = Table(
    "claim",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("side", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False, index=True),
    Column("reason", sa.Text, nullable=False),
    Column("resolution", sa.Text, nullable=False, server_default=""),
    # What it is about: a consignment or a line of it, a piece of an incoming gift, an issue.
    Column("consignment_id", Id, ForeignKey("consignment.id"), index=True),
    Column("position", sa.Integer),
    Column("incoming_gift_id", Id, ForeignKey("incoming_gift.id"), index=True),
    Column("serial_id", Id, ForeignKey("exchange_serial.id")),
    Column("issue", sa.Integer),
    Column("resent_id", Id, ForeignKey("consignment.id"), index=True),  # what settles it
    Column("copies", sa.Integer, nullable=False, server_default="1"),
    Column("text", sa.Text, nullable=False, server_default=""),
    Column("answer", sa.Text, nullable=False, server_default=""),
    Column("opened_by", sa.Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("answered_at", Instant),
    Column("closed_at", Instant),
    Column("due_at", Instant),  # when it is sent again, or looked at
    Column("revision", sa.Integer, nullable=False, server_default="1"),
    Index("ix_claim_serial_id_issue", "serial_id", "issue"),
)

# Books chosen and sent without a list and without a wish.
gift = Table(
    "gift",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("title", sa.Text, nullable=False),
    Column("kind", sa.Text, nullable=False, server_default="GIFT"),
    Column("state", sa.Text, nullable=False, index=True),
    Column("batch_id", Id, ForeignKey("import_batch.id")),
    Column("budget_line", sa.Text, nullable=False, server_default=""),
    Column("cost", sa.BigInteger),  # of the purchase, as a whole
    Column("currency", sa.Text, nullable=False, server_default=""),
    Column("requested_by", sa.Text, nullable=False),
    Column("requested_at", Instant),
    Column("approved_by", sa.Text, nullable=False, server_default=""),  # a name, as on papers
    Column("approved_at", Instant),
    Column("reason", sa.Text, nullable=False, server_default=""),  # of the answer
    Column("notes", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

gift_line = Table(
    "gift_line",
    metadata,
    Column("gift_id", Id, ForeignKey("gift.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("record_id", Id, ForeignKey("record.id")),  # NULL until its row is imported
    Column("batch_position", sa.Integer),  # in the import of its table
    Column("title", sa.Text, nullable=False),
    Column("copies", sa.Integer, nullable=False),
    Column("volumes", sa.Integer, nullable=False),  # of one copy
    Column("cost", sa.BigInteger),  # of one copy
    CheckConstraint("copies > 0 AND volumes > 0", name="counts"),
    UniqueConstraint("gift_id", "record_id"),
)

# --- books that come in ---------------------------------------------------------------------------

incoming_gift = Table(
    "incoming_gift",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("title", sa.Text, nullable=False),
    Column("kind", sa.Text, nullable=False, server_default="GIFT"),
    Column("state", sa.Text, nullable=False, index=True),
    Column("source", sa.Text, nullable=False),  # LIST, FILE, MAIL, HARVEST or PAPER
    Column("batch_id", Id, ForeignKey("import_batch.id")),
    Column("announced_titles", sa.Integer),
    Column("announced_volumes", sa.Integer),
    Column("announced_at", Instant, nullable=False),
    Column("received_on", sa.Date),  # the day that statistics go by
    Column("checked_at", Instant),
    Column("catalogued_at", Instant),
    Column("displayed_at", Instant),
    Column("acknowledged_at", Instant),
    Column("postage", sa.BigInteger),
    Column("postage_currency", sa.Text, nullable=False, server_default=""),
    Column("weight", sa.Integer),  # grams
    Column("notes", sa.Text, nullable=False, server_default=""),
    Column("created_by", sa.Text, nullable=False),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

accession_line = Table(
    "accession_line",
    metadata,
    Column("incoming_gift_id", Id, ForeignKey("incoming_gift.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("record_id", Id, ForeignKey("record.id"), index=True),
    # Its place in the import of a file of the gift, if it is from there.
    Column("batch_id", Id, ForeignKey("import_batch.id")),
    Column("batch_position", sa.Integer),
    Column("title", sa.Text, nullable=False),
    Column("isbn", Name, nullable=False, server_default=""),
    Column("announced", sa.Integer, nullable=False, server_default="0"),  # copies
    Column("received", sa.Integer, nullable=False, server_default="0"),
    Column("damaged", sa.Integer, nullable=False, server_default="0"),
    Column("volumes", sa.Integer, nullable=False, server_default="1"),  # of one copy
    Column("decision", sa.Text, nullable=False),  # PENDING, ACCEPTED or DECLINED
    Column("reason", sa.Text, nullable=False, server_default=""),
    Column("accession_number", Name, unique=True),
    Column("barcode", Name, nullable=False, server_default="", index=True),
    Column("shelf", sa.Text, nullable=False, server_default=""),
    Column("translated_title", sa.Text, nullable=False, server_default=""),
    Index("ix_accession_line_isbn_incoming_gift_id", "isbn", "incoming_gift_id"),
    UniqueConstraint("batch_id", "batch_position"),
)

# Books of one partner on show, from day to day; ``words`` are language, title and text, in order.
exhibition = Table(
    "exhibition",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Name, nullable=False, unique=True),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("opens_on", sa.Date, nullable=False),
    Column("closes_on", sa.Date, nullable=False, index=True),
    Column("words", sa.JSON(none_as_null=True), nullable=False),
    Column("created_by", sa.Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
    CheckConstraint("opens_on <= closes_on", name="days"),
)

exhibition_book = Table(
    "exhibition_book",
    metadata,
    Column("exhibition_id", Id, ForeignKey("exhibition.id"), primary_key=True),
    Column("position", sa.Integer, primary_key=True, autoincrement=False),
    Column("incoming_gift_id", Id, nullable=False),
    Column("accession_position", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(
        ["incoming_gift_id", "accession_position"],
        ["accession_line.incoming_gift_id", "accession_line.position"],
        name="fk_exhibition_book_accession_line",
    ),
    UniqueConstraint(
        "exhibition_id",
        "incoming_gift_id",
        "accession_position",
        name="uq_exhibition_book_accession_line",
    ),
    Index("ix_exhibition_book_accession_line", "incoming_gift_id", "accession_position"),
)

# What we hold, by identifiers that our own system exported.
holding = Table(
    "holding",
    metadata,
    Column("kind", sa.Text, primary_key=True),
    Column("value", Name, primary_key=True),
    Column("upload", sa.Integer, nullable=False),
)

# A partner's list as it is looked through: who decides on which of its titles.
selection = Table(
    "selection",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("list_id", Id, ForeignKey("offer_list.id"), nullable=False, index=True),
    Column("selector", sa.Text, nullable=False),
    Column("query", sa.JSON, nullable=False),  # which titles: languages, subjects; {} is all
    Column("state", sa.Text, nullable=False),
    Column("due_on", sa.Date),
    Column("note", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

selection_choice = Table(
    "selection_choice",
    metadata,
    Column("selection_id", Id, ForeignKey("selection.id"), primary_key=True),
    Column("offer_id", Id, ForeignKey("offer.id"), primary_key=True),
    Column("wanted", sa.Boolean, nullable=False),
    Column("quantity", sa.Integer, nullable=False, server_default="1"),
    Column("reason", sa.Text, nullable=False, server_default=""),
    Column("chosen_at", Instant, nullable=False),
)

# --- serials on exchange --------------------------------------------------------------------------

exchange_serial = Table(
    "exchange_serial",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("direction", sa.Text, nullable=False),  # SENT or RECEIVED
    Column("title", sa.Text, nullable=False),
    Column("issn", Name, nullable=False, server_default="", index=True),
    Column("record_id", Id, ForeignKey("record.id"), index=True),
    Column("kind", sa.Text, nullable=False, server_default="EXCHANGE"),
    Column("frequency", sa.Text, nullable=False),
    Column("per_year", sa.Integer, nullable=False),  # issues
    Column("starts_on", sa.Date, nullable=False),
    Column("ends_on", sa.Date),
    Column("first_volume", sa.Integer),
    Column("copies", sa.Integer, nullable=False, server_default="1"),
    Column("claim_after", sa.Integer, nullable=False),  # days after an issue was due
    Column("state", sa.Text, nullable=False),
    Column("notes", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

serial_issue = Table(
    "serial_issue",
    metadata,
    Column("serial_id", Id, ForeignKey("exchange_serial.id"), primary_key=True),
    Column("issue", sa.Integer, primary_key=True, autoincrement=False),  # counted from the start
    Column("label", sa.Text, nullable=False),  # as on the cover: 12 (2026) 3
    Column("year", sa.Integer, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("due_on", sa.Date, nullable=False),
    Column("moved_on", sa.Date),  # sent or received
    Column("resent_on", sa.Date),
    Column("tracking", sa.Text, nullable=False, server_default=""),
    Column("note", sa.Text, nullable=False, server_default=""),
    Index("ix_serial_issue_state_due_on", "state", "due_on"),
)

# --- the balance ----------------------------------------------------------------------------------

# What was sent and received, by event. Triggers keep anybody from changing, replacing or removing
# a row: a wrong one has another against it.
ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False),
    Column("direction", sa.Text, nullable=False),  # SENT or RECEIVED
    Column("kind", sa.Text, nullable=False),  # GIFT, EXCHANGE or DEPOSIT
    Column("material", sa.Text, nullable=False, server_default="BOOK"),  # or SERIAL
    # What it comes from: DISPATCH of a consignment, its RETURN, ACCESSION of an incoming gift,
    # SERIAL_YEAR, OPENING balance, COUNTER entry; one entry for each.
    Column("event", sa.Text, nullable=False),
    Column("event_key", Name, nullable=False),
    Column("on_date", sa.Date, nullable=False),
    Column("year", sa.Integer, nullable=False),
    # The country or region and the city of the partner as they were then.
    Column("place", sa.String(2), nullable=False, server_default=""),
    Column("city", sa.Text, nullable=False, server_default=""),
    Column("titles", sa.Integer, nullable=False),
    Column("volumes", sa.Integer, nullable=False),
    Column("value", sa.BigInteger, nullable=False, server_default="0"),
    Column("currency", sa.Text, nullable=False, server_default=""),
    Column("counters", Id, ForeignKey("ledger_entry.id"), unique=True),
    Column("actor", sa.Text, nullable=False),
    Column("reason", sa.Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("event", "event_key"),
    Index("ix_ledger_entry_partner_id_id", "partner_id", "id"),
    # What came from where, gift by gift: the country corner is read by it.
    Index(
        "ix_ledger_entry_accessions",
        "place",
        "event_key",
        "city",
        sqlite_where=sa.text("event = 'ACCESSION'"),
        postgresql_where=sa.text("event = 'ACCESSION'"),
    ),
)

# The sums of the entries, kept in their transactions: statistics read these.
ledger_total = Table(
    "ledger_total",
    metadata,
    Column("partner_id", Id, ForeignKey("partner.id"), primary_key=True),
    Column("year", sa.Integer, primary_key=True, autoincrement=False),
    Column("direction", sa.Text, primary_key=True),
    Column("kind", sa.Text, primary_key=True),
    Column("material", sa.Text, primary_key=True),
    Column("place", sa.String(2), primary_key=True),
    Column("city", sa.Text, primary_key=True),
    Column("opening", sa.Boolean, primary_key=True),
    Column("currency", sa.Text, primary_key=True),
    Column("entries", sa.Integer, nullable=False),
    Column("titles", sa.BigInteger, nullable=False),
    Column("volumes", sa.BigInteger, nullable=False),
    Column("value", sa.BigInteger, nullable=False),
    Index("ix_ledger_total_year", "year"),
)

# --- letters --------------------------------------------------------------------------------------

# The site's own wording, where it does not want ours.
letter_template = Table(
    "letter_template",
    metadata,
    Column("kind", sa.Text, primary_key=True),
    Column("language", sa.Text, primary_key=True),  # BCP 47
    Column("subject", sa.Text, nullable=False),
    Column("body", sa.Text, nullable=False),
    Column("changed_by", sa.Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("revision", sa.Integer, nullable=False, server_default="1"),
)

# A letter as it was written (OUT), or that came and was filed (IN).
letter = Table(
    "letter",
    metadata,
    Column("id", Id, primary_key=True),
    _public_id(),
    Column("partner_id", Id, ForeignKey("partner.id"), nullable=False, index=True),
    Column("agreement_id", Id, ForeignKey("agreement.id"), index=True),
    Column("direction", sa.Text, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("about", Name, nullable=False, server_default=""),  # public id of what it is about
    Column("subject", sa.Text, nullable=False),
    Column("texts", sa.JSON(none_as_null=True)),  # of OUT: language, subject, body, side by side
    Column("original_id", Id, ForeignKey("original.id")),  # of IN, and of scans
    Column("file_name", sa.Text, nullable=False, server_default=""),
    Column("media_type", sa.Text, nullable=False, server_default=""),
    Column("dated_on", sa.Date, nullable=False),
    Column("mailed_at", Instant),
    Column("created_by", sa.Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
