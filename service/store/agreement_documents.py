"""Documents that are filed with agreements; their bytes are kept as originals."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.agreement import Document
from service.store import public_ids
from service.store.tables import agreement_document, original


def add(
    conn: Connection,
    agreement_id: int,
    original_id: int,
    *,
    file_name: str,
    media_type: str,
    title: str,
    by: str,
    now: datetime,
) -> str:
    """File a document whose bytes are kept; return its public id."""
    made = conn.execute(
        agreement_document.insert()
        .values(
            public_id=public_ids.new(),
            agreement_id=agreement_id,
            original_id=original_id,
            file_name=file_name,
            media_type=media_type,
            title=title,
            added_by=by,
            added_at=now,
        )
        .returning(agreement_document.c.public_id)
    )
    return str(made.scalar_one())


def of_agreement(conn: Connection, agreement_id: int) -> list[Document]:
    """Return the documents of an agreement in the order in which they were filed."""
    rows = conn.execute(
        sa.select(agreement_document, original.c.size, original.c.sha256)
        .join(original, original.c.id == agreement_document.c.original_id)
        .where(agreement_document.c.agreement_id == agreement_id)
        .order_by(agreement_document.c.id)
    )
    return [
        Document(
            row.public_id,
            row.original_id,
            row.file_name,
            row.media_type,
            row.title,
            row.size,
            row.sha256.hex(),
            row.added_by,
            row.added_at,
        )
        for row in rows
    ]
