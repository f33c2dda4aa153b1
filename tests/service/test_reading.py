"""What a cataloguer sends is read in any format, dialect and encoding, and kept as MARC 21."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

import pytest
import sqlalchemy as sa
from lxml import etree

from marc_mappings import formats, iso2709, marc_json, marc_text, marcxml, match_keys
from marc_mappings.keys.key_kinds import BARE_KINDS
from marc_mappings.record import Record
from marc_mappings.survey import Said
from service import worker
from service.domain import import_batch, match_rule, wish_line
from service.domain.import_batch import Action, BatchState, Line
from service.errors import Invalid, LeaseLost, TooLarge, UnsupportedFormat
from service.store import feed, imports, jobs
from service.store.tables import original, record_version, rendition
from service.usecases import cataloguing, offering, staging
from service.usecases.site import Site
from tests.marc_mappings import reencoding
from tests.service.builders import (
    HandClock,
    a_file,
    a_record,
    bring_file,
    open_list,
    receive,
    work,
)

KOREAN = (
    "한국의 옛이야기",
    "바다와 나비",
    "서울 사람들의 하루",
    "우리말의 뿌리를 찾아서",
    "고려 시대의 도자기",
    "조선 왕조 실록 이야기",
    "봄이 오는 길목에서",
    "아이들을 위한 동화",
    "산과 강의 지리학",
    "현대 한국 문학의 이해",
)
CHINESE = (
    "中国古代文学史",
    "现代汉语语法研究",
    "长江流域的城市发展",
    "明清小说与社会生活",
    "北京胡同的故事",
    "经济改革与对外开放",
    "唐诗宋词选读",
    "中国历史地图集",
    "农村教育问题研究",
    "红楼梦人物论",
)


def kormarc(title: str, number: int) -> bytes:
    """A record as Korean libraries send it: CP949, no word of that in the leader, 245 $d."""
    return reencoding.frame(
        b"00000nam  2200000 k 4500",
        [
            (b"001", b"KMO%09d" % number),
            (b"008", b"980610s1998    ulk           000a  kor  "),
            (b"049", b"0 \x1flEM%06d" % number),
            (b"056", b"  \x1fa811"),
            (b"245", f"00\x1fa{title} /\x1fd홍길동 지음".encode("cp949")),
            (b"260", "  \x1fa서울 :\x1fb민음사,\x1fc1998".encode("cp949")),
        ],
    )


def cnmarc(title: str, number: int, encoding: str = "gbk") -> bytes:
    """A record as Chinese libraries send it."""
    return reencoding.frame(
        b"00000nam  2200000   450 ",
        [
            (b"001", b"%012d" % number),
            (b"010", b"  \x1fa7-02-000220-X\x1fdCNY12.00"),
            (b"100", b"  \x1fa19980610d1998    em y0chiy0110    ea"),
            (b"101", b"0 \x1fachi"),
            (b"102", b"  \x1faCN\x1fb110000"),
            (b"200", f"1 \x1fa{title}\x1ff王小明著".encode(encoding)),
            (b"210", "  \x1fa北京\x1fc人民文学出版社\x1fd1998".encode(encoding)),
            (b"690", b"  \x1faI206\x1fv4"),
            (b"701", " 0\x1fa王小明\x1f4著".encode(encoding)),
            (b"801", b" 0\x1faCN\x1fbNLC\x1fc19980610"),
            (b"905", b"  \x1faNLC\x1fdI206/1"),
        ],
    )


class Kept(NamedTuple):
    """What the catalogue has of one record of a file."""

    line: Line
    record: Record
    control_key: str | None
    dc: str

    @property
    def title(self) -> str:
        """The record's $a of 245."""
        return next(field.first("a") for field in self.record.all("245"))


def kept(site: Site, report: cataloguing.Report) -> list[Kept]:
    """Return what the catalogue has of every record of a batch."""
    found = []
    columns = (record_version.c.canonical, record_version.c.control_key, rendition.c.body)
    for line in cataloguing.report_lines(site.db, report.batch.public_id, 0, 10_000):
        with site.db.read() as conn:
            canonical, control_key, dc = conn.execute(
                sa.select(*columns)
                .join(rendition, rendition.c.version_id == record_version.c.id)
                .where(record_version.c.id == line.version_id, rendition.c.prefix == "oai_dc")
            ).one()
        item = formats.read_one(bytes(canonical))
        assert isinstance(item, formats.Parsed)
        texts = map(str, etree.fromstring(bytes(dc)).itertext())
        found.append(Kept(line, item.record, control_key, "\n".join(texts)))
    return found


