"""What an answer says of itself for figures: which part of which list it is."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from oai.datestamp import written
from oai.provider import Answer, Selection, respond
from tests.oai.asking import TOKENS
from tests.oai.memory import START, Memory

LIST = "verb=ListRecords&metadataPrefix=oai_dc&from=1970-01-02"
CHOSEN = Selection("oai_dc", None, 86_400, None)


def _holding(count: int) -> Memory:
    memory = Memory(page_size=2)
    for number in range(count):
        memory.publish(number, step=1)
    return memory


def _ask(memory: Memory, query: str) -> Answer:
    return respond(memory, parse_qsl(query, keep_blank_values=True), tokens=TOKENS)


def _token(answer: Answer) -> str:
    found = re.search(rb"<resumptionToken[^>]*>([^<]+)<", answer.body)
    assert found is not None
    return found[1].decode()


def test_each_page_tells_its_list_its_place_and_how_much_is_on_it() -> None:
    memory = _holding(3)
    first = _ask(memory, LIST)
    last = _ask(memory, f"verb=ListRecords&resumptionToken={_token(first)}")
    parts = [answer.part for answer in (first, last)]
    assert [part and (part.first, part.last, part.items) for part in parts] == [
        (True, False, 2),
        (False, True, 1),
    ]
    assert {part and part.selection for part in parts} == {CHOSEN}


def test_a_list_without_records_is_at_its_end() -> None:
    answer = _ask(_holding(1), f"{LIST}&until=1970-01-03")
    assert answer.errors == ("noRecordsMatch",)
    assert answer.part is not None
    assert (answer.part.first, answer.part.last, answer.part.items) == (True, True, 0)


def test_an_error_tells_which_list_it_was_about_where_that_is_known() -> None:
    memory = _holding(3)
    refused = _ask(memory, LIST.replace("oai_dc", "nonsense"))
    assert refused.part is not None
    assert (refused.part.selection.prefix, refused.part.last) == ("nonsense", False)
    bounded = _ask(memory, f"{LIST}&until={written(START + 9)[:10]}")
    token = _token(bounded)
    for number in range(3):  # all that was left has changed since
        memory.publish(number, step=86_400)
    gone = _ask(memory, f"verb=ListRecords&resumptionToken={token}")
    assert gone.errors == ("badResumptionToken",)
    assert gone.part is not None
    assert (gone.part.selection.from_, gone.part.first, gone.part.last) == (86_400, False, False)


def test_what_is_no_list_of_items_tells_of_none() -> None:
    memory = _holding(1)
    for query in (
        *("verb=Identify", "verb=ListSets", "verb=ListRecords", "", "verb=nonsense"),
        *(f"verb={verb}&resumptionToken=junk" for verb in ("ListRecords", "ListSets")),
    ):
        assert _ask(memory, query).part is None, query
