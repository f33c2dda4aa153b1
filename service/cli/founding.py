"""Making a site: its folder, settings file and database. What is there is never replaced."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from service import config
from service.cli import opening
from service.config import Settings
from service.errors import Invalid, Misconfigured
from service.store import schema
from service.store.db import DatabaseError, safe_url


class Founded(NamedTuple):
    """A site that is ready to serve."""

    settings: Settings
    file: Path
    new_file: bool
    database: str
    revision: str


def found(
    data_dir: Path | None, given: Mapping[str, object], environ: Mapping[str, str]
) -> Founded:
    """Make the site in ``data_dir`` with the settings ``given``, or bring up the one there.

    Raises ``Misconfigured`` or ``Invalid`` before anything is written when a setting is wrong.
    """
    named = environ.get(config.PREFIX + "CONFIG", "")
    folder = data_dir or Path(environ.get(config.PREFIX + "DATA_DIR", "") or "var")
    file = Path(named) if named else folder / config.FILE_NAME
    is_new = not file.exists()
    if is_new:
        wanted = {"secret_key": config.new_secret(), **given}
        unread = {name: text for name, text in environ.items() if name != config.PREFIX + "CONFIG"}
        text = _as_toml(wanted)
        config.load(unread, data_dir=folder, **wanted)
        _make_folder(folder)
        _write(file, text)
    settings = config.load(environ, data_dir=folder)
    if not settings.secret_key:
        raise Misconfigured(
            f"{file} has no secret_key: add a line secret_key = "
            '"…" with 40 or more random characters'
        )
    _make_folder(folder)
    return Founded(settings, file, is_new, safe_url(settings.database), _bring_up(settings))


def _bring_up(settings: Settings) -> str:
    try:
        db = opening.database(settings)
        try:
            return schema.upgrade(db)
        finally:
            db.close()
    except DatabaseError as error:
        raise Misconfigured(
            f"the database {safe_url(settings.database)} cannot be used: {_cause(error)}"
        ) from error


def _cause(error: DatabaseError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"folder {folder} cannot be made: {error.strerror}") from error


def _write(file: Path, text: str) -> None:
    """Write a new file that only its owner may read, from its first moment on."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}") from error


def _as_toml(values: Mapping[str, object]) -> str:
    lines = ["# Settings of this Bookbridge; every one is described in docs/operate.md.\n"]
    for name, value in values.items():
        if isinstance(value, str) and not value.isprintable():
            raise Invalid(f"setting {name!r} holds characters that cannot be printed", field=name)
        # A JSON string or number without control characters is a TOML one.
        lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
