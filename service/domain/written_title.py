"""A title as it is written, from the folded letters of a key: what a person is told.

Keys have no blanks, no case and no article; a reason says the title as the wish or the offer has
it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from marc_mappings.keys import title_keys
from marc_mappings.keys.folding import folded

# What stands between a title, the rest of it and the title in another language.
_MARK = re.compile(r"(\s+[:=;/]\s*|\s*[:：]\s+|：)")
_ENDS: Final = " \t:=;/,"
# Letters of a key that are sure: of a longer one the last are a sum.
_SURE: Final = title_keys.LONGEST - 16
# Languages in whose titles an article may come first; MARC codes.
_WITH_ARTICLES: Final = ("eng", "fre", "ger", "spa", "ita", "por", "dut")


def of(*titles: str) -> Callable[[str], str]:
    """Return what finds the title of a key in what is written, the first of ``titles`` first.

    What is in none of them stays as it is.

    >>> written = of("The Vegetarian : a novel", "그 집에 책이 산다")
    >>> written("그집에책이산다"), written("vegetarian"), written("anovel"), written("채식주의자")
    ('그 집에 책이 산다', 'The Vegetarian', 'a novel', '채식주의자')
    """

    def written(name: str) -> str:
        pieces = [piece for title in titles for piece in _pieces(title)]
        bare = (
            (piece, title_keys.without_article(piece, "", language))
            for piece in pieces
            for language in _WITH_ARTICLES
        )
        for piece, said in chain(((each, each) for each in pieces), bare):
            if folded(said)[:_SURE] == name[:_SURE]:
                return piece
        return name

    return written


def _pieces(title: str) -> Iterator[str]:
    """Yield a title whole, up to each of its marks, and each part of it."""
    parts = _MARK.split(title)
    for end in range(len(parts), 0, -2):
        yield "".join(parts[:end]).strip(_ENDS)
    for part in parts[2::2]:
        yield part.strip(_ENDS)
