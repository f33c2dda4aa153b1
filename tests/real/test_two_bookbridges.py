"""Two libraries exchange by themselves, and lose nothing when either is killed in the middle.

Busan offers to Nagasaki, whose librarian wishes; Busan allocates, and Nagasaki has the records of
what it was given. Ulaanbaatar is a partner of Busan as well, and sees nothing of it.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from marc_mappings.record import Field, Record, Subfield
from service.domain.source import SourceKind
from service.store.db import Connection
from service.store.tables import (
    allocation,
    feed_item,
    harvest,
    harvest_line,
    harvested,
    offer,
    offer_list,
    record,
    record_version,
    source,
    transfer,
    wish,
    wish_list,
)
from service.usecases import reading_sources, subscribing
from service.usecases.sealing import unseal
from tests.real.two_bookbridges import Library, until
from tests.service.builders import a_file, a_record

TITLES = 14
CHANGED, TAKEN_BACK, NOT_WANTED = 1, 2, 3

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def libraries(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path
) -> Iterator[dict[str, Library]]:
    """Busan, Nagasaki and Ulaanbaatar, each with a fresh database."""
    made: dict[str, Library] = {}
    names: list[str] = []
    for code in ("busan", "nagasaki", "ulaanbaatar"):
        if request.param == "sqlite":
            path = tmp_path / f"{code}.sqlite3"
            shutil.copy(sqlite_template, path)
            url = f"sqlite:///{path}"
        else:
            server = request.getfixturevalue("postgresql")
            names.append(f"test_{uuid.uuid4().hex}")
            server.psql(f"CREATE DATABASE {names[-1]} TEMPLATE template_bookbridge")
            url = server.get_uri(names[-1])
        made[code] = Library(code, tmp_path / code, url)
    yield made
    for library in made.values():
        library.close()
    for name in names:
        request.getfixturevalue("postgresql").psql(f"DROP DATABASE {name} WITH (FORCE)")


def the_record(number: int, title: str = "") -> Record:
    """A record with what can be lost on the way: scripts, links, order, blanks, long fields."""
    vernacular = Field(
        "880",
        "10",
        (Subfield("6", "245-01/$1"), Subfield("a", f"바다의 책 {number} =")),
    )
    note = Field("520", "  ", (Subfield("a", f"{number} " + "海の本 Ном цэцэг & <x> " * 40),))
    blanks = Field(
        "500", " 7", (Subfield("z", "  two blanks  "), Subfield("z", ""), Subfield("a", "é"))
    )
    return a_record(
        title or f"A book of the sea {number}",
        number=f"B{number:04}",
        agency="KR-BUSAN",
        place="ko ",
        extra=(blanks, note, vernacular),
    )


def subscribe(
    who: Library, to: Library, token: str, name: str, kind: SourceKind, set_: str
) -> None:
    """Let a library harvest another one on schedule, and take in what comes by itself."""
    subscribing.add_source(
        who.site,
        name=name,
        partner_code=to.code,
        url=f"{to.url}/oai",
        kind=kind,
        set_=set_,
        prefix="marc21",
        credentials=(who.code, token),
        every=60,
        auto_commit=True,
        now=who.site.now(),
    )


def bring(library: Library, slug: str, *records: Record) -> None:
    library.post(f"/imports?list={slug}", data=a_file(*records))


def incoming(library: Library, slug: str, state: str = "OFFERED") -> dict[str, str]:
    """Return what is on a list that was harvested: public ids by title."""
    query = (
        sa.select(record_version.c.title, offer.c.public_id)
        .select_from(offer)
        .join(offer_list, offer_list.c.id == offer.c.list_id)
        .join(record, record.c.id == offer.c.record_id)
        .join(record_version, record_version.c.id == record.c.current_version_id)
        .where(offer_list.c.slug == slug, offer.c.state == state)
    )
    with library.site.db.read() as conn:
        return {row.title: row.public_id for row in conn.execute(query)}


def states(library: Library) -> list[str]:
    return [each["state"] for each in library.all("/own-wishes?limit=200")]


def canonical(conn: Connection, query: sa.Select[Any]) -> list[bytes]:
    return sorted(bytes(row[0]) for row in conn.execute(query))


def sent(library: Library) -> list[bytes]:
    """Return the records of all that a library gave, as it sent them."""
    with library.site.db.read() as conn:
        return canonical(
            conn,
            sa.select(record_version.c.canonical).join(
                transfer, transfer.c.version_id == record_version.c.id
            ),
        )


def taken_in(library: Library, name: str) -> list[bytes]:
    """Return the records that a source says now, as the library has them."""
    with library.site.db.read() as conn:
        return canonical(
            conn,
            sa.select(record_version.c.canonical)
            .join(record, record.c.current_version_id == record_version.c.id)
            .join(harvested, harvested.c.record_id == record.c.id)
            .join(source, source.c.id == harvested.c.source_id)
            .where(source.c.name == name, harvested.c.deleted.is_(False)),
        )


def test_two_bookbridges_exchange_by_themselves_and_lose_nothing(
    libraries: dict[str, Library],
) -> None:
    busan, nagasaki, ulaanbaatar = libraries.values()
    _offer(busan, nagasaki, ulaanbaatar)
    _harvest_though_killed(busan, nagasaki)
    ulaanbaatar.start_serving()
    ulaanbaatar.work()
    _wish_though_killed(busan, nagasaki)
    _change_on_both_sides(busan, nagasaki)
    _allocate_though_killed(busan, nagasaki)
    _take_in_what_was_given(busan, nagasaki)
    _bystander_saw_nothing(busan, nagasaki, ulaanbaatar)


def _offer(busan: Library, nagasaki: Library, ulaanbaatar: Library) -> None:
    """Busan offers a list to Nagasaki alone, and a title to everybody."""
    for library in (nagasaki, ulaanbaatar):
        library.befriend(busan)
        token = busan.befriend(library)
        subscribe(library, busan, token, "busan", SourceKind.OFFERS, "list")
        subscribe(library, busan, token, "gifts", SourceKind.GIVEN, f"given:{library.code}")
        library.often()
    # It will die in the middle of the harvest: Identify, formats and a page are its last answers.
    busan.start_serving(dying_at="oai.provider:respond", after=4)
    nagasaki.start_serving()
    busan.work()
    busan.ready()
    busan.post("/lists", json={"slug": "spring", "title": "Spring", "partners": ["nagasaki"]})
    busan.post("/lists", json={"slug": "for-all", "title": "For all"})
    bring(busan, "spring", *map(the_record, range(TITLES)))
    bring(busan, "for-all", a_record("For all", number="A1", agency="KR-BUSAN"))
    for slug in ("spring", "for-all"):
        busan.post(f"/lists/{slug}/open")
    until(lambda: busan.count(feed_item) == TITLES + 1, busan)


def _harvest_though_killed(busan: Library, nagasaki: Library) -> None:
    """Busan's server dies in the middle of the harvest, and then Nagasaki's worker."""
    with nagasaki.site.db.write() as conn:
        conn.execute(source.update().where(source.c.name == "gifts").values(due_at=None))
    nagasaki.ready()
    nagasaki.work(dying_at="service.store.harvests:keep", after=5)
    busan.died("server")
    # The next one will die when it has taken the wishes, before it says so.
    busan.serve(dying_at="service.usecases.wishing:receive")
    nagasaki.died("worker", hurry=True)
    assert nagasaki.count(harvest_line) > 0, "a part has come"
    assert incoming(nagasaki, "from-busan") == {}, "and nothing is offered before all is there"
    nagasaki.hurry()
    with nagasaki.site.db.write() as conn:
        conn.execute(
            source.update().where(source.c.name == "gifts").values(due_at=source.c.created_at)
        )
    # And this one when it has the answer to the wishes, before that is noted.
    nagasaki.work(dying_at="service.store.sendings:answer")
    until(lambda: len(incoming(nagasaki, "from-busan")) == TITLES + 1, busan, nagasaki)


def _wish_though_killed(busan: Library, nagasaki: Library) -> None:
    """Busan's server dies when it has the wishes, Nagasaki's worker when it has the answer."""
    offers = incoming(nagasaki, "from-busan")
    wanted = [public_id for title, public_id in offers.items() if title != "For all"]
    nagasaki.post("/own-wishes", json={"offers": wanted})
    nagasaki.post("/own-wishes/send", json={"partner": "busan"})
    busan.died("server")
    assert busan.count(wish_list) == 1, "it has them, and Nagasaki does not know"
    busan.serve()
    nagasaki.died("worker", hurry=True)
    assert set(states(nagasaki)) == {"SENT"}
    nagasaki.hurry()
    nagasaki.work()
    until(lambda: set(states(nagasaki)) == {"ANSWERED"}, busan, nagasaki)
    assert busan.count(wish_list) == 1, "however often it was sent"
    assert busan.count(wish, wish.c.state == "OPEN") == TITLES
    assert {each["outcome"] for each in nagasaki.all("/own-wishes")} == {"registered"}


def _change_on_both_sides(busan: Library, nagasaki: Library) -> None:
    """Busan corrects a record and takes a title back; Nagasaki takes a wish back."""
    title = "A book of the sea {}".format
    bring(busan, "spring", the_record(CHANGED, "A book of the sea, corrected"))
    offers = {each["title"]: each["id"] for each in busan.all("/offers?list=spring&limit=200")}
    busan.post(f"/offers/{offers[title(TAKEN_BACK)]}/withdraw")
    wishes = {each["title"]: each for each in nagasaki.all("/own-wishes?limit=200")}
    taken = nagasaki.http.delete(wishes[title(NOT_WANTED)]["url"], timeout=30)
    assert taken.json()["state"] == "WITHDRAWING"

    def crossed_over() -> bool:
        here = incoming(nagasaki, "from-busan")
        return (
            "A book of the sea, corrected" in here
            and title(TAKEN_BACK) not in here
            and busan.count(wish, wish.c.state == "WITHDRAWN") == 1
        )

    until(crossed_over, busan, nagasaki)
    assert len(incoming(nagasaki, "from-busan")) == TITLES
    until(lambda: states(nagasaki).count("WITHDRAWN") == 1, nagasaki)


def _allocate_though_killed(busan: Library, nagasaki: Library) -> None:
    """Busan's command dies in its second step, and is given again."""
    busan.post("/lists/spring/close")
    code = busan.run(
        "allocate",
        "spring",
        "--confirm",
        dying_at="service.store.allocation_steps:settle",
        after=2,
        setting="service.usecases.confirming:_AT_ONCE=6",
    )
    assert code == -9, busan.told()
    decided = busan.count(allocation, allocation.c.state != "PROPOSED")
    assert decided == 5, "the first step was kept whole, the second not at all"
    assert busan.run("allocate", "spring", "--confirm") == 0, busan.told()
    assert busan.count(transfer) == TITLES - 2
    shown = busan.get("/lists/spring/allocation")["run"]
    assert (shown["wishes"], shown["met"]) == (TITLES - 1, TITLES - 2)
    nagasaki.post("/own-wishes/send", json={"partner": "busan"})

    def decided() -> bool:
        found = states(nagasaki)
        return found.count("ALLOCATED") == TITLES - 2 and found.count("NOT_ALLOCATED") == 1

    until(decided, busan, nagasaki)


