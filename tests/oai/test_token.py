"""Resumption tokens open for what they were made for, and nothing else (numbers 32, 33, 35)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oai.errors import BadResumptionToken
from oai.repository import Key, Selection
from oai.token import ListPlace, SetPlace, Tokens

TOKENS = Tokens("the key of today")
PLACE = ListPlace(
    Selection("marc21", "list:spring", 1_700_000_000, 1_800_000_000),
    Key(1_750_000_000, 123_456),
    cursor=200,
    total=5_000,
)
TOKEN = TOKENS.for_list("ListRecords", "public", PLACE)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

places = st.builds(
    ListPlace,
    st.builds(
        Selection,
        st.sampled_from(["oai_dc", "marc21"]),
        st.none() | st.from_regex(r"[a-z:\-]{1,200}", fullmatch=True),
        st.none() | st.integers(0, 2**40),
        st.none() | st.integers(0, 2**40),
    ),
    st.builds(
        Key,
        st.integers(0, 2**40),
        st.integers(0, 2**63),
        st.none() | st.integers(0, 2**40),
    ),
    st.integers(0, 2**40),
    st.none() | st.integers(0, 2**40),
)


@given(places)
def test_35_a_place_comes_back_as_it_was_in_less_than_a_kilobyte_without_encoding(place):
    token = TOKENS.for_list("ListIdentifiers", "partner:cz-brno", place)
    assert TOKENS.open_list("ListIdentifiers", "partner:cz-brno", token) == place
    assert len(token) < 1000
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", token)


def test_33_a_token_from_before_keys_had_an_order_of_their_own_still_opens():
    value = ["marc21", None, None, None, [1_750_000_000, 7], 100, None]
    before = TOKENS._sign("ListRecords", "public", value)
    place = TOKENS.open_list("ListRecords", "public", before)
    assert place == ListPlace(Selection("marc21"), Key(1_750_000_000, 7), cursor=100)


def test_41_a_place_among_the_sets_comes_back():
    token = TOKENS.for_sets("public", SetPlace("place:fr", 100))
    assert TOKENS.open_sets("public", token) == SetPlace("place:fr", 100)


@pytest.mark.parametrize(
    ("verb", "audience"),
    [("ListIdentifiers", "public"), ("ListSets", "public"), ("ListRecords", "partner:a")],
)
def test_32_a_token_of_another_verb_or_audience_does_not_open(verb, audience):
    with pytest.raises(BadResumptionToken):
        TOKENS.open_list(verb, audience, TOKEN)


def test_32_a_token_of_a_list_is_none_of_the_sets_nor_the_reverse():
    with pytest.raises(BadResumptionToken):
        TOKENS.open_sets("public", TOKEN)
    with pytest.raises(BadResumptionToken):
        TOKENS.open_list("ListSets", "public", TOKEN[:-1])


def test_32_a_token_of_a_foreign_key_does_not_open():
    with pytest.raises(BadResumptionToken):
        Tokens("another key").open_list("ListRecords", "public", TOKEN)


def test_33_a_token_outlives_a_rotated_key_as_long_as_the_old_one_is_a_fallback():
    rotated = Tokens("the key of tomorrow", fallbacks=["the key of today"])
    assert rotated.open_list("ListRecords", "public", TOKEN) == PLACE
    fresh = rotated.for_list("ListRecords", "public", PLACE)
    assert Tokens("the key of tomorrow").open_list("ListRecords", "public", fresh) == PLACE
    with pytest.raises(BadResumptionToken):
        TOKENS.open_list("ListRecords", "public", fresh)


def test_33_the_same_place_has_the_same_token_in_every_process():
    assert Tokens(b"the key of today").for_list("ListRecords", "public", PLACE) == TOKEN


def test_32_every_single_changed_letter_is_noticed():
    for place, letter in enumerate(TOKEN):
        for other in (
            ALPHABET[ALPHABET.index(letter) - 1],
            ALPHABET[ALPHABET.index(letter) ^ 1 if letter != "." else 0],
        ):
            changed = TOKEN[:place] + other + TOKEN[place + 1 :]
            with pytest.raises(BadResumptionToken):
                TOKENS.open_list("ListRecords", "public", changed)


def test_32_every_truncated_token_is_noticed():
    for length in range(len(TOKEN)):
        with pytest.raises(BadResumptionToken):
            TOKENS.open_list("ListRecords", "public", TOKEN[:length])


@settings(max_examples=300)
@given(st.integers(0, len(TOKEN)), st.text(min_size=1) | st.text(ALPHABET + "=+/ \n", min_size=1))
def test_32_whatever_is_put_into_a_token_is_noticed(place, junk):
    with pytest.raises(BadResumptionToken):
        TOKENS.open_list("ListRecords", "public", TOKEN[:place] + junk + TOKEN[place:])


@given(st.text())
def test_32_junk_does_not_open(junk):
    with pytest.raises(BadResumptionToken):
        TOKENS.open_list("ListRecords", "public", junk)
    with pytest.raises(BadResumptionToken):
        TOKENS.open_sets("public", junk)


def test_an_empty_key_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Tokens("")
    with pytest.raises(ValueError, match="empty"):
        Tokens("good", fallbacks=[""])
