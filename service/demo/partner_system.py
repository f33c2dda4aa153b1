"""A partner's software as anybody could write it: HTTP and XML, with no Bookbridge inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

import requests
from lxml import etree

from service.errors import BookbridgeError

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_SECONDS = 30


class WentWrong(BookbridgeError):
    """A step of the tour did not go as it should; ``detail`` says which and how."""

    code = "tour_failed"


class Identity(NamedTuple):
    """What Identify tells."""

    name: str
    base_url: str
    granularity: str
    earliest: str


class Book(NamedTuple):
    """A harvested record: its identifier, sets and Dublin Core."""

    identifier: str
    sets: tuple[str, ...]
    titles: tuple[str, ...]
    identifiers: tuple[str, ...]


@dataclass(slots=True)
class Harvest:
    """What a harvest brought; ``pages`` are the records on each page."""

    pages: list[int] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)

    def languages(self) -> Counter[str]:
        """Return the number of books in each language set."""
        return Counter(
            spec for book in self.books for spec in book.sets if spec.startswith("lang:")
        )


class PartnerSystem:
    """A client of the site at ``base_url``; ``token`` is the partner's own."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base_url = base_url
        self._token = token
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy of the environment does not know this machine

    def close(self) -> None:
        """Give back the connection."""
        self._http.close()

    def get(self, path: str) -> requests.Response:
        """Get a page; raise ``WentWrong`` unless the answer is 200."""
        url = self._base_url + path
        try:
            answer = self._http.get(url, timeout=_SECONDS)
        except requests.RequestException as error:
            raise WentWrong(f"GET {url}: {error}") from error
        if answer.status_code != 200:
            raise WentWrong(f"GET {url} was answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def identify(self) -> Identity:
        """Ask who is there."""
        found = self._oai(verb="Identify")

        def text(name: str) -> str:
            return found.findtext(f".//{_OAI}{name}") or ""

        return Identity(
            text("repositoryName"),
            text("baseURL"),
            text("granularity"),
            text("earliestDatestamp"),
        )

    def sets(self) -> dict[str, str]:
        """Ask for the sets and their names."""
        return {
            each.findtext(f"{_OAI}setSpec") or "": each.findtext(f"{_OAI}setName") or ""
            for page in self._pages(verb="ListSets")
            for each in page.iter(f"{_OAI}set")
        }

    def harvest(self) -> Harvest:
        """Harvest every record as Dublin Core, page by page."""
        done = Harvest()
        for page in self._pages(verb="ListRecords", metadataPrefix="oai_dc"):
            found = [_book(record) for record in page.iter(f"{_OAI}record")]
            done.pages.append(len(found))
            done.books += found
        return done

    def wish(self, lines: list[str]) -> dict[str, Any]:
        """Send a wish list as text/uri-list; return the answer."""
        url = f"{self._base_url}/api/v1/wishlists"
        try:
            answer = self._http.post(
                url,
                data="".join(f"{line}\r\n" for line in lines).encode(),
                headers={
                    "Content-Type": "text/uri-list",
                    "Authorization": f"Bearer {self._token}",
                },
                timeout=_SECONDS,
            )
            if answer.status_code not in {200, 201}:
                raise WentWrong(
                    f"POST {url} was answered {answer.status_code}: {answer.text[:300]}"
                )
            document: dict[str, Any] = answer.json()
        except requests.RequestException as error:
            raise WentWrong(f"POST {url}: {error}") from error
        return document

    def _pages(self, **arguments: str) -> Iterator[etree._Element]:
        while True:
            page = self._oai(**arguments)
            yield page
            token = page.findtext(f".//{_OAI}resumptionToken")
            if not token:
                return
            arguments = {"verb": arguments["verb"], "resumptionToken": token}

    def _oai(self, **arguments: str) -> etree._Element:
        answer = self.get(f"/oai?{urlencode(arguments)}")
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            found = etree.fromstring(answer.content, parser)
        except etree.XMLSyntaxError as error:
            raise WentWrong(f"{answer.url} is not well-formed: {error}") from error
        refusal = found.find(f"{_OAI}error")
        if refusal is not None:
            raise WentWrong(f"{answer.url}: {refusal.get('code')} – {refusal.text}")
        return found


def _book(record: etree._Element) -> Book:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(each.text or "" for each in record.iter(name))

    return Book(
        record.findtext(f".//{_OAI}identifier") or "",
        texts(f"{_OAI}setSpec"),
        texts(f"{_DC}title"),
        texts(f"{_DC}identifier"),
    )
