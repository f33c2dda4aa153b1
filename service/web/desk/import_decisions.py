"""What people say of an import: what is left out, what a record is, yes, no, and not any more."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from service.domain.import_batch import Sieve
from service.errors import Invalid
from service.usecases import cataloguing, deciding, undoing
from service.usecases.site import Site
from service.web import forms
from service.web.guarding import caller, needs

pages = Blueprint("decide", __name__)

_LARGEST_LINE: Final = 10**9


@pages.post("/<batch>/leave-out")
@needs("commit_import")
def leave_out(batch: str) -> ResponseReturnValue:
    """Leave out the ticked lines, or all of a sort; or take them in again."""
    site, by = _site(), caller().name
    if sort := forms.text("sort_out"):
        if sort not in set(Sieve):
            raise Invalid(_("there is no such sort of records"), field="sort_out")
        number = deciding.leave_out(site.db, batch, sieve=Sieve(sort), by=by, now=site.now())
    elif forms.text("what") == "take_in":
        number = deciding.take_back(site.db, batch, _ticked(), by=by, now=site.now())
        words = ngettext(
            "%(num)d record is as it was.", "%(num)d records are as they were.", number
        )
        return _back(batch, words, number)
    else:
        number = deciding.leave_out(site.db, batch, _ticked(), by=by, now=site.now())
    return _back(
        batch,
        ngettext("%(num)d record is left out.", "%(num)d records are left out.", number),
        number,
    )


def _back(batch: str, words: str, number: int) -> ResponseReturnValue:
    flash(words, "done" if number else "note")
    sort = forms.text("sort")
    kept = sort if sort in set(Sieve) else None
    return redirect(url_for("desk_imports.show", batch=batch, sort=kept), 303)


def _ticked() -> list[int]:
    given = forms.texts("position")
    return [int(each) for each in given if each.isascii() and each.isdecimal() and len(each) < 10]


@pages.post("/<batch>/<int:position>/decide")
@needs("commit_import")
def decide(batch: str, position: int) -> ResponseReturnValue:
    """Say what one record is: new, a newer form of another, left out, or as it was staged."""
    site, at = _site(), min(position, _LARGEST_LINE)
    by, now, what = caller().name, site.now(), forms.text("what")
    if what == "new":
        deciding.say_new(site.db, batch, at, by=by, now=now)
    elif what == "same":
        deciding.say_same(site.db, batch, at, forms.text("record"), by=by, now=now)
    elif what == "leave_out":
        deciding.leave_out(site.db, batch, [at], by=by, now=now)
    elif what == "as_staged":
        deciding.take_back(site.db, batch, [at], by=by, now=now)
    else:
        raise Invalid(_("say what this record is"), field="what")
    flash(_("Your decision about record %(number)d is kept.", number=at), "done")
    return redirect(url_for("desk_imports.record", batch=batch, position=at), 303)


@pages.post("/<batch>/commit")
@needs("commit_import")
def commit(batch: str) -> ResponseReturnValue:
    """Commit what is not left out."""
    site = _site()
    cataloguing.order_commit(site.db, batch, site.now(), by=caller().name)
    flash(_("The import is being committed."), "done")
    return redirect(url_for("desk_imports.show", batch=batch), 303)


@pages.post("/<batch>/set-aside")
@needs("commit_import")
def discard(batch: str) -> ResponseReturnValue:
    """Set a staged import aside."""
    site = _site()
    deciding.discard(site.db, batch, by=caller().name, now=site.now())
    flash(_("The import is set aside. Nothing of it is offered."), "done")
    return redirect(url_for("desk_imports.show", batch=batch), 303)


@pages.get("/<batch>/undo")
@needs("undo_import")
def ask_undo(batch: str) -> str:
    """Show what undoing an import will do, and what it cannot."""
    site = _site()
    held = undoing.held(site.db, batch)
    report = cataloguing.report(site.db, batch)
    return render_template("desk/import_undo.html", report=report, batch=report.batch, held=held)


@pages.post("/<batch>/undo")
@needs("undo_import")
def undo(batch: str) -> ResponseReturnValue:
    """Undo an import."""
    site = _site()
    undoing.order(site.db, batch, site.now(), by=caller().name)
    flash(_("The import is being undone."), "done")
    return redirect(url_for("desk_imports.show", batch=batch), 303)


def _site() -> Site:
    site: Site = current_app.extensions["bookbridge"]
    return site
