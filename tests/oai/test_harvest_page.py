"""One answer is read strictly, as a stream, and with bounds (oai.md 4; numbers 63 to 67, 73)."""

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from oai.fetching import Reply, Unreached
from oai.harvest_body import Meter, Repair, plain
from oai.harvest_errors import BadPage, Cut, HarvestError, Malformed, NotOai, TooLarge
from oai.harvest_page import read
from oai.harvest_records import Held, Record
from oai.provider import respond
from tests.oai.asking import TOKENS
from tests.oai.hostile import books

OPEN = (
    b'<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    b"<responseDate>2026-01-01T00:00:00Z</responseDate><request/>"
)
CLOSE = b"</ListRecords></OAI-PMH>"


def record(identifier: str, metadata: bytes = b"<m>x</m>", header: bytes = b"") -> bytes:
    return (
        b"<record><header><identifier>%b</identifier><datestamp>2026-01-01</datestamp>%b</header>"
        b"<metadata>%b</metadata></record>" % (identifier.encode(), header, metadata)
    )


def page(*records: bytes, tail: bytes = b"") -> bytes:
    return OPEN + b"<ListRecords>" + b"".join(records) + tail + CLOSE


def told(body: bytes, verb: str = "ListRecords", **options: int):
    return read(verb, iter((body,)), **options)


def in_pieces(body: bytes, size: int):
    return (body[at : at + size] for at in range(0, len(body), size))


HONEST = respond(
    books(5, page_size=3), [("verb", "ListRecords"), ("metadataPrefix", "marc21")], tokens=TOKENS
).body


@given(st.integers(1, 400))
def test_a_page_reads_the_same_at_once_and_as_a_stream_in_any_pieces(size):
    whole, cut = told(HONEST), read("ListRecords", in_pieces(HONEST, size), small=0)
    assert list(whole.records) == list(cut.records)
    assert len(whole.records) == 3
    assert (whole.token, whole.size, whole.responded) == (cut.token, cut.size, cut.responded)
    assert whole.token
    assert not whole.notes


@given(st.integers(0, len(HONEST.rstrip()) - 1), st.sampled_from([1, 100, 65536]))
def test_63_a_page_cut_anywhere_is_never_a_page(at, size):
    with pytest.raises((Cut, NotOai)):
        read("ListRecords", in_pieces(HONEST[:at], size))


@given(st.integers(0, len(gzip.compress(HONEST)) - 1), st.sampled_from([1, 100, 65536]))
def test_63_a_gzip_body_cut_anywhere_is_never_a_page(at, size):
    body = gzip.compress(HONEST)[:at]
    reply = Reply(200, {"content-encoding": "gzip"}, in_pieces(body, size))
    with pytest.raises(Cut):
        read("ListRecords", plain(reply) if at else iter(()))


def test_a_gzip_body_with_a_bad_checksum_is_no_page_and_what_follows_it_is_dropped():
    body = gzip.compress(HONEST)
    broken = body[:-8] + bytes(8)
    with pytest.raises(Cut):
        read("ListRecords", plain(Reply(200, {"content-encoding": "gzip"}, iter((broken,)))))
    for more in (b"junk", gzip.compress(b"\n")):
        answer = read(
            "ListRecords", plain(Reply(200, {"content-encoding": "gzip"}, iter((body, more))))
        )
        assert len(answer.records) == 3


def test_73_a_coding_that_was_not_asked_for_is_refused():
    for coding in ("br", "gzip, gzip", "deflate"):
        with pytest.raises(NotOai):
            list(plain(Reply(200, {"content-encoding": coding}, iter((b"x",)))))


def test_73_a_gzip_bomb_is_stopped_at_the_limit_and_never_in_memory():
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(squeezer.compress(bytes(1_000_000)) for _ in range(60)) + squeezer.flush()
    meter = Meter(10_000_000, 60, lambda: 0.0)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        for _ in meter.metered(plain(Reply(200, {"content-encoding": "gzip"}, iter((bomb,))))):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(bomb) < 100_000
    assert meter.bytes < 11_000_000
    assert peak < 4_000_000


