"""People sign in: passwords, tries, sessions and links, on both databases."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain import account as account_rules
from service.domain import password as password_rules
from service.domain.account import LASTS, SESSION, Purpose
from service.domain.permission import Role
from service.domain.sign_in_attempt import FORGOTTEN, PATIENCE, Tried
from service.errors import Busy, Conflict, Invalid, NotFound, TooSoon, Unauthenticated
from service.store import account_links
from service.store.db import Database
from service.store.tables import metadata
from service.usecases import (
    auditing,
    changing_passwords,
    inviting,
    mailing,
    merging,
    opening_sessions,
    signing_in,
    signing_links,
    staffing,
)
from service.usecases.hashing_passwords import AT_ONCE, HASHER, WAITING, Hasher
from service.usecases.opening_sessions import Opened
from service.usecases.site import Site
from tests.service.at_once import at_once
from tests.service.builders import a_partner, make_site
from tests.service.mail_server import running

PASSWORD = "the sea is wide tonight"
OTHER = "another sentence for the sea"
HERE = "192.0.2.1"


class Counting(Hasher):
    """Hashes lightly, and counts how often a password was held against a hash."""

    def __init__(self) -> None:
        super().__init__(kib=8, passes=1, lanes=1, patience=30)
        self.held = 0

    def fits(self, password: str, known: str) -> bool:
        self.held += 1
        return super().fits(password, known)


LIGHT = Counting()
HASH = LIGHT.hash(PASSWORD)


def enter(site: Site, name: str = "hana", role: Role = Role.CATALOGUER, **more: str) -> None:
    staffing.add(site.db, name, role, site.now(), **{"password": HASH, **more})


def sign_in(
    site: Site,
    name: str = "hana",
    password: str = PASSWORD,
    *,
    db: Database | None = None,
    address: str = HERE,
    hasher: Hasher = LIGHT,
    now: datetime | None = None,
) -> Opened:
    return opening_sessions.sign_in(
        db or site.db, hasher, name, password, address=address, now=now or site.now()
    )


def is_alive(site: Site, opened: Opened, after: timedelta = timedelta()) -> bool:
    return opening_sessions.identify(site.db, opened.token, site.now() + after) is not None


# --- passwords ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("x" * 5, "SHORT"),
        ("elevenchars", "SHORT"),
        ("이 책은 바다를 건너는 열두자", None),
        ("correct horse staple", None),
        ("a b" * 43, "LONG"),
        ("Exchange Desk", "NAME"),
        ("Busan Library", "LIBRARY"),
        ("passwordpassword", "COMMON"),
        ("PASSWORD1234", "COMMON"),
        ("aaaaaaaaaaaaaaa", "COMMON"),
        ("hanahanahanahana", "COMMON"),
        ("12345678901234", "COMMON"),
        ("zyxwvutsrqponm", "COMMON"),
    ],
)
def test_a_password_is_long_and_none_that_is_tried_first(given: str, found: str | None) -> None:
    weak = password_rules.weakness(given, name="exchange desk", library="Busan Library")
    assert (weak.name if weak else None) == found


def test_41_a_password_is_kept_as_argon2id_with_64_mib_and_three_passes() -> None:
    made = HASHER.hash(PASSWORD)
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert HASHER.fits(PASSWORD, made)
    assert not HASHER.fits(OTHER, made)
    assert not HASHER.fits("", "")
    assert HASHER.is_outdated(HASH)
    assert not HASHER.is_outdated(made)
    assert LIGHT.fits("e\u0301" * 12, LIGHT.hash("\xe9" * 12)), "typed on another machine"


def test_41_of_fifty_at_once_two_are_hashed_and_the_rest_are_told_to_come_again() -> None:
    class Watched(Hasher):
        inside = most = 0

        @contextmanager
        def _turn(self) -> Iterator[None]:
            with super()._turn():
                with lock:
                    self.inside += 1
                    self.most = max(self.most, self.inside)
                # Until everybody has come: who waits for a place is among the refused.
                came.wait(30)
                yield
                with lock:
                    self.inside -= 1

    lock, came, refused = threading.Lock(), threading.Event(), []
    hasher = Watched(kib=8, passes=1, lanes=1, patience=30)

    def one() -> bool:
        try:
            return hasher.fits(PASSWORD, HASH)
        except Busy:
            with lock:
                refused.append(1)
                if len(refused) == 50 - AT_ONCE - WAITING:
                    came.set()
            raise

    results = at_once(*[one] * 50)
    assert hasher.most == AT_ONCE
    assert sum(each is True for each in results) == AT_ONCE + WAITING
    assert sum(isinstance(each, Busy) for each in results) == 50 - AT_ONCE - WAITING


_FLOOD = """
import threading
from service.errors import Busy
from service.usecases.hashing_passwords import HASHER

