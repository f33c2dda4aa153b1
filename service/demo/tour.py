"""The tour: what happened to the books, told in the order in which a librarian lives it.

Every step is done for real and looked at; one that does not go as it should ends the tour.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import click
from stdnum import isbn

from marc_mappings.summary import is_romanised
from service.cli import moments
from service.demo import books
from service.demo.partner_system import Book, Harvest, PartnerSystem, WentWrong
from service.demo.seaside import PARTNERS, SLUG, STAFF, Library
from service.domain.import_batch import BatchState

_SAMPLES = 2  # titles shown of each language
# Valid, and of a book that is not on the list. Source: the example of the ISBN Users' Manual.
_NOT_ON_OFFER = "978-0-306-40615-7"


class Wish(NamedTuple):
    """A line of the wish list, what it is, and the answer it must get."""

    line: str
    what: str
    outcome: str


def build_steps(library: Library) -> None:
    """Tell how the library was made and what the import said; no server is needed for that."""
    _heading(1, "A library and its partners")
    _say(
        f"{library.settings.repository_name} is made up for this tour. Its partners bear the",
        "names of real libraries; the exchange with them is invented.",
    )
    for partner in library.partners:
        _say(f"   {partner.code:<12} {partner.name}, {partner.city} ({partner.place})")
    _heading(2, "A cataloguer brings a file")
    counts = library.report.counts
    _say(
        f"{counts.read} real books stand in {library.file}: MARC 21 in ISO 2709, each title in its",
        "own script and romanised. The file went the way of every file,",
        "",
        f"   bookbridge import {library.file} --list {SLUG}",
        "",
        f"and the report says: {counts.read} records found, {counts.ok} as they should be, "
        f"{counts.repaired} repaired,",
        f"{counts.rejected} rejected; {counts.new} new to the catalogue.",
    )
    expected = len(books.rows())
    if library.report.batch.state is not BatchState.COMMITTED or counts.new != expected:
        raise WentWrong(f"the import should have brought {expected} new records: {counts}")
    _heading(3, "The list opens")
    offer_list = library.offer_list
    assert offer_list.closes_at is not None  # noqa: S101 - the demo gave it one
    _say(
        f"“{offer_list.title}”",
        f"is list {offer_list.slug}. It takes wishes until",
        f"{moments.shown(offer_list.closes_at, offer_list.zone)}.",
    )


def server_steps(library: Library, system: PartnerSystem) -> None:
    """Let a partner's software harvest and wish, and print every address worth opening."""
    harvest = _harvest(library, system)
    _wish(library, system, harvest)
    _look_around(library, system, harvest)


# --- harvesting ---------------------------------------------------------------------------------


def _harvest(library: Library, system: PartnerSystem) -> Harvest:
    _heading(4, "A partner's system harvests the list (OAI-PMH)")
    identity = system.identify()
    _say(
        "Any client of the protocol will do; this one asks who is there, which sets there are,",
        "and then for every record, page by page.",
        "",
        f"Identify      {identity.name}, at {identity.base_url}",
        f"              dates to the second ({identity.granularity})",
    )
    names = system.sets()
    kinds = {
        kind: sum(1 for spec in names if spec.startswith(f"{kind}:"))
        for kind in ("list", "place", "lang")
    }
    _say(
        f"ListSets      {len(names)} sets: {kinds['list']} list, {kinds['place']} places of "
        f"publication, {kinds['lang']} languages, and the whole of each",
    )
    harvest = system.harvest()
    pages = " + ".join(str(number) for number in harvest.pages)
    _say(
        f"ListRecords   {len(harvest.pages)} pages of oai_dc: {pages} = {len(harvest.books)} books"
    )
    if len({book.identifier for book in harvest.books}) != library.report.counts.new:
        raise WentWrong(
            f"{library.report.counts.new} books are offered, {len(harvest.books)} were harvested"
        )
    if len(harvest.pages) < 2:
        raise WentWrong("the harvest should have taken several pages")
    for spec, number in harvest.languages().most_common():
        name = names.get(spec, spec).removeprefix("Language: ")
        titles = [_own_script(book) for book in harvest.books if spec in book.sets]
        _say("", f"   {number:>3}  {name} ({spec})")
        for title in titles[:_SAMPLES]:
            _say(f"        {title}")
    return harvest


def _own_script(book: Book) -> str:
    """Return the title in its own script, where the record has it."""
    return next((title for title in book.titles if not is_romanised(title)), book.titles[0])


# --- wishing ------------------------------------------------------------------------------------


