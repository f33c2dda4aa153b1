"""What one partner sees of the feed: which streams, and where in its list an entry stands.

A partner's view is the merge of the streams of its few audiences. It grows at its end alone:
whatever happens – an item changes, a partner joins or leaves, a tier opens – what is new is
listed at a stamp that the publisher made for it.
"""

from __future__ import annotations

from typing import NamedTuple

from service.domain.audience import OFFERED_TO, AudienceKind, given_set, partner_set
from service.domain.publication import EVERYTHING, WHOLE_SETS

# Whose sets nobody may as much as name without credentials.
_OF_PARTNERS = frozenset({"partner", "given"})
_LAST = 2**63 - 1  # behind every item


class Sought(NamedTuple):
    """The streams that a harvest goes through: those of one set spec, in audiences of kinds."""

    spec: str
    kinds: frozenset[AudienceKind]


def is_for_partners(set_spec: str | None) -> bool:
    """Whether a set is what one partner is offered or was given, by its name alone.

    >>> [is_for_partners(spec) for spec in ("partner:brno", "given", "list:partner", None)]
    [True, True, False, False]
    """
    return set_spec is not None and set_spec.partition(":")[0] in _OF_PARTNERS


def sought(set_spec: str | None, partner_code: str | None) -> Sought | None:
    """Return what a harvest of ``set_spec`` goes through for a partner (None: for anybody).

    None: another partner's set, which is nothing to this one.

    >>> sought("list:spring", None).spec, sought("place", "brno").spec, sought("partner:a", "b")
    ('list:spring', '', None)
    """
    if set_spec is None:
        return Sought(EVERYTHING, frozenset(AudienceKind))
    if is_for_partners(set_spec):
        if partner_code is None:
            return None
        own = {
            partner_set(partner_code): Sought(EVERYTHING, frozenset({AudienceKind.GROUP})),
            given_set(partner_code): Sought(set_spec, frozenset({AudienceKind.GIVEN})),
        }
        return own.get(set_spec)
    return Sought(EVERYTHING if set_spec in WHOLE_SETS else set_spec, OFFERED_TO)


class Place(NamedTuple):
    """The place of an entry in a view: ``stamp`` is what it is listed at, ``own`` its stream's.

    Both are stamps. What an audience held when a partner joined or left it is one block at that
    stamp, in the order of its own stamps.
    """

    stamp: int
    own: int
    item: int


class Source(NamedTuple):
    """One stream as a partner sees it: nothing of it is listed before ``since``.

    Where the partner has left the audience, at ``left``, all that had come before is listed as
    deleted, at ``since``, and what came later is not there. All are stamps.
    """

    stream: int
    kind: AudienceKind
    since: int = 0
    left: int | None = None

    def place(self, stamp: int, item: int) -> Place:
        """Return where an entry of this stream stands."""
        listed = self.since if self.left is not None else max(stamp, self.since)
        return Place(listed, stamp, item)

    def knows(self, entry_since: int) -> bool:
        """Whether an entry that first stood here at ``entry_since`` is anything to the partner."""
        return self.left is None or entry_since < self.left

    def behind(self, after: Place) -> tuple[int, int] | None:
        """Return the key (stamp, item) of this stream behind which the view goes on.

        None: nothing of this stream stands behind ``after``.
        """
        if after.stamp < self.since:
            return (-1, 0)
        if self.left is not None:
            return (after.own, after.item) if after.stamp == self.since else None
        if after.own > after.stamp:  # in the block of an audience that was left
            return (after.stamp, _LAST)
        if after.own == after.stamp or after.stamp == self.since:
            return (after.own, after.item)
        return (after.stamp, 0)


class Standing(NamedTuple):
    """How an item stands in a view, all its streams together.

    ``present``: in one of them at least. ``restricted``: it is there (or, deleted, was) beyond the
    public. ``left``: the partner knows it only from audiences that it has left.
    """

    place: Place
    present: bool
    restricted: bool
    left: bool


def standing(seen: list[tuple[Source, Place, bool]]) -> Standing:
    """Return how an item stands that is seen in these streams: the latest place counts."""
    here = [(source, present and source.left is None) for source, _, present in seen]
    is_present = any(present for _, present in here)
    return Standing(
        max(place for _, place, _ in seen),
        is_present,
        any(
            source.kind is AudienceKind.GROUP and (present or not is_present)
            for source, present in here
        ),
        all(source.left is not None for source, _ in here),
    )


def header_sets(sets: str, stands: Standing, partner_code: str, asked: str | None) -> str:
    """Return the setSpecs of an item's header in a partner's view, separated by blanks.

    What was restricted carries the partner's own set. Of what it knows from an audience that it
    has left, only what it may still know is told: the list, and the set that it ``asked`` for.
    """
    specs = sets.split()
    if stands.left:
        specs = [spec for spec in specs if spec.startswith("list:")]
        if asked and ":" in asked and not is_for_partners(asked) and asked not in specs:
            specs.append(asked)
    if stands.restricted:
        specs.append(partner_set(partner_code))
    return " ".join(specs)
