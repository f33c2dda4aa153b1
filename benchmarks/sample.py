"""Made-up records of the size and shape of real ones, the same at every run.

Each has about 25 fields and 1.3 kB in ISO 2709, every fourth one with its title and author also in
Korean, Chinese, Japanese or Cyrillic letters (880). They are no real books.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from marc_mappings.record import Field, Record, Subfield

_WORDS = (
    "history",
    "library",
    "exchange",
    "bridge",
    "river",
    "mountain",
    "poetry",
    "garden",
    "children",
    "science",
    "art",
    "cooking",
    "travel",
    "sea",
    "city",
    "winter",
    "letters",
    "music",
    "architecture",
    "philosophy",
    "mathematics",
    "collected",
    "essays",
    "introduction",
    "modern",
    "studies",
    "society",
    "culture",
    "language",
    "education",
)
_SCRIPTS = (
    "도서관의 역사와 문화 교류",
    "图书馆交流史研究",
    "図書館と文化の交流",
    "Номын сангийн түүх",
)
_PLACES = (("ko ", "kor"), ("cc ", "chi"), ("ja ", "jpn"), ("mp ", "mon"), ("nyu", "eng"))


def records(number: int, seed: int = 2026) -> Iterator[Record]:
    """Yield ``number`` records; record n is the same for the same seed whatever ``number`` is."""
    for n in range(1, number + 1):
        yield _record(n, random.Random(f"{seed}/{n}"))  # noqa: S311 - data, not secrets


def _record(n: int, chance: random.Random) -> Record:
    place, language = chance.choice(_PLACES)
    title = _phrase(chance, 6).capitalize()
    name = f"{chance.choice(_WORDS).capitalize()}, {chance.choice(_WORDS).capitalize()}"
    year = str(chance.randint(1950, 2025))
    script = n % 4 == 0
    fields = [
        Field("001", "", value=f"bench{n:08}"),
        Field("003", "", value="XX-BENCH"),
        Field("005", "", value="20260101000000.0"),
        Field("008", "", value=f"260101s{year}    {place}           000 0 {language} d"),
        _field("020", "  ", a=_isbn(n)),
        _field("040", "  ", a="XX-BENCH", b="eng", e="rda", c="XX-BENCH"),
        _field("082", "04", a=str(chance.randint(0, 999)), **{"2": "23"}),
        _field("100", "1 ", **({"6": "880-01"} if script else {}), a=name + ",", e="author."),
        _field(
            "245",
            "10",
            **({"6": "880-02"} if script else {}),
            a=title + " :",
            b=_phrase(chance, 8) + " /",
            c=name,
        ),
        _field("264", " 1", a="Somewhere :", b=_phrase(chance, 2).title() + " Press,", c=year),
        _field("300", "  ", a=f"{chance.randint(90, 900)} pages :", b="illustrations ;", c="24 cm"),
        _field("336", "  ", a="text", b="txt", **{"2": "rdacontent"}),
        _field("337", "  ", a="unmediated", b="n", **{"2": "rdamedia"}),
        _field("338", "  ", a="volume", b="nc", **{"2": "rdacarrier"}),
        _field("490", "0 ", a=_phrase(chance, 4).capitalize()),
        _field("500", "  ", a=_phrase(chance, 12).capitalize() + "."),
        _field("504", "  ", a="Includes bibliographical references and index."),
        _field("520", "  ", a=_phrase(chance, 40).capitalize() + "."),
        *(_field("650", " 0", a=_phrase(chance, 2).capitalize(), x="History.") for _ in range(4)),
        _field("700", "1 ", a=f"{chance.choice(_WORDS).capitalize()}, A.,", e="editor."),
        _field("952", "  ", a="LOCAL", b=_phrase(chance, 3)),
    ]
    if script:
        text = chance.choice(_SCRIPTS)
        fields.append(_field("880", "1 ", **{"6": "100-01/$1"}, a=text[:6] + ","))
        fields.append(_field("880", "10", **{"6": "245-02/$1"}, a=text))
    return Record("00000nam a2200000 i 4500", tuple(fields))


def _field(tag: str, indicators: str, **subfields: str) -> Field:
    return Field(tag, indicators, tuple(Subfield(code, text) for code, text in subfields.items()))


def _phrase(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words))


def _isbn(n: int) -> str:
    body = f"978{n:09}"
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-weighed % 10)
