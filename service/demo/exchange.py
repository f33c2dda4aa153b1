"""The second half of the tour: several partners want the same book, and one list is allocated.

What the library does goes through its commands, what partners do through their own systems.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from service.demo import books, folder
from service.demo.command_line import shown
from service.demo.narration import Narration
from service.demo.partner_system import Harvest, PartnerSystem, WentWrong, own_script
from service.demo.seaside import SLUG, Library
from service.domain.allocation import AllocationPolicy
from service.domain.allocation_policy import POLICIES

NEXT_SLUG = "winter-2027"
_NEXT_TITLE = "Winter 2027: offered again"
_WANTED = "채식주의자"
_CLOSING = "This tour cannot wait for ninety days"
_DECLINING = "a reader gave us a copy this week"
# Seconds until what was published is to be harvested.
_PATIENCE = 20.0


class Planned(NamedTuple):
    """The first two in line for the one book, as they are planned."""

    first: dict[str, Any]
    second: dict[str, Any]


class Table(NamedTuple):
    """A wish list as a partner's librarian keeps it, what is worth seeing, and its answers."""

    code: str
    what: str
    lines: tuple[str, ...]
    outcomes: tuple[str, ...]


# The numbers are of real editions; 9788936434595 is that of 2022, which is not on offer.
_TABLES = (
    Table(
        "kaohsiung",
        "a spreadsheet saved as CSV: an ISBN with hyphens, and a title in the other Chinese script",
        (
            "書名,作者,出版年,ISBN",
            "채식주의자,한강,2007,978-89-364-3359-8",
            "黃金時代的中國兒童文學,朱自強,2014,",
        ),
        ("registered", "matched"),
    ),
    Table(
        "ulaanbaatar",
        "the title by its sound, as it is romanised in Korea; our record has Ch'aesikchuŭija",
        (
            "Номын нэр,Зохиогч,Он",
            "Chaesikjuuija,Han Kang,2007",
        ),
        ("matched",),
    ),
    Table(
        "ho-chi-minh",
        "the same title in a later edition, and two more; its entry allows it one copy of a list",
        (
            "Nhan đề,Tác giả,Năm xuất bản,ISBN",
            "채식주의자,한강,2022,978-89-364-3459-5",
            "하늘도서관,엄정원,2022,979-11-89239-92-3",
            "그 집에 책이 산다,이윤민,2015,978-89-7094-806-5",
        ),
        ("other_edition", "registered", "registered"),
    ),
)


def steps(
    library: Library,
    systems: Mapping[str, PartnerSystem],
    harvest: Harvest,
    told: Narration,
) -> Harvest:
    """Go from wishes to a confirmed allocation and what follows; return what is on offer then."""
    titles = {book.identifier.rpartition("/")[2]: own_script(book) for book in harvest.books}
    _wishes(library, systems, told)
    planned = _plan(library, titles, told)
    _confirm(library, systems, planned, told)
    _answer(library, systems, planned, told)
    _given(library, systems["nagasaki"], told)
    return _offer_again(library, systems, titles, told)


# --- wishes -------------------------------------------------------------------------------------


def _wishes(library: Library, systems: Mapping[str, PartnerSystem], told: Narration) -> None:
    told.heading("Others wish for the same book, each in its own way")
    told.say("Tables from their own spreadsheets, with headings in their own languages:")
    for table in _TABLES:
        answer = systems[table.code].wish("\r\n".join(table.lines), "text/csv; charset=UTF-8")
        told.say("", _name(library, table.code))
        told.tell(table.what, 3)
        told.say("", f"      {table.lines[0]}")
        for line in answer["lines"]:
            told.say(f"      {line['line']}")
            told.tell(f"{line['outcome'].replace('_', ' ').upper()}  {line['reason']}", 9)
        outcomes = tuple(line["outcome"] for line in answer["lines"])
        if outcomes != table.outcomes:
            raise WentWrong(f"{table.code}: should be {table.outcomes}, and is {outcomes}")


def _name(library: Library, code: str) -> str:
    return next(partner.name for partner in library.partners if partner.code == code)


# --- allocation ---------------------------------------------------------------------------------


def _plan(library: Library, titles: Mapping[str, str], told: Narration) -> Planned:
    """Close the list and plan it; return who wants the one book."""
    told.heading("The list closes, and a plan says who is to get what, and why")
    closing = ("list", "close", SLUG, "--override", "--reason", _CLOSING)
    library.commands.run(*closing)
    told.say("Before its day a list closes only with a reason, which every partner is told:")
    told.command(*closing)
    library.commands.run("allocate", SLUG)
    told.say("Then it is planned. Nobody is told of a plan, and it can be made again:")
    told.command("allocate", SLUG)
    found = json.loads(library.commands.run("allocate", SLUG, "--show", "--json"))
    policy = AllocationPolicy(found["run"]["policy"])
    told.tell(f"{policy.value}: {POLICIES[policy].explained()}")
    told.tell(f"Lots are drawn from the seed {found['run']['seed']}, alike on every machine.")
    by_title: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for decided in found["wishes"]:
        by_title[titles[decided["offer"]]].append(decided)
    for title, wishes in sorted(by_title.items(), key=lambda each: (-len(each[1]), each[0])):
        copies = _many(wishes[0]["copies"], "copy", "copies")
        told.say("", f"   {title}: {copies}, {_many(len(wishes), 'wish', 'wishes')}")
        for decided in wishes:
            told.tell(f"{decided['partner']:<12} {decided['reason']}", 6, behind=13)
    _what_if(library, told)
    in_line = sorted((each for each in by_title[_WANTED] if each["rank"]), key=itemgetter("rank"))
    if len(in_line) < 2 or not in_line[0]["given"] or in_line[1]["given"]:
        raise WentWrong(f"the only copy of {_WANTED} should go to the first in line: {in_line}")
    return Planned(in_line[0], in_line[1])


