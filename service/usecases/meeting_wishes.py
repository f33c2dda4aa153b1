"""What is offered meets standing wishes as soon as their partners may see it.

``meet`` is called in the transaction that makes the keys of offers (``matching_offers``): when a
list opens or grows, when it opens to others, when a record changes. What met once is kept, so that
a partner is told once. A title that the partner wishes for already, or was given, is not told.
Where the standing wish registers, what meets it is wished for, in a wish list of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from marc_mappings import formats
from marc_mappings.match_keys import Key
from service.domain import description, lookup_key, wish_title
from service.domain import standing_wish as rules
from service.domain.announcement import STANDING_WISH_MET
from service.domain.description import Description
from service.domain.partner import Partner
from service.domain.standing_wish import Query, Token
from service.domain.wish import Mode, Outcome, Reading, WishLine, WishState
from service.store import (
    audiences,
    given_before,
    harvested_wishes,
    offer_keys,
    originals,
    partners,
    standing_wishes,
    tiers,
    wish_lists,
    wishes,
)
from service.store.db import Connection
from service.store.standing_wishes import Offered, Wisher
from service.store.wish_lists import Received
from service.usecases import answering, notifying

CHANNEL: Final = "standing"


class _Index(NamedTuple):
    """Queries by public id, and where each is filed."""

    active: tuple[str, ...]
    queries: Mapping[str, Query]
    filed: Mapping[Token, Sequence[str]]


class _Hit(NamedTuple):
    """An offer that meets a standing wish, and why."""

    wisher: Wisher
    query: Query
    offered: Offered
    reason: str


# Of the last step: a standing wish never changes, so it is right as long as the same are active.
_last = _Index((), {}, {})


def _index(conn: Connection) -> _Index:
    global _last
    active = standing_wishes.active(conn)
    if active != _last.active:
        _last = _filed(active, standing_wishes.queries(conn))
    return _last


def _filed(active: tuple[str, ...], queries: Mapping[str, Query]) -> _Index:
    filed: defaultdict[Token, list[str]] = defaultdict(list)
    for public_id, query in queries.items():
        for token in rules.filed_under(query):
            filed[token].append(public_id)
    return _Index(active, queries, filed)


def _met(index: _Index, described: Description) -> Iterator[tuple[str, str]]:
    """Yield each standing wish that a title meets, with the reason."""
    led_to = {i for token in rules.tokens(described) for i in index.filed.get(token, ())}
    for public_id in sorted(led_to):
        if reason := rules.meets(index.queries[public_id], described):
            yield public_id, reason


def meet(conn: Connection, offer_ids: Sequence[int], now: datetime) -> None:
    """Hold offers against all standing wishes; tell their partners, and wish for what met.

    Called with the lists held open and nobody else answering wishes.
    """
    index = _index(conn)
    if not index.queries or not offer_ids:
        return
    offers = standing_wishes.offered(conn, offer_ids)
    canonical = offer_keys.canonical(conn, sorted({each.version_id for each in offers}))
    led: list[tuple[Offered, str, str]] = []
    keys: dict[int, tuple[Key, ...]] = {}
    for each in offers:
        item = formats.read_one(canonical[each.version_id])
        if isinstance(item, formats.Unreadable):
            raise AssertionError(f"version {each.version_id} cannot be read: {item.problems}")
        met = list(_met(index, description.of_record(item.record)))
        if met:
            keys[each.id] = tuple(lookup_key.sure_keys(wish_title.all_keys(item.record)))
            led += [(each, *one) for one in met]
    if led:
        _settle(conn, _allowed(conn, index, led, keys), now)


def _allowed(
    conn: Connection,
    index: _Index,
    led: Sequence[tuple[Offered, str, str]],
    keys: Mapping[int, Sequence[Key]],
) -> list[_Hit]:
    """Return what may be told: seen by the partner, not told, wished for or received before."""
    wishers = standing_wishes.wishers(conn, sorted({public_id for _, public_id, _ in led}))
    open_to = tiers.open_to(conn, {each.list_id for each, _, _ in led})
    belongs = audiences.standing_of(conn, {each.partner_id for each in wishers.values()})
    offer_ids = sorted({each.id for each, _, _ in led})
    before = standing_wishes.met_before(conn, offer_ids)
    wished = standing_wishes.wished_already(conn, offer_ids)
    had = given_before.by_key(conn, belongs, {key for found in keys.values() for key in found})
    hits: list[_Hit] = []
    for each, public_id, reason in led:
        wisher = wishers.get(public_id)
        if wisher is None or (wisher.id, each.id) in before:
            continue
        if not open_to[each.list_id] & belongs[wisher.partner_id]:
            continue
        if (wisher.partner_id, each.id) in wished:
            continue
        received = had.get(wisher.partner_id, {})
        if not any(key in received for key in keys[each.id]):
            hits.append(_Hit(wisher, index.queries[public_id], each, reason))
    return hits


def _settle(conn: Connection, hits: Sequence[_Hit], now: datetime) -> None:
    standing_wishes.keep(conn, [(h.wisher.id, h.offered.id, h.reason) for h in hits], now)
    by_partner: defaultdict[int, list[_Hit]] = defaultdict(list)
    for each in hits:
        by_partner[each.wisher.partner_id].append(each)
    for partner_id, theirs in sorted(by_partner.items()):
        _register(conn, partner_id, [each for each in theirs if each.wisher.registers], now)
        counts: defaultdict[str, int] = defaultdict(int)
        for each in theirs:
            counts[each.wisher.public_id] += 1
        titles = len({each.offered.id for each in theirs})
        body = {"standing_wishes": dict(sorted(counts.items())), "titles": titles}
        notifying.announce(conn, partner_id, STANDING_WISH_MET, body, now)


def _register(conn: Connection, partner_id: int, hits: Sequence[_Hit], now: datetime) -> None:
    """Wish for what met standing wishes that register, in the list of each of them."""
    by_wish: defaultdict[Wisher, dict[str, _Hit]] = defaultdict(dict)
    seen: set[int] = set()
    for each in hits:
        if each.offered.id not in seen:
            seen.add(each.offered.id)
            by_wish[each.wisher][each.offered.public_id] = each
    if not by_wish:
        return
    partner = partners.by_id(conn, partner_id)
    there = standing_wishes.wish_lists_of(conn, {each.public_id for each in by_wish}, CHANNEL)
    for wisher, met in by_wish.items():
        list_id = there.get(wisher.public_id)
        query = next(iter(met.values())).query
        given = wish_lists.by_id(conn, list_id) if list_id else _list(conn, wisher, query, now)
        _add_lines(conn, partner, given, met.values(), now)


def _add_lines(
    conn: Connection, partner: Partner, given: Received, hits: Iterable[_Hit], now: datetime
) -> None:
    last = standing_wishes.last_line(conn, given.id)
    lines = [
        WishLine(number, each.offered.public_id, offer=each.offered.public_id, note=each.reason)
        for number, each in enumerate(hits, last + 1)
    ]
    answered = [
        (line, answer)
        for line, answer in answering.answers(conn, partner, lines, now, given)
        if answer.outcome is Outcome.REGISTERED
    ]
    new = [answering.new_wish(line, answer, now, WishState.OPEN) for line, answer in answered]
    wishes.add(conn, given.id, partner.id, new)
    harvested_wishes.lengthen(conn, given.id, len(new))
    total = given.answered + len(new)
    wish_lists.end(conn, given.id, now, withdrawn=None, answered=total)


def _list(conn: Connection, wisher: Wisher, query: Query, now: datetime) -> Received:
    """Enter the wish list that a standing wish writes; its bytes are the standing wish itself."""
    said = {
        "standing_wish": wisher.public_id,
        "title": wisher.title,
        "query": query.as_json(),
    }
    body = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    original_id = originals.begin(conn, now)
    originals.append(conn, original_id, 0, [body])
    digest = hashlib.sha256(body).digest()
    return wish_lists.add(
        conn,
        partner_id=wisher.partner_id,
        channel=CHANNEL,
        list_key=wisher.public_id,
        mode=Mode.APPEND,
        media_type="application/json",
        charset="",
        original_id=originals.seal(conn, original_id, digest, len(body)),
        idempotency_key=None,
        request_digest=digest,
        total=0,
        reading=Reading(),
        now=now,
    )
