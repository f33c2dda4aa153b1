"""The tour, a direct gift: a thousand children's books to one partner, without list or wish.

Six real books of the table, in many copies each; who approves is an office, not a person.
"""

from __future__ import annotations

import json

from service.demo import books, folder, journey
from service.demo.narration import Narration
from service.demo.partner_system import WentWrong
from service.demo.seaside import Library, patiently

PARTNER = "ho-chi-minh"
_TITLE = "Books for children 2026"
_COPIES = {
    "kor-005": 200,
    "kor-006": 200,
    "kor-007": 150,
    "chi-001": 150,
    "jpn-004": 150,
    "mon-002": 150,
}
_UNIT_COST, _COST = "12000", "12000000"
_BUDGET_LINE = "Books abroad 2026"
_APPROVER = "Director of the library"
_GRAMS = "340000"
_POSTAGE = ("450000", "KRW")


def steps(library: Library, told: Narration) -> None:
    """Give the books, from the spreadsheet to the ledger."""
    gift = _approve(library, told)
    _send(library, gift, told)


def _approve(library: Library, told: Narration) -> str:
    told.heading("A direct gift: a thousand children's books for Ho Chi Minh City")
    file = library.file.with_name(folder.CHILDREN)
    file.write_text(books.table(_COPIES, _UNIT_COST), encoding="utf-8")
    told.say("No list, no wish: a spreadsheet with copies and costs, and an approval.")
    drafting = ("gift", "draft", PARTNER, "--title", _TITLE, "--currency", "KRW")
    gift = told.typed(library.commands, *drafting).split()[0]
    said = told.typed(library.commands, "gift", "fill", gift, str(file)).splitlines()
    told.say(said[0], "A worker catalogues them; then it is submitted and approved:")
    patiently(f"catalogue gift {gift}", lambda: _is_catalogued(library, gift))
    library.commands.run("gift", "submit", gift)
    told.typed(library.commands, "gift", "approve", gift, "--approver", _APPROVER)
    cost = ("--line", _BUDGET_LINE, "--cost", _COST)
    for line in library.commands.run("gift", "budget", gift, *cost).splitlines()[:-1]:
        told.tell(line, 3, behind=3)
    return gift


def _is_catalogued(library: Library, gift: str) -> bool:
    found = json.loads(library.commands.run("gift", "show", gift, "--json"))
    return not any(line["problem"] for line in found["lines"])


def _send(library: Library, gift: str, told: Narration) -> None:
    packing = ("gift", "pack", gift, "--service", "freight")
    made = told.typed(library.commands, *packing)
    number = next(
        line.split()[1].rstrip(":") for line in made.splitlines() if line.startswith("consignment ")
    )
    journey.choose_for_customs(library, number)
    for more in (
        ("change", number, "--customs", "heading=4903"),
        ("split", number, "--kind", "pallet", "--grams", "340"),
        ("tick", number, "--all"),
        ("parcel", number, "1", "--weight", _GRAMS),
        ("pack", number),
    ):
        library.commands.run("consignment", *more)
    told.say("A pallet of 340 kg goes by sea, with the papers that freight needs as well:")
    journey.papers(library, number, told)
    posting = ("--carrier", "Sea freight", "--postage", *_POSTAGE)
    told.typed(library.commands, "consignment", "dispatch", number, *posting)
    told.say(journey.expect(library, number, "DISPATCHED"))
    balance = library.commands.run("balance", PARTNER)
    if "in 1,000 volumes" not in balance:
        raise WentWrong(f"a thousand volumes should be in the balance: {balance}")
    told.say("", "The ledger has them, to the volume:")
    told.tell(balance.splitlines()[1].strip(), 3)
