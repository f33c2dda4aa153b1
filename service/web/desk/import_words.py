"""What the states, outcomes and sorts of an import are called, and whose turn each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext as _

from marc_mappings.dialects import DIALECTS
from service.domain.import_batch import BatchState, Sieve

_B: Final = BatchState
STATES: Final[Mapping[BatchState, tuple[str, object]]] = {
    _B.STAGING: ("others", _("Being read")),
    _B.STAGED: ("you", _("Read, to be looked at")),
    _B.COMMITTING: ("others", _("Being committed")),
    _B.COMMITTED: ("done", _("Committed")),
    _B.FAILED: ("you", _("Failed")),
    _B.DISCARDED: ("done", _("Set aside")),
    _B.UNDOING: ("others", _("Being undone")),
    _B.UNDONE: ("done", _("Undone")),
}
ACTIONS: Final[Mapping[str, object]] = {
    "new": _("new"),
    "update": _("update"),
    "duplicate": _("duplicate"),
    "ambiguous": _("ambiguous"),
    "none": _("nothing"),
}
OUTCOMES: Final[Mapping[str, object]] = {
    "ok": _("read"),
    "repaired": _("repaired"),
    "rejected": _("rejected"),
}
SIEVES: Final[Mapping[Sieve, object]] = {
    Sieve.NEW: _("New"),
    Sieve.UPDATE: _("Update"),
    Sieve.DUPLICATE: _("Duplicate"),
    Sieve.AMBIGUOUS: _("Ambiguous"),
    Sieve.REPAIRED: _("Repaired"),
    Sieve.DOUBTFUL: _("Of doubtful encoding"),
    Sieve.REJECTED: _("Rejected"),
    Sieve.LEFT_OUT: _("Left out"),
}
# The usual encodings, for the list of suggestions; any other name may be typed.
ENCODINGS: Final = (
    "UTF-8",
    "MARC-8",
    "ISO 5426",
    "EUC-KR",
    "GBK",
    "Big5",
    "Shift-JIS",
    "EUC-JP",
    "windows-1251",
    "KOI8-R",
    "ISO 8859-1",
)


def words() -> dict[str, Any]:
    """Return the words for templates."""
    return {
        "batch_states": STATES,
        "line_actions": ACTIONS,
        "line_outcomes": OUTCOMES,
        "line_sorts": SIEVES,
        "usual_encodings": ENCODINGS,
        "dialect_names": DIALECTS,
    }
