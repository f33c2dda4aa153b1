"""The examples in the docstrings are true."""

import doctest

import pytest

from oai import characters, datestamp, uris


@pytest.mark.parametrize("room", [characters, datestamp, uris])
def test_the_examples_of_a_room_are_true(room):
    found = doctest.testmod(room)
    assert found.attempted
    assert not found.failed
