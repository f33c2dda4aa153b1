"""Real files, whole: what the report counts adds up, and nothing is lost without a line.

They lie in ``../shared/corpus`` beside the repository and are skipped where that is absent.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lxml import etree

from marc_mappings import iso2709
from oai.repository import Key, Selection
from service.domain.import_batch import BatchState
from service.store import feed
from service.store.db import Database
from service.usecases import cataloguing, offering, publishing
from service.usecases.disseminating import FeedRepository
from service.usecases.site import Site
from tests.conftest import SHARED
from tests.service.builders import make_site, open_list, receive, work

pytestmark = pytest.mark.slow

MARC8, UTF8 = "marc-8", "utf-8"
# File, a word to search for, and the beginning of a title that must be found by it.
FILES: list[tuple[str, str, str]] = [
    ("next-l__enju_leaf/spec/fixtures/files/marc21.dat", "吉野朔実", "吉野朔実は本が大好き"),
    ("solrmarc__solrmarc/test/data/records/uva_001_2000.mrc", "Chinese cooking", ""),
    ("**/jazz_1k.mrc", "jazz", ""),
    ("**/lul_fre_500.mrc", "français", ""),
    ("**/hebrew.marc", "", ""),
    ("**/nepali.marc", "", ""),
    ("indexdata__yaz/**/marccol*.marc", "", ""),
    ("folio-org__mod-data-import/src/test/resources/CornellFOLIOExemplars.mrc", "", ""),
    ("marc4j__marc4j/test/resources/pride-and-prejudice-with-many-errors.mrc", "", ""),
]


def _files() -> list[Path]:
    corpus = SHARED / "corpus"
    return sorted({file for pattern, _, _ in FILES for file in corpus.glob(pattern)})


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Site:
    return make_site(Database(sqlite_url), tmp_path)


@pytest.mark.parametrize("file", _files() or [None], ids=lambda f: f.name if f else "absent")
def test_a_real_file_is_imported_whole(site: Site, corpus: Path, file: Path) -> None:
    open_list(site)
    data = file.read_bytes()
    received = receive(site, data, name=file.name)
    work(site)
    report = cataloguing.report(site.db, received.batch.public_id)
    counts = report.counts
    assert report.batch.state is BatchState.COMMITTED
    assert counts.read == counts.ok + counts.repaired + counts.rejected > 0
    assert counts.read - counts.rejected == (
        counts.new + counts.update + counts.duplicate + counts.ambiguous
    )
    _every_octet_is_in_a_line(site, received.batch.public_id, data)
    _all_that_is_new_is_harvested(site, counts.new)


def _every_octet_is_in_a_line(site: Site, batch: str, data: bytes) -> None:
    end = 0
    for line in cataloguing.report_lines(site.db, batch, 0, 100_000):
        assert not iso2709.BETWEEN.sub(b"", data[end : line.offset])
        assert line.outcome != "rejected" or line.problems
        end = line.offset + line.length
    assert not iso2709.BETWEEN.sub(b"", data[end:])


def _all_that_is_new_is_harvested(site: Site, number: int) -> None:
    repository = FeedRepository(site.db, site.settings, site.clock)
    for prefix in ("oai_dc", "marc21"):
        found, after = 0, None
        while True:
            page = repository.page(Selection(prefix), after, with_metadata=True)
            for row in page.rows:
                etree.fromstring(row.metadata or b"")
            found += len(page.rows)
            if not page.more:
                break
            after = Key(*page.rows[-1].key)
        assert found == number


@pytest.mark.parametrize(
    ("name", "query", "title"),
    [
        ("marc21.dat", "吉野朔実は本", "吉野朔実は本が大好き"),
        ("hebrew.marc", "", ""),
        ("nepali.marc", "", ""),
    ],
)
def test_titles_read_right_in_their_scripts(
    site: Site, corpus: Path, name: str, query: str, title: str
) -> None:
    (file,) = [each for each in _files() if each.name == name]
    open_list(site)
    receive(site, file.read_bytes())
    work(site)
    offers = offering.browse(site.db, {feed.PUBLIC}, query=query, limit=1000)
    assert offers
    if title:
        assert any(offer.title.startswith(title) for offer in offers)
    texts = "".join(offer.title + offer.title_vernacular for offer in offers)
    assert "�" not in texts


def test_the_marc8_of_a_real_catalogue_reads_as_pymarc_reads_it(site: Site, corpus: Path) -> None:
    import pymarc

    (file,) = [each for each in _files() if each.name == "uva_001_2000.mrc"]
    open_list(site)
    data = file.read_bytes()
    received = receive(site, data)
    work(site)
    lines = cataloguing.report_lines(site.db, received.batch.public_id, 0, 100_000)
    titles = {line.control_number: line.title for line in lines}
    compared = 0
    for record in pymarc.MARCReader(io.BytesIO(data), to_unicode=True):
        if record is None or record.get("001") is None or record.get("245") is None:
            continue
        number = record["001"].data.strip()
        first = (record["245"].get_subfields("a") or [""])[0].strip(" /:;,=.")
        if "�" not in first:
            assert titles[number].startswith(first.split("  ")[0][:20]), number
            compared += 1
    assert compared > 900


def test_publishing_real_records_moves_the_clock_and_nothing_else(site: Site, corpus: Path) -> None:
    (file,) = [each for each in _files() if each.name == "marc21.dat"]
    open_list(site)
    receive(site, file.read_bytes())
    work(site)
    before = publishing.publish(site.db, site.clock)
    assert before.items == 0
