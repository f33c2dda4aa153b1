"""Offer lists and the offers on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from marc_mappings.match_keys import Key
from service.domain.offer import LISTED, ListState, Offer, OfferList, OfferState
from service.domain.publication import Published
from service.errors import Conflict
from service.store import feed, public_ids, search
from service.store.tables import match_key, offer, offer_list, record, record_version, rendition

# --- lists --------------------------------------------------------------------------------------


def add_list(
    conn: Connection,
    *,
    slug: str,
    title: str,
    description: str,
    audience_id: int,
    opens_at: datetime | None,
    closes_at: datetime | None,
    zone: str,
    now: datetime,
) -> OfferList:
    """Enter a list as a draft; raise ``Conflict`` when its slug was ever used."""
    try:
        with conn.begin_nested():
            row = conn.execute(
                offer_list.insert()
                .values(
                    public_id=public_ids.new(),
                    slug=slug,
                    title=title,
                    description=description,
                    state=ListState.DRAFT.value,
                    audience_id=audience_id,
                    opens_at=opens_at,
                    closes_at=closes_at,
                    zone=zone,
                    created_at=now,
                )
                .returning(offer_list)
            ).one()
    except IntegrityError as error:
        raise Conflict(
            f"there is already an offer list named {slug!r}; a slug is never used twice"
        ) from error
    return _list(row)


def list_by_slug(conn: Connection, slug: str) -> OfferList | None:
    """Return one list, or None."""
    row = conn.execute(sa.select(offer_list).where(offer_list.c.slug == slug)).first()
    return None if row is None else _list(row)


def list_by_id(conn: Connection, list_id: int) -> OfferList:
    """Return the list of this row."""
    return _list(conn.execute(sa.select(offer_list).where(offer_list.c.id == list_id)).one())


def lock_list(conn: Connection, list_id: int) -> OfferList:
    """Return a list and let nobody else move it until the transaction ends."""
    return _list(
        conn.execute(
            sa.select(offer_list).where(offer_list.c.id == list_id).with_for_update()
        ).one()
    )


def hold_open(conn: Connection) -> None:
    """Let no open list close until the transaction ends."""
    conn.execute(
        sa.select(offer_list.c.id)
        .where(offer_list.c.state == ListState.OPEN.value)
        .with_for_update(read=True)
    )


def lists(
    conn: Connection,
    audiences: Collection[int] | None = None,
    *,
    listed: bool = False,
    before: str = "",
    limit: int | None = None,
) -> list[tuple[OfferList, int]]:
    """Return lists, newest first, each with the number of titles offered on it.

    ``audiences`` bounds them to what these audiences may see, ``listed`` to those in the feed,
    ``before`` to those older than the list of this public id.
    """
    titles = (
        sa.select(sa.func.count())
        .where(offer.c.list_id == offer_list.c.id, offer.c.state == OfferState.OFFERED.value)
        .scalar_subquery()
    )
    query = sa.select(offer_list, titles.label("titles")).limit(limit)
    query = query.order_by(offer_list.c.public_id.desc())
    if before:
        query = query.where(offer_list.c.public_id < before)
    if audiences is not None:
        query = query.where(offer_list.c.audience_id.in_(audiences))
    if listed:
        query = query.where(offer_list.c.state.in_([state.value for state in LISTED]))
    return [(_list(row), row.titles) for row in conn.execute(query)]


def titles_of(conn: Connection, slugs: Collection[str]) -> dict[str, str]:
    """Return the titles of lists by their slugs."""
    rows = conn.execute(
        sa.select(offer_list.c.slug, offer_list.c.title).where(offer_list.c.slug.in_(slugs))
    )
    return dict(rows.all())


def move_list(
    conn: Connection, found: OfferList, state: ListState, now: datetime | None = None
) -> None:
    """Move a list on from the state it was found in; raise ``Conflict`` if that has changed.

    ``now`` is kept as the moment of opening when the list opens.
    """
    values: dict[str, object] = {"state": state.value}
    if now is not None:
        values["opens_at"] = now
    moved = conn.execute(
        offer_list.update()
        .where(offer_list.c.id == found.id, offer_list.c.state == found.state.value)
        .values(**values)
    )
    if moved.rowcount != 1:
        raise Conflict("somebody else changed this list at the same moment; look at it again")


def set_dates(
    conn: Connection, list_id: int, opens_at: datetime | None, closes_at: datetime | None, zone: str
) -> None:
    """Keep the dates of a list."""
    conn.execute(
        offer_list.update()
        .where(offer_list.c.id == list_id)
        .values(opens_at=opens_at, closes_at=closes_at, zone=zone)
    )


def due(conn: Connection, now: datetime) -> list[OfferList]:
    """Return the lists whose opening or closing moment has come."""
    rows = conn.execute(
        sa.select(offer_list).where(
            ((offer_list.c.state == ListState.SCHEDULED.value) & (offer_list.c.opens_at <= now))
            | ((offer_list.c.state == ListState.OPEN.value) & (offer_list.c.closes_at <= now))
        )
    )
    return [_list(row) for row in rows]


# --- offers -------------------------------------------------------------------------------------


def add_offers(conn: Connection, list_id: int, record_ids: Sequence[int], now: datetime) -> None:
    """Offer records on a list, where they are not offered on it yet."""
    if not record_ids:
        return
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    conn.execute(
        dialect.insert(offer).on_conflict_do_nothing(),
        [
            {
                "public_id": public_ids.new(),
                "list_id": list_id,
                "record_id": record_id,
                "state": OfferState.OFFERED.value,
                "copies": 1,
                "created_at": now,
            }
            for record_id in dict.fromkeys(record_ids)
        ],
    )


def mark_records(conn: Connection, record_ids: Sequence[int]) -> None:
    """Tell the feed that what is offered of these records changed, where it is listed."""
    if record_ids:
        feed.mark_selected(
            conn,
            feed.OFFER,
            sa.select(offer.c.id)
            .join(offer_list, offer_list.c.id == offer.c.list_id)
            .where(
                offer.c.record_id.in_(record_ids),
                offer.c.pinned_version_id.is_(None),
                offer_list.c.state.in_([state.value for state in LISTED]),
            ),
        )


def mark_list(conn: Connection, list_id: int) -> None:
    """Tell the feed that every offer of a list changed."""
    feed.mark_selected(conn, feed.OFFER, sa.select(offer.c.id).where(offer.c.list_id == list_id))


def pin(conn: Connection, list_id: int) -> None:
    """Let the offers of a list keep the versions their records have now."""
    current = (
        sa.select(record.c.current_version_id)
        .where(record.c.id == offer.c.record_id)
        .scalar_subquery()
    )
    conn.execute(
        offer.update()
        .where(offer.c.list_id == list_id, offer.c.pinned_version_id.is_(None))
        .values(pinned_version_id=current)
    )


def withdraw(conn: Connection, public_id: str) -> None:
    """Take one offer back and tell the feed; raise ``Conflict`` when it is not on offer."""
    row = conn.execute(
        offer.update()
        .where(offer.c.public_id == public_id, offer.c.state == OfferState.OFFERED.value)
        .values(state=OfferState.WITHDRAWN.value)
        .returning(offer.c.id)
    ).first()
    if row is None:
        raise Conflict("this title is not on offer any more")
    feed.mark(conn, feed.OFFER, [row.id])


def exists(conn: Connection, public_id: str) -> bool:
    """Whether there is, or ever was, an offer of this public id."""
    return (
        conn.execute(sa.select(offer.c.id).where(offer.c.public_id == public_id)).first()
        is not None
    )


_VERSION = sa.func.coalesce(offer.c.pinned_version_id, record.c.current_version_id)
_OFFERED = (
    offer.join(offer_list, offer_list.c.id == offer.c.list_id)
    .join(record, record.c.id == offer.c.record_id)
    .join(record_version, record_version.c.id == _VERSION)
)
_IN_FEED = (offer.c.state == OfferState.OFFERED.value) & offer_list.c.state.in_(
    [state.value for state in LISTED]
)


def published(conn: Connection, offer_ids: Sequence[int]) -> list[Published]:
    """Return what the feed shall say of these offers now."""
    rows = conn.execute(
        sa.select(
            offer.c.id,
            offer.c.public_id,
            record_version.c.id,
            _IN_FEED,
            offer_list.c.audience_id,
            offer_list.c.slug,
            record_version.c.place,
            record_version.c.languages,
        )
        .select_from(_OFFERED)
        .where(offer.c.id.in_(offer_ids))
    )
    return [Published(*row) for row in rows]


_COLUMNS = (
    offer.c.id,
    offer.c.public_id,
    offer_list.c.slug,
    offer.c.state,
    offer.c.copies,
    record_version.c.title,
    record_version.c.title_vernacular,
    record_version.c.author,
    record_version.c.author_vernacular,
    record_version.c.publisher,
    record_version.c.published,
    record_version.c.place,
    record_version.c.languages,
    record_version.c.isbns,
)


def browse(
    conn: Connection,
    audiences: Collection[int] | None,
    *,
    slug: str = "",
    terms: Sequence[str] = (),
    after: str = "",
    limit: int = 50,
) -> list[Offer]:
    """Return offers that these audiences may see (None: any), by public id behind ``after``."""
    query = (
        sa.select(*_COLUMNS)
        .select_from(_OFFERED)
        .where(_IN_FEED, _seen_by(audiences), offer.c.public_id > after)
        .order_by(offer.c.public_id)
        .limit(limit)
    )
    if slug:
        query = query.where(offer_list.c.slug == slug)
    if terms:
        query = query.where(record_version.c.id.in_(search.versions(conn, terms)))
    return [_offer(row) for row in conn.execute(query)]


def _seen_by(audiences: Collection[int] | None) -> sa.ColumnElement[bool]:
    return sa.true() if audiences is None else offer_list.c.audience_id.in_(audiences)


class Shown(NamedTuple):
    """One offer with the two renditions that people can look at."""

    offer: Offer
    listed: bool
    marcxml: bytes
    dublin_core: bytes


def shown(conn: Connection, audiences: Collection[int] | None, public_id: str) -> Shown | None:
    """Return one offer that these audiences may see or once saw (None: any audience), or None."""
    row = conn.execute(
        sa.select(*_COLUMNS, _IN_FEED.label("listed"), _VERSION.label("version_id"))
        .select_from(_OFFERED)
        .where(
            offer.c.public_id == public_id,
            _seen_by(audiences),
            offer_list.c.state.not_in([ListState.DRAFT.value, ListState.SCHEDULED.value]),
        )
    ).first()
    if row is None:
        return None
    bodies = dict(
        conn.execute(
            sa.select(rendition.c.prefix, rendition.c.body).where(
                rendition.c.version_id == row.version_id
            )
        ).all()
    )
    return Shown(_offer(row), bool(row.listed), bodies["marc21"], bodies["oai_dc"])


# --- what a wish can mean -----------------------------------------------------------------------


class Candidate(NamedTuple):
    """An offer that a wish may mean, with what decides about it."""

    offer_id: int
    public_id: str
    title: str
    offer_state: OfferState
    list_state: ListState
    closes_at: datetime | None
    audience_id: int
    list_slug: str


_CANDIDATE = (
    offer.c.id,
    offer.c.public_id,
    record_version.c.title,
    offer.c.state,
    offer_list.c.state,
    offer_list.c.closes_at,
    offer_list.c.audience_id,
    offer_list.c.slug,
)
_ANNOUNCED = offer_list.c.state.not_in([ListState.DRAFT.value, ListState.SCHEDULED.value])


def candidates_by_public_id(
    conn: Connection, audiences: Collection[int], public_ids_: Collection[str]
) -> dict[str, Candidate]:
    """Return the offers with these public ids that the audiences know of."""
    rows = conn.execute(
        sa.select(*_CANDIDATE)
        .select_from(_OFFERED)
        .where(
            offer.c.public_id.in_(public_ids_),
            offer_list.c.audience_id.in_(audiences),
            _ANNOUNCED,
        )
    )
    return {row.public_id: _candidate(row) for row in rows}


def candidates_by_key(
    conn: Connection, audiences: Collection[int], keys: Collection[Key]
) -> dict[Key, list[Candidate]]:
    """Return the offers whose records have one of these keys, by key."""
    wanted = sa.tuple_(match_key.c.kind, match_key.c.value).in_([tuple(key) for key in keys])
    rows = conn.execute(
        sa.select(match_key.c.kind, match_key.c.value, *_CANDIDATE)
        .select_from(_OFFERED.join(match_key, match_key.c.version_id == record_version.c.id))
        .where(wanted, offer_list.c.audience_id.in_(audiences), _ANNOUNCED)
        .order_by(offer.c.id)
    )
    found: dict[Key, list[Candidate]] = {}
    for row in rows:
        found.setdefault(Key(row[0], row[1]), []).append(_candidate(row[2:]))
    return found


def _candidate(row: Sequence[object]) -> Candidate:
    values = list(row)
    values[3] = OfferState(str(values[3]))
    values[4] = ListState(str(values[4]))
    return Candidate(*values)  # type: ignore[arg-type]


def _offer(row: Any) -> Offer:
    return Offer(
        public_id=row.public_id,
        list_slug=row.slug,
        state=OfferState(row.state),
        copies=row.copies,
        title=row.title,
        title_vernacular=row.title_vernacular,
        author=row.author,
        author_vernacular=row.author_vernacular,
        publisher=row.publisher,
        published=row.published,
        place=row.place,
        languages=row.languages,
        isbns=row.isbns,
    )


def _list(row: sa.Row[Any]) -> OfferList:
    return OfferList(
        id=row.id,
        public_id=row.public_id,
        slug=row.slug,
        title=row.title,
        description=row.description,
        state=ListState(row.state),
        audience_id=row.audience_id,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        zone=row.zone,
        created_at=row.created_at,
    )
