"""Drawing lots that can be drawn again: the same on every machine and in every Python.

A lot is made of a seed and of names that never change. Nobody who does not know the seed can tell
it beforehand, and everybody who does can check it afterwards.

Source: HMAC-SHA256, RFC 2104 and FIPS 180-4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

_BLOCK: Final = 64  # octets that SHA-256 takes in at once


def lot(seed: str, *names: str) -> int:
    """Return the lot that falls on what these names name: 64 bits, the smallest comes first.

    >>> lot("2026", "01JZ0000000000000000000000", "nagasaki")
    17968508945611334107
    """
    begin_inner, begin_outer = _keyed(seed)
    inner, outer = begin_inner(), begin_outer()
    inner.update("\0".join(names).encode())
    outer.update(inner.digest())
    return int.from_bytes(outer.digest()[:8], "big")


@lru_cache(maxsize=16)
def _keyed(seed: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what begins the two digests of an HMAC with this key.

    That is half of the work, and there are a million lots; the ``hmac`` module would make objects
    of its own around each of them, which takes twice as long.
    """
    key = seed.encode()
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key))
    outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in key))
    return inner.copy, outer.copy
