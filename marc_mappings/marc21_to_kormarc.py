"""MARC 21 to KORMARC: a record that the system of a Korean public library can load.

The original script comes first: a romanised field and the 880 with its original change places, and
the romanised name or title becomes the local heading (900-949) that KORMARC has for other forms.
Statements of responsibility get their subfields, KDC its field, the country its Korean place. Tags
that mean something else in KORMARC (052, 055, 085, 049, local 9XX) never go over as they are.

What KORMARC cannot say of filing (how many characters to skip, other than a term in parentheses) is
reported with ``ind2`` for the subfields; losses of 008 name positions. An 880 that stays one is
reported as well, because systems that know only local headings do not show it.

Source: KS X 6006-0:2023, https://librarian.nl.go.kr/kormarc/KSX6006-0/index.html; MARC 21
Bibliographic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from marc_mappings import steps
from marc_mappings.kormarc import coded as kormarc_coded
from marc_mappings.kormarc import numbers, variants
from marc_mappings.kormarc import places as kormarc_places
from marc_mappings.kormarc import title as kormarc_title
from marc_mappings.kormarc_to_marc21 import KOREAN_SUBJECTS, as_it_is, block, recoded
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss, Row, Table, copied, made

SOURCE: Final = "MARC 21"
TARGET: Final = "KORMARC"
OTHERWISE: Final = "A field that no row names is copied as it is: the formats do not differ in it."
_LOCAL: Final = "local field of the sender, whose tag means something else in KORMARC"
_NOT_MARC21: Final = "no field of MARC 21, and its tag means something else in KORMARC"
DROPPED: Final = {
    "012": _NOT_MARC21,
    "023": "the ISSN of a cluster other than ISSN-L: KORMARC has the CIP number there",
    "049": "holdings symbol of the sender: KORMARC has its registration numbers there",
    "056": _NOT_MARC21,
    "085": "components of a synthesized number: KORMARC has no place for them",
    **dict.fromkeys(("900", "910", "911", "930", "940", "949", "950", "980"), _LOCAL),
    "490l": "LC call number of the series: KORMARC 490 has no place for it",
    "084016": "link of the class to an authority or field: KORMARC 056 has no place for it",
    "052016": "link of the class to an authority or field: KORMARC 055 has no place for it",
}
_KEPT: Final = "stays an 880: KORMARC has no local heading for another form of {}"
_REST: Final = "KORMARC {} holds the heading only; this is the other form of what is said there"
_SKIPS: Final = "how many characters filing skips: KORMARC only knows a term in parentheses"

# What a local heading holds. Source: KS X 6006-0:2023, 900, 910, 911, 930, 940, 949.
_HEADING_CODES: Final = {
    "900": "abcdefgjklnpqtu48",
    "910": "abcdefgklnptu48",
    "911": "acdefgklnpqtu48",
    "930": "adfghklmnoprst8",
    "940": "ahnp58",
    "949": "anpvx8",
}
_KS: Final = "KS X 6006-0:2023"
# 6XX second indicators that KORMARC does not have, as source codes.
_LISTS: Final = {"5": "csh", "6": "rvm"}


def _fixed_008(_: Field, record: Record) -> list[Field]:
    """Position by position, see kormarc_coded.RUNS; 26-28, 32, 38-39 and the place recoded."""
    return [Field("008", "", (), kormarc_coded.kormarc_008(record)[0])]


def _title(field: Field, _: Record) -> list[Field]:
    """$b to $x and $b, $c to $d and $e; second indicator 1 for a term in parentheses."""
    parts = kormarc_title.to_kormarc(field.subfields)
    first = "1" if field.indicators[:1] == "1" else "0"
    return [Field("245", first + _parentheses(field, 1), parts)] if parts else []


def _parentheses(field: Field, indicator: int) -> str:
    """Return 1 if the count at ``indicator`` is that of a term in parentheses, else 0."""
    count = field.indicators[indicator : indicator + 1]
    return "1" if kormarc_title.in_parentheses(field.first("a"), count) else "0"


def _first_skips(field: Field, _: Record) -> str:
    return _parentheses(field, 0)


def _second_skips(field: Field, _: Record) -> str:
    return _parentheses(field, 1)


def _name(field: Field, _: Record) -> list[Field]:
    """As it is, 710 and 711 without first indicator; an other form (by its $i) is 900, 910, 911."""
    if _is_heading("9" + field.tag[1:], field):
        return [_heading("9" + field.tag[1:], field)]
    first = field.indicators[:1] if field.tag == "700" else " "
    return [Field(field.tag, first + field.indicators[1:], field.subfields)]


def _uniform_title(field: Field, _: Record) -> list[Field]:
    """As it is; an other form of title (by its $i) is 930."""
    if _is_heading("930", field):
        return [_heading("930", field)]
    return [Field("730", _parentheses(field, 0) + field.indicators[1:], field.subfields)]


def _variant_title(field: Field, _: Record) -> list[Field]:
    """As it is; an other form of title (by its $i) is 940."""
    return [_heading("940", field) if _is_heading("940", field) else field]


def _is_heading(tag: str, field: Field) -> bool:
    """Whether an added entry is a local heading by its $i, and all of it has a place there."""
    if not variants.is_other_form(field):
        return False
    return all(part.code in _HEADING_CODES[tag] + "i" for part in field.subfields)


def _heading(tag: str, field: Field) -> Field:
    """Return the local heading of KORMARC for a field in another form."""
    wanted = _HEADING_CODES[tag]
    parts = [
        Subfield("s" if tag == "949" and code == "x" else code, numbers.plain(value))
        for code, value in field.subfields
        if code in wanted and value.strip()
    ]
    first = field.indicators[:1] if tag == "900" else " " if tag in ("910", "911") else "0"
    return Field(tag, first + ("0" if tag < "930" else " "), tuple(parts))


def _series(field: Field, _: Record) -> list[Field]:
    """440, which KORMARC has given up, is 490 1# and 830."""
    title = " ".join([value.strip() for value in field.all("anp")])
    rest = [part for part in field.subfields if part.code in "vx68" and part.value.strip()]
    parts = (Subfield("a", title), *rest)
    trace = tuple([part for part in field.subfields if part.code in "anpvx" and part.value.strip()])
    skips = _parentheses(field, 1)
    return [Field("490", "1" + skips, parts), Field("830", " " + skips, trace)] if title else []


