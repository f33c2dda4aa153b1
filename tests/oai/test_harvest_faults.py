"""Hostile providers over real HTTP (oai.md 5, numbers 64 to 75; reliability.md rows 58 to 74)."""

import gzip
import re
from itertools import count

import pytest

from oai.harvest_errors import (
    LimitReached,
    Looping,
    NotOai,
    Refused,
    Told,
)
from oai.harvester import Task, harvest
from oai.reconciling import reconcile
from oai.resume_point import Point, begin
from oai.source import identify
from oai.windows import Granularity, Window, plan
from tests.oai.hostile import (
    GZIP,
    NINE,
    TASK,
    Asked,
    Harvested,
    Port,
    Sent,
    Site,
    Time,
    asking,
    books,
    harvested,
    honest,
    once,
    run,
    serving,
)
from tests.oai.memory import START, identifier_of


@pytest.fixture
def time() -> Time:
    return Time()


def error(code: str) -> bytes:
    return (
        b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z'
        b'</responseDate><request/><error code="%b">no</error></OAI-PMH>' % code.encode()
    )


def with_token(body: bytes, token: bytes) -> bytes:
    return re.sub(rb"(<resumptionToken[^>]*>)[^<]*<", rb"\g<1>%b<" % token, body)


def without_records(body: bytes) -> bytes:
    return re.sub(rb"<record>.*</record>", b"", body, flags=re.DOTALL)


def test_an_honest_provider_is_harvested_whole(time):
    site = Site(books(9))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert host.codes == []
    assert host.point.is_complete
    assert (host.point.pages, host.point.records) == (3, 9)
    assert host.point.responded == site.memory.clock
    assert len(site.log) == 3
    assert time.slept == []


# 64: characters that XML forbids, and worse


def test_64_a_forbidden_character_is_repaired_and_reported(time):
    site = Site(books(9), lambda asked: asked.honest.replace(b"Title 5", b"Title \x01\x0b5"))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert "Title \ufffd\ufffd5".encode() in host.records[identifier_of(5)].metadata
    assert host.codes == ["fetched-again", "fetched-again", "repaired"]
    assert "2" in host.notes[-1].message
    assert host.point.is_complete


def test_64_a_fault_that_passes_is_fetched_again(time):
    site = Site(books(9), once(2, lambda asked: asked.honest.replace(b"</leader>", b"", 1)))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert host.codes == ["fetched-again"]


@pytest.mark.parametrize("singly", [2, 200])
def test_64_a_record_that_cannot_be_read_is_found_named_and_passed_by(time, singly):
    memory = books(9)
    memory.items[identifier_of(5)].renditions["marc21"] = b"<record><open></record>"
    site = Site(memory)
    host = harvested(site, time, singly=singly)
    assert set(host.records) == NINE - {identifier_of(5)}
    lost = [note for note in host.notes if note.code == "quarantined"]
    assert [note.identifier for note in lost] == [identifier_of(5)]
    assert b"OAI-PMH" in lost[0].excerpt
    assert ("divided" in host.codes) == (singly == 2)
    assert host.point.is_done
    assert not host.point.is_complete
    assert host.point.lost == 1


def test_64_a_window_that_cannot_be_listed_at_all_is_named_and_passed_by(time):
    memory = books(9)
    five = memory.items[identifier_of(5)].stamp
    bad = identifier_of(5).encode()
    site = Site(memory, lambda asked: asked.honest.replace(bad, b"</x>"))
    host = harvested(site, time)
    assert set(host.records) == NINE - {identifier_of(5)}
    assert host.point.lost == 1
    (note,) = [note for note in host.notes if note.code == "quarantined"]
    assert str(Window(five, five)) in note.message


def test_64_a_provider_that_is_wrong_everywhere_ends_by_the_limit_of_faults(time):
    site = Site(books(9), lambda asked: asked.honest.replace(b"<responseDate", b"<x><responseDate"))
    with pytest.raises(LimitReached, match="faults"):
        harvested(site, time, singly=1, faults=30)
    assert len(site.log) < 400


# 65, 66: tokens


