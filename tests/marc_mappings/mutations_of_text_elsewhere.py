"""More kinds of damage to the text forms, by who does them, as in ``mutations_elsewhere``."""

from __future__ import annotations

import base64
import html
import json
import quopri
import random
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from unicodedata import normalize

from tests.marc_mappings.mutations import Damage

# What is read as it stands, because somebody might have meant it.
NOBODY_KNOWS: Final = frozenset(
    (
        "a line like a field",
        "a page twice",
        "an empty subfield more",
        "backslashes as signs",
        "backslashes doubled",
        "backslashes lost",
        "blanks collapsed",
        "blanks doubled",
        "CP949 taken for Latin-1",
        "closed after a cut",
        "codes in a row",
        "decomposed",
        "escaped once more",
        "every hundredth lost",
        "fields in one object",
        "fields sorted",
        "fields twice",
        "partly in EUC-KR",  # where the leader says MARC-8
        "references once more",
        "sent by halves",
        "slashes for backslashes",
        "smart quotes",
        "smart quotes in values",
        "subfields by code",
        "subfields in one object",
        "taken for CP1251",
        "taken for CP949",
        "values cut at 40",
    )
)


def _always(change: Callable[[bytes], bytes]) -> Damage:
    return lambda raw, _: change(raw)


def _text(change: Callable[[str], str]) -> Damage:
    return lambda raw, _: change(raw.decode()).encode("utf-8", "surrogatepass")


def _sub(pattern: str, put: str, count: int = 0) -> Damage:
    return _text(lambda text: re.sub(pattern, put, text, count=count))


def _one(pattern: str, put: str) -> Damage:
    """Change one match of a pattern; where none is, a letter is lost at the end."""

    def damage(raw: bytes, dice: random.Random) -> bytes:
        text = raw.decode()
        found = list(re.finditer(pattern, text))
        if not found:
            return raw[:-2]
        match = dice.choice(found)
        return (text[: match.start()] + match.expand(put) + text[match.end() :]).encode()

    return damage


def _taken_for(name: str) -> Damage:
    return _always(lambda raw: raw.decode(name, "replace").encode())


def _partly_in(name: str) -> Damage:
    """As far as the set has the letters; the others stay in UTF-8."""

    def changed(raw: bytes) -> bytes:
        letters = raw.decode()
        found = [letter.encode(name, "ignore") or letter.encode() for letter in letters]
        return b"".join(found)

    return _always(changed)


def _windows(raw: bytes) -> bytes:
    return "".join(
        bytes((octet,)).decode("cp1252", "ignore") or chr(octet) for octet in raw
    ).encode()


