"""Another Bookbridge on loopback that we exchange with, and a line to it that can be bad."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from werkzeug.serving import WSGIRequestHandler, make_server

from service.app import create_app
from service.usecases.site import Site

Answer = tuple[str, list[tuple[str, str]], bytes]


class Asked(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    key: str
    prefer: str
    body: bytes


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


@dataclass
class Line:
    """What lies between us and the partner: ``log`` has all but the questions of harvests.

    ``instead`` may answer in the partner's place, before the request reaches it; ``meanwhile`` is
    called when the partner has done its work; ``lost`` is how many of the next answers are lost.
    """

    application: Callable[..., Iterable[bytes]] | None = None
    log: list[Asked] = field(default_factory=list)
    lost: int = 0
    instead: Callable[[Asked], Answer | None] = lambda _: None
    meanwhile: Callable[[Asked], None] = lambda _: None
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert self.application is not None
        if environ["PATH_INFO"] == "/oai":
            return self.application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        asked = Asked(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ.get("HTTP_IDEMPOTENCY_KEY", ""),
            environ.get("HTTP_PREFER", ""),
            body,
        )
        with self._lock:
            self.log.append(asked)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._answered(asked, environ, start_response)
        finally:
            with self._lock:
                self.at_once -= 1

    def _answered(
        self, asked: Asked, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        instead = self.instead(asked)
        if instead is not None:
            status, headers, content = instead
            start_response(status, [*headers, ("Content-Length", str(len(content)))])
            return [content]
        told: list[Any] = []
        assert self.application is not None
        content = b"".join(self.application(environ, lambda *given: told.append(given)))
        self.meanwhile(asked)
        if self.lost:
            self.lost -= 1
            start_response("502 Bad Gateway", [("Content-Length", "0")])
            return [b""]
        start_response(*told[0])
        return [content]

    def methods(self) -> list[str]:
        return [asked.method for asked in self.log]


@contextmanager
def serving(make: Callable[[str], Site]) -> Iterator[tuple[str, Site, Line]]:
    """Serve the site that ``make`` returns for a public address; yield address, site and line."""
    line = Line()
    server = make_server("127.0.0.1", 0, line, threaded=True, request_handler=_Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    site = make(url)
    line.application = create_app(site.settings, site.db, site.clock)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url, site, line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
