"""How a list is allocated in turns: partners pick, then every wish is told what came of it.

How they pick is in :mod:`service.domain.allocation_round`. The titles are read twice, once to let
partners pick and once to tell: in between only numbers are held. As in
:mod:`service.domain.allocation_plan`, nothing knows a clock or a database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from service.domain import allocation_reason as reasons
from service.domain.allocation import Decision, Standing, Title, Wished
from service.domain.allocation_plan import Titles, too_small
from service.domain.allocation_policy import Candidate, Criterion
from service.domain.allocation_reason import Place, ordinal
from service.domain.allocation_round import End, Picked, Rounds, ranking
from service.domain.draw import lot


def decide(
    criteria: Sequence[Criterion],
    seed: str,
    titles: Titles,
    standings: Mapping[int, Standing],
    min_parcel: int | None = None,
) -> Iterator[Decision]:
    """Yield a decision on every wish, title by title.

    ``criteria`` put the partners of the first round in order. Where a parcel has a smallest size,
    those with the smallest share below it take no part, and all is picked anew without them, until
    no share is too small.
    """
    rounds = Rounds(standings)
    for title, wishes in titles():
        rounds.add(title, _taking(wishes))
    first = _first_round(criteria, seed, standings, rounds.favourites)
    shut: dict[int, str] = {}
    rounds.play(first)
    while more := too_small(rounds.got, min_parcel):
        shut |= more
        rounds.play([who for who in first if who not in shut])
    telling = _Telling(rounds, standings, shut)
    for title, wishes in titles():
        yield from telling.decisions(title, wishes)


def _taking(wishes: Sequence[Wished]) -> list[Wished]:
    """Return the wishes that take part, in one order whatever they were read in."""
    return sorted((each for each in wishes if not each.hindrance), key=ranking)


def _first_round(
    criteria: Sequence[Criterion],
    seed: str,
    standings: Mapping[int, Standing],
    favourites: Mapping[int, Wished],
) -> list[int]:
    """Return the partners in the order in which they pick first."""

    def key(who: int) -> tuple[Any, ...]:
        wished, standing = favourites[who], standings[who]
        drawn = lot(seed, standing.code)
        candidate = Candidate(wished, standing, standing.balance, wished.place_has, drawn)
        return tuple([each.value(candidate) for each in criteria])

    return sorted(favourites, key=key)


class _Met(NamedTuple):
    """A wish with what came of it."""

    wished: Wished
    picked: Picked


class _Telling:
    """Says what came of wishes, title by title, in the order in which they were added."""

    def __init__(
        self, rounds: Rounds, standings: Mapping[int, Standing], shut: Mapping[int, str]
    ) -> None:
        self._rounds = rounds
        self._standings = standings
        self._shut = shut
        self._titles = 0
        self._wishes = 0

    def decisions(self, title: Title, wishes: Sequence[Wished]) -> Iterator[Decision]:
        """Yield what came of the wishes for a title; those that took no part come last.

        In line are first those that got copies, then those that came to it when none was left, as
        they would have gone on picking: another copy would have been for the next in line.
        """
        number, self._titles = self._titles, self._titles + 1
        line: list[_Met] = []
        out: list[tuple[Wished, str]] = [
            (each, each.hindrance) for each in wishes if each.hindrance
        ]
        for wished in _taking(wishes):
            picked, self._wishes = self._rounds.picked(self._wishes), self._wishes + 1
            if why := self._shut.get(wished.partner_id) or self._no_room(title, wished, picked):
                out.append((wished, why))
            else:
                line.append(_Met(wished, picked))
        line.sort(key=lambda met: (not met.picked.given, met.picked.turn, ranking(met.wished)))
        for rank, met in enumerate(line, 1):
            reason = self._reason(title, line, rank, self._rounds.last_turn(number))
            yield Decision(met.wished, rank, title.copies, met.picked.given, reason)
        for wished, why in sorted(out, key=lambda each: ranking(each[0])):
            yield Decision(wished, 0, title.copies, 0, reasons.hindered(why))

    def _no_room(self, title: Title, wished: Wished, picked: Picked) -> str:
        """Return why a wish took no part for want of room, "" if it did."""
        if picked.given or picked.end is not End.BOUND:
            return ""
        aside = " (with other titles of this list)" if self._rounds.got[wished.partner_id] else ""
        return self._bound(title, wished, aside)

    def _bound(self, title: Title, wished: Wished, aside: str = "") -> str:
        who = wished.partner_id
        got, volumes = self._rounds.got[who], self._rounds.got_volumes[who]
        return self._standings[who].room.why_not(title.volumes, got, volumes, aside)

    def _reason(self, title: Title, line: Sequence[_Met], rank: int, last: int) -> str:
        wished, picked = line[rank - 1]
        place = Place(rank, len(line))
        if not picked.given:
            return reasons.missed(place, title.copies, self._before(wished, picked, last))
        if wished.differs:
            return reasons.kept(place, wished.differs, wished.quantity, picked.given)
        why_fewer = self._why_fewer(title, wished, picked)
        next_ = line[rank] if rank < len(line) else None
        return reasons.met(
            place, wished.quantity, picked.given, why_fewer, self._behind(picked, next_)
        )

    def _behind(self, picked: Picked, next_: _Met | None) -> str:
        """Return when a wish was picked, and why the next in line came behind."""
        mine = self._rounds.round_of(picked.turn)
        said = f"it was your {ordinal(mine)} pick"
        if next_ is None:
            return said
        theirs = self._rounds.round_of(next_.picked.turn)
        if theirs == mine:
            return f"{said}, and the turn of the next in line came after yours"
        return f"{said}, and the next in line came to it in round {theirs}"

    def _before(self, wished: Wished, picked: Picked, last: int) -> str:
        """Return to whom the last copy went, for a partner that came to it later."""
        if self._rounds.whose(last) == wished.partner_id:
            return "another wish of yours"
        theirs, mine = self._rounds.round_of(last), self._rounds.round_of(picked.turn)
        if theirs == mine:
            return (
                f"a partner whose turn came before yours in round {mine}, when it would have been "
                f"your {ordinal(mine)} pick"
            )
        return f"a partner that picked it in round {theirs}; you came to it in round {mine}"

    def _why_fewer(self, title: Title, wished: Wished, picked: Picked) -> str:
        if picked.end is End.BOUND:
            return self._bound(title, wished)
        if picked.given == title.copies:
            return "no more are offered"
        return "none was left when it was your turn again"
