"""A record on its way in: what its bytes say, in which dialect, and the same in MARC 21.

There is one way in, for an import, a conversion and a check alike: ``formats`` reads, ``dialects``
tells what it is, ``crosswalks`` makes MARC 21 of it. What each of them found is in one list.
"""

from __future__ import annotations

from dataclasses import dataclass

from marc_mappings import crosswalks, dialects, formats
from marc_mappings.dialects import DIALECTS, FAMILY
from marc_mappings.formats import Outcome, Parsed, Slice, Unreadable
from marc_mappings.framing.sound import Sound, record_of
from marc_mappings.letters import glimpse, mongolian
from marc_mappings.problems import Problem, problem
from marc_mappings.record import Record
from marc_mappings.rules import Loss
from marc_mappings.survey import Survey


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record that came in.

    ``parsed`` is what came, in its own dialect; ``content`` the same in MARC 21 (the very same
    object where it came so); ``losses`` what its crosswalk had no place for; ``problems`` all that
    was found.
    """

    parsed: Parsed
    content: Record | Sound
    losses: tuple[Loss, ...]
    problems: tuple[Problem, ...]

    @property
    def outcome(self) -> Outcome:
        """``repaired`` if what we hold differs from what the bytes said, else ``ok``."""
        return "repaired" if any(each.repair for each in self.problems) else "ok"

    @property
    def record(self) -> Record:
        """The record in MARC 21; made anew at every call where ``content`` is its pieces."""
        return record_of(self.content)


def take(part: Slice) -> Incoming | Unreadable:
    """Return the record of a slice in MARC 21, or why there is none."""
    item = formats.parse(part)
    if isinstance(item, Unreadable):
        return item
    crosswalk = crosswalks.TO_MARC21.get(item.dialect)
    content = item.content
    losses: tuple[Loss, ...] = ()
    problems = item.problems + _about_dialect(item, part.survey)
    if crosswalk:
        content, losses = crosswalk(item.record)
        problems += crosswalks.problems_of(losses)
    if _may_be_mongolian(content):
        mended, found = mongolian.mended_mongolian(record_of(content))
        if found:
            content, problems = mended, problems + found
    return Incoming(item, content, losses, problems)


def _about_dialect(item: Parsed, survey: Survey | None) -> tuple[Problem, ...]:
    """Return what there is to say where the dialect is not what was said, or not known here."""
    found: tuple[Problem, ...] = ()
    if survey and survey.dialect.said:
        family = dialects.family_of(glimpse.of_record(item.record))
        if family not in ("", FAMILY[item.dialect]):
            message = (
                f"The sender says {DIALECTS[item.dialect]}; the fields of this record are those "
                f"of {DIALECTS[family]}. Compare it with the original."
            )
            found += (problem("dialect-not-as-said", message),)
    if item.dialect not in (crosswalks.MARC21, *crosswalks.TO_MARC21):
        message = (
            f"This is {DIALECTS[item.dialect]}; nothing here makes MARC 21 of it, so its fields "
            "are as they came. Ask the sender for MARC 21."
        )
        found += (problem("dialect-not-converted", message),)
    return found


def _may_be_mongolian(content: Record | Sound) -> bool:
    """Whether it is worth a look: nearly all records are in other languages."""
    if isinstance(content, Sound):
        return not content.is_ascii and "mon" in content.first("008") + content.first("041")
    return True
