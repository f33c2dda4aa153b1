"""OAI-PMH edge cases 33, 40, 43, 44, 52 to 54 and 59 for partners: nothing hidden shows anywhere.

A restricted list has one odd word in its name, its title and its records. Whatever anybody else
asks, by whatever door, the word is in no answer.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.domain.partner import PartnerState
from service.usecases import enrolling, giving, membership, signing_in, tiering
from tests.oai.asking import NS
from tests.real.edge_case_library import (
    HEADERS,
    LIST,
    MARC,
    Answer,
    Header,
    Library,
    bounds,
    headers_of,
    response_date,
    served,
)
from tests.service.builders import a_record

CANARY = "zanzibarfinch"
PARTNERS = ("ara", "bela", "cyd")


class Partners:
    """A library with three partners, and their tokens."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.tokens: dict[str, str] = {}
        for code in PARTNERS:
            now = library.site.now()
            membership.add_partner(library.site.db, code=code, name=code, now=now)
            self.tokens[code] = signing_in.issue_partner_token(library.site.db, code, "", now)

    def sign(self, code: str) -> dict[str, str]:
        if not code:
            return {}
        pair = f"{code}:{self.tokens[code]}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}

    def fetch(self, code: str, query: str, path: str = "/oai") -> Answer:
        return self.library.fetch(query, headers=self.sign(code), path=path)

    def headers(self, code: str, query: str = HEADERS) -> list[Header]:
        """Return every header of a whole list, in a partner's view."""
        verb = query.partition("&")[0]
        told = self.fetch(code, query).told
        found = headers_of(told)
        while told.token:
            told = self.fetch(code, f"{verb}&resumptionToken={told.token}").told
            found += headers_of(told)
        return found

    def present(self, code: str, query: str = HEADERS) -> set[str]:
        """Return the titles by what the identifiers end with: what a partner holds of a set."""
        return {header.identifier for header in self.headers(code, query) if not header.deleted}


@pytest.fixture
def partners(sqlite_template: Path, tmp_path: Path) -> Iterator[Partners]:
    """Books for all; a restricted list for ara; bela in another group; cyd in none."""
    with served(sqlite_template, tmp_path) as library:
        library.books(4)
        found = Partners(library)
        db = library.site.db
        membership.add_audience(db, "near", ["ara"], now=datetime.now(UTC))
        membership.add_audience(db, "far", ["bela"], now=datetime.now(UTC))
        library.open(CANARY, audience="near", description=f"About the {CANARY}")
        library.bring(
            *(
                a_record(f"{CANARY} {n}", number=f"{CANARY}{n}", place="mp ", language="mon")
                for n in range(4)
            ),
            slug=CANARY,
        )
        library.publish()
        yield found


def test_40_a_partner_harvests_its_own_beside_the_public_each_once(partners: Partners) -> None:
    for verb in (LIST, HEADERS, MARC):
        whole = [header.identifier for header in partners.headers("ara", verb)]
        assert len(whole) == len({*whole}) == 8
        assert len(partners.headers("ara", f"{verb}&set=partner:ara")) == 4
        assert len(partners.headers("ara", f"{verb}&set=list:{CANARY}")) == 4
    first = partners.fetch("ara", LIST).told
    (size,) = first.texts(".//o:resumptionToken/@completeListSize")
    assert size == "8"


def test_53_headers_carry_the_readers_set_and_listsets_shows_it(partners: Partners) -> None:
    for header in partners.headers("ara"):
        restricted = f"list:{CANARY}" in header.sets
        assert ("partner:ara" in header.sets) is restricted
    specs = partners.fetch("ara", "verb=ListSets").told.texts(".//o:set/o:setSpec/text()")
    assert {f"list:{CANARY}", "partner:ara", "given:ara", "place:MN"} <= {*specs}
    assert specs == sorted({*specs})


