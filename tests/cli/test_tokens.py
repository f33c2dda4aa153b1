"""`bookbridge partner` and `bookbridge user`: who may come in."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import config
from service.domain.permission import Role
from service.errors import Unauthenticated
from service.store.db import Database
from service.usecases import signing_in
from service.usecases.signing_in import Caller
from tests.cli.conftest import Bookbridge


def _identify(data_dir: Path, token: str) -> Caller:
    db = Database(config.load({}, data_dir=data_dir).database)
    try:
        return signing_in.identify(db, token, now=datetime.now(UTC))
    finally:
        db.close()


def _bytes_of_the_site(data_dir: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(data_dir.iterdir()))


def test_a_partner_token_is_shown_once_and_only_its_hash_is_kept(
    bookbridge: Bookbridge, data_dir: Path
) -> None:
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki Prefectural Library")
    done = bookbridge("partner", "token", "nagasaki", "--label", "their system")
    token = done.stdout.strip()
    assert token.startswith("bb_")
    assert len(done.stdout.splitlines()) == 1
    assert "cannot be shown again" in done.stderr
    stored = _bytes_of_the_site(data_dir)
    assert token.encode() not in stored
    assert hashlib.sha256(token.encode()).digest() in stored
    caller = _identify(data_dir, token)
    assert caller.partner is not None
    assert caller.partner.code == "nagasaki"


def test_revoked_tokens_open_nothing(bookbridge: Bookbridge, data_dir: Path) -> None:
    bookbridge("user", "add", "Exchange desk", "--role", "exchange_librarian")
    tokens = [bookbridge("user", "token", "Exchange desk").stdout.strip() for _ in range(2)]
    assert _identify(data_dir, tokens[0]).staff == "Exchange desk"
    assert (
        "2 tokens of Exchange desk revoked" in bookbridge("user", "revoke", "Exchange desk").stdout
    )
    for token in tokens:
        with pytest.raises(Unauthenticated):
            _identify(data_dir, token)


def test_the_staff_are_listed_with_the_roles_they_act_in(
    bookbridge: Bookbridge, data_dir: Path
) -> None:
    assert "user add NAME --role admin" in bookbridge("user", "list").stdout
    bookbridge("user", "add", "hana", "--role", "cataloguer")
    bookbridge("user", "add", "Bold", "--role", "admin")
    token = bookbridge("user", "token", "hana").stdout.strip()
    assert bookbridge("user", "list").stdout == (
        "Bold  admin  0 tokens  no password\nhana  cataloguer  1 token  no password\n"
    )
    assert _identify(data_dir, token).role is Role.CATALOGUER
    told = bookbridge("user", "role", "hana", "exchange_librarian").stdout
    assert told == "hana is exchange_librarian\n"
    assert _identify(data_dir, token).role is Role.EXCHANGE_LIBRARIAN
    assert "role cataloguer → exchange_librarian" in bookbridge("audit", "--kind", "account").stdout
    assert "--role" in bookbridge("user", "add", "kim", code=2).stderr
    assert "partner" in bookbridge("user", "role", "hana", "partner", code=2).stderr


def test_people_are_let_in_by_link_or_password_and_shut_out(bookbridge: Bookbridge) -> None:
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki")
    asked = ("user", "add", "kenji", "--partner", "nagasaki", "--email", "kenji@naga.example")
    made = bookbridge(*asked).stdout
    assert "for partner nagasaki" in made
    assert "/account/links/" in made.splitlines()[-1]
    told = bookbridge(
        "user", "add", "hana", "--role", "admin", "--password-stdin", stdin=b"short\n", code=1
    )
    assert "at least 12 characters" in told.stderr
    bookbridge(
        "user",
        "add",
        "hana",
        "--role",
        "admin",
        "--password-stdin",
        stdin="바다를 건너는 책과 사람들\n".encode(),
    )
    assert bookbridge("user", "list").stdout == (
        "hana  admin  0 tokens\nkenji  partner  of nagasaki  0 tokens  no password\n"
    )
    assert "/account/links/" in bookbridge("user", "reset", "hana").stdout
    assert (
        "new password"
        in bookbridge(
            "user", "reset", "hana", "--password-stdin", stdin=b"quite another sentence\n"
        ).stdout
    )
    assert bookbridge("user", "sessions", "hana").stdout == ""
    assert bookbridge("user", "sessions", "hana", "--close").stdout == "0 sessions of hana closed\n"
    bookbridge("user", "disable", "hana")
    assert "disabled on" in bookbridge("user", "list").stdout
    assert "disabled" in bookbridge("user", "reset", "hana", code=1).stderr
    bookbridge("user", "enable", "hana")
    assert (
        "--role"
        in bookbridge("user", "add", "x", "--role", "admin", "--partner", "nagasaki", code=2).stderr
    )


def test_partners_are_listed_suspended_and_resumed(bookbridge: Bookbridge) -> None:
    assert "no partners yet" in bookbridge("partner", "list").stdout
    bookbridge(
        *("partner", "add", "nagasaki", "--name", "Nagasaki Prefectural Library"),
        *("--city", "Nagasaki", "--place", "jp"),
    )
    bookbridge("partner", "suspend", "nagasaki")
    listed = bookbridge("partner", "list").stdout
    assert listed == "nagasaki  SUSPENDED  Nagasaki Prefectural Library  Nagasaki, JP\n"
    assert "ACTIVE" in bookbridge("partner", "resume", "nagasaki").stdout
    assert "0 tokens" in bookbridge("partner", "revoke", "nagasaki").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("partner", "token", "nobody"), "no partner with code"),
        (("partner", "suspend", "nobody"), "no partner with code"),
        (("user", "token", "Nobody"), "no account named"),
        (("user", "role", "Nobody", "admin"), "no account named"),
        (("user", "add", " ", "--role", "admin"), "needs a name"),
        (("partner", "add", "Bad Code", "--name", "X"), "cannot be a partner's code"),
        (("partner", "add", "x", "--name", "X", "--place", "Japan"), "two letters"),
        (("partner", "add", "x", "--name", "X", "--isil", "?"), "is not an ISIL"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    bookbridge: Bookbridge, arguments: tuple[str, ...], said: str
) -> None:
    done = bookbridge(*arguments, code=1)
    assert done.stderr.startswith("bookbridge: ")
    assert said in done.stderr
