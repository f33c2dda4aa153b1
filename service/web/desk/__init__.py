"""The desk: what cataloguers, exchange librarians and administrators work with.

A view has three moves: parse, call one use-case or one read, render. Each carries the action that
lets somebody in (``guarding.needs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint

BLUEPRINTS: Final[Sequence[Blueprint]] = ()
