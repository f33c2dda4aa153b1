"""Contacts are told by mail what their partner is told: all of it, in order, and within bounds."""

from __future__ import annotations

import ipaddress
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from service import worker
from service.config import load
from service.domain.announcement import LIST_SHORTENED, WISH_CHANGED, WISHLIST_FAILED
from service.domain.mail import MOST, TURNS, Mail, MailState, check_address, one_line
from service.domain.partner import Partner
from service.domain.partner_entry import Digest
from service.domain.webhook import pause
from service.errors import Invalid, Misconfigured
from service.store.db import Database
from service.store.tables import mail, partner, partner_contact
from service.usecases import enrolling, mailing, membership, notifying
from service.usecases.site import Site
from tests.service.builders import HandClock, a_partner, make_site
from tests.service.mail_server import DROP, MailServer, free_port, running

DESK, HEAD = "desk@lib.example", "head@lib.example"
LOOPBACK = ipaddress.ip_address("127.0.0.1")
DAY = 86_400
NOON = 2_500_027_200.0  # 12:00 UTC, in 2049


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as found:
        yield found


def a_site(db: Database, folder: Path, port: int, **more: object) -> Site:
    given = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_starttls": False,
        "repository_name": "Busan Library",
    }
    return make_site(db, folder, HandClock(NOON), **{**given, **more})


@pytest.fixture
def site(db: Database, tmp_path: Path, server: MailServer) -> Site:
    return a_site(db, tmp_path, server.port)


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path, server: MailServer) -> Iterator[Site]:
    """A site on SQLite with Nagasaki's desk, for what no database makes a difference to."""
    db = Database(sqlite_url)
    made = a_site(db, tmp_path, server.port)
    a_partner(made)
    contacts(made, {DESK: Digest.AT_ONCE})
    yield made
    db.close()


@pytest.fixture
def small_db(sqlite_url: str) -> Iterator[Database]:
    db = Database(sqlite_url)
    yield db
    db.close()


@pytest.fixture
def nagasaki(site: Site) -> Partner:
    return a_partner(site)


def clock(site: Site) -> HandClock:
    assert isinstance(site.clock, HandClock)
    return site.clock


def contacts(site: Site, digests: dict[str, Digest], code: str = "nagasaki") -> None:
    found = [
        {"name": "Exchange desk", "email": email, "digest": each} for email, each in digests.items()
    ]
    enrolling.change(site.db, code, {"contacts": found}, by="staff:hana", now=site.now())


def announce(site: Site, partner: Partner, name: str = "01JZ") -> None:
    with site.db.write() as conn:
        notifying.announce(conn, partner.id, WISHLIST_FAILED, {"wish_list": name}, site.now())


def known(site: Site) -> Partner:
    return membership.find_partner(site.db, "nagasaki")


def go_on(site: Site) -> bool:
    return mailing.go_on(site.db, site.settings, site.now, lambda: 0.5)


def all_mail(site: Site) -> None:
    while go_on(site):
        pass


def listed(site: Site) -> list[Mail]:
    return mailing.list_mails(site.db)[::-1]


def only(site: Site) -> Mail:
    (found,) = listed(site)
    return found


# --- what is told, and when ---------------------------------------------------------------------


def test_a_contact_is_told_at_once_what_happened_for_which_list_and_where_to_look(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki, "01JZ0")
    all_mail(site)
    (message,) = server.taken
    assert server.envelopes == [("exchange@example.org", [DESK])]
    assert message["From"] == "Busan Library <exchange@example.org>"
    assert message["To"] == DESK
    said = "Wish list 01JZ0 could not be answered to its end."
    assert message["Subject"] == f"Busan Library: {said}"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert said in text
    assert f"{site.settings.base_url}/api/v1/wishlists/01JZ0" in text
    assert "change the digest of this contact" in text
    assert "exchange@example.org" in text
    assert only(site).state is MailState.SENT


def test_nobody_is_written_to_who_does_not_want_it(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.NEVER})
    other = a_partner(site, "ulaanbaatar")
    contacts(site, {HEAD: Digest.AT_ONCE}, "ulaanbaatar")
    announce(site, nagasaki)
    all_mail(site)
    assert (listed(site), server.taken) == ([], [])
    announce(site, other, "theirs")
    all_mail(site)
    assert [each.recipient for each in listed(site)] == [HEAD]


