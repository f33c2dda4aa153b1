"""Sources are entered, looked at, paused and removed; and their harvests are begun.

A harvest is begun by a person's command, or by a worker when its source is due. Both only put it
into the queue; :mod:`service.usecases.harvesting` does it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from service.domain.audit_entry import COMMAND_LINE
from service.domain.harvest import HARVEST, Harvest, HarvestState, Order
from service.domain.offer import ListState
from service.domain.source import (
    Source,
    SourceKind,
    SourceState,
    check_every,
    check_name,
)
from service.errors import Conflict, Invalid, NotFound
from service.store import (
    audit_log,
    harvests,
    imports,
    incoming_lists,
    jobs,
    offer_lists,
    originals,
    partners,
    public_ids,
    sources,
)
from service.store.db import Connection, Database
from service.store.jobs import Job
from service.usecases.site import Site

# What the list of a source is called, and its state: an open one may be wished from.
_LISTS: dict[SourceKind, tuple[str, ListState]] = {
    SourceKind.OFFERS: ("What {} offers", ListState.OPEN),
    SourceKind.GIVEN: ("Given to us by {}", ListState.DRAFT),
}


class Standing(NamedTuple):
    """A source, its newest harvest, and the job that works or worked on that."""

    source: Source
    harvest: Harvest | None
    job: Job | None


class Past(NamedTuple):
    """A harvest, and the public id of the batch that it brought, ``""`` for none."""

    harvest: Harvest
    batch: str


def add_source(
    site: Site,
    *,
    name: str,
    partner_code: str,
    url: str,
    kind: SourceKind = SourceKind.OFFERS,
    set_: str = "",
    prefix: str = "",
    credentials: tuple[str, str] | None = None,
    every: int = 0,
    auto_commit: bool = False,
    wishes_url: str = "",
    by: str = COMMAND_LINE,
    now: datetime,
) -> Source:
    """Enter a source and the list for what it brings; it is due at once, unless only by hand.

    Raises ``Invalid`` for a bad name, address, span of time or unknown partner, ``Conflict`` for a
    used name, ``Misconfigured`` where credentials cannot be sealed.
    """
    # A worker that only imports has no need of what networks and secrets stand on.
    from service.usecases.fetching import check_address
    from service.usecases.sealing import seal

    check_name(name)
    check_every(every)
    if credentials is not None and (not all(credentials) or ":" in credentials[0]):
        raise Invalid("credentials are a name without a colon, and a secret", field="user")
    url = check_address(url, site.settings.reachable_networks)
    if wishes_url:
        networks = site.settings.reachable_networks
        wishes_url = check_address(wishes_url, networks, field="wishes_url")
    sealed = None if credentials is None else seal(site.settings, "\n".join(credentials))
    with site.db.write() as conn:
        partner = partners.by_code(conn, partner_code)
        if partner is None:
            raise Invalid(f"there is no partner with code {partner_code!r}", field="partner")
        if sources.by_name(conn, name) is not None:
            raise Conflict(f"there is, or was, a source named {name!r}; say another name")
        made = sources.add(
            conn,
            name=name,
            partner_id=partner.id,
            kind=kind,
            url=url,
            set_=set_,
            prefix=prefix,
            credentials=sealed,
            every=every,
            auto_commit=auto_commit,
            wishes_url=wishes_url,
            list_id=_list(conn, name, kind, partner.id, partner.name, now),
            due_at=now if every else None,
            now=now,
        )
        _keep(conn, "added", made, by, now, after=_told(made))
        return made


def _told(source: Source) -> dict[str, Any]:
    """Return what the audit log keeps of a source: no credentials, and no query of an address."""
    return {
        "partner": source.partner_code,
        "kind": source.kind,
        "url": source.url.partition("?")[0],
        "set": source.set,
        "every": source.every,
        "auto_commit": source.auto_commit,
        "wishes_url": source.wishes_url.partition("?")[0],
        "state": source.state,
    }


def _keep(
    conn: Connection,
    action: str,
    source: Source,
    by: str,
    now: datetime,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind="source",
        name=source.name,
        now=now,
        before=before,
        after=after,
    )


def _turned(conn: Connection, action: str, source: Source, by: str, now: datetime) -> Source:
    """Keep in the audit log that a source has another state; return it as it is now."""
    found = sources.by_id(conn, source.id)
    if found.state is not source.state:
        before, after = {"state": source.state}, {"state": found.state}
        _keep(conn, action, source, by, now, before=before, after=after)
    return found


def _list(
    conn: Connection,
    name: str,
    kind: SourceKind,
    partner_id: int,
    partner_name: str,
    now: datetime,
) -> int | None:
    if kind not in _LISTS:
        return None
    title, state = _LISTS[kind]
    slug = f"from-{name}"
    if offer_lists.by_slug(conn, slug) is not None:
        raise Conflict(f"the source's list would be {slug!r}, which is there; say another name")
    return incoming_lists.add(
        conn,
        slug=slug,
        title=title.format(partner_name),
        description="",
        partner_id=partner_id,
        state=state,
        now=now,
    )


def list_sources(db: Database, after: str = "", limit: int = 1000) -> list[Standing]:
    """Return sources by name, behind ``after``, each with its newest harvest."""
    with db.read() as conn:
        return [_standing(conn, each) for each in sources.listed(conn, after, limit)]


def find_source(db: Database, name_or_id: str) -> Standing:
    """Return a source by its name or public id; raise ``NotFound``."""
    with db.read() as conn:
        return _standing(conn, _known(conn, name_or_id))


def list_harvests(db: Database, name_or_id: str, before: str = "", limit: int = 20) -> list[Past]:
    """Return harvests of a source, the newest first, older than the public id ``before``."""
    with db.read() as conn:
        found = harvests.of_source(conn, _known(conn, name_or_id).id, before, limit)
        return [_past(conn, each) for each in found]


def find_harvest(db: Database, harvest_id: int) -> Past:
    """Return one harvest as it stands."""
    with db.read() as conn:
        return _past(conn, harvests.by_id(conn, harvest_id))


def _past(conn: Connection, found: Harvest) -> Past:
    batch = "" if found.batch_id is None else imports.by_id(conn, found.batch_id).public_id
    return Past(found, batch)


def pause(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> Source:
    """Let a source be harvested by hand only; a harvest that is at work goes on."""
    with db.write() as conn:
        found = _known(conn, name)
        sources.set_state(conn, found.id, SourceState.PAUSED, None)
        return _turned(conn, "paused", found, by, now)


def resume(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> Source:
    """Let a paused source be harvested on schedule again."""
    with db.write() as conn:
        found = _known(conn, name)
        due_at = now if found.every and not _at_work(conn, found) else None
        sources.set_state(conn, found.id, SourceState.ACTIVE, due_at)
        return _turned(conn, "resumed", found, by, now)


def remove(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> Source:
    """Never harvest a source again, and take back what it offers; its records and history stay.

    Raises ``Conflict`` while it is being harvested.
    """
    with db.write() as conn:
        found = sources.lock(conn, _known(conn, name).id)
        if _at_work(conn, found):
            raise Conflict(f"source {name!r} is being harvested; wait for its end")
        _abandon(conn, harvests.last(conn, found.id), now)
        if found.list_id is not None:
            incoming_lists.withdraw_all(conn, found.list_id)
        sources.set_state(conn, found.id, SourceState.REMOVED, None)
        return _turned(conn, "removed", found, by, now)


def begin(
    db: Database,
    name: str,
    *,
    full: bool = False,
    from_: int | None = None,
    accept_vanished: bool = False,
    by: str = COMMAND_LINE,
    now: datetime,
) -> Standing:
    """Put a harvest of a source into the queue, or one that stopped or failed back into it.

    ``full``: all there is, and what is not there any more is gone. ``from_``: what changed since
    that stamp. ``accept_vanished``: a person's yes to so much being gone. Raises ``NotFound``, and
    ``Conflict`` where another harvest of the source, with other words, is at work.
    """
    with db.write() as conn:
        source = sources.lock(conn, _known(conn, name).id)
        last = harvests.last(conn, source.id)
        order = Order(
            full=full or (from_ is None and source.next_from is None),
            from_=from_,
            accept_vanished=accept_vanished,
            covers=from_ is None or (source.next_from is not None and from_ <= source.next_from),
        )
        if last is not None and last.state is HarvestState.RUNNING:
            if full or from_ is not None or accept_vanished:
                raise Conflict(f"source {name!r} is being harvested already; wait for its end")
            standing = _standing(conn, source)
            if standing.job is not None:
                jobs.hurry(conn, standing.job.id)  # it may wait for its next try
            return standing
        anew = full or from_ is not None
        if not _goes_on(conn, last, order, anew=anew, now=now):
            _abandon(conn, last, now)
            _start(conn, source, order, now)
        said = {"full": full, "from": from_, "accept_vanished": accept_vanished}
        _keep(conn, "ordered a harvest of", source, by, now, after=said)
        return _standing(conn, sources.by_id(conn, source.id))


def begin_due(db: Database, now: datetime) -> int:
    """Put a harvest of every source whose moment has come into the queue; return how many.

    Safe to run from several workers.
    """
    with db.read() as conn:
        due = sources.due(conn, now)
    begun = 0
    for source_id in due:
        with db.write() as conn:
            source = sources.lock(conn, source_id)
            if source_id not in sources.due(conn, now):
                continue  # another worker was quicker
            last = harvests.last(conn, source_id)
            if last is not None and last.state is HarvestState.RUNNING:
                sources.set_due(conn, source_id, None)  # its end says when it is due again
                continue
            _abandon(conn, last, now)
            _start(conn, source, Order(full=source.next_from is None), now)
            begun += 1
    return begun


def next_due(source: Source, now: datetime) -> datetime | None:
    """Return when a source is harvested next, after a harvest that ended ``now``."""
    if source.state is not SourceState.ACTIVE or not source.every:
        return None
    return now + timedelta(seconds=source.every)


def _start(conn: Connection, source: Source, order: Order, now: datetime) -> None:
    made = harvests.add(conn, source.id, order, now)
    jobs.enqueue(conn, HARVEST, made.id, 0, now)
    sources.set_due(conn, source.id, None)


def _goes_on(
    conn: Connection, last: Harvest | None, order: Order, *, anew: bool, now: datetime
) -> bool:
    """Put a harvest that stopped or failed back into the queue, if that is what is asked for."""
    if last is None:
        return False
    accepted = last.state is HarvestState.STOPPED and order.accept_vanished
    if not accepted and (anew or last.state is not HarvestState.FAILED):
        return False
    if order.accept_vanished:
        harvests.accept_vanished(conn, last)
    harvests.move(conn, last, HarvestState.RUNNING)
    jobs.enqueue(conn, HARVEST, last.id, 0, now)
    sources.set_due(conn, last.source_id, None)
    return True


def _abandon(conn: Connection, last: Harvest | None, now: datetime) -> None:
    """Let a harvest that stopped or failed be; another one takes its place."""
    if last is None or last.state not in {HarvestState.STOPPED, HarvestState.FAILED}:
        return
    harvests.move(conn, last, HarvestState.ABANDONED, error=last.error, finished_at=now)
    if last.original_id is not None:
        harvests.forget_original(conn, last)
        originals.discard(conn, last.original_id)


def _at_work(conn: Connection, source: Source) -> bool:
    last = harvests.last(conn, source.id)
    return last is not None and last.state is HarvestState.RUNNING


def _known(conn: Connection, name_or_id: str) -> Source:
    found = sources.by_name(conn, name_or_id)
    if found is None and (public_id := public_ids.read(name_or_id)):
        found = sources.by_public_id(conn, public_id)
    if found is None or found.state is SourceState.REMOVED:
        raise NotFound(f"there is no source named {name_or_id!r}")
    return found


def _standing(conn: Connection, source: Source) -> Standing:
    last = harvests.last(conn, source.id)
    job = None if last is None else jobs.of_subject(conn, HARVEST, last.id)
    return Standing(source, last, job)
