"""Who may do what: one table for all who call, by token today and by session in time.

An action is called as the view that serves it (its ``operationId``). How far somebody reaches is
said for each role; whose a thing is, the use-case knows: what is not shown to a caller is to it as
if it were not there (404, never 403), so that nothing is learnt of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Role(StrEnum):
    """As what somebody calls."""

    ANONYMOUS = "anonymous"
    PARTNER = "partner"
    STAFF = "staff"


class Reach(StrEnum):
    """How far a role reaches with an action."""

    NONE = "none"
    SHOWN = "shown"  # what is shown to whoever it is: the public's, and its audiences'
    OWN = "own"
    ANY = "any"


class Permission(NamedTuple):
    """How far each role reaches; the fields are the roles."""

    anonymous: Reach
    partner: Reach
    staff: Reach

    def of(self, role: Role) -> Reach:
        """Return how far a role reaches."""
        found: Reach = getattr(self, role.value)
        return found

    @property
    def admitted(self) -> frozenset[Role]:
        """The roles that may call at all."""
        return frozenset(role for role in Role if self.of(role) is not Reach.NONE)


_EVERYBODY = Permission(Reach.SHOWN, Reach.SHOWN, Reach.ANY)
_SIGNED_IN = Permission(Reach.NONE, Reach.OWN, Reach.ANY)
_PARTNERS = Permission(Reach.NONE, Reach.OWN, Reach.NONE)
_STAFF = Permission(Reach.NONE, Reach.NONE, Reach.ANY)

ACTIONS: Final[Mapping[str, Permission]] = {
    # what is offered
    "list_lists": _EVERYBODY,
    "show_list": _EVERYBODY,
    "create_list": _STAFF,
    "edit_list": _STAFF,
    "change_list": _STAFF,
    "list_offers": _EVERYBODY,
    "show_offer": _EVERYBODY,
    "edit_offer": _STAFF,
    "withdraw_offer": _STAFF,
    # what is wished for
    "send_wish_list": _PARTNERS,
    "list_wish_lists": _SIGNED_IN,
    "show_feed": _PARTNERS,
    "show_wish_list": _SIGNED_IN,
    "withdraw_wish": _PARTNERS,
    "confirm_wish": _PARTNERS,
    "list_match_rules": _STAFF,
    "set_match_rule": _STAFF,
    "list_standing_wishes": _SIGNED_IN,
    "add_standing_wish": _SIGNED_IN,
    "show_standing_wish": _SIGNED_IN,
    "list_standing_matches": _SIGNED_IN,
    "stop_standing_wish": _SIGNED_IN,
    "list_webhooks": _PARTNERS,
    "add_webhook": _PARTNERS,
    "show_webhook": _PARTNERS,
    "resume_webhook": _PARTNERS,
    "remove_webhook": _PARTNERS,
    # who is given what
    "show_allocation": _STAFF,
    "plan_allocation": _STAFF,
    "confirm_allocation": _STAFF,
    "try_allocation": _STAFF,
    "list_allocations": _PARTNERS,
    "find_allocation": _SIGNED_IN,
    "accept_allocation": _SIGNED_IN,
    "decline_allocation": _SIGNED_IN,
    # what we wish for
    "list_own_wishes": _STAFF,
    "add_own_wishes": _STAFF,
    "show_own_wish": _STAFF,
    "withdraw_own_wish": _STAFF,
    "send_own_wishes": _STAFF,
    # what comes in
    "receive_import": _STAFF,
    "list_imports": _STAFF,
    "show_import": _STAFF,
    "list_import_lines": _STAFF,
    "commit_import": _STAFF,
    "list_sources": _STAFF,
    "add_source": _STAFF,
    "show_source": _STAFF,
    "harvest_source": _STAFF,
    "list_harvests": _STAFF,
    # with whom, and on what terms
    "show_caller": _SIGNED_IN,
    "change_caller": _PARTNERS,
    "list_partners": _STAFF,
    "add_partner": _STAFF,
    "show_partner": _STAFF,
    "edit_partner": _STAFF,
    "merge_partner": _STAFF,
    "change_partner": _STAFF,
    "issue_token": _STAFF,
    "revoke_tokens": _STAFF,
    "export_partners_csv": _STAFF,
    "export_partners_xlsx": _STAFF,
    "import_partners": _STAFF,
    "list_places": _STAFF,
    "name_place": _STAFF,
    "reset_place": _STAFF,
    "list_agreements": _SIGNED_IN,
    "show_agreement": _SIGNED_IN,
    "send_document": _SIGNED_IN,
    "draw_up_agreement": _STAFF,
    "count_relations": _STAFF,
    "change_agreement": _STAFF,
    "move_agreement": _STAFF,
    "file_document": _STAFF,
    # what was done
    "list_harvesters": _STAFF,
    "list_audit": _STAFF,
    "show_openapi": _EVERYBODY,
}
"""Every action of the API. A route without a row, or with other roles, stops the program."""


def check(action: str, admitted: frozenset[Role]) -> None:
    """Raise ``AssertionError`` unless the table admits just these roles to an action."""
    found = ACTIONS.get(action)
    if found is None:
        raise AssertionError(
            f"{action!r} has no row in service/domain/permission.py: say who may call it"
        )
    if found.admitted != admitted:
        raise AssertionError(
            f"{action!r} is open to {', '.join(sorted(admitted))}, but by "
            f"service/domain/permission.py to {', '.join(sorted(found.admitted))}"
        )
