"""The mnemonics of MARCMaker: characters written as names in braces, ``{Lstrok}{acute}od{acute}z``.

MARCMaker spells MARC-8 in ASCII, so a combining mark stands before its letter; here it comes
after it, as in Unicode. ``{dollar}``, ``{lcub}``, ``{rcub}`` and ``{bsol}`` protect what has a
meaning in the text form itself.

Source: MARCMaker and MARCBreaker User's Manual, Mnemonics (Library of Congress),
https://www.loc.gov/marc/mnemonics.html; code points from the MARC-8 code tables.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category

from marc_mappings import encodings

# name, character: ASCII, then the graphic and the combining characters of ANSEL in their order.
_TABLE: Final = """
excl ! quot " num # dollar $ percnt % amp & apos ' lpar ( rpar ) ast * plus + comma , hyphen -
period . sol / colon : semi ; lt < equals = gt > quest ? commat @ lsqb [ bsol \\ rsqb ] lowbar _
lcub { verbar | rcub } joiner \u200d nonjoin \u200c
Lstrok Ł Ostrok Ø Dstrok Đ THORN Þ AElig Æ OElig Œ softsign ʹ mlprime ʹ middot · flat ♭ reg ®
plusmn ± Ohorn Ơ Uhorn Ư mlrhring ʼ alif ʼ mllhring ʻ ayn ʻ lstrok ł ostrok ø dstrok đ thorn þ
aelig æ oelig œ hardsign ʺ mlPrime ʺ inodot ı pound £ eth ð ohorn ơ uhorn ư deg ° scriptl ℓ
phono ℗ copy © sharp ♯ iquest ¿ iexcl ¡ szlig ß euro €
hooka \u0309 grave \u0300 acute \u0301 circ \u0302 tilde \u0303 macr \u0304 breve \u0306 dot \u0307
uml \u0308 diaer \u0308 caron \u030c hacek \u030c ring \u030a llig \ufe20 rlig \ufe21
rcommaa \u0315 dblac \u030b candra \u0310 cedil \u0327 ogon \u0328 dotb \u0323 dbldotb \u0324
ringb \u0325 dblunder \u0333 under \u0332 commab \u0326 rcedil \u031c breveb \u032e
ldbltil \ufe22 rdbltil \ufe23 commaa \u0313
"""
_words = _TABLE.split()
CHARACTERS: Final = dict(zip(_words[::2], _words[1::2], strict=True))
if not all(len(char) == 1 for char in CHARACTERS.values()):
    raise ValueError("A mnemonic stands for exactly one character.")

_NAME = re.compile(r"\{([A-Za-z0-9]{1,12})\}")
_ESCAPED: Final = str.maketrans({"$": "{dollar}", "{": "{lcub}", "}": "{rcub}", "\\": "{bsol}"})


def expand(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text (NFC) with its mnemonics as characters, and the names that are unknown.

    >>> expand("{Lstrok}{acute}od{acute}z {dollar}5 {nix}")
    ('Łódź $5 {nix}', ('nix',))
    """
    if "{" not in text:
        return text, ()
    parts: list[str] = []
    waiting = ""
    unknown: list[str] = []
    at = 0
    for match in _NAME.finditer(text):
        char = CHARACTERS.get(match[1])
        if char is None:
            unknown.append(match[1])
            continue
        if between := text[at : match.start()]:
            parts += (between[0], waiting, between[1:])
            waiting = ""
        if category(char) == "Mn":
            waiting += char
        else:
            parts += (char, waiting)
            waiting = ""
        at = match.end()
    rest = text[at:]
    parts += (rest[:1], waiting, rest[1:])
    return encodings.normalized("".join(parts)), tuple(dict.fromkeys(unknown))


def has_bare_brace(text: str) -> bool:
    """Whether a brace stands in the text that neither begins nor ends a name.

    >>> has_bare_brace("{acute}e"), has_bare_brace("He{lth"), has_bare_brace("a}")
    (False, True, True)
    """
    rest = _NAME.sub("", text)
    return "{" in rest or "}" in rest


def escape(text: str) -> str:
    r"""Return the text with what has a meaning in the text form written as mnemonics.

    >>> escape("US$ {5} \\")
    'US{dollar} {lcub}5{rcub} {bsol}'
    """
    return text.translate(_ESCAPED)
