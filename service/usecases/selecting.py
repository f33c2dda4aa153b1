"""Selecting: a partner's list is looked through, and what is wanted comes back as one wish list.

A list is routed to one selector or to several; each title says whether we hold it. A selection that
is closed notes what was chosen as wishes of ours, and ``send`` lets them go out together. ``by`` is
who acts, as the audit log has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from service.domain import consignment_fields, revision
from service.domain import selection as rules
from service.domain.offer import OfferList
from service.domain.selection import Query, Selection, SelectionAction, SelectionState, Title
from service.domain.source import SourceKind
from service.errors import Conflict, Invalid, NotFound
from service.store import audit_log, incoming_lists, offer_lists, partners, public_ids, selections
from service.store.db import Connection, Database
from service.store.incoming_lists import Incoming
from service.usecases import requesting
from service.usecases.requesting import Released

KIND: Final = "selection"  # in the audit log


class Closed(NamedTuple):
    """A selection that was closed: what was noted as wishes, and what was not, and why."""

    selection: Selection
    wished: int
    already: int
    gone: int


def route(
    db: Database,
    slug: str,
    selector: str,
    query: Query = Query(),  # noqa: B008 - a value
    *,
    due_on: date | None = None,
    note: str = "",
    by: str,
    now: datetime,
) -> Selection:
    """Route a partner's list to a selector, all of it or what the query says.

    Raises ``NotFound``, and ``Conflict`` for a list by which no partner offers us anything.
    """
    name = rules.check_selector(selector)
    text = consignment_fields.line(note)
    with db.write() as conn:
        on = _list(conn, slug)
        row = selections.add(conn, on.id, name, query, due_on=due_on, note=text, now=now)
        made = selections.by_id(conn, row)
        _keep(conn, "routed", made, by, now)
        return made


def choose(
    db: Database,
    name: str,
    offers: Sequence[str],
    *,
    wanted: bool = True,
    quantity: int = 1,
    reason: str = "",
    seen: int | None = None,
    by: str,
    now: datetime,
) -> Selection:
    """Say of offers (public ids) that they are wanted or passed over; all of them or none.

    Raises ``NotFound`` for an offer that is not on the list, ``Conflict`` for a selection that is
    over, ``Outdated``.
    """
    why = rules.check_choice(quantity, reason)
    with db.write() as conn:
        found = _hold(conn, name, seen)
        rules.check_open(found)
        named = {each: public_ids.read(each) or "" for each in offers}
        there = selections.offers_of(conn, found.list_id, [each for each in named.values() if each])
        if gone := [each for each, public_id in named.items() if public_id not in there]:
            raise NotFound(f"list {found.list_slug!r} has no offer {', '.join(gone[:5])}")
        if not there:
            raise Invalid("name at least one offer", "offers")
        ids = sorted(there.values())
        selections.choose(
            conn, found.id, ids, wanted=wanted, quantity=quantity, reason=why, now=now
        )
        made = selections.put(conn, found)
        _keep(conn, "chosen" if wanted else "passed over", made, by, now, offers=sorted(there))
        return made


def close(db: Database, name: str, *, seen: int | None = None, by: str, now: datetime) -> Closed:
    """Close a selection and note what was chosen as wishes of ours, to be sent.

    What is wished for already, and what the partner took back since, is counted and left out.
    """
    with db.write() as conn:
        found = _hold(conn, name, seen)
        state = rules.after(SelectionAction.CLOSE, found.state)
        chosen = selections.chosen(conn, found.id)
        new = [each for each in chosen if each.is_offered and not each.wish]
        for each in new:
            requesting.note_wishes(
                conn, [each.offer], quantity=each.quantity, note=each.reason, by=by, now=now
            )
        made = selections.put(conn, found, state=state.value, closed_at=now)
        _keep(conn, "closed", made, by, now, wished=len(new))
        already = sum(bool(each.wish) for each in chosen)
        return Closed(made, len(new), already, len(chosen) - len(new) - already)


def cancel(
    db: Database, name: str, *, seen: int | None = None, by: str, now: datetime
) -> Selection:
    """Cancel a selection: nothing of it is wished for."""
    with db.write() as conn:
        found = _hold(conn, name, seen)
        state = rules.after(SelectionAction.CANCEL, found.state)
        made = selections.put(conn, found, state=state.value, closed_at=now)
        _keep(conn, "cancelled", made, by, now)
        return made


def send(db: Database, slug: str, *, unfinished: bool = False, now: datetime) -> Released:
    """Let what was chosen of a list go out to its partner as one wish list.

    Raises ``Conflict`` that names selectors who are not done, unless ``unfinished`` says that they
    come later.
    """
    with db.read() as conn:
        on = _list(conn, slug)
        open_ = selections.listed(conn, list_id=on.id, states=[SelectionState.OPEN])
        whose = incoming_lists.whose(conn, on.id)
        assert whose is not None  # noqa: S101 - the list is a partner's
        code = partners.by_id(conn, whose.partner_id).code
    if open_ and not unfinished:
        names = ", ".join(sorted({each.selector for each in open_}))
        raise Conflict(
            f"list {slug!r} is still looked through by {names}: close or cancel these selections, "
            "or send what there is and the rest later"
        )
    return requesting.release(db, code, now)


# --- looking --------------------------------------------------------------------------------------


def find(db: Database, name: str) -> Selection:
    """Return a selection by its public id; raise ``NotFound``."""
    with db.read() as conn:
        return _known(conn, name)


def list_selections(
    db: Database,
    *,
    slug: str = "",
    states: Collection[SelectionState] = frozenset(SelectionState),
    before: str = "",
    limit: int | None = None,
) -> list[Selection]:
    """Return selections, newest first; of one list, or of all. Raises ``NotFound``."""
    with db.read() as conn:
        list_id = _list(conn, slug).id if slug else None
        return selections.listed(
            conn, list_id=list_id, states=list(states), before=before, limit=limit
        )


def list_incoming(db: Database) -> list[Incoming]:
    """Return the lists of what partners offer us, by partner, each with its titles counted."""
    with db.read() as conn:
        return incoming_lists.listed(conn)


def list_titles(
    db: Database,
    name: str,
    after: str = "",
    limit: int | None = None,
    *,
    wanted: bool | None = None,
) -> list[Title]:
    """Return titles of a selection, each with whether we hold it; raise ``NotFound``."""
    with db.read() as conn:
        return selections.titles(conn, _known(conn, name), after, limit, wanted=wanted)


# --- the parts ------------------------------------------------------------------------------------


def _list(conn: Connection, slug: str) -> OfferList:
    on = offer_lists.by_slug(conn, slug)
    if on is None:
        raise NotFound(f"there is no offer list named {slug!r}")
    whose = incoming_lists.whose(conn, on.id)
    if whose is None or whose.kind is not SourceKind.OFFERS:
        raise Conflict(f"list {slug!r} is nothing that a partner offers us")
    return on


def _known(conn: Connection, name: str) -> Selection:
    wanted = public_ids.read(name)
    found = None if wanted is None else selections.by_public_id(conn, wanted)
    if found is None:
        raise NotFound(f"there is no selection {name!r}")
    return found


def _hold(conn: Connection, name: str, seen: int | None) -> Selection:
    found = selections.lock(conn, _known(conn, name).id)
    revision.check_seen("this selection", seen, found.revision)
    return found


def _keep(
    conn: Connection, action: str, made: Selection, by: str, now: datetime, **more: Any
) -> None:
    told = {
        "list": made.list_slug,
        "selector": made.selector,
        "state": made.state.value,
        "chosen": made.chosen,
    }
    audit_log.write(
        conn, by=by, action=action, kind=KIND, name=made.public_id, now=now, after=told | more
    )
