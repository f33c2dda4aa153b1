"""A harvest of another provider into a file: page by page, with the point from which to go on.

The records of a page are written and made durable first, then the point with the length of the
file at that moment. Whoever goes on cuts the file to that length, so a crash repeats one page at
most and leaves nothing twice.

Source: OAI-PMH sections 2.5, 2.5.1 and 3.5; ``docs/oai.md``, section Harvesting.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO, Final, NamedTuple

from oai import source
from oai.asking import Asking
from oai.datestamp import written
from oai.harvest_errors import HarvestError, Note
from oai.harvest_records import Record
from oai.harvester import Page, Task, harvest
from oai.resume_point import Point, begin
from oai.windows import Granularity, plan
from service.errors import Conflict, Invalid

OVERLAP: Final = 3600
"""Seconds that the next harvest goes back: for providers that stamp before they commit."""

_FORM: Final = 1

# Notes of a page that does not go on with its list, but asks for the records of it anew.
_BROKEN: Final = frozenset({"list-lost", "divided", "singly"})
_PROLOG = b'<?xml version="1.0" encoding="UTF-8"?>\n'
MARC_NAMESPACES: Final = frozenset(
    {
        "http://www.loc.gov/MARC21/slim",
        "info:lc/xmlns/marcxchange-v1",
        "info:lc/xmlns/marcxchange-v2",
    }
)
"""The formats that an import reads."""


class Wanted(NamedTuple):
    """What a person asks for; ``prefix`` ``""`` is chosen; ``from_`` and ``until`` are stamps."""

    url: str
    prefix: str = ""
    set: str = ""
    from_: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a harvest stands: what is kept beside its file.

    ``octets`` and ``report_octets`` (None: no report) are the lengths that go with the point;
    ``written`` counts the records in the file, without the deleted ones;
    ``repeated`` of them at most
    stand there twice: they came before their list broke off and was asked for in another way.
    ``deleted_record`` is the provider's word.
    """

    wanted: Wanted
    task: Task
    namespace: str
    deleted_record: str
    point: Point
    octets: int = 0
    report_octets: int | None = None
    written: int = 0
    repeated: int = 0
    finished: bool = False

    @property
    def next_from(self) -> int:
        """Where the next harvest begins: what came after ``until`` is still to be had."""
        following = self.point.next_from(OVERLAP, self.task.granularity)
        until = self.wanted.until
        return following if until is None else min(following, until)

    @property
    def without_metadata(self) -> int:
        """How many records came that are neither deleted nor have metadata."""
        return self.point.records - self.point.deleted - self.written

    @property
    def is_fine(self) -> bool:
        """Whether all was harvested and there is nothing a person must look at."""
        whole = self.finished and self.point.is_complete
        return whole and not self.point.short and not self.without_metadata

    def to_json(self) -> str:
        """Return what is kept, as text."""
        values = {**asdict(self), "wanted": self.wanted._asdict(), "form": _FORM}
        values["next_from"] = written(self.next_from) if self.finished else None
        return json.dumps(values, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Standing:
        """Return what was kept; raises ``ValueError`` for anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("form") != _FORM:
                raise ValueError("this point is of another version")
            values.pop("next_from")
            values["wanted"] = Wanted(**values["wanted"])
            task = values["task"]
            task["granularity"] = Granularity(task["granularity"])
            values["task"] = Task(**task)
            values["point"] = Point.from_json(json.dumps(values["point"]))
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("this is no point of a harvest") from error


class Sinks(NamedTuple):
    """Where a harvest goes; ``keep`` makes a standing durable before it returns."""

    records: BinaryIO
    report: BinaryIO | None
    keep: Callable[[Standing], None]


OnPage = Callable[[Standing, tuple[Note, ...]], None]


def planned(asking: Asking, wanted: Wanted) -> tuple[Standing, tuple[Note, ...]]:
    """Ask a provider who it is, and return where a harvest of it begins.

    Raises ``Invalid`` for a prefix that is not offered and a time that ends before it begins,
    ``HarvestError`` where there is no answer to plan with.
    """
    provider = source.identify(asking)
    offered = source.formats(asking)
    prefix = wanted.prefix or source.choose_prefix(offered)
    namespaces = {each.prefix: each.namespace.strip() for each in offered}
    if prefix not in namespaces:
        known = ", ".join(sorted(namespaces))
        raise Invalid(f"The provider does not offer {prefix}; it offers: {known}.", "prefix")
    try:
        windows = plan(wanted.from_, wanted.until, provider.granularity)
    except ValueError as error:
        raise Invalid("--from is later than --until.", "from") from error
    task = Task(prefix, wanted.set, provider.granularity, provider.earliest)
    point = begin(windows, asking.clock())
    standing = Standing(wanted, task, namespaces[prefix], provider.deleted_record, point)
    return standing, provider.notes


def since(before: Standing, wanted: Wanted) -> Wanted:
    """Return what to ask for to have what changed since a finished harvest.

    Raises ``Conflict`` where that one is not finished, or was of something else.
    """
    if not before.finished:
        raise Conflict("The earlier harvest is not finished; let it go on first.")
    same = (before.wanted.url, before.wanted.set) == (wanted.url, wanted.set)
    if not same or wanted.prefix not in ("", before.task.prefix):
        raise Conflict("The earlier harvest was of another address, set or prefix.")
    return wanted._replace(prefix=before.task.prefix, from_=before.next_from)


def go_on(asking: Asking, standing: Standing, sinks: Sinks, on_page: OnPage) -> Standing:
    """Harvest from where it stands to the end; return where it stands then.

    The sinks are at the lengths of ``standing``. Raises ``HarvestError``; what was kept before it
    stays good, and the notes of the failure are in the report.
    """
    opening, closing = envelope(standing.namespace)
    if not standing.octets:
        sinks.records.write(opening)
        standing = _kept(standing, sinks)
    try:
        for page in harvest(asking, standing.task, standing.point):
            standing = _stored(standing, page, sinks)
            on_page(standing, page.notes)
    except HarvestError as error:
        _report(sinks, (_noted(note) for note in (*error.notes, error.as_note())))
        _kept(standing, sinks)
        raise
    sinks.records.write(closing)
    return _kept(replace(standing, finished=True), sinks)


def _stored(standing: Standing, page: Page, sinks: Sinks) -> Standing:
    count = 0
    for record in page.records:
        if record.metadata is not None and not record.deleted:
            sinks.records.write(record.metadata + b"\n")
            count += 1
    _report(sinks, map(_header, page.records))
    _report(sinks, map(_noted, page.notes))
    again = any(note.code in _BROKEN for note in page.notes)
    standing = replace(
        standing,
        point=page.point,
        written=standing.written + count,
        repeated=standing.repeated + (standing.point.listed if again else 0),
    )
    return _kept(standing, sinks)


def _kept(standing: Standing, sinks: Sinks) -> Standing:
    """Make what was written durable, then where it ends."""
    standing = replace(
        standing,
        octets=_settled(sinks.records),
        report_octets=None if sinks.report is None else _settled(sinks.report),
    )
    sinks.keep(standing)
    return standing


def _settled(stream: BinaryIO) -> int:
    stream.flush()
    os.fsync(stream.fileno())
    return stream.tell()


def envelope(namespace: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the records.

    The namespace has a prefix, so that it is not given to records that have none.
    """
    if namespace in MARC_NAMESPACES:
        opening = f'<marc:collection xmlns:marc="{namespace}">\n'
        return _PROLOG + opening.encode(), b"</marc:collection>\n"
    return _PROLOG + b"<records>\n", b"</records>\n"


def _report(sinks: Sinks, lines: Iterable[dict[str, Any]]) -> None:
    if sinks.report is not None:
        for line in lines:
            sinks.report.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _header(record: Record) -> dict[str, Any]:
    return {
        "identifier": record.identifier,
        "datestamp": record.datestamp,
        "sets": list(record.sets),
        "deleted": record.deleted,
    }


def _noted(note: Note) -> dict[str, Any]:
    excerpt = note.excerpt.decode("utf-8", "backslashreplace")
    line = {"note": note.code, "message": note.message}
    return line | {
        name: value
        for name, value in (("identifier", note.identifier), ("excerpt", excerpt))
        if value
    }
