"""Open the site that a command works on: settings, database, clock; refuse what cannot work."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import click

from service import config, logs
from service.config import Settings
from service.errors import Misconfigured
from service.store.db import Database, DatabaseError
from service.usecases import health
from service.usecases.site import Site


def settings(data_dir: Path | None) -> Settings:
    """Return the settings of the site in ``data_dir``; raise ``Misconfigured``."""
    return config.load() if data_dir is None else config.load(data_dir=data_dir)


def database(found: Settings) -> Database:
    """Return the database that the settings name; raise ``Misconfigured`` when it cannot be one."""
    try:
        return Database(found.database)
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "PostgreSQL needs its driver: pip install 'bookbridge[postgres]'"
        ) from error
    except DatabaseError as error:
        raise Misconfigured(
            "setting 'database_url' is not an address of a database, such as "
            "postgresql://user@host/name"
        ) from error


def site(data_dir: Path | None, *, quiet: bool = True) -> Site:
    """Return the site in ``data_dir`` until the running command ends.

    Raises ``Misconfigured`` unless its database can be used.

    A ``quiet`` command logs nothing but faults, in words for the person at the terminal.
    """
    found = settings(data_dir)
    if quiet:
        logs.configure("text", logging.ERROR)
    else:
        logs.configure(found.log_format)
    db = database(found)
    click.get_current_context().call_on_close(db.close)
    health.check(db)
    return Site(db, found, time.time)
