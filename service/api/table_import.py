"""Tables that come in over the API: what may be sent, and what became of it."""

from __future__ import annotations

from typing import Any, Final

from service.domain import table_file, table_import
from service.domain.table_import import TakenIn

OCTETS: Final = 20_000_000
"""How large a table may be."""

_FILE = {"type": "string", "format": "binary"}


def body(description: str) -> dict[str, Any]:
    """Return what the documentation says of the body of a request that sends a table."""
    return {
        "required": True,
        "description": description,
        "content": {media_type: {"schema": _FILE} for media_type in table_import.MEDIA_TYPES},
    }


def taken_in(taken: TakenIn) -> dict[str, Any]:
    """Return what became of a table; the rejected rows also as CSV, to be mended and sent again."""
    return {
        "dry_run": taken.dry_run,
        "counts": taken.counts,
        "rejected": [
            {"row": each.row.number, "column": fault.field, "reason": fault.reason}
            for each in taken.rejected
            for fault in each.faults
        ],
        "rejected_csv": "".join(table_file.csv_lines(taken.returned())) if taken.rejected else "",
        "columns_not_read": taken.not_read,
        "remark": taken.remark,
    }
