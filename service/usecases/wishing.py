"""A wish list arrives: every line is answered, and what was answered is kept with the bytes.

A short list is answered at once. Answering and keeping are one transaction then, so that an offer
list that closes at the same moment is either closed for all lines or for none, and ``replace``
flips from the old wishes to the new at once. A long list is kept with the job that will answer it,
and read by a worker (``answering``); it is never lost once its receipt was told.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import BinaryIO, NamedTuple

from service.domain import wish as rules
from service.domain import wish_line
from service.domain.partner import Partner
from service.domain.wish import (
    ANSWER,
    MATCHED_OUTCOMES,
    AnsweredLine,
    Listed,
    Mode,
    Reading,
    WishAction,
    WishLine,
    WishList,
    WishListState,
    WishState,
)
from service.domain.wish_line import Names, Opened
from service.errors import Conflict, Invalid, NotFound, TooLarge
from service.store import (
    jobs,
    offer_lists,
    originals,
    partners,
    public_ids,
    shown_offers,
    wish_lists,
    wishes,
)
from service.store.db import Connection, Database
from service.usecases import answering
from service.usecases.keeping import keep_original

API = "api"
# Lines of a list that are answered while the sender waits, and shown on one page.
AT_ONCE = 2_000


class Received(NamedTuple):
    """A wish list that was taken, and whether this very request came before.

    Its ``state`` tells whether it is answered already.
    """

    wish_list: WishList
    replayed: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A wish list as a partner sends it. ``list_key`` names which of its lists this is.

    ``body`` is bytes, or a stream that can be sought in. ``respond_async``: the sender will come
    back for the answer, however short the list is. ``headings`` are what the sender says that its
    own mean (``wish_headings.explained``); they are remembered for its next lists.
    """

    body: bytes | BinaryIO
    media_type: str
    mode: Mode = Mode.APPEND
    list_key: str = ""
    dry_run: bool = False
    idempotency_key: str | None = None
    channel: str = API
    charset: str = ""
    respond_async: bool = False
    headings: Mapping[str, str] = field(default_factory=dict)

    def stream(self) -> BinaryIO:
        """Return the body, to be read from its beginning."""
        body = io.BytesIO(self.body) if isinstance(self.body, bytes) else self.body
        body.seek(0)
        return body

    def size(self) -> int:
        """Return how many octets the body has."""
        return self.stream().seek(0, io.SEEK_END)

    def digest(self) -> bytes:
        """Return what tells whether two requests are the same one."""
        parts = [self.media_type, self.mode.value, self.list_key, self.channel]
        parts += [self.charset] if self.charset else []
        parts += [f"{each}={name}" for each, name in sorted(self.headings.items())]
        head = "\0".join(parts).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(head + b"\0")
        body = self.stream()
        while piece := body.read(originals.PIECE):
            digest.update(piece)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest wish list that is taken, in octets and in lines.

    One with more lines than ``at_once`` is answered by a worker.
    """

    octets: int
    lines: int
    at_once: int = AT_ONCE


class _Body(NamedTuple):
    """A body that was read to its end: ``lines`` are its wishes where it is answered at once."""

    lines: Sequence[WishLine] | None
    total: int
    reading: Reading
    digest: bytes


def receive(
    db: Database, partner: Partner, request: Request, names: Names, limits: Limits, now: datetime
) -> Received:
    """Answer a wish list, or take it to be answered; keep it unless it is a dry run.

    Raises ``Invalid``, ``UnsupportedFormat`` or ``TooLarge`` for a body that cannot be read at
    all, ``Conflict`` when its idempotency key came before with another request.
    """
    _check(request, limits)
    # Once, and not while others wait for the database: the body may be long.
    digest = request.digest()
    if not request.dry_run and (before := _taken_before(db, partner, request, digest, now)):
        return before
    with db.read() as conn:
        names = replace(names, headings=_explained(conn, partner, request))
    opened = wish_line.open_body(request.stream(), request.media_type, names, request.charset)
    body = _read(opened, request, limits, digest)
    if request.dry_run:
        return Received(_tried(db, partner, request, body, now), replayed=False)
    stream = request.stream()
    head = stream.read(originals.PIECE)
    original_id, _ = keep_original(db, head, stream, limits.octets, now)
    with db.write() as conn:
        partners.lock(conn, partner.id)
        if before := _replay(conn, partner, request, digest, now):
            return before
        return Received(_keep(conn, partner, request, body, original_id, now), replayed=False)


def _check(request: Request, limits: Limits) -> None:
    if request.size() > limits.octets:
        raise TooLarge(f"a wish list may have at most {limits.octets} octets", limits.octets)
    if request.idempotency_key is not None and not 1 <= len(request.idempotency_key) <= 200:
        raise Invalid("an Idempotency-Key has 1 to 200 characters", field="Idempotency-Key")
    if len(request.list_key) > 200:
        raise Invalid("a list_key has at most 200 characters", field="list_key")


def _explained(conn: Connection, partner: Partner, request: Request) -> dict[str, str]:
    """Return what the headings of a list mean: as was said with it, and with those before it."""
    return {**wish_lists.headings(conn, partner.id), **request.headings}


def _read(opened: Opened, request: Request, limits: Limits, digest: bytes) -> _Body:
    """Read a body to its end, so that one that is not what it says is refused before it is kept."""
    first = list(islice(opened.items, limits.at_once + 1))
    total = len(first)
    if total > limits.at_once:
        total += sum(1 for _ in islice(opened.items, max(0, limits.lines - total + 1)))
    if total > limits.lines:
        raise wish_line.too_many(limits.lines)
    if not total:
        raise wish_line.no_lines()
    if total > limits.at_once and request.dry_run:
        raise TooLarge(
            f"a dry run may have at most {limits.at_once} lines; try a part of the list, or send "
            "it: every line is answered, and each wish can be taken back",
            limits.at_once,
        )
    if total > limits.at_once or (request.respond_async and not request.dry_run):
        return _Body(None, total, opened.reading, digest)
    lines = [opened.wish(*item) for item in first]
    return _Body(lines, total, opened.reading, digest)


def _tried(
    db: Database, partner: Partner, request: Request, body: _Body, now: datetime
) -> WishList:
    """Return what keeping the list would answer: keep it, look, and roll back."""
    trial = replace(request, idempotency_key=None)
    with db.write() as conn, conn.begin_nested() as savepoint:
        answered = _keep(conn, partner, trial, body, originals.begin(conn, now), now)
        savepoint.rollback()
    return replace(answered, id=None, public_id="")


def _taken_before(
    db: Database, partner: Partner, request: Request, digest: bytes, now: datetime
) -> Received | None:
    with db.read() as conn:
        key = request.idempotency_key
        if key is None or wish_lists.by_idempotency_key(conn, partner.id, key) is None:
            return None
    with db.write() as conn:
        return _replay(conn, partner, request, digest, now)


def _replay(
    conn: Connection, partner: Partner, request: Request, digest: bytes, now: datetime
) -> Received | None:
    """Return the answer that this request got before, by its idempotency key.

    If its answering failed, it is taken up again where it stopped.
    """
    if request.idempotency_key is None:
        return None
    found = wish_lists.by_idempotency_key(conn, partner.id, request.idempotency_key)
    if found is None:
        return None
    list_id, public_id, kept = found
    if kept != digest:
        raise Conflict(
            "this Idempotency-Key came before with another wish list; use a new key for a new list"
        )
    _take_up(conn, list_id, now)
    wish_list = wish_lists.by_public_id(conn, public_id, partner.id, limit=AT_ONCE)
    return None if wish_list is None else Received(wish_list, replayed=True)


def _take_up(conn: Connection, list_id: int, now: datetime) -> None:
    """Let a list be answered on whose answering failed."""
    failed = jobs.of_subject(conn, ANSWER, list_id)
    if failed is None or wish_lists.by_id(conn, list_id).state is not WishListState.FAILED:
        return
    wish_lists.set_state(conn, list_id, WishListState.RECEIVED)
    jobs.enqueue(conn, ANSWER, list_id, failed.total, now, failed.cursor)


def _keep(
    conn: Connection,
    partner: Partner,
    request: Request,
    body: _Body,
    original_id: int,
    now: datetime,
) -> WishList:
    """Keep a list, and with it the answers to its lines or the job that will answer them."""
    partners.lock(conn, partner.id)
    given = wish_lists.add(
        conn,
        partner_id=partner.id,
        channel=request.channel,
        list_key=request.list_key,
        mode=request.mode,
        media_type=request.media_type,
        charset=request.charset,
        original_id=original_id,
        idempotency_key=request.idempotency_key,
        request_digest=body.digest,
        total=body.total,
        reading=body.reading._replace(headings=_explained(conn, partner, request)),
        now=now,
    )
    withdrawn: int | None = None
    if body.lines is None:
        jobs.enqueue(conn, ANSWER, given.id, body.total, now)
    else:
        withdrawn = _answer_at_once(conn, partner, given, body.lines, now)
    kept = wish_lists.by_public_id(conn, given.public_id, partner.id, limit=AT_ONCE)
    assert kept is not None  # noqa: S101 - it was written just now
    return kept if withdrawn is None else replace(kept, withdrawn=withdrawn)


def _answer_at_once(
    conn: Connection,
    partner: Partner,
    given: wish_lists.Received,
    lines: Sequence[WishLine],
    now: datetime,
) -> int:
    """Answer and keep all lines of a list; return how many earlier wishes it withdrew."""
    offer_lists.hold_open(conn)
    replaced: dict[str, datetime] = {}
    if given.mode is Mode.REPLACE:
        replaced = wishes.replace_open(conn, partner.id, given.channel, given.list_key)
    answered = answering.answers(conn, partner, lines, now, given)
    # A wish that the new list repeats keeps its place in time: replacing a list costs no turn.
    wishes.add(
        conn,
        given.id,
        partner.id,
        [
            answering.new_wish(
                line, found, replaced.get(found.target) or found.since or now, WishState.OPEN
            )
            for line, found in answered
        ],
    )
    wish_lists.end(conn, given.id, now, withdrawn=None, answered=len(lines))
    answering.tell_answered(conn, given, now)
    return len(replaced.keys() - {found.target for _, found in answered})


def show(
    db: Database, public_id: str, partner: Partner | None, after: int = 0, limit: int = AT_ONCE
) -> WishList:
    """Return a wish list to the partner who sent it (or, with None, to the staff).

    With at most ``limit`` of its answered lines, behind line number ``after``.
    """
    wanted = public_ids.read(public_id)
    owner = None if partner is None else partner.id
    with db.read() as conn:
        found = (
            None if wanted is None else wish_lists.by_public_id(conn, wanted, owner, after, limit)
        )
    if found is None:
        raise NotFound("there is no such wish list")
    return found


def lines(db: Database, wish_list: WishList, after: int = 0) -> Iterator[AnsweredLine]:
    """Yield all answered lines of a list that was shown, a page at a time."""
    assert wish_list.id is not None  # noqa: S101 - a list that is shown was kept
    while True:
        with db.read() as conn:
            page = wish_lists.lines(conn, wish_list.id, after, AT_ONCE)
        yield from page
        if len(page) < AT_ONCE:
            return
        after = page[-1].line_no


def records(db: Database, wish_list: WishList, audiences: frozenset[int] | None) -> Iterator[bytes]:
    """Yield the MARCXML of every offer that a line was matched with, each once, in their order.

    Of those that these audiences may see now (None: any).
    """
    told: set[str] = set()
    for line in lines(db, wish_list):
        if line.offer and line.outcome in MATCHED_OUTCOMES and line.offer not in told:
            told.add(line.offer)
            with db.read() as conn:
                shown = shown_offers.shown(conn, audiences, line.offer)
            if shown is not None:
                yield shown.marcxml


def list_wish_lists(db: Database, partner: Partner | None, before: str, limit: int) -> list[Listed]:
    """Return wish lists without their lines, newest first, older than ``before``."""
    with db.read() as conn:
        return wish_lists.listed(conn, None if partner is None else partner.id, before, limit)


def withdraw(db: Database, partner: Partner, public_id: str, line_no: int) -> None:
    """Take one wish back.

    Raises ``NotFound`` for one that is not there, or not this partner's, and ``Conflict`` for one
    that is not open any more.
    """
    wanted = public_ids.read(public_id)
    with db.write() as conn:
        state = wishes.hold(conn, partner.id, wanted, line_no) if wanted else None
        if wanted is None or state is None:
            raise NotFound("there is no such wish")
        rules.after(WishAction.WITHDRAW, state)
        wishes.withdraw(conn, partner.id, wanted, line_no)
