"""The title and statements of responsibility: 245 of KORMARC to that of MARC 21, and back.

KORMARC has a subfield for the first statement of responsibility ($d), one for each further ($e)
and one for a parallel title ($x), and repeats $a and $b; MARC 21 has one $b and one $c and leaves
the rest to the punctuation of ISBD. The second indicator of KORMARC says what is done with a term
in parentheses before the title (관제), that of MARC 21 how many characters filing skips.

Source: KS X 6006-0:2023, 245 and 242, https://librarian.nl.go.kr/kormarc/KSX6006-0/index.html;
MARC 21 Bibliographic 245; ISBD 0.3.2.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from marc_mappings.record import Subfield

READ_OF_KORMARC: Final = "abcdefghknpsx68"
READ_OF_MARC21: Final = "abcfghknps68"

# The sign before a subfield in the title, and after the first statement of responsibility.
# Source: ISBD 1.3, 1.4.
_IN_TITLE: Final = {
    "a": " ;",
    "b": " :",
    "x": " =",
    "n": ".",
    "p": ".",
    "s": ".",
    "f": ",",
    "g": ",",
}
_AFTER_STATEMENT: Final = {"a": ".", "b": " :", "x": " =", "n": ".", "p": ".", "d": " /"}
_STATEMENTS: Final = "dec"
_LINKS: Final = "68"
_END: Final = " /:;,="  # no plus sign: a title may be C++
_BEFORE: Final = re.compile(r"\([^()]{1,30}\)\s*")
_SIGNS: Final = re.compile(r"\s+([=:;])\s+")


def skipped(title: str) -> str:
    """Return the number of characters filing skips, one digit: the term in parentheses before.

    >>> skipped("(배우기 쉬운) 일본어"), skipped("일본어"), skipped("(일본어)")
    ('9', '0', '0')
    """
    match = _BEFORE.match(title)
    return f"{match.end()}" if match and match.end() < min(10, len(title)) else "0"


def in_parentheses(title: str, count: str) -> bool:
    """Whether the ``count`` characters filing skips are a term in parentheses."""
    return count not in "0 " and skipped(title) == count


def to_marc21(subfields: Iterable[Subfield]) -> tuple[Subfield, ...]:
    """Return the subfields of a 245 of MARC 21 for those of KORMARC, with ISBD punctuation.

    >>> parts = [Subfield("a", "서시/"), Subfield("x", "Prelude"), Subfield("d", "윤동주 지음")]
    >>> [f"${code} {text}" for code, text in to_marc21(parts)]
    ['$a 서시 =', '$b Prelude /', '$c 윤동주 지음']
    """
    parts: list[Subfield] = []
    for code, value in subfields:
        text = value.strip()
        if not text or code not in READ_OF_KORMARC:
            continue
        if code in _LINKS:
            parts.append(Subfield(code, text))
            continue
        _put(parts, code, text)
    return _ended(parts)


def _put(parts: list[Subfield], code: str, text: str) -> None:
    """Put one element of a KORMARC title behind ``parts``."""
    present = {part.code for part in parts}
    if "c" in present:
        sign = " ;" if code in "ec" else _AFTER_STATEMENT.get(code, "")
        _join(parts, text, sign)
    elif code in _STATEMENTS:
        _add(parts, "c", text, " /")
    elif code == "a" and "a" not in present:
        _add(parts, "a", text, "")
    elif code in "abx":
        if "b" in present:
            _join(parts, text, _IN_TITLE[code])
        else:
            _add(parts, "b", text, _IN_TITLE[code])
    elif code == "p" and parts and parts[-1].code == "n":
        _add(parts, "p", text, ",")
    else:
        _add(parts, code, text, _IN_TITLE.get(code, ""))


def _add(parts: list[Subfield], code: str, text: str, sign: str) -> None:
    if sign:
        _close(parts, sign)
    parts.append(Subfield(code, text))


def _join(parts: list[Subfield], text: str, sign: str) -> None:
    """Put ``text`` behind the last subfield that is no link."""
    at = _close(parts, sign)
    parts[at] = Subfield(parts[at].code, f"{parts[at].value} {text}")


def _close(parts: list[Subfield], sign: str) -> int:
    """End the last subfield that is no link with ``sign``, and return where it stands."""
    for at in range(len(parts) - 1, -1, -1):
        code, value = parts[at]
        if code not in _LINKS:
            plain = value.rstrip(_END)
            ended = sign == "." and plain.endswith((".", "?", "!"))
            parts[at] = Subfield(code, plain if ended else plain + sign)
            return at
    return -1


def _ended(parts: list[Subfield]) -> tuple[Subfield, ...]:
    """Return the parts without the punctuation that would introduce something more."""
    _close(parts, "")
    return tuple([part for part in parts if part.value])


def to_kormarc(subfields: Iterable[Subfield]) -> tuple[Subfield, ...]:
    """Return the subfields of a 245 of KORMARC for those of MARC 21.

    $c is cut at " ;" into $d and $e, unless it holds a further title ("A / B. C / D"); $b at
    " =" and " :" into $x and $b.

    >>> parts = [Subfield("a", "서시 ="), Subfield("b", "Prelude /"), Subfield("c", "윤동주 ; 편")]
    >>> [f"${code} {text}" for code, text in to_kormarc(parts)]
    ['$a 서시 =', '$x Prelude /', '$d 윤동주 ;', '$e 편']
    """
    parts: list[Subfield] = []
    sign = ""
    for code, value in subfields:
        text = value.strip()
        if not text or code not in READ_OF_MARC21:
            continue
        for to, before, piece in _pieces(code, text, sign, parts):
            _add(parts, to, piece, before)
        if code not in _LINKS:
            sign = text[-1]
    return _ended(parts)


def _pieces(
    code: str, text: str, sign: str, parts: list[Subfield]
) -> Iterator[tuple[str, str, str]]:
    """Yield the KORMARC subfield, the sign before it and the text of each element of a subfield."""
    if code == "b":
        yield from _other_titles(text, sign)
    elif code == "c":
        further = any(part.code == "d" for part in parts)
        statements = [text] if " / " in text else text.split(" ; ")
        for number, statement in enumerate(statements):
            first = not number and not further
            yield ("d", " /", statement) if first else ("e", " ;", statement)
    else:
        yield code, "", text


def _other_titles(text: str, sign: str) -> Iterator[tuple[str, str, str]]:
    """Yield the elements of a $b: what it is, says the sign before it."""
    kinds = {"=": "x", ":": "b", ";": "a"}
    opening = sign if sign in kinds else ":"
    pieces = _SIGNS.split(text)
    kind, element = opening, pieces[0]
    for mark, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if mark == ";" and opening != ";":  # "a study ; with notes" is no second title
            element = f"{element} ; {piece}"
            continue
        yield kinds[kind], f" {kind}", element
        kind, element = mark, piece
    yield kinds[kind], f" {kind}", element
