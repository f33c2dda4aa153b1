"""Who may do what in the exchange, how often, and where there has to be something for it.

What brings a thing on to its end stands first: it is what is tried first.
"""

from __future__ import annotations

from hypothesis import strategies as st

from service.domain.agreement import AgreementAction
from service.domain.allocation import AllocationPolicy
from service.domain.claim import Resolution
from service.domain.offer import ListAction
from tests.service.exchange_guarantees import LIVE
from tests.service.exchange_machine import Act, ExchangeMachine
from tests.service.exchange_scene import PARTNERS
from tests.service.exchange_travels import (
    CONFIRMED,
    COUNTED,
    GIFT_ACTIONS,
    ON_ITS_WAY,
    PENDING,
    RECEIVABLE,
)

_TURNS = (AgreementAction.SUSPEND, AgreementAction.RESUME)
_ENDS = (ListAction.ARCHIVE, ListAction.WITHDRAW)
_CODES = st.sampled_from([*PARTNERS])
# Which list, among those whose state lets it; 9 is any, that refusals are met as well.
_PICKS = st.integers(0, 9)
_WISHED = st.lists(
    st.tuples(
        st.sampled_from(["title", "isbn", "title", "id"]), st.integers(0, 7), st.integers(1, 2)
    ),
    min_size=1,
    max_size=4,
)
_DAYS, _NUMBER, _PLACE = st.sampled_from([None, 2, 20]), st.integers(0, 7), st.integers(0, 5)
_POLICIES = st.sampled_from(
    [AllocationPolicy.FIRST_COME, AllocationPolicy.PRIORITY, AllocationPolicy.ROUND_ROBIN]
)
_SEEDS = st.sampled_from(["1", "2"])
_HOURS = st.sampled_from([0, 0, 0, 1, 30, 24 * 15])
_WHOM = st.sampled_from(["public", "near", "bela"])
_COUNTS = {"number": _NUMBER, "copies": st.integers(1, 3), "volumes": st.sampled_from([1, 5])}
_LINES = {"lines": _WISHED}
_SENT = {"code": _CODES, "replace": st.booleans(), "later": st.booleans()} | _LINES
_M = ExchangeMachine
# What brings a list on to its allocation stands first: it is what is tried first.
ACTS = (
    Act(_M.a_partner_accepts, 6, {"which": _PLACE}, [("allocation", "OFFERED")]),
    Act(
        _M.staff_confirms,
        6,
        {"pick": _PICKS, "steps": st.sampled_from([100, 2, 1])},
        [("allocation", "PROPOSED")],
    ),
    Act(
        _M.staff_plans,
        4,
        {"pick": _PICKS, "policy": _POLICIES, "seed": _SEEDS},
        [("list", "CLOSED")],
    ),
    Act(_M.all_partners_wish_for_the_same, 4, _LINES, [("list", "OPEN")]),
    Act(_M.a_partner_declines, 3, {"which": _PLACE}, [("allocation", *LIVE)]),
    Act(
        _M.staff_closes_a_list,
        3,
        {"pick": _PICKS, "override": st.booleans()},
        [("wish", "OPEN"), ("list", "OPEN")],
    ),
    Act(
        _M.a_partner_settles_a_match,
        4,
        {"which": _PLACE, "number": st.none() | _NUMBER},
        [("wish", "OPEN", "ANSWERED")],
    ),
    Act(_M.the_worker_turns, 5, {"hours": _HOURS}),
    Act(_M.the_worker_does_all_that_is_due, 2),
    Act(_M.a_partner_wishes, 4, _SENT),
    Act(
        _M.a_partner_takes_a_wish_back,
        2,
        {"code": _CODES, "which": _PLACE},
        [("wish", "OPEN", "PENDING")],
    ),
    Act(
        _M.staff_opens_a_list,
        3,
        {"pick": _PICKS, "days": _DAYS},
        [("list", "DRAFT", "SCHEDULED")],
    ),
    Act(
        _M.staff_schedules_a_list,
        1,
        {"pick": _PICKS, "hours": st.sampled_from([3, 30])},
        [("list", "DRAFT")],
    ),
    Act(
        _M.staff_extends_or_shortens_a_list,
        1,
        {"pick": _PICKS, "days": st.sampled_from([1, 30])},
        [("list", "OPEN")],
    ),
    Act(_M.staff_draws_a_list_up, 1, {"whom": _WHOM}),
    Act(_M.staff_adds_a_title, 1, {"slug": st.sampled_from(["spring", "new"])}),
    Act(_M.staff_counts_anew, 1, _COUNTS),
    Act(_M.staff_takes_a_title_back, 1, {"number": _NUMBER}),
    Act(_M.staff_ends_a_list, 1, {"pick": _PICKS, "action": st.sampled_from(_ENDS)}),
    Act(_M.staff_suspends_a_partner_or_takes_it_back, 1),
    Act(_M.staff_moves_the_agreement, 1, {"action": st.sampled_from(_TURNS)}),
    Act(_M.a_partner_reads_all_it_is_shown, 1, {"code": _CODES}),
)


