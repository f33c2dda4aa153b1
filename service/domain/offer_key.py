"""The keys of an offer, made of the record that it shows: what a wish is laid beside.

It is pure, and so a second process makes them for a long list (``usecases.keying_offers``). What
goes from one process to the other is plain: pairs of texts cost a fifth of what ``Key`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from marc_mappings import formats
from marc_mappings.match_keys import Key
from service.domain import lookup_key, wish_title

Pair = tuple[str, str]  # the kind and the value of a key, as ``Key`` has them


class OfferKeys(NamedTuple):
    """The keys of what an offer shows, each way that they are needed in.

    ``packed``: all by which a wish is compared with it, as they are kept with it. ``titles``: those
    under which it is found by its titles. ``looked_up``: those under which wishes are looked for.
    """

    packed: str
    titles: tuple[Pair, ...]
    looked_up: tuple[Pair, ...]


def of_canonical(version_id: int, canonical: bytes) -> tuple[Key, ...]:
    """Return every key by which a wish is compared with a version, from its canonical bytes."""
    item = formats.read_one(canonical)
    if isinstance(item, formats.Unreadable):
        raise AssertionError(f"version {version_id} cannot be read back: {item.problems}")
    return tuple(key for key in wish_title.all_keys(item.content) if "\n" not in key.value)


def made(version_id: int, canonical: bytes) -> OfferKeys:
    """Return the keys of a version as they are needed when it is compared with what waits."""
    keys = of_canonical(version_id, canonical)
    return OfferKeys(
        packed(keys), _plain(lookup_key.indexed(keys)), _plain(lookup_key.looked_up(keys))
    )


def of_step(step: Iterable[tuple[int, bytes]]) -> list[OfferKeys]:
    """Return the keys of several versions, given with their canonical bytes."""
    return [made(version_id, canonical) for version_id, canonical in step]


def _plain(keys: Iterable[Key]) -> tuple[Pair, ...]:
    return tuple((kind, value) for kind, value in keys)


def packed(keys: Iterable[Key]) -> str:
    """Return keys as they are kept with an offer: a kind, a blank and a value a line.

    >>> unpacked(packed([Key("isbn", "9788936433598")]))
    (Key(kind='isbn', value='9788936433598'),)
    """
    return "\n".join(f"{kind} {value}" for kind, value in keys)


def unpacked(text: str) -> tuple[Key, ...]:
    """Return the keys that ``packed`` made one text of."""
    return tuple(Key(*line.split(" ", 1)) for line in text.split("\n"))
