"""Whatever changes state says who did it; nobody changes what is in the log afterwards."""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import service
from service import usecases
from service.domain.audit_entry import AuditEntry, sentence
from service.domain.permission import Role
from service.store import audit_log
from service.store.db import Database, DatabaseError
from service.store.tables import audit_entry
from service.usecases import (
    auditing,
    cataloguing,
    membership,
    notifying,
    ordering_harvests,
    signing_in,
    staffing,
    subscribing,
)
from service.usecases.site import Site
from tests.service.builders import a_file, a_partner, a_record, make_site, open_list, receive, work
from tests.service.nagasaki import LOOPBACK

HANA = "staff:hana"
NOW = datetime(2026, 11, 22, 16, 40, tzinfo=UTC)


def entries(site: Site, kind: str) -> list[AuditEntry]:
    """Return what was done by Hana to things of a kind, in its order."""
    found = auditing.list_entries(site.db, kind=kind, limit=100)[::-1]
    return [each for each in found if each.actor == HANA]


def said(site: Site, kind: str) -> list[tuple[str, str, Any, Any]]:
    return [(each.action, each.name, each.before, each.after) for each in entries(site, kind)]


# --- what is in the log stays ---------------------------------------------------------------------


def write(db: Database, name: str = "nagasaki", **more: Any) -> None:
    with db.write() as conn:
        audit_log.write(conn, by=HANA, action="changed", kind="partner", name=name, now=NOW, **more)


CHANGES = [
    "UPDATE audit_entry SET actor = 'nobody'",
    "UPDATE audit_entry SET reason = '' WHERE name = 'nagasaki'",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_entry WHERE id = 1",
]
ON_SQLITE = [
    (
        "INSERT OR REPLACE INTO audit_entry (id, public_id, at, actor, action, kind, name) "
        "SELECT id, 'X', at, 'nobody', action, kind, name FROM audit_entry"
    ),
    (
        "REPLACE INTO audit_entry (public_id, at, actor, action, kind, name) "
        "SELECT public_id, at, 'nobody', action, kind, name FROM audit_entry"
    ),
]
ON_POSTGRESQL = [
    "TRUNCATE audit_entry",
    "TRUNCATE audit_entry CASCADE",
    (
        "INSERT INTO audit_entry (id, public_id, at, actor, action, kind, name) "
        "SELECT id, public_id, at, actor, action, kind, name FROM audit_entry "
        "ON CONFLICT (public_id) DO UPDATE SET actor = 'nobody'"
    ),
]


def test_the_log_can_be_added_to_and_in_no_way_changed(db: Database) -> None:
    write(db)
    write(db, "busan")
    with db.read() as conn:
        before = conn.execute(sa.select(audit_entry).order_by(audit_entry.c.id)).all()
    for statement in CHANGES + (ON_SQLITE if db.is_sqlite else ON_POSTGRESQL):
        with pytest.raises(DatabaseError, match="append-only"), db.write() as conn:
            conn.execute(sa.text(statement))
    with db.read() as conn:
        assert conn.execute(sa.select(audit_entry).order_by(audit_entry.c.id)).all() == before
    assert len(before) == 2