def test_news_of_one_minute_are_one_mail(site: Site, nagasaki: Partner, server: MailServer) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki, "first")
    all_mail(site)
    for name in ("second", "third"):
        clock(site).move(10)
        announce(site, nagasaki, name)
        all_mail(site)
    assert len(server.taken) == 1
    clock(site).move(40)
    all_mail(site)
    _, both = server.texts()
    assert both.index("second") < both.index("third")
    assert server.taken[1]["Subject"] == "Busan Library: 2 news"


def test_a_digest_comes_once_a_day_and_tells_what_the_day_before_brought(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.DAILY})
    for name in ("first", "second"):
        announce(site, nagasaki, name)
        clock(site).move(3600)
        all_mail(site)
    assert server.taken == []
    clock(site).move(DAY / 2)
    announce(site, nagasaki, "of today")
    all_mail(site)
    (text,) = server.texts()
    assert "first" in text
    assert "second" in text
    assert "of today" not in text
    clock(site).move(DAY - 7200 - 1)  # just before midnight
    all_mail(site)
    clock(site).move(-DAY)  # a clock that is put back
    all_mail(site)
    assert len(server.taken) == 1
    clock(site).move(2 * DAY)
    all_mail(site)
    assert "of today" in server.texts()[1]
    assert "first" not in server.texts()[1]


@given(
    st.floats(1.7e9, 2.5e9),
    st.lists(st.integers(1, 200_000), max_size=30),
)
def test_no_day_has_two_digests(begin: float, steps: list[int]) -> None:
    now, mailed = datetime.fromtimestamp(begin, UTC), []
    for seconds in steps:
        now += timedelta(seconds=seconds)
        turn = TURNS[Digest.DAILY](now)
        assert turn.before is not None
        assert turn.before <= now
        if not mailed or mailed[-1] <= turn.mailed_until:
            mailed.append(now)
    assert len({each.date() for each in mailed}) == len(mailed)


