"""Agreements as they are kept: drawn up, signed, watched by the calendar, and filed with."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from service import worker
from service.domain.agreement import Agreement, AgreementAction, AgreementState
from service.domain.agreement_bounds import bounds_of, room
from service.domain.announcement import Announcement
from service.domain.audit_entry import COMMAND_LINE, WORKER, AuditEntry
from service.errors import Conflict, Invalid, NotFound, Outdated, TooLarge, WrongValues
from service.store import agreements, audit_log
from service.store.db import Database
from service.usecases import (
    agreeing,
    filing,
    giving,
    membership,
    moving_agreements,
    notifying,
    offering,
    reading_agreements,
)
from service.usecases.site import Site
from tests.service.agreement_terms import SHANGHAI, ULAANBAATAR
from tests.service.builders import HandClock, a_record, bring, open_list

A = AgreementAction
S = AgreementState
TODAY = datetime(2025, 9, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def site(site: Site) -> Site:
    for code, city, place in (
        ("ulaanbaatar", "Ulaanbaatar", "MN"),
        ("shanghai", "Shanghai", "CN"),
        ("nagasaki", "Nagasaki", "JP"),
    ):
        membership.add_partner(
            site.db, code=code, name=f"Library of {city}", city=city, place=place, now=TODAY
        )
    return site


def signed(site: Site, terms: dict[str, Any] = SHANGHAI, **more: Any) -> Agreement:
    return agreeing.draw_up(site.db, terms | more, signed=True, by=COMMAND_LINE, now=TODAY)


def moved(site: Site, found: Agreement, action: A, **more: Any) -> Agreement:
    now = more.pop("now", TODAY)
    return moving_agreements.move(
        site.db, found.public_id, action, by=COMMAND_LINE, now=now, **more
    )


def state(site: Site, found: Agreement) -> S:
    return reading_agreements.find(site.db, found.public_id).agreement.state


def told(site: Site, code: str = "shanghai") -> list[Announcement]:
    partner = membership.find_partner(site.db, code)
    return notifying.announcements(site.db, partner, "", 100)[::-1]


def logged(site: Site, found: Agreement) -> list[AuditEntry]:
    with site.db.read() as conn:
        return audit_log.listed(conn, kind="agreement", name=found.public_id)[::-1]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the named cases ----------------------------------------------------------------------------


def test_the_ulaanbaatar_memorandum_is_a_relation_before_any_book_moves(site: Site) -> None:
    assert reading_agreements.count_relations(site.db, TODAY) == (0, 0, 0)
    drawn = agreeing.draw_up(site.db, ULAANBAATAR, by=COMMAND_LINE, now=TODAY)
    moved(site, drawn, A.NEGOTIATE)
    assert reading_agreements.count_relations(site.db, TODAY) == (0, 0, 0)
    made = moved(site, drawn, A.SIGN, given={"signed_in": "Ulaanbaatar"})
    assert made.state is S.ACTIVE
    assert [activity.kind for activity in made.terms.activities] == list(made.terms.scope)
    assert len(made.terms.activities) == 4
    scan = b"%PDF-1.7\n\x00\xff scanned in Ulaanbaatar"
    filed = filing.file_document(
        site.db,
        made.public_id,
        io.BytesIO(scan),
        file_name="Санамж бичиг.pdf",
        media_type="application/pdf",
        limit=1000,
        by=COMMAND_LINE,
        now=TODAY,
    )
    assert b"".join(filing.octets(site.db, filed.document)) == scan
    kept = reading_agreements.find(site.db, made.public_id)
    assert kept.documents == [filed.document]
    assert kept.warnings == []
    assert reading_agreements.count_relations(site.db, TODAY) == (1, 1, 1)
    assert reading_agreements.count_relations(site.db, at("2028-09-15")) == (0, 0, 0), (
        "its term is over"
    )


def test_the_shanghai_type_lives_three_years_and_bounds_what_is_given(site: Site) -> None:
    made = signed(site)
    partner = membership.find_partner(site.db, "shanghai")
    assert made.terms.ends_on == date(2028, 1, 31)
    with site.db.read() as conn:
        running = agreements.running(conn)
    assert list(running) == [partner.id]
    first = bounds_of(running[partner.id], date(2025, 9, 20))
    later = bounds_of(running[partner.id], date(2026, 9, 20))
    assert room(first, 0, 500, 0)[:2] == (0, "the agreement allows 500 copies in the first year")
    assert room(later, 0, 40, 500)[:2] == (60, "the agreement allows 100 copies a year")
    moving_agreements.keep_terms(site.db, at("2028-02-01"))
    assert state(site, made) is S.EXPIRED
    with site.db.read() as conn:
        assert agreements.running(conn) == {}


# --- drawing up and changing --------------------------------------------------------------------


def test_all_that_is_wrong_is_refused_at_once_and_nothing_is_kept(site: Site) -> None:
    with pytest.raises(WrongValues) as refused:
        agreeing.draw_up(
            site.db,
            SHANGHAI
            | {"tolerance": 3, "ends_on": "2024-01-01", "parties": [{"partner": "nobody"}]},
            by=COMMAND_LINE,
            now=TODAY,
        )
    assert [field for field, _ in refused.value.faults] == [
        *("parties.1.partner", "ends_on", "ends_on", "tolerance"),
    ]
    assert reading_agreements.list_agreements(site.db) == []
    with site.db.read() as conn:
        assert audit_log.listed(conn, kind="agreement") == []


def test_an_impossible_transition_is_refused_with_what_is_possible(site: Site) -> None:
    made = agreeing.draw_up(site.db, SHANGHAI, by=COMMAND_LINE, now=TODAY)
    with pytest.raises(Conflict, match=r"PROPOSED.*possible: negotiate, terminate"):
        moved(site, made, A.SIGN)
    for action in (A.START, A.WARN, A.EXPIRE):
        with pytest.raises(Invalid, match="its days decide"):
            moved(site, made, action)
    moved(site, made, A.TERMINATE, reason="They said no.")
    with pytest.raises(Conflict, match=r"TERMINATED.*it is over"):
        moved(site, made, A.NEGOTIATE)
    assert [(each.action, each.reason) for each in logged(site, made)] == [
        ("drawn up", ""),
        ("terminated", "They said no."),
    ]


def test_a_signature_needs_its_days_and_may_bring_them(site: Site) -> None:
    bare = {"title": "Later", "scope": ["BOOKS"], "parties": [{"partner": "nagasaki"}]}
    made = agreeing.draw_up(site.db, bare, by=COMMAND_LINE, now=TODAY)
    moved(site, made, A.NEGOTIATE)
    with pytest.raises(WrongValues) as refused:
        moved(site, made, A.SIGN)
    assert [field for field, _ in refused.value.faults] == ["signed_on", "starts_on"]
    assert state(site, made) is S.NEGOTIATION
    with pytest.raises(WrongValues, match="does not belong to sign"):
        moved(site, made, A.SIGN, given={"mode": "BLANKET"})
    days = {"signed_on": "2025-09-20", "starts_on": "2025-10-01"}
    assert moved(site, made, A.SIGN, given=days).state is S.SIGNED
    assert moving_agreements.keep_terms(site.db, at("2025-09-30")) == 0
    assert moving_agreements.keep_terms(site.db, at("2025-10-01")) == 1
    assert state(site, made) is S.ACTIVE


def test_a_second_agreement_that_contradicts_one_that_runs_cannot_be_signed(site: Site) -> None:
    signed(site)
    other = SHANGHAI | {"mode": "SPECIFIED", "postage": "RECIPIENT", "allowance_first": 20}
    draft = agreeing.draw_up(site.db, other, by=COMMAND_LINE, now=TODAY)
    assert len(reading_agreements.find(site.db, draft.public_id).warnings) == 3
    moved(site, draft, A.NEGOTIATE)
    with pytest.raises(WrongValues) as refused:
        moved(site, draft, A.SIGN)
    assert [field for field, _ in refused.value.faults] == ["mode", "allowance_first", "postage"]
    assert state(site, draft) is S.NEGOTIATION


def test_two_that_contradict_each_other_are_not_signed_at_once(site: Site) -> None:
    drafts = [
        agreeing.draw_up(site.db, SHANGHAI | {"postage": postage}, by=COMMAND_LINE, now=TODAY)
        for postage in ("SENDER", "RECIPIENT")
    ]
    for draft in drafts:
        moved(site, draft, A.NEGOTIATE)
    together = threading.Barrier(2)

    def sign(draft: Agreement) -> None:
        together.wait()
        try:
            moved(site, draft, A.SIGN)
        except WrongValues as error:
            refused.append(error)

    refused: list[WrongValues] = []
    _at_once([lambda each=each: sign(each) for each in drafts])  # type: ignore[misc]
    assert [error.field for error in refused] == ["postage"]
    assert sorted(state(site, each) for each in drafts) == [S.ACTIVE, S.NEGOTIATION]


def _at_once(tasks: list[Any]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)


def test_two_people_do_not_overwrite_each_other(site: Site) -> None:
    made = agreeing.draw_up(site.db, SHANGHAI, by=COMMAND_LINE, now=TODAY)

    def change(given: dict[str, Any], seen: int | None) -> Agreement:
        return agreeing.change(
            site.db, made.public_id, given, seen=seen, by=COMMAND_LINE, now=TODAY
        )

    first = change({"notes": "Ask about postage."}, made.revision)
    with pytest.raises(Outdated) as refused:
        change({"notes": "Ask about customs."}, made.revision)
    assert refused.value.current == first.revision == 2
    assert change({"notes": "Ask about postage."}, None) == first, "that is no change"
    change({"activities": [{"kind": "BOOKS", "title": "First books"}]}, first.revision)
    entries = logged(site, made)
    assert [each.action for each in entries] == ["drawn up", "changed", "changed"]
    assert entries[1].before == {"notes": ""}
    assert entries[1].after == {"notes": "Ask about postage."}


def test_what_was_signed_is_changed_by_an_amendment_that_is_kept(site: Site) -> None:
    made = signed(site)
    more = {"allowance_per_year": 150}
    with pytest.raises(Invalid, match="amendment"):
        agreeing.change(site.db, made.public_id, more, by=COMMAND_LINE, now=TODAY)
    with pytest.raises(Conflict, match="scope cannot be changed"):
        agreeing.change(
            site.db, made.public_id, {"scope": ["STAFF"]}, reason="L", by=COMMAND_LINE, now=TODAY
        )
    agreeing.change(
        site.db, made.public_id, more, reason="Letter of 3 March", by="staff:hana", now=TODAY
    )
    last = logged(site, made)[-1]
    assert (last.actor, last.reason, last.before, last.after) == (
        *("staff:hana", "Letter of 3 March"),
        *({"allowance_per_year": 100}, more),
    )


# --- the calendar -------------------------------------------------------------------------------


def test_a_partner_is_warned_once_ninety_days_before_the_end(site: Site) -> None:
    made = signed(site)
    before = len(told(site))
    for text in ("2027-11-01", "2027-11-02", "2027-11-03", "2028-01-31"):
        moving_agreements.keep_terms(site.db, at(text))
    kept = reading_agreements.find(site.db, made.public_id).agreement
    assert (kept.state, kept.warned_at) == (S.EXPIRING, at("2027-11-02"))
    assert reading_agreements.ending(site.db) == [kept]
    assert [(each.event, each.body) for each in told(site)[before:]] == [
        (
            "agreement.expiring",
            {
                "agreement": made.public_id,
                "state": "EXPIRING",
                "ends_on": "2028-01-31",
                "then": "expired",
            },
        )
    ]
    moved(site, made, A.SUSPEND, now=at("2027-12-01"))
    assert moved(site, made, A.RESUME, now=at("2027-12-02")).state is S.EXPIRING
    events = [each.event for each in told(site)[before:]]
    assert events.count("agreement.expiring") == 1, "it was warned of this end before"


def test_one_that_renews_itself_goes_on_and_is_warned_of_each_end(site: Site) -> None:
    made = signed(site, renews=True, term_months=12)
    day = TODAY
    while day < at("2028-03-01"):
        day += timedelta(7)
        moving_agreements.keep_terms(site.db, day)
    kept = reading_agreements.find(site.db, made.public_id).agreement
    assert (kept.state, kept.terms.ends_on) == (S.RENEWED, date(2029, 1, 31))
    assert [each.body["state"] for each in told(site)] == [
        *("SIGNED", "EXPIRING", "RENEWED", "EXPIRING", "RENEWED", "EXPIRING", "RENEWED"),
    ]


def test_people_renew_what_does_not_renew_itself(site: Site) -> None:
    made = signed(site)
    now = at("2027-12-01")
    moving_agreements.keep_terms(site.db, now)
    renewed = moved(site, made, A.RENEW, given={"term_months": 12}, now=now)
    assert (renewed.state, renewed.terms.ends_on) == (S.RENEWED, date(2029, 1, 31))
    assert renewed.warned_at is None
    moving_agreements.keep_terms(site.db, at("2028-12-01"))
    with pytest.raises(WrongValues, match="until when"):
        moved(site, made, A.RENEW, given={"ends_on": "2029-01-31"}, now=at("2028-12-01"))
    again = moved(site, made, A.RENEW, given={"ends_on": "2030-06-30"}, now=at("2028-12-01"))
    assert again.terms.ends_on == date(2030, 6, 30)


def test_entering_history_tells_nobody_of_it_and_skips_no_state(site: Site) -> None:
    old = signed(site, signed_on="2014-05-01", starts_on="2014-05-01", renews=False)
    assert state(site, old) is S.EXPIRED
    assert [each.body["state"] for each in told(site)] == ["SIGNED"]
    assert [(each.action, each.actor) for each in logged(site, old)] == [
        *[(action, COMMAND_LINE) for action in ("drawn up", "negotiated", "signed")],
        *[(action, WORKER) for action in ("started", "warned", "expired")],
    ]


def test_the_worker_keeps_the_terms(site: Site) -> None:
    made = signed(site)
    clock = HandClock(at("2027-11-02").timestamp())
    late = replace(site, clock=clock)
    while worker.turn(late):
        pass
    assert state(site, made) is S.EXPIRING
    clock.at = at("2028-02-01").timestamp()
    assert worker.turn(late)
    assert state(site, made) is S.EXPIRED


def test_expiry_warns_once_whatever_runs_at_once(site: Site) -> None:
    made = [signed(site, title=f"Books {n}") for n in range(3)]
    before = len(told(site))
    together = threading.Barrier(4)
    faults: list[Exception] = []

    def keep() -> None:
        together.wait()
        try:
            moving_agreements.keep_terms(site.db, at("2027-12-01"))
        except Exception as error:
            faults.append(error)

    _at_once([keep] * 4)
    assert faults == []
    warned = [each.body["agreement"] for each in told(site)[before:]]
    assert sorted(warned) == sorted(each.public_id for each in made)
    assert all(state(site, each) is S.EXPIRING for each in made)


def test_who_looked_before_somebody_else_moved_it_moves_nothing(site: Site) -> None:
    made = signed(site)
    with site.db.read() as conn:
        stale = agreements.by_id(conn, made.id)
    moving_agreements.keep_terms(site.db, at("2027-12-01"))
    with site.db.write() as conn:
        assert not agreements.put(conn, stale, replace(stale, state=S.TERMINATED))
        now = agreements.by_id(conn, made.id)
        mistaken = replace(now, state=S.ACTIVE)
        assert not agreements.put(conn, mistaken, replace(now, state=S.TERMINATED))
        assert agreements.put(conn, now, now)


class _Killed(BaseException):
    """The process ends here."""


@contextmanager
def _killed_behind(db: Database, number: int) -> Iterator[list[int]]:
    """Let no statement behind the first ``number`` come through; yield how many there were."""
    passed: list[int] = []

    def count(*_: Any) -> None:
        if len(passed) == number:
            raise _Killed
        passed.append(number)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield passed
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


def test_killed_at_any_statement_it_is_warned_of_once_and_never_half(site: Site) -> None:
    made = signed(site)
    before, now = len(told(site)), at("2027-12-01")
    number = 0
    while True:
        try:
            with _killed_behind(site.db, number):
                moving_agreements.keep_terms(site.db, now)
            break
        except _Killed:
            number += 1
        assert state(site, made) is S.ACTIVE
        assert len(told(site)) == before
        assert logged(site, made)[-1].action == "started"
    assert number > 5, "the test did not count the statements"
    assert state(site, made) is S.EXPIRING
    assert [each.event for each in told(site)[before:]] == ["agreement.expiring"]


# --- documents ----------------------------------------------------------------------------------


def file(site: Site, found: Agreement, data: bytes, name: str = "a.pdf", **more: Any) -> Any:
    return filing.file_document(
        site.db,
        found.public_id,
        io.BytesIO(data),
        file_name=name,
        limit=more.pop("limit", 10**6),
        by="staff:hana",
        now=TODAY,
        **more,
    )


def test_any_document_is_kept_as_it_came_and_filed_once(site: Site) -> None:
    made = signed(site)
    large = bytes(range(256)) * 3000
    first = file(site, made, large, "../../etc/passwd", media_type="text/html; charset=x\r\ny: z")
    assert (first.document.file_name, first.document.media_type) == (
        *("passwd", "application/octet-stream"),
    )
    assert b"".join(filing.octets(site.db, first.document)) == large
    again = file(site, made, large, "again.pdf")
    assert again == (first.document, True)
    other = signed(site, ULAANBAATAR)
    assert file(site, other, large).already is False, "another agreement has it, too"
    assert len(reading_agreements.find(site.db, made.public_id).documents) == 1
    entry = logged(site, made)[-1]
    assert (entry.action, entry.actor) == ("document filed", "staff:hana")
    assert entry.after is not None
    assert entry.after["sha256"] == first.document.sha256


def test_a_document_that_is_empty_too_large_or_for_nothing_is_refused(site: Site) -> None:
    made = signed(site)
    with pytest.raises(Invalid, match="empty"):
        file(site, made, b"")
    with pytest.raises(TooLarge):
        file(site, made, b"x" * 1001, limit=1000)
    with pytest.raises(Invalid) as refused:
        file(site, made, b"x", "two\nlines")
    assert refused.value.field == "file_name"
    with pytest.raises(NotFound):
        file(site, replace(made, public_id="01JZ0000000000000000000000"), b"x")
    assert reading_agreements.find(site.db, made.public_id).documents == []


def test_a_partner_sees_what_it_is_party_to_and_no_proposal(site: Site) -> None:
    shanghai = membership.find_partner(site.db, "shanghai")
    nagasaki = membership.find_partner(site.db, "nagasaki")
    made = agreeing.draw_up(site.db, SHANGHAI, by=COMMAND_LINE, now=TODAY)
    document = file(site, made, b"draft").document
    assert reading_agreements.list_agreements(site.db, partner=shanghai) == []
    with pytest.raises(NotFound):
        reading_agreements.find(site.db, made.public_id, shanghai)
    moved(site, made, A.NEGOTIATE)
    assert len(reading_agreements.list_agreements(site.db, partner=shanghai)) == 1
    assert reading_agreements.find(site.db, made.public_id, shanghai).documents == [document]
    assert reading_agreements.list_agreements(site.db, partner=nagasaki) == []
    for look in (
        lambda: reading_agreements.find(site.db, made.public_id, nagasaki),
        lambda: filing.find_document(site.db, made.public_id, document.public_id, nagasaki),
        lambda: filing.find_document(site.db, made.public_id, "nothing", shanghai),
    ):
        with pytest.raises(NotFound):
            look()


def test_books_given_are_a_relation_too_and_a_partner_counts_once(site: Site) -> None:
    signed(site)
    open_list(site)
    bring(site, a_record("One", number="1"))
    (offer,) = offering.browse(site.db, None)
    for code in ("shanghai", "nagasaki"):
        giving.give_offers(site.db, code, [offer.public_id], site.now())
    assert reading_agreements.count_relations(site.db, TODAY) == (2, 2, 2)
