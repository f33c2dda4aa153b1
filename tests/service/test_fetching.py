"""Which addresses are called and saved, and where credentials go (rows 52 to 57)."""

from __future__ import annotations

import base64
import socket
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from oai.fetching import Query, Unreached
from service.config import load
from service.domain import web_address
from service.errors import Invalid, Misconfigured
from service.usecases import fetching
from service.usecases.fetching import EVERYWHERE, NotPublic, Port, check_address, send
from tests.oai.hostile import Asked, Sent, Site, books, serving

LOOPBACK = ("127.0.0.0/8",)
ME = ("seaside", "söcret")
PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[fd00::1]",
    "[fe80::1]",
    "[64:ff9b::7f00:1]",
    "localhost",
]


def ask(url: str, **how: Any) -> int:
    with closing(Port(url, **how)) as port, port(Query([("verb", "Identify")], 2, 2)) as reply:
        b"".join(reply.pieces)
        return reply.status


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let every name lead to the first of the answers, then to the next one; return who asked."""
    asked: list[str] = []
    left = list(answers)
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if str(host)[-1].isdigit():
            return real(host, port, *rest, **more)
        asked.append(str(host))
        there = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (there, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


# --- 52: what is not public ----------------------------------------------------------------------


@pytest.mark.parametrize("host", PRIVATE)
def test_52_no_private_address_is_called_or_sent_to_or_saved(host: str) -> None:
    url = f"http://{host}/oai"
    with pytest.raises(NotPublic, match="is no public address") as refused:
        ask(url)
    assert not refused.value.again
    with pytest.raises(NotPublic):
        send(url, b"{}", {})
    with pytest.raises(Invalid, match="is no public address"):
        check_address(url)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://b.example.org/", "gopher://b/", "b"])
def test_52_only_the_web_is_called(url: str) -> None:
    for refuse in (Port, check_address, partial(send, body=b"", headers={})):
        with pytest.raises(Invalid, match="begins with http"):
            refuse(url)


# --- 53: redirects -------------------------------------------------------------------------------


def test_53_a_redirect_to_another_network_is_refused_as_the_first_address_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names(monkeypatch, "127.0.0.1", "127.0.0.2")
    site = Site(books(1))
    with serving(site) as url:
        there = url.replace("127.0.0.1", "elsewhere.example.org")
        site.script = lambda _: Sent(status=302, headers=(("Location", there),))
        here = url.replace("127.0.0.1", "books.example.org")
        with pytest.raises(NotPublic, match=r"elsewhere\.example\.org"):
            ask(here, networks=("127.0.0.1/32",))
    assert len(site.log) == 1


def test_53_nothing_that_is_sent_follows_a_redirect() -> None:
    with posted() as (url, log):
        log.answer = (307, {"Location": "/elsewhere"}, b"")
        assert send(url, b"{}", {}, networks=LOOPBACK).status == 307
        assert len(log.requests) == 1


# --- 54: rebinding -------------------------------------------------------------------------------


def test_54_a_name_is_looked_up_once_and_that_address_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = names(monkeypatch, "127.0.0.1", "10.0.0.1")
    with serving(Site(books(1))) as url:
        here = url.replace("127.0.0.1", "books.example.org")
        assert ask(here, networks=LOOPBACK) == 200
        assert asked == ["books.example.org"]
        with pytest.raises(NotPublic, match=r"10\.0\.0\.1"):
            ask(here, networks=LOOPBACK)


def test_54_a_public_name_is_connected_to_at_the_address_that_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = names(monkeypatch, "93.184.215.14", "127.0.0.1")
    reached: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        reached.append(address[0])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Unreached, match="refused"):
        ask("http://books.example.org/oai")
    assert (asked, reached) == (["books.example.org"], ["93.184.215.14"])


# --- 55: a consortium ----------------------------------------------------------------------------


def test_55_a_network_that_the_operator_names_is_called_and_no_other() -> None:
    with serving(Site(books(1))) as url:
        assert ask(url, networks=LOOPBACK) == 200
        assert check_address(url, LOOPBACK) == url
        with pytest.raises(NotPublic):
            ask(url, networks=("10.0.0.0/8", "127.0.0.2/32"))
        with pytest.raises(Invalid):
            check_address(url, ("10.0.0.0/8",))


def test_55_the_setting_is_empty_and_holds_networks_only() -> None:
    assert load({}).reachable_networks == ()
    named = load({"BOOKBRIDGE_REACHABLE_NETWORKS": "10.1.0.0/16, fd00::/8"})
    assert named.reachable_networks == ("10.1.0.0/16", "fd00::/8")
    with pytest.raises(Misconfigured, match="reachable_networks"):
        load({"BOOKBRIDGE_REACHABLE_NETWORKS": "the library's own"})


# --- 56: the environment -------------------------------------------------------------------------


def test_56_proxies_and_passwords_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    site = Site(books(1))
    with serving(site) as url:
        assert ask(url, networks=LOOPBACK) == 200
    assert "authorization" not in site.log[0].headers


# --- 57: the form of an address ------------------------------------------------------------------


@pytest.mark.parametrize("port", [0, 22, 25, 110, 445, 3306, 5432, 6379, 11211, 27017])
def test_57_ports_that_are_none_of_the_web_are_refused_in_redirects_too(port: int) -> None:
    with pytest.raises(Invalid, match=f"Port {port} "):
        check_address(f"http://books.example.org:{port}/oai")
    with pytest.raises(Invalid):
        Port(f"http://127.0.0.1:{port}/oai", networks=EVERYWHERE)
    elsewhere = Sent(status=302, headers=(("Location", f"http://127.0.0.1:{port}/"),))
    with serving(Site(books(1), lambda _: elsewhere)) as url:
        assert ask(url, networks=LOOPBACK) == 302


@pytest.mark.parametrize("port", ["", ":80", ":443", ":8080", ":8443", ":210", ":9001"])
def test_57_other_ports_are_called(port: str) -> None:
    assert web_address.wrong(f"http://books.example.org{port}/oai") == ""


@pytest.mark.parametrize("user", ["me:hidden@", "me@", ":hidden@", "@"])
def test_57_credentials_in_an_address_are_refused_and_not_repeated(user: str) -> None:
    with pytest.raises(Invalid, match="Credentials") as refused:
        check_address(f"https://{user}books.example.org/oai")
    assert "hidden" not in str(refused.value)


def test_57_a_name_in_other_letters_is_shown_as_it_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names(monkeypatch, "93.184.215.14")
    assert check_address("https://bücher.example/oai?x=1#top") == (
        "https://xn--bcher-kva.example/oai?x=1"
    )
    assert "xn--" in check_address("https://ехample.org/oai")  # the first letters are Cyrillic


@pytest.mark.parametrize("url", ["http://b.example.org\\@127.0.0.1/", "http://b.example.org/a b"])
def test_57_what_two_readers_may_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        check_address(url)


def test_57_a_name_that_is_not_known_now_may_be_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert check_address("https://books.example.org/oai") == "https://books.example.org/oai"
    with pytest.raises(Unreached) as unreached:
        ask("https://books.example.org/oai")
    assert unreached.value.again


# --- credentials ---------------------------------------------------------------------------------


def basic(headers: dict[str, str]) -> str:
    return base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()


def test_credentials_go_to_the_first_origin_and_past_no_redirect_to_another() -> None:
    site, other = Site(books(1)), Site(books(1))
    with serving(site) as url, serving(other) as elsewhere:

        def away(asked: Asked) -> Sent | None:
            to = {1: f"{url}?again", 2: elsewhere}.get(asked.number)
            return Sent(status=302, headers=(("Location", to),)) if to else None

        site.script = away
        other.script = lambda _: Sent(status=302, headers=(("Location", url),))
        assert ask(url, networks=LOOPBACK, credentials=ME) == 200
    assert [basic(each.headers) for each in site.log[:2]] == ["seaside:söcret"] * 2
    assert "authorization" not in other.log[0].headers
    assert "authorization" not in site.log[2].headers  # where the other one led to


def test_credentials_are_not_told_over_plain_http_but_within_our_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names(monkeypatch, "93.184.215.14")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
    for call in (ask, partial(send, body=b"", headers={})):
        with pytest.raises(Unreached, match="use https") as refused:
            call("http://books.example.org/oai", credentials=ME)
        assert not refused.value.again
        assert "söcret" not in str(refused.value)


def test_credentials_are_in_no_repr() -> None:
    port = Port("https://books.example.org/oai", credentials=ME)
    assert "söcret" not in repr(vars(port))
    assert "söcret" not in repr(fetching._Basic(ME))


# --- what is sent --------------------------------------------------------------------------------


class Log:
    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")


class posted:  # noqa: N801 - used as a function is
    """A server that keeps what is posted to it and answers as its log says."""

    def __enter__(self) -> tuple[str, Log]:
        log = Log()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                log.requests.append((self.path, headers, body))
                status, more, answer = log.answer
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook", log

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_what_is_sent_arrives_with_its_headers_and_the_answer_comes_back() -> None:
    with posted() as (url, log):
        log.answer = (202, {"X-Mark": "1"}, b"taken")
        sent = send(url, b"{}", {"X-Signed": "abc"}, networks=LOOPBACK, credentials=ME)
    assert (sent.status, sent.headers["x-mark"], sent.body, sent.whole) == (
        202,
        "1",
        b"taken",
        True,
    )
    path, headers, body = log.requests[0]
    assert (path, body, headers["x-signed"], basic(headers)) == (
        "/hook",
        b"{}",
        "abc",
        "seaside:söcret",
    )


def test_an_answer_is_read_up_to_its_cap() -> None:
    with posted() as (url, log):
        log.answer = (200, {}, b"x" * (fetching.MOST_ANSWERED + 500_000))
        sent = send(url, b"", {}, networks=LOOPBACK)
    assert (len(sent.body), sent.whole) == (fetching.MOST_ANSWERED, False)


def test_nobody_there_is_unreached_and_may_be_tried_again() -> None:
    with posted() as (url, _):
        pass
    with pytest.raises(Unreached) as unreached:
        send(url, b"", {}, networks=LOOPBACK, timeout=1)
    assert unreached.value.again


def test_an_answer_that_drips_ends_in_time() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        there, _ = listener.accept()
        with there:
            there.recv(65_536)
            there.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                for _ in range(200):
                    there.sendall(b"x")
                    there.settimeout(0.02)
                    try:
                        if not there.recv(1):
                            return
                    except TimeoutError:
                        continue
            except OSError:
                return

    thread = Thread(target=drip)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(Unreached, match="too slowly"):
        send(url, b"", {}, networks=LOOPBACK, timeout=0.3)
    thread.join()
    listener.close()
