"""Who may do what: one table for all who call, by token or by session.

An action is called as the view of the API that serves it (its ``operationId``); a page says which
action it needs. How far somebody reaches is
said for each role; whose a thing is, the use-case knows: what is not shown to a caller is to it as
if it were not there (404, never 403), so that nothing is learnt of it. The staff see everything;
which of them may change a thing is their role's, and who lacks it is told which one is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from service.errors import Forbidden


class Kind(StrEnum):
    """Whose machine or browser calls."""

    ANONYMOUS = "anonymous"
    PARTNER = "partner"
    STAFF = "staff"


class Role(StrEnum):
    """As what somebody calls. Of the staff's roles each may do what the one before it may."""

    ANONYMOUS = "anonymous"
    PARTNER = "partner"
    CATALOGUER = "cataloguer"
    EXCHANGE_LIBRARIAN = "exchange_librarian"
    ADMIN = "admin"

    @property
    def kind(self) -> Kind:
        """Whose role it is.

        >>> Role.ADMIN.kind.value
        'staff'
        """
        return Kind.STAFF if self in STAFF else Kind(self.value)


STAFF: Final = (Role.CATALOGUER, Role.EXCHANGE_LIBRARIAN, Role.ADMIN)


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
    cataloguer: Reach
    exchange_librarian: Reach
    admin: Reach

    def of(self, role: Role) -> Reach:
        """Return how far a role reaches."""
        found: Reach = getattr(self, role.value)
        return found

    @property
    def admitted(self) -> frozenset[Role]:
        """The roles that may call at all."""
        return frozenset(role for role in Role if self.of(role) is not Reach.NONE)

    @property
    def kinds(self) -> frozenset[Kind]:
        """Whose roles these are."""
        return frozenset(role.kind for role in self.admitted)


_NONE, _SHOWN, _OWN, _ANY = Reach

# fmt: off
#                          anonymous partner cataloguer exchange_librarian admin
_EVERYBODY    = Permission(_SHOWN,   _SHOWN, _ANY,      _ANY,              _ANY)
_SIGNED_IN    = Permission(_NONE,    _OWN,   _ANY,      _ANY,              _ANY)
_BOTH_SIDES   = Permission(_NONE,    _OWN,   _NONE,     _ANY,              _ANY)
_PARTNERS     = Permission(_NONE,    _OWN,   _NONE,     _NONE,             _NONE)
_STAFF        = Permission(_NONE,    _NONE,  _ANY,      _ANY,              _ANY)
_EXCHANGE     = Permission(_NONE,    _NONE,  _NONE,     _ANY,              _ANY)
_ADMIN        = Permission(_NONE,    _NONE,  _NONE,     _NONE,             _ANY)
# fmt: on

