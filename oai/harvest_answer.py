"""What an answer of a provider came to, once it was read to its end.

Source: OAI-PMH sections 3.2 (responses), 3.5 (resumptionToken), 3.6 (errors).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from oai.harvest_errors import Note
from oai.harvest_records import Held


class Part(NamedTuple):
    """A set, a format or an Identify: the texts of its children by name, and its descriptions."""

    texts: dict[str, list[str]]
    descriptions: tuple[bytes, ...] = ()

    def text(self, name: str) -> str:
        """Return the first text of a name, or ``""``."""
        return self.texts.get(name, [""])[0]


@dataclass
class Answer:
    """An answer that was read to its end.

    ``responded``: its responseDate as a stamp, None if it is absent or no time. ``token``: None
    without the element, ``""`` at the end of a list. ``size``: the completeListSize.
    ``errors``: pairs of code and message. ``records``: of the verbs that bring records or
    headers; ``parts``: the elements of the other three, as mappings of names to texts.
    """

    responded: int | None = None
    token: str | None = None
    size: int | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    records: Held = field(default_factory=Held)
    parts: list[Part] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def codes(self) -> set[str]:
        """The codes of its errors."""
        return {code for code, _ in self.errors}