def squeezed(text: str) -> str:
    """Return letters and digits alone: crosswalks set ISBD punctuation and spaces."""
    return re.sub(r"[\W_]+", "", normalize("NFC", text))


def sound(each: Kept) -> None:
    """Hold what every record that is kept must be."""
    fixed = [field.value for field in each.record.all("008")]
    assert [len(value) for value in fixed] == [40]
    assert not [part for field in each.record.all("245") for part in field.all("d")]
    assert each.record.leader[9] == "a"
    assert "\ufffd" not in each.title
    assert squeezed(each.title) in squeezed(each.line.title)
    assert squeezed(each.title) in squeezed(each.dc)


# --- files of our own ---------------------------------------------------------------------------


def test_a_korean_file_in_cp949_is_read_converted_and_reported(site: Site) -> None:
    open_list(site)
    report = bring_file(
        site, b"".join(kormarc(*each) for each in zip(KOREAN, range(1, 11), strict=True))
    )
    assert (report.counts.read, report.counts.new, report.counts.doubtful) == (10, 10, 0)
    found = report.batch.surveyed
    assert found is not None
    assert (found.encoding.name, found.encoding.certain) == ("cp949", True)
    assert (found.dialect.name, found.dialect.certain) == ("kormarc", True)
    assert found.encoding.evidence
    assert found.dialect.evidence
    records = kept(site, report)
    for each, title in zip(records, KOREAN, strict=True):
        sound(each)
        assert squeezed(each.title) == squeezed(title)
        assert "홍길동" in next(field.first("c") for field in each.record.all("245"))
        assert (each.line.encoding, each.line.encoding_certain) == ("cp949", True)
        assert each.line.dialect == "kormarc"
    assert {offer.title for offer in offering.browse(site.db, {feed.PUBLIC}, limit=50)} == {
        each.line.title for each in records
    }


def test_a_chinese_file_in_gbk_is_read_converted_and_reported(site: Site) -> None:
    open_list(site)
    report = bring_file(
        site, b"".join(cnmarc(*each) for each in zip(CHINESE, range(1, 11), strict=True))
    )
    assert (report.counts.read, report.counts.new, report.counts.doubtful) == (10, 10, 0)
    records = kept(site, report)
    for number, (each, title) in enumerate(zip(records, CHINESE, strict=True), 1):
        sound(each)
        assert squeezed(each.title) == squeezed(title)
        assert each.line.encoding in {"gbk", "gb18030"}
        assert each.line.dialect == "cnmarc"
        assert each.control_key == f"(NLC){number:012}"
        assert next(each.record.all("008")).value[35:38] == "chi"
        assert "905" in each.line.unmapped


FORMS: dict[str, Callable[[list[Record]], bytes]] = {
    "iso2709": lambda records: b"".join(map(iso2709.write, records)),
    "marcxml": lambda records: b"".join(
        [b'<collection xmlns="http://www.loc.gov/MARC21/slim">']
        + [marcxml.write(each) for each in records]
        + [b"</collection>"]
    ),
    "json": lambda records: b"[%b]" % b",".join(map(marc_json.write, records)),
    "json in lines": lambda records: b"".join(map(marc_json.write, records)),
    "mrk": lambda records: b"\n".join(map(marc_text.write, records)),
    "gzip": lambda records: gzip.compress(b"".join(map(iso2709.write, records))),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_told_by_its_content_and_read_in_every_format(site: Site, form: str) -> None:
    open_list(site)
    records = [a_record(title, number=str(n)) for n, title in enumerate(KOREAN)]
    report = bring_file(site, FORMS[form](records))
    assert (report.counts.read, report.counts.ok, report.counts.new) == (10, 10, 10)
    assert report.batch.format == {"gzip": "iso2709", "json in lines": "json"}.get(form, form)
    for each, title in zip(kept(site, report), KOREAN, strict=True):
        assert (each.line.title, each.line.dialect) == (title, "marc21")
        assert each.control_key == f"(XX-TEST){each.record.control_number}"


def test_a_file_in_gzip_is_kept_as_what_was_in_it_and_records_point_into_that(site: Site) -> None:
    open_list(site)
    data = a_file(*(a_record(f"Book {n} " + "x" * 900, number=str(n)) for n in range(700)))
    packed = receive(
        site, gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])
    )
    assert packed.job is not None
    assert packed.job.total == len(data)
    assert receive(site, data).already
    work(site)
    last = cataloguing.report_lines(site.db, packed.batch.public_id, 699, 1)[0]
    assert last.offset + last.length == len(data)
    assert data[last.offset :].startswith(b"%05d" % last.length)


