"""The books of the demo: real, sourced, and made into records that survive every format."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from stdnum import isbn

from marc_mappings import formats, iso2709, marcxml
from marc_mappings.record import Record
from marc_mappings.summary import is_romanised
from service.demo import books

_ROWS = books.rows()


def _read(data: bytes) -> list[formats.Parsed]:
    found = list(formats.read(io.BytesIO(data)))
    parsed = [item for item in found if isinstance(item, formats.Parsed)]
    assert len(parsed) == len(found)
    return parsed


def test_there_are_enough_books_in_six_languages() -> None:
    assert len(_ROWS) >= 60
    languages = Counter(row["language"] for row in _ROWS)
    assert set(languages) == {"kor", "chi", "jpn", "vie", "mon", "eng"}
    assert min(languages.values()) >= 5


def test_no_book_is_there_twice() -> None:
    assert len({row["key"] for row in _ROWS}) == len(_ROWS)
    numbers = [isbn.compact(row["isbn"], convert=True) for row in _ROWS if row["isbn"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["key"])
def test_each_row_says_where_it_was_found_and_its_isbn_adds_up(row: dict[str, str]) -> None:
    assert row["source"].startswith(("corpus: ", "page (stored copy): ", "page: "))
    assert not row["isbn"] or isbn.is_valid(row["isbn"])


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["key"])
def test_each_record_comes_back_from_every_format_as_it_was(row: dict[str, str]) -> None:
    record = books.record(row)
    binary = iso2709.write(record)
    [from_binary] = _read(binary)
    assert from_binary.outcome == "ok"
    assert from_binary.record.fields == record.fields
    [from_xml] = _read(marcxml.write(record))
    assert from_xml.outcome == "ok"
    assert from_xml.record.fields == record.fields


@pytest.mark.parametrize(
    "row", [row for row in _ROWS if not is_romanised(row["title"])], ids=lambda row: row["key"]
)
def test_each_original_script_stands_in_a_linked_880(row: dict[str, str]) -> None:
    record: Record = books.record(row)
    [title] = record.all("245")
    [original] = [f for f in record.all("880") if f.first("6").startswith("245-")]
    assert row["title"] in original.first("a")
    assert title.first("6")[4:6] == original.first("6")[4:6]
    assert is_romanised(title.first("a"))


def test_the_file_holds_every_book() -> None:
    parsed = _read(books.file())
    assert [item.record.control_number for item in parsed] == [row["key"] for row in _ROWS]
    assert {item.record.agency for item in parsed} == {books.AGENCY}
