"""Whatever is asked, the answer is well-formed and valid (oai.md 5, number 12)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from oai.verbs import ARGUMENTS, VERBS
from tests.oai.asking import ask
from tests.oai.memory import Memory, identifier_of

CODES = {
    "badArgument",
    "badResumptionToken",
    "badVerb",
    "cannotDisseminateFormat",
    "idDoesNotExist",
    "noMetadataFormats",
    "noRecordsMatch",
    "noSetHierarchy",
}

texts = st.text(st.characters(exclude_categories=()), max_size=40)
uri_like = st.text("aZ1-._~!$&'()*+,;=:@/?#[]%20", max_size=20)
set_like = st.text("aZ1-_.!~*'():", max_size=12)
likely = st.sampled_from(
    ["oai_dc", "marc21", "mods", "list:a", "2026-01-01", "2026-01-01T00:00:01Z", identifier_of(1)]
)
values = texts | uri_like | set_like | likely
names = st.sampled_from([*ARGUMENTS]) | texts
verbs = st.sampled_from([*VERBS])
requests = st.lists(st.tuples(names, values), max_size=4)


def repository() -> Memory:
    memory = Memory(page_size=2)
    for number in range(4):
        memory.publish(number, sets=["list:a"], deleted=number == 2)
    return memory


MEMORY = repository()


@settings(max_examples=500, deadline=None)
@given(verbs, requests, st.booleans())
def test_12_any_arguments_of_a_verb_give_a_valid_answer(verb, pairs, first):
    sent = [("verb", verb), *pairs] if first else [*pairs, ("verb", verb)]
    told = ask(MEMORY, sent)
    assert set(told.codes) <= CODES
    if not {"badVerb", "badArgument"} & set(told.codes):
        assert told.echo.items() <= dict(sent).items()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.just("verb") | names, verbs | values), max_size=5))
def test_12_any_pairs_at_all_give_a_valid_answer(pairs):
    assert set(ask(MEMORY, pairs).codes) <= CODES


@settings(max_examples=1000, deadline=None)
@given(uri_like)
def test_12_an_identifier_that_is_not_refused_can_be_echoed(identifier):
    pairs = [("verb", "GetRecord"), ("metadataPrefix", "oai_dc"), ("identifier", identifier)]
    assert ask(MEMORY, pairs).codes in (["badArgument"], ["idDoesNotExist"])
