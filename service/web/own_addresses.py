"""Where a form may send somebody on: to our own pages, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit


def own_address(asked: str, otherwise: str = "/") -> str:
    r"""Return ``asked`` if it is the path of a page of ours, with its query; else ``otherwise``.

    >>> own_address("/lists/spring?after=1"), own_address("//elsewhere.example")
    ('/lists/spring?after=1', '/')
    >>> own_address("https://elsewhere.example/"), own_address("javascript:1"), own_address("")
    ('/', '/', '/')
    """
    plain = asked.isprintable() and "\\" not in asked
    if not plain or not asked.startswith("/") or asked.startswith("//"):
        return otherwise
    try:
        found = urlsplit(asked)
    except ValueError:
        return otherwise
    return otherwise if found.scheme or found.netloc else asked
