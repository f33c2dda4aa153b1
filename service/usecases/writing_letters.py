"""Writing letters from what we know: in one language, or in two side by side.

A letter is kept as it was written, so that a later change of its template changes no letter. A
letter that thanks for a gift marks the gift acknowledged, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from service.config import Settings
from service.domain import letter as rules
from service.domain import letter_wording
from service.domain import mail as mail_rules
from service.domain.claim import ClaimSide
from service.domain.letter import (
    Direction,
    Letter,
    LetterKind,
    LetterText,
    Value,
)
from service.domain.partner_entry import PartnerEntry
from service.errors import Conflict, Invalid, NotFound
from service.store import (
    agreements,
    audit_log,
    claims,
    consignments,
    directory,
    letters,
    mails,
    offer_lists,
    public_ids,
)
from service.store.db import Connection, Database
from service.store.letters import NewLetter
from service.usecases.enrolling import known_entry, known_partner
from service.usecases.wording_letters import template

KIND: Final = "letter"  # in the audit log

# --- what a letter speaks of ----------------------------------------------------------------------


class Subject(NamedTuple):
    """What a letter is about: its public id, what can be said of it, and rows that it belongs to.

    ``by_language`` says in the language of the letter what has to be said so.
    """

    about: str = ""
    values: Mapping[str, Value] = {}
    by_language: Mapping[str, Mapping[str, str]] = {}
    agreement_id: int | None = None
    gift_id: int | None = None


_Finder = Callable[[Connection, Settings, int, str], Subject | None]


def _nothing(conn: Connection, settings: Settings, partner_id: int, about: str) -> Subject | None:  # noqa: ARG001
    return None if about else Subject()


def _offer_list(
    conn: Connection,
    settings: Settings,
    partner_id: int,  # noqa: ARG001 - a list is for many
    about: str,
) -> Subject | None:
    found = offer_lists.by_slug(conn, about)
    if found is None or not found.ours:
        return None
    closes = found.closes_at
    # A list that closes at midnight takes wishes until the day before.
    last = None if closes is None else closes - timedelta(seconds=1)
    deadline = None if last is None else last.astimezone(ZoneInfo(found.zone)).date()
    link = f"{settings.base_url}/lists/{found.slug}"
    return Subject(found.public_id, {"title": found.title, "link": link, "deadline": deadline})


def _consignment(
    conn: Connection,
    settings: Settings,  # noqa: ARG001
    partner_id: int,
    about: str,
) -> Subject | None:
    found = consignments.by_name(conn, about)
    if found is None or found.partner_id != partner_id:
        return None
    values: dict[str, Value] = {
        "number": found.number,
        "sent_on": found.dispatched_on,
        "titles": found.titles,
        "volumes": found.volumes,
    }
    return Subject(found.public_id, values)


def _gift(
    conn: Connection,
    settings: Settings,  # noqa: ARG001
    partner_id: int,
    about: str,
) -> Subject | None:
    found = letters.gift(conn, about)
    if found is None or found.partner_id != partner_id:
        return None
    values: dict[str, Value] = {
        "title": found.title,
        "received_on": found.received_on,
        "titles": found.titles,
        "volumes": found.volumes,
    }
    return Subject(found.public_id, values, gift_id=found.id)


def _claim(
    conn: Connection,
    settings: Settings,  # noqa: ARG001
    partner_id: int,
    about: str,
) -> Subject | None:
    found = claims.by_public_id(conn, public_ids.read(about) or "")
    if found is None or found.partner_id != partner_id or found.side is not ClaimSide.OURS:
        return None
    values: dict[str, Value] = {
        "title": found.title,
        "copies": found.copies,
        "details": found.text,
        "opened_on": found.opened_at.date(),
    }
    return Subject(found.public_id, values, {"reason": letter_wording.REASONS[found.reason.value]})


def _agreement(
    conn: Connection,
    settings: Settings,  # noqa: ARG001
    partner_id: int,
    about: str,
) -> Subject | None:
    found = agreements.by_public_id(conn, public_ids.read(about) or "")
    if found is None or not agreements.shown_to(conn, found.public_id, partner_id):
        return None
    terms = found.terms
    values: dict[str, Value] = {
        "title": terms.title,
        "signed_on": terms.signed_on,
        "ends_on": terms.ends_on,
    }
    return Subject(found.public_id, values, agreement_id=found.id)


_FINDERS: Final[Mapping[LetterKind, _Finder]] = {
    LetterKind.INVITATION: _nothing,
    LetterKind.OFFER: _offer_list,
    LetterKind.REMINDER: _consignment,
    LetterKind.ACKNOWLEDGEMENT: _gift,
    LetterKind.CLAIM: _claim,
    LetterKind.RENEWAL: _agreement,
}


def _subject(
    conn: Connection, settings: Settings, entry: PartnerEntry, kind: LetterKind, about: str
) -> Subject:
    wanted = rules.ABOUT[kind]
    if wanted and not about:
        raise Invalid(f"say which: this letter is about {wanted}", "about")
    found = _FINDERS[kind](conn, settings, entry.id, about)
    if found is None:
        if not wanted:
            raise Invalid("this letter is about nothing but the partner", "about")
        raise NotFound(f"{about!r} is not {wanted} of {entry.code!r}")
    return found


# --- writing --------------------------------------------------------------------------------------


def write(
    db: Database,
    settings: Settings,
    code: str,
    kind: LetterKind,
    *,
    about: str = "",
    languages: Sequence[str],
    signatory: str = "",
    by: str,
    now: datetime,
) -> Letter:
    """Write a letter to a partner and keep it.

    ``about`` names what it is about, as ``domain.letter.ABOUT`` says: a list by its slug, a
    consignment by number, all else by public id. Raises ``NotFound``, ``Invalid``, and ``Conflict``
    for what is not known yet, and for thanks before a gift's pieces were checked.
    """
    wanted = rules.read_languages(languages)
    with db.write() as conn:
        entry = known_entry(conn, code)
        subject = _subject(conn, settings, entry, kind, about.strip())
        if subject.gift_id is not None and not letters.acknowledge(conn, subject.gift_id, now):
            raise Conflict(
                "this gift was not checked yet, so that nobody knows what to thank for; check its "
                "pieces first"
            )
        texts = [
            rules.fill(
                template(conn, kind, language),
                _values(settings, entry, subject, language, signatory, now.date()),
            )
            for language in wanted
        ]
        new = NewLetter(
            partner_id=entry.id,
            agreement_id=subject.agreement_id,
            direction=Direction.OUT,
            kind=kind.value,
            about=subject.about,
            subject=texts[0].subject,
            texts=texts,
            original_id=None,
            file_name="",
            media_type="",
            dated_on=now.date(),
            created_by=by,
        )
        return _entered(conn, new, "written", by, now)


def _values(
    settings: Settings,
    entry: PartnerEntry,
    subject: Subject,
    language: str,
    signatory: str,
    day: date,
) -> dict[str, Value]:
    return {
        "partner": name_in(entry, language),
        "library": settings.repository_name,
        "date": day,
        "signatory": signatory,
        "address": settings.base_url,
        "email": settings.admin_email,
        **subject.values,
        **{name: words[language] for name, words in subject.by_language.items()},
    }


def name_in(entry: PartnerEntry, language: str) -> str:
    """Return how a partner is called in a language, else how we call it."""
    for tag, name in entry.names.items():
        with suppress(Invalid):  # names may be in any language, letters are not
            if rules.read_language(tag) == language:
                return name
    return entry.name


def _entered(conn: Connection, new: NewLetter, action: str, by: str, now: datetime) -> Letter:
    public_id = letters.add(conn, new, now)
    found = letters.by_public_id(conn, public_id)
    assert found is not None  # noqa: S101 - it was entered just now
    log(conn, action, found, by, now)
    return found


def log(conn: Connection, action: str, found: Letter, by: str, now: datetime) -> None:
    """Enter in the audit log what was done with a letter."""
    audit_log.write(
        conn,
        by=by,
        action=action,
        kind=KIND,
        name=found.public_id,
        now=now,
        after={
            "partner": found.partner,
            "kind": found.kind,
            "about": found.about,
            "subject": found.subject,
        },
    )


# --- looking, and mailing -------------------------------------------------------------------------


def find_letter(db: Database, name: str) -> Letter:
    """Return a letter by its public id; raise ``NotFound``."""
    with db.read() as conn:
        return known(conn, name)


def known(conn: Connection, name: str) -> Letter:
    """Return a letter within a transaction; raise ``NotFound``."""
    found = letters.by_public_id(conn, name)
    if found is None:
        raise NotFound(f"there is no letter {name!r}")
    return found


def list_letters(
    db: Database,
    *,
    code: str = "",
    agreement: str = "",
    before: str = "",
    limit: int = 200,
) -> list[Letter]:
    """Return letters, newest first; those of a partner or an agreement if said.

    Raises ``NotFound``.
    """
    with db.read() as conn:
        partner_id = known_partner(conn, code).id if code else None
        agreement_id = None
        if agreement:
            found = agreements.by_public_id(conn, public_ids.read(agreement) or "")
            if found is None:
                raise NotFound(f"there is no agreement {agreement!r}")
            agreement_id = found.id
        return letters.listed(
            conn, partner_id=partner_id, agreement_id=agreement_id, before=before, limit=limit
        )


def mail_letter(
    db: Database, settings: Settings, name: str, recipient: str, *, by: str, now: datetime
) -> Letter:
    """Put a letter of ours in the outbox, for a contact that the directory has of its partner.

    Raises ``NotFound``, ``Invalid`` for an address that is no contact's, ``Conflict`` for a letter
    that came in, one that was mailed before, and where the site sends no mail.
    """
    if not settings.smtp_host:
        raise Conflict("this site sends no mail: the setting smtp_host is empty")
    with db.write() as conn:
        found = known(conn, name)
        if found.direction is not Direction.OUT:
            raise Conflict("this letter came in: there is nothing to mail")
        entry = directory.entry(conn, found.partner)
        there = [each.email for each in entry.contacts if each.email] if entry else []
        if recipient not in there:
            told = ", ".join(there) or "there is none"
            raise Invalid(f"{recipient!r} is no contact of {found.partner!r}: {told}", "recipient")
        if not letters.mailed(conn, found, now):
            raise Conflict("this letter was mailed before; write it again to send it again")
        body = _mail_body(found.texts)
        mails.add(conn, found.partner_id, recipient, mail_rules.Letter(found.subject, body), now)
        log(conn, "mailed", found, by, now)
        return known(conn, name)


def _mail_body(texts: Sequence[LetterText]) -> str:
    """Return the languages of a letter one below the other, as mail has no columns."""
    return "\n\n* * *\n\n".join(f"{each.subject}\n\n{each.body}" for each in texts) + "\n"


if set(_FINDERS) != set(LetterKind):
    raise AssertionError("every kind of letter needs what it is about")
