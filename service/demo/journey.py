"""The last part of the tour: books travel, arrive, are confirmed and counted, both ways.

The library packs and dispatches by its commands; the partner confirms by the link on the slip.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.demo.narration import Narration
from service.demo.partner_system import PartnerSystem, WentWrong
from service.demo.seaside import Library
from service.usecases import receiving

_THEME = "Books of this autumn"
_POSTAGE = ("28500", "KRW")
_FILE = "records-for-nagasaki.mrc"


def steps(library: Library, systems: Mapping[str, PartnerSystem], told: Narration) -> None:
    """Send one partner what it was given, until both sides read the same balance."""
    system = systems["nagasaki"]
    number = _pack(library, system, told)
    _dispatch(library, number, told)
    _confirm(library, system, number, told)
    _count(library, system, told)


def _run(library: Library, told: Narration, *arguments: str) -> str:
    """Run a command that is shown as one types it; return what it prints."""
    told.command(*arguments)
    return library.commands.run(*arguments)


def _pack(library: Library, system: PartnerSystem, told: Narration) -> str:
    told.heading("What was allocated is packed")
    told.say("All that Nagasaki was given and that is not on its way yet becomes one consignment:")
    made = _run(library, told, "consignment", "make", system.code, "--theme", _THEME)
    number = made.split()[0]
    told.say(*made.splitlines()[:1])
    for line in made.splitlines()[2:]:
        if line[:1].isdigit():
            told.tell(line, 3, behind=3)
    for more in (
        ("split", number, "--operator", "KOREA_POST"),
        ("tick", number, "--all"),
        ("parcel", number, "1", "--weight", "1650"),
        ("pack", number),
    ):
        library.commands.run("consignment", *more)
    told.say(
        "",
        "Lines are assigned to parcels or M-bags by what the operator takes, ticked or scanned,",
        "weighed, and the parcels closed. The MARC records of exactly these books go along:",
    )
    file = str(library.file.with_name(_FILE))
    _run(library, told, "consignment", "records", number, "-o", file)
    told.say("So do the papers: packing list with a QR code, address labels, customs declaration:")
    papers = _run(library, told, "consignment", "papers", number, "-o", str(library.file.parent))
    told.say(*papers.splitlines())
    return number


def _dispatch(library: Library, number: str, told: Narration) -> None:
    told.heading("It is dispatched")
    told.say("In one transaction: the wishes are fulfilled, the balance has its entry, and the")
    told.say("partner is told.")
    posting = ("--carrier", "Korea Post", "--postage", *_POSTAGE)
    _run(library, told, "consignment", "dispatch", number, *posting)
    found = library.commands.run("consignment", "show", number)
    if "DISPATCHED" not in found:
        raise WentWrong(f"consignment {number} should be on its way: {found}")
    told.say(*found.splitlines()[:1])


def _confirm(library: Library, system: PartnerSystem, number: str, told: Narration) -> None:
    told.heading("It arrives: one click on the packing slip, without an account")
    link = receiving.link(library.settings, system.consignment(number))
    told.say("The slip bears a QR code of a signed link. Whoever unpacks opens it and presses")
    told.say("“Yes, all arrived”:", "", f"   {link}")
    system.confirm(link)
    found = library.commands.run("consignment", "show", number)
    if "RECEIVED_COMPLETE" not in found:
        raise WentWrong(f"consignment {number} should be received: {found}")
    told.say("", *found.splitlines()[:1])


def _count(library: Library, system: PartnerSystem, told: Narration) -> None:
    told.heading("Both sides read the same balance, and the press its line")
    for line in _run(library, told, "balance", system.code).splitlines():
        told.tell(line, 3, behind=4)
    told.say("", "The partner reads the same figures, in words of its own:")
    for sentence in system.balance():
        told.tell(sentence, 3, behind=4)
    told.say("", "Years before the software are entered as totals, and count:")
    opening = ("ledger", "opening", "kaohsiung", "2024", "received", "gift", "--volumes", "752")
    _run(library, told, *opening)
    for line in _run(library, told, "stats").splitlines():
        told.tell(line, 3)
