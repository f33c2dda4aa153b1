"""What can go wrong, as types with fields; one place per protocol turns them into answers.

::

    BookbridgeError
    ├── CallerError            the caller can mend it: HTTP 4xx, exit code 1 or 2
    │   ├── Invalid            a value is wrong; ``field`` says which
    │   │   └── WrongValues    several are; ``faults`` says which, and what is wrong with each
    │   ├── UnsupportedFormat  bytes of a kind that is not read here; ``found`` says what they are
    │   ├── TooLarge           over a limit; ``limit`` says which
    │   ├── Unauthenticated    no credentials, or wrong ones
    │   ├── Forbidden          known, but not allowed
    │   ├── NotFound           nothing there that the caller may see
    │   ├── Conflict           the thing is not in a state that allows this
    │   ├── Outdated           somebody changed it meanwhile; ``current`` is how it is now
    │   └── TooSoon            tried too often; ``seconds`` says how long to wait
    ├── Busy                   somebody else holds the lock; try again
    ├── LeaseLost              a job went to another worker
    └── Misconfigured          the operator can mend it: a setting, a file, a schema

Errors of one record are not exceptions: they are ``Problem`` values in a report.
"""

from __future__ import annotations

from collections.abc import Sequence


class BookbridgeError(Exception):
    """Any error this package raises on purpose; ``code`` is stable, ``detail`` is for people."""

    code = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CallerError(BookbridgeError):
    """The caller's to mend."""

    code = "bad_request"


class Invalid(CallerError):
    """A value is wrong; ``field`` names it."""

    code = "invalid"

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.field = field


class WrongValues(Invalid):
    """Several values are wrong; ``faults`` has the name of each and what is wrong with it."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {told}" for name, told in faults), faults[0][0])
        self.faults = tuple(faults)


class UnsupportedFormat(CallerError):
    """Bytes of a kind that is not read here; ``found`` says what they are."""

    code = "unsupported_format"

    def __init__(self, detail: str, found: str = "") -> None:
        super().__init__(detail)
        self.found = found


class TooLarge(CallerError):
    """More than a limit allows; ``limit`` is in the unit that ``detail`` names."""

    code = "too_large"

    def __init__(self, detail: str, limit: int) -> None:
        super().__init__(detail)
        self.limit = limit


class Unauthenticated(CallerError):
    """No credentials, or wrong ones."""

    code = "unauthenticated"


class Forbidden(CallerError):
    """The caller is known but may not do this."""

    code = "forbidden"


class NotFound(CallerError):
    """Nothing there, or nothing that the caller may see: the two are never told apart."""

    code = "not_found"


class Conflict(CallerError):
    """The thing is not in a state that allows this."""

    code = "conflict"


class Outdated(CallerError):
    """Somebody changed the thing after the caller saw it; ``current`` is its revision now."""

    code = "outdated"

    def __init__(self, detail: str, current: int) -> None:
        super().__init__(detail)
        self.current = current


class TooSoon(CallerError):
    """It was tried too often; it may be tried again after ``seconds``."""

    code = "too_soon"

    def __init__(self, detail: str, seconds: int) -> None:
        super().__init__(detail)
        self.seconds = seconds


class Busy(BookbridgeError):
    """Another writer held the lock for longer than we were ready to wait; trying again is safe."""

    code = "busy"


class LeaseLost(BookbridgeError):
    """A job's lease passed to another worker while this one was at work; its step was undone."""

    code = "lease_lost"


class Misconfigured(BookbridgeError):
    """The operator's to mend: a setting, a file, a database schema."""

    code = "misconfigured"
