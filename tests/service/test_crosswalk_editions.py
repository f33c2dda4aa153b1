"""Whoever changes what a crosswalk makes has to raise its edition, and is told so here.

Without that, sites that are running would go on giving what the crosswalk made before. The samples
are golden records of ``tests/marc_mappings`` in MARC 21. Others can be added there without harm:
these are named one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from marc_mappings import formats, incoming, marcxml
from marc_mappings.record import Field, Record, Subfield
from service.domain.rendition import CROSSWALKS, made_at_once, made_of
from service.usecases import preparing
from tests.conftest import SHARED
from tests.marc_mappings.test_marc21_to_mods import read_case

_GOLDEN = Path(__file__).parents[1] / "marc_mappings"
_SMALL = 100_000  # octets: the survey of a large file takes longer than its first records
_SAMPLES = (
    "marc21_to_mods/article_in_a_journal",
    "marc21_to_mods/japan_marc_with_kana_and_roman_readings",
    "marc21_to_mods/korean_book_with_linked_880",
    "marc21_to_mods/map_with_scale_and_coordinates",
    "marc21_to_mods/private_and_local_fields_stay_out",
    "marc21_to_mods/proceedings_of_a_conference",
    "marc21_to_mods/score_with_publisher_number",
    "marc21_to_mods/serial_with_predecessor_and_frequency",
    "marc21_to_mods/thesis_with_degree",
    "marc21_to_mods/translation_with_original_title",
    "marc21_to_mods/volume_of_a_set_with_its_own_title",
    "marc21_to_unimarc/article_between_nsb_and_nse",
    "marc21_to_unimarc/clc_class_number_in_cnmarc",
    "marc21_to_unimarc/cnmarc_of_japan_marc",
    "marc21_to_unimarc/fields_of_one_library_given_up",
    "marc21_to_unimarc/isbd_title_taken_apart",
    "marc21_to_unimarc/isbn_with_qualifier_and_price",
    "marc21_to_unimarc/japan_marc_two_readings",
    "marc21_to_unimarc/names_divided_but_never_in_han",
    "marc21_to_unimarc/places_and_periods_change_places",
    "marc21_to_unimarc/role_chooses_equal_or_secondary",
    "marc21_to_unimarc/romanised_title_as_cnmarc_pinyin",
    "marc21_to_unimarc/romanised_title_as_parallel_fields",
    "marc21_to_unimarc/serial_with_earlier_and_later_titles",
    "marc21_to_unimarc/series_and_host_embedded_in_cnmarc",
    "marc21_to_unimarc/series_and_host_with_standard_subfields",
    "marc21_to_unimarc/translation_with_languages_and_country",
    "marc21_to_kormarc/classes_and_geographic_code",
    "marc21_to_kormarc/indicators_of_names_and_titles",
    "marc21_to_kormarc/local_fields_of_the_sender",
    "marc21_to_kormarc/places_abroad_and_fixed_field",
    "marc21_to_kormarc/romanised_record_with_linked_880",
    "marc21_to_kormarc/set_isbn_add_on_and_price",
    "marc21_to_kormarc/statements_and_parallel_title",
    "marc21_to_kormarc/subjects_and_corporate_names",
    "marc21_to_kormarc/thesis_and_contents",
    "marc21_to_kormarc/two_works_in_one_statement",
)


class Pinned(NamedTuple):
    """An edition, and the SHA-256 of all that it makes of the samples."""

    edition: int
    digest: str


# The samples as they are kept: how they came to be so is no crosswalk's matter.
_KEPT = "099c8bd5c0b6679ae56bf9f0c093e5fe0c3cddb302615ba51808497e74f93a72"
_MADE = {
    "marc21": Pinned(1, "6e212cd332bd847e924c25fa8e4babeb5b0cde0adff323c2093becfc4a9685a6"),
    "oai_dc": Pinned(1, "387163cc019c0ecd2185140e146879d7913cfbc307c2bb804cc1002505a6dfa1"),
    "mods": Pinned(1, "f9e37a50bf9cea8f0c3c5886a4e51330455fd19c2055f18e523cf70d07a2942c"),
}


@pytest.fixture(scope="module")
def samples() -> list[bytes]:
    """The samples as a site keeps them."""
    folders = [_GOLDEN / "crosswalk_cases" / name for name in _SAMPLES]
    return [preparing.canonical_bytes(read_case(folder)) for folder in folders]


def digest(bodies: list[bytes]) -> str:
    return hashlib.sha256(b"\n".join(bodies)).hexdigest()


def test_the_samples_are_kept_as_they_were(samples: list[bytes]) -> None:
    found = digest(samples)
    assert found == _KEPT, (
        "The samples have changed, or the bytes in which records are kept. For that alone no "
        f"edition rises: set _KEPT to {found!r}, and the digests in _MADE to what the tests below "
        "say, with the editions as they are."
    )


@pytest.mark.parametrize("prefix", CROSSWALKS)
def test_an_edition_rises_when_its_crosswalk_makes_anything_else(
    samples: list[bytes], prefix: str
) -> None:
    found = Pinned(
        CROSSWALKS[prefix].edition, digest([made_of(each, [prefix])[prefix] for each in samples])
    )
    pinned = _MADE[prefix]
    further = found._replace(edition=max(found.edition, pinned.edition + 1))
    assert found == pinned, (
        f"What {prefix} makes of records has changed. Running sites give what they have stored, "
        f"until they are told: raise the edition of {prefix} in CROSSWALKS "
        f"(service/domain/rendition.py) to {further.edition}, and write {further} in _MADE here. "
        "Then a worker makes all of it anew and moves the datestamps of what differs."
    )


def made_twice(content: object) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is made of a record when it comes, and what of the bytes that it is kept as."""
    canonical = preparing.canonical_bytes(content)  # type: ignore[arg-type]
    at_once = made_at_once(content, canonical)  # type: ignore[arg-type]
    again = made_of(canonical, [each.prefix for each in at_once])
    for each in at_once:
        assert each.edition == CROSSWALKS[each.prefix].edition
        yield each.body, again[each.prefix]


