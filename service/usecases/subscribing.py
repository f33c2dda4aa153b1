"""Sources are entered, paused and removed, with the list for what each of them brings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.domain.audit_entry import COMMAND_LINE
from service.domain.offer import ListState
from service.domain.source import Source, SourceKind, SourceState, check_every, check_name
from service.errors import Conflict, Invalid
from service.store import audit_log, harvests, incoming_lists, offer_lists, partners, sources
from service.store.db import Connection, Database
from service.usecases import ordering_harvests, reading_sources
from service.usecases.site import Site

# What the list of a source is called, and its state: an open one may be wished from.
_LISTS: dict[SourceKind, tuple[str, ListState]] = {
    SourceKind.OFFERS: ("What {} offers", ListState.OPEN),
    SourceKind.GIVEN: ("Given to us by {}", ListState.DRAFT),
}


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


def pause(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> Source:
    """Let a source be harvested by hand only; a harvest that is at work goes on."""
    with db.write() as conn:
        found = reading_sources.known_source(conn, name)
        sources.set_state(conn, found.id, SourceState.PAUSED, None)
        return _turned(conn, "paused", found, by, now)


def resume(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> Source:
    """Let a paused source be harvested on schedule again."""
    with db.write() as conn:
        found = reading_sources.known_source(conn, name)
        due_at = now if found.every and not reading_sources.at_work(conn, found) else None
        sources.set_state(conn, found.id, SourceState.ACTIVE, due_at)
        return _turned(conn, "resumed", found, by, now)


def remove(db: Database, name: str, now: datetime, *, by: str = COMMAND_LINE) -> Source:
    """Never harvest a source again, and take back what it offers; its records and history stay.

    Raises ``Conflict`` while it is being harvested.
    """
    with db.write() as conn:
        found = sources.lock(conn, reading_sources.known_source(conn, name).id)
        if reading_sources.at_work(conn, found):
            raise Conflict(f"source {name!r} is being harvested; wait for its end")
        ordering_harvests.abandon(conn, harvests.last(conn, found.id), now)
        if found.list_id is not None:
            incoming_lists.withdraw_all(conn, found.list_id)
        sources.set_state(conn, found.id, SourceState.REMOVED, None)
        return _turned(conn, "removed", found, by, now)