# How each line arrived, or each piece: most of them whole.
_HOW = st.lists(st.sampled_from([0, 0, 1, 2, 3]), max_size=4)
_LINE = st.integers(0, 3)
_BY = st.sampled_from(["link", "staff", "partner"])
_ONE = {"pick": _PICKS}
_RESOLUTIONS = st.sampled_from([Resolution.CREDITED, Resolution.RESENT, *Resolution])
TRAVELS = (
    Act(_M.staff_dispatches, 6, _ONE, [("consignment", "PACKED")]),
    Act(_M.staff_packs, 6, _ONE, [("consignment", "DRAFT")]),
    Act(
        _M.a_receipt_comes,
        5,
        {"pick": _PICKS, "how": _HOW, "by": _BY},
        [("consignment", *RECEIVABLE)],
    ),
    Act(
        _M.staff_settles_a_claim,
        4,
        {"pick": _PICKS, "how": _RESOLUTIONS},
        [("claim", *PENDING)],
    ),
    Act(
        _M.it_comes_back_or_is_lost,
        3,
        {"pick": _PICKS, "lost": st.booleans()},
        [("consignment", *RECEIVABLE)],
    ),
    Act(_M.months_pass, 3, {}, [("consignment", *ON_ITS_WAY)]),
    Act(_M.staff_packs_a_gift, 3, _ONE, [("gift", "APPROVED")]),
    Act(
        _M.a_gift_goes_on,
        4,
        {"pick": _PICKS, "action": st.sampled_from([GIFT_ACTIONS[1], *GIFT_ACTIONS])},
        [("gift", "DRAFT", "SUBMITTED", "REJECTED")],
    ),
    Act(
        _M.staff_checks_the_pieces,
        4,
        {"pick": _PICKS, "how": _HOW, "claims": st.booleans()},
        [("incoming", "RECEIVED")],
    ),
    Act(_M.a_gift_comes, 4, _ONE, [("incoming", "ANNOUNCED")]),
    Act(_M.staff_makes_a_consignment, 4, {"code": _CODES}, [("allocation", "CONFIRMED")]),
    Act(_M.staff_makes_a_consignment, 1, {"code": _CODES}),
    Act(
        _M.staff_proposes_a_gift,
        2,
        {
            "code": _CODES,
            "number": _LINE,
            "copies": st.integers(1, 3),
            "cost": st.sampled_from([None, 9_000]),
        },
    ),
    Act(
        _M.a_partner_announces,
        2,
        {"code": _CODES, "copies": st.integers(1, 2), "volumes": st.sampled_from([1, 3])},
    ),
    Act(
        _M.staff_corrects_a_dispatch,
        2,
        {"pick": _PICKS, "line": _LINE, "retract": st.booleans()},
        [("consignment", *ON_ITS_WAY)],
    ),
    Act(
        _M.staff_corrects_a_receipt,
        2,
        {"pick": _PICKS, "how": _HOW},
        [("consignment", *CONFIRMED)],
    ),
    Act(
        _M.a_partner_claims,
        2,
        {"pick": _PICKS, "line": _LINE},
        [("consignment", *RECEIVABLE, *CONFIRMED)],
    ),
    Act(_M.staff_reopens_a_claim, 2, _ONE, [("claim", "RESOLVED", "CLOSED_UNRESOLVED")]),
    Act(_M.staff_numbers_a_gift, 1, _ONE, [("incoming", "CHECKED")]),
    Act(
        _M.staff_corrects_a_piece,
        2,
        {"pick": _PICKS, "piece": st.integers(1, 2), "how": _LINE},
        [("incoming", *COUNTED)],
    ),
    Act(_M.staff_adds_what_waits, 1, _ONE, [("consignment", "DRAFT")]),
    Act(_M.staff_takes_a_line_out, 1, {"pick": _PICKS, "line": _LINE}, [("consignment", "DRAFT")]),
    Act(
        _M.staff_unpacks_or_cancels,
        1,
        {"pick": _PICKS, "cancels": st.booleans()},
        [("consignment", "DRAFT", "PACKED")],
    ),
)
# What may happen to lists and partners while things travel.
MEANWHILE = tuple(
    each
    for each in ACTS
    if each.does
    in {
        _M.a_partner_accepts,
        _M.a_partner_declines,
        _M.the_worker_turns,
        _M.staff_counts_anew,
        _M.a_partner_reads_all_it_is_shown,
    }
)
