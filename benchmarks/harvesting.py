"""A full harvest by our harvester, with everything verified, and by sickle and raw bytes.

    python -m benchmarks.harvesting [--records 5000] [--runs 5] [--long 10]

One provider serves finished pages of 100 MARCXML records from memory. Each harvester runs in a
process of its own, in turns; every figure is a median. Ours and raw bytes go through one requests
session, as the service's do. ``--long`` harvests that many times as much once more, to see
whether the memory grows.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from wsgiref.types import StartResponse, WSGIEnvironment

import requests

from benchmarks.measuring import child, medians, peak_mb, row
from oai.asking import Asking
from oai.fetching import ENCODINGS, Query, Reply, Unreached
from oai.harvester import Task, harvest
from oai.resume_point import begin
from oai.windows import Granularity, Window

_PAGE = 100
_TOKEN = re.compile(rb"<resumptionToken[^>]*>([^<]+)<")


def serve(number: int) -> None:
    """Serve ``number`` records until the process is ended; print the port first."""
    import waitress

    from benchmarks.sample import records
    from marc_mappings import marcxml

    rows = [
        b"<record><header><identifier>oai:bench:%d</identifier>"
        b"<datestamp>2026-01-01T00:00:00Z</datestamp><setSpec>list:bench</setSpec></header>"
        b"<metadata>%b</metadata></record>" % (n, marcxml.write(record))
        for n, record in enumerate(records(min(number, 5_000)))
    ]
    pages = [b"".join(rows[at : at + _PAGE]) for at in range(0, len(rows), _PAGE)]
    last = -(-number // _PAGE) - 1

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        token = environ["QUERY_STRING"].partition("resumptionToken=")[2]
        at = int(token.partition("&")[0] or 0)
        following = b"" if at == last else b"%d" % (at + 1)
        body = (
            b'<?xml version="1.0" encoding="UTF-8"?>'
            b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
            b"<responseDate>2026-01-01T00:00:00Z</responseDate>"
            b'<request verb="ListRecords">http://127.0.0.1/</request><ListRecords>%b'
            b"<resumptionToken>%b</resumptionToken></ListRecords></OAI-PMH>"
        ) % (pages[at % len(pages)].replace(b"oai:bench:", b"oai:bench:%d:" % at), following)
        start("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=2)
    print(server.effective_port, sum(map(len, rows)) // len(rows), flush=True)
    server.run()


class Port:
    """The port over requests, without the guard of addresses."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    @contextmanager
    def __call__(self, query: Query) -> Iterator[Reply]:
        with self._session.get(
            self._url,
            params=list(query.pairs),
            stream=True,
            timeout=(query.connect, query.read),
            headers={"Accept-Encoding": ENCODINGS},
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            yield Reply(answer.status_code, headers, _pieces(answer))


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    try:
        while piece := answer.raw.read1(65_536, decode_content=False):
            yield piece
    except Exception as error:
        raise Unreached(f"the answer broke off: {error!r}") from error


def ours(url: str) -> tuple[int, int]:
    """Harvest by the library: strict, to the last byte, with a point after each page."""
    asking = Asking(Port(url), time.time, time.sleep, lambda: 0.5)
    number = size = 0
    task = Task("marc21", granularity=Granularity.SECONDS)
    for page in harvest(asking, task, begin((Window(),), time.time())):
        assert page.point.to_json()
        for record in page.records:
            number += 1
            size += len(record.metadata or b"")
    return number, size


def sickle(url: str) -> tuple[int, int]:
    """Harvest by sickle as its manual shows it."""
    from sickle import Sickle

    number = size = 0
    for record in Sickle(url).ListRecords(metadataPrefix="marc21"):
        number += 1
        size += len(record.metadata)
    return number, size


def raw(url: str) -> tuple[int, int]:
    """Fetch the same pages and look at nothing but the token."""
    session = requests.Session()
    number = size = 0
    token = b""
    while True:
        body = session.get(f"{url}?verb=ListRecords&resumptionToken={token.decode()}").content
        number += body.count(b"<leader>")
        size += len(body)
        if (found := _TOKEN.search(body, len(body) - 300)) is None:
            return number, size
        token = found[1]


WAYS: dict[str, Callable[[str], tuple[int, int]]] = {"ours": ours, "sickle": sickle, "raw": raw}


def run(way: str, url: str, number: int) -> None:
    """Harvest once and print the figures as JSON."""
    bare = peak_mb()
    began, before = time.perf_counter(), time.process_time()
    found, size = WAYS[way](url)
    seconds, busy = time.perf_counter() - began, time.process_time() - before
    assert found == number, (way, found)
    assert size
    figures = {"rate": found / seconds, "cpu": busy / found * 1e6, "peak": peak_mb(), "bare": bare}
    print(json.dumps(figures))


@contextmanager
def serving(number: int) -> Iterator[tuple[str, int]]:
    """Serve in a process of its own; yield the URL and the mean size of a record in bytes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.harvesting", "--serve", str(number)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        port, size = process.stdout.readline().split()
        yield f"http://127.0.0.1:{port}/oai", int(size)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def compare(number: int, runs: int, long: int) -> None:
    """Print records/s of the three, the ratio, and what the memory came to."""
    figures: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with serving(number) as (url, size):
        print(f"{number} records of {size} bytes, pages of {_PAGE}, medians of {runs} in turns")
        for _ in range(runs):
            for way, runs_of in figures.items():
                runs_of.append(
                    child("benchmarks.harvesting", "--way", way, url, "--records", str(number))
                )
    middle = {way: medians(runs_of) for way, runs_of in figures.items()}
    row("", "records/s", "peak MB", "MB over start", "CPU µs/record")
    for way, each in middle.items():
        row(way, each["rate"], each["peak"], each["peak"] - each["bare"], each["cpu"])
    row("ratio to sickle (asked: at least 2.5)", middle["ours"]["rate"] / middle["sickle"]["rate"])
    row("the same of CPU time", middle["sickle"]["cpu"] / middle["ours"]["cpu"])
    pairs = zip(figures["ours"], figures["sickle"], strict=True)
    row("its smallest in one turn", min(a["rate"] / b["rate"] for a, b in pairs))
    if long:
        with serving(number * long) as (url, _):
            arguments = ("--way", "ours", url, "--records", str(number * long))
            more = child("benchmarks.harvesting", *arguments)
        row(f"ours, {number * long} records: records/s, peak MB", more["rate"], more["peak"])


def main() -> None:
    """Print the figures and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--long", type=int, default=10)
    parser.add_argument("--serve", type=int)
    parser.add_argument("--way", nargs=2)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
    elif given.way:
        run(*given.way, given.records)
    else:
        compare(given.records, given.runs, given.long)


if __name__ == "__main__":
    main()
