"""Whatever a provider does wrong: all it lists is delivered or named, and nothing is invented.

A provider with any page size, faults at any request, records that cannot be read and records
that change between pages is harvested by a process that dies at any page; then once more from
where the next harvest begins. What the host holds then is the truth, except for what the report
names (oai.md 4). A harvester that recovers XML and goes by the newest datestamp fails the same
test.
"""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from oai.harvest_errors import HarvestError, NotOai, Unreachable
from oai.harvest_records import Record
from oai.harvester import Task, harvest
from oai.provider import respond
from oai.resume_point import Point, begin
from oai.windows import Granularity, Window, plan
from tests.oai.asking import TOKENS
from tests.oai.hostile import XML, Asked, Direct, Sent, Site, Time, asking
from tests.oai.memory import START, Memory, identifier_of

OAI = "{http://www.openarchives.org/OAI/2.0/}"
LOST = (
    b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><request/>'
    b'<error code="badResumptionToken"/></OAI-PMH>'
)
FAULTS: dict[str, Callable[[Asked], "Sent | bytes | None"]] = {
    "busy": lambda _: Sent(b"", 503, (("Retry-After", "7"),)),
    "broken": lambda _: Sent(b"<h1>Oops</h1>", 500),
    "no answer": lambda _: Sent(length=-1),
    "cut": lambda asked: asked.honest[: len(asked.honest) * 2 // 3],
    "cut gzip": lambda asked: Sent(
        gzip.compress(asked.honest)[:-9], headers=(XML, ("Content-Encoding", "gzip"))
    ),
    "cut before the end": lambda asked: asked.honest.rstrip()[:-1],
    "malformed": lambda asked: asked.honest.replace(b"</header>", b"", 1),
    "control": lambda asked: asked.honest.replace(b"Title", b"T\x02itle", 1),
    "sign in": lambda _: b"<html><body>Sign in<br></body></html>",
    "notice": lambda asked: asked.honest + b"<b>Notice</b>: in oai.php",
    "token lost": lambda asked: LOST if asked.token else None,
}


@dataclass(frozen=True)
class Change:
    """Something that happens in the repository just before a request is answered."""

    number: int
    deleted: bool = False
    bad: bool = False


@dataclass
class Hostile:
    """A script: faults and changes by the number of the request; empty pages in between."""

    memory: Memory
    faults: dict[int, str] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    empty: frozenset[int] = frozenset()
    titles: set[tuple[str, str]] = field(default_factory=set)
    ever_bad: set[str] = field(default_factory=set)
    saved: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def publish(self, change: Change) -> None:
        identifier = self.memory.publish(change.number, deleted=change.deleted)
        item = self.memory.items[identifier]
        self.titles.add((identifier, title(item.renditions["marc21"])))
        if change.bad:
            item.renditions["marc21"] = b"<record><open></record>"
            self.ever_bad.add(identifier)

    def __call__(self, asked: Asked) -> Sent | bytes | None:
        if change := self.changes.get(asked.number):
            self.publish(change)
        pairs = self.saved.get(asked.token, list(asked.arguments.items()))
        honest = respond(self.memory, pairs, tokens=TOKENS).body
        asked = Asked(asked.number, dict(pairs), asked.headers, honest)
        if asked.number in self.empty and asked.verb.startswith("List"):
            token = f"again-{asked.number}"
            self.saved[token] = pairs
            return b'<OAI-PMH xmlns="%b"><responseDate>%b</responseDate><%b>%b</%b></OAI-PMH>' % (
                OAI[1:-1].encode(),
                re.search(rb"<responseDate>([^<]*)", honest)[1],
                asked.verb.encode(),
                f"<resumptionToken>{token}</resumptionToken>".encode(),
                asked.verb.encode(),
            )
        fault = self.faults.get(asked.number)
        sent = FAULTS[fault](asked) if fault else None
        return honest if sent is None else sent

    def be_quiet(self) -> None:
        """Nothing changes any more, and nothing goes wrong."""
        self.changes = {}
        self.faults = {}


def title(metadata: bytes) -> str:
    """The title without what repair may have put into it."""
    found = re.search(rb'code="a">([^<]*)', metadata)
    assert found, metadata
    return found[1].decode().replace("\ufffd", "").strip()


@dataclass
class Host:
    """What a host holds: the newest state of each record, and what its reports name."""

    held: dict[str, Record] = field(default_factory=dict)
    delivered: list[Record] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    unread: list[Window] = field(default_factory=list)

    def is_named(self, identifier: str, stamp: int) -> bool:
        return identifier in self.named or any(
            (window.from_ is None or window.from_ <= stamp)
            and (window.until is None or stamp <= window.until)
            for window in self.unread
        )


def ours(host: Host, site: Site, plan_of: dict, point: Point) -> Point:
    """Harvest from a point to the end, dying at some pages and coming back after errors."""
    task = Task("marc21", granularity=plan_of["granularity"], earliest=START)
    time, deaths, page_number = Time(), set(plan_of["deaths"]), 0
    for _ in range(30):
        try:
            limits = {"singly": plan_of["singly"]}
            for page in harvest(asking(Direct(site), time, **limits), task, point):
                page_number += 1
                if page_number in deaths:
                    break
                for record in page.records:
                    host.held[record.identifier] = record
                    host.delivered.append(record)
                for note in page.notes:
                    if note.code == "quarantined" and note.identifier:
                        host.named.add(note.identifier)
                    elif note.code == "quarantined":
                        host.unread.append(page.window)
                point = Point.from_json(page.point.to_json())
            else:
                assert point.is_done
                return point
        except (Unreachable, NotOai):
            pass
    raise AssertionError("the harvest does not come to an end")


def our_way(hostile: Hostile, plan_of: dict) -> Host:
    host, site = Host(), Site(hostile.memory, hostile)
    done = ours(host, site, plan_of, begin((Window(),), Time().now))
    hostile.be_quiet()
    since = done.next_from(plan_of["overlap"], plan_of["granularity"])
    ours(host, site, plan_of, begin(plan(since, None, plan_of["granularity"]), Time().now))
    return host


def naive_way(hostile: Hostile, plan_of: dict) -> Host:
    """As many do it: recover from bad XML, stop where the tokens stop, go by the newest stamp."""
    host, site = Host(), Site(hostile.memory, hostile)
    newest = ""
    for _ in range(2):
        pairs = [("verb", "ListRecords"), ("metadataPrefix", "marc21")]
        pairs += [("from", newest)] if newest else []
        while pairs:
            for _ in range(5):
                sent = site.answer(pairs, {})
                body = sent.body if isinstance(sent, Sent) else sent
                if not isinstance(sent, Sent) or (sent.status == 200 and body):
                    break
            root = etree.fromstring(body, etree.XMLParser(recover=True, resolve_entities=False))
            pairs = []
            if root is None:
                break
            for each in root.iter(f"{OAI}record"):
                header, content = each.find(f"{OAI}header"), each.find(f"{OAI}metadata")
                if header is None:
                    continue
                identifier = header.findtext(f"{OAI}identifier") or ""
                newest = max(newest, header.findtext(f"{OAI}datestamp") or "")
                metadata = b'code="a"><'
                if content is not None and len(content):
                    metadata = etree.tostring(content[0])
                deleted = header.get("status") == "deleted"
                host.held[identifier] = Record(identifier, "", (), deleted, metadata)
                host.delivered.append(host.held[identifier])
            token = root.findtext(f".//{OAI}resumptionToken")
            if token and root.find(f".//{OAI}record") is not None:
                pairs = [("verb", "ListRecords"), ("resumptionToken", token)]
        hostile.be_quiet()
    return host


def assert_truth(hostile: Hostile, host: Host) -> None:
    for identifier, item in hostile.memory.items.items():
        if host.is_named(identifier, item.stamp):
            assert identifier in hostile.ever_bad
            continue
        assert identifier in host.held, f"{identifier} is neither delivered nor named"
        held = host.held[identifier]
        assert held.deleted == item.deleted
        if not item.deleted:
            assert title(held.metadata) == title(item.renditions["marc21"])
    for record in host.delivered:
        assert record.identifier in hostile.memory.items
        assert record.deleted or (record.identifier, title(record.metadata)) in hostile.titles


NUMBERS = st.integers(1, 9)
REQUESTS = st.integers(1, 25)
CHANGES = st.builds(Change, NUMBERS, st.booleans(), st.integers(0, 4).map(lambda n: n == 0))
PLANS = st.fixed_dictionaries(
    {
        "granularity": st.sampled_from(Granularity),
        "singly": st.integers(1, 4),
        "deaths": st.sets(st.integers(1, 8), max_size=3),
        "overlap": st.integers(0, 3),
    }
)


@st.composite
def hostiles(draw: st.DrawFn) -> Hostile:
    hostile = Hostile(
        Memory(page_size=draw(st.integers(1, 4))),
        draw(st.dictionaries(REQUESTS, st.sampled_from(sorted(FAULTS)), max_size=6)),
        draw(st.dictionaries(REQUESTS, CHANGES, max_size=4)),
        frozenset(draw(st.sets(REQUESTS, max_size=2))),
    )
    for change in draw(st.lists(CHANGES, min_size=1, max_size=12)):
        hostile.publish(change)
    return hostile


def check(way: Callable[[Hostile, dict], Host], hostile: Hostile, plan_of: dict) -> None:
    host = way(hostile, plan_of)
    assert_truth(hostile, host)


@given(hostiles(), PLANS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_all_that_is_listed_is_delivered_or_named_and_nothing_is_invented(hostile, plan_of):
    check(our_way, hostile, plan_of)


def test_the_same_test_finds_a_naive_harvester_out():
    @given(hostiles(), PLANS)
    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=False,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    def naive(hostile: Hostile, plan_of: dict) -> None:
        check(naive_way, hostile, plan_of)

    with pytest.raises(AssertionError):
        naive()


@pytest.mark.parametrize(("way", "misses"), [(our_way, False), (naive_way, True)])
def test_70_a_datestamp_in_the_future_hides_nothing_from_us(way, misses):
    hostile = Hostile(Memory(page_size=3))
    for number in range(1, 5):
        hostile.publish(Change(number))
    hostile.memory.items[identifier_of(2)].stamp += 1_000
    hostile.changes[3] = Change(1)  # after the two pages of the first harvest
    plan_of = {"granularity": Granularity.SECONDS, "singly": 9, "deaths": (), "overlap": 0}
    hostile.be_quiet, quiet = lambda: None, hostile.be_quiet
    host = way(hostile, plan_of)
    quiet()
    if misses:
        with pytest.raises(AssertionError):
            assert_truth(hostile, host)
    else:
        assert_truth(hostile, host)


@pytest.mark.parametrize(("way", "misses"), [(our_way, False), (naive_way, True)])
def test_64_one_bad_record_hides_no_other_from_us(way, misses):
    hostile = Hostile(Memory(page_size=30))
    for number in range(1, 31):
        hostile.publish(Change(number, bad=number == 5))
    plan_of = {"granularity": Granularity.SECONDS, "singly": 4, "deaths": (), "overlap": 0}
    host = way(hostile, plan_of)
    host.named.add(identifier_of(5))
    if misses:
        with pytest.raises(AssertionError):
            assert_truth(hostile, host)
    else:
        assert_truth(hostile, host)


def test_every_error_of_a_harvest_has_its_own_code():
    def kinds(kind: type[HarvestError]) -> list[type[HarvestError]]:
        return [kind, *(each for sub in kind.__subclasses__() for each in kinds(sub))]

    codes = [kind.code for kind in kinds(HarvestError) if not kind.__name__.startswith("_")]
    assert len(codes) == len(set(codes))
