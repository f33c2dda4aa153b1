"""A site over each kind of database, with a clock that stands still; and one with partners."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from service import worker
from service.domain.harvest import HARVEST
from service.domain.partner import Partner
from service.store.db import Database
from service.usecases import harvesting, membership
from service.usecases.site import Site
from tests.oai.hostile import Site as Provider
from tests.oai.hostile import books, serving
from tests.service.builders import a_partner, a_record, bring, make_site, open_list
from tests.service.nagasaki import AT_ONCE, LOOPBACK
from tests.service.partner_views import publish


@pytest.fixture
def site(db: Database, tmp_path: Path) -> Site:
    """A site with no list, no partner and no record."""
    return make_site(db, tmp_path)


@pytest.fixture
def harvesting_site(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site that may call loopback, with a partner, and a worker that waits for nothing."""
    at_once = partial(harvesting.work, patience=AT_ONCE, sleep=lambda _: None)
    monkeypatch.setitem(worker.CALLING, HARVEST, at_once)
    made = make_site(db, tmp_path, reachable_networks=LOOPBACK)
    a_partner(made, "nagasaki")
    return made


@pytest.fixture
def provider() -> Iterator[tuple[Provider, str]]:
    """Nagasaki's provider with nine books, three to a page, and its address."""
    there = Provider(books(9))
    there.memory.clock += 10_000
    with serving(there) as url:
        yield there, url


@pytest.fixture
def tiered(site: Site) -> Partner:
    """Partner ara in group near, one book for near alone, and one for all."""
    ara = a_partner(site, "ara")
    a_partner(site, "bela")
    membership.add_audience(site.db, "near", ["ara"], now=site.now())
    membership.add_audience(site.db, "far", ["bela"], now=site.now())
    open_list(site, "secret", audience="near")
    open_list(site, "open")
    bring(site, a_record("Secret", number="1"), slug="secret")
    bring(site, a_record("Open", number="2"), slug="open")
    publish(site)
    return ara