ROUTES = [
    "/",
    "/search?q={word}",
    "/search",
    "/lists/{word}",
    "/offers/{offer}",
    "/offers/{offer}.xml",
    "/oai/explore",
    "/oai/explore?verb=ListRecords&metadataPrefix=marc21",
    "/oai/explore?verb=ListRecords&metadataPrefix=marc21&set=list:{word}",
    "/oai/explore?verb=GetRecord&metadataPrefix=marc21&identifier={name}",
    "/oai/explore?verb=ListSets",
    "/api/v1/lists",
    "/api/v1/lists/{word}",
    "/api/v1/offers",
    "/api/v1/offers?q={word}",
    "/api/v1/offers?list={word}",
    "/api/v1/offers/{offer}",
    "/api/v1/offers/{offer}?format=marcxml",
    "/api/v1/offers/{offer}?format=oai_dc",
    "/api/v1/openapi.json",
    "/oai?verb=Identify",
    "/oai?verb=ListSets",
    "/oai?verb=ListMetadataFormats&identifier={name}",
    "/oai?verb=GetRecord&metadataPrefix=marc21&identifier={name}",
    "/oai?verb=GetRecord&metadataPrefix=never&identifier={name}",
    "/oai?verb=GetRecord&metadataPrefix=marc21&identifier={given}",
    "/oai?verb=ListRecords&metadataPrefix=oai_dc",
    "/oai?verb=ListRecords&metadataPrefix=mods",
    "/oai?verb=ListIdentifiers&metadataPrefix=marc21",
    "/oai?verb=ListRecords&metadataPrefix=marc21&set=list:{word}",
    "/oai?verb=ListRecords&metadataPrefix=marc21&set=list",
    "/oai?verb=ListRecords&metadataPrefix=marc21&set=place:MN",
    "/oai?verb=ListRecords&metadataPrefix=marc21&set=partner:ara",
    "/oai?verb=ListRecords&metadataPrefix=marc21&set=given:ara",
]


@pytest.mark.parametrize("caller", ["", "bela", "cyd"])
def test_59_what_is_restricted_shows_nowhere_to_anybody_else(
    partners: Partners, caller: str
) -> None:
    """The echo of what was asked for is no showing: it is the same for what never was."""
    db, site = partners.library.site.db, partners.library.site
    name = next(header.identifier for header in partners.headers("ara", f"{LIST}&set=partner:ara"))
    offer = name.rpartition("/")[2]
    (gift,) = giving.give_offers(db, "ara", [offer], site.now())
    partners.library.publish()
    given = f"oai:books.example.org:transfer/{gift.public_id}"
    assert given in partners.present("ara", f"{HEADERS}&set=given:ara")
    never = {
        "word": "nothingofthekind",
        "offer": "0" * 26,
        "name": "oai:books.example.org:offer/" + "0" * 26,
        "given": "oai:books.example.org:transfer/" + "0" * 26,
    }
    real = {"word": CANARY, "offer": offer, "name": name, "given": given}
    for route in ROUTES:
        path, _, query = route.format(**real).partition("?")
        answer = partners.fetch(caller, query, path)
        path, _, query = route.format(**never).partition("?")
        other = partners.fetch(caller, query, path)
        assert answer.status == other.status, route
        body = answer.body.decode()
        for key, value in real.items():
            body = body.replace(value, never[key])  # the echo
        assert _settled(body) == _settled(other.body.decode()), route
        asked_for = {value for key, value in real.items() if "{" + key + "}" in route}
        for secret in {CANARY, offer, gift.public_id, "place:MN", "lang:mon", "near"}:
            if not any(secret in value for value in asked_for) and secret not in route:
                assert secret.encode() not in answer.body, (route, secret)


def _settled(body: str) -> str:
    """Leave out what differs from one request to the next: its id, and the public clock."""
    lines = body.replace("><", ">\n<").splitlines()
    volatile = ("request_id", "<responseDate", "csrf", "responseDate", "Request-Id")
    kept = [line for line in lines if not any(word in line for word in volatile)]
    if body.startswith("{"):
        told = json.loads(body)
        told.pop("request_id", None)
        return json.dumps(told)
    return "\n".join(kept)


def test_59_a_partners_set_is_401_without_credentials_and_nothing_with_anothers(
    partners: Partners,
) -> None:
    for spec in ("partner:ara", "given:ara", "partner:bela", "partner:never", "given"):
        assert partners.fetch("", f"{LIST}&set={spec}").status == 401
        assert partners.fetch("cyd", f"{LIST}&set={spec}").told.codes == ["noRecordsMatch"]


def test_54_who_joins_late_and_leaves_again_learns_both_with_its_next_harvest(
    partners: Partners,
) -> None:
    db = partners.library.site.db
    from_ = response_date(partners.fetch("bela", LIST).told)
    membership.join(db, "near", ["bela"], now=datetime.now(UTC))
    partners.library.publish()
    joined = partners.headers("bela", f"{HEADERS}&set=partner:bela{bounds(from_=from_)}")
    assert [header.deleted for header in joined] == [False] * 4
    from_ = response_date(partners.fetch("bela", LIST).told)
    membership.leave(db, "near", ["bela"], now=datetime.now(UTC))
    partners.library.publish()
    left = partners.headers("bela", HEADERS + bounds(from_=from_))
    assert [header.identifier for header in left if header.deleted] == [
        header.identifier for header in joined
    ]
    told = partners.fetch(
        "bela", f"verb=GetRecord&metadataPrefix=marc21&identifier={left[0].identifier}"
    ).told
    assert told.root.find(".//o:metadata", NS) is None
    assert partners.fetch("bela", f"{LIST}&set=partner:bela").told.codes == []


