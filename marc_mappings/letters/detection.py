"""Which character set legacy bytes are in, judged over a sample of a whole file.

Decoding proves little: bytes of EUC-KR decode as GBK too, and any bytes as Windows-1251. So each
set that the languages and countries of the records suggest is tried, and judged by the letters it
gives (``writing``). The best is certain only where its words, compared with the next best reading
of the same words, leave no reasonable doubt; a second witness (chardet) is heard where the records
do not name their language. Everything else is an open question and said to be one.

Source: the order of evidence is that of ``encodings``; languages and letters are in ``writing``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from marc_mappings.dialects import FAMILY
from marc_mappings.letters import eight_bit, marc8, writing
from marc_mappings.letters.decoding import ISO5426, MARC8, UTF8
from marc_mappings.letters.readings import (
    Trial,
    alike,
    beats,
    has_controls,
    marc8_or_latin1,
    ranking,
    shown,
    trial,
)
from marc_mappings.letters.witnesses import Sample, main_languages

_GOOD, _GOOD_EAST_ASIAN, _FAIR, _POOR = 0.8, 0.5, 0.6, 0.3
_BROKEN = 0.02
# Characters that a file must have to be certain of its set where no language is named.
_MUCH = 200
# With fewer characters and no language, Western European is as good as any guess.
_LITTLE = 8
# Records that may speak for MARC-8 although many of their letters are foreign.
_SEVERAL = 10
EAST_ASIAN: Final = frozenset({"cp949", "gb18030", "big5hkscs", "cp932", "euc_jp"})
# The language to think of where no record names one.
_SPOKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "kormarc": ("kor",),
    "cnmarc": ("chi",),
    "cmarc": ("chi",),
    "rusmarc": ("rus",),
    "japanmarc": ("jpn",),
}


class Verdict(NamedTuple):
    """The encoding of a file's legacy bytes, whether that is certain, and sentences why.

    ``languages``: MARC codes of the main languages of those records. ``rivals``: sets that
    read nearly all of them alike, or (of what is not certain) nearly as well; a record that one
    reads differently is open. ``said``: whether the sender says it.
    """

    encoding: str
    certain: bool
    evidence: tuple[str, ...] = ()
    languages: frozenset[str] = frozenset()
    rivals: tuple[str, ...] = ()
    said: bool = False


def of_file(samples: Sequence[Sample], dialect: str, *, legacy: int, utf8: int) -> Verdict:
    """Return the verdict over a sample of the records whose bytes are not UTF-8.

    ``legacy``, ``utf8``: how many records with letters outside ASCII are not and are UTF-8.
    """
    if not samples:
        said = f"{utf8:,} record{'s' * (utf8 > 1)} with letters outside ASCII, all of it UTF-8."
        return Verdict(UTF8, True, (said,) if utf8 else ("All records are in ASCII.",))
    counted = f"{legacy:,} of {legacy + utf8:,} records with letters outside ASCII are not UTF-8."
    open_ones = [_without_accidents(each, dialect) for each in samples if each.kept != UTF8]
    if not open_ones:
        return Verdict(UTF8, True, (counted, "They are UTF-8 with damaged characters."))
    languages = main_languages(open_ones) or _SPOKEN.get(dialect, ())
    open_ones = [each for each in open_ones if each.words] or open_ones
    names = [*candidates(open_ones, languages), _by_family(dialect)]
    trials = [trial(name, open_ones, languages) for name in names]
    ranked = ranking(trials)
    found = (
        _by_rules(open_ones, ranked, languages, dialect)
        or _by_declaration(open_ones, ranked, languages)
        or _unless_marc8(_by_letters(open_ones, ranked, languages), open_ones)
    )
    evidence = (counted, *found.evidence)
    return found._replace(evidence=evidence, languages=frozenset(languages))


def candidates(samples: Sequence[Sample], languages: Sequence[str]) -> list[str]:
    """Return the sets to try, the likelier first: of the languages, else every one we read."""
    table = writing.writings()
    named = Counter(each for one in samples for each in one.languages)
    found = [name for each in languages for name in table[each].encodings]
    for each, count in named.most_common():
        if count * 50 >= len(samples):
            found += table[each].encodings
    found += [one.declared for one in samples[:50] if one.declared not in ("", UTF8)]
    if not found or set(languages) <= {"eng"}:
        found += [name for each in table.values() for name in each.encodings]
    return list(dict.fromkeys([*found, "cp1252"]))


def _by_rules(
    samples: Sequence[Sample], ranked: list[Trial], languages: Sequence[str], dialect: str
) -> Verdict | None:
    """MARC-8 or ISO 5426: nearly all records keep its rules, and no other set reads far better."""
    name = _by_family(dialect)
    keeping = [each for each in samples if each.kept == name]
    if len(keeping) < 0.8 * len(samples):
        return None
    said = f"{len(keeping):,} of {len(samples):,} records looked at keep the rules of {name}"
    if name == MARC8:
        ours, theirs = marc8_or_latin1(keeping)
        proved = sum(1 for each in keeping if each.proved) * 20 >= len(keeping)
        if ours < _POOR and theirs >= _FAIR and not proved:
            return None
        if proved or (ours > theirs and (ours >= _FAIR or len(keeping) > _SEVERAL)):
            return Verdict(name, True, (f"{said}.",))
        return Verdict(name, False, (f"{said}, but may be cp1252.",))
    own = trial(name, keeping, languages)
    rival = trial(ranked[0].encoding, keeping, languages)
    if rival.fit.share >= _GOOD and own.fit.share <= _FAIR:
        return None
    if rival.texts != own.texts and not beats(own, rival):
        return Verdict(name, False, (f"{said}, but may be {rival.encoding}.",))
    return Verdict(name, True, (f"{said}.",))


def _without_accidents(one: Sample, dialect: str) -> Sample:
    """Return a record that is MARC-8 here and there hurt with its sound words only."""
    if one.kept or _by_family(dialect) != MARC8:
        return one
    words = tuple(word for word in one.words if marc8.has_marks(word))
    kept = one._replace(kept=MARC8, words=words)
    is_marc8 = len(words) > 1 and 2 * len(words) >= len(one.words) and _reads_well([kept])
    return kept if is_marc8 else one


def _unless_marc8(found: Verdict, samples: Sequence[Sample]) -> Verdict:
    """Doubt a verdict by letters where some records keep the rules of MARC-8, and read well."""
    keeping = [each for each in samples if each.kept == MARC8]
    if not found.certain or 5 * len(keeping) < len(samples) or not _reads_well(keeping):
        return found
    said = f"{len(keeping):,} of {len(samples):,} records looked at are rather MARC-8."
    return found._replace(certain=False, evidence=(*found.evidence, said), rivals=())


def _reads_well(samples: Sequence[Sample]) -> bool:
    ours, theirs = marc8_or_latin1(samples)
    return bool(samples) and ours >= _FAIR and ours > theirs + _POOR


def _by_family(dialect: str) -> str:
    """Return the set with marks before letters that the dialect's family uses."""
    return ISO5426 if FAMILY.get(dialect) == "unimarc" else MARC8


