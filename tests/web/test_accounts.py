"""People sign in and out, see to their accounts, and get no further than their role."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.config import Settings
from service.domain.account import SESSION
from service.domain.permission import ACTIONS, STAFF, Kind, Role
from service.domain.sign_in_attempt import PATIENCE, Tried
from service.store.db import Database
from service.store.tables import metadata
from service.usecases import inviting, opening_sessions, signing_in, staffing
from service.web import answers, guarding
from tests.web.conftest import LIGHT, PASSWORD, Clock, Reader, Visitor, text

SIGNED_IN = [each for each in Role if each is not Role.ANONYMOUS]
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def a_house(folder: Path, url: str, **more: Any) -> Reader:
    settings = Settings(data_dir=folder, secret_key="k" * 32, base_url="https://b.example", **more)
    clock = Clock()
    app = create_app(settings, Database(url), clock)
    app.extensions["hasher"] = LIGHT
    return Reader(app, app.extensions["bookbridge"], clock)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Reader]:
    """One site for all tests of this file: each takes people of its own, or changes nothing."""
    folder = tmp_path_factory.mktemp("house")
    path = folder / "bookbridge.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    made = a_house(folder, f"sqlite:///{path}", demo=True, smtp_host="127.0.0.1")
    yield made
    made.site.db.close()


def a_person(house: Reader, name: str, role: Role = Role.CATALOGUER) -> Visitor:
    """Return somebody of this name, signed in."""
    now, password = house.site.now(), LIGHT.hash(PASSWORD)
    staffing.add(house.site.db, name, role, now, password=password)
    visitor = Visitor(house.app.test_client(), name)
    visitor.sign_in(name)
    return visitor


def pages(app: Flask) -> Iterator[tuple[str, str, str | None]]:
    """Yield method, path and needed action of every page; what is named in a path is nothing's."""
    for rule in app.url_map.iter_rules():
        if answers.is_for_people(rule.rule) and not rule.endpoint.endswith("static"):
            path = re.sub(r"<any\('?([\w.-]+)[^)]*\):\w+>", r"\1", rule.rule)
            path = re.sub(r"<(?:int|float)[^:]*:\w+>", "1", path)
            path = re.sub(r"<[^>]+>", "01JZ0000000000000000000000", path)
            needed = guarding.needed(app.view_functions[rule.endpoint])
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path, needed


def dump(reader: Reader) -> str:
    """Return every row of the database but those that say when somebody was seen."""
    with reader.site.db.read() as conn:
        return "\n".join(
            str(list(conn.execute(sa.select(table)))) for table in metadata.sorted_tables
        )


# --- in and out -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", SIGNED_IN)
def test_everybody_signs_in_sees_the_own_account_and_signs_out(house: Reader, role: Role) -> None:
    visitor = house.as_(role)
    assert visitor.name in text(visitor.tree("/account"))
    visitor.post("/sign-out")
    assert visitor.get("/account", 303).location == "/sign-in?next=/account"


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/account?x=1", "/account?x=1"),
        ("//evil.example", None),
        ("https://evil.example/", None),
        ("/\\evil.example", None),
        ("\\/evil.example", None),
        ("/\t/evil.example", None),
        ("javascript:alert(1)", None),
        ("evil.example", None),
        ("", None),
    ],
)
def test_who_signs_in_goes_to_a_page_of_ours_whatever_is_asked(
    house: Reader, asked: str, goes: str | None
) -> None:
    house.as_(Role.ADMIN)
    visitor = Visitor(house.app.test_client())
    done = visitor.post("/sign-in", name="admin", password=PASSWORD, next=asked)
    if goes is None:
        assert re.fullmatch("/[a-z/]*", done.location)
    else:
        assert done.location == goes


def test_42_a_name_nobody_has_and_a_wrong_password_are_told_in_the_same_words(
    house: Reader,
) -> None:
    house.as_(Role.ADMIN)
    told = set()
    for name, given in (("admin", "tried"), ("nobody", "tried"), ("admin", ""), ("nobody", "")):
        visitor = Visitor(house.app.test_client())
        answer = visitor.post("/sign-in", 401, name=name, password=given)
        said = re.sub(r'(name="csrf_token" value=")[^"]*', "", answer.text)
        told.add(said.replace(f'value="{name}"', ""))
        assert not given or given not in said
    assert len(told) == 1
    asked = set()
    for who in ("admin", "nobody", "nobody@nowhere.example"):
        answer = Visitor(house.app.test_client()).post("/sign-in/link", 200, who=who)
        asked.add(answer.text)
    assert len(asked) == 1


