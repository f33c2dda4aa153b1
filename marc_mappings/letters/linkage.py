"""What a $6 says: which field the other one links to, and the script and direction of the text.

``245-01/(2/r``: the tag, the occurrence number, the script, and right to left. Occurrence 00 links
to nothing: there is only this form of the field.

Source: MARC 21 Format for Bibliographic Data, Appendix A (control subfields), $6.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from marc_mappings.letters import scripts

ALONE: Final = "00"

# ISO 15924 -> what ends a $6. A script that MARC 21 has no code for is not coded.
_ENDS: Final = {
    **dict.fromkeys(("Kore", "Jpan", "Hani"), "/$1"),
    "Arab": "/(3/r",
    "Cyrl": "/(N",
    "Grek": "/(S",
    "Hebr": "/(2/r",
    "Latn": "/(B",
}


class Link(NamedTuple):
    """What a $6 says: the ``tag`` and the ``occurrence`` number it links to."""

    tag: str
    occurrence: str


def link(value: str) -> Link | None:
    """Return what the $6 ``value`` links to, None if that is not to be read from it.

    >>> link("245-02/$1"), link("880-02"), link("Title")
    (Link(tag='245', occurrence='02'), Link(tag='880', occurrence='02'), None)
    """
    tag, dash, number = value.partition("/")[0].strip(" .").partition("-")
    if dash and len(tag) == 3 and len(number) in (2, 3) and (tag + number).isascii():
        return Link(tag, number) if tag.isalnum() and number.isdigit() else None
    return None


def script(value: str) -> str:
    """Return the script code of a $6, ``""`` if it has none.

    >>> script("245-01/(2/r"), script("245-01//r"), script("245-01")
    ('(2', '', '')
    """
    return value.partition("/")[2].partition("/")[0]


def end_for(text: str) -> str:
    """Return what ends a $6 for the script a text is in, ``""`` where MARC 21 has no code.

    >>> end_for("채식주의자"), end_for("ספר"), end_for("ტექსტი")
    ('/$1', '/(2/r', '')
    """
    return _ENDS.get(scripts.of_text(text), "")
