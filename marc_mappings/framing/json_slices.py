"""One record of MARC-in-JSON, cut out of its stream, to a ``Record``.

Four ways to write MARC in JSON are met, told apart by their keys: ``fields`` as objects (Singer;
pymarc, Solr, FOLIO), ``fields`` as arrays (marc-hash), ``controlfield``/``datafield`` (OCLC) and
``record`` as rows (Catmandu). Objects are read as pairs, so that a key that stands twice is not
lost, and numbers as their digits.

Source: https://github.com/marc4j/marc4j/wiki/MARC-in-JSON-Description;
http://robotlibrarian.billdueber.com/2010/02/; https://metacpan.org/pod/Catmandu::MARC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from marc_mappings import encodings
from marc_mappings.framing import mending
from marc_mappings.framing.frames import Reading
from marc_mappings.framing.variable_fields import UNKNOWN_TAG
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Field

# Keys that say nothing about the record: the name of the form, and what Catmandu calls it.
_OF_THE_FORM: Final = frozenset(("type", "version", "_id"))
_CONTROL_KEYS: Final = frozenset(("controlfield", "controlfields"))
_DATA_KEYS: Final = frozenset(("datafield", "datafields"))
_SUBFIELD_KEYS: Final = frozenset(("subfield", "subfields"))
_TEXT_KEYS: Final = ("data", "value", "text", "content")
# Where systems write the blanks of coded fields as MarcEdit does.
_CODED_TAGS: Final = frozenset(("006", "007", "008"))
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+("?)|[{}\[\],]|[^"{}\[\],]++', re.DOTALL)
_HALF_AN_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_ENDS: Final = {"{": "}", "[": "]"}
_DEEPEST: Final = 100


class _Number(str):
    """A number, in the digits that stand in the file."""

    __slots__ = ()


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object as its pairs."""

    __slots__ = ()


_decoder = json.JSONDecoder(
    object_pairs_hook=_Object,
    parse_int=_Number,
    parse_float=_Number,
    parse_constant=_Number,
    strict=False,
)


def read(raw: bytes) -> Reading:
    """Return the record of one object; raises ``Rejected`` if none can be made out."""
    problems: list[Problem] = []
    certain = True
    text = raw.decode("utf-8", "replace")
    if bad := text.count("\ufffd") - raw.count(b"\xef\xbf\xbd"):
        certain = False
        message = f"{bad} characters are not UTF-8; they show as U+FFFD."
        problems.append(problem("character-undecodable", message))
    text = text.lstrip()
    if not text.startswith("{"):
        raise Rejected(problem("not-a-record", f"This is no JSON object: {text[:40]!r}"))
    found = _object(text, problems)
    return Reading(_record(found, problems), encodings.UTF8, certain, tuple(problems))


def _object(text: str, problems: list[Problem]) -> _Object:
    try:
        found, end = _decoder.raw_decode(text)
        fault = "" if not text[end:].strip(" \t\r\n,]}") else f"{text[end : end + 20]!r} follows"
    except (ValueError, RecursionError) as error:
        found, fault = None, str(error) or "It is nested too deep."
    return _mended(text, fault, problems) if fault else found


def _mended(text: str, fault: str, problems: list[Problem]) -> _Object:
    """Parse again with brackets closed that were left open, and without commas too many."""
    # A bracket that does not fit is one too many, or another was lost before it: try both.
    ways = sorted((_closed(text, is_strict=strict) for strict in (False, True)), key=_left_over)
    for mended, left in ways:
        try:
            found: _Object = _decoder.raw_decode(mended)[0]
        except (ValueError, RecursionError):
            continue
        message = f"Mended; it was not well-formed: {fault[:200]}"
        if left:
            message += f". Left out behind its end: {left}"
        problems.append(problem("json-repaired", message))
        return found
    message = f"Not well-formed: {fault[:200]}"
    raise Rejected(problem("json-not-well-formed", message))


def _left_over(way: tuple[str, str]) -> int:
    return len(way[1])


