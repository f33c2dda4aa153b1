"""`bookbridge audience`: groups of partners, and the lists that open to them."""

from __future__ import annotations

from tests.cli.conftest import Bookbridge


def _partners(bookbridge: Bookbridge, *codes: str) -> None:
    for code in codes:
        bookbridge("partner", "add", code, "--name", f"Library of {code}")


def test_partners_join_a_group_and_leave_it(bookbridge: Bookbridge) -> None:
    assert "no groups yet" in bookbridge("audience", "list").stdout
    _partners(bookbridge, "ara", "bela")
    made = bookbridge("audience", "add", "near", "--member", "ara")
    assert "ara  belongs\n" in made.stdout, "it is published at once, without a worker"
    assert "bookbridge list create SLUG --title TITLE --audience near" in made.stdout
    assert "bela  belongs\n" in bookbridge("audience", "join", "near", "bela", "ara").stdout
    assert "near  2 partners" in bookbridge("audience", "list").stdout
    assert "ara  has left\n" in bookbridge("audience", "leave", "near", "ara").stdout
    assert "near  1 partner\n" in bookbridge("audience", "list").stdout
    assert bookbridge("audience", "show", "near").stdout == (
        "near\n    ara  has left\n    bela  belongs\n"
    )


def test_a_list_opens_to_a_group_and_later_to_all(bookbridge: Bookbridge) -> None:
    bookbridge("audience", "add", "near")
    bookbridge("audience", "add", "far")
    bookbridge(
        *("list", "create", "autumn", "--title", "Books", "--audience", "near"),
        *("--zone", "Asia/Seoul"),
    )
    bookbridge("list", "open", "autumn")
    shown = bookbridge("list", "tier", "autumn", "far", "--opens-at", "2020-01-01T00:00").stdout
    assert "opened to far" in shown
    shown = bookbridge("list", "tier", "autumn", "public", "--opens-at", "2999-01-01T00:00").stdout
    assert "opens to public 2999-01-01 00:00 Asia/Seoul (2998-12-31 15:00 UTC)" in shown
    assert "opens to public" in bookbridge("list", "show", "autumn").stdout


def test_what_cannot_be_is_said_plainly(bookbridge: Bookbridge) -> None:
    _partners(bookbridge, "ara")
    assert "no partner" in bookbridge("audience", "add", "near", "--member", "x", code=1).stderr
    assert "cannot name" in bookbridge("audience", "add", "list:x", code=1).stderr
    assert "no audience" in bookbridge("audience", "join", "near", "ara", code=1).stderr
    assert "nobody can join" in bookbridge("audience", "join", "public", "ara", code=1).stderr
    bookbridge("audience", "join", "near", code=2)
    done = bookbridge("list", "create", "a", "--title", "A", "--audience", "nobody", code=1)
    assert "no audience" in done.stderr