def test_54_a_tier_that_opens_while_a_partner_harvests_is_in_this_harvest_or_the_next(
    partners: Partners,
) -> None:
    site = partners.library.site
    first = partners.fetch("bela", LIST).told
    tiering.add_tier(site.db, CANARY, "far", site.now(), site.now())
    partners.library.publish()
    seen = {header.identifier for header in headers_of(first)}
    token = first.token
    while token:
        told = partners.fetch("bela", f"verb=ListRecords&resumptionToken={token}").told
        seen |= {header.identifier for header in headers_of(told)}
        token = told.token
    again = bounds(from_=response_date(first))
    seen |= {header.identifier for header in partners.headers("bela", HEADERS + again)}
    assert seen == partners.present("bela") == partners.present("ara")


def test_33_a_suspended_partner_is_as_anybody_and_its_tokens_open_no_more(
    partners: Partners,
) -> None:
    site = partners.library.site
    token = partners.fetch("ara", LIST).told.token
    resumed = f"verb=ListRecords&resumptionToken={token}"
    assert partners.fetch("ara", resumed).told.codes == []
    enrolling.set_state(site.db, "ara", PartnerState.SUSPENDED, by="test", now=site.now())
    assert partners.fetch("ara", resumed).told.codes == ["badResumptionToken"]
    assert partners.present("ara") == partners.present("")
    assert partners.fetch("ara", f"{LIST}&set=partner:ara").told.codes == ["noRecordsMatch"]
    assert CANARY.encode() not in partners.fetch("ara", "verb=ListSets").body
    enrolling.set_state(site.db, "ara", PartnerState.ACTIVE, by="test", now=site.now())
    partners.library.publish()
    assert len(partners.present("ara")) == 8
    signing_in.revoke_partner_tokens(site.db, "ara", site.now())
    assert partners.fetch("ara", resumed).status == 401


def test_33_a_list_goes_on_when_its_partner_leaves_the_audience_in_the_middle(
    partners: Partners,
) -> None:
    site = partners.library.site
    query = f"{LIST}&set=partner:ara"
    first = partners.fetch("ara", query).told
    membership.leave(site.db, "near", ["ara"], now=site.now())
    partners.library.publish()
    told = partners.fetch("ara", f"verb=ListRecords&resumptionToken={first.token}").told
    found = headers_of(told)
    while told.token:
        told = partners.fetch("ara", f"verb=ListRecords&resumptionToken={told.token}").told
        found += headers_of(told)
    assert {header.identifier for header in found if header.deleted} >= {
        header.identifier for header in headers_of(first)
    }
    assert {header.deleted for header in found} == {True}


def test_43_44_what_a_partner_was_given_is_deleted_when_it_is_taken_back(
    partners: Partners,
) -> None:
    site = partners.library.site
    name = next(iter(sorted(partners.present("cyd"))))
    (gift,) = giving.give_offers(site.db, "cyd", [name.rpartition("/")[2]], site.now())
    partners.library.publish()
    given = f"oai:books.example.org:transfer/{gift.public_id}"
    for prefix in ("oai_dc", "marc21", "marcxml", "mods"):
        get = f"verb=GetRecord&metadataPrefix={prefix}&identifier={given}"
        assert partners.fetch("cyd", get).told.root.find(".//o:metadata", NS) is not None
        assert partners.fetch("ara", get).told.codes == ["idDoesNotExist"]
    (header,) = partners.headers("cyd", f"{HEADERS}&set=given:cyd")
    assert (header.identifier, header.sets) == (given, ("given:cyd",))
    giving.retract(site.db, gift.public_id)
    partners.library.publish()
    (header,) = partners.headers("cyd", f"{HEADERS}&set=given:cyd")
    assert (header.deleted, header.sets) == (True, ("given:cyd",))
    get = f"verb=GetRecord&metadataPrefix=mods&identifier={given}"
    assert partners.fetch("cyd", get).told.root.find(".//o:metadata", NS) is None
