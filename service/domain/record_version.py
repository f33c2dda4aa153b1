"""A version of a record, with all that is made of it once, when it is written."""

from __future__ import annotations

from dataclasses import dataclass

from marc_mappings.match_keys import Key
from marc_mappings.summary import Summary
from service.domain.rendition import Rendition


@dataclass(frozen=True, slots=True)
class NewVersion:
    """All that is kept of one version; ``record_id`` is None for a record that is new.

    ``canonical``: MARC 21 as ISO 2709 or MARCXML; ``digest``: its SHA-256; ``control_key``:
    ``(agency)number`` of 003 and 001, if it has both; ``original_*``: where its bytes lie, in
    octets; ``terms``: separated by blanks.
    """

    record_id: int | None
    canonical: bytes
    digest: bytes
    control_key: str | None
    original_id: int
    original_offset: int
    original_length: int
    summary: Summary
    renditions: tuple[Rendition, ...]
    keys: tuple[Key, ...]
    terms: str
