"""Where a record says that it came from, read with patience: the way back of ``containers``.

Source: guidelines-provenance, section 2.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from oai.containers import Origin

_NAMESPACE: Final = "{http://www.openarchives.org/OAI/2.0/provenance}"
_MOST_STEPS: Final = 20


def read_origin(about: bytes) -> Origin | None:
    """Return what the ``provenance`` among some ``about`` contents tells, joined as they came.

    None where there is none, or where nothing in it keeps to its schema; a chain of origins ends
    before the first step that does not.

    >>> from oai.containers import provenance
    >>> first = Origin("https://a.example/oai", "oai:a.example:1", "2026-01-01", "urn:x",
    ...                "2026-02-02", False)
    >>> read_origin(provenance(first)) == first, read_origin(b"<rights/>")
    (True, None)
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(b"<about>" + about + b"</about>", parser)
    except etree.XMLSyntaxError:
        return None
    found = root.find(f"{_NAMESPACE}provenance")
    return None if found is None else _step(found, _MOST_STEPS)


def _step(parent: etree._Element, steps: int) -> Origin | None:
    element = parent.find(f"{_NAMESPACE}originDescription")
    if element is None or not steps:
        return None
    try:
        return Origin(
            base_url=_text(element, "baseURL"),
            identifier=_text(element, "identifier"),
            datestamp=_text(element, "datestamp"),
            namespace=_text(element, "metadataNamespace"),
            harvested=element.get("harvestDate", ""),
            altered=element.get("altered", "").strip() in {"true", "1"},
            origin=_step(element, steps - 1),
        )
    except ValueError:
        return None


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(f"{_NAMESPACE}{name}") or "").strip()
