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
    "more-problems": Meaning("note", False, "More problems than are listed."),
    "record-too-long": Meaning("error", False, "No end of record within the largest size we read."),
    # the frame of an ISO 2709 record
    "terminator-missing": Meaning("warning", True, "The record terminator is missing."),
    "terminator-inside": Meaning("warning", True, "A record terminator stood inside the data."),
    "length-wrong": Meaning("warning", True, "The leader states another length than the record's."),
    "leader-damaged": Meaning("warning", True, "The leader is missing, short or not ASCII."),
    "leader-value-odd": Meaning("note", False, "The leader has a sign where none such may stand."),
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
    "indicator-odd": Meaning("note", False, "An indicator is no blank, digit or small letter."),
    "subfield-code-odd": Meaning("note", False, "A subfield code is no letter and no digit."),
    "field-empty": Meaning("note", True, "A field had no content and was left out."),
    # characters
    "leader-says-marc8": Meaning("note", False, "Leader/09 says MARC-8; the bytes are UTF-8."),
    "leader-says-utf8": Meaning("warning", False, "Leader/09 says UTF-8; the bytes are MARC-8."),
    "encoding-found": Meaning("note", False, "The encoding was found from the bytes of the file."),
    "encoding-not-as-said": Meaning("warning", False, "The bytes are not in the encoding named."),
    "mongolian-letters-repaired": Meaning("warning", True, "Mongolian letters were put right."),
    "encoding-doubtful": Meaning("warning", False, "The bytes fit no encoding the record names."),
    "set-not-closed": Meaning("warning", False, "Another set of MARC-8 is in force to the end."),
    "text-encoded-twice": Meaning("warning", False, "Letters seem to have become UTF-8 twice."),
    "set-not-opened": Meaning("warning", False, "Letters of MARC-8 stand without an escape."),
    "character-lost": Meaning("warning", False, "Letters were lost before; U+FFFD is in place."),
    "character-reference": Meaning("note", False, "A letter seems to stand as a reference."),
    "encoding-unknown": Meaning("warning", False, "The XML declares an encoding we do not know."),
    "character-undecodable": Meaning("error", True, "A character could not be decoded."),
    "control-character": Meaning("warning", True, "A control character was removed or replaced."),
    "character-not-allowed": Meaning("warning", True, "A character XML forbids was replaced."),
    # parts that every text format has
    "leader-placeholders": Meaning("note", True, "The leader had signs in place of blanks."),
    "placeholders-for-blanks": Meaning("note", True, "A field had signs in place of blanks."),
    # MARC in JSON
    "json-repaired": Meaning("warning", True, "The JSON was not well-formed and was mended."),
    "json-not-well-formed": Meaning("error", False, "The JSON of this record is not well-formed."),
    "json-punctuation": Meaning("note", False, "A comma or bracket around the record is wrong."),
    "json-key-unknown": Meaning("warning", True, "A key that MARC-in-JSON does not know."),
    "json-key-repeated": Meaning("warning", False, "A key stands twice in one JSON object."),
    "json-value-odd": Meaning("warning", True, "A JSON value is of a kind that MARC has not."),
    # MARC in lines of text
    "blank-line-inside": Meaning("note", False, "Blank lines stand between fields of a record."),
    "blank-line-missing": Meaning("note", False, "No blank line is before the next record."),
    "line-end-missing": Meaning("warning", True, "Something begins inside another's line."),
    "line-continued": Meaning("note", False, "A field went on in the next line."),
    "brace-bare": Meaning("note", False, "A brace that is no part of a mnemonic was kept."),
    "mnemonic-unknown": Meaning("warning", False, "A mnemonic in braces is not known; kept."),
    # gzip
    "gzip-damaged": Meaning(
        "error", False, "The gzip stream is damaged; what came before is read."
    ),
    "unpacked-too-large": Meaning("error", False, "The unpacked file is larger than we read."),
    # dialects and crosswalks
    "dialect-not-as-said": Meaning("warning", False, "The fields are not of the dialect named."),
    "dialect-not-converted": Meaning("error", False, "Nothing here makes MARC 21 of its dialect."),
    "field-dropped": Meaning("note", False, "A field that means nothing elsewhere was left out."),
    "field-unmapped": Meaning("note", False, "The target has no place for this field."),
    "record-too-large-for-iso2709": Meaning("error", False, "ISO 2709 has no room for it."),
    "subfield-unmapped": Meaning("note", False, "The target has no place for some subfields."),
    # MARCXML
    "xml-repaired": Meaning("warning", True, "The XML was not well-formed and was mended."),
    "xml-not-well-formed": Meaning("error", False, "The XML of this record is not well-formed."),
    "xml-text-between": Meaning("warning", True, "Text stood between elements, in no field."),
    "xml-comment": Meaning("note", False, "A comment or an instruction stood in the record."),
    "xml-name-in-capitals": Meaning("note", False, "A name of MARCXML is written in capitals."),
    "xml-element-unknown": Meaning("warning", True, "An element that MARCXML does not know."),
    # the rules of the format
    "format-other": Meaning("note", False, "The leader says that this is no bibliographic record."),
    "field-unknown": Meaning("warning", False, "MARC 21 has no such field."),
    "field-obsolete": Meaning("note", False, "The field is no longer used."),
    "field-with-letters": Meaning("note", False, "A tag with letters is one system's own."),
    "field-not-repeatable": Meaning("error", False, "A field may stand only once."),
    "main-entry-not-single": Meaning("error", False, "There is more than one main entry (1XX)."),
    "title-missing": Meaning("error", False, "There is no title (245)."),
    "control-number-missing": Meaning("note", False, "There is no control number (001)."),
    "indicator-undefined": Meaning("warning", False, "An indicator has no defined value."),
    "indicator-obsolete": Meaning("note", False, "A value of an indicator is no longer used."),
    "subfield-undefined": Meaning("warning", False, "A subfield is not defined for its field."),
    "subfield-obsolete": Meaning("note", False, "A subfield is no longer used."),
    "subfield-not-repeatable": Meaning("warning", False, "A subfield may stand only once."),
    "fixed-field-missing": Meaning("warning", False, "There is no fixed field 008."),
    "fixed-field-length": Meaning("error", False, "A fixed field has a wrong length."),
    "fixed-field-short": Meaning("note", False, "A fixed field lacks its last positions."),
    "fixed-field-code": Meaning("warning", False, "A code is not defined for its position."),
    "fixed-field-code-obsolete": Meaning("note", False, "A code is no longer used."),
    "date-invalid": Meaning("warning", False, "A date is none."),
    "date-inconsistent": Meaning("note", False, "The dates of 008 do not fit their type."),
    "country-unknown": Meaning("warning", False, "A country code is unknown."),
    "country-obsolete": Meaning("note", False, "A country code is no longer used."),
    "language-unknown": Meaning("warning", False, "A language code is unknown."),
    "language-obsolete": Meaning("note", False, "A language code is no longer used."),
    "languages-run-together": Meaning("note", False, "Language codes share one subfield."),
    "relator-unknown": Meaning("note", False, "A relator code is unknown."),
    "check-digit-wrong": Meaning("warning", False, "The check digit of a number is wrong."),
    "number-malformed": Meaning("warning", False, "A standard number has a wrong length."),
    "number-not-found": Meaning("note", False, "There is no number where one should be."),
    "linkage-malformed": Meaning("warning", False, "A $6 does not say what it links to."),
    "linkage-without-partner": Meaning("warning", False, "A $6 links to no field."),
    "nonfiling-too-many": Meaning("warning", False, "More characters are skipped than there are."),
    "nonfiling-inside-word": Meaning("note", False, "The skipped characters end inside a word."),
}


def problem(code: str, message: str = "", tag: str = "") -> Problem:
    """Return the problem ``code`` with its level from the table; KeyError for an unknown code.

    >>> problem("length-wrong").message
    "The leader states another length than the record's."
    """
    meaning = CODES[code]
    return Problem(code, message or meaning.text, tag, meaning.level, meaning.repair)


def shown(value: str) -> str:
    """Return ``value`` in quotation marks for a message, cut where it would fill the page.

    >>> shown("ko"), shown("k" * 99)
    ("'ko'", "'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…'")
    """
    return repr(value if len(value) <= 40 else f"{value[:40]}…")


class Rejected(ValueError):
    """A frame holds no record; ``problems`` says why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(each.message for each in problems))
        self.problems = problems
