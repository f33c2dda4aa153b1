"""What follows from a harvest whose pages are all there.

What the provider deleted is taken back, and what a full list does not name any more – unless that
is so much that a person has to decide. Then the bytes are sealed, the kind of the source decides
what is made of them, and only then it is known from when on the next harvest begins. Each step is
one transaction with the job's cursor.

Source: OAI-PMH section 2.5.1 (deletedRecord); ``oai.reconciling``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

from oai.reconciling import reconcile
from oai.resume_point import Point
from oai.windows import Granularity
from service.domain.harvest import OVERLAP, Harvest, HarvestState, Remark
from service.domain.source import Source
from service.store import harvested, harvests, incoming_lists, jobs, originals, sources
from service.store.db import Connection
from service.store.jobs import Job
from service.usecases.harvest_endings import ENDINGS
from service.usecases.harvesting_to_file import envelope
from service.usecases.ordering_harvests import next_due
from service.usecases.site import Site

# Identifiers, and old headers, of one transaction.
_STEP: Final = 1000
_OLD_AT_ONCE: Final = 5000

Silence = Literal["apply", "ask", "keep"]


def point_of(found: Harvest) -> Point:
    """Return the point of a planned harvest."""
    return Point.from_json(json.dumps(found.point))


def conclude(site: Site, held: Job, source: Source, found: Harvest) -> Iterator[int]:
    """Draw what follows from a harvest, a transaction at a time; yield after each.

    It goes on from the cursor of the job, as a worker that died left it.
    """
    silence = held.cursor.get("silence") or _weighed(site, source, found)
    if silence == "ask":
        _stop(site, held, found)
        return
    position = held.cursor.get("position", 0)
    while (after := _say(site, held, source, found, silence, position)) is not None:
        position = after
        yield found.records
    while silence == "apply" and _delete_silent(site, held, source, found, position):
        yield found.records
    while _forget(site, held, source, found, silence, position):
        yield found.records
    _end(site, held, source, found, silence)


def _weighed(site: Site, source: Source, found: Harvest) -> Silence:
    """Say what it means that the harvest does not name some identifiers that were there."""
    with site.db.read() as conn:
        silent = harvested.silent(conn, source.id, found.id)
        number = harvested.number(conn, source.id)
    verdict = reconcile(point_of(found), number, silent)
    if verdict.action == "ask" and found.order.accept_vanished:
        return "apply"
    return verdict.action


def _stop(site: Site, held: Job, found: Harvest) -> None:
    """Wait for a person's word; nothing of the harvest has been applied."""
    now = site.now()
    with site.db.write() as conn:
        source = sources.by_id(conn, found.source_id)
        silent = harvested.silent(conn, source.id, found.id)
        number = harvested.number(conn, source.id)
        why = (
            f"{silent} of {number} records that were there are not named any more: nothing was "
            "changed. Ask the partner; if it is right, say: "
            f"bookbridge harvest {source.name} --full --accept-vanished"
        )
        harvests.move(conn, found, HarvestState.STOPPED, error=why)
        jobs.finish(conn, held, now)
        sources.set_due(conn, source.id, next_due(source, now))


def _say(
    site: Site, held: Job, source: Source, found: Harvest, silence: Silence, position: int
) -> int | None:
    """Keep what the harvest says of the next identifiers, and take back what it deletes."""
    with site.db.write() as conn:
        lines = harvests.last_words(conn, found.id, position, _STEP)
        if not lines:
            return None
        position = lines[-1].position
        _advance(conn, site, held, found, silence, position)
        harvested.say(conn, source.id, found.id, lines)
        _withdraw(conn, source, [line.identifier for line in lines if line.deleted])
    return position


def _delete_silent(site: Site, held: Job, source: Source, found: Harvest, position: int) -> bool:
    with site.db.write() as conn:
        gone = harvested.delete_silent(conn, source.id, found.id, _STEP)
        if gone:
            _advance(conn, site, held, found, "apply", position)
            _withdraw(conn, source, gone)
    return bool(gone)


def _forget(
    site: Site, held: Job, source: Source, found: Harvest, silence: Silence, position: int
) -> bool:
    """Drop headers of earlier harvests that nobody asks for any more."""
    with site.db.write() as conn:
        forgotten = harvests.forget_lines(conn, source.id, found.id, _OLD_AT_ONCE)
        if forgotten:
            _advance(conn, site, held, found, silence, position)
    return forgotten > 0


def _withdraw(conn: Connection, source: Source, identifiers: list[str]) -> None:
    if source.list_id is not None and identifiers:
        gone = harvested.records_of(conn, source.id, identifiers)
        incoming_lists.withdraw(conn, source.list_id, gone)


def _advance(
    conn: Connection, site: Site, held: Job, found: Harvest, silence: Silence, position: int
) -> None:
    cursor = {"silence": silence, "position": position}
    jobs.advance(conn, held, cursor, found.records, site.now())


def _end(site: Site, held: Job, source: Source, found: Harvest, silence: Silence) -> None:
    """Seal the bytes, hand them on, and say from when on the next harvest begins."""
    assert found.original_id is not None  # noqa: S101 - a planned harvest has one
    _, closing = envelope(found.order.namespace)
    digest = _digest(site, found)
    digest.update(closing)
    point, order, now = point_of(found), found.order, site.now()
    with site.db.write() as conn:
        jobs.finish(conn, held, now)
        originals.append(conn, found.original_id, found.octets, [closing])
        octets = found.octets + len(closing)
        originals.seal(conn, found.original_id, digest.digest(), octets)
        unsaid = harvested.silent(conn, source.id, found.id) if order.full else 0
        found = replace(found, octets=octets)
        if unsaid and silence == "keep":
            why = f"{unsaid} records that were there are not named, and were left as they are."
            found = replace(found, remarks=found.remarks.and_also([Remark("left", why)]))
        found = ENDINGS[source.kind](conn, source, found, now)
        harvests.keep(conn, found)
        harvests.move(conn, found, HarvestState.DONE, finished_at=now)
        if order.covers and not unsaid:
            stamp = point.next_from(OVERLAP, Granularity(order.granularity))
            sources.set_next_from(conn, source.id, stamp)
        sources.set_due(conn, source.id, next_due(sources.by_id(conn, source.id), now))


def _digest(site: Site, found: Harvest) -> hashlib._Hash:
    """Return the SHA-256 of what is there so far."""
    digest, at = hashlib.sha256(), 0
    assert found.original_id is not None  # noqa: S101 - a planned harvest has one
    while at < found.octets:
        with site.db.read() as conn:
            start, piece = originals.piece_at(conn, found.original_id, at)
        digest.update(piece)
        at = start + len(piece)
    return digest
