"""A wish list arrives: every line is answered, and what was answered is kept with the bytes.

Answering and keeping are one transaction, so that a list that closes at the same moment is either
closed for all lines or for none, and ``replace`` flips from the old wishes to the new at once.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from marc_mappings.match_keys import Key
from service.domain import matching, wish_line
from service.domain.partner import Partner, PartnerState
from service.domain.wish import (
    OPEN_OUTCOMES,
    Answer,
    AnsweredLine,
    Mode,
    Outcome,
    WishLine,
    WishList,
    WishState,
)
from service.domain.wish_line import Names
from service.errors import Conflict, Invalid, NotFound, TooLarge
from service.store import offer_lists, offers, originals, partners, public_ids, wishes
from service.store.db import Connection, Database
from service.store.wishes import NewWish, OpenWish
from service.usecases.keeping import keep_original

_T = TypeVar("_T")

# Identifiers looked up in one statement.
_AT_ONCE = 400
API = "api"


class Received(NamedTuple):
    """An answered wish list, and whether this very request was answered before."""

    wish_list: WishList
    replayed: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A wish list as a partner sends it. ``list_key`` names which of its lists this is."""

    body: bytes
    media_type: str
    mode: Mode = Mode.APPEND
    list_key: str = ""
    dry_run: bool = False
    idempotency_key: str | None = None
    channel: str = API

    def digest(self) -> bytes:
        """Return what tells whether two requests are the same one."""
        parts = (self.media_type, self.mode.value, self.list_key, self.channel)
        head = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.sha256(head + b"\0" + self.body).digest()


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest wish list that is taken, in octets and in lines."""

    octets: int
    lines: int


def receive(
    db: Database, partner: Partner, request: Request, names: Names, limits: Limits, now: datetime
) -> Received:
    """Answer a wish list, and keep it unless it is a dry run.

    Raises ``Invalid``, ``UnsupportedFormat`` or ``TooLarge`` for a body that cannot be read at
    all, ``Conflict`` when its idempotency key came before with another request.
    """
    if len(request.body) > limits.octets:
        raise TooLarge(f"a wish list may have at most {limits.octets} octets", limits.octets)
    if request.idempotency_key is not None and not 1 <= len(request.idempotency_key) <= 200:
        raise Invalid("an Idempotency-Key has 1 to 200 characters", field="Idempotency-Key")
    if len(request.list_key) > 200:
        raise Invalid("a list_key has at most 200 characters", field="list_key")
    if not request.dry_run and (before := _answered_before(db, partner, request)):
        return before
    lines = wish_line.read(request.body, request.media_type, names, limits.lines)
    if request.dry_run:
        return Received(_tried(db, partner, request, lines, now), replayed=False)
    original_id, _ = keep_original(db, request.body, io.BytesIO(), limits.octets, now)
    with db.write() as conn:
        partners.lock(conn, partner.id)
        if before := _replay(conn, partner, request):
            return before
        return Received(_keep(conn, partner, request, lines, original_id, now), replayed=False)


def _tried(
    db: Database, partner: Partner, request: Request, lines: Sequence[WishLine], now: datetime
) -> WishList:
    """Return what keeping the list would answer: keep it, look, and roll back."""
    trial = replace(request, idempotency_key=None)
    with db.write() as conn, conn.begin_nested() as savepoint:
        answered = _keep(conn, partner, trial, lines, originals.begin(conn, now), now)
        savepoint.rollback()
    return replace(answered, id=None, public_id="")


def _answered_before(db: Database, partner: Partner, request: Request) -> Received | None:
    with db.read() as conn:
        return _replay(conn, partner, request)


def _replay(conn: Connection, partner: Partner, request: Request) -> Received | None:
    """Return the answer that this request got before, by its idempotency key."""
    if request.idempotency_key is None:
        return None
    found = wishes.by_idempotency_key(conn, partner.id, request.idempotency_key)
    if found is None:
        return None
    public_id, digest = found
    if digest != request.digest():
        raise Conflict(
            "this Idempotency-Key came before with another wish list; use a new key for a new list"
        )
    wish_list = wishes.by_public_id(conn, public_id, partner.id)
    return None if wish_list is None else Received(wish_list, replayed=True)


def _answer(
    conn: Connection, partner: Partner, lines: Sequence[WishLine], now: datetime
) -> list[tuple[WishLine, Answer]]:
    """Return every line with its answer, from what this partner may know of and has open."""
    audiences = partners.audiences(conn, partner.id)
    by_id: dict[str, matching.Candidate] = {}
    for names in _parts(sorted({line.offer for line in lines if line.offer})):
        by_id |= offers.candidates_by_public_id(conn, audiences, names)
    by_key: dict[Key, Sequence[matching.Candidate]] = {}
    for keys in _parts(sorted({key for line in lines for key in line.keys})):
        by_key |= offers.candidates_by_key(conn, audiences, keys)
    suspended = partner.state is PartnerState.SUSPENDED
    answers = [matching.answer(line, by_id, by_key, now, suspended=suspended) for line in lines]
    standing: dict[str, OpenWish] = {}
    for targets in _parts(sorted({answer.target for answer in answers if answer.target})):
        standing |= wishes.open_wishes(conn, partner.id, targets)
    return list(zip(lines, _without_duplicates(lines, answers, standing), strict=True))


def _without_duplicates(
    lines: Sequence[WishLine], answers: Sequence[Answer], standing: Mapping[str, OpenWish]
) -> Iterator[Answer]:
    """Answer a line that repeats an earlier one, or a wish that stands, as a duplicate of it."""
    seen: dict[str, int] = {}
    for line, answer in zip(lines, answers, strict=True):
        if answer.target and answer.target in seen:
            yield _duplicate(answer, f"line {seen[answer.target]} of this list asks for it.")
        elif answer.target and answer.target in standing:
            earlier = standing[answer.target]
            yield _duplicate(
                answer,
                f"you asked for it on {earlier.wished_at:%Y-%m-%d} "
                f"(line {earlier.line_no} of wish list {earlier.wish_list}).",
            )
        else:
            yield answer
        if answer.target:
            seen.setdefault(answer.target, line.line_no)


def _duplicate(answer: Answer, why: str) -> Answer:
    return answer._replace(
        outcome=Outcome.DUPLICATE, reason=f"The same wish stands already: {why}", target=""
    )


def _keep(
    conn: Connection,
    partner: Partner,
    request: Request,
    lines: Sequence[WishLine],
    original_id: int,
    now: datetime,
) -> WishList:
    partners.lock(conn, partner.id)
    offer_lists.hold_open(conn)
    replaced: dict[str, datetime] = {}
    if request.mode is Mode.REPLACE:
        replaced = wishes.replace_open(conn, partner.id, request.channel, request.list_key)
    answered = _answer(conn, partner, lines, now)
    list_id, public_id = wishes.add_list(
        conn,
        partner_id=partner.id,
        channel=request.channel,
        list_key=request.list_key,
        mode=request.mode,
        media_type=request.media_type,
        original_id=original_id,
        idempotency_key=request.idempotency_key,
        request_digest=request.digest(),
        now=now,
    )
    # A wish that the new list repeats keeps its place in time: replacing a list costs no turn.
    wishes.add(
        conn,
        list_id,
        partner.id,
        [
            NewWish(
                _answered(line, answer),
                answer.offer_id,
                answer.target,
                replaced.get(answer.target, now),
            )
            for line, answer in answered
        ],
    )
    kept = wishes.by_public_id(conn, public_id, partner.id)
    assert kept is not None  # noqa: S101 - it was written three lines above
    repeated = {answer.target for _, answer in answered}
    return replace(kept, withdrawn=len(replaced.keys() - repeated))


def _answered(line: WishLine, answer: Answer) -> AnsweredLine:
    is_open = answer.outcome in OPEN_OUTCOMES
    return AnsweredLine(
        line_no=line.line_no,
        line=line.text,
        outcome=answer.outcome,
        reason=answer.reason,
        offer=answer.offer,
        quantity=line.quantity,
        note=line.note,
        state=WishState.OPEN if is_open else WishState.ANSWERED,
    )


def show(db: Database, public_id: str, partner: Partner | None) -> WishList:
    """Return a wish list to the partner who sent it (or, with None, to the staff)."""
    wanted = public_ids.read(public_id)
    with db.read() as conn:
        found = (
            None
            if wanted is None
            else wishes.by_public_id(conn, wanted, None if partner is None else partner.id)
        )
    if found is None:
        raise NotFound("there is no such wish list")
    return found


def list_wish_lists(
    db: Database, partner: Partner | None, before: str, limit: int
) -> list[tuple[str, str, datetime, int]]:
    """Return (public id, partner code, received, lines), newest first, older than ``before``."""
    with db.read() as conn:
        return wishes.listed(conn, None if partner is None else partner.id, before, limit)


def withdraw(db: Database, partner: Partner, public_id: str, line_no: int) -> None:
    """Take one wish back; raise ``NotFound`` when it is not open or not this partner's."""
    wanted = public_ids.read(public_id)
    with db.write() as conn:
        if wanted is None or not wishes.withdraw(conn, partner.id, wanted, line_no):
            raise NotFound("there is no such open wish")


def _parts(values: Sequence[_T]) -> list[Sequence[_T]]:
    return [values[i : i + _AT_ONCE] for i in range(0, len(values), _AT_ONCE)]
