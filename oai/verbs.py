"""The six verbs and their arguments as tables, and the reading of a request against them.

All faults of a request are told at once. The arguments are checked for their syntax here;
whether an item, a set or a format exists is the provider's question.

Source: OAI-PMH sections 3.1.1 (requests), 3.6 (errors) and 4 (the verbs).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oai import datestamp, uris
from oai.errors import BadArgument, BadVerb, ProtocolError
from oai.repository import Selection


class Verb(NamedTuple):
    """A verb (sections 4.1 to 4.6): an ``exclusive`` argument stands alone."""

    name: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    exclusive: str | None = None


VERBS = {
    verb.name: verb
    for verb in (
        Verb("GetRecord", required=("identifier", "metadataPrefix")),
        Verb("Identify"),
        Verb(
            "ListIdentifiers",
            required=("metadataPrefix",),
            optional=("from", "until", "set"),
            exclusive="resumptionToken",
        ),
        Verb("ListMetadataFormats", optional=("identifier",)),
        Verb(
            "ListRecords",
            required=("metadataPrefix",),
            optional=("from", "until", "set"),
            exclusive="resumptionToken",
        ),
        Verb("ListSets", exclusive="resumptionToken"),
    )
}

_UNRESERVED = r"[A-Za-z0-9\-_.!~*'()]+"
_PREFIX = re.compile(_UNRESERVED)
_SET_SPEC = re.compile(rf"{_UNRESERVED}(?::{_UNRESERVED})*")


class Argument(NamedTuple):
    """An argument: the test of its syntax, and that syntax in words."""

    is_legal: Callable[[str], bool]
    syntax: str


_DATESTAMP = Argument(datestamp.is_legal, "a UTC datestamp YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")

ARGUMENTS = {
    "identifier": Argument(uris.is_legal, "a URI"),
    "metadataPrefix": Argument(lambda text: bool(_PREFIX.fullmatch(text)), "a metadataPrefix"),
    "from": _DATESTAMP,
    "until": _DATESTAMP,
    "set": Argument(lambda text: bool(_SET_SPEC.fullmatch(text)), "a setSpec"),
    "resumptionToken": Argument(bool, "a token that this repository gave out"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose syntax is right.

    ``sent``: the pairs as they came, the verb among them, for the echo. ``identifier``,
    ``prefix`` and ``token`` are ``""`` where they were not sent. ``selection`` is what a list
    verb without a token asks for, else None.
    """

    verb: str
    sent: tuple[tuple[str, str], ...]
    identifier: str = ""
    prefix: str = ""
    token: str = ""
    selection: Selection | None = None


def parse(pairs: Sequence[tuple[str, str]]) -> Request | tuple[ProtocolError, ...]:
    """Return the request that raw argument pairs make, or every fault found in them.

    Pairs may repeat names and hold any characters. Never raises. After a bad verb nothing else
    is told, because what the other arguments mean hangs on it.
    """
    verbs = [value for name, value in pairs if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in VERBS:
        return (_bad_verb(verbs),)
    verb = VERBS[verbs[0]]
    arguments = [(name, value) for name, value in pairs if name != "verb"]
    faults = [*_misplaced(verb, [name for name, _ in arguments]), *_misspelt(arguments)]
    faults = faults or _contradictions(dict(arguments))
    if faults:
        return tuple(BadArgument(fault) for fault in faults)
    return _request(verb, tuple(pairs), dict(arguments))


def _bad_verb(verbs: Sequence[str]) -> BadVerb:
    legal = ", ".join(VERBS)
    if len(verbs) > 1:
        return BadVerb("The verb is repeated.")
    return BadVerb(f"The verb must be one of {legal}, spelt exactly so.")


def _misplaced(verb: Verb, names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the names: repeated, unknown, missing, not alone."""
    known = {*verb.required, *verb.optional, verb.exclusive}
    for name, times in Counter(names).items():
        if name not in known:
            yield f"{verb.name} has no argument {_shown(name)}."
        elif times > 1:
            yield f"The argument {name} is repeated."
    if verb.exclusive in names:
        if set(names) != {verb.exclusive}:
            yield f"The argument {verb.exclusive} is exclusive: it stands without any other."
        return
    for name in verb.required:
        if name not in names:
            yield f"{verb.name} requires the argument {name}."


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]{1,40}", name) else "of such a name"


def _misspelt(arguments: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield which values have an illegal syntax, without repeating them."""
    for name, value in arguments:
        argument = ARGUMENTS.get(name)
        if argument and not value:
            yield f"The argument {name} is empty."
        elif argument and not argument.is_legal(value):
            yield f"The value of {name} is not {argument.syntax}."


def _contradictions(values: dict[str, str]) -> list[str]:
    """Return what is wrong between ``from`` and ``until`` (section 2.7.1)."""
    if not {"from", "until"} <= values.keys():
        return []
    first, last = values["from"], values["until"]
    if datestamp.is_day(first) != datestamp.is_day(last):
        return ["The arguments from and until have different granularities."]
    if datestamp.parse(first) > datestamp.parse(last):
        return ["The argument from is later than until."]
    return []


def _request(verb: Verb, sent: tuple[tuple[str, str], ...], values: dict[str, str]) -> Request:
    prefix = values.get("metadataPrefix", "")
    selection = None
    if "from" in verb.optional and prefix:
        first, last = values.get("from"), values.get("until")
        selection = Selection(
            prefix=prefix,
            set=values.get("set"),
            from_=None if first is None else datestamp.parse(first),
            until=None if last is None else datestamp.parse(last, until=True),
        )
    return Request(
        verb=verb.name,
        sent=sent,
        identifier=values.get("identifier", ""),
        prefix=prefix,
        token=values.get("resumptionToken", ""),
        selection=selection,
    )
