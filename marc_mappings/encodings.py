"""Bytes to text with certainty: which encoding a record is in, and text that is safe for ever.

Decoding is not the hard part, choosing is: a wrong choice makes no error, only wrong letters. So
the choice is made from the bytes first and the leader second, and an answer that rests on
neither is marked uncertain.

Order: what the sender says; strict UTF-8 where any byte is high; escape sequences or the pattern
of MARC-8 (MARC 21 family) or ISO 5426 (UNIMARC); what the record declares; what the whole file
shows (``survey``, ``detection``); else it is open, and said to be.

Source: MARC 21 Specifications, Character Sets (Library of Congress); W3C XML 1.0, section 2.2.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from marc_mappings.dialects import FAMILY, family_of
from marc_mappings.letters import detection, glimpse, marc8, readings, witnesses, writing
from marc_mappings.letters.decoding import ISO5426 as ISO5426
from marc_mappings.letters.decoding import MARC8 as MARC8
from marc_mappings.letters.decoding import UTF8 as UTF8
from marc_mappings.letters.decoding import UnknownEncoding as UnknownEncoding
from marc_mappings.letters.decoding import canonical as canonical
from marc_mappings.letters.decoding import decode as decode
from marc_mappings.letters.decoding import normalized as normalized
from marc_mappings.letters.detection import EAST_ASIAN
from marc_mappings.letters.detection import Verdict as Verdict
from marc_mappings.letters.witnesses import sound_in_utf8
from marc_mappings.problems import Problem, problem

# Everything that may not stand in a value: C0 (the MARC delimiters too), DEL, C1 except the
# non-sorting marks 98 and 9C, which MARC 21 uses, the separators of lines and paragraphs, the
# non-characters, and lone surrogates.
JUNK: Final = re.compile(
    "[\x00-\x1f\x7f-\x97\x99-\x9b\x9d-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]"
)

_BLANKS = "\t\n\x0b\x0c\r\x85\u2028\u2029"
# Non-sorting marks as MARC-8 has them, put into Unicode code for code by a careless converter.
_MARKS = {"\x88": "\x98", "\x89": "\x9c"}

_DESIGNATION = re.compile(rb"\x1b(?:[gbps]|\$[(,)\-]?!?[0-9A-Z]|[(,)\-]!?[0-9A-Z])")
# Marks before the vowels that commonly have them: MARC-8, seen at a glance. All marks first, and
# then which of them: where a pattern begins with one set of octets, Python finds it far faster.
_USUAL = re.compile(rb"[\xe1-\xe3\xe8\xf0](?:(?<!\xf0)[AEIOUaeiou]|(?<=\xf0)[Cc])")
# Shares of letters that fit, above which a reading is fair, below which it is poor.
_FAIR, _POOR = 0.6, 0.3
# With fewer letters outside ASCII a record cannot speak against its file.
_FEW = 3


class Choice(NamedTuple):
    """An encoding, whether we are sure of it, and what there is to say about it."""

    encoding: str
    certain: bool
    problems: tuple[Problem, ...] = ()


def choose(
    data: bytes,
    leader9: str,
    verdict: Verdict | None = None,
    dialect: str = "",
    *,
    unicode: bool | None = None,
) -> Choice:
    """Return the encoding of one record's bytes; ``leader9`` is its leader/09 (``a`` = Unicode).

    ``verdict`` and ``dialect`` are those of the file it came in; without them the record is
    judged alone, which is dearer and less certain. ``unicode``: whether the bytes are valid UTF-8,
    where that is known already.

    >>> choose("한강".encode(), " ").problems[0].code
    'leader-says-marc8'
    >>> choose("한강".encode("cp949"), " ").certain
    False
    >>> choose("한강".encode("cp949"), " ", said("EUC-KR"))
    Choice(encoding='cp949', certain=True, problems=())
    """
    is_marc21 = FAMILY.get(dialect, "marc21") == "marc21"
    declared = UTF8 if leader9 == "a" else MARC8 if is_marc21 else ""
    escapes = b"\x1b" in data and _DESIGNATION.search(data) is not None
    if data.isascii():
        if escapes and declared == UTF8:
            return Choice(MARC8, False, (problem("leader-says-utf8"),))
        return _AS_DECLARED[declared]
    if verdict and verdict.said:
        return _as_said(data, verdict)
    if unicode is None:
        unicode = is_utf8(data)
    if unicode and not (escapes and declared == MARC8):
        rather = _rather_legacy(data, verdict) if verdict else None
        return rather or (_UTF8_FOR_MARC8 if declared == MARC8 else _AS_DECLARED[UTF8])
    if not dialect and family_of(glimpse.of_frame(data)) == "unimarc":
        is_marc21, dialect, declared = False, "unimarc", ""
    if sound_in_utf8(data, 1 if declared == UTF8 else 4) and not escapes:
        return Choice(UTF8, False)
    marc8_choice = _marc8(data, declared, verdict, escapes=escapes) if is_marc21 else None
    if marc8_choice:
        return marc8_choice
    found = _legacy(data, verdict, dialect)
    if declared != UTF8 or found.encoding == UTF8:
        return found
    message = f"Leader/09 says UTF-8; the bytes are not, and were read as {found.encoding}."
    return found._replace(problems=(problem("leader-says-utf8", message), *found.problems))


# What nearly all records come to, made once.
_AS_DECLARED: Final = {
    UTF8: Choice(UTF8, True),
    MARC8: Choice(MARC8, True),
    "": Choice(UTF8, True),
}
_UTF8_FOR_MARC8: Final = Choice(UTF8, True, (problem("leader-says-marc8"),))


def _marc8(data: bytes, declared: str, verdict: Verdict | None, *, escapes: bool) -> Choice | None:
    """Return the choice of MARC-8 where escape sequences or the pattern of its marks speak."""
    if _is_no_marc8(data, verdict) if escapes else not marc8.keeps_the_rules(data):
        return None
    if verdict and verdict.certain:
        sure = verdict.encoding == MARC8 or (escapes and declared == MARC8)
    else:
        sure = declared == MARC8 and (escapes or _reads_well(data))
    if declared == UTF8:
        return Choice(MARC8, sure, (problem("leader-says-utf8"),))
    # A file may be certain, and a record in it still speak against it.
    if sure and not (verdict and not escapes and _is_rather_latin1(data)):
        return Choice(MARC8, True)
    is_odd = verdict and verdict.certain and declared == MARC8
    if verdict and is_odd and (sure or _reads_well(data)):
        return _found(verdict._replace(certain=False))
    return None


def _is_no_marc8(data: bytes, verdict: Verdict | None) -> bool:
    """Whether a record has an escape sequence, and letters of another set that MARC-8 has not."""
    if verdict and verdict.certain and verdict.encoding not in (UTF8, MARC8):
        return not data.isascii() and not marc8.keeps_the_rules(data)
    high = len(data) - len(data.translate(None, _HIGH))
    bad = sum(marc8.decode(part).undecodable for part in _VALUE_END.split(data))
    return high >= _FEW and bad * 4 > high


_HIGH = bytes(range(0x80, 0x100))
_VALUE_END = re.compile(rb"[\x1d-\x1f]")


def _legacy(data: bytes, verdict: Verdict | None, dialect: str) -> Choice:
    """Follow the file where the record's letters fit it; else the record stands alone."""
    if verdict and verdict.encoding not in (UTF8, MARC8) and _fits(data, verdict):
        # Of sets that are equally likely, it does not matter which where all read alike.
        return _found(verdict._replace(certain=verdict.certain or bool(verdict.rivals)))
    alone = _alone(data, dialect)
    if not verdict or (alone.certain and _is_borne_out(data, alone, verdict)):
        return _found(alone)
    if verdict.encoding != UTF8 and not alone.certain:
        alone = verdict
    return _found(alone._replace(certain=False))


