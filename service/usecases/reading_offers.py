"""The keys of what offers show, made of their canonical records when somebody needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from marc_mappings.match_keys import Key
from service.domain import offer_key
from service.store import offer_keys
from service.store.candidates import Candidate
from service.store.db import Connection


def keys_of(conn: Connection, version_ids: Iterable[int]) -> dict[int, tuple[Key, ...]]:
    """Return every key by which a wish is compared with these versions."""
    bodies = offer_keys.canonical(conn, sorted(set(version_ids)))
    return {each: offer_key.of_canonical(each, body) for each, body in bodies.items()}


def with_keys(
    conn: Connection, by_key: Mapping[Key, Sequence[Candidate]]
) -> dict[Key, list[Candidate]]:
    """Return candidates with their keys; those of offers not compared yet are made now."""
    bare = {each.version_id for found in by_key.values() for each in found if not each.keys}
    keys = keys_of(conn, bare)
    return {
        key: [each if each.keys else each._replace(keys=keys[each.version_id]) for each in found]
        for key, found in by_key.items()
    }
