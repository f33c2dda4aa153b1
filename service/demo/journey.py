"""The tour, books on their way out: packed, dispatched, confirmed, claimed, counted.

The library packs and dispatches by its commands; the partner confirms by the link on the slip.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from service.demo import folder
from service.demo.narration import Narration
from service.demo.partner_system import PartnerSystem, WentWrong
from service.demo.seaside import Library
from service.usecases import receiving

_THEME = "Books of this autumn"
_POSTAGE = ("28500", "KRW")
_ANSWER = "We are sorry. We have no other copy."
# What one special drawing right is, as a library would look it up on the day.
CUSTOMS = ("currency=KRW", "value=12000", "origin=KR", "sdr_rate=1900")


def steps(library: Library, systems: Mapping[str, PartnerSystem], told: Narration) -> str:
    """Send one partner what it was given, until both read the same balance; return its number."""
    system = systems["nagasaki"]
    number = _pack(library, system, told)
    _dispatch(library, number, told)
    _confirm(library, system, number, told)
    _claim(library, system, told)
    _count(library, system, told)
    return number


def choose_for_customs(library: Library, number: str) -> None:
    """Choose what the customs papers of a consignment say."""
    chosen = [argument for each in CUSTOMS for argument in ("--customs", each)]
    library.commands.run("consignment", "change", number, *chosen)


def papers(library: Library, number: str, told: Narration) -> None:
    """Write the papers of a consignment, and tell where each is opened."""
    folder_ = str(library.file.with_name(folder.PAPERS))
    made = told.typed(library.commands, "consignment", "papers", number, "-o", folder_)
    told.say(*(address(each) for each in made.splitlines()))


def address(path: str | Path) -> str:
    """Return where a browser opens a page that was written."""
    return Path(path).resolve().as_uri()


def expect(library: Library, number: str, state: str) -> str:
    """Return a consignment on one line; raise ``WentWrong`` unless it is in this state."""
    found = library.commands.run("consignment", "show", number)
    if f"  {state}  " not in found:
        raise WentWrong(f"consignment {number} should be {state}: {found}")
    return found.splitlines()[0]


def _pack(library: Library, system: PartnerSystem, told: Narration) -> str:
    told.heading("What was allocated is packed")
    told.say("All that Nagasaki was given and that is not on its way yet becomes one consignment:")
    made = told.typed(
        library.commands, "consignment", "make", system.code, "--theme", _THEME
    ).splitlines()
    number = made[0].split()[0]
    told.say(made[0])
    for line in made[1:]:
        if line[:1].isdigit():
            told.tell(line, 3, behind=3)
    choose_for_customs(library, number)
    for more in (
        ("split", number),
        ("tick", number, "--all"),
        ("parcel", number, "1", "--weight", "1650"),
        ("pack", number),
    ):
        library.commands.run("consignment", *more)
    told.say("", "It is split, ticked, weighed and closed. Its papers print from a browser:")
    papers(library, number, told)
    told.say("", "The MARC records of exactly these books go along:")
    file = str(library.file.with_name(folder.SENT_ALONG))
    told.typed(library.commands, "consignment", "records", number, "-o", file, "--541")
    return number


def _dispatch(library: Library, number: str, told: Narration) -> None:
    told.heading("It is dispatched")
    told.say("In one transaction: the wishes are fulfilled, the balance has its entry, and the")
    told.say("partner is told.")
    posting = ("--carrier", "Korea Post", "--postage", *_POSTAGE)
    told.typed(library.commands, "consignment", "dispatch", number, *posting)
    told.say(expect(library, number, "DISPATCHED"))


def _confirm(library: Library, system: PartnerSystem, number: str, told: Narration) -> None:
    told.heading("It arrives: the link on the packing slip, without an account")
    link = receiving.link(library.settings, system.consignment(number))
    told.say("The slip bears a QR code of a signed link. Whoever unpacks opens it, and says “all")
    told.say("arrived” with one click; or, as here, that one book came damaged:", "", f"   {link}")
    system.confirm(link, {"lines.1.arrived": "1", "lines.1.damaged": "1"})
    told.say("", expect(library, number, "RECEIVED_DAMAGED"))


def _claim(library: Library, system: PartnerSystem, told: Narration) -> None:
    told.heading("What came damaged is a claim at once, and is settled")
    (claim,) = told.typed(library.commands, "claim", "list", "--side", "theirs").splitlines()
    told.tell(claim, 3, behind=3)
    public_id = claim.split()[0]
    told.typed(library.commands, "claim", "answer", public_id, _ANSWER)
    told.typed(library.commands, "claim", "resolve", public_id, "credited")
    (seen,) = system.claims()
    if seen["resolution"] != "CREDITED":
        raise WentWrong(f"the claim should be credited, and is {seen}")
    told.say(f"The partner reads: {seen['state']}, {seen['resolution']} – “{seen['answer']}”")
    told.say("The copy leaves the balance.")


def _count(library: Library, system: PartnerSystem, told: Narration) -> None:
    told.heading("Both sides read the same balance")
    for line in told.typed(library.commands, "balance", system.code).splitlines():
        told.tell(line, 3, behind=4)
    told.say("", "The partner reads the same figures, in words of its own:")
    for sentence in system.balance():
        told.tell(sentence, 3, behind=4)
