"""``bookbridge harvest NAME``: a source into the database, here and now, and its history."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import click

from service import worker
from service.cli import files, opening, plain, report, running, signals
from service.cli.progress import Show, shown
from service.domain.audit_entry import COMMAND_LINE
from service.domain.harvest import Harvest, HarvestState
from service.domain.source import Source
from service.errors import BookbridgeError, Busy
from service.store.jobs import Job
from service.usecases import ordering_harvests, reading_sources
from service.usecases.reading_sources import Past, Standing
from service.usecases.site import Site

_AT_ONCE = 20
_MOST_REMARKS = 5
# Seconds between two looks at work that another process does.
_PAUSE = 0.3


def harvest(
    data_dir: Path | None, name: str, *, full: bool, from_: int | None, accept_vanished: bool
) -> None:
    """Harvest a source to its end, and bring what came as far as it goes by itself."""
    site = opening.site(data_dir)
    begun = ordering_harvests.begin(
        site.db,
        name,
        full=full,
        from_=from_,
        accept_vanished=accept_vanished,
        by=COMMAND_LINE,
        now=site.now(),
    )
    stop = threading.Event()
    with signals.stopping(stop.set), shown(begun.source.name) as show:
        done = _to_the_end(site, begun, stop, show)
        report_ = None
        if done.batch and not stop.is_set():
            report_ = running.to_the_end(site, done.batch, stop, show)
    if stop.is_set() and done.harvest.state is HarvestState.RUNNING:
        raise BookbridgeError("stopped; a worker, or the same command, goes on from here")
    _print(begun.source, done, whole=True)
    fine = done.harvest.state is HarvestState.DONE and not done.harvest.lost
    if report_ is not None:
        click.echo("")
        report.print_text(site.db, report_, whole=False)
        if not begun.source.auto_commit:
            click.echo(f"\nNext: bookbridge batch commit {done.batch}")
        fine = fine and not report.has_problems(report_)
    if not fine:
        raise SystemExit(1)


def _to_the_end(site: Site, begun: Standing, stop: threading.Event, show: Show) -> Past:
    """Work on the job of a harvest until it has ended or has to wait."""
    assert begun.harvest is not None  # noqa: S101 - it was begun
    assert begun.job is not None  # noqa: S101 - as above
    first = True

    def step(_: Job, done: int) -> None:
        show(files.counted(done, "record"), done, 0)

    while True:
        done = reading_sources.find_harvest(site.db, begun.harvest.id)
        waits = done.harvest.tries > 0 and not first
        if done.harvest.state is not HarvestState.RUNNING or waits or stop.is_set():
            return done
        held = worker.lease(site, begun.job.id)
        if held is None and not first:
            stop.wait(_PAUSE)  # a worker took it while it made room for other jobs
            continue
        if held is None:
            raise Busy(
                f"source {begun.source.name!r} is being harvested by another process; "
                f"bookbridge harvest --status {begun.source.name} shows how far it is"
            )
        worker.work(site, held, step, stop)
        first = False


def status(data_dir: Path | None, name: str | None) -> None:
    """Print the newest harvest of every source, or the last ones of one."""
    site = opening.site(data_dir)
    if name is not None:
        source = reading_sources.find_source(site.db, name).source
        for past in reading_sources.list_harvests(site.db, name, limit=_AT_ONCE):
            _print(source, past, whole=True)
        return
    after = ""
    while found := reading_sources.list_sources(site.db, after):
        for each in found:
            newest = reading_sources.list_harvests(site.db, each.source.name, limit=1)
            if newest:
                _print(each.source, newest[0])
            else:
                click.echo(f"{each.source.name}  not harvested yet")
        after = found[-1].source.name
    if not after:
        click.echo("There are no sources yet. Next: bookbridge source add NAME --partner CODE …")


def _print(source: Source, past: Past, *, whole: bool = False) -> None:
    found = past.harvest
    scope = "full" if found.order.full else "changes"
    click.echo(
        f"{source.name}  {found.started_at:%Y-%m-%d %H:%M} UTC  {found.state.value}  {scope}  "
        f"{files.counted(found.records, 'record')}, {found.deleted:,} deleted, "
        f"{files.counted(found.pages, 'page')}"
    )
    lines = [plain.line(found.error, 500)] if found.error else []
    if found.state is HarvestState.RUNNING and found.tries:
        lines.append(f"{files.counted(found.tries, 'failure')} in a row; it is tried again later")
    if found.lost:
        lines.append(f"could not be read and left out: {found.lost:,}; --full tries them again")
    if past.batch:
        lines.append(f"batch {past.batch}")
    for line in [*lines, *(_remarks(found) if whole else [])]:
        click.echo(f"    {line}")


def _remarks(found: Harvest) -> list[str]:
    numbers = Counter(found.remarks.numbers)
    first = {each.code: each.message for each in reversed(found.remarks.first)}
    return [
        f"{code}: {files.counted(number, 'note')}; the first: {plain.line(first.get(code, ''))}"
        for code, number in numbers.most_common(_MOST_REMARKS)
    ]
