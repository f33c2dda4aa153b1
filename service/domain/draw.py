"""Drawing lots that can be drawn again: the same on every machine and in every Python.

A lot is made of a seed and of names that never change. Nobody who does not know the seed can tell
it beforehand, and everybody who does can check it afterwards.

Source: HMAC-SHA256, RFC 2104 and FIPS 180-4.
"""

from __future__ import annotations

import hmac
from functools import lru_cache


def lot(seed: str, *names: str) -> int:
    """Return the lot that falls on what these names name: 64 bits, the smallest comes first.

    >>> lot("2026", "01JZ0000000000000000000000", "nagasaki")
    17968508945611334107
    """
    drawn = _keyed(seed).copy()
    drawn.update("\0".join(names).encode())
    return int.from_bytes(drawn.digest()[:8], "big")


@lru_cache(maxsize=16)
def _keyed(seed: str) -> hmac.HMAC:
    """Return what every lot of a seed begins with: half of the work, and there are a million."""
    return hmac.new(seed.encode(), digestmod="sha256")
