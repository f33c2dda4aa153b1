"""KORMARC to MARC 21: the rows in which the Korean format differs, everything else as it is.

KORMARC (the integrated bibliographic format, KS X 6006-0) is MARC 21 but for what is listed here.
Its letters are the same, so that what differs looks right and means something else: 245 $d and $e,
second indicators that are no filing counts, 052 and 055, the shared positions of 008, the first
indicator of 020. Copying any of them is the classic error.

Source: KS X 6006-0:2023, https://librarian.nl.go.kr/kormarc/KSX6006-0/index.html, and the edition
of 2014, https://librarian.nl.go.kr/kormarc/kormarc_2014/index.html; MARC 21 Bibliographic. Codes of
sources that MARC 21 asks for and that could not be verified in the lists of the Library of
Congress: ``kdc`` and ``kdcp`` (084 $2), ``nlsh`` (6XX $2), the ISIL of the National Library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from marc_mappings import steps
from marc_mappings.keys import identifiers
from marc_mappings.kormarc import coded as kormarc_coded
from marc_mappings.kormarc import numbers
from marc_mappings.kormarc import places as kormarc_places
from marc_mappings.kormarc import title as kormarc_title
from marc_mappings.kormarc.variants import VARIANTS, closed, laid_open, linked, marked
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss, Row, Table, copied, made

SOURCE: Final = "KORMARC"
TARGET: Final = "MARC 21"
OTHERWISE: Final = "A field that no row names is copied as it is: the formats do not differ in it."
DROPPED: Final = {
    "890": "which characters an old character set could not hold",
    "950": "no price in it",
    "056m": "whether the standard or an optional number was taken: MARC 21 084 has no place for it",
    "052018": "link of the call number to an authority or field: MARC 21 852 has no place for it",
}

KOREAN_SUBJECTS: Final = "nlsh"

_KS: Final = "KS X 6006-0:2023"
_NONE: Final = Record("", ())
_VISUAL: Final = frozenset("efgkor")
_MAIN: Final = ("100", "110", "111", "130")


def recoded(tag: str, convert: Callable[[str], str]) -> Callable[[Field, Record], list[Field]]:
    """Return what makes control field ``tag`` of another's value by ``convert``."""

    def make(field: Field, _: Record) -> list[Field]:
        value = convert(field.value)
        return [Field(tag, "", (), value)] if value else []

    return make


def _fixed_008(_: Field, record: Record) -> list[Field]:
    """Position by position, see kormarc_coded.RUNS; 26-28, 32, 38-39 and the country recoded."""
    return [Field("008", "", (), kormarc_coded.marc21_008(record)[0])]


def _title(field: Field, record: Record) -> list[Field]:
    """$a $b $x $n $p to $a $b $n $p, $d and $e to $c, with ISBD signs; indicators by MARC 21."""
    parts = kormarc_title.to_marc21(field.subfields)
    first = "1" if any(each.tag in _MAIN for each in record.fields) else "0"
    title = next((value for code, value in parts if code == "a"), "")
    return [Field("245", first + kormarc_title.skipped(title), parts)] if parts else []


def _skips(field: Field, _: Record) -> str:
    return kormarc_title.skipped(field.first("a"))


def _personal(field: Field, _: Record) -> str:
    """Where old records leave it blank: Korean names begin with the family name."""
    return field.indicators[:1] if field.indicators[:1] in ("0", "1", "3") else "1"


def _corporate(field: Field, _: Record) -> str:
    """KORMARC leaves it blank: names of Korean bodies are written in direct order."""
    return field.indicators[:1] if field.indicators[:1] in ("0", "1", "2") else "2"


def _added_title(field: Field, _: Record) -> str:
    return "1" if field.indicators[:1] == "2" else field.indicators[:1]


def _variant_title(field: Field, _: Record) -> list[Field]:
    """Second indicator 9, original title, is 765 $t; the others are those of MARC 21."""
    if field.indicators[1:] != "9":
        return [field._replace(tag="246")]
    title = " ".join([value.strip() for value in field.all("abnp")])
    rest = [
        Subfield(part.code if part.code in "i68" else "n", part.value)
        for part in field.subfields
        if part.code not in "abnp" and part.value.strip()
    ]
    return [Field("765", "0 ", (Subfield("t", title), *rest))] if title else []


def _series(field: Field, _: Record) -> list[Field]:
    """490 1# with the series as it stands, and 830 to trace it."""
    parts: list[Subfield] = []
    issn = [value for value in field.all("xs") if identifiers.issn8(value)]
    for code, value in field.subfields:
        text = numbers.plain(value)
        if text and code in "anpx" and value not in issn:
            sign = {"x": " =", "n": ".", "p": "."}.get(code, "")
            if parts and parts[-1].code == "a":
                parts[-1] = Subfield("a", f"{parts[-1].value}{sign} {text}")
            else:
                parts.append(Subfield("a", text))
        elif text and code == "v":
            parts.append(Subfield("v", text))
    number = [Subfield("x", identifiers.issn8(value)) for value in issn]
    statement = _with_signs([*parts[:1], *number, *parts[1:]])
    links = tuple([part for part in field.subfields if part.code in "68"])
    if not statement:
        return []
    traced = [part for part in field.subfields if part.code in "anpv" and part.value.strip()]
    trace = tuple([Subfield(part.code, numbers.plain(part.value)) for part in traced])
    return [
        Field("490", "1 ", links + statement),
        Field("830", f" {kormarc_title.skipped(field.first('a'))}", trace + tuple(number)),
    ]


