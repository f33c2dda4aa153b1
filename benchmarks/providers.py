"""Providers over the same SQLite file, each one process of waitress: ours, a peer, two limits.

Run as ``python -m benchmarks.providers NAME FOLDER``: prints the port on a line and serves until
it is ended. The peer is oaipmh 4 (pyoai's maintained release) with its BatchingServer over stored
XML; the limits send the same rows, found by the same keys, with no protocol around them: one
streams each record as it is read, the other joins a page first.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

PAGE = 100
SECRET = "benchmark"
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def bookbridge(folder: Path) -> Wsgi:
    """Return our application as `bookbridge serve` runs it."""
    import logging

    import structlog

    from service.app import create_app
    from service.config import load

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    app: Wsgi = create_app(load({}, data_dir=folder, secret_key=SECRET, page_size=PAGE))
    return app


def streamed(folder: Path) -> Wsgi:
    """Return the bare application that streams the rows: each record is sent as it is read."""
    return _bare(folder, joined=False)


def joined(folder: Path) -> Wsgi:
    """Return the bare application that joins the rows of a page and sends them at once."""
    return _bare(folder, joined=True)


def _bare(folder: Path, *, joined: bool) -> Wsgi:
    """Return stored bytes behind a keyset, with no protocol and no framework around them."""
    connection = sqlite3.connect(folder / "bookbridge.sqlite3", check_same_thread=False)
    query = (
        "SELECT e.stamp, e.item_id, i.public_id, r.body FROM feed_entry e "
        "JOIN feed_item i ON i.id = e.item_id "
        "JOIN rendition r ON r.version_id = i.version_id AND r.prefix = 'marc21' "
        "WHERE e.stream_id = 1 AND (e.stamp, e.item_id) > (?, ?) "
        "ORDER BY e.stamp, e.item_id LIMIT ?"
    )

    def parts(rows: list[tuple[int, int, str, bytes]]) -> Iterator[bytes]:
        yield b"<list>"
        for _, _, public_id, body in rows[:PAGE]:
            yield b"<record><id>%b</id>%b</record>" % (public_id.encode(), body)
        if len(rows) > PAGE:
            yield b"<resumptionToken>%d.%d</resumptionToken>" % rows[PAGE - 1][:2]
        yield b"</list>"

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        token = parse_qs(environ["QUERY_STRING"]).get("resumptionToken", ["0.0"])[0]
        stamp, item = map(int, token.split("."))
        rows = connection.execute(query, (stamp, item, PAGE + 1)).fetchall()
        if not joined:
            start_response("200 OK", [("Content-Type", "text/xml")])
            return parts(rows)
        body = b"".join(parts(rows))
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def pyoai(folder: Path) -> Wsgi:
    """Return oaipmh 4's BatchingServer over the stored XML."""
    from lxml import etree
    from oaipmh import common, metadata, server

    connection = sqlite3.connect(folder / "bookbridge.sqlite3", check_same_thread=False)
    query = (
        "SELECT i.public_id, i.stamp, i.sets, r.body FROM feed_item i "
        "JOIN rendition r ON r.version_id = i.version_id AND r.prefix = 'marc21' "
        "ORDER BY i.id LIMIT ? OFFSET ?"
    )

    class Stored:
        def listRecords(self, metadataPrefix: str, **kw: Any) -> list[Any]:  # noqa: N802, N803, ARG002
            rows = connection.execute(query, (kw["batch_size"], kw["cursor"])).fetchall()
            return [
                (
                    common.Header(
                        None,
                        f"oai:bench:{public_id}",
                        datetime.fromtimestamp(stamp, UTC).replace(tzinfo=None),
                        sets.split(),
                        False,
                    ),
                    common.Metadata(None, {"xml": body}),
                    None,
                )
                for public_id, stamp, sets, body in rows
            ]

        def identify(self) -> Any:
            return common.Identify(
                "Benchmark",
                "http://127.0.0.1/oai",
                "2.0",
                ["bench@example.org"],
                datetime(2000, 1, 1),  # noqa: DTZ001 - pyoai wants it without a zone
                "persistent",
                "YYYY-MM-DDThh:mm:ssZ",
                [],
            )

    registry = metadata.MetadataRegistry()
    registry.registerWriter(
        "marc21", lambda element, stored: element.append(etree.fromstring(stored.getMap()["xml"]))
    )
    provider = server.BatchingServer(Stored(), registry, resumption_batch_size=PAGE)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        arguments = {name: value[0] for name, value in parse_qs(environ["QUERY_STRING"]).items()}
        body: bytes = provider.handleRequest(arguments)
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return app


PROVIDERS = {"bookbridge": bookbridge, "pyoai": pyoai, "streamed": streamed, "joined": joined}


def main() -> None:
    """Serve one provider on a free port of the loopback until the process is ended."""
    from waitress.server import create_server

    name, folder = sys.argv[1], Path(sys.argv[2])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = create_server(PROVIDERS[name](folder), host="127.0.0.1", port=0, threads=1)
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
