"""Renditions: what partners are given of a record in each format, and which edition made it.

All are made of the canonical bytes of a version, and of nothing else, so that they can be made
anew: when a crosswalk changes, what it made before is stale, and a worker makes it again
(``usecases.rerendering``). The edition of a crosswalk says that it changed. It is a number raised
by hand: a digest of source files would move with every comment, and miss what they call; a test
pins what each crosswalk makes of sample records, and says when the number has to be raised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from marc_mappings import formats, marcxml, oai_dc
from marc_mappings.framing.sound import Sound, record_of
from marc_mappings.record import Record
from marc_mappings.steps import without_local_fields

RERENDER = "rerender"  # the kind of the job that makes renditions anew


class Rendition(NamedTuple):
    """A record in one format: a serialised element, and the edition of what made it."""

    prefix: str
    edition: int
    body: bytes


class Crosswalk(NamedTuple):
    """What makes the renditions stored under one prefix.

    ``edition`` rises whenever ``write`` makes other bytes of any record than before; 0 is what was
    made before editions were counted. ``at_once``: made when a record is written, and not only
    when somebody first asks for it.
    """

    edition: int
    write: Callable[[Record | Sound], bytes]
    at_once: bool = True


def _mods(content: Record | Sound) -> bytes:
    # Its tables are large, and few harvesters ask for it.
    from marc_mappings import marc21_to_mods

    return marc21_to_mods.write(record_of(content))


CROSSWALKS = {
    "marc21": Crosswalk(1, marcxml.write),
    "oai_dc": Crosswalk(1, oai_dc.write),
    "mods": Crosswalk(1, _mods, at_once=False),
}


def editions() -> dict[str, int]:
    """Return the edition of each prefix that this program makes."""
    return {prefix: crosswalk.edition for prefix, crosswalk in CROSSWALKS.items()}


def made_at_once(content: Record | Sound, canonical: bytes) -> tuple[Rendition, ...]:
    """Return what is stored of a record from the beginning; it is kept as ``canonical``."""
    offered = without_local_fields(content)
    if not canonical.startswith(b"<"):
        # The leader that came counts octets that are not there any more. What is made anew later
        # has the one of the canonical bytes, and must be the same.
        offered = offered._replace(leader=canonical[:24].decode("ascii"))
    return tuple(
        Rendition(prefix, crosswalk.edition, crosswalk.write(offered))
        for prefix, crosswalk in CROSSWALKS.items()
        if crosswalk.at_once
    )


def made_of(canonical: bytes, prefixes: Collection[str]) -> dict[str, bytes]:
    """Return a record, from the bytes it is kept as, in these formats.

    >>> sorted(made_of(b"00034nam a2200025   4500\\x1e\\x1d", []))
    []
    """
    if not prefixes:
        return {}
    read = formats.read_one(canonical)
    if isinstance(read, formats.Unreadable):
        raise TypeError("what is kept of a record can be read")
    offered = without_local_fields(read.content)
    return {prefix: CROSSWALKS[prefix].write(offered) for prefix in prefixes}
