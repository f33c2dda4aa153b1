"""A foreign client reads our answers: pyoai's own, without a network between."""

from datetime import datetime

import pytest
from lxml import etree
from oaipmh import error
from oaipmh.client import BaseClient
from oaipmh.metadata import MetadataRegistry, oai_dc_reader

from oai.provider import respond
from tests.oai.asking import TOKENS
from tests.oai.memory import Memory, identifier_of


class Client(BaseClient):
    """pyoai's client, whose requests are function calls."""

    def __init__(self, memory: Memory) -> None:
        registry = MetadataRegistry()
        registry.registerReader("oai_dc", oai_dc_reader)
        registry.registerReader("marc21", lambda element: etree.tostring(element[0]))
        super().__init__(registry)
        self.memory = memory

    def makeRequest(self, **arguments):  # noqa: N802 - pyoai's name
        return respond(self.memory, [*arguments.items()], tokens=TOKENS).body


@pytest.fixture
def client() -> Client:
    memory = Memory(page_size=2)
    for number in range(5):
        memory.publish(number, sets=["list:a", f"list:{number}"], deleted=number == 3)
    return Client(memory)


def test_pyoai_identifies_us(client):
    identify = client.identify()
    assert identify.protocolVersion() == "2.0"
    assert identify.deletedRecord() == "persistent"
    assert identify.earliestDatestamp() == datetime(2026, 1, 1)  # noqa: DTZ001 - pyoai is naive
    client.updateGranularity()


def test_pyoai_follows_our_tokens_to_the_end(client):
    records = list(client.listRecords(metadataPrefix="oai_dc"))
    assert [header.identifier() for header, _, _ in records] == [
        identifier_of(number) for number in range(5)
    ]
    assert [header.isDeleted() for header, _, _ in records] == [False, False, False, True, False]
    assert records[0][1]["title"][0].startswith("Title 0")
    assert records[0][0].setSpec() == ["list:a", "list:0"]
    assert len(list(client.listIdentifiers(metadataPrefix="marc21", set="list:a"))) == 5


def test_pyoai_reads_one_record_the_formats_and_the_sets(client):
    header, metadata, _ = client.getRecord(identifier=identifier_of(1), metadataPrefix="marc21")
    assert header.identifier() == identifier_of(1)
    assert b"subfield" in metadata
    assert [prefix for prefix, _, _ in client.listMetadataFormats()] == [
        "oai_dc",
        "marc21",
        "marcxml",
    ]
    assert len(list(client.listSets())) == 6


def test_pyoai_knows_our_errors(client):
    with pytest.raises(error.IdDoesNotExistError):
        client.getRecord(identifier="nosuch", metadataPrefix="oai_dc")
    with pytest.raises(error.NoRecordsMatchError):
        client.listRecords(metadataPrefix="oai_dc", until=datetime(2000, 1, 1))  # noqa: DTZ001
