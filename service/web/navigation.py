"""The way through the house: which rooms somebody finds in the navigation.

A room is shown to whom the table of permissions lets into it; a room that is not built is in no
navigation. The desk is what the staff see, the portal what a partner's people see.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from flask import Flask, current_app, g, request, url_for
from flask_babel import lazy_gettext as _

from service.domain.permission import ACTIONS, Kind, Reach
from service.usecases.signing_in import ANONYMOUS, Caller


class Room(NamedTuple):
    """A place in the navigation: its words, the view, and the action that lets somebody in."""

    words: object
    view: str
    action: str


DESK: Final = (
    Room(_("Today"), "desk.today", "show_board"),
    Room(_("Imports"), "desk_imports.index", "list_imports"),
    Room(_("Offer lists"), "desk_lists.index", "create_list"),
    Room(_("Wishes"), "desk_wishes.index", "list_wish_lists"),
    Room(_("Consignments"), "desk_consignments.index", "list_consignments"),
    Room(_("Claims"), "desk_claims.index", "list_claims"),
    Room(_("Gifts we send"), "desk_gifts.index", "list_gifts"),
    Room(_("Gifts that come"), "desk_incoming.index", "list_incoming_gifts"),
    Room(_("Partners’ lists"), "desk_selections.index", "list_selections"),
    Room(_("Partners"), "desk_partners.index", "list_partners"),
    Room(_("Agreements"), "desk_agreements.index", "count_relations"),
    Room(_("Harvests"), "desk_sources.index", "list_sources"),
    Room(_("Exhibitions"), "desk_exhibitions.index", "edit_exhibition"),
    Room(_("Figures"), "desk_figures.index", "show_statistics"),
    Room(_("Accounts"), "people.index", "manage_accounts"),
)
PORTAL: Final = (
    Room(_("Overview"), "portal.overview", "show_portal"),
    Room(_("Titles for you"), "portal_titles.index", "show_portal"),
    Room(_("Wishes"), "portal_wishes.index", "show_portal"),
    Room(_("Standing wishes"), "portal_standing.index", "show_portal"),
    Room(_("Given to you"), "portal_given.index", "show_portal"),
    Room(_("Consignments"), "portal_consignments.index", "show_portal"),
    Room(_("Balance"), "portal_balance.index", "show_portal"),
    Room(_("Your library"), "portal_library.index", "show_portal"),
)
PUBLIC: Final = (
    Room(_("Offer lists"), "catalogue.front", ""),
    Room(_("All titles"), "catalogue.search", ""),
    Room(_("Country corner"), "corner.countries", ""),
    Room(_("Exhibition"), "corner.exhibition", ""),
    Room(_("The programme"), "corner.programme", ""),
)
_PLACES: Final = {Kind.STAFF: DESK, Kind.PARTNER: PORTAL}


class Door(NamedTuple):
    """A room as a page shows it; ``here`` says that somebody is in it."""

    words: str
    address: str
    here: bool


def register(app: Flask) -> None:
    """Let every page show the ways that are open from it."""
    app.context_processor(
        lambda: {
            "who": _caller(),
            "doors": doors,
            "public_doors": public,
            "can_sign_in": "accounts.sign_in" in app.view_functions,
        }
    )


def doors() -> list[Door]:
    """Return the rooms of whoever is signed in; none for anybody else."""
    who = _caller()
    rooms = _PLACES.get(who.role.kind, ())
    return [_door(room) for room in rooms if _is_open(room, who)]


def public() -> list[Door]:
    """Return the rooms that are open to everybody."""
    return [_door(room) for room in PUBLIC if room.view in current_app.view_functions]


def _is_open(room: Room, who: Caller) -> bool:
    found = ACTIONS.get(room.action)
    return (
        room.view in current_app.view_functions
        and found is not None
        and found.of(who.role) is not Reach.NONE
    )


def _door(room: Room) -> Door:
    ours = room.view.partition(".")[0]
    here = request.endpoint == room.view or (
        ours not in {"catalogue", "corner", "desk", "portal", "accounts"}
        and (request.blueprint or "").partition(".")[0] == ours
    )
    return Door(str(room.words), url_for(room.view), here)


def _caller() -> Caller:
    found: Caller = g.get("caller", ANONYMOUS)
    return found
