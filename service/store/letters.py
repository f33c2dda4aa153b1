"""Letters that were written or filed, and the site's own wording of their templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.domain.letter import Direction, Letter, LetterKind, LetterTemplate, LetterText
from service.store import public_ids
from service.store.tables import (
    accession_line,
    agreement,
    incoming_gift,
    letter,
    letter_template,
    partner,
)

# --- templates ------------------------------------------------------------------------------------


def own_templates(conn: Connection) -> dict[tuple[str, str], LetterTemplate]:
    """Return the site's own wording by kind and language."""
    rows = conn.execute(
        sa.select(letter_template).order_by(letter_template.c.kind, letter_template.c.language)
    )
    return {
        (row.kind, row.language): LetterTemplate(
            kind=LetterKind(row.kind),
            language=row.language,
            subject=row.subject,
            body=row.body,
            own=True,
            changed_by=row.changed_by,
            changed_at=row.changed_at,
            revision=row.revision,
        )
        for row in rows
    }


def put_template(conn: Connection, new: LetterTemplate, seen: int) -> bool:
    """Keep the site's wording over that of revision ``seen``; False: somebody was faster."""
    values = {
        "subject": new.subject,
        "body": new.body,
        "changed_by": new.changed_by,
        "changed_at": new.changed_at,
        "revision": seen + 1,
    }
    if seen:
        done = conn.execute(letter_template.update().where(_this(new, seen)).values(**values))
        return done.rowcount == 1
    if _there(conn, new):
        return False
    conn.execute(
        letter_template.insert().values(kind=new.kind.value, language=new.language, **values)
    )
    return True


def remove_template(conn: Connection, found: LetterTemplate) -> bool:
    """Remove the site's wording as it was ``found``; False: somebody was faster."""
    done = conn.execute(letter_template.delete().where(_this(found, found.revision)))
    return done.rowcount == 1


def _this(found: LetterTemplate, revision: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        letter_template.c.kind == found.kind.value,
        letter_template.c.language == found.language,
        letter_template.c.revision == revision,
    )


def _there(conn: Connection, found: LetterTemplate) -> bool:
    query = sa.select(letter_template.c.revision).where(
        letter_template.c.kind == found.kind.value, letter_template.c.language == found.language
    )
    return conn.execute(query).first() is not None


# --- letters --------------------------------------------------------------------------------------


class NewLetter(NamedTuple):
    """What is entered of a letter."""

    partner_id: int
    agreement_id: int | None
    direction: Direction
    kind: str
    about: str
    subject: str
    texts: Sequence[LetterText] | None
    original_id: int | None
    file_name: str
    media_type: str
    dated_on: date
    created_by: str


def add(conn: Connection, new: NewLetter, now: datetime) -> str:
    """Enter a letter; return its public id."""
    public_id = public_ids.new()
    texts = None if new.texts is None else [each._asdict() for each in new.texts]
    values = new._asdict() | {"direction": new.direction.value, "texts": texts}
    conn.execute(letter.insert().values(public_id=public_id, created_at=now, **values))
    return public_id


def mailed(conn: Connection, found: Letter, now: datetime) -> bool:
    """Note that a letter was put in the outbox; False: it had been before."""
    done = conn.execute(
        letter.update()
        .where(letter.c.id == found.id, letter.c.mailed_at.is_(None))
        .values(mailed_at=now)
    )
    return done.rowcount == 1


_LETTER = (
    sa.select(
        letter,
        partner.c.code.label("partner_code"),
        partner.c.name.label("partner_name"),
        sa.func.coalesce(agreement.c.public_id, "").label("agreement_name"),
    )
    .join(partner, partner.c.id == letter.c.partner_id)
    .outerjoin(agreement, agreement.c.id == letter.c.agreement_id)
)
_MOST: Final = 200


