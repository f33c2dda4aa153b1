"""Flow control of the OAI-PMH endpoint: nobody can ask so much that others have to wait.

Each harvester has a budget (``domain/harvest_budget.py``): a partner that signed in its own,
anybody else that of the address. Above it the answer is 503 with Retry-After in whole seconds,
which the protocol provides for (OAI-PMH section 3.1.2.2) and every harvester obeys; not 429, which
many take for the end. The budgets are kept in memory, so each process of several has its own.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from flask import Flask, Response, current_app, request

from service.config import Settings
from service.domain.harvest_budget import Bucket, Budget
from service.usecases.signing_in import Caller

# Harvesters whose budgets are remembered; whoever is forgotten begins with a full one.
_REMEMBERED = 4096
# An IPv6 network of this many bits is one household or one office, whatever addresses it takes.
_IPV6_NETWORK = 64
_NAME = "flow_control"


class Overdrawn(Exception):
    """A harvester asks more than its budget; it may come again after ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"come again in {seconds} seconds")
        self.seconds = seconds


@dataclass(slots=True)
class _Account:
    bucket: Bucket
    being_answered: int = 0


class FlowControl:
    """The budgets of all harvesters of one process. ``clock`` never goes back."""

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def admitted(self, harvester: str) -> Iterator[None]:
        """Answer one request of a harvester within the block; raise ``Overdrawn`` instead."""
        account = self._enter(harvester)
        try:
            yield
        finally:
            with self._lock:
                account.being_answered -= 1

    def _enter(self, harvester: str) -> _Account:
        with self._lock:
            now = self._clock()
            account = self._accounts.get(harvester)
            if account is None:
                account = self._accounts[harvester] = _Account(self._budget.full(now))
                self._forget()
            self._accounts.move_to_end(harvester)
            seconds = self._budget.wait_for_place(account.being_answered)
            if not seconds:
                account.bucket, seconds = self._budget.draw(account.bucket, now)
            if seconds:
                raise Overdrawn(seconds)
            account.being_answered += 1
            return account

    def _forget(self) -> None:
        """Forget those who have not asked for longest, but nobody who is being answered."""
        idle = (name for name, each in self._accounts.items() if not each.being_answered)
        if len(self._accounts) > _REMEMBERED:
            del self._accounts[next(idle)]


def register(app: Flask, settings: Settings) -> None:
    """Give the application its budgets."""
    budget = Budget(settings.harvest_requests_per_minute, settings.harvest_requests_at_once)
    app.extensions[_NAME] = FlowControl(budget)


def admitted(caller: Caller) -> AbstractContextManager[None]:
    """Return the block in which this request is answered; entering it may raise ``Overdrawn``."""
    control: FlowControl = current_app.extensions[_NAME]
    if caller.partner is not None:
        return control.admitted(f"partner:{caller.partner.code}")
    return control.admitted(network_of(request.remote_addr or ""))


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return what shares a budget with an address: itself, or the network of an IPv6 address.

    >>> network_of("192.0.2.7"), network_of("2001:db8::7"), network_of("unknown")
    ('192.0.2.7', '2001:db8::/64', 'unknown')
    """
    try:
        read = ip_address(address)
    except ValueError:
        return address
    if not isinstance(read, IPv6Address):
        return address
    spare = 128 - _IPV6_NETWORK
    return f"{IPv6Address(int(read) >> spare << spare)}/{_IPV6_NETWORK}"


def refuse(error: Overdrawn) -> Response:
    """Ask a harvester to wait, in words and in seconds."""
    response = Response(
        f"You ask faster than this repository answers one harvester. Wait {error.seconds} "
        "seconds, send the same request again, and send one request at a time.\n",
        status=503,
        mimetype="text/plain",
    )
    response.headers["Retry-After"] = str(error.seconds)
    return response
