"""The port to the network: which addresses may be called, and how a redirect is met.

A provider is named by a person, but where its name leads, and where it redirects to, is told by
others. So every address is resolved once, refused unless it is public or in a network that the
operator named, and connected to as it was checked – at the first request and at every redirect.
Credentials go to the origin they are for and nowhere else; proxies and ``.netrc`` of the
environment are not used.

Source: the contract of :class:`oai.fetching.Fetch`; RFC 9110, section 15.4; RFC 7617.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests_hardened.ip_filter import InvalidIPAddress, filter_host
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.exceptions import HTTPError

from oai.fetching import ENCODINGS, Query, Reply, Unreached
from service.domain import web_address
from service.errors import Invalid

MOST_REDIRECTS = 5
MOST_ANSWERED = 1_000_000
"""Octets of an answer to what was sent; what is behind them is not read."""

EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
"""The networks of one who may call every address, this machine's own as well."""

_PIECE = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_Networks = Sequence[IPv4Network | IPv6Network]

# The filter logs what it refuses; here that becomes a sentence for a person, told once.
logging.getLogger("requests_hardened").addHandler(logging.NullHandler())
logging.getLogger("requests_hardened").propagate = False


class NotPublic(Unreached):
    """The address is private, of this machine, or of this network; trying again changes nothing."""

    code = "not-public"

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is no public address", again=False)


class _Unsafe(requests.RequestException):
    """Credentials would be read by anyone on the way."""


class Sent(NamedTuple):
    """The answer to what was sent: header names in lower case.

    ``body`` is at most :data:`MOST_ANSWERED` octets, as they came; ``whole`` is False where there
    was more.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


class Port:
    """One provider, asked over a kept-alive connection; an :class:`oai.fetching.Fetch`.

    ``networks`` (CIDR) may be called besides public addresses. ``credentials``, a name and a
    secret, go to the origin of ``url`` only, and over plain http only into those networks. Raises
    ``Invalid`` where the URL is none of http or https with a host, has credentials in it, or
    names a port that is none of the web.
    """

    def __init__(
        self,
        url: str,
        *,
        networks: Sequence[str] = (),
        credentials: tuple[str, str] | None = None,
    ) -> None:
        _refuse(url)
        self._url = urlunsplit(urlsplit(url)._replace(fragment=""))
        self._session = _session(networks)
        self._session.headers["Accept-Encoding"] = ENCODINGS
        self._auth = None if credentials is None else _Basic(credentials)

    @contextmanager
    def __call__(self, query: Query) -> Iterator[Reply]:
        """Ask one question; see :class:`oai.fetching.Fetch`."""
        join = "&" if "?" in self._url else "?"
        answer = self._followed(f"{self._url}{join}{urlencode(query.pairs)}", query)
        try:
            yield Reply(answer.status_code, _headers(answer), _pieces(answer))
        finally:
            answer.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def _followed(self, url: str, query: Query) -> requests.Response:
        """Return the answer at the end of the redirects, or the one that is not followed."""
        auth = self._auth
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._asked(url, query, auth)
            location = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or not location:
                return answer
            there = _joined(url, location)
            down = web_address.is_https(url) and not web_address.is_https(there)
            if web_address.wrong(there) or down:
                return answer
            answer.close()
            if web_address.origin(there) != web_address.origin(url):
                auth = None  # for good: the other origin chose where this leads
            url = there
        raise Unreached(f"more than {MOST_REDIRECTS} redirects in a row", again=False)

    def _asked(self, url: str, query: Query, auth: _Basic | None) -> requests.Response:
        with _told(url):
            return self._session.get(
                url,
                auth=auth,
                timeout=(query.connect, query.read),
                stream=True,
                allow_redirects=False,
            )


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    networks: Sequence[str] = (),
    credentials: tuple[str, str] | None = None,
    timeout: float = 30.0,
) -> Sent:
    """POST ``body`` (or use another ``method``) and return the answer; no redirect is followed.

    ``networks`` and ``credentials`` are those of :class:`Port`; ``timeout`` is in seconds, for
    the connection, for the beginning of the answer, and for all of it. Raises ``Invalid`` for an
    address of the wrong form, :class:`oai.fetching.Unreached` where no answer came or the address
    is not allowed (``again`` tells whether another try may help).
    """
    _refuse(url)
    until = time.monotonic() + timeout
    with _session(networks) as session, _told(url):
        session.headers["Accept-Encoding"] = "identity"
        auth = None if credentials is None else _Basic(credentials)
        answer = session.request(
            method,
            url,
            data=body or None,
            headers=dict(headers),
            auth=auth,
            timeout=timeout,
            stream=True,
            allow_redirects=False,
        )
        with answer:
            got = bytearray()
            for piece in _pieces(answer):
                got += piece
                if len(got) > MOST_ANSWERED:
                    break
                if time.monotonic() > until:
                    raise Unreached("the answer came too slowly")
            whole = len(got) <= MOST_ANSWERED
            kept = bytes(got[:MOST_ANSWERED])
            return Sent(answer.status_code, _headers(answer), kept, whole)


def check_address(url: str, networks: Sequence[str] = (), *, field: str = "url") -> str:
    """Return an address as it is to be saved: its host in ASCII, as it will be called.

    Raises ``Invalid``, which names ``field``, for one of the wrong form, and for one that leads to
    an address which is neither public nor in ``networks``. A name that is not known now is not
    refused: that may pass.
    """
    _refuse(url, field)
    try:
        written = requests.Request("GET", url).prepare().url or ""
        host = urlsplit(written).hostname or ""
        filter_host(host, 0, allow_loopback=False)
    except InvalidIPAddress as error:
        if not _is_in(error.args[0], _read(networks)):
            raise Invalid(f"{NotPublic(f'{host} ({error})').message}.", field) from error
    except requests.ConnectionError:
        pass
    except (requests.RequestException, UnicodeError) as error:
        raise Invalid("The address is none: its host cannot be read.", field) from error
    return urlunsplit(urlsplit(written)._replace(fragment=""))


class _Session(requests.Session):
    """Requests that leave redirects alone: requests would read their bodies whole, unpacked."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


