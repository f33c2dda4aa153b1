"""Who is next in line when a copy comes back: in their rank, as far as each may get any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from service.domain.allocation_room import Room


class Waiting(Protocol):
    """A wish that waits for a copy."""

    @property
    def partner_id(self) -> int: ...
    @property
    def quantity(self) -> int: ...


_W = TypeVar("_W", bound=Waiting)


def pass_on(
    line: Sequence[_W],
    copies: int,
    volumes: int,
    rooms: Mapping[int, Room],
    shares: Mapping[int, int],
    min_parcel: int | None,
) -> list[tuple[_W, int]]:
    """Return who of a line gets how many of these copies, each of so many volumes.

    ``rooms`` has the partners that may get any; ``shares`` what they have of the list already, so
    that nobody's parcel is smaller than ``min_parcel``.
    """
    out: list[tuple[_W, int]] = []
    got: dict[int, int] = {}
    for waiting in line:
        room = rooms.get(waiting.partner_id)
        if not copies or room is None:
            continue
        before = got.get(waiting.partner_id, 0)
        given = min(waiting.quantity, copies)
        most = room.of_title(volumes, before, before * volumes)
        if most is not None:
            given = min(given, most)
        parcel = shares.get(waiting.partner_id, 0) + before + given
        if given > 0 and parcel >= (min_parcel or 0):
            out.append((waiting, given))
            got[waiting.partner_id] = before + given
            copies -= given
    return out