def _with_signs(parts: Sequence[Subfield]) -> tuple[Subfield, ...]:
    """Return a series statement with a comma before the ISSN and a semicolon before the number."""
    found: list[Subfield] = []
    for part in parts:
        if found:
            sign = " ;" if part.code == "v" else ","
            found[-1] = Subfield(found[-1].code, steps.with_sign(found[-1].value, sign))
        found.append(part)
    return tuple(found)


def _bound_with(field: Field, _: Record) -> list[Field]:
    """All that KORMARC divides, as one text in $a."""
    text = " ".join([value.strip() for code, value in field.subfields if code.isalpha()]).strip()
    rest = tuple([part for part in field.subfields if part.code in "568"])
    return [Field("501", "  ", (Subfield("a", text), *rest))] if text else []


def _thesis(field: Field, _: Record) -> list[Field]:
    """$a degree, $b institution, $c department, $d year to $b $c $g $d; a plain note stays $a."""
    moves = {"a": "b", "b": "c", "c": "g", "d": "d", "0": "o"}
    divided = any(field.all("bcd"))
    parts = [
        Subfield(moves.get(code, code) if divided else code, _no_dash(value) if divided else value)
        for code, value in field.subfields
        if value.strip()
    ]
    return [Field("502", "  ", tuple(parts))] if parts else []


def _no_dash(text: str) -> str:
    return text.rstrip(" -:,.").strip() or text


def _original(field: Field, record: Record) -> list[Field]:
    """Scale of visual material and maps; else the original work: 765 0# if it has $t, else 500."""
    if record.leader[6:7] in _VISUAL or any(field.all("b")):
        return [field._replace(tag="507")]
    parts = [
        Subfield(part.code if part.code in "at68" else "n", part.value)
        for part in field.subfields
        if part.value.strip()
    ]
    if any(part.code == "t" for part in parts):
        return [Field("765", "0 ", tuple(parts))]
    links = [part for part in parts if part.code in "68"]
    text = " ".join([part.value for part in parts if part.code in "an"])
    return [Field("500", "  ", (*links, Subfield("a", text)))] if text else []


def _subject(field: Field, _: Record) -> list[Field]:
    """Second indicator 8 (headings of the National Library) is 7 with $2 nlsh; blank is 4."""
    first, second = field.indicators[:1], field.indicators[1:2]
    parts = tuple([part for part in field.subfields if part.value.strip()])
    if second == "8":
        second = "7"
        if not field.first("2"):
            parts = (*parts, Subfield("2", KOREAN_SUBJECTS))
    if field.tag == "600":
        first = _personal(field, _)
    elif field.tag in ("610", "611"):
        first = _corporate(field, _)
    elif field.tag == "630":
        first = _skips(field, _)
    return [Field(field.tag, first + ("4" if second == " " else second), parts)] if parts else []


def _variant(heading: str, codes: str, indicators: Callable[[Field], str]) -> Row[Field]:
    def make(field: Field, _: Record) -> list[Field]:
        if not field.first("a").strip():
            return []
        tag = VARIANTS[heading].of[0]
        return [marked(tag, field, indicators(field), codes)._replace(tag=heading)]

    how = "880 of the one field it is another form of, else an added entry with $i"
    target = f"880, {VARIANTS[heading].entry}".rstrip(", ")
    return made(heading, target, make, f"{_KS} {heading}", reads=codes, how=how)


