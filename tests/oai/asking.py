"""How the tests ask a repository, and read its answer with strict eyes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

from lxml import etree

from oai.provider import Repository, Tokens, respond

NS = {
    "o": "http://www.openarchives.org/OAI/2.0/",
    "m": "http://www.loc.gov/MARC21/slim",
    "dc": "http://purl.org/dc/elements/1.1/",
}
SCHEMAS = Path(__file__).parents[3] / "shared" / "schemas" / "all.xsd"
TOKENS = Tokens("a key of the tests")


class Told(NamedTuple):
    """An answer, parsed and valid."""

    body: bytes
    root: etree._Element

    def texts(self, path: str) -> list[str]:
        return [str(found) for found in self.root.xpath(path, namespaces=NS)]

    @property
    def codes(self) -> list[str]:
        return self.texts("o:error/@code")

    @property
    def echo(self) -> dict[str, str]:
        return {str(k): str(v) for k, v in self.root.find("o:request", NS).attrib.items()}

    @property
    def identifiers(self) -> list[str]:
        return self.texts(".//o:header/o:identifier/text()")

    @property
    def token(self) -> str | None:
        """The token; ``""`` for the empty element, None without one."""
        found = self.root.find("*/o:resumptionToken", NS)
        return None if found is None else found.text or ""

    @property
    def flow(self) -> tuple[str | None, str | None]:
        """cursor and completeListSize."""
        found = self.root.find("*/o:resumptionToken", NS)
        return found.get("cursor"), found.get("completeListSize")


@cache
def schema() -> etree.XMLSchema | None:
    return etree.XMLSchema(etree.parse(SCHEMAS)) if SCHEMAS.exists() else None


def read(body: bytes) -> Told:
    """Parse strictly and hold the answer against the schemas, where they are at hand."""
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, huge_tree=True))
    if (rules := schema()) is not None:
        rules.assertValid(root)
    return Told(body, root)


def ask(
    repository: Repository,
    query: str | Sequence[tuple[str, str]],
    *,
    tokens: Tokens = TOKENS,
    audience: str = "public",
) -> Told:
    """Ask with a query string as a rim would decode it, or with raw pairs."""
    pairs = parse_qsl(query, keep_blank_values=True) if isinstance(query, str) else query
    answer = respond(repository, pairs, tokens=tokens, audience=audience)
    told = read(answer.body)
    assert list(answer.errors) == told.codes
    return told


def harvest(repository: Repository, query: str, *, tokens: Tokens = TOKENS) -> list[Told]:
    """Follow the tokens of a list to its end."""
    verb = query.partition("&")[0]
    pages = [ask(repository, query, tokens=tokens)]
    while pages[-1].token:
        pages.append(ask(repository, f"{verb}&resumptionToken={pages[-1].token}", tokens=tokens))
    return pages
