"""What a provider says of itself: Identify, its formats, its sets – read with patience.

Providers are sloppy where it does harvesting no harm, so only what a harvest stands on must be
right. What is missing or odd is replaced by the careful choice and noted: an unknown granularity
is days, because every repository takes days; an unknown deletedRecord is ``no``.

pyoai's client reads these verbs as well, but it raises at an earliestDatestamp of another form,
ends ListSets at an empty page, follows a repeated token for ever and parses without guards.

Source: OAI-PMH sections 4.2 (Identify), 4.4 (ListMetadataFormats), 4.6 (ListSets), 2.5.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from oai import datestamp
from oai.asking import Asking, raise_told
from oai.errors import NoSetHierarchy
from oai.harvest_answer import Part
from oai.harvest_errors import Looping, Note, NotOai
from oai.repository import MetadataFormat
from oai.windows import Granularity

OAI_DC: Final = "oai_dc"
_MARCXML: Final = "http://www.loc.gov/MARC21/slim"
_PREFERRED: Final = ("marc21", "marcxml", "marc", "marc_xml", "marc21xml", "marcxchange")
_MOST_SETS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Source:
    """A provider by its own words.

    ``deleted_record`` is ``persistent``, ``transient`` or ``no``; ``earliest`` is a stamp, None
    where it is unknown. ``base_url`` is for people: no request goes to it unasked.
    ``descriptions`` are elements in UTF-8 that stand alone.
    """

    name: str
    base_url: str
    granularity: Granularity
    deleted_record: str
    earliest: int | None = None
    admin_emails: tuple[str, ...] = ()
    compression: tuple[str, ...] = ()
    descriptions: tuple[bytes, ...] = ()
    responded: int | None = None
    notes: tuple[Note, ...] = ()


class SourceSet(NamedTuple):
    """A set of a provider; ``descriptions`` are elements in UTF-8."""

    spec: str
    name: str
    descriptions: tuple[bytes, ...] = ()


def identify(asking: Asking) -> Source:
    """Ask for Identify. Raises Told and what :meth:`Asking.answer` raises."""
    answer = asking.expect("Identify")
    part = answer.parts[0]
    notes = list(answer.notes)
    if part.text("protocolVersion") != "2.0":
        version = part.text("protocolVersion")
        notes.append(Note("protocol-version", f"The protocolVersion is {version!r}, not 2.0."))
    return Source(
        name=part.text("repositoryName"),
        base_url=part.text("baseURL"),
        granularity=_granularity(part.text("granularity"), notes),
        deleted_record=_deleted_record(part.text("deletedRecord"), notes),
        earliest=_earliest(part.text("earliestDatestamp"), notes),
        admin_emails=tuple(part.texts.get("adminEmail", ())),
        compression=tuple(part.texts.get("compression", ())),
        descriptions=part.descriptions,
        responded=answer.responded,
        notes=tuple(notes),
    )


def formats(asking: Asking, identifier: str = "") -> list[MetadataFormat]:
    """Ask for the formats of the repository, or of one item."""
    pairs = [("identifier", identifier)] if identifier else []
    names = ("metadataPrefix", "schema", "metadataNamespace")
    parts = asking.expect("ListMetadataFormats", pairs).parts
    return [MetadataFormat(*(part.text(name) for name in names)) for part in parts]


def sets(asking: Asking) -> list[SourceSet]:
    """Ask for all sets; none where the repository has no sets.

    Raises Looping where the list does not end.
    """
    found: list[SourceSet] = []
    tokens: set[str] = set()
    pairs: list[tuple[str, str]] = []
    while True:
        answer = asking.answer("ListSets", pairs)
        if answer.codes == {NoSetHierarchy.code} and not pairs:
            return []
        raise_told(answer)
        found += [_set(part) for part in answer.parts]
        token = answer.token or ""
        if not token:
            return found
        if token in tokens or len(found) > _MOST_SETS or len(tokens) > _MOST_SETS:
            raise Looping("The list of sets has no end.")
        tokens.add(token)
        pairs = [("resumptionToken", token)]


def choose_prefix(offered: Iterable[MetadataFormat]) -> str:
    """Return the prefix to harvest: MARC by its usual names or its namespace, else Dublin Core.

    Raises NotOai where neither is offered.

    >>> choose_prefix([MetadataFormat("oai_dc", "", ""), MetadataFormat("marcxml", "", "")])
    'marcxml'
    """
    offered = list(offered)
    prefixes = {each.prefix.lower(): each.prefix for each in reversed(offered)}
    for preferred in _PREFERRED:
        if preferred in prefixes:
            return prefixes[preferred]
    for each in offered:
        if each.namespace.strip() == _MARCXML:
            return each.prefix
    if OAI_DC in prefixes:
        return prefixes[OAI_DC]
    raise NotOai("The provider offers neither MARC nor oai_dc.")


def _set(part: Part) -> SourceSet:
    return SourceSet(part.text("setSpec"), part.text("setName"), part.descriptions)


def _granularity(text: str, notes: list[Note]) -> Granularity:
    known = {"yyyy-mm-dd": Granularity.DAYS, "yyyy-mm-ddthh:mm:ssz": Granularity.SECONDS}
    if text.lower() not in known:
        notes.append(Note("granularity", f"The granularity is {text!r}; days are used."))
    return known.get(text.lower(), Granularity.DAYS)


def _deleted_record(text: str, notes: list[Note]) -> str:
    if text.lower() in ("persistent", "transient", "no"):
        return text.lower()
    notes.append(Note("deleted-record", f"The deletedRecord is {text!r}; it is read as 'no'."))
    return "no"


def _earliest(text: str, notes: list[Note]) -> int | None:
    try:
        return datestamp.parse(text)
    except ValueError:
        notes.append(Note("earliest", f"The earliestDatestamp is no datestamp: {text[:80]!r}"))
        return None