def most():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def one():
    try:
        HASHER.fits("a password that is wrong", "")
    except Busy:
        pass

before = most()
threads = [threading.Thread(target=one) for _ in range(50)]
[each.start() for each in threads]
[each.join() for each in threads]
print(most() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells the most")
def test_41_a_flood_of_fifty_takes_the_memory_of_two() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FLOOD], capture_output=True, text=True, check=True, timeout=120
    )
    grown = int(done.stdout) / 1024
    assert 64 <= grown < 64 * AT_ONCE + 64, f"{grown} MiB"


def test_a_hash_of_yesterday_is_made_anew_when_somebody_signs_in(site: Site) -> None:
    enter(site)
    better = Counting()
    better._argon2 = Hasher(kib=16, passes=1, lanes=1)._argon2
    sign_in(site, hasher=better)
    with site.db.read() as conn:
        (kept,) = conn.execute(sa.text("SELECT password FROM account")).scalars()
    assert "m=16," in kept
    assert is_alive(site, sign_in(site, hasher=better))


# --- tries ----------------------------------------------------------------------------------------


def test_42_nothing_tells_an_unknown_name_from_a_wrong_password(site: Site) -> None:
    enter(site)
    enter(site, "new", password="")
    enter(site, "gone")
    staffing.disable(site.db, "gone", site.now())
    told, work = set(), set()
    for name, given in (
        ("hana", OTHER),
        ("nobody", OTHER),
        ("new", ""),
        ("new", OTHER),
        ("gone", PASSWORD),
        ("", ""),
    ):
        before = LIGHT.held
        with pytest.raises(Unauthenticated) as refused:
            sign_in(site, name, given)
        told.add(refused.value.detail)
        work.add(LIGHT.held - before)
    assert told == {"the name or the password is wrong"}
    assert work == {1}


@pytest.mark.parametrize("name", ["hana", "nobody"])
def test_42_who_tries_too_often_waits_whoever_it_is_in_every_process(site: Site, name: str) -> None:
    enter(site)
    other = Database(site.db.url.render_as_string(hide_password=False))
    free = PATIENCE[Tried.NAME].free
    for n in range(free + 1):
        with pytest.raises(Unauthenticated):
            sign_in(site, name, OTHER, db=(site.db, other)[n % 2], address=f"192.0.2.{n}")
    for db in (site.db, other):
        with pytest.raises(TooSoon) as waits:
            sign_in(site, name.upper(), PASSWORD, db=db, address="192.0.2.99")
        assert waits.value.seconds == 2
    later = site.now() + timedelta(seconds=2)
    with pytest.raises(Unauthenticated):
        sign_in(site, name, OTHER, now=later)
    with pytest.raises(TooSoon):
        sign_in(site, name, OTHER, now=later + timedelta(seconds=1))
    other.close()