def _is_borne_out(data: bytes, alone: Verdict, verdict: Verdict) -> bool:
    """Whether nothing in the file speaks against a record that is certain alone.

    Where the file itself is open, proof of MARC-8 (such as its ligatures) is stronger.
    """
    if alone.encoding == verdict.encoding or (alone.encoding == MARC8 and not verdict.certain):
        return True
    return decode(data, alone.encoding) == decode(data, verdict.encoding)


def said(name: str) -> Verdict:
    """Return the verdict where the sender names the encoding; raises ``UnknownEncoding``."""
    encoding = canonical(name)
    return Verdict(encoding, True, (f"The sender says: {encoding}.",), said=True)


def _as_said(data: bytes, verdict: Verdict) -> Choice:
    """What the sender says wins; where the bytes plainly say otherwise that is told."""
    name = verdict.encoding
    contradicted = decode(data, name)[1] > 0
    if name != UTF8 and not contradicted and is_utf8(data):
        contradicted = any(char > "\u07ff" for char in data.decode())
    if not contradicted:
        return Choice(name, True)
    message = f"The sender says {name}; the bytes of this record do not keep to it."
    return Choice(name, False, (problem("encoding-not-as-said", message),))


def _found(verdict: Verdict) -> Choice:
    """The choice that follows from a verdict, said in a note, or as a doubt."""
    name = verdict.encoding
    if verdict.certain:
        message = f"Read as {name}, as its bytes and the file show; the leader has no word for it."
        return Choice(name, True, (problem("encoding-found", message),))
    message = (
        f"The bytes are neither UTF-8 nor proper MARC-8, and nothing else is certain; read as "
        f"{name}, so letters outside ASCII may be wrong. Say which encoding the file has."
    )
    return Choice(name, False, (problem("encoding-doubtful", message),))


