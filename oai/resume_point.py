"""Where a harvest stands: what a host stores with each page, in one transaction with it.

From a stored point a harvest goes on after a crash, and repeats one page at most. The point is a
value; it is written as JSON, because it lives in the host's database.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from oai.windows import Granularity, Window, next_from


@dataclass(frozen=True, slots=True)
class Point:
    """``windows`` are not finished yet; the first one is at ``token`` (``""``: its beginning).

    ``started``: our clock before the first request; ``responded``: the first answer's
    responseDate, or ``started`` where that was no time; None before it. ``full``: the harvest
    has neither from nor until. ``listed`` and ``restarts`` are those of the first window, all
    other numbers of the whole harvest: ``faults`` are answers that could not be read, ``lost``
    of these what is in the report as unread in the end; ``short`` are lists that ended before
    their completeListSize.
    """

    windows: tuple[Window, ...]
    started: int
    full: bool = False
    token: str = ""
    responded: int | None = None
    listed: int = 0
    restarts: int = 0
    pages: int = 0
    records: int = 0
    deleted: int = 0
    bytes: int = 0
    faults: int = 0
    lost: int = 0
    short: int = 0

    @property
    def is_done(self) -> bool:
        """Whether everything has been harvested."""
        return not self.windows

    @property
    def is_complete(self) -> bool:
        """Whether everything has been harvested and nothing was left unread."""
        return self.is_done and not self.lost

    def behind(self) -> Point:
        """Return the point behind the first window."""
        return replace(self, windows=self.windows[1:], token="", listed=0, restarts=0)

    def anew(self) -> Point:
        """Return the point at the beginning of the first window."""
        return replace(self, token="", listed=0)

    def divided(self, parts: tuple[Window, ...]) -> Point:
        """Return the point with the first window replaced by its parts."""
        return replace(self.behind(), windows=(*parts, *self.windows[1:]))

    def next_from(self, overlap: int, granularity: Granularity) -> int:
        """Return where the next harvest begins, once this one is done (see ``windows``)."""
        return next_from(self.responded, self.started, overlap, granularity)

    def to_json(self) -> str:
        """Return the point as text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Point:
        """Return the point that was written; raises ``ValueError`` for anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            values["windows"] = tuple(Window(*each) for each in values["windows"])
            return cls(**values)
        except (TypeError, KeyError) as error:
            raise ValueError("this is no point of a harvest") from error


def begin(windows: tuple[Window, ...], started: float) -> Point:
    """Return the point at which a planned harvest begins; ``started`` is our clock.

    >>> begin((Window(),), 10.5).full
    True
    """
    full = windows[0].from_ is None and windows[-1].until is None
    return Point(windows, int(started), full)