BYTES: Final[Mapping[str, Damage]] = {
    "quoted-printable": _always(lambda raw: quopri.encodestring(raw)),
    "base64": _always(base64.encodebytes),
    "an answer": _always(lambda raw: re.sub(rb"(?m:^)(?=.)", b"> ", raw)),
    "a part of a message": _always(
        lambda raw: (
            b"--=_part_7\r\nContent-Type: text/plain\r\n\r\n" + raw + b"\r\n--=_part_7--\r\n"
        )
    ),
    "flowed": _always(lambda raw: re.sub(rb"([^\n]{50,72}) ", rb"\1 \r\n", raw)),
    "a page": _text(lambda text: html.escape(text) + "<br>\n"),
    "carriage returns too many": _always(lambda raw: raw.replace(b"\n", b"\r\r\n")),
    "opened as ASCII": _taken_for("ascii"),
    "taken for CP949": _taken_for("cp949"),
    "taken for CP1252": _always(_windows),
    "taken for CP1252, twice": _always(lambda raw: _windows(_windows(raw))),
    "taken for CP1251": _always(lambda raw: raw.decode("cp1251", "ignore").encode()),
    "CP949 taken for Latin-1": _text(
        lambda text: text.encode("cp949", "replace").decode("latin-1")
    ),
    "partly in Windows-1251": _partly_in("cp1251"),
    "partly in EUC-KR": _partly_in("euc_kr"),
    "in UTF-32": _always(lambda raw: raw.decode().encode("utf-32")),
    "in EBCDIC": _always(lambda raw: raw.decode().encode("cp037", "replace")),
    "letters cut": _always(lambda raw: re.sub(rb"([\xe0-\xef].)[\x80-\xbf]", rb"\1", raw) or raw),
    "decomposed": _text(lambda text: normalize("NFD", text)),
    "next lines": _text(lambda text: text.replace("\n", "\x85\n")),
    "next lines for blanks": _one(r"(?<=\w) (?=\w)", "\x85"),
    "line separators for blanks": _one(r"(?<=\w) (?=\w)", "\u2028"),
    "form feeds": _text(lambda text: "\x0c" + text),
    "smart quotes in values": _one(r"(?<=\w)'(?=\w)", "’"),
    "smart quotes": _text(lambda text: re.sub(r"(?<=[\s=:,{\[])\"", "“", text).replace('"', "”")),
    "blanks doubled": _one(r"(?<=\w) (?=\w)", "  "),
    "no-break spaces": _text(lambda text: text.replace("  ", "\xa0 ")),
    "zero width spaces": _text(lambda text: "\u200b" + text),
    "zero to the end": _always(lambda raw: raw[: len(raw) // 2].ljust(len(raw), b"\0")),
    "a page twice": _always(lambda raw: raw[: len(raw) // 3] + raw[len(raw) // 6 :]),
    "halves crossed": _always(lambda raw: raw[len(raw) // 2 :] + raw[: len(raw) // 2]),
    "sent by halves": _always(lambda raw: raw[: len(raw) // 2] + raw),
    "every hundredth lost": _always(
        lambda raw: b"".join(raw[at : at + 99] for at in range(0, len(raw), 100))
    ),
    "as Python shows it": _always(lambda raw: repr(raw).encode() + b"\n"),
    "as JSON shows it": _text(lambda text: json.dumps(text, ensure_ascii=False) + "\n"),
    "NUL behind every octet": _always(lambda raw: b"".join(bytes((one, 0)) for one in raw)),
}

_SUB = r"(<subfield code=\".\">)"

MARCXML: Final[Mapping[str, Damage]] = {
    **BYTES,
    "apostrophes for quotation marks": _sub(r'="([^"\']*)"', r"='\1'"),
    "quotation marks left out": _sub(r'="([^"\s]*)"', r"=\1"),
    "quotation marks curly": _sub(r'="([^"]*)"', "=“\\1”"),
    "blanks collapsed": _sub(r" {2,}", " "),
    "blanks at the ends": _sub(r">([^<\s][^<]*)<", r"> \1 <"),
    "laid out": _sub(r">([^<\s][^<]*)<", r">\n      \1\n    <"),
    "leader trimmed": _sub(r"<leader>\s*(\S.{5})[^<]*", r"<leader>\1"),
    "tags without zeros": _sub(r'tag="0+', 'tag="'),
    "indicators empty": _sub(r'(ind[12])=" "', r'\1=""'),
    "indicators one": _sub(r'ind1="(.)" ind2="(.)"', r'ind="\1\2"'),
    "codes with a sign": _sub(r'code="(.)"', r'code="$\1"'),
    "codes in a row": _one(r'</subfield><subfield code="(.)">', r" $\1 "),
    "subfield in a subfield": _one(
        r"</subfield>", '<subfield code="x">inside</subfield></subfield>'
    ),
    "italics": _one(_SUB + r"([^<]+)", r"\1<i>\2</i>"),
    "a break": _one(_SUB + r"([^<\s]+) ([^<]+)", r"\1\2<br/>\3"),
    "a comment in a value": _one(_SUB, r"\1<!-- seen -->"),
    "a comment for a value": _one(_SUB + r"([^<]+)", r"\1<!-- \2 -->"),
    "an instruction": _one(_SUB + r"([^<]+)", r"\1<?sic \2?>"),
    "CDATA not closed": _one(_SUB, r"\1<![CDATA["),
    "CDATA closed twice": _one(r"</subfield>", "]]></subfield>"),
    "leader twice": _sub(
        r"(<leader>[^<]*</leader>)", r"\1<leader>00000cas a2200000 a 4500</leader>"
    ),
    "leader at the end": _sub(r"(?s)(<leader>[^<]*</leader>)(.*)(</record>)", r"\2\1\3"),
    "values as attributes": _one(_SUB + r"([^<]+)</subfield>", r'<subfield code="a" value="\2"/>'),
    "text without a subfield": _one(r'<subfield code=".">([^<]+)</subfield>', r"\1"),
    "text without a field": _one(r'<datafield[^>]*><subfield code=".">([^<]+)</subfield>', r"\1"),
    "control field with subfields": _one(
        r"<controlfield ([^>]*)>([^<]*)<", r'<controlfield \1><subfield code="a">\2</subfield><'
    ),
    "data field for a control field": _sub(r"<(/?)controlfield", r"<\1datafield"),
    "control field for a data field": _sub(r"<(/?)datafield", r"<\1controlfield"),
    "attributes with capitals": _sub(r"\b(tag|code)=", lambda m: f"{m[1].title()}="),  # type: ignore[arg-type]
    "another prefix": _sub(r"<(/?)(record|leader|controlfield|datafield|subfield)", r"<\1m21:\2"),
    "elements with capitals": _sub(r"<(/?)(record|leader)\b", lambda m: f"<{m[1]}{m[2].title()}"),  # type: ignore[arg-type]
    "records in capitals": _sub(r"<(/?)record", r"<\1RECORD"),
    "record of another name": _text(
        lambda text: text.replace("<record", "<bib").replace("/record", "/bib")
    ),
    "a field out of its record": _one(r"(?s)(<datafield.*?</datafield>)(.*</record>)", r"\2\1"),
    "escaped whole": _text(html.escape),
    "escaped once more": _text(lambda text: text.replace("&", "&amp;")),
    "references once more": _one(r"([^\W\d_])(?=[^<>]*</subfield>)", "&amp;#233;"),
    "ampersand for and": _one(r"(?<=\w) (?=\w+[^<>]*</subfield>)", " &amp "),
    "arrow in a value": _one(_SUB, r"\1<-> "),
    "a tag in a value": _one(_SUB + r"(\w)", r"\1<em>\2"),
    "an address in a value": _one(_SUB, r"\1<doe@example.org> "),
    "end tags short": _sub(r"</(subfield|datafield)>", "</>"),
    "end tags with blanks": _sub(r"</(\w+)>", r"</ \1>"),
    "closed after a cut": _text(lambda text: text[: len(text) // 2] + "</record>\n"),
    "values cut at 40": _sub(r">([^<\s][^<]{39})[^<]+</subfield", r">\1</subfield"),
    "an empty subfield more": _sub(r"</datafield>", '<subfield code="z"/></datafield>'),
    "fields twice": _sub(r"(?s)(<datafield.*?</datafield>)", r"\1\1"),
    "surrogates by number": _one(_SUB, r"\1&#55357;&#56832;"),
}


def _json(change: Callable[[dict[str, Any]], object]) -> Damage:
    """Change the object; what is returned is written, or the object itself."""

    def changed(raw: bytes, _: random.Random) -> bytes:
        found = json.loads(raw)
        return json.dumps(change(found) or found, ensure_ascii=False).encode() + b"\n"

    return changed


def _each_data(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Damage:
    def changed(record: dict[str, Any]) -> None:
        for field in record["fields"]:
            for tag, body in field.items():
                if isinstance(body, dict):
                    field[tag] = change(body)

    return _json(changed)


def _put(body: dict[str, Any], **keys: object) -> dict[str, Any]:
    return {**body, **keys}


def _by_tag(record: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field in record["fields"]:
        for tag, body in field.items():
            fields.setdefault(tag, []).append(body)
    return {**record, "fields": fields}


def _objects_of_codes(body: dict[str, Any]) -> dict[str, Any]:
    codes: dict[str, list[str]] = {}
    for each in body["subfields"]:
        for code, text in each.items():
            codes.setdefault(code, []).append(text)
    return _put(body, subfields=codes)


MARC_JSON: Final[Mapping[str, Damage]] = {
    **BYTES,
    "laid out": _always(
        lambda raw: json.dumps(json.loads(raw), indent=2, ensure_ascii=False).encode() + b"\n"
    ),
    "keys without quotation marks": _sub(r'"(\w+)":', r"\1:"),
    "as a dict of Python": _always(lambda raw: repr(json.loads(raw)).encode() + b"\n"),
    "tags as numbers": _sub(r'"0*(\d+)":', r"\1:"),
    "tags without zeros": _sub(r'"0+(\d+)":', r'"\1":'),
    "line ends in strings": _one(r"(?<=\w) (?=\w)", "\n"),
    "tabs in strings": _one(r"(?<=\w) (?=\w)", "\t"),
    "escapes of Python": _one(r"(?<=\w) (?=\w)", r"\\x20"),
    "escapes unknown": _one(r"(?<=\w) (?=\w)", r"\\_"),
    "a string in a string": _always(lambda raw: json.dumps(raw.decode()).encode() + b"\n"),
    "indicators empty": _each_data(
        lambda body: _put(body, ind1=body["ind1"].strip(), ind2=body["ind2"].strip())
    ),
    "indicators gone": _each_data(lambda body: {"subfields": body["subfields"]}),
    "indicators in one": _each_data(
        lambda body: {"ind": body["ind1"] + body["ind2"], "subfields": body["subfields"]}
    ),
    "subfields by code": _each_data(_objects_of_codes),
    "subfields in one object": _each_data(
        lambda body: _put(body, subfields=[{k: v for s in body["subfields"] for k, v in s.items()}])
    ),
    "subfields as pairs": _each_data(
        lambda body: _put(body, subfields=[list(p) for s in body["subfields"] for p in s.items()])
    ),
    "subfields as strings": _each_data(
        lambda body: _put(
            body, subfields=[f"${k}{v}" for s in body["subfields"] for k, v in s.items()]
        )
    ),
    "subfields as one string": _each_data(
        lambda body: _put(
            body, subfields="".join(f"${k}{v}" for s in body["subfields"] for k, v in s.items())
        )
    ),
    "values in lists": _each_data(
        lambda body: _put(
            body, subfields=[{k: [v] for k, v in s.items()} for s in body["subfields"]]
        )
    ),
    "values in objects": _each_data(
        lambda body: _put(
            body, subfields=[{k: {"text": v} for k, v in s.items()} for s in body["subfields"]]
        )
    ),
    "subfields with keys": _each_data(
        lambda body: _put(
            body,
            subfields=[{"code": k, "data": v} for s in body["subfields"] for k, v in s.items()],
        )
    ),
    "subfield key singular": _each_data(
        lambda body: {"ind1": body["ind1"], "ind2": body["ind2"], "subfield": body["subfields"]}
    ),
    "values null": _each_data(
        lambda body: _put(body, subfields=[dict.fromkeys(s) for s in body["subfields"]])
    ),
    "fields by tag": _json(_by_tag),
    "fields as text": _json(
        lambda record: {**record, "fields": [json.dumps(each) for each in record["fields"]]}
    ),
    "fields nested": _json(lambda record: {**record, "fields": [record["fields"]]}),
    "fields null": _json(lambda record: {**record, "fields": [None, *record["fields"], None]}),
    "fields empty": _json(lambda record: {**record, "fields": [{}, *record["fields"], {}]}),
    "fields in one object": _json(
        lambda record: {
            **record,
            "fields": [{k: v for f in record["fields"] for k, v in f.items()}],
        }
    ),
    "leader null": _json(lambda record: {**record, "leader": None}),
    "leader in parts": _json(lambda record: {**record, "leader": list(record["leader"])}),
    "leader with a capital": _json(
        lambda record: {"Leader": record["leader"], "fields": record["fields"]}
    ),
    "keys in capitals": _json(
        lambda record: {"LEADER": record["leader"], "FIELDS": record["fields"]}
    ),
    "leader behind": _json(lambda record: {"fields": record["fields"], "leader": record["leader"]}),
    "in an envelope": _json(lambda record: {"marc": record}),
    "in lists": _json(lambda record: [[record]]),
    "keys of our own": _json(
        lambda record: {"_id": 7, "bib": "b1", **record, "items": [{"b": "1"}]}
    ),
    "numbers for strings": _sub(r'"(\d+)"(?!\s*:)', r"\1"),
    "closed after a cut": _text(lambda text: text[: len(text) // 2] + '"}]}}]}\n'),
    "comments": _one(r"(?<=[,\[])(?=[\"{])", "/* new */"),
    "comments to the end of the line": _text(lambda text: text.rstrip() + " // new\n"),
    "a name of JavaScript": _text(lambda text: f"var record = {text.rstrip()};\n"),
    "undefined": _one(r'" "', "undefined"),
    "surrogates unpaired": _one(r"(?<=\w) (?=\w)", r"\\udc00\\ud83d"),
    "values cut at 40": _sub(r'("[a-z]": ?"[^"\\]{40})[^"\\]+"', r'\1"'),
}

_FIELD = r"(?m)^=(\d\d\d)  "

MARC_TEXT: Final[Mapping[str, Damage]] = {
    **BYTES,
    "equals signs of mail": _always(lambda raw: raw.replace(b"=", b"=3D")),
    "tabs for blanks": _sub(_FIELD, "=\\1\t"),
    "no-break spaces for blanks": _sub(_FIELD, "=\\1\xa0\xa0"),
    "blanks behind the tag": _sub(_FIELD, r"=\1    "),
    "blanks before the line": _sub(r"(?m)^=", "  ="),
    "a blank behind the sign": _sub(r"(?m)^=(\d)", r"= \1"),
    "equals sign doubled": _sub(r"(?m)^=(?=2)", "=="),
    "equals sign of full width": _sub(r"(?m)^=(?=[12])", "＝"),
    "digits of full width": _sub(r"(?m)^=245", "=２４５"),
    "numbered lines": _sub(r"(?m)^(?=.)", "12: "),
    "an apostrophe of a cell": _sub(r"(?m)^=(?=[2-9])", "'="),
    "quoted in a cell": _sub(r"(?m)^(=.*)$", r'"\1"'),
    "blank lines between all": _sub(r"\n(?=.)", "\n\n"),
    "bars for dollar signs": _text(lambda text: text.replace("$", "|")),
    "double daggers for dollar signs": _text(lambda text: text.replace("$", "‡")),
    "dollar signs doubled": _text(lambda text: text.replace("$", "$$")),
    "a blank behind the dollar sign": _text(lambda text: text.replace("$", "$ ")),
    "blanks around codes": _sub(r"\$(\w)", r" $\1 "),
    "braces of full width": _text(lambda text: text.replace("{", "｛")),
    "dollar sign of full width": _text(lambda text: text.replace("$", "＄")),
    "backslashes lost": _text(lambda text: text.replace("\\", "")),
    "backslashes doubled": _text(lambda text: text.replace("\\", "\\\\")),
    "backslashes as signs": _text(lambda text: text.replace("\\", "#")),
    "slashes for backslashes": _text(lambda text: text.replace("\\", "/")),
    "blanks at the end lost": _sub(r"(?m)[\\ ]+$", ""),
    "leader with a name": _sub(r"=LDR  ", "=Leader  "),
    "leader in lower case": _sub(r"=LDR  ", "=ldr  "),
    "leader with a tag": _sub(r"=LDR  ", "=000  "),
    "leader without sign": _sub(r"=LDR  ", "LDR  "),
    "leader cut": _sub(r"(=LDR  .{12}).*", r"\1"),
    "leader at the end": _sub(r"(?s)^(=LDR[^\n]*\n)(.*?)\n$", r"\2\1\n"),
    "leader twice": _sub(r"(=LDR[^\n]*\n)", r"\1\1"),
    "tags of two digits": _sub(r"(?m)^=0(\d\d)  ", r"=\1  "),
    "tags of four digits": _sub(r"(?m)^=(\d\d\d)  ", r"=0\1  "),
    "tags with a point": _sub(r"(?m)^=(\d\d\d)  ", r"=\1.  "),
    "one indicator": _sub(r"(?m)^(=[1-9]\d\d  .).\$", r"\1$"),
    "three indicators": _sub(r"(?m)^(=[1-9]\d\d  ..)\$", r"\g<1>0$"),
    "indicators apart": _sub(r"(?m)^(=[1-9]\d\d  .)(.)\$", r"\1 \2 $"),
    "indicators with the tag": _sub(r"(?m)^(=[1-9]\d\d)  (..)", r"\1\2  "),
    "no first code": _sub(r"(?m)^(=[1-9]\d\d  ..)\$a", r"\1"),
    "a field on two lines": _one(r"(?<=\w) (?=\w)", "\n"),
    "a field on two lines, signed": _one(r"(?<=\w) (?=\w)", "\n="),
    "a line like a field": _one(r"(?<=\w) (?=\w)", "\n=245  "),
    "a comment": _one(r"\n(?==)", "\n# seen\n"),
    "words under it": _one(r"\n(?==)", "\nSeen by nobody: \n"),
    "rules of signs": _text(lambda text: text.rstrip() + "\n" + "-" * 40 + "\n\n"),
    "rules of equals signs": _text(lambda text: text.rstrip() + "\n" + "=" * 40 + "\n\n"),
    "fields sorted": _text(lambda text: "\n".join(sorted(text.strip().split("\n"))) + "\n\n"),
    "fields twice": _sub(r"(?m)^(=[2-9][^\n]*\n)", r"\1\1"),
    "mnemonics not closed": _one(r"(?<=\w) (?=\w)", " {acute"),
    "mnemonics nested": _one(r"(?<=\w) (?=\w)", " {{acute}e}"),
    "mnemonics in capitals": _one(r"(?<=\w) (?=\w)", " {ACUTE}e "),
    "mnemonics of MARC signs": _one(r"(?<=\w) (?=\w)", "{1F}{1E}"),
    "values cut at 40": _sub(r"(\$.[^$\n{]{39})[^$\n{]+", r"\1"),
    "an empty subfield more": _sub(r"(?m)^(=[1-9].*)$", r"\1$z"),
}

# By the form that ``mutations_of_text`` calls so.
KINDS: Final[Mapping[str, Mapping[str, Damage]]] = {
    "MARCXML": MARCXML,
    "JSON array": MARC_JSON,
    "JSON lines": MARC_JSON,
    "mrk": MARC_TEXT,
}