def test_a_page_that_drips_is_stopped_by_the_total_time():
    ticks = iter(range(1000))
    meter = Meter(10**6, 60, lambda: float(next(ticks)))
    with pytest.raises(Unreached, match="more than 60 seconds"):
        for _ in meter.metered(in_pieces(HONEST, 1)):
            pass


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE OAI-PMH [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE OAI-PMH [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<!DOCTYPE OAI-PMH SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_73_a_doctype_is_refused(prolog):
    body = page(record("a")).replace(b"?>", b"?>" + prolog, 1)
    for size in (7, 100_000):
        with pytest.raises(NotOai, match="DOCTYPE"):
            read("ListRecords", in_pieces(body, size))


def test_73_an_entity_that_grows_in_attributes_is_refused_in_little_memory():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 30}">' for n in range(1, 12))
    doctype = f'<!DOCTYPE OAI-PMH [<!ENTITY e0 "x">{entities}]>'.encode()
    body = page(b'<record a="&e11;"/>').replace(b"?>", b"?>" + doctype, 1)
    with pytest.raises((NotOai, Malformed)):
        told(body)


def test_73_depth_text_and_a_single_record_are_bounded():
    with pytest.raises(Malformed, match="depth"):
        told(page(record("a", b"<b>" * 3000 + b"</b>" * 3000)))
    with pytest.raises(Malformed):
        read("ListRecords", in_pieces(page(record("a", b"<b>%b</b>" % (b"x" * 11_000_000))), 65536))
    many = record("a", b"<m>%b</m>" % (b"<b>x</b>" * 200_000))
    with pytest.raises(TooLarge):
        read("ListRecords", in_pieces(page(many), 65_536), record_bytes=1_000_000)
    blanks = b"<!-- nothing -->" * 100_000
    with pytest.raises(TooLarge):
        read("ListRecords", in_pieces(page(blanks), 65_536), record_bytes=1_000_000)


def test_73_a_page_of_100_mb_needs_little_memory():
    one = record("x", b"<m>%b</m>" % (b"y" * 4_000))

    def pieces():
        yield OPEN + b"<ListRecords>"
        for _ in range(1_600):
            yield one * 15
        yield CLOSE

    before = resident()
    answer = read("ListRecords", pieces())
    assert len(answer.records) == 24_000
    assert sum(len(each.metadata) for each in answer.records) > 96_000_000
    assert resident() - before < 40_000_000
    answer.records.close()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.parametrize("small", [0, 1_000_000])
def test_67_a_record_nested_in_metadata_is_metadata(small):
    inner = (
        b'<wrap><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>%b'
        b"<resumptionToken>wrong</resumptionToken></ListRecords><error code='badVerb'/></OAI-PMH>"
        b"</wrap>" % record("inner")
    )
    answer = told(page(record("outer", inner), record("next")), small=small)
    assert [each.identifier for each in answer.records] == ["outer", "next"]
    assert b"inner" in next(iter(answer.records)).metadata
    assert answer.token is None
    assert not answer.errors


@pytest.mark.parametrize("small", [0, 1_000_000])
def test_metadata_stands_alone_with_its_namespaces_and_blanks(small):
    marc = (
        b'<marc:record xmlns:marc="http://www.loc.gov/MARC21/slim">'
        b"<marc:leader>  a&#13; </marc:leader>"
        b'<marc:datafield ind1=" " q="xsi:x">\n <b>&lt;&#x10FFFF;</b> </marc:datafield>'
        b"</marc:record>"
    )
    body = page(record("a", b"\n  " + marc + b"\n", b"<setSpec> x:y </setSpec>"))
    body = body.replace(b"<OAI-PMH ", b'<OAI-PMH xmlns:xsi="urn:xsi" ', 1)
    (found,) = told(body, small=small).records
    assert found.sets == ("x:y",)
    alone, inside = etree.fromstring(found.metadata), etree.fromstring(body).find(".//{*}metadata")
    assert etree.tostring(alone, method="c14n") == etree.tostring(
        inside[0], method="c14n", with_tail=False
    )
    assert alone.nsmap["xsi"] == "urn:xsi"
    assert alone[0].text == "  a\r "


@pytest.mark.parametrize("small", [0, 1_000_000])
def test_deleted_headers_and_about_are_kept(small):
    deleted = b"<record><header status='deleted'><identifier>d</identifier></header></record>"
    about = record("p")[:-9] + b"<about><p xmlns='urn:p'/></about><about>\n<r/></about></record>"
    first, second = told(page(deleted, about), small=small).records
    assert first == Record("d", "", (), True, None, ())
    assert len(second.about) == 2
    assert etree.fromstring(second.about[0]).tag == "{urn:p}p"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: b"\n " + body, "before-the-beginning"),
        (lambda body: body + b"<br />\n<b>Warning</b>: in oai.php", "after-the-end"),
        (lambda body: body.replace(b"2026-01-01T00:00:00Z", b"yesterday"), "response-date"),
        (
            lambda body: body.replace(b' xmlns="http://www.openarchives.org/OAI/2.0/"', b""),
            "namespace",
        ),
        (lambda body: body.replace(b"<ListRecords>", b'<ListRecords xmlns="">'), "namespace"),
        (lambda body: body.replace(b"<identifier>b</identifier>", b""), "no-identifier"),
    ],
)
@pytest.mark.parametrize("size", [50, 100_000])
def test_small_sins_are_forgiven_and_noted(change, code, size):
    answer = read("ListRecords", in_pieces(change(page(record("a"), record("b"))), size))
    assert code in {note.code for note in answer.notes}
    assert len(answer.records) == 2 - (code == "no-identifier")


