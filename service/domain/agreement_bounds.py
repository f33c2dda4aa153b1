"""What agreements let us give: how much, and books of which languages and subjects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from service.domain import subject_profile
from service.domain.agreement import (
    Agreement,
    AgreementState,
    BalanceBasis,
    Scope,
    in_force,
    months_later,
    within,
)
from service.domain.allocation_room import Room
from service.domain.book import Book


class Bounds(NamedTuple):
    """What was agreed with a partner about the books that it gets.

    ``agreement`` is a public id; ``named`` is how a sentence begins that tells a partner of it.
    Without ``has_books`` the agreement is about other things and bounds nothing. ``year_since`` is
    the first day of the year of the agreement that runs, ``since`` that of its first year: what was
    given is counted from these days.
    """

    agreement: str
    basis: BalanceBasis = BalanceBasis.OPEN
    tolerance: int | None = None
    allowance_first: int | None = None
    allowance_per_year: int | None = None
    subjects: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    has_books: bool = True
    suspended: bool = False
    since: date = date.min
    year_since: date = date.min
    named: str = "your agreement is"


def bounds_of(agreements: Iterable[Agreement], day: date) -> Bounds | None:
    """Return what the agreements of one partner allow on ``day``; None where there is none.

    An agreement about books comes before any other, and one that is suspended before none: while
    it is, no books go. Agreements that hold at the same time do not contradict each other, so that
    any of them has the terms; a book may be of what any of them names.
    """
    found = sorted(agreements, key=lambda each: (each.terms.starts_on or day, each.public_id))
    holding = [each for each in found if in_force(each, day)]
    of_books = [each for each in holding if Scope.BOOKS in each.terms.scope]
    suspended = [
        each
        for each in found
        if each.state is AgreementState.SUSPENDED
        and Scope.BOOKS in each.terms.scope
        and within(each.terms, day)
    ]
    for some in (of_books, suspended, holding):
        if some:
            return _bounds(some, day, suspended=some is suspended)
    return None


def _bounds(found: list[Agreement], day: date, *, suspended: bool) -> Bounds:
    first = found[0]
    terms = first.terms
    since = terms.starts_on or day
    return Bounds(
        agreement=first.public_id,
        basis=terms.basis,
        tolerance=terms.tolerance,
        allowance_first=terms.allowance_first,
        allowance_per_year=terms.allowance_per_year,
        subjects=_all(each.terms.subjects for each in found),
        languages=_all(each.terms.languages for each in found),
        has_books=Scope.BOOKS in terms.scope,
        suspended=suspended,
        since=since,
        year_since=_year_since(since, day),
        named=_named(found),
    )


def _named(found: list[Agreement]) -> str:
    if len(found) > 1:
        return "your agreements are"
    terms = found[0].terms
    of = terms.signed_on or terms.starts_on
    return f"your agreement of {of} is" if of else "your agreement is"


def _all(named: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what any of them names, nothing where one of them leaves it open."""
    lists = list(named)
    return tuple(dict.fromkeys(each for some in lists for each in some)) if all(lists) else ()


def _year_since(start: date, day: date) -> date:
    years = max(0, day.year - start.year)
    if months_later(start, 12 * years) > day:
        years = max(0, years - 1)
    return months_later(start, 12 * years)


def room(bounds: Bounds | None, balance: int, given_this_year: int, given_before: int) -> Room:
    """Return how much may go to a partner by what was agreed, and why not more.

    ``balance`` is what it received less what it gave, counted as the basis says; what was given is
    in copies: in this year of the agreement, and in its earlier years. The first allowance is that
    of the year in which the first books go, the yearly one that of all later years. A balance by
    value cannot be told in copies, and bounds nothing here.

    >>> terms = Bounds("01", allowance_first=500, allowance_per_year=100)
    >>> room(terms, 0, 480, 0)[:2]
    (20, 'the agreement allows 500 copies in the first year')
    >>> room(terms, 0, 40, 500).copies, room(None, 0, 9, 9) == Room()
    (60, True)
    >>> room(Bounds("01", BalanceBasis.VOLUME, tolerance=20), 14, 9, 0).volumes
    6
    """
    if bounds is None or not bounds.has_books:
        return Room()
    if bounds.suspended:
        return Room(0, "the agreement with your library is suspended")
    allowed = _by_allowance(bounds, given_this_year, given_before)
    return allowed.smaller(_by_balance(bounds, balance))


