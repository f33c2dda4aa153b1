"""Short builders of things that are valid by default."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from marc_mappings import iso2709
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.survey import Said
from service import worker
from service.config import load
from service.domain.offer import ListAction
from service.domain.partner import Partner
from service.store.db import Database
from service.usecases import cataloguing, membership, offering
from service.usecases.cataloguing import Received
from service.usecases.site import Site

START = 2_500_000_000.0  # in 2049: later than any clock that made the database


class HandClock:
    """A clock that stands still until it is moved by hand; seconds since the epoch."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        """Return the moment it shows."""
        return self.at

    def move(self, seconds: float) -> None:
        """Let time pass, or go back."""
        self.at += seconds


def make_site(
    db: Database, folder: Path, clock: HandClock | None = None, **settings: object
) -> Site:
    """Return a site over ``db`` with a clock that stands still."""
    read = load({}, data_dir=folder, secret_key="a key for tests", **settings)
    return Site(db, read, clock or HandClock())


def a_record(
    title: str = "A book",
    *,
    number: str = "",
    agency: str = "XX-TEST",
    isbn: str = "",
    place: str = "ko ",
    language: str = "kor",
    extra: tuple[Field, ...] = (),
) -> Record:
    """Return a small record; with ``number`` it has a control number of ``agency``."""
    fields = []
    if number:
        fields += [Field("001", "", value=number), Field("003", "", value=agency)]
    fields.append(Field("008", "", value=f"260101s2020    {place}           000 0 {language} d"))
    if isbn:
        fields.append(Field("020", "  ", (Subfield("a", isbn),)))
    fields.append(Field("245", "00", (Subfield("a", title),)))
    return Record("00000nam a2200000 i 4500", (*fields, *extra))


def a_file(*records: Record) -> bytes:
    """Return the records as ISO 2709."""
    return b"".join(iso2709.write(record) for record in records)


def open_list(site: Site, slug: str = "spring", **more: object) -> None:
    """Draw up a list and open it."""
    offering.create_list(site.db, slug=slug, title=f"List {slug}", now=site.now(), **more)  # type: ignore[arg-type]
    offering.change_list(site.db, slug, ListAction.OPEN, site.now())


def receive(
    site: Site,
    data: bytes,
    slug: str = "spring",
    *,
    stage_only: bool = False,
    name: str = "f.mrc",
    said: Said = Said(),  # noqa: B008 - a value
    limit: int = 10**9,
) -> Received:
    """Hand in a file."""
    return cataloguing.receive(
        site.db,
        io.BytesIO(data),
        file_name=name,
        list_slug=slug,
        stage_only=stage_only,
        said=said,
        limit=limit,
        now=site.now(),
    )


def work(site: Site) -> None:
    """Let a worker do all that is due."""
    while worker.turn(site):
        pass


def bring(site: Site, *records: Record, slug: str = "spring") -> cataloguing.Report:
    """Import records onto a list, publish them, and return the report."""
    received = receive(site, a_file(*records), slug)
    work(site)
    return cataloguing.report(site.db, received.batch.public_id)


def bring_file(
    site: Site,
    data: bytes,
    slug: str = "spring",
    *,
    said: Said = Said(),  # noqa: B008 - a value
) -> cataloguing.Report:
    """Import a file as its sender says it is, publish it, and return the report."""
    received = receive(site, data, slug, said=said)
    work(site)
    return cataloguing.report(site.db, received.batch.public_id)


def a_partner(site: Site, code: str = "nagasaki") -> Partner:
    """Enter a partner."""
    return membership.add_partner(site.db, code=code, name=f"Library of {code}", now=site.now())


def utc(text: str) -> datetime:
    """Return the moment that ISO 8601 ``text`` (without offset) names in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