def test_42_who_knows_the_password_is_forgiven_and_the_quiet_are_forgotten(site: Site) -> None:
    enter(site)
    for _ in range(PATIENCE[Tried.NAME].free):
        with pytest.raises(Unauthenticated):
            sign_in(site, password=OTHER)
    sign_in(site)
    for _ in range(PATIENCE[Tried.NAME].free):
        with pytest.raises(Unauthenticated):
            sign_in(site, password=OTHER)
    opening_sessions.tidy(site.db, site.now() + FORGOTTEN + timedelta(seconds=1))
    with site.db.read() as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM sign_in_attempt")).scalar() == 0


def test_42_an_address_that_tries_many_names_waits_and_others_do_not(site: Site) -> None:
    enter(site)
    for n in range(PATIENCE[Tried.ADDRESS].free + 1):
        opening_sessions.count_try(site.db, f"name {n}", HERE, site.now())
    with pytest.raises(TooSoon):
        sign_in(site)
    assert is_alive(site, sign_in(site, address="192.0.2.2"))


def test_42_many_tries_at_the_same_moment_are_counted_one_by_one(site: Site) -> None:
    def one(n: int) -> bool:
        opening_sessions.count_try(site.db, "hana", f"192.0.2.{n}", site.now())
        return True

    results = at_once(*[lambda n=n: one(n) for n in range(12)])
    assert sum(each is True for each in results) == PATIENCE[Tried.NAME].free + 1
    assert sum(isinstance(each, TooSoon) for each in results) == 12 - PATIENCE[Tried.NAME].free - 1


# --- sessions -------------------------------------------------------------------------------------


def test_39_a_stolen_session_is_dead_after_whatever_closes_it(site: Site) -> None:
    enter(site)
    now = site.now()

    def out() -> None:
        opening_sessions.close(site.db, stolen.token, now)

    def password() -> None:
        fresh = changing_passwords.change(
            *(site.db, LIGHT, "hana", PASSWORD, OTHER),
            library="",
            address=HERE,
            now=now,
            by="staff:hana",
        )
        assert is_alive(site, fresh)
        changing_passwords.set_by_operator(site.db, LIGHT, "hana", PASSWORD, library="", now=now)
        assert not is_alive(site, fresh)

    def role() -> None:
        staffing.change_role(site.db, "hana", Role.ADMIN, now)

    def everything() -> None:
        opening_sessions.close_all(site.db, "hana", now, by="x")

    def by_link() -> None:
        made = inviting.reset(site.db, site.settings, "hana", now)
        inviting.accept(site.db, site.settings, LIGHT, token_of(made.address), PASSWORD, now=now)

    def disabled() -> None:
        staffing.disable(site.db, "hana", now)

    for act in (out, password, role, everything, by_link, disabled):
        stolen = sign_in(site)
        assert is_alive(site, stolen)
        act()
        assert not is_alive(site, stolen), act.__name__
    staffing.enable(site.db, "hana", now)
    assert not is_alive(site, stolen), "it came back"


def test_a_session_ends_when_nobody_comes_and_after_two_weeks_in_any_case(site: Site) -> None:
    enter(site)
    opened = sign_in(site)
    second = timedelta(seconds=1)
    assert is_alive(site, opened, SESSION.idle - second)  # and is seen then
    assert is_alive(site, opened, 2 * SESSION.idle - 2 * second)
    assert not is_alive(site, opened, 3 * SESSION.idle)
    other, at = sign_in(site), timedelta()
    while at < SESSION.whole:
        assert is_alive(site, other, at)
        at += SESSION.idle - second
    assert not is_alive(site, other, SESSION.whole)
    opening_sessions.tidy(site.db, site.now() + SESSION.whole + timedelta(days=40))
    with site.db.read() as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM session")).scalar() == 0


