"""Lists and their tokens (oai.md 5, numbers 19, 20, 25, 29 to 40, 47)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oai.repository import Page
from tests.oai.asking import ask, harvest
from tests.oai.memory import START, Memory, identifier_of

LIST = "verb=ListRecords&metadataPrefix=oai_dc"


def holding(count: int, page_size: int) -> Memory:
    memory = Memory(page_size=page_size)
    for number in range(count):
        memory.publish(number, step=number % 3)
    return memory


def test_29_30_tokens_cursor_and_size_over_a_list_of_three_pages():
    pages = harvest(holding(7, 3), LIST)
    assert [bool(page.token) for page in pages] == [True, True, False]
    assert pages[-1].token == ""
    assert [page.flow for page in pages] == [("0", "7"), ("3", "7"), ("6", "7")]


def test_29_38_a_list_that_ends_with_its_page_has_no_further_one():
    pages = harvest(holding(6, 3), LIST)
    assert [len(page.identifiers) for page in pages] == [3, 3]
    assert pages[-1].token == ""
    (single,) = harvest(holding(3, 3), LIST)
    assert single.token is None


def test_30_the_size_is_left_out_where_it_is_unknown_and_told_at_the_end(monkeypatch):
    memory = holding(5, 2)

    def uncounted(*arguments, **options):
        page = Memory.page(memory, *arguments, **options)
        return Page(page.rows, page.more, page.as_of)

    monkeypatch.setattr(memory, "page", uncounted)
    assert [page.flow for page in harvest(memory, LIST)] == [
        ("0", None),
        ("2", None),
        ("4", "5"),
    ]


def test_30_the_size_grows_when_the_list_does():
    memory = holding(3, 2)
    first = ask(memory, LIST)
    for number in (0, 11, 12):
        memory.publish(number)
    second = ask(memory, f"verb=ListRecords&resumptionToken={first.token}")
    third = ask(memory, f"verb=ListRecords&resumptionToken={second.token}")
    assert [page.flow for page in (first, second, third)] == [
        ("0", "3"),
        ("2", "5"),
        ("4", "6"),
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.sampled_from(["ListRecords", "ListIdentifiers"]))
def test_39_40_a_quiet_harvest_gives_every_item_exactly_once(count, page_size, verb):
    pages = harvest(holding(count, page_size), f"verb={verb}&metadataPrefix=marc21")
    found = [identifier for page in pages for identifier in page.identifiers]
    assert sorted(found) == sorted(identifier_of(number) for number in range(count))
    assert all(page.identifiers for page in pages)
    if len(pages) > 1:
        assert {page.flow[1] for page in pages} == {str(count)}


def test_39_records_and_identifiers_list_the_same():
    memory = holding(7, 3)
    memory.publish(3, deleted=True)
    path = ".//o:header//text() | .//o:header/@status"
    records, identifiers = (
        [
            text
            for page in harvest(memory, f"verb={verb}&metadataPrefix=oai_dc")
            for text in page.texts(path)
        ]
        for verb in ("ListRecords", "ListIdentifiers")
    )
    assert records == identifiers


def test_34_a_token_gives_the_same_records_again_even_after_later_pages():
    memory = holding(9, 3)
    first = ask(memory, LIST)
    second = ask(memory, f"verb=ListRecords&resumptionToken={first.token}")
    ask(memory, f"verb=ListRecords&resumptionToken={second.token}")
    again = ask(memory, f"verb=ListRecords&resumptionToken={first.token}")
    assert again.body == second.body


def test_32_a_token_goes_on_with_its_own_verb_only():
    memory = holding(9, 3)
    token = ask(memory, LIST).token
    for verb in ("ListIdentifiers", "ListSets"):
        told = ask(memory, f"verb={verb}&resumptionToken={token}")
        assert told.codes == ["badResumptionToken"]


def test_33_a_token_keeps_the_bounds_of_its_list():
    memory = Memory(page_size=1)
    for number in range(6):
        memory.publish(number, sets=["even" if number % 2 == 0 else "odd"])
    query = f"{LIST}&set=even&from=2026-01-01T00:00:02Z&until=2026-01-01T00:00:05Z"
    found = [identifier for page in harvest(memory, query) for identifier in page.identifiers]
    assert found == [identifier_of(2), identifier_of(4)]


@pytest.mark.parametrize(
    ("bounds", "numbers"),
    [
        ("&from=2026-01-01T00:00:02Z&until=2026-01-01T00:00:02Z", [1]),
        ("&from=2026-01-01T00:00:02Z", [1, 2]),
        ("&until=2026-01-01T00:00:02Z", [0, 1]),
        ("&from=2026-01-01&until=2026-01-01", [0, 1, 2]),
    ],
)
def test_19_20_from_and_until_are_inclusive(bounds, numbers):
    memory = Memory(page_size=9)
    for number in range(3):
        memory.publish(number)
    memory.publish(3, step=86_400)
    if "until" not in bounds:
        numbers = [*numbers, 3]
    assert ask(memory, LIST + bounds).identifiers == [identifier_of(each) for each in numbers]


@pytest.mark.parametrize("bounds", ["&until=2025-12-31", "&from=2100-01-01"])
def test_25_bounds_outside_of_all_datestamps_match_nothing(bounds):
    assert ask(holding(3, 3), LIST + bounds).codes == ["noRecordsMatch"]


def test_38_an_empty_repository_matches_nothing():
    assert ask(Memory(), LIST).codes == ["noRecordsMatch"]


def test_38_when_nothing_is_left_behind_a_token_the_harvester_is_asked_to_start_again():
    """With ``until``, everything left may have changed and so have left the list."""
    memory = holding(4, 2)
    first = ask(memory, f"{LIST}&until=2026-01-02")
    memory.publish(3, step=2 * 86_400)
    memory.publish(2)
    told = ask(memory, f"verb=ListRecords&resumptionToken={first.token}")
    assert told.codes == ["badResumptionToken"]
    assert len(ask(memory, f"{LIST}&until=2026-01-02").identifiers) == 2
    assert ask(memory, f"{LIST}&from=2026-01-02").identifiers == [
        identifier_of(3),
        identifier_of(2),
    ]


def test_36_37_what_changes_during_a_harvest_moves_to_the_tail_of_the_same_list():
    memory = holding(4, 2)
    first = ask(memory, LIST)
    memory.publish(0)
    memory.publish(2, deleted=True)
    rest = []
    token = first.token
    while token:
        page = ask(memory, f"verb=ListRecords&resumptionToken={token}")
        rest += page.identifiers
        token = page.token
    assert rest == [identifier_of(number) for number in (3, 0, 2)]


def test_47_a_format_lists_only_the_items_that_have_it():
    memory = Memory()
    memory.publish(1, formats=["marc21"])
    assert ask(memory, LIST).codes == ["noRecordsMatch"]
    memory.publish(2, formats=["oai_dc"])
    assert ask(memory, LIST).identifiers == [identifier_of(2)]
    told = ask(memory, LIST.replace("oai_dc", "marcxml"))
    assert told.identifiers == [identifier_of(1)]


def test_28_the_date_of_a_page_is_the_clock_of_its_snapshot():
    memory = holding(4, 2)

    class Late(Memory):
        """Its clock runs on between the page and any later question."""

        def as_of(self):
            return START + 1_000

    late = Late(page_size=2, clock=memory.clock, items=memory.items)
    for query in (LIST, f"{LIST}&from=2100-01-01"):
        (date,) = ask(late, query).texts("o:responseDate/text()")
        assert date < "2026-01-01T00:10:00Z"
