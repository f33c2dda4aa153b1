"""Names of character sets, and the sets that Python has no codec for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marc_mappings.letters import decoding, eight_bit, marc8, writing
from tests.marc_mappings.reencoding import encoded


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("EUC-KR", "cp949"),
        ("KS_C_5601-1987", "cp949"),
        ("gbk", "gb18030"),
        ("GB2312", "gb18030"),
        ("windows-1251", "cp1251"),
        ("Win-1251", "cp1251"),
        ("Big5", "big5hkscs"),
        ("MARC8", "marc-8"),
        ("MARC-8", "marc-8"),
        ("UTF-8", "utf-8"),
        ("Shift_JIS", "cp932"),
        ("EUC-JP", "euc_jp"),
        ("KOI8-R", "koi8-r"),
        ("ISO-8859-2", "iso8859-2"),
        ("Latin-1", "iso8859-1"),
        ("TCVN", "tcvn3"),
        ("ISO 5426", "iso5426"),
    ],
)
def test_what_people_write_is_understood(said: str, name: str) -> None:
    assert decoding.canonical(said) == name


def test_every_name_is_its_own_and_can_be_decoded() -> None:
    for name in decoding.NAMES:
        assert decoding.canonical(name) == name
        assert decoding.decode(b"plain", name) == ("plain", 0)
    named = {each for row in writing.writings().values() for each in row.encodings}
    assert named <= set(decoding.NAMES)


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        (b"\xc2etudes fran\xd0caises", "iso5426", "études françaises"),
        (b"\xc8Uber M\xc9unchen, \xe1re, L\xf8od\xc2z", "iso5426", "Über München, Ære, Lłodź"),
        (b"\xcfSkola \xcak\xd6\xc2e", "iso5426", "Škola k\u030aẹ\u0301"),
        (b"\x88Le \x89rouge", "iso5426", "\x98Le \x9crouge"),
        (b"\xc2etude, sm\xf9rrebr\xf9d", "iso6937", "étude, smørrebrød"),
        (b"\xcbca va, \xcea\xcee", "iso6937", "ça va, ąę"),
        (b"Vi\xd6t Nam", "tcvn3", "Việt Nam"),
        (b"Vi\xaet Nam \x02", "viscii", "Việt Nam Ẳ"),
    ],
)
def test_sets_without_a_codec_are_read(data: bytes, name: str, text: str) -> None:
    assert decoding.decode(data, name) == (text, 0)


def test_bytes_that_a_set_leaves_open_are_counted() -> None:
    assert decoding.decode(b"a\xb3\xb4b", "iso5426") == ("a\ufffd\ufffdb", 2)
    assert decoding.decode("한".encode("cp949")[:1], "cp949") == ("\ufffd", 1)
    assert decoding.decode(b"\x98", "cp1251")[1] == 1


def test_a_trail_byte_may_be_a_backslash_or_a_bar() -> None:
    for text, name in (("表示", "cp932"), ("功", "big5hkscs"), ("똠", "cp949")):
        data = text.encode(name)
        assert decoding.decode(data, name) == (text, 0)
    assert b"\\" in "表".encode("cp932")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(list(decoding.NAMES)))
def test_any_bytes_can_be_decoded_as_anything(data: bytes, name: str) -> None:
    text, bad = decoding.decode(data, name)
    assert bad >= 0
    assert decoding.normalized(text) == text


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(sorted(eight_bit.SETS)))
def test_what_is_put_into_a_set_comes_out_of_it(data: st.DataObject, name: str) -> None:
    marks = "".join(eight_bit._MARK.get(name, ""))
    letters = [c for c in eight_bit.SETS[name].values() if c.isalpha() and c not in marks]
    text = data.draw(st.text(st.sampled_from(sorted(set(letters))), max_size=20))
    assert decoding.decode(encoded(text, name), name) == (decoding.normalized(text), 0)


@settings(max_examples=500)
@given(
    st.lists(st.sampled_from(b"aeAE \x1f\n\x7f\x80\x88\x8d\xa2\xb0\xbf\xe1\xe2\xeb\xec\xf0\xff"))
)
def test_marc8_without_escape_sequences_is_read_as_with_one_that_changes_nothing(
    octets: list[int],
) -> None:
    data = bytes(octets)
    assert marc8.decode(data) == marc8.decode(b"\x1b(B" + data)