def _thesis(field: Field, _: Record) -> list[Field]:
    """$b $c $g $d $o to $a $b $c $d $0; a plain note stays $a, and beside them is a 500."""
    moves = {"b": "a", "c": "b", "g": "c", "d": "d", "o": "0"}
    divided = any(field.all("bcd"))
    parts = [
        Subfield(moves.get(code, code) if divided else code, value)
        for code, value in field.subfields
        if value.strip() and not (divided and code == "a")
    ]
    notes = [Field("500", "  ", (Subfield("a", text),)) for text in field.all("a") if divided]
    return [Field("502", field.indicators.replace(" ", "0", 1), tuple(parts)), *notes]


def _contents(field: Field, _: Record) -> list[Field]:
    """$r, cut at " ;", to $d and $e."""
    parts: list[Subfield] = []
    for code, value in field.subfields:
        if code == "r":
            names = value.split(" ; ")
            signed = [f"{name} ;" for name in names[:-1]] + names[-1:]
            parts.extend(Subfield("e" if at else "d", name) for at, name in enumerate(signed))
        else:
            parts.append(Subfield(code, value))
    return [Field("505", field.indicators, tuple(parts))]


def _subject(field: Field, _: Record) -> list[Field]:
    """$2 nlsh is second indicator 8; 5 and 6 are 7 with $2; 610 and 611 without first indicator."""
    first, second = field.indicators[:1], field.indicators[1:2]
    parts = list(field.subfields)
    if second == "7" and field.first("2") in (KOREAN_SUBJECTS, "nlksh"):
        second = "8"
        parts = [part for part in parts if part.code != "2"]
    elif second in _LISTS:
        parts.append(Subfield("2", _LISTS[second]))
        second = "7"
    if field.tag in ("610", "611"):
        first = " "
    elif field.tag == "630":
        first = _parentheses(field, 0)
    return [Field(field.tag, first + second, tuple(parts))]


def _drawn(tag: str) -> str:
    return f"{_KS} {tag}"


