"""The port: what a host must answer so that the provider can speak OAI-PMH for it.

A host implements :class:`Repository` over whatever it keeps its items in. All values here are
plain and frozen; stamps are whole seconds since the epoch, UTC; XML travels as serialised UTF-8
bytes without a prolog and is never parsed again.

The promise behind ``as_of`` (the public clock): whatever an answer given at clock *p* did not
contain is, or will be, stamped later than *p*. Stamps of published items never change without
growing, and no item ever vanishes from a list: it moves to the tail or becomes a tombstone.

Source: OAI-PMH 2.0, sections 2 (definitions) and 3.5 (flow control).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

_EMAIL = re.compile(r"\S+@(\S+\.)+\S+")
_DOMAIN = re.compile(r"[A-Za-z][A-Za-z0-9\-]*(\.[A-Za-z][A-Za-z0-9\-]*)+")
_LOCAL = re.compile(r"[A-Za-z0-9\-_.!~*'();/?:@&=+$,%]+")


class Key(NamedTuple):
    """The place of an item in a list: lists are in the order of ``(stamp, item)``.

    A host whose lists have an order of their own among the items of one stamp may keep a number
    for it in ``own``; it comes back in the token as it was given.
    """

    stamp: int
    item: int
    own: int | None = None


@dataclass(frozen=True, slots=True)
class MetadataFormat:
    """A format on offer (section 3.4): ``prefix``, the URL of its ``schema``, its ``namespace``."""

    prefix: str
    schema: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What Identify tells (section 4.2), except the base URL, which every answer carries.

    ``earliest_datestamp`` is not later than any stamp, those of tombstones included;
    ``sample_identifier`` should be one that GetRecord answers; ``compression`` names HTTP
    encodings (``gzip``, ``deflate``); ``descriptions`` are the contents of further
    ``description`` elements beside oai-identifier, each with one root element.

    Raises ``ValueError`` for values that the protocol's schema forbids.
    """

    repository_name: str
    admin_emails: tuple[str, ...]
    earliest_datestamp: int
    repository_identifier: str
    sample_identifier: str
    compression: tuple[str, ...] = ()
    descriptions: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.admin_emails:
            raise ValueError("Identify needs an adminEmail (OAI-PMH 4.2)")
        for email in self.admin_emails:
            if not _EMAIL.fullmatch(email):
                raise ValueError(f"not an e-mail address: {email!r}")
        if not {*self.compression} <= {"gzip", "deflate"}:
            raise ValueError("compression is gzip or deflate; identity is not listed (4.2)")
        if not _DOMAIN.fullmatch(self.repository_identifier):
            raise ValueError(f"not a domain name: {self.repository_identifier!r} (oai-identifier)")
        start = f"oai:{self.repository_identifier}:"
        local = self.sample_identifier.removeprefix(start)
        if local == self.sample_identifier or not _LOCAL.fullmatch(local):
            raise ValueError(f"{self.sample_identifier!r} is no identifier {start}...")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items a list holds (section 2.7): both stamps are inclusive, None is unbounded."""

    prefix: str
    set: str | None = None
    from_: int | None = None
    until: int | None = None


class Row(NamedTuple):
    """One item of a list, or the answer to GetRecord.

    ``sets``: setSpecs separated by blanks, only the most specific ones and only those that the
    caller may see. ``metadata``: the serialised root element; None for a tombstone and where only
    headers were asked for. ``about``: complete ``<about>`` elements joined, made by
    :func:`oai.containers.about`. A tombstone is written without metadata and about whatever
    they hold (section 2.5.1).
    """

    key: Key
    identifier: str
    sets: str
    metadata: bytes | None
    deleted: bool
    about: bytes = b""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, all of it read in one snapshot.

    ``more``: whether a row follows (look one row ahead). ``as_of``: the public clock of the
    snapshot, the responseDate. ``total``: how many items the whole list holds; known on a first
    page, if counting is cheap, and None elsewhere.
    """

    rows: Sequence[Row]
    more: bool
    as_of: int
    total: int | None = None


class SetRow(NamedTuple):
    """One set (section 2.6). ``description``: serialised content of setDescription, or ``b""``."""

    spec: str
    name: str
    description: bytes = b""


@dataclass(frozen=True, slots=True)
class SetPage:
    """One page of the sets, by setSpec. ``after``: continue behind this spec; None: the end."""

    rows: Sequence[SetRow]
    after: str | None
    as_of: int


class Repository(Protocol):
    """What the provider asks its host for, on behalf of one caller during one request."""

    def base_url(self) -> str:
        """Return the public URL of the endpoint, as harvesters know it."""
        ...

    def as_of(self) -> int:
        """Return the public clock, for answers without a page; asked before what they hold."""
        ...

    def identity(self) -> Identity:
        """Return what Identify tells."""
        ...

    def formats(self) -> Sequence[MetadataFormat]:
        """Return all formats on offer, aliases included; oai_dc is among them (section 3.4)."""
        ...

    def item_formats(self, identifier: str) -> Sequence[str] | None:
        """Return the prefixes, aliases included, that an item has or, deleted, ever had.

        None: no such item, or none that the caller may know of.
        """
        ...

    def record(self, identifier: str, prefix: str) -> Row | None:
        """Return one record in a format on offer; None: no such item for this caller.

        A row with neither ``deleted`` nor ``metadata`` says that the item is there, and never was
        in this format.
        """
        ...

    def page(self, selection: Selection, after: Key | None, *, with_metadata: bool) -> Page:
        """Return the page behind ``after``, or the first one (then with ``total``).

        Only items that have the format are listed. An unknown or hidden set is an empty page; for
        a set that callers without credentials may not even name, raises ``CredentialsNeeded``
        (:mod:`oai.errors`).
        """
        ...

    def sets(self, after: str | None) -> SetPage:
        """Return the page of sets behind ``after``; no rows at all: there is no set hierarchy."""
        ...