def test_42_tries_are_counted_by_every_instance_and_survive_a_restart(
    house: Reader, tmp_path: Path
) -> None:
    url = house.site.db.url.render_as_string(hide_password=False)
    other = a_house(tmp_path, url)
    a_person(house, "often")
    houses = (house, other)
    for n in range(PATIENCE[Tried.NAME].free + 1):
        visitor = Visitor(houses[n % 2].app.test_client())
        visitor.post("/sign-in", 401, name="often", password="wrong")
    for each in houses:
        answer = Visitor(each.app.test_client()).sign_in("often", status=429)
        assert int(answer.headers["Retry-After"]) >= 1
        assert "Please wait" in answer.text
    other.site.db.close()


def test_the_accounts_of_the_demo_are_shown_in_the_demo_alone(
    house: Reader, reader: Reader
) -> None:
    assert "demo-librarian" in house.page("/sign-in")
    assert "demo-" not in reader.page("/sign-in")


# --- the cookie -----------------------------------------------------------------------------------


def cookie(answer: TestResponse) -> str:
    (found,) = (each for each in answer.headers.getlist("Set-Cookie") if "bookbridge" in each)
    return found


def test_40_the_cookie_is_for_this_host_and_for_nothing_but_requests(
    house: Reader, tmp_path: Path, sqlite_url: str
) -> None:
    found = cookie(house.open("/sign-in"))
    assert found.startswith("__Host-bookbridge=")
    assert "; Secure" in found
    plain = Settings(data_dir=tmp_path, secret_key="k" * 32, base_url="http://127.0.0.1:8080")
    app = create_app(plain, Database(sqlite_url))
    other = cookie(app.test_client().get("/sign-in"))
    assert other.startswith("bookbridge=")
    assert "Secure" not in other
    for each in (found, other):
        assert "; HttpOnly" in each
        assert "; SameSite=Lax" in each
        assert "; Path=/" in each
        assert "Domain" not in each
        assert "Expires" not in each
    app.extensions["bookbridge"].db.close()


def value(client: FlaskClient) -> str:
    found = client.get_cookie("__Host-bookbridge")
    assert found is not None
    return found.value


def with_cookie(house: Reader, stolen: str) -> Visitor:
    client = house.app.test_client()
    client.set_cookie("__Host-bookbridge", stolen, secure=True)
    return Visitor(client)


def test_38_what_was_in_the_cookie_before_signing_in_opens_nothing_after(house: Reader) -> None:
    house.as_(Role.CATALOGUER)
    visitor = Visitor(house.app.test_client())
    token = visitor.token()
    planted = value(visitor.client)
    visitor.post("/sign-in", name="cataloguer", password=PASSWORD, csrf_token=token)
    fresh = value(visitor.client)
    assert planted != fresh
    assert with_cookie(house, planted).get("/account", 303)
    # Nor is a form that was made before signing in one that is good after.
    assert visitor.post("/account", 400, full_name="x", csrf_token=token)
    before = value(visitor.client)
    visitor.post("/sign-in", name="admin", password=PASSWORD)
    assert value(visitor.client) != before, "who signs in again has another session"


def test_39_a_stolen_cookie_is_dead_after_signing_out_and_after_a_new_password(
    house: Reader,
) -> None:
    visitor = a_person(house, "stolen")
    first = value(visitor.client)
    visitor.post("/sign-out")
    assert with_cookie(house, first).get("/account", 303)
    visitor.sign_in("stolen")
    second = value(visitor.client)
    with_cookie(house, second).get("/account")
    new = "the tide comes in at six"
    visitor.post("/account/password", old=PASSWORD, password=new, again=new)
    assert with_cookie(house, second).get("/account", 303)
    visitor.get("/account")
    third = value(visitor.client)
    staffing.disable(house.site.db, "stolen", house.site.now())
    assert with_cookie(house, third).get("/account", 303)
    assert visitor.get("/account", 303)


def test_44_a_session_opens_neither_the_api_nor_oai(house: Reader) -> None:
    admin = house.as_(Role.ADMIN)
    assert admin.client.get("/api/v1/me").status_code == 401
    answer = admin.client.post("/api/v1/lists", json={"slug": "x", "title": "X"})
    assert answer.status_code == 401
    seen = admin.client.get("/oai?verb=Identify")
    assert "Set-Cookie" not in seen.headers
    assert "no-store" not in seen.headers["Cache-Control"]