def _closed(text: str, *, is_strict: bool = False) -> tuple[str, str]:
    """Return ``text`` up to where its first object ends, every bracket closed, and what is left.

    ``is_strict``: a closing bracket that does not fit the last one opened is dropped.

    >>> _closed('{"a": [{"b": "c",}, ')
    ('{"a": [{"b": "c"}]}', '')
    >>> _closed('{"a": "never en')
    ('{"a": "never en"}', '')
    >>> _closed('{"a": ["b"]], "c": "d"}', is_strict=True)
    ('{"a": ["b"], "c": "d"}', '')
    """
    parts: list[str] = []
    ends: list[str] = []
    left = ""
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part in _ENDS:
            ends.append(_ENDS[part])
        elif part in _ENDS.values():
            part = "" if is_strict and ends[-1:] != [part] else _close(part, ends)
        elif part[0] == '"' and not match[1]:
            part = _HALF_AN_ESCAPE.sub("", _without_brackets(part)) + '"'
        elif part == "," and _before_a_closer(match):
            part = ""
        parts.append(part)
        if not ends or len(ends) > _DEEPEST:
            left = text[match.end() :].strip(" \t\r\n,]}")
            break
    return "".join(parts).rstrip(", \t\r\n") + "".join(reversed(ends)), left


def _without_brackets(part: str) -> str:
    """Return a string that was never closed without the brackets of the lines behind it."""
    kept = part.rstrip("\r\n\t ]},")
    line_end = part.find("\n", len(kept))
    return part[:line_end] if line_end >= 0 else part


def _close(closer: str, ends: list[str]) -> str:
    """Take from ``ends`` what ``closer`` closes; return the brackets to put, none if none."""
    if closer not in ends:
        return ""
    put = ""
    while not put.endswith(closer):
        put += ends.pop()
    return put


def _before_a_closer(match: re.Match[str]) -> bool:
    rest = match.string[match.end() : match.end() + 200].lstrip()
    return rest[:1] in ("}", "]")


def _record(found: _Object, problems: list[Problem]) -> Any:
    leader = ""
    fields: list[Field | None] = []
    seen: set[str] = set()
    for key, value in found:
        if key in seen:
            problems.append(problem("json-key-repeated", f"The key {key[:40]!r} stands twice."))
        seen.add(key)
        if key == "leader":
            leader = leader or mending.leader(_text(value, "LDR", problems), problems)
        elif key == "fields":
            fields += (each for entry in _entries(value) for each in _fields(entry, problems))
        elif key in _CONTROL_KEYS or key in _DATA_KEYS:
            fields += (_named(entry, problems) for entry in _entries(value))
        elif key == "record":
            for row in _entries(value):
                if isinstance(row, list) and row[:1] in (["LDR"], ["000"]) and len(row) > 4:
                    leader = leader or mending.leader(_text(row[4], "LDR", problems), problems)
                else:
                    fields.append(_row(row, problems))
        elif key not in _OF_THE_FORM:
            problems.append(problem("json-key-unknown", f"The key {key[:40]!r} was left out."))
    return mending.record(leader, _worth_keeping(fields, problems), problems)


def _worth_keeping(fields: list[Field | None], problems: list[Problem]) -> list[Field]:
    """Return the fields; none where all of them are only what could not be made a field."""
    made = [field for field in fields if field]
    only_odd = all(field.tag == UNKNOWN_TAG for field in made)
    return [] if only_odd and any(map(_is_odd, problems)) else made


def _is_odd(found: Problem) -> bool:
    return found.code == "json-value-odd"


