"""How values of the field are shown to people: moments in two zones, names for codes, languages.

All words stand in the templates; what is registered here turns values into other values.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask, current_app

from marc_mappings.codes import UNKNOWN_LANGUAGE, UNKNOWN_PLACE
from marc_mappings.summary import language_name, place_name
from service.usecases.site import Site
from service.web.language_tags import language_tag


def register(app: Flask) -> None:
    """Give the templates their filters and what every page shows of the site."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        in_zone=in_zone,
        language_names=language_names,
        language_tag=language_tag,
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


def language_names(codes: str) -> list[str]:
    """Return the English names of MARC codes separated by blanks; none for an unknown language.

    >>> language_names("kor eng"), language_names("und")
    (['Korean', 'English'], [])
    """
    return [language_name(code) for code in codes.split() if code != UNKNOWN_LANGUAGE]


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
