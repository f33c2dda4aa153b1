"""A partner's software as anybody could write it: HTTP and XML, with no Bookbridge inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

import requests
from lxml import etree
from requests.auth import HTTPBasicAuth

from marc_mappings.summary import is_romanised
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
    """A harvested record: its identifier, whether it was deleted, sets, Dublin Core."""

    identifier: str
    deleted: bool
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
    """A client of the site at ``base_url``; ``code`` and ``token`` are the partner's own."""

    def __init__(self, base_url: str, code: str, token: str) -> None:
        self._base_url = base_url
        self.code = code
        self._key = HTTPBasicAuth(code, token)
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy of the environment does not know this machine

    def close(self) -> None:
        """Give back the connection."""
        self._http.close()

    def get(self, path: str, *, known: bool = False) -> requests.Response:
        """Get a page, with credentials if ``known``; raise ``WentWrong`` if it is refused."""
        return self._ask("GET", path, auth=self._key if known else None)

    def _ask(self, method: str, path: str, **request: Any) -> requests.Response:
        url = self._base_url + path
        try:
            answer = self._http.request(method, url, timeout=_SECONDS, **request)
        except requests.RequestException as error:
            raise WentWrong(f"{method} {url}: {error}") from error
        if answer.status_code not in {200, 201}:
            raise WentWrong(
                f"{method} {url} was answered {answer.status_code}: {answer.text[:300]}"
            )
        return answer

    def identify(self) -> Identity:
        """Ask who is there."""
        page = self._oai({"verb": "Identify"}, known=False)

        def text(name: str) -> str:
            return "" if page is None else page.findtext(f".//{_OAI}{name}") or ""

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
            for page in self._pages({"verb": "ListSets"}, known=True)
            for each in page.iter(f"{_OAI}set")
        }

    def harvest(self, spec: str = "", *, known: bool = True) -> Harvest:
        """Harvest every record as Dublin Core, page by page; of one set, if it is named.

        Without credentials unless ``known``.
        """
        done = Harvest()
        wanted = {"verb": "ListRecords", "metadataPrefix": "oai_dc"} | (
            {"set": spec} if spec else {}
        )
        for page in self._pages(wanted, known=known):
            found = [_book(record) for record in page.iter(f"{_OAI}record")]
            done.pages.append(len(found))
            done.books += found
        return done

    def wish(self, body: str, media_type: str) -> dict[str, Any]:
        """Send a wish list; return the answer."""
        document: dict[str, Any] = self._ask(
            "POST",
            "/api/v1/wishlists",
            data=body.encode(),
            headers={"Content-Type": media_type},
            auth=self._key,
        ).json()
        return document

    def allocations(self) -> list[dict[str, Any]]:
        """Ask what was decided on our wishes; newest first."""
        found: list[dict[str, Any]] = self.get("/api/v1/allocations", known=True).json()["items"]
        return found

    def decline(self, allocation: str, reason: str) -> None:
        """Leave what was allocated to us."""
        path = f"/api/v1/allocations/{allocation}/decline"
        self._ask("POST", path, json={"reason": reason}, auth=self._key)

    def consignment(self, number: str) -> str:
        """Return the id of a consignment that was sent to us."""
        found = self.get(f"/api/v1/consignments/{number}", known=True).json()
        return str(found["id"])

    def confirm(self, link: str, figures: Mapping[str, str]) -> str:
        """Open the link on a packing slip, as anybody can who holds it, and fill in its form.

        ``figures`` are its fields as a browser sends them. Returns the page that comes then.
        """
        path = link.removeprefix(self._base_url)
        self.get(path)
        return self._ask("POST", path, data=figures).text

    def claims(self) -> list[dict[str, Any]]:
        """Ask what became of what we claimed."""
        found: list[dict[str, Any]] = self.get("/api/v1/claims", known=True).json()["items"]
        return found

    def balance(self) -> list[str]:
        """Ask how we stand, in sentences."""
        told: list[str] = self.get("/api/v1/balance", known=True).json()["told"]
        return told

    def _pages(self, arguments: dict[str, str], *, known: bool) -> Iterator[etree._Element]:
        while True:
            page = self._oai(arguments, known=known)
            if page is None:
                return
            yield page
            token = page.findtext(f".//{_OAI}resumptionToken")
            if not token:
                return
            arguments = {"verb": arguments["verb"], "resumptionToken": token}

    def _oai(self, arguments: dict[str, str], *, known: bool) -> etree._Element | None:
        """Return the answer; None where no record matches."""
        answer = self.get(f"/oai?{urlencode(arguments)}", known=known)
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            found = etree.fromstring(answer.content, parser)
        except etree.XMLSyntaxError as error:
            raise WentWrong(f"{answer.url} is not well-formed: {error}") from error
        refusal = found.find(f"{_OAI}error")
        if refusal is not None and refusal.get("code") == "noRecordsMatch":
            return None
        if refusal is not None:
            raise WentWrong(f"{answer.url}: {refusal.get('code')} – {refusal.text}")
        return found


def _book(record: etree._Element) -> Book:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(each.text or "" for each in record.iter(name))

    return Book(
        record.findtext(f".//{_OAI}identifier") or "",
        record.find(f"{_OAI}header[@status='deleted']") is not None,
        texts(f"{_OAI}setSpec"),
        texts(f"{_DC}title"),
        texts(f"{_DC}identifier"),
    )


def own_script(book: Book) -> str:
    """Return the title in its own script, where the record has it."""
    return next((title for title in book.titles if not is_romanised(title)), book.titles[0])
