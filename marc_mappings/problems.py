"""What can be wrong with a record, in words: one table of codes for every reader and writer.

A problem never stops a file. It has a code that programs can count and group by, a message that
a cataloguer can act on, a level, and it says whether something was *repaired*, that is, whether
the record we hold differs from what the bytes said.

``Rejected`` is how a parser says that there is no record in a frame. It does not leave the
package: ``formats`` turns it into an ``Unreadable``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Level = Literal["error", "warning", "note"]


class Problem(NamedTuple):
    """One thing found in one record; ``tag`` is ``""`` when it concerns the whole record."""

    code: str
    message: str
    tag: str = ""
    level: Level = "warning"
    repair: bool = False


class Meaning(NamedTuple):
    """What a code stands for, how grave it is, and whether the record was changed by it."""

    level: Level
    repair: bool
    text: str


CODES: Final[Mapping[str, Meaning]] = {
    # between and around records
    "blanks-between-records": Meaning("note", False, "Blanks or a byte order mark came before it."),
    "not-a-record": Meaning("error", False, "These bytes are not a record."),
    "record-too-long": Meaning("error", False, "No end of record within the largest size we read."),
    # the frame of an ISO 2709 record
    "terminator-missing": Meaning("warning", True, "The record terminator is missing."),
    "terminator-inside": Meaning("warning", True, "A record terminator stood inside the data."),
    "length-wrong": Meaning("warning", True, "The leader states another length than the record's."),
    "leader-damaged": Meaning("warning", True, "The leader is missing, short or not ASCII."),
    "base-address-wrong": Meaning("warning", True, "The leader states a wrong base address."),
    "directory-damaged": Meaning("warning", True, "Directory entries do not fit the fields."),
    "directory-out-of-order": Meaning("note", False, "Fields are not in the directory's order."),
    "field-terminator-missing": Meaning("warning", True, "A field has no terminator of its own."),
    "field-without-data": Meaning("error", True, "A directory entry has no field to point to."),
    "data-without-entry": Meaning("error", True, "A field has no directory entry, so no tag."),
    "record-empty": Meaning("error", False, "The record has no fields."),
    # fields
    "tag-invalid": Meaning("warning", True, "A tag is not three letters or digits."),
    "tag-lower-case": Meaning("note", False, "A tag has lower-case letters."),
    "indicators-missing": Meaning("warning", True, "A data field has no two indicators."),
    "subfield-without-code": Meaning("warning", True, "Text or a delimiter without subfield code."),
    "subfields-in-control-field": Meaning("warning", True, "A control field had subfields."),
    "field-empty": Meaning("note", True, "A field had no content and was left out."),
    # characters
    "leader-says-marc8": Meaning("note", False, "Leader/09 says MARC-8; the bytes are UTF-8."),
    "leader-says-utf8": Meaning("warning", False, "Leader/09 says UTF-8; the bytes are MARC-8."),
    "encoding-doubtful": Meaning("warning", False, "The bytes fit no encoding the record names."),
    "encoding-unknown": Meaning("warning", False, "The XML declares an encoding we do not know."),
    "character-undecodable": Meaning("error", True, "A character could not be decoded."),
    "control-character": Meaning("warning", True, "A control character was removed or replaced."),
    "character-not-allowed": Meaning("warning", True, "A character XML forbids was replaced."),
    # MARCXML
    "xml-repaired": Meaning("warning", True, "The XML was not well-formed and was mended."),
    "xml-not-well-formed": Meaning("error", False, "The XML of this record is not well-formed."),
    "xml-element-unknown": Meaning("warning", True, "An element that MARCXML does not know."),
}


def problem(code: str, message: str = "", tag: str = "") -> Problem:
    """Return the problem ``code`` with its level from the table; KeyError for an unknown code.

    >>> problem("length-wrong").message
    "The leader states another length than the record's."
    """
    meaning = CODES[code]
    return Problem(code, message or meaning.text, tag, meaning.level, meaning.repair)


class Rejected(ValueError):
    """A frame holds no record; ``problems`` says why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(each.message for each in problems))
        self.problems = problems
