"""Settings for clients that people have, ready to be copied: this list, in this format.

Values are quoted for the file or the shell they go into; what is shown of them on a page is
escaped there. Each client names where its options are described.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from service.config import Settings

MARC = ("marc21", "marcxml")
DUBLIN_CORE = "oai_dc"
_SHELL = "In a shell"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class Chosen(NamedTuple):
    """What shall be harvested: ``""`` for everything; datestamps as the protocol writes them."""

    prefix: str
    set_spec: str = ""
    from_: str = ""
    until: str = ""


class Snippet(NamedTuple):
    """What to copy, and where to: the text of a file or a command, or the fields of a form."""

    goes_to: str
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class Client(NamedTuple):
    """Settings of one client; ``notes`` are sentences about what they do not say themselves."""

    name: str
    snippets: tuple[Snippet, ...]
    notes: tuple[str, ...] = ()


class _Asked(NamedTuple):
    """``name``: for a section, a folder and a file. ``search``: a PHP pattern without backslashes
    for what our identifiers begin with, up to the part that is unique."""

    chosen: Chosen
    endpoint: str
    name: str
    library: str
    institution: str
    search: str


def clients(settings: Settings, chosen: Chosen) -> list[Client]:
    """Return the settings of every client that can harvest this format."""
    spec = chosen.set_spec or "all"
    asked = _Asked(
        chosen,
        f"{settings.base_url}/oai",
        _name(f"{settings.repository_identifier} {spec}"),
        settings.repository_name,
        _name(settings.repository_identifier),
        f"#^oai:{settings.repository_identifier}:[a-z]+/#",
    )
    made = (make(asked) for make in _CLIENTS)
    return [client for client in made if client is not None]


def _vufind(asked: _Asked) -> Client:
    """VuFind 10: the options are described in its ``harvest/oai.ini``.

    How MARC is indexed: ``import/marc_local.properties``. The commands: ``harvest/``.
    """
    chosen = asked.chosen
    is_marc = chosen.prefix in MARC
    lines = [
        ("url", asked.endpoint),
        ("set", chosen.set_spec),
        ("metadataPrefix", chosen.prefix),
        ("idSearch[]", asked.search),
        ("idReplace[]", f"{asked.name}-"),
        ("combineRecords", "true" if is_marc else ""),
        ("injectId", "" if is_marc else "identifier"),
        ("injectDate", "" if is_marc else "datestamp"),
    ]
    snippets = [Snippet("Into local/harvest/oai.ini", _ini(asked.name, lines))]
    notes = []
    if is_marc:
        properties = f'collection = "{_plain(asked.library)}"\n'
        snippets.append(Snippet("Into local/import/marc_local.properties", properties))
        commands = (
            f"php $VUFIND_HOME/harvest/harvest_oai.php {asked.name}\n"
            f"$VUFIND_HOME/harvest/batch-import-marc.sh {asked.name}"
        )
        snippets.append(Snippet(_SHELL, commands))
        notes.append(
            "VuFind takes a record’s id from field 001 and names deletions by the OAI identifier, "
            "so deleting needs a rule of your own."
        )
    return Client("VuFind", tuple(snippets), tuple(notes))


def _koha(asked: _Asked) -> Client | None:
    """Koha 24.11: the fields of the form ``admin/oai_servers.tt`` (table ``oai_servers``).

    It knows MARCXML under the prefix ``marcxml``, and needs a style sheet for all else. The
    command: ``misc/cronjobs/harvest_oai.pl``, where ``-d`` is a number of days.
    """
    if asked.chosen.prefix not in MARC:
        return None
    form = (
        ("Repository name", _plain(asked.library)[:100]),
        ("Endpoint", asked.endpoint),
        ("Set", asked.chosen.set_spec),
        ("Data format", "Marcxml (marcxml)"),
        ("Record type", "Bibliographic"),
        ("XSLT file for transforming results", ""),
    )
    commands = (
        "misc/cronjobs/harvest_oai.pl --list\n"
        "misc/cronjobs/harvest_oai.pl --repository ID --days 7 --verbose"
    )
    return Client(
        "Koha",
        (
            Snippet("In Administration › OAI repositories › New OAI repository", fields=form),
            Snippet("In a shell on Koha’s server, where --list shows the ID", commands),
        ),
        (
            "marcxml is another name for marc21: the same bytes.",
            "Leave --days out the first time.",
            "These records are MARC 21; a Koha that keeps UNIMARC needs a style sheet for them.",
        ),
    )


def _record_manager(asked: _Asked) -> Client | None:
    """RecordManager: the options are described in its ``conf/datasources.ini.sample``."""
    formats = dict.fromkeys(MARC, "marc") | {DUBLIN_CORE: "dc"}
    if asked.chosen.prefix not in formats:
        return None
    lines = [
        ("url", asked.endpoint),
        ("set", asked.chosen.set_spec),
        ("metadataPrefix", asked.chosen.prefix),
        ("format", formats[asked.chosen.prefix]),
        ("institution", asked.institution),
        ("idSearch[]", asked.search),
        ("idReplace[]", ""),
        ("dedup", "true"),
    ]
    section = _ini(asked.name, lines, keep=("idReplace[]",))
    return Client(
        "RecordManager",
        (
            Snippet("Into conf/datasources.ini", section),
            Snippet(_SHELL, f"./console records:harvest --source={asked.name}"),
        ),
        (
            "institution is the code that your Finna or VuFind shows these records under.",
            "Deletions are reported for ever, so deletions = ListIdentifiers is not needed.",
        ),
    )


def _metha(asked: _Asked) -> Client:
    """metha: the options are those of its manual page, ``docs/metha.md``."""
    which = ["-format", asked.chosen.prefix]
    which += ["-set", asked.chosen.set_spec] if asked.chosen.set_spec else []
    what = shlex.join([*which, asked.endpoint])
    return Client(
        "metha",
        (Snippet(_SHELL, f"metha-sync {what}\nmetha-cat {what} > {asked.name}.xml"),),
        ("metha harvests up to the end of yesterday: today’s changes come tomorrow.",),
    )


def _curl(asked: _Asked) -> Client:
    """curl: one request of the protocol (OAI-PMH section 4.5), compressed on the way."""
    chosen = asked.chosen
    arguments = {
        "verb": "ListRecords",
        "metadataPrefix": chosen.prefix,
        "set": chosen.set_spec,
        "from": chosen.from_,
        "until": chosen.until,
    }
    query = urlencode({name: value for name, value in arguments.items() if value}, safe=":")
    # Quoted in any case, so that it is plain where the address begins and ends.
    address = f"{asked.endpoint}?{query}".replace("'", "%27")
    command = f"curl --compressed --fail --output {asked.name}.xml \\\n  '{address}'"
    return Client(
        "curl",
        (Snippet(_SHELL, command),),
        (
            "This is the first page.",
            "Ask for the next one with verb=ListRecords and the resumptionToken alone.",
        ),
    )


def _name(text: str) -> str:
    """Return a text in the letters that a section, a folder and a code may have everywhere."""
    return _NOT_IN_NAMES.sub("-", text.lower()).strip("-")


def _ini(section: str, lines: Sequence[tuple[str, str]], keep: Sequence[str] = ()) -> str:
    """Return a section of a PHP ini file, without what is empty unless it is to be kept."""
    shown = [
        f"{name} = {value if value == 'true' else _quoted(value)}"
        for name, value in lines
        if value or name in keep
    ]
    return "\n".join([f"[{section}]", *shown])


def _quoted(value: str) -> str:
    """Return a value as PHP reads it between double quotes; ``$`` would begin a name there."""
    return '"' + value.replace('"', '\\"').replace("${", "$ {") + '"'


def _plain(text: str) -> str:
    """Return a name without what would end a quoted value or a line."""
    return " ".join(text.replace('"', "'").replace("\\", "/").split())


_CLIENTS: tuple[Callable[[_Asked], Client | None], ...] = (
    _vufind,
    _koha,
    _record_manager,
    _metha,
    _curl,
)
