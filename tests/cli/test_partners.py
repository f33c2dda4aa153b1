"""`bookbridge partner` and `bookbridge place`: the directory at the command line."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.cli.conftest import Bookbridge


def test_an_entry_is_made_shown_and_changed_by_the_columns_of_a_table(
    bookbridge: Bookbridge,
) -> None:
    bookbridge(
        *("partner", "add", "nagasaki", "--name", "Nagasaki Library", "--place", "jp"),
        *("--set", "name:ja=長崎県立図書館", "--set", "contact_email=desk@lib.example"),
        *("--set", "contact_name=Desk", "--set", "notes==1+1"),
    )
    shown = bookbridge("partner", "show", "nagasaki").stdout
    for line in ("name:ja: 長崎県立図書館", "place: JP", "place_name: Japan", "notes: =1+1"):
        assert line in shown.splitlines()
    change = ("partner", "change", "nagasaki", "--set")
    bookbridge(*change, "city=Nagasaki", "--set", "notes=-", "--revision", "1")
    shown = bookbridge("partner", "show", "nagasaki").stdout
    assert "city: Nagasaki" in shown
    assert "notes" not in shown
    assert "revision: 2" in shown
    late = bookbridge(*change, "city=Isahaya", "--revision", "1", code=1)
    assert "now it is 2" in late.stderr
    assert "no column" in bookbridge(*change, "shoe=44", code=2).stderr
    assert "COLUMN=VALUE" in bookbridge(*change, "city", code=2).stderr
    assert "partner suspend" in bookbridge(*change, "state=SUSPENDED", code=1).stderr
    assert "1 to 3" in bookbridge(*change, "priority=9", code=1).stderr
    bookbridge("partner", "change", "nagasaki", code=2)


def test_two_entries_become_one_once_somebody_says_yes(bookbridge: Bookbridge) -> None:
    for code in ("old", "new"):
        bookbridge("partner", "add", code, "--name", f"Library {code}")
    bookbridge("partner", "token", "old")
    bookbridge("partner", "merge", "old", "new", stdin=b"n\n", code=1)
    assert "old" in bookbridge("partner", "list").stdout
    done = bookbridge("partner", "merge", "old", "new", "--yes").stdout
    assert "1 tokens of old are revoked" in done
    assert "Library old" not in bookbridge("partner", "list").stdout
    assert "merged into 'new'" in bookbridge("partner", "show", "old", code=1).stderr


def test_a_table_goes_out_and_comes_back_and_bad_rows_go_to_a_file(
    bookbridge: Bookbridge, tmp_path: Path
) -> None:
    table = tmp_path / "partners.csv"
    table.write_text("code,name,priority\na,A,1\nb,B,9\n", encoding="utf-8")
    tried = bookbridge("partner", "import", str(table), "--dry-run", code=1)
    assert "1 created" in tried.stdout
    assert "no partners yet" in bookbridge("partner", "list").stdout
    done = bookbridge("partner", "import", str(table), code=1)
    assert "1 created, 0 changed, 0 unchanged, 1 rejected" in done.stdout
    assert "row 3, priority" in done.stderr
    wrong = tmp_path / "partners-rejected.csv"
    (row,) = csv.DictReader(wrong.read_text(encoding="utf-8").splitlines())
    assert (row["row"], row["column"], row["code"]) == ("3", "priority", "b")
    for name in ("out.csv", "out.xlsx"):
        file = tmp_path / name
        bookbridge("partner", "export", str(file))
        assert "1 unchanged" in bookbridge("partner", "import", str(file)).stdout
    other = tmp_path / "partners.pdf"
    other.write_bytes(b"%PDF")
    bookbridge("partner", "import", str(other), code=2)


def test_a_place_is_called_as_the_site_wants_it(bookbridge: Bookbridge) -> None:
    name = ("place", "set", "kr", "Republic of Korea")
    bookbridge(*name, "--region", "East Asia", "--weight", "2")
    listed = bookbridge("place", "list").stdout
    assert "KR*  Republic of Korea  East Asia  weight 2" in listed
    assert len(listed.splitlines()) > 200
    assert len(bookbridge("place", "list", "--own").stdout.splitlines()) == 1
    assert bookbridge("place", "reset", "KR").stdout == "KR   Korea (South)\n"
    bookbridge("place", "reset", "KR", code=1)
    bookbridge("place", "set", "Korea", "x", code=1)
