"""From a file to committed, searchable and harvestable, against a naive route without a database.

    python -m benchmarks.importing [--records 5000] [--runs 3] [--memory-records 100000]

The naive route is what a script does today: pymarc's MARCReader, ``record_to_xml`` and a small
Dublin Core mapping, keeping nothing. Ours reads the same file, keeps the original, every record,
its renditions, match keys, search terms, offers, and publishes them.

Made-up records are pure ASCII or UTF-8; real ones, where ``../shared/corpus`` is beside the
repository, are MARC-8 and UTF-8 as three libraries have them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.measuring import child, medians, peak_mb, row


def ours(file: Path) -> dict[str, float]:
    """Import ``file`` into a new site; return seconds, records and the peak in MB."""
    import logging

    import structlog

    from service import worker
    from service.config import load
    from service.domain.offer import ListAction
    from service.store import schema
    from service.store.db import Database
    from service.usecases import cataloguing, offering, publishing
    from service.usecases.site import Site

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        settings = load({}, data_dir=Path(folder), secret_key="benchmark")
        db = Database(settings.database)
        schema.upgrade(db)
        site = Site(db, settings, time.time)
        offering.create_list(db, slug="bench", title="Benchmark", now=site.now())
        offering.change_list(db, "bench", ListAction.OPEN, site.now())
        began = time.perf_counter()
        with file.open("rb") as stream:
            received = cataloguing.receive(
                db, stream, file_name=file.name, list_slug="bench", limit=10**10, now=site.now()
            )
        second = [0.0]
        while (held := worker.lease(site)) is not None:
            worker.work(site, held, lambda *_: second.append(_children_mb()))
        imported = time.perf_counter() - began
        publishing.publish_all(db, time.time)
        published = time.perf_counter() - began
        counts = cataloguing.report(db, received.batch.public_id).counts
        with db.read() as conn:
            from service.store import feed_reading

            listed = feed_reading.count(conn, 1, from_=0, until=2**40, cap=10**9)
        assert listed == counts.new, (listed, counts)
        db.close()
        return {
            "seconds": published,
            "import_seconds": imported,
            "records": counts.read,
            # The second process, which prepares records, counts as well.
            "mb": peak_mb() + max(second),
        }


def _children_mb() -> float:
    """Return the largest size of the processes that this one has started, in MB."""
    import psutil

    return sum(peak_mb(each.pid) for each in psutil.Process().children())


def naive(file: Path) -> dict[str, float]:
    """Read ``file`` with pymarc, make MARCXML and Dublin Core, keep nothing."""
    import pymarc

    began = time.perf_counter()
    number = 0
    with file.open("rb") as stream:
        for record in pymarc.MARCReader(stream):
            assert record is not None
            pymarc.record_to_xml(record, namespace=True)
            naive_dublin_core(record)
            number += 1
    return {"seconds": time.perf_counter() - began, "records": number, "mb": peak_mb()}


def naive_dublin_core(record: object) -> bytes:
    root = ElementTree.Element("{http://www.openarchives.org/OAI/2.0/oai_dc/}dc")

    def add(name: str, text: str | None) -> None:
        if text:
            made = ElementTree.SubElement(root, "{http://purl.org/dc/elements/1.1/}" + name)
            made.text = text

    add("title", record.title)  # type: ignore[attr-defined]
    for tag, name in _CROSSWALK:
        for field in record.get_fields(tag):  # type: ignore[attr-defined]
            add(name, " ".join(field.get_subfields("a", "b", "c", "x")))
    return ElementTree.tostring(root)


_CROSSWALK = (
    ("100", "creator"),
    ("700", "contributor"),
    ("264", "publisher"),
    ("300", "format"),
    ("500", "description"),
    ("520", "description"),
    ("650", "subject"),
    ("020", "identifier"),
)


def make(file: Path, number: int) -> None:
    """Write ``number`` records to ``file``."""
    from benchmarks.sample import records
    from marc_mappings import iso2709

    with file.open("wb") as out:
        for record in records(number):
            out.write(iso2709.write(record))


CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
_REAL = ("jazz_1k.mrc", "uva_001_2000.mrc", "lul_fre_500.mrc")


def _compare(file: Path, what: str, count: int) -> dict[str, float]:
    """Print both routes over ``file`` and their ratio; return the medians of ours."""
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "naive": []}
    for _ in range(count):
        for route in runs:
            runs[route].append(_run(route, file))
    ours_, naive_ = medians(runs["ours"]), medians(runs["naive"])
    ratios = sorted(
        _rate(one) / _rate(other) for one, other in zip(runs["ours"], runs["naive"], strict=True)
    )
    octets = file.stat().st_size / ours_["records"]
    row(f"{what}: {ours_['records']:,.0f} of {octets:.0f} octets", "records/s", "peak MB")
    row("  naive pymarc route, no database", _rate(naive_), naive_["mb"])
    row("  Bookbridge, to harvestable", _rate(ours_), ours_["mb"])
    row("  Bookbridge, to committed", ours_["records"] / ours_["import_seconds"], "")
    row("  ratio, median of the pairs (asked: 1)", ratios[len(ratios) // 2])
    row("  ratio, least and greatest", ratios[0], ratios[-1])
    return ours_


def main() -> None:
    """Print the figures and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory-records", type=int, default=100_000)
    parser.add_argument("--route", choices=("ours", "naive"))
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.route:
        route = {"ours": ours, "naive": naive}[given.route]
        print(json.dumps(route(given.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sample.mrc"
        print(f"medians of {given.runs} runs in turns")
        if CORPUS.is_dir():
            real = [next(CORPUS.rglob(name)) for name in _REAL]
            file.write_bytes(b"".join(each.read_bytes() for each in real))
            _compare(file, "real records", given.runs)
        make(file, given.records)
        ours_ = _compare(file, "made-up records", given.runs)
        if given.memory_records:
            make(file, given.memory_records)
            large = _run("ours", file)
            row(f"{given.memory_records:,} records", _rate(large), large["mb"])
            row("peak MB over the smaller file's", large["mb"] - ours_["mb"])


def _run(route: str, file: Path) -> dict[str, float]:
    return child("benchmarks.importing", "--route", route, "--file", str(file))


def _rate(figures: dict[str, float]) -> float:
    return figures["records"] / figures["seconds"]


if __name__ == "__main__":
    sys.exit(main())
