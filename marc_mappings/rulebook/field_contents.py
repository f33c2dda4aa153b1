"""What subfields say, where that can be judged: numbers, codes, and characters not filed.

Only what a rule decides is judged here: a check digit, a code list, where a word ends. Invalid and
cancelled numbers have subfields of their own ($z, $y), which may hold anything.

Source: MARC 21 Format for Bibliographic Data, 020, 022, 024, 041, 1XX-8XX $4 and the fields with
nonfiling characters; the check digits are computed by python-stdnum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from unicodedata import category, normalize

from stdnum import ean, isrc

from marc_mappings import codes, steps
from marc_mappings.keys import identifiers
from marc_mappings.problems import Problem, problem, shown
from marc_mappings.record import Field
from marc_mappings.rulebook import coded_data

_NUMBER = re.compile(r"(?:M[ \-]?)?[0-9][0-9 \-\u2010-\u2015]*[0-9Xx]")

# 024, first indicator: the number's name, its lengths, whether it is valid.
_OTHER_NUMBERS: Final[Mapping[str, tuple[str, tuple[int, ...], Callable[[str], bool]]]] = {
    "1": ("a UPC", (12, 13), lambda value: bool(ean.is_valid(identifiers.compact(value)))),
    "2": ("an ISMN", (10, 13), lambda value: bool(identifiers.ismn13(value))),
    "3": ("an EAN", (8, 13), lambda value: bool(ean.is_valid(identifiers.compact(value)))),
}
# Tags with nonfiling characters, and which indicator counts them.
_NONFILING: Final[Mapping[str, int]] = {
    **dict.fromkeys(("130", "630", "730", "740"), 0),
    **dict.fromkeys(("222", "240", "242", "243", "245", "440", "830"), 1),
}
_NAMES: Final = ("100", "110", "111", "700", "710", "711", "720")


def _isbn(field: Field) -> Iterator[Problem]:
    for value in field.all("a"):
        if not identifiers.isbn13(value):
            yield _wrong_number("020 $a", "an ISBN", value, (10, 13))


def _issn(field: Field) -> Iterator[Problem]:
    for code, value in field.subfields:
        if code in "al" and not identifiers.issn8(value):
            yield _wrong_number(f"022 ${code}", "an ISSN", value, (8,))


def _other_number(field: Field) -> Iterator[Problem]:
    if field.indicators[:1] == "0":
        yield from _isrc(field)
    elif scheme := _OTHER_NUMBERS.get(field.indicators[:1]):
        name, lengths, is_valid = scheme
        for value in field.all("a"):
            if not is_valid(value):
                yield _wrong_number("024 $a", name, value, lengths)


def _isrc(field: Field) -> Iterator[Problem]:
    """An ISRC has no check digit, only a form."""
    for value in field.all("a"):
        number = identifiers.compact(identifiers.plain(value)).removeprefix("ISRC")
        if not isrc.is_valid(number):
            yield problem(
                "number-malformed",
                f"024 $a: {shown(value)} is no ISRC (a country, three letters or digits, seven "
                "digits); correct it, or change the first indicator.",
                "024",
            )


def _wrong_number(where: str, name: str, value: str, lengths: tuple[int, ...]) -> Problem:
    """Return the problem of a number that is not valid: none, of a wrong length, or mistyped."""
    found = _NUMBER.search(identifiers.plain(value))
    if not found:
        return problem(
            "number-not-found", f"{where}: there is no number in {shown(value)}.", where[:3]
        )
    number = identifiers.compact(found[0])
    if len(number) not in lengths:
        wanted = " or ".join(map(str, lengths))
        return problem(
            "number-malformed",
            f"{where}: {name} has {wanted} characters, {shown(number)} has {len(number)}; "
            "correct it, or move it to $z.",
            where[:3],
        )
    return problem(
        "check-digit-wrong",
        f"{where}: {shown(number)} is not {name}, its check digit does not fit; correct it, "
        "or move it to $z if the publication has it so.",
        where[:3],
    )


def _languages(field: Field) -> Iterator[Problem]:
    """041: every letter but $2 and $6-$9 holds codes, of MARC unless the second indicator is 7."""
    if field.indicators[1:] == "7":
        return
    for code, value in field.subfields:
        if not code.isalpha():
            continue
        where = f"041 ${code}"
        text = value.strip()
        parts = [text[at : at + 3] for at in range(0, len(text), 3)]
        if len(parts) > 1 and all(part in codes.languages() for part in parts):
            yield problem(
                "languages-run-together",
                f"{where}: {shown(text)} are {len(parts)} codes; write each in a subfield of its "
                "own.",
                "041",
            )
        else:
            yield from coded_data.language(where, text)


def _relators(field: Field) -> Iterator[Problem]:
    for value in field.all("4"):
        yield from coded_data.relator(field.tag, value)


def _nonfiling(field: Field) -> Iterator[Problem]:
    """A count that passes the title's end, or ends on a letter, is a slip of the pen.

    Old records count a letter and its diacritic as two, so both ways are right.
    """
    at = _NONFILING[field.tag]
    digit = field.indicators[at : at + 1]
    if not digit.isascii() or not digit.isdigit() or digit == "0":
        return
    count = int(digit)
    title = steps.without_non_sorting_marks(field.first("a"))
    where = f"{field.tag}, {('first', 'second')[at]} indicator"
    if count >= len(title):
        yield problem(
            "nonfiling-too-many",
            f"{where}: {count} characters are skipped in filing, but $a has only {len(title)}; "
            "count the article and the blank behind it.",
            field.tag,
        )
    elif not (_ends_word(title, count) or _ends_word(normalize("NFD", title), count)):
        yield problem(
            "nonfiling-inside-word",
            f"{where}: skipping {count} characters leaves {shown(title[count : count + 20])}; "
            "count the article and the blank behind it.",
            field.tag,
        )


def _ends_word(title: str, count: int) -> bool:
    """Whether the last of ``count`` characters is none of a word; ayn and alif are none here."""
    last = title[count - 1]
    return not last.isalnum() or category(last) == "Lm"


# What is judged in the fields of a tag; the others say nothing that could be.
CHECKS: Final[Mapping[str, Callable[[Field], Iterator[Problem]]]] = {
    "020": _isbn,
    "022": _issn,
    "024": _other_number,
    "041": _languages,
    **dict.fromkeys(_NAMES, _relators),
    **dict.fromkeys(_NONFILING, _nonfiling),
}
