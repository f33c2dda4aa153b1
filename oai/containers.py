"""Containers: what the guidelines define for ``description``, ``setDescription`` and ``about``.

All are built by lxml, which escapes, from text in which characters that XML forbids are replaced
first. The results are serialised elements without a prolog, each with its own namespaces, ready
to stand in an answer. What the schemas forbid – a URL that is none, a date of another form – is
refused with ``ValueError``, because one such value would make a whole page invalid.

Source: Implementation Guidelines for OAI-PMH (oai-identifier, friends, branding, provenance,
rights).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from oai import datestamp, uris
from oai.characters import legal

_OAI = "http://www.openarchives.org/OAI/2.0/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DC = "http://purl.org/dc/elements/1.1/"
_IDENTIFIER = (f"{_OAI}oai-identifier", f"{_OAI}oai-identifier.xsd")
_BRANDING = (f"{_OAI}branding/", f"{_OAI}branding.xsd")
_FRIENDS = (f"{_OAI}friends/", f"{_OAI}friends.xsd")
_PROVENANCE = (f"{_OAI}provenance", f"{_OAI}provenance.xsd")
_RIGHTS = (f"{_OAI}rights/", f"{_OAI}rights.xsd")
_MANIFEST = (f"{_OAI}rights/", f"{_OAI}rightsManifest.xsd")
_OAI_DC = (f"{_OAI}oai_dc/", f"{_OAI}oai_dc.xsd")


def oai_identifier(repository: str, sample: str) -> bytes:
    """Return the ``description`` that explains identifiers ``oai:{repository}:{local}``.

    Source: guidelines-oai-identifier, section 3.
    """
    root = _root("oai-identifier", _IDENTIFIER)
    _add(root, "scheme", "oai")
    _add(root, "repositoryIdentifier", repository)
    _add(root, "delimiter", ":")
    _add(root, "sampleIdentifier", sample)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def friends(base_urls: Iterable[str]) -> bytes:
    """Return the ``description`` that names other repositories (guidelines-friends)."""
    root = _root("friends", _FRIENDS)
    for url in base_urls:
        _add(root, "baseURL", _uri(url))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def branding(icon: str, *, link: str = "", title: str = "") -> bytes:
    """Return the ``description`` with the collection's icon: its URL, where it leads, its title.

    Source: guidelines-branding, section 2.
    """
    root = _root("branding", _BRANDING)
    shown = _add(root, "collectionIcon")
    _add(shown, "url", _uri(icon))
    if link:
        _add(shown, "link", _uri(link))
    if title:
        _add(shown, "title", title)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def rights_manifest(references: Iterable[str]) -> bytes:
    """Return the ``description`` of the rights in the metadata, as URLs of licences.

    At least one reference is needed. Source: guidelines-rights, section 4.
    """
    root = _root("rightsManifest", _MANIFEST)
    root.set("appliesTo", f"{_OAI}entity#metadata")
    for reference in references:
        _refer(_add(root, "rights"), reference)
    if not len(root):
        raise ValueError("a manifest of rights names at least one (guidelines-rights, 4)")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def rights(reference: str) -> bytes:
    """Return the content of ``about`` that names the licence of one record's metadata.

    Source: guidelines-rights, section 3.
    """
    root = _root("rights", _RIGHTS)
    _refer(root, reference)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record was harvested from; ``origin`` is where that repository had it from.

    ``base_url``, ``identifier`` and ``namespace`` are URIs; ``datestamp`` is the other
    repository's, as it stood there; ``harvested`` is when it was harvested, a UTC datestamp;
    ``altered`` tells whether the metadata was changed since.

    Raises ``ValueError`` for values that the schema of provenance forbids.
    """

    base_url: str
    identifier: str
    datestamp: str
    namespace: str
    harvested: str
    altered: bool
    origin: Origin | None = None

    def __post_init__(self) -> None:
        for uri in (self.base_url, self.identifier, self.namespace):
            _uri(uri)
        for date in (self.datestamp, self.harvested):
            if not datestamp.is_legal(date):
                raise ValueError(f"not a UTC datestamp: {date!r}")


def provenance(origin: Origin) -> bytes:
    """Return the content of ``about`` of a record passed on, the nearest origin outermost.

    Source: guidelines-provenance, section 2.
    """
    root = parent = _root("provenance", _PROVENANCE)
    step: Origin | None = origin
    while step is not None:
        parent = _add(parent, "originDescription")
        parent.set("harvestDate", step.harvested)
        parent.set("altered", "true" if step.altered else "false")
        _add(parent, "baseURL", step.base_url)
        _add(parent, "identifier", step.identifier)
        _add(parent, "datestamp", step.datestamp)
        _add(parent, "metadataNamespace", step.namespace)
        step = step.origin
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def about(*contents: bytes) -> bytes:
    """Return one ``about`` element for each content, joined, as :class:`Row` carries them."""
    return b"".join(b"<about>" + content + b"</about>" for content in contents)


def set_description(title: str, *descriptions: str) -> bytes:
    """Return a ``setDescription``: Dublin Core with a title and any number of descriptions.

    Source: OAI-PMH section 4.6 and guidelines-repository, section 2.
    """
    root = _root("dc", _OAI_DC, prefix="oai_dc", dc=_DC)
    _add(root, f"{{{_DC}}}title", title)
    for description in descriptions:
        _add(root, f"{{{_DC}}}description", description)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _root(name: str, schema: tuple[str, str], prefix: str = "", **more: str) -> etree._Element:
    namespace, location = schema
    names = {prefix or name: namespace, **more, "xsi": _XSI}
    root = etree.Element(f"{{{namespace}}}{name}", nsmap=names)
    root.set(f"{{{_XSI}}}schemaLocation", f"{namespace} {location}")
    return root


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    """Add a child in the parent's namespace, or in the one that the name carries."""
    if not name.startswith("{"):
        name = f"{{{etree.QName(parent).namespace}}}{name}"
    child = etree.SubElement(parent, name)
    child.text = legal(text) or None
    return child


def _refer(statement: etree._Element, reference: str) -> None:
    _add(statement, "rightsReference").set("ref", _uri(reference))


def _uri(text: str) -> str:
    if not uris.is_legal(text):
        raise ValueError(f"not a URI: {text!r}")
    return text