def test_65_an_empty_page_that_carries_a_token_goes_on(time):
    site = Site(
        books(9), lambda asked: without_records(asked.honest) if asked.number == 2 else None
    )
    host = harvested(site, time)
    assert set(host.records) == NINE - {identifier_of(n) for n in (4, 5, 6)}
    assert host.point.pages == 3
    assert "fewer-than-said" in host.codes
    assert reconcile(host.point, 100, 3).action == "ask"  # they may still be there


@pytest.mark.parametrize(
    "end", [b"<resumptionToken/>", b"<resumptionToken cursor='3'> \n </resumptionToken>", b""]
)
def test_65_an_empty_token_ends_the_list(time, end):
    old = rb"<resumptionToken.*</resumptionToken>"
    site = Site(books(9), once(2, lambda asked: re.sub(old, end, asked.honest)))
    host = harvested(site, time)
    assert len(host.records) == 6
    assert len(site.log) == 2


@pytest.mark.parametrize("circle", [1, 2, 3])
def test_66_tokens_in_a_circle_stop_the_harvest_and_keep_what_is_whole(time, circle):
    tokens = [b"tok%d" % n for n in range(circle)]
    first = {}

    def script(asked: Asked) -> bytes:
        first.setdefault("body", asked.honest)
        return with_token(first["body"], tokens[asked.number % circle])

    site, host = Site(books(9), script), Harvested()
    with pytest.raises(Looping, match="tok"):
        harvested(site, time, host)
    assert len(host.records) == 3
    assert len(site.log) == circle + 1


@pytest.mark.parametrize("empty", [True, False])
def test_66_ever_new_tokens_without_news_stop_the_harvest(time, empty):
    first = {}

    def script(asked: Asked) -> bytes:
        body = first.setdefault("body", asked.honest)
        return with_token(without_records(body) if empty else body, b"t%d" % asked.number)

    site = Site(books(9), script)
    with pytest.raises(Looping, match="nothing new"):
        harvested(site, time)
    assert len(site.log) < 30


def test_66_an_endless_list_of_news_stops_at_the_limits(time):
    first, numbers = [], count(1)

    def script(asked: Asked) -> bytes:
        first.append(asked.honest)
        fresh = re.sub(rb"offer/\d+", lambda _: b"offer/%d" % next(numbers), first[0])
        return with_token(fresh, b"t%d" % asked.number)

    for limit in ({"pages": 7}, {"records": 21}, {"bytes": 12_000}):
        first.clear()
        site, host = Site(books(3, page_size=2), script), Harvested()
        with pytest.raises(LimitReached, match=next(iter(limit))):
            harvested(site, time, host, **limit)
        assert 3 < len(site.log) < 30
        assert len(host.delivered) == 2 * len(site.log)


# 67 is in test_harvest_page.py as well


def test_67_a_nested_oai_record_is_not_counted(time):
    memory = books(2)
    memory.items[identifier_of(1)].renditions["marc21"] = (
        b'<c xmlns="urn:c"><record xmlns="http://www.openarchives.org/OAI/2.0/"><header>'
        b"<identifier>inner</identifier></header></record></c>"
    )
    host = harvested(Site(memory), time)
    assert set(host.records) == {identifier_of(1), identifier_of(2)}


# 68: tokens that are lost


def test_68_a_token_lost_in_the_middle_restarts_the_window(time):
    site = Site(books(9), once(3, lambda _: error("badResumptionToken")))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert len(host.delivered) == 15
    assert host.codes == ["list-lost"]
    assert site.log[3].arguments == site.log[0].arguments


def test_68_only_the_window_that_is_not_committed_is_begun_anew(time):
    site = Site(books(9, page_size=2), once(5, lambda _: error("badResumptionToken")))
    windows = plan(START, START + 9, Granularity.SECONDS, step=5)
    with serving(site) as url:
        host = run(asking(Port(url), time), time, begin(windows, time.now))
    assert set(host.records) == NINE
    assert site.log[5].arguments["from"] == "2026-01-01T00:00:05Z"


@pytest.mark.parametrize("code", ["badResumptionToken", "noRecordsMatch"])
def test_68_tokens_that_never_work_are_done_without(time, code):
    site = Site(books(9), lambda asked: error(code) if asked.token else None)
    host = harvested(site, time, singly=1)
    assert set(host.records) == NINE
    assert host.codes.count("list-lost") >= 4
    assert "divided" in host.codes


# 69: crashes


