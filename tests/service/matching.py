"""Books and wishes for the tests of matching, and the answers in short."""

from __future__ import annotations

import csv
import io

from marc_mappings.record import Field, Record, Subfield
from service.domain.partner import Partner
from service.domain.wish import AnsweredLine, WishList
from service.store import feed
from service.usecases import offering, wishing
from service.usecases.site import Site
from service.usecases.wishing import Request

VEGETARIAN = "9788936433598"
LATER = "9788936434595"


def a_book(
    title: str = "채식주의자",
    author: str = "한강",
    year: str = "2007",
    *,
    isbn: str = "",
    language: str = "kor",
    more: tuple[tuple[str, str], ...] = (),
) -> Record:
    """Return a record with title, author and year; ``more``: (tag, text of its $a)."""
    fields = [Field("008", "", value=f"070301s{year}    ko            000 1 {language} d")]
    if isbn:
        fields.append(Field("020", "  ", (Subfield("a", isbn),)))
    if author:
        fields.append(Field("100", "1 ", (Subfield("a", author),)))
    fields.append(Field("245", "10", (Subfield("a", title),)))
    fields += [Field(tag, "  ", (Subfield("a", text),)) for tag, text in more]
    return Record("00000nam a2200000 i 4500", tuple(fields))


def wish(site: Site, partner: Partner, *rows: dict[str, str], **more: object) -> WishList:
    """Send a wish list as a table: a dict of columns a wish."""
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    request = Request(out.getvalue().encode(), "text/csv", **more)  # type: ignore[arg-type]
    return wishing.receive(
        site.db, partner, request, site.names(), site.wish_limits(), site.now()
    ).wish_list


def one(site: Site, partner: Partner, **row: str) -> AnsweredLine:
    """Send one wish and return its answer."""
    (line,) = wish(site, partner, row).lines
    return line


def again(site: Site, sent: WishList) -> list[AnsweredLine]:
    """Return the lines of a list as they stand now."""
    return list(wishing.show(site.db, sent.public_id, None).lines)


def offers(site: Site) -> dict[str, str]:
    """Return the public ids of what is offered to all, by ISBN, else by title."""
    found = offering.browse(site.db, {feed.PUBLIC}, limit=1000)
    return {each.isbns or each.title: each.public_id for each in found}
