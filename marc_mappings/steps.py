"""Pure steps of mappings: a value in, a new value out, nothing remembered.

A step of text takes one string and returns one, ``""`` for "nothing left to say".
"""

from __future__ import annotations

import re
from typing import Final, overload

from marc_mappings.framing.sound import Sound, tag_of
from marc_mappings.record import Field, Record

# Punctuation that ISBD puts between elements, so that it stands at the end of a subfield.
_ISBD_END: Final = " /:;,=+\t\n"
_ENDS: Final = frozenset((*_ISBD_END, ".", ""))
# A full stop that belongs to the last word: an initial, or one of these. East Asian letters are
# words or syllables, never initials.
_ABBREVIATED = re.compile(
    r"(?:^|[\s.(\-,])(?:[^\W\d_\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff65-\uffdc"
    r"\U00020000-\U0003ffff]|Jr|Sr|Inc|Ltd|Co|Corp|Bros|Cie|etc|et al|St|Dr|ed|eds|vol|no|pp|"
    r"Ph\.D|s\.l|s\.n|S\.l|s\.a|B\.C|A\.D|U\.S)\.$"
)
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")
# Non-sorting marks: the control characters MARC 21 uses, and the angle marks some systems show.
_NON_SORTING = str.maketrans(dict.fromkeys("\x98\x9c\u0088\u0089¬"))

# Local, holdings and processing fields, which mean nothing outside the library that made them.
# Source: MARC 21 Bibliographic, 09X, 59X, 69X, 841-88X, 9XX; OCLC 049. 880 is no holdings field.
LOCAL_TAGS: Final = frozenset(
    {f"{tag:03}" for tag in (49, *range(90, 100), *range(590, 600), *range(690, 700))}
    | {f"{tag}" for tag in (841, 842, 843, 844, 845, 850, 852, 853, 854, 855, 859)}
    | {f"{tag}" for tag in (863, 864, 865, 866, 867, 868, 876, 877, 878)}
    | {f"{tag}" for tag in range(900, 1000)}
)


def trim_isbd(text: str) -> str:
    """Return ``text`` without the punctuation ISBD puts before the next element.

    >>> trim_isbd("Chaesikchuŭija :"), trim_isbd("Han, Kang,"), trim_isbd("Munhak kwa Chisŏngsa.")
    ('Chaesikchuŭija', 'Han, Kang', 'Munhak kwa Chisŏngsa')
    >>> trim_isbd("Tolkien, J. R. R."), trim_isbd("Holt, Inc."), trim_isbd("Wait...")
    ('Tolkien, J. R. R.', 'Holt, Inc.', 'Wait...')
    >>> trim_isbd("柳沢智子 編."), trim_isbd("א. ב.")
    ('柳沢智子 編', 'א. ב.')
    """
    if text[-1:] not in _ENDS and not text[:1].isspace():
        return text
    text = text.rstrip(_ISBD_END).lstrip()
    if text.endswith(".") and not text.endswith("..") and not _ABBREVIATED.search(text[-12:]):
        return text[:-1].rstrip(_ISBD_END)
    return text


def with_sign(text: str, sign: str) -> str:
    """Return ``text`` with ``sign`` at its end, instead of ISBD punctuation that is there already.

    >>> with_sign("Ch'aesikchuŭija", " :"), with_sign("Seoul :", " :"), with_sign("Etc.", ",")
    ("Ch'aesikchuŭija :", 'Seoul :', 'Etc.,')
    >>> with_sign("Vol", "."), with_sign("Vol.", ".")
    ('Vol.', 'Vol.')
    """
    text = text.rstrip(_ISBD_END)
    return text if sign == "." and text.endswith(".") else text + sign


def without_non_sorting_marks(text: str) -> str:
    """Return ``text`` without the marks around what is skipped in filing.

    >>> without_non_sorting_marks("\\x98The \\x9cvegetarian")
    'The vegetarian'
    """
    return text.translate(_NON_SORTING) if not text.isprintable() or "¬" in text else text


def year(text: str) -> str:
    """Return the first year in an imprint date, ``""`` if there is none.

    >>> year("c1998."), year("[2007?]"), year("소화 12 [1937]"), year("n.d.")
    ('1998', '2007', '1937', '')
    """
    match = _YEAR.search(text)
    return match[1] if match else ""


def linked_tag(field: Field) -> str:
    """Return the tag that an 880 field stands for by its $6, ``""`` if it names none.

    >>> from marc_mappings.record import Subfield
    >>> linked_tag(Field("880", "10", (Subfield("6", "245-01/$1"), Subfield("a", "채식주의자"))))
    '245'
    """
    return tag_of(field.first("6"))


@overload
def without_local_fields(content: Record) -> Record: ...


@overload
def without_local_fields(content: Record | Sound) -> Record | Sound: ...


def without_local_fields(content: Record | Sound) -> Record | Sound:
    """Return the record as it goes out on offer: no local and holdings fields, but every 880.

    An 880 that stands for a local field goes with it. A record of local fields only stays empty.
    """
    if isinstance(content, Sound):
        return content.without(LOCAL_TAGS)
    kept = tuple([field for field in content.fields if not _is_local(field)])
    return content if len(kept) == len(content.fields) else Record(content.leader, kept)


def _is_local(field: Field) -> bool:
    return field.tag in LOCAL_TAGS or (field.tag == "880" and linked_tag(field) in LOCAL_TAGS)


def without_sign(text: str) -> str:
    """Return ``text`` without the sign ISBD puts before the next element; full stops stay.

    >>> without_sign("Cambridge, Mass. :"), without_sign("Holt, Inc.,")
    ('Cambridge, Mass.', 'Holt, Inc.')
    """
    return text.rstrip(_ISBD_END).lstrip()
