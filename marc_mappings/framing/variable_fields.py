"""One variable field of ISO 2709, bytes to ``Field`` and back, with every fault it may have.

Source: MARC 21 Specifications for Record Structure, "Variable fields" (Library of Congress).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_letters, digits
from typing import Final

from marc_mappings import encodings
from marc_mappings.framing.sound import PLAIN_HEADS, Sound, field
from marc_mappings.letters import marc8, traces
from marc_mappings.problems import Problem, problem
from marc_mappings.record import Field, Subfield

_TAG: Final = re.compile(r"[0-9A-Za-z]{3}")
# Two indicators with something behind them, which is not the rest of a number.
_INDICATORS: Final = re.compile(rb"[0-9 |#]{2}(?![0-9].)", re.DOTALL)
_CODE: Final = re.compile(r"[!-~]")
_PLAIN_CODES: Final = frozenset(ascii_letters + digits)
# A $6 that names another script than Latin.
_NAMES_A_SCRIPT: Final = re.compile(rb"\x1f6[^\x1f]*/([($])")
# Where a field whose tag is unreadable is kept: a local field, so it never leaves unseen.
UNKNOWN_TAG: Final = "999"

_ODD_CODE: Final = re.compile("\x1f(?![0-9a-z])")


def is_tag(tag: str) -> bool:
    """Whether ``tag`` is three ASCII letters or digits.

    >>> is_tag("245"), is_tag("24"), is_tag("2é5")
    (True, False, False)
    """
    return _TAG.fullmatch(tag) is not None


def are_tags(tags: list[str]) -> bool:
    """Whether all of ``tags`` are tags; quicker than one by one."""
    joined = "".join(tags)
    if not (joined.isascii() and joined.isalnum()):
        return not tags
    return len(joined) == 3 * len(tags) and max(map(len, tags)) == 3


def read_plain(tag: str, data: bytes) -> Field | None:
    """Return the field of plain ASCII in which nothing is wrong, else ``None``."""
    text = data.decode("latin-1")
    if not tag.isdigit() or tag == "000" or not text.replace("\x1f", "").isprintable():
        return None
    if not text.isascii() or _ODD_CODE.search(text) or traces.in_octets(data, text):
        return None
    if (text[:3] not in PLAIN_HEADS) if tag >= "010" else (not text or "\x1f" in text):
        return None
    return field(tag, text)


def read(tag: str, data: bytes, encoding: str, problems: list[Problem]) -> Field | None:
    """Return the field, adding what was wrong to ``problems``; ``None`` if nothing is in it."""
    tag = _mended_tag(tag, problems)
    head, *parts = data.split(b"\x1f")
    if encoding == encodings.MARC8 and b"\x1b" in data:
        script = _NAMES_A_SCRIPT.search(data)
        may_stay_open = script is not None and (script[1] == b"$" or b"\x1b$" not in data)
        problems += _about_sets((head, *parts), tag, may_stay_open=may_stay_open)
    if tag[:2] == "00":
        if parts:
            message = f"Delimiters and codes were taken out of {shown(data)}"
            problems.append(problem("subfields-in-control-field", message, tag))
            head += b"".join(part[1:] for part in parts)
        value = _text(head, tag, encoding, problems)
        return Field(tag, "", (), value) if value else _told_empty(tag, problems)
    subfields: list[Subfield] = []
    if len(head) != 2:
        head = _mended_indicators(head, bool(parts), tag, encoding, subfields, problems)
    for part in parts:
        code = part[:1].decode("latin-1")
        if not _CODE.fullmatch(code):
            message = f"No subfield code is before {shown(part)}" if part else ""
            problems.append(problem("subfield-without-code", message, tag))
            if part.strip():
                _append(subfields, _text(part, tag, encoding, problems))
            continue
        subfields.append(Subfield(code, _text(part[1:], tag, encoding, problems)))
    if not any(value for _, value in subfields):
        return _told_empty(tag, problems)
    indicators = head.decode("latin-1")
    if not (indicators.isascii() and indicators.isprintable()):
        problems.append(problem("indicators-missing", tag=tag))
        indicators = "".join(char if " " <= char <= "~" else " " for char in indicators)
    return Field(tag, indicators, tuple(subfields))


def shown(octets: bytes) -> str:
    r"""Return octets as a message shows them, those outside ASCII by their numbers.

    >>> print(shown(b"Fran\xe7ois"))
    'Fran\xe7ois'
    """
    return repr(octets[:_MOST_SHOWN])[1:]


# Text may have to be put back by hand from what a message shows.
_MOST_SHOWN: Final = 500


def _about_sets(parts: Iterable[bytes], tag: str, *, may_stay_open: bool) -> Iterator[Problem]:
    """Yield what there is to say of values with an escape sequence of MARC-8 too few."""
    for part in parts:
        if not may_stay_open and marc8.is_left_open(part):
            message = f"Another set of MARC-8 is in force to the end of {shown(part)}"
            yield problem("set-not-closed", message, tag)
        if marc8.is_never_opened(part):
            message = f"A return to ASCII, and no escape sequence before it, in {shown(part)}"
            yield problem("set-not-opened", message, tag)


def odd_signs(fields: Iterable[Field]) -> Iterator[Problem]:
    """Yield what there is to say of indicators and subfield codes that no standard has."""
    for tag, indicators, subfields, _ in fields:
        if indicators and f"{indicators}\x1f" not in PLAIN_HEADS:
            yield _odd_indicators(indicators, tag)
        odd = {code for code, _ in subfields} - _PLAIN_CODES
        if odd:
            message = f"Subfield codes that are no letters or digits: {' '.join(sorted(odd))}"
            yield problem("subfield-code-odd", message, tag)


def odd_heads(pieces: Sound) -> Iterator[Problem]:
    """Yield what ``odd_signs`` does of a sound record, whose subfield codes are all plain."""
    data = slice(pieces.controls, None)
    for tag, octets in zip(pieces.tags[data], pieces.octets[data], strict=True):
        if octets[:3] not in PLAIN_HEADS:
            yield _odd_indicators(octets[:2], tag)


def _odd_indicators(indicators: str, tag: str) -> Problem:
    return problem("indicator-odd", f"The indicators are {indicators!r}.", tag)


def _told_empty(tag: str, problems: list[Problem]) -> Field | None:
    problems.append(problem("field-empty", tag=tag))
    return None


def _append(subfields: list[Subfield], text: str) -> None:
    """Keep text without a code: at the end of the subfield before it, else as subfield a."""
    if subfields:
        code, value = subfields.pop()
        text = f"{value} {text.strip()}"
        subfields.append(Subfield(code, text))
    elif text.strip():
        subfields.append(Subfield("a", text))


def _mended_tag(tag: str, problems: list[Problem]) -> str:
    if tag.isdigit() and len(tag) == 3 and tag.isascii() and tag != "000":
        return tag
    if not is_tag(tag) or tag == "000":
        problems.append(problem("tag-invalid", f"The tag {tag!r} is not one; kept as 999.", tag))
        return UNKNOWN_TAG
    if tag != tag.upper():
        problems.append(problem("tag-lower-case", tag=tag))
    return tag


def _mended_indicators(
    head: bytes,
    has_parts: bool,
    tag: str,
    encoding: str,
    subfields: list[Subfield],
    problems: list[Problem],
) -> bytes:
    """Return two indicators from what stands before the first delimiter; text there is kept.

    Without any delimiter all of it is text, as in a control field whose tag was hurt.
    """
    message = f"In place of two indicators stands {shown(head)}"
    problems.append(problem("indicators-missing", message, tag))
    if len(head) < 2:
        return head.ljust(2)
    indicators, rest = b"  ", head
    # A piece of a field without an entry begins anywhere, and not with indicators.
    if has_parts and tag != UNKNOWN_TAG and _INDICATORS.match(head):
        indicators, rest = head[:2], head[2:]
    problems.append(problem("subfield-without-code", tag=tag))
    _append(subfields, _text(rest, tag, encoding, problems))
    return indicators


def _text(data: bytes, tag: str, encoding: str, problems: list[Problem]) -> str:
    """Decode one value; what cannot be read or may not stand there is replaced and told."""
    text, bad = encodings.decode(data, encoding)
    if bad:
        count = "1 character could" if bad == 1 else f"{bad} characters could"
        message = f"{count} not be read as {encoding}; U+FFFD stands in its place."
        problems.append(problem("character-undecodable", message, tag))
    told = list(traces.problems(text, tag, is_whole=not bad))
    if found := encodings.junk_problem(text, tag):
        problems.append(found)
        text = encodings.normalized(encodings.without_junk(text))
    problems += told
    return text


def write_all(fields: Sequence[Field]) -> list[bytes]:
    """Return the octets of each field in UTF-8, with its terminator."""
    # Sound text is the rule: join first, look once at the whole, and only then field by field.
    try:
        texts = [
            field.indicators + "".join([_MARKED[code] + value for code, value in field.subfields])
            if field.indicators in _SOUND_INDICATORS
            else _control_text(field)
            for field in fields
        ]
    except KeyError:
        return [_write_mended(field) for field in fields]
    whole = "".join(texts)
    marks = sum([len(field.subfields) for field in fields])
    if whole.count("\x1f") != marks or not whole.replace("\x1f", "").isprintable():
        return [_write_mended(field) for field in fields]
    if whole.isascii():
        return [text.encode("ascii") + b"\x1e" for text in texts]
    return [text.encode("utf-8") + b"\x1e" for text in texts]


_MARKED: Final = {chr(code): "\x1f" + chr(code) for code in range(0x21, 0x7F)}
_SOUND_INDICATORS: Final = frozenset(
    first + second
    for first in map(chr, range(0x20, 0x7F))
    for second in map(chr, range(0x20, 0x7F))
)


def _control_text(field: Field) -> str:
    if field.indicators:
        raise KeyError(field.indicators)
    return field.value


def _write_mended(field: Field) -> bytes:
    """Write a field that may hold what the format has no room for."""
    if not field.indicators:
        return encodings.without_junk(field.value).encode("utf-8") + b"\x1e"
    indicators = "".join(char if " " <= char <= "~" else " " for char in field.indicators)
    text = f"{indicators:2.2}"
    for code, value in field.subfields:
        text += _MARKED.get(code, "\x1f?") + encodings.without_junk(value)
    return text.encode("utf-8") + b"\x1e"
