"""A repository in memory: a faithful keyset list with sets, formats, tombstones and a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from oai import containers
from oai.repository import (
    Identity,
    Key,
    MetadataFormat,
    Page,
    Row,
    Selection,
    SetPage,
    SetRow,
)

START = 1_767_225_600  # 2026-01-01T00:00:00Z
OAI_DC = MetadataFormat(
    "oai_dc",
    "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
    "http://www.openarchives.org/OAI/2.0/oai_dc/",
)
MARC21 = MetadataFormat(
    "marc21",
    "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd",
    "http://www.loc.gov/MARC21/slim",
)
MARCXML = MetadataFormat("marcxml", MARC21.schema, MARC21.namespace)
ALIASES = {"marcxml": "marc21"}
LEADER = "     nam a22     2  4500"


def identifier_of(number: int) -> str:
    return f"oai:books.example.org:offer/{number}"


def dublin_core(title: str) -> bytes:
    return containers.set_description(title)


def marcxml(title: str) -> bytes:
    return (
        f'<record xmlns="http://www.loc.gov/MARC21/slim"><leader>{LEADER}</leader>'
        f'<datafield tag="245" ind1=" " ind2=" "><subfield code="a">{title}  </subfield>'
        "</datafield></record>"
    ).encode()


@dataclass
class Item:
    number: int
    stamp: int
    sets: tuple[str, ...]
    renditions: dict[str, bytes]
    deleted: bool = False
    about: bytes = b""


@dataclass
class Memory:
    page_size: int = 3
    clock: int = START
    items: dict[str, Item] = field(default_factory=dict)
    set_names: dict[str, str] = field(default_factory=dict)
    offered: tuple[MetadataFormat, ...] = (OAI_DC, MARC21, MARCXML)

    def publish(
        self,
        number: int,
        *,
        sets: Sequence[str] = (),
        formats: Sequence[str] = ("oai_dc", "marc21"),
        deleted: bool = False,
        about: bytes = b"",
        step: int = 1,
    ) -> str:
        """Add or change an item (a tombstone keeps its formats) and move the clock to its stamp."""
        self.clock += step
        makers = {"oai_dc": dublin_core, "marc21": marcxml}
        title = f"Title {number} at {self.clock}"
        self.items[identifier_of(number)] = Item(
            number=number,
            stamp=self.clock,
            sets=tuple(sets),
            renditions={prefix: makers[prefix](title) for prefix in formats},
            deleted=deleted,
            about=about,
        )
        for spec in sets:
            self.set_names.setdefault(spec, f"The set <{spec}> & more")
        return identifier_of(number)

    def base_url(self) -> str:
        return "https://books.example.org/oai?a=1&b=2"

    def as_of(self) -> int:
        return self.clock

    def identity(self) -> Identity:
        return Identity(
            repository_name="Books & <friends>",
            admin_emails=("exchange@books.example.org",),
            earliest_datestamp=START,
            repository_identifier="books.example.org",
            sample_identifier=identifier_of(1),
            compression=("gzip",),
            descriptions=(
                containers.friends(["https://other.example.org/oai?x=1&y=2"]),
                containers.rights_manifest(["https://creativecommons.org/publicdomain/zero/1.0/"]),
            ),
        )

    def formats(self) -> Sequence[MetadataFormat]:
        return self.offered

    def item_formats(self, identifier: str) -> Sequence[str] | None:
        item = self.items.get(identifier)
        if item is None:
            return None
        return [each.prefix for each in self.offered if self._real(each.prefix) in item.renditions]

    def record(self, identifier: str, prefix: str) -> Row | None:
        assert prefix in {each.prefix for each in self.offered}
        item = self.items.get(identifier)
        if item is None:
            return None
        if self._real(prefix) not in item.renditions:
            return Row(Key(item.stamp, item.number), identifier, "", None, deleted=False)
        return self._row(item, prefix, with_metadata=True)

    def page(self, selection: Selection, after: Key | None, *, with_metadata: bool) -> Page:
        chosen = [item for item in self.items.values() if self._is_chosen(item, selection)]
        chosen.sort(key=lambda item: (item.stamp, item.number))
        rest = [item for item in chosen if after is None or (item.stamp, item.number) > after]
        rows = [
            self._row(item, selection.prefix, with_metadata=with_metadata)
            for item in rest[: self.page_size]
        ]
        total = len(chosen) if after is None else None
        return Page(rows, len(rest) > self.page_size, self.clock, total)

    def sets(self, after: str | None) -> SetPage:
        specs = [spec for spec in sorted(self.set_names) if after is None or spec > after]
        rows = [
            SetRow(spec, self.set_names[spec], containers.set_description(f"About {spec}"))
            for spec in specs[: self.page_size]
        ]
        more = len(specs) > self.page_size
        return SetPage(rows, rows[-1].spec if more else None, self.clock)

    def _real(self, prefix: str) -> str:
        return ALIASES.get(prefix, prefix)

    def _row(self, item: Item, prefix: str, *, with_metadata: bool) -> Row:
        return Row(
            Key(item.stamp, item.number),
            identifier_of(item.number),
            " ".join(item.sets),
            item.renditions[self._real(prefix)] if with_metadata else None,
            item.deleted,
            item.about,
        )

    def _is_chosen(self, item: Item, selection: Selection) -> bool:
        wanted = selection.set
        return (
            self._real(selection.prefix) in item.renditions
            and (selection.from_ is None or item.stamp >= selection.from_)
            and (selection.until is None or item.stamp <= selection.until)
            and (
                wanted is None
                or any(spec == wanted or spec.startswith(f"{wanted}:") for spec in item.sets)
            )
        )