def test_69_a_harvest_goes_on_from_its_stored_point_and_repeats_at_most_a_page(time):
    for die_at in range(4):
        site, host = Site(books(9)), Harvested()
        with serving(site) as url:
            stored = begin((Window(),), time.now).to_json()
            pages = harvest(asking(Port(url), time), TASK, Point.from_json(stored))
            for _ in range(die_at):
                page = next(pages, None)
                if page is not None:
                    host.take(page)
                    stored = page.point.to_json()
            next(pages, None)  # fetched, but not stored: this is where the process dies
            pages.close()
            run(asking(Port(url), time), time, Point.from_json(stored), into=host)
        assert set(host.records) == NINE
        assert len(host.delivered) == 9
        assert len(site.log) <= 3 + 1
        assert host.point.records == 9


# 70: where the next harvest begins


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (b"2026-01-01T00:00:09Z", START + 9),
        (b"2031-01-01T00:00:00Z", START + 10_000),
        (b"31.12.2025", START + 10_000),
        (b"", START + 10_000),
    ],
)
def test_70_the_next_harvest_begins_at_the_first_response_less_the_overlap(time, said, counts):
    first = re.compile(rb"<responseDate>[^<]*<")

    def script(asked: Asked) -> bytes:
        future = asked.honest.replace(b"<datestamp>2026", b"<datestamp>2036")
        return first.sub(b"<responseDate>%b<" % said, future) if asked.number == 1 else future

    host = harvested(Site(books(9), script), time)
    assert host.point.next_from(60, Granularity.SECONDS) == counts - 60


def test_70_what_comes_twice_is_the_same_record(time):
    site = Site(books(9))
    host = harvested(site, time)
    site.memory.publish(4)
    since = host.point.next_from(3, Granularity.SECONDS)
    with serving(site) as url:
        again = run(
            asking(Port(url), time), time, begin(plan(since, None, TASK.granularity), time.now)
        )
    assert {identifier_of(n) for n in (4, 9)} < set(again.records)
    assert len(again.records) < 9
    for identifier, record in again.records.items():
        if identifier != identifier_of(4):
            assert host.records[identifier] == record
    assert not again.point.full


# 71: what Identify says is in test_harvest_source.py as well


def test_71_the_arguments_have_the_providers_granularity(time):
    def days(asked: Asked) -> bytes:
        return asked.honest.replace(b"YYYY-MM-DDThh:mm:ssZ", b"YYYY-MM-DD")

    for script, form in ((honest, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), (days, r"\d{4}-\d\d-\d\d")):
        site = Site(books(9), script)
        with serving(site) as url:
            ask = asking(Port(url), time)
            source = identify(ask)
            task = Task("marc21", granularity=source.granularity, earliest=source.earliest)
            windows = plan(START + 5, START + 8, source.granularity)
            host = run(ask, time, begin(windows, time.now), task)
        sent = site.asked("ListRecords")[0].arguments
        assert re.fullmatch(form, sent["from"])
        assert re.fullmatch(form, sent["until"])
        assert {identifier_of(n) for n in (5, 6, 7, 8)} <= set(host.records)


# 72: deletions


def test_72_deleted_headers_are_delivered(time):
    memory = books(9)
    memory.publish(2, deleted=True)
    host = harvested(Site(memory), time)
    assert host.records[identifier_of(2)].deleted
    assert host.records[identifier_of(2)].metadata is None
    assert host.point.deleted == 1


def test_72_without_tombstones_a_full_list_tells_what_vanished(time):
    site = Site(books(9))
    before = set(harvested(site, time).records)
    del site.memory.items[identifier_of(3)]
    host = harvested(site, time)
    missing = before - set(host.records)
    assert missing == {identifier_of(3)}
    assert reconcile(host.point, len(before), len(missing)).action == "apply"


@pytest.mark.parametrize(
    "sent",
    [
        lambda _: Sent(b"<html><body>Please sign in</body></html>", 200),
        lambda _: Sent(b'{"error": "maintenance"}', 200),
        lambda _: Sent(b"<!DOCTYPE html><html><br></html>", 200),
        lambda _: Sent(b"Not here", 404),
        lambda _: error("badArgument"),
        lambda _: Sent(error("badVerb"), 422),
    ],
)
def test_72_an_answer_of_another_kind_deletes_nothing_and_is_kept_verbatim(time, sent):
    site, host = Site(books(9), sent), Harvested()
    with pytest.raises((NotOai, Refused, Told)) as caught:
        harvested(site, time, host)
    assert host.records == {}
    assert reconcile(host.point, 100, 100).action == "keep"
    body = sent(None)
    if isinstance(body, Sent) and not isinstance(caught.value, Told):
        assert caught.value.excerpt == body.body
    assert len(site.log) <= 2


