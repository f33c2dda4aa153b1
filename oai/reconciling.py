"""What it means that records are gone: a decision, apart from the doing.

A provider that keeps no tombstones tells of a deletion only by silence. So after a full harvest,
what the host holds and did not see again has vanished – if the harvest really was full, if
nothing of it was left unread, and if so much silence is credible. A host that doubts tombstones
as well holds them against the same share (``weigh``).

Source: OAI-PMH section 2.5.1 (deletedRecord: no, persistent, transient).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from oai.resume_point import Point

MOST_VANISHING: Final = 0.2
"""The share of the records held that may go without a person's yes."""


class Verdict(NamedTuple):
    """``apply``: withdraw them; ``ask``: stop and ask a person; ``keep``: nothing follows."""

    action: Literal["apply", "ask", "keep"]
    why: str


def reconcile(point: Point, held: int, vanishing: int, most: float = MOST_VANISHING) -> Verdict:
    """Decide on the ``vanishing`` ones of the ``held`` records that a harvest did not list.

    >>> from oai.windows import Window
    >>> reconcile(Point((), 0, full=True), 100, 21).action
    'ask'
    >>> reconcile(Point((Window(),), 0, full=True), 100, 1).action
    'keep'
    """
    if not point.full:
        return Verdict("keep", "The harvest had a from or an until: silence says nothing.")
    if not point.is_done:
        return Verdict("keep", "The harvest is not finished.")
    if point.lost:
        return Verdict("keep", f"What could not be read ({point.lost}) may be among them.")
    if vanishing and point.short:
        return Verdict("ask", "The list ended before the size it had told: a person has to decide.")
    return weigh(held, vanishing, most)


def weigh(held: int, vanishing: int, most: float = MOST_VANISHING) -> Verdict:
    """Decide whether ``vanishing`` of ``held`` records may go, however it became known.

    >>> weigh(100, 20).action, weigh(100, 21).action, weigh(3, 0).action
    ('apply', 'ask', 'keep')
    """
    if not vanishing:
        return Verdict("keep", "Nothing vanishes.")
    share = f"{vanishing} of {held} records would vanish"
    if vanishing > held * most:
        return Verdict("ask", f"{share}, more than {most:.0%}: a person has to decide.")
    return Verdict("apply", f"{share}.")
