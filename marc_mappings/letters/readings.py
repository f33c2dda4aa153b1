"""Readings of legacy bytes: a sample of a file in one character set, and how well it reads.

Source: the letters are those of ``writing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from marc_mappings.letters import writing
from marc_mappings.letters.decoding import ISO5426, MARC8, decode
from marc_mappings.letters.witnesses import Sample
from marc_mappings.letters.writing import Fit

# Octets of all records for one trial.
_OF_ALL: Final = 100_000
# Words of which nearly all must be alike for two sets to be twins.
_MANY: Final = 50
# How good a reading must be to be believed, by what is compared: at least this many characters
# that differ from the next best reading, and this much better (shares of fitting letters).
_MARGINS: Final = ((100, 0.10), (30, 0.15), (12, 0.25), (4, 0.5))
_WESTERN: Final = frozenset({"cp1252", "iso8859-1", "iso8859-15", "cp850", MARC8, ISO5426})
_CONTROL: Final = re.compile("[\x80-\x87\x8a-\x97\x99-\x9b\x9d-\x9f]")
_BEFORE_VOWEL: Final = re.compile("(?![ãçñõ])[\xc0-\xff][aeiouyAEIOUY]")


class Trial(NamedTuple):
    """One reading of the sample: how it fits, and in how many records it cannot be decoded."""

    encoding: str
    fit: Fit
    broken: int
    texts: tuple[str, ...]


def trial(name: str, samples: Sequence[Sample], languages: Sequence[str]) -> Trial:
    """Read the sample in one set and judge it, record by record's own languages."""
    groups: dict[frozenset[str], list[Sample]] = {}
    for each in samples:
        groups.setdefault(each.languages, []).append(each)
    texts: list[str] = []
    good = 0.0
    count = broken = room = 0
    for own, members in groups.items():
        text, bad = _text([word for each in members for word in each.words][:_OF_ALL], name)
        if bad:
            broken += sum(1 for each in members if _text(each.words, name)[1])
        texts.append(text)
        room += len(text)
        judged = _judged(text, name, own | frozenset(languages))
        good += judged.share * judged.total
        count += judged.total
        if room > _OF_ALL:
            break
    return Trial(name, Fit(good / count if count else 0.0, count), broken, tuple(texts))


def _text(words: Sequence[bytes], name: str) -> tuple[str, int]:
    return decode(b"\n".join(words), name)


def _judged(text: str, name: str, languages: frozenset[str]) -> Fit:
    """Judge by the languages named; by the best of the set's own languages where none is."""
    if languages - {"eng"}:
        return writing.fit(text, writing.letters(languages))
    if languages and name in _WESTERN:
        return writing.fit(text, writing.latin_letters(languages))
    own = [each.language for each in writing.writings().values() if name in each.encodings]
    if name in (MARC8, ISO5426):
        own = ["fre", "ger", "spa", "cze", "pol", "hun", "swe", "tur"]
    return max(
        (writing.fit(text[:20_000], writing.letters(languages | {each})) for each in own),
        default=Fit(0.0, 0),
    )


def ranking(trials: Iterable[Trial]) -> list[Trial]:
    """Return the readings, best first; of several that give the same text only the likeliest."""
    found: dict[tuple[str, ...], Trial] = {}
    for each in trials:
        found.setdefault(each.texts, each)
    return sorted(found.values(), key=lambda each: (-each.fit.share, each.broken))


def marc8_or_latin1(samples: Iterable[Sample]) -> tuple[float, float]:
    """Return how well records that keep the rules of MARC-8 read as it, and as Latin-1 (0 to 1).

    Latin-1 keeps those rules by accident now and then: "Frédéric" is "Frďřic" then, told by
    letters that the language does not have. And an accented vowel before a vowel ("Kenzaburåo")
    is rather a mark before its letter.
    """
    ours = theirs = count = 0.0
    for each in samples:
        letters = writing.latin_letters(each.languages)
        found = writing.fit(_text(each.words, MARC8)[0], letters)
        if not found.total:
            continue
        count += found.total
        ours += found.share * found.total
        latin1 = _text(each.words, "cp1252")[0]
        pairs = len(_BEFORE_VOWEL.findall(latin1))
        other = writing.fit(latin1, letters)
        share = other.share * (1 - 0.5 * min(1.0, pairs / other.total)) if other.total else 0.0
        theirs += share * found.total
    return (ours / count, theirs / count) if count else (1.0, 0.0)


def alike(best: Trial, rival: Trial) -> bool:
    """Whether two sets read all but few of many words alike."""
    mine = [word for text in best.texts for word in text.split("\n")]
    yours = [word for text in rival.texts for word in text.split("\n")]
    same = sum(1 for one, other in zip(mine, yours, strict=False) if one == other)
    return len(mine) >= _MANY and same >= 0.95 * len(mine)


def has_controls(one: Trial) -> bool:
    """Whether a reading gives C1 controls: no text has them, but for paired non-sorting marks."""
    text = "".join(one.texts)
    return _CONTROL.search(text) is not None or text.count("\x98") != text.count("\x9c")


def shown(one: Trial) -> str:
    return f"{one.fit.share:.0%} of {one.fit.total:,} characters fit the languages"


def beats(best: Trial, rival: Trial) -> bool:
    """Whether ``best`` is clearly better where the two readings differ."""
    ours: list[str] = []
    theirs: list[str] = []
    for one, other in zip(best.texts, rival.texts, strict=False):
        pairs = list(zip(one.split("\n"), other.split("\n"), strict=False))
        ours += [mine for mine, yours in pairs if mine != yours]
        theirs += [yours for mine, yours in pairs if mine != yours]
    if _are_spoilt(theirs) and not any(map(writing.has_sign_inside, ours)):
        return True
    # The letters the file as a whole is written with judge both.
    margin = best.fit.share - rival.fit.share
    differing = sum(1 for word in ours for char in word if char > "\x7f")
    if not differing:
        return True
    weight = best.fit.total / differing
    return any(
        differing >= count and min(1.0, margin * max(1.0, weight)) >= needed
        for count, needed in _MARGINS
    )


def _are_spoilt(words: Iterable[str]) -> bool:
    """Whether more than one word has a sign where only a letter can stand."""
    return len({word for word in words if writing.has_sign_inside(word)}) > 1
