"""Resumption tokens: signed places in a list, so that the repository keeps no state.

A token carries the list (prefix, set, from, until), the last key given, how many items came
before, and the size of the list. Its signature is made for one verb and one audience, so that
it opens for no other. It does not expire and may be sent again; it survives restarts, and
rotated keys as long as the old one is among the fallbacks. It is made of letters, digits,
``-``, ``_`` and ``.``, which no URL needs to encode.

Source: OAI-PMH section 3.5 (flow control).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from oai.errors import BadResumptionToken
from oai.repository import Key, Selection

# SHA-384 is 64 letters of base64 without a spare bit, so no two texts are one signature.
_DIGEST = hashlib.sha384
_FORM = re.compile(r"[A-Za-z0-9_-]{1,2048}\.[A-Za-z0-9_-]{64}")
_SHAPE = "1"  # of what is signed: raise it when that changes, and old tokens are refused


@dataclass(frozen=True, slots=True)
class ListPlace:
    """A place in ListRecords or ListIdentifiers.

    ``after``: the last key given, None before the first page. ``cursor``: how many items came
    before. ``total``: how many the list holds, None where that is unknown.
    """

    selection: Selection
    after: Key | None = None
    cursor: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class SetPlace:
    """A place in ListSets: behind the setSpec ``after``, ``cursor`` sets came before."""

    after: str | None = None
    cursor: int = 0


class Tokens:
    """Makes and opens tokens with the key ``secret``, and opens those of ``fallbacks`` as well.

    Raises ``ValueError`` for an empty key.
    """

    def __init__(self, secret: str | bytes, fallbacks: Sequence[str | bytes] = ()) -> None:
        keys = [*fallbacks, secret]  # itsdangerous signs with the last one
        if not all(keys):
            raise ValueError("a key for resumption tokens is empty")
        self._keys = tuple(key.encode() if isinstance(key, str) else key for key in keys)

    def for_list(self, verb: str, audience: str, place: ListPlace) -> str:
        """Return the token of a place in a list of items."""
        chosen = place.selection
        bounds = [chosen.prefix, chosen.set, chosen.from_, chosen.until]
        return self._sign(verb, audience, [*bounds, place.after, place.cursor, place.total])

    def for_sets(self, audience: str, place: SetPlace) -> str:
        """Return the token of a place in the list of sets."""
        return self._sign("ListSets", audience, [place.after, place.cursor])

    def open_list(self, verb: str, audience: str, token: str) -> ListPlace:
        """Return the place of a token; raises BadResumptionToken for all but our own."""
        prefix, chosen, from_, until, after, cursor, total = self._open(verb, audience, token)
        return ListPlace(Selection(prefix, chosen, from_, until), Key(*after), cursor, total)

    def open_sets(self, audience: str, token: str) -> SetPlace:
        """Return the place of a token of ListSets; raises BadResumptionToken for all others."""
        return SetPlace(*self._open("ListSets", audience, token))

    def _sign(self, verb: str, audience: str, value: list[object]) -> str:
        payload = base64_encode(json.dumps(value, separators=(",", ":")))
        return _signer(self._keys, verb, audience).sign(payload).decode("ascii")

    def _open(self, verb: str, audience: str, token: str) -> list[Any]:
        if _FORM.fullmatch(token):
            with suppress(BadData):
                payload = _signer(self._keys, verb, audience).unsign(token)
                return list(json.loads(base64_decode(payload)))
        raise BadResumptionToken("The resumptionToken was not given out for this request.")


@lru_cache(maxsize=256)
def _signer(keys: tuple[bytes, ...], verb: str, audience: str) -> Signer:
    """Return what signs for one verb and one audience; making one costs more than signing."""
    salt = "\0".join(("resumptionToken", _SHAPE, verb, audience))
    return Signer(list(keys), salt=salt, key_derivation="hmac", digest_method=_DIGEST)
