"""Letters as documents of a word processor, to be edited before they are sent.

Two languages stand side by side in a table without lines, a row for each paragraph, so that they
stay level however somebody edits them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from service.domain.letter import LetterText, written

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# Letters that every word processor has or replaces, and the tag that its spelling checker knows.
_FONTS: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("", "en-GB"),
    "ko": ("Malgun Gothic", "ko-KR"),
    "zh-Hans": ("SimSun", "zh-CN"),
    "zh-Hant": ("PMingLiU", "zh-TW"),
    "ja": ("MS Mincho", "ja-JP"),
    "vi": ("", "vi-VN"),
    "mn": ("", "mn-MN"),
}
_EAST_ASIAN: Final = frozenset({"ko", "zh-Hans", "zh-Hant", "ja"})
# What XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(
    texts: Sequence[LetterText],
    *,
    sender: str,
    address: Sequence[str],
    dated_on: date,
    now: datetime,
) -> bytes:
    """Return a letter as .docx: its languages side by side; ``now`` is when it was made (UTC)."""
    # Loaded for whoever writes a document, and for nobody else.
    import docx
    from docx.shared import Mm, Pt

    made = docx.Document()
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(20)
    made.styles["Normal"].font.name = "Times New Roman"
    made.styles["Normal"].font.size = Pt(11)
    properties = made.core_properties
    properties.title, properties.author = _clean(texts[0].subject), _clean(sender)
    properties.comments, properties.created, properties.modified = "", now, now
    head = made.add_paragraph()
    head.add_run(_clean(sender)).bold = True
    for line in address:
        head.add_run().add_break()
        head.add_run(_clean(line))
    _write_texts(made, texts, dated_on)
    kept = io.BytesIO()
    made.save(kept)
    return kept.getvalue()


def _write_texts(made: Any, texts: Sequence[LetterText], dated_on: date) -> None:
    table = made.add_table(rows=0, cols=len(texts))
    columns = [
        [written(dated_on, each.language), each.subject, *each.paragraphs()] for each in texts
    ]
    for number, row in enumerate(zip_longest(*columns, fillvalue="")):
        for cell, text, each in zip(table.add_row().cells, row, texts, strict=True):
            _write(cell.paragraphs[0], text, each.language, bold=number == 1)


def _write(paragraph: Paragraph, text: str, language: str, *, bold: bool) -> None:
    """Write a paragraph with its lines, in the letters and with the tag of its language."""
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    font, tag = _FONTS[language]
    run = paragraph.add_run(_clean(text))
    run.bold = bold
    properties = run._r.get_or_add_rPr()
    said = OxmlElement("w:lang")
    said.set(qn("w:eastAsia" if language in _EAST_ASIAN else "w:val"), tag)
    if font:
        fonts = properties.get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), font)
        fonts.set(qn("w:hint"), "eastAsia")
    properties.append(said)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
