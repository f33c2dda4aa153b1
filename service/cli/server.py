"""The web server: waitress, with its loop in our hands so that it can end without cutting answers.

waitress itself ends by dropping what is not yet sent; here the door is closed first, and the
answers on their way have some seconds to get out.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

from service.config import Settings
from service.errors import Misconfigured

# Connections at the same time; slow ones wait in the loop and cost no thread.
_CONNECTIONS = 1000
# Requests waiting for a thread above which harvesters are asked to come again. They wait their turn
# below it, which takes them seconds at most; a hundred harvesters at once do not reach it.
_WAITING = 400
_RETRY_AFTER = 10  # seconds; pyoai and sickle read a number and no date
# Seconds without a byte after which a connection is closed.
_IDLE = 60
# Seconds that the answers on their way have when the server ends.
_PATIENCE = 10.0


class Server:
    """A listening server for one application; ``run`` serves until ``stop``."""

    def __init__(self, application: Any, settings: Settings, host: str, port: int) -> None:
        self._map: dict[int, Any] = {}
        self._stop = threading.Event()
        try:
            create_server(
                self._relieved(application),
                map=self._map,
                host=host,
                port=port,
                threads=settings.threads,
                connection_limit=_CONNECTIONS,
                asyncore_use_poll=True,
                channel_timeout=_IDLE,
                max_request_body_size=settings.upload_bytes,
                ident="",
                # Behind proxies the application itself counts which of these it may believe.
                clear_untrusted_proxy_headers=not settings.trusted_proxies,
            )
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"cannot listen on {host} port {port}: {error}; "
                "choose another with --host and --port"
            ) from error
        self._doors = [each for each in self._map.values() if isinstance(each, BaseWSGIServer)]

    def _relieved(self, application: Any) -> Any:
        """Return the application, answering /oai with 503 while too many requests wait."""

        def answer(environ: dict[str, Any], start_response: Any) -> Any:
            waiting = len(self._doors[0].task_dispatcher.queue)
            if waiting <= _WAITING or environ["PATH_INFO"] != "/oai":
                return application(environ, start_response)
            text = b"Please come again later.\n"
            headers = [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(text))),
                ("Retry-After", str(_RETRY_AFTER)),
            ]
            start_response("503 Service Unavailable", headers)
            return [text]

        return answer

    @property
    def port(self) -> int:
        """The port it listens on; the one that the system chose, if 0 was asked for."""
        return int(self._doors[0].effective_port)

    def stop(self) -> None:
        """Ask the server to end; may be called from a signal handler or another thread."""
        self._stop.set()
        with suppress(OSError):  # the loop saw it by itself and is gone: nobody is to be woken
            self._doors[0].pull_trigger()

    def run(self) -> None:
        """Serve until ``stop``, then let the answers on their way get out."""
        while not self._stop.is_set():
            self._turn()
        for door in self._doors:
            wasyncore.dispatcher.close(door)  # not its own close: tasks still pull its trigger
        until = time.monotonic() + _PATIENCE
        while self._is_answering() and time.monotonic() < until:
            self._turn()
        self._doors[0].task_dispatcher.shutdown()
        wasyncore.close_all(self._map, ignore_all=True)

    def _turn(self) -> None:
        wasyncore.loop(timeout=1, map=self._map, use_poll=True, count=1)

    def _is_answering(self) -> bool:
        channels = [each for each in self._map.values() if isinstance(each, HTTPChannel)]
        return any(channel.requests or channel.total_outbufs_len for channel in channels)
