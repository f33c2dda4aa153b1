"""The octets of a list as text: in which encoding they are, and one line after the other.

UTF-8 is proven by the octets; UTF-16 shows itself. Anything else is what the sender says, or is
found by the letters it gives, and then said to be a finding: identifiers are ASCII and do not
suffer, titles and notes may.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from marc_mappings import encodings
from service.domain.wish_cells import storable
from service.errors import Invalid

UTF8 = "utf-8-sig"
PIECE = 65_536
# A line with more characters is none.
_LONGEST = 1_000_000
_SAMPLE = 65_536
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Encoding(NamedTuple):
    """The encoding of a text, and what there is to say about it."""

    name: str
    remark: str = ""


def encoding(stream: BinaryIO, said: str = "") -> Encoding:
    """Return the encoding of a whole text; ``said`` is what its sender calls it.

    Raises ``Invalid`` for a name that is none, and for octets that are in no encoding we know.
    """
    if said and (name := _named(said)) not in {"utf-8", UTF8}:
        if (wrong := _first_wrong(stream, name)) is not None:
            raise Invalid(
                f"the body is not {said}: octet {wrong} does not belong there", field="charset"
            )
        return Encoding(name)
    stream.seek(0)
    head = stream.read(4096)
    if name := next((name for mark, name in _MARKS if head.startswith(mark)), _by_zeros(head)):
        wrong = _first_wrong(stream, name)
    else:
        name, wrong = UTF8, _first_wrong(stream, UTF8)
    if wrong is None:
        return Encoding(name)
    found = "" if said or name != UTF8 else _by_letters(stream, wrong)
    if not found:
        raise Invalid(
            f"the body is not UTF-8: octet {wrong} does not belong there; save the file as UTF-8 "
            "and send it again, or name its encoding, as in `Content-Type: text/csv; charset=GBK`"
        )
    return Encoding(
        found,
        f"The text is not UTF-8; by its letters it was read as {found}. If titles and notes look "
        "wrong, save the file as UTF-8 or name its encoding (`charset`) and send it again.",
    )


def lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of a text, each with its end as ``\\n``, from the beginning of ``stream``."""
    rest = ""
    for piece in pieces(stream, encoding):
        *whole, rest = (rest + piece).split("\n")
        for line in whole:
            yield f"{storable(line)}\n"
        if len(rest) > _LONGEST:
            raise Invalid(f"a line of the body has more than {_LONGEST} characters")
    if rest:
        yield str(storable(rest))


def pieces(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield a text piece by piece, every line ending as ``\\n``."""
    stream.seek(0)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    while piece := stream.read(PIECE):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _named(said: str) -> str:
    """Return Python's name of what a sender calls its encoding."""
    try:
        name = codecs.lookup(encodings.canonical(said)).name
        "".encode(name)
    except (encodings.UnknownEncoding, LookupError) as error:
        raise Invalid(
            f"{said!r} is no encoding of text that is known here; UTF-8 is always right",
            field="charset",
        ) from error
    return name


def _first_wrong(stream: BinaryIO, name: str) -> int | None:
    """Return the first octet that does not fit an encoding, None if all do."""
    decoder = codecs.getincrementaldecoder(name)()
    at = held = 0
    stream.seek(0)
    while True:
        piece = stream.read(PIECE)
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            return max(0, at - held + error.start)
        if not piece:
            return None
        at += len(piece)
        state = decoder.getstate()[0]
        held = len(state) if isinstance(state, bytes) else 0


def _by_zeros(head: bytes) -> str:
    """Return which UTF-16 a text without a mark is: its digits and commas have a zero octet."""
    first, second = head[0::2].count(0), head[1::2].count(0)
    if max(first, second) < 2 or min(first, second) * 4 > max(first, second):
        return ""
    return "utf-16-be" if first > second else "utf-16-le"


def _by_letters(stream: BinaryIO, wrong: int) -> str:
    """Return the encoding that the letters around octet ``wrong`` speak for, "" for none."""
    stream.seek(max(0, wrong - _SAMPLE // 2))
    sample = stream.read(_SAMPLE)
    rows = sample.split(b"\n")[1 if wrong > _SAMPLE // 2 else 0 :]
    telling = b"\n".join(row for row in rows if not row.isascii())
    try:
        found = codecs.lookup(encodings.choose(telling, " ").encoding).name
    except LookupError:  # MARC-8 and ISO 5426, in which nobody writes lists
        return ""
    if found == "utf-8" or _first_wrong(stream, found) is not None:
        return ""
    return found
