"""Wording letters: a template for each kind and language, ours or in the site's own words.

The site's own wording takes the place of ours, and can be taken back. Letters that were written
stay as they are. ``by`` is who acts, as the audit log has it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from service.domain import letter as rules
from service.domain import revision
from service.domain.letter import LetterKind, LetterTemplate
from service.errors import Conflict, Invalid, NotFound
from service.store import audit_log, letters
from service.store.db import Connection, Database

KIND: Final = "letter template"  # in the audit log


def list_templates(db: Database) -> list[LetterTemplate]:
    """Return every template that holds: the site's own wording, else ours."""
    with db.read() as conn:
        own = letters.own_templates(conn)
    return [
        own.get((kind.value, language)) or rules.built_in(kind, language)
        for kind in LetterKind
        for language in rules.LANGUAGES
    ]


def find_template(db: Database, kind: str, language: str) -> LetterTemplate:
    """Return the template that holds; raise ``NotFound`` for a kind or language there is not."""
    with db.read() as conn:
        return template(conn, *_named(kind, language))


def change_template(
    db: Database,
    kind: str,
    language: str,
    *,
    subject: str,
    body: str,
    seen: int | None = None,
    by: str,
    now: datetime,
) -> LetterTemplate:
    """Put the site's own wording in the place of a template.

    Raises ``NotFound``, ``WrongValues`` that tells the names that are known, and ``Outdated`` when
    it is not as it was ``seen``.
    """
    named = _named(kind, language)
    text = rules.check_template(named[0], subject, body)
    with db.write() as conn:
        before = template(conn, *named)
        revision.check_seen("this template", seen, before.revision)
        if text == (before.subject, before.body):
            return before
        made = LetterTemplate(
            *named, *text, own=True, changed_by=by, changed_at=now, revision=before.revision + 1
        )
        if not letters.put_template(conn, made, before.revision):
            raise Conflict("somebody else changed this template at the same moment; look again")
        _log(conn, "changed", before, made, by, now)
        return made


def reset_template(
    db: Database, kind: str, language: str, *, seen: int | None = None, by: str, now: datetime
) -> LetterTemplate:
    """Take back the site's own wording; return ours. Raises as ``change_template`` does."""
    named = _named(kind, language)
    with db.write() as conn:
        before = template(conn, *named)
        revision.check_seen("this template", seen, before.revision)
        if not before.own:
            raise NotFound(f"the site has no wording of its own for {kind} in {language}")
        if not letters.remove_template(conn, before):
            raise Conflict("somebody else changed this template at the same moment; look again")
        after = rules.built_in(*named)
        _log(conn, "reset", before, after, by, now)
        return after


def _named(kind: str, language: str) -> tuple[LetterKind, str]:
    try:
        return rules.read_kind(kind), rules.read_language(language)
    except Invalid as error:
        raise NotFound(error.detail) from error


def template(conn: Connection, kind: LetterKind, language: str) -> LetterTemplate:
    """Return the template that holds within a transaction."""
    own = letters.own_templates(conn)
    return own.get((kind.value, language)) or rules.built_in(kind, language)


def _log(
    conn: Connection,
    action: str,
    before: LetterTemplate,
    after: LetterTemplate,
    by: str,
    now: datetime,
) -> None:
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=f"{after.kind.value} {after.language}",
        now=now,
        before={"subject": before.subject, "body": before.body},
        after={"subject": after.subject, "body": after.body},
    )
