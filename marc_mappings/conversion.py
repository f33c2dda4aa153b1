"""From the bytes of one record to another form of it, with a line for the report.

The forms are a table: how a file of them begins and ends, and what writes one record. A record
that the form has no room for is not written, and its line says so.

Source: the formats themselves, each in its own room.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from marc_mappings import (
    crosswalks,
    incoming,
    iso2709,
    marc_json,
    marc_text,
    marcxml,
    oai_dc,
    steps,
)
from marc_mappings.dialects import FAMILY
from marc_mappings.encodings import UTF8
from marc_mappings.formats import Format, Outcome, Parsed, Slice, Unreadable
from marc_mappings.framing.sound import Sound, field, record_of, text
from marc_mappings.incoming import Incoming
from marc_mappings.problems import Problem, problem
from marc_mappings.record import Field, Record
from marc_mappings.rules import Loss

AS_IT_IS: Final = "as-it-is"


class Form(NamedTuple):
    """What a record can be turned into, and what a file of them has around and between.

    ``write`` makes the bytes of one record; where ``is_keyed`` it is told the record's position in
    the file too, counted from 1, so that keys are unique in it, whoever makes which part of it.
    """

    words: str
    write: Callable[[Record], bytes] | Callable[[Record | Sound], bytes]
    begin: bytes = b""
    between: bytes = b""
    end: bytes = b""
    # Whether other dialects than MARC 21 can be written so.
    is_marc: bool = False
    is_keyed: bool = False


_XML: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def _json(content: Record | Sound) -> bytes:
    return marc_json.write(record_of(content)).rstrip(b"\n")


def _mrk(content: Record | Sound) -> bytes:
    return marc_text.write(record_of(content)).rstrip(b"\n") + b"\n"


# The tables of these are large: a check and an import never ask for them.


def _mods(content: Record | Sound) -> bytes:
    from marc_mappings import marc21_to_mods

    return marc21_to_mods.write(record_of(content))


def _ris(content: Record | Sound, position: int = 0) -> bytes:
    from marc_mappings import marc21_to_citation

    return marc21_to_citation.ris(record_of(content), position).encode("utf-8")


def _bibtex(content: Record | Sound, position: int = 0) -> bytes:
    from marc_mappings import marc21_to_citation

    return marc21_to_citation.bibtex(record_of(content), position).encode("utf-8")


def _csl_json(content: Record | Sound, position: int = 0) -> bytes:
    from marc_mappings import marc21_to_citation

    return marc21_to_citation.csl_json(record_of(content), position).encode("utf-8")


FORMS: Final[Mapping[str, Form]] = {
    "marcxml": Form(
        "MARCXML, a collection",
        marcxml.write,
        _XML + f'<collection xmlns="{marcxml.NAMESPACE}">\n'.encode(),
        b"\n",
        b"\n</collection>\n",
        is_marc=True,
    ),
    "iso2709": Form("ISO 2709 in UTF-8 (.mrc)", iso2709.write, is_marc=True),
    "json": Form("MARC-in-JSON, an array", _json, b"[\n", b",\n", b"\n]\n", is_marc=True),
    "jsonl": Form("MARC-in-JSON, a record on each line", _json, b"", b"\n", b"\n", is_marc=True),
    "mrk": Form("the text form of MarcEdit", _mrk, b"", b"\n", is_marc=True),
    "oai_dc": Form(
        "Dublin Core as OAI-PMH has it",
        oai_dc.write,
        _XML + b"<records>\n",
        b"\n",
        b"\n</records>\n",
    ),
    "mods": Form(
        "MODS 3.7",
        _mods,
        _XML + b'<modsCollection xmlns="http://www.loc.gov/mods/v3">\n',
        b"\n",
        b"\n</modsCollection>\n",
    ),
    "ris": Form("RIS, for reference managers", _ris, is_keyed=True),
    "bibtex": Form("BibTeX", _bibtex, between=b"\n", is_keyed=True),
    "csl-json": Form(
        "CSL-JSON, for citation styles",
        _csl_json,
        b"[\n",
        b",\n",
        b"\n]\n",
        is_keyed=True,
    ),
}


class Wanted(NamedTuple):
    """The form to make (a key of ``FORMS``), and the dialect if that form is MARC."""

    form: str
    dialect: str = crosswalks.MARC21


class Line(NamedTuple):
    """What the report says of one record found.

    ``position`` counts from 1, ``offset`` bytes of the file, unpacked. ``title`` is that of the
    record in MARC 21. ``unmapped`` are the tags of fields that did not arrive, each once; where
    the way led through MARC 21, what was lost behind it reads ``marc21 650``.
    """

    position: int
    offset: int
    control_number: str
    outcome: Outcome
    encoding: str
    encoding_certain: bool
    dialect: str
    title: str
    problems: tuple[Problem, ...]
    unmapped: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the line as the report prints it."""
        problems = [
            {"code": each.code, "message": each.message, "tag": each.tag, "level": each.level}
            for each in self.problems
        ]
        return {**self._asdict(), "problems": problems, "unmapped": list(self.unmapped)}

    def as_text(self) -> str:
        """Return the line as JSON, certainly in one line.

        What cannot be shown (a lone surrogate, a turn of direction) stays what it is by escapes.
        """
        text = json.dumps(self.as_json(), ensure_ascii=False)
        return text if text.isprintable() else json.dumps(self.as_json())


