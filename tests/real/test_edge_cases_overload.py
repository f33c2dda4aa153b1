"""OAI-PMH edge case 58, overload, over a real server."""

from __future__ import annotations

import http.client
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sickle import Sickle

from service.cli import server
from service.store import feed_reading
from service.usecases import signing_in
from tests.real.edge_case_library import LIST, Answer, Library, served
from tests.service.builders import a_partner


def test_58_when_too_many_wait_harvesters_are_asked_to_come_again_and_nobody_is_cut_off(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_WAITING", 5)
    view = feed_reading.view

    def slow(*arguments: Any) -> Any:
        time.sleep(0.05)
        return view(*arguments)

    with served(sqlite_template, tmp_path, threads=1) as library:
        library.books(7)
        whole = library.ask(LIST).body
        monkeypatch.setattr(feed_reading, "view", slow)
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(library.fetch(LIST))) for _ in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(answers) == 40
        served_ = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status != 200]
        assert len(served_) >= 5
        assert refused
        assert all(answer.body == whole for answer in served_)
        for answer in refused:
            assert answer.status == 503
            assert answer.headers["retry-after"].isdecimal()
            assert int(answer.headers["retry-after"]) > 0
        assert library.ask(LIST).body == whole


def _harvester(library: Library, **options: Any) -> Sickle:
    return Sickle(f"http://127.0.0.1:{library.port}/oai", timeout=30, **options)


def _titles(client: Sickle) -> int:
    return len(list(client.ListRecords(metadataPrefix="oai_dc")))


def _exhaust(library: Library) -> Answer:
    """Ask in a loop until that is refused; return the refusal."""
    for _ in range(1000):
        answer = library.fetch("verb=Identify")
        if answer.status != 200:
            return answer
    raise AssertionError("nobody was asked to wait")


def test_58_an_honest_harvester_is_never_asked_to_wait(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path) as library:
        library.books(60)
        client = _harvester(library, max_retries=0)  # a single 503 would be an error
        assert [_titles(client) for _ in range(10)] == [60] * 10
        for _ in range(10):  # begun again and again in the middle of the list
            begun = _harvester(library, max_retries=0).ListRecords(metadataPrefix="oai_dc")
            assert [begun.next() for _ in range(10)]


def test_58_whoever_asks_in_a_loop_is_asked_to_wait_and_others_are_served(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path, harvest_requests_per_minute=120) as library:
        library.books(7)
        a_partner(library.site)
        now = library.site.now()
        token = signing_in.issue_partner_token(library.site.db, "nagasaki", "", now)
        refused = _exhaust(library)
        assert refused.status == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["content-type"].startswith("text/plain")
        assert b"one request at a time" in refused.body
        partner = _harvester(library, max_retries=0, auth=("nagasaki", token))
        assert _titles(partner) == 7
        elsewhere = http.client.HTTPConnection(
            "127.0.0.1", library.port, timeout=30, source_address=("127.0.0.2", 0)
        )
        elsewhere.request("GET", f"/oai?{LIST}")
        assert elsewhere.getresponse().status == 200
        elsewhere.close()
        assert library.fetch(path="/").status == 200, "pages for people are not harvested"


def test_58_whoever_waits_as_long_as_told_loses_nothing(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with served(sqlite_template, tmp_path, harvest_requests_per_minute=120) as library:
        library.books(7)
        _exhaust(library)
        assert _titles(_harvester(library, max_retries=3)) == 7
