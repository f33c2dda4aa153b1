"""OAI-PMH edge cases 8, 12, 17, 58 and 59: octets, credentials and faults of the database."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.offer import ListAction
from service.errors import Busy
from service.store import feed_reading
from service.usecases import membership, signing_in
from tests.real.edge_case_library import HEADERS, LIST, Library, served

IDENTIFY = "verb=Identify"


@pytest.fixture
def library(sqlite_template: Path, tmp_path: Path) -> Iterator[Library]:
    """Five books, and two partners with tokens."""
    with served(sqlite_template, tmp_path) as library:
        library.books(5)
        for code in ("nagasaki", "brno"):
            membership.add_partner(library.site.db, code=code, name=code, now=library.site.now())
        yield library


def token_of(library: Library, code: str = "brno") -> str:
    return signing_in.issue_partner_token(library.site.db, code, "", library.site.now())


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("octets", ["%FF", "a%C3", "%ED%A0%80", "a%00b%FF"])
def test_8_12_octets_that_are_no_text_are_left_out_of_the_echo_and_never_changed(
    library: Library, octets: str
) -> None:
    for query in (f"verb=ListSets&resumptionToken={octets}",):
        for told in (library.ask(query), library.post(query.encode())):
            assert (told.codes, told.echo) == (["badResumptionToken"], {"verb": "ListSets"})


def test_17_the_sample_can_be_fetched_even_when_all_is_taken_back(library: Library) -> None:
    library.change("spring", ListAction.WITHDRAW)
    (sample,) = [e.text for e in library.ask(IDENTIFY).root.iterfind(".//{*}sampleIdentifier")]
    told = library.ask(f"verb=GetRecord&metadataPrefix=oai_dc&identifier={sample}")
    assert told.identifiers == [sample]


SETS = ["partner:nagasaki", "partner:brno", "partner:never-was", "given:brno", "given", "partner"]


@pytest.mark.parametrize("spec", SETS)
@pytest.mark.parametrize("verb", [LIST, HEADERS])
def test_59_a_partners_set_needs_credentials_whether_it_exists_or_not(
    library: Library, verb: str, spec: str
) -> None:
    answer = library.fetch(f"{verb}&set={spec}")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    other = library.fetch(f"{verb}&set=partner:x")
    assert (other.status, other.body) == (401, answer.body)
    posted = library.fetch(
        method="POST",
        body=f"{verb}&set={spec}".encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert posted.status == 401
    told = library.ask(f"{verb}&set={spec}&foo=bar")  # what is wrong by its syntax stays so
    assert told.codes == ["badArgument"]


def test_59_a_foreign_partners_set_matches_nothing(library: Library) -> None:
    token = token_of(library)
    for headers in (basic("brno", token), {"Authorization": f"Bearer {token}"}):
        for spec in ("partner:nagasaki", "given:nagasaki", "partner:never-was"):
            told = library.fetch(f"{LIST}&set={spec}", headers=headers).told
            assert told.codes == ["noRecordsMatch"]
        assert len(library.fetch(LIST, headers=headers).told.identifiers) == 3


@pytest.mark.parametrize(
    "headers",
    [
        basic("brno", "wrong"),
        basic("", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer bb_no"},
        {"Authorization": "Digest x=y"},
        {"Authorization": ""},
    ],
)
def test_59_wrong_credentials_are_never_taken_for_none(
    library: Library, headers: dict[str, str]
) -> None:
    for query in (IDENTIFY, LIST, f"{LIST}&set=partner:brno"):
        answer = library.fetch(query, headers=headers)
        assert answer.status == 401
        assert "www-authenticate" in answer.headers


def test_59_credentials_of_another_partner_are_wrong_credentials(library: Library) -> None:
    token = token_of(library)
    assert library.fetch(IDENTIFY, headers=basic("nagasaki", token)).status == 401
    assert library.fetch(IDENTIFY, headers=basic("brno", token)).status == 200


def test_33_59_a_token_belongs_to_the_partner_whom_it_was_given(library: Library) -> None:
    ours, theirs = (basic(code, token_of(library, code)) for code in ("brno", "nagasaki"))
    token = library.fetch(LIST, headers=ours).told.token
    resumed = f"verb=ListRecords&resumptionToken={token}"
    assert library.fetch(resumed, headers=ours).told.codes == []
    assert library.fetch(resumed, headers=theirs).told.codes == ["badResumptionToken"]
    assert library.ask(resumed).codes == ["badResumptionToken"]
    signing_in.revoke_partner_tokens(library.site.db, "brno", library.site.now())
    assert library.fetch(resumed, headers=ours).status == 401


@pytest.mark.parametrize(
    "fault",
    [
        sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection")),
        sa.exc.TimeoutError("QueuePool limit"),
        Busy("the database is busy"),
    ],
)
def test_58_when_the_database_is_away_harvesters_are_asked_to_come_again(
    library: Library, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    first = library.ask(LIST)

    def away(*_: Any) -> Any:
        raise fault

    monkeypatch.setattr(feed_reading, "view", away)
    resumed = f"verb=ListRecords&resumptionToken={first.token}"
    for method in ("GET", "HEAD"):
        answer = library.fetch(resumed, method=method)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        assert b"SELECT" not in answer.body
        assert b"connection" not in answer.body
    monkeypatch.undo()
    assert len(library.ask(resumed).identifiers) == 2