def _alone(data: bytes, dialect: str) -> Verdict:
    """Judge one record by itself."""
    seen = glimpse.of_frame(data)
    fields = seen if seen.fields else seen._replace(fields=(data,))
    one = witnesses.sample(data, fields)
    family = dialect or family_of(seen) or "marc21"
    return detection.of_file([one], family, legacy=1, utf8=0)


def _letters(data: bytes, verdict: Verdict | None) -> writing.Letters | None:
    """Return the letters of the languages that the record and the file name."""
    languages = witnesses.languages_of(glimpse.of_frame(data))
    languages |= verdict.languages if verdict else frozenset()
    return writing.letters(languages) if languages - {"eng"} else None


def _reads_well(data: bytes) -> bool:
    """Whether bytes that keep the rules of MARC-8 also give words that people write."""
    one = witnesses.sample(data, glimpse.of_frame(data))
    ours, theirs = readings.marc8_or_latin1([one])
    return one.proved or (ours > theirs and ours >= _FAIR)


def _is_rather_latin1(data: bytes) -> bool:
    """Whether a record in a language with letters of its own has them in Latin-1 only."""
    if _USUAL.search(data):
        return False
    seen = glimpse.of_frame(data)
    # Nearly all records in question are in English, and a whole sample of them is not needed.
    if witnesses.languages_of(seen) <= {"eng"}:
        return False
    one = witnesses.sample(data, seen)
    if one.proved:
        return False
    ours, theirs = readings.marc8_or_latin1([one])
    return ours < _POOR and theirs >= _FAIR


def _fits(data: bytes, verdict: Verdict) -> bool:
    """Whether a record's bytes give, in the encoding of its file, letters that belong there."""
    whole = decode(data, verdict.encoding)
    differing = [each for each in verdict.rivals if decode(data, each) != whole]
    if any(not _is_told_apart(data, verdict, each) for each in differing):
        return False
    if verdict.encoding in EAST_ASIAN and not whole[1]:
        return True  # bytes of another set seldom pair up to its characters by accident
    words = b"\n".join(witnesses.words_of(data.split(b"\x1e")))
    text, bad = decode(words, verdict.encoding)
    own = witnesses.languages_of(glimpse.of_frame(data)) - verdict.languages - {"eng"}
    if bad * 20 > len(text) or (own and _is_better_in_another(words, text, own)):
        return False
    return _has_letters(text, writing.letters(own | verdict.languages))


