"""One wish meets what is offered: by number, by title in any script, and never silently another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings.match_keys import Key
from marc_mappings.record import Field, Record, Subfield
from service.domain import lookup_key, match_rule, matching, wish_title
from service.domain.offer import ListState, OfferState
from service.domain.wish import Answer, Outcome, Wanted, WishLine, WishState
from service.store.candidates import Candidate
from service.usecases import giving, membership, wishing
from service.usecases.site import Site
from service.usecases.wishing import Request
from tests.service.builders import HandClock, a_file, a_partner, bring, open_list, work
from tests.service.matching import LATER, VEGETARIAN, a_book, offers, one, wish

NOW = datetime(2026, 5, 1, tzinfo=UTC)
# One title by more authors than anybody looks through.
MANY = [
    a_book("한국의 역사", f"{chr(ord('가') + 28 * n)}민수", str(1970 + n))
    for n in range(match_rule.MOST + 25)
]


def test_an_isbn_of_ten_digits_meets_the_offer_and_another_isbn_is_another_edition(
    site: Site,
) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    found = one(site, a_partner(site), isbn="89-364-3359-8", title="채식주의자", author="한강")
    assert (found.outcome, found.score) == (Outcome.REGISTERED, 1.0)
    assert found.reason.startswith(f"The same ISBN {VEGETARIAN}")


def test_where_only_the_later_edition_is_offered_it_is_named_and_the_wish_waits_on(
    site: Site,
) -> None:
    open_list(site)
    bring(site, a_book(isbn=LATER, year="2022"))
    row = {"isbn": "89-364-3359-8", "title": "채식주의자", "author": "한강", "year": "2007"}
    found = one(site, a_partner(site), **row)
    assert (found.outcome, found.state) == (Outcome.OTHER_EDITION, WishState.OPEN)
    assert found.offer == offers(site)[LATER]
    assert f"other ISBNs: {VEGETARIAN} and {LATER}" in found.reason
    assert "Your wish waits on" in found.reason


def test_of_both_editions_the_one_that_is_meant_is_registered(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=LATER, year="2022"), a_book(isbn=VEGETARIAN))
    found = one(site, a_partner(site), isbn="89-364-3359-8", title="채식주의자")
    assert (found.outcome, found.offer) == (Outcome.REGISTERED, offers(site)[VEGETARIAN])


@pytest.mark.parametrize(
    ("title", "author"),
    [
        ("Ch'aesikchuŭija", "Han, Kang"),
        ("Chaesikjuuija", "Han Kang"),
        ("Chaesikjuuija", "Kang Han"),
        ("채식주의자", "한강 지음"),
        ("채식주의자 : 한강 소설", "한강; 김영하"),
        ("채식 주의자", "한 강"),
    ],
)
def test_a_title_meets_the_offer_in_hangul_and_in_every_romanisation(
    site: Site, title: str, author: str
) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN), a_book("소년이 온다", year="2014"))
    found = one(site, a_partner(site), title=title, author=author, year="2007")
    assert (found.outcome, found.offer) == (Outcome.MATCHED, offers(site)[VEGETARIAN]), found
    assert "Send the offer's own identifier" in found.reason
    assert found.score is not None
    assert 0.4 <= found.score < 0.9


@pytest.mark.parametrize("title", ["广州发展史", "廣州發展史", "廣州発展史"])
def test_simplified_and_traditional_forms_of_one_title_meet(site: Site, title: str) -> None:
    open_list(site)
    bring(site, a_book("廣州發展史", "陳", "1999", language="chi"))
    assert one(site, a_partner(site), title=title).outcome is Outcome.MATCHED


@pytest.mark.parametrize(
    ("offered", "row"),
    [
        (a_book("雪国", "川端, 康成", "1952", language="jpn"),
         {"title": "雪国", "author": "川端康成"}),
        (a_book("The Vegetarian", "Han, Kang", "2015", language="eng"),
         {"title": "the vegetarian"}),
        (a_book("Вишнёвый сад", "Чехов, А.", "1904", language="rus"), {"title": "Vishnevyi sad"}),
        (a_book("こころのほん", "夏目, 漱石", "1914", language="jpn"), {"title": "Kokoro no hon"}),
        (a_book("채식주의자"), {"서명": "채식주의자", "발행년": "2007년"}),
        (a_book("The Vegetarian", "Han, Kang", "2015", language="eng"),
         {"title": "The Vegeterian", "author": "Kang Han", "year": "2015"}),
    ],
)  # fmt: skip
def test_few_words_and_small_slips_are_enough_to_propose_an_offer(
    site: Site, offered: Record, row: dict[str, str]
) -> None:
    open_list(site)
    bring(site, offered, a_book("전혀 다른 책", "다른 이", "1999"))
    found = one(site, a_partner(site), **row)
    assert found.outcome is Outcome.MATCHED, found.reason


@pytest.mark.parametrize(
    "row",
    [
        {"title": "채식주의자", "author": "김영하"},
        {"title": "소년이 온다", "author": "한강", "year": "2007"},
        {"title": "채식주의자", "author": "한강", "year": "2007", "volume": "2"},
    ],
)
def test_another_author_title_or_volume_is_not_proposed(site: Site, row: dict[str, str]) -> None:
    open_list(site)
    bring(site, a_book())
    assert one(site, a_partner(site), **row).outcome is Outcome.WAITING


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"year": "2022"}, "other years: 2022 and 2007"),
        ({"edition": "개정 2판"}, "other editions: 2 and 1"),
        ({"publisher": "문학동네"}, "other publishers: 문학동네 and 창비"),
        ({"language": "eng"}, "other languages: eng and kor"),
    ],
)
def test_what_tells_editions_apart_makes_another_edition(
    site: Site, row: dict[str, str], said: str
) -> None:
    open_list(site)
    imprint = Field("264", " 1", (Subfield("b", "창비"),))
    book = a_book(more=(("250", "초판"),))
    bring(site, book._replace(fields=(*book.fields, imprint)))
    found = one(site, a_partner(site), title="채식주의자", author="한강", **row)
    assert found.outcome is Outcome.OTHER_EDITION
    assert said in found.reason


def test_the_isbn_of_a_set_is_not_a_volumes(site: Site) -> None:
    open_list(site)
    of_set = Field("020", "  ", (Subfield("a", VEGETARIAN), Subfield("q", "전집")))
    book = a_book("태백산맥", "조정래", "1989")
    bring(site, book._replace(fields=(*book.fields, of_set)))
    partner = a_partner(site)
    assert one(site, partner, isbn=VEGETARIAN).outcome is Outcome.WAITING
    found = one(site, partner, identifier=f"{VEGETARIAN} (set)")
    assert found.outcome is Outcome.MATCHED
    assert "more than one piece" in found.reason


def test_a_number_under_another_title_is_asked_about(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    found = one(site, a_partner(site), isbn=VEGETARIAN, title="소년이 온다", author="한강")
    assert found.outcome is Outcome.MATCHED
    assert "but other titles" in found.reason


def test_two_offers_of_one_title_are_ambiguous_and_both_named(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN, more=(("500", "one"),)), a_book(isbn=LATER))
    found = one(site, a_partner(site), title="채식주의자", author="한강", year="2007")
    assert (found.outcome, found.state) == (Outcome.AMBIGUOUS, WishState.ANSWERED)
    assert all(f"offer/{each}" in found.reason for each in offers(site).values())


def test_a_title_that_many_offers_have_is_ambiguous_and_asks_for_more(site: Site) -> None:
    open_list(site)
    bring(site, *MANY)
    partner = a_partner(site)
    found = one(site, partner, title="한국의 역사")
    assert found.outcome is Outcome.AMBIGUOUS
    assert f"More than {match_rule.MOST} offers have this title alone" in found.reason
    assert one(site, partner, title="한국의 역사", author="계민수").outcome is Outcome.MATCHED


def test_you_asked_twice_whatever_you_asked_by(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    partner = a_partner(site)
    first = wish(site, partner, {"isbn": "8936433598"})
    found = one(site, partner, title="채식주의자", author="한강", year="2007")
    assert (first.lines[0].outcome, found.outcome) == (Outcome.REGISTERED, Outcome.DUPLICATE)
    assert first.public_id in found.reason


def test_you_received_this_before_is_said_and_the_wish_stands(site: Site) -> None:
    assert isinstance(site.clock, HandClock)
    open_list(site)
    open_list(site, "autumn")
    bring(site, a_book(isbn=VEGETARIAN))
    partner = a_partner(site)
    giving.give_offers(site.db, partner.code, [offers(site)[VEGETARIAN]], site.now())
    given = f"You were given this title on {site.now():%Y-%m-%d} already."
    site.clock.move(100 * 86_400)
    bring(site, a_book(isbn=LATER, year="2007", more=(("500", "a later printing"),)), slug="autumn")
    by_isbn = one(site, partner, isbn=VEGETARIAN)
    assert (by_isbn.outcome, given in by_isbn.reason) == (Outcome.REGISTERED, True)
    by_offer = one(site, partner, identifier=f"offer/{offers(site)[LATER]}")
    assert (by_offer.outcome, given in by_offer.reason) == (Outcome.REGISTERED, True)
    other = a_partner(site, "other")
    assert given not in one(site, other, isbn=VEGETARIAN).reason


def test_a_matched_wish_is_registered_when_its_offer_is_named(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    partner = a_partner(site)
    first = wish(site, partner, {"title": "채식주의자", "author": "한강"})
    assert first.lines[0].outcome is Outcome.MATCHED
    found = one(site, partner, identifier=f"offer/{first.lines[0].offer}")
    assert found.outcome is Outcome.DUPLICATE
    assert "It is registered now" in found.reason
    (now,) = wishing.show(site.db, first.public_id, partner).lines
    assert (now.outcome, now.state, now.score) == (Outcome.REGISTERED, WishState.OPEN, 1.0)
    assert "You confirmed it on" in now.reason


def test_another_edition_is_registered_when_its_offer_is_named(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=LATER, year="2022"))
    partner = a_partner(site)
    first = wish(site, partner, {"isbn": VEGETARIAN, "title": "채식주의자"})
    assert first.lines[0].outcome is Outcome.OTHER_EDITION
    found = one(site, partner, identifier=f"offer/{first.lines[0].offer}")
    assert (found.outcome, "It is registered now" in found.reason) == (Outcome.DUPLICATE, True)
    # What was confirmed waits no more: the edition that was meant first is a new wish.
    bring(site, a_book(isbn=VEGETARIAN))
    work(site)
    assert one(site, partner, isbn=VEGETARIAN).outcome is Outcome.REGISTERED


def test_a_marc_record_in_two_scripts_meets_an_offer_in_one(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    theirs = a_book("Chaesikchuuija", "Han, Kang")
    linked = Field("880", "10", (Subfield("6", "245-01/$1"), Subfield("a", "채식주의자")))
    body = a_file(theirs._replace(fields=(*theirs.fields, linked)))
    request = Request(body, "application/marc")
    (line,) = wishing.receive(
        site.db, a_partner(site), request, site.names(), site.wish_limits(), site.now()
    ).wish_list.lines
    assert line.outcome is Outcome.MATCHED


def test_json_says_in_words_what_is_wanted(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    body = '[{"title": "채식주의자", "author": ["한강", "x"], "year": 2007}, {"title": 7}]'
    request = Request(body.encode(), "application/json")
    lines = wishing.receive(
        site.db, a_partner(site), request, site.names(), site.wish_limits(), site.now()
    ).wish_list.lines
    assert [line.outcome for line in lines] == [Outcome.MATCHED, Outcome.INVALID]


def test_no_private_list_is_matched_counted_or_named_by_any_key(site: Site) -> None:
    friend = a_partner(site, "friend")
    open_list(site, "secret", partner_codes=["friend"])
    bring(site, a_book(isbn=LATER, year="2022"), *MANY, slug="secret")
    rows = [
        {"isbn": LATER},
        {"title": "채식주의자"},
        {"title": "채식주의자", "author": "한강", "year": "2022"},
        {"isbn": VEGETARIAN, "title": "Chaesikchuuija", "author": "Han Kang"},
        {"title": "채식주의쟈", "author": "한강", "year": "2022"},
        {"title": "한국의 역사"},
    ]
    stranger = wish(site, a_partner(site, "stranger"), *rows)
    assert {line.outcome for line in stranger.lines} == {Outcome.WAITING}
    assert "secret" not in str(stranger)
    told = [line.outcome for line in wish(site, friend, *rows).lines]
    assert told == [
        Outcome.REGISTERED, Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.OTHER_EDITION,
        Outcome.DUPLICATE, Outcome.AMBIGUOUS,
    ]  # fmt: skip
    assert membership.find_partner(site.db, "friend") == friend


# --- the judgement, whatever is offered -----------------------------------------------------------

_BOOKS = [
    Wanted(title, author, year)
    for title in ("채식주의자", "Chaesikchuuija", "The vegetarian")
    for author in ("한강", "Han, Kang", "")
    for year in ("2007", "2022", "")
]
_NUMBERS = st.sampled_from(
    [
        Key("isbn", VEGETARIAN),
        Key("isbn", LATER),
        Key("isbn_set", VEGETARIAN),
        Key("isbn_cancelled", VEGETARIAN),
        Key("issn", "0028-0836"),
        Key("control", "(X)1"),
    ]
)
_KEYS = st.builds(
    lambda numbers, books: tuple(
        dict.fromkeys((*numbers, *(key for book in books for key in wish_title.keys(book))))
    ),
    st.lists(_NUMBERS, max_size=2),
    st.lists(st.sampled_from(_BOOKS), max_size=1),
)


def a_candidate(number: int, keys: tuple[Key, ...]) -> Candidate:
    return Candidate(
        number, f"OFFER{number}", f"Title {number}", OfferState.OFFERED, ListState.OPEN, None,
        "spring", 1, number, keys,
    )  # fmt: skip


def answer(
    line: WishLine, candidates: list[Candidate], rules: match_rule.Rules = match_rule.DEFAULT
) -> Answer:
    by_key: dict[Key, list[Candidate]] = {}
    for each in candidates:
        for key in {*each.keys, *lookup_key.indexed(each.keys)}:
            by_key.setdefault(key, []).append(each)
    return matching.answer(line, {}, by_key, NOW, suspended=False, rules=rules)


@given(_KEYS, st.lists(_KEYS, max_size=6), st.integers(41, 100), st.integers(0, 40))
def test_nothing_ambiguous_is_ever_registered_silently(
    wished: tuple[Key, ...], offered: list[tuple[Key, ...]], register: int, match: int
) -> None:
    """Whatever the scores: what is registered is the one offer that its strongest rule finds."""
    if not any(key.kind in match_rule.LOOKED_UP for key in wished):
        return
    rules = match_rule.of_site({"register": register, "match": match})
    line = WishLine(1, "a wish", keys=wished)
    candidates = [a_candidate(n, keys) for n, keys in enumerate(offered, 1)]
    found = answer(line, candidates, rules)
    assert found == answer(line, list(reversed(candidates)), rules), "the same answer always"
    assert found.reason.endswith((".", "mean."))
    if found.outcome is Outcome.REGISTERED:
        assert found.score is not None
        assert found.score * 100 >= register
        twin = next(each for each in candidates if each.offer_id == found.offer_id)
        again = answer(line, [*candidates, a_candidate(99, twin.keys)], rules)
        assert again.outcome is Outcome.AMBIGUOUS, "the same once more cannot be told apart"
        assert found.offer in again.reason
    if found.outcome in {Outcome.WAITING, Outcome.AMBIGUOUS}:
        assert found.offer_id is None


@given(_KEYS, st.lists(_KEYS, max_size=4))
def test_a_set_a_serial_and_a_former_number_never_register(
    wished: tuple[Key, ...], offered: list[tuple[Key, ...]]
) -> None:
    weak = {"isbn_set", "issn", "isbn_cancelled"}
    keys = tuple(key for key in wished if key.kind in weak)
    if keys:
        rules = match_rule.of_site(dict.fromkeys(weak, 100))
        candidates = [a_candidate(n, each) for n, each in enumerate(offered, 1)]
        found = answer(WishLine(1, "a wish", keys=keys), candidates, rules)
        assert found.outcome is not Outcome.REGISTERED


def test_a_site_that_believes_titles_registers_by_them() -> None:
    keys = wish_title.keys(Wanted("채식주의자", "한강", "2007"))
    line = WishLine(1, "채식주의자", keys=keys)
    offered = [a_candidate(1, keys)]
    assert answer(line, offered).outcome is Outcome.MATCHED
    trusting = match_rule.of_site({"title": 95})
    assert answer(line, offered, trusting).outcome is Outcome.REGISTERED
    wary = match_rule.of_site({"match": 88})
    assert answer(line, offered, wary).outcome is Outcome.WAITING


def test_a_reason_says_titles_as_they_are_written(site: Site) -> None:
    open_list(site)
    title = "그 집에 책이 산다 : 이둔 소설"
    bring(
        site,
        a_book(title, "이둔", "2014"),
        a_book("The lost garden", "Kim, Ara", "2001", language="eng"),
    )
    partner = a_partner(site)
    found = one(site, partner, title="그 집에 책이 산다", author="이둔", year="2014")
    assert "the same title “그 집에 책이 산다”" in found.reason.lower()
    found = one(site, partner, title="Lost Garden", author="Kim, Ara", year="2001")
    assert "the same title “lost garden”" in found.reason.lower()
    assert "Lost Garden" in found.reason
    other = a_partner(site, "busan")
    found = one(site, other, title="The lost gardens", author="Kim, Ara", year="2001")
    assert "“The lost gardens” is spelt much like “The lost garden”" in found.reason


def test_the_public_id_alone_names_an_offer_in_a_cell(site: Site) -> None:
    open_list(site)
    bring(site, a_book(isbn=VEGETARIAN))
    (public_id,) = offers(site).values()
    partner = a_partner(site)
    for written in (public_id, public_id.lower()):
        found = one(site, partner, identifier=written)
        assert found.outcome in (Outcome.REGISTERED, Outcome.DUPLICATE)
    unknown = one(site, partner, identifier="0" * 26)
    assert (unknown.outcome, unknown.reason) == (
        Outcome.NOT_OFFERED,
        "No offer has this identifier.",
    )