def _by_declaration(
    samples: Sequence[Sample], ranked: list[Trial], languages: Sequence[str]
) -> Verdict | None:
    """The set that most records declare, if the bytes keep to it and give letters that fit."""
    named = Counter(each.declared for each in samples if each.declared not in ("", UTF8))
    if not named:
        return None
    name, count = named.most_common(1)[0]
    if count < 0.5 * len(samples):
        return None
    own = trial(name, samples, languages)
    good = _GOOD_EAST_ASIAN if name in EAST_ASIAN else _FAIR
    if own.broken > _BROKEN * len(samples) or own.fit.share < good:
        return None
    if ranked[0].texts != own.texts and ranked[0].fit.share > own.fit.share + 0.05:
        return None
    said = f"{count:,} of {len(samples):,} records looked at declare {name}, and {shown(own)}."
    return Verdict(name, True, (said,))


def _by_letters(
    samples: Sequence[Sample], ranked: list[Trial], languages: Sequence[str]
) -> Verdict:
    nameless = not languages or (set(languages) == {"eng"} and ranked[0].fit.share < _GOOD)
    witness = _witness(ranked, samples) if nameless else None
    best = witness or ranked[0]
    if nameless and best.fit.total < _LITTLE:
        best = next((each for each in ranked if each.encoding == "cp1252"), best)
    rivals = [each for each in ranked if each.texts != best.texts]
    if not has_controls(best):
        rivals = [each for each in rivals if not has_controls(each)]
    good = _GOOD_EAST_ASIAN if best.encoding in EAST_ASIAN else _GOOD
    sound = best.fit.share >= good and best.broken <= _BROKEN * len(samples)
    twins: tuple[str, ...] = ()
    if nameless:
        sound = sound and witness is not None and len(samples) > 1 and best.fit.total >= _MUCH
        sound = sound and best.fit.share >= ranked[0].fit.share - 0.1
    elif sound:
        twins = tuple(each.encoding for each in rivals if alike(best, each))
        close = tuple(
            each.encoding for each in rivals if each.encoding not in twins and not beats(best, each)
        )
        sound, twins = not close, twins + close
    evidence = [f"{each.encoding}: {shown(each)}." for each in [best, *rivals[:1]]]
    if languages:
        evidence.append(f"Languages named: {', '.join(languages)}.")
    elif witness:
        evidence.append(f"No language is named; by frequent pairs of letters: {best.encoding}.")
    if best.broken:
        evidence.append(f"{best.broken:,} records looked at have bytes that {best.encoding} lacks.")
    if twins:
        evidence.append(f"Records that {' or '.join(twins)} reads differently stay open.")
    return Verdict(best.encoding, sound, tuple(evidence), rivals=twins)


def _witness(ranked: list[Trial], samples: Sequence[Sample]) -> Trial | None:
    """Return the reading that a second detector, which knows pairs of letters, would choose."""
    data = b" ".join(word for each in samples for word in each.words)[:20_000]
    if not data:
        return None
    # Few files need it, and it takes a fifth of the time that a command needs to start.
    import chardet
    from chardet.registry import lookup_encoding

    known = [_ITS_NAMES.get(each.encoding, each.encoding) for each in ranked]
    named = {lookup_encoding(name): each for name, each in zip(known, ranked, strict=True) if name}
    if not named:
        return None
    answer = chardet.detect(data, compat_names=False, include_encodings=[n for n in known if n])
    return named.get(lookup_encoding(answer["encoding"] or ""))


# The second detector's names where they are others; "" = sets that it does not know.
_ITS_NAMES: Final[Mapping[str, str]] = {
    "euc_jp": "euc-jp",
    "iso8859-11": "tis-620",
    MARC8: "",
    **dict.fromkeys(eight_bit.SETS, ""),
}
