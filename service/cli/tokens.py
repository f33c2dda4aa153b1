"""Telling a new token: the token alone on standard output, the warning beside it."""

from __future__ import annotations

import click


def tell(token: str, holder: str) -> None:
    """Print a token for ``holder``; only its SHA-256 was kept, so this is the one time."""
    click.echo(token)
    click.echo(
        f"bookbridge: this token is for {holder}; it is not kept and cannot be shown again",
        err=True,
    )


def tell_revoked(number: int, holder: str) -> None:
    """Print how many tokens were revoked."""
    click.echo(f"{number} token{'' if number == 1 else 's'} of {holder} revoked")