def test_an_address_that_is_entered_twice_is_told_once_and_as_the_more_frequent_wants(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    twice = [
        {"name": name, "email": DESK, "digest": digest}
        for name, digest in (("Desk", Digest.DAILY), ("Head", Digest.AT_ONCE))
    ]
    enrolling.change(site.db, "nagasaki", {"contacts": twice}, by="x", now=site.now())
    announce(site, nagasaki)
    all_mail(site)
    clock(site).move(DAY)
    all_mail(site)
    assert len(server.taken) == 1


def test_a_new_contact_is_not_told_the_past_and_a_new_address_goes_on_where_the_old_one_was(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    announce(site, nagasaki, "long ago")
    contacts(site, {DESK: Digest.DAILY})
    announce(site, nagasaki, "morning")
    contacts(site, {HEAD: Digest.DAILY})
    announce(site, nagasaki, "evening")
    clock(site).move(DAY)
    all_mail(site)
    ((_, recipients),) = server.envelopes
    (text,) = server.texts()
    assert recipients == [HEAD]
    assert "long ago" not in text
    assert "morning" in text
    assert "evening" in text


def test_who_comes_back_is_not_told_what_happened_meanwhile(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki, "before")
    all_mail(site)
    contacts(site, {DESK: Digest.NEVER})
    announce(site, nagasaki, "meanwhile")
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki, "after")
    clock(site).move(60)
    all_mail(site)
    assert "meanwhile" not in server.texts()[1]
    assert "after" in server.texts()[1]


def test_a_mail_is_bounded_and_says_what_it_leaves_out(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    with site.db.write() as conn:
        for number in range(MOST + 50):
            body = {"wish_list": f"L{number:03}", "allocated": 1}
            notifying.announce(conn, nagasaki.id, WISH_CHANGED, body, site.now())
    all_mail(site)
    (text,) = server.texts()
    assert text.count(" changed: 1 allocated.") == MOST
    assert "50 more happened before this" in text
    assert "/api/v1/wishlists.atom" in text
    assert "L049" not in text
    assert "L050" in text
    clock(site).move(60)
    assert not go_on(site)


def test_without_a_server_nothing_is_queued(
    db: Database, tmp_path: Path, server: MailServer
) -> None:
    site = a_site(db, tmp_path, server.port, smtp_host="")
    partner_ = a_partner(site)
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, partner_)
    assert not go_on(site)
    assert listed(site) == []
    assert mailing.outlook(site.db, site.now()) == (0, 0, 1)


def test_what_is_announced_while_another_announcement_is_on_its_way_passes_none_over(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki, "first")
    all_mail(site)
    clock(site).move(60)
    quick = threading.Thread(target=announce, args=(site, nagasaki, "quick"))
    with site.db.write() as conn:
        notifying.announce(conn, nagasaki.id, WISHLIST_FAILED, {"wish_list": "slow"}, site.now())
        quick.start()
        quick.join(0.5)  # without the lock it would be through by now, under a higher number
        assert not mailing.compose(site.db, site.settings, site.now())
    quick.join()
    all_mail(site)
    clock(site).move(60)
    all_mail(site)
    told = "".join(server.texts())
    assert "slow" in told
    assert "quick" in told


def test_two_workers_write_one_mail(site: Site, nagasaki: Partner) -> None:
    contacts(site, {DESK: Digest.AT_ONCE, HEAD: Digest.AT_ONCE})
    announce(site, nagasaki)
    ready = threading.Barrier(2)

    def compose() -> None:
        ready.wait()
        while mailing.compose(site.db, site.settings, site.now()):
            pass

    workers = [threading.Thread(target=compose) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(each.recipient for each in listed(site)) == [DESK, HEAD]


# --- servers as they are ------------------------------------------------------------------------


def test_mail_waits_for_a_server_that_is_down_and_then_arrives_in_order(
    db: Database, tmp_path: Path
) -> None:
    port = free_port()
    site = a_site(db, tmp_path, port)
    partner_ = a_partner(site)
    contacts(site, {DESK: Digest.AT_ONCE})
    for number in (1, 2):
        announce(site, partner_, f"L{number}")
        all_mail(site)
        clock(site).move(61)
    waiting = listed(site)
    assert [each.state for each in waiting] == [MailState.WAITING] * 2
    assert "the mail server cannot be used" in waiting[0].error
    with running(port) as server:
        clock(site).move(3600)
        all_mail(site)
        assert [text.count("L1") for text in server.texts()] == [2, 0]
    assert mailing.outlook(site.db, site.now()) == (0, 0, 1)


def test_mail_that_nobody_took_for_three_days_is_given_up_visibly(
    small_db: Database, tmp_path: Path
) -> None:
    site = a_site(small_db, tmp_path, free_port())
    partner_ = a_partner(site)
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, partner_)
    tries = 0
    while (not listed(site) or only(site).state is MailState.WAITING) and tries < 100:
        tries += go_on(site)
        clock(site).move(pause(99, 0.5).total_seconds() / 2)
    assert only(site).state is MailState.GIVEN_UP
    assert only(site).error.startswith("Given up: the mail server cannot be used")
    assert 10 < only(site).attempts < 60
    assert mailing.outlook(site.db, site.now()).given_up == 1


def test_an_address_that_is_refused_for_good_is_given_up_and_holds_up_nobody(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE, HEAD: Digest.AT_ONCE})
    server.refused[DESK] = "550 5.1.1 no such mailbox"
    announce(site, nagasaki)
    all_mail(site)
    by = {each.recipient: each for each in listed(site)}
    assert by[HEAD].state is MailState.SENT
    assert by[DESK].state is MailState.GIVEN_UP
    assert "550 5.1.1 no such mailbox" in by[DESK].error
    assert by[DESK].attempts == 1
    # The next news tries it again: the mailbox may be there by now.
    server.refused.clear()
    clock(site).move(60)
    announce(site, nagasaki, "later")
    all_mail(site)
    assert [each.state for each in listed(site)].count(MailState.SENT) == 3


@pytest.mark.parametrize(
    "planned", ["451 4.3.0 later", DROP, "421 4.3.2 shutting down"], ids=["451", "drop", "421"]
)
def test_a_server_that_stumbles_gets_the_same_mail_again(
    small: Site, server: MailServer, planned: str
) -> None:
    server.plan = [planned]
    announce(small, known(small))
    all_mail(small)
    assert only(small).state is MailState.WAITING
    assert only(small).error
    assert not go_on(small)  # not before its pause is over
    clock(small).move(6)
    all_mail(small)
    assert only(small).state is MailState.SENT
    assert only(small).attempts == 2
    assert len(server.taken) == 1


