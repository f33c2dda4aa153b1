"""UNIMARC to MARC 21, with what CNMARC, CMARC and RUSMARC add.

The rows follow the conversion specifications of the Library of Congress (2001), brought up to
date where MARC 21 and UNIMARC have changed since: 264 for 260, 13-digit ISBN, RDA content and
carrier. UNIMARC codes what MARC 21 writes, so the punctuation of ISBD comes in on the way. The
flavours are further rows of the same table, or other ones for the same field. What concerns the
record as a whole (leader, 008, control numbers, main entry, the title of a set) is done around it.

Source: LC, UNIMARC to MARC 21 Conversion Specifications, v. 3; IFLA, UNIMARC Manual,
Bibliographic Format (2023); WH/T 0503 and GB/T 33286 (CNMARC); Chinese MARC Format, 4th ed.
(Taiwan); RUSMARC (National Library of Russia); MARC 21 Bibliographic (Library of Congress).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from marc_mappings.record import Field, Record
from marc_mappings.rules import Loss, Row, Table, copied, made
from marc_mappings.unimarc import coded as unimarc_coded
from marc_mappings.unimarc import origin as unimarc_origin
from marc_mappings.unimarc import scripts as unimarc_scripts
from marc_mappings.unimarc.description import (
    TITLE_STEPS,
    carrier_type,
    content_and_media,
    content_type,
    contents_note,
    edition,
    frequency,
    function,
    media_type,
    numbering,
    sequence,
    series_statement,
    series_title,
    uniform_title,
)
from marc_mappings.unimarc.entry import (
    catalogued_by,
    control_numbers,
    entries,
    general_designation,
    in_order,
    own_title,
    repeated,
    under_its_set,
    without_marks,
)
from marc_mappings.unimarc.linking import (
    bound_with,
    link,
    losses,
    original,
    part_or_whole,
    series,
    uniform_original,
)
from marc_mappings.unimarc.names import BODY, PERSON, body, chinese_person, family, person
from marc_mappings.unimarc.numbers import (
    PRICE_STEPS,
    bibliography_number,
    ean_as_isbn,
    former_number,
    legal_deposit,
    local_number,
    number_note,
    number_type,
    standard_number,
    timestamp,
)
from marc_mappings.unimarc.subjects import (
    SUBDIVISIONS,
    heading,
    name_and_title,
    subject_category,
    subject_title,
    term,
)
from marc_mappings.unimarc.title import other_titles, title

SOURCE: Final = "UNIMARC"
TARGET: Final = "MARC 21"
OTHERWISE: Final = "A field that no row names and DROPPED does not explain is reported as lost."
DIALECTS: Final = ("unimarc", "cnmarc", "cmarc", "rusmarc")

_LC: Final = "LC"
_IFLA: Final = "IFLA"

# 3XX and the note it becomes. Source: LC, 3XX; IFLA, 3-- for those since 2001.
_NOTES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("300", "301", "303", "304", "305", "306", "307", "308", "310", "312"), "500"),
    **dict.fromkeys(("313", "314", "315"), "500"),
    "302": "546", "311": "580", "317": "561", "320": "504", "322": "508", "323": "511",
    "324": "500", "325": "533", "329": "505", "330": "520", "332": "524", "333": "521",
    "334": "586", "336": "516", "337": "538", "338": "536", "346": "584", "371": "506",
}  # fmt: skip

# 4XX and the linking entry it becomes, with the second indicator. Source: LC, 4XX.
_LINKS: Final[Mapping[str, tuple[str, str]]] = {
    "411": ("762", " "), "412": ("787", " "), "413": ("787", " "), "421": ("770", " "),
    "422": ("772", " "), "423": ("777", " "), "424": ("787", " "), "425": ("787", " "),
    "430": ("780", "0"), "431": ("780", "1"), "432": ("780", "2"), "433": ("780", "3"),
    "434": ("780", "5"), "435": ("780", "6"), "436": ("780", "4"), "437": ("780", "7"),
    "440": ("785", "0"), "441": ("785", "1"), "442": ("785", "2"), "443": ("785", "3"),
    "444": ("785", "4"), "445": ("785", "5"), "446": ("785", "6"), "447": ("785", "7"),
    "448": ("785", "8"), "451": ("775", " "), "452": ("776", " "), "453": ("767", " "),
    "454": ("765", " "), "456": ("776", " "), "461": ("773", " "), "462": ("773", " "),
    "470": ("787", " "), "488": ("787", " "),
}  # fmt: skip

# 5XX and the kind of variant title it is in 246. Source: LC, 5XX; MARC 21 246.
_VARIANTS: Final[Mapping[str, str]] = {
    "510": "1", "511": " ", "512": "4", "513": "5", "514": "6", "515": "7", "516": "8",
    "517": " ", "518": " ", "532": " ", "540": " ", "545": " ", "560": " ",
}  # fmt: skip


def calis_number(text: str) -> str:
    """Put the agency before a control number of CALIS."""
    return f"(CALIS){text.strip()}"


def _traced(field: Field, _: Record) -> str:
    """Return the first indicator of 246: 2 if UNIMARC wants no entry, else 3."""
    return "2" if field.indicators[:1] == "0" else "3"


RULES: Final[tuple[Row[Field], ...]] = (
    # identification
    made("003", "024 7#", standard_number("uri"), "IFLA: 003", reads=""),
    made("005", "005", timestamp, "LC: 005", reads=""),
    made("009", "035 ##", former_number, "ABES: 009", reads=""),
    copied("010", "020 ##", "a b>q d>c( :) z", "LC: 010", steps=PRICE_STEPS),
    copied("011", "022 <#", "a f>l g>m y>z z>y b>q", "LC: 011"),
    copied("011", "037 ##", "d>c", "LC: 011 $d"),
    copied("012", "026 ##", "a>e 2 5", "IFLA: 012"),
    copied("013", "024 2#", "a b>q d>c( :) z", "IFLA: 013"),
    made("014", "024 7#", standard_number("2"), "IFLA: 014", reads="az2"),
    copied("015", "027 ##", "a b>q z", "IFLA: 015"),
    copied("016", "024 0#", "a b>q d>c( :) z", "IFLA: 016"),
    made("017", "024 7#", standard_number("2"), "IFLA: 017", reads="abdz2"),
    made("020", "015 ##", bibliography_number, "LC: 020", reads="abz"),
    made("021", "017 ##", legal_deposit, "LC: 021", reads="abz"),
    copied("022", "086 ##", "b>a z", "LC: 022"),
    made("033", "024 7#", standard_number("uri"), "IFLA: 033", reads="az"),
    copied("035", "035 ##", "a z", "LC: 035"),
    copied(
        "036", "031 ##", "a b c d>m e f>d g>r m>g n o p q r>s t u 2", "IFLA: 036; MARC 21: 031"
    ),
    copied("040", "030 ##", "a z", "LC: 040"),
    copied(
        "071", "028 00", "a b c>q", "LC: 071", first=number_type, second=number_note
    ),
    copied("072", "024 1#", "a b>q c>d d>c( :) z", "IFLA: 072"),
    copied("073", "024 3#", "a b>q c>d d>c( :) z", "IFLA: 073"),
    made("073", "020 ##", ean_as_isbn, "IFLA: 073, 010", reads="a"),
    # coded data that has its own field in MARC 21
    made("181", "336 ##", content_type, "IFLA: 181; MARC 21: 336", reads="abc2"),
    made("182", "337 ##", media_type, "IFLA: 182; MARC 21: 337", reads="ac2"),
    made("183", "338 ##", carrier_type, "IFLA: 183; MARC 21: 338", reads="ac2"),
    # description
    made("200", "245 0>", title, "LC: 200", reads="abcdefghipv"),
    made("200", "246 31, 740 02", other_titles, "LC: 200 $a $c $d", reads="acd"),
    made("203", "336 ##, 337 ##", content_and_media, "IFLA: 203; MARC 21: 336, 337", reads="abc"),
    made("205", "250 ##", edition, "LC: 205", reads="abdfg"),
    copied("206", "255 ##", "a b c d e f", "LC: 206"),
    copied("207", "362 0#", "a z", "LC: 207", first=numbering),
    copied("208", "254 ##", "a", "LC: 208"),
    copied(
        "210", "264 #1", "a( ;) c>b( :) d>c(,)", "LC: 210, 264 for 260", first=sequence
    ),
    copied("210", "264 #3", "e>a( ;) g>b( :) h>c(,)", "LC: 210 $e $g $h"),
    copied("211", "263 ##", "a", "LC: 211"),
    copied(
        "214",
        "264 #1",
        "a( ;) c>b( :) d>c(,)",
        "IFLA: 214; MARC 21: 264",
        first=sequence,
        second=function,
    ),
    copied("215", "300 ##", "a c>b( :) d>c( ;) e( +)", "LC: 215"),
    made("225", "490 0#", series_statement, "LC: 225", reads="adefhivx"),
    made("225|2*|", "830 #>", series_title, "LC: 225, first indicator 2", reads="ahivx"),
    copied("230", "256 ##", "a", "LC: 230"),
    copied("231", "347 ##", "a b e>c f>d g>e h>f 2", "IFLA: 231; MARC 21: 347"),
    copied("251", "351 ##", "a b c", "IFLA: 251"),
    copied("283", "338 ##", "a 2", "IFLA: 283; MARC 21: 338"),
    # notes
    *(
        copied(tag, f"{note} ##", "a u 5" if note in ("520", "561") else "a 5", f"{_LC}: {tag}",
               each="a")
        for tag, note in _NOTES.items()
    ),
    copied("318", "583 ##", "a b c d e f h i j k l n o p>x r>z u 2 5", "LC: 318"),
    copied("321", "510 0#", "a b x", "LC: 321"),
    made("326", "310 ##, 321 ##", frequency, "LC: 326", reads="ab"),
    made("327", "505 1#", contents_note, "LC: 327", reads="abcdefghipuz"),
    copied("328", "502 ##", "a b c>g e>c d t>g z>g", "IFLA: 328; MARC 21: 502"),
    copied("345", "037 ##", "b>a a>b c>f d>c", "LC: 345"),
    # links
    made("410", "830 #>", series, "LC: 410"),
    *(
        made(tag, f"{to} <{second.replace(' ', '#')}", link(to, second),
             f"{_LC}: {tag}")
        for tag, (to, second) in _LINKS.items()
    ),
    made("454", "240 1>", uniform_original, "LC: 454"),
    made("455", "534 ##", original, "LC: 455"),
    made("463", "773, 774", part_or_whole, "LC: 463"),
    made("464", "774 <#", link("774"), "LC: 464"),
    made("481", "501 ##", bound_with, "IFLA: 481"),
    made("482", "501 ##", bound_with, "IFLA: 482"),
    # titles
    made("500", "240 1>, 730 >#", uniform_title("240"), "LC: 500", reads="abhiklmnqrsuvw"),
    made("501", "243 1>", uniform_title("243"), "LC: 501", reads="abeklmrsu"),
    made("503", "240 1>", uniform_title("240"), "LC: 503", reads="abdefhijklmno"),
    made("506", "240 1>", uniform_title("240"), "IFLA: 506", reads="ahicdfkrsu"),
    made("507", "240 1>", uniform_title("240"), "IFLA: 507", reads="ahicdfkrsulmn"),
    *(
        copied(
            tag, f"246 3{kind.replace(' ', '#')}", "a d>b( =) e>b( :) h>n(.) i>p(.) j>f n>g 5",
            f"{_LC}: {tag}", first=_traced, steps=TITLE_STEPS,
        )
        for tag, kind in _VARIANTS.items()
    ),
    copied("520", "247 10", "a e>b( :) h>n(.) i>p(.) j>f n>g x", "LC: 520", steps=TITLE_STEPS),
    copied("530", "222 #0", "a b", "LC: 530", steps=TITLE_STEPS),
    copied("531", "210 0#", "a b", "LC: 531", steps=TITLE_STEPS),
    copied("541", "242 10", "a e>b( :) h>n(.) i>p(.) z>y", "LC: 541", steps=TITLE_STEPS),
    made("576", "700 #2", name_and_title("700"), "IFLA: 576"),
    made("577", "700 #2", name_and_title("700"), "IFLA: 577"),
    # subjects and class numbers
    made("600", "600 <>", heading(person("600", subject=True)), "LC: 600",
         reads=PERSON + SUBDIVISIONS),
    made("601", "610 <>", heading(body("610", subject=True)), "LC: 601",
         reads=BODY + SUBDIVISIONS),
    made("602", "600 3>", heading(family("600", subject=True)), "LC: 602",
         reads=PERSON + SUBDIVISIONS),
    made("604", "600, 610", heading(name_and_title("600")), "LC: 604"),
    made("605", "630 >#", heading(subject_title), "LC: 605", reads="ahiklmnqrsuw3" + SUBDIVISIONS),
    made("606", "650 <>", heading(term("650", "012")), "LC: 606", reads="a3" + SUBDIVISIONS),
    made("607", "651 #>", heading(term("651")), "LC: 607", reads="a3" + SUBDIVISIONS),
    made("608", "655 #>", heading(term("655")), "IFLA: 608", reads="a3" + SUBDIVISIONS),
    copied("610", "653 <#", "a", "LC: 610", each="a"),
    made("615", "072 #7, 650 #>", subject_category, "LC: 615", reads="anmx2"),
    copied("616", "653 ##", "a", "IFLA: 616", each="a"),
    copied("617", "662 ##", "a b c d m>g k>f n>h 2", "IFLA: 617"),
    copied("620", "752 ##", "a b c d k>f m>g n>h 2", "LC: 620"),
    copied("626", "753 ##", "a b c", "LC: 626"),
    copied("631", "656 #7", "a j>v x y>z z>y 2", "IFLA: 631"),
    copied("632", "657 #7", "a j>v x y>z z>y 2", "IFLA: 632"),
    copied("660", "043 ##", "a", "LC: 660"),
    copied("661", "045 ##", "a", "LC: 661"),
    copied("670", "653 ##", "c>a", "LC: 670"),
    copied("675", "080 ##", "a v>2", "LC: 675", each="a"),
    copied("676", "082 04", "a b v>2", "LC: 676"),
    copied("680", "050 #4", "a b", "LC: 680"),
    copied("686", "084 ##", "a c>a b 2", "LC: 686"),
    # names
    made("700", "100 <#", person("100"), "LC: 700", reads=PERSON + "4"),
    made("701", "700 <#", person("700"), "LC: 701", reads=PERSON + "4"),
    made("702", "700 <#", person("700"), "LC: 702", reads=PERSON + "4"),
    made("710", "110 >#, 111 >#", body("110"), "LC: 710", reads=BODY + "4"),
    made("711", "710 >#, 711 >#", body("710"), "LC: 711", reads=BODY + "4"),
    made("712", "710 >#, 711 >#", body("710"), "LC: 712", reads=BODY + "4"),
    made("720", "100 3#", family("100"), "LC: 720", reads=PERSON + "4"),
    made("721", "700 3#", family("700"), "LC: 721", reads=PERSON + "4"),
    made("722", "700 3#", family("700"), "LC: 722", reads=PERSON + "4"),
    copied("716", "720 ##", "a f>a+(,)", "IFLA: 716"),
    copied("730", "720 ##", "a 4", "IFLA: 730"),
    *(
        copied(tag, "710 >#", "a b(.) t(.) e>n f>d i>p(.) l>k n>g 3>0", f"IFLA: {tag}")
        for tag in ("740", "741", "742")
    ),
    copied("856", "856 <>", "a b c d f g>u h i j k l m n o p q r s t u v w x y z 2 3", "LC: 856"),
)  # fmt: skip

CNMARC: Final[tuple[Row[Field], ...]] = (
    made("091", "024 7#", local_number("统一书号"), "WH/T 0503: 091", reads="abdz"),
    copied("092", "037 ##", "a b d>c", "WH/T 0503: 092"),
    made("094", "024 7#", local_number("标准号"), "WH/T 0503: 094", reads="abdz"),
    copied("099", "035 ##", "a", "CALIS: 099", steps={"a": (calis_number,)}),
    copied("690", "084 ##", "a", "WH/T 0503: 690; LC source code clc", each="a", adding="2clc"),
    *(
        copied(tag, "084 ##", "a", f"WH/T 0503: {tag}", each="a", adding="2local")
        for tag in ("692", "694", "696")
    ),
    made("701", "100 <#, 700 <#", chinese_person("700", lead="100"), "WH/T 0503: 701",
         reads=PERSON + "4"),
    made("711", "110 >#, 710 >#", body("710", lead="110"), "WH/T 0503: 711", reads=BODY + "4"),
    made("700", "100 <#", chinese_person("100"), "WH/T 0503: 700", reads=PERSON + "4"),
    made("702", "700 <#", chinese_person("700"), "WH/T 0503: 702", reads=PERSON + "4"),
)  # fmt: skip

CMARC: Final[tuple[Row[Field], ...]] = (
    copied("681", "084 ##", "a b", "CMARC: 681; LC source code ncsclt", adding="2ncsclt"),
    copied("687", "084 ##", "a b", "CMARC: 687", adding="2local"),
    *(row for row in CNMARC if row.place in ("700", "701", "702", "711")),
)

RUSMARC: Final[tuple[Row[Field], ...]] = (
    copied("621", "084 ##", "a", "RUSMARC: 621, BBK before 686", each="a", adding="2rubbk"),
)

_COPY: Final = "about the copy in hand, which is not the recipient's"
_LOCAL: Final = "local field of the sender"
_HOLDINGS: Final = "holdings and local data of the sender"
_CODED: Final = "coded data that MARC 21 keeps elsewhere or not at all"
_AUTHORITY: Final = "a reference of the authority file"
_ADDRESS: Final = "MARC 21 has no place for the address of a publisher or printer"
_EDITION: Final = "084 has no place for the edition of the scheme"
_TITLE_LANGUAGE: Final = "246 has no place for the language of a title"
_SUBDIVIDED: Final = "a uniform title of MARC 21 has no subdivisions outside 6XX"

DROPPED: Final[Mapping[str, str]] = {
    "008": "no field of UNIMARC; 008 is made of 100 to 110",
    **dict.fromkeys(("002", "004", "006", "007", "019", "039", "049", "079"), _LOCAL),
    **dict.fromkeys((f"{tag:03}" for tag in range(90, 100)), _LOCAL),
    **dict.fromkeys((f"{tag}" for tag in range(111, 180)), _CODED),
    **dict.fromkeys((f"{tag}" for tag in range(184, 200)), _CODED),
    **dict.fromkeys(("316", "621", "703", "713", "723", "841", "850", "852"), _COPY),
    **dict.fromkeys(("790", "791", "792"), _AUTHORITY),
    **dict.fromkeys(("690", "691", "692", "693", "694", "695", "696", "697", "698", "699"), _LOCAL),
    **dict.fromkeys((f"{tag}" for tag in range(802, 830)), _HOLDINGS),
    "830": "note for cataloguers, not for exchange",
    **dict.fromkeys((f"{tag}" for tag in range(831, 841)), _HOLDINGS),
    **dict.fromkeys((f"{tag}" for tag in (*range(857, 886), *range(887, 900))), _HOLDINGS),
    **dict.fromkeys((f"{tag}" for tag in range(900, 1000)), _HOLDINGS),
    **{f"{row.place[:3]}{code}": reason for row in RULES for code, reason in (
        ("5", _COPY),
        ("6", "a link between fields of the sender's system"),
        ("7", "the script of a field without its other form"),
        ("9", "local subfield of the sender"),
    )},
    **dict.fromkeys((f"{tag}3" for tag in (*_VARIANTS, "500", "503", "506", "675", "676", "686",
                     "608", "610", "620")), "MARC 21 has no place for the authority record here"),
    "856e": "MARC 21 has no place for the date of consultation",
    "0732": "the sender's code for the source of the number",
    "0109": "print run (RUSMARC)", "0219": "number of copies (RUSMARC)",
    "010y": "an ISBN that was wrong in the source, told as such",
    "071z": "028 has no place for a wrong number", "071d": "028 has no place for a price",
    "022a": "086 has no place for the country",
    "200z": "246 has no place for the language of a title",
    "210b": _ADDRESS, "210f": _ADDRESS, "214b": _ADDRESS,
    "210r": "the imprint as on the item, said normalised in 264",
    "214r": "the imprint as on the item, said normalised in 264",
    "214s": "the colophon as on the item, said normalised in 264",
    "225z": _TITLE_LANGUAGE,
    **dict.fromkeys((f"{tag}z" for tag in _VARIANTS), _TITLE_LANGUAGE),
    "500x": _SUBDIVIDED, "500y": _SUBDIVIDED, "500z": _SUBDIVIDED, "5002": _SUBDIVIDED,
    "606k": "no subfield of UNIMARC", "608k": "the sender's comment on the heading",
    "620e": "752 has no place for it", "620f": "752 has no place for it",
    "675z": "080 has no place for the language", "676z": "082 has no place for the language",
    "686v": _EDITION, "681v": _EDITION, "690v": _EDITION, "692v": _EDITION,
    "7004": "undefined function", "7014": "undefined function", "7024": "undefined function",
    "7104": "undefined function", "7114": "undefined function", "7124": "undefined function",
}  # fmt: skip

# What is read around the table, and where it goes.
AROUND: Final[Mapping[str, str]] = {
    "001": "001, 035 $a (AGENCY)001; 003 is the agency of 801 $b",
    "100": "008/00-14, 22, 28, 33, 38; 040 $b",
    "101": "008/35-37, 041",
    "102": "008/15-17, 044",
    "105": "008/18-34 of books",
    "106": "008/23, 29",
    "110": "008/18-34 of continuing resources",
    "204": "245 $h",
    "801": "040, 003",
}

_READ_AROUND: Final = frozenset((*AROUND, "005", "200"))
# Fields whose subfields have no place of their own: what became of them is asked of the result.
_LINKING: Final = frozenset(
    row.place[:3] for row in RULES if row.place[0] == "4" or row.place in ("604", "576", "577")
)
# Fields of which a function takes the first subfield of a kind.
_TAKEN_ONCE: Final = frozenset(
    ("003", "014", "017", "020", "021", "033", "181", "182", "183", "615")
)


def _with(rows: Iterable[Row[Field]]) -> tuple[Row[Field], ...]:
    """Return RULES with ``rows`` instead of its own rows for the same fields."""
    rows = tuple(rows)
    tags = {row.place[:3] for row in rows}
    return (*(row for row in RULES if row.place[:3] not in tags), *rows)


_ROWS: Final = {
    "unimarc": RULES,
    "cnmarc": _with(CNMARC),
    "cmarc": _with(CMARC),
    "rusmarc": _with(RUSMARC),
}


@cache
def _table(dialect: str) -> Table[Field]:
    if dialect not in DIALECTS:
        raise ValueError(f"{dialect!r} is no dialect of UNIMARC; there are {', '.join(DIALECTS)}")
    return Table(_ROWS[dialect], DROPPED)


# Compiled at import: a wrong row fails here, and not with a record in hand.
_TABLES: Final = {dialect: _table(dialect) for dialect in DIALECTS}


def convert(record: Record, dialect: str = "unimarc") -> tuple[Record, tuple[Loss, ...]]:
    """Return ``record`` in MARC 21, and what of it has no place there.

    ``dialect`` is one of ``DIALECTS``; raises ``ValueError`` for another, and for nothing else.
    """
    table = _table(dialect)
    new_leader = unimarc_coded.leader(record.leader)
    around_it = tuple([field for field in record.fields if field.tag in _READ_AROUND])
    head = Record(record.leader, around_it)
    said = unimarc_coded.coded(head)
    in_set = under_its_set(record)
    plain, pairs = unimarc_scripts.split(in_set, dialect)
    lost: dict[Loss, None] = {}
    found: list[Field] = []
    # By identity: a field that has another form is asked for again, and comparing is dear.
    made_of: dict[int, list[Field]] = {}
    for field in plain.fields:
        if field.tag not in AROUND:
            values = made_of[id(field)] = table.values(field, plain, lost)
            found.extend(values)
            if field.tag in _LINKING:
                lost.update(dict.fromkeys(losses(field, values)))
            elif field.tag in _TAKEN_ONCE:
                lost.update(dict.fromkeys(repeated(field, values)))
    if pairs:
        partners_lost: dict[Loss, None] = {}
        for pair in pairs:
            made_of[id(pair.partner)] = table.values(pair.partner, plain, partners_lost)
        found, left = unimarc_scripts.attached(
            found, pairs, lambda field: made_of.get(id(field), [])
        )
        lost.update(dict.fromkeys(left))
        lost.update(partners_lost)
    whole, around = _around(head, new_leader, said, dialect)
    lost.update(dict.fromkeys(around))
    fields = unimarc_scripts.numbered(entries([*found, *own_title(record, in_set)]))
    explained = dict.fromkeys(each for loss in lost for each in _explained(loss, record))
    return Record(new_leader, tuple(in_order(without_marks([*whole, *fields])))), tuple(explained)


def _around(
    record: Record, new_leader: str, said: unimarc_coded.Coded, dialect: str
) -> tuple[list[Field], list[Loss]]:
    """Return control fields, 008, 040, 041 and 044, and what of their sources is lost."""
    fixed = Field("008", "", (), unimarc_coded.fixed_field(record, new_leader, said, dialect))
    languages, lost_languages = unimarc_origin.languages_field(record)
    countries, lost_countries = unimarc_origin.countries_field(record, dialect)
    agencies, lost_agencies = catalogued_by(record, said.general[22:25])
    whole = [*control_numbers(record), fixed, *agencies, *languages, *countries]
    return whole, [
        *lost_languages,
        *lost_countries,
        *lost_agencies,
        *general_designation(record),
        *unimarc_coded.unread(record),
    ]


def _explained(loss: Loss, record: Record) -> tuple[Loss, ...]:
    """Return a loss of a whole field with the reasons for its subfields, if they all have one.

    A tag that is no number is a local field (AVA, OWN, CAT and the like).
    """
    if loss.reason or loss.codes:
        return (loss,)
    if not loss.tag.isdigit():
        return (loss._replace(reason=_LOCAL),)
    fields = [
        [code for code, value in field.subfields if value.strip()] for field in record.all(loss.tag)
    ]
    if any(not codes and not record.control(loss.tag) for codes in fields):
        return (loss._replace(reason="it is empty"),)
    for codes in fields:
        reasons = [DROPPED.get(loss.tag + code, "") for code in codes]
        if codes and all(reasons):
            return tuple(
                Loss(loss.tag, code, reason) for code, reason in zip(codes, reasons, strict=True)
            )
    return (loss,)