def _by_allowance(bounds: Bounds, given_this_year: int, given_before: int) -> Room:
    first = given_before == 0 and bounds.allowance_first is not None
    allowance = bounds.allowance_first if first else bounds.allowance_per_year
    if allowance is None:
        return Room()
    left = max(0, allowance - given_this_year)
    when = "in the first year" if first else "a year"
    return Room(left, f"the agreement allows {_number(allowance, 'copy', 'copies')} {when}")


_COUNTED: Final = {
    BalanceBasis.PIECE: ("piece", "pieces"),
    BalanceBasis.VOLUME: ("volume", "volumes"),
}


def _by_balance(bounds: Bounds, balance: int) -> Room:
    counted = _COUNTED.get(bounds.basis)
    if counted is None or bounds.tolerance is None:
        return Room()
    left = max(0, bounds.tolerance - balance)
    tolerated = _number(bounds.tolerance, *counted)
    received = _number(abs(balance), *counted)
    side = "more than you gave" if balance >= 0 else "less than you gave"
    why = f"the agreement tolerates a balance of {tolerated}, and you received {received} {side}"
    if bounds.basis is BalanceBasis.VOLUME:
        return Room(volumes=left, why_volumes=why)
    return Room(left, why)


def _number(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


# --- books of which languages and subjects --------------------------------------------------------

# Codes that name no language: what is in none of these is not known to be in a wrong one.
_NO_LANGUAGE: Final = frozenset({"und", "mul", "zxx"})
_NAMED: Final = 5  # subjects that a reason names


def beside(bounds: Bounds, book: Book) -> str:
    """Return why a book is not what was agreed, as part of a sentence; "" if it is.

    One language that was agreed is enough, and one subject: a word of its title or its headings,
    or the beginning of a class number. A book is never refused for what its record does not say:
    its language, or any heading or class number.

    >>> terms = Bounds("01", languages=("kor", "chi"), subjects=("history", "951"))
    >>> beside(terms, Book("A history of Busan", "eng"))
    'your agreement is about books in kor, chi; this one is in eng'
    >>> beside(terms, Book("부산", "kor eng", classes=("813.7",)))
    'your agreement is about history, 951; this one is about 813.7'
    >>> beside(terms, Book("부산", "kor", classes=("951.9",))), beside(terms, Book("부산"))
    ('', '')
    """
    if not bounds.has_books or bounds.suspended:
        return ""
    if languages := _other_languages(bounds, book):
        agreed = ", ".join(bounds.languages)
        return f"{bounds.named} about books in {agreed}; this one is in {', '.join(languages)}"
    told = (*book.subjects, *book.classes)
    if not bounds.subjects or not told or _on_subject(bounds.subjects, book):
        return ""
    return f"{bounds.named} about {_some(bounds.subjects)}; this one is about {_some(told)}"


def is_open(bounds: Bounds, book: Book) -> bool:
    """Return whether it takes the subjects of a book, which are not read yet, to say if it is.

    >>> terms = Bounds("01", languages=("kor",), subjects=("history", "951"))
    >>> [is_open(terms, Book(*each)) for each in (("Busan", "kor"), ("Busan", "eng"))]
    [True, False]
    >>> is_open(terms, Book("A history of Busan", "kor"))
    False
    """
    if not bounds.subjects or not bounds.has_books or bounds.suspended:
        return False
    return not _other_languages(bounds, book) and not _on_subject(bounds.subjects, book)


def _other_languages(bounds: Bounds, book: Book) -> list[str]:
    """Return the languages of a book of which none was agreed; none where one is, or all are."""
    languages = [code for code in book.languages.split() if code not in _NO_LANGUAGE]
    return [] if not bounds.languages or set(languages) & set(bounds.languages) else languages


def _on_subject(subjects: tuple[str, ...], book: Book) -> bool:
    """Whether a book is about any of these: words, or the beginning of a class number.

    What has no letters is a number and no word: 800 is no book of 800 years.
    """
    words = [each for each in subjects if any(map(str.isalpha, each))]
    return bool(subject_profile.by_word(words, book) or subject_profile.by_class(subjects, book))


def _some(texts: tuple[str, ...]) -> str:
    said = ", ".join(texts[:_NAMED])
    more = len(texts) - _NAMED
    return f"{said} and {more} more" if more > 0 else said
