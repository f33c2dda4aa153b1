"""Providers that go wrong on purpose, over real HTTP on loopback, and a port to reach them.

A script looks at each request, numbered from 1, and at what an honest provider (our own, over a
repository in memory) would answer, and returns what is sent instead; None is the honest answer.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from oai.asking import Asking, Limits
from oai.fetching import ENCODINGS, Patience, Query, Reply, Unreached
from oai.harvest_errors import Note
from oai.harvest_records import Record
from oai.harvester import Page, Task, harvest
from oai.provider import respond
from oai.resume_point import Point, begin
from oai.windows import Granularity, Window
from tests.oai.asking import TOKENS
from tests.oai.memory import START, Memory, identifier_of

XML = ("Content-Type", "text/xml; charset=utf-8")


@dataclass(frozen=True)
class Sent:
    """An HTTP answer as it goes over the wire; ``length`` None: the connection's end ends it."""

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (XML,)
    length: int | None = None


@dataclass(frozen=True)
class Asked:
    """A request: its number, arguments, headers, and the honest answer to it."""

    number: int
    arguments: dict[str, str]
    headers: dict[str, str]
    honest: bytes

    @property
    def verb(self) -> str:
        return self.arguments.get("verb", "")

    @property
    def token(self) -> str:
        return self.arguments.get("resumptionToken", "")


Script = Callable[[Asked], "Sent | bytes | None"]


def honest(_: Asked) -> None:
    """The script of a provider that does nothing wrong."""


@dataclass
class Site:
    """A provider: a repository, a script, and what was asked of it."""

    memory: Memory
    script: Script = honest
    log: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def answer(self, pairs: list[tuple[str, str]], headers: dict[str, str]) -> Sent:
        body = respond(self.memory, pairs, tokens=TOKENS).body
        asked = Asked(len(self.log) + 1, dict(pairs), headers, body)
        self.log.append(asked)
        sent = self.script(asked)
        if isinstance(sent, Sent):
            return sent
        return Sent(body if sent is None else sent)

    def asked(self, verb: str) -> list[Asked]:
        return [each for each in self.log if each.verb == verb]


