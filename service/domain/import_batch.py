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
UNDO = "undo_import"


class BatchState(StrEnum):
    """Where a file stands."""

    STAGING = "STAGING"
    STAGED = "STAGED"
    COMMITTING = "COMMITTING"
    COMMITTED = "COMMITTED"
    FAILED = "FAILED"
    DISCARDED = "DISCARDED"  # read, and never to be offered as it was read
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"


class Action(StrEnum):
    """What committing does with one record of the file."""

    NEW = "new"
    UPDATE = "update"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


# What the state of a batch is while a job of this kind works on it.
AT_WORK: Mapping[str, BatchState] = {
    STAGE: BatchState.STAGING,
    COMMIT: BatchState.COMMITTING,
    UNDO: BatchState.UNDOING,
}


class Sieve(StrEnum):
    """Which lines of a batch somebody looks at."""

    NEW = "new"
    UPDATE = "update"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    REPAIRED = "repaired"
    DOUBTFUL = "doubtful"
    REJECTED = "rejected"
    LEFT_OUT = "left_out"


# What puts a title on the list when the batch is committed.
OFFERING = frozenset({Action.NEW, Action.UPDATE, Action.DUPLICATE})


class Finding(NamedTuple):
    """What a file as a whole is found to be, whether that is certain, and why: in sentences."""

    name: str
    certain: bool
    evidence: tuple[str, ...]


class Surveyed(NamedTuple):
    """What a file says of itself before its records are read."""

    encoding: Finding
    dialect: Finding


@dataclass(frozen=True, slots=True)
class Batch:
    """One file staged for one offer list.

    ``encoding_said`` and ``dialect_said``: what the sender says of the file, ``""`` if nothing.
    ``surveyed`` is None until its reading has begun.
    """

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
    encoding_said: str = ""
    dialect_said: str = ""
    surveyed: Surveyed | None = None
    can_be_undone: bool = False


class Counts(NamedTuple):
    """The figures of a batch, in records; ``read`` is their sum by outcome and by action.

    ``doubtful``: those that were read in an encoding that is not certain.
    """

    read: int = 0
    ok: int = 0
    repaired: int = 0
    rejected: int = 0
    new: int = 0
    update: int = 0
    duplicate: int = 0
    ambiguous: int = 0
    doubtful: int = 0


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
    dialect: str = ""
    decided_by: str = ""

    @property
    def unmapped(self) -> list[str]:
        """The tags of which nothing arrived in MARC 21, each once."""
        lost = (each["tag"] for each in self.problems if each["code"] in _LOST)
        return list(dict.fromkeys(lost))


# What a report says of a field that a crosswalk has no place for.
_LOST = frozenset({"field-dropped", "field-unmapped"})


class Staged(NamedTuple):
    """What a commit needs to know of one line: what to do, with which record and version."""

    position: int
    action: Action
    record_id: int | None
    version_id: int | None
    decided: bool = False  # by a person: a control number that others have is known then


class Done(NamedTuple):
    """What a committed line did, and how that stands now.

    ``current_version_id`` is what its record shows; ``offer_id`` the offer that it brought to its
    list, if that is on offer; ``given``: whether a copy of it is given or on its way.
    """

    position: int
    title: str
    action: Action
    record_id: int | None
    version_id: int | None
    replaced_version_id: int | None
    current_version_id: int | None
    offer_id: int | None
    given: bool

    @property
    def held_by(self) -> str:
        """Why it cannot be undone, ``""`` if it can."""
        if self.given:
            return "it is given to a partner"
        changes = self.action in {Action.NEW, Action.UPDATE}
        if changes and self.current_version_id not in {self.version_id, None}:
            return "its record was changed by another import since"
        return ""


class Decision(NamedTuple):
    """What to do with a record, and with which stored one; ``why`` is for the report."""

    action: Action
    record_id: int | None = None
    version_id: int | None = None
    why: str = ""


class Known(NamedTuple):
    """What is stored of one incoming record.

    The same record; records of its control number; the record that an earlier reading of these
    very octets brought, if it still shows what that reading said.
    """

    same: tuple[int, int] | None = None  # record id, version id
    same_in_file: tuple[int, int] | None = None
    of_control_key: Sequence[int] = ()
    control_key_in_file: bool = False
    read_before: int | None = None


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
    if known.read_before is not None:
        return _read_anew(known.read_before, known.of_control_key)
    if len(known.of_control_key) > 1:
        return Decision(
            Action.AMBIGUOUS, why="several records of the catalogue have this control number"
        )
    if known.of_control_key:
        return Decision(
            Action.UPDATE, known.of_control_key[0], why="a newer form of a record we have"
        )
    return Decision(Action.NEW)


def _read_anew(record_id: int, of_control_key: Sequence[int]) -> Decision:
    """Decide on a record whose octets were read before, in another encoding or dialect."""
    if any(other != record_id for other in of_control_key):
        return Decision(
            Action.AMBIGUOUS,
            why="this file was read before otherwise, and another record has the control number "
            "that is read now",
        )
    return Decision(
        Action.UPDATE, record_id, why="this file was read before otherwise; now it is read so"
    )


def problem_entry(code: str, message: str, tag: str = "") -> dict[str, str]:
    """Return a problem as the report keeps it."""
    return {"code": code, "message": message, "tag": tag}


def advice(batch: Batch, doubtful: int, encoding: str, dialect: str) -> tuple[str, ...]:
    """Return what a person can do about what is not certain of a file, in sentences.

    ``doubtful`` is how many of its records are; ``encoding`` and ``dialect`` are how the sender
    says them (``--encoding NAME``).
    """
    found = batch.surveyed
    steps = []
    if doubtful or (found and not found.encoding.certain):
        said = batch.encoding_said
        doubt = f"Not all octets keep to {said}" if said else "The encoding is not certain"
        steps.append(
            f"{doubt}. Look at the titles; where letters are wrong, ask the sender, "
            f"say {encoding} and send the file again."
        )
    if found and not found.dialect.certain:
        steps.append(
            f"The dialect is not certain. Look at titles and names; where they are wrong, say "
            f"{dialect} and send the file again."
        )
    return tuple(steps)
