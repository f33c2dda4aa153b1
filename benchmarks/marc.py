"""From bytes to MARCXML, Dublin Core and match keys, against what scripts do today.

    python -m benchmarks.marc [--records 5000] [--runs 5] [--memory-records 100000] [--no-workers]

Ours reads as an import does: the whole file is surveyed, every frame is checked. Every figure is a
ratio within one run, of medians taken in turns:

* MARCXML alone against pymarc's bare parse of the same bytes;
* MARCXML, oai_dc and keys against the naive routes: pymarc and ``record_to_xml``, then Dublin Core
  by an XSLT in the manner of the Library of Congress, or by a small mapping of pymarc's record;
* ``convert`` with two processes against one;
* the peak of memory over a large file.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.importing import CORPUS, make, naive_dublin_core
from benchmarks.measuring import child, peak_mb, row

if TYPE_CHECKING:
    import pymarc

REAL = (
    "jazz_1k.mrc",
    "uva_001_2000.mrc",
    "lul_fre_500.mrc",
    "marc21.dat",
    "CornellFOLIOExemplars.mrc",
    "FSL.marc",
    "nepali.marc",
)

# Dublin Core in the manner of the LC stylesheet: templates that select data fields by tag.
_XSLT = b"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
 xmlns:m="http://www.loc.gov/MARC21/slim" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" exclude-result-prefixes="m">
<xsl:template match="/"><xsl:apply-templates select="//m:record"/></xsl:template>
<xsl:template match="m:record">
 <xsl:variable name="f" select="m:controlfield[@tag=008]"/>
 <oai_dc:dc>
 <xsl:for-each select="m:datafield[@tag=245]"><dc:title><xsl:call-template name="codes">
  <xsl:with-param name="codes">abfghk</xsl:with-param></xsl:call-template></dc:title></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=100]|m:datafield[@tag=110]|m:datafield[@tag=111]|
  m:datafield[@tag=700]|m:datafield[@tag=710]|m:datafield[@tag=711]|m:datafield[@tag=720]">
  <dc:creator><xsl:value-of select="normalize-space(.)"/></dc:creator></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=655]"><dc:type><xsl:value-of select="normalize-space(.)"/>
  </dc:type></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=260]|m:datafield[@tag=264]"><dc:publisher>
  <xsl:call-template name="codes"><xsl:with-param name="codes">ab</xsl:with-param>
  </xsl:call-template></dc:publisher></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=260]/m:subfield[@code='c']|
  m:datafield[@tag=264]/m:subfield[@code='c']"><dc:date><xsl:value-of select="."/></dc:date>
  </xsl:for-each>
 <dc:language><xsl:value-of select="substring($f,36,3)"/></dc:language>
 <xsl:for-each select="m:datafield[@tag=856]/m:subfield[@code='q']"><dc:format>
  <xsl:value-of select="."/></dc:format></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag&gt;=500 and @tag&lt;=599 and not(@tag=506 or @tag=530
  or @tag=540 or @tag=546)]"><dc:description><xsl:value-of select="normalize-space(.)"/>
  </dc:description></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=600]|m:datafield[@tag=610]|m:datafield[@tag=611]|
  m:datafield[@tag=630]|m:datafield[@tag=650]|m:datafield[@tag=653]"><dc:subject>
  <xsl:call-template name="codes"><xsl:with-param name="codes">abcdq</xsl:with-param>
  </xsl:call-template></dc:subject></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=752]|m:datafield[@tag=651]"><dc:coverage>
  <xsl:value-of select="normalize-space(.)"/></dc:coverage></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=530]|m:datafield[@tag=760]|m:datafield[@tag=776]|
  m:datafield[@tag=780]|m:datafield[@tag=785]"><dc:relation><xsl:value-of
  select="normalize-space(.)"/></dc:relation></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=856]"><dc:identifier><xsl:value-of
  select="m:subfield[@code='u']"/></dc:identifier></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=020]"><dc:identifier>URN:ISBN:<xsl:value-of
  select="m:subfield[@code='a']"/></dc:identifier></xsl:for-each>
 <xsl:for-each select="m:datafield[@tag=506]|m:datafield[@tag=540]"><dc:rights>
  <xsl:value-of select="m:subfield[@code='a']"/></dc:rights></xsl:for-each>
 </oai_dc:dc></xsl:template>
<xsl:template name="codes"><xsl:param name="codes"/>
 <xsl:variable name="s"><xsl:for-each select="m:subfield"><xsl:if
  test="contains($codes,@code)"><xsl:value-of select="text()"/><xsl:text> </xsl:text></xsl:if>
 </xsl:for-each></xsl:variable><xsl:value-of select="normalize-space($s)"/></xsl:template>
</xsl:stylesheet>"""


# Records that a file is repeated to.
_ENOUGH = 1_000


def _pymarc_reader(data: bytes) -> Iterable[pymarc.Record | None]:
    import pymarc

    # Without its warnings, which take longer to print than the records to read.
    return pymarc.MARCReader(io.BytesIO(data), hide_utf8_warnings=True)


def _pymarc_parse(data: bytes) -> int:
    return sum(record is not None for record in _pymarc_reader(data))


