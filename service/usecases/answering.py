"""Every line of a wish list is answered: at once with the list, or step by step by a worker.

A long list is read from its kept bytes as a stream. Each step's answers and the job's cursor are
one transaction, so that no line is lost and none is answered twice; the last step lets a list that
replaces another take its place.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from marc_mappings.match_keys import Key
from service.domain import lookup_key, match_rule, matching, wish_line
from service.domain.announcement import WISHLIST_ANSWERED, WISHLIST_FAILED
from service.domain.match_rule import TITLES
from service.domain.partner import Partner, PartnerState
from service.domain.wish import (
    CONFIRMABLE,
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
    candidates,
    confirmations,
    given_before,
    jobs,
    match_rules,
    offer_lists,
    originals,
    partners,
    wish_keys,
    wish_lists,
    wishes,
)
from service.store.candidates import Candidate
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.store.wish_lists import Received
from service.store.wishes import NewWish, OpenWish
from service.usecases import notifying, reading_offers

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
    names = replace(site.names(), headings=given.headings)
    opened = wish_line.open_body(body, given.media_type, names, given.charset)
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
            new_wish(line, found, found.since or given.received_at, open_state)
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
    wish_keys.hold(conn)
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
    # From here on no keys of offers are made that these answers would not see.
    wish_keys.hold(conn)
    found = _found(conn, partner, lines, now)
    targets = sorted({each.target for each in found if each.target})
    if not waits:
        taken: dict[str, datetime] = {}
        for part in _parts(targets):
            taken |= wishes.take_over(conn, partner.id, part, given.id if given else None)
        found = [each._replace(since=taken.get(each.target)) for each in found]
    standing = _standing(conn, partner, targets, given if waits else None)
    _confirm(conn, partner, lines, found, standing, now)
    own = given.public_id if given else ""
    return list(zip(lines, _without_duplicates(lines, found, standing, own), strict=True))


def _found(
    conn: Connection, partner: Partner, lines: Sequence[WishLine], now: datetime
) -> list[Answer]:
    """Return what each line alone is answered."""
    lists = candidates.lists_shown_to(conn, audiences.standing(conn, partner.id))
    by_id: dict[str, Candidate] = {}
    for names in _parts(sorted({line.offer for line in lines if line.offer})):
        by_id |= candidates.by_public_id(conn, lists, names)
    keys = {key for line in lines for key in lookup_key.looked_up(line.keys)}
    by_key = candidates.by_key(conn, lists, keys)
    if any(key.kind in TITLES for key in keys):
        by_key = reading_offers.with_keys(conn, by_key)
    received = given_before.by_key(conn, [partner.id], _sure(keys, by_id, by_key))
    rules = match_rule.of_site(match_rules.changed(conn))
    suspended = partner.state is PartnerState.SUSPENDED
    return [
        matching.answer(
            line,
            by_id,
            by_key,
            now,
            suspended=suspended,
            rules=rules,
            received=received.get(partner.id),
        )
        for line in lines
    ]


def _sure(
    keys: Iterable[Key],
    by_id: Mapping[str, Candidate],
    by_key: Mapping[Key, Sequence[Candidate]],
) -> Iterator[Key]:
    """Yield all keys by which something that was given before may be recognised."""
    yield from lookup_key.sure_keys(keys)
    for candidate in by_id.values():
        yield from lookup_key.sure_keys(candidate.keys)
    for found in by_key.values():
        for candidate in found:
            yield from lookup_key.sure_keys(candidate.keys)


def _confirm(
    conn: Connection,
    partner: Partner,
    lines: Sequence[WishLine],
    answers: Sequence[Answer],
    standing: dict[str, OpenWish],
    now: datetime,
) -> None:
    """Register standing wishes that waited for their partner to name the offer, or its number."""
    named = {
        found.offer_id: found
        for line, found in zip(lines, answers, strict=True)
        if line.offer and found.offer_id and found.outcome is Outcome.REGISTERED
    }
    others = confirmations.other_editions(conn, partner.id, list(named)) if named else {}
    for found in answers:
        if found.outcome is not Outcome.REGISTERED or found.offer_id is None:
            continue
        earlier = standing.get(found.target)
        if earlier and earlier.outcome is Outcome.MATCHED:
            list_id = confirmations.place_of(conn, earlier)
        elif not earlier and found.offer_id in others:
            list_id, earlier = others.pop(found.offer_id)
        else:
            continue
        said = f"You confirmed it on {now:%Y-%m-%d}."
        line_no = earlier.line_no
        if confirmations.confirm(conn, list_id, line_no, found.offer_id, found.target, said):
            standing[found.target] = earlier._replace(outcome=Outcome.REGISTERED, confirmed=True)


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
            confirmed = " It is registered now." if earlier.confirmed else ""
            yield _duplicate(
                found,
                f"you asked for it on {earlier.wished_at:%Y-%m-%d} "
                f"(line {earlier.line_no} of wish list {earlier.wish_list}).{confirmed}",
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


def new_wish(line: WishLine, found: Answer, wished_at: datetime, open_state: WishState) -> NewWish:
    """Return a line with its answer as it is kept: while it waits, with the keys it is found by."""
    waits = found.outcome in {Outcome.WAITING, Outcome.OTHER_EDITION}
    asks = waits or found.outcome in CONFIRMABLE or found.outcome is Outcome.REGISTERED
    return NewWish(
        answered_line(line, found, open_state),
        found.offer_id,
        found.target,
        wished_at,
        wish_keys.kept(line) if asks else None,
        lookup_key.waiting_keys(line.keys) if waits else (),
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