ACTIONS: Final[Mapping[str, Permission]] = {
    # what is offered
    "list_lists": _EVERYBODY,
    "show_list": _EVERYBODY,
    "create_list": _EXCHANGE,
    "edit_list": _EXCHANGE,
    "change_list": _EXCHANGE,
    "list_offers": _EVERYBODY,
    "show_offer": _EVERYBODY,
    "edit_offer": _EXCHANGE,
    "withdraw_offer": _EXCHANGE,
    # what is wished for
    "send_wish_list": _PARTNERS,
    "list_wish_lists": _SIGNED_IN,
    "show_feed": _PARTNERS,
    "show_wish_list": _SIGNED_IN,
    "withdraw_wish": _PARTNERS,
    "confirm_wish": _PARTNERS,
    "list_match_rules": _STAFF,
    "set_match_rule": _ADMIN,
    "list_standing_wishes": _SIGNED_IN,
    "add_standing_wish": _BOTH_SIDES,
    "show_standing_wish": _SIGNED_IN,
    "list_standing_matches": _SIGNED_IN,
    "stop_standing_wish": _BOTH_SIDES,
    "list_webhooks": _PARTNERS,
    "add_webhook": _PARTNERS,
    "show_webhook": _PARTNERS,
    "resume_webhook": _PARTNERS,
    "remove_webhook": _PARTNERS,
    # who is given what
    "show_allocation": _STAFF,
    "plan_allocation": _EXCHANGE,
    "confirm_allocation": _EXCHANGE,
    "try_allocation": _EXCHANGE,
    "list_allocations": _PARTNERS,
    "find_allocation": _SIGNED_IN,
    "accept_allocation": _BOTH_SIDES,
    "decline_allocation": _BOTH_SIDES,
    # what travels
    "list_consignments": _SIGNED_IN,
    "show_consignment": _SIGNED_IN,
    "list_consignment_lines": _SIGNED_IN,
    "send_records": _SIGNED_IN,
    "send_paper": _SIGNED_IN,
    "list_waiting": _STAFF,
    "propose_parcels": _STAFF,
    "make_consignment": _EXCHANGE,
    "change_consignment": _EXCHANGE,
    "add_consignment_lines": _EXCHANGE,
    "take_out_lines": _EXCHANGE,
    "label_consignment_line": _EXCHANGE,
    "tick_lines": _EXCHANGE,
    "untick_lines": _EXCHANGE,
    "scan_book": _EXCHANGE,
    "split_consignment": _EXCHANGE,
    "describe_parcel": _EXCHANGE,
    "remove_parcel": _EXCHANGE,
    "dispatch_consignment": _EXCHANGE,
    "correct_consignment": _EXCHANGE,
    "move_consignment": _EXCHANGE,
    # what is given without a list
    "list_gifts": _STAFF,
    "show_gift": _STAFF,
    "list_gift_lines": _STAFF,
    "draft_gift": _STAFF,
    "change_gift": _STAFF,
    "add_gift_lines": _STAFF,
    "fill_gift": _STAFF,
    "change_gift_line": _STAFF,
    "take_out_gift_lines": _STAFF,
    "cost_gift": _EXCHANGE,
    "move_gift": _EXCHANGE,
    "pack_gift": _EXCHANGE,
    "show_receipt": _SIGNED_IN,
    "enter_receipt": _BOTH_SIDES,
    "correct_receipt": _EXCHANGE,
    "show_receipt_link": _STAFF,
    "list_claims": _SIGNED_IN,
    "show_claim": _SIGNED_IN,
    "open_claim": _BOTH_SIDES,
    "answer_claim": _BOTH_SIDES,
    "send_claim": _EXCHANGE,
    "resolve_claim": _EXCHANGE,
    "close_claim": _EXCHANGE,
    "reopen_claim": _EXCHANGE,
    "list_serials": _SIGNED_IN,
    "show_serial": _SIGNED_IN,
    "add_serial": _EXCHANGE,
    "end_serial": _EXCHANGE,
    "send_serial_issue": _EXCHANGE,
    "send_serial_to_all": _EXCHANGE,
    "receive_serial_issue": _EXCHANGE,
    "claim_serial_issue": _BOTH_SIDES,
    "resend_serial_issue": _EXCHANGE,
    "close_serial_issue": _EXCHANGE,
    # what we wish for
    "list_own_wishes": _STAFF,
    "add_own_wishes": _EXCHANGE,
    "show_own_wish": _STAFF,
    "withdraw_own_wish": _EXCHANGE,
    "send_own_wishes": _EXCHANGE,
    # what comes in
    "receive_import": _STAFF,
    "list_imports": _STAFF,
    "show_import": _STAFF,
    "list_import_lines": _STAFF,
    "commit_import": _STAFF,
    "undo_import": _STAFF,
    "list_sources": _STAFF,
    "add_source": _EXCHANGE,
    "show_source": _STAFF,
    "harvest_source": _STAFF,
    "list_harvests": _STAFF,
    # what is given to us, and what of partners' lists we want
    "list_incoming_gifts": _STAFF,
    "show_incoming_gift": _STAFF,
    "list_pieces": _STAFF,
    "export_gift_records": _STAFF,
    "announce_gift": _EXCHANGE,
    "change_incoming_gift": _EXCHANGE,
    "take_in_gift_file": _STAFF,
    "receive_gift": _STAFF,
    "add_piece": _STAFF,
    "describe_piece": _STAFF,
    "take_out_piece": _STAFF,
    "scan_piece": _STAFF,
    "count_piece": _STAFF,
    "count_all_pieces": _STAFF,
    "decide_on_pieces": _STAFF,
    "correct_piece": _EXCHANGE,
    "correct_day_of_gift": _EXCHANGE,
    "move_incoming_gift": _EXCHANGE,
    "list_selections": _STAFF,
    "show_selection": _STAFF,
    "list_selection_titles": _STAFF,
    "route_selection": _EXCHANGE,
    "choose_titles": _STAFF,
    "close_selection": _STAFF,
    "cancel_selection": _EXCHANGE,
    "send_selections": _EXCHANGE,
    "count_holdings": _STAFF,
    "upload_holdings": _STAFF,
    # with whom, and on what terms
    "show_caller": _SIGNED_IN,
    "change_caller": _PARTNERS,
    "list_partners": _STAFF,
    "add_partner": _EXCHANGE,
    "show_partner": _STAFF,
    "edit_partner": _EXCHANGE,
    "merge_partner": _ADMIN,
    "change_partner": _EXCHANGE,
    "issue_token": _ADMIN,
    "revoke_tokens": _ADMIN,
    "export_partners_csv": _STAFF,
    "export_partners_xlsx": _STAFF,
    "import_partners": _EXCHANGE,
    "list_places": _STAFF,
    "name_place": _EXCHANGE,
    "reset_place": _EXCHANGE,
    "list_agreements": _SIGNED_IN,
    "show_agreement": _SIGNED_IN,
    "send_document": _SIGNED_IN,
    "draw_up_agreement": _EXCHANGE,
    "count_relations": _STAFF,
    "change_agreement": _EXCHANGE,
    "move_agreement": _EXCHANGE,
    "file_document": _EXCHANGE,
    # letters, and what is printed
    "send_gift_labels": _STAFF,
    "list_letter_templates": _STAFF,
    "show_letter_template": _STAFF,
    "change_letter_template": _EXCHANGE,
    "reset_letter_template": _EXCHANGE,
    "list_letters": _STAFF,
    "show_letter": _STAFF,
    "send_letter": _STAFF,
    "write_letter": _EXCHANGE,
    "mail_letter": _EXCHANGE,
    "file_letter": _EXCHANGE,
    # the balance
    "show_own_balance": _PARTNERS,
    "list_own_entries": _PARTNERS,
    "list_balances": _STAFF,
    "show_balance": _STAFF,
    "show_parity": _STAFF,
    "list_entries": _STAFF,
    "counter_entry": _EXCHANGE,
    "enter_opening_balance": _EXCHANGE,
    "import_opening_balances": _EXCHANGE,
    # what it comes to
    "show_press_line": _STAFF,
    "show_statistics": _STAFF,
    "export_statistics_csv": _STAFF,
    "export_statistics_xlsx": _STAFF,
    # people: pages alone
    "show_board": _STAFF,
    "settle_wish": _EXCHANGE,
    "add_titles": _EXCHANGE,
    "show_portal": _PARTNERS,
    "edit_exhibition": _EXCHANGE,
    "manage_own_account": _SIGNED_IN,
    "manage_accounts": _ADMIN,
    # what was done
    "list_harvesters": _STAFF,
    "list_audit": _STAFF,
    "show_openapi": _EVERYBODY,
}
"""Every action, of the API and of pages. A route without a row, or with other roles, stops the
program."""


def check(action: str, kinds: frozenset[Kind]) -> None:
    """Raise ``AssertionError`` unless the table opens an action to just these."""
    found = ACTIONS.get(action)
    if found is None:
        raise AssertionError(
            f"{action!r} has no row in service/domain/permission.py: say who may call it"
        )
    if found.kinds != kinds:
        raise AssertionError(
            f"{action!r} is open to {', '.join(sorted(kinds))}, but by "
            f"service/domain/permission.py to {', '.join(sorted(found.kinds))}"
        )


def allow(action: str, role: Role) -> None:
    """Raise ``Forbidden`` unless the table lets a member of the staff do it in this role.

    It names the first role that would do.

    >>> allow("show_partner", Role.CATALOGUER)
    >>> allow("edit_partner", Role.CATALOGUER)
    Traceback (most recent call last):
        ...
    service.errors.Forbidden: this needs the role exchange_librarian; you are here as cataloguer
    """
    admitted = ACTIONS[action].admitted
    if role in admitted:
        return
    needed = next((each for each in STAFF if each in admitted), None)
    if needed is None or role not in STAFF:
        raise Forbidden(f"this is not for {role.value}")
    raise Forbidden(f"this needs the role {needed.value}; you are here as {role.value}")
