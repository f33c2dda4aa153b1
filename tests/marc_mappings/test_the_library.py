"""What the rooms promise about themselves: doctests, codes of problems, golden cases."""

from __future__ import annotations

import doctest
import importlib
import io
import json
import pkgutil
import re
from pathlib import Path

import pytest

import marc_mappings
from marc_mappings import formats, iso2709, marcxml, oai_dc
from marc_mappings.formats import Parsed
from marc_mappings.problems import CODES, problem
from tests.marc_mappings.conftest import CASES

ROOMS = [
    room.name for room in pkgutil.walk_packages(marc_mappings.__path__, prefix="marc_mappings.")
]


@pytest.mark.parametrize("room", ROOMS)
def test_the_examples_in_the_docstrings_are_true(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


def test_every_code_in_the_table_is_used_and_every_used_code_is_in_it() -> None:
    folder = Path(marc_mappings.__path__[0])
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    used = set(re.findall(r"""\bproblem\(\s*"([a-z0-9-]+)\"""", source))
    assert used == set(CODES)
    assert all(meaning.text.endswith(".") for meaning in CODES.values())
    with pytest.raises(KeyError):
        problem("no-such-code")


@pytest.mark.parametrize("room", ["iso2709", "marcxml"])
def test_formats_are_uniform_siblings(room: str) -> None:
    module = importlib.import_module(f"marc_mappings.{room}")
    assert all(callable(getattr(module, name)) for name in ("frames", "parse", "write"))


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_golden_case(case: str) -> None:
    """``in.*`` is read; each of ``out.*`` that is there must be met to the byte."""
    folder = CASES / case
    assert (folder / "README").read_text(encoding="utf-8").strip()
    (source,) = folder.glob("in.*")
    with source.open("rb") as stream:
        items = list(formats.read(io.BytesIO(stream.read())))
    report = [
        {
            "position": item.position,
            "offset": item.offset,
            "outcome": item.outcome,
            "problems": [[each.code, each.tag] for each in item.problems],
        }
        for item in items
    ]
    records = [item.record for item in items if isinstance(item, Parsed)]
    made = {
        "out.json": lambda: json.dumps(report, indent=1, ensure_ascii=False) + "\n",
        "out.xml": lambda: "".join(marcxml.write(each).decode() + "\n" for each in records),
        "out.dc.xml": lambda: "".join(oai_dc.write(each).decode() + "\n" for each in records),
        "out.mrc": lambda: b"".join(map(iso2709.write, records)).decode(),
    }
    found = sorted(path.name for path in folder.glob("out.*"))
    assert found
    for name in found:
        assert made[name]() == (folder / name).read_bytes().decode(), f"{case}/{name}"
