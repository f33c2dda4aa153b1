"""The exhibition of the quarter: books that one partner gave us, with a text, for some weeks.

One exhibition is shown at a time: no two share a day. It is shown from its first day to its last,
days being UTC, and kept to be read after that; before it, only the staff sees it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from service.domain.offer import check_slug
from service.domain.partner_fields import language_tag
from service.errors import Conflict, Invalid, WrongValues

MOST_BOOKS: Final = 500
_MOST_TEXTS: Final = 20
_LINE: Final = 500  # characters
_TEXT: Final = 20_000
_FIRST_YEAR: Final = 1900
_LONGEST: Final = timedelta(days=400)
_CONTROL: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Phase(StrEnum):
    """Where an exhibition stands on a day."""

    COMING = "coming"
    OPEN = "open"
    PAST = "past"


class Words(NamedTuple):
    """The title and the text of an exhibition in one language (BCP 47)."""

    language: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Exhibition:
    """One exhibition, open from ``opens_on`` to ``closes_on``, both days included.

    ``words`` are in the order in which they were written, at least one; ``books`` counts what was
    chosen. ``partner`` is a code, ``place`` its country or region (ISO 3166-1 alpha-2).
    """

    id: int
    slug: str
    partner_id: int
    partner: str
    partner_name: str
    city: str
    place: str
    opens_on: date
    closes_on: date
    words: tuple[Words, ...]
    books: int
    revision: int

    @property
    def title(self) -> str:
        """The title in the language that was written first."""
        return self.words[0].title

    def phase(self, today: date) -> Phase:
        """Return where it stands on a day."""
        if today < self.opens_on:
            return Phase.COMING
        return Phase.OPEN if today <= self.closes_on else Phase.PAST

    def read_in(self, language: str) -> tuple[Words, ...]:
        """Return all words, those first that suit a reader's language (BCP 47) best."""
        best = max(self.words, key=lambda each: _likeness(each.language, language))
        return (best, *(each for each in self.words if each is not best))


def _likeness(one: str, other: str) -> int:
    """Return how many parts of two tags agree, from the first on.

    >>> _likeness("zh-Hant", "zh-Hant-TW"), _likeness("zh-Hant", "zh-Hans"), _likeness("en", "ko")
    (2, 1, 0)
    """
    number = 0
    for mine, theirs in zip(one.lower().split("-"), other.lower().split("-"), strict=False):
        if mine != theirs:
            break
        number += 1
    return number


# --- what people say of it ------------------------------------------------------------------------


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as they are kept; raise ``WrongValues`` that tells all that is wrong."""
    good: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in given.items():
        try:
            good[name] = _FIELDS[name](value)
        except KeyError:
            faults.append((name, "there is no such field"))
        except WrongValues as error:
            faults += error.faults
        except Invalid as error:
            faults.append((error.field or name, error.detail))
    if faults:
        raise WrongValues(faults)
    return good


def check_days(opens_on: date, closes_on: date) -> None:
    """Refuse an end before the beginning, and what is no exhibition but a shelf."""
    if closes_on < opens_on:
        raise WrongValues([("closes_on", "the last day is before the first")])
    if closes_on - opens_on > _LONGEST:
        raise WrongValues([("closes_on", f"this is longer than {_LONGEST.days} days")])


def check_alone(
    slug: str, opens_on: date, closes_on: date, others: Iterable[tuple[str, date, date]]
) -> None:
    """Refuse days that another exhibition has; ``others`` are slugs with first and last days.

    >>> spring = ("spring", date(2027, 1, 1), date(2027, 3, 31))
    >>> check_alone("summer", date(2027, 4, 1), date(2027, 6, 30), [spring])
    >>> check_alone("summer", date(2027, 3, 31), date(2027, 6, 30), [spring])
    Traceback (most recent call last):
    service.errors.Conflict: one exhibition is shown at a time, and from 2027-01-01 to \
2027-03-31 it is 'spring': choose other days
    """
    for name, first, last in others:
        if name != slug and first <= closes_on and opens_on <= last:
            raise Conflict(
                f"one exhibition is shown at a time, and from {first} to {last} it is {name!r}: "
                "choose other days"
            )


def check_partner_stays(found: Exhibition, code: str) -> None:
    """Refuse another partner while books of this one are chosen."""
    if found.books and code != found.partner:
        raise Conflict(
            f"{found.books:,} books of {found.partner} are chosen: take them out before the "
            "exhibition becomes another partner's"
        )


def check_removable(found: Exhibition, today: date) -> None:
    """Refuse to take away what visitors saw: past exhibitions are kept."""
    if found.phase(today) is not Phase.COMING:
        raise Conflict(
            f"exhibition {found.slug!r} was shown from {found.opens_on} on, and is kept; "
            "an earlier last day ends it"
        )


def suggested_slug(opens_on: date, partner: str) -> str:
    """Return how an exhibition may be called in its address: by quarter and partner.

    >>> suggested_slug(date(2027, 5, 3), "nagasaki")
    '2027-q2-nagasaki'
    """
    return f"{opens_on.year}-q{(opens_on.month + 2) // 3}-{partner}"[:60].rstrip("-")


def _code(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Invalid("say whose books are shown")
    return value.strip()


def _slug(value: Any) -> str:
    try:
        return check_slug(str(value).strip())
    except Invalid as error:
        raise Invalid(
            "its address is made of 1 to 60 of a-z, 0-9 and single hyphens between them"
        ) from error


def _day(value: Any) -> date:
    if not isinstance(value, date):
        raise Invalid("this is a day, such as 2027-01-31")
    if not _FIRST_YEAR <= value.year < _FIRST_YEAR + 300:
        raise Invalid(f"{value.isoformat()} cannot be right")
    return value


def _words(value: Any) -> tuple[Words, ...]:
    """Return titles and texts; each fault is told under ``words.N.field``."""
    made: list[Words] = []
    faults: list[tuple[str, str]] = []
    for number, each in enumerate(value):
        try:
            made.append(_one(each, {known.language for known in made}))
        except Invalid as error:
            faults.append((f"words.{number}.{error.field}", error.detail))
    if faults:
        raise WrongValues(faults)
    if not made:
        raise WrongValues([("words.0.title", "an exhibition needs a title")])
    if len(made) > _MOST_TEXTS:
        raise Invalid(f"at most {_MOST_TEXTS} languages")
    return tuple(made)


def _one(given: Sequence[str], known: set[str]) -> Words:
    language, title, text = given
    tag = language_tag(language, "language")
    if tag in known:
        raise Invalid(f"there is a text in {tag} already", "language")
    title = _plain(title, "title", _LINE, "")
    if not title:
        raise Invalid("an exhibition needs a title in every language of its texts", "title")
    return Words(tag, title, _plain(text, "text", _TEXT, "\n\t"))


def _plain(value: str, field: str, longest: int, allowed: str) -> str:
    text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").strip()
    if len(text) > longest:
        raise Invalid(f"this is at most {longest:,} characters long, and has {len(text):,}", field)
    if any(unicodedata.category(each) in _CONTROL and each not in allowed for each in text):
        raise Invalid("this has characters that are none to read", field)
    return text


_FIELDS: Final = {
    "slug": _slug,
    "partner": _code,
    "opens_on": _day,
    "closes_on": _day,
    "words": _words,
}
NEEDED: Final = tuple(_FIELDS)
"""What an exhibition is made of."""
