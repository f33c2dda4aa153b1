"""The folder of a demo: made anew each time, and never anybody else's.

A marker says that a folder is a demo's own. Without it a folder that holds anything is left
alone; with it only the files that a demo writes are removed. The marker is locked while a demo
runs, so that no second one takes the database away from under the first.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.config import FILE_NAME
from service.errors import Misconfigured

MARKER = ".bookbridge-demo"
BOOKS = "books.mrc"
LEFT = "left.mrc"
PARTNERS = "partners.csv"
MEMORANDUM = "memorandum.toml"
CHILDREN = "childrens-books.csv"
ARRIVED = "from-kaohsiung.mrc"
SENT_ALONG = "records-for-nagasaki.mrc"
CATALOGUED = "from-kaohsiung-kormarc.mrc"
PAPERS = "papers"
THANKS = "thanks"
LOG = "server.log"
_DATABASE = "bookbridge.sqlite3"
_OURS = (
    *(FILE_NAME, BOOKS, LEFT, PARTNERS, MEMORANDUM, LOG),
    *(CHILDREN, ARRIVED, SENT_ALONG, CATALOGUED),
    *(_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm"),
)
# What a demo prints, in its folder of papers.
_PRINTED = ("2*-*.html", "bookplates.html", "shelf-labels.html", f"{THANKS}.html", f"{THANKS}.docx")


@contextmanager
def emptied(folder: Path) -> Iterator[None]:
    """Make ``folder`` ready for a new demo, and hold it while the block runs.

    Raises ``Misconfigured`` when it is not a demo's, or a demo is running in it.
    """
    marker = folder / MARKER
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        if not marker.exists() and any(folder.iterdir()):
            raise Misconfigured(
                f"{folder} holds something that no demo made, and stays as it is; "
                "choose another folder with --data-dir"
            )
        with marker.open("a") as lock:
            _lock(lock.fileno(), folder)
            for name in _OURS:
                (folder / name).unlink(missing_ok=True)
            for pattern in _PRINTED:
                for page in (folder / PAPERS).glob(pattern):
                    page.unlink()
            yield
    except OSError as error:
        if error.filename is None:
            raise
        raise Misconfigured(f"{error.filename}: {error.strerror}") from error


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Misconfigured(
            f"a demo is running in {folder}; end it first, or choose another with --data-dir"
        ) from error
