"""Between dialects of MARC: which crosswalk takes a record of one to MARC 21, and back.

MARC 21 is what is kept, matched and offered. Everything that comes in another dialect goes through
one of ``TO_MARC21``; what a partner's system loads instead is made by one of ``FROM_MARC21``.

Source: see each crosswalk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from marc_mappings.problems import Problem, problem
from marc_mappings.record import Record
from marc_mappings.rules import Loss

MARC21: Final = "marc21"

Crosswalk = Callable[[Record], tuple[Record, tuple[Loss, ...]]]


def _crosswalk(module: str, **said: str) -> Crosswalk:
    """Return ``convert`` of a mapping, which is loaded when the first record needs it."""

    def convert(record: Record) -> tuple[Record, tuple[Loss, ...]]:
        mapping: Any = import_module(f"marc_mappings.{module}")
        made: tuple[Record, tuple[Loss, ...]] = mapping.convert(record, **said)
        return made

    return convert


TO_MARC21: Final[Mapping[str, Crosswalk]] = {
    **{
        dialect: _crosswalk("unimarc_to_marc21", dialect=dialect)
        for dialect in ("unimarc", "cnmarc", "cmarc", "rusmarc")
    },
    "kormarc": _crosswalk("kormarc_to_marc21"),
}

FROM_MARC21: Final[Mapping[str, Crosswalk]] = {
    "unimarc": _crosswalk("marc21_to_unimarc", flavour="unimarc"),
    "cnmarc": _crosswalk("marc21_to_unimarc", flavour="cnmarc"),
    "kormarc": _crosswalk("marc21_to_kormarc"),
}


def unmapped(losses: tuple[Loss, ...]) -> tuple[str, ...]:
    """Return the tags of which nothing arrived, each once.

    >>> unmapped((Loss("905", "", "holdings"), Loss("210", "z"), Loss("905", "", "holdings")))
    ('905',)
    """
    return tuple(dict.fromkeys(loss.tag for loss in losses if not loss.codes))


def problems_of(losses: tuple[Loss, ...], before: str = "") -> tuple[Problem, ...]:
    """Return what a report says of losses: notes, because what came is kept as it came.

    ``before`` is put before each message.
    """
    return tuple([_told(loss, before) for loss in losses])


def _told(loss: Loss, before: str) -> Problem:
    if loss.codes:
        why = loss.reason or "the target has no place for it"
        return problem(
            "subfield-unmapped", f"{before}{_parts(loss)} did not arrive: {why}.", loss.tag
        )
    if loss.reason:
        return problem("field-dropped", f"{before}Left out: {loss.reason}.", loss.tag)
    return problem(
        "field-unmapped",
        f"{before}The field did not arrive: the target has no place for it.",
        loss.tag,
    )


def _parts(loss: Loss) -> str:
    """Name what of a field was lost: positions, an indicator, or subfields.

    >>> [_parts(Loss(*each)) for each in (("008", "26-27"), ("245", "ind2"), ("210", "az"))]
    ['Position 26-27', 'Indicator 2', '$a $z']
    """
    if loss.tag < "010":
        return f"Position {loss.codes}"
    if loss.codes.startswith("ind"):
        return f"Indicator {loss.codes[3:]}"
    return " ".join(f"${code}" for code in loss.codes)
