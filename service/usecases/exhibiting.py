"""Exhibiting: a partner's books are chosen, described and shown for a quarter; then it is kept.

``by`` is who acts, as the audit log has it; days are UTC. Who gives an exhibition its days holds
those of all of them, so that no two share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from service.domain import exhibition as rules
from service.domain.donated_book import BookKey, DonatedBook
from service.domain.exhibition import Exhibition, Phase
from service.domain.revision import check_seen
from service.errors import Invalid, NotFound, WrongValues
from service.store import audit_log, donated_books, exhibitions, partners
from service.store.db import Connection, Database

KIND: Final = "exhibition"


class Shown(NamedTuple):
    """An exhibition with its books, in order."""

    exhibition: Exhibition
    books: list[DonatedBook]


# --- for visitors ---------------------------------------------------------------------------------


def current(db: Database, today: date) -> Shown | None:
    """Return the exhibition that is shown on a day, or None."""
    with db.read() as conn:
        found = exhibitions.on_day(conn, today)
        return None if found is None else _shown(conn, found)


def visit(db: Database, slug: str, today: date) -> Shown:
    """Return an exhibition that is or was shown; one to come is ``NotFound``, as one unknown."""
    with db.read() as conn:
        found = _known(conn, slug)
        if found.phase(today) is Phase.COMING:
            raise NotFound(f"there is no exhibition {slug!r}")
        return _shown(conn, found)


def past(db: Database, today: date, *, before: date | None = None, limit: int) -> list[Exhibition]:
    """Return exhibitions that have ended, the latest first, those that ended ``before`` a day."""
    end = today if before is None else min(today, before)
    with db.read() as conn:
        return exhibitions.listed(conn, before=end, limit=limit)


# --- for the staff --------------------------------------------------------------------------------


def list_exhibitions(db: Database) -> list[Exhibition]:
    """Return all exhibitions, the latest first."""
    with db.read() as conn:
        return exhibitions.listed(conn)


def find(db: Database, slug: str) -> Shown:
    """Return an exhibition, to come or not; raise ``NotFound``."""
    with db.read() as conn:
        return _shown(conn, _known(conn, slug))


def givers(db: Database) -> list[tuple[str, str, int]]:
    """Return the partners whose books may be shown: code, name, and how many titles there are."""
    with db.read() as conn:
        return donated_books.givers(conn)


def titles(
    db: Database, slug: str, *, after: BookKey | None = None, limit: int
) -> list[DonatedBook]:
    """Return what its partner gave us, behind the book ``after``: what may be chosen."""
    with db.read() as conn:
        return donated_books.from_partner(conn, _known(conn, slug).partner_id, after, limit)


def add(db: Database, given: Mapping[str, Any], *, by: str, now: datetime) -> Exhibition:
    """Enter an exhibition of ``slug``, ``partner``, ``opens_on``, ``closes_on`` and ``words``.

    An empty slug is made of quarter and partner. Raises ``WrongValues`` that tells all that is
    wrong, ``Conflict`` for a slug or days that another one has.
    """
    whole = {name: given.get(name, "") for name in rules.NEEDED}
    if not whole["slug"]:
        del whole["slug"]
    values = rules.checked(whole)
    values.setdefault("slug", rules.suggested_slug(values["opens_on"], values["partner"]))
    with db.write() as conn:
        taken = exhibitions.hold_days(conn)
        _check_days(values["slug"], values["opens_on"], values["closes_on"], taken)
        exhibitions.add(conn, _with_partner(conn, values), by, now)
        made = _known(conn, values["slug"])
        _keep(conn, "added", made.slug, None, _told(made), by, now)
        return made


def change(
    db: Database,
    slug: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Exhibition:
    """Change fields of an exhibition; its slug stays. ``seen`` is the revision looked at.

    Raises ``NotFound``, ``WrongValues``, ``Outdated``, and ``Conflict`` for days of another, and
    for another partner while books are chosen.
    """
    values = rules.checked({name: value for name, value in given.items() if name != "slug"})
    with db.write() as conn:
        taken = exhibitions.hold_days(conn)
        found = _hold(conn, slug, seen)
        days = [values.get(name, getattr(found, name)) for name in ("opens_on", "closes_on")]
        _check_days(slug, days[0], days[1], taken)
        rules.check_partner_stays(found, values.get("partner", found.partner))
        exhibitions.put(conn, found, _with_partner(conn, values))
        made = _known(conn, slug)
        _keep(conn, "changed", slug, _told(found), _told(made), by, now)
        return made


def choose(
    db: Database,
    slug: str,
    keys: Sequence[BookKey],
    *,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Exhibition:
    """Let an exhibition show just these books, in this order.

    Raises ``NotFound``, ``Invalid`` for what its partner did not give us, ``Outdated``.
    """
    wanted = list(dict.fromkeys(keys))
    if len(wanted) > rules.MOST_BOOKS:
        raise Invalid(f"an exhibition shows at most {rules.MOST_BOOKS:,} books", "books")
    with db.write() as conn:
        found = _hold(conn, slug, seen)
        pieces = donated_books.keyed(conn, found.partner_id, wanted)
        strange = [str(each) for each in wanted if each not in pieces]
        if strange:
            raise Invalid(
                f"{found.partner_name} did not give us, or we did not accept: "
                f"{', '.join(strange[:5])}",
                "books",
            )
        exhibitions.choose(conn, found.id, [pieces[each] for each in wanted])
        exhibitions.put(conn, found, {})
        made = _known(conn, slug)
        _keep(conn, "chosen", slug, {"books": found.books}, {"books": made.books}, by, now)
        return made


def choose_numbers(
    db: Database, slug: str, numbers: Sequence[str], *, by: str, now: datetime
) -> Exhibition:
    """Choose books by their accession numbers; raises as ``choose`` does."""
    with db.read() as conn:
        found = _known(conn, slug)
        known = donated_books.numbered(conn, found.partner_id, numbers)
    if strange := [each for each in numbers if each not in known]:
        raise Invalid(
            f"no book that {found.partner_name} gave us has the accession number "
            f"{', '.join(strange[:5])}",
            "books",
        )
    return choose(db, slug, [known[each] for each in numbers], by=by, now=now)


def remove(
    db: Database, slug: str, *, today: date, seen: int | None = None, by: str, now: datetime
) -> None:
    """Take away an exhibition that is still to come; raise ``Conflict`` for any other."""
    with db.write() as conn:
        found = _hold(conn, slug, seen)
        rules.check_removable(found, today)
        exhibitions.remove(conn, found)
        _keep(conn, "removed", slug, _told(found), None, by, now)


# --- the parts ------------------------------------------------------------------------------------


def _known(conn: Connection, slug: str) -> Exhibition:
    found = exhibitions.by_slug(conn, slug)
    if found is None:
        raise NotFound(f"there is no exhibition {slug!r}")
    return found


def _hold(conn: Connection, slug: str, seen: int | None) -> Exhibition:
    found = exhibitions.lock(conn, slug)
    if found is None:
        raise NotFound(f"there is no exhibition {slug!r}")
    check_seen("this exhibition", seen, found.revision)
    return found


def _shown(conn: Connection, found: Exhibition) -> Shown:
    return Shown(found, exhibitions.books(conn, found.id))


def _check_days(
    slug: str, opens_on: date, closes_on: date, taken: Iterable[tuple[str, date, date]]
) -> None:
    rules.check_days(opens_on, closes_on)
    rules.check_alone(slug, opens_on, closes_on, taken)


def _with_partner(conn: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the partner's row in the place of its code."""
    made = dict(values)
    if "partner" in made:
        code = made.pop("partner")
        known = partners.by_codes(conn, [code])
        if code not in known:
            raise WrongValues([("partner", f"there is no partner {code!r}")])
        made["partner_id"] = known[code]
    return made


def _keep(
    conn: Connection,
    action: str,
    slug: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    by: str,
    now: datetime,
) -> None:
    """Enter in the audit log what was done to an exhibition."""
    audit_log.write(
        conn, by=by, action=action, kind=KIND, name=slug, now=now, before=before, after=after
    )


def _told(found: Exhibition) -> dict[str, Any]:
    return {
        "partner": found.partner,
        "opens_on": found.opens_on.isoformat(),
        "closes_on": found.closes_on.isoformat(),
        "titles": [f"{each.language}: {each.title}" for each in found.words],
        "texts": {each.language: each.text for each in found.words},
        "books": found.books,
    }