def test_content_that_is_refused_for_good_is_given_up(small: Site, server: MailServer) -> None:
    server.plan = ["554 5.7.1 not wanted"]
    announce(small, known(small))
    all_mail(small)
    assert only(small).state is MailState.GIVEN_UP


def test_a_server_that_is_too_slow_gets_it_again_and_the_repeat_can_be_told(
    small: Site, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "TIMEOUT", 0.3)
    server.plan = [1.0]
    announce(small, known(small))
    all_mail(small)
    assert "timed out" in only(small).error
    clock(small).move(6)
    all_mail(small)
    assert only(small).state is MailState.SENT
    one, other = server.ids()
    assert one == other == f"<{only(small).public_id}@bookbridge.example.org>"


_ONE_MAIL = """
import sys, time
from service.config import load
from service.store.db import Database
from service.usecases import mailing
from datetime import UTC, datetime
settings = load({}, data_dir=sys.argv[2], secret_key="k", smtp_host="127.0.0.1",
                smtp_port=sys.argv[3], smtp_starttls=False)
now = datetime.fromtimestamp(float(sys.argv[4]), UTC)
mailing.go_on(Database(sys.argv[1]), settings, lambda: now, lambda: 0.5)
"""


def test_a_worker_killed_between_sending_and_marking_sends_again_and_loses_nothing(
    site: Site, nagasaki: Partner, server: MailServer, database_url: str, tmp_path: Path
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki, "precious")
    arguments = [database_url, str(tmp_path), str(server.port), str(clock(site).at)]
    found: dict[str, subprocess.Popen[bytes]] = {}

    def kill() -> None:
        found["child"].send_signal(signal.SIGKILL)

    server.plan = [kill]
    found["child"] = subprocess.Popen([sys.executable, "-c", _ONE_MAIL, *arguments])
    assert found["child"].wait(60) == -signal.SIGKILL
    assert only(site).state is MailState.WAITING
    assert not go_on(site)  # it may still be on its way
    clock(site).move(601)
    all_mail(site)
    assert only(site).state is MailState.SENT
    assert len(server.taken) == 2
    assert len(set(server.ids())) == 1
    assert all("precious" in text for text in server.texts())


def test_the_worker_sends_mail_beside_its_other_work(
    site: Site, nagasaki: Partner, server: MailServer
) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki)
    stop, came = threading.Event(), threading.Event()
    server.plan = [came.set]
    running_ = threading.Thread(target=worker.run, args=(site, stop))
    running_.start()
    try:
        assert came.wait(20)
    finally:
        stop.set()
        running_.join(20)


# --- nothing gets into a header, and no password out ---------------------------------------------

EVIL = "Nagasaki\r\nBcc: all@example.org\r\n\r\nBuy\u2028now\x00\u202e"


def test_no_name_and_no_reason_adds_a_header_a_recipient_or_a_line(
    small_db: Database, tmp_path: Path, server: MailServer
) -> None:
    site = a_site(small_db, tmp_path, server.port, repository_name=EVIL)
    found = a_partner(site)
    contacts(site, {DESK: Digest.AT_ONCE})
    body = {"list": "spring", "closes_at": None, "instead_of": None, "reason": EVIL}
    with site.db.write() as conn:
        safe_for_database = EVIL.replace("\x00", "")
        conn.execute(partner.update().values(name=safe_for_database))
        notifying.announce(
            conn, found.id, LIST_SHORTENED, body | {"reason": safe_for_database}, site.now()
        )
    all_mail(site)
    (message,) = server.taken
    assert server.envelopes[0][1] == [DESK]
    assert message["Bcc"] is None
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "X-Peer",
        "X-MailFrom", "X-RcptTo",
    } & set(message.keys())  # fmt: skip
    assert not [line for line in message.get_content().splitlines() if line.startswith("Bcc")]
    assert "\r" not in message["Subject"]