class Converted(NamedTuple):
    """The line of one record, its new form (``b""`` if it has none), and its bytes if rejected."""

    line: Line
    body: bytes
    rejected: bytes = b""


def convert(part: Slice, wanted: Wanted) -> Converted:
    """Return the record of a slice in the form that is wanted."""
    item = incoming.take(part)
    if isinstance(item, Unreadable):
        return Converted(line_of_unreadable(item), b"", _apart(part))
    made = _in_dialect(item, wanted) if FORMS[wanted.form].is_marc else _as_marc21(item)
    line = line_of(item, made.problems, item.losses if made.through_marc21 else ())
    line = line._replace(
        outcome="repaired" if any(each.repair for each in made.problems) else "ok",
        unmapped=line.unmapped + made.lost_behind,
    )
    try:
        return Converted(line, _written(made, wanted, part.position))
    except iso2709.Unwritable as fault:
        problems = (*made.problems, problem("record-too-large-for-iso2709", str(fault), fault.tag))
        return Converted(line._replace(problems=problems, outcome="rejected"), b"", _apart(part))


class _Made(NamedTuple):
    """A record in the dialect that is wanted, and all that was found on the way to it."""

    content: Record | Sound
    dialect: str
    problems: tuple[Problem, ...]
    through_marc21: bool = True
    lost_behind: tuple[str, ...] = ()


def _as_marc21(item: Incoming) -> _Made:
    return _Made(item.content, crosswalks.MARC21, item.problems)


def _in_dialect(item: Incoming, wanted: Wanted) -> _Made:
    came = item.parsed
    if wanted.dialect == crosswalks.MARC21:
        return _as_marc21(item)
    if wanted.dialect in (AS_IT_IS, came.dialect):
        return _Made(_kept(came), came.dialect, came.problems, through_marc21=False)
    content, losses = crosswalks.FROM_MARC21[wanted.dialect](item.record)
    if came.dialect == crosswalks.MARC21:
        lost, before = crosswalks.unmapped(losses), ""
    else:
        before = "From MARC 21 on: "
        lost = tuple([f"{crosswalks.MARC21} {tag}" for tag in crosswalks.unmapped(losses)])
    problems = item.problems + crosswalks.problems_of(losses, before)
    return _Made(content, wanted.dialect, problems, lost_behind=lost)


def _kept(came: Parsed) -> Record | Sound:
    """Return a record as it came, but that it says of itself to be in UTF-8, as it now is."""
    if came.encoding == UTF8 or FAMILY[came.dialect] != "unimarc":
        return came.content
    record = came.record
    fields = [_in_utf8(each) if each.tag == "100" else each for each in record.fields]
    return record._replace(fields=tuple(fields))


def _in_utf8(field: Field) -> Field:
    """Return field 100 of the UNIMARC family with its character sets (26-29) those of UTF-8.

    >>> from marc_mappings.record import Subfield
    >>> _in_utf8(Field("100", "  ", (Subfield("a", 26 * "-" + "0103----ba"),))).first("a")[26:]
    '50  ----ba'
    """
    subfields = [
        each._replace(value=f"{each.value[:26]}50  {each.value[30:]}")
        if each.code == "a" and len(each.value) >= _CODED_100
        else each
        for each in field.subfields
    ]
    return field._replace(subfields=tuple(subfields))


# Length of 100 $a.
_CODED_100: Final = 36


def _written(made: _Made, wanted: Wanted, position: int) -> bytes:
    if wanted.form == "iso2709" and FAMILY[made.dialect] == "unimarc":
        return iso2709.write(made.content, is_unimarc=True)
    form = FORMS[wanted.form]
    # Every form writes both; only its own signature says less.
    write: Callable[..., bytes] = form.write
    return write(made.content, position) if form.is_keyed else write(made.content)


def _apart(part: Slice) -> bytes:
    """Return the bytes of a rejected record so that others can follow them in one file."""
    raw = part.frame.raw
    return raw if part.format is Format.ISO2709 else raw.rstrip(b"\r\n") + b"\n"


def line_of(item: Incoming, problems: tuple[Problem, ...], losses: tuple[Loss, ...] = ()) -> Line:
    """Return the report's line of a record."""
    parsed = item.parsed
    return Line(
        parsed.position,
        parsed.offset,
        control_number(parsed.content),
        item.outcome,
        parsed.encoding,
        parsed.encoding_certain,
        parsed.dialect,
        title(item.content),
        problems,
        crosswalks.unmapped(losses),
    )


def line_of_unreadable(item: Unreadable) -> Line:
    """Return the report's line of bytes that are no record."""
    return Line(item.position, item.offset, "", item.outcome, "", False, "", "", item.problems, ())


def control_number(content: Record | Sound) -> str:
    """Return the control number (001) of a record, ``""`` without one."""
    if isinstance(content, Sound):
        return text(content.first("001")).strip()
    return content.control_number


def title(content: Record | Sound) -> str:
    """Return the title of a record in MARC 21 as a report shows it."""
    if isinstance(content, Sound):
        octets = content.first("245")
        found = field("245", text(octets)) if octets else None
    else:
        found = next(content.all("245"), None)
    said = " ".join(found.all("abnp")) if found else ""
    return steps.trim_isbd(steps.without_non_sorting_marks(said))
