"""Entries of the directory: made, changed by two at once, kept in the audit log."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import partner_entry, partner_fields
from service.domain.book import Book
from service.domain.partner_entry import Contact, Digest, PartnerEntry
from service.domain.subject_profile import SubjectProfile, fits
from service.errors import Conflict, Invalid, NotFound, Outdated
from service.store import audit_log
from service.usecases import enrolling, membership, naming_places
from service.usecases.site import Site

NAGASAKI: dict[str, Any] = {
    "name": "Nagasaki Prefectural Library",
    "type": "PUBLIC",
    "city": "Nagasaki",
    "place": "jp",
    "isil": "JP-1003241",
    "names": {"JA": "長崎県立長崎図書館", "ko-hang": "나가사키 현립 도서관"},
    "contacts": [
        {"name": "Exchange desk", "email": "desk@lib.example.jp", "digest": "DAILY"},
        {"name": "田中", "role": "director", "language": "ja"},
    ],
    "address_roman": "1-1-51 Tateyama\nNagasaki 850-0007\nJAPAN",
    "address_local": "長崎市立山1丁目1-51",
    "languages": ["jpn", "kor"],
    "website": "https://lib.example.jp/",
    "dialect": "marc21",
    "encoding": "Shift-JIS",
    "profile": {"languages": ["kor"], "words": ["histor"], "classes": ["951.9"]},
    "priority": 1,
    "per_list": 20,
    "per_year": 100,
    "notes": "Write before April.",
}


def enrol(site: Site, code: str = "nagasaki", **more: Any) -> PartnerEntry:
    given = {**NAGASAKI, **more}
    return enrolling.add(site.db, code, given, by="staff:hana", now=site.now())


def audited(site: Site, code: str) -> list[tuple[str, str, Any, Any]]:
    with site.db.read() as conn:
        found = audit_log.listed(conn, kind="partner", name=code)
    return [(each.action, each.actor, each.before, each.after) for each in found]


def test_an_entry_keeps_all_that_is_known_of_a_partner(site: Site) -> None:
    made = enrol(site)
    assert made.place == "JP"
    assert made.names == {"ja": "長崎県立長崎図書館", "ko-Hang": "나가사키 현립 도서관"}
    assert made.contacts[0] == Contact(
        "Exchange desk", email="desk@lib.example.jp", digest=Digest.DAILY
    )
    assert made.contacts[1].language == "ja"
    assert made.encoding == "cp932"
    assert made.profile == SubjectProfile(("kor",), (), ("histor",), ("951.9",))
    assert (made.priority, made.per_list, made.per_year, made.revision) == (1, 20, 100, 1)
    assert enrolling.find_entry(site.db, "nagasaki") == made
    assert enrolling.list_entries(site.db) == [made]
    assert audited(site, "nagasaki") == [("added", "staff:hana", None, made.values())]


def test_all_that_is_wrong_with_an_entry_is_told_at_once(site: Site) -> None:
    wrong: dict[str, Any] = {
        "type": "CLUB",
        "languages": ["korean"],
        "website": "javascript:alert(1)",
    }
    with pytest.raises(Invalid) as raised:
        enrol(site, **wrong)
    for word in ("'CLUB'", "'korean'", "website"):
        assert word in raised.value.detail
    assert enrolling.list_entries(site.db) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "One\r\nBcc: all@example.org"),
        ("name", "x" * 501),
        ("place", "Japan"),
        ("isil", "?"),
        ("names", {"not a tag": "x"}),
        ("names", {"ja": "a", "JA": "b"}),
        ("names", ["x"]),
        ("contacts", [{"name": ""}]),
        ("contacts", [{"name": "x", "email": "nobody"}]),
        ("contacts", [{"name": "x", "email": "a@b.example,c@d.example"}]),
        ("contacts", [{"name": "x", "digest": "HOURLY"}]),
        ("contacts", [{"name": "x", "digest": "DAILY"}]),
        ("contacts", [{"name": "x", "password": "y"}]),
        ("contacts", [{"name": "x"}] * 21),
        ("website", "ftp://lib.example.jp/"),
        ("website", "https://user:secret@lib.example.jp/"),
        ("dialect", "danmarc"),
        ("encoding", "rot13"),
        ("profile", {"languages": ["korean"]}),
        ("profile", {"colour": ["red"]}),
        ("profile", {"words": "history"}),
        ("priority", 4),
        ("priority", True),
        ("per_list", -1),
        ("per_year", "many"),
        ("notes", "a\x00b"),
    ],
)
def test_what_is_wrong_with_a_field_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(Invalid) as raised:
        partner_fields.checked({**NAGASAKI, field: value})
    assert raised.value.field == field


def test_two_entries_cannot_have_isils_that_differ_only_in_case(site: Site) -> None:
    enrol(site, isil="FI-Ht")
    with pytest.raises(Conflict, match="nagasaki"):
        enrol(site, "other", isil="FI-HT")
    enrol(site, "other", isil=None)
    with pytest.raises(Conflict, match="FI-hT"):
        enrolling.change(site.db, "other", {"isil": "FI-hT"}, by="staff:hana", now=site.now())


def test_who_looked_at_an_earlier_revision_changes_nothing(site: Site) -> None:
    made = enrol(site)
    change = {"city": "Isahaya"}
    after = enrolling.change(
        site.db, "nagasaki", change, seen=made.revision, by="staff:hana", now=site.now()
    )
    assert (after.city, after.revision) == ("Isahaya", 2)
    with pytest.raises(Outdated) as raised:
        enrolling.change(site.db, "nagasaki", {"city": "Sasebo"}, seen=1, by="b", now=site.now())
    assert raised.value.current == 2
    assert enrolling.find_entry(site.db, "nagasaki") == after
    assert audited(site, "nagasaki")[0] == (
        "changed",
        "staff:hana",
        {"city": "Nagasaki"},
        {"city": "Isahaya"},
    )


def test_what_is_so_already_is_no_change(site: Site) -> None:
    made = enrol(site)
    after = enrolling.change(site.db, "nagasaki", NAGASAKI, by="staff:hana", now=site.now())
    assert after == made
    assert len(audited(site, "nagasaki")) == 1


def test_of_changes_at_the_same_moment_one_is_kept_and_the_other_learns_it(site: Site) -> None:
    enrol(site)
    start, told = threading.Barrier(4), []

    def act(number: int) -> None:
        start.wait()
        try:
            change = {"city": f"City {number}"}
            enrolling.change(site.db, "nagasaki", change, seen=1, by=f"s{number}", now=site.now())
            told.append(number)
        except Outdated:
            told.append(-1)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (kept,) = [number for number in told if number >= 0]
    found = enrolling.find_entry(site.db, "nagasaki")
    assert (found.city, found.revision) == (f"City {kept}", 2)


def test_a_partner_changes_its_contacts_and_not_its_priority(site: Site) -> None:
    enrol(site)
    partner = membership.find_partner(site.db, "nagasaki")
    change: dict[str, Any] = {"contacts": [{"name": "New desk"}]}
    after = enrolling.change_own(site.db, partner, change, seen=1, now=site.now())
    assert [each.name for each in after.contacts] == ["New desk"]
    assert audited(site, "nagasaki")[0][1] == "partner:nagasaki"
    for field in set(partner_fields.FIELDS) - set(partner_entry.OWN_FIELDS):
        with pytest.raises(Invalid) as raised:
            enrolling.change_own(
                site.db, partner, {**change, field: NAGASAKI[field]}, seen=None, now=site.now()
            )
        assert raised.value.field == field


def test_the_site_names_a_place_and_takes_the_name_back(site: Site) -> None:
    assert naming_places.find_place(site.db, "KR").name == "Korea (South)"
    by, now = "staff:hana", site.now()
    made = naming_places.set_place(
        site.db, "kr", name="Republic of Korea", region="East Asia", weight=2, by=by, now=now
    )
    assert naming_places.find_place(site.db, "KR") == made
    again = naming_places.set_place(site.db, "KR", name="Korea", by=by, now=now)
    assert again[2:4] == ("East Asia", 2)
    back = naming_places.reset_place(site.db, "KR", by=by, now=now)
    assert back is not None
    assert back.name == naming_places.names(site.db)["KR"] == "Korea (South)"
    with pytest.raises(NotFound):
        naming_places.reset_place(site.db, "KR", by=by, now=now)


def test_a_place_that_nobody_knew_can_be_named_and_then_a_partner_is_there(site: Site) -> None:
    with pytest.raises(Invalid, match="bookbridge place set QX"):
        enrol(site, place="QX")
    naming_places.set_place(site.db, "QX", name="Elsewhere", by="b", now=site.now())
    assert enrol(site, place="QX").place == "QX"


WORDS = st.lists(st.sampled_from(["histor", "역사", "歴史", "art"]), max_size=3)


@given(WORDS, st.lists(st.sampled_from(["kor", "jpn"]), max_size=2))
def test_a_profile_fits_by_all_that_it_names_and_an_empty_one_fits_nothing(
    words: list[str], languages: list[str]
) -> None:
    profile = SubjectProfile(languages=tuple(languages), words=tuple(words))
    found = fits(profile, Book(title="한국의역사 and History", languages="kor eng"))
    meets = (not languages or "kor" in languages) and (
        not words or not {"histor", "역사"}.isdisjoint(words)
    )
    assert found.fits is (bool(profile) and meets)
    assert bool(found.reason) is found.fits
    assert not fits(profile, Book(title="", languages="eng")) or not languages


def test_a_class_fits_by_its_beginning_and_a_subject_as_a_title() -> None:
    profile = SubjectProfile(classes=("951.9",), words=("café",))
    assert fits(profile, Book(title="x", classes=("951.9043",))).reason == "class 951.9"
    assert (
        fits(profile, Book(title="x", subjects=("Cafe\u0301s of Seoul",))).reason == "the word café"
    )
    assert not fits(profile, Book(title="x", classes=("95",)))
    assert not fits(SubjectProfile(places=("KR",)), Book(title="x", place="JP"))
    assert (
        fits(SubjectProfile(places=("KR",)), Book(title="x", place="KR")).reason
        == "published in KR"
    )