def _entries(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else (value,)


def _text(value: object, tag: str, problems: list[Problem]) -> str:
    """Return a string as it is; anything else as text, with a problem."""
    if isinstance(value, str) and not isinstance(value, _Number):
        return value
    problems.append(problem("json-value-odd", f"Not a string: {str(value)[:60]}", tag))
    return "" if value is None else str(value)


def _fields(entry: object, problems: list[Problem]) -> Iterator[Field | None]:
    """Yield the fields of an entry: an object of tags (mostly one), or an array of marc-hash."""
    if isinstance(entry, list):
        yield _hashed(entry, problems)
    elif not isinstance(entry, _Object):
        yield _kept(entry, problems)
    elif any(key == "tag" for key, _ in entry):
        yield _named(entry, problems)
    else:
        if len({key for key, _ in entry}) < len(entry):
            problems.append(problem("json-key-repeated", tag=entry[0][0]))
        for key, value in entry:
            tag = mending.tag(key, problems)
            if isinstance(value, _Object):
                yield _data(tag, value, problems)
            else:
                yield _control(tag, value, problems)


def _kept(entry: object, problems: list[Problem], tag: str = "") -> Field | None:
    """Return what is no field as a local one of its strings, so that nothing gets lost."""
    problems.append(problem("json-value-odd", f"Not a field: {str(entry)[:60]}", tag))
    return mending.control_field(UNKNOWN_TAG, " ".join(_strings(entry)), problems)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _strings(each)


def _control(tag: str, value: object, problems: list[Problem]) -> Field | None:
    text = _text(value, tag, problems)
    if tag in _CODED_TAGS and "\\" in text:
        problems.append(problem("placeholders-for-blanks", tag=tag))
        text = text.replace("\\", " ")
    return mending.control_field(tag, text, problems)


def _data(tag: str, value: _Object, problems: list[Problem]) -> Field | None:
    """Return a data field; its keys are ind1, ind2 and subfields."""
    first = second = None
    pairs: list[tuple[str, str]] = []
    seen: set[str] = set()
    for key, each in value:
        if key in seen:
            problems.append(problem("json-key-repeated", f"{key[:40]!r} stands twice.", tag))
        if key == "ind1" and first is None:
            first = _text(each, tag, problems)
        elif key == "ind2" and second is None:
            second = _text(each, tag, problems)
        elif key in _SUBFIELD_KEYS:
            pairs += _pairs(each, tag, problems)
        elif key != "tag" and key not in seen:
            problems.append(problem("json-key-unknown", f"{key[:40]!r} was left out.", tag))
        seen.add(key)
    indicators = mending.indicators((first, second), tag, problems)
    return mending.data_field(tag, indicators, pairs, problems)


def _pairs(value: object, tag: str, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """Yield (code, text) of subfields: objects of one pair, named ones, or arrays of two."""
    for entry in _entries(value):
        if isinstance(entry, list) and len(entry) == 2:
            yield str(entry[0]), _text(entry[1], tag, problems)
        elif not isinstance(entry, _Object):
            yield "", _text(entry, tag, problems)
        elif any(key == "code" for key, _ in entry):
            named = dict(entry)
            text = next((named[key] for key in _TEXT_KEYS if key in named), None)
            yield str(named["code"]), _text(text, tag, problems)
        else:
            for code, texts in entry:
                for text in _entries(texts):
                    yield code, _text(text, tag, problems)


def _named(entry: object, problems: list[Problem]) -> Field | None:
    """Return a field that names its parts: tag, ind1, ind2, subfield, data."""
    if not isinstance(entry, _Object):
        return _kept(entry, problems)
    named = dict(entry)
    tag = mending.tag(str(named.get("tag", "")), problems)
    text = next((named[key] for key in _TEXT_KEYS if key in named), None)
    if text is not None:
        return _control(tag, text, problems)
    return _data(tag, entry, problems)


def _hashed(entry: list[Any], problems: list[Problem]) -> Field | None:
    """Return a field of marc-hash: [tag, value] or [tag, ind1, ind2, [[code, value], …]]."""
    tag = mending.tag(str(entry[0]) if entry else "", problems)
    if len(entry) == 2:
        return _control(tag, entry[1], problems)
    if len(entry) != 4:
        return _kept(entry, problems, tag)
    indicators = mending.indicators((str(entry[1]), str(entry[2])), tag, problems)
    return mending.data_field(tag, indicators, _pairs(entry[3], tag, problems), problems)


def _row(row: object, problems: list[Problem]) -> Field | None:
    """Return a field of Catmandu: [tag, ind1, ind2, code, value, code, value, …]."""
    if not isinstance(row, list) or len(row) < 5 or len(row) % 2 == 0:
        return _kept(row, problems)
    tag = mending.tag(str(row[0]), problems)
    pairs = [
        (str(code), _text(text, tag, problems))
        for code, text in zip(row[3::2], row[4::2], strict=True)
    ]
    if tag[:2] == "00" and [code for code, _ in pairs] == ["_"]:
        return mending.control_field(tag, pairs[0][1], problems)
    indicators = mending.indicators((row[1] or " ", row[2] or " "), tag, problems)
    return mending.data_field(tag, indicators, pairs, problems)
