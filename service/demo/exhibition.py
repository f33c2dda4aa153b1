"""The tour, what visitors see: the country corner, and an exhibition of the gift that came."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from service.demo.arrival import PARTNER
from service.demo.narration import Narration
from service.demo.partner_system import WentWrong
from service.demo.seaside import Library

SLUG = "kaohsiung-corner"
_BOOKS = 6
_DAYS = 90
_WORDS = (
    (
        "en",
        "From the other harbour",
        (
            "Kaohsiung lives by its harbour, as our city does. Its librarians chose these for "
            "our readers: stories for children, and books that think about books.\n\n"
            "They stand in the Kaohsiung corner and may be borrowed like any other."
        ),
    ),
    (
        "ko",
        "건너편 항구에서",
        (
            "가오슝은 우리 도시처럼 항구와 함께 사는 도시입니다. 그곳의 사서들이 우리 독자를 위해 "
            "고른 책입니다.\n\n가오슝 코너에서 누구나 빌려 읽을 수 있습니다."
        ),
    ),
    (
        "zh-Hant",
        "來自另一座港灣",
        (
            "高雄和我們的城市都與港口一同生活。這些書由高雄的館員為我們的讀者挑選。\n\n"
            "書放在高雄專架。歡迎借閱。"
        ),
    ),
)


def steps(library: Library, gift: str, told: Narration) -> None:
    """Show the books of a gift that came: six of them, for ninety days from today."""
    told.heading("What visitors see: the country corner, and an exhibition")
    today = datetime.now(UTC).date()
    days = ("--from", str(today), "--until", str(today + timedelta(days=_DAYS)))
    for language, title, text in _WORDS:
        words = ("--language", language, "--title", title, "--text", text)
        library.commands.run("exhibition", "set", SLUG, "--partner", PARTNER, *days, *words)
    found = json.loads(library.commands.run("incoming", "show", gift, "--json"))
    numbers = [each["accession_number"] for each in found["lines"] if each["accession_number"]]
    said = told.typed(library.commands, "exhibition", "choose", SLUG, *numbers[:_BOOKS])
    told.tell(said.strip(), 3, behind=3)
    if f"  open  {PARTNER}  {_BOOKS} books  " not in said:
        raise WentWrong(f"an exhibition of {_BOOKS} books should be open: {said}")
    told.say("Its words are in three languages; each reader gets the one that suits.")
    for path, what in (
        ("/exhibition", "the exhibition of the quarter"),
        ("/countries", "all that was donated, by country and city"),
        ("/programme", "the programme and its figures"),
    ):
        told.say(f"   {library.settings.base_url}{path}", f"      {what}")
