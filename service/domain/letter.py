"""Letters: what kinds there are, what their templates may ask for, and how one is filled in.

A template is text with names in braces. A name that is not known is refused when the template is
kept, so that no letter goes out with a hole; what is filled in is never read as a template itself.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain import letter_wording
from service.errors import Conflict, Invalid, WrongValues


class LetterKind(StrEnum):
    """What a letter of ours is for."""

    INVITATION = "invitation"
    OFFER = "offer"
    REMINDER = "reminder"
    ACKNOWLEDGEMENT = "acknowledgement"
    CLAIM = "claim"
    RENEWAL = "renewal"


OTHER: Final = "other"
"""The kind of a letter that came in, where it is none of ours."""


class Direction(StrEnum):
    """Whether we wrote a letter, or it came and was filed."""

    OUT = "OUT"
    IN = "IN"


LANGUAGES: Final = tuple(letter_wording.FRAMES)
MOST_LANGUAGES: Final = 2  # stand side by side on a page
# Three letters cannot be told from their language; these are also asked for by shorter names.
_ALSO: Final[Mapping[str, str]] = {
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
}

_EVERYWHERE: Final[Mapping[str, str]] = {
    "partner": "the partner's name, in the language of the letter where the directory has it",
    "library": "our name",
    "date": "the day of the letter",
    "signatory": "who signs",
    "address": "where our lists are found",
    "email": "whom to write to",
}
_CONSIGNMENT: Final[Mapping[str, str]] = {
    "number": "the consignment's number",
    "sent_on": "the day of its dispatch",
    "titles": "how many titles are in it",
    "volumes": "how many volumes are in it",
}
ABOUT: Final[Mapping[LetterKind, str]] = {
    LetterKind.INVITATION: "",
    LetterKind.OFFER: "an offer list",
    LetterKind.REMINDER: "a consignment",
    LetterKind.ACKNOWLEDGEMENT: "an incoming gift",
    LetterKind.CLAIM: "a claim of ours",
    LetterKind.RENEWAL: "an agreement",
}
"""What a letter of each kind is about; "" for nothing but the partner."""
PLACEHOLDERS: Final[Mapping[LetterKind, Mapping[str, str]]] = {
    LetterKind.INVITATION: _EVERYWHERE,
    LetterKind.OFFER: {
        **_EVERYWHERE,
        "title": "the list's title",
        "link": "where the list is found",
        "deadline": "the last day for wishes",
    },
    LetterKind.REMINDER: {**_EVERYWHERE, **_CONSIGNMENT},
    LetterKind.ACKNOWLEDGEMENT: {
        **_EVERYWHERE,
        "title": "what the gift is called",
        "received_on": "the day on which it came",
        "titles": "how many titles were accepted",
        "volumes": "how many volumes were accepted",
    },
    LetterKind.CLAIM: {
        **_EVERYWHERE,
        "title": "what is missing",
        "copies": "how many copies of it",
        "reason": "what is wrong, in the language of the letter",
        "details": "what we noted of it",
        "opened_on": "the day on which it was noted",
    },
    LetterKind.RENEWAL: {
        **_EVERYWHERE,
        "title": "the agreement's title",
        "signed_on": "the day of its signature",
        "ends_on": "its last day",
    },
}
"""What a template of each kind may ask for, and what is put there."""

Value = str | int | date | None
_LONGEST_SUBJECT: Final = 200
_LONGEST_BODY: Final = 20_000


class LetterText(NamedTuple):
    """A letter in one language (BCP 47)."""

    language: str
    subject: str
    body: str

    def paragraphs(self) -> list[str]:
        """Return the paragraphs of the body, each with its lines."""
        return [each.strip("\n") for each in self.body.split("\n\n") if each.strip()]


@dataclass(frozen=True, slots=True)
class LetterTemplate:
    """A template; ``own``: the site's wording. Revision 0: nobody changed ours."""

    kind: LetterKind
    language: str
    subject: str
    body: str
    own: bool = False
    changed_by: str = ""
    changed_at: datetime | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that was written or that came. ``about`` is the public id of what it is about."""

    id: int
    public_id: str
    partner_id: int
    partner: str
    partner_name: str
    agreement: str
    direction: Direction
    kind: str
    about: str
    subject: str
    texts: tuple[LetterText, ...]
    original_id: int | None
    file_name: str
    media_type: str
    dated_on: date
    mailed_at: datetime | None
    created_by: str
    created_at: datetime


def built_in(kind: LetterKind, language: str) -> LetterTemplate:
    """Return our own wording."""
    return LetterTemplate(kind, language, *letter_wording.built_in(kind.value, language))


# --- templates ------------------------------------------------------------------------------------


def check_template(kind: LetterKind, subject: str, body: str) -> tuple[str, str]:
    """Return a template as it is kept; raise ``WrongValues`` that tells all that is wrong.

    >>> check_template(LetterKind.OFFER, "Books: {title}", "By {deadline}, {{please}}.")
    ('Books: {title}', 'By {deadline}, {{please}}.')
    >>> check_template(LetterKind.INVITATION, "Hello", "{title}")
    Traceback (most recent call last):
        ...
    service.errors.WrongValues: body: {title} is not known; known are {partner}, {library}, \
{date}, {signatory}, {address}, {email}
    """
    texts = {
        "subject": unicodedata.normalize("NFC", subject).strip(),
        "body": unicodedata.normalize("NFC", body).replace("\r\n", "\n").strip(),
    }
    faults = []
    for name, longest, allowed in (
        ("subject", _LONGEST_SUBJECT, ""),
        ("body", _LONGEST_BODY, "\n\t"),
    ):
        try:
            _check_text(texts[name], longest, allowed)
            _check_names(kind, texts[name])
        except Invalid as error:
            faults.append((name, error.detail))
    if faults:
        raise WrongValues(faults)
    return texts["subject"], texts["body"]


def _check_text(text: str, longest: int, allowed: str) -> None:
    if not text:
        raise Invalid("this is empty")
    if len(text) > longest:
        raise Invalid(f"this has at most {longest:,} characters")
    if any(unicodedata.category(each) in {"Cc", "Cs"} and each not in allowed for each in text):
        raise Invalid("this has a control character")


def _check_names(kind: LetterKind, text: str) -> None:
    known = PLACEHOLDERS[kind]
    for _, name in _parts(text):
        if name is not None and name not in known:
            told = ", ".join(f"{{{each}}}" for each in known)
            raise Invalid(f"{{{name}}} is not known; known are {told}")


def _parts(text: str) -> list[tuple[str, str | None]]:
    """Return what a template says, and which name comes after it."""
    try:
        found = list(string.Formatter().parse(text))
    except ValueError as error:
        raise Invalid(
            "a brace has no partner: names stand in braces, as {partner}; write {{ for a brace"
        ) from error
    parts: list[tuple[str, str | None]] = []
    for said, name, form, conversion in found:
        if form or conversion:
            raise Invalid(f"{{{name}}} has more in its braces than a name")
        parts.append((said, name))
    return parts


def fill(template: LetterTemplate, values: Mapping[str, Value]) -> LetterText:
    """Return the letter that a template makes; raise ``Conflict`` for what is not known yet.

    A line that asks for one thing alone is left out where that is empty.

    >>> told = {"partner": "{library}", "library": "City Library", "signatory": "", "titles": 1000}
    >>> made = LetterTemplate(LetterKind.REMINDER, "en", "To {partner}", "{signatory}\\n{titles}")
    >>> fill(made, told)
    LetterText(language='en', subject='To {library}', body='1,000')
    """
    lines = []
    for line in template.body.split("\n"):
        filled = _filled(line, template.language, values)
        if filled.strip() or not line.strip():
            lines.append(filled)
    subject = " ".join(_filled(template.subject, template.language, values).split())
    return LetterText(template.language, subject, "\n".join(lines).strip())


def _filled(text: str, language: str, values: Mapping[str, Value]) -> str:
    made = []
    for said, name in _parts(text):
        made.append(said)
        if name is not None:
            value = values.get(name)
            if value is None:
                raise Conflict(
                    f"{{{name}}} is not known yet: enter it, or take it out of the template"
                )
            made.append(" ".join(written(value, language).split()))
    return "".join(made)


def written(value: str | int | date, language: str) -> str:
    """Return a number or a day as a language writes it.

    >>> written(1000, "vi"), written(date(2026, 3, 1), "ko"), written(date(2026, 3, 1), "mn")
    ('1.000', '2026년 3월 1일', '2026 оны 3 сарын 1-ний өдөр')
    """
    if isinstance(value, date):
        return _DAYS[language](value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", "." if language == "vi" else ",")
    return value


_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _cjk(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _mongolian(day: date) -> str:
    # The ending goes by the vowels of the number as it is spoken.
    ending = "ний" if day.day % 10 in {1, 4, 9} else "ны"
    return f"{day.year} оны {day.month} сарын {day.day}-{ending} өдөр"


_DAYS: Final[Mapping[str, Callable[[date], str]]] = {
    "en": lambda day: f"{day.day} {_MONTHS[day.month - 1]} {day.year}",
    "ko": lambda day: f"{day.year}년 {day.month}월 {day.day}일",
    "zh-Hans": _cjk,
    "zh-Hant": _cjk,
    "ja": _cjk,
    "vi": lambda day: f"ngày {day.day} tháng {day.month} năm {day.year}",
    "mn": _mongolian,
}


# --- what is asked for ----------------------------------------------------------------------------


def read_kind(text: str) -> LetterKind:
    """Return a kind of letter by its name; raise ``Invalid``."""
    try:
        return LetterKind(text.strip().lower())
    except ValueError as error:
        raise Invalid(f"{text!r} is no letter: {', '.join(LetterKind)}", "kind") from error


def read_language(text: str) -> str:
    """Return a language that we write; raise ``Invalid``.

    >>> read_language("zh-TW"), read_language("KO"), read_language("en-GB")
    ('zh-Hant', 'ko', 'en')
    """
    tag = text.strip().lower()
    known = {each.lower(): each for each in LANGUAGES} | dict(_ALSO)
    found = known.get(tag) or known.get(tag.rpartition("-")[0]) or known.get(tag.partition("-")[0])
    if found is None:
        raise Invalid(
            f"{text!r} is no language that letters are written in: {', '.join(LANGUAGES)}",
            "languages",
        )
    return found


def read_languages(given: Sequence[str]) -> tuple[str, ...]:
    """Return one or two languages, each once; raise ``Invalid``."""
    found = tuple(dict.fromkeys(read_language(each) for each in given))
    if not 1 <= len(found) <= MOST_LANGUAGES:
        raise Invalid("a letter is in one language, or in two side by side", "languages")
    return found


def _check_tables() -> None:
    if {each.value for each in LetterKind} != set(letter_wording.WORDING):
        raise AssertionError("every kind of letter needs its wording")
    if set(ABOUT) != set(LetterKind) or set(PLACEHOLDERS) != set(LetterKind):
        raise AssertionError("every kind of letter needs what it is about")
    if set(_DAYS) != set(LANGUAGES):
        raise AssertionError("every language needs its way to write a day")
    for kind in LetterKind:
        for language in LANGUAGES:
            each = built_in(kind, language)
            check_template(kind, each.subject, each.body)


_check_tables()
