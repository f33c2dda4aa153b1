"""The languages in which people read the pages: which there are, and which of them somebody gets.

What is asked for first counts: the account's language, else what was chosen on this machine (a
cookie), else what the browser prefers, else English. The words of templates are English, and stand
translated in ``translations``; a title keeps the language it is in, whatever the page is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from babel import Locale
from flask import Blueprint, Flask, g, redirect, request
from flask_babel import Babel, get_locale
from werkzeug.datastructures import LanguageAccept
from werkzeug.wrappers import Response

from service.web.own_addresses import own_address

choice = Blueprint("language", __name__)

# By gettext's names, each in its own words.
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "ko": "한국어",
    "zh_Hans": "简体中文",
    "zh_Hant": "繁體中文",
    "ja": "日本語",
    "vi": "Tiếng Việt",
    "mn": "Монгол",
}
COOKIE: Final = "language"
_YEAR: Final = 366 * 24 * 3600
# How browsers ask for Chinese (BCP 47): by script, or by the place where it is written so.
_ASKED_FOR: Final[Mapping[str, str]] = {
    **{name.replace("_", "-"): name for name in LANGUAGES},
    **dict.fromkeys(("zh", "zh-CN", "zh-SG", "zh-MY"), "zh_Hans"),
    **dict.fromkeys(("zh-TW", "zh-HK", "zh-MO"), "zh_Hant"),
}


def register(app: Flask) -> None:
    """Let the words of every page be in the reader's language."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    Babel(app, locale_selector=chosen)
    app.context_processor(_languages)
    app.after_request(_say_so)
    app.register_blueprint(choice)


def chosen() -> str:
    """Return the language of whoever asks, as gettext names it."""
    for asked in (g.caller.locale if "caller" in g else "", request.cookies.get(COOKIE, "")):
        if asked in LANGUAGES:
            return str(asked)
    return preferred(request.accept_languages)


def preferred(asked: LanguageAccept) -> str:
    """Return the best of our languages by what a browser says, English where it knows none.

    >>> preferred(LanguageAccept([("de", 1), ("zh-HK", 0.9), ("en", 0.5)]))
    'zh_Hant'
    >>> preferred(LanguageAccept([("fr", 1)]))
    'en'
    """
    return _ASKED_FOR[asked.best_match(_ASKED_FOR, default="en")]


def tag(locale: Locale | None = None) -> str:
    """Return a language as HTML names it (BCP 47); that of this answer unless one is given.

    >>> tag(Locale.parse("zh_Hant"))
    'zh-Hant'
    """
    return str(locale or get_locale()).replace("_", "-")


@choice.post("/language")
def choose() -> Response:
    """Keep a language for this browser, and go back to where it was chosen.

    Nothing but words changes by it: the form needs no token, so that public pages need no session.
    """
    answer = redirect(own_address(request.form.get("next", "")), 303)
    asked = request.form.get("language", "")
    if asked in LANGUAGES:
        answer.set_cookie(
            COOKIE, asked, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return answer


def _languages() -> dict[str, object]:
    return {"languages": LANGUAGES, "language": str(get_locale()), "page_language": tag()}


def _say_so(response: Response) -> Response:
    """Tell caches and readers in which language a page is."""
    if response.mimetype == "text/html" and "Content-Language" not in response.headers:
        response.headers["Content-Language"] = tag()
        response.vary.update(("Accept-Language", "Cookie"))
    return response
