"""What is made of a finished harvest, by the kind of its source.

An ending runs in the transaction that ends the harvest. ``harvested`` says by then what each
identifier is, with the harvest's id where this harvest had a word to say, deleted ones among them;
``harvest_line`` and the sealed original have what came. What takes long is put into the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from service.domain.harvest import Harvest
from service.domain.import_batch import STAGE
from service.domain.source import Source, SourceKind
from service.store import imports, jobs
from service.store.db import Connection
from service.usecases import harvested_wishes

Ending = Callable[[Connection, Source, Harvest, datetime], Harvest]


def stage_records(conn: Connection, source: Source, found: Harvest, now: datetime) -> Harvest:
    """Send the records the way of every upload, into a batch of the source's list.

    Without ``auto_commit`` the batch waits for a person. A harvest of deletions only has none.
    """
    assert found.original_id is not None  # noqa: S101 - a planned harvest has one
    assert source.list_id is not None  # noqa: S101 - sources of records have a list
    if found.records == found.deleted:
        return found
    batch = imports.add_batch(
        conn,
        original_id=found.original_id,
        list_id=source.list_id,
        file_name=f"harvest of {source.name}, {found.started_at:%Y-%m-%d %H:%M} UTC",
        format_="marcxml",
        stage_only=not source.auto_commit,
        encoding_said="",
        dialect_said="",
        now=now,
    )
    jobs.enqueue(conn, STAGE, batch.id, found.octets, now)
    return replace(found, batch_id=batch.id)


ENDINGS: Final[dict[SourceKind, Ending]] = {
    SourceKind.OFFERS: stage_records,
    SourceKind.GIVEN: stage_records,
    SourceKind.WISHES: harvested_wishes.enqueue,
}
