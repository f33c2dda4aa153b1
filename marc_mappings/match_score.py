"""How much two records agree, and the reasons in words: for a person who decides.

The strongest kind in common decides; what the records say against it lowers it. A number in common
is believed unless the titles contradict it. A title in common without a number is the same
publication only if nothing tells the editions apart: two editions of one work are never silently
one. The tables below are the whole of the judgement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from marc_mappings import match_keys
from marc_mappings.keys import edition_keys, folding
from marc_mappings.keys.key_kinds import Key
from marc_mappings.record import Record

Relation = Literal["same", "other edition", "maybe", "different"]


class Score(NamedTuple):
    """How far two records are one: ``score`` 0 to 100, ``reasons`` as sentences for a person.

    ``kind`` is the kind of key that decided, ``""`` where none is in common.
    """

    score: int
    reasons: tuple[str, ...]
    relation: Relation
    kind: str = ""


class Weight(NamedTuple):
    """What a kind in common is worth, what it means, and how it is said ({} is the value)."""

    score: int
    relation: Relation
    reason: str


# Kinds, strongest first. The first that two records share decides.
WEIGHTS: Final[Mapping[str, Weight]] = {
    "control": Weight(100, "same", "the same control number {}"),
    "isbn": Weight(96, "same", "the same ISBN {}"),
    "ismn": Weight(96, "same", "the same ISMN {}"),
    "doi": Weight(96, "same", "the same DOI {}"),
    "lccn": Weight(95, "same", "the same LC control number {}"),
    "nbn": Weight(95, "same", "the same national bibliography number {}"),
    "csbn": Weight(92, "same", "the same unified book number (统一书号) {}"),
    "other_id": Weight(90, "same", "the same identifier {}"),
    "title": Weight(82, "same", "the same title “{title}”{part}, author and year {year}"),
    "title_sound": Weight(
        76, "maybe", "the same title in {scripts}{part}, the same author, {year}"
    ),
    "control_cancelled": Weight(70, "maybe", "control number {}, which one of them had before"),
    "isbn_cancelled": Weight(65, "maybe", "ISBN {}, which is cancelled or wrong in one of them"),
    "issn": Weight(60, "maybe", "the same ISSN {}"),
    "title_author": Weight(60, "maybe", "the same title “{title}”{part} and author"),
    "title_uniform": Weight(50, "other edition", "the same uniform title “{title}”{part}"),
    "title_year": Weight(45, "maybe", "the same title “{title}”{part} and year {year}"),
    "title_sound_year": Weight(40, "maybe", "the same title in {scripts}{part}, {year}"),
    "isbn_set": Weight(40, "maybe", "the ISBN of the same set {}"),
    "issn_cancelled": Weight(30, "maybe", "ISSN {}, which is cancelled or wrong in one of them"),
}
# A current number of one record that is a former number of the other says as much as two former.
_CURRENT: Final = {
    "isbn_cancelled": "isbn",
    "issn_cancelled": "issn",
    "control_cancelled": "control",
}
_NUMBERS: Final = frozenset(
    {"control", "isbn", "ismn", "doi", "lccn", "nbn", "csbn", "other_id", "issn"}
)
# What tells editions apart when the title is the same, and how it is said.
_APART: Final[Mapping[str, str]] = {
    "year": "other years: {} and {}",
    "isbn": "other ISBNs: {} and {}",
    "edition": "other editions: {} and {}",
    "publisher": "other publishers: {} and {}",
    "language": "other languages: {} and {}",
    "form": "other forms: {} and {}",
    "subtitle": "other subtitles: “{}” and “{}”",
}
# How a title is called by its script, beside a romanisation of it.
_SCRIPTS: Final = {"kor": "Korean script", "jpn": "Kana", "cyr": "Cyrillic"}
_ORIGINAL: Final = {"kor": {"Hang", "Hani"}, "jpn": {"Kana"}, "cyr": {"Cyrl"}}

_Kinds = Mapping[str, Mapping[str, None]]


_Written = Callable[[str], str]


def compare(
    keys_a: Iterable[Key],
    keys_b: Iterable[Key],
    weights: Mapping[str, Weight] = WEIGHTS,
    written: _Written = str,
) -> Score:
    """Return how far two records are one, by their keys; the order of the two does not matter.

    Give the keys of ``match_keys.keys`` and, so that editions are told apart, those of
    ``edition_keys.of_record``. ``weights`` are of kinds, the strongest first; ``written``
    says how a folded title is written, for the reasons.

    >>> year = Key("year", "2007")
    >>> score = compare([Key("isbn", "9788936433598"), year], [Key("isbn", "9788936433598")])
    >>> score.score, score.relation, score.reasons
    (96, 'same', ('the same ISBN 9788936433598',))
    """
    a, b = _by_kind(keys_a), _by_kind(keys_b)
    common = {kind: shared for kind in weights if (shared := _shared(kind, a, b))}
    if not common:
        return Score(0, ("no number and no title in common",), "different")
    strongest = next(iter(common))
    reasons = [
        _said(weights[kind].reason, kind, min(shared), a, b, written)
        for kind, shared in _worth_saying(common)
    ]
    score, relation, _ = weights[strongest]
    score = min(100, score + len(reasons) - 1)
    if strongest in _NUMBERS or strongest.endswith("cancelled") or strongest == "isbn_set":
        doubts = _contradictions(a, b, written)
        if doubts:
            volumes = strongest in ("isbn_set", "issn")
            relation = "different" if volumes else "maybe"
            return Score(min(score, 55), (*reasons, *doubts), relation, strongest)
        return Score(score, tuple(reasons), relation, strongest)
    return _by_title(a, b, Score(score, tuple(reasons), relation, strongest), written)


def compare_records(a: Record, b: Record) -> Score:
    """Return how far two records are one, with all that their fields say."""
    return compare(
        match_keys.keys(a) + edition_keys.of_record(a),
        match_keys.keys(b) + edition_keys.of_record(b),
    )


def _by_title(a: _Kinds, b: _Kinds, found: Score, written: _Written) -> Score:
    """Judge two records that have a title and no number in common."""
    differences = {
        kind: sentence.format(*(_shown(kind, min(each[kind]), written) for each in (a, b)))
        for kind, sentence in _APART.items()
        if a[kind] and b[kind] and not _agree(kind, a[kind], b[kind])
    }
    if _authors_differ(a, b):
        return Score(20, (*found.reasons, "but other authors"), "different", found.kind)
    if differences:
        score = max(20, found.score - 10 * len(differences))
        # With another subtitle it may just as well be another work.
        relation: Relation = "maybe" if differences.keys() == {"subtitle"} else "other edition"
        return Score(score, (*found.reasons, *differences.values()), relation, found.kind)
    return found


def _shown(kind: str, value: str, written: _Written) -> str:
    return written(value) if kind == "subtitle" else value


def _by_kind(keys: Iterable[Key]) -> _Kinds:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for kind, value in sorted(keys):
        found[kind][value] = None
    return found


def _shared(kind: str, a: _Kinds, b: _Kinds) -> set[str]:
    shared = _in_both(a.get(kind), b.get(kind))
    if now := _CURRENT.get(kind):
        shared |= _in_both(a.get(now), b.get(kind)) | _in_both(a.get(kind), b.get(now))
    return shared


def _in_both(ours: Mapping[str, None] | None, theirs: Mapping[str, None] | None) -> set[str]:
    return ours.keys() & theirs.keys() if ours and theirs else set()


def _worth_saying(common: Mapping[str, set[str]]) -> list[tuple[str, set[str]]]:
    """Leave out what a stronger kind has said: title and author after title, author and year."""
    said = list(common.items())
    titles = [pair for pair in said if pair[0].startswith("title")]
    return [pair for pair in said if pair not in titles[1:]]


def _said(reason: str, kind: str, value: str, a: _Kinds, b: _Kinds, written: _Written) -> str:
    if not kind.startswith("title"):
        return reason.format(value)
    rules, _, rest = value.rpartition(":")
    title, part, *others = [*rest.split("|"), ""][:5]
    year = next((each for each in reversed(others) if each.isdigit()), "")
    scripts = _scripts_said(rules, a, b)
    return reason.format(
        title=written(title), part=f", part {part}" if part else "", year=year, scripts=scripts
    )


def _scripts_said(rules: str, a: _Kinds, b: _Kinds) -> str:
    original = [bool(_ORIGINAL.get(rules, set()) & _scripts(each)) for each in (a, b)]
    if any(original) and not all(original):
        return f"{_SCRIPTS[rules]} and in romanisation"
    return "two romanisations or spellings"


def _titles(kinds: _Kinds) -> list[tuple[str, str]]:
    """Return the folded titles of a record, each with its part."""
    found: dict[tuple[str, str], None] = {}
    for kind in ("title", "title_author", "title_year", "title_alone"):
        for value in kinds[kind]:
            title, _, rest = value.partition("|")
            found[title, rest.partition("|")[0]] = None
    return list(found)


def _scripts(kinds: _Kinds) -> set[str]:
    return {folding.script(title) for title, _ in _titles(kinds)}


def _contradictions(a: _Kinds, b: _Kinds, written: _Written) -> list[str]:
    """Return what titles, parts and edition statements say against a number in common."""
    doubts = []
    if a["edition"] and b["edition"] and not a["edition"].keys() & b["edition"].keys():
        doubts.append(
            f"but other editions: {min(a['edition'])} and {min(b['edition'])}; "
            "publishers use a number twice"
        )
    ours, theirs = _titles(a), _titles(b)
    if not (_scripts(a) & _scripts(b)) or a["title_sound"].keys() & b["title_sound"].keys():
        return doubts
    alike = [(x, y) for x in ours for y in theirs if _begins(x[0], y[0])]
    if not alike:
        said = [written(each[0][0]) for each in (ours, theirs)]
        doubts.append("but other titles: “{}” and “{}”".format(*said))
    elif all(x[1] and y[1] and x[1] != y[1] for x, y in alike):
        x, y = alike[0]
        doubts.append(f"but other parts: {x[1]} and {y[1]}; the number may be that of the set")
    return doubts


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _agree(kind: str, ours: Mapping[str, None], theirs: Mapping[str, None]) -> bool:
    """Whether two records may mean the same; names and words count only in a script they share."""
    if kind not in ("publisher", "subtitle"):
        return bool(ours.keys() & theirs.keys())
    pairs = [(x, y) for x in ours for y in theirs if folding.script(x) == folding.script(y)]
    return not pairs or any(x in y or y in x for x, y in pairs)


def _authors_differ(a: _Kinds, b: _Kinds) -> bool:
    """Whether both name an author to one title in one script, and never the same.

    A name in another script says nothing: 한강 may be Han, Kang.
    """
    found: list[dict[str, set[str]]] = []
    for kinds in (a, b):
        authors: dict[str, set[str]] = defaultdict(set)
        for value in kinds["title_author"]:
            what, _, author = value.rpartition("|")
            authors[what].add(author)
        found.append(authors)
    pairs = [
        (ours, theirs)
        for what in found[0].keys() & found[1].keys()
        for ours in found[0][what]
        for theirs in found[1][what]
        if folding.script(ours) == folding.script(theirs)
    ]
    return bool(pairs) and all(ours != theirs for ours, theirs in pairs)
