"""What a reader of a format hands to ``formats``: where a record lies, and what it says.

Every format module offers the same three names: ``frames(window)``, ``parse(raw)`` and
``write(record)``.
"""

from __future__ import annotations

from typing import NamedTuple

from marc_mappings.framing.sound import Sound, record_of
from marc_mappings.problems import Problem
from marc_mappings.record import Record


class Frame(NamedTuple):
    """The bytes that are one record, or stand where one should be.

    ``offset`` counts bytes from the beginning of the stream; ``problems`` are those of the
    frame's surroundings, which its own bytes do not show.
    """

    offset: int
    raw: bytes
    problems: tuple[Problem, ...] = ()


class Reading(NamedTuple):
    """A record, the encoding its bytes were in, whether that is certain, and what was wrong.

    ``content`` is the record, or its pieces where nothing in it was wrong.
    """

    content: Record | Sound
    encoding: str
    encoding_certain: bool
    problems: tuple[Problem, ...] = ()

    @property
    def record(self) -> Record:
        """The record; made anew at every call where ``content`` is its pieces."""
        return record_of(self.content)