def damaged(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes(byte ^ 0x55 for byte in packed[middle:])


@pytest.mark.parametrize("harm", [damaged, lambda packed: packed[:-100], lambda p: p + b"rest"])
@pytest.mark.parametrize("number", [50, 3000])
def test_a_gzip_file_that_is_not_whole_is_refused_as_a_whole(
    site: Site, harm: Callable[[bytes], bytes], number: int
) -> None:
    open_list(site)
    records = (a_record(f"{n * n} {n**5} {n**9}", number=str(n)) for n in range(number))
    with pytest.raises(UnsupportedFormat, match=r"gift\.mrc\.gz: .*damaged gzip file") as refused:
        receive(site, harm(gzip.compress(a_file(*records))), name="gift.mrc.gz")
    assert refused.value.found == "a damaged gzip file"
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(original)).scalar_one() == 0


def test_what_a_gzip_file_grows_to_is_held_against_the_limit(site: Site) -> None:
    open_list(site)
    bomb = gzip.compress(a_file(a_record("One", number="1")) + b" " * 30_000_000)
    assert len(bomb) < 50_000
    with pytest.raises(TooLarge, match="nothing of it was kept") as refused:
        receive(site, bomb, limit=1_000_000)
    assert refused.value.limit == 1_000_000
    with site.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(original)).scalar_one() == 0


# --- what the sender says -----------------------------------------------------------------------


def test_a_word_of_the_sender_that_means_nothing_is_refused_by_name(site: Site) -> None:
    open_list(site)
    with pytest.raises(Invalid, match="klingon") as refused:
        receive(site, a_file(a_record()), said=Said("klingon"))
    assert refused.value.field == "encoding"
    with pytest.raises(Invalid, match="marc22") as refused:
        receive(site, a_file(a_record()), said=Said("", "marc22"))
    assert refused.value.field == "dialect"


def test_an_encoding_by_another_of_its_names_is_the_same_reading(site: Site) -> None:
    open_list(site)
    data = kormarc(KOREAN[0], 1)
    first = receive(site, data, said=Said("EUC-KR"))
    assert receive(site, data, said=Said("cp949")).already
    assert first.batch.encoding_said == "cp949"


def wrongly_read(number: bool) -> bytes:
    """A file of one short record that nothing but its sender's word can settle."""
    fields = [(b"245", "00\x1faЗима".encode("koi8-r"))]
    if number:
        fields[:0] = [(b"001", b"7"), (b"003", b"XX-TEST")]
    return reencoding.frame(b"00000nam a2200000 i 4500", fields)


def shown(site: Site) -> list[str]:
    return [offer.title for offer in offering.browse(site.db, {feed.PUBLIC})]


@pytest.mark.parametrize("number", [True, False])
def test_a_file_read_again_as_its_sender_says_takes_the_place_of_the_first_reading(
    site: Site, number: bool
) -> None:
    open_list(site)
    data = wrongly_read(number) + a_file(a_record("Same in both", number="8"))
    first = bring_file(site, data, said=Said("cp1251"))
    assert shown(site) != ["Зима", "Same in both"]
    second = bring_file(site, data, said=Said("koi8-r"))
    assert second.batch.public_id != first.batch.public_id
    assert (second.counts.update, second.counts.duplicate, second.counts.new) == (1, 1, 0)
    assert shown(site) == ["Зима", "Same in both"]
    (line, _) = cataloguing.report_lines(site.db, second.batch.public_id, 0, 5)
    assert "read before" in line.problems[-1]["message"] or number
    third = bring_file(site, data, said=Said("cp1251"))
    assert third.batch.public_id == first.batch.public_id


