"""Kinds of damage to a record in MARCXML, MARC-in-JSON and the mnemonic form.

As in ``mutations``: a kind takes the bytes of one sound record, as its own writer gives them, and
a source of chance. What stands around the records (a collection, an array) is never hurt by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lxml import etree

from marc_mappings import conversion
from marc_mappings.record import Record
from tests.marc_mappings.judgement import Form
from tests.marc_mappings.mutations import Damage, Damaged, anywhere, block, files, put_for, several

# What befalls bytes of any kind.
BYTES: Final[Mapping[str, Damage]] = {
    "truncated": anywhere(lambda raw, i: raw[:i]),
    "begin lost": anywhere(lambda raw, i: raw[i:]),
    "bytes lost": anywhere(lambda raw, i: raw[:i] + raw[i + 7 :]),
    "bytes too many": anywhere(lambda raw, i: raw[:i] + b"surplus" + raw[i:]),
    "NUL": anywhere(lambda raw, i: raw[:i] + b"\x00" + raw[i:]),
    "control character": anywhere(lambda raw, i: raw[:i] + b"\x0b" + raw[i:]),
    "octet that is not UTF-8": anywhere(lambda raw, i: raw[:i] + b"\xff" + raw[i:]),
    "line end": anywhere(lambda raw, i: raw[:i] + b"\r\n" + raw[i:]),
    "one bit flipped": anywhere(lambda r, i: r[:i] + bytes([r[i] ^ 1 << i % 8]) + r[i + 1 :]),
    "block lost": block(lambda before, _lost, after, _: before + after),
    "block doubled": block(lambda before, part, after, _: before + part + part + after),
    "block zeroed": block(lambda before, part, after, _: before + bytes(len(part)) + after),
    "block of noise": block(lambda b, part, a, dice: b + dice.randbytes(len(part)) + a),
    "several small faults": several,
    "byte order mark before": lambda raw, _: b"\xef\xbb\xbf" + raw,
    "line ends of Windows": lambda raw, _: raw.replace(b"\n", b"\r\n"),
    "blank lines around": lambda raw, _: b"\n\n\n" + raw + b"\n\n\n",
    "sent twice": lambda raw, _: raw + raw,
    "one in another": anywhere(lambda raw, i: raw[:i] + raw + raw[i:]),
    "7 bits": lambda raw, _: bytes(byte & 0x7F for byte in raw),
    "in Latin-1": lambda raw, _: raw.decode().encode("latin-1", "replace"),
    "in UTF-16": lambda raw, _: raw.decode().encode("utf-16"),
    "Latin-1 to UTF-8": lambda raw, _: raw.decode("latin-1").encode(),
    "noise": lambda _, dice: dice.randbytes(300),
    "zeros": lambda *_: bytes(500),
}

MARCXML: Final[Mapping[str, Damage]] = {
    **BYTES,
    "end tag of the record lost": lambda raw, _: raw.replace(b"</record>", b""),
    "begin tag of the record lost": lambda raw, _: re.sub(rb"<record[^>]*>", b"", raw),
    "end tag of a field lost": put_for(b"</datafield>", b""),
    "end tag of a subfield lost": put_for(b"</subfield>", b""),
    "begin tag of a field lost": put_for(b'<datafield tag="', b'"'),
    "tags crossed": put_for(b"</subfield></datafield>", b"</datafield></subfield>"),
    "quotation mark lost": put_for(b'"', b""),
    "angle bracket lost": put_for(b">", b""),
    "ampersand bare": put_for(b"a", b" & "),
    "less-than bare": put_for(b"a", b" < "),
    "entity of HTML": put_for(b"a", b"&nbsp;&eacute;"),
    "entity unknown": put_for(b"a", b"&marc;"),
    "character reference forbidden": put_for(b"a", b"&#0;&#x1F;"),
    "escaped twice": lambda raw, _: raw.replace(b"&", b"&amp;").replace(b"a", b"&amp;amp;", 9),
    "comment begun": put_for(b"<subfield", b"<!-- <subfield"),
    "comment": put_for(b"<datafield", b"<!-- <record> --><datafield"),
    "CDATA": put_for(b"a", b"<![CDATA[ <record> & ]]>"),
    "DOCTYPE": lambda raw, _: b'<!DOCTYPE r [<!ENTITY e "x">]>' + raw,
    "declaration before": lambda raw, _: b'<?xml version="1.0" encoding="UTF-8"?>' + raw,
    "prefix unbound": lambda raw, _: raw.replace(b"<datafield", b"<marc:datafield"),
    "attribute twice": put_for(b"<datafield ", b'<datafield tag="999" '),
    "tag attribute lost": put_for(b"<datafield tag=", b"<datafield was="),
    "indicator lost": put_for(b"ind1=", b"first="),
    "code lost": put_for(b"<subfield code=", b"<subfield was="),
    "leader lost": lambda raw, _: re.sub(rb"<leader>.*?</leader>", b"", raw),
    "leader short": lambda raw, _: re.sub(rb"<leader>.{5}", b"<leader>", raw),
    "elements in capitals": lambda raw, _: raw.replace(b"datafield", b"DATAFIELD"),
    "unknown element": put_for(b"<datafield", b"<note>private</note><datafield"),
    "text behind a subfield": put_for(b"</subfield>", b"</subfield>Dear colleague"),
    "begin tag of the record hurt": put_for(b"<record", b"<re"),
    "begin tag of the leader hurt": put_for(b"<leader", b"<le<![CDATA[ <record> & ]]>ader"),
    "subfield code odd": put_for(b'code="a"', b'code="{"'),
    "text between fields": put_for(b"<datafield", b"Dear colleague<datafield"),
    "words between": lambda raw, _: b"Dear colleague,\n" + raw + b"\nyours",
    "not a record": lambda *_: b"<record><title>No MARC at all</title></record>",
}

MARC_JSON: Final[Mapping[str, Damage]] = {
    **BYTES,
    "comma lost": put_for(b",", b""),
    "comma too many": put_for(b"}", b",}"),
    "bracket lost": put_for(b"]", b""),
    "bracket too many": put_for(b"]", b"]]"),
    "brace lost": put_for(b"}", b""),
    "brace too many": put_for(b"}", b"}}"),
    "begin brace lost": put_for(b"{", b""),
    "quotation mark lost": put_for(b'"', b""),
    "quotation mark bare": put_for(b"a", b'"'),
    "apostrophes": lambda raw, _: raw.replace(b'"', b"'"),
    "colon lost": put_for(b":", b""),
    "backslash bare": put_for(b"a", b"\\"),
    "half a surrogate": put_for(b"a", rb"\ud800"),
    "control character escaped": put_for(b"a", rb"\u0000\u001f"),
    "number for text": put_for(b'"ind1": " "', b'"ind1": 1'),
    "null for text": put_for(b'"ind1": " "', b'"ind1": null'),
    "NaN": put_for(b'" "', b"NaN"),
    "key twice": put_for(b'"ind1"', b'"subfields": [], "ind1"'),
    "key unknown": put_for(b'"ind1"', b'"note": "private", "ind1"'),
    "subfields an object": put_for(b'"subfields": [', b'"subfields": {"a": "x"}, "was": ['),
    "leader lost": lambda raw, _: re.sub(rb'"leader": ?"[^"]*", ?', b"", raw),
    "nested too deep": put_for(b'"fields": [', b'"x": ' + b"[" * 5000 + b', "fields": ['),
    "comment": put_for(b"{", b"/* new */ {"),
    "words between": lambda raw, _: b'Dear colleague, "\n' + raw,
}

MARC_TEXT: Final[Mapping[str, Damage]] = {
    **BYTES,
    "blank line lost": lambda raw, _: raw.rstrip(b"\n") + b"\n",
    "blank line inside": put_for(b"\n=", b"\n\n="),
    "all line ends lost": lambda raw, _: raw.replace(b"\n", b""),
    "line end lost": put_for(b"\n=", b"="),
    "lines ended as on old Macs": lambda raw, _: raw.replace(b"\n", b"\r"),
    "leader line lost": lambda raw, _: raw.partition(b"\n")[2],
    "leader short": lambda raw, _: raw.replace(b"=LDR  ", b"=LDR  0", 1)[:40] + raw[41:],
    "equals sign lost": put_for(b"\n=", b"\n"),
    "tag hurt": put_for(b"\n=2", b"\n=#"),
    "tag short": put_for(b"\n=2", b"\n="),
    "blanks behind the tag lost": lambda raw, _: re.sub(rb"(=\w{3})  ", rb"\1", raw),
    "one blank behind the tag": lambda raw, _: re.sub(rb"(=\w{3})  ", rb"\1 ", raw),
    "dollar sign bare": put_for(b"a", b"$"),
    "dollar signs lost": lambda raw, _: raw.replace(b"$", b""),
    "brace for a code": put_for(b"$a", b"${whatever}"),
    "brace bare": put_for(b"a", b"{"),
    "mnemonic unknown": put_for(b"a", b"{whatever}"),
    "indicators lost": lambda raw, _: re.sub(rb"(=\w{3}  )..\$", rb"\1$", raw),
    "lines of 60": lambda raw, _: re.sub(rb"([^\n]{60})", rb"\1\n", raw),
    "lines of 76, quoted": lambda raw, _: re.sub(rb"([^\n]{76})", rb"\1=\n", raw),
    "words between": lambda raw, _: b"Dear colleague,\n\n" + raw,
    "words behind": lambda raw, _: raw + b"yours\n\n",
}


class Envelope(NamedTuple):
    """How a file of records is made, and what damage is done to one."""

    form: str
    kinds: Mapping[str, Damage]
    judged: Form


def _is_xml(raw: bytes) -> bool:
    try:
        root = etree.fromstring(raw)
    except etree.XMLSyntaxError:
        return False
    names = {str(each.tag).rpartition("}")[2] for each in root.iter(etree.Element)}
    texts = [each.text for each in root.iter("{*}record", "{*}datafield")]
    texts += [each.tail for each in root.iter(etree.Element)]
    if any(text and text.strip() for text in texts):
        return False
    return names <= {"record", "leader", "controlfield", "datafield", "subfield"}


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw.strip().rstrip(b","))
    except (ValueError, RecursionError):
        return False
    return True


_LINE = re.compile(
    rb"=(?:LDR  [^\x00-\x1f]{24}|00\d  [^\x00-\x1f]+"
    rb"|[0-9A-Z]{3}  [0-9a-z\\ ]{2}(?:\$[0-9A-Za-z](?:[^\x00-\x1f${}]|\{[A-Za-z0-9]{1,12}\})*+)++)"
)


def _is_lines(raw: bytes) -> bool:
    if not raw.endswith(b"\n"):
        return False
    lines = raw.rstrip(b"\r\n").replace(b"\r\n", b"\n").split(b"\n")
    return all(_LINE.fullmatch(line) for line in lines)


_XML_AROUND = rb"(?:\s|\xef\xbb\xbf|<\?xml[^>]*>|</?collection[^>]*>|</\w+>|<!--.*?-->)*"

# Brackets, and the name of a key whose value lies in an item.
_JSON_AROUND = re.compile(rb"(?:[\s,\[\]{}\x1e]|\"\w+\"\s*:|\xef\xbb\xbf)*")

ENVELOPES: Final[Mapping[str, Envelope]] = {
    "MARCXML": Envelope("marcxml", MARCXML, Form(re.compile(_XML_AROUND, re.DOTALL), _is_xml)),
    "JSON array": Envelope("json", MARC_JSON, Form(_JSON_AROUND, _is_json)),
    "JSON lines": Envelope("jsonl", MARC_JSON, Form(_JSON_AROUND, _is_json)),
    "mrk": Envelope("mrk", MARC_TEXT, Form(re.compile(rb"(?:\s|\xef\xbb\xbf|\x1a)*"), _is_lines)),
}


def files_of(
    envelope: Envelope, pools: Sequence[Sequence[Record]], seed: int, count: int
) -> Iterator[Damaged]:
    """Yield files of three records in a text form, the middle one damaged."""
    form = conversion.FORMS[envelope.form]
    written = [[form.write(record) for record in pool] for pool in pools]
    for one in files(written, envelope.kinds, seed, count):
        yield one._replace(
            before=form.begin + one.before + form.between, after=form.between + one.after + form.end
        )
