"""Every line of a wish list is answered: at once with the list, or step by step by a worker.

A long list is read from its kept bytes as a stream. Each step's answers and the job's cursor are
one transaction, so that no line is lost and none is answered twice; the last step lets a list that
replaces another take its place.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from marc_mappings.match_keys import Key
from service.domain import matching, wish_line
from service.domain.partner import Partner, PartnerState
from service.domain.webhook import WISHLIST_ANSWERED, WISHLIST_FAILED
from service.domain.wish import (
    OPEN_OUTCOMES,
    Answer,
    AnsweredLine,
    Mode,
    Outcome,
    WishLine,
    WishListState,
    WishState,
)
from service.store import (
    audiences,
    jobs,
    offer_lists,
    offers,
    originals,
    partners,
    wish_lists,
    wishes,
)
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.wish_lists import Received
from service.store.wishes import NewWish, OpenWish
from service.usecases import notifying

if TYPE_CHECKING:
    from service.usecases.site import Site

_T = TypeVar("_T")

# Lines answered in one transaction, and identifiers looked up in one statement.
STEP = 250
# How often a worker that reads a large body says that it is alive.
_SIGN_OF_LIFE = timedelta(seconds=5)


def answer(site: Site, held: Job, on_step: Callable[[Job, int], None]) -> None:
    """Answer the lines of a list from the job's cursor on, and let it stand when all are.

    Raises ``LeaseLost`` when another worker took the job over; nothing of its step is kept then.
    """
    db, now = site.db, site.now
    with db.read() as conn:
        given = wish_lists.by_id(conn, held.subject_id)
    body = _body(db, held, given.original_id, now)
    opened = wish_line.open_body(body, given.media_type, site.names(), given.charset)
    lines = opened.lines(after=held.cursor.get("line", 0))
    done = given.answered
    while step := list(islice(lines, STEP)):
        done += len(step)
        with db.write() as conn:
            jobs.advance(conn, held, {"line": step[-1].line_no}, done, now())
            _answer_step(conn, given, step, now())
        on_step(held, done)
    with db.write() as conn:
        jobs.finish(conn, held, now())
        _end(conn, given, done, now())


def give_up(db: Database, held: Job, error: str, now: datetime) -> None:
    """End a job that cannot go on. The lines answered stay; what was to be replaced still stands.

    The same request, sent again under its idempotency key, takes it up where it stopped.
    """
    with db.write() as conn:
        jobs.fail(conn, held, error, now)
        given = wish_lists.by_id(conn, held.subject_id)
        wish_lists.set_state(conn, given.id, WishListState.FAILED, error)
        body = {"wish_list": given.public_id}
        notifying.announce(conn, given.partner_id, WISHLIST_FAILED, body, now)


def tell_answered(conn: Connection, given: Received, now: datetime) -> None:
    """Announce that every line of a list is answered."""
    counts = wish_lists.counts(conn, given.id)
    body = {"wish_list": given.public_id, "counts": counts}
    notifying.announce(conn, given.partner_id, WISHLIST_ANSWERED, body, now)


def _body(db: Database, held: Job, original_id: int, now: Callable[[], datetime]) -> BinaryIO:
    """Return the bytes of a list as a stream; reading on keeps the job."""
    due = now() + _SIGN_OF_LIFE

    def fetch(offset: int) -> tuple[int, bytes]:
        nonlocal due
        if now() >= due:
            with db.write() as conn:
                jobs.prolong(conn, held, now())
            due = now() + _SIGN_OF_LIFE
        with db.read() as conn:
            return originals.piece_at(conn, original_id, offset)

    return io.BufferedReader(originals.Reader(fetch), originals.PIECE)


def _answer_step(
    conn: Connection, given: Received, lines: Sequence[WishLine], now: datetime
) -> None:
    partners.lock(conn, given.partner_id)
    offer_lists.hold_open(conn)
    partner = partners.by_id(conn, given.partner_id)
    waits = given.mode is Mode.REPLACE or wish_lists.is_superseded(conn, given)
    answered = answers(conn, partner, lines, now, given, waits=waits)
    open_state = WishState.PENDING if waits else WishState.OPEN
    # A wish is as old as the list that brought it, however long that waited for its answer.
    wishes.add(
        conn,
        given.id,
        given.partner_id,
        [
            NewWish(
                answered_line(line, found, open_state),
                found.offer_id,
                found.target,
                found.since or given.received_at,
            )
            for line, found in answered
        ],
    )
    if not waits:
        # Lists that came later may have been answered before: the first to ask keeps its turn.
        repeated = [found.repeats for _, found in answered if found.repeats]
        wishes.bring_forward(conn, partner.id, repeated, given.received_at)
    wish_lists.advance(conn, given.id, len(lines))


def _end(conn: Connection, given: Received, answered: int, now: datetime) -> None:
    partners.lock(conn, given.partner_id)
    offer_lists.hold_open(conn)
    withdrawn = 0
    superseded = wish_lists.is_superseded(conn, given)
    if given.mode is Mode.REPLACE or superseded:
        withdrawn = wishes.settle(conn, given, superseded=superseded)
    wish_lists.end(conn, given.id, now, withdrawn=withdrawn, answered=answered)
    tell_answered(conn, given, now)


def answers(
    conn: Connection,
    partner: Partner,
    lines: Sequence[WishLine],
    now: datetime,
    given: Received | None,
    *,
    waits: bool = False,
) -> list[tuple[WishLine, Answer]]:
    """Return every line with its answer, from what this partner may know of and has open.

    ``given``: the list whose lines they are, None where it is not entered yet; ``waits``: whether
    its wishes stand only when all are answered, in the place of others under its key.
    """
    seen_by = audiences.standing(conn, partner.id)
    by_id: dict[str, matching.Candidate] = {}
    for names in _parts(sorted({line.offer for line in lines if line.offer})):
        by_id |= offers.candidates_by_public_id(conn, seen_by, names)
    by_key: dict[Key, Sequence[matching.Candidate]] = {}
    for keys in _parts(sorted({key for line in lines for key in line.keys})):
        by_key |= offers.candidates_by_key(conn, seen_by, keys)
    suspended = partner.state is PartnerState.SUSPENDED
    found = [matching.answer(line, by_id, by_key, now, suspended=suspended) for line in lines]
    targets = sorted({each.target for each in found if each.target})
    if not waits:
        taken: dict[str, datetime] = {}
        for part in _parts(targets):
            taken |= wishes.take_over(conn, partner.id, part, given.id if given else None)
        found = [each._replace(since=taken.get(each.target)) for each in found]
    standing = _standing(conn, partner, targets, given if waits else None)
    own = given.public_id if given else ""
    return list(zip(lines, _without_duplicates(lines, found, standing, own), strict=True))


def _standing(
    conn: Connection, partner: Partner, targets: Sequence[str], waiting: Received | None
) -> dict[str, OpenWish]:
    """Return what this partner asks for already, on other lists and in lines before these."""
    standing: dict[str, OpenWish] = {}
    for part in _parts(targets):
        standing |= wishes.open_wishes(conn, partner.id, part, besides=waiting)
        if waiting:
            standing |= {
                target: OpenWish(waiting.public_id, line_no, waiting.received_at)
                for target, line_no in wishes.pending(conn, waiting.id, part).items()
            }
    return standing


def _without_duplicates(
    lines: Sequence[WishLine],
    answers: Sequence[Answer],
    standing: Mapping[str, OpenWish],
    own: str,
) -> Iterator[Answer]:
    """Answer a line that repeats an earlier one, or a wish that stands, as a duplicate of it."""
    seen = {
        target: each.line_no for target, each in standing.items() if own and each.wish_list == own
    }
    for line, found in zip(lines, answers, strict=True):
        if found.target and found.target in seen:
            yield _duplicate(found, f"line {seen[found.target]} of this list asks for it.")
        elif found.target and found.target in standing:
            earlier = standing[found.target]
            yield _duplicate(
                found,
                f"you asked for it on {earlier.wished_at:%Y-%m-%d} "
                f"(line {earlier.line_no} of wish list {earlier.wish_list}).",
            )
        else:
            yield found
        if found.target:
            seen.setdefault(found.target, line.line_no)


def _duplicate(found: Answer, why: str) -> Answer:
    return found._replace(
        outcome=Outcome.DUPLICATE,
        reason=f"The same wish stands already: {why}",
        target="",
        repeats=found.target,
    )


def answered_line(line: WishLine, found: Answer, open_state: WishState) -> AnsweredLine:
    """Return a line with its answer; a wish with something left to do gets ``open_state``."""
    return AnsweredLine(
        line_no=line.line_no,
        line=line.text,
        outcome=found.outcome,
        reason=found.reason,
        offer=found.offer,
        quantity=line.quantity,
        note=line.note,
        state=open_state if found.outcome in OPEN_OUTCOMES else WishState.ANSWERED,
        score=found.score,
    )


def _parts(values: Sequence[_T]) -> list[Sequence[_T]]:
    return [values[i : i + STEP] for i in range(0, len(values), STEP)]
