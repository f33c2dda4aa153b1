"""The books of the demo: a table of real books, made into the MARC file that a cataloguer brings.

Where each row was found stands in its column ``source``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from importlib import resources

from marc_mappings import iso2709, table_to_marc21
from marc_mappings.record import Record

# ZZ is kept free by ISO 3166 for private use, so this can be no library's ISIL.
AGENCY = "ZZ-Demo"
PARTNERS_AGENCY = "ZZ-Partner"  # who made the records of a file that a partner sends
# The day on which the table was drawn up, so that the records are the same at every run.
ENTERED = "261122"


def rows() -> list[dict[str, str]]:
    """Return the rows of the table."""
    text = resources.files("service.demo").joinpath("books.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def record(row: dict[str, str], agency: str = AGENCY) -> Record:
    """Return the MARC 21 record of a row, as ``agency`` made it."""
    said = {column: cell for column, cell in row.items() if column != "source"}
    made, lost = table_to_marc21.convert({**said, "agency": agency, "entered": ENTERED})
    if lost:
        raise ValueError(f"row {row['key']}: {', '.join(lost)} did not get into the record")
    return made


def file(without: Collection[str] = ()) -> bytes:
    """Return the books as one ISO 2709 file, except those with the titles ``without``."""
    return b"".join(iso2709.write(record(row)) for row in rows() if row["title"] not in without)


def partners_file(language: str) -> bytes:
    """Return the books in a language as a file that a partner made, ISO 2709."""
    own = [row for row in rows() if row["language"] == language]
    return b"".join(iso2709.write(record(row, PARTNERS_AGENCY)) for row in own)


def table(copies: Mapping[str, int], unit_cost: str) -> str:
    """Return a table of books to be given, as CSV: so many ``copies`` of each row, by its key."""
    by_key = {row["key"]: row for row in rows()}
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([*_TOLD, "copies", "unit cost"])
    for key, number in copies.items():
        lines.writerow([*(by_key[key][name] for name in _TOLD), number, unit_cost])
    return text.getvalue()


_TOLD = ("title", "author", "publisher", "year", "isbn", "language")
