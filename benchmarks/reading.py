"""How well files of partners are read: damage, encodings, conversions, as tables for a note.

    python -m benchmarks.reading [--seed N] [--files N] [--corpus FOLDER] [--only TABLE]

The seeds are N and the four after it. Every figure is counted over real records by code that does
not use the tables it judges; what counts as lost, silent and unknowable is defined in
``tests/marc_mappings/judgement.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import reading_conversions, reading_damage, reading_encodings
from benchmarks.importing import CORPUS

_SEEDS = 5


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=2000, help="damaged files for each seed")
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--only", choices=("damage", "encodings", "conversions"))
    asked = parser.parse_args()
    if asked.only in (None, "damage"):
        seeds = range(asked.seed, asked.seed + _SEEDS)
        reading_damage.tables(asked.corpus, seeds, asked.files)
    if asked.only in (None, "encodings"):
        reading_encodings.tables(asked.corpus)
    if asked.only in (None, "conversions"):
        reading_conversions.tables(asked.corpus)


if __name__ == "__main__":
    main()
