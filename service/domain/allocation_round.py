"""Rounds in which partners pick in turns, one copy each, by their own rankings.

A partner's ranking is the order in which it wished: list after list as they came, line after line.
At its turn it takes a copy of the first of its wishes for which there are a copy and room; who
finds nothing any more is done. A line that asks for several copies is picked as often, turn after
turn. Every second round goes backwards, so that after each pair of rounds the places of all come to
the same.

Of a wish only numbers are held, 33 bytes of them: title, copies asked for and given, places in two
orders, turn and end; of a title 20. A million wishes for 100,000 titles are 35 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from service.domain.allocation import Standing, Title, Wished

# Copies that are told apart; whoever has more has enough for everybody.
_MOST: Final = 2**32 - 1


class End(IntEnum):
    """Why a wish is not picked any more: it was met, or no copy was left, or no room."""

    MET = 0
    GONE = 1
    BOUND = 2


class Picked(NamedTuple):
    """What came of a wish.

    ``turn``: in which it was picked first, or, with nothing ``given``, its partner came to it.
    """

    given: int
    end: End
    turn: int


def ranking(wished: Wished) -> tuple[int, int]:
    """Return the place of a wish among those of its partner: the smallest is picked first."""
    return wished.wish_list_id, wished.line_no


def order_of_round(first: Sequence[int], number: int) -> Sequence[int]:
    """Return who picks after whom in a round, counted from 0; ``first`` is the order of the first.

    >>> [order_of_round([7, 8, 9], number) for number in range(3)]
    [[7, 8, 9], [9, 8, 7], [7, 8, 9]]
    """
    return first[::-1] if number % 2 else first


class Rounds:
    """Wishes that take part, numbered as they are added, and how they are picked.

    Turns are numbered as well: as many in each round as there are partners, whoever is done.
    ``got`` and ``got_volumes`` are what each partner has in the end; ``favourites`` its first wish.
    """

    def __init__(self, standings: Mapping[int, Standing]) -> None:
        self._standings = standings
        self._copies, self._volumes = array("I"), array("I")
        self._title_of, self._asked, self._place = array("I"), array("I"), array("Q")
        self._mine: dict[int, array[int]] = {}
        self.favourites: dict[int, Wished] = {}
        self.got: dict[int, int] = {}
        self.got_volumes: dict[int, int] = {}
        self._first: Sequence[int] = ()

    def add(self, title: Title, wishes: Sequence[Wished]) -> None:
        """Add a title with those of its wishes that take part."""
        self._copies.append(min(title.copies, _MOST))
        self._volumes.append(min(title.volumes, _MOST))
        for wished in wishes:
            who, place = wished.partner_id, ranking(wished)
            self._mine.setdefault(who, array("I")).append(len(self._title_of))
            self._title_of.append(len(self._copies) - 1)
            self._asked.append(min(wished.quantity, _MOST))
            self._place.append(place[0] << 32 | place[1])
            if who not in self.favourites or place < ranking(self.favourites[who]):
                self.favourites[who] = wished

    def play(self, first: Sequence[int]) -> None:
        """Let partners pick until nobody finds anything; ``first`` is the order of the first round.

        It may be played again, with fewer.
        """
        self._begin(first)
        here, number = first, 0
        while here:
            done = {who for who in order_of_round(here, number) if not self._pick(who, number)}
            here = [who for who in here if who not in done]
            number += 1

    def _begin(self, first: Sequence[int]) -> None:
        if not self._first:
            for who, mine in self._mine.items():
                self._mine[who] = array("I", sorted(mine, key=self._place.__getitem__))
        wishes = len(self._title_of)
        self._first = first
        self._seat = {who: seat for seat, who in enumerate(first)}
        self._left = array("I", self._copies)
        self._last = array("Q", bytes(8 * len(self._copies)))
        self._given = array("I", bytes(4 * wishes))
        self._turn = array("Q", bytes(8 * wishes))
        self._end = bytearray(wishes)
        self._at = dict.fromkeys(first, 0)
        self.got = dict.fromkeys(first, 0)
        self.got_volumes = dict.fromkeys(first, 0)

    def _pick(self, who: int, number: int) -> bool:
        """Let a partner take a copy of what it likes best of what there is; False: of nothing."""
        turn = self._turn_of(who, number)
        mine = self._mine[who]
        for at in range(self._at[who], len(mine)):
            wish = mine[at]
            if not self._given[wish]:
                self._turn[wish] = turn
            why_not = self._why_not(who, wish)
            if why_not is None:
                self._take(who, wish, turn)
                self._at[who] = at
                return True
            self._end[wish] = why_not
        self._at[who] = len(mine)
        return False

    def _why_not(self, who: int, wish: int) -> End | None:
        """Return why no copy is taken for a wish. It stays so: copies and room only become less."""
        if self._given[wish] == self._asked[wish]:
            return End.MET
        title = self._title_of[wish]
        room = self._standings[who].room
        if room.of_title(self._volumes[title], self.got[who], self.got_volumes[who]) == 0:
            return End.BOUND
        return None if self._left[title] else End.GONE

    def _take(self, who: int, wish: int, turn: int) -> None:
        title = self._title_of[wish]
        self._given[wish] += 1
        self.got[who] += 1
        self.got_volumes[who] += self._volumes[title]
        self._left[title] -= 1
        self._last[title] = turn

    # --- what came of it --------------------------------------------------------------------------

    def picked(self, wish: int) -> Picked:
        """Return what came of a wish of somebody who played."""
        return Picked(self._given[wish], End(self._end[wish]), self._turn[wish])

    def last_turn(self, title: int) -> int:
        """Return in which turn the last copy of a title was picked, if they all were."""
        return self._last[title]

    def round_of(self, turn: int) -> int:
        """Return the round that a turn is in, counted from 1."""
        return turn // len(self._first) + 1

    def whose(self, turn: int) -> int:
        """Return the partner whose turn it was."""
        number, seat = divmod(turn, len(self._first))
        return order_of_round(self._first, number)[seat]

    def _turn_of(self, who: int, number: int) -> int:
        seat, seats = self._seat[who], len(self._first)
        return number * seats + (seats - 1 - seat if number % 2 else seat)