def test_pages_of_who_is_signed_in_are_kept_by_nothing_and_a_stranger_costs_no_look(
    house: Reader,
) -> None:
    page = house.as_(Role.CATALOGUER).get("/")
    assert page.headers["Cache-Control"] == "no-store"
    assert "Cookie" in page.headers["Vary"]
    statements: list[str] = []
    engine = house.site.db._reader

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    answer = house.open("/nothing-is-here")
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers
    assert statements == []
    assert with_cookie(house, "no signature").get("/nothing-is-here", 404)
    assert statements == []
    house.as_(Role.CATALOGUER).get("/nothing-is-here", 404)
    assert statements
    sa.event.remove(engine, "before_cursor_execute", note)


def test_51_sessions_outlive_a_new_key_while_the_old_one_is_named(
    house: Reader, tmp_path: Path
) -> None:
    visitor = a_person(house, "rotated")
    url = house.site.db.url.render_as_string(hide_password=False)
    settings = Settings(
        data_dir=tmp_path,
        secret_key="n" * 32,
        secret_key_fallbacks=("k" * 32,),
        base_url="https://b.example",
    )
    app = create_app(settings, Database(url), house.clock)
    other = Reader(app, app.extensions["bookbridge"], house.clock)
    assert with_cookie(other, value(visitor.client)).get("/account")
    other.site.db.close()


# --- forms ----------------------------------------------------------------------------------------


def test_37_no_form_changes_anything_without_the_token_of_its_own_session(house: Reader) -> None:
    visitors = itertools.cycle([house.as_(role) for role in Role])
    alien = house.as_(Role.ADMIN).token()
    swept, before = 0, dump(house)
    for method, path, _needed in pages(house.app):
        rules = house.app.url_map.bind("b.example").match(path, method)
        if method not in UNSAFE or rules[0] in guarding.WITHOUT_TOKEN:
            continue
        for fields in ({}, {"csrf_token": "x"}, {"csrf_token": alien}):
            # Whoever it is: the token is looked at before the role.
            answer = next(visitors).client.open(path, method=method, data=fields)
            assert answer.status_code == 400, (method, path, fields)
            assert "open too long" in answer.text
        swept += 1
    assert swept >= 15
    assert dump(house) == before
    assert guarding.WITHOUT_TOKEN.keys() <= house.app.view_functions.keys()


def test_37_looking_at_the_pages_of_accounts_changes_nothing(house: Reader) -> None:
    admin = house.as_(Role.ADMIN)
    link = inviting.reset(house.site.db, house.site.settings, "admin", house.site.now()).address
    before = dump(house)
    own = ("/account", "/sign-in", "/desk/accounts", link.removeprefix("https://b.example"))
    seen = 0
    for method, path, _needed in pages(house.app):
        if method == "GET" and path.startswith(("/account", "/sign-", "/desk/accounts")):
            admin.client.get(path, buffered=True)
            seen += 1
    for path in own:
        admin.client.get(path, buffered=True)
        admin.client.head(path)
    assert seen >= 5
    assert dump(house) == before


def test_37_nobody_is_signed_in_by_a_form_of_somebody_else(house: Reader) -> None:
    victim, attacker = house.app.test_client(), house.as_(Role.ADMIN)
    fields = {"name": "admin", "password": PASSWORD, "csrf_token": attacker.token()}
    assert victim.post("/sign-in", data=fields).status_code == 400
    assert victim.get("/account").status_code == 303


def test_a_form_sent_after_the_session_ended_says_so_and_loses_nothing(house: Reader) -> None:
    visitor = a_person(house, "ended")
    token = visitor.token("/account")
    opening_sessions.close_all(house.site.db, "ended", house.site.now(), by="x")
    answer = visitor.post("/account", 401, full_name="typed", csrf_token=token)
    assert "You are signed out" in answer.text
    assert staffing.find(house.site.db, "ended", house.site.now()).full_name == ""


def test_somebody_not_signed_in_cannot_send_much(house: Reader) -> None:
    big = {"csrf_token": "x", "name": "y" * 1_100_000}
    assert house.app.test_client().post("/sign-in", data=big).status_code == 413


# --- who gets in ----------------------------------------------------------------------------------


