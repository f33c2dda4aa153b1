"""The mail that brings somebody a link: to accept an invitation, to set a new password, to come in.

The link itself is not in it. The outbox keeps letters, and whoever reads the database must not find
what opens an account; a line of the letter names the link, and it is written out on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from service.domain.account import Purpose
from service.domain.mail import Letter, Sender, one_line

_PLACE: Final = re.compile(r"^\[account link ([0-9A-Z]{26})\]$", re.MULTILINE)

# What the mail is about, what the link does, and for how long.
_WORDS: Final[Mapping[Purpose, tuple[str, str, str]]] = {
    Purpose.INVITATION: (
        "Your account at {library}",
        (
            "There is an account for you at {library}. Its name is {name}.\n"
            "Open this address to take it over; you choose a password there:"
        ),
        "The address can be used once, within seven days.",
    ),
    Purpose.RESET: (
        "A new password for {library}",
        (
            "Somebody asked for a new password for the account {name} at {library}.\n"
            "If it was you, open this address and choose one:"
        ),
        (
            "The address can be used once, within two hours. If it was not you, there is nothing "
            "to be done: the old password goes on."
        ),
    ),
    Purpose.SIGN_IN: (
        "Your way in to {library}",
        "Open this address to sign in at {library} as {name}:",
        (
            "The address can be used once, within half an hour. If you did not ask for it, there "
            "is nothing to be done."
        ),
    ),
}


def compose(purpose: Purpose, link: str, *, name: str, sender: Sender) -> Letter:
    """Return the letter that brings the link with this public id to the account ``name``."""
    values = {"library": one_line(sender.name), "name": one_line(name)}
    subject, before, after = (each.format(**values) for each in _WORDS[purpose])
    body = (
        f"{before}\n\n[account link {link}]\n\n{after}\n\n{values['library']}\n{sender.base_url}\n"
    )
    return Letter(subject, body)


def filled(body: str, address: Callable[[str], str]) -> str:
    """Return a letter with the address of its link, which ``address`` makes of the public id.

    >>> filled("Open:\\n[account link 01JZ0000000000000000000000]\\n", str.lower)
    'Open:\\n01jz0000000000000000000000\\n'
    """
    return _PLACE.sub(lambda found: address(found[1]), body)
