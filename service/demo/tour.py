"""The tour: what happened to the books, told in the order in which a librarian lives it.

Every step is done for real and looked at; one that does not go as it should ends the tour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from stdnum import isbn

from service.demo import arrival, books, exchange, exhibition, figures, folder, journey, present
from service.demo.exchange import NEXT_SLUG
from service.demo.narration import Narration
from service.demo.partner_system import Harvest, PartnerSystem, WentWrong, own_script
from service.demo.seaside import GROUP, SLUG, STAFF, WISHING, Library
from service.domain.import_batch import BatchState

_SAMPLES = 2  # titles shown of each language
# Valid, and of a book that is not on the list. Source: the example of the ISBN Users' Manual.
_NOT_ON_OFFER = "978-0-306-40615-7"


class Wish(NamedTuple):
    """A line of the wish list, what it is, and the answer it must get."""

    line: str
    what: str
    outcome: str


def build_steps(library: Library, told: Narration) -> None:
    """Tell how the library was made and what the import said; no server is needed for that."""
    _partners(library, told)
    told.heading("A cataloguer brings a file")
    counts = library.report.counts
    told.say(
        f"{counts.read} real books stand in {library.file}: MARC 21 in ISO 2709, each title in its",
        "own script and romanised. The file went the way of every file,",
    )
    told.command("import", str(library.file), "--list", SLUG)
    told.say(
        f"and the report says: {counts.read} records found, {counts.ok} as they should be, "
        f"{counts.repaired} repaired,",
        f"{counts.rejected} rejected; {counts.new} new to the catalogue.",
    )
    expected = len(books.rows())
    if library.report.batch.state is not BatchState.COMMITTED or counts.new != expected:
        raise WentWrong(f"the import should have brought {expected} new records: {counts}")
    told.heading("The list opens: first to some, later to all")
    told.say(
        f"“{library.offer_list.title}” is list {SLUG}. For a month it is open",
        f"to the group {GROUP} alone: {', '.join(WISHING)}.",
        "Then it opens to everybody by itself.",
    )
    told.command("list", "show", SLUG)
    for line in library.commands.run("list", "show", SLUG).splitlines():
        told.tell(line, 3, behind=4)


def _partners(library: Library, told: Narration) -> None:
    told.heading("A library and its partners")
    told.say(
        f"{library.settings.repository_name} is made up for this tour. Its partners bear the",
        "names of real libraries; the exchange with them is invented. They came in as a table:",
    )
    told.command("partner", "import", str(library.file.with_name(folder.PARTNERS)))
    for partner in library.partners:
        told.say(f"   {partner.code:<12} {partner.name}, {partner.city} ({partner.place})")
        if partner.local:
            told.say(f"   {'':<12} {partner.local}")
    told.heading("A memorandum, before any book moves")
    told.say(
        "Signed in Ulaanbaatar on 15 September 2025: books both ways, programmes for citizens,",
        "practice shared, librarians as guests. It is a relation from that day, and bounds what an",
        "allocation may give.",
    )
    memorandum = str(library.file.with_name(folder.MEMORANDUM))
    told.command("agreement", "add", "--file", memorandum, "--signed")
    for line in library.agreements.splitlines():
        told.tell(line, 3, behind=4)


def server_steps(library: Library, systems: Mapping[str, PartnerSystem], told: Narration) -> None:
    """Let partners' software harvest and wish, allocate, and print every address worth opening."""
    first = systems[WISHING[0]]
    harvest = _harvest(library, first, told)
    _wish(library, first, harvest, told)
    fresh = exchange.steps(library, systems, harvest, told)
    sent = journey.steps(library, systems, told)
    present.steps(library, told)
    gift = arrival.steps(library, told)
    figures.steps(library, told)
    arrival.thank(library, gift, told)
    exhibition.steps(library, gift, told)
    _look_around(library, first, fresh, sent, told)


# --- harvesting ---------------------------------------------------------------------------------


