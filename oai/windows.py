"""Windows of time to harvest, planned without any I/O.

A window is bounded by datestamps, both inclusive, as the protocol's ``from`` and ``until`` are;
None is an open end. Inside they are stamps (whole seconds, UTC). A repository of day granularity
is only ever asked for whole days: a window then begins with the first second of a day and ends
with the last one.

An open end stays open when a window is divided, so that records with datestamps before the
declared earliest one, or in the future, are still in some part.

Source: OAI-PMH sections 2.7.1 (selective harvesting by datestamps) and 3.3.1 (granularity).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from oai.datestamp import written

DAY = 86_400


class Granularity(IntEnum):
    """The step of a repository's datestamps, in seconds."""

    SECONDS = 1
    DAYS = DAY


class Window(NamedTuple):
    """From one stamp to another, both inclusive; None is an open end."""

    from_: int | None = None
    until: int | None = None

    def __str__(self) -> str:
        begin = "…" if self.from_ is None else written(self.from_)
        return f"{begin} – {'…' if self.until is None else written(self.until)}"


def arguments(window: Window, granularity: Granularity) -> list[tuple[str, str]]:
    """Return the window as the arguments ``from`` and ``until``, in the provider's granularity.

    >>> arguments(Window(86_400, None), Granularity.DAYS)
    [('from', '1970-01-02')]
    """
    length = 10 if granularity is Granularity.DAYS else 20
    ends = (("from", window.from_), ("until", window.until))
    return [(name, written(stamp)[:length]) for name, stamp in ends if stamp is not None]


def plan(
    from_: int | None,
    until: int | None,
    granularity: Granularity,
    *,
    step: int | None = None,
    earliest: int | None = None,
    now: int | None = None,
) -> tuple[Window, ...]:
    """Return the windows that cover ``from_`` to ``until`` without a hole, the earliest first.

    ``from_`` None is a full harvest. ``step`` (seconds) cuts a long time into several lists, each
    of which is committed for itself; it needs to know where time begins (``from_`` or
    ``earliest``) and ends (``until`` or ``now``), and else there is one window. For days, both
    ends grow to whole days. Raises ``ValueError`` where ``from_`` is later than ``until``.

    >>> plan(0, 9, Granularity.SECONDS, step=5)
    (Window(from_=0, until=4), Window(from_=5, until=9))
    """
    if from_ is not None and until is not None and from_ > until:
        raise ValueError("a window begins later than it ends")
    whole = Window(_first(from_, granularity), _last(until, granularity))
    begin = earliest if whole.from_ is None else whole.from_
    end = now if whole.until is None else whole.until
    if step is None or begin is None or end is None:
        return (whole,)
    step = max(step // granularity, 1) * granularity
    starts = [whole.from_, *range(_floor(begin, granularity) + step, end + 1, step)]
    ends = [*(start - 1 for start in starts[1:] if start is not None), whole.until]
    return tuple(Window(*each) for each in zip(starts, ends, strict=True))


def halves(
    window: Window, granularity: Granularity, earliest: int | None, now: int
) -> tuple[Window, Window] | None:
    """Return a window divided in two, or None where it is the smallest possible.

    Open ends stay open; ``earliest`` (epoch if unknown) and ``now`` say where to divide them.

    >>> halves(Window(0, 9), Granularity.SECONDS, None, 99)
    (Window(from_=0, until=4), Window(from_=5, until=9))
    """
    begin = (earliest or 0) if window.from_ is None else window.from_
    end = now if window.until is None else window.until
    first, last = begin // granularity, end // granularity
    if first >= last:
        return _open_ends(window, begin, now, granularity)
    middle = ((first + last) // 2 + 1) * granularity
    return Window(window.from_, middle - 1), Window(middle, window.until)


def _open_ends(
    window: Window, begin: int, now: int, granularity: Granularity
) -> tuple[Window, Window] | None:
    """Cut an open end off its last step, so that what lies beyond is a window of its own."""
    if window.until is None and begin // granularity <= now // granularity:
        beyond = (now // granularity + 1) * granularity
        return Window(window.from_, beyond - 1), Window(beyond)
    if window.from_ is None and window.until is not None and window.until >= begin > 0:
        before = _floor(begin, granularity)
        return (Window(None, before - 1), Window(before, window.until)) if before else None
    return None


def next_from(responded: int | None, started: int, overlap: int, granularity: Granularity) -> int:
    """Return where the next harvest begins: never by the newest datestamp.

    ``responded``: the first page's responseDate, None where there was none;
    ``started``: our clock when that page was asked for. The earlier of the two counts, so that no
    clock that is wrong loses a record, less ``overlap`` seconds – at least a day where datestamps
    are days, because some providers count days in their own time zone.

    >>> next_from(1000, 5000, 60, Granularity.SECONDS)
    940
    """
    seen = started if responded is None else min(responded, started)
    if granularity is Granularity.DAYS:
        overlap = max(overlap, DAY)
    return max(_floor(seen - overlap, granularity), 0)


def _floor(stamp: int, granularity: Granularity) -> int:
    return stamp // granularity * granularity


def _first(stamp: int | None, granularity: Granularity) -> int | None:
    return None if stamp is None else _floor(stamp, granularity)


def _last(stamp: int | None, granularity: Granularity) -> int | None:
    return None if stamp is None else _floor(stamp, granularity) + granularity - 1
