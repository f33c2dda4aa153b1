"""Disseminating: the feed as the OAI-PMH provider wants it, for everybody or for one partner.

What everybody sees is one stream, and a page of it one query. A partner sees more: the merge of
the streams of its audiences, in which every row has a place of its own (``domain.feed_view``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from marc_mappings import summary
from oai import containers
from oai.errors import CredentialsNeeded
from oai.repository import Identity, Key, MetadataFormat, Page, Row, Selection, SetPage, SetRow
from service.config import Settings
from service.domain import feed_view
from service.domain.audience import PUBLIC, AudienceKind, given_set, partner_set
from service.domain.feed_view import Place, Standing
from service.domain.partner import Partner
from service.domain.publication import WHOLE_SETS
from service.store import audiences, feed, feed_merging, feed_reading, offer_lists, public_ids
from service.store.db import Connection, Database
from service.store.feed_merging import Merge
from service.store.feed_reading import Entry, Stream, View
from service.usecases import publishing, rendering
from service.usecases.publishing import Clock
from service.usecases.rendering import FORMATS, Offered

# Above this number of entries a list's size is not counted.
_COUNT_CAP = 200_000
# A page of records has room for this many times more bare headers.
_HEADERS_PER_RECORD = 10
_SETS_PER_PAGE = 500


class FeedRepository:
    """The feed as the OAI-PMH provider wants it: the port ``oai.repository.Repository``.

    One is made for each request; ``partner`` says whose view it is (None: everybody's),
    ``signed_in`` whether the caller came with credentials.
    """

    def __init__(
        self,
        db: Database,
        settings: Settings,
        clock: Clock,
        partner: Partner | None = None,
        *,
        signed_in: bool = False,
    ) -> None:
        self._db = db
        self._settings = settings
        self._clock = clock
        self._partner = partner
        self._signed_in = signed_in or partner is not None
        self._rights = _rights(settings.metadata_rights)
        self._start = f"oai:{settings.repository_identifier}:"

    def base_url(self) -> str:
        """Return the public address of the endpoint."""
        return f"{self._settings.base_url}/oai"

    def as_of(self) -> int:
        """Return the public clock."""
        publishing.refresh(self._db, self._clock)
        with self._db.read() as conn:
            return feed.clock(conn).p

    def identity(self) -> Identity:
        """Return what Identify tells."""
        with self._db.read() as conn:
            earliest = feed.clock(conn).earliest
            newest = feed_reading.newest(conn)
        # Before the first offer there is nothing to resolve; the sample then shows the form.
        kind, public_id = newest or (feed.OFFER, "0" * 26)
        return Identity(
            repository_name=self._settings.repository_name,
            admin_emails=(self._settings.admin_email,),
            earliest_datestamp=earliest,
            repository_identifier=self._settings.repository_identifier,
            sample_identifier=self._identifier(kind, public_id),
            compression=("gzip",),
            descriptions=tuple(_descriptions(self._settings)),
        )

    def formats(self) -> Sequence[MetadataFormat]:
        """Return the formats on offer, the alias among them."""
        return [offered.format for offered in FORMATS.values()]

    def item_formats(self, identifier: str) -> Sequence[str] | None:
        """Return the formats of an item: each has them all."""
        with self._db.read() as conn:
            return None if self._entry(conn, identifier, "oai_dc") is None else list(FORMATS)

    def record(self, identifier: str, prefix: str) -> Row | None:
        """Return one item in a format, or None."""
        offered = FORMATS[prefix]
        fresh: dict[int, bytes] = {}
        with self._db.read() as conn:
            seen = self._entry(conn, identifier, offered.source)
            if seen is None:
                return None
            found, stands = seen
            if offered.on_demand:
                ((found,), fresh) = rendering.rendered(conn, offered.stored, [found])
        if not rendering.keep(self._db, offered.stored, fresh):
            return self.record(identifier, prefix)
        key = Key(found.stamp, found.item)
        sets = self._header_sets(found.sets, stands, None)
        about = self._about(found.about)
        return Row(key, identifier, sets, found.body, not found.present, about)

    def page(self, selection: Selection, after: Key | None, *, with_metadata: bool) -> Page:
        """Return the page behind ``after``, read in one snapshot; the first one is counted.

        Raises ``CredentialsNeeded`` for a partner's set when the caller has none, whether there is
        such a set or not; for another partner's set the page is empty.
        """
        if not self._signed_in and feed_view.is_for_partners(selection.set):
            raise CredentialsNeeded
        if after is None:
            publishing.refresh(self._db, self._clock)
        with self._db.read() as conn:
            view = self._view(conn, selection.set)
            p, from_ = view.p, selection.from_ or 0
            if not view.sources or from_ > p:
                return Page((), more=False, as_of=p)
            until = p if selection.until is None else min(p, selection.until)
            offered = FORMATS[selection.prefix] if with_metadata else None
            listed = self._list(conn, view, offered.source if offered else None, until)
            start = Place(from_, -1, 0) if after is None else _place(after)
            rows, more, fresh = self._rows(conn, listed, offered, selection.set, start)
            total = listed.count(from_, _COUNT_CAP) if after is None and more else None
        if offered is not None and not rendering.keep(self._db, offered.stored, fresh):
            return self.page(selection, after, with_metadata=with_metadata)
        return Page(rows, more, p, total)

    def sets(self, after: str | None) -> SetPage:
        """Return the sets behind ``after`` with names that people can read."""
        behind = after or ""
        with self._db.read() as conn:
            p = feed.clock(conn).p
            seen_by = frozenset({PUBLIC})
            if self._partner is not None:
                seen_by = audiences.standing(conn, self._partner.id)
            specs = feed_reading.sets(conn, seen_by, behind, _SETS_PER_PAGE + 1)
            slugs = [spec.partition(":")[2] for spec in specs if spec.startswith("list:")]
            described = offer_lists.described(conn, slugs)
        further = {*WHOLE_SETS} if specs or after is not None else set()
        if self._partner is not None:
            further |= {partner_set(self._partner.code), given_set(self._partner.code)}
        specs = sorted({*specs, *(spec for spec in further if spec > behind)})
        shown = specs[:_SETS_PER_PAGE]
        rows = [_set_row(spec, described) for spec in shown]
        return SetPage(rows, shown[-1] if len(specs) > len(shown) else None, p)

    def _view(self, conn: Connection, set_spec: str | None) -> View:
        """Return the public clock, and the streams that a harvest of a set goes through."""
        code = self._partner.code if self._partner else None
        sought = feed_view.sought(set_spec, code)
        if sought is None:
            return View(feed.clock(conn).p, ())
        return feed_reading.view(conn, sought, self._partner.id if self._partner else None)

    def _list(self, conn: Connection, view: View, prefix: str | None, until: int) -> Stream | Merge:
        """Return the list of a view: of the public alone it is one stream."""
        (first, *more) = view.sources
        if not more and first.kind is AudienceKind.PUBLIC:
            return Stream(conn, first, prefix, until)
        return Merge(conn, view.sources, prefix, until)

    def _rows(
        self,
        conn: Connection,
        listed: Stream | Merge,
        offered: Offered | None,
        asked: str | None,
        after: Place,
    ) -> tuple[list[Row], bool, dict[int, bytes]]:
        """Return the rows of one page, whether an entry follows them, and renditions made for it.

        A page has room for ``page_size`` records or ``page_bytes`` octets, and for ten times as
        many bare headers: tombstones and lists of identifiers come in long pages.
        """
        room = self._settings.page_size * _HEADERS_PER_RECORD
        octets = self._settings.page_bytes
        at_once = (self._settings.page_size if offered else room) + 1
        start, stands = self._start, listed.standings
        rows: list[Row] = []
        made: dict[int, bytes] = {}
        while True:
            found = listed.entries(after, at_once)
            if offered and offered.on_demand:
                found, fresh = rendering.rendered(conn, offered.stored, found)
                made |= fresh
            for number, row in enumerate(found, 1):
                stamp, item, kind, name, sets, present, body, origin, _ = row
                key = Key(stamp, item)
                if stands:
                    key = _key(stands[item].place)
                    sets = self._header_sets(sets, stands[item], asked)
                about = self._about(origin)
                rows.append(Row(key, f"{start}{kind}/{name}", sets, body, not present, about))
                if body is None:
                    room -= 1
                else:
                    room -= _HEADERS_PER_RECORD
                    octets -= len(body)
                if room <= 0 or octets <= 0:
                    more = number < len(found) or bool(listed.entries(_place(key), 1))
                    return rows, more, made
            if len(found) < at_once:
                return rows, False, made
            after = _place(rows[-1].key)

    def _header_sets(self, sets: str, stands: Standing | None, asked: str | None) -> str:
        if stands is None or self._partner is None:
            return sets
        return feed_view.header_sets(sets, stands, self._partner.code, asked)

    def _about(self, provenance: bytes | None) -> bytes:
        """Return the ``about`` elements of a record: where it came from, and its rights."""
        return (containers.about(provenance) if provenance else b"") + self._rights

    def _entry(
        self, conn: Connection, identifier: str, stored: str
    ) -> tuple[Entry, Standing | None] | None:
        """Return one item as the caller sees it, or None; with its standing in a partner's view."""
        if not identifier.startswith(self._start):
            return None
        kind, _, name = identifier[len(self._start) :].partition("/")
        public_id = public_ids.read(name)
        if public_id is None or public_id != name:
            return None
        if self._partner is not None:
            sources = self._view(conn, None).sources
            return feed_merging.entry(conn, sources, kind, public_id, stored)
        found = feed_reading.entry(conn, kind, public_id, stored)
        return None if found is None else (found, None)

    def _identifier(self, kind: str, public_id: str) -> str:
        return f"{self._start}{kind}/{public_id}"


def _place(key: Key) -> Place:
    """Return the place that a key names: without a stamp of its own, that is what it is listed at.

    All keys of the public are so, and so are those of tokens from before there were others.
    """
    return Place(key.stamp, key.stamp if key.own is None else key.own, key.item)


def _key(place: Place) -> Key:
    return Key(place.stamp, place.item, None if place.own == place.stamp else place.own)


@lru_cache(maxsize=8)
def _rights(licence: str) -> bytes:
    """Return the ``about`` element that every record carries, or nothing without a licence."""
    return containers.about(containers.rights(licence)) if licence else b""


def _descriptions(settings: Settings) -> Iterator[bytes]:
    """Yield what Identify tells beside the form of our identifiers, as far as it is known."""
    if settings.friends:
        yield containers.friends(settings.friends)
    if settings.metadata_rights:
        yield containers.rights_manifest([settings.metadata_rights])
    if settings.icon_url:
        name, link = settings.repository_name, settings.base_url
        yield containers.branding(settings.icon_url, link=link, title=name)


_WHOLE_NAMES = {
    "list": "All offer lists",
    "place": "By place of publication",
    "lang": "By language",
}


_PARTNERS_NAMES = {
    "partner": "Offered to you beyond what is offered to all",
    "given": "What you were given",
}


def _set_row(spec: str, lists: dict[str, tuple[str, str]]) -> SetRow:
    """Return a set with its name, and what is to be said of it in Dublin Core."""
    kind, _, value = spec.partition(":")
    if kind == "list" and value:
        name, description = lists.get(value, (value, ""))
        said = containers.set_description(name, *filter(None, [description]))
        return SetRow(spec, name, said)
    if kind in _PARTNERS_NAMES:
        name = _PARTNERS_NAMES[kind]
    elif not value:
        name = _WHOLE_NAMES[spec]
    elif kind == "place":
        name = f"Published in: {summary.place_name(value)}"
    else:
        name = f"Language: {summary.language_name(value)}"
    return SetRow(spec, name, containers.set_description(name))
