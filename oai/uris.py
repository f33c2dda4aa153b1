"""Which texts are URIs, as the protocol's identifiers, base URLs and references must be.

The grammar is strict where XML Schema's anyURI is, so that whatever passes here can stand in an
answer that is held against the schemas.

Source: RFC 3986, appendix A; OAI-PMH section 2.4 (unique identifier).
"""

from __future__ import annotations

import re

# The authority is as generous as the xsd:anyURI of the request element.
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_AUTHORITY = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(?::[0-9]{1,5})?"
_URI = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?{_PCHAR}+(?:/{_PCHAR}*)*)"
    rf"|(?!{_PCHAR}*:){_PCHAR}+(?:/{_PCHAR}*)*)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?"
)


def is_legal(text: str) -> bool:
    """Whether a text is a URI or a relative reference to one.

    >>> [is_legal(text) for text in ("oai:a.org:1", "http://a.org/oai?x=1", "a b", "", "é")]
    [True, True, False, False, False]
    """
    return _URI.fullmatch(text) is not None
