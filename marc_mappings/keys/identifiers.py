"""Standard numbers as people and records write them: ISBN, ISSN, ISMN, LCCN, DOI, 统一书号.

A number is read leniently (hyphens of any kind, full-width digits, prices and qualifiers behind
it) and believed strictly (the check digit must be right).

Source: ISBN Users' Manual; ISO 3297; ISO 10957; LC, "LCCN Namespace"; China,
"全国统一书号" (1956 to 1986); the check digits are
computed by python-stdnum.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import ModuleType
from typing import Final
from unicodedata import normalize

from stdnum import isbn, ismn, issn

# What people put between digits: blanks, hyphens, dashes, minus signs, non-breaking ones.
_SEPARATOR = r"[\s\-\u00ad\u2010-\u2015\u2212\u30fc_]"
_ISBN = re.compile(
    rf"(?<![0-9])(?:97[89]{_SEPARATOR}*)?(?:[0-9]{_SEPARATOR}*){{9}}[0-9Xx](?![0-9])"
)
_ISSN = re.compile(
    rf"(?<![0-9])(?<![0-9]{_SEPARATOR})[0-9]{{4}}{_SEPARATOR}?[0-9]{{3}}[0-9Xx]"
    rf"(?!{_SEPARATOR}?[0-9A-Za-z])"
)
_ISMN = re.compile(rf"(?<![0-9A-Za-z])(?:M|979{_SEPARATOR}*0)(?:{_SEPARATOR}*[0-9]){{9}}(?![0-9])")
_DOI = re.compile(r"10\.[0-9]{4,9}/\S+")
_STRIP = re.compile(_SEPARATOR)
# A number of a whole set, in the languages of our partners: a word, a count, or a range of volumes.
_SET: Final = re.compile(
    r"""\bsets?\b | \bthe\ set\b | \bcomplete\b | \bkomplett?\b | \bGesamtwerk\b | \bGes\.-?\s?W
    | \bœuvre\ complète\b | \b(?:obra|opera)\ complet[ao]\b | \b(?:zestaw|soubor|súbor)\b
    | \bкомплект | \bбүрдэл\b
    | [全整][套集] | 套[装裝] | (?<![가-힣])세트 | (?<![가-힣])전집
    | [全전]\s?[0-9一二三四五六七八九十]+\s?[卷冊册巻集部권책]
    | \b(?:v|vols?|volumes?|bde?|t|tom[eo]?s?|т)\b\.?\s?(?!97[89])[0-9]{1,3}\s?[-–—~～]\s?[0-9]
    | \b[0-9]{1,3}\s?[-–—~～]\s?[0-9]{1,3}\s?[卷冊册巻集部권책]
    | \b[0-9]{1,3}\s?(?:vols|volumes|v)\.?(?=\)|$)""",
    re.IGNORECASE | re.VERBOSE,
)
# What every such word, count or range has in it, folded: looked for first, because the pattern
# above is tried at every letter, and nearly all numbers and qualifiers ("pbk.", "1500円") have none
# of it. A range has the last letter of its word before it, or its word behind it.
_PERHAPS_SET: Final = re.compile(
    r"set|compl|kompl|ges|zestaw|[uú]bor|комплект|бүрдэл|[全整套전]|세트"
    r"|[vlsedtmoт]\.?\s?[0-9]{1,3}\s?[-–—~～]\s?[0-9]"
    r"|[-–—~～]\s?[0-9]{1,3}\s?[卷冊册巻集部권책]|[0-9]\s?v"
)
_NO_WORDS: Final = "0123456789-Xx :;"
# A unified book number of China, 1956 to 1986: class and publisher, a point, number of the book.
_CSBN = re.compile(r"(?<![0-9])([0-9]{4,5})\s?[·.・•‧∙⋅．-]\s?([0-9]{1,5})(?![0-9])")


def plain(text: str) -> str:
    """Return ``text`` with full-width forms made plain.

    >>> plain("９７８－８９")
    '978-89'
    """
    return text if text.isascii() else normalize("NFKC", text)


def compact(text: str) -> str:
    """Return ``text`` without hyphens and blanks, in upper case."""
    return _STRIP.sub("", text).upper()


@lru_cache(maxsize=1024)
def isbn13(text: str) -> str:
    """Return the first valid ISBN in ``text`` as 13 digits, ``""`` if there is none.

    >>> isbn13("89-364-3412-1 (pbk.) : ₩12000"), isbn13("9788936434121"), isbn13("9788936434121X")
    ('', '', '')
    >>> isbn13("0-306-40615-2 (pbk.)"), isbn13("９７８０３０６４０６１５７")
    ('9780306406157', '9780306406157')
    """
    for match in _ISBN.finditer(plain(text)):
        number = compact(match[0])
        if len(number) == 13:
            if _is_isbn13(number):
                return number
        elif isbn.is_valid(number):
            return str(isbn.to_isbn13(number))
    return ""


def _is_isbn13(digits: str) -> bool:
    """Whether 13 digits are an ISBN; nearly all numbers are such, and stdnum takes ten times as
    long as this.
    """
    if digits[:3] not in ("978", "979") or not digits.isdigit():
        return False
    return (sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))) % 10 == 0


def is_set(text: str) -> bool:
    """Whether the words around a number say that it is a set's, not a volume's.

    >>> [is_set(words) for words in ("9788936434120 (set)", "전집", "(全五冊)", "(v. 1-3)")]
    [True, True, True, True]
    >>> [is_set(words) for words in ("(pbk.)", "(v. 1)", "제1권", "978-89-364-3412-0")]
    [False, False, False, False]
    """
    # Most numbers stand alone, and nothing around them has to be asked.
    if not text.strip(_NO_WORDS) or not _PERHAPS_SET.search(text.casefold()):
        return False
    return _SET.search(text) is not None


def issn8(text: str) -> str:
    """Return the first valid ISSN in ``text`` as ``1234-5679``, ``""`` if there is none.

    >>> issn8("ISSN 1234-5679"), issn8("12345670")
    ('1234-5679', '')
    """
    for match in _ISSN.finditer(plain(text)):
        number = compact(match[0])
        if issn.is_valid(number):
            return str(issn.format(number))
    return ""


def ismn13(text: str) -> str:
    """Return the first valid ISMN in ``text`` as 13 digits, ``""`` if there is none.

    >>> ismn13("M-2306-7118-7")
    '9790230671187'
    """
    for match in _ISMN.finditer(plain(text)):
        number = compact(match[0])
        if ismn.is_valid(number):
            return str(ismn.to_ismn13(number))
    return ""


def doi(text: str) -> str:
    """Return the DOI in ``text`` in lower case, ``""`` if there is none.

    >>> doi("https://doi.org/10.1000/ABC.123")
    '10.1000/abc.123'
    """
    match = _DOI.search(text)
    return match[0].rstrip(".,;)").lower() if match else ""


def csbn(text: str) -> str:
    """Return a Chinese unified book number (统一书号) as ``10019·1602``, ``""`` if it is none.

    >>> csbn("统一书号 10019.1602"), csbn("10019・1602"), csbn("1602")
    ('10019·1602', '10019·1602', '')
    """
    match = _CSBN.search(text if text.isascii() else plain(text))
    return f"{match[1]}·{match[2]}" if match else ""


def lccn(text: str) -> str:
    """Return an LCCN in the normal form of the Library of Congress, ``""`` if it is none.

    >>> lccn("   85-2 "), lccn("sn 85012345 /r92"), lccn("n79-18774"), lccn("no number")
    ('85000002', 'sn85012345', 'n79018774', '')
    """
    number = "".join(plain(text).split()).partition("/")[0].lower()
    prefix, hyphen, suffix = number.partition("-")
    if hyphen:
        number = prefix + suffix.zfill(6)
    return number if re.fullmatch(r"[a-z]{0,3}(?:[0-9]{8}|[0-9]{10})", number) else ""


def controlled(agency: str, number: str) -> str:
    """Return ``(AGENCY)number``, so that spellings of one number meet; ``""`` without either.

    Agencies are compared without case; OCLC's prefixes and leading zeros carry no meaning.

    >>> controlled("OCoLC", "ocm00012345"), controlled(" KR-BUL ", "kmo 201 ")
    ('(OCOLC)12345', '(KR-BUL)KMO201')
    """
    agency = "".join(plain(agency).split()).upper()
    number = "".join(plain(number).split()).upper()
    if agency == "OCOLC":
        number = re.sub(r"^(?:OCM|OCN|ON)?0*(?=[0-9])", "", number)
    return f"({agency}){number}" if agency and number else ""


def explain_invalid(text: str) -> str:
    """Return a sentence about what is wrong with an ISBN or ISSN, ``""`` if nothing is.

    >>> explain_invalid("978-89-364-3412-1")
    '978-89-364-3412-1: the check digit should be 0.'
    >>> explain_invalid("97889364")
    '97889364: an ISBN has 10 or 13 digits, this has 8.'
    """
    shown = plain(text).strip()
    if not shown:
        return "There is no identifier."
    if isbn13(shown) or issn8(shown) or ismn13(shown):
        return ""
    number = re.sub(r"[^0-9X]", "", compact(shown.partition("(")[0]))
    if len(number) == 13 and number.isdigit():
        if not number.startswith(("978", "979")):
            return f"{shown}: an ISBN of 13 digits begins with 978 or 979."
        return f"{shown}: the check digit should be {_check_digit(isbn, number)}."
    if len(number) == 10 and number[:9].isdigit():
        return f"{shown}: the check digit should be {_check_digit(isbn, number)}."
    if len(number) == 8 and re.fullmatch(rf"\D*[0-9]{{4}}{_SEPARATOR}[0-9]{{3}}[0-9X]", shown):
        return f"{shown}: the check digit should be {_check_digit(issn, number)}."
    if not number:
        return f"{shown}: there is no number in it."
    return f"{shown}: an ISBN has 10 or 13 digits, this has {len(number)}."


def _check_digit(scheme: ModuleType, number: str) -> str:
    """Return the last character that would make ``number`` valid in a module of stdnum."""
    return next((d for d in "0123456789X" if scheme.is_valid(number[:-1] + d)), "another one")
