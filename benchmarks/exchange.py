"""What an exchange is asked for in speed: wish lists, matching, allocation, dispatch.

    python -m benchmarks.exchange [--size 20000] [--only matching] [--server URL]

``--size`` is how many wishes there are; a wish list has a tenth of them as its lines, and so many
copies are allocated. With ``--size 1000000`` all is as it is asked for: a wish list of 100,000
lines answered within 60 s, 1,000,000 wishes matched against 1,000,000 offers within 15 minutes on
two cores, and 100,000 copies allocated among 1,000,000 wishes within 2 minutes, decided alike
again from the same seed. That takes hours, most of them to import and to take the wishes.
Of each part there is a benchmark of its own (``wishing``, ``matching``, ``allocating``,
``dispatching``). The last is of 1,000 titles whatever the size.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks import allocating, dispatching, matching, wishing


def _wishing(size: int, server: str) -> None:
    if server:
        print("wish lists are measured on SQLite alone")
        return
    lines = max(1_000, size // 10)
    wishing.report(offers=min(lines, 20_000), lines=lines, short=lines // 10)


def _matching(size: int, server: str) -> None:
    matching.report(size, size, server=server)


def _allocating(size: int, server: str) -> None:
    allocating.report(size // 10, size, server=server)


def _dispatching(size: int, server: str) -> None:  # noqa: ARG001 - always of one size
    dispatching.report(1_000, server=server)


PARTS: dict[str, Callable[[int, str], None]] = {
    "wishing": _wishing,
    "matching": _matching,
    "allocating": _allocating,
    "dispatching": _dispatching,
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--server", default="", help="URL of an empty database; needs --only")
    given = parser.parse_args()
    if given.server and not given.only:
        parser.error("a database is empty for one part alone: name it with --only")
    for name, part in PARTS.items():
        if given.only in (None, name):
            print(f"\n== {name}")
            part(given.size, given.server)


if __name__ == "__main__":
    main()
