"""The terms of an agreement as people hand them in: a TOML or JSON file, and options over it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from service.domain.agreement import BalanceBasis, Mode, Postage, Scope
from service.errors import Invalid

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _choice(words: type[Scope | Mode | BalanceBasis | Postage]) -> click.Choice[str]:
    return click.Choice([word.value for word in words], case_sensitive=False)


# The options that are a field of the terms by the same name, in the order of ``--help``.
_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--title", {"help": "How it is called."}),
    ("--scope", {"multiple": True, "type": _choice(Scope), "help": "What it is about."}),
    (
        "--party",
        {
            "multiple": True,
            "metavar": "PARTNER[=SIGNATORY]",
            "help": "A partner's code, and who signs for it.",
        },
    ),
    ("--our-signatory", {"help": "Who signs for us."}),
    ("--signed-on", {"metavar": "DAY", "help": "When it was signed, such as 2025-09-15."}),
    ("--signed-in", {"help": "Where it was signed."}),
    ("--carries-out", {"help": "The agreement between governments that it carries out."}),
    ("--starts-on", {"metavar": "DAY", "help": "Its first day."}),
    ("--ends-on", {"metavar": "DAY", "help": "Its last day.  [default: the end of the term]"}),
    ("--term-months", {"type": int, "metavar": "N", "help": "How long a term is."}),
    ("--renews/--ends", {"default": None, "help": "Whether it renews itself for another term."}),
    ("--mode", {"type": _choice(Mode), "help": "How books are chosen."}),
    ("--basis", {"type": _choice(BalanceBasis), "help": "How the balance is kept."}),
    ("--tolerance", {"type": int, "metavar": "N", "help": "By how much it may be out."}),
    ("--allowance-first", {"type": int, "metavar": "N", "help": "Copies in the first year."}),
    ("--allowance-per-year", {"type": int, "metavar": "N", "help": "Copies in later years."}),
    ("--postage", {"type": _choice(Postage), "help": "Who pays for the way."}),
    ("--subject", {"multiple": True, "help": "A word for what books are about."}),
    ("--language", {"multiple": True, "metavar": "CODE", "help": "A MARC language code."}),
    ("--reply-days", {"type": int, "metavar": "N", "help": "Days in which to answer."}),
    ("--duties", {"help": "What was promised besides: display, feedback."}),
    ("--notes", {"help": "For the staff alone."}),
    (
        "--activity",
        {
            "multiple": True,
            "nargs": 2,
            "metavar": "KIND TITLE",
            "help": "Something to be done; its dates stand in a file.",
        },
    ),
)
_LISTS = {"party": "parties", "subject": "subjects", "language": "languages"} | {
    "activity": "activities"
}


def options(command: _Command) -> _Command:
    """Add to a command a file of terms and the options over it."""
    for name, how in reversed(_OPTIONS):
        command = click.option(name, **how)(command)
    return click.option(
        "--file",
        "path",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A TOML or JSON file with the fields that the API has.",
    )(command)


def terms(path: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a file, if any, with those of the options over them."""
    found = {} if path is None else read(path)
    for name, value in given.items():
        if value is None or value == ():
            continue
        found[_LISTS.get(name, name)] = _READ[name](value) if name in _READ else value
    return found


def _party(text: str) -> dict[str, str]:
    partner, _, signatory = text.partition("=")
    return {"partner": partner.strip(), "signatory": signatory.strip()}


_READ: Mapping[str, Callable[[Any], Any]] = {
    "party": lambda values: [_party(each) for each in values],
    "activity": lambda values: [{"kind": kind, "title": title} for kind, title in values],
}


def read(path: Path) -> dict[str, Any]:
    """Return the members of a TOML or JSON file; raise ``Invalid`` for what cannot be read.

    A file whose name ends in .json is JSON, any other is TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid(f"{path} cannot be read as an agreement: {error}", field="file") from error
    if not isinstance(found, dict):
        raise Invalid(f"{path} holds no agreement: its fields are members of one object", "file")
    return found
