"""Conversions: what of the records of each dialect arrives in MARC 21.

Counted without our tables. *Arrived*: the words of a subfield stand somewhere in the result, or
its field is in ``unmapped``, or a loss names the subfield. What is coded there (positions, roles,
countries) is looked at apart: language and country of 008 against what the source states.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import pymarc
from lxml import etree

from benchmarks.reading_encodings import CMARC, CNMARC, JAPANESE, KORMARC, RUSMARC, SLOVAK
from marc_mappings import crosswalks, formats, incoming, iso2709, marc21_to_mods, marcxml, oai_dc
from marc_mappings.incoming import Incoming
from marc_mappings.record import Record
from marc_mappings.rules import Loss

FILES = (
    ("UNIMARC (comsode)", SLOVAK),
    ("UNIMARC (BnR)", "pkiraly__qa-catalogue/src/test/resources/unimarc/short.bnr.1993.mrc"),
    ("UNIMARC (BL)", "NatLibFi__usemarcon/uni2uk/uni.mrc"),
    ("UNIMARC (BnF)", "rero__rero-ils/tests/data/xml/bnf/bnf_ean_any_9782070541270.xml"),
    ("CNMARC", CNMARC),
    ("CMARC", CMARC),
    ("RUSMARC", RUSMARC),
    ("KORMARC", KORMARC),
    ("JAPAN/MARC", JAPANESE),
)


def _pairs(text: str) -> dict[str, str]:
    return {old: new for old, _, new in (pair.partition("=") for pair in text.split())}


# ISO 3166 as 102 has it -> MARC, for the countries that the files name; from the two lists.
_COUNTRIES = _pairs(
    "sk=xo cz=xr hu=hu at=au de=gw pl=pl fr=fr it=it ro=rm cn=cc tw=ch hk=hk bg=bu gr=gr nl=ne "
    "be=be es=sp ch=sz hr=ci yu=yu ua=un rs=rb si=xv jp=ja kr=ko md=mv dk=dk ru=ru gb=xxk us=xxu "
    "ca=xxc su=xxr by=bw lt=li"
)
_WORD = re.compile(r"\w+")
# What is coded in UNIMARC becomes other codes, positions or indicators: counted apart.
_CODED = re.compile(r"1\d\d\$.|\d\d\d\$4|\d\d\d\$o|60\d\$2|801\$g")
# A field in a subfield: its tag, and its indicators.
_EMBEDDED = re.compile(r"(?:00\d|\d{3}..)")


def tables(corpus: Path) -> None:
    """Print one row for each file, then what did not arrive, by tag."""
    schema = _schema(corpus.parent / "schemas" / "all.xsd")
    mods = _schema(corpus.parent / "schemas" / "mods-3-7.xsd")
    print("\n## Conversions to MARC 21\n")
    print(
        "| file | records | rejected | 008 of 40 | language right | country right | 245 $d $e $x "
        "| fields | given up, unmapped, parts told lost | text not arrived | codes | 880 kept "
        "| invalid MARCXML, oai_dc, MODS "
        "| pymarc reads otherwise |"
    )
    print("|---" + "|---:" * 13 + "|")
    for name, path in FILES:
        _print_row(name, corpus / path, schema, mods)


def _schema(path: Path) -> etree.XMLSchema | None:
    return etree.XMLSchema(etree.parse(path)) if path.is_file() else None


def _print_row(
    name: str, path: Path, schema: etree.XMLSchema | None, mods: etree.XMLSchema | None
) -> None:
    count: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    coded: Counter[str] = Counter()
    told: Counter[str] = Counter()
    opened = formats.open_stream(io.BytesIO(path.read_bytes()))
    for part in opened.slices:
        came = incoming.take(part)
        if not isinstance(came, Incoming):
            count["rejected"] += 1
            continue
        count["records"] += 1
        source, made = came.parsed.record, came.record
        told[came.parsed.dialect] += 1
        count["008"] += len(made.control("008")) == 40
        _count_codes(came.parsed.dialect, source, made, count)
        count["245"] += any(True for field in made.all("245") for _ in field.all("dex"))
        count["fields"] += len(source.fields)
        given_up = {loss.tag for loss in came.losses if not loss.codes and loss.reason}
        unmapped = {loss.tag for loss in came.losses if not loss.codes and not loss.reason}
        count["given up"] += sum(1 for _ in source.all(*given_up))
        count["unmapped"] += sum(1 for _ in source.all(*unmapped))
        count["parts"] += sum(1 for loss in came.losses if loss.codes)
        for where in not_arrived(source, made, came.losses):
            (coded if is_coded(where) else missed)[where] += 1
        count["880"] += sum(1 for _ in source.all("880"))
        count["880 kept"] += sum(1 for _ in made.all("880"))
        count["xml"] += not _is_valid(schema, marcxml.write(made))
        count["dc"] += not _is_valid(schema, oai_dc.write(made))
        count["mods"] += not _is_valid(mods, marc21_to_mods.write(made))
        count["pymarc"] += not _rereads(made)
    pairs = f"{count['880 kept']} of {count['880']}"
    print(
        f"| {name}: {', '.join(told)} | {count['records']} | {count['rejected']} | {count['008']} "
        f"| {count['language']} of {count['languages']} | {count['country']} of "
        f"{count['countries']} | {count['245']} | {count['fields']} "
        f"| {count['given up']}, {count['unmapped']}, {count['parts']} | {missed.total()} "
        f"| {coded.total()} | {pairs} "
        f"| {count['xml']}, {count['dc']}, {count['mods'] if mods else 'not looked at'} "
        f"| {count['pymarc']} |"
    )
    for what, found in (("text not arrived", missed), ("became other codes", coded)):
        if found:
            shown = ", ".join(f"{times} × {where}" for where, times in found.most_common(12))
            print(f"<!-- {what}: {shown} -->")


def _count_codes(dialect: str, source: Record, made: Record, count: Counter[str]) -> None:
    """Compare language and country of 008 with what the source states, where it does."""
    fixed = made.control("008").ljust(40)
    if dialect in ("kormarc", "marc21"):
        stated = source.control("008").ljust(40)
        languages, country = [stated[35:38]], ""
        if dialect == "kormarc" and stated[15:18].strip():
            # Korean provinces and cities are one country of MARC 21.
            country = "ko" if stated[17] == "k" else stated[15:18].strip()
    else:
        languages = [
            value.strip().lower() for field in source.all("101") for value in field.all("a")
        ]
        country = _country(source)
    if languages and languages[0].strip() and languages[0].isascii():
        count["languages"] += 1
        right = fixed[35:38] in (languages[0], _OLD_LANGUAGES.get(languages[0]))
        count["language"] += right or (len(languages) > 1 and fixed[35:38] == "mul")
    if country:
        count["countries"] += 1
        count["country"] += fixed[15:18].strip() == country


def _country(source: Record) -> str:
    """Return the MARC code for what 102 states; in the United States the state says it."""
    stated = next(iter(source.all("102")), None)
    if stated is None:
        return ""
    name, part = stated.first("a").strip().lower(), stated.first("b").strip().lower()
    return f"{part}u" if name == "us" and len(part) == 2 else _COUNTRIES.get(name, "")


# Codes that ISO 639-2 has twice, or had: the MARC list keeps the bibliographic one.
_OLD_LANGUAGES = _pairs(
    "slk=slo ces=cze deu=ger fra=fre zho=chi ron=rum scr=hrv scc=srp ell=gre nld=dut "
    "hye=arm mkd=mac"
)


def is_coded(where: str) -> bool:
    """Whether ``700$4`` and its like hold a code and no text.

    >>> is_coded("700$4"), is_coded("700$a")
    (True, False)
    """
    return _CODED.fullmatch(where) is not None


def not_arrived(source: Record, made: Record, losses: tuple[Loss, ...]) -> Iterator[str]:
    """Yield ``200$g`` for each subfield that is neither in the result nor told of."""
    gone = set(crosswalks.unmapped(losses))
    parts = {(loss.tag, code) for loss in losses for code in loss.codes}
    text = _folded(" ".join(_texts(made)))
    for field in source.fields:
        if field.tag in gone or field.tag[:2] == "00":
            continue
        for code, value in field.subfields:
            words = _EMBEDDED.sub("", value, count=1) if code == "1" else value
            if (field.tag, code) in parts or _is_in(words, text):
                continue
            yield f"{field.tag}${code}"


def _texts(record: Record) -> Iterator[str]:
    yield record.leader
    for field in record.fields:
        yield field.value
        yield from (value for _, value in field.subfields)


def _is_in(value: str, text: str) -> bool:
    """Whether every word of a value stands in the text: marks and their order may differ."""
    words = _WORD.findall(_folded(value))
    return all(word in text for word in words)


def _folded(text: str) -> str:
    return normalize("NFKC", text).casefold()


def _is_valid(schema: etree.XMLSchema | None, document: bytes) -> bool:
    root = etree.fromstring(document)
    return schema is None or schema.validate(root)


def _rereads(made: Record) -> bool:
    """Whether pymarc reads what is written as ISO 2709 exactly as it was."""
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = next(pymarc.MARCReader(io.BytesIO(iso2709.write(made))))
    if read is None:
        return False
    theirs = [_field_of(field) for field in read.fields]
    return theirs == [
        (field.tag, field.indicators, tuple(map(tuple, field.subfields)), field.value)
        for field in made.fields
    ]


def _field_of(field: pymarc.Field) -> tuple[str, str, tuple[tuple[str, ...], ...], str]:
    if field.is_control_field():
        return field.tag, "", (), field.data or ""
    return field.tag, "".join(field.indicators or ()), tuple(map(tuple, field.subfields)), ""