def _many(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _what_if(library: Library, told: Narration) -> None:
    asking = ("allocate", SLUG, "--dry-run", "--policy", "FIRST_COME")
    found = json.loads(library.commands.run(*asking, "--json"))["what_if"]["shares"]
    told.say("", "What would “first come, first served” have changed? Trying keeps nothing:")
    told.command(*asking)
    for share in found:
        if share["now"] != share["then"]:
            copies = _many(share["then"], "copy", "copies")
            told.say(f"   {share['partner']:<12} {copies} instead of {share['now']}")


def _confirm(
    library: Library, systems: Mapping[str, PartnerSystem], planned: Planned, told: Narration
) -> None:
    told.heading("The plan is confirmed, and everyone reads why")
    confirming = ("allocate", SLUG, "--confirm")
    said = library.commands.run(*confirming)
    told.say("Now it stands: the titles leave the list, and every partner is told.")
    told.command(*confirming)
    told.say(*said.partition("\n\n")[0].splitlines())
    told.say("", "By the API each partner sees what became of its own wishes, and of no others:")
    for code in (planned.first["partner"], planned.second["partner"]):
        _reads(library, systems[code], planned, told)


def _reads(library: Library, system: PartnerSystem, planned: Planned, told: Narration) -> str:
    """Tell what a partner reads about the one book; return it."""
    found = _decision(system, planned.first["offer"])
    told.say("", f"   {_name(library, system.code)} reads about {_WANTED}:")
    until = f" Answer until {found['answer_until']}." if found["answer_until"] else ""
    told.tell(found["reason"] + until, 6)
    return str(found["reason"])


def _decision(system: PartnerSystem, offer: str) -> dict[str, Any]:
    return next(each for each in system.allocations() if each["offer"].endswith(f"/{offer}"))


def _got_after_all(system: PartnerSystem, offer: str) -> bool:
    return any(
        each["offer"].endswith(f"/{offer}") and "after all" in each["reason"]
        for each in system.allocations()
    )


def _answer(
    library: Library, systems: Mapping[str, PartnerSystem], planned: Planned, told: Narration
) -> None:
    first = systems[planned.first["partner"]]
    told.heading(f"{_name(library, first.code)} declines: the next in line gets the book")
    told.tell(
        "It was asked, because its wish was matched by sound and did not name the book, and its "
        f"system answers: “{_DECLINING}”."
    )
    first.decline(planned.first["id"], _DECLINING)
    _reads(library, first, planned, told)
    # Who is second may have used up its allowance with other titles: the lots say so by then.
    for system in systems.values():
        if system is not first and _got_after_all(system, planned.first["offer"]):
            _reads(library, system, planned, told)
            break
    else:
        raise WentWrong("the copy should have passed to the next in line, and nobody has it")
    looking = ("audit", "--kind", "allocation", "--limit", "5")
    told.say("", "Who did what is in the audit log, newest first:")
    told.command(*looking)
    for line in library.commands.run(*looking).splitlines():
        told.tell(line, 3, behind=3)


# --- afterwards ---------------------------------------------------------------------------------


def _given(library: Library, system: PartnerSystem, told: Narration) -> None:
    told.heading(f"{_name(library, system.code)} harvests what it was given")
    spec = f"given:{system.code}"
    sent = sum(1 for each in system.allocations() if each["transfer"])
    given = _harvest(system, spec, sent)
    told.say(
        f"ListRecords   set={spec}, which nobody else can see: {sent} books,",
        "              with their records for its catalogue",
        "",
        *(f"   {own_script(book)}" for book in given.books),
    )
    gone = sum(1 for book in system.harvest(f"list:{SLUG}").books if book.deleted)
    if gone != library.report.counts.new:
        raise WentWrong(f"all of list {SLUG} should be deleted by now, and {gone} are")
    told.say("", f"Of list {SLUG} it learns {gone} deletions: nothing there can be had any more.")


def _harvest(system: PartnerSystem, spec: str, number: int, *, known: bool = True) -> Harvest:
    """Harvest a set as soon as it holds so many books."""
    until = time.monotonic() + _PATIENCE
    while len((found := system.harvest(spec, known=known)).books) != number:
        if time.monotonic() > until:
            raise WentWrong(f"set {spec} should have {number} books, not {len(found.books)}")
        time.sleep(0.2)
    return found


def _offer_again(
    library: Library,
    systems: Mapping[str, PartnerSystem],
    titles: Mapping[str, str],
    told: Narration,
) -> Harvest:
    decided = [each for system in systems.values() for each in system.allocations()]
    taken = {titles[each["offer"].rpartition("/")[2]] for each in decided if each["given"]}
    told.heading("What nobody got is offered again, to everybody")
    left = library.file.with_name(folder.LEFT)
    left.write_bytes(books.file(without={title.partition(" : ")[0] for title in taken}))
    for command in (
        ("list", "create", NEXT_SLUG, "--title", _NEXT_TITLE),
        ("import", str(left), "--list", NEXT_SLUG),
        ("list", "open", NEXT_SLUG),
    ):
        library.commands.run(*command)
        told.say(f"   {shown(*command)}")
    number = library.report.counts.new - len(taken)
    fresh = _harvest(systems["nagasaki"], f"list:{NEXT_SLUG}", number, known=False)
    told.say(
        "",
        f"{number} records, all of them known to the catalogue already: none is entered twice.",
        "Anybody can harvest this list, without credentials.",
    )
    return fresh
