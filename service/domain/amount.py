"""Amounts of money: whole numbers of a currency's smallest unit, and how people read them.

Source of how many decimals a currency has: ISO 4217, list one; what is not listed here has two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from service.errors import Invalid

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
DECIMALS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
}
"""The decimals of the currencies that do not have two."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_WRITTEN = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?", re.ASCII)


def check_currency(text: str, field: str = "currency") -> str:
    """Return a currency in its one spelling, "" for none; raise ``Invalid`` for what is none.

    >>> check_currency(" krw "), check_currency("")
    ('KRW', '')
    """
    code = text.strip().upper()
    if code and not _CURRENCY.fullmatch(code):
        raise Invalid(
            f"{text!r} is no currency: give the three letters of ISO 4217, such as KRW", field=field
        )
    return code


def shown(amount: int, currency: str) -> str:
    """Return an amount as people read it.

    >>> shown(1234500, "KRW"), shown(-1234500, "EUR"), shown(5, "BHD")
    ('1,234,500 KRW', '-12,345.00 EUR', '0.005 BHD')
    """
    decimals = DECIMALS.get(currency, 2)
    whole, rest = divmod(abs(amount), 10**decimals)
    part = f".{rest:0{decimals}}" if decimals else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{part} {currency}".rstrip()


def read(text: str, currency: str, field: str = "value") -> int:
    """Return the amount that a person wrote in units of a currency; raise ``Invalid``.

    >>> read("120.5", "EUR"), read("12000", "KRW")
    (12050, 12000)
    """
    decimals = DECIMALS.get(currency, 2)
    found = _WRITTEN.fullmatch(text.strip())
    part = (found[2] or "") if found else ""
    if found is None or len(part.rstrip("0")) > decimals:
        example = "12000" if decimals == 0 else f"12000.{'50'.ljust(decimals, '0')[:decimals]}"
        raise Invalid(
            f"{text!r} is no amount of {currency}: write it as {example}, without a sign between "
            "the thousands",
            field=field,
        )
    return int(found[1] + part.ljust(decimals, "0")[:decimals])
