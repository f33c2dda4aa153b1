"""One file on its way into the catalogue: staged, committed; and what becomes of each record.

Nothing that came is overlaid silently: a record replaces another only when both bear the same
control number of the same agency, and only when that is plain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

# The kinds of job that a batch goes through.
STAGE = "stage_import"
COMMIT = "commit_import"


class BatchState(StrEnum):
    """Where a file stands."""

    STAGING = "STAGING"
    STAGED = "STAGED"
    COMMITTING = "COMMITTING"
    COMMITTED = "COMMITTED"
    FAILED = "FAILED"


class Action(StrEnum):
    """What committing does with one record of the file."""

    NEW = "new"
    UPDATE = "update"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


# What puts a title on the list when the batch is committed.
OFFERING = frozenset({Action.NEW, Action.UPDATE, Action.DUPLICATE})


@dataclass(frozen=True, slots=True)
class Batch:
    """One file staged for one offer list."""

    id: int
    public_id: str
    original_id: int
    list_id: int
    file_name: str
    format: str
    state: BatchState
    stage_only: bool
    created_at: datetime
    committed_at: datetime | None


class Counts(NamedTuple):
    """The figures of a batch, in records; ``read`` is their sum by outcome and by action."""

    read: int = 0
    ok: int = 0
    repaired: int = 0
    rejected: int = 0
    new: int = 0
    update: int = 0
    duplicate: int = 0
    ambiguous: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What the report says of one record in the file; ``offset`` and ``length`` are octets."""

    position: int
    offset: int
    length: int
    control_number: str
    title: str
    outcome: str
    action: Action
    encoding: str
    encoding_certain: bool
    problems: Sequence[Mapping[str, str]]
    record_id: int | None = None
    version_id: int | None = None


class Decision(NamedTuple):
    """What to do with a record, and with which stored one; ``why`` is for the report."""

    action: Action
    record_id: int | None = None
    version_id: int | None = None
    why: str = ""


class Known(NamedTuple):
    """What is stored of one incoming record: the same bytes, or records of its control number."""

    same: tuple[int, int] | None = None  # record id, version id
    same_in_file: tuple[int, int] | None = None
    of_control_key: Sequence[int] = ()
    control_key_in_file: bool = False


def decide(known: Known) -> Decision:
    """Decide between new, update, duplicate and ambiguous from what is ``known``."""
    if known.same is not None:
        return Decision(
            Action.DUPLICATE, *known.same, "the same record is in the catalogue already"
        )
    if known.same_in_file is not None:
        return Decision(
            Action.DUPLICATE, *known.same_in_file, "the same record came earlier in this file"
        )
    if known.control_key_in_file:
        return Decision(
            Action.AMBIGUOUS,
            why="an earlier record of this file has the same control number and other content",
        )
    if len(known.of_control_key) > 1:
        return Decision(
            Action.AMBIGUOUS, why="several records of the catalogue have this control number"
        )
    if known.of_control_key:
        return Decision(
            Action.UPDATE, known.of_control_key[0], why="a newer form of a record we have"
        )
    return Decision(Action.NEW)


def problem_entry(code: str, message: str, tag: str = "") -> dict[str, str]:
    """Return a problem as the report keeps it."""
    return {"code": code, "message": message, "tag": tag}