def test_what_follows_the_end_is_kept_verbatim():
    answer = told(page(record("a")) + b"<br/>Notice: x")
    assert answer.notes[0].excerpt == b"<br/>Notice: x"


@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><title>Sign in</title></head><body>please</body></html>",
        b"<!DOCTYPE html><html><body><br>not even XML",
        b'{"error": "no"}',
        b"<rss/>",
        b"x" * 200_000,
        OPEN + b"</OAI-PMH>",
        OPEN + b"<ListSets><set/></ListSets></OAI-PMH>",
    ],
)
def test_what_is_no_oai_pmh_says_so_and_keeps_its_beginning(body):
    with pytest.raises(NotOai) as caught:
        read("ListRecords", in_pieces(body, 1000))
    assert caught.value.excerpt in (body[:500], b"") or body.startswith(OPEN)


def outcome(body: bytes, small: int):
    """What came of a document: its contents, or the kind of its error."""
    try:
        answer = told(body, small=small)
    except HarvestError as error:
        return type(error), error.excerpt
    found = list(answer.records)
    return found, answer.token, answer.errors, answer.responded, answer.notes


PARTS = st.sampled_from(
    [
        *b"<record> </record> <header> <identifier>b</identifier> </header> <!--c--> <m/>".split(),
        *b"<metadata> </metadata> <resumptionToken>t</resumptionToken> &amp; x &x; <?p?>".split(),
        *b"</ListRecords> <ListRecords> </OAI-PMH> <setSpec>s</setSpec> <![CDATA[y]]>".split(),
        *(b"<error code='badVerb'/>", b"<about>", b"</about>", b"\n", b"\x01"),
    ]
)


@given(
    st.binary(max_size=300)
    | st.binary(max_size=60).map(lambda x: page(record("a", x)))
    | st.lists(PARTS, max_size=12).map(lambda parts: page(record("a"), b"".join(parts)))
)
def test_any_bytes_give_an_answer_or_a_typed_error_at_once_as_in_a_stream(body):
    assert outcome(body, small=1_000_000) == outcome(body, small=0)


# repair


def repaired(body: bytes, size: int = 7) -> tuple[bytes, int]:
    repair = Repair()
    return b"".join(repair.repaired(in_pieces(body, size))), repair.number


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80), st.integers(1, 9))
def test_64_repair_makes_any_text_legal_and_leaves_legal_text_alone(text, size):
    from oai.characters import legal

    body, number = repaired(text.encode(), size)
    safe = legal(text)
    if "&#" not in text:
        assert body.decode() == safe
        assert number == sum(a != b for a, b in zip(text, safe, strict=True))


@pytest.mark.parametrize(
    ("given", "expected", "number"),
    [
        (b"a\x00\x1fb", "a\ufffd\ufffdb", 2),
        (
            b"&#x1;&#0;&#65;&#xFFFE;&#xD800;&#x110000;&amp;",
            "\ufffd\ufffd&#65;\ufffd\ufffd\ufffd&amp;",
            5,
        ),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", 3),
        (b"caf\xe9 au lait", "caf\ufffd au lait", 1),
        ("\ufffd stays, \ufffe goes".encode(), "\ufffd stays, \ufffd goes", 1),
        (b"at the end &#", "at the end &#", 0),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_64_what_xml_forbids_is_replaced_and_counted(given, expected, number, size):
    body = b"<a>" + b" " * 2000 + given
    out, counted = repaired(body, size)
    assert out.decode() == "<a>" + " " * 2000 + expected
    assert counted == number


def test_64_other_encodings_are_repaired_where_that_is_safe():
    latin = b'<?xml version="1.0" encoding="ISO-8859-1"?><a>caf\xe9\x01</a>'
    assert repaired(latin) == (latin.replace(b"\x01", b"?"), 1)
    for untouched in (
        "<?xml version='1.0' encoding='UTF-16'?><a>\x01</a>".encode("utf-16"),
        b"<?xml version='1.0' encoding='ISO-2022-JP'?><a>\x1b$B\x1b(B</a>",
    ):
        assert repaired(untouched) == (untouched, 0)


# waiting


@given(st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=50)), max_size=20))
def test_records_wait_in_a_file_as_in_memory(rows):
    small, large = Held(in_memory=40), Held()
    for identifier, metadata in rows:
        for held in (small, large):
            held.add(Record(identifier, "d", ("s", "t"), metadata is None, metadata, (b"<p/>",)))
    assert list(small) == list(small) == list(large)
    assert small.digest == large.digest
    assert small.deleted == large.deleted
    small.close()
    assert len(small) == 0
    large.close()


def test_every_bad_page_is_a_typed_error():
    assert {kind.code for kind in BadPage.__subclasses__()} == {"cut", "malformed", "too-large"}
