"""Decisions that were set aside come back as they were made, in their order, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain

import pytest

from service.store.drafted_decisions import AT_ONCE, set_aside

Made = tuple[object, ...]


def decided(number: int) -> Made:
    """Return a decision as the tables have it: texts of any script, a moment, nothing, facts."""
    at = datetime(2049, 1, 1, 0, 0, number % 60, number % 1_000, tzinfo=UTC)
    return (
        number,
        f"전해 받은 것 {number}\n𝄞",
        at,
        None,
        number % 2 == 0,
        {"had": True, "volumes": 3},
    )


@pytest.mark.parametrize("many", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE + 7])
def test_what_was_set_aside_comes_back_as_it_was_and_in_its_order(many: int) -> None:
    made = [decided(number) for number in range(many)]
    parts = list(set_aside(iter(made)))
    assert list(chain.from_iterable(parts)) == made
    assert all(len(part) == AT_ONCE for part in parts[:-1])
    assert all(parts), "no part is empty"


def test_all_decisions_are_made_before_the_first_is_read() -> None:
    made = []

    def deciding() -> Iterator[Made]:
        for number in range(AT_ONCE + 1):
            made.append(number)
            yield decided(number)

    kept = set_aside(deciding())
    assert len(made) == AT_ONCE + 1
    assert len(next(kept)) == AT_ONCE


def test_what_does_not_stay_in_the_memory_comes_back_all_the_same() -> None:
    long = "a long reason, " * 100  # some megabytes more than are kept in the memory
    many = 3 * AT_ONCE
    read = chain.from_iterable(set_aside((number, long + str(number)) for number in range(many)))
    assert [number for number, text in read if text == long + str(number)] == list(range(many))


def test_what_is_read_once_is_gone_and_two_plans_do_not_meet() -> None:
    one, other = set_aside([decided(1)]), set_aside([decided(2)])
    assert list(other) == [[decided(2)]]
    assert list(one) == [[decided(1)]]
    assert list(one) == []


def test_what_cannot_be_decided_is_told_and_nothing_is_half_set_aside() -> None:
    def deciding() -> Iterator[Made]:
        yield decided(1)
        raise LookupError("this title was taken back")

    with pytest.raises(LookupError, match="taken back"):
        set_aside(deciding())
