"""Good, damaged, good: what is lost, by format and by kind, beside pymarc over the same files."""

from __future__ import annotations

import io
import logging
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import pymarc

from tests.marc_mappings import judgement, judgement_of_values, mutations, pools
from tests.marc_mappings import mutations_elsewhere as elsewhere
from tests.marc_mappings import mutations_of_text_elsewhere as text_elsewhere
from tests.marc_mappings.judgement import Form, Judgement, judge
from tests.marc_mappings.mutations import Damaged
from tests.marc_mappings.mutations_of_text import ENVELOPES, files_of

HEAD = (
    "| {:<44} | files | good after lost | good before lost | exceptions | silent "
    "| unknowable | victim whole | its fields whole | rejected |"
)


def tables(corpus: Path, seeds: Sequence[int], count: int) -> None:
    """Print the table of ISO 2709 for each seed, with pymarc's figures, and of the text forms."""
    sorts = pools.real(corpus) | pools.made()
    print("\n## Damaged records\n")
    print(f"{len(mutations.ISO2709)} kinds of damage over {len(sorts)} sorts of records.\n")
    print(HEAD.format("ISO 2709"))
    print("|---" + "|---:" * 9 + "|")
    every: list[Judgement] = []
    peers: list[tuple[bool, bool, bool]] = []
    for seed in seeds:
        files = list(mutations.files(list(sorts.values()), mutations.ISO2709, seed, count))
        judged = [judge(file) for file in files]
        print(_row(f"Bookbridge, seed {seed}", judged))
        every += judged
        theirs = [_pymarc_lost(file) for file in files]
        print(_peer_row(f"pymarc {version('pymarc')}, seed {seed}", theirs))
        peers += theirs
    print(_row("**Bookbridge, all**", every))
    print(_peer_row("**pymarc, all** (bytes not decoded)", peers))
    _print_faults(every)
    records = [pools.read(pool[:150]) for pool in sorts.values()]
    for name, envelope in ENVELOPES.items():
        found = [
            judge(file, envelope.judged)
            for seed in seeds
            for file in files_of(envelope, records, seed, count // 4)
        ]
        print(_row(f"{name}, {len(envelope.kinds)} kinds", found))
        _print_faults(found)
    _print_elsewhere(corpus, seeds, count)


def _print_elsewhere(corpus: Path, seeds: Sequence[int], count: int) -> None:
    """Print the table of the other kinds, over other records, by the other judge."""
    sorts = pools.elsewhere(corpus) | pools.made()
    pieces = list(sorts.values())
    print(f"\nOther kinds, by the values of the record, over {len(sorts)} sorts of records.\n")
    print("| form, kinds | files | a good one lost | exceptions | silent |")
    print("|---|---:|---:|---:|---:|")
    kinds = elsewhere.ISO2709
    files = (each for seed in seeds for each in mutations.files(pieces, kinds, seed, count))
    _print_verdicts("ISO 2709", len(kinds), files, judgement.ISO2709, elsewhere.NOBODY_KNOWS)
    records = [pools.read(pool[:60]) for pool in pieces]
    records = [pool for pool in records if len(pool) > 2]
    for name, envelope in ENVELOPES.items():
        kinds = text_elsewhere.KINDS[name]
        made = envelope._replace(kinds=kinds)
        files = (each for seed in seeds for each in files_of(made, records, seed, count // 4))
        nobody_knows = text_elsewhere.NOBODY_KNOWS
        _print_verdicts(name, len(kinds), files, envelope.judged, nobody_knows)


def _print_verdicts(
    name: str, kinds: int, files: Iterable[Damaged], form: Form, nobody_knows: Collection[str]
) -> None:
    found = [judgement_of_values.judge(file, form.between, nobody_knows) for file in files]
    lost = _share(sum(each.lost for each in found), len(found))
    raised, silent = (sum(map(bool, column)) for column in list(zip(*found, strict=True))[2:])
    print(f"| {name}, {kinds} | {len(found):,} | {lost} | {raised} | {silent} |")
    for each in found:
        if each.raised or each.silent:
            print(f"<!-- {each.kind}: {(each.raised or each.silent)[:160]} -->")


def _row(name: str, judged: Sequence[Judgement]) -> str:
    count = len(judged)
    outcomes = Counter(one.outcome for one in judged)
    cells = [
        f"{count:,}",
        _share(sum(one.after_lost for one in judged), count),
        _share(sum(one.before_lost for one in judged), count),
        str(sum(bool(one.raised) for one in judged)),
        str(sum(bool(one.silent) for one in judged)),
        _share(sum(one.unknowable for one in judged), count),
        _share(outcomes["equal"], count),
        _share(outcomes["equal"] + outcomes["fields equal"], count),
        _share(outcomes["rejected"], count),
    ]
    return f"| {name:<44} | " + " | ".join(cells) + " |"


def _peer_row(name: str, found: Sequence[tuple[bool, bool, bool]]) -> str:
    after, before, raised = (sum(column) for column in zip(*found, strict=True))
    count = len(found)
    cells = [f"{count:,}", _share(after, count), _share(before, count), str(raised)]
    return f"| {name:<44} | " + " | ".join(cells + ["–"] * 5) + " |"


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.2%})" if whole else "–"


def _print_faults(judged: Iterable[Judgement]) -> None:
    """Print, as comments, every kind in which something went wrong."""
    by_kind: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for one in judged:
        for what in ("before_lost", "after_lost", "raised", "silent"):
            if getattr(one, what):
                by_kind[f"{what.replace('_', ' ')}: {one.kind}"] += 1
                shown.setdefault(one.kind, (one.raised or one.silent)[:160])
    for name, times in by_kind.most_common():
        print(f"<!-- {times} × {name} {shown[name.partition(': ')[2]]} -->")


# --- the peer --------------------------------------------------------------------------------


def _pymarc_lost(file: Damaged) -> tuple[bool, bool, bool]:
    """Return whether pymarc lost the good record after, the one before, and whether it raised.

    It is asked for bytes: what it makes of encodings is another question.
    """
    wanted = [_plain(each) for each in _pymarc(file.before + file.after)]
    if len(wanted) != 2:
        return False, False, False
    found: list[object] = []
    raised = False
    try:
        found += (_plain(each) for each in _pymarc(file.file))
    except Exception:
        raised = True
    return wanted[1] not in found, wanted[0] not in found, raised


def _pymarc(data: bytes) -> Iterator[pymarc.Record | None]:
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from pymarc.MARCReader(io.BytesIO(data), to_unicode=False)


def _plain(record: pymarc.Record | None) -> object:
    if record is None:
        return None
    return str(record.leader), [
        (field.tag, field.data if field.is_control_field() else tuple(map(tuple, field.subfields)))
        for field in record.fields
    ]
