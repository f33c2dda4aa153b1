"""The desk of allocations: planned, tried by another policy, confirmed, answered, decided again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from service.domain.allocation import (
    BY_PEOPLE,
    TRANSITIONS,
    AllocationAction,
    AllocationPolicy,
    AllocationRun,
    RunState,
)
from service.domain.allocation_policy import POLICIES
from service.domain.offer import ListState
from service.errors import Conflict, Invalid, NotFound
from service.store.allocations import Decided
from service.usecases import accepting, allocating, confirming, overlooking_lists, planning
from service.usecases.overlooking_lists import PartnersShare
from service.usecases.site import Site
from service.web import forms, table_answer
from service.web.guarding import caller, needs

pages = Blueprint("allocation", __name__)

PER_PAGE: Final = 50
_LONGEST: Final = 9  # digits of the number of a decision
_DECIDED: Final = ("number", "partner", "title", "offer", "wanted", "copies", "gets", "rank",
                   "state", "reason", "differs", "answer_until", "wished_at", "wish_list", "line",
                   "transfer")  # fmt: skip
_SHARES: Final = ("partner", "copies", "balance", "priority", "room_copies", "why", "room_volumes",
                  "why_volumes")  # fmt: skip
_COMPARED: Final = ("partner", "planned", "by_this", "difference")


def explained() -> dict[AllocationPolicy, str]:
    """Return every policy in words."""
    return {policy: entry.explained() for policy, entry in POLICIES.items()}


# --- looking --------------------------------------------------------------------------------------


@pages.get("/<slug>/allocation")
@needs("show_allocation")
def show(slug: str) -> ResponseReturnValue:
    """Show the plan or the allocation of a list, each line with its reason."""
    return _show(slug, {})


def _show(slug: str, wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    on = overlooking_lists.find(site.db, slug, site.now()).counted
    run = _run(slug)
    if run is not None and (kind := request.args.get("as", "")):
        rows = _rows(allocating.all_decisions(site.db, run))
        return table_answer.table(_DECIDED, rows, f"allocation-{slug}", kind)
    given = request.args.get("after", "")
    after = int(given) if given.isdecimal() and len(given) <= _LONGEST else 0
    decided = [] if run is None else allocating.decisions(site.db, run, after, PER_PAGE + 1)
    page = render_template(
        "desk/allocation.html",
        list=on.offer_list,
        counted=on,
        run=run,
        decided=decided[:PER_PAGE],
        following=decided[PER_PAGE - 1].position if len(decided) > PER_PAGE else None,
        after=after,
        shares=[] if run is None else overlooking_lists.shares(site.db, run),
        can_plan=on.offer_list.state is ListState.CLOSED,
        running=run is not None and run.state is RunState.CONFIRMED and run.finished_at is None,
        answers={each: TRANSITIONS[each][0] for each in BY_PEOPLE},
        accept=AllocationAction.ACCEPT,
        decline=AllocationAction.DECLINE,
        explained=explained(),
        given={"policy": forms.text("policy"), "seed": forms.text("seed")},
        wrong=wrong,
    )
    return make_response(page, status)


def _run(slug: str) -> AllocationRun | None:
    """Return the run of a list, None where it has none that is all there."""
    try:
        run = allocating.show(_site().db, slug).run
    except NotFound:
        return None
    return None if run.state is RunState.PLANNING else run


def _rows(decided: Iterable[Decided]) -> Iterator[tuple[object, ...]]:
    for each in decided:
        yield (each.position, each.partner, each.title, each.offer, each.quantity, each.copies,
               each.given, each.rank, each.state.value, each.reason, each.differs,
               each.answer_until, each.wished_at, each.wish_list, each.line_no,
               each.transfer)  # fmt: skip


@pages.get("/<slug>/allocation/shares")
@needs("show_allocation")
def shares(slug: str) -> ResponseReturnValue:
    """Give the shares of partners as a file."""
    site = _site()
    run = allocating.show(site.db, slug).run
    rows = [_share(each) for each in overlooking_lists.shares(site.db, run)]
    return table_answer.table(_SHARES, rows, f"shares-{slug}", request.args.get("as", "csv"))


def _share(each: PartnersShare) -> tuple[object, ...]:
    room = each.standing.room
    return (each.partner, each.copies, each.standing.balance, each.standing.priority, room.copies,
            room.why, room.volumes, room.why_volumes)  # fmt: skip


# --- planning and trying --------------------------------------------------------------------------


@pages.post("/<slug>/allocation")
@needs("plan_allocation")
def plan(slug: str) -> ResponseReturnValue:
    """Plan who is given what, in the place of an earlier plan; nobody is told."""
    site = _site()
    try:
        planning.plan(
            site.db,
            slug,
            site.now(),
            policy=_policy(forms.text("policy")),
            seed=forms.text("seed"),
            by=caller().name,
        )
    except Conflict as error:
        return _show(slug, {"": error.detail}, 409)
    except Invalid as error:
        return _show(slug, forms.wrong(error), 422)
    flash(_("The plan is kept. Nobody is told before you confirm it."), "done")
    return redirect(url_for("desk_lists.allocation.show", slug=slug), 303)


def _policy(given: str) -> AllocationPolicy | None:
    """Return the policy of this name, None for none; raise ``Invalid``."""
    if not given:
        return None
    found = next((each for each in AllocationPolicy if each.value == given), None)
    if found is None:
        raise Invalid(f"there is no policy {given[:40]!r}", "policy")
    return found


@pages.get("/<slug>/allocation/what-if")
@needs("try_allocation")
def what_if(slug: str) -> ResponseReturnValue:
    """Show what another policy or seed would come to beside the plan; nothing of it is kept."""
    site = _site()
    on = overlooking_lists.known(site.db, slug)
    asked = {name: request.args.get(name, "").strip() for name in ("policy", "seed")}
    tried, wrong, status = None, {}, 200
    try:
        tried = allocating.what_if(
            site.db, slug, site.now(), policy=_policy(asked["policy"]), seed=asked["seed"]
        )
    except Conflict as error:
        wrong, status = {"": error.detail}, 409
    except Invalid as error:
        wrong, status = dict(forms.wrong(error)), 422
    if tried is not None and (kind := request.args.get("as", "")):
        rows = [
            (each.partner, each.now, each.then, None if each.now is None else each.then - each.now)
            for each in tried.shares
        ]
        return table_answer.table(_COMPARED, rows, f"what-if-{slug}", kind)
    page = render_template(
        "desk/allocation_what_if.html",
        list=on,
        run=_run(slug),
        tried=tried,
        asked=asked,
        explained=explained(),
        wrong=wrong,
    )
    return make_response(page, status)


@pages.get("/<slug>/allocation/replay")
@needs("show_allocation")
def replay(slug: str) -> ResponseReturnValue:
    """Decide the run again from what was kept of it, and show whether anything comes out else."""
    site = _site()
    on = overlooking_lists.known(site.db, slug)
    other = allocating.replay(site.db, slug)
    return render_template("desk/allocation_replay.html", list=on, run=_run(slug), other=other)


# --- confirming -----------------------------------------------------------------------------------


@pages.get("/<slug>/allocation/confirm")
@needs("confirm_allocation")
def ask(slug: str) -> ResponseReturnValue:
    """Ask once more before a plan is confirmed, and say what will happen."""
    return _ask(slug, {})


@pages.post("/<slug>/allocation/confirm")
@needs("confirm_allocation")
def confirm(slug: str) -> ResponseReturnValue:
    """Give what is planned and tell everybody why; one that was interrupted goes on.

    It is done here, step by step; a worker goes on with it if this page is left in the middle.
    """
    site = _site()
    try:
        confirming.confirm(site.db, slug, site.now, by=caller().name, plan=forms.text("plan"))
    except Conflict as error:
        return _ask(slug, {"": error.detail}, 409)
    flash(_("The allocation is confirmed; every partner learns what it gets, and why."), "done")
    return redirect(url_for("desk_lists.allocation.show", slug=slug), 303)


def _ask(slug: str, wrong: Mapping[str, str], status: int = 200) -> Response:
    site = _site()
    on = overlooking_lists.known(site.db, slug)
    run = _run(slug)
    page = render_template("desk/allocation_confirm.html", list=on, run=run, wrong=wrong)
    return make_response(page, status)


# --- answers of partners --------------------------------------------------------------------------


@pages.get("/<slug>/allocation/<name>/<any(accept,decline):answer>")
@needs("find_allocation")
def ask_answer(slug: str, name: str, answer: str) -> ResponseReturnValue:
    """Ask before an answer is entered for a partner."""
    return _answer(slug, name, answer, {})


@pages.post("/<slug>/allocation/<name>/<any(accept,decline):answer>")
@needs("decline_allocation")
def enter_answer(slug: str, name: str, answer: str) -> ResponseReturnValue:
    """Enter that a partner takes what differs from its wish, or leaves what it was allocated."""
    site = _site()
    by: dict[str, Any] = {"by": caller().name, "now": site.now()}
    try:
        if answer == AllocationAction.ACCEPT.value:
            accepting.accept(site.db, name, None, **by)
        else:
            accepting.decline(site.db, name, None, reason=forms.text("reason")[:1000], **by)
    except Conflict as error:
        return _answer(slug, name, answer, {"": error.detail}, 409)
    flash(_("The answer is entered."), "done")
    return redirect(url_for("desk_lists.allocation.show", slug=slug), 303)


def _answer(
    slug: str, name: str, answer: str, wrong: Mapping[str, str], status: int = 200
) -> Response:
    site = _site()
    on = overlooking_lists.known(site.db, slug)
    page = render_template(
        "desk/allocation_answer.html",
        list=on,
        decided=accepting.show(site.db, name, None),
        accepts=answer == AllocationAction.ACCEPT.value,
        reason=forms.text("reason"),
        wrong=wrong,
    )
    return make_response(page, status)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
