"""How claims are shown at a terminal, so that it reads well aloud."""

from __future__ import annotations

from dataclasses import asdict

import click

from service.cli import plain
from service.domain.claim import Claim, next_step, possible, words


def line(found: Claim) -> str:
    """Return a claim on one line."""
    where = found.consignment_number
    if found.about.position:
        where += f" line {found.about.position}"
    if found.about.issue:
        where += f" issue {found.about.issue}"
    how = f" {found.resolution.value}" if found.resolution else ""
    title = f"  {plain.line(found.title)}" if found.title else ""
    copies = "1 copy" if found.copies == 1 else f"{found.copies:,} copies"
    return (
        f"{found.public_id}  {found.side.value}  {found.state.value}{how}  {found.partner}  "
        f"{words(found.reason)}, {copies}  {where.strip()}{title}"
    )


def whole(found: Claim) -> None:
    """Print a claim with what was said and what is next."""
    click.echo(line(found))
    if found.text:
        click.echo(f"said: {plain.line(found.text)}")
    if found.answer:
        click.echo(f"answer: {plain.line(found.answer)}")
    if found.resent_number:
        click.echo(f"sent again with: {found.resent_number}")
    can = ", ".join(each.value for each in possible(found.side, found.state))
    click.echo(f"possible: {can}")
    if step := next_step(found.side, found.state):
        click.echo(f"\nNext: {step}")


def document(found: Claim) -> dict[str, object]:
    """Return a claim as JSON has it."""
    hidden = {"id", "partner_id", "about"}
    told = {key: value for key, value in asdict(found).items() if key not in hidden}
    return told | {"line": found.about.position, "issue": found.about.issue}
