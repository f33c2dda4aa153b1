"""Settings for clients that people have: they parse, they quote what they are given, they work."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from service.config import Settings
from service.web import client_settings
from service.web.client_settings import Chosen, Client
from tests.real.edge_case_library import served
from tests.web.conftest import BASE, KOREAN, RUSSIAN, Reader, text

SPRING = Chosen("marc21", "list:spring")
# What an explorer's address may bring: every setSpec of the protocol.
ODD_SET = "a'b:(c)~!*.-_"


def _clients(settings: Settings, chosen: Chosen = SPRING) -> dict[str, Client]:
    return {client.name: client for client in client_settings.clients(settings, chosen)}


def _text(client: Client, where: str) -> str:
    (found,) = [each.text for each in client.snippets if where in each.goes_to]
    return found


def _ini(snippet: str) -> tuple[str, dict[str, str]]:
    """Read a section as PHP does, as far as it is the same: values may stand in quotes."""
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(snippet)
    (section,) = parser.sections()
    return section, {name: value.strip('"') for name, value in parser[section].items()}


def test_vufind_gets_a_section_of_its_ini_file(settings: Settings) -> None:
    vufind = _clients(settings)["VuFind"]
    name, values = _ini(_text(vufind, "oai.ini"))
    assert name == "books-example-org-list-spring"
    assert values == {
        "url": f"{BASE}/oai",
        "set": "list:spring",
        "metadataPrefix": "marc21",
        "idSearch[]": "#^oai:books.example.org:[a-z]+/#",
        "idReplace[]": "books-example-org-list-spring-",
        "combineRecords": "true",
    }
    assert _text(vufind, "marc_local.properties") == 'collection = "Busan Library 부산"\n'
    assert _text(vufind, "shell").count(name) == 2


def test_vufind_gets_dublin_core_with_its_identifier(settings: Settings) -> None:
    vufind = _clients(settings, Chosen("oai_dc"))["VuFind"]
    name, values = _ini(_text(vufind, "oai.ini"))
    assert name == "books-example-org-all"
    assert "set" not in values
    assert (values["injectId"], values["injectDate"]) == ("identifier", "datestamp")
    assert len(vufind.snippets) == 1


def test_record_manager_gets_a_section_of_its_ini_file(settings: Settings) -> None:
    manager = _clients(settings)["RecordManager"]
    name, values = _ini(_text(manager, "datasources.ini"))
    assert (values["format"], values["metadataPrefix"]) == ("marc", "marc21")
    assert values["idReplace[]"] == ""
    assert _text(manager, "shell") == f"./console records:harvest --source={name}"
    name, values = _ini(
        _text(_clients(settings, Chosen("oai_dc"))["RecordManager"], "datasources.ini")
    )
    assert values["format"] == "dc"


def test_koha_gets_what_its_form_asks_for(settings: Settings) -> None:
    values = dict(_clients(settings)["Koha"].snippets[0].fields)
    assert values["Endpoint"] == f"{BASE}/oai"
    assert values["Set"] == "list:spring"
    assert values["Data format"] == "Marcxml (marcxml)", "a choice of its form; our alias"
    assert values["Repository name"] == "Busan Library 부산"


def test_who_cannot_use_a_format_is_left_out(settings: Settings) -> None:
    assert list(_clients(settings)) == ["VuFind", "Koha", "RecordManager", "metha", "curl"]
    assert list(_clients(settings, Chosen("marcxml"))) == list(_clients(settings))
    assert list(_clients(settings, Chosen("oai_dc"))) == [
        *("VuFind", "RecordManager", "metha", "curl")
    ]
    assert list(_clients(settings, Chosen("mods"))) == ["VuFind", "metha", "curl"]


def test_metha_gets_its_commands(settings: Settings) -> None:
    sync, cat = _text(_clients(settings)["metha"], "shell").splitlines()
    assert sync == f"metha-sync -format marc21 -set list:spring {BASE}/oai"
    assert cat.startswith(f"metha-cat -format marc21 -set list:spring {BASE}/oai > ")


@pytest.mark.parametrize("name", ["metha", "curl"])
def test_a_shell_reads_what_was_meant(settings: Settings, name: str) -> None:
    command = _text(_clients(settings, Chosen("marc21", ODD_SET))[name], "shell")
    words = shlex.split(command.replace("\\\n", " "))
    if name == "metha":
        assert words[words.index("-set") + 1] == ODD_SET
    else:
        sent = "verb=ListRecords&metadataPrefix=marc21&set=a%27b:%28c%29~%21%2A.-_"
        assert words[-1] == f"{BASE}/oai?{sent}"


def test_what_the_library_calls_itself_ends_no_quotes(settings: Settings) -> None:
    odd = replace(settings, repository_name='The "Old"\nLibrary \\ ${HOME}')
    vufind = _clients(odd, Chosen("marc21", ODD_SET))["VuFind"]
    assert _text(vufind, "properties") == "collection = \"The 'Old' Library / ${HOME}\"\n"
    _, values = _ini(_text(vufind, "oai.ini"))
    assert values["set"] == ODD_SET


def test_a_lists_page_has_settings_that_open_without_a_script(reader: Reader) -> None:
    reader.offer("spring", KOREAN, RUSSIAN)
    tree = reader.tree("/lists/spring")
    opened = tree.xpath("//details[summary]")
    assert [each.findtext("summary") for each in opened] == [
        *("VuFind", "Koha", "RecordManager", "metha", "curl")
    ]
    ini = opened[0].xpath(".//code")[0].text
    assert _ini(ini)[1]["set"] == "list:spring"
    assert "<script" not in reader.page("/lists/spring")


def test_the_explorer_has_settings_for_the_list_it_shows(reader: Reader) -> None:
    reader.offer("spring", KOREAN, RUSSIAN, *({"title": f"Book {n}"} for n in range(4)))
    query = "verb=ListRecords&metadataPrefix=oai_dc&set=list:spring&from=2026-01-01"
    tree = reader.tree(f"/oai/explore?{query}")
    (curl,) = tree.xpath("//details[summary='curl']//code")
    assert "metadataPrefix=oai_dc&set=list:spring&from=2026-01-01T00:00:00Z'" in curl.text
    (onwards,) = tree.xpath("//a[@rel='next']/@href")
    (again,) = reader.tree(onwards).xpath("//details[summary='curl']//code")
    assert again.text == curl.text, "a token is no selection of its own"


def test_the_explorer_has_none_where_there_is_no_list(reader: Reader) -> None:
    reader.offer("spring", KOREAN)
    for query in (
        "verb=Identify",
        "verb=ListRecords&metadataPrefix=nonsense",
        "verb=ListRecords&metadataPrefix=oai_dc&set=<script>",
        "verb=ListRecords&metadataPrefix=oai_dc&until=2001-01-01",
    ):
        page = reader.tree(f"/oai/explore?{query}")
        assert "metha" not in text(page), query


def test_curls_command_harvests_from_a_real_server(sqlite_template: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with served(sqlite_template, tmp_path, page_size=100) as library:
        library.books(7)
        there = Settings(
            base_url=f"http://127.0.0.1:{library.port}", repository_identifier="books.example.org"
        )
        command = _text(_clients(there)["curl"], "shell")
        subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True, timeout=60)
    root = etree.parse(tmp_path / "books-example-org-list-spring.xml").getroot()
    assert len(root.findall(".//{http://www.loc.gov/MARC21/slim}record")) == 7
