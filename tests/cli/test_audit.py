"""The audit log and the outbox of mail at the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.cli.conftest import Bookbridge
from tests.service.mail_server import free_port, running


def test_the_log_reads_as_sentences(bookbridge: Bookbridge) -> None:
    assert bookbridge("audit").stdout == "There is no such entry.\n"
    bookbridge("partner", "add", "nagasaki", "--name", "Nagasaki Library")
    bookbridge("partner", "change", "nagasaki", "--set", "priority=1")
    newest, _ = bookbridge("audit", "--kind", "partner").stdout.splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d UTC  command line  changed partner nagasaki: priority 2 → 1",
        newest,
    )
    (line,) = bookbridge("audit", "--json", "--limit", "1").stdout.splitlines()
    entry = json.loads(line)
    assert (entry["actor"], entry["before"], entry["after"]) == (
        "command line",
        {"priority": 2},
        {"priority": 1},
    )
    more = bookbridge("audit", "--limit", "1").stderr
    older = bookbridge(*more.removeprefix("More: bookbridge ").split()).stdout
    assert "added partner nagasaki: name Nagasaki Library" in older
    assert bookbridge("audit", "--name", "busan").stdout == "There is no such entry.\n"


def test_the_mail_settings_are_tried(bookbridge: Bookbridge, data_dir: Path) -> None:
    refused = bookbridge("mail", "test", "desk@lib.example", code=1)
    assert "setting 'smtp_host' is not set" in refused.stderr
    assert "Mail: none is sent, as setting 'smtp_host' is empty" in bookbridge("doctor").stdout
    with running() as server:
        _set(data_dir, server.port)
        told = bookbridge("mail", "test", "desk@lib.example").stdout
        assert told == "127.0.0.1 took a test for desk@lib.example\n"
        assert server.envelopes[0][1] == ["desk@lib.example"]
        assert "is no e-mail address" in bookbridge("mail", "test", "desk", code=1).stderr
    _set(data_dir, free_port())
    down = bookbridge("mail", "test", "desk@lib.example", code=1).stderr
    assert "the mail server cannot be used" in down


def _set(data_dir: Path, port: int) -> None:
    (data_dir / "bookbridge.toml").write_text(
        f'secret_key = "for tests"\nsmtp_host = "127.0.0.1"\nsmtp_port = {port}\n'
        "smtp_starttls = false\n",
        encoding="utf-8",
    )


def test_an_empty_outbox_says_so_and_the_doctor_counts(
    bookbridge: Bookbridge, data_dir: Path
) -> None:
    assert bookbridge("mail", "list").stdout == "There is no such mail.\n"
    _set(data_dir, 25)
    contact = ("contact_name=Desk", "contact_email=desk@lib.example", "contact_digest=DAILY")
    options = [part for each in contact for part in ("--set", each)]
    bookbridge("partner", "add", "nagasaki", "--name", "N", *options)
    assert (
        "Mail: contacts that want it: 1; waiting: 0; given up in the last week: 0"
        in bookbridge("doctor").stdout
    )