def _harvest(library: Library, system: PartnerSystem, told: Narration) -> Harvest:
    told.heading("A partner's system harvests the list (OAI-PMH)")
    identity = system.identify()
    told.say(
        "Any client of the protocol will do; this one asks who is there, which sets there are,",
        "and then for every record, page by page.",
        "",
        f"Identify      {identity.name}, at {identity.base_url}",
        f"              dates to the second ({identity.granularity})",
    )
    names = system.sets()
    kinds = {
        kind: sum(1 for spec in names if spec.startswith(f"{kind}:"))
        for kind in ("list", "place", "lang", "partner", "given")
    }
    told.say(
        f"ListSets      {len(names)} sets: {kinds['list']} list, {kinds['place']} places of "
        f"publication, {kinds['lang']} languages, the whole",
        f"              of each, and {kinds['partner'] + kinds['given']} of this partner's own",
    )
    harvest = system.harvest()
    pages = " + ".join(str(number) for number in harvest.pages)
    told.say(
        f"ListRecords   {len(harvest.pages)} pages of oai_dc: {pages} = {len(harvest.books)} books"
    )
    if everybody := system.harvest(known=False).books:
        raise WentWrong(f"everybody sees {len(everybody)} books of a list that is for some")
    told.say("              … and without credentials none yet: the list is not open to everybody")
    if len({book.identifier for book in harvest.books}) != library.report.counts.new:
        raise WentWrong(
            f"{library.report.counts.new} books are offered, {len(harvest.books)} were harvested"
        )
    if len(harvest.pages) < 2:
        raise WentWrong("the harvest should have taken several pages")
    for spec, number in harvest.languages().most_common():
        name = names.get(spec, spec).removeprefix("Language: ")
        titles = [own_script(book) for book in harvest.books if spec in book.sets]
        told.say("", f"   {number:>3}  {name} ({spec})")
        for title in titles[:_SAMPLES]:
            told.say(f"        {title}")
    return harvest


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


def _wish(library: Library, system: PartnerSystem, harvest: Harvest, told: Narration) -> None:
    wishes = _wishes(harvest)
    answer = system.wish("".join(f"{wish.line}\r\n" for wish in wishes), "text/uri-list")
    told.heading(f"{library.partners[0].name} sends a wish list")
    told.say(
        f"{len(wishes)} lines of plain text go to {library.settings.base_url}/api/v1/wishlists.",
        "Every line is answered, and a bad one costs no other:",
    )
    lines: list[dict[str, Any]] = answer["lines"]
    if len(lines) != len(wishes):
        raise WentWrong(f"{len(wishes)} wishes were sent, {len(lines)} were answered")
    titles = {book.identifier.rpartition("/")[2]: own_script(book) for book in harvest.books}
    for wish, line in zip(wishes, lines, strict=True):
        told.say(
            "",
            f"   {line['line_no']}. {line['line']}",
            f"      {wish.what}",
            f"      {line['outcome'].upper()}  {titles.get(_public_id(line['offer']), '')}",
        )
        told.tell(line["reason"], 6)
        if line["outcome"] != wish.outcome:
            raise WentWrong(
                f"line {line['line_no']} should be {wish.outcome}, and is {line['outcome']}"
            )
    figures = ", ".join(
        f"{number} {outcome.replace('_', ' ')}" for outcome, number in answer["counts"].items()
    )
    told.say("", f"Together: {figures}.", f"The answers are kept as wish list {answer['id']}.")


def _public_id(offer: str | None) -> str:
    """Return the public id in an answer's name of an offer, whichever form it has."""
    return (offer or "").rpartition("/")[2]


# --- looking around -----------------------------------------------------------------------------


def _look_around(
    library: Library, system: PartnerSystem, fresh: Harvest, sent: str, told: Narration
) -> None:
    public_id = fresh.books[0].identifier.rpartition("/")[2]
    told.heading("Look around")
    for path, what in (
        ("/", "the front page"),
        (
            "/sign-in",
            "the desk of the staff and the portal of partners; it names the accounts of this demo",
        ),
        (f"/lists/{NEXT_SLUG}", "the list that is open, as readers and partners see it"),
        (f"/offers/{public_id}", "one book"),
        ("/oai/explore", "OAI-PMH, explained and tried in the browser"),
        ("/oai?verb=Identify", "OAI-PMH: who we are"),
        ("/oai?verb=ListRecords&metadataPrefix=marc21&set=lang:kor", "Korean books as MARCXML"),
        ("/api/docs", "the API, with every request to try"),
        ("/api/v1/openapi.json", "the API, for machines"),
        (f"/api/v1/consignments/{sent}/papers/packing-list", "the packing slip (see below)"),
        ("/healthz", "whether the server lives"),
    ):
        system.get(path, known="/consignments/" in path)
        told.say(f"   {library.settings.base_url}{path}", f"      {what}")
    told.say(
        "",
        "Tokens of this demo, made anew each time. A browser that asks for a name and a password",
        f"gets {system.code} and its token:",
        f"   {library.tokens[system.code]}   partner {system.code}",
        f"   {library.staff_token}   staff ({STAFF})",
        "",
        "To send a wish yourself:",
        f"   curl -H 'Authorization: Bearer {library.tokens[system.code]}' \\",
        "        -H 'Content-Type: text/uri-list' \\",
        f"        -d '{fresh.books[-1].identifier}' \\",
        f"        {library.settings.base_url}/api/v1/wishlists",
        "",
        f"To read what became of the wishes of {system.code}, and, as the staff, of all:",
        f"   curl -H 'Authorization: Bearer {library.tokens[system.code]}' \\",
        f"        {library.settings.base_url}/api/v1/allocations",
        f"   curl -H 'Authorization: Bearer {library.staff_token}' \\",
        f"        {library.settings.base_url}/api/v1/lists/{SLUG}/allocation",
    )