def test_a_file_read_again_for_another_list_mends_both(site: Site) -> None:
    open_list(site)
    open_list(site, "autumn")
    bring_file(site, wrongly_read(number=False), said=Said("cp1251"))
    bring_file(site, wrongly_read(number=False), "autumn", said=Said("koi8-r"))
    assert shown(site) == ["Зима", "Зима"]


def test_a_record_that_was_mended_since_is_not_overlaid_by_another_reading(site: Site) -> None:
    open_list(site)
    bring_file(site, wrongly_read(number=True), said=Said("cp1251"))
    bring_file(site, a_file(a_record("Зима, мended", number="9"), a_record("Winter", number="7")))
    report = bring_file(site, wrongly_read(number=True), said=Said("koi8-r"))
    # By its control number it is an update all the same, and that is said so.
    assert (report.counts.update, report.counts.new) == (1, 0)
    (line,) = cataloguing.report_lines(site.db, report.batch.public_id, 0, 5)
    assert line.problems[-1]["message"] == "a newer form of a record we have"


def test_a_staged_reading_is_not_offered_beside_another_that_was_offered_since(site: Site) -> None:
    open_list(site)
    data = wrongly_read(number=False)
    staged = receive(site, data, said=Said("cp1251"), stage_only=True)
    work(site)
    bring_file(site, data, said=Said("koi8-r"))
    cataloguing.order_commit(site.db, staged.batch.public_id, site.now())
    work(site)
    report = cataloguing.report(site.db, staged.batch.public_id)
    assert (report.counts.ambiguous, report.counts.new) == (1, 0)
    assert shown(site) == ["Зима"]


@pytest.mark.parametrize("number", [True, False])
def test_a_file_sent_again_before_its_first_reading_was_offered_ends_as_the_last_word(
    site: Site, number: bool
) -> None:
    open_list(site)
    data = wrongly_read(number) + a_file(a_record("Same in both", number="8"))
    receive(site, data, said=Said("cp1251"))
    second = receive(site, data, said=Said("koi8-r"))
    work(site)
    assert shown(site) == ["Зима", "Same in both"]
    report = cataloguing.report(site.db, second.batch.public_id)
    assert (report.counts.update, report.counts.duplicate, report.counts.new) == (1, 1, 0)
    first, _ = kept(site, report)
    assert first.title == "Зима"
    with site.db.read() as conn:
        owner = conn.execute(
            sa.select(record_version.c.record_id).where(
                record_version.c.id == first.line.version_id
            )
        ).scalar_one()
    assert owner == first.line.record_id


def test_a_dialect_that_the_sender_names_is_taken_for_every_record(site: Site) -> None:
    open_list(site)
    report = bring_file(site, cnmarc(CHINESE[0], 1), said=Said("gbk", "unimarc"))
    (each,) = kept(site, report)
    assert (each.line.dialect, report.batch.dialect_said) == ("unimarc", "unimarc")
    assert report.batch.surveyed is not None
    assert "sender says" in report.batch.surveyed.dialect.evidence[0]
    assert squeezed(each.title) == CHINESE[0]


def test_what_is_not_certain_is_counted_and_comes_with_the_next_step(site: Site) -> None:
    open_list(site)
    report = bring_file(site, wrongly_read(number=False))
    found = report.batch.surveyed
    assert found is not None
    assert not found.encoding.certain
    assert report.counts.doubtful == 1
    steps = import_batch.advice(report.batch, 1, "--encoding NAME", "--from-dialect NAME")
    assert "say --encoding NAME and send the file again" in steps[0]
    plain = bring_file(site, a_file(a_record("Plain", number="1")))
    assert plain.counts.doubtful == 0
    assert import_batch.advice(plain.batch, 0, "x", "y") == ()


# --- a reading that is interrupted --------------------------------------------------------------


