"""Overload, silence and bodies that are not whole (oai.md 5, numbers 61 to 63; rows 62 to 68)."""

import gzip
import time as real_time
from email.utils import formatdate

import pytest

from oai.asking import Asking
from oai.fetching import Patience
from oai.harvest_errors import (
    AskedToWait,
    Unreachable,
)
from tests.oai.hostile import (
    GZIP,
    NINE,
    Harvested,
    Port,
    Sent,
    Site,
    Time,
    asking,
    books,
    harvested,
    once,
    run,
    serving,
)


@pytest.fixture
def time() -> Time:
    return Time()


# 61: overload


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_61_retry_after_is_obeyed_in_seconds_and_as_a_date(time, status, as_date):
    after = formatdate(time.now + 120, usegmt=True) if as_date else "120"
    site = Site(books(9), once(2, lambda _: Sent(b"", status, (("Retry-After", after),))))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert time.slept == [120 * 1.125]
    assert host.codes == ["fetched-again"]


@pytest.mark.parametrize("after", ["-5", "soon", "", formatdate(0, usegmt=True)])
def test_61_a_retry_after_without_sense_is_replaced_by_our_own_pause(time, after):
    site = Site(books(9), once(2, lambda _: Sent(b"", 503, (("Retry-After", after),))))
    assert set(harvested(site, time).records) == NINE
    assert time.slept == [1.5]


def test_61_a_pause_of_ten_years_ends_the_harvest_with_what_it_has(time):
    site = Site(books(9), once(3, lambda _: Sent(b"", 503, (("Retry-After", "315360000"),))))
    host = Harvested()
    with pytest.raises(AskedToWait) as caught:
        harvested(site, time, host)
    assert caught.value.wait == 315_360_000
    assert time.slept == []
    assert len(host.records) == 6


def test_61_tries_end_with_growing_pauses_and_the_next_run_goes_on_at_that_page(time):
    site = Site(books(9), lambda asked: Sent(b"<h1>Oops", 500) if asked.number > 2 else None)
    host = Harvested()
    with pytest.raises(Unreachable, match="500") as caught:
        harvested(site, time, host)
    assert len(site.log) == 2 + 5
    assert time.slept == sorted(time.slept)
    assert len(time.slept) == 4
    assert caught.value.excerpt == b"<h1>Oops"
    assert len(caught.value.notes) == 4
    site.script = lambda _: None
    with serving(site) as url:
        run(asking(Port(url), time), time, host.point, into=host)
    assert set(host.records) == NINE
    assert len(host.delivered) == 9


# 62: time


def slow(first: bytes, pause: float):
    yield first
    for _ in range(100):
        real_time.sleep(pause)
        yield b" "


@pytest.mark.parametrize("pause", [0.4, 0.03])
def test_62_silence_and_dripping_both_end_in_time(pause):
    site = Site(books(3), lambda asked: Sent(slow(asked.honest[:-15], pause)))
    slept = []
    patience = Patience(tries=2, first=0.0, connect=1, read=0.2, page=0.4)
    began = real_time.monotonic()
    with serving(site) as url:
        ask = Asking(Port(url), real_time.time, slept.append, lambda: 0.0, patience)
        with pytest.raises(Unreachable):
            run(ask, Time())
    assert real_time.monotonic() - began < 3
    assert len(site.log) == 2


def test_62_a_provider_that_is_not_there_is_unreachable(time):
    with serving(Site(books(1))) as url:
        pass
    with pytest.raises(Unreachable):
        run(asking(Port(url), time), time)
    assert len(time.slept) == 4


# 63: bodies that are not whole


@pytest.mark.parametrize(
    "sent",
    [
        lambda asked: Sent(asked.honest[:-60], length=len(asked.honest)),
        lambda asked: asked.honest[:-60],
        lambda asked: Sent(gzip.compress(asked.honest)[:-40], headers=GZIP),
        lambda asked: Sent(gzip.compress(asked.honest)[:-4], headers=GZIP),
        lambda asked: Sent(gzip.compress(asked.honest)[:-8] + b"12345678", headers=GZIP),
        lambda asked: Sent(iter((asked.honest[:700],))),
        lambda _: b"",
    ],
)
def test_63_a_cut_body_is_fetched_again_and_nothing_of_it_stored(time, sent):
    site = Site(books(9), once(2, sent))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert len(host.delivered) == 9
    assert host.codes == ["fetched-again"]
    assert len(site.log) == 4


def test_63_a_whole_gzip_body_is_read(time):
    site = Site(books(9), lambda asked: Sent(gzip.compress(asked.honest), headers=GZIP))
    host = harvested(site, time)
    assert set(host.records) == NINE
    assert site.log[0].headers["accept-encoding"] == "gzip"
    assert host.codes == []


def test_63_a_page_that_is_always_cut_is_fetched_in_smaller_windows(time):
    long = len(harvest_page_of(site := Site(books(9, page_size=100))))
    site.script = lambda asked: asked.honest[: long // 2] if asked.verb == "ListRecords" else None
    host = harvested(site, time, singly=2)
    assert set(host.records) == NINE
    assert {"cut", "divided"} <= set(host.codes)
    assert host.point.is_complete


def harvest_page_of(site: Site) -> bytes:
    site.answer([("verb", "ListRecords"), ("metadataPrefix", "marc21")], {})
    return site.log.pop().honest
