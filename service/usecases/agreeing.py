"""Agreements: drawn up and changed; then ``moving_agreements`` has their life.

What contradicts itself, or another agreement that runs, is refused with all that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from service.domain import agreement as rules
from service.domain import agreement_fields
from service.domain.agreement import Agreement, AgreementAction, AgreementState, Terms
from service.store import agreements
from service.store.db import Database
from service.usecases import holding_agreements, moving_agreements


def draw_up(
    db: Database, given: Mapping[str, Any], *, signed: bool = False, by: str, now: datetime
) -> Agreement:
    """Draw up an agreement as a proposal; one that is ``signed`` goes on to where it stands today.

    Raises ``WrongValues`` that tells all that is wrong, of its values or of what it says together.
    """
    terms = agreement_fields.filled(Terms(), agreement_fields.checked(given))
    draft = Agreement(0, "", AgreementState.PROPOSED, terms, None, 1, now)
    with db.write() as conn:
        partner_ids = holding_agreements.check(conn, draft)
        made = agreements.by_id(conn, agreements.add(conn, terms, partner_ids, now))
        holding_agreements.log(conn, "drawn up", None, made, by, now)
        if signed:
            for action in (AgreementAction.NEGOTIATE, AgreementAction.SIGN):
                made = moving_agreements.step(conn, made, action, by=by, now=now)
            made = moving_agreements.advance(conn, made, now)
    return made


def change(
    db: Database,
    public_id: str,
    given: Mapping[str, Any],
    *,
    seen: int | None = None,
    reason: str = "",
    by: str,
    now: datetime,
) -> Agreement:
    """Change some fields; of a signed agreement by an amendment, with its ``reason``.

    ``seen`` is the revision that was looked at, None for any. What is so already is no change.

    Raises ``NotFound``, ``WrongValues`` that tells all that is wrong, ``Conflict`` for what its
    state forbids, and ``Outdated`` when somebody changed it since.
    """
    values = agreement_fields.checked(given)
    reason = agreement_fields.line(reason)
    with db.write() as conn:
        found = holding_agreements.hold(conn, public_id, seen)
        agreed = found.state in rules.RUNNING
        terms = agreement_fields.filled(found.terms, values, agreed=agreed)
        names = [
            name
            for name in agreement_fields.FIELDS
            if getattr(terms, name) != getattr(found.terms, name)
        ]
        if not names:
            return found
        agreement_fields.check_change(found.state, names, reason)
        warned_at = None if "ends_on" in names else found.warned_at
        new = replace(found, terms=terms, warned_at=warned_at)
        partner_ids = holding_agreements.check(conn, new)
        made = holding_agreements.put(conn, found, new, partner_ids)
        holding_agreements.log(conn, "changed", found, made, by, now, reason)
        return made
