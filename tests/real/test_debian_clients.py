"""The Perl clients that libraries run, as Debian ships them, harvest a real server.

HTTP::OAI stands under many harvesters, Catmandu under whole workflows of libraries. They are no
Python packages, so they are installed only where that is asked for: BOOKBRIDGE_DEBIAN_TESTS=1 (as
root on Debian, or with libhttp-oai-perl and libcatmandu-oai-perl there already).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from service.domain.offer import OfferState
from tests.real.conftest import Server
from tests.service.builders import a_file, a_record

pytestmark = [
    pytest.mark.debian,
    pytest.mark.skipif(
        os.environ.get("BOOKBRIDGE_DEBIAN_TESTS") != "1",
        reason="set BOOKBRIDGE_DEBIAN_TESTS=1 to install and run Debian's Perl clients",
    ),
]

_PACKAGES = {"HTTP::OAI": "libhttp-oai-perl", "Catmandu::Importer::OAI": "libcatmandu-oai-perl"}
_NUMBER, _WITHDRAWN, _MONGOLIAN = 47, 3, 5

_LIST_RECORDS = r"""
use strict; use warnings; use HTTP::OAI;
my ($url, $prefix, $set) = @ARGV;
my $harvester = HTTP::OAI::Harvester->new(baseURL => $url, resume => 1);
my $list = $harvester->ListRecords(
    metadataPrefix => $prefix, (defined $set ? (set => $set) : ()),
    onRecord => sub {  # without it, only the records of the last page are there in the end
        my $record = shift;
        my $kind = $record->is_deleted ? "deleted" : $record->metadata ? "whole" : "empty";
        print $kind, " ", $record->identifier, "\n";
    });
die "broke off: " . $list->code . " " . $list->message . "\n" if $list->is_error;
"""
_IDENTIFY = r"""
use strict; use warnings; use HTTP::OAI;
my $harvester = HTTP::OAI::Harvester->new(baseURL => $ARGV[0]);
my $it = $harvester->Identify;
die $it->message . "\n" if $it->is_error;
print join("\n", $it->version, $it->deletedRecord, $it->granularity), "\n";
my $sets = $harvester->ListSets;
while (my $set = $sets->next) { print $set->setSpec, "\n" }
"""


class Held(NamedTuple):
    """What a client has in the end: whole records and deletions, by identifier."""

    whole: frozenset[str]
    deleted: frozenset[str]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """See that Perl has both clients; install them where they are missing."""
    missing = [package for module, package in _PACKAGES.items() if not _has(module)]
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        pytest.skip(f"install {' and '.join(missing)}: this is not Debian, or not root's shell")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        subprocess.run([apt, "-qq", *command], check=True, timeout=600)


def _has(module: str) -> bool:
    perl = shutil.which("perl")
    if perl is None:
        return False
    return subprocess.run([perl, f"-M{module}", "-e1"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def filled(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server with an open list in two languages, three of its titles taken back."""
    from service.store.db import Database
    from service.usecases import offering

    records = [
        a_record(f"Монгол {n}", number=f"m{n}", language="mon", place="mp ")
        for n in range(_MONGOLIAN)
    ]
    records += [a_record(f"책 & <tag> {n}", number=f"k{n}") for n in range(_NUMBER - _MONGOLIAN)]
    file = tmp_path_factory.mktemp("files") / "titles.mrc"
    file.write_bytes(a_file(*records))
    server.run("list", "create", "spring", "--title", "Spring & more")
    server.run("list", "open", "spring")
    server.run("import", str(file), "--list", "spring")
    db = Database(f"sqlite:///{server.data_dir}/bookbridge.sqlite3")
    there = offering.browse(db, None, limit=1000)
    assert {offer.state for offer in there} == {OfferState.OFFERED}
    for offer in [offer for offer in there if "kor" in offer.languages][:_WITHDRAWN]:
        offering.withdraw_offer(db, offer.public_id, now=datetime.now(UTC))
    db.close()
    server.run("list", "create", "empty", "--title", "Empty")  # the command publishes what waits
    return server


def _by_http_oai(server: Server, prefix: str, name: str | None = None) -> Held:
    arguments = [f"{server.url}/oai", prefix, *([name] if name else [])]
    told = [line.split() for line in _perl(_LIST_RECORDS, *arguments).splitlines()]
    kinds = Counter(kind for kind, _ in told)
    assert not kinds["empty"]
    return _held([(identifier, kind == "deleted") for kind, identifier in told])


def _by_catmandu(server: Server, prefix: str, name: str | None = None) -> Held:
    command = ["catmandu", "convert", "OAI", "--url", f"{server.url}/oai"]
    command += ["--metadataPrefix", prefix, *(["--set", name] if name else [])]
    done = subprocess.run(
        [*command, "to", "JSON", "--line_delimited", "1"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for record in told:
        if record.get("_status") != "deleted":
            assert record.get("title") or record.get("record"), record
    return _held([(record["_identifier"], record.get("_status") == "deleted") for record in told])


def _held(told: list[tuple[str, bool]]) -> Held:
    assert len({identifier for identifier, _ in told}) == len(told), "each comes once"
    return Held(
        frozenset(identifier for identifier, deleted in told if not deleted),
        frozenset(identifier for identifier, deleted in told if deleted),
    )


def _perl(script: str, *arguments: str) -> str:
    perl = shutil.which("perl")
    assert perl is not None
    done = subprocess.run(
        [perl, "-", *arguments],
        input=script,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CLIENTS = {"HTTP::OAI": _by_http_oai, "Catmandu": _by_catmandu}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("prefix", ["oai_dc", "marcxml"])
def test_a_perl_client_has_every_record_and_every_deletion(
    filled: Server, client: str, prefix: str
) -> None:
    held = CLIENTS[client](filled, prefix)
    assert (len(held.whole), len(held.deleted)) == (_NUMBER - _WITHDRAWN, _WITHDRAWN)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("prefix", ["oai_dc", "marcxml"])
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("lang:mon", (_MONGOLIAN, 0)),
        ("lang:kor", (_NUMBER - _MONGOLIAN - _WITHDRAWN, _WITHDRAWN)),
        ("list:spring", (_NUMBER - _WITHDRAWN, _WITHDRAWN)),
    ],
)
def test_a_perl_client_harvests_a_set_with_its_deletions(
    filled: Server, client: str, prefix: str, name: str, numbers: tuple[int, int]
) -> None:
    held = CLIENTS[client](filled, prefix, name)
    assert (len(held.whole), len(held.deleted)) == numbers


def test_both_perl_clients_hold_the_same(filled: Server) -> None:
    assert len({client(filled, "marcxml") for client in CLIENTS.values()}) == 1


def test_a_perl_client_reads_who_we_are_and_our_sets(filled: Server) -> None:
    told = _perl(_IDENTIFY, f"{filled.url}/oai").splitlines()
    assert told[:3] == ["2.0", "persistent", "YYYY-MM-DDThh:mm:ssZ"]
    assert {"list:spring", "lang:mon", "place:KR"} <= {*told[3:]}
