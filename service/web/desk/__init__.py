"""The desk: what cataloguers, exchange librarians and administrators work with.

A view has three moves: parse, call one use-case or one read, render. Each carries the action that
lets somebody in (``guarding.needs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint

from service.web.desk import (
    exhibitions,
    imports,
    lists,
    selections,
    today,
    wishes,
)

BLUEPRINTS: Final[Sequence[Blueprint]] = (
    exhibitions.pages,
    imports.pages,
    lists.pages,
    selections.pages,
    today.pages,
    wishes.pages,
)
