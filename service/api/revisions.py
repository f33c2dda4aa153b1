"""Two people at one thing: its revision goes out as ``ETag``, and comes back as ``If-Match``.

Who changes a thing says which revision was looked at. If it is not the newest any more nothing is
changed, and the answer (412) holds both versions, so that a person can bring them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, g, request

from service.api.addresses import site
from service.api.problems import from_error
from service.errors import Invalid, Outdated

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The ETag of the version that you looked at. Without it, any will do.",
}

_ETAG = re.compile(r'"([0-9]{1,9})"')


def etag(revision: int) -> dict[str, str]:
    """Return the header that names a revision."""
    return {"ETag": f'"{revision}"'}


def expected() -> int | None:
    """Return the revision that ``If-Match`` names, None without one or for ``*``.

    Raises ``Invalid`` for anything that is no revision of ours.
    """
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    found = _ETAG.fullmatch(given)
    if found is None:
        raise Invalid(
            "If-Match is the ETag of the version that you looked at, in its quotes", "If-Match"
        )
    return int(found[1])


def changed(
    change: Callable[[], Any], current: Callable[[], Mapping[str, Any]], yours: Mapping[str, Any]
) -> Any:
    """Return what ``change`` does; where somebody was faster, 412 with both versions."""
    try:
        return change()
    except Outdated as error:
        answer = from_error(error)
        body = answer.get_json()
        body |= {"yours": dict(yours), "current": dict(current())}
        answer.set_data(current_app.json.dumps(body))
        answer.headers["ETag"] = etag(error.current)["ETag"]
        return answer


def change_seen(
    do: Callable[..., Any],
    name: str,
    *given: Any,
    render: Callable[[Any], tuple[dict[str, Any], int]],
    current: Callable[[], Mapping[str, Any]],
    **named: Any,
) -> Any:
    """Do to a thing what the caller asks, if it is as the caller saw it; answer as ``changed``.

    ``do`` is a use-case that is told the thing by ``name``, then what is ``given``, and ``seen``,
    ``by`` and ``now``; ``render`` returns what is shown of what it made, and its revision.
    """

    def answer() -> Any:
        seen, by, now = expected(), g.caller.name, site().now()
        shown, revision = render(do(site().db, name, *given, **named, seen=seen, by=by, now=now))
        return shown, 200, etag(revision)

    yours = request.get_json(silent=True) if request.is_json else None
    return changed(answer, current, yours or {})
