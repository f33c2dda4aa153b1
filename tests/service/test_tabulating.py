"""The directory as a table: out, worked on in a spreadsheet, and back, without losing anything."""

from __future__ import annotations

import csv
import io
import random
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marc_mappings import codes
from service.domain import place, table_file
from service.domain.partner import PartnerState, PartnerType
from service.domain.partner_row import CLEARED
from service.domain.table_file import guarded, unguarded
from service.domain.table_import import CSV, TakenIn
from service.domain.wish_sheet import ODS, XLSX
from service.errors import Invalid, UnsupportedFormat
from service.store.db import Database
from service.usecases import enrolling, merging, naming_places, tabulating
from service.usecases.site import Site
from service.usecases.tabulating import RowOutcome
from tests.service.builders import a_partner

FORMULA = tuple("=+-@\t\r")
TEXT = st.text(st.sampled_from("''==+-@\t\r,;\"\n aß가"), max_size=6)


def counts(taken: TakenIn) -> dict[str, int]:
    return {outcome: number for outcome, number in taken.counts.items() if number}


def take(site: Site, table: str | bytes, media_type: str = CSV, **more: Any) -> TakenIn:
    body = table.encode() if isinstance(table, str) else table
    return tabulating.take_in(
        site.db, io.BytesIO(body), media_type, by="staff:hana", now=site.now(), **more
    )


def exported(db: Database) -> str:
    return "".join(table_file.csv_lines(tabulating.table(db)))


def rejected(taken: TakenIn) -> list[tuple[int, str]]:
    return [(each.row.number, fault.field) for each in taken.rejected for fault in each.faults]


@given(TEXT)
def test_no_cell_is_a_formula_and_every_one_comes_back_as_it_was(text: str) -> None:
    cell = guarded(text)
    assert not cell.startswith(FORMULA)
    assert unguarded(cell) == text


SCRIPTS = ["Bibliotheek 's-Hertogenbosch", "長崎県立図書館", "부산광역시립", "Публичная", "مكتبة"]


def programme(seed: int, partners: int, places: int) -> dict[str, dict[str, Any]]:
    """Return a generated directory: so many partners in so many countries or regions."""
    draw = random.Random(seed)  # noqa: S311 - a case for tests
    where = draw.sample(sorted(place.all_built_in()), places)
    languages = sorted(codes.languages()[code].now for code in ("kor", "jpn", "chi", "eng", "rus"))

    def words(of: int) -> str:
        return (
            " ".join(
                "".join(
                    draw.choices(string.ascii_letters + "éß한日,;'\"=+-@", k=draw.randint(1, 9))
                )
                for _ in range(draw.randint(1, of))
            ).strip(" -")
            or "x"
        )

    made = {}
    for number in range(partners):
        contacts = [
            {"name": words(2), "role": words(2), "email": f"c{n}@lib{number}.example"}
            for n in range(draw.randint(0, 3))
        ]
        made[f"p-{number:03}"] = {
            "name": f"{draw.choice(SCRIPTS)} {number}",
            "type": draw.choice(list(PartnerType)),
            "city": words(2),
            "place": where[number % places],
            "isil": f"XA-{number}" if draw.random() < 0.5 else None,
            "names": {tag: words(3) for tag in draw.sample(["ja", "ko-Hang", "en", "zh-Hant"], 2)},
            "contacts": contacts,
            "address_roman": f"{words(3)}\n{words(2)}",
            "languages": draw.sample(languages, 2),
            "website": f"https://lib{number}.example/" if draw.random() < 0.5 else "",
            "profile": {"languages": ["kor"], "words": [words(1).replace(";", "")]},
            "priority": draw.randint(1, 3),
            "per_list": draw.choice([None, 0, 20]),
            "notes": f"{words(4)}\n\n{words(3)}",
        }
    return made


def test_a_directory_of_552_partners_in_117_places_comes_back_unchanged(
    site: Site, tmp_path: Path, sqlite_template: Path
) -> None:
    (tmp_path / "theirs.sqlite3").write_bytes(sqlite_template.read_bytes())
    theirs = Database(f"sqlite:///{tmp_path / 'theirs.sqlite3'}")
    try:
        with theirs.write() as conn:
            for code, values in programme(7, 552, 117).items():
                enrolling.enter(conn, code, values, by="x", now=site.now())
        enrolling.set_state(theirs, "p-007", PartnerState.SUSPENDED, by="x", now=site.now())
        table = exported(theirs)
        sheet = table_file.xlsx(tabulating.table(theirs), "Partners")
    finally:
        theirs.close()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 552
    assert len({row["place"] for row in rows}) == 117
    assert not any(cell.startswith(FORMULA) for row in rows for cell in row.values())
    assert counts(take(site, "\ufeff" + table)) == {"created": 552}
    assert exported(site.db) == table
    assert counts(take(site, sheet, XLSX)) == {"unchanged": 552}


BAD = (
    "code,name,place,priority,isil,contact_name,contact_email,shoe size\n"
    "good,Good Library,JP,1,JP-A,Desk,desk@a.example,44\n"
    "Bad Code,X,JP,,,,,\n"
    "worse,Worse,QX,9,,Desk,nobody,\n"
    ",No code,JP,,,,,\n"
    "good,Again,JP,,,,,\n"
    "taken,Taken,JP,,JP-a,,,\n"
    "wide,Wide,JP,,,,,,one more\n"
    "nameless,,JP,,,,,\n"
    "last,Last Library,KR,,,,,\n"
)


