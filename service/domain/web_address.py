"""A web address that a person or another system names and we are to call: its form.

Where the name leads is no matter of form; :mod:`service.usecases.fetching` looks at that each time
it calls.

Source: RFC 3986, section 3.2; the Fetch standard, section "Port blocking", for the ports.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

# Ports at which something else than the web listens, so that a request there could be read as
# that something's own language. First those of the Fetch standard, then databases and consoles.
_NO_WEB: Final = """
0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113
115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554
556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665
6666 6667 6668 6669 6679 6697 10080
445 1433 1521 2375 2376 2379 3306 3389 5432 5672 5900 6379 9042 9200 9300 11211 27017
"""

REFUSED_PORTS: Final = frozenset(map(int, _NO_WEB.split()))


def wrong(url: str) -> str:
    """Return what is wrong with an address to be called, as a sentence without its full stop.

    "" is nothing. What is said never holds credentials that the address has.

    >>> wrong("https://books.example.org/oai"), wrong("http://books.example.org:6379/")
    ('', 'Port 6379 is none of the web')
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The address is none: its host or its port cannot be read"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "The address of a provider begins with http:// or https://"
    if "@" in parts.netloc:
        return "Credentials in an address are not used; leave them out"
    if any(letter <= " " or letter in "\\\x7f" for letter in url):
        return "The address has a blank, a control character or a backslash in it"
    if port in REFUSED_PORTS:
        return f"Port {port} is none of the web"
    return ""


def is_https(url: str) -> bool:
    """Whether an address asks for TLS."""
    return urlsplit(url).scheme == "https"


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port: where credentials are told, and nowhere else (RFC 6454).

    >>> origin("https://Books.example.org/oai") == origin("https://books.example.org:443/x")
    True
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port
