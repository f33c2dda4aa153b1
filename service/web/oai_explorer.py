"""The OAI-PMH endpoint made visible: people ask what machines ask, and see what machines get.

Every answer comes from the same provider over the same feed, and the address that a harvester
would call stands beside it. Arguments left empty in a form are not sent.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, current_app, render_template, request

from oai.provider import respond
from service.usecases.publishing import FeedRepository
from service.usecases.site import Site
from service.web import oai_answer
from service.web.oai_answer import Answer

pages = Blueprint("oai_explorer", __name__)

Pairs = list[tuple[str, str]]


class Asked(NamedTuple):
    """A request of the protocol, as the part of its address behind ``?``, and its answer."""

    query: str
    answer: Answer


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
    return render_template(
        "explorer/answer.html", asked=_ask(pairs), formats=formats, sets=sets, given=dict(pairs)
    )


def _ask(pairs: Pairs) -> Asked:
    site: Site = current_app.extensions["bookbridge"]
    repository = FeedRepository(site.db, site.settings, site.clock)
    body = respond(repository, pairs, tokens=current_app.extensions["oai_tokens"]).body
    return Asked(urlencode(pairs, safe=":/"), oai_answer.read(body))