def test_that_somebody_is_here_is_written_once_in_five_minutes(site: Site) -> None:
    enter(site)
    opened = sign_in(site)
    written: list[str] = []

    @sa.event.listens_for(site.db.engine, "before_cursor_execute")
    def _note(_c: object, _u: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE session"):
            written.append(statement)

    for minutes in (0, 1, 4, 5, 6, 9, 10):
        assert is_alive(site, opened, timedelta(minutes=minutes))
    assert len(written) == 2


def test_a_password_that_is_changed_while_somebody_signs_in_opens_nothing(site: Site) -> None:
    enter(site)

    class Slow(Counting):
        def fits(self, password: str, known: str) -> bool:
            found = super().fits(password, known)
            changing_passwords.set_by_operator(
                site.db, LIGHT, "hana", OTHER, library="", now=site.now()
            )
            return found

    with pytest.raises(Unauthenticated):
        sign_in(site, hasher=Slow())
    assert opening_sessions.list_sessions(site.db, "hana", site.now()) == []


def test_a_persons_callers_are_the_same_kind_as_those_of_tokens(site: Site) -> None:
    ara = a_partner(site, "ara")
    enter(site, "kenji", Role.PARTNER, partner="ara")
    enter(site, "hana", Role.ADMIN)
    token = signing_in.issue_partner_token(site.db, "ara", "", site.now())
    machine = signing_in.identify(site.db, token, now=site.now())
    person = sign_in(site, "kenji").caller
    assert replace(person, account="") == machine
    assert (person.partner, person.role, person.name) == (ara, Role.PARTNER, "partner:ara/kenji")
    hana = sign_in(site).caller
    assert (hana.role, hana.name, hana.staff) == (Role.ADMIN, "staff:hana", "hana")
    with pytest.raises(Invalid, match="belongs to a partner"):
        staffing.change_role(site.db, "kenji", Role.ADMIN, site.now())
    with pytest.raises(Invalid, match="belongs to a partner"):
        signing_in.issue_staff_token(site.db, "kenji", "", site.now())
    for role, partner in ((Role.ADMIN, "ara"), (Role.PARTNER, ""), (Role.ANONYMOUS, "")):
        with pytest.raises(Invalid):
            staffing.add(site.db, "odd", role, site.now(), partner=partner)


def test_the_people_of_a_partner_go_with_it_when_it_becomes_another(site: Site) -> None:
    a_partner(site, "old")
    new = a_partner(site, "new")
    enter(site, "kenji", Role.PARTNER, partner="old")
    opened = sign_in(site, "kenji")
    merging.merge(site.db, "old", "new", by="staff:hana", now=site.now())
    signed = opening_sessions.identify(site.db, opened.token, site.now())
    assert signed is not None
    assert signed.caller.partner is not None
    assert signed.caller.partner.id == new.id
    assert staffing.find(site.db, "kenji", site.now()).partner == "new"


# --- links ----------------------------------------------------------------------------------------


def token_of(address: str) -> str:
    return address.rpartition("/")[2]


def accept(
    site: Site, address: str, password: str = PASSWORD, now: datetime | None = None
) -> Opened:
    given, now = token_of(address), now or site.now()
    return inviting.accept(site.db, site.settings, LIGHT, given, password, now=now)


def test_an_invitation_is_taken_once_and_looking_at_it_changes_nothing(site: Site) -> None:
    enter(site, password="")
    made = inviting.invite(site.db, site.settings, "hana", site.now())
    for _ in range(3):
        found = inviting.look(site.db, site.settings, token_of(made.address), site.now())
        assert (found.name, found.purpose, found.may_skip) == ("hana", Purpose.INVITATION, False)
    with pytest.raises(Invalid, match="at least 12"):
        accept(site, made.address, "short")
    with pytest.raises(Invalid, match="choose"):
        accept(site, made.address, "")
    results = at_once(*[lambda: accept(site, made.address)] * 4)
    opened = [each for each in results if isinstance(each, Opened)]
    assert len(opened) == 1
    assert all(isinstance(each, Opened | NotFound | Conflict) for each in results), results
    assert is_alive(site, opened[0])
    assert is_alive(site, sign_in(site))
    with pytest.raises(NotFound):
        accept(site, made.address)
    with pytest.raises(Conflict, match="taken over"):
        inviting.invite(site.db, site.settings, "hana", site.now())


def test_a_link_opens_nothing_when_it_is_old_replaced_forged_or_the_account_closed(
    site: Site,
) -> None:
    enter(site)
    now = site.now()

    def make() -> str:
        return inviting.reset(site.db, site.settings, "hana", now).address

    late = now + LASTS[Purpose.RESET]
    forged = signing_links.token(replace(site.settings, secret_key="another"), "0" * 26)
    first = make()
    second = make()
    for address, at in ((first, now), (second, late), (forged, now), ("x", now), ("", now)):
        with pytest.raises(NotFound):
            accept(site, address, OTHER, now=at)
    changing_passwords.set_by_operator(site.db, LIGHT, "hana", PASSWORD, library="", now=now)
    with pytest.raises(NotFound):
        accept(site, second, OTHER)
    third = make()
    staffing.disable(site.db, "hana", now)
    with pytest.raises(NotFound):
        accept(site, third, OTHER)
    with pytest.raises(Conflict, match="disabled"):
        make()
    staffing.enable(site.db, "hana", now)
    rotated = replace(site.settings, secret_key="new", secret_key_fallbacks=("k" * 32,))
    site = replace(site, settings=replace(site.settings, secret_key="k" * 32))
    fourth = inviting.reset(site.db, site.settings, "hana", now).address
    inviting.accept(site.db, rotated, LIGHT, token_of(fourth), OTHER, now=now)


def test_a_link_comes_by_mail_and_neither_database_nor_outbox_holds_what_opens(
    db: Database, tmp_path: Path
) -> None:
    with running() as server:
        site = make_site(
            *(db, tmp_path),
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_starttls=False,
        )
        a_partner(site, "ara")
        enter(site, "kenji", Role.PARTNER, partner="ara", email="kenji@ara.example", password="")
        enter(site, "hana", Role.ADMIN, email="hana@here.example")
        now = site.now()
        for who in ("KENJI@ara.example", "hana", "nobody", "nobody@nowhere.example", ""):
            inviting.ask(db, site.settings, who, address=HERE, now=now)
        issued = signing_in.issue_partner_token(db, "ara", "", now)
        while mailing.go_on(db, site.settings, site.now, lambda: 0.5):
            pass
        mails = {
            str(each["To"]): next(
                line for line in each.get_content().splitlines() if "/account/links/" in line
            )
            for each in server.taken
        }
    assert set(mails) == {"kenji@ara.example", "hana@here.example"}
    kenji = accept(site, mails["kenji@ara.example"], "")
    assert kenji.caller.account == "kenji"
    accept(site, mails["hana@here.example"], OTHER)
    with pytest.raises(NotFound):
        accept(site, mails["kenji@ara.example"], "")
    with db.read() as conn:
        dump = "".join(
            str(list(conn.execute(sa.select(table)))) for table in metadata.sorted_tables
        )
    assert "kenji@ara.example" in dump
    for secret in (
        issued,
        kenji.token,
        PASSWORD,
        OTHER,
        *(token_of(each).partition(".")[2] for each in mails.values()),
    ):
        assert len(secret) > 10
        assert secret not in dump


def test_who_asks_for_links_too_often_waits_and_can_sign_in_all_the_same(site: Site) -> None:
    enter(site)
    for _ in range(PATIENCE[Tried.LINK].free + 1):
        inviting.ask(site.db, site.settings, "hana", address=HERE, now=site.now())
    with pytest.raises(TooSoon):
        inviting.ask(site.db, site.settings, "hana", address="192.0.2.2", now=site.now())
    assert is_alive(site, sign_in(site))


def test_a_link_is_used_once_by_whoever_is_first(site: Site) -> None:
    enter(site)
    inviting.reset(site.db, site.settings, "hana", site.now())
    with site.db.write() as conn:
        (number,) = conn.execute(sa.text("SELECT id FROM account_link")).scalars()
        assert account_links.use(conn, number, site.now())
        assert not account_links.use(conn, number, site.now())


# --- what is told of it, and tokens ---------------------------------------------------------------


def test_every_change_of_an_account_is_in_the_audit_log_and_no_secret(site: Site) -> None:
    now = site.now()
    enter(site)
    staffing.describe(site.db, "hana", {"full_name": " Hana  Kim ", "locale": "ko"}, now, by="a")
    staffing.change_role(site.db, "hana", Role.ADMIN, now, by="a")
    inviting.reset(site.db, site.settings, "hana", now, by="a")
    changing_passwords.set_by_operator(site.db, LIGHT, "hana", OTHER, library="", now=now, by="a")
    staffing.disable(site.db, "hana", now, by="a")
    staffing.disable(site.db, "hana", now, by="a")
    staffing.enable(site.db, "hana", now, by="a")
    sign_in(site, password=OTHER)
    opening_sessions.close_all(site.db, "hana", now, by="a")
    entries = auditing.list_entries(site.db, name="hana")[::-1]
    assert [each.action for each in entries] == [
        "added",
        "changed",
        "changed",
        "made a link for",
        "gave a new password to",
        "disabled",
        "enabled",
        "closed",
    ]
    assert "argon2" not in str(entries)
    assert staffing.find(site.db, "hana", now).full_name == "Hana Kim"
    with pytest.raises(Conflict, match="your own"):
        staffing.disable(site.db, "hana", now, by="staff:hana")


def test_43_a_token_ends_tells_when_it_was_used_and_falls_with_its_account(site: Site) -> None:
    enter(site, role=Role.ADMIN)
    hana, now = sign_in(site).caller, site.now()
    short = signing_in.issue_own_token(site.db, hana, "short", now, lasts=timedelta(days=90))
    long = signing_in.issue_own_token(site.db, hana, "long", now)
    assert signing_in.identify(site.db, long, now=now).role is Role.ADMIN
    first, second = signing_in.own_tokens(site.db, hana, now)
    assert (first.label, first.used_at, second.label, second.used_at) == (
        "short",
        None,
        "long",
        now,
    )
    signing_in.identify(site.db, short, now=now + timedelta(days=89))
    with pytest.raises(Unauthenticated):
        signing_in.identify(site.db, short, now=now + timedelta(days=90))
    with pytest.raises(NotFound):
        signing_in.revoke_own_token(site.db, hana, "0" * 26, now)
    staffing.disable(site.db, "hana", now)
    with pytest.raises(Unauthenticated):
        signing_in.identify(site.db, long, now=now)
    staffing.enable(site.db, "hana", now)
    signing_in.revoke_own_token(site.db, hana, second.public_id, now)
    with pytest.raises(Unauthenticated):
        signing_in.identify(site.db, long, now=now)


def test_43_the_tokens_of_a_partners_people_are_the_partners(site: Site) -> None:
    a_partner(site, "ara")
    a_partner(site, "bela")
    enter(site, "kenji", Role.PARTNER, partner="ara")
    enter(site, "bolor", Role.PARTNER, partner="bela")
    kenji, bolor = sign_in(site, "kenji").caller, sign_in(site, "bolor").caller
    token = signing_in.issue_own_token(site.db, kenji, "harvester", site.now())
    assert signing_in.identify(site.db, token, "ara", now=site.now()).name == "partner:ara"
    (found,) = signing_in.own_tokens(site.db, kenji, site.now())
    assert signing_in.own_tokens(site.db, bolor, site.now()) == []
    with pytest.raises(NotFound):
        signing_in.revoke_own_token(site.db, bolor, found.public_id, site.now())
    with pytest.raises(Invalid):
        signing_in.issue_own_token(site.db, kenji, " ", site.now())


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "..", "a\nb", "x" * 101])
def test_a_name_that_breaks_a_line_or_an_address_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        account_rules.check_name(name)
