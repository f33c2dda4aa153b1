"""A site over each kind of database, with a clock that stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.store.db import Database
from service.usecases.site import Site
from tests.service.builders import make_site


@pytest.fixture
def site(db: Database, tmp_path: Path) -> Site:
    """A site with no list, no partner and no record."""
    return make_site(db, tmp_path)
