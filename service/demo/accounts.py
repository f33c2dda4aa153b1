"""The people of the demo: one for each role, and one of a partner. Its sign-in page names them."""

from __future__ import annotations

from datetime import datetime

from service.domain.demo_account import ACCOUNTS
from service.store.db import Database
from service.usecases import staffing
from service.usecases.hashing_passwords import HASHER


def enter(db: Database, now: datetime) -> None:
    """Enter the accounts of the demo with the passwords that everybody may know."""
    for each in ACCOUNTS:
        password = HASHER.hash(each.password)
        staffing.add(db, each.name, each.role, now, partner=each.partner, password=password)
