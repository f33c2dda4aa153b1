"""The character sets of library records: their names, and text from the bytes of one value.

A name is what Python calls the set, where Python has it; a set that contains another is named
for both (``cp949`` reads EUC-KR, ``gb18030`` GBK and GB 2312), because senders say the smaller
name and use the larger set.

Source: IANA Character Sets registry (names); WHATWG Encoding Standard (which set contains which).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from unicodedata import is_normalized, normalize

from marc_mappings.letters import eight_bit, marc8

UTF8, MARC8, ISO5426 = "utf-8", "marc-8", "iso5426"

# Canonical name -> what else people write. Compared without case, blanks, "-" and "_".
NAMES: Final[Mapping[str, str]] = {
    UTF8: "utf8 unicode iso10646 ucs 65001 cp65001 u8",
    MARC8: "marc8 ansel usmarc ansiz3947",
    ISO5426: "iso5426:1983 5426 mab2",
    "iso6937": "6937 iso69371 iso69372 t61",
    "cp949": "euckr ksc5601 ksc56011987 ksx1001 uhc ms949 windows949 korean 949",
    "gb18030": "gbk gb2312 euccn cp936 ms936 windows936 936 chinese gb",
    "big5hkscs": "big5 cp950 ms950 windows950 950 hkscs big5eten",
    "cp932": "shiftjis sjis ms932 windows31j mskanji windows932 932 csshiftjis",
    "euc_jp": "eucjp ujis eucjpms",
    "koi8-r": "koi8 koi8r koi cp20866",
    "koi8-u": "koi8u",
    "cp866": "866 ibm866 alt dos866 dosrussian",
    "cp850": "850 ibm850 dos850",
    "cp852": "852 ibm852 dos852 doslatin2",
    "tcvn3": "abc tcvn tcvn5712 tcvn57121 vn3",
    "viscii": "visc rfc1456",
    **{f"cp{n}": f"windows{n} win{n} {n}" for n in range(1250, 1259)},
    **{f"iso8859-{n}": f"latin{n}of8859" for n in range(1, 17) if n != 12},
}
_MORE: Final[Mapping[str, str]] = {
    "latin1": "iso8859-1",
    "l1": "iso8859-1",
    "latin2": "iso8859-2",
    "latin3": "iso8859-3",
    "latin4": "iso8859-4",
    "cyrillic": "iso8859-5",
    "arabic": "iso8859-6",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "latin5": "iso8859-9",
    "latin6": "iso8859-10",
    "thai": "iso8859-11",
    "tis620": "iso8859-11",
    "cp874": "iso8859-11",
    "windows874": "iso8859-11",
    "latin7": "iso8859-13",
    "latin8": "iso8859-14",
    "latin9": "iso8859-15",
    "latin10": "iso8859-16",
    "ansi": "cp1252",
}
_PUNCTUATION: Final = re.compile(r"[\s_\-./()]+")


class UnknownEncoding(ValueError):
    """A name that is no character set we read; the message lists those we do."""

    code = "encoding-name-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is no character set that is read here. Say one of: {', '.join(NAMES)}."
        )
        self.name = name


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name.strip().lower())


_BY_KEY: Final[Mapping[str, str]] = {
    **{_key(name): name for name in NAMES},
    **{_key(alias): name for name, others in NAMES.items() for alias in others.split()},
    **_MORE,
}


def canonical(name: str) -> str:
    """Return our name of the character set that a person calls ``name``.

    Raises ``UnknownEncoding``, which lists the names.

    >>> [canonical(name) for name in ("EUC-KR", "gbk", "windows-1251", "Big5", "MARC8", "Latin-1")]
    ['cp949', 'gb18030', 'cp1251', 'big5hkscs', 'marc-8', 'iso8859-1']
    """
    try:
        return _BY_KEY[_key(name)]
    except KeyError:
        raise UnknownEncoding(name) from None


def decode(data: bytes, encoding: str) -> tuple[str, int]:
    """Return (text in NFC, number of undecodable characters) of one value's bytes.

    ``encoding`` is a canonical name. What cannot be decoded shows as U+FFFD.

    >>> decode("채식".encode("cp949"), "cp949")
    ('채식', 0)
    >>> decode(b"a\\xb0", "cp949")
    ('a\ufffd', 1)
    """
    if data.isascii() and b"\x1b" not in data and encoding != "viscii":
        return data.decode("ascii"), 0
    if encoding == MARC8:
        return marc8.decode(data)
    if encoding in eight_bit.SETS:
        return eight_bit.decode(data, encoding)
    try:
        return normalized(data.decode(encoding)), 0
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
    bad = text.count("\ufffd")
    if encoding == UTF8:
        bad -= data.count(b"\xef\xbf\xbd")
    return normalized(text), bad


def normalized(text: str) -> str:
    """Return ``text`` in NFC."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)
