"""A MODS document as a small tree of values, and how it is written.

The mapping makes these values; nothing in them is changed in place. Writing cares for what XML and
the schema ask of any text: escapes, no forbidden characters, URIs that are URIs.

Source: W3C XML 1.0, section 2.2; XML Schema Part 2, anyURI; RFC 3986; MODS 3.7 schema,
https://www.loc.gov/standards/mods/v3/mods-3-7.xsd.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote

from marc_mappings import encodings, steps

NAMESPACE: Final = "http://www.loc.gov/mods/v3"
VERSION: Final = "3.7"
_OPEN: Final = (
    f'<mods xmlns="{NAMESPACE}" xmlns:xlink="http://www.w3.org/1999/xlink" '
    f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="{VERSION}" '
    f'xsi:schemaLocation="{NAMESPACE} http://www.loc.gov/standards/mods/v3/mods-3-7.xsd">'
)

# What may stand in a URI as it is; brackets are left out: only an IPv6 address has a right to them.
_SAFE: Final = "!#$%&'()*+,/:;=?@_~-."
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_AUTHORITY = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.\-]*:)?//)([^/?#]*)")
_PORT = re.compile("[0-9]{0,5}")


class Element(NamedTuple):
    """An element: attributes as (name, value), and either a text or children."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple[Element, ...] = ()

    def get(self, attribute: str) -> str:
        """Return the value of an attribute, ``""`` if it is not there."""
        return next((value for name, value in self.attributes if name == attribute), "")

    def having(self, **attributes: str) -> Element:
        """Return the element with more attributes; those it has already and empty ones stay out."""
        more = [(n, v) for n, v in attributes.items() if v and not self.get(n)]
        return self._replace(attributes=(*self.attributes, *more)) if more else self


def some(name: str, content: str | Iterable[Element], **attributes: str) -> tuple[Element, ...]:
    """Return the one element that ``content`` fills, or none: MODS has no use for empty ones.

    Empty attributes are left out; ``xlink_href`` is ``xlink:href`` and ``xml_space`` likewise.

    >>> some("title", "A tale", type="")[0].text, some("title", " ")
    ('A tale', ())
    """
    if isinstance(content, str):
        text = "" if content.isspace() else content
        children: tuple[Element, ...] = ()
    else:
        text, children = "", tuple(content)
    if not (text or children):
        return ()
    if not attributes:
        return (Element(name, (), text, children),)
    given = tuple([(key.replace("_", ":"), value) for key, value in attributes.items() if value])
    return (Element(name, given, text, children),)


def uri(text: str) -> str:
    """Return ``text`` as a URI reference: what may not stand in one is percent-encoded.

    >>> uri("http://example.org/a b[1]#x#y"), uri("http://한국.kr:port/50%")
    ('http://example.org/a%20b%5B1%5D#x%23y', 'http://%ED%95%9C%EA%B5%AD.kr%3Aport/50%25')
    """
    text = quote(encodings.without_junk(text).strip(), safe=_SAFE, errors="replace")
    text = _STRAY_PERCENT.sub("%25", text)
    before, sign, fragment = text.partition("#")
    if match := _AUTHORITY.match(before):
        before = match[1] + _authority(match[2]) + before[match.end() :]
    elif not _SCHEME.match(before):
        first, slash, rest = before.partition("/")
        before = first.replace(":", "%3A") + slash + rest
    return before + sign + fragment.replace("#", "%23")


def _authority(text: str) -> str:
    """Return user, host and port of a URI with every other colon and at sign encoded."""
    user, at, host = text.rpartition("@")
    name, colon, port = host.partition(":")
    if not _PORT.fullmatch(port):
        name, colon, port = host.replace(":", "%3A"), "", ""
    return user.replace("@", "%40") + at + name + colon + port


def is_uri(text: str) -> bool:
    """Whether ``text`` is an address of the web, as $0 and $1 of newer records have it.

    >>> is_uri("http://id.loc.gov/authorities/names/n79"), is_uri("(DE-588)118540238")
    (True, False)
    """
    return text.strip().lower().startswith(("http://", "https://"))


def written(elements: Iterable[Element]) -> bytes:
    """Return the elements in one ``mods`` element, in UTF-8, without prolog, always well-formed."""
    parts = [_OPEN]
    for element in elements:
        _write(element, parts)
    parts.append("</mods>")
    text = "".join(parts)
    if not text.isprintable():
        text = encodings.without_junk(steps.without_non_sorting_marks(text))
    return text.encode("utf-8")


def _write(element: Element, parts: list[str]) -> None:
    name, attributes, text, children = element
    parts.append(f"<{name}")
    for key, value in attributes:
        parts.append(f' {key}="{_escaped(value)}"')
    parts.append(">")
    if children:
        for child in children:
            _write(child, parts)
    else:
        parts.append(_escaped(text))
    parts.append(f"</{name}>")


def _escaped(text: str) -> str:
    if "&" in text or "<" in text or ">" in text or '"' in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return text.replace('"', "&quot;")
    return text
