"""Drawing lots that can be drawn again: the same on every machine and in every Python.

A lot is made of a seed and of names that never change. Nobody who does not know the seed can tell
it beforehand, and everybody who does can check it afterwards.

Source: HMAC-SHA256, RFC 2104 and FIPS 180-4.
"""

from __future__ import annotations

import hmac


def lot(seed: str, *names: str) -> int:
    """Return the lot that falls on what these names name: 64 bits, the smallest comes first.

    >>> lot("2026", "01JZ0000000000000000000000", "nagasaki")
    17968508945611334107
    """
    drawn = hmac.digest(seed.encode(), "\0".join(names).encode(), "sha256")
    return int.from_bytes(drawn[:8], "big")
