"""Fields and pages that all resources share: texts, public ids, moments, and paging by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import marshmallow as ma
from flask import request
from marshmallow import fields, validate

from service.api.addresses import address
from service.store import public_ids

_T = TypeVar("_T")
_ITEMS = 50
_MOST_ITEMS = 200
# The largest number that a column of the database compares with.
LARGEST = 2**31 - 1


class Text(fields.String):
    """A text that both databases can hold: no NUL, no half of a surrogate pair."""

    default_error_messages = {  # noqa: RUF012 - an attribute that marshmallow names
        "unstorable": "Has a NUL or half of a surrogate pair, which no text may hold."
    }

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(*args, **kwargs)
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self.make_error("unstorable")
        return text


class PublicId(fields.String):
    """A public id (ULID) in its one spelling."""

    default_error_messages = {"form": "Not an id of ours."}  # noqa: RUF012 - as above

    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        found = public_ids.read(super()._deserialize(*args, **kwargs))
        if found is None:
            raise self.make_error("form")
        return found


class Moment(fields.DateTime):
    """A moment: read with any offset from UTC, written in UTC with a Z, whole seconds."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        moment = super()._deserialize(*args, **kwargs)
        try:
            return moment if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=moment, obj_type="datetime") from error

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def limit_field() -> fields.Integer:
    """Return the field that says how many items a page shall have."""
    return fields.Integer(
        load_default=_ITEMS,
        validate=validate.Range(1, _MOST_ITEMS),
        metadata={"description": "Most items on one page"},
    )


class NewestFirst(ma.Schema):
    """Paging through what is listed newest first."""

    before = PublicId(
        load_default="", metadata={"description": "Only what is older than the thing of this id"}
    )
    limit = limit_field()


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of a page of ``item``."""
    name = item.__name__.removesuffix("Schema")
    return ma.Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.Url(
                required=True,
                allow_none=True,
                metadata={"description": "Address of the next page; null on the last one"},
            ),
        },
        name=f"{name}PageSchema",
    )


def paged(
    rows: Sequence[_T],
    limit: int,
    key: str,
    of: Callable[[_T], str | int],
    render: Callable[[_T], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return a page of ``rows``, of which one more than ``limit`` was asked for.

    ``key`` names the parameter that the next page is asked with, ``of`` gives its value.
    """
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        query = {**request.args.to_dict(), key: str(of(shown[-1]))}
        following = address(str(request.endpoint), **(request.view_args or {}), **query)
    return {"items": [render(row) for row in shown], "next": following}


class _Named(Protocol):
    @property
    def public_id(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def paged_back(
    rows: Sequence[_N], limit: int, render: Callable[[_N], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a page of ``rows``, newest first, as ``paged``: the next one is what is older."""
    return paged(rows, limit, "before", lambda each: each.public_id, render)
