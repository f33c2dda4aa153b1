"""`bookbridge balance` and `bookbridge ledger`: read aloud, correct, enter earlier years."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Bookbridge


def test_earlier_years_are_entered_corrected_and_read_aloud(bookbridge: Bookbridge) -> None:
    assert "nothing in the ledger yet" in bookbridge("balance").stdout
    bookbridge("partner", "add", "nagasaki", "--name", "N", "--city", "Nagasaki", "--place", "JP")
    opening = ("ledger", "opening", "nagasaki", "2019", "sent", "gift", "--volumes", "120")
    made = bookbridge(*opening, "--value", "12.50", "--currency", "eur", "--note", "Report").stdout
    assert "2019-12-31  nagasaki  sent, gift: 0 titles in 120 volumes, worth 12.50 EUR" in made
    name = made.split()[0]
    same = bookbridge(*opening, "--value", "12.50", "--currency", "EUR").stdout
    assert "It was there before; nothing is changed." in same
    assert "A value needs its currency" in bookbridge(*opening, "--value", "1", code=2).stderr

    done = bookbridge("ledger", "counter", name, "--reason", "Misread", "--volumes", "130").stdout
    assert "-120 volumes, worth -12.50 EUR" in done
    assert "130 volumes, worth 12.50 EUR" in done
    assert (
        "taken back before" in bookbridge("ledger", "counter", name, "--reason", "R", code=1).stderr
    )
    assert bookbridge("balance", "nagasaki").stdout.splitlines() == [
        "nagasaki",
        "    Sent by us to nagasaki: 0 titles in 130 volumes, worth 12.50 EUR.",
        "    Received by us from nagasaki: nothing.",
        "    Counted in titles, the balance is even.",
        "    No agreement on books is in force: nobody owes anything.",
        "    2019  sent: 0 titles in 130 volumes, worth 12.50 EUR (gift, books, opening balance)",
    ]
    assert "nagasaki" in bookbridge("balance").stdout
    shown = bookbridge("ledger", "show", "nagasaki", "--limit", "2").stdout
    assert "Misread" in shown
    assert f"--before {name}" not in shown
    older = shown.rsplit(maxsplit=1)[-1]
    assert (
        f"taken back by {older}"
        in bookbridge("ledger", "show", "nagasaki", "--before", older).stdout
    )


def test_a_balance_is_printed_as_json(bookbridge: Bookbridge) -> None:
    bookbridge("partner", "add", "hcmc", "--name", "H")
    bookbridge("ledger", "opening", "hcmc", "2024", "sent", "gift", "--volumes", "1000")
    found = json.loads(bookbridge("balance", "hcmc", "--parity", "3", "--json").stdout)
    assert found["sent_to_partner"] == {"titles": 0, "volumes": 1000, "values": {}}
    assert found["lines"][0]["opening"] is True
    assert found["parity"]["titles"] == []
    everybody = json.loads(bookbridge("balance", "--json").stdout)
    assert [each["partner"] for each in everybody["balances"]] == ["hcmc"]
    assert "name it" in bookbridge("balance", "--parity", "3", code=2).stderr
    told = bookbridge("balance", "hcmc", "--parity", "3").stdout
    assert "Nothing is needed to even the balance with hcmc." in told


def test_a_table_is_taken_in_and_wrong_rows_lie_beside_it(
    bookbridge: Bookbridge, tmp_path: Path
) -> None:
    bookbridge("partner", "add", "hcmc", "--name", "H")
    file = tmp_path / "years.csv"
    file.write_text(
        "partner,year,direction,kind,titles,volumes,page\n"
        "hcmc,2019,sent,gift,5,9,1\n"
        "hcmc,2020,lent,gift,5,9,1\n",
        encoding="utf-8",
    )
    done = bookbridge("ledger", "import", str(file), code=1)
    assert "1 entered, 0 unchanged, 1 rejected" in done.stdout
    assert "Columns that were not read: page" in done.stdout
    assert "row 3, direction: 'lent' is none of sent, received" in done.stderr
    mended = tmp_path / "years-rejected.csv"
    mended.write_text(mended.read_text(encoding="utf-8").replace(",lent,", ",sent,"), "utf-8")
    assert "1 entered" in bookbridge("ledger", "import", str(mended)).stdout
    bookbridge("ledger", "import", str(tmp_path / "years.csv"), "--dry-run", code=1)
    (tmp_path / "years.doc").write_bytes(b"")
    assert (
        "is none of" in bookbridge("ledger", "import", str(tmp_path / "years.doc"), code=2).stderr
    )