def test_a_reading_that_goes_on_later_surveys_the_whole_file_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_list(site)
    work(site)
    monkeypatch.setattr("service.usecases.preparing.STEP", 3)
    # The letters that tell the encoding stand only in the beginning.
    data = b"".join(kormarc(*each) for each in zip(KOREAN, range(1, 11), strict=True))
    data += kormarc("책", 11)
    received = receive(site, data)
    held = worker.lease(site)
    assert held is not None

    class Stopped(Exception):
        pass

    def stop(_: jobs.Job, done: int) -> None:
        if done > len(data) * 0.8:
            raise Stopped

    with pytest.raises(Stopped):
        staging.stage(site.db, held, site.now, stop)
    with site.db.write() as conn:
        jobs.put_back(conn, held)
    work(site)
    report = cataloguing.report(site.db, received.batch.public_id)
    assert (report.batch.state, report.counts.read) == (BatchState.COMMITTED, 11)
    assert report.counts.doubtful == 0
    assert kept(site, report)[-1].line.title.startswith("책")


def test_a_worker_that_surveys_for_long_keeps_its_job(site: Site) -> None:
    open_list(site)
    work(site)
    clock = site.clock
    assert isinstance(clock, HandClock)
    data = a_file(*(a_record("x" * 9000, number=str(n)) for n in range(100)))
    receive(site, data)
    held = worker.lease(site)
    assert held is not None
    alive = 0

    def now():  # type: ignore[no-untyped-def]
        clock.move(jobs.LEASE / timedelta(seconds=3))
        return site.now()

    def on_step(_: jobs.Job, done: int) -> None:
        nonlocal alive
        alive += done == 0
        with site.db.write() as conn:
            assert jobs.lease(conn, site.now()) is None

    staging.stage(site.db, held, now, on_step)
    assert alive >= 2


def test_a_worker_that_lost_its_job_while_surveying_keeps_no_survey(site: Site) -> None:
    open_list(site)
    received = receive(site, a_file(a_record("One", number="1")))
    held = worker.lease(site)
    assert held is not None
    with site.db.write() as conn:
        jobs.put_back(conn, held)
    with pytest.raises(LeaseLost):
        staging.stage(site.db, held, site.now, lambda *_: None)
    with site.db.read() as conn:
        assert imports.by_id(conn, received.batch.id).surveyed is None


# --- wish lists and match keys ------------------------------------------------------------------


def test_every_kind_that_a_wish_is_matched_by_is_one_that_records_have() -> None:
    known = {*match_keys.IDENTIFIER_KINDS, *match_keys.TITLE_KINDS}
    assert set(match_rule.RULES) - set(BARE_KINDS) == known


@pytest.mark.parametrize("media_type", ["application/marc", "application/marc-in-json"])
def test_a_wish_list_of_foreign_records_is_matched_by_what_they_say(media_type: str) -> None:
    body = cnmarc(CHINESE[0], 1)
    if media_type.endswith("json"):
        (item,) = formats.read(io.BytesIO(body), said=Said("gbk"))
        assert isinstance(item, formats.Parsed)
        body = marc_json.write(item.record)
        assert json.loads(body)
    names = wish_line.Names("books.example.org", "https://books.example.org")
    (line,) = wish_line.read(body, media_type, names, 10)
    assert ("isbn", "9787020002207") in line.keys
    assert ("control", "(NLC)000000000001") in line.keys
    assert not any(key.kind == "lccn" for key in line.keys)


# --- real files ---------------------------------------------------------------------------------

KORMARC = "kolas3__kolas/develop/Source/ESL/MARC/marc.txt"
RUSMARC = "amironov73__ManagedIrbis/TestData/TEST1.ISO"
CMARC = "feelovejun__marc21tocmarc/MarcTranser/20171117_423294_ntuedu_CMARC.mrc"
CNMARC = "DigitalPlatform__dp2/dp2Catalog/SRU/sample_kormarcxml.xml"
JSON = "folio-org__mod-data-import/src/test/resources/ChalmersFOLIOExamples.json"


