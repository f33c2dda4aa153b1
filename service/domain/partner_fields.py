"""What people fill in of a partner's entry: one check for each field.

A check turns what a person or a file says into what is kept. All that is wrong is told at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from marc_mappings import encodings
from marc_mappings.dialects import DIALECTS
from service.domain import place, subject_profile, web_address
from service.domain.partner import PartnerType, check_isil
from service.domain.partner_entry import BLANK, CONTACT, NOT_SHOWN, OWN_FIELDS, Contact, Digest
from service.errors import Invalid

_MOST = 20  # names, and contacts, of one partner
_TAG = re.compile(
    r"([a-z]{2,3})(-[a-z]{4})?(-(?:[a-z]{2}|[0-9]{3}))?((?:-[a-z0-9]{5,8})*)", re.ASCII
)
_EMAIL = re.compile(r"[^@\s,;<>\"()\\]+@[^@\s,;<>\"()\\]+\.[^@\s,;<>\"()\\]+")


class Fault(NamedTuple):
    """What is wrong with one field."""

    field: str
    reason: str


def check(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the fields that are right, as they are kept, and what is wrong with the others."""
    good: dict[str, Any] = {}
    faults: list[Fault] = []
    for field, value in given.items():
        try:
            good[field] = FIELDS[field](value)
        except Invalid as error:
            faults.append(Fault(field, error.detail))
    return good, faults


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all fields as they are kept; raise ``Invalid`` that says all that is wrong."""
    good, faults = check(given)
    if faults:
        raise Invalid("; ".join(fault.reason for fault in faults), field=faults[0].field)
    return good


def _line(field: str, longest: int) -> Callable[[Any], str]:
    """Return the check of a text on one line."""

    def check_line(value: Any) -> str:
        text = _nfc(field, value).strip()
        if len(text) > longest or any(unicodedata.category(letter) in _BREAKS for letter in text):
            raise Invalid(f"{field} is one line of at most {longest} characters", field=field)
        return text

    return check_line


# Control characters, and what breaks a line or a paragraph: mail and logs are made of lines.
_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _text(field: str, longest: int) -> Callable[[Any], str]:
    """Return the check of a text of several lines."""

    def check_text(value: Any) -> str:
        text = _nfc(field, value).replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(text) > longest or any(
            unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text
        ):
            raise Invalid(
                f"{field} is a text of at most {longest} characters, none of them a control "
                "character",
                field=field,
            )
        return text

    return check_text


def _nfc(field: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{field} is a text", field=field)
    return unicodedata.normalize("NFC", value)


def _name(value: Any) -> str:
    name = _line("name", 500)(value)
    if not name:
        raise Invalid("a partner needs a name", field="name")
    return name


def _type(value: Any) -> PartnerType:
    try:
        return PartnerType(str(value).strip().upper().replace(" ", "_") or PartnerType.OTHER)
    except ValueError as error:
        raise Invalid(f"{value!r} is no type: {', '.join(PartnerType)}", field="type") from error


def _place(value: Any) -> str:
    code = _nfc("place", value).strip()
    return place.check_code(code) if code else ""


def _isil(value: Any) -> str | None:
    return check_isil(isil) if (isil := _nfc("isil", value).strip()) else None


def language_tag(value: Any, field: str) -> str:
    """Return a BCP 47 tag as RFC 5646 writes it; raise ``Invalid`` for what has not its form.

    >>> language_tag("KO-hang", "names"), language_tag("zh-hant-tw", "names")
    ('ko-Hang', 'zh-Hant-TW')
    """
    found = _TAG.fullmatch(_nfc(field, value).strip().lower())
    if found is None:
        raise Invalid(
            f"{value!r} is no language tag, such as ja, ko-Hang or zh-Hant-TW", field=field
        )
    language, script, region, variants = found.groups(default="")
    return f"{language}{script.title()}{region.upper()}{variants}"


def _names(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > _MOST:
        raise Invalid(f"names are at most {_MOST} texts by language tag", field="names")
    found: dict[str, str] = {}
    for tag, name in value.items():
        known = language_tag(tag, "names")
        if known in found:
            raise Invalid(f"there are two names for {known}", field="names")
        if name := _line("names", 500)(name):
            found[known] = name
    return dict(sorted(found.items()))


_CONTACT_LINES = {
    field: _line(f"contacts: {field}", 200) for field in ("name", "role", "email", "phone")
}


def _contacts(value: Any) -> tuple[Contact, ...]:
    if not isinstance(value, list | tuple) or len(value) > _MOST:
        raise Invalid(f"contacts are at most {_MOST}", field="contacts")
    return tuple(map(_contact, value))


def _contact(value: Any) -> Contact:
    if isinstance(value, Contact):
        value = asdict(value)
    if not isinstance(value, Mapping) or not value.keys() <= set(CONTACT):
        raise Invalid(f"a contact has {', '.join(CONTACT)}", field="contacts")
    texts = {field: check(value.get(field)) for field, check in _CONTACT_LINES.items()}
    if not texts["name"]:
        raise Invalid("a contact needs a name: of a person, or of a desk", field="contacts")
    if texts["email"] and not _EMAIL.fullmatch(texts["email"]):
        raise Invalid(f"{texts['email']!r} is no e-mail address", field="contacts")
    tag = value.get("language") or ""
    digest = str(value.get("digest") or Digest.NEVER).strip().upper()
    if digest not in set(Digest):
        raise Invalid(f"digest is one of {', '.join(Digest)}, not {digest!r}", field="contacts")
    if digest != Digest.NEVER and not texts["email"]:
        raise Invalid(f"{texts['name']} has no e-mail address for its digest", field="contacts")
    language = language_tag(tag, "contacts") if str(tag).strip() else ""
    return Contact(**texts, language=language, digest=Digest(digest))


def _languages(value: Any) -> tuple[str, ...]:
    given = value.split() if isinstance(value, str) else value or ()
    if not isinstance(given, list | tuple) or len(given) > _MOST:
        raise Invalid(f"languages are at most {_MOST} MARC codes", field="languages")
    if not all(isinstance(each, str) for each in given):
        raise Invalid("languages are MARC codes, such as kor or eng", field="languages")
    return tuple(dict.fromkeys(map(subject_profile.language, given)))


def _website(value: Any) -> str:
    url = _line("website", 500)(value)
    if url and (problem := web_address.wrong(url)):
        raise Invalid(f"website: {problem}", field="website")
    return url


def _dialect(value: Any) -> str:
    dialect = _nfc("dialect", value).strip().lower()
    if dialect and dialect not in DIALECTS:
        raise Invalid(f"{value!r} is no dialect: {', '.join(DIALECTS)}", field="dialect")
    return dialect


def _encoding(value: Any) -> str:
    given = _nfc("encoding", value).strip()
    try:
        return encodings.canonical(given) if given else ""
    except encodings.UnknownEncoding as error:
        raise Invalid(str(error), field="encoding") from error


def _number(field: str, least: int, most: int) -> Callable[[Any], int]:
    def check_number(value: Any) -> int:
        number = value if isinstance(value, int) else _digits(field, value)
        if isinstance(value, bool) or number is None or not least <= number <= most:
            raise Invalid(f"{field} is a whole number, {least} to {most}", field=field)
        return number

    return check_number


def _digits(field: str, value: Any) -> int | None:
    text = _nfc(field, value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _bound(field: str) -> Callable[[Any], int | None]:
    number = _number(field, 0, 1_000_000)
    return lambda value: None if value is None or value == "" else number(value)


FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": _name,
    "type": _type,
    "city": _line("city", 200),
    "place": _place,
    "isil": _isil,
    "names": _names,
    "contacts": _contacts,
    "address_roman": _text("address_roman", 2000),
    "address_local": _text("address_local", 2000),
    "languages": _languages,
    "website": _website,
    "dialect": _dialect,
    "encoding": _encoding,
    "profile": subject_profile.check,
    "priority": _number("priority", 1, 3),
    "per_list": _bound("per_list"),
    "per_year": _bound("per_year"),
    "notes": _text("notes", 10_000),
}
"""What people fill in: the check of each field, which returns the value as it is kept."""

if not set(OWN_FIELDS) | NOT_SHOWN <= set(FIELDS) or ["name", *BLANK] != list(FIELDS):
    raise AssertionError("a field of a partner's entry has no check, or is not one")
