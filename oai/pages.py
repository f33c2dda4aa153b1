"""The contents of an answer as bytes: headers, records, sets, formats, Identify.

This is the hot path. A record costs one formatted header and a place in a list that is joined
once; its metadata is neither parsed nor copied on the way.

Source: OAI-PMH sections 2.5 (record), 2.6 (set), 3.5 (resumptionToken), 4.2 and 4.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from oai import containers
from oai.characters import escape
from oai.datestamp import GRANULARITY, written
from oai.repository import Identity, MetadataFormat, Row, SetRow

_DELETED = ' status="deleted"'


def records(rows: Iterable[Row]) -> list[bytes]:
    """Return ``record`` elements; a tombstone has a header and nothing else (section 2.5.1)."""
    chunks: list[bytes] = []
    for row in rows:
        _, _, _, metadata, deleted, about = row
        if deleted or metadata is None:
            chunks.append(f"<record>{_header(row)}</record>".encode())
        else:
            chunks += (
                f"<record>{_header(row)}<metadata>".encode(),
                metadata,
                b"</metadata>" + about + b"</record>" if about else b"</metadata></record>",
            )
    return chunks


def headers(rows: Iterable[Row]) -> list[bytes]:
    """Return ``header`` elements, as ListIdentifiers gives them."""
    return [_header(row).encode() for row in rows]


def _header(row: Row) -> str:
    key, identifier, sets, _, deleted, _ = row
    return (
        f"<header{_DELETED if deleted else ''}><identifier>{escape(identifier)}</identifier>"
        f"<datestamp>{written(key.stamp)}</datestamp>{_set_specs(sets)}</header>"
    )


@lru_cache(maxsize=4096)
def _set_specs(sets: str) -> str:
    """Return the setSpec elements; few combinations of sets recur in most headers."""
    return "".join(f"<setSpec>{escape(spec)}</setSpec>" for spec in sets.split())


def resumption(token: str, cursor: int, total: int | None) -> bytes:
    """Return the ``resumptionToken`` element; an empty token ends the list (section 3.5).

    ``cursor``: items before this page; ``total``: the completeListSize, None leaves it out.
    """
    size = "" if total is None else f' completeListSize="{total}"'
    return f'<resumptionToken{size} cursor="{cursor}">{token}</resumptionToken>'.encode()


def sets(rows: Iterable[SetRow]) -> list[bytes]:
    """Return ``set`` elements, a setDescription in those that have one."""
    chunks: list[bytes] = []
    for row in rows:
        name = f"<setSpec>{escape(row.spec)}</setSpec><setName>{escape(row.name)}</setName>"
        chunks += (b"<set>", name.encode())
        if row.description:
            chunks += (b"<setDescription>", row.description, b"</setDescription>")
        chunks.append(b"</set>")
    return chunks


def formats(offered: Iterable[MetadataFormat]) -> list[bytes]:
    """Return ``metadataFormat`` elements."""
    return [
        (
            f"<metadataFormat><metadataPrefix>{escape(each.prefix)}</metadataPrefix>"
            f"<schema>{escape(each.schema)}</schema>"
            f"<metadataNamespace>{escape(each.namespace)}</metadataNamespace></metadataFormat>"
        ).encode()
        for each in offered
    ]


def identify(identity: Identity, base_url: str) -> list[bytes]:
    """Return what stands in ``Identify``: tombstones are persistent, granularity is seconds."""
    elements: Sequence[tuple[str, str]] = (
        ("repositoryName", identity.repository_name),
        ("baseURL", base_url),
        ("protocolVersion", "2.0"),
        *(("adminEmail", email) for email in identity.admin_emails),
        ("earliestDatestamp", written(identity.earliest_datestamp)),
        ("deletedRecord", "persistent"),
        ("granularity", GRANULARITY),
        *(("compression", encoding) for encoding in identity.compression),
    )
    descriptions = (
        containers.oai_identifier(identity.repository_identifier, identity.sample_identifier),
        *identity.descriptions,
    )
    return [
        *(f"<{name}>{escape(text)}</{name}>".encode() for name, text in elements),
        *(b"<description>" + content + b"</description>" for content in descriptions),
    ]
