"""The portal: what a partner's people see and do here, without a system of their own.

A view has three moves: parse, call one use-case or one read, render. Each carries the action that
lets somebody in (``guarding.needs``), and reaches what is its partner's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint

from service.web.portal import (
    balance,
    consignments,
    given,
    library,
    overview,
    standing,
    titles,
    wishes,
)

BLUEPRINTS: Final[Sequence[Blueprint]] = (
    overview.pages,
    titles.pages,
    wishes.pages,
    standing.pages,
    given.pages,
    consignments.pages,
    balance.pages,
    library.pages,
)
