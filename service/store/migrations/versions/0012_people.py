"""People sign in: passwords, sessions, links that let in once, and how often it was tried."""

import sqlalchemy as sa
from alembic import op

from service.store import public_ids
from service.store.tables import Id, Instant, Name

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give accounts what people need who sign in, and tokens a name of their own."""
    _widen_accounts()
    _name_tokens()
    _make_tables()


def _widen_accounts() -> None:
    with op.batch_alter_table("account") as batch:
        batch.add_column(sa.Column("partner_id", Id))
        batch.add_column(sa.Column("full_name", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("email", Name, server_default="", nullable=False))
        batch.add_column(sa.Column("password", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("locale", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("disabled_at", Instant()))
        batch.create_index("ix_account_partner_id", ["partner_id"])
        batch.create_index("ix_account_email", ["email"])
        batch.create_foreign_key("fk_account_partner_id", "partner", ["partner_id"], ["id"])
        batch.create_check_constraint(
            op.f("ck_account_partner"), "(role = 'partner') = (partner_id IS NOT NULL)"
        )


def _name_tokens() -> None:
    op.add_column("api_token", sa.Column("public_id", Name))
    op.add_column("api_token", sa.Column("used_at", Instant()))
    op.add_column("api_token", sa.Column("expires_at", Instant()))
    token = sa.table("api_token", sa.column("id", Id), sa.column("public_id", Name))
    conn = op.get_bind()
    for number in conn.execute(sa.select(token.c.id)).scalars().all():
        conn.execute(token.update().where(token.c.id == number).values(public_id=public_ids.new()))
    with op.batch_alter_table("api_token") as batch:
        batch.alter_column("public_id", existing_type=Name, nullable=False)
        batch.create_unique_constraint("uq_api_token_public_id", ["public_id"])


def _make_tables() -> None:
    op.create_table(
        "session",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("browser", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant()),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_session_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("digest", name="uq_session_digest"),
        sa.UniqueConstraint("public_id", name="uq_session_public_id"),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_table(
        "account_link",
        sa.Column("id", Id, nullable=False),
        sa.Column("public_id", Name, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant()),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_account_link_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_account_link"),
        sa.UniqueConstraint("public_id", name="uq_account_link_public_id"),
    )
    op.create_index("ix_account_link_account_id", "account_link", ["account_id"])
    op.create_index("ix_account_link_expires_at", "account_link", ["expires_at"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("tried_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in_attempt"),
    )
    op.create_index("ix_sign_in_attempt_tried_at", "sign_in_attempt", ["tried_at"])
