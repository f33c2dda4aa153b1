"""Options that several commands on offer lists share, and what was said by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from service.domain.allocation import AllocationPolicy
from service.domain.offer import Source

_Command = TypeVar("_Command", bound=Callable[..., Any])


def terms(function: _Command) -> _Command:
    """Add the options that say where titles come from and how a list is allocated."""
    for option in (
        click.option("--not-to", metavar="PLACES", help="Where nothing of it may go: US CN."),
        click.option("--min-parcel", type=int, help="Copies that a parcel has at least; 0: any."),
        click.option("--max-per-partner", type=int, help="Most copies for a partner; 0: any."),
        click.option("--policy", type=_choice(AllocationPolicy), help="How copies are given."),
        click.option("--source", type=_choice(Source), help="Where its titles come from."),
    ):
        function = option(function)
    return function


def _choice(kind: type[AllocationPolicy] | type[Source]) -> click.Choice[str]:
    return click.Choice([each.value for each in kind], case_sensitive=False)


def said(**terms: Any) -> dict[str, Any]:
    """Return the terms that were said; 0 takes a bound away."""
    return {name: value or None for name, value in terms.items() if value is not None}


def override(function: _Command) -> _Command:
    """Add the options by which a list closes early although wishes stand on it."""
    for option in (
        click.option("--reason", default="", help="Why; every partner concerned reads it."),
        click.option("--override", is_flag=True, help="Close early although wishes stand on it."),
    ):
        function = option(function)
    return function
