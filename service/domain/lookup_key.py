"""The keys by which wishes and offers find each other, and how strong each is.

A wish looks for offers under more keys than it has: a current number of one may be a former number
of the other, and titles of one author and year are laid beside each other. What waits is kept under
its own keys alone, as offers look for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from marc_mappings.keys import folding
from marc_mappings.match_keys import Key
from service.domain.match_rule import ALSO, AUTHOR_YEAR, LOOKED_UP, RULES, TITLES
from service.domain.wish import WishLine

_ORDER: Final = {kind: place for place, kind in enumerate(RULES)}
# What a partner was given before is recognised by these.
_SURE: Final = frozenset(kind for kind, rule in RULES.items() if rule.relation == "same")


def looked_up(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys under which offers are looked for, for a wish that has ``keys``.

    >>> [key.kind for key in looked_up([Key("isbn", "9788936433598"), Key("year", "2007")])]
    ['isbn', 'isbn_cancelled']
    >>> looked_up([Key("title", "vegetarian||han|2007")])[1]
    Key(kind='author_year', value='han|2007|veget')
    """
    return _looked_up(tuple(keys))


# A wish's keys are asked for again while it is answered.
@lru_cache(maxsize=1024)
def _looked_up(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    found: dict[Key, None] = {}
    for key in keys:
        if key.kind in LOOKED_UP:
            found[key] = None
        if key.kind in ALSO:
            found[Key(ALSO[key.kind], key.value)] = None
        if key.kind == "title":
            found[_author_year(key)] = None
    return tuple(found)


def indexed(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys under which an offer that has ``keys`` is found by its titles."""
    keys = tuple(keys)
    titles = [key for key in keys if key.kind in TITLES]
    return tuple(dict.fromkeys((*titles, *(_author_year(k) for k in keys if k.kind == "title"))))


def waiting_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys under which a wish that has ``keys`` waits: offers look for former numbers.

    >>> waiting_keys([Key("isbn", "9788936433598"), Key("year", "2007")])
    (Key(kind='isbn', value='9788936433598'),)
    """
    return _waiting_keys(tuple(keys))


# Wishes that missed the same offer come one after the other.
@lru_cache(maxsize=1024)
def _waiting_keys(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    own = (key for key in keys if key.kind in LOOKED_UP)
    return tuple(dict.fromkeys((*own, *(_author_year(k) for k in keys if k.kind == "title"))))


def sure_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys by which a title that somebody was given is recognised."""
    return tuple(key for key in keys if key.kind in _SURE)


def waiting_target(line: WishLine) -> str:
    """Return what a wish is for that no offer is fixed for: its strongest key."""
    key = strongest(line)
    return f"{key.kind}:{key.value}"


def strongest(line: WishLine) -> Key:
    """Return the key of a wish that says most surely what it means."""
    return _strongest(line.keys)


@lru_cache(maxsize=1024)
def _strongest(keys: tuple[Key, ...]) -> Key:
    return min((key for key in keys if key.kind in LOOKED_UP), key=strength)


def strength(key: Key) -> int:
    """Return the place of a key in the table of rules: the strongest has the least."""
    return kind_strength(key.kind)


def kind_strength(kind: str) -> int:
    """Return the place of a kind of key in the table of rules."""
    return _ORDER[kind]


def letters(title: str) -> str:
    """Return a title letter by letter: a syllable of Hangul is two or three."""
    return normalize("NFD", title)


@lru_cache(maxsize=1024)
def _author_year(title: Key) -> Key:
    """Return the key under which titles of one author and year are laid beside each other.

    With their first letters: an author may have published a hundred titles in a year.
    """
    words, _, author, year = title.value.split("|")
    begins = 1 if folding.script(words) in ("Hani", "Kana") else 5
    return Key(AUTHOR_YEAR, f"{author}|{year}|{letters(words)[:begins]}")
