"""The tour, what it comes to: years before the software, the line for the press, the regions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from service.demo.narration import Narration
from service.demo.seaside import Library

_REGIONS: Final[Mapping[str, tuple[str, str]]] = {
    "JP": ("Japan", "East Asia"),
    "TW": ("Taiwan", "East Asia"),
    "MN": ("Mongolia", "East Asia"),
    "VN": ("Viet Nam", "South-East Asia"),
}
# Totals without titles, made up like the exchange itself.
_BEFORE: Final = (
    ("kaohsiung", "2024", "received", "gift", "--volumes", "752"),
    ("ulaanbaatar", "2025", "sent", "gift", "--volumes", "120"),
)


def steps(library: Library, told: Narration) -> None:
    """Enter totals of earlier years, and tell what all of it comes to."""
    told.heading("The figures: for the press, and by region")
    told.say("Years before the software are entered as totals, and count:")
    for opening in _BEFORE:
        told.command("ledger", "opening", *opening)
        library.commands.run("ledger", "opening", *opening)
    for code, (name, region) in _REGIONS.items():
        library.commands.run("place", "set", code, name, "--region", region)
    for line in told.typed(library.commands, "stats").splitlines():
        told.tell(line, 3)
    told.command("stats", "regions")
    for row in json.loads(library.commands.run("stats", "regions", "--json"))["rows"]:
        places = row["countries and regions"]
        told.say(
            f"{row['region']:<16} {places} {'place' if places == 1 else 'places'}; "
            f"{row['volumes sent']:,} volumes sent, {row['volumes received']:,} received"
        )
