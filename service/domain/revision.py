"""Two people at one thing: who changes it says which revision was looked at.

A thing that changes has a revision, which counts on with each change. Who changes what somebody
else changed meanwhile is told so, and overwrites nothing.
"""

from __future__ import annotations

from service.errors import Outdated


def check_seen(what: str, seen: int | None, newest: int) -> None:
    """Raise ``Outdated`` unless ``seen`` is the newest revision of a thing (None: any will do).

    ``what`` is how the thing is called in the answer.

    >>> check_seen("this gift", 3, 3)
    >>> check_seen("this gift", None, 4)
    >>> check_seen("this gift", 3, 4)
    Traceback (most recent call last):
    service.errors.Outdated: this gift was changed since you looked at it: that was revision 3, \
now it is 4
    """
    if seen is not None and seen != newest:
        raise Outdated(
            f"{what} was changed since you looked at it: that was revision {seen}, now it is "
            f"{newest}",
            newest,
        )
