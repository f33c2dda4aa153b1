"""The accounts of the demo, which its sign-in page shows; no other site has them."""

from __future__ import annotations

from typing import Final, NamedTuple

from service.domain.permission import Role


class DemoAccount(NamedTuple):
    """One of them; ``partner`` is a partner's code, ``""`` for the staff."""

    name: str
    password: str
    role: Role
    partner: str = ""


ACCOUNTS: Final = (
    DemoAccount("demo-cataloguer", "demo of the cataloguer", Role.CATALOGUER),
    DemoAccount("demo-librarian", "demo of the librarian", Role.EXCHANGE_LIBRARIAN),
    DemoAccount("demo-admin", "demo of the admin", Role.ADMIN),
    DemoAccount("demo-nagasaki", "demo of the partner", Role.PARTNER, "nagasaki"),
)
