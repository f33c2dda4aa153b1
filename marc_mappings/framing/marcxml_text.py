"""MARCXML as text, written by joining strings: always well-formed, always valid.

Source: MARC 21 XML Schema, https://www.loc.gov/standards/marcxml/.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import add
from typing import Final

from marc_mappings import encodings
from marc_mappings.framing.sound import Sound
from marc_mappings.record import Record

NAMESPACE: Final = "http://www.loc.gov/MARC21/slim"
SCHEMA: Final = "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"

_OPEN: Final = (
    f'<record xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{NAMESPACE} {SCHEMA}"><leader>'
)
# What the schema lets through; all else is mapped by the functions below.
_LEADER = re.compile(
    r"[0-9 ]{5}[0-9A-Za-z ][0-9A-Za-z][0-9A-Za-z ]{3}[2 ]{2}[0-9 ]{5}[0-9A-Za-z ]{3}(?:4500|    )"
)
_CONTROL_TAG = re.compile(r"00[1-9A-Za-z]")
_DATA_TAG = re.compile(
    r"0[1-9A-Z][0-9A-Z]|0[1-9a-z][0-9a-z]|[1-9A-Z][0-9A-Z]{2}|[1-9a-z][0-9a-z]{2}"
)
_CODE = re.compile(r"[0-9A-Za-z!\"#$%&'()*+,\-./:;<=>?{}_^`~\[\]\\]")
_INDICATOR = re.compile(r"[0-9a-z ]")


_END_CONTROL: Final = "</controlfield>"
_END_DATA: Final = "</subfield></datafield>"


def write(content: Record | Sound) -> bytes:
    """Return one ``record`` element in UTF-8, without prolog, always well-formed and valid.

    Leader, control fields and indicators keep their blanks. What the schema forbids is mapped:
    control fields come first, a tag that is none becomes 999, an upper-case indicator a
    lower-case one, any other bad indicator a blank, a bad subfield code ``?``; a data field
    without subfields is left out.
    """
    if isinstance(content, Sound):
        return _write_pieces(content)
    controls = [_OPEN, _leader(content.leader), "</leader>"]
    data: list[str] = []
    for tag, indicators, subfields, value in content.fields:
        if indicators:
            if subfields:
                data.append(_open_data(tag, indicators))
                data += [
                    f"{_open_subfield(code)}{escaped(text)}</subfield>" for code, text in subfields
                ]
                data.append("</datafield>")
        elif _CONTROL_TAG.fullmatch(tag):
            controls += (f'<controlfield tag="{tag}">', escaped(value), _END_CONTROL)
        else:
            data += (_open_data(tag, "  "), _open_subfield("a"), escaped(value), _END_DATA)
    text = "".join([*controls, *data, "</record>"])
    return (text if text.isprintable() else encodings.without_junk(text)).encode("utf-8")


def _write_pieces(pieces: Sound) -> bytes:
    """Return what ``write`` gives for the record, in a third of the time."""
    tags, octets, count = pieces.tags, pieces.octets, pieces.controls
    if pieces.has_markup:
        # All fields at once: a control cannot be in any of them.
        octets = escaped("\x1e".join(octets)).split("\x1e")
    written = [_OPEN, _leader(pieces.leader), "</leader>"]
    for tag, value in zip(tags[:count], octets[:count], strict=True):
        written += ('<controlfield tag="', tag, '">', value, _END_CONTROL)
    if count < len(tags):
        # A mark and the tag are put before each field, so that the text is cut once, where a field
        # or a subfield begins, and what was cut out is looked up, with no step of Python for each.
        marked = _FIELD + _FIELD.join(map(add, tags[count:], octets[count:]))
        parts = _BEGINS.split(marked)
        parts[1::2] = map(_BEGINNINGS.__getitem__, parts[1::2])
        parts[1] = parts[1].removeprefix(_END_DATA)
        written += parts
        written.append(_END_DATA)
    written.append("</record>")
    # Nothing in it needs to be replaced, or it would not be sound.
    return "".join(written).encode("latin-1")


# Behind a delimiter a subfield has its code; a field, after another mark, its tag, two indicators,
# a delimiter and the first code.
_FIELD: Final = "\x1f\x1e"
_BEGINS: Final = re.compile("\x1f(\x1e.{6}.|.)")


class _Beginnings(dict[str, str]):
    """What ends a subfield and begins the next, or the next field; each made when first met."""

    def __missing__(self, key: str) -> str:
        if len(self) >= _MOST_BEGINNINGS:
            self.clear()
        if len(key) == 1:
            made = f'</subfield><subfield code="{key}">'
        else:
            made = f'{_END_DATA}{_open_data(key[1:4], key[4:6])}<subfield code="{key[7]}">'
        self[key] = made
        return made


# A hostile file may have more than any real one.
_MOST_BEGINNINGS: Final = 8192
_BEGINNINGS: Final = _Beginnings()


def escaped(text: str) -> str:
    """Return ``text`` as the content of an element of XML."""
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def _leader(leader: str) -> str:
    """Return a leader of 24 characters that the schema allows, keeping all that it can."""
    if _LEADER.fullmatch(leader):
        return leader
    model = "     nam  22     u  4500"
    kept = [
        char if _LEADER.fullmatch(model[:i] + char + model[i + 1 :]) else model[i]
        for i, char in enumerate(leader[:20].ljust(20))
    ]
    return "".join(kept) + "4500"


@lru_cache(maxsize=4096)
def _open_data(tag: str, indicators: str) -> str:
    if not _DATA_TAG.fullmatch(tag):
        tag = tag.upper() if _DATA_TAG.fullmatch(tag.upper()) else "999"
    first, second = (
        char if _INDICATOR.fullmatch(char) else char.lower() if "A" <= char <= "Z" else " "
        for char in f"{indicators:2.2}"
    )
    return f'<datafield tag="{tag}" ind1="{first}" ind2="{second}">'


@lru_cache(maxsize=256)
def _open_subfield(code: str) -> str:
    code = code if _CODE.fullmatch(code) else "?"
    return f'<subfield code="{escaped(code).replace(chr(34), "&quot;")}">'
