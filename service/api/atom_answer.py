"""Answers as an Atom feed, newest first or in the order of the things themselves.

Source: RFC 4287 (Atom); RFC 5005, section 3 (paged feeds); RFC 4151 (tag URIs, as ids for ever).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response
from lxml import etree

from oai import characters
from service.api.addresses import site

MEDIA_TYPE = "application/atom+xml"
_NAMESPACE = "http://www.w3.org/2005/Atom"
# The day from which on our tags count; the authority of a tag is the repository's own name.
_SINCE = "2026-01-01"


class Entry(NamedTuple):
    """One thing that happened: ``name`` ends its id, ``url`` is where to look."""

    name: str
    title: str
    updated: datetime
    url: str
    text: str


def feed(
    name: str,
    title: str,
    updated: datetime,
    entries: Iterable[Entry],
    *,
    this: str,
    following: str | None,
) -> Response:
    """Return a feed; ``this`` and ``following`` are the addresses of this page and the next."""
    # The stubs know of no default namespace.
    names: Any = {None: _NAMESPACE}
    root = etree.Element(f"{{{_NAMESPACE}}}feed", nsmap=names)
    _add(root, "id", _tag(name))
    _add(root, "title", title)
    _add(root, "updated", _moment(updated))
    _add(_add(root, "author"), "name", site().settings.repository_name)
    _link(root, "self", this, MEDIA_TYPE)
    if following is not None:
        _link(root, "next", following, MEDIA_TYPE)
    for each in entries:
        entry = _add(root, "entry")
        _add(entry, "id", _tag(each.name))
        _add(entry, "title", each.title)
        _add(entry, "updated", _moment(each.updated))
        _link(entry, "alternate", each.url)
        _add(entry, "content", each.text).set("type", "text")
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return Response(body, content_type=f"{MEDIA_TYPE}; charset=utf-8")


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    made = etree.SubElement(parent, f"{{{_NAMESPACE}}}{name}")
    made.text = characters.legal(text) or None
    return made


def _link(parent: etree._Element, relation: str, url: str, media_type: str = "") -> None:
    link = _add(parent, "link")
    link.set("rel", relation)
    link.set("href", url)
    if media_type:
        link.set("type", media_type)


def _tag(name: str) -> str:
    return f"tag:{site().settings.repository_identifier},{_SINCE}:{name}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