class _Handler(BaseHTTPRequestHandler):
    site: Site
    lock: threading.Lock
    answering: threading.Lock

    def do_GET(self) -> None:
        site = self.site
        with self.lock:
            site.at_once += 1
            site.most_at_once = max(site.most_at_once, site.at_once)
        with self.answering:
            pairs = parse_qsl(urlsplit(self.path).query, keep_blank_values=True)
            sent = site.answer(pairs, {name.lower(): value for name, value in self.headers.items()})
        with self.lock:
            site.at_once -= 1  # before it is sent: who has the answer may ask the next question
        with suppress(OSError):
            self._send(sent)
        self.close_connection = True

    def _send(self, sent: Sent) -> None:
        self.send_response(sent.status)
        for name, value in sent.headers:
            self.send_header(name, value)
        length = len(sent.body) if isinstance(sent.body, bytes) else None
        if sent.length is not None or length is not None:
            self.send_header("Content-Length", str(length if sent.length is None else sent.length))
        self.end_headers()
        for piece in [sent.body] if isinstance(sent.body, bytes) else sent.body:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve a site on loopback and yield its base URL."""
    locks = {"lock": threading.Lock(), "answering": threading.Lock()}
    handler = type("Handler", (_Handler,), {"site": site, **locks})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/oai"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Port:
    """The port of :mod:`oai.fetching` over http.client: what a host has to do, without a guard."""

    def __init__(self, url: str, authorization: str = "") -> None:
        self.url = url
        self.authorization = authorization

    @contextmanager
    def __call__(self, query: Query) -> Iterator[Reply]:
        url = f"{self.url}?{urlencode(query.pairs)}"
        try:
            connection, answer = self._follow(url, query)
        except (OSError, http.client.HTTPException) as error:
            raise Unreached(f"no answer: {error!r}") from error
        try:
            headers = {name.lower(): value for name, value in answer.getheaders()}
            yield Reply(answer.status, headers, _pieces(answer))
        finally:
            answer.close()
            connection.close()

    def _follow(
        self, url: str, query: Query
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        for _ in range(6):
            parts = urlsplit(url)
            connection = http.client.HTTPConnection(parts.netloc, timeout=query.connect)
            try:
                connection.connect()
                connection.sock.settimeout(query.read)
                headers = {"Accept-Encoding": ENCODINGS}
                if self.authorization and parts.netloc == urlsplit(self.url).netloc:
                    headers["Authorization"] = self.authorization
                connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
                answer = connection.getresponse()
            except BaseException:
                connection.close()
                raise
            location = answer.getheader("Location")
            if answer.status not in (301, 302, 303, 307, 308) or location is None:
                return connection, answer
            answer.close()
            connection.close()
            url = urljoin(url, location)
        raise Unreached("more than five redirects", again=False)


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    expected = answer.length
    received = 0
    try:
        while piece := answer.read1(65_536):
            received += len(piece)
            yield piece
    except (OSError, http.client.HTTPException) as error:
        raise Unreached(f"the answer broke off: {error!r}") from error
    if expected is not None and received < expected:
        raise Unreached(f"{received} of {expected} bytes came")


class Direct:
    """The port without a network, for many small harvests."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @contextmanager
    def __call__(self, query: Query) -> Iterator[Reply]:
        sent = self.site.answer(list(query.pairs), {})
        if sent.length is not None and isinstance(sent.body, bytes) and sent.length < 0:
            raise Unreached("no answer")
        pieces = iter((sent.body,)) if isinstance(sent.body, bytes) else sent.body
        yield Reply(sent.status, {name.lower(): value for name, value in sent.headers}, pieces)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = START + 10_000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def asking(port: Port | Direct, time: Time, **limits: int) -> Asking:
    """Ask with a clock of the tests and without chance."""
    patience = Patience(connect=2.0, read=2.0)
    return Asking(port, time.clock, time.sleep, lambda: 0.5, patience, Limits(**limits))


TASK = Task("marc21", granularity=Granularity.SECONDS, earliest=START)


@dataclass
class Harvested:
    """A host that keeps everything: records by identifier, points, notes, and what stopped it."""

    records: dict[str, Record] = field(default_factory=dict)
    delivered: list[Record] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    pages: list[tuple[Page, list[Record]]] = field(default_factory=list)

    @property
    def point(self) -> Point:
        return self.points[-1]

    @property
    def codes(self) -> list[str]:
        return [note.code for note in self.notes]

    def take(self, page: Page) -> None:
        """Store a page and its point, as one transaction would."""
        records = list(page.records)
        self.pages.append((page, records))
        self.delivered += records
        self.records.update({record.identifier: record for record in records})
        self.notes += page.notes
        self.points.append(page.point)


def run(
    ask: Asking,
    time: Time,
    point: Point | None = None,
    task: Task = TASK,
    into: Harvested | None = None,
) -> Harvested:
    """Harvest all there is; what was delivered before an error stays in ``into``."""
    host = Harvested() if into is None else into
    if point is None:
        point = begin((Window(),), time.clock())
    host.points.append(point)
    for page in harvest(ask, task, point):
        host.take(page)
    return host


def books(number: int, *, page_size: int = 3) -> Memory:
    """A repository with some books, one published each second."""
    memory = Memory(page_size=page_size)
    for n in range(1, number + 1):
        memory.publish(n)
    return memory


GZIP = (XML, ("Content-Encoding", "gzip"))
NINE = {identifier_of(n) for n in range(1, 10)}


def harvested(site: Site, time: Time, into: Harvested | None = None, **limits: int) -> Harvested:
    with serving(site) as url:
        return run(asking(Port(url), time, **limits), time, into=into)


def once(number: int, sent: Script) -> Script:
    """A script that does wrong at one request only."""
    return lambda asked: sent(asked) if asked.number == number else None