def _wishes(harvest: Harvest) -> list[Wish]:
    """Return a wish list with every kind of line that arrives in real life."""
    named = next(book for book in harvest.books if "lang:mon" in book.sets)
    korean, japanese = _isbn(harvest, "lang:kor"), _isbn(harvest, "lang:jpn")
    english, chinese = _isbn(harvest, "lang:eng"), _isbn(harvest, "lang:chi")
    slip = chinese[:-1] + str((int(chinese[-1]) + 1) % 10)
    return [
        Wish(named.identifier, "the identifier of a harvested record", "registered"),
        Wish(korean, "an ISBN of thirteen digits", "registered"),
        Wish(isbn.to_isbn10(english), "the ten digits that an older system has", "registered"),
        Wish(isbn.format(japanese), "with hyphens", "registered"),
        Wish(_NOT_ON_OFFER, "a book that is not on offer", "waiting"),
        Wish(slip, "a slip in the last digit", "invalid"),
        Wish(isbn.format(korean), "the same book as in line 2", "duplicate"),
        Wish("oai:library.example.org:item/42", "a record of another library", "invalid"),
    ]


def _isbn(harvest: Harvest, language: str) -> str:
    """Return the ISBN of a book in this language set, thirteen digits that ten can say too."""
    start = "URN:ISBN:978"
    return next(
        each.removeprefix("URN:ISBN:")
        for book in harvest.books
        if language in book.sets
        for each in book.identifiers
        if each.startswith(start)
    )


def _wish(library: Library, system: PartnerSystem, harvest: Harvest) -> None:
    wishes = _wishes(harvest)
    answer = system.wish([wish.line for wish in wishes])
    _heading(5, f"{PARTNERS[0].name} sends a wish list")
    _say(
        f"{len(wishes)} lines of plain text go to {library.settings.base_url}/api/v1/wishlists.",
        "Every line is answered, and a bad one costs no other:",
    )
    lines: list[dict[str, Any]] = answer["lines"]
    if len(lines) != len(wishes):
        raise WentWrong(f"{len(wishes)} wishes were sent, {len(lines)} were answered")
    titles = {book.identifier.rpartition("/")[2]: _own_script(book) for book in harvest.books}
    for wish, line in zip(wishes, lines, strict=True):
        _say(
            "",
            f"   {line['line_no']}. {line['line']}",
            f"      {wish.what}",
            f"      {line['outcome'].upper()}  {titles.get(_public_id(line['offer']), '')}",
            f"      {line['reason']}",
        )
        if line["outcome"] != wish.outcome:
            raise WentWrong(
                f"line {line['line_no']} should be {wish.outcome}, and is {line['outcome']}"
            )
    figures = ", ".join(
        f"{number} {outcome.replace('_', ' ')}" for outcome, number in answer["counts"].items()
    )
    _say("", f"Together: {figures}.", f"The answers are kept as wish list {answer['id']}.")


def _public_id(offer: str | None) -> str:
    """Return the public id in an answer's name of an offer, whichever form it has."""
    return (offer or "").rpartition("/")[2]


# --- looking around -----------------------------------------------------------------------------


def _look_around(library: Library, system: PartnerSystem, harvest: Harvest) -> None:
    public_id = harvest.books[0].identifier.rpartition("/")[2]
    _heading(6, "Look around")
    for path, what in (
        ("/", "the front page"),
        (f"/lists/{SLUG}", "the list, as readers and partners see it"),
        (f"/offers/{public_id}", "one book"),
        ("/oai/explore", "OAI-PMH, explained and tried in the browser"),
        ("/oai?verb=Identify", "OAI-PMH: who we are"),
        ("/oai?verb=ListRecords&metadataPrefix=marc21&set=lang:kor", "Korean books as MARCXML"),
        ("/api/docs", "the API, with every request to try"),
        ("/api/v1/openapi.json", "the API, for machines"),
        ("/healthz", "whether the server lives"),
    ):
        system.get(path)
        _say(f"   {library.settings.base_url}{path}", f"      {what}")
    _say(
        "",
        "Tokens of this demo, made anew each time:",
        f"   {library.partner_token}   partner {PARTNERS[0].code}",
        f"   {library.staff_token}   staff ({STAFF})",
        "",
        "To send a wish yourself:",
        f"   curl -H 'Authorization: Bearer {library.partner_token}' \\",
        "        -H 'Content-Type: text/uri-list' \\",
        f"        -d '{harvest.books[-1].identifier}' \\",
        f"        {library.settings.base_url}/api/v1/wishlists",
    )


def _heading(number: int, text: str) -> None:
    click.echo(f"\n{number}. {text}\n")


def _say(*lines: str) -> None:
    for line in lines:
        click.echo(f"   {line}".rstrip())
