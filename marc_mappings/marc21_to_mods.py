"""MARC 21 to MODS 3.7, the richer metadata that libraries index.

The rows follow the mapping of the Library of Congress. Where it leaves a choice: what belongs to
one publication is one originInfo, and what describes one item one physicalDescription; a field and
its 880 have the same altRepGroup, and the 880 says its script (ISO 15924); nothing is said that the
record does not say; fields marked private stay private.

Source: MARC 21 to MODS 3.7 Mapping (Library of Congress),
https://www.loc.gov/standards/mods/mods-mapping-3-7.html; MODS 3.7 schema; ISO 15924.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from marc_mappings import steps
from marc_mappings.letters import scripts
from marc_mappings.mods import coded, description, headings, numbers, publication, related, subjects
from marc_mappings.mods.elements import Element, is_uri, some, written
from marc_mappings.mods.headings import Elements, Maker
from marc_mappings.record import Field, Record
from marc_mappings.rules import Loss, Row, Table, made

SOURCE: Final = "MARC 21"
TARGET: Final = "MODS 3.7"
OTHERWISE: Final = "A field that no row names and DROPPED does not explain is reported as lost."

# The elements of MODS in the order in which they are written.
ORDER: Final = (
    "titleInfo",
    "name",
    "typeOfResource",
    "genre",
    "originInfo",
    "language",
    "physicalDescription",
    "abstract",
    "tableOfContents",
    "targetAudience",
    "note",
    "subject",
    "classification",
    "relatedItem",
    "identifier",
    "location",
    "accessCondition",
    "part",
    "recordInfo",
)
_RANK: Final = {element: rank for rank, element in enumerate(ORDER)}
# Inside these, what several fields say stands together, in this order.
_GATHERED: Final[Mapping[str, tuple[str, ...]]] = {
    "originInfo": (
        "place",
        "publisher",
        "dateIssued",
        "dateCreated",
        "dateCaptured",
        "dateValid",
        "dateModified",
        "copyrightDate",
        "dateOther",
        "edition",
        "issuance",
        "frequency",
    ),
    "physicalDescription": ("form", "internetMediaType", "extent", "note"),
    "recordInfo": (
        "descriptionStandard",
        "recordContentSource",
        "recordCreationDate",
        "recordChangeDate",
        "recordIdentifier",
        "recordOrigin",
        "languageOfCataloging",
        "recordInfoNote",
    ),
}
_LC: Final = "LC mapping 3.7"


def row(
    place: str, target: str, make: Maker, source: str = "", *, reads: str | None = None
) -> Row[Element]:
    """Return a row of this mapping; what it makes is paired with its field by $6.

    ``source`` defaults to the section of the element in the mapping of the Library of Congress.
    """
    base = made(place, target, make, source or f"{_LC}: {target}, {place[:3]}", reads=reads)

    def paired(field: Field, record: Record) -> Elements:
        found = make(field, record)
        return _paired(found, field) if field.subfields and field.first("6") else found

    return base._replace(make=paired)


def _paired(found: Elements, field: Field) -> Elements:
    """Give what a linked field makes its altRepGroup, and what an 880 makes its script."""
    occurrence = field.first("6")[4:6]
    group = occurrence if occurrence.isdigit() and occurrence != "00" else ""
    script = scripts.of_field(field) if field.tag == "880" else ""
    return tuple([_with_pair(one, group, script) for one in found])


def _with_pair(one: Element, group: str, script: str) -> Element:
    """relatedItem has no altRepGroup of its own: there it is said of its parts."""
    if one.name == "relatedItem":
        return one._replace(children=tuple([_with_pair(c, group, script) for c in one.children]))
    return one.having(altRepGroup=group, script=script)


_ABOUT: Final = "about the record: authenticity and modification"
# All letters: what of a name is not read, ``headings.unsaid`` tells.
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_NAME_TAGS: Final = ("100", "110", "111", "700", "710", "711")

# Tag -> type of the note, and its subfields.
_NOTES: Final[Mapping[str, tuple[str, str]]] = {
    "362": ("date/sequential designation", "az"),
    "500": ("", "a"),
    "501": ("with", "a"),
    "502": ("thesis", "abcdgo"),
    "504": ("bibliography", "ab"),
    "507": ("", "ab"),
    "508": ("creation/production credits", "a"),
    "511": ("performers", "a"),
    "513": ("report type", "ab"),
    "514": ("data quality", "abcdefghijkmz"),
    "515": ("numbering", "a"),
    "516": ("type of file", "a"),
    "518": ("venue", "adop"),
    "522": ("geographic coverage", "a"),
    "524": ("preferred citation", "a2"),
    "525": ("supplement", "a"),
    "526": ("study program", "iabcdxz"),
    "530": ("additional physical form", "abcd"),
    "533": ("reproduction", "abcdefmn"),
    "535": ("original location", "abcdg"),
    "536": ("funding", "abcdefgh"),
    "538": ("system details", "ai"),
    "541": ("acquisition", "abcdefhno"),
    "542": ("copyright", "abcdefghijklmnopqrs"),
    "544": ("related materials", "abcden"),
    "545": ("biographical/historical", "ab"),
    "546": ("language", "ab"),
    "547": ("", "a"),
    "550": ("issuing body", "a"),
    "552": ("entity and attribute information", "abcdefghijklmnopz"),
    "555": ("finding aids", "abcd"),
    "556": ("documentation", "az"),
    "561": ("ownership", "a"),
    "562": ("version identification", "abcde"),
    "563": ("binding", "a"),
    "565": ("case file characteristics", "abcde"),
    "567": ("methodology", "ab2"),
    "580": ("linking entry", "a"),
    "581": ("publications", "az"),
    "583": ("action", "abcdefhijklnoxz"),
    "584": ("accumulation", "ab"),
    "585": ("exhibitions", "a"),
    "586": ("awards", "a"),
    "588": ("source of description", "a"),
}

RULES: Final[tuple[Row[Element], ...]] = (
    # titleInfo
    row("245", "titleInfo", headings.title(indicator=1), reads="abfgknps6"),
    row("245", "note", description.responsibility, reads="c"),
    row(
        "245",
        "physicalDescription",
        description.medium,
        reads="h",
    ),
    row("210", "titleInfo", headings.title("abbreviated"), reads="ab26"),
    row("222", "titleInfo", headings.title("alternative", indicator=1), reads="ab6"),
    row("242", "titleInfo", headings.title("translated", indicator=1), reads="abnpy6"),
    row("246|*1|", "titleInfo", headings.title("translated", "i"), reads="abfginp6"),
    *(
        row(f"246|*{second}|", "titleInfo", headings.title("alternative", "i"), reads="abfginp6")
        for second in "#02345678"
    ),
    row("247", "titleInfo", headings.title("alternative"), reads="abfgnp6"),
    row("130", "titleInfo", headings.uniform_title(0), reads="adfgklmnoprst016"),
    row("240", "titleInfo", headings.uniform_title(1), reads="adfgklmnoprs016"),
    row("243", "titleInfo", headings.uniform_title(1), reads="adfgklmnoprs6"),
    *(
        row(f"730|*{second}|", "titleInfo", headings.uniform_title(0), reads="adfgklmnoprst016")
        for second in "#013456789"
    ),
    row("730|*2|", "relatedItem", related.part_title, reads="adfgiklmnoprstx016"),
    *(
        row(
            f"740|*{second}|", "titleInfo", headings.title("alternative", indicator=0), reads="anp6"
        )
        for second in "#013"
    ),
    row("740|*2|", "relatedItem", related.part_title, reads="anp6"),
    # name
    *(row(tag, "name", headings.name(tag), reads=_LETTERS + "01246") for tag in _NAME_TAGS),
    *(
        row(tag, "relatedItem", related.work(tag), reads=_LETTERS + "0146")
        for tag in ("700", "710", "711")
    ),
    row("720", "name", headings.uncontrolled_name, reads="ae46"),
    # genre
    row("008", "genre", coded.genres, f"{_LC}: genre, 008/18-34"),
    row("336", "genre", description.content_type, reads="ab2016"),
    row("655", "genre", subjects.genre, reads="abcvxyz0126"),
    row("380", "genre", description.text("genre", "a"), reads="a0126"),
    row("047", "genre", description.text("genre", "a", authority="marcmuscomp"), reads="a26"),
    # originInfo
    row("008", "originInfo", coded.place, f"{_LC}: originInfo, 008/15-17"),
    row("008", "originInfo", coded.dates, f"{_LC}: originInfo, 008/06-14"),
    row("008", "originInfo", coded.frequency, f"{_LC}: originInfo, 008/18"),
    row("033", "originInfo", publication.captured, reads="a6"),
    row("044", "originInfo", publication.countries, reads="abc6"),
    row("046", "originInfo", publication.special_dates, reads="cejklmnop26"),
    row("250", "originInfo", publication.edition, reads="ab6"),
    row("260", "originInfo", publication.imprint, reads="abcefg6"),
    *(row(tag, "originInfo", publication.imprint, reads="abcd6") for tag in ("261", "262")),
    row("264", "originInfo", publication.event, reads="abc6"),
    row("310", "originInfo", description.within("originInfo", "frequency", "ab"), reads="ab6"),
    row("321", "originInfo", description.within("originInfo", "frequency", "ab"), reads="ab6"),
    # language
    row("008", "language", coded.language, f"{_LC}: language, 008/35-37"),
    row("041", "language", description.languages, reads="abdefghijkmnpqrt26"),
    # physicalDescription
    row("007", "physicalDescription", coded.category, f"{_LC}: physicalDescription, 007/00"),
    row("008", "physicalDescription", coded.form, f"{_LC}: physicalDescription, 008/23 or 29"),
    row(
        "256",
        "physicalDescription",
        description.within("physicalDescription", "form", "a"),
        reads="a6",
    ),
    row("300", "physicalDescription", description.extent, reads="abcefg36"),
    row("305", "physicalDescription", description.extent, reads="abcefg36"),
    row(
        "306",
        "physicalDescription",
        description.within("physicalDescription", "extent", "a"),
        reads="a6",
    ),
    row("337", "physicalDescription", description.carrier("media"), reads="ab2016"),
    row("338", "physicalDescription", description.carrier("carrier"), reads="ab2016"),
    *(
        row(tag, "physicalDescription", description.characteristics)
        for tag in ("340", "344", "345", "346", "347", "348", "351")
    ),
    # abstract, tableOfContents, targetAudience, note
    row(
        "520",
        "abstract",
        description.labelled("abstract", "abc", description.SUMMARIES),
        reads="abcu6",
    ),
    row(
        "505",
        "tableOfContents",
        description.labelled("tableOfContents", "agrt", description.CONTENTS),
        reads="agrtu6",
    ),
    row("008", "targetAudience", coded.audience, f"{_LC}: targetAudience, 008/22"),
    row(
        "521",
        "targetAudience",
        description.labelled("targetAudience", "ab", description.LEVELS),
        reads="ab6",
    ),
    row("385", "targetAudience", description.text("targetAudience", "a"), reads="a0126"),
    *(
        row(tag, "note", description.note(kind, codes), reads=f"{codes}u36")
        for tag, (kind, codes) in _NOTES.items()
    ),
    row(
        "255",
        "subject",
        description.map_data,
        f"{_LC}: subject/cartographics, 255",
        reads="abcdefg6",
    ),
    row("254", "note", description.note("", "a"), reads="a6"),
    row("257", "note", description.note("", "a"), reads="a26"),
    row(
        "382",
        "note",
        description.note("medium of performance", "abdepnrstv"),
        reads="abdepnrstv0126",
    ),
    row("384", "note", description.note("key", "a"), reads="a6"),
    row("386", "note", description.note("creator characteristics", "am"), reads="am0126"),
    # subject
    row(
        "034",
        "subject",
        description.coordinates,
        f"{_LC}: subject/cartographics, 034",
        reads="bcdefg26",
    ),
    row("043", "subject", description.geographic_codes, reads="abc26"),
    row("045", "subject", description.periods, reads="abc6"),
    *(
        row(tag, "subject", subjects.subject(tag), reads=_LETTERS + "01246")
        for tag in ("600", "610", "611")
    ),
    row("630", "subject", subjects.subject("630"), reads="adfgklmnoprstvxyz0126"),
    row("647", "subject", subjects.subject("647"), reads="acdgvxyz0126"),
    row("648", "subject", subjects.subject("648"), reads="avxyz0126"),
    row("650", "subject", subjects.subject("650"), reads="abcdgvxyz0126"),
    row("651", "subject", subjects.subject("651"), reads="agvxyz0126"),
    row("653", "subject", subjects.keywords, reads="a6"),
    row("654", "subject", subjects.subject("654"), reads="abcvyz0126"),
    row("656", "subject", subjects.subject("656"), reads="akvxyz0126"),
    row("657", "subject", subjects.subject("657"), reads="avxyz0126"),
    row("662", "subject", subjects.hierarchical_place, reads="abcdfgh0126"),
    row("752", "subject", subjects.hierarchical_place, reads="abcdfgh0126"),
    # classification
    row("050", "classification", numbers.classification("lcc"), reads="ab6"),
    row("055", "classification", numbers.classification(), reads="ab26"),
    row("060", "classification", numbers.classification("nlm"), reads="ab6"),
    row("070", "classification", numbers.classification("nal"), reads="ab6"),
    row("080", "classification", numbers.classification("udc", "2"), reads="abx26"),
    row("082", "classification", numbers.classification("ddc", "2"), reads="ab26"),
    row("083", "classification", numbers.classification("ddc", "2"), reads="a26"),
    row("084", "classification", numbers.classification(), reads="ab26"),
    row("086", "classification", numbers.document_number, reads="ab26"),
    # relatedItem
    row("440", "relatedItem", related.series, reads="anpvx6"),
    row("490", "relatedItem", related.series, reads="anpvx6"),
    row("800", "relatedItem", related.series_work("800"), reads=_LETTERS + "0146"),
    row("810", "relatedItem", related.series_work("810"), reads=_LETTERS + "0146"),
    row("811", "relatedItem", related.series_work("811"), reads=_LETTERS + "0146"),
    row("830", "relatedItem", related.series_title, reads="adfgklmnoprstvwx016"),
    row("510", "relatedItem", related.cited_in, reads="abcx36"),
    row("534", "relatedItem", related.original, reads="abcefklmnoptxz36"),
    *(
        row(tag, "relatedItem", related.link(tag), reads="abcdefghikmnopqrstuwxyz6")
        for tag in related.LINKS
    ),
    # identifier
    row("010", "identifier", numbers.identifier("lccn"), reads="az6"),
    row("015", "identifier", numbers.identifier("national bibliography number"), reads="az26"),
    row("016", "identifier", numbers.identifier("national agency control number"), reads="az26"),
    row("017", "identifier", numbers.identifier("copyright", label="b"), reads="azb6"),
    row("020", "identifier", numbers.isbn, reads="aqz6"),
    row("022", "identifier", numbers.identifier("issn", "a", "yz"), reads="ayz6"),
    row("022", "identifier", numbers.identifier("issn-l", "l", "m"), reads="lm"),
    row("024", "identifier", numbers.standard_number, reads="adqz26"),
    row("026", "identifier", numbers.identifier("fingerprint", "abcde", ""), reads="abcde6"),
    row("027", "identifier", numbers.identifier("strn", label="q"), reads="azq6"),
    row("028", "identifier", numbers.publisher_number, reads="abq6"),
    row("030", "identifier", numbers.identifier("coden"), reads="az6"),
    row("035", "identifier", numbers.system_number, reads="az69"),
    row("037", "identifier", numbers.identifier("stock number", "a", "", "b"), reads="ab6"),
    row("074", "identifier", numbers.identifier("gpo item number"), reads="az6"),
    row("088", "identifier", numbers.identifier("report number"), reads="az6"),
    # location, accessCondition
    row("856", "location", related.electronic, reads="uyqz36"),
    row(
        "506",
        "accessCondition",
        description.text("accessCondition", "3abcdefu", type="restriction on access"),
        reads="3abcdefu26",
    ),
    row(
        "540",
        "accessCondition",
        description.text("accessCondition", "3abcdfu", type="use and reproduction"),
        reads="3abcdfu26",
    ),
    # recordInfo
    row("001", "recordInfo", numbers.record_number, f"{_LC}: recordInfo, 001 and 003"),
    row("005", "recordInfo", numbers.changed),
    row("008", "recordInfo", coded.created, f"{_LC}: recordInfo, 008/00-05"),
    row("040", "recordInfo", numbers.cataloguing, reads="abcde6"),
)

_LINKAGE: Final = "links between the fields of this one record, and whose copy it is"
_TAGS: Final = tuple(dict.fromkeys(rule.place[:3] for rule in RULES if rule.place[:2] != "00"))

# Tag -> why no row takes it, so that it is not called lost.
DROPPED: Final[Mapping[str, str]] = {
    **{f"{tag}578": _LINKAGE for tag in _TAGS},
    **{f"{tag}9": "for local use" for tag in _TAGS},
    **{f"{tag}7": "codes of the related item, said in words" for tag in related.LINKS},
    "046a": "a code that says of what kind the dates are",
    "034a": "a code that says of what kind the scale is",
    "856x": "not for the public",
    **dict.fromkeys(("082mq", "083mq", "084q"), "who assigned the number"),
    **dict.fromkeys(("004", "009", "014", "019", "029", "079"), "number of a local system"),
    "035": "no number where 035 has it",
    "856": "no address of the web",
    "037": "price and availability, without a number",
    "020": "price and availability, without a number",
    **dict.fromkeys(sorted(steps.LOCAL_TAGS), "local, holdings or processing field"),
    "003": "read as the source of 001",
    "006": "codes of additional material; said in words in 300 and the notes",
    **dict.fromkeys(("042", "066", "883", "884", "885", "886", "887"), _ABOUT),
    **dict.fromkeys(("263", "366"), "dates of a publication to come and of the trade"),
    **dict.fromkeys(("038", "039", "072", "052", "048"), "codes for which MODS has no element"),
    "490": "traced in 800-830",
    **dict.fromkeys(sorted(description.PRIVATE), "marked private by its first indicator"),
    "020c": "price and availability",
    "024c": "price and availability",
    "037cfgn": "price and availability",
}

_TABLE: Final = Table(RULES, DROPPED)

# Tags whose $0 is said only where it is a URI: MODS has no place for another.
_LINKED_BY_URI: Final = frozenset(
    {"130", "240", "336", "337", "338", "340", "344", "345", "346", "347", "348", "351", "380"}
    | {"382", "385", "386", "600", "610", "611", "630", "647", "648", "650", "651", "654", "655"}
    | {"656", "657", "662", "730", "752", "800", "810", "811", "830"}
)
_ORIGIN: Final = "Converted from MARC 21 after the Library of Congress mapping to MODS 3.7."


def convert(record: Record) -> tuple[tuple[Element, ...], tuple[Loss, ...]]:
    """Return the elements of MODS in their order, and what got lost, with the reason if any.

    There is always a recordInfo, so that what is written of any record is valid.
    """
    found, losses = _TABLE.convert(record)
    found += coded.type_of_resource(record) + coded.issuance(record)
    found += coded.description_standard(record)
    found += some("recordInfo", some("recordOrigin", _ORIGIN))
    elements = sorted(dict.fromkeys(_gathered(found)), key=_rank)
    unsaid = [*_unsaid_of_names(record), *_numbers_without_place(record)]
    return tuple(elements), tuple(dict.fromkeys([*losses, *unsaid]))


def write(record: Record) -> bytes:
    """Return one ``mods`` element in UTF-8, without prolog, well-formed and valid."""
    return written(convert(record)[0])


def _rank(element: Element) -> tuple[int, bool]:
    """Order by ``ORDER``; the title of the work itself, and its main name, come first."""
    return _RANK[element.name], element.get("usage") != "primary"


def _gathered(found: Iterable[Element]) -> list[Element]:
    """Put what several fields say of one publication, item or record into one element.

    What has attributes of its own (an 880, a linked field, an event) stays apart; the rest goes
    into the first of its name that is no 880 and, of events, is the publication.
    """
    kept: list[Element] = []
    loose: dict[str, list[Element]] = {}
    for one in found:
        if one.name in _GATHERED and not one.attributes:
            loose.setdefault(one.name, []).extend(one.children)
        else:
            kept.append(one)
    for name, children in loose.items():
        at = _host(kept, name)
        if at is None:
            kept.append(Element(name, (), "", _in_order(name, children)))
        else:
            together = _in_order(name, [*kept[at].children, *children])
            kept[at] = kept[at]._replace(children=together)
    return kept


def _host(elements: list[Element], name: str) -> int | None:
    """Return where the loose parts of ``name`` go: to the publication, else to the first."""
    able = [
        at
        for at, one in enumerate(elements)
        if one.name == name
        and one.get("eventType") in ("", "publication")
        and not (one.get("script") or one.get("displayLabel"))
    ]
    publications = [at for at in able if any(c.name == "publisher" for c in elements[at].children)]
    return next(iter([*publications, *able]), None)


def _in_order(name: str, children: Iterable[Element]) -> tuple[Element, ...]:
    order = _GATHERED[name]
    return tuple(sorted(dict.fromkeys(children), key=lambda child: order.index(child.name)))


_WORKS: Final = frozenset({"700", "710", "711"})
_HEADINGS: Final = frozenset(f"{first}{kind}" for first in "1678" for kind in headings.NAME_KINDS)


def _unsaid_of_names(record: Record) -> Iterable[Loss]:
    """Yield what of a name or name/title heading belongs neither to the name nor to the title."""
    for field in record.fields:
        tag = description.own_tag(field)
        if tag in _HEADINGS and (codes := headings.unsaid(field, tag)):
            yield Loss(field.tag, codes)


def _numbers_without_place(record: Record) -> tuple[Loss, ...]:
    """Return a loss for headings whose $0 or $1 is no URI."""
    reason = "an authority number that is no URI has no place in MODS"
    found: dict[Loss, None] = {}
    for field in record.fields:
        tag = description.own_tag(field)
        if tag in _LINKED_BY_URI or (tag in _WORKS and field.first("t")):
            codes = "".join(
                dict.fromkeys(c for c, v in field.subfields if c in "01" and not is_uri(v))
            )
            if codes:
                found[Loss(field.tag, codes, reason)] = None
    return tuple(found)