RULES: Final[tuple[Row[Field], ...]] = (
    made("003", "003", recoded("003", numbers.library_code), _drawn("003"), how="six digits"),
    made("005", "005", recoded("005", kormarc_coded.kormarc_time), _drawn("005"), how="14 digits"),
    made("006", "006", recoded("006", kormarc_coded.kormarc_006), _drawn("006"), how="18 to 14"),
    made("008", "008", _fixed_008, _drawn("008")),
    made("016", "012, 016", numbers.to_kormarc_agency_number, _drawn("012")),
    made("020", "020", numbers.to_kormarc_isbn, _drawn("020")),
    copied("023|0*|", "022 ##", "a>l", _drawn("022")),
    made("024", "024, 074", numbers.to_kormarc_other_number, _drawn("024")),
    made("035", "035, 023", numbers.to_kormarc_system_number, _drawn("035")),
    made("037", "950, 037", numbers.to_kormarc_price, _drawn("950")),
    copied(
        "040", "040 ##", "*", _drawn("040"), steps=dict.fromkeys("acd", (numbers.library_code,))
    ),
    copied("044", "044 ##", "*", _drawn("044"), steps={"a": (kormarc_places.kormarc_code,)}),
    copied("052", "055 <#", "a b d 2 8", _drawn("055")),
    copied("055", "085 ##", "a b 2 8", _drawn("085")),
    made("084", "056, 085", numbers.to_kormarc_class, _drawn("056, 085")),
    copied("110", "110 ##", "*", _drawn("110")),
    copied("111", "111 ##", "*", _drawn("111")),
    copied("130", "130 ##", "*", _drawn("130"), second=_first_skips),
    copied("222", "222 ##", "*", _drawn("222"), second=_second_skips),
    copied("240", "240 <#", "*", _drawn("240"), second=_second_skips),
    copied("242", "242 <#", "c>d *", _drawn("242"), second=_second_skips),
    copied("243", "243 <#", "*", _drawn("243"), second=_second_skips),
    made("245", "245", _title, _drawn("245"), reads=kormarc_title.READ_OF_MARC21),
    made("246", "246, 940", _variant_title, _drawn("246, 940")),
    made("440", "490, 830", _series, _drawn("490, 830"), reads="anpvx68"),
    copied("490", "490 <0", "a v x y z 3 6 8", _drawn("490")),
    made("502", "502, 500", _thesis, _drawn("502")),
    made("505", "505", _contents, _drawn("505")),
    *(
        made(tag, tag, _subject, _drawn(tag))
        for tag in ("600", "610", "611", "630", "647", "648", "650", "651", "655")
    ),
    *(made(tag, f"{tag}, 9{tag[1:]}", _name, _drawn(tag)) for tag in ("700", "710", "711")),
    made("730", "730, 930", _uniform_title, _drawn("730")),
    copied("740", "740 #>", "*", _drawn("740"), first=_first_skips),
    copied("810", "810 ##", "*", _drawn("810")),
    copied("811", "811 ##", "*", _drawn("811")),
    copied("830", "830 ##", "*", _drawn("830"), second=_second_skips),
    made("852", "852, 049, 052", numbers.to_kormarc_location, _drawn("049, 052")),
)


_TABLE: Final = Table(RULES, DROPPED, as_it_is)
# Which indicator of a title counts what filing skips. Source: MARC 21 Bibliographic.
_COUNTED: Final = {
    **dict.fromkeys(("130", "630", "730", "740"), 0),
    **dict.fromkeys(("222", "240", "242", "243", "245", "440", "830"), 1),
}


def convert(record: Record) -> tuple[Record, tuple[Loss, ...]]:
    """Return the record in KORMARC, and what of it did not get there; never raises."""
    headings, lost_parts, rest = _headings(variants.with_vernacular_first(record.fields))
    source, empty = variants.laid_open(Record(record.leader, tuple(rest)))
    fields, lost = _TABLE.convert(source)
    converted = [variants.closed(field) for field in fields]
    converted = numbers.with_add_on_codes(numbers.with_one_holding(converted))
    coded, positions = kormarc_coded.kormarc_008(record)
    if not record.control("008"):
        converted.append(Field("008", "", (), coded))
    converted = [*variants.without_links(converted), *headings]
    converted.sort(key=block)
    losses = (*empty, *positions, *lost, *lost_parts, *_uncounted(source), *_kept(converted))
    return Record(kormarc_coded.kormarc_leader(record), tuple(converted)), losses


def _headings(fields: list[Field]) -> tuple[list[Field], list[Loss], list[Field]]:
    """Return the 880s that are local headings, what of them is lost, and the other fields."""
    if not any(field.tag == "880" for field in fields):
        return [], [], fields
    headings: dict[Field, None] = {}
    lost: dict[Loss, None] = {}
    rest = []
    for field in fields:
        tag = variants.HEADINGS.get(steps.linked_tag(field)) if field.tag == "880" else None
        if tag is None or not field.first("a").strip():
            rest.append(field)
            continue
        headings[_heading(tag, field)] = None
        codes = "".join(dict.fromkeys(part.code for part in field.subfields))
        if left := "".join(code for code in codes if code not in _HEADING_CODES[tag] + "6x0179"):
            lost[Loss("880", left, _REST.format(tag))] = None
        if control := "".join(code for code in codes if code in "0179"):
            lost[Loss("880", control, "a link: KORMARC local headings have none")] = None
    return list(headings), list(lost), rest


def _uncounted(record: Record) -> Iterable[Loss]:
    """Yield a loss for each tag whose count of characters to skip KORMARC cannot say."""
    found: dict[Loss, None] = {}
    for field in record.fields:
        at = _COUNTED.get(field.tag, -1)
        if at < 0 or variants.is_other_form(field):
            continue
        if field.indicators[at : at + 1] not in ("", "0", " ") and _parentheses(field, at) == "0":
            found[Loss(field.tag, f"ind{at + 1}", _SKIPS)] = None
    return found


def _kept(fields: Iterable[Field]) -> Iterable[Loss]:
    tags = (steps.linked_tag(field) for field in fields if field.tag == "880")
    return [Loss("880", "", _KEPT.format(tag)) for tag in dict.fromkeys(tags) if tag]
