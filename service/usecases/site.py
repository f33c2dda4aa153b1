"""What every request and every job needs at hand: the database, the settings and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from oai.token import Tokens
from service.config import Settings
from service.domain.wish_line import Names
from service.errors import Misconfigured
from service.store.db import Database
from service.usecases.wishing import Limits


@dataclass(frozen=True, slots=True)
class Site:
    """One Bookbridge at work. ``clock`` gives seconds since the epoch, UTC."""

    db: Database
    settings: Settings
    clock: Callable[[], float]

    def now(self) -> datetime:
        """Return the moment, aware, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def tokens(self) -> Tokens:
        """Return what signs and opens resumption tokens; raise ``Misconfigured`` without a key."""
        if not self.settings.secret_key:
            raise Misconfigured("setting 'secret_key' is not set; `bookbridge init` makes one")
        return Tokens(self.settings.secret_key, self.settings.secret_key_fallbacks)

    def names(self) -> Names:
        """Return how our offers are named outside."""
        return Names(self.settings.repository_identifier, self.settings.base_url)

    def wish_limits(self) -> Limits:
        """Return the largest wish list that is taken."""
        return Limits(self.settings.wish_list_bytes, self.settings.wish_list_lines)
