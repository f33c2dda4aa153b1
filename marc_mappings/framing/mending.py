"""Leader, tags, indicators and values as a text format gives them, made fit for a ``Record``.

MARCXML, MARC-in-JSON and the mnemonic form carry the same parts and the same faults: a leader of
another length, a tag that is none, a sign typed in place of a blank. They are mended here, once,
and every change is told.

Source: MARC 21 Specifications for Record Structure (Library of Congress).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from marc_mappings import encodings
from marc_mappings.framing.directory import DEFAULT_LEADER
from marc_mappings.framing.variable_fields import UNKNOWN_TAG, is_tag, odd_signs
from marc_mappings.letters import traces
from marc_mappings.problems import Problem, Rejected, problem
from marc_mappings.record import Field, Record, Subfield

# Signs that systems and people put where MARC has a blank: MarcEdit, Alma and NLC (leader),
# printed manuals (#), Invenio (_).
_IN_LEADER: Final = str.maketrans("#^-\\\u00a0", "     ")
_IN_INDICATORS: Final = str.maketrans("#^_\\\u00a0", "     ")
_ALIGNED: Final = re.compile(r"[A-Za-z ][a-z][a-z ][a-z ][a ]22[0-9 ]{5}")
_ENTRY_MAP: Final = re.compile(r"45[0-9 ]{1,2}")


def leader(text: str, problems: list[Problem]) -> str:
    r"""Return 24 characters of leader; placeholders become blanks, another length is mended.

    >>> leader("-----nam-a22------u-4500", [])
    '     nam a22      u 4500'
    """
    text = text.strip("\n\r\t")
    plain = text.translate(_IN_LEADER)
    if plain != text:
        problems.append(problem("leader-placeholders"))
    if len(plain) == 24 and plain.isascii() and plain.isprintable():
        return plain
    message = f"The leader has {len(text)} characters (24 of ASCII are right): {text[:500]!r}"
    problems.append(problem("leader-damaged", message))
    plain = "".join(char if " " <= char <= "~" else " " for char in plain[:99])
    found = _ALIGNED.search(plain)
    if found and len(plain) != 24:
        end = _ENTRY_MAP.search(plain, found.end())
        descriptive = plain[found.end() : end.start() if end else None]
        return f"{DEFAULT_LEADER[:5]}{found[0]}{descriptive:3.3}4500"
    return plain[:24] + DEFAULT_LEADER[len(plain[:24]) :]


def tag(text: str, problems: list[Problem]) -> str:
    """Return the tag, or 999 for one that is none, so that its field is kept."""
    if not is_tag(text) or text == "000":
        shown = text[:20]
        problems.append(
            problem("tag-invalid", f"The tag {shown!r} is not one; kept as 999.", shown)
        )
        return UNKNOWN_TAG
    if text != text.upper():
        problems.append(problem("tag-lower-case", tag=text))
    return text


def indicators(found: tuple[str | None, str | None], tag: str, problems: list[Problem]) -> str:
    """Return two indicators; ``None`` is one that is not there.

    >>> indicators(("1", "#"), "245", [])
    '1 '
    """
    told = "".join((each or " ")[:1] for each in found)
    is_empty = "" in found
    plain = told.translate(_IN_INDICATORS)
    sound = "".join(char if " " <= char <= "~" else " " for char in plain)
    if None in found or sound != plain or any(len(each or "") > 1 for each in found):
        problems.append(problem("indicators-missing", tag=tag))
    elif plain != told or is_empty:
        problems.append(problem("placeholders-for-blanks", tag=tag))
    return sound


def value(text: str, tag: str, problems: list[Problem]) -> str:
    """Return a value in NFC, without what may not stand in one."""
    if not text.isprintable() and (found := encodings.junk_problem(text, tag)):
        problems.append(found)
        text = encodings.without_junk(text)
    problems += traces.problems(text, tag)
    return encodings.normalized(text)


def control_field(tag: str, text: str, problems: list[Problem]) -> Field | None:
    """Return the field of a sound tag without subfields; ``None`` if nothing is in it."""
    text = value(text, tag, problems)
    if not text:
        problems.append(problem("field-empty", tag=tag))
        return None
    if tag[:2] != "00":
        problems.append(problem("subfield-without-code", tag=tag))
        return Field(tag, "  ", (Subfield("a", text),))
    return Field(tag, "", (), text)


def data_field(
    tag: str, indicators: str, pairs: Iterable[tuple[str, str]], problems: list[Problem]
) -> Field | None:
    """Return the field of a sound tag with (code, value) pairs; ``None`` if nothing is in it."""
    subfields: list[Subfield] = []
    for code, text in pairs:
        if not (len(code) == 1 and "!" <= code <= "~"):
            message = f"{code[:20]!r} is no subfield code" if code else ""
            problems.append(problem("subfield-without-code", message, tag))
            code = code[:1] if "!" <= code[:1] <= "~" else "a"
        subfields.append(Subfield(code, value(text, tag, problems)))
    if not any(text for _, text in subfields):
        problems.append(problem("field-empty", tag=tag))
        return None
    if tag[:2] == "00":
        codes = "".join([code for code, _ in subfields])
        message = f"Subfield codes were taken out of a control field: {codes[:100]!r}"
        problems.append(problem("subfields-in-control-field", message, tag))
        return Field(tag, "", (), "".join(text for _, text in subfields))
    return Field(tag, indicators, tuple(subfields))


def record(leader: str, fields: list[Field], problems: list[Problem]) -> Record:
    """Return the record; raises ``Rejected`` if there is no field. ``leader`` may be ``""``."""
    if not fields:
        raise Rejected(*problems, problem("record-empty", "There is no MARC field in this record."))
    if not leader:
        leader = DEFAULT_LEADER
        problems.append(problem("leader-damaged", "There is no leader; a plain one was put."))
    problems += odd_signs(fields)
    return Record(leader, tuple(fields))
