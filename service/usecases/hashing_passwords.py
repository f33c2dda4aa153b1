"""Passwords are hashed slowly and with much memory, and few at once.

argon2id with 64 MiB and three passes takes a fifth of a second. A process hashes two at the same
time and lets a few wait a little; whoever comes in a flood is told to try again, so that a flood
eats neither the memory nor the threads of those who read.

Source: RFC 9106, section 4 (second recommended option: 64 MiB, three passes).
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from service.domain.password import normal
from service.errors import Busy

AT_ONCE: Final = 2
# Who waits holds a thread of the server; the others answer meanwhile.
WAITING: Final = 4
# Seconds that somebody waits for a turn.
PATIENCE: Final = 2.0
_SALT, _HASH = 16, 32


class Hasher:
    """Hashes passwords and holds them against hashes. Lighter parameters are for tests."""

    def __init__(
        self, *, kib: int = 64 * 1024, passes: int = 3, lanes: int = 4, patience: float = PATIENCE
    ) -> None:
        self._argon2 = PasswordHasher(
            time_cost=passes,
            memory_cost=kib,
            parallelism=lanes,
            hash_len=_HASH,
            salt_len=_SALT,
            type=Type.ID,
        )
        self._patience = patience
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + WAITING)
        # What nobody's password is held against: as slow as any, and never right.
        made = f"$argon2id$v=19$m={kib},t={passes},p={lanes}"
        self._nobodys = f"{made}${_b64(bytes(_SALT))}${_b64(bytes(_HASH))}"

    def hash(self, password: str) -> str:
        """Return the hash of a password, with its parameters and a salt of its own.

        Raises ``Busy`` where too many are being hashed.
        """
        with self._turn():
            return self._argon2.hash(normal(password))

    def fits(self, password: str, known: str) -> bool:
        """Return whether a password is the one that was hashed; it takes as long for ``""``.

        Raises ``Busy`` where too many are being hashed.
        """
        with self._turn():
            try:
                return self._argon2.verify(known or self._nobodys, normal(password)) and known != ""
            except (VerificationError, InvalidHashError):
                return False

    def is_outdated(self, known: str) -> bool:
        """Return whether a hash was made with other parameters than are used today."""
        return self._argon2.check_needs_rehash(known)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._turns.acquire(timeout=self._patience):
                raise _busy()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")


def _busy() -> Busy:
    return Busy("too many people are signing in at this moment; try again in a few seconds")


HASHER: Final = Hasher()
