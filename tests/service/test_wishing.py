"""Every line of a wish list gets an answer with a reason, and an answer is kept once given."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marc_mappings.record import Field, Subfield
from service.domain.offer import ListAction
from service.domain.partner import Partner, PartnerState
from service.domain.wish import Mode, Outcome, WishState
from service.errors import Conflict, Invalid, NotFound, TooLarge, UnsupportedFormat
from service.store import feed
from service.store.tables import offer
from service.usecases import enrolling, membership, offering, wishing
from service.usecases.site import Site
from service.usecases.wishing import Limits, Request
from tests.service.builders import (
    HandClock,
    a_file,
    a_partner,
    a_record,
    bring,
    open_list,
)

ISBN = "9788936433598"


def send(
    site: Site, partner: Partner, *lines: str, media_type: str = "text/uri-list", **more: object
) -> wishing.Received:
    request = Request("\n".join(lines).encode(), media_type, **more)  # type: ignore[arg-type]
    return wishing.receive(site.db, partner, request, site.names(), site.wish_limits(), site.now())


def outcomes(received: wishing.Received) -> list[Outcome]:
    return [line.outcome for line in received.wish_list.lines]


def identifier(site: Site, title: str) -> str:
    offers = offering.browse(site.db, {feed.PUBLIC}, limit=1000)
    found = next(offer for offer in offers if offer.title == title)
    return f"oai:{site.settings.repository_identifier}:offer/{found.public_id}"


def test_an_offer_named_by_its_identifier_or_its_address_is_registered(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"), a_record("Two", number="2"))
    address = f"{site.settings.base_url}/offers/{identifier(site, 'Two').rpartition('/')[2]}"
    received = send(site, a_partner(site), identifier(site, "One"), "# a comment", "", address)
    assert outcomes(received) == [Outcome.REGISTERED, Outcome.REGISTERED]
    assert [line.line_no for line in received.wish_list.lines] == [1, 4]


@pytest.mark.parametrize(
    "text",
    [ISBN, "978-89-364-3359-8", "8936433598", "89-364-3359-8 (pbk.)", "urn:isbn:9788936433598",
     "ISBN 978 89 364 3359 8", "９７８８９３６４３３５９８"],
)  # fmt: skip
def test_an_isbn_is_matched_in_every_form_it_is_written_in(site: Site, text: str) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    assert outcomes(send(site, a_partner(site), text)) == [Outcome.REGISTERED]


def test_a_control_number_counts_only_with_its_agency(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="123", agency="XX-TEST"))
    received = send(
        site,
        a_partner(site),
        "control_number",
        "(XX-TEST)123",
        "123",
        "(XX-OTHER)123",
        media_type="text/csv",
    )
    assert outcomes(received) == [Outcome.REGISTERED, Outcome.INVALID, Outcome.WAITING]


def test_a_marc_record_is_a_wish(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1", isbn=ISBN))
    wished = a_record("Their own record", number="their 7", agency="JP-X", isbn=ISBN)
    damaged = b"00045nam a2200037 i 4500this has no directory\x1d"
    request = Request(a_file(wished) + damaged + a_file(a_record("Bare")), "application/marc")
    received = wishing.receive(
        site.db, a_partner(site), request, site.names(), site.wish_limits(), site.now()
    )
    assert outcomes(received) == [Outcome.REGISTERED, Outcome.INVALID, Outcome.INVALID]


def test_a_record_that_names_an_offer_asks_for_just_that(site: Site) -> None:
    open_list(site)
    bring(site, a_record("First printing", number="1", isbn=ISBN))
    bring(site, a_record("Second printing", number="2", isbn=ISBN))
    name = identifier(site, "Second printing")
    page = f"{site.settings.base_url}/offers/{name.rpartition('/')[2]}.xml"
    for code, tag, value in (("a", "024", name), ("b", "856", page)):
        field = Field(tag, "7 ", (Subfield("u" if tag == "856" else "a", value),))
        body = a_file(a_record("Theirs", isbn=ISBN, extra=(field,)))
        (line,) = wishing.receive(
            site.db,
            a_partner(site, code),
            Request(body, "application/marc"),
            site.names(),
            site.wish_limits(),
            site.now(),
        ).wish_list.lines
        assert (line.outcome, line.offer) == (Outcome.REGISTERED, name.rpartition("/")[2])


def test_an_issn_or_the_isbn_of_a_set_is_matched_but_not_registered(site: Site) -> None:
    issn = Field("022", "  ", (Subfield("a", "0028-0836"),))
    of_set = Field("020", "  ", (Subfield("a", "9788932473901"), Subfield("q", "(set)")))
    open_list(site)
    bring(site, a_record("Serial", extra=(issn,)), a_record("Volume", extra=(of_set,)))
    partner = a_partner(site)
    received = send(site, partner, "issn", "0028-0836", media_type="text/csv")
    assert outcomes(received) == [Outcome.MATCHED]
    assert "Send the offer's own identifier" in received.wish_list.lines[0].reason
    assert outcomes(send(site, partner, "9788932473901")) == [Outcome.WAITING]


def test_what_several_offers_share_is_ambiguous_and_names_them(site: Site) -> None:
    open_list(site)
    bring(site, a_record("First printing", number="1", isbn=ISBN))
    bring(site, a_record("Second printing", number="2", isbn=ISBN))
    (line,) = send(site, a_partner(site), ISBN).wish_list.lines
    assert line.outcome is Outcome.AMBIGUOUS
    assert line.reason.count("offer/") == 2
    assert line.state is WishState.ANSWERED


def test_what_is_not_offered_waits(site: Site) -> None:
    (line,) = send(site, a_partner(site), ISBN).wish_list.lines
    assert (line.outcome, line.state) == (Outcome.WAITING, WishState.OPEN)


def test_a_list_is_closed_from_the_very_second_of_its_deadline(site: Site) -> None:
    deadline = site.now() + timedelta(seconds=10)
    open_list(site, closes_at=deadline)
    bring(site, a_record("One", isbn=ISBN))
    assert isinstance(site.clock, HandClock)
    early, late = a_partner(site, "early"), a_partner(site, "late")
    site.clock.move(9.999)
    assert outcomes(send(site, early, identifier(site, "One"))) == [Outcome.REGISTERED]
    site.clock.move(0.001)
    assert outcomes(send(site, late, identifier(site, "One"), ISBN)) == [Outcome.CLOSED] * 2


def test_what_was_withdrawn_or_never_ours_is_not_offered(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    gone = identifier(site, "One")
    offering.withdraw_offer(site.db, gone.rpartition("/")[2], now=site.now())
    never = gone.rpartition("/")[0] + "/" + "0" * 26
    received = send(site, a_partner(site), gone, never)
    assert outcomes(received) == [Outcome.NOT_OFFERED] * 2
    assert "is not on offer any more" in received.wish_list.lines[0].reason


def test_a_list_that_was_never_open_is_not_there_even_by_exact_names(site: Site) -> None:
    """One that was open and is withdrawn is known of; what was only planned never is."""
    partner = a_partner(site)
    planned = site.now() + timedelta(days=10)
    offering.create_list(site.db, slug="spring", title="Spring", opens_at=planned, now=site.now())
    bring(site, a_record("One", isbn=ISBN))
    with site.db.read() as conn:
        public_id = conn.execute(sa.select(offer.c.public_id)).scalar_one()
    named = f"offer/{public_id}"
    offering.change_list(site.db, "spring", ListAction.WITHDRAW, site.now())
    (line,) = send(site, partner, named).wish_list.lines
    assert (line.outcome, line.reason) == (Outcome.NOT_OFFERED, "No offer has this identifier.")
    with pytest.raises(NotFound):
        offering.show(site.db, {feed.PUBLIC}, public_id)
    open_list(site, "summer")
    bring(site, a_record("Two", number="2"), slug="summer")
    known = identifier(site, "Two")
    offering.change_list(site.db, "summer", ListAction.WITHDRAW, site.now())
    (line,) = send(site, partner, known).wish_list.lines
    assert "“Two”, is not on offer any more" in line.reason


def test_an_offer_for_others_is_answered_as_if_it_were_not_there(site: Site) -> None:
    a_partner(site, "friend")
    open_list(site, "secret", partner_codes=["friend"])
    bring(site, a_record("Hidden", isbn=ISBN), slug="secret")
    hidden = offering.browse(site.db, {2})[0].public_id
    received = send(site, a_partner(site, "stranger"), f"offer/{hidden}", ISBN)
    assert outcomes(received) == [Outcome.NOT_OFFERED, Outcome.WAITING]
    assert "Hidden" not in str(received)
    friend = membership.find_partner(site.db, "friend")
    assert outcomes(send(site, friend, f"offer/{hidden}")) == [Outcome.REGISTERED]


def test_a_suspended_partner_is_answered_restricted(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    a_partner(site)
    enrolling.set_state(site.db, "nagasaki", PartnerState.SUSPENDED, by="test", now=site.now())
    partner = membership.find_partner(site.db, "nagasaki")
    assert outcomes(send(site, partner, ISBN)) == [Outcome.RESTRICTED]


def test_a_bad_line_never_costs_the_good_ones(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    received = send(
        site,
        a_partner(site),
        '[{"isbn": "9788936433598"}, 7, {"isbn": "9788936433590"}, {}, {"isbn": "9788936433598",',
        ' "quantity": -1}, "oai:elsewhere.org:1", null, {"identifier": {"a": 1}}]',
        media_type="application/json",
    )
    assert outcomes(received) == [Outcome.REGISTERED] + [Outcome.INVALID] * 7
    assert all(line.reason for line in received.wish_list.lines)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"not json", "application/json"),
        (b'{"wishes": 1}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"title\nA book", "text/csv"),
        (b"\xff\xfe", "text/uri-list"),
        (b"", "text/uri-list"),
        (b"# only a comment", "text/uri-list"),
        (b'isbn\n"unclosed', "text/csv"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused_whole(
    site: Site, body: bytes, media_type: str
) -> None:
    partner = a_partner(site)
    try:
        received = wishing.receive(
            site.db,
            partner,
            Request(body, media_type),
            site.names(),
            site.wish_limits(),
            site.now(),
        )
    except Invalid:
        assert wishing.list_wish_lists(site.db, partner, "", 10) == []
    else:
        assert outcomes(received) == [Outcome.INVALID]


def test_a_media_type_or_a_marc_file_that_is_none_is_refused(site: Site) -> None:
    partner = a_partner(site)
    for body, media_type in ((b"x", "image/png"), (b"%PDF-1.4", "application/marc")):
        with pytest.raises(UnsupportedFormat):
            send(site, partner, body.decode(), media_type=media_type)


def test_too_many_lines_or_octets_are_refused(site: Site) -> None:
    partner = a_partner(site)
    for limits in (Limits(octets=1000, lines=2), Limits(octets=10, lines=100)):
        with pytest.raises(TooLarge):
            wishing.receive(
                site.db,
                partner,
                Request(b"\n".join([ISBN.encode()] * 3), "text/uri-list"),
                site.names(),
                limits,
                site.now(),
            )


def test_the_same_wish_twice_is_one_wish(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    partner = a_partner(site)
    received = send(site, partner, ISBN, identifier(site, "One"), "978-89-364-3359-8")
    assert outcomes(received) == [Outcome.REGISTERED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    (line,) = send(site, partner, ISBN).wish_list.lines
    assert line.outcome is Outcome.DUPLICATE
    assert received.wish_list.public_id in line.reason


def test_a_dry_run_answers_the_same_and_keeps_nothing(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    partner = a_partner(site)
    tried = send(site, partner, ISBN, "rubbish", dry_run=True)
    assert wishing.list_wish_lists(site.db, partner, "", 10) == []
    assert tried.wish_list.public_id == ""
    assert outcomes(tried) == outcomes(send(site, partner, ISBN, "rubbish"))


def test_a_request_repeated_with_its_key_is_answered_once(site: Site) -> None:
    partner = a_partner(site)
    first = send(site, partner, ISBN, idempotency_key="k")
    again = send(site, partner, ISBN, idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.wish_list.public_id == first.wish_list.public_id
    with pytest.raises(Conflict, match="Idempotency-Key"):
        send(site, partner, "9788932473901", idempotency_key="k")
    assert not send(site, a_partner(site, "other"), ISBN, idempotency_key="k").replayed


def test_a_request_sent_twice_at_the_same_moment_is_kept_once(site: Site) -> None:
    partner = a_partner(site)
    received: list[wishing.Received] = []
    threads = [
        threading.Thread(
            target=lambda: received.append(send(site, partner, ISBN, idempotency_key="k"))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(received) == 4
    assert len(wishing.list_wish_lists(site.db, partner, "", 10)) == 1


def test_a_list_that_replaces_another_withdraws_what_it_leaves_out(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN), a_record("Two", number="2"))
    partner = a_partner(site)
    one, two = identifier(site, "One"), identifier(site, "Two")
    first = send(site, partner, one, two, mode=Mode.REPLACE, list_key="spring")
    assert isinstance(site.clock, HandClock)
    site.clock.move(3600)
    tried = send(site, partner, one, mode=Mode.REPLACE, list_key="spring", dry_run=True)
    second = send(site, partner, one, mode=Mode.REPLACE, list_key="spring")
    assert tried.wish_list.withdrawn == second.wish_list.withdrawn == 1
    assert outcomes(second) == [Outcome.REGISTERED]
    states = [
        line.state for line in wishing.show(site.db, first.wish_list.public_id, partner).lines
    ]
    assert states == [WishState.REPLACED, WishState.REPLACED]
    with site.db.read() as conn:
        since = conn.exec_driver_sql(
            "SELECT count(DISTINCT wished_at) FROM wish WHERE line_no = 1"
        ).scalar_one()
    assert since == 1, "a wish that is repeated keeps its place in time"


def test_a_list_of_another_key_is_left_alone(site: Site) -> None:
    partner = a_partner(site)
    first = send(site, partner, ISBN, mode=Mode.REPLACE, list_key="a")
    send(site, partner, "9788932473901", mode=Mode.REPLACE, list_key="b")
    (line,) = wishing.show(site.db, first.wish_list.public_id, partner).lines
    assert line.state is WishState.OPEN


def test_a_wish_list_is_shown_to_its_sender_and_to_nobody_else(site: Site) -> None:
    sent = send(site, a_partner(site), ISBN).wish_list
    other = a_partner(site, "other")
    with pytest.raises(NotFound):
        wishing.show(site.db, sent.public_id, other)
    with pytest.raises(NotFound):
        wishing.withdraw(site.db, other, sent.public_id, 1)
    assert wishing.show(site.db, sent.public_id, None).lines == sent.lines


def test_a_wish_taken_back_is_open_for_wishing_again(site: Site) -> None:
    partner = a_partner(site)
    sent = send(site, partner, ISBN).wish_list
    wishing.withdraw(site.db, partner, sent.public_id, 1)
    with pytest.raises(Conflict, match="this wish is WITHDRAWN: it cannot be withdrawn; possible"):
        wishing.withdraw(site.db, partner, sent.public_id, 1)
    assert outcomes(send(site, partner, ISBN)) == [Outcome.WAITING]


def test_two_wishes_for_one_title_by_two_partners_are_both_registered(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", isbn=ISBN))
    for code in ("a", "b"):
        assert outcomes(send(site, a_partner(site, code), ISBN)) == [Outcome.REGISTERED]


def test_a_list_that_closes_meanwhile_closes_for_all_lines_or_for_none(site: Site) -> None:
    open_list(site)
    bring(site, a_record("One", number="1"), a_record("Two", number="2"))
    lines = [identifier(site, "One"), identifier(site, "Two")]
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    assert outcomes(send(site, a_partner(site), *lines)) == [Outcome.CLOSED] * 2
