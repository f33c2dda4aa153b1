"""How values of the field are shown to people: moments in two zones, names for codes, languages.

All words stand in the templates; what is registered here turns values into other values.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel import Locale, dates
from flask import Flask, current_app
from flask_babel import format_date, format_decimal, get_locale

from marc_mappings.codes import UNKNOWN_LANGUAGE, UNKNOWN_PLACE
from marc_mappings.summary import language_name, place_name
from service.usecases.site import Site
from service.web.language_tags import language_tag


def register(app: Flask) -> None:
    """Give the templates their filters and what every page shows of the site."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        clock=clock,
        day=day,
        decimal=format_decimal,
        in_zone=in_zone,
        language_names=language_names,
        language_tag=language_tag,
        long_day=long_day,
        moment=moment,
        place_name=known_place_name,
        oai_identifier=oai_identifier,
        offer_named=offer_named,
    )
    app.context_processor(_site_facts)


def _site_facts() -> dict[str, str]:
    settings = _site().settings
    return {
        "library": settings.repository_name,
        "base_url": settings.base_url,
        "admin_email": settings.admin_email,
    }


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site


def in_zone(moment: datetime, zone: str) -> datetime:
    """Return the same moment on the clocks of an IANA zone."""
    return moment.astimezone(ZoneInfo(zone))


def day(when: date | datetime | None) -> str:
    """Return a day (of a moment: in UTC) as the reader's language writes it, ``""`` for none."""
    found = when.astimezone(UTC).date() if isinstance(when, datetime) else when
    return "" if found is None else str(format_date(found, "medium"))


def moment(when: datetime | None) -> str:
    """Return a moment, UTC, as the reader's language writes it, ``""`` for none."""
    return "" if when is None else f"{day(when)}, {clock(when.astimezone(UTC))} UTC"


def long_day(when: date | datetime) -> str:
    """Return a day in full, of a moment in the zone that it is in: in English 31 October 2026."""
    found = when.date() if isinstance(when, datetime) else when
    locale = _locale()
    form = "d MMMM y" if locale.language == "en" else "long"
    return str(dates.format_date(found, form, locale=locale))


def clock(when: datetime) -> str:
    """Return the time of day of a moment in the zone that it is in, of 24 hours: 18:00."""
    return str(dates.format_time(when, "HH:mm", tzinfo=when.tzinfo, locale=_locale()))


def _locale() -> Locale:
    """Return the language of the page; English where there is no page."""
    found: Locale | None = get_locale()
    return found or Locale("en")


def language_names(codes: str) -> list[str]:
    """Return the names of MARC codes separated by blanks; none for an unknown language.

    They are in the language of the page, in English where that has no name for a language.

    >>> language_names("kor eng"), language_names("und")
    (['Korean', 'English'], [])
    """
    return [_language_name(code) for code in codes.split() if code != UNKNOWN_LANGUAGE]


def _language_name(code: str) -> str:
    locale = _locale()
    found = None if locale.language == "en" else locale.languages.get(language_tag(code))
    return str(found or language_name(code))


def known_place_name(iso: str) -> str:
    """Return the English name of an ISO 3166-1 code, ``""`` for an unknown place.

    >>> known_place_name("MN"), known_place_name("ZZ")
    ('Mongolia', '')
    """
    return "" if iso in {"", UNKNOWN_PLACE} else place_name(iso)


def oai_identifier(public_id: str) -> str:
    """Return the OAI identifier of an offer."""
    return f"oai:{_site().settings.repository_identifier}:offer/{public_id}"


def offer_named(identifier: str) -> str:
    """Return the public id of the offer that an OAI identifier names, ``""`` if none of ours."""
    return _site().names().offer(identifier) or ""
