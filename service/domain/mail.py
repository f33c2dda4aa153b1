"""Mail to partners' contacts: when there is one, what it says, and how it is written.

A mail is plain text and tells what was announced since the one before. Whatever it is made of, a
value stays within its line: no name and no reason can add a header, a recipient or a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Final, NamedTuple

from service.domain import announcement
from service.domain.announcement import Announcement
from service.domain.partner_entry import Digest
from service.errors import Invalid

# Announcements that one mail tells; of the others it says how many they are.
MOST: Final = 100
# A mail that could not be sent for so long is given up.
TRIED_FOR: Final = timedelta(days=3)
# News of one minute are one mail.
_GROUPED: Final = timedelta(minutes=1)
_LONGEST_SUBJECT: Final = 150
_LONGEST_LINE: Final = 900  # RFC 5322, section 2.1.1: 998
# What breaks a line for one program or another: control characters, line and paragraph separators,
# and what turns the direction of reading; joiners are letters' own.
_BREAKS: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
# Seven bits on the way, whatever the server can do.
_POLICY: Final = SMTP.clone(cte_type="7bit")


class MailState(StrEnum):
    """What became of a mail."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given up"


class Letter(NamedTuple):
    """What a mail says."""

    subject: str
    body: str


class Turn(NamedTuple):
    """Whose turn it is: who was mailed at ``mailed_until`` or before, for what is from ``before``.

    ``before`` is None for all there is. Both are UTC.
    """

    mailed_until: datetime
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in the outbox. Instants are UTC; ``error`` says for people why it was not sent yet.

    ``due_at`` is when it is tried next, None when it was sent or given up.
    """

    id: int
    public_id: str
    partner_code: str | None
    recipient: str
    subject: str
    body: str
    attempts: int
    due_at: datetime | None
    sent_at: datetime | None
    error: str
    created_at: datetime

    @property
    def state(self) -> MailState:
        """What became of it."""
        if self.sent_at is not None:
            return MailState.SENT
        return MailState.GIVEN_UP if self.due_at is None else MailState.WAITING


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the library's name, its address for mail and for questions, and its site.

    ``domain`` is what ids of messages end in.
    """

    name: str
    address: str
    questions: str
    base_url: str
    domain: str


def _at_once(now: datetime) -> Turn:
    return Turn(now - _GROUPED, None)


def _daily(now: datetime) -> Turn:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Turn(midnight - timedelta(microseconds=1), midnight)


TURNS: Final[Mapping[Digest, Callable[[datetime], Turn]]] = {
    Digest.AT_ONCE: _at_once,
    Digest.DAILY: _daily,
}
"""When who is mailed: at once, but at most once a minute; or once a day (UTC) what the days before
it brought."""

_OFTEN: Final = {Digest.AT_ONCE: "at once", Digest.DAILY: "once a day"}

if {*TURNS, Digest.NEVER} != set(Digest) or set(TURNS) != set(_OFTEN):
    raise AssertionError("a digest has no turn, or no words")


def compose(
    told: Sequence[Announcement],
    earlier: int,
    *,
    partner: tuple[str, str],
    recipient: str,
    digest: Digest,
    sender: Sender,
) -> Letter:
    """Return the letter that tells a contact of ``partner`` (its code and name) what happened.

    ``earlier`` is how many announcements there were before those ``told``.
    """
    code, name = map(one_line, partner)
    lines = [f"{one_line(sender.name)} tells {name} ({code}):", ""]
    if earlier:
        feed = f"{sender.base_url}/api/v1/wishlists.atom"
        lines += [f"{earlier:,} more happened before this; all of it is listed at", feed, ""]
    for each in told:
        lines += [
            f"{each.created_at:%Y-%m-%d %H:%M} UTC",
            one_line(announcement.sentence(each), _LONGEST_LINE),
            announcement.address(each, sender.base_url),
            "",
        ]
    lines += [
        "-- ",
        f"{recipient} is told {_OFTEN[digest]}, as a contact of {code} in our directory.",
        f"To be told {_other(digest)} or never, change the digest of this contact at",
        f"{sender.base_url}/api/v1/me",
        f"or write to {sender.questions}.",
        "",
    ]
    return Letter(_subject(told, earlier, sender), "\n".join(lines))


def _subject(told: Sequence[Announcement], earlier: int, sender: Sender) -> str:
    number = len(told) + earlier
    what = announcement.sentence(told[0]) if number == 1 else f"{number:,} news"
    return one_line(f"{sender.name}: {what}", _LONGEST_SUBJECT)


def _other(digest: Digest) -> str:
    return next(often for other, often in _OFTEN.items() if other is not digest)


def trial(sender: Sender) -> Letter:
    """Return a letter that shows that mail arrives."""
    return Letter(
        one_line(f"{sender.name}: a test of mail", _LONGEST_SUBJECT),
        f"This is a test of the mail settings of {sender.base_url}. If you read it, they work.\n",
    )


def one_line(text: str, longest: int = _LONGEST_LINE) -> str:
    r"""Return ``text`` as one line of at most ``longest`` characters.

    >>> one_line("Busan\r\nBcc: all@example.org"), one_line("Busan", 4)
    ('Busan Bcc: all@example.org', 'Bus…')
    """
    safe = "".join(
        each if each in _JOINERS or unicodedata.category(each) not in _BREAKS else " "
        for each in text
    )
    line = " ".join(safe.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def check_address(address: str) -> str:
    """Return an address that mail can be sent to; raise ``Invalid`` for any other text."""
    problem = Invalid(f"{one_line(address, 100)!r} is no e-mail address", field="address")
    try:
        found = Address(addr_spec=address)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise problem from error
    if one_line(address) != address or found.addr_spec != address or not found.domain:
        raise problem
    return address


def message(
    letter: Letter, *, name: str, recipient: str, sender: Sender, now: datetime
) -> EmailMessage:
    """Return a letter as it is sent: its id is made of ``name``, the same at every try.

    Raises ``Invalid`` for an address that mail cannot be sent to.
    """
    made = EmailMessage(_POLICY)
    made["From"] = Address(one_line(sender.name), addr_spec=check_address(sender.address))
    made["To"] = Address(addr_spec=check_address(recipient))
    made["Subject"] = one_line(letter.subject, _LONGEST_SUBJECT)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{name}@{sender.domain}>"
    # No out-of-office note comes back (RFC 3834, section 5).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.body)
    return made
