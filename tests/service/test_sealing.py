"""Secrets that are shown to others again are of no use to whoever has the database alone."""

from __future__ import annotations

import pytest

from service.config import Settings
from service.errors import Misconfigured
from service.usecases import sealing


def test_what_is_sealed_is_read_again_and_does_not_show() -> None:
    settings = Settings(secret_key="first")
    sealed = sealing.seal(settings, "bb_token-서울")
    assert b"token" not in sealed
    assert sealing.seal(settings, "bb_token-서울") != sealed
    assert sealing.unseal(settings, sealed) == "bb_token-서울"


def test_an_earlier_key_still_opens_what_it_sealed() -> None:
    sealed = sealing.seal(Settings(secret_key="first"), "x")
    assert (
        sealing.unseal(Settings(secret_key="new", secret_key_fallbacks=("first",)), sealed) == "x"
    )


def test_a_secret_of_a_lost_key_is_refused_with_what_to_do() -> None:
    sealed = sealing.seal(Settings(secret_key="first"), "x")
    with pytest.raises(Misconfigured, match="secret_key_fallbacks"):
        sealing.unseal(Settings(secret_key="new"), sealed)


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(Misconfigured, match="secret_key"):
        sealing.seal(Settings(), "x")
