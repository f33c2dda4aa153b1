"""Every real file through ``bookbridge convert``: a line for each frame, and no surprise.

The files lie in ``../shared/corpus`` beside the repository, the schemas in ``../shared/schemas``;
tests skip where they are absent. What yaz reads is compared where ``yaz-marcdump`` is installed
(Debian: ``apt install yaz``).
"""

from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pymarc
import pytest
from click.testing import CliRunner, Result
from lxml import etree

from marc_mappings import formats
from marc_mappings.formats import Parsed
from marc_mappings.record import Record
from service.cli import cli
from tests.conftest import SHARED

pytestmark = pytest.mark.slow

MANIFEST = SHARED / "corpus" / "MANIFEST.tsv"
# PICA+ is not MARC: the only file that is refused as a whole.
REFUSED = {"pica.xml"}
FORMS = ("marcxml", "iso2709", "json", "mrk")
# Files of several origins, dialects and encodings, also damaged ones.
SOME = (
    "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/jazz_1k.mrc",
    "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/hebrew.marc",
    "evergreen-library-system__Evergreen/Open-ILS/tests/datasets/lul_fre_100.mrc",
    "OpenDataNode__UVPlugin-ISO2709ToMarcXML/src/test/resources/comsode.mrc",
    "amironov73__ManagedIrbis/TestData/TEST1.ISO",
    "kolas3__kolas/develop/Source/ESL/MARC/marc.txt",
    "next-l__enju_leaf/spec/fixtures/files/marc21.dat",
    "indexdata__yaz/test/marc-files/marccol4.u8.marc",
    "edsu__pymarc/test/bad_records.mrc",
)
MARCXML = "{http://www.loc.gov/MARC21/slim}"


def _files() -> list[str]:
    if not MANIFEST.is_file():
        return []
    lines = MANIFEST.read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines]


def _convert(*arguments: str) -> Result:
    done = CliRunner().invoke(cli, ["convert", *arguments])
    assert done.exit_code in (0, 1), (done.output, done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _records(data: bytes) -> list[Record]:
    items = list(formats.read(io.BytesIO(data)))
    assert all(isinstance(item, Parsed) for item in items)
    return [item.record for item in items if isinstance(item, Parsed)]


@pytest.fixture(params=SOME, ids=lambda name: str(name).rpartition("/")[2])
def file(request: pytest.FixtureRequest, corpus: Path) -> Path:
    path: Path = corpus / request.param
    return path


# Every file


@pytest.mark.parametrize("number", range(8))
def test_every_file_gets_a_line_for_each_frame_and_output_that_reads_again(
    corpus: Path, tmp_path: Path, number: int
) -> None:
    out, report = tmp_path / "out.xml", tmp_path / "report.jsonl"
    files = _files()
    assert len(files) > 700
    for name in files[number::8]:
        path = corpus / name
        done = _convert(str(path), "--to", "marcxml", "-o", str(out), "--report", str(report))
        assert "Traceback" not in done.output, name
        if path.name in REFUSED:
            assert "not a file of MARC records" in done.stderr
            assert not out.exists()
            continue
        assert report.exists(), done.stderr
        with path.open("rb") as stream:
            frames = [(each.position, each.frame.offset) for each in formats.cut(stream)]
        lines = _lines(report)
        assert [(line["position"], line["offset"]) for line in lines] == frames, name
        kept = [line for line in lines if line["outcome"] != "rejected"]
        written = _records(out.read_bytes())
        assert [record.control_number for record in written] == [
            line["control_number"] for line in kept
        ], name
        assert all(
            line["outcome"] == "rejected" or {"encoding", "dialect", "title"} <= line.keys()
            for line in lines
        )
        out.unlink()
        report.unlink()


# Round trips


def test_a_record_is_the_same_after_a_round_of_all_forms(file: Path, tmp_path: Path) -> None:
    _convert(str(file), "--to", "marcxml", "-o", str(tmp_path / "0"))
    first = (tmp_path / "0").read_bytes()
    records = _records(first)
    # ISO 2709 states its own lengths and that it is in UTF-8: leaders are compared without that.
    for at, form in enumerate(("iso2709", "json", "mrk", "marcxml"), 1):
        done = _convert(
            str(tmp_path / str(at - 1)), "--to", form, "-o", str(tmp_path / str(at)),
            "--from-dialect", "marc21",
        )  # fmt: skip
        assert "rejected" not in done.stderr
        again = _records((tmp_path / str(at)).read_bytes())
        assert [record.fields for record in again] == [record.fields for record in records], form
        assert [_described(record) for record in again] == [_described(each) for each in records]


def _described(record: Record) -> tuple[str, str]:
    return record.leader[5:9], record.leader[17:20]


# What others read


def _plain(record: pymarc.Record) -> list[tuple[str, object]]:
    return [
        (field.tag, field.data)
        if field.is_control_field()
        else (field.tag, ("".join(field.indicators), [tuple(each) for each in field.subfields]))
        for field in record.fields
    ]


def _ours(data: bytes) -> list[list[tuple[str, object]]]:
    return [
        [
            (field.tag, field.value)
            if field.tag < "010"
            else (field.tag, (field.indicators, [tuple(each) for each in field.subfields]))
            for field in record.fields
        ]
        for record in _records(data)
    ]


def test_pymarc_reads_the_same(file: Path, tmp_path: Path) -> None:
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    made = {form: tmp_path / form for form in FORMS[:3]}
    for form, path in made.items():
        _convert(str(file), "--to", form, "-o", str(path))
    reader = pymarc.MARCReader(made["iso2709"].read_bytes())
    assert [_plain(record) for record in reader if record] == _ours(made["iso2709"].read_bytes())
    xml = pymarc.parse_xml_to_array(str(made["marcxml"]))
    assert [_plain(record) for record in xml] == _ours(made["marcxml"].read_bytes())
    with made["json"].open(encoding="utf-8") as stream:
        json_read = [_plain(record) for record in pymarc.JSONReader(stream)]
    assert json_read == _ours(made["json"].read_bytes())


def test_yaz_reads_the_same(file: Path, tmp_path: Path) -> None:
    yaz = shutil.which("yaz-marcdump")
    if not yaz:
        pytest.skip("yaz-marcdump is not installed (Debian: apt install yaz)")
    path = tmp_path / "out.mrc"
    _convert(str(file), "--to", "iso2709", "-o", str(path))
    done = subprocess.run(
        [yaz, "-i", "marc", "-o", "marcxml", "-f", "utf-8", "-t", "utf-8", str(path)],
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert _ours(done.stdout) == _ours(path.read_bytes())


# What is valid


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    path = SHARED / "schemas" / "all.xsd"
    if not path.is_file():
        pytest.skip("../shared/schemas is not here")
    return etree.XMLSchema(etree.parse(path))


def _elements(path: Path, form: str) -> Iterator[etree._Element]:
    root = etree.parse(path).getroot()
    # Dublin Core has no element for a collection: each record is valid by itself.
    yield from root if form == "oai_dc" else [root]


@pytest.mark.parametrize("form", ["marcxml", "oai_dc", "mods"])
def test_xml_is_valid_with_its_collection(
    file: Path, tmp_path: Path, schema: etree.XMLSchema, form: str
) -> None:
    path = tmp_path / "out.xml"
    _convert(str(file), "--to", form, "-o", str(path))
    for element in _elements(path, form):
        valid = schema.validate(etree.ElementTree(element))
        assert valid, schema.error_log.last_error  # type: ignore[attr-defined]
