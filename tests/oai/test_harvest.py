"""No change is missed by harvesters that go on from a responseDate (oai.md 2; 5, number 36).

The repository's stamps rise, items change, vanish as tombstones and come back at any moment,
also between two pages. Whatever the harvester holds after a last quiet harvest is the truth.
"""

from dataclasses import dataclass

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from oai.datestamp import parse
from oai.provider import Key, Page, Selection, Tokens
from tests.oai.asking import NS, TOKENS, Told, ask
from tests.oai.memory import Memory

HABITS = ["first responseDate", "last responseDate", "newest datestamp"]


class Harvest(RuleBasedStateMachine):
    """A repository, and one harvester at some page of some list."""

    kind = Memory

    @initialize(page_size=st.integers(1, 4), habit=st.sampled_from(HABITS))
    def begin(self, page_size: int, habit: str) -> None:
        self.memory = self.kind(page_size=page_size)
        self.tokens = TOKENS
        self.habit = habit
        self.held: dict[str, tuple[str, bool]] = {}
        self.since = ""
        self.point = ""
        self.token: str | None = None

    @rule(
        number=st.integers(0, 7),
        deleted=st.booleans(),
        step=st.integers(1, 3),
    )
    def change(self, number: int, deleted: bool, step: int) -> None:
        self.memory.publish(number, deleted=deleted, step=step)

    @rule(step=st.integers(1, 3))
    def nothing_happens_for_a_while(self, step: int) -> None:
        self.memory.clock += step

    @precondition(lambda self: not self.token)
    @rule()
    def first_page(self) -> None:
        bound = f"&from={self.since}" if self.since else ""
        told = ask(
            self.memory, f"verb=ListRecords&metadataPrefix=marc21{bound}", tokens=self.tokens
        )
        self.point = told.texts("o:responseDate/text()")[0] if "first" in self.habit else self.point
        self._take(told)

    @precondition(lambda self: self.token)
    @rule()
    def next_page(self) -> None:
        query = f"verb=ListRecords&resumptionToken={self.token}"
        self._take(ask(self.memory, query, tokens=self.tokens))

    @rule()
    def the_service_restarts_with_a_rotated_key(self) -> None:
        self.tokens = Tokens("a new key", ["a key of the tests"])

    def _take(self, told: Told) -> None:
        assert told.codes in ([], ["noRecordsMatch"])
        for header in told.root.iterfind(".//o:header", NS):
            stamp = header.findtext("o:datestamp", namespaces=NS)
            identifier = header.findtext("o:identifier", namespaces=NS)
            self.held[identifier] = (stamp, header.get("status") == "deleted")
            if self.habit == "newest datestamp":
                self.point = max(self.point, stamp)
        if self.habit == "last responseDate":
            self.point = told.texts("o:responseDate/text()")[0]
        self.token = told.token
        if not self.token:
            self.since = self.point

    def teardown(self) -> None:
        if not hasattr(self, "memory"):
            return
        while self.token:
            self.next_page()
        self.first_page()
        while self.token:
            self.next_page()
        truth = {
            identifier: (item.stamp, item.deleted) for identifier, item in self.memory.items.items()
        }
        assert {key: (parse(stamp), gone) for key, (stamp, gone) in self.held.items()} == truth


Harvest.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestHarvest = Harvest.TestCase


@dataclass
class Naive(Memory):
    """It lists by item number, so that a change behind the harvester's back stays there."""

    def page(self, selection: Selection, after: Key | None, *, with_metadata: bool) -> Page:
        chosen = [item for item in self.items.values() if self._is_chosen(item, selection)]
        chosen.sort(key=lambda item: item.number)
        rest = [item for item in chosen if after is None or item.number > after.item]
        rows = [
            self._row(item, selection.prefix, with_metadata=with_metadata)
            for item in rest[: self.page_size]
        ]
        return Page(rows, len(rest) > self.page_size, self.clock)


class NaiveHarvest(Harvest):
    kind = Naive


def test_the_machine_has_teeth():
    quick = settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=False,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(NaiveHarvest, settings=quick)
