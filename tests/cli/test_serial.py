"""`bookbridge serial`: a journal from its first issue to its last, at a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tests.cli.conftest import Bookbridge


def test_a_journal_is_followed_claimed_and_read_aloud(bookbridge: Bookbridge) -> None:
    year = datetime.now(UTC).year - 1
    bookbridge("partner", "add", "nagasaki", "--name", "N")
    start = ("Journal", "quarterly", f"{year}-01-15", "--volume", "12")
    added = bookbridge("serial", "add", "nagasaki", "sent", *start, "--issn", "12345679").stdout
    name = added.split()[0]
    assert "Journal  to nagasaki, quarterly: none yet" in added
    assert f"3  12 ({year}) 3  EXPECTED  due {year}-07-15  possible: send, claim, close" in added

    label = f"12 ({year}) 3"
    told = bookbridge("serial", "sent", "1234-5679", label).stdout
    assert told == f"Issue {label} is entered as sent; partners to whom it went: 1\n"
    assert "nobody is to get" in bookbridge("serial", "sent", "Journal", "9", code=1).stderr
    again = bookbridge("serial", "sent", "Journal", label).stdout
    assert "not to nagasaki: the issue is SENT already" in again
    assert "SENT" in bookbridge("serial", "sent", name, "1", "--tracking", "RR1").stdout
    claimed = bookbridge("serial", "missing", name, label, "--text", "Not here").stdout
    assert f'Next: bookbridge serial resend {name} "{label}"' in claimed
    assert "missing or claimed: 1" in bookbridge("serial", "list", "--missing").stdout
    assert "sent again" in bookbridge("serial", "resend", name, label).stdout
    shown = json.loads(bookbridge("serial", "show", name, "--json").stdout)
    assert (shown["title"], shown["issues"][2]["state"]) == ("Journal", "RESENT")
    balance = bookbridge("balance", "nagasaki").stdout
    assert f"{datetime.now(UTC).year}  sent: 1 title in 1 volume (exchange, serials)" in balance

    assert "Serials that changed: 0" in bookbridge("serial", "expect").stdout
    comes = bookbridge("serial", "add", "nagasaki", "received", *start).stdout.split()[0]
    assert "claim send" in bookbridge("serial", "missing", comes, "1").stdout
    assert "received" in bookbridge("serial", "received", comes, "1").stdout
    assert "CLOSED" in bookbridge("serial", "missing", comes, "2", "--close", "Unprinted").stdout
    ended = bookbridge("serial", "end", comes, f"{year}-12-31", "--reason", "Ceased").stdout
    assert f"ended {year}-12-31" in ended
    assert "ENDED already" in (
        bookbridge("serial", "end", comes, f"{year}-12-31", "--reason", "R", code=1).stderr
    )
