"""Talking to one partner about our wishes: sending them, withdrawing, asking what it decided.

A list goes out under a key that was kept before, and what is answered is noted in the transaction
that moves the job. Killed in between, it goes out again as it was, and the partner gives the
answer it gave. What fails is tried again after a pause that grows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from oai.fetching import Unreached, retry_after
from service.domain import own_wish as rules
from service.domain.own_wish import OwnWishState, Reply
from service.domain.wish import WishState
from service.errors import Invalid, Misconfigured
from service.store import jobs, partners, sendings
from service.store.db import Connection
from service.store.jobs import Job
from service.store.sendings import Sending, Withdrawal
from service.usecases import fetching
from service.usecases.fetching import Sent
from service.usecases.sealing import unseal
from service.usecases.site import Site
from service.usecases.staging import OnStep

# Seconds for one request: all of it must end before the lease does.
_TIMEOUT = 9.0
# Lines above which the partner is asked to take a list first and to answer it then.
_LONG = 100
# Seconds until a list that was taken, and is not answered yet, is asked for.
_MEANWHILE = 1.0


class _Trouble(Exception):
    """The partner did not take it or did not answer; ``asked`` are seconds of a Retry-After.

    ``vain`` is False where nothing is wrong and only the answer takes its time.
    """

    def __init__(self, why: str, asked: float | None = None, *, vain: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.asked = asked
        self.vain = vain


def deliver(site: Site, held: Job, on_step: OnStep) -> None:
    """Do all that is to be done with the partner that the job is for, and end the job.

    What one list or one withdrawal meets does not keep the others from being tried.
    """
    talk = _Talk(site, held, on_step)
    while True:
        talk.troubles.clear()
        with site.db.read() as conn:
            on_their_way = sendings.sendings(conn, held.subject_id)
        for sending in on_their_way:
            talk.attempt(partial(_exchange, talk, sending))
        with site.db.read() as conn:
            withdrawals = sendings.withdrawals(conn, held.subject_id)
        for withdrawal in withdrawals:
            talk.attempt(partial(_withdraw, talk, withdrawal))
        with site.db.read() as conn:
            lately = site.now() - rules.NEXT_IN_LINE
            open_lists = sendings.open_lists(conn, held.subject_id, lately)
        for source_id, key, url in open_lists:
            talk.attempt(partial(_look, talk, source_id, key, url))
        if _end(talk):
            return


class _Talk:
    """One partner on the line: what is needed for every request, and what went wrong so far."""

    def __init__(self, site: Site, held: Job, on_step: OnStep) -> None:
        self.site = site
        self.held = held
        self.troubles: list[_Trouble] = []
        self._on_step = on_step
        self._done = 0

    def attempt(self, act: Callable[[], None]) -> None:
        """Do one thing; note what keeps it from being done."""
        try:
            act()
        except _Trouble as trouble:
            self.troubles.append(trouble)
        except (Invalid, Misconfigured) as error:
            self.troubles.append(_Trouble(error.detail))
        self._on_step(self.held, self._done)

    def note(self, effect: Callable[[Connection], None]) -> None:
        """Keep what was answered, in one transaction with the job's step."""
        self._done += 1
        with self.site.db.write() as conn:
            jobs.advance(conn, self.held, self.held.cursor, self._done, self.site.now())
            effect(conn)

    def address(self, source_id: int) -> tuple[str, tuple[str, str] | None]:
        """Return where wishes go, and with which credentials."""
        with self.site.db.read() as conn:
            found = sendings.address(conn, source_id)
        credentials = None
        if found.credentials is not None:
            name, _, secret = unseal(self.site.settings, found.credentials).partition("\n")
            credentials = (name, secret)
        return rules.wishes_address(found.url, found.wishes_url), credentials

    def call(
        self, method: str, url: str, source_id: int, body: bytes = b"", **headers: str
    ) -> Sent:
        """Send one request, with the lease prolonged for its time."""
        _, credentials = self.address(source_id)
        with self.site.db.write() as conn:
            jobs.prolong(conn, self.held, self.site.now())
        try:
            return fetching.send(
                url,
                body,
                {"Accept": "application/json"}
                | {name.replace("_", "-"): value for name, value in headers.items()},
                method=method,
                networks=self.site.settings.reachable_networks,
                credentials=credentials,
                timeout=_TIMEOUT,
            )
        except Unreached as error:
            raise _Trouble(f"{method} {url}: {error.message}") from error

    def asked(self, answer: Sent) -> float | None:
        """Return the seconds that the partner asks us to wait."""
        return retry_after(answer.headers.get("retry-after"), self.site.clock())


def _exchange(talk: _Talk, sending: Sending) -> None:
    """Send a sealed list, or ask for the answer to one that was taken; note what is answered."""
    wishes_url, _ = talk.address(sending.source_id)
    with talk.site.db.read() as conn:
        lines = sendings.lines(conn, sending.key)
    if sending.answer_url:
        reply, answer = _asked_for(talk, sending)
    else:
        reply, answer = _posted(
            talk, sending, wishes_url, rules.body(lines), long=len(lines) > _LONG
        )
    url = sending.answer_url or _list_address(wishes_url, answer, reply)
    known = {line.line_no for line in lines}
    said = [each for each in reply.lines if each.line_no in known and each.outcome]
    now = talk.site.now()

    def noted(conn: Connection) -> None:
        sendings.accept(conn, sending.key, url)
        sendings.answer(conn, sending.key, url, said, now)

    talk.note(noted)
    if len({each.line_no for each in said}) < len(known):
        raise _Trouble("the partner is still answering", talk.asked(answer), vain=False)