RULES: Final[tuple[Row[Field], ...]] = (
    made(
        "003",
        "003",
        recoded("003", numbers.isil),
        f"{_KS} 003",
        how="a Korean library code as ISIL",
    ),
    made("005", "005", recoded("005", kormarc_coded.marc21_time), f"{_KS} 005", how="with .0"),
    made(
        "006",
        "006",
        recoded("006", kormarc_coded.marc21_006),
        f"{_KS} 006",
        how="14 to 18 positions",
    ),
    made("008", "008", _fixed_008, f"{_KS} 008"),
    made("012", "016", numbers.to_marc21_agency_number, f"{_KS} 012", reads="az8"),
    made("020", "020, 024", numbers.to_marc21_isbn, f"{_KS} 020", reads="acgqz68"),
    copied("023", "035 ##", "a z 8", "KORMARC 2014, 023"),
    copied("035", "035 ##", "*", f"{_KS} 035", steps={"a": (numbers.isil,), "z": (numbers.isil,)}),
    copied("040", "040 ##", "*", f"{_KS} 040", steps=dict.fromkeys("acd", (numbers.isil,))),
    copied("044", "044 ##", "*", f"{_KS} 044", steps={"a": (kormarc_places.marc21_code,)}),
    made("049", "852", numbers.to_marc21_copies, f"{_KS} 049", reads="alvcf"),
    made("052", "852", numbers.to_marc21_call_number, f"{_KS} 052", reads="abc3"),
    copied("055", "052 <#", "*", f"{_KS} 055"),
    made("056", "084", numbers.to_marc21_kdc, f"{_KS} 056", reads="abq268"),
    made("074", "074, 024", numbers.to_marc21_government_number, f"{_KS} 074", reads="akz8"),
    made("085", "084", numbers.to_marc21_class, f"{_KS} 085", reads="abq01268"),
    copied("090", "090 <>", "*", f"{_KS} 090"),
    copied("100", "100 ##", "*", f"{_KS} 100", first=_personal),
    copied("110", "110 ##", "*", f"{_KS} 110", first=_corporate),
    copied("111", "111 ##", "*", f"{_KS} 111", first=_corporate),
    copied("130", "130 ##", "*", f"{_KS} 130", first=_skips),
    copied("222", "222 ##", "*", f"{_KS} 222", second=_skips),
    copied("240", "240 <#", "*", f"{_KS} 240", second=_skips),
    copied("242", "242 <#", "d>c( /) *", f"{_KS} 242", first=_added_title, second=_skips),
    copied("243", "243 <#", "*", f"{_KS} 243", second=_skips),
    made("245", "245", _title, f"{_KS} 245", reads=kormarc_title.READ_OF_KORMARC),
    made("246", "246, 765", _variant_title, f"{_KS} 246"),
    made("440", "490, 830", _series, "KORMARC for monographs, 440", reads="anpvxs68"),
    copied("490", "490 <#", "*", f"{_KS} 490"),
    made("501", "501", _bound_with, f"{_KS} 501", reads="abcdefghijklmnopqrstuvwxyz568"),
    made("502", "502", _thesis, f"{_KS} 502"),
    copied("505", "505 <>", "d>r( /) e>r+( ;) n>g *", f"{_KS} 505"),
    made("507", "765, 500, 507", _original, f"KORMARC for monographs, 507; {_KS} 507"),
    *(
        made(tag, tag, _subject, f"{_KS} {tag}")
        for tag in ("600", "610", "611", "630", "647", "648", "650", "651", "655")
    ),
    copied("653", "653 <>", "*", f"{_KS} 653", steps={"a": (numbers.plain,)}),
    copied("700", "700 #>", "*", f"{_KS} 700", first=_personal),
    copied("710", "710 #>", "*", f"{_KS} 710", first=_corporate),
    copied("711", "711 #>", "*", f"{_KS} 711", first=_corporate),
    copied("730", "730 #>", "*", f"{_KS} 730", first=_skips),
    copied("740", "740 #>", "*", f"{_KS} 740", first=_skips),
    copied("800", "800 ##", "*", f"{_KS} 800", first=_personal),
    copied("810", "810 ##", "*", f"{_KS} 810", first=_corporate),
    copied("811", "811 ##", "*", f"{_KS} 811", first=_corporate),
    copied("830", "830 ##", "*", f"{_KS} 830", second=_skips),
    _variant("900", "abcdefgjklnpqtu48", lambda field: _personal(field, _NONE) + " "),
    _variant("910", "abcdefgklnptu48", lambda field: _corporate(field, _NONE) + " "),
    _variant("911", "acdefgklnpqtu48", lambda field: _corporate(field, _NONE) + " "),
    _variant("930", "adfghklmnoprst8", lambda field: _skips(field, _NONE) + " "),
    _variant("940", "ahnp58", lambda _: "3 "),
    _variant("949", "anpvxs8", lambda _: "0 "),
    made("950", "037, 020", numbers.to_marc21_price, f"{_KS} 950", reads="abc"),
)


def as_it_is(field: Field, _: Record) -> Iterable[Field]:
    """Return a field in which the two formats do not differ."""
    return (field,)


_TABLE: Final = Table(RULES, DROPPED, as_it_is)


def convert(record: Record) -> tuple[Record, tuple[Loss, ...]]:
    """Return the record in MARC 21, and what of it did not get there; never raises.

    Losses of 008 name positions. 880s are converted as the field they stand for.
    """
    source, empty = laid_open(record)
    fields, lost = _TABLE.convert(source)
    converted = [closed(field) for field in fields if field.tag not in VARIANTS]
    variants = [(field.tag, field) for field in fields if field.tag in VARIANTS]
    converted = linked(numbers.with_price_in_isbn(converted), variants)
    coded, positions = kormarc_coded.marc21_008(record)
    if not record.control("008"):
        converted.append(Field("008", "", (), coded))
    converted.sort(key=block)
    leader = kormarc_coded.marc21_leader(record)
    return Record(leader, tuple(converted)), (*empty, *positions, *lost)


def block(field: Field) -> str:
    """Return what fields are sorted by: 00X by tag, then the blocks of hundreds as they came."""
    return f" {field.tag}" if field.tag < "010" else field.tag[:1]
