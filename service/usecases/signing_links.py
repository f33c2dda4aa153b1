"""Links that open an account: the public id of one, signed with the site's key.

Neither the database nor its outbox holds what opens an account; whoever has them lacks the key.
"""

from __future__ import annotations

import hashlib
from typing import Final

from itsdangerous import BadSignature, Signer

from service.config import Settings
from service.domain import account_letter
from service.errors import Misconfigured, NotFound
from service.store import public_ids

PATH: Final = "/account/links/"
# What else is signed under the secret key must not open an account.
_SALT: Final = "bookbridge.account.1"


def token(settings: Settings, public_id: str) -> str:
    """Return what opens the link of a public id; raise ``Misconfigured`` without a key."""
    return _signer(settings).sign(public_id).decode("ascii")


def address(settings: Settings, public_id: str) -> str:
    """Return the address that somebody opens."""
    return f"{settings.base_url}{PATH}{token(settings, public_id)}"


def opened(settings: Settings, given: str) -> str:
    """Return the public id that a token names; raise ``NotFound`` for one that we did not make."""
    try:
        found = public_ids.read(_signer(settings).unsign(given).decode("ascii"))
    except (BadSignature, UnicodeError) as error:
        raise NotFound("this link is none of ours") from error
    if found is None:
        raise NotFound("this link is none of ours")
    return found


def filled(settings: Settings, body: str) -> str:
    """Return the text of a mail with the addresses that it only names."""
    return account_letter.filled(body, lambda public_id: address(settings, public_id))


def _signer(settings: Settings) -> Signer:
    if not settings.secret_key:
        raise Misconfigured("setting 'secret_key' is not set; `bookbridge init` makes one")
    keys = [*settings.secret_key_fallbacks, settings.secret_key]  # it signs with the last one
    return Signer(keys, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
