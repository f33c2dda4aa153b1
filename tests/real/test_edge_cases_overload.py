"""OAI-PMH edge case 58, overload, over a real server."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from service.cli import server
from service.store import feed
from tests.real.edge_case_library import LIST, Answer, served


def test_58_when_too_many_wait_harvesters_are_asked_to_come_again_and_nobody_is_cut_off(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_WAITING", 5)
    view = feed.view

    def slow(*arguments: Any) -> Any:
        time.sleep(0.05)
        return view(*arguments)

    with served(sqlite_template, tmp_path, threads=1) as library:
        library.books(7)
        whole = library.ask(LIST).body
        monkeypatch.setattr(feed, "view", slow)
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