def title_proper(raw: bytes, tag: bytes, encoding: str) -> str:
    """Return the first $a of the title field, read with the codec that is known to be right."""
    base = int(raw[12:17])
    entries = (raw[at : at + 12] for at in range(24, base - 12, 12))
    start = next(int(entry[7:]) for entry in entries if entry[:3] == tag)
    data = raw[base + start :].split(b"\x1e")[0]
    part = next(each for each in data.split(b"\x1f") if each.startswith(b"a"))
    return part[1:].decode(encoding)


@pytest.mark.parametrize(
    ("file", "dialect", "encoding", "tag"),
    [
        (KORMARC, "kormarc", "cp949", b"245"),
        (RUSMARC, "rusmarc", "cp1251", b"200"),
        (CMARC, "cmarc", "utf-8", b"200"),
    ],
)
def test_real_files_of_other_dialects_come_in_right(
    site: Site, corpus: Path, file: str, dialect: str, encoding: str, tag: bytes
) -> None:
    open_list(site)
    report = bring_file(site, (corpus / file).read_bytes())
    found = report.batch.surveyed
    assert found is not None
    assert (found.dialect.name, found.encoding.name) == (dialect, encoding)
    assert (report.counts.rejected, report.counts.doubtful) == (0, 0)
    raws = reencoding.frames(corpus / file)
    records = [each for each in kept(site, report) if each.line.version_id]
    assert len(records) == len(raws) == report.counts.read
    for each, raw in zip(records, raws, strict=True):
        sound(each)
        # The title of a volume may stand behind that of its set.
        assert squeezed(title_proper(raw, tag, encoding)) in squeezed(each.line.title)
        assert each.line.encoding == encoding or raw.isascii()
        assert each.line.encoding_certain
        assert each.line.dialect == dialect


def test_foreign_control_numbers_become_control_keys_of_their_agency(
    site: Site, corpus: Path
) -> None:
    open_list(site)
    report = bring_file(site, (corpus / RUSMARC).read_bytes())
    for each in kept(site, report):
        numbers = {field.value for field in each.record.all("001")}
        agencies = {field.value for field in each.record.all("003")}
        if numbers and agencies:
            assert each.control_key == f"({agencies.pop()}){numbers.pop()}"
    assert any(each.control_key for each in kept(site, report))


@pytest.mark.parametrize("codec", ["gbk", "utf-8"])
def test_real_chinese_records_come_in_right_as_iso_2709(
    site: Site, corpus: Path, codec: str
) -> None:
    open_list(site)
    whole = reencoding.frames_of_xml(corpus / CNMARC)
    raws = list(reencoding.reencoded(whole, codec)) if codec != "utf-8" else whole
    assert len(raws) >= 8
    report = bring_file(site, b"".join(raws))
    assert (report.counts.rejected, report.counts.doubtful) == (0, 0)
    records = kept(site, report)
    for each, raw in zip(records, raws, strict=True):
        sound(each)
        assert squeezed(each.title) == squeezed(title_proper(raw, b"200", codec))
        assert each.line.dialect == "cnmarc"
        assert re.fullmatch(r"\(\w+\)\d+", each.control_key or "")


def test_a_real_file_in_json_comes_in_right(site: Site, corpus: Path) -> None:
    open_list(site)
    report = bring_file(site, (corpus / JSON).read_bytes())
    assert report.batch.format == "json"
    assert (report.counts.read, report.counts.rejected) == (62, 0)
    titles = [
        line.title for line in cataloguing.report_lines(site.db, report.batch.public_id, 0, 100)
    ]
    assert titles[0] == "Pålslagning"
    assert all(titles)


def test_a_real_file_in_gzip_comes_in_as_the_file_itself(site: Site, corpus: Path) -> None:
    open_list(site)
    data = (corpus / "LibreCat__Catmandu-MARC/t/bu_bibs.mrc").read_bytes()
    report = bring_file(site, gzip.compress(data))
    lines = cataloguing.report_lines(site.db, report.batch.public_id, 0, 1000)
    items = list(formats.read(io.BytesIO(data)))
    assert [line.offset for line in lines] == [item.offset for item in items]
    assert [line.outcome for line in lines] == [item.outcome for item in items]
    assert sum(line.action is Action.NEW for line in lines) == report.counts.new > 40
