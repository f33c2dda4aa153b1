"""The keys of all that an open list offers and that was not compared yet, a step at a time.

Making them is half of the work of a matching and needs no database: on a long list a second process
does it, a few steps ahead of the transactions that keep them. Whoever takes them looks whether an
offer still shows the same version.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from itertools import chain, islice
from typing import Final, NamedTuple

from service.domain import offer_key
from service.domain.offer_key import OfferKeys
from service.store import offer_keys
from service.store.db import Database
from service.store.offer_keys import Shown
from service.usecases import working_apart

# Octets of records that end a step earlier: several steps are in memory at the same time.
_OCTETS: Final = 4_000_000
# Steps that are done before a second process is worth its start.
_ALONE: Final = 10


class Keyed(NamedTuple):
    """An offer with the keys of the version that it showed when it was read."""

    offer: Shown
    keys: OfferKeys


_Step = list[tuple[int, bytes]]  # versions with their canonical bytes


def keyed(db: Database, list_id: int, after: int, size: int) -> Generator[list[Keyed]]:
    """Yield the offers of a list behind record ``after``, with their keys, ``size`` at a time.

    Close it when you stop early: it may have a process.
    """
    read: deque[list[Shown]] = deque()
    steps = _steps(db, list_id, after, size, read)
    for made in _made(steps):
        yield [Keyed(*each) for each in zip(read.popleft(), made, strict=True)]


def _made(steps: Iterator[_Step]) -> Iterator[list[OfferKeys]]:
    """Yield the keys of each step; those of a long list come from a second process."""
    alone = _ALONE if (os.cpu_count() or 1) > 1 else None
    yield from map(offer_key.of_step, islice(steps, alone))
    if (more := next(steps, None)) is not None:
        yield from working_apart.results(offer_key.of_step, chain((more,), steps))


def _steps(
    db: Database, list_id: int, after: int, size: int, read: deque[list[Shown]]
) -> Iterator[_Step]:
    """Yield what offers show, each step read by itself, and note in ``read`` which offers."""
    while True:
        with db.read() as conn:
            offers = offer_keys.unmatched(conn, list_id, after, size)
            bodies = offer_keys.canonical(conn, [each.version_id for each in offers])
        if not offers:
            return
        after = offers[-1].record_id
        for part in _cut(offers, bodies):
            read.append(part)
            yield [(each.version_id, bodies[each.version_id]) for each in part]


def _cut(offers: list[Shown], bodies: Mapping[int, bytes]) -> Iterator[list[Shown]]:
    begin = octets = 0
    for place, each in enumerate(offers):
        length = len(bodies[each.version_id])
        if octets and octets + length > _OCTETS:
            yield offers[begin:place]
            begin, octets = place, 0
        octets += length
    yield offers[begin:]