def test_every_role_gets_into_every_page_as_the_table_says_and_no_further(house: Reader) -> None:
    visitors = {role: house.as_(role) for role in Role}
    tokens = {role: visitor.token() for role, visitor in visitors.items()}
    wrong, swept = [], 0
    for method, path, needed in pages(house.app):
        if not needed or (method != "GET" and path.startswith(("/account", "/desk/accounts"))):
            continue  # what these change, other tests say
        swept += 1
        for role, visitor in visitors.items():
            headers = {} if method == "GET" else {"X-CSRFToken": tokens[role]}
            answer = visitor.client.open(path, method=method, headers=headers)
            status = answer.status_code
            away = "/sign-in?next=" in (answer.location or "")
            admitted = role in guarding.admitted_to(needed, path)
            refused = {Role.ANONYMOUS: away or status == 401}.get(role, status == 403)
            if refused is admitted or status >= 500:
                wrong.append((method, path, role.value, status))
            answer.close()
    assert wrong == []
    assert swept >= 3


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (Role.CATALOGUER, "It needs the role “administrator”; you are here as “cataloguer”"),
        (Role.PARTNER, "It needs the role “administrator”; you are here as “partner”"),
    ],
)
def test_who_may_not_is_told_which_role_is_needed(house: Reader, role: Role, said: str) -> None:
    assert said in text(house.as_(role).tree("/desk/accounts", 403))


def test_a_page_that_nobody_decided_on_stops_the_program(reader: Reader) -> None:
    guarding.check(reader.app)
    with pytest.raises(AssertionError, match="has no row"):
        guarding.needs("show_secrets")
    app = Flask("naive")
    app.add_url_rule("/secrets", "desk.secrets", lambda: "")
    with pytest.raises(AssertionError, match="nobody said so"):
        guarding.check(app)


# --- the own account ------------------------------------------------------------------------------


def test_somebody_changes_name_language_and_password_and_nothing_else(house: Reader) -> None:
    visitor = a_person(house, "mina")
    before = staffing.find(house.site.db, "mina", house.site.now())
    much: dict[str, Any] = {
        "role": "admin",
        "partner": "nagasaki",
        "partner_id": "1",
        "email": "evil@evil.example",
        "name": "admin",
        "account": "admin",
        "password": "injected password 1",
        "disabled_at": "",
    }
    visitor.post("/account", full_name="김 미나", locale="ko", **much)
    after = staffing.find(house.site.db, "mina", house.site.now())
    assert (after.full_name, after.locale) == ("김 미나", "ko")
    assert (after.name, after.role, after.partner, after.email) == (
        *(before.name, before.role, before.partner, before.email),
    )
    assert Visitor(house.app.test_client()).sign_in("mina")
    assert 'lang="ko"' in visitor.get("/account").text
    visitor.post("/account", locale="xx", full_name="")
    assert staffing.find(house.site.db, "mina", house.site.now()).locale == "ko"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"old": "wrong", "password": "the tide comes in"}, "fault-old"),
        ({"old": PASSWORD, "password": "short"}, "fault-password"),
        ({"old": PASSWORD, "password": "passwordpassword"}, "fault-password"),
        ({"old": PASSWORD, "password": ""}, "fault-password"),
        ({"old": PASSWORD, "password": "the tide comes in", "again": "not"}, "fault-again"),
    ],
)
def test_a_password_that_cannot_be_is_told_at_its_field_and_shown_nowhere(
    house: Reader, fields: dict[str, Any], where: str
) -> None:
    visitor = house.as_(Role.EXCHANGE_LIBRARIAN)
    answer = visitor.post("/account/password", 422, **fields)
    assert f'id="{where}"' in answer.text
    assert fields["password"] == "" or f'"{fields["password"]}"' not in answer.text
    assert PASSWORD not in answer.text
    visitor.get("/account")


def test_45_sessions_and_tokens_of_somebody_else_are_not_there(house: Reader) -> None:
    mine, theirs = a_person(house, "mine"), a_person(house, "theirs")
    now = house.site.now()
    answer = mine.post("/account/tokens", 200, label="my script", days="90")
    (token,) = re.findall(r"bb_[\w-]{40,}", answer.text)
    assert signing_in.identify(house.site.db, token, now=now).staff == "mine"
    assert token not in mine.get("/account").text
    (session,) = opening_sessions.list_sessions(house.site.db, "mine", now)
    caller = signing_in.identify(house.site.db, token, now=now)
    (known,) = signing_in.own_tokens(house.site.db, caller, now)
    theirs.post(f"/account/sessions/{session.public_id}/close", 404)
    theirs.post(f"/account/tokens/{known.public_id}/revoke", 404)
    mine.get("/account")
    other = Visitor(house.app.test_client())
    other.sign_in("mine")
    mine.post("/account/sessions/close")
    other.get("/account", 303)
    mine.post(f"/account/tokens/{known.public_id}/revoke")
    assert signing_in.own_tokens(house.site.db, caller, now) == []
    mine.post("/account/tokens", 422, label="", days="90")
    mine.post("/account/tokens", 422, label="x", days="9999")


