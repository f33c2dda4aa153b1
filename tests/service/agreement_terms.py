"""Two agreements that others are modelled by: a memorandum of four kinds, and books for years."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.domain.agreement import Agreement, AgreementState, Terms
from service.domain.agreement_fields import checked, filled

# Donation both ways, programmes for citizens, policy practice, exchange of staff.
ULAANBAATAR: dict[str, Any] = {
    "title": "Memorandum of understanding with Ulaanbaatar City Central Library",
    "scope": ["BOOKS", "CITIZENS", "POLICY", "STAFF"],
    "parties": [{"partner": "ulaanbaatar", "signatory": "The director"}],
    "our_signatory": "The director of the library",
    "signed_on": "2025-09-15",
    "signed_in": "Ulaanbaatar",
    "starts_on": "2025-09-15",
    "term_months": 36,
    "activities": [
        {"kind": "BOOKS", "title": "Donation of books both ways"},
        {"kind": "CITIZENS", "title": "Programmes for citizens", "starts_on": "2026-05-01"},
        {"kind": "POLICY", "title": "Sharing of policy practice"},
        {
            "kind": "STAFF",
            "title": "Exchange of staff",
            "starts_on": "2026-09-01",
            "ends_on": "2026-09-14",
        },
    ],
}
# 500 books at first and 100 a year for three years; a display, a highlight, a questionnaire.
SHANGHAI: dict[str, Any] = {
    "title": "Books for a shelf of its own",
    "scope": ["BOOKS"],
    "parties": [{"partner": "shanghai", "signatory": "The director"}],
    "signed_on": "2025-01-10",
    "starts_on": "2025-02-01",
    "term_months": 36,
    "allowance_first": 500,
    "allowance_per_year": 100,
    "duties": "A sign at the display; a highlight in the catalogue; a questionnaire each year.",
}


def an_agreement(
    state: AgreementState = AgreementState.PROPOSED, number: int = 1, **given: Any
) -> Agreement:
    """Return an agreement that nobody keeps: the Shanghai type, with other values over it."""
    terms = filled(Terms(), checked(SHANGHAI | given))
    return Agreement(number, f"A{number}", state, terms, None, 1, datetime(2025, 1, 1, tzinfo=UTC))
