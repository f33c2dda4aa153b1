"""The tour, a gift that comes in: announced, checked piece by piece, accessioned, thanked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lxml import html

from service.demo import books, folder, journey
from service.demo.narration import Narration
from service.demo.partner_system import WentWrong
from service.demo.seaside import Library, patiently

PARTNER = "kaohsiung"
_TITLE = "Books for the Kaohsiung corner"
_LANGUAGE = "chi"  # of the books in the table that come
_DAMAGED = (2, 9, 14)  # positions
_REASON = "wet on the way"
_SHELF, _TRANSLATED = "Kaohsiung corner 1", "차표는 어디로 갔을까"
_LETTER_IN = ("ko", "zh-Hant")
_SIGNATORY = "Exchange desk"


def steps(library: Library, told: Narration) -> str:
    """Take a gift in, up to the records for our own system; return its id."""
    gift, number = _announce(library, told)
    _check(library, gift, number, told)
    _shelve(library, gift, number - len(_DAMAGED), told)
    return gift


def _announce(library: Library, told: Narration) -> tuple[str, int]:
    told.heading("The other way: a gift from Kaohsiung is announced by a file")
    file = library.file.with_name(folder.ARRIVED)
    file.write_bytes(books.partners_file(_LANGUAGE))
    number = sum(row["language"] == _LANGUAGE for row in books.rows())
    announcing = ("incoming", "announce", PARTNER, "--title", _TITLE, "--source", "FILE")
    gift = told.typed(library.commands, *announcing).split()[0]
    told.typed(library.commands, "incoming", "file", gift, str(file))
    patiently(f"catalogue gift {gift}", lambda: _pieces(library, gift) == number)
    told.say(f"Its {number} MARC records go through the import like every file, and are offered to")
    told.say("nobody.")
    return gift, number


def _pieces(library: Library, gift: str) -> int:
    return len(_shown(library, gift)["lines"])


def _shown(library: Library, gift: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(library.commands.run("incoming", "show", gift, "--json"))
    return found


def _check(library: Library, gift: str, number: int, told: Narration) -> None:
    told.heading("It comes, and is checked piece by piece")
    damaged = [str(position) for position in _DAMAGED]
    library.commands.run("incoming", "receive", gift, "--weight", "6200")
    for line in told.typed(
        library.commands, "incoming", "scan", gift, *damaged, "--damaged"
    ).splitlines():
        told.tell(line, 3, behind=3)
    library.commands.run("incoming", "count", gift, "--all")
    told.typed(library.commands, "incoming", "decline", gift, *damaged, "--reason", _REASON)
    library.commands.run("incoming", "accept", gift)
    checked = told.typed(library.commands, "incoming", "check", gift).splitlines()[0]
    told.tell(checked, 3, behind=3)
    accepted = number - len(_DAMAGED)
    if f"  {accepted} titles, {accepted} volumes accepted of {number} listed" not in checked:
        raise WentWrong(f"{accepted} of {number} should be accepted: {checked}")
    told.say("From now on it is in the balance.")


def _shelve(library: Library, gift: str, accepted: int, told: Narration) -> None:
    told.heading("It gets numbers, labels, and records for our own system")
    told.typed(library.commands, "incoming", "accession", gift)
    placing = ("--shelf", _SHELF, "--translated-title", _TRANSLATED)
    said = told.typed(library.commands, "incoming", "describe", gift, "1", *placing)
    told.tell(said.splitlines()[0], 3, behind=3)
    pages = str(library.file.with_name(folder.PAPERS))
    labels = told.typed(library.commands, "incoming", "labels", gift, "-o", pages)
    told.say(*(journey.address(each) for each in labels.splitlines()))
    library.commands.run("incoming", "catalogue", gift)
    out = str(library.file.with_name(folder.CATALOGUED))
    form = ("--dialect", "kormarc", "--541", "--852")
    written = told.typed(library.commands, "incoming", "export", gift, "-o", out, *form).strip()
    if written != f"{accepted} records":
        raise WentWrong(f"{accepted} records should be exported: {written}")
    told.say(f"{written} in KORMARC: who gave them, and where our copy stands.")
    library.commands.run("incoming", "display", gift)


def thank(library: Library, gift: str, told: Narration) -> None:
    """Thank for the gift, in two languages side by side."""
    told.heading("And a letter of thanks, in two languages side by side")
    page = library.file.with_name(folder.PAPERS) / f"{folder.THANKS}.html"
    languages = [argument for each in _LETTER_IN for argument in ("--language", each)]
    writing = ("letter", "write", PARTNER, "acknowledgement", "--about", gift, *languages)
    made = told.typed(
        library.commands, *writing, "--signatory", _SIGNATORY, "-o", str(page)
    ).split()[0]
    document = page.with_suffix(".docx")
    library.commands.run("letter", "save", made, "-o", str(document))
    for language in _LETTER_IN:
        told.say("")
        for line in _text(page.read_text(encoding="utf-8"), language):
            told.tell(line, 6)
    told.say("", f"   {journey.address(page)}", f"   {journey.address(document)}, to be edited")
    if not _shown(library, gift)["acknowledged_at"]:
        raise WentWrong(f"gift {gift} should be acknowledged")
    told.say("", "The gift is acknowledged: this round of the exchange is complete.")


def _text(page: str, language: str) -> list[str]:
    """Return what a letter says in a language, line by line."""
    sections = html.document_fromstring(page).iter("section")
    column = next(each for each in sections if each.get("lang") == language)
    said = "\n".join(
        "".join(str(part) for part in each.itertext(with_tail=False))
        for each in column.iter("h1", "p")
    )
    return [line.strip() for line in said.splitlines() if line.strip()]