def _take_in_what_was_given(busan: Library, nagasaki: Library) -> None:
    """Nagasaki has the records of what it was given, as Busan sent them; the offers are gone."""

    def all_there() -> bool:
        there = len(taken_in(nagasaki, "gifts")) == TITLES - 2
        return there and list(incoming(nagasaki, "from-busan")) == ["For all"]

    until(all_there, busan, nagasaki)
    received = taken_in(nagasaki, "gifts")
    assert received == sent(busan)
    assert sum(b"A book of the sea, corrected" in each for each in received) == 1


def _bystander_saw_nothing(busan: Library, nagasaki: Library, ulaanbaatar: Library) -> None:
    """Ulaanbaatar harvested all the while, and has what everybody was offered, no more."""
    ulaanbaatar.ready()
    done = harvest.c.state == "DONE"
    before = ulaanbaatar.count(harvest, done)

    def harvested_anew() -> bool:
        ulaanbaatar.end_pauses()  # Busan was away when it was asked
        return ulaanbaatar.count(harvest, done) > before + 1

    until(harvested_anew, ulaanbaatar)
    until(lambda: bool(incoming(ulaanbaatar, "from-busan")), ulaanbaatar)  # and committed
    assert list(incoming(ulaanbaatar, "from-busan")) == ["For all"]
    assert taken_in(ulaanbaatar, "gifts") == []
    assert [each["slug"] for each in ulaanbaatar.all("/lists")] == ["from-gifts", "from-busan"]
    assert ulaanbaatar.count(record_version) == 1
    assert ulaanbaatar.count(harvest, harvest.c.state.not_in(["DONE", "RUNNING"])) == 0
    received = busan.all("/wishlists")[0]["url"]
    token = _token_of(ulaanbaatar)
    assert requests.get(received, auth=("ulaanbaatar", token), timeout=30).status_code == 404
    asked = f"{busan.url}/oai?verb=ListIdentifiers&metadataPrefix=marc21&set=given:nagasaki"
    answer = requests.get(asked, auth=("ulaanbaatar", token), timeout=30)
    assert "noRecordsMatch" in answer.text
    assert nagasaki.code in asked


def _token_of(library: Library) -> str:
    """Return the token by which a library harvests Busan."""
    found = reading_sources.find_source(library.site.db, "busan").source
    assert found.credentials is not None
    return unseal(library.site.settings, found.credentials).partition("\n")[2]