def _is_told_apart(data: bytes, verdict: Verdict, rival: str) -> bool:
    """Whether a rival set puts a sign into a word, and the set of the file gives only words."""
    words = witnesses.words_of(data.split(b"\x1e"), len(data))
    letters = writing.letters(witnesses.languages_of(glimpse.of_frame(data)) | verdict.languages)
    readings = [(decode(word, verdict.encoding)[0], decode(word, rival)[0]) for word in words]
    differing = [(ours, theirs) for ours, theirs in readings if ours != theirs]
    return any(writing.has_sign_inside(theirs) for _, theirs in differing) and all(
        writing.fit(ours, letters).share == 1 for ours, _ in differing
    )


def _is_better_in_another(words: bytes, text: str, own: frozenset[str]) -> bool:
    """Whether a language that is not the file's has a set in which its record reads far better."""
    letters = writing.letters(own)
    if writing.fit(text, letters).share >= _POOR:
        return False
    table = writing.writings()
    names = {name for each in own for name in table[each].encodings}
    return any(writing.fit(decode(words, name)[0], letters).share >= 0.8 for name in names)


def _has_letters(text: str, letters: writing.Letters) -> bool:
    if not letters.common:
        return True
    found = writing.fit(text, letters)
    return found.total < _FEW or found.share >= _POOR


def _rather_legacy(data: bytes, verdict: Verdict) -> Choice | None:
    """Weigh valid UTF-8 in a file of another encoding: short words can be both.

    ``None``: it is UTF-8. Three octets in a row that make one character are no accident.
    """
    if verdict.encoding in (UTF8, MARC8, ISO5426):
        return None
    words = b"\n".join(witnesses.words_of(data.split(b"\x1e")))
    as_utf8 = words.decode("utf-8", "replace")
    if sum(1 for char in as_utf8 if char > "\u07ff") > 1:
        return None
    text, bad = decode(words, verdict.encoding)
    letters = _letters(data, verdict)
    if bad or letters is None:
        return None
    ours, theirs = writing.fit(as_utf8, letters).share, writing.fit(text, letters).share
    if theirs >= _FAIR and theirs >= ours + 0.3:
        return _found(verdict)
    if ours >= _FAIR or theirs < 0.3:
        return None
    message = f"The bytes can be UTF-8 or {verdict.encoding}; read as UTF-8. Compare the original."
    return Choice(UTF8, False, (problem("encoding-doubtful", message),))


def is_utf8(data: bytes) -> bool:
    """Whether ``data`` is valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def without_junk(text: str) -> str:
    """Return ``text`` without what may not stand in a value; it is fit for XML then.

    Tabs and line ends become a blank, other controls go, what XML forbids becomes U+FFFD.

    >>> without_junk("A\\x00 tale\\r\\nof\\ufffe")
    'A tale of\ufffd'
    """
    return JUNK.sub(_replacement, text.replace("\r\n", "\n")) if JUNK.search(text) else text


def _replacement(match: re.Match[str]) -> str:
    char = match[0]
    if char in _BLANKS:
        return " "
    if char in _MARKS:
        return _MARKS[char]
    return "" if char < " " or char == "\x7f" else "\ufffd"


def junk_problem(text: str, tag: str = "") -> Problem | None:
    """Return what to say about the junk in ``text``, or ``None`` when there is none."""
    found = sorted({match[0] for match in JUNK.finditer(text)})
    if not found:
        return None
    names = ", ".join(f"U+{ord(char):04X}" for char in found[:5])
    if all(char < "\xa0" or char in _BLANKS for char in found):
        return problem(
            "control-character", f"Removed or replaced control characters: {names}.", tag
        )
    return problem("character-not-allowed", f"Replaced characters XML forbids: {names}.", tag)
