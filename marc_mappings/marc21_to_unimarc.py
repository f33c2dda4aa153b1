"""MARC 21 to UNIMARC, and to CNMARC, its Chinese form: records that a partner's system can load.

The plain flavour writes links with standard subfields (BnF, ABES, Koha), names the first author in
700, and repeats a field for each script ($6, $7). The CNMARC flavour embeds links behind ``$1``,
names authors as equals in 701 and 711 as the National Library of China does, has the Chinese form
in the field and its romanisation beside it in capitals ($A), and CLC class numbers in 690.

Source: UNIMARC Manual, Bibliographic Format (IFLA, 2023); LC, UNIMARC to MARC 21 Conversion
Specifications (2001), read from right to left; CNMARC (WH/T 0503, GB/T 33286-2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, get_args

from marc_mappings import steps
from marc_mappings.marc21 import coded as marc21_coded
from marc_mappings.marc21 import description as marc21_description
from marc_mappings.marc21 import links as marc21_links
from marc_mappings.marc21 import names as marc21_names
from marc_mappings.marc21 import notes as marc21_notes
from marc_mappings.marc21 import numbers as marc21_numbers
from marc_mappings.marc21 import scripts as marc21_scripts
from marc_mappings.marc21 import subjects as marc21_subjects
from marc_mappings.marc21 import without_place as marc21_without_place
from marc_mappings.marc21.names import Flavour
from marc_mappings.record import Field, Record, Subfield
from marc_mappings.rules import Loss, Row, Table, copied, made

SOURCE: Final = "MARC 21"
TARGET: Final = "UNIMARC"
OTHERWISE: Final = (
    "A note (5XX) that no row names becomes a general note (300); any other field is reported "
    "as lost."
)

_LC = "LC UNIMARC to MARC 21"
_MANUAL = "UNIMARC Manual"
Make = Callable[[Field, Record], list[Field]]

# 246 second indicator to tag. Source: UNIMARC Manual 510-517; LC, UNIMARC to MARC 21: 5XX.
_VARIANTS: Final = {"1": "510", "4": "512", "5": "513", "6": "514", "7": "515", "8": "516"}
_TITLE_PARTS: Final = "a b>e f>n g>n n>h p>i"
_TRIMMED: Final = dict.fromkeys("abcdefghinpv", (steps.trim_isbd,))


def _variant_title(field: Field, _: Record) -> list[Field]:
    """The second indicator chooses the tag; words for display ($i) become a note (312)."""
    tag = _VARIANTS.get(field.indicators[1:], "517")
    significant = "0" if field.indicators[:1] in ("0", "2") else "1"
    fields = _variant.make(field, Record("", ()))
    variants = [each._replace(tag=tag, indicators=f"{significant} ") for each in fields]
    words = " ".join(field.all("i")).strip()
    if words and variants:
        text = f"{words.rstrip(':')}: {marc21_names.text_of(field.subfields, 'abnp')}"
        variants.append(Field("312", "  ", (Subfield("a", text),)))
    return variants


_variant: Final = copied("246", "517 ##", _TITLE_PARTS, _LC, steps=_TRIMMED)


def _person(tag: str, family: str, flavour: Flavour) -> Make:
    def make(field: Field, record: Record) -> list[Field]:
        """Entry element and rest apart, dates, roles as numbers; a family is 720 or 722."""
        is_family = field.indicators[:1] == "3"
        to = family if is_family else tag
        if field.tag == "700":
            equal, other = ("721", "722") if is_family else ("701", "702")
            to = marc21_names.added_tag(field, record, equal, other)
        parts = [*marc21_names.person(field), *marc21_names.role_subfields(field, record, flavour)]
        second = " " if is_family else marc21_names.order(field, parts, flavour)
        return [Field(to, f" {second}", tuple(parts))] if parts else []

    return make


def _body(tag: str, flavour: Flavour) -> Make:
    def make(field: Field, record: Record) -> list[Field]:
        """Name, divisions, number, place and date apart, roles as numbers."""
        is_added = field.tag[0] == "7"
        to = marc21_names.added_tag(field, record, "711", "712") if is_added else tag
        parts = [*marc21_names.body(field), *marc21_names.role_subfields(field, record, flavour)]
        first = "1" if field.tag[1:] == "11" else "0"
        second = field.indicators[:1] if field.indicators[:1] in ("0", "1", "2") else "2"
        return [Field(to, first + second, tuple(parts))] if parts else []

    return make


def _added(name: Make, flavour: Flavour) -> Make:
    contained = marc21_links.name_title("464", flavour)
    other = marc21_links.name_title("488", flavour)

    def make(field: Field, record: Record) -> list[Field]:
        """A name; with a title it is a link: 464 to a part of this book, 488 to another work."""
        if field.first("t"):
            return (contained if field.indicators[1:] == "2" else other)(field, record)
        return name(field, record)

    return make


def _uncontrolled_name(field: Field, record: Record) -> list[Field]:
    """A name as it stands, with its role."""
    parts = [Subfield("a", text) for value in field.all("a") if (text := steps.trim_isbd(value))]
    kind = field.indicators[0] if field.indicators[:1] in ("1", "2") else "0"
    roles = marc21_names.role_subfields(field, record, "unimarc")
    return [Field("730", f"{kind} ", (*parts, *roles))] if parts else []


_IMPRINT_STEPS: Final = {
    **dict.fromkeys("ab", (steps.without_sign,)),
    "c": (marc21_description.date,),
    **dict.fromkeys("ef", (marc21_description.without_brackets,)),
    "g": (marc21_description.without_brackets, marc21_description.date),
}
_EXTENT_STEPS: Final = {
    **dict.fromkeys("abefg", (steps.without_sign,)),
    "c": (marc21_description.dimensions,),
}


def _intervening(field: Field, _: Record) -> str:
    """First indicator of 210: 0 an intervening publisher, 1 the current one."""
    return {"2": "0", "3": "1"}.get(field.indicators[:1], " ")


def _terms(target: str) -> Make:
    def make(field: Field, _: Record) -> list[Field]:
        """The code, or the term where there is no code, and the list it is from."""
        found = [value.strip() for value in field.all("b")] or [
            value.strip() for value in field.all("a")
        ]
        parts = [Subfield("c", value) for value in found if value]
        source = [Subfield("2", value) for value in field.all("2")]
        return [Field(target, "  ", (part, *source)) for part in parts]

    return make


def _term_codes(field: Field) -> frozenset[str]:
    return frozenset("b2" if field.first("b").strip() else "a2")


def rules(flavour: Flavour) -> tuple[Row[Field], ...]:
    """Return the rows of a flavour."""
    first, equal_body = ("701", "711") if flavour == "cnmarc" else ("700", "710")
    family = "721" if flavour == "cnmarc" else "720"
    person = _person(first, family, flavour)
    body = _body(equal_body, flavour)
    names = marc21_names
    series = marc21_links.series(flavour)
    subject = marc21_subjects.named(flavour)
    return (
        *marc21_numbers.RULES,
        copied("306", "127 ##", "a", f"{_MANUAL}: 127", each="a"),
        made("336", "181 ##", _terms("181"), f"{_MANUAL}: 181", reads=_term_codes),
        made("337", "182 ##", _terms("182"), f"{_MANUAL}: 182", reads=_term_codes),
        made("338", "183 ##", _terms("183"), f"{_MANUAL}: 183", reads=_term_codes),
        made(
            "245",
            "200 1#",
            marc21_description.title,
            f"{_LC}: 200",
            reads=marc21_description.TITLE_CODES,
        ),
        made("250", "205 ##", marc21_description.edition, f"{_LC}: 205", reads="ab"),
        copied("254", "208 ##", "a", f"{_LC}: 208", steps=_TRIMMED),
        made("255", "206 ##", marc21_notes.note("206"), f"{_LC}: 206", reads=marc21_notes.CODES),
        copied("256", "230 ##", "a", f"{_LC}: 230", steps=_TRIMMED),
        copied(
            "260",
            "210 ##",
            "a b>c c>d e f>g g>h",
            f"{_LC}: 210",
            steps=_IMPRINT_STEPS,
            first=_intervening,
        ),
        copied(
            "264|*0|", "210 #1", "a b>c c>d", f"{_MANUAL}: 210, not published", steps=_IMPRINT_STEPS
        ),
        *(
            copied(
                f"264|*{kind}|",
                "210 ##",
                "a b>c c>d",
                f"{_LC}: 210",
                steps=_IMPRINT_STEPS,
                first=_intervening,
            )
            for kind in "#12"
        ),
        copied("264|*3|", "210 ##", "a>e b>g c>h", f"{_LC}: 210", steps=_IMPRINT_STEPS),
        copied("264|*4|", "210 ##", "c>d", f"{_LC}: 210", steps=_IMPRINT_STEPS),
        copied("263", "211 ##", "a", f"{_MANUAL}: 211"),
        copied("300", "215 ##", "a b>c c>d e f>a+ g>a+", f"{_LC}: 215", steps=_EXTENT_STEPS),
        copied("310", "326 ##", "a b", f"{_LC}: 326", steps=_TRIMMED),
        copied("321", "326 ##", "a b", f"{_LC}: 326", steps=_TRIMMED),
        copied("362|1*|", "207 #1", "a z", f"{_LC}: 207"),
        *(copied(f"362|{first}*|", "207 #0", "a z", f"{_LC}: 207") for first in "0#"),
        made("490", "225", marc21_description.series, f"{_LC}: 225", reads="anpvx"),
        made("440", "225 2#", marc21_description.series, f"{_LC}: 225", reads="anpvx"),
        *marc21_notes.RULES,
        *(
            made(tag, "410 #0", series, f"{_LC}: 410", reads=marc21_links.name_title_reads(flavour))
            for tag in marc21_links.SERIES_TAGS
        ),
        *(
            made(
                tag,
                f"{to} #<",
                marc21_links.link(to, flavour),
                f"{_LC}: {to}",
                reads=marc21_links.LINK_CODES,
            )
            for tag, to in marc21_links.TARGETS.items()
        ),
        made(
            "773",
            "461 or 463",
            marc21_links.host(flavour),
            f"{_LC}: 463",
            reads=marc21_links.LINK_CODES,
        ),
        made(
            "780",
            "43X",
            marc21_links.earlier(flavour),
            f"{_LC}: 43X",
            reads=marc21_links.LINK_CODES,
        ),
        made(
            "785", "44X", marc21_links.later(flavour), f"{_LC}: 44X", reads=marc21_links.LINK_CODES
        ),
        *(
            made(
                tag,
                f"{target} {signs}",
                marc21_subjects.uniform_title(target, signs.replace("#", " "), skipped),
                f"{_LC}: {target}",
                reads=marc21_subjects.TITLE_CODES + "0",
            )
            for tag, target, signs, skipped in (
                ("130", "500", "11", 0),
                ("240", "500", "11", 1),
                ("243", "501", "11", 1),
                ("730", "500", "10", 0),
            )
        ),
        copied("210", "531 ##", "a b", f"{_LC}: 531", steps=_TRIMMED),
        copied("222", "530 0#", "a b", f"{_LC}: 530", steps=_TRIMMED),
        copied("242", "541 1#", "a b>e n>h p>i y>z", f"{_LC}: 541", steps=_TRIMMED),
        made("246", "51X", _variant_title, f"{_LC}: 510-517", reads="abfginp"),
        copied("247", "520 1#", _TITLE_PARTS + " x", f"{_LC}: 520", steps=_TRIMMED),
        copied("740", "517 1#", "a n>h p>i", f"{_LC}: 517", steps=_TRIMMED),
        *(
            made(
                tag,
                f"{to} {signs}",
                subject,
                f"{_LC}: {to}",
                reads=marc21_subjects.name_reads(flavour),
            )
            for tag, to, signs in (
                ("600", "600", "#1"),
                ("610", "601", "02"),
                ("611", "601", "12"),
            )
        ),
        made(
            "630",
            "605 ##",
            marc21_subjects.uniform_title("605", "  ", 0),
            f"{_LC}: 605",
            reads=marc21_subjects.with_system(marc21_subjects.TITLE_CODES),
        ),
        *(
            made(
                tag,
                "606 <#",
                marc21_subjects.topical,
                f"{_LC}: 606",
                reads=marc21_subjects.with_system("abcd"),
            )
            for tag in ("648", "650", "656", "657")
        ),
        made(
            "651",
            "607 ##",
            marc21_subjects.topic("607"),
            f"{_LC}: 607",
            reads=marc21_subjects.with_system("a"),
        ),
        made(
            "655",
            "608 ##",
            marc21_subjects.topic("608"),
            f"{_LC}: 608",
            reads=marc21_subjects.with_system("a"),
        ),
        made("653", "610 <#", marc21_subjects.keywords, f"{_LC}: 610", reads="a"),
        copied("752", "620 ##", "a b c d", f"{_LC}: 620", steps=_TRIMMED),
        copied("662", "617 ##", "a b c d 0>3 2", f"{_MANUAL}: 617", steps=_TRIMMED),
        made("043", "660 ##", marc21_subjects.area_codes, f"{_LC}: 660", reads="a"),
        copied("045", "661 ##", "a", f"{_LC}: 661", each="a"),
        copied("080", "675 ##", "a x>a+ 2>v", f"{_LC}: 675"),
        made("082", "676 ##", marc21_subjects.dewey, f"{_LC}: 676", reads="a2"),
        made("050", "680 ##", marc21_subjects.lc_class, f"{_LC}: 680", reads="ab"),
        *(
            made(tag, "686 ##", marc21_subjects.class_number(code), f"{_MANUAL}: 686", reads=reads)
            for tag, code, reads in (
                ("060", "usnlm", "ab"),
                ("070", "usnal", "ab"),
                ("086", "", "ab2"),
            )
        ),
        made(
            "084",
            "690 or 686" if flavour == "cnmarc" else "686 ##",
            marc21_subjects.chinese_class
            if flavour == "cnmarc"
            else marc21_subjects.class_number(""),
            "CNMARC: 690" if flavour == "cnmarc" else f"{_MANUAL}: 686",
            reads="ab2",
        ),
        made("100", f"{first} #1", person, f"{_LC}: 700", reads=names.PERSON_CODES + "e4"),
        made("110", f"{equal_body} 02", body, f"{_LC}: 710", reads=names.BODY_CODES + "e4"),
        made("111", f"{equal_body} 12", body, f"{_LC}: 710", reads=names.MEETING_CODES + "j4"),
        *_added_rows(flavour, "700", person, names.PERSON_CODES + "e4"),
        *_added_rows(flavour, "710", body, names.BODY_CODES + "e4"),
        *_added_rows(flavour, "711", body, names.MEETING_CODES + "j4"),
        made("720", "730 <#", _uncontrolled_name, f"{_LC}: 730", reads="ae4"),
        copied("856", "856 <#", "a c d f h i m o q s u x y>2 z 3>z", f"{_LC}: 856"),
    )


def _added_rows(flavour: Flavour, tag: str, name: Make, reads: str) -> Iterable[Row[Field]]:
    """Yield the row of an added entry: a name, or with a title a link."""
    target = "701 or 702" if tag == "700" else "711 or 712"
    with_title = marc21_links.name_title_reads(flavour)
    alone = frozenset(reads)
    yield made(
        tag,
        f"{target}; 464 or 488",
        _added(name, flavour),
        f"{_LC}: {target[:3]}",
        reads=lambda field: with_title(field) if field.first("t") else alone,
    )


RULES: Final = rules("unimarc")
CNMARC_RULES: Final = rules("cnmarc")
DROPPED: Final[Mapping[str, str]] = marc21_without_place.dropped(RULES)
_TABLES: Final = {
    "unimarc": Table(RULES, DROPPED, marc21_notes.other_note),
    "cnmarc": Table(CNMARC_RULES, DROPPED, marc21_notes.other_note),
}
_NO_CODE: Final = "a role that UNIMARC has no code for"
_READ_APART: Final = frozenset(("008", "041", "044"))


def convert(record: Record, flavour: Flavour = "unimarc") -> tuple[Record, tuple[Loss, ...]]:
    """Return the record in UNIMARC (or CNMARC) and what of it got lost, each once.

    The leader has the entry map of UNIMARC (``450 ``), 100 $a 36 characters, character set 50
    (UTF-8). Never raises on a record; raises ``ValueError`` for a flavour that there is not.
    """
    if flavour not in _TABLES:
        raise ValueError(f"{flavour!r} is no flavour; take one of {', '.join(get_args(Flavour))}")
    table = _TABLES[flavour]
    lost: dict[Loss, None] = {}
    values = []
    for source in marc21_scripts.sources(record):
        values.append((source, table.values(source.field, record, lost)))
        if codes := marc21_names.unknown_roles(source.field):
            lost[Loss(source.field.tag, codes, _NO_CODE)] = None
    language = marc21_coded.fixed(record)[35:38]
    if flavour == "cnmarc":
        fields = marc21_scripts.romanised(values, language, lost)
    else:
        fields = marc21_scripts.parallel(values, language)
    fields = [*marc21_coded.of_record(record), *marc21_description.joined_imprints(fields)]
    fields.sort(key=_order)
    losses = [loss for loss in lost if loss.tag not in _READ_APART]
    losses += dict.fromkeys(marc21_coded.unread(record))
    return Record(marc21_coded.leader(record), tuple(fields)), tuple(losses)


def _order(field: Field) -> str:
    """Return the tag, with the function of the agency where it is 801."""
    return field.tag + field.indicators if field.tag == "801" else field.tag
