"""The exchange before anybody acts: four partners, an agreement, four lists as drafts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from marc_mappings.record import Field, Record, Subfield
from service.domain.partner import PartnerState
from service.store import tables
from service.store.db import Database
from service.usecases import (
    agreeing,
    changing_lists,
    enrolling,
    membership,
    offering,
    publishing,
)
from tests.service.builders import HandClock, bring, make_site
from tests.service.matching import a_book

PARTNERS = {"ara": "KR", "bela": "MN", "cyd": "JP", "duc": "VN"}
BOUND, SUSPENDED, SMALL = "bela", "duc", "cyd"
TOLERATED = 6  # volumes, by the agreement with ``BOUND``: a set and a book, not two books more
PER_LIST = 1  # copies that ``SMALL`` may get of one list
STAFF = "staff:hana"


class Book(NamedTuple):
    """A title of the tests: the same ``title`` on two lists is found by the same keys."""

    slug: str
    title: str
    author: str
    year: str
    isbn: str
    copies: int = 1
    volumes: int = 1

    def record(self, number: int) -> Record:
        """Return its record; behind its title stands the name of its list, which no key has."""
        made = a_book(self.title, self.author, self.year, isbn=self.isbn, language="eng")
        shown = (Subfield("a", f"{self.title} :"), Subfield("b", self.slug))
        head = (Field("001", "", value=str(number)), Field("003", "", value="XX-TEST"))
        fields = (Field("245", "10", shown) if f.tag == "245" else f for f in made.fields)
        return Record(made.leader, (*head, *fields))


BOOKS = (
    Book("spring", "The vegetarian", "Han, Kang", "2015", "9788936433598"),
    Book("spring", "Human acts", "Han, Kang", "2016", "9788936434595", copies=2),
    Book("spring", "The cloven viscount", "Calvino, Italo", "1952", "9788970128856", volumes=5),
    Book("near-first", "The baron in the trees", "Calvino, Italo", "1957", "9788937460470"),
    # The same works as above, for one partner alone: by title, author and year, and by ISBN.
    Book("canary-ara", "The vegetarian", "Han, Kang", "2015", "9788954651134"),
    Book("canary-cyd", "Human acts", "Han, Kang", "2016", "9788936434595"),
)
# What may be added while the machine runs: another edition, and what was on no list before.
LATER = (
    Book("", "The vegetarian", "Han, Kang", "2018", "9788954651356"),
    Book("", "The nonexistent knight", "Calvino, Italo", "1959", "9788937462849", copies=3),
)
# What partners wish for: every edition once.
WORKS = tuple({(each.title, each.year): each for each in (*BOOKS, *LATER)}.values())
LISTS: Mapping[str, Mapping[str, Any]] = {
    "spring": {},
    "near-first": {"audience": "near"},
    "canary-ara": {"partner_codes": ["ara"]},
    "canary-cyd": {"partner_codes": ["cyd"]},
}
NEAR = {"ara", "duc"}


class Numbers:
    """Public ids in their order, the same in every run: lots are drawn by them."""

    def __init__(self) -> None:
        self.at = 0

    def new(self) -> str:
        """Return the next public id."""
        self.at += 1
        return f"01{self.at:024d}"


def prepare(db: Database, folder: Path) -> None:
    """Enter the partners, the agreement, and the lists as drafts with their titles."""
    site = make_site(db, folder, HandClock())
    now = site.now()
    for code, place in PARTNERS.items():
        address = f"1 {code.title()} Road"
        given = {"name": f"Library of {code}", "place": place, "address_roman": address}
        enrolling.add(db, code, given, by=STAFF, now=now)
    enrolling.change(db, SMALL, {"per_list": PER_LIST}, by=STAFF, now=now)
    membership.add_audience(db, "near", sorted(NEAR), now=now)
    agreeing.draw_up(
        db,
        {
            "title": "Volume for volume",
            "scope": ["BOOKS"],
            "parties": [{"partner": BOUND}],
            "signed_on": now.date(),
            "starts_on": now.date(),
            "term_months": 4,
            "basis": "VOLUME",
            "tolerance": TOLERATED,
        },
        signed=True,
        by=STAFF,
        now=now,
    )
    for slug, more in LISTS.items():
        offering.create_list(db, slug=slug, title=slug, by=STAFF, now=now, **more)
        books = [(n, each) for n, each in enumerate(BOOKS, 1) if each.slug == slug]
        bring(site, *(each.record(number) for number, each in books), slug=slug)
    with db.read() as conn:
        offers = [row.public_id for row in conn.execute(sa.select(tables.offer).order_by("id"))]
    for name, each in zip(offers, BOOKS, strict=True):
        values = {"copies": each.copies, "volumes": each.volumes}
        changing_lists.change_offer(db, name, values, by=STAFF, now=now)
    enrolling.set_state(db, SUSPENDED, PartnerState.SUSPENDED, by=STAFF, now=now)
    publishing.publish_all(db, site.clock, sleep=lambda _: None)
