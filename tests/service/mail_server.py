"""A mail server on this machine that keeps what comes, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

DROP = "drop"


@dataclass
class MailServer:
    """Answers as planned for the next mails, then takes all.

    ``plan`` has an answer for each mail in turn: a reply, ``DROP``, seconds to be silent, or a
    function that is called first. ``refused`` has replies to recipients.
    """

    port: int
    plan: list[str | float | Callable[[], None]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - a name that the server asks for
        self,
        _server: Any,
        _session: Any,
        envelope: Any,
        address: str,
        _options: Any,
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        planned = self.plan.pop(0) if self.plan else "250 OK"
        if planned == DROP:
            server.transport.abort()
            return "451 never read"
        if isinstance(planned, str) and not planned.startswith("250"):
            return planned
        read = message_from_bytes(envelope.content, _class=EmailMessage, policy=default)
        self.taken.append(read)  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        if isinstance(planned, float):
            await asyncio.sleep(planned)
        elif callable(planned):
            planned()
        return "250 OK"

    def texts(self) -> list[str]:
        """Return what was taken, as people read it."""
        return [each.get_content() for each in self.taken]

    def ids(self) -> list[str]:
        """Return the ids of what was taken, repeats included."""
        return [each["Message-ID"] for each in self.taken]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(port: int = 0, **options: Any) -> Iterator[MailServer]:
    """Run a mail server; ``options`` are aiosmtpd's."""
    server = MailServer(port or free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
