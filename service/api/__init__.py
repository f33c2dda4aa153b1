"""What partners' and staff's machines call: `/api/v1`, JSON, problem+json, OpenAPI 3.1.

A view has three moves: parse, call one use-case or one read, render.
"""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Add the API to the application."""
