"""Runs of one thing and its peers in turns, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def child(module: str, *arguments: str) -> dict[str, float]:
    """Run ``python -m module arguments`` and return the JSON object on its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=3600,
    )
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of every figure over several runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def peak_mb(pid: int | str = "self") -> float:
    """Return the largest resident size a process has had, in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM: this benchmark needs Linux")


def row(name: str, *cells: object) -> None:
    """Print one row of a table."""
    texts = [f"{cell:,.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
    print(f"{name:<44}" + "".join(f"{text:>14}" for text in texts))
