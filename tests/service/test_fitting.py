"""Which titles fit which partners: what their agreements are about, and what they collect."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings.record import Field, Record, Subfield
from service.domain import agreement_bounds, subject_profile
from service.domain.agreement_bounds import Bounds, beside
from service.domain.book import Book
from service.domain.description import subjects_of
from service.domain.subject_profile import SubjectProfile
from service.errors import Conflict
from service.store import offer_keys
from service.store.tables import agreement
from service.usecases import allocating
from service.usecases.site import Site
from tests.service.allocation_scene import LIST, Scene, a_scene
from tests.service.builders import a_record

SIGNED = date(2025, 9, 15)
LANGUAGES = "your agreement of 2025-09-15 is about books in kor, chi; this one is in eng"


@pytest.fixture
def scene(site: Site) -> Scene:
    return a_scene(site)


def about(*headings: str, classes: tuple[str, ...] = ()) -> Record:
    """Return a record with subject headings and class numbers."""
    fields = [Field("082", "04", (Subfield("a", each),)) for each in classes]
    fields += [Field("650", " 0", (Subfield("a", each),)) for each in headings]
    return a_record("부산", extra=tuple(fields))


def test_a_title_in_a_language_beside_the_agreement_is_not_given_and_the_partner_reads_why(
    scene: Scene,
) -> None:
    scene.titles("Korean", languages="kor eng")
    scene.titles("English", languages="eng")
    scene.titles("Unknown", languages="und")
    scene.agree("a", languages=("kor", "chi"), signed_on=SIGNED)
    scene.received("b", 5)
    for code in ("a", "b"):
        scene.wish(code, "Korean", "English", "Unknown")
    scene.plan()
    assert scene.of("a", "English").reason == f"Not allocated: {LANGUAGES}."
    assert scene.of("a", "English").rank == 0
    assert scene.of("b", "English").reason.startswith("Allocated")
    assert scene.of("a", "Korean").rank > 0
    assert scene.of("a", "Unknown").rank > 0, "nobody knows that it is beside"
    assert allocating.replay(scene.site.db, LIST) == []
    scene.confirm()
    assert ("a", "English") not in scene.given()
    scene.check()


def test_subjects_are_met_by_headings_words_of_the_title_or_classes(scene: Scene) -> None:
    scene.agree("a", subjects=("history", "역사", "951"), signed_on=SIGNED)
    titles = {
        "A history of Busan": about("Busan (Korea)"),
        "By heading": about("Korea--History"),
        "By class": about(classes=("951.9/04",)),
        "Beside": about("Cooking, Korean", classes=("641.59519",)),
        "Nothing known": about(),
    }
    for title, record in titles.items():
        scene.titles(title, record=record)
    scene.wish("a", *titles)
    scene.plan()
    given = {each.title: each.given for each in scene.decided()}
    assert given == {title: int(title != "Beside") for title in titles}
    assert scene.of("a", "Beside").reason == (
        "Not allocated: your agreement of 2025-09-15 is about history, 역사, 951; "
        "this one is about Cooking, Korean, 641.59519."
    )
    assert allocating.replay(scene.site.db, LIST) == []


def test_a_profile_sees_the_subjects_of_a_record(scene: Scene) -> None:
    scene.titles("One", record=about("Korea--History"))
    scene.titles("Two", record=about(classes=("895.734",)))
    scene.partner("a", profile={"words": ["histor"]})
    scene.partner("b", profile={"classes": ["895.7"]})
    for code in ("a", "b", "c"):
        scene.wish(code, "One", "Two")
    scene.rules(max_per_partner=1)
    scene.plan()
    assert {(each.partner, each.title) for each in scene.decided() if each.given} == {
        ("a", "One"),
        ("b", "Two"),
    }
    assert scene.of("c", "One").reason.startswith(
        "Not allocated: the only copy went to a partner that collects such books, by its profile"
    )
    assert allocating.replay(scene.site.db, LIST) == []


WORDS = st.lists(st.sampled_from(["history", "art", "역사", "9", "951"]), max_size=2).map(tuple)
LANGUAGES_OF = st.lists(st.sampled_from(["kor", "eng", "und"]), max_size=2).map(tuple)


@given(
    asked=st.tuples(LANGUAGES_OF, WORDS, WORDS),
    title=st.sampled_from(["Busan", "A history", "역사", "art 9"]),
    languages=LANGUAGES_OF.map(" ".join),
    said=st.tuples(WORDS, WORDS),
)
def test_what_is_settled_without_the_subjects_is_settled(
    asked: tuple[tuple[str, ...], ...],
    title: str,
    languages: str,
    said: tuple[tuple[str, ...], ...],
) -> None:
    known, words, classes = asked
    bare = Book(title, languages)
    book = bare._replace(subjects=said[0], classes=said[1])
    profile = SubjectProfile(languages=known, words=words, classes=classes)
    if not subject_profile.is_open(profile, bare):
        assert subject_profile.fits(profile, bare).fits == subject_profile.fits(profile, book).fits
    bounds = Bounds("01", languages=known, subjects=words)
    if not agreement_bounds.is_open(bounds, bare):
        assert beside(bounds, bare) == beside(bounds, book)


def test_records_are_read_in_bulk_and_only_where_subjects_count(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    whole = offer_keys.canonical

    def counted(conn: sa.Connection, version_ids: list[int]) -> dict[int, bytes]:
        read.append(len(version_ids))
        return whole(conn, version_ids)

    monkeypatch.setattr(offer_keys, "canonical", counted)
    scene.titles("One", "Two", record=about("History"))
    scene.titles("Three")  # nobody needs what its record says
    for code in ("a", "b", "c"):
        scene.wish(code, "One", "Two")
    scene.agree("c", languages=("kor",))
    scene.wish("c", "Three")
    scene.plan()
    assert sum(read) == 0, "no subject counts"
    scene.agree("a", subjects=("history",))
    scene.partner("b", profile={"words": ["histor"]})
    scene.plan()
    assert [each for each in read if each] == [2], "both at once, and each but once"


def test_a_copy_that_comes_back_passes_by_whose_agreement_is_about_other_books_by_now(
    scene: Scene,
) -> None:
    scene.titles("One", languages="eng")
    for n, code in enumerate("abc"):
        scene.wish(code, "One")
        if n:
            scene.received(code, n)
    scene.plan()
    scene.confirm()
    scene.agree("b", languages=("kor", "chi"), signed_on=SIGNED)
    scene.decline("a")
    assert set(scene.given()) == {("c", "One")}
    scene.check()


def test_a_plan_of_before_the_agreement_was_about_something_is_not_confirmed(scene: Scene) -> None:
    scene.titles("One", languages="eng")
    scene.wish("a", "One")
    scene.plan()
    scene.agree("a", languages=("kor", "chi"), signed_on=SIGNED)
    with pytest.raises(Conflict, match="what the agreement with 'a' is about has changed"):
        scene.confirm()
    scene.plan()
    assert scene.of("a").reason == f"Not allocated: {LANGUAGES}."
    scene.confirm()
    assert scene.given() == {}


def test_an_agreement_that_is_open_or_suspended_says_nothing_of_subjects(scene: Scene) -> None:
    scene.titles("One", languages="eng")
    scene.agree("a", languages=("kor",), signed_on=SIGNED)
    scene.agree("a", title="Another, of any language")
    scene.wish("a", "One")
    scene.plan()
    assert scene.of("a").given == 1, "a book may be of what any of the agreements names"
    scene.set(agreement, sa.true(), state="SUSPENDED")
    scene.plan()
    assert scene.of("a").reason == "Not allocated: the agreement with your library is suspended."


def test_headings_are_read_in_every_script() -> None:
    linked = Field("880", " 4", (Subfield("6", "650-01/$1"), Subfield("a", "부산--역사")))
    record = a_record("부산", extra=(*about("Busan--History").fields[-1:], linked))
    assert subjects_of(record).headings == ("Busan--History", "부산--역사")
    assert subjects_of(a_record("부산")) == ((), ())


CODES = st.sampled_from(["kor", "chi", "eng", "und", "mul", "zxx"])
SUBJECTS = st.lists(st.sampled_from(["History", "Art", "Korea"]), max_size=2, unique=True)


@given(
    agreed=st.lists(st.sampled_from(["kor", "chi", "eng"]), unique=True),
    subjects=SUBJECTS,
    languages=st.lists(CODES, unique=True),
    headings=SUBJECTS,
)
def test_what_a_record_does_not_say_is_never_held_against_it(
    agreed: list[str], subjects: list[str], languages: list[str], headings: list[str]
) -> None:
    bounds = Bounds("01", languages=tuple(agreed), subjects=tuple(subjects))
    why = beside(bounds, Book("", " ".join(languages), subjects=tuple(headings)))
    known = set(languages) - {"und", "mul", "zxx"}
    language = bool(agreed and known) and not known & set(agreed)
    subject = bool(subjects and headings) and not set(subjects) & set(headings)
    assert bool(why) is (language or subject)
    assert not why.endswith(".")