def test_an_entry_is_there_only_with_its_cause(db: Database) -> None:
    def fail_behind_it() -> None:
        with db.write() as conn:
            audit_log.write(conn, by=HANA, action="changed", kind="partner", name="x", now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_behind_it()
    assert auditing.list_entries(db) == []


def test_the_newest_is_first_and_pages_go_by_key(db: Database) -> None:
    for number in range(5):
        write(db, f"p{number}", before={"a": 1, "b": 1}, after={"a": 1, "b": 2})
    first = auditing.list_entries(db, limit=2)
    second = auditing.list_entries(db, before=first[-1].public_id, limit=2)
    assert [each.name for each in first + second] == ["p4", "p3", "p2", "p1"]
    assert first[0].before == {"b": 1}
    assert first[0].after == {"b": 2}
    assert [each.name for each in auditing.list_entries(db, kind="partner", name="p3")] == ["p3"]
    assert auditing.list_entries(db, kind="offer") == []


@pytest.mark.parametrize(
    ("before", "after", "reason", "words"),
    [
        (None, None, "", "changed partner x"),
        (None, {"label": ""}, "", "changed partner x"),
        ({"n": 1}, {"n": 2}, "why", "changed partner x: n 1 → 2 (why)"),
        ({"a": None}, {"a": True}, "", "changed partner x: a – → yes"),
        ({"gone": "y"}, None, "", "changed partner x: gone y"),
        (None, {"to": ["a", "b"]}, "", "changed partner x: to a b"),
        (None, {"per_list": 3}, "", "changed partner x: per list 3"),
        (None, {"names": {"ja": "長崎"}}, "", 'changed partner x: names {"ja": "長崎"}'),
        ({"n": "y" * 99}, {"n": ""}, "", f"changed partner x: n {'y' * 59}… → –"),
    ],
    ids=range(9),
)
def test_an_entry_is_told_in_words(before: Any, after: Any, reason: str, words: str) -> None:
    entry = AuditEntry("", NOW, HANA, "changed", "partner", "x", before, after, reason)
    assert sentence(entry) == words


# --- who does what --------------------------------------------------------------------------------


def test_a_token_is_in_the_log_as_given_and_taken_and_never_itself(site: Site) -> None:
    a_partner(site)
    staffing.add_staff(site.db, "kim", Role.CATALOGUER, site.now(), by=HANA)
    staffing.change_role(site.db, "kim", Role.ADMIN, site.now(), by=HANA)
    tokens = [
        signing_in.issue_partner_token(site.db, "nagasaki", "harvest", site.now(), by=HANA),
        signing_in.issue_staff_token(site.db, "kim", "", site.now(), by=HANA),
    ]
    signing_in.revoke_partner_tokens(site.db, "nagasaki", site.now(), by=HANA)
    signing_in.revoke_staff_tokens(site.db, "kim", site.now(), by=HANA)
    assert said(site, "account") == [
        ("added", "kim", None, {"role": "cataloguer"}),
        ("changed", "kim", {"role": "cataloguer"}, {"role": "admin"}),
    ]
    assert said(site, "token") == [
        ("issued", "partner:nagasaki", None, {"label": "harvest"}),
        ("issued", "staff:kim", None, {"label": ""}),
        ("revoked", "partner:nagasaki", None, {"tokens": 1}),
        ("revoked", "staff:kim", None, {"tokens": 1}),
    ]
    with site.db.read() as conn:
        log = str(conn.execute(sa.select(audit_entry)).all())
    assert not any(token in log or token[3:12] in log for token in tokens)


def test_who_joins_and_leaves_a_group_is_in_the_log(site: Site) -> None:
    a_partner(site)
    now = site.now()
    membership.add_audience(site.db, "near", by=HANA, now=now)
    membership.join(site.db, "near", ["nagasaki"], by=HANA, now=now)
    membership.leave(site.db, "near", ["nagasaki"], by=HANA, now=now)
    assert said(site, "audience") == [
        ("added", "near", None, {"partners": []}),
        ("joined", "near", None, {"partners": ["nagasaki"]}),
        ("left", "near", None, {"partners": ["nagasaki"]}),
    ]


def test_what_is_done_to_a_source_is_in_the_log_without_its_secrets(
    db: Database, tmp_path: Path
) -> None:
    site = make_site(db, tmp_path, reachable_networks=LOOPBACK)
    a_partner(site)
    subscribing.add_source(
        site,
        name="n",
        partner_code="nagasaki",
        url="http://127.0.0.1:8081/oai?apikey=hidden",
        credentials=("busan", "secret"),
        by=HANA,
        now=site.now(),
    )
    subscribing.pause(site.db, "n", site.now(), by=HANA)
    subscribing.pause(site.db, "n", site.now(), by=HANA)  # it is paused already
    subscribing.resume(site.db, "n", site.now(), by=HANA)
    ordering_harvests.begin(site.db, "n", full=True, by=HANA, now=site.now())
    found = entries(site, "source")
    assert [each.action for each in found] == ["added", "paused", "resumed", "ordered a harvest of"]
    assert (found[1].before, found[1].after) == ({"state": "ACTIVE"}, {"state": "PAUSED"})
    assert found[3].after == {"full": True, "from": None, "accept_vanished": False}
    assert "http://127.0.0.1:8081/oai" in str(found[0].after)
    assert "hidden" not in str(found)
    assert "secret" not in str(found)


def test_what_is_done_to_a_webhook_is_in_the_log_without_its_secrets(
    db: Database, tmp_path: Path
) -> None:
    site = make_site(db, tmp_path, reachable_networks=LOOPBACK)
    partner = a_partner(site)
    url = "http://127.0.0.1:8081/hook?token=hidden"
    added = notifying.add_webhook(site.db, site.settings, partner, url, site.now(), by=HANA)
    name = added.webhook.public_id
    notifying.resume_webhook(site.db, partner, name, site.now(), by=HANA)
    notifying.remove_webhook(site.db, partner, name, site.now(), by=HANA)
    told = {"partner": "nagasaki", "url": "http://127.0.0.1:8081/hook"}
    assert said(site, "webhook") == [
        (action, name, None, told) for action in ("added", "resumed", "removed")
    ]
    assert added.secret not in str(entries(site, "webhook"))


def test_who_brought_a_file_and_who_said_yes_to_it_is_in_the_log(site: Site) -> None:
    open_list(site)
    batch = receive(site, a_file(a_record("One")), stage_only=True).batch
    work(site)
    cataloguing.order_commit(site.db, batch.public_id, site.now(), by=HANA)
    ((action, name, _, after),) = said(site, "import")
    assert (action, name, after) == ("committed", batch.public_id, {"list": "spring", "records": 1})
    (received,) = auditing.list_entries(site.db, kind="import", name=batch.public_id)[1:]
    assert (received.actor, received.action) == ("command line", "received")
    assert received.after == {"list": "spring", "file": "f.mrc", "stage_only": True}


def _asks_who() -> dict[str, set[str]]:
    """Return the functions of each use-case room that ask who acts."""
    rooms = {}
    for path in Path(usecases.__file__).parent.glob("*.py"):
        if path.stem == "__init__":
            continue
        room = __import__(f"service.usecases.{path.stem}", fromlist=["_"])
        rooms[path.stem] = {
            name
            for name, found in inspect.getmembers(room, inspect.isfunction)
            if found.__module__ == room.__name__ and "by" in inspect.signature(found).parameters
        }
    return rooms


def test_every_door_says_who_acts() -> None:
    """A use-case takes the command line for granted; a door that forgets would blame it."""
    asks, forgot, seen = _asks_who(), [], 0
    for floor in ("api", "web", "cli"):
        for path in (Path(service.__file__).parent / floor).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                room = node.func.value
                if isinstance(room, ast.Name) and node.func.attr in asks.get(room.id, ()):
                    seen += 1
                    if "by" not in {keyword.arg for keyword in node.keywords}:
                        forgot.append(f"{floor}/{path.name}:{node.lineno} {node.func.attr}")
    assert forgot == []
    assert seen > 30