def test_a_recipient_that_is_no_address_is_given_up_and_never_reaches_the_server(
    small: Site, server: MailServer
) -> None:
    with small.db.write() as conn:
        conn.execute(partner_contact.update().values(email="a@lib.example>\r\nRCPT TO:<b@x.org"))
    announce(small, known(small))
    all_mail(small)
    assert only(small).state is MailState.GIVEN_UP
    assert "is no e-mail address" in only(small).error
    assert server.taken == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@b.org",
        "a@b.org, c@d.org",
        "a@b.org\r\nBcc: c@d.org",
        "<a@b.org>",
        "a b@c.org",
    ],
    ids=range(8),
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="no e-mail address"):
        check_address(address)


@given(st.text(), st.integers(10, 200))
def test_one_line_is_one_line_for_every_program(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert "\0" not in line


def test_mail_in_every_script_arrives_as_it_was_written(small: Site, server: MailServer) -> None:
    with small.db.write() as conn:
        conn.execute(partner.update().values(name="長崎県立長崎図書館 · 부산 · Улаанбаатар"))
    announce(small, known(small))
    all_mail(small)
    assert "長崎県立長崎図書館 · 부산 · Улаанбаатар" in server.texts()[0]


def test_a_password_is_not_said_to_a_server_without_tls(small_db: Database, tmp_path: Path) -> None:
    signed_in: list[bytes] = []

    def check(*given: object) -> SimpleNamespace:
        signed_in.append(b"")
        return SimpleNamespace(success=True, handled=True)

    with running(authenticator=check, auth_require_tls=False) as server:
        site = a_site(
            small_db, tmp_path, server.port,
            smtp_starttls=True, smtp_user="busan", smtp_password="hidden",
        )  # fmt: skip
        partner_ = a_partner(site)
        contacts(site, {DESK: Digest.AT_ONCE})
        announce(site, partner_)
        all_mail(site)
        assert server.taken == []
    assert signed_in == []
    assert "STARTTLS" in only(site).error
    assert "hidden" not in str(site.settings.described())


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that 127.0.0.1 has from itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


def test_over_tls_we_sign_in_and_wrong_credentials_lose_no_mail(
    small_db: Database, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {"password": b"another"}

    def check(*given: Any) -> AuthResult:
        return AuthResult(success=given[-1].password == right["password"], handled=False)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(authenticator=check, auth_required=True, tls_context=context) as server:
        site = a_site(
            small_db,
            tmp_path,
            server.port,
            smtp_starttls=True,
            smtp_user="busan",
            smtp_password="hidden",
        )
        partner_ = a_partner(site)
        contacts(site, {DESK: Digest.AT_ONCE})
        announce(site, partner_)
        errors = []
        for _ in range(3):
            all_mail(site)
            errors.append(only(site).error)
            clock(site).move(3600)
            if len(errors) == 1:
                monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            else:
                right["password"] = b"hidden"
        assert "certificate verify failed" in errors[0]
        assert "535" in errors[1]
        assert errors[2] == ""
        assert only(site).state is MailState.SENT
        assert len(server.taken) == 1


def test_the_settings_are_tried_with_an_answer_that_says_what_is_wrong(
    small: Site, server: MailServer
) -> None:
    mailing.try_out(small.settings, DESK, small.now())
    assert server.envelopes[0][1] == [DESK]
    server.refused[DESK] = "550 no"
    with pytest.raises(Misconfigured, match="550 no"):
        mailing.try_out(small.settings, DESK, small.now())
    with pytest.raises(Invalid):
        mailing.try_out(small.settings, "nobody", small.now())
    assert listed(small) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"smtp_port": 0}, "smtp_port"),
        ({"smtp_user": "a"}, "together"),
        ({"smtp_user": "a", "smtp_password": "é"}, "ASCII"),
        ({"smtp_host": "x", "mail_from": "Busan <a@b.org>"}, "mail_from"),
        ({"smtp_host": "x", "mail_from": "a@b.org\nBcc: c@d.org"}, "mail_from"),
    ],
    ids=range(5),
)
def test_settings_that_cannot_be_are_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        load({}, **given)


def test_no_mail_is_written_without_its_mark_moving(site: Site, nagasaki: Partner) -> None:
    contacts(site, {DESK: Digest.AT_ONCE})
    announce(site, nagasaki)
    assert mailing.compose(site.db, site.settings, site.now())
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(mail)).scalar() == 1
        mark = conn.execute(sa.text("SELECT announcement_id FROM digest_mark")).scalar()
        assert mark == conn.execute(sa.text("SELECT max(id) FROM announcement")).scalar()
