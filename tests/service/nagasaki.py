"""Nagasaki, a partner whose provider is harvested: what tests say to it and ask of our side."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from marc_mappings import marcxml
from oai.fetching import Patience
from service.store.tables import offer, offer_list, record, record_version
from service.usecases import ordering_harvests, reading_sources, subscribing
from service.usecases.reading_sources import Past
from service.usecases.site import Site
from tests.oai.hostile import Asked
from tests.oai.hostile import Site as Provider
from tests.service.builders import a_record, work

LOOPBACK = "127.0.0.0/8"
AT_ONCE = Patience(tries=2, first=0.0, longest=0.0, longest_asked=0.0, connect=2.0, read=2.0)


def add(site: Site, url: str, name: str = "nagasaki", **more: Any) -> None:
    given = {"partner_code": "nagasaki", "auto_commit": True, **more}
    subscribing.add_source(site, name=name, url=url, now=site.now(), **given)


def harvest(site: Site, name: str = "nagasaki", **how: Any) -> Past:
    """Harvest a source now, and let the worker do all that follows."""
    ordering_harvests.begin(site.db, name, now=site.now(), **how)
    work(site)
    return last(site, name)


def last(site: Site, name: str = "nagasaki") -> Past:
    return reading_sources.list_harvests(site.db, name)[0]


def rows(site: Site, query: sa.Select[Any]) -> list[Any]:
    with site.db.read() as conn:
        return list(conn.execute(query).all())


def offered(site: Site, slug: str = "from-nagasaki", state: str = "OFFERED") -> dict[str, str]:
    """Return what is offered to us on a list: title by the offer's public id."""
    found = rows(
        site,
        sa.select(offer.c.public_id, record_version.c.title)
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .join(record, record.c.id == offer.c.record_id)
        .join(record_version, record_version.c.id == record.c.current_version_id)
        .where(offer_list.c.slug == slug, offer.c.state == state),
    )
    return {row.public_id: row.title.rstrip(" /.") for row in found}


def numbers(titles: Any) -> list[int]:
    return sorted(int(title.split()[1]) for title in titles)


def count(site: Site, table: sa.Table) -> int:
    return int(rows(site, sa.select(sa.func.count()).select_from(table))[0][0])


def deleting(word: str, site: Provider) -> None:
    """Let a provider say another word of its deletions."""

    def script(asked: Asked) -> bytes | None:
        if asked.verb != "Identify":
            return None
        return asked.honest.replace(b">persistent<", b">%b<" % word.encode())

    site.script = script


def one_record(number: str, title: str, name: str = "oai:b:1", status: str = "") -> bytes:
    """A page of one record with a control number of the library's own agency."""

    body = marcxml.write(a_record(title, number=number))
    header = (
        f"<header{status}><identifier>{name}</identifier><datestamp>2026-01-02</datestamp></header>"
    )
    inside = header.encode() + (b"" if status else b"<metadata>%b</metadata>" % body)
    return (
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        b"<responseDate>2026-01-02T00:00:00Z</responseDate><request>http://b/</request>"
        b"<ListRecords><record>%b</record></ListRecords></OAI-PMH>" % inside
    )


def list_of(page: bytes, asked: Asked) -> bytes | None:
    return page if asked.verb == "ListRecords" else None