def _session(networks: Sequence[str]) -> _Session:
    allowed = _read(networks)
    session = _Session()
    session.trust_env = False
    session.headers["User-Agent"] = f"bookbridge/{version('bookbridge')}"
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _Guard(allowed, is_https=scheme == "https"))
    return session


class _Guard(IPFilterAdapter):  # type: ignore[misc] # the library has no types
    """Connects to the one address that a name was resolved to and that was looked at.

    The library knows which addresses are public and pins the connection; here the networks are
    added that the operator allows.
    """

    def __init__(self, networks: _Networks, *, is_https: bool) -> None:
        super().__init__(is_https)
        self._networks = networks

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host: dict[str, Any]
        pool: dict[str, Any]
        try:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        except InvalidIPAddress as error:
            address = error.args[0]
            if not _is_in(address, self._networks):
                raise
            host, pool = HTTPAdapter.build_connection_pool_key_attributes(  # type: ignore[assignment]
                self, request, verify, cert
            )
            if self._is_https_proto:
                pool |= {"assert_hostname": host["host"], "server_hostname": host["host"]}
            host["host"] = f"[{address}]" if address.version == 6 else str(address)
        address = ip_address(host["host"].strip("[]"))
        if not self._is_https_proto and "Authorization" in request.headers:
            self._refuse_in_clear(address)
        return host, pool

    def _refuse_in_clear(self, address: IPv4Address | IPv6Address) -> None:
        if not _is_in(address, self._networks):
            raise _Unsafe


class _Basic(HTTPBasicAuth):
    """Credentials in UTF-8, where requests would write Latin-1 and fail on the rest."""

    def __init__(self, credentials: tuple[str, str]) -> None:
        name, secret = credentials
        super().__init__(name.encode(), secret.encode())

    def __repr__(self) -> str:
        return "_Basic(…)"


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn whatever the network does into ``Unreached``."""
    host = urlsplit(url).hostname
    try:
        yield
    except Unreached:
        raise
    except InvalidIPAddress as error:
        raise NotPublic(f"{host} ({error})") from error
    except _Unsafe as error:
        raise Unreached(
            f"{host} is asked over plain http, where the credentials could be read on the way; "
            "use https",
            again=False,
        ) from error
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        address = isinstance(error, ValueError)  # which URL errors of requests are, too
        raise Unreached(f"no answer: {_reason(error)}", again=not address) from error


def _headers(answer: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """Yield the body as it was sent; urllib3 holds it against its Content-Length."""
    try:
        while piece := answer.raw.read1(_PIECE, decode_content=False):
            yield piece
    except (HTTPError, OSError, ValueError) as error:
        raise Unreached(f"the answer broke off: {_reason(error)}") from error


def _refuse(url: str, field: str = "url") -> None:
    if wrong := web_address.wrong(url):
        raise Invalid(f"{wrong}.", field)


def _read(networks: Sequence[str]) -> _Networks:
    return [ip_network(each, strict=False) for each in networks]


def _is_in(address: IPv4Address | IPv6Address, networks: _Networks) -> bool:
    return any(address in network for network in networks)


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
