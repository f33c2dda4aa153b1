"""How much room a partner has: what every rule that bounds it leaves, in copies and in volumes."""

from __future__ import annotations

from typing import NamedTuple


class Room(NamedTuple):
    """How much of a list a partner may get (None: any number), and by what rule.

    ``copies`` and ``volumes`` bound it both, each for itself: a set is one copy and has several
    volumes.
    """

    copies: int | None = None
    why: str = ""
    volumes: int | None = None
    why_volumes: str = ""

    def smaller(self, other: Room) -> Room:
        """Return what both allow, with the reasons of the one that allows less.

        >>> Room(3, "a").smaller(Room()), Room().smaller(Room(2, "b")).smaller(Room(2, "c")).why
        (Room(copies=3, why='a', volumes=None, why_volumes=''), 'b')
        >>> Room(3, "a").smaller(Room(4, "b", 5, "c"))
        Room(copies=3, why='a', volumes=5, why_volumes='c')
        """
        copies = self[:2] if _is_less(self.copies, other.copies) else other[:2]
        volumes = self[2:] if _is_less(self.volumes, other.volumes) else other[2:]
        return Room(*copies, *volumes)

    def of_title(self, volumes: int, got: int = 0, got_volumes: int = 0) -> int | None:
        """Return how many copies of so many volumes each there is room for, beside what was got.

        >>> Room(9, "", 7).of_title(3), Room(9, "", 7).of_title(3, 1, 5), Room().of_title(3)
        (2, 0, None)
        """
        whole = None if self.volumes is None else max(0, self.volumes - got_volumes) // volumes
        if self.copies is None:
            return whole
        left = max(0, self.copies - got)
        return left if whole is None else min(left, whole)

    def why_not(self, volumes: int, got: int = 0, got_volumes: int = 0, aside: str = "") -> str:
        """Return by what rule there is no room for more copies than ``of_title`` says.

        ``aside`` is said behind the rule.

        >>> Room(9, "a", 7, "b").why_not(3, 1, 5), Room(2, "a", 7, "b").why_not(3, 2, 6, " (c)")
        ('b; this title has 3 volumes', 'a (c)')
        """
        most = self.of_title(volumes, got, got_volumes)
        if self.copies is not None and max(0, self.copies - got) == most:
            return self.why + aside
        size = f"; this title has {volumes} volumes" if volumes > 1 else ""
        return self.why_volumes + aside + size


def _is_less(one: int | None, other: int | None) -> bool:
    """Whether a bound is as strict as another; None bounds nothing."""
    return other is None or (one is not None and one <= other)
