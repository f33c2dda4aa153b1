"""`bookbridge stats`: the line for the press read aloud, and tables on the screen and in files."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Bookbridge


def test_the_figures_are_read_aloud_and_written_to_files(
    bookbridge: Bookbridge, tmp_path: Path
) -> None:
    assert bookbridge("stats").stdout == "The programme has no relations yet.\n"
    assert "There is nothing to count yet." in bookbridge("stats", "years").stdout
    bookbridge(
        "partner", "add", "nagasaki", "--name", "長崎", "--city", "Nagasaki", "--place", "JP"
    )
    bookbridge("ledger", "opening", "nagasaki", "2019", "sent", "gift", "--volumes", "1200")
    assert bookbridge("stats").stdout == (
        "Since 2019 with 1 city in 1 country or region; donated 1,200 books in total.\n"
    )
    headings, nagasaki = bookbridge("stats", "partners").stdout.splitlines()[1:]
    assert headings.startswith("partner   name  city      country or region  titles sent  volumes")
    assert nagasaki.split() == ["nagasaki", "長崎", "Nagasaki", "JP", "0", "1,200", "0", "0"]
    assert nagasaki.startswith("nagasaki  長崎  Nagasaki  JP ")
    shown = json.loads(bookbridge("stats", "years", "--json").stdout)
    assert shown["rows"][0]["volumes sent"] == 1200
    file = tmp_path / "years.csv"
    assert bookbridge("stats", "years", "-o", str(file)).stdout == f"1 row in {file}\n"
    assert file.read_text().splitlines()[1] == "2019,opening balance,0,1200,0,0"
    bookbridge("stats", "years", "-o", str(tmp_path / "years.pdf"), code=2)
    bookbridge("stats", "--year", "2019", code=2)