def test_a_file_with_bad_rows_imports_the_good_ones_and_returns_the_others(site: Site) -> None:
    taken = take(site, BAD)
    assert counts(taken) == {"created": 2, "rejected": 7}
    assert [each.code for each in enrolling.list_entries(site.db)] == ["good", "last"]
    assert rejected(taken) == [
        (3, "code"),
        (4, "contact_name"),
        (4, "priority"),
        (5, "code"),
        (6, "code"),
        (7, "isil"),
        (8, ""),
        (9, "name"),
    ]
    assert taken.not_read == ("shoe size",)


def test_the_rows_that_were_returned_are_mended_and_sent_again(site: Site) -> None:
    taken = take(site, BAD)
    back = "".join(table_file.csv_lines(taken.returned()))
    rows = list(csv.reader(io.StringIO(back)))
    assert rows[0][:5] == ["row", "column", "reason", "code", "name"]
    mended = back.replace("Bad Code", "bad-code").replace("JP-a", "JP-b")
    again = take(site, mended)
    assert again.counts[RowOutcome.CREATED] == 3
    assert enrolling.find_entry(site.db, "taken").isil == "JP-b"


def test_a_dry_run_says_the_same_and_keeps_nothing(site: Site) -> None:
    tried = take(site, BAD, dry_run=True)
    assert tried.dry_run
    assert enrolling.list_entries(site.db) == []
    taken = take(site, BAD)
    assert (tried.counts, rejected(tried)) == (taken.counts, rejected(taken))


def test_an_empty_cell_leaves_what_is_there_and_a_hyphen_clears_it(site: Site) -> None:
    take(site, "code,name,city,notes,contact_name,contact2_name,name:ja\na,A,Busan,=x,One,Two,甲\n")
    taken = take(site, "code,city,notes,contact_name,name:ja,priority\na,,-,-,-,3\n")
    assert counts(taken) == {"changed": 1}
    entry = enrolling.find_entry(site.db, "a")
    assert (entry.name, entry.city, entry.notes, entry.priority) == ("A", "Busan", "", 3)
    assert [each.name for each in entry.contacts] == ["Two"]
    assert entry.names == {}
    take(site, "code,notes\na,'-\n")
    assert enrolling.find_entry(site.db, "a").notes == CLEARED, "said with an apostrophe it stays"
    assert "'-" in exported(site.db)


def test_a_table_that_came_before_makes_no_change_and_no_entry_in_the_audit_log(
    site: Site,
) -> None:
    take(site, BAD)
    revisions = [each.revision for each in enrolling.list_entries(site.db)]
    assert counts(take(site, BAD)) == {"unchanged": 2, "rejected": 7}
    assert [each.revision for each in enrolling.list_entries(site.db)] == revisions


def test_a_partner_that_no_row_names_stays(site: Site) -> None:
    a_partner(site, "b")
    take(site, "code,name\na,A\n")
    assert [each.code for each in enrolling.list_entries(site.db)] == ["a", "b"]


def test_a_row_about_an_entry_that_was_merged_is_told_what_it_became(site: Site) -> None:
    a_partner(site, "a")
    a_partner(site, "b")
    merging.merge(site.db, "a", "b", by="x", now=site.now())
    taken = take(site, "code,city\na,Busan\n")
    assert "'b'" in taken.rejected[0].faults[0].reason


def test_a_state_in_a_table_is_taken_over(site: Site) -> None:
    take(site, "code,name,state\na,A,suspended\nb,B,GONE\n")
    assert enrolling.find_entry(site.db, "a").state is PartnerState.SUSPENDED
    assert [each.code for each in enrolling.list_entries(site.db)] == ["a"]


@pytest.mark.parametrize(
    ("table", "charset"),
    [
        ("code;name;city\na;長崎県立図書館;長崎\n".encode(), ""),
        ("code\tname\tcity\r\na\t長崎県立図書館\t長崎\r\n".encode("utf-16"), ""),
        ("code,name,city\na,長崎県立図書館,長崎\n".encode("cp932"), "Shift-JIS"),
        ("\ufeffCODE, Name ,City\na,長崎県立図書館,長崎\n".encode(), ""),
        ('\n"code","name","city"\n"a","長崎県立図書館","長崎"\n'.encode(), "utf-8"),
    ],
    ids=["semicolons", "utf-16", "shift-jis", "bom", "quotes"],
)
def test_csv_is_read_as_spreadsheets_write_it(site: Site, table: bytes, charset: str) -> None:
    assert counts(take(site, table, charset=charset)) == {"created": 1}
    entry = enrolling.find_entry(site.db, "a")
    assert (entry.name, entry.city) == ("長崎県立図書館", "長崎")


@pytest.mark.parametrize(
    ("table", "media_type", "error"),
    [
        ("", CSV, Invalid),
        ("name,city\nA,B\n", CSV, Invalid),
        ("code,name,Name\na,A,B\n", CSV, Invalid),
        ('code,name\na,"never closed\nb,B\n', CSV, Invalid),
        ("no zip", XLSX, UnsupportedFormat),
        ("no zip", ODS, UnsupportedFormat),
        ("{}", "application/json", UnsupportedFormat),
    ],
    ids=["empty", "no-code", "twice", "quote", "xlsx", "ods", "json"],
)
def test_what_is_no_table_of_partners_is_refused_as_a_whole(
    site: Site, table: str, media_type: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        take(site, table, media_type)
    assert enrolling.list_entries(site.db) == []


def test_a_table_shows_places_as_the_site_calls_them(site: Site) -> None:
    naming_places.set_place(site.db, "KR", name="Republic of Korea", by="x", now=site.now())
    take(site, "code,name,place,place_name\na,A,KR,whatever\n")
    (row,) = csv.DictReader(io.StringIO(exported(site.db)))
    assert row["place_name"] == "Republic of Korea"
