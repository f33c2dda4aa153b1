"""The port to the network for harvests: which addresses may be called, and how a redirect is met.

A provider is named by a person, but where its name leads, and where it redirects to, is told by
others. So every address is resolved once, refused unless it is public, and connected to as it was
checked – at the first request and at every redirect. Credentials are never sent, and proxies and
``.netrc`` of the environment are not used.

Source: the contract of :class:`oai.fetching.Fetch`; RFC 9110, section 15.4.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.exceptions import HTTPError

from oai.fetching import ENCODINGS, Query, Reply, Unreached
from service.errors import Invalid

MOST_REDIRECTS = 5

_PIECE = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

# The filter logs what it refuses; here that becomes a sentence for a person, told once.
logging.getLogger("requests_hardened").addHandler(logging.NullHandler())
logging.getLogger("requests_hardened").propagate = False


class NotPublic(Unreached):
    """The address is private, of this machine, or of this network; trying again changes nothing."""

    code = "not-public"

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is no public address", again=False)


class Port:
    """One provider, asked over a kept-alive connection; an :class:`oai.fetching.Fetch`.

    ``allow_private`` lets all addresses be called, at redirects too. Raises ``Invalid`` where the
    URL is none of http or https with a host, or has credentials in it.
    """

    def __init__(self, url: str, *, allow_private: bool = False) -> None:
        if wrong := _wrong(url):
            raise Invalid(f"{wrong}.", "url")
        self._url = urlunsplit(urlsplit(url)._replace(fragment=""))
        self._session = _Session()
        self._session.trust_env = False
        self._session.headers.update(
            {"Accept-Encoding": ENCODINGS, "User-Agent": f"bookbridge/{version('bookbridge')}"}
        )
        for scheme in ("http", "https"):
            guard = HTTPAdapter() if allow_private else IPFilterAdapter(scheme == "https")
            self._session.mount(f"{scheme}://", guard)

    @contextmanager
    def __call__(self, query: Query) -> Iterator[Reply]:
        """Ask one question; see :class:`oai.fetching.Fetch`."""
        join = "&" if "?" in self._url else "?"
        answer = self._followed(f"{self._url}{join}{urlencode(query.pairs)}", query)
        try:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            yield Reply(answer.status_code, headers, _pieces(answer))
        finally:
            answer.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _followed(self, url: str, query: Query) -> requests.Response:
        """Return the answer at the end of the redirects, or the one that is not followed."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._asked(url, query)
            location = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or not location:
                return answer
            there = _joined(url, location)
            if _wrong(there) or (_is_https(url) and not _is_https(there)):
                return answer
            answer.close()
            url = there
        raise Unreached(f"more than {MOST_REDIRECTS} redirects in a row", again=False)

    def _asked(self, url: str, query: Query) -> requests.Response:
        try:
            return self._session.get(
                url, timeout=(query.connect, query.read), stream=True, allow_redirects=False
            )
        except InvalidIPAddress as error:
            raise NotPublic(f"{urlsplit(url).hostname} ({error})") from error
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            address = isinstance(error, ValueError)  # which URL errors of requests are, too
            raise Unreached(f"no answer: {_reason(error)}", again=not address) from error


class _Session(requests.Session):
    """Requests that leave redirects alone: requests would read their bodies whole, unpacked."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """Yield the body as it was sent; urllib3 holds it against its Content-Length."""
    try:
        while piece := answer.raw.read1(_PIECE, decode_content=False):
            yield piece
    except (HTTPError, OSError, ValueError) as error:
        raise Unreached(f"the answer broke off: {_reason(error)}") from error


def _wrong(url: str) -> str:
    """Return what is wrong with a URL to be asked, "" for nothing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"The address is none: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "The address of a provider begins with http:// or https://"
    if "@" in parts.netloc:
        return "Credentials in an address are not used; leave them out"
    return ""


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _reason(error: BaseException) -> str:
    """Return the innermost reason that says something, for people."""
    said = type(error).__name__
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError | requests.Timeout):
            return "time ran out"
        if isinstance(seen, OSError) and seen.strerror:
            said = seen.strerror
        seen = seen.__cause__ or seen.__context__
    return said