def test_72_an_empty_repository_after_a_full_one_stops_and_asks(time):
    for sent in (error("noRecordsMatch"), Sent(error("noRecordsMatch"), 404)):
        host = harvested(Site(books(9), lambda _, sent=sent: sent), time)
        assert host.point.is_complete
        assert reconcile(host.point, 9, 9).action == "ask"


def test_a_notice_after_the_end_is_reported_and_costs_nothing(time):
    host = harvested(
        Site(books(9), lambda asked: asked.honest + b"<br />Notice: x in oai.php"), time
    )
    assert set(host.records) == NINE
    assert host.codes == ["after-the-end"] * 3
    assert host.notes[0].excerpt == b"<br />Notice: x in oai.php"


# 73: bounds


@pytest.mark.parametrize("packed", [True, False])
def test_73_huge_pages_and_bombs_end_at_the_limit_of_a_page(time, packed):
    def endless(asked: Asked):
        yield asked.honest.partition(b"<resumptionToken")[0]
        while True:
            yield b"<!-- more and more -->" * 3000

    bomb = gzip.compress(b"<OAI-PMH>" + b" " * 30_000_000)
    site = Site(
        books(9),
        once(1, lambda asked: Sent(bomb, headers=GZIP) if packed else Sent(endless(asked))),
    )
    host = harvested(site, time, page_bytes=1_000_000)
    assert set(host.records) == NINE
    assert host.codes == ["too-large", "singly"]
    assert 1_000_000 < host.point.bytes < 2_000_000


def test_73_external_entities_are_never_fetched(time):
    asked_for = []
    with serving(Site(books(1), lambda asked: asked_for.append(asked))) as elsewhere:
        doctype = b'<!DOCTYPE OAI-PMH [<!ENTITY %% p SYSTEM "%b"> %%p; <!ENTITY x SYSTEM "%b">]>'
        evil = doctype % ((elsewhere.encode(),) * 2)
        site = Site(books(9), lambda asked: asked.honest.replace(b"?>", b"?>" + evil, 1))
        with pytest.raises(NotOai, match="DOCTYPE"):
            harvested(site, time)
    assert asked_for == []


# 74: redirects


def test_74_a_redirect_that_the_port_does_not_follow_is_refused_and_not_repeated(time):
    site = Site(books(9), lambda _: Sent(b"", 302))
    with pytest.raises(Refused, match="redirect"):
        harvested(site, time)
    assert len(site.log) == 1


def test_74_the_port_that_follows_keeps_credentials_at_home(time):
    away = Site(books(9))
    with serving(away) as there:
        query = "?verb=ListRecords&metadataPrefix=marc21"
        site = Site(books(9), once(1, lambda _: Sent(b"", 302, (("Location", there + query),))))
        with serving(site) as url:
            host = run(asking(Port(url, "Basic c2VjcmV0"), time), time)
    assert set(host.records) == NINE
    assert site.log[0].headers["authorization"] == "Basic c2VjcmV0"
    assert "authorization" not in away.log[0].headers


def test_74_a_circle_of_redirects_and_a_forbidden_address_are_refused(time):
    site = Site(books(9))
    with serving(site) as url:
        site.script = lambda _: Sent(b"", 302, (("Location", url),))
        with pytest.raises(Refused, match="redirects"):
            run(asking(Port(url), time), time)
    assert len(site.log) == 6
    assert time.slept == []


# 75: one at a time


def test_75_one_question_at_a_time_and_none_after_the_host_has_stopped(time):
    site = Site(books(9))
    with serving(site) as url:
        pages = harvest(asking(Port(url), time), TASK, begin((Window(),), time.now))
        next(pages)
        pages.close()  # as a host does whose lease is gone
        assert next(pages, None) is None
        assert len(site.log) == 1
        run(asking(Port(url), time), time)
    assert site.most_at_once == 1
