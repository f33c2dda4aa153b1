"""Every setting of Bookbridge in one table: name, type, default and what it is for.

A setting comes from the environment (``BOOKBRIDGE_PAGE_SIZE``), else from one optional TOML file
(``page_size = 100``; the file is named by ``BOOKBRIDGE_CONFIG`` or is ``bookbridge.toml`` in the
data folder), else from the default here. The settings are read once and never change afterwards.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oai import uris
from service.errors import Misconfigured

PREFIX = "BOOKBRIDGE_"
FILE_NAME = "bookbridge.toml"
# The syntax of a repository identifier: OAI-PMH guidelines, oai-identifier 2.0, section 2.2.
_DOMAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)+", re.ASCII)

_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)


def _setting(default: Any, help_text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help_text, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one site. Lists are written with commas in the environment."""

    data_dir: Path = _setting(
        Path("var"), "Folder for the embedded database and the settings file."
    )
    database_url: str = _setting(
        "", "SQLAlchemy URL; empty means the SQLite file `bookbridge.sqlite3` in the data folder."
    )
    base_url: str = _setting(
        "http://127.0.0.1:8080", "Public address of the site, without a slash at the end."
    )
    repository_name: str = _setting("Bookbridge", "Name of the library, as partners shall read it.")
    postal_address: str = _setting(
        "", "Our postal address on papers, in Roman letters, its lines parted by semicolons."
    )
    postal_operator: str = _setting(
        "", "Who carries our parcels, as `consignment split` calls it, where no other is named."
    )
    repository_identifier: str = _setting(
        "bookbridge.example.org", "Domain name inside OAI identifiers; never change it later."
    )
    admin_email: str = _setting(
        "exchange@example.org", "Whom a partner writes to when something does not work."
    )
    metadata_rights: str = _setting(
        "", "Address of the licence of our records, told in Identify and with every record."
    )
    friends: tuple[str, ...] = _setting(
        (), "OAI-PMH addresses of other repositories that Identify names."
    )
    icon_url: str = _setting("", "Address of a picture that stands for the collection.")
    secret_key: str = _setting(
        "", "Key that signs tokens; `bookbridge init` makes one.", secret=True
    )
    secret_key_fallbacks: tuple[str, ...] = _setting(
        (), "Earlier keys whose tokens are still honoured.", secret=True
    )
    host: str = _setting("127.0.0.1", "Address the server listens on.")
    port: int = _setting(8080, "Port the server listens on.")
    threads: int = _setting(8, "Requests answered at the same time by one server process.")
    trusted_proxies: int = _setting(
        0, "Number of reverse proxies in front whose X-Forwarded headers are believed."
    )
    embedded_worker: bool = _setting(
        True, "Whether `bookbridge serve` starts a worker of its own (SQLite only)."
    )
    page_size: int = _setting(100, "Records on one page of an OAI-PMH list.")
    page_bytes: int = _setting(2_000_000, "Octets of metadata after which a page ends early.")
    upload_bytes: int = _setting(500_000_000, "Largest file that an import takes, in octets.")
    wish_list_bytes: int = _setting(50_000_000, "Largest wish list, in octets.")
    wish_list_lines: int = _setting(100_000, "Most lines in one wish list.")
    reachable_networks: tuple[str, ...] = _setting(
        (), "Networks (CIDR) that may be called besides public addresses, as a consortium's own."
    )
    harvest_requests_per_minute: int = _setting(
        12_000, "OAI-PMH requests that one harvester may send in a minute; 0: no limit."
    )
    harvest_requests_at_once: int = _setting(
        16, "OAI-PMH requests of one harvester answered at the same time; 0: no limit."
    )
    harvester_address_days: int = _setting(
        30, "Days that addresses of harvesters are kept; 0: they never are."
    )
    auto_send_wishes: bool = _setting(
        False, "Whether wishes for what partners offer us are sent as soon as they are noted."
    )
    smtp_host: str = _setting(
        "", "Server that sends our mail to contacts of partners; empty: none is sent."
    )
    smtp_port: int = _setting(587, "Its port.")
    smtp_user: str = _setting("", "Name we sign in with there; empty: we do not sign in.")
    smtp_password: str = _setting("", "Password of `smtp_user`.", secret=True)
    smtp_starttls: bool = _setting(True, "Whether mail goes there over TLS, or not at all.")
    mail_from: str = _setting("", "Address our mail comes from; empty: `admin_email`.")
    demo: bool = _setting(
        False, "Set by `bookbridge demo` alone: the sign-in page shows the demo's accounts."
    )
    log_format: str = _setting("json", "`json` for machines, `text` for a terminal.")

    @property
    def database(self) -> str:
        """The database URL that holds: the one given, or the SQLite file in the data folder."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{(self.data_dir / 'bookbridge.sqlite3').resolve()}"

    def described(self) -> dict[str, str]:
        """Return every setting as text, secrets masked, for `doctor` and for support mails."""
        secret = {entry.name for entry in fields(self) if entry.metadata["secret"]}
        return {
            entry.name: ("(set)" if getattr(self, entry.name) else "(not set)")
            if entry.name in secret
            else str(getattr(self, entry.name))
            for entry in fields(self)
            if entry.name != "database_url"
        }


def load(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Return the settings: ``given`` over the environment over the file over the defaults.

    Raises ``Misconfigured`` naming the setting when a value cannot be read.
    """
    data_dir = Path(given.get("data_dir") or environ.get(PREFIX + "DATA_DIR", "") or "var")
    values = _from_file(environ, data_dir) | _from_environment(environ) | given
    values.setdefault("data_dir", data_dir)
    known = {entry.name: entry for entry in fields(Settings)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise Misconfigured(
            f"unknown setting {unknown[0]!r}; the settings are listed in docs/operate.md"
        )
    read = {name: _read(name, value, known[name].default) for name, value in values.items()}
    settings = Settings(**read)
    _check(settings)
    return settings


def new_secret() -> str:
    """Return a fresh signing key: 32 random bytes as URL-safe text."""
    return secrets.token_urlsafe(32)


def _from_file(environ: Mapping[str, str], data_dir: Path) -> dict[str, Any]:
    named = environ.get(PREFIX + "CONFIG", "")
    path = Path(named) if named else data_dir / FILE_NAME
    if not path.exists():
        if named:
            raise Misconfigured(f"{PREFIX}CONFIG names {path}, which does not exist")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read as TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {entry.name for entry in fields(Settings)}
    return {
        name: environ[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environ
    }


def _read(name: str, value: Any, default: Any) -> Any:
    """Read ``value`` as the type that the default of the setting has."""
    assert default is not MISSING  # noqa: S101 - every row of the table has a default
    try:
        if isinstance(default, bool):
            return value if isinstance(value, bool) else _YES_NO[str(value).strip().lower()]
        if isinstance(default, int):
            return int(value)
        if isinstance(default, Path):
            return Path(value)
        if isinstance(default, tuple):
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(str(part).strip() for part in parts if str(part).strip())
        return str(value)
    except (ValueError, TypeError, KeyError) as error:
        kind = type(default).__name__
        raise Misconfigured(f"setting {name!r} must be of type {kind}") from error


_YES_NO = {"1": True, "true": True, "yes": True, "on": True} | {
    "0": False,
    "false": False,
    "no": False,
    "off": False,
    "": False,
}


def _check(settings: Settings) -> None:
    address = urlsplit(settings.base_url)
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise Misconfigured("setting 'base_url' must be an http or https address")
    if settings.base_url.endswith("/"):
        raise Misconfigured("setting 'base_url' must not end with a slash")
    if not _DOMAIN_NAME.fullmatch(settings.repository_identifier):
        raise Misconfigured(
            "setting 'repository_identifier' must be a domain name such as library.example.org"
        )
    for name in ("metadata_rights", "icon_url"):
        _check_address(name, getattr(settings, name) or settings.base_url)
    for url in settings.friends:
        _check_address("friends", url)
    for network in settings.reachable_networks:
        _check_network(network)
    if not 1 <= settings.page_size <= 1000:
        raise Misconfigured("setting 'page_size' must be between 1 and 1000")
    _check_counts(settings)
    _check_mail(settings)
    if settings.log_format not in {"json", "text"}:
        raise Misconfigured("setting 'log_format' is either 'json' or 'text'")


def _check_network(network: str) -> None:
    try:
        ip_network(network)
    except ValueError as error:
        raise Misconfigured(f"setting 'reachable_networks': {error}") from error


def _check_mail(settings: Settings) -> None:
    if not 1 <= settings.smtp_port <= 65535:
        raise Misconfigured("setting 'smtp_port' must be between 1 and 65535")
    for name in ("smtp_user", "smtp_password"):
        if not getattr(settings, name).isascii():
            raise Misconfigured(f"setting {name!r} must be ASCII: SMTP knows nothing else")
    if bool(settings.smtp_user) != bool(settings.smtp_password):
        raise Misconfigured("settings 'smtp_user' and 'smtp_password' are set together")
    sender = settings.mail_from or settings.admin_email
    if settings.smtp_host and not _MAIL_ADDRESS.fullmatch(sender):
        raise Misconfigured(f"mail cannot come from {sender!r}; set 'mail_from' to an address")


def _check_counts(settings: Settings) -> None:
    for name in (
        "harvest_requests_per_minute",
        "harvest_requests_at_once",
        "harvester_address_days",
    ):
        if getattr(settings, name) < 0:
            raise Misconfigured(f"setting {name!r} must not be below 0")


def _check_address(name: str, url: str) -> None:
    if urlsplit(url).scheme not in {"http", "https"} or not uris.is_legal(url):
        raise Misconfigured(f"setting {name!r} must hold http or https addresses")