def test_a_session_that_nobody_uses_ends_on_the_page(house: Reader) -> None:
    visitor = a_person(house, "idle")
    house.clock.sleep(SESSION.idle.total_seconds() + 1)
    assert visitor.get("/account", 303)


# --- the administration ---------------------------------------------------------------------------


def test_an_admin_invites_somebody_who_takes_the_account_over(house: Reader) -> None:
    admin = house.as_(Role.ADMIN)
    made = admin.post(
        "/desk/accounts", 200, name="bolor", role="exchange_librarian", email="b@lib.example"
    )
    (path,) = re.findall(r"https://b\.example(/account/links/[\w.-]+)", made.text)
    assert "no-store" in made.headers["Cache-Control"]
    guest = Visitor(house.app.test_client())
    page = guest.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert path not in page.text
    new = "a steppe without an end"
    guest.post(path, 422, password=new, again="other", csrf_token=guest.token(path))
    guest.post(path, 422, password="short", again="short", csrf_token=guest.token(path))
    guest.post(path, password=new, again=new, csrf_token=guest.token(path))
    assert "bolor" in text(guest.tree("/account"))
    house.app.test_client().get(path)
    assert Visitor(house.app.test_client()).get(path, 404)
    guest.get("/desk/accounts", 403)
    admin.post("/desk/accounts/bolor/role", role="cataloguer")
    guest.get("/account", 303)
    admin.post("/desk/accounts/bolor/role", 422, role="partner")
    admin.post("/desk/accounts/bolor", full_name="Bolor", email="bolor@lib.example")
    admin.post("/desk/accounts/bolor", 422, email="no address")
    admin.post("/desk/accounts/bolor/link", 200)
    admin.post("/desk/accounts/bolor/disable")
    admin.post("/desk/accounts/bolor/link", 409)
    admin.post("/desk/accounts/bolor/enable")
    admin.post("/desk/accounts/bolor/sessions/close")
    admin.post("/desk/accounts/admin/disable", 409)
    admin.get("/desk/accounts/nobody", 404)
    assert "Bolor" in text(admin.tree("/desk/accounts"))


@pytest.mark.parametrize(
    ("fields", "where", "status"),
    [
        ({"name": "", "role": "admin"}, "name", 422),
        ({"name": "admin", "role": "admin"}, "name", 409),
        ({"name": "x1", "role": "boss"}, "role", 422),
        ({"name": "x1", "role": "partner"}, "partner", 422),
        ({"name": "x1", "role": "partner", "partner": "nowhere"}, "partner", 422),
        ({"name": "x1", "role": "admin", "partner": "nagasaki"}, "role", 422),
        ({"name": "x1", "role": "admin", "email": "<x>"}, "email", 422),
    ],
)
def test_an_invitation_that_cannot_be_keeps_what_was_typed(
    house: Reader, fields: dict[str, Any], where: str, status: int
) -> None:
    answer = house.as_(Role.ADMIN).post("/desk/accounts", status, full_name="Typed", **fields)
    assert f'id="fault-{where}"' in answer.text
    assert 'value="Typed"' in answer.text


def test_the_log_names_no_link_no_password_and_no_session(house: Reader) -> None:
    now = house.site.now()
    a_person(house, "logged")
    made = inviting.reset(house.site.db, house.site.settings, "logged", now)
    path = made.address.removeprefix("https://b.example")
    visitor = Visitor(house.app.test_client())
    with structlog.testing.capture_logs() as lines:
        visitor.get(path)
        visitor.post(path, password="kept from the log", csrf_token=visitor.token(path))
        visitor.post(
            "/sign-in",
            401,
            name="kept-from-it",
            password="kept from the log",
            csrf_token=visitor.token("/account"),
        )
    said = str(lines)
    assert "/account/links/…" in said
    assert path.rpartition("/")[2] not in said
    assert "kept" not in said
    assert value(visitor.client) not in said


def test_the_roles_of_pages_are_those_of_the_table(house: Reader) -> None:
    actions = {needed for _, _, needed in pages(house.app) if needed}
    assert actions <= ACTIONS.keys()
    assert ACTIONS["manage_accounts"].kinds == {Kind.STAFF}
    assert set(STAFF) <= ACTIONS["manage_own_account"].admitted
