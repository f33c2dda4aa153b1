"""Which record a harvested one is: told by its identifier within its source, and by nothing else.

A partner's record takes the place of the one that came under the same identifier from the same
source, whatever control number it has. It never takes the place of another's, or of one that we
offer ourselves: that one stays, and the partner's goes on as a record of its own.

Source: OAI-PMH section 2.4 (unique identifier); guidelines-provenance.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from marc_mappings.steps import LOCAL_TAGS
from oai import uris
from oai.containers import Origin, provenance
from oai.datestamp import is_legal, written
from oai.origins import read_origin
from service.domain.harvest import Harvest
from service.domain.import_batch import Action, Batch, Decision, Staged
from service.domain.record_version import NewVersion
from service.domain.rendition import Rendition
from service.domain.source import Source, SourceKind
from service.store import (
    harvested,
    harvests,
    imports,
    incoming_lists,
    offer_lists,
    records,
    sources,
)
from service.store.db import Connection
from service.store.feed import PROVENANCE
from service.store.harvested import Arrived
from service.usecases.preparing import Prepared

_MARC21: Final = "marc21"
_DIRECTORY_ENTRY: Final = 12


class Arrival(NamedTuple):
    """The harvest that brought a batch, and its source."""

    source: Source
    harvest: Harvest

    @property
    def offers(self) -> bool:
        """Whether what came is offered to us."""
        return self.source.kind is SourceKind.OFFERS


def of_batch(conn: Connection, batch: Batch) -> Arrival | None:
    """Return the harvest that brought a batch, None for a file that somebody sent."""
    found = harvests.of_batch(conn, batch.id)
    return None if found is None else Arrival(sources.by_id(conn, found.source_id), found)


def replaceable(
    conn: Connection, batch: Batch, of_key: Mapping[str, Sequence[int]]
) -> dict[str, list[int]]:
    """Return, by control key, the records that a file may bring a newer form of.

    A partner's file takes no place of a record that we offer ourselves: what it says of it is a
    record of its own, as what is harvested.
    """
    if offer_lists.by_id(conn, batch.list_id).ours:
        return {key: list(ids) for key, ids in of_key.items()}
    ours = harvested.ours_as_well(conn, sorted({i for ids in of_key.values() for i in ids}))
    return {key: [i for i in ids if i not in ours] for key, ids in of_key.items()}


# --- staging ------------------------------------------------------------------------------------


def decide(
    conn: Connection, arrival: Arrival, prepared: Sequence[Prepared]
) -> list[tuple[Decision, NewVersion | None]]:
    """Decide on the records of one step; return with each the version to be kept, if any.

    A version that is kept tells where it came from.
    """
    headers = _headers(conn, arrival, prepared[0].offset, prepared[-1].offset)
    known = [each.record_id for each in headers if each.record_id is not None]
    current = records.current_versions(conn, known)
    digests = imports.digests_of(conn, sorted(set(filter(None, current.values()))))
    ours = harvested.ours_as_well(conn, known)
    seen: set[str] = set()
    result: list[tuple[Decision, NewVersion | None]] = []
    for each in prepared:
        header = _header_at(headers, each.offset)
        if each.version is None or header is None or header.again or header.identifier in seen:
            result.append((_not_taken(each, header), None))
            continue
        seen.add(header.identifier)
        shown = current.get(header.record_id or 0)
        same = shown is not None and digests[shown][0] == each.version.digest
        decision = _decision(header, shown if same else None, header.record_id in ours)
        version = None
        if decision.action is not Action.DUPLICATE:
            version = _with_origin(arrival, header, each, each.version)
            version = replace(version, record_id=decision.record_id)
        result.append((decision, version))
    return result


def _not_taken(each: Prepared, header: Arrived | None) -> Decision:
    if each.version is None:
        return Decision(Action.NONE)
    if header is None:
        return Decision(Action.NONE, why="it stands in no record that the provider named")
    if header.again:
        return Decision(Action.NONE, why="it comes once more later in this harvest")
    return Decision(Action.AMBIGUOUS, why="the provider gave two records under one identifier")


def _decision(header: Arrived, same: int | None, ours: bool) -> Decision:
    if same is not None:
        return Decision(
            Action.DUPLICATE, header.record_id, same, "the partner has not changed it since"
        )
    if header.record_id is None:
        return Decision(Action.NEW)
    if ours:
        return Decision(
            Action.NEW, why="we offer the partner's earlier form ourselves; that one stays as it is"
        )
    return Decision(
        Action.UPDATE, header.record_id, why="a newer form of what the partner offered before"
    )


def _with_origin(
    arrival: Arrival, header: Arrived, each: Prepared, version: NewVersion
) -> NewVersion:
    """Return a version that keeps where it came from, for when we pass it on.

    A provider whose words do not keep to the schema of provenance is not cited.
    """
    order, started = arrival.harvest.order, int(arrival.harvest.started_at.timestamp())
    url = arrival.source.url
    if not (is_legal(header.datestamp) and all(map(uris.is_legal, (url, header.identifier)))):
        return version
    origin = Origin(
        base_url=url,
        identifier=header.identifier,
        datestamp=header.datestamp,
        namespace=order.namespace,
        harvested=written(started),
        altered=_is_altered(each, version),
        origin=read_origin(header.about) if header.about else None,
    )
    kept = (*version.renditions, Rendition(PROVENANCE, 0, provenance(origin)))
    return replace(version, renditions=kept)


def _is_altered(each: Prepared, version: NewVersion) -> bool:
    """Whether what goes out on offer is not what came in: mended, mapped, or with fields less."""
    if each.outcome != "ok" or each.dialect != _MARC21:
        return True
    canonical = version.canonical
    if not canonical[:5].isdigit():
        return True
    directory = canonical[24 : int(canonical[12:17]) - 1]
    starts = range(0, len(directory), _DIRECTORY_ENTRY)
    tags = {directory[at : at + 3].decode("ascii") for at in starts}
    return not tags.isdisjoint(LOCAL_TAGS)


# --- committing ---------------------------------------------------------------------------------


def settle(
    conn: Connection, arrival: Arrival, batch: Batch, lines: Sequence[Staged]
) -> list[Staged]:
    """Hold lines against what other harvests have brought since they were staged.

    What is turned back says so in its line. The identifiers of the rest are their records from
    now on.
    """
    headers = _of_lines(conn, arrival, batch, lines)
    known = [each.record_id for each in headers.values() if each.record_id is not None]
    shown = records.current_versions(conn, known)
    ours = harvested.ours_as_well(conn, known)
    result: list[Staged] = []
    moved: list[tuple[int | None, int | None]] = []
    named: list[tuple[str, int]] = []
    for line in lines:
        header = headers.get(line.position)
        if header is None or line.record_id is None:
            result.append(line)
            continue
        turned, why = _turned(arrival, line, header, shown, ours)
        if why:
            imports.turn_back(conn, batch.id, turned, why)
        elif turned.record_id is not None and line.version_id is not None:
            if turned.record_id != line.record_id:
                moved.append((turned.record_id, turned.version_id))
            if header.record_id != turned.record_id:
                named.append((header.identifier, turned.record_id))
                _hand_over(conn, arrival, header.record_id, turned.record_id)
        result.append(turned)
    records.give_to(conn, moved)
    harvested.set_records(conn, arrival.source.id, named)
    return result


def _turned(
    arrival: Arrival,
    line: Staged,
    header: Arrived,
    shown: Mapping[int, int],
    ours: set[int],
) -> tuple[Staged, str]:
    """Return what to do with a line now, and why if it is not taken any more."""
    if header.deleted and header.harvest_id >= arrival.harvest.id:
        return line._replace(action=Action.NONE), "the partner has deleted it since"
    there = header.record_id
    if there is None or line.action is Action.DUPLICATE:
        return line, ""
    if there in ours:
        if line.action is Action.NEW:
            return line, ""
        why = "we offer its earlier form ourselves since this was staged; harvest it anew, --full"
        return line._replace(action=Action.AMBIGUOUS), why
    if (shown.get(there) or 0) > (line.version_id or 0):
        # Versions are numbered as they come: this one is older than what the record shows.
        return line._replace(action=Action.NONE), "a later harvest brought a newer form of it"
    if there == line.record_id:
        return line, ""
    return line._replace(action=Action.UPDATE, record_id=there), ""


def _hand_over(conn: Connection, arrival: Arrival, old: int | None, new: int) -> None:
    """Let the partner's offer be the new record where it was one that we offer as well."""
    if old is not None and arrival.source.list_id is not None:
        incoming_lists.replace_record(conn, arrival.source.list_id, old, new)


def _of_lines(
    conn: Connection, arrival: Arrival, batch: Batch, lines: Sequence[Staged]
) -> dict[int, Arrived]:
    offsets = harvested.offsets(conn, batch.id, lines[0].position, lines[-1].position)
    headers = _headers(conn, arrival, min(offsets.values()), max(offsets.values()))
    found = {position: _header_at(headers, offset) for position, offset in offsets.items()}
    return {position: header for position, header in found.items() if header is not None}


def _headers(conn: Connection, arrival: Arrival, first: int, last: int) -> list[Arrived]:
    return harvested.arrived(conn, arrival.source.id, arrival.harvest.id, first, last)


def _header_at(headers: Sequence[Arrived], offset: int) -> Arrived | None:
    """Return the header whose record stands around an octet of the original."""
    place = bisect_right(headers, offset, key=lambda each: each.offset) - 1
    if place < 0:
        return None
    header = headers[place]
    return header if offset < header.offset + header.length else None