def _naive_with(dublin_core: Callable[[object, bytes], object]) -> Callable[[bytes], int]:
    import pymarc

    def route(data: bytes) -> int:
        number = 0
        for record in _pymarc_reader(data):
            if record is None:
                continue
            document = pymarc.record_to_xml(record, namespace=True)
            dublin_core(record, document)
            record.get_fields("001", "020", "022", "024", "035")
            number += 1
        return number

    return route


def _by_xslt() -> Callable[[object, bytes], object]:
    from lxml import etree

    transform = etree.XSLT(etree.fromstring(_XSLT))
    return lambda _record, document: etree.tostring(transform(etree.fromstring(document)))


def _marcxml(data: bytes) -> int:
    from marc_mappings import formats, marcxml

    number = 0
    for item in formats.read(io.BytesIO(data)):
        if isinstance(item, formats.Parsed):
            marcxml.write(item.content)
            number += 1
    return number


def _all_forms(*, titles: bool) -> Callable[[bytes], int]:
    from marc_mappings import formats, marcxml, match_keys, oai_dc

    make = match_keys.keys if titles else match_keys.identifier_only

    def route(data: bytes) -> int:
        number = 0
        for item in formats.read(io.BytesIO(data)):
            if isinstance(item, formats.Parsed):
                marcxml.write(item.content)
                oai_dc.write(item.content)
                make(item.content)
                number += 1
        return number

    return route


_ROUTES: dict[str, Callable[[], Callable[[bytes], int]]] = {
    "pymarc, bare parse": lambda: _pymarc_parse,
    "naive, with XSLT": lambda: _naive_with(_by_xslt()),
    "naive, pymarc-based": lambda: _naive_with(lambda record, _: naive_dublin_core(record)),
    "ours, MARCXML": lambda: _marcxml,
    "ours, MARCXML, oai_dc, identifiers": lambda: _all_forms(titles=False),
    "ours, MARCXML, oai_dc, all keys": lambda: _all_forms(titles=True),
}
# What is compared with what, and what was asked.
_RATIOS = (
    ("ours, MARCXML", "pymarc, bare parse", "2.5"),
    ("ours, MARCXML, oai_dc, identifiers", "naive, with XSLT", "5, aiming at 8"),
    ("ours, MARCXML, oai_dc, all keys", "naive, with XSLT", "5, aiming at 8"),
    ("ours, MARCXML, oai_dc, identifiers", "naive, pymarc-based", "5, aiming at 8"),
    ("ours, MARCXML, oai_dc, all keys", "naive, pymarc-based", "5, aiming at 8"),
)


def _compare(what: str, data: bytes, runs: int) -> None:
    """Run all routes over the same bytes in turns, in this process, and print the ratios."""
    routes = {name: made() for name, made in _ROUTES.items()}
    seconds: dict[str, list[float]] = {name: [] for name in routes}
    numbers: dict[str, int] = {}
    for _ in range(runs):
        for name, route in routes.items():
            began = time.process_time()
            numbers[name] = route(data)
            seconds[name].append(time.process_time() - began)
    found = numbers["ours, MARCXML"]
    row(f"{what}: {found:,} of {len(data) // found:,} octets", "us/record", "records")
    for name, times in seconds.items():
        row(f"  {name}", statistics.median(times) / numbers[name] * 1e6, numbers[name])
    for one, other, asked in _RATIOS:
        ratios = sorted(
            (slow / numbers[other]) / (quick / numbers[one])
            for quick, slow in zip(seconds[one], seconds[other], strict=True)
        )
        row(f"  {one} : {other} (asked {asked})", statistics.median(ratios))


def _convert(file: Path, workers: int) -> dict[str, float]:
    """Convert ``file`` to MARCXML as the command does; return seconds, records, peak MB."""
    from marc_mappings.conversion import Wanted
    from marc_mappings.survey import Said
    from service.usecases import converting

    with file.open("rb") as source, tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        done = converting.convert(
            source, converting.Sinks(out), Wanted("marcxml"), Said(), workers=workers
        )
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "records": done.tally.read, "mb": peak_mb()}


def main() -> None:
    """Print the figures and the ratios."""
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--memory-records", type=int, default=100_000)
    parser.add_argument("--convert", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if given.convert:
        print(json.dumps(_convert(given.convert, given.workers)))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sample.mrc"
        print(f"medians of {given.runs} runs in turns, processor time")
        if CORPUS.is_dir():
            for name in REAL:
                data = next(CORPUS.rglob(name)).read_bytes()
                # The survey costs a file of few records as much as one of many.
                _compare(name, data * (_ENOUGH // data.count(b"\x1d") + 1), given.runs)
        make(file, given.records)
        _compare("made-up records", file.read_bytes(), given.runs)
        if given.memory_records:
            make(file, given.memory_records)
            one, two = (_child(file, workers) for workers in (1, 2))
            row(f"convert, {given.memory_records:,} records", "records/s", "peak MB")
            for workers, figures in ((1, one), (2, two)):
                rate = figures["records"] / figures["seconds"]
                row(f"  --workers {workers}", rate, figures["mb"])
            row("  two processes : one", one["seconds"] / two["seconds"])


def _child(file: Path, workers: int) -> dict[str, float]:
    return child("benchmarks.marc", "--convert", str(file), "--workers", str(workers))


if __name__ == "__main__":
    sys.exit(main())