def by_public_id(conn: Connection, name: str) -> Letter | None:
    """Return the letter with this public id, or None."""
    row = conn.execute(_LETTER.where(letter.c.public_id == public_ids.read(name))).first()
    return None if row is None else _letter(row)


def filed(conn: Connection, partner_id: int, original_id: int) -> Letter | None:
    """Return the letter with these bytes that was filed with a partner, or None."""
    row = conn.execute(
        _LETTER.where(letter.c.partner_id == partner_id, letter.c.original_id == original_id)
        .order_by(letter.c.id)
        .limit(1)
    ).first()
    return None if row is None else _letter(row)


def listed(
    conn: Connection,
    *,
    partner_id: int | None = None,
    agreement_id: int | None = None,
    before: str = "",
    limit: int = _MOST,
) -> list[Letter]:
    """Return letters, newest first, older than the public id ``before``."""
    query = _LETTER.order_by(letter.c.id.desc()).limit(limit)
    if partner_id is not None:
        query = query.where(letter.c.partner_id == partner_id)
    if agreement_id is not None:
        query = query.where(letter.c.agreement_id == agreement_id)
    if before:
        older = sa.select(letter.c.id).where(letter.c.public_id == before)
        query = query.where(letter.c.id < older.scalar_subquery())
    return [_letter(row) for row in conn.execute(query)]


def _letter(row: sa.Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        public_id=row.public_id,
        partner_id=row.partner_id,
        partner=row.partner_code,
        partner_name=row.partner_name,
        agreement=row.agreement_name,
        direction=Direction(row.direction),
        kind=row.kind,
        about=row.about,
        subject=row.subject,
        texts=tuple(LetterText(**each) for each in row.texts or ()),
        original_id=row.original_id,
        file_name=row.file_name,
        media_type=row.media_type,
        dated_on=row.dated_on,
        mailed_at=row.mailed_at,
        created_by=row.created_by,
        created_at=row.created_at,
    )


# --- the gift that a letter thanks for ------------------------------------------------------------


class GiftRow(NamedTuple):
    """An incoming gift as a letter speaks of it: what of it was accepted."""

    id: int
    public_id: str
    partner_id: int
    title: str
    state: str
    received_on: date | None
    titles: int
    volumes: int


def gift(conn: Connection, name: str) -> GiftRow | None:
    """Return an incoming gift by its public id, or None."""
    accepted = sa.and_(
        accession_line.c.incoming_gift_id == incoming_gift.c.id,
        accession_line.c.decision == "ACCEPTED",
    )
    units = (accession_line.c.received - accession_line.c.damaged) * accession_line.c.volumes
    row = conn.execute(
        sa.select(
            incoming_gift.c.id,
            incoming_gift.c.public_id,
            incoming_gift.c.partner_id,
            incoming_gift.c.title,
            incoming_gift.c.state,
            incoming_gift.c.received_on,
            sa.select(sa.func.count()).where(accepted).scalar_subquery(),
            sa.select(sa.func.coalesce(sa.func.sum(units), 0)).where(accepted).scalar_subquery(),
        ).where(incoming_gift.c.public_id == public_ids.read(name))
    ).first()
    return None if row is None else GiftRow(*row[:6], int(row[6]), int(row[7]))


# Before its pieces were looked at nobody knows what there is to thank for.
_BEFORE_CHECK: Final = ("ANNOUNCED", "RECEIVED", "CANCELLED")


def acknowledge(conn: Connection, gift_id: int, now: datetime) -> bool:
    """Note that a gift was acknowledged, the first time; False before its pieces were checked."""
    done = conn.execute(
        incoming_gift.update()
        .where(incoming_gift.c.id == gift_id, incoming_gift.c.state.not_in(_BEFORE_CHECK))
        .values(
            acknowledged_at=sa.func.coalesce(incoming_gift.c.acknowledged_at, now),
            revision=incoming_gift.c.revision + 1,
        )
    )
    return done.rowcount == 1
