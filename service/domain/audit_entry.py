"""An entry of the audit log: who did what to what, when, and what it was before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

# Who acts where nobody signed in: somebody at the server's own command line, and the worker.
COMMAND_LINE: Final = "command line"
WORKER: Final = "worker"
# Characters of one value in a sentence; the whole of it is in the entry.
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. ``at`` is UTC; ``actor`` is ``staff:NAME``, ``partner:CODE`` or one of the above.

    ``before`` and ``after`` hold what changed, None where the thing was not there.
    """

    public_id: str
    at: datetime
    actor: str
    action: str
    kind: str
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str


def sentence(entry: AuditEntry) -> str:
    """Return what was done, without who and when, for people.

    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 22, 16, 40, tzinfo=UTC)
    >>> before, after = {"priority": 2, "city": ""}, {"priority": 1, "city": "Nagasaki"}
    >>> sentence(AuditEntry("", now, "staff:hana", "changed", "partner", "nagasaki", before, after,
    ...                     "They asked for it"))
    'changed partner nagasaki: priority 2 → 1, city – → Nagasaki (They asked for it)'
    """
    what = f"{entry.action} {entry.kind.replace('_', ' ')} {entry.name}"
    changes = ", ".join(_changes(entry.before or {}, entry.after or {}))
    reason = f" ({entry.reason})" if entry.reason else ""
    return f"{what}: {changes}{reason}" if changes else f"{what}{reason}"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return each thing that changed; of what came or went, only what says something."""
    told = []
    for field in dict.fromkeys([*before, *after]):
        then, now = before.get(field), after.get(field)
        words = field.replace("_", " ")
        if field in before and field in after:
            told.append(f"{words} {_shown(then)} → {_shown(now)}")
        elif not _is_blank(now if field in after else then):
            gone = " → –" if after and field not in after else ""
            told.append(f"{words} {_shown(now if field in after else then)}{gone}")
    return told


def _is_blank(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        text = " ".join(map(str, value)) or "–"
    elif isinstance(value, list | dict):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