def _posted(
    talk: _Talk, sending: Sending, wishes_url: str, body: bytes, *, long: bool
) -> tuple[Reply, Sent]:
    """Send a list under its key; the partner answers at once, or says where it will."""
    answer = talk.call(
        "POST",
        wishes_url,
        sending.source_id,
        body,
        Content_Type=rules.MEDIA_TYPE,
        Idempotency_Key=sending.key,
        **({"Prefer": "respond-async"} if long else {}),
    )
    if answer.status == 202:
        return _id_only(answer), answer
    if answer.status not in (200, 201):
        raise _refused("POST", wishes_url, answer, talk.asked(answer))
    return _reply(answer), answer


def _asked_for(talk: _Talk, sending: Sending) -> tuple[Reply, Sent]:
    """Ask for the answer to a list that was taken.

    A partner that does not know it any more, or failed at it, gets it again, as it was: the same
    key makes that the same list.
    """
    url = sending.answer_url
    answer = talk.call("GET", url, sending.source_id)
    reply = _reply(answer) if answer.status == 200 else Reply("", "", ())
    if answer.status in (404, 410) or reply.state == rules.FAILED:
        talk.note(lambda conn: sendings.accept(conn, sending.key, ""))
        raise _Trouble(f"GET {url}: the partner did not answer the list; it is sent again")
    if answer.status != 200:
        raise _refused("GET", url, answer, talk.asked(answer))
    return reply, answer


# A wish that is not there any more, or not open: a Bookbridge says which. Others may mean by a
# conflict that it was just in use.
_CONFLICT = 409
_NOT_OPEN = (404, _CONFLICT, 410)


def _withdraw(talk: _Talk, withdrawal: Withdrawal) -> None:
    """Tell the partner that we take a wish back; where it knows no open one, ask how it stands."""
    url = f"{withdrawal.answer_url}/lines/{withdrawal.line_no}"
    answer = talk.call("DELETE", url, withdrawal.source_id)
    if answer.status not in (200, 202, 204, *_NOT_OPEN):
        raise _refused("DELETE", url, answer, talk.asked(answer))
    state, reason = OwnWishState.WITHDRAWN, ""
    if answer.status in _NOT_OPEN:
        shown = talk.call("GET", withdrawal.answer_url, withdrawal.source_id)
        if shown.status == 200:
            reply = _reply(shown)
            if answer.status == _CONFLICT and _is_open(reply, withdrawal.line_no):
                raise _refused("DELETE", url, answer, talk.asked(answer))
            state, reason = _too_late(reply, withdrawal.line_no)
        elif shown.status not in (404, 410):
            raise _refused("GET", withdrawal.answer_url, shown, talk.asked(shown))
    talk.note(lambda conn: sendings.end_withdrawal(conn, withdrawal.id, state, reason))


def _is_open(reply: Reply, line_no: int) -> bool:
    return any(said.line_no == line_no and said.state == WishState.OPEN for said in reply.lines)


def _too_late(reply: Reply, line_no: int) -> tuple[OwnWishState, str]:
    """Return where a wish stands that the partner would not withdraw."""
    for said in reply.lines:
        if said.line_no == line_no and (state := rules.since(said)):
            return state, said.reason
    return OwnWishState.WITHDRAWN, ""


def _look(talk: _Talk, source_id: int, key: str, url: str) -> None:
    """Ask a partner what it decided since it answered a list."""
    answer = talk.call("GET", url, source_id)
    if answer.status != 200:
        raise _refused("GET", url, answer, talk.asked(answer))
    reply = _reply(answer)

    def noted(conn: Connection) -> None:
        for said in reply.lines:
            if state := rules.since(said):
                sendings.decide(conn, key, said.line_no, state, said.reason)

    talk.note(noted)


def _end(talk: _Talk) -> bool:
    """End the job, or put it back until the next try; return False where more came meanwhile."""
    held, now = talk.held, talk.site.now()
    vain = [each for each in talk.troubles if each.vain]
    with talk.site.db.write() as conn:
        partners.lock(conn, held.subject_id)
        if talk.troubles:
            tries = held.cursor.get("tries", 0) + 1 if vain else 0
            asked = max((each.asked or 0 for each in talk.troubles), default=0)
            wait = rules.pause(tries, asked) if vain else timedelta(seconds=asked or _MEANWHILE)
            why = (vain or talk.troubles)[0].why
            jobs.postpone(conn, held, {"tries": tries}, why, now + wait)
            return True
        if sendings.sendings(conn, held.subject_id) or sendings.withdrawals(conn, held.subject_id):
            return False
        jobs.finish(conn, held, now)
    return True


def _list_address(wishes_url: str, answer: Sent, reply: Reply) -> str:
    try:
        return rules.list_address(wishes_url, answer.headers.get("location", ""), reply.list_id)
    except ValueError as error:
        raise _Trouble(f"POST {wishes_url}: {error}") from error


def _reply(answer: Sent) -> Reply:
    try:
        if not answer.whole:
            raise ValueError("the answer is too long")
        return rules.read_reply(answer.body)
    except (ValueError, RecursionError) as error:
        raise _Trouble(f"the answer cannot be read: {error}") from error


def _id_only(answer: Sent) -> Reply:
    """Return the id of a list that was taken, if its receipt has one: nothing is answered yet."""
    try:
        return rules.read_reply(answer.body)._replace(lines=())
    except (ValueError, RecursionError):
        return Reply("", "", ())


def _refused(method: str, url: str, answer: Sent, asked: float | None = None) -> _Trouble:
    """Return what a status that is no success means, with the partner's own words if it has any."""
    return _Trouble(f"{method} {url} was answered {answer.status}{rules.words(answer.body)}", asked)
