"""Secrets that we must be able to show to others again: what a partner's provider asks of us.

Our own tokens are kept as digests; these cannot be. They are sealed under the site's secret key,
and an earlier key still opens what it sealed. Whoever has the database alone has nothing.

Source: Fernet (AES-128-CBC with HMAC-SHA256) of the package ``cryptography``.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from service.config import Settings
from service.errors import Misconfigured

# What else is made of the secret key must not be a key here.
_PURPOSE = b"bookbridge sealing 1\0"


def seal(settings: Settings, secret: str) -> bytes:
    """Return ``secret`` so that only this site can read it."""
    return _keys(settings).encrypt(secret.encode("utf-8"))


def unseal(settings: Settings, sealed: bytes) -> str:
    """Return what was sealed; raise ``Misconfigured`` where the key that sealed it is gone."""
    try:
        return _keys(settings).decrypt(sealed).decode("utf-8")
    except InvalidToken as error:
        raise Misconfigured(
            "a stored secret was sealed under another secret key: put that key into "
            "`secret_key_fallbacks`, or enter the secret again"
        ) from error


def _keys(settings: Settings) -> MultiFernet:
    if not settings.secret_key:
        raise Misconfigured("setting 'secret_key' is not set; `bookbridge init` makes one")
    return MultiFernet(
        [_key(each) for each in (settings.secret_key, *settings.secret_key_fallbacks)]
    )


def _key(secret_key: str) -> Fernet:
    digest = hashlib.sha256(_PURPOSE + secret_key.encode("utf-8")).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