def records_in(file: Path) -> Iterator[object]:
    with file.open("rb") as stream:
        try:
            opened = formats.open_stream(stream)
        except formats.NotMarc:
            return
        for part in islice(opened.slices, 3):
            item = incoming.take(part)
            if not isinstance(item, formats.Unreadable):
                yield item.content


def files() -> list[Path]:
    corpus = SHARED / "corpus"
    real = sorted(corpus.rglob("*")) if corpus.is_dir() else []
    real = [each for each in real if each.is_file() and each.stat().st_size < _SMALL]
    return sorted((_GOLDEN / "cases").glob("*/in.*")) + real


def test_what_is_made_of_a_record_when_it_comes_is_made_of_it_again() -> None:
    """Otherwise a new edition would move the datestamps of what it does not change."""
    found = [pair for file in files() for record in records_in(file) for pair in made_twice(record)]
    assert len(found) > 20
    assert all(first == again for first, again in found)


@pytest.mark.parametrize(
    "leader", ["99999nam  2299999 i 4500", "     cam a2212345Ia 4500", "00000nam a2200000 i 45x0"]
)
def test_a_leader_that_counts_wrong_is_given_as_it_is_kept(leader: str) -> None:
    title = Field("245", "00", (Subfield("a", "A book"),))
    local = Field("590", "  ", (Subfield("a", "Our shelf"),))
    for record in (Record(leader, (title,)), Record(leader, (title, local))):
        assert all(first == again for first, again in made_twice(record))
        (body, _), *_ = made_twice(record)
        read = marcxml.parse(body).content
        assert read.leader[9] == "a"
        assert read.leader[:5] == preparing.canonical_bytes(record)[:5].decode()


def test_a_record_too_large_for_iso_2709_is_made_of_its_marcxml() -> None:
    notes = tuple(Field("500", "  ", (Subfield("a", "long " * 1500),)) for _ in range(20))
    record = Record("00000nam  2200000 i 4500", notes)
    assert preparing.canonical_bytes(record).startswith(b"<")
    assert all(first == again for first, again in made_twice(record))


def test_a_record_of_local_fields_only_has_renditions_too() -> None:
    record = Record(
        "00000nam a2200000 i 4500", (Field("590", "  ", (Subfield("a", "Our shelf"),)),)
    )
    made = made_of(preparing.canonical_bytes(record), CROSSWALKS)
    assert made["mods"].startswith(b"<mods ")
    assert not any(b"Our shelf" in body for body in made.values())
