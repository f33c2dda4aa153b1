"""Who is calling: a bearer token, or HTTP Basic with a partner's code as name and its token.

Credentials are looked at anew with every request, and wrong ones are refused even where none
are needed: a client whose token was revoked must learn it, not silently see the public's view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request
from flask_smorest import Blueprint
from werkzeug.datastructures import Authorization

from service.api.addresses import site
from service.domain import permission
from service.domain.permission import Kind
from service.errors import Forbidden, Unauthenticated
from service.usecases import signing_in
from service.usecases.signing_in import ANONYMOUS, Caller

View = TypeVar("View", bound=Callable[..., Any])

SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a partner or of the staff: `Authorization: Bearer bb_…`.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A partner's code as user name and its token as password.",
    },
}
# Where a guarded view keeps to whom it is open.
_ADMITTED = "admitted"
_NEEDED: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}]
_WANTED: list[dict[str, list[str]]] = [{}, *_NEEDED]


def identify() -> None:
    """Find out who sends this request; raise ``Unauthenticated`` for credentials that are wrong."""
    g.caller = ANONYMOUS
    if "Authorization" in request.headers:
        g.caller = _identified(request.authorization)


def _identified(given: Authorization | None) -> Caller:
    if given is not None and given.type == "bearer" and given.token:
        return signing_in.identify(site().db, given.token, now=site().now())
    if given is not None and given.type == "basic":
        return signing_in.identify(
            site().db, given.password or "", given.username or "", now=site().now()
        )
    raise Unauthenticated(
        "the Authorization header cannot be read; send `Bearer TOKEN`, "
        "or Basic with a partner's code and its token"
    )


def _guard(
    arguments: Callable[[Caller], Sequence[object]], admitted: frozenset[Kind]
) -> Callable[[View], View]:
    """Return a decorator that lets a view be called with what ``arguments`` makes of the caller.

    Which of the staff may call it, the table of permissions says.
    """
    security = _WANTED if Kind.ANONYMOUS in admitted else _NEEDED
    refusals = {status: "PROBLEM" for status in (401, 403) if security is _NEEDED}

    def decorate(view: View) -> View:
        @Blueprint.doc(security=security, responses=refusals)
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            given = arguments(g.caller)
            permission.allow(view.__name__, g.caller.role)
            return view(*given, *args, **kwargs)

        guarded.__dict__[_ADMITTED] = admitted
        return cast("View", guarded)

    return decorate


def _known(caller: Caller) -> Caller:
    if caller == ANONYMOUS:
        raise Unauthenticated(
            "this needs a token: send it as `Authorization: Bearer TOKEN`, "
            "or over HTTP Basic with your partner code as the name"
        )
    return caller


def _staff(caller: Caller) -> Sequence[object]:
    partner = _known(caller).partner
    if partner is not None:
        raise Forbidden(
            f"this is for the staff of the library; your token is partner {partner.code!r}'s"
        )
    return ()


def _partner(caller: Caller) -> Sequence[object]:
    partner = _known(caller).partner
    if partner is None:
        raise Forbidden("this is for partners; your token is one of the staff's")
    return (partner,)


# The view is called without the caller, with the partner, or with whoever it is.
staff_required = _guard(_staff, frozenset({Kind.STAFF}))
partner_required = _guard(_partner, frozenset({Kind.PARTNER}))
signed_in = _guard(lambda caller: (_known(caller),), frozenset({Kind.PARTNER, Kind.STAFF}))
anyone = _guard(lambda caller: (caller,), frozenset(Kind))


def check(view: Callable[..., Any]) -> None:
    """Raise ``AssertionError`` unless a view is open to whom the table of permissions says.

    A view that nothing guards is open to everybody.
    """
    permission.check(view.__name__, view.__dict__.get(_ADMITTED, frozenset(Kind)))
