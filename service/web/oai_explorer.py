"""The OAI-PMH endpoint made visible: people ask what machines ask, and see what machines get.

Every answer comes from the same provider over the same feed, and the address that a harvester
would call stands beside it. Arguments left empty in a form are not sent.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, current_app, render_template, request

from oai import datestamp
from oai.provider import ListPart, respond
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from service.web import client_settings, oai_answer
from service.web.client_settings import Chosen, Client
from service.web.oai_answer import Answer

pages = Blueprint("oai_explorer", __name__)

Pairs = list[tuple[str, str]]


class Asked(NamedTuple):
    """A request of the protocol, as the part of its address behind ``?``, and its answer.

    ``part``: of which list of items that is a part, if of any.
    """

    query: str
    answer: Answer
    part: ListPart | None


@pages.get("/oai/explore")
def explore() -> str:
    """Show one request and its answer; without a request, what there is to ask for."""
    sent = request.query_string.decode("ascii", "replace")
    pairs = parse_qsl(sent, encoding="utf-8", errors="replace")
    formats = _ask([("verb", "ListMetadataFormats")])
    sets = _ask([("verb", "ListSets")])
    if not pairs:
        return render_template(
            "explorer/overview.html",
            identify=_ask([("verb", "Identify")]),
            formats=formats,
            sets=sets,
            given={},
        )
    asked = _ask(pairs)
    return render_template(
        "explorer/answer.html",
        asked=asked,
        formats=formats,
        sets=sets,
        given=dict(pairs),
        clients=_clients(asked),
    )


def _ask(pairs: Pairs) -> Asked:
    site: Site = current_app.extensions["bookbridge"]
    repository = FeedRepository(site.db, site.settings, site.clock)
    answer = respond(repository, pairs, tokens=current_app.extensions["oai_tokens"])
    return Asked(urlencode(pairs, safe=":/"), oai_answer.read(answer.body), answer.part)


def _clients(asked: Asked) -> list[Client]:
    """Return settings for the list that is shown; none for what is no list, or not there."""
    if asked.part is None or not asked.answer.items:
        return []
    site: Site = current_app.extensions["bookbridge"]
    selection = asked.part.selection
    bounds = (selection.from_, selection.until)
    from_, until = ("" if each is None else datestamp.written(each) for each in bounds)
    chosen = Chosen(selection.prefix, selection.set or "", from_, until)
    return client_settings.clients(site.settings, chosen)
