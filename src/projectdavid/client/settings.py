"""Base URL and API key: from arguments, the environment and the credentials file, in this order."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from projectdavid.client.errors import InvalidInputError, MissingAPIKeyError

DEFAULT_BASE_URL = "http://127.0.0.1:9000"
BASE_URL_VARIABLES = ("PROJECTDAVID_BASE_URL", "ENTITIES_BASE_URL")
API_KEY_VARIABLES = ("PROJECTDAVID_API_KEY", "ENTITIES_API_KEY")

LONGEST_TIMEOUT = 1e9
"""Seconds; operating systems cannot wait much longer."""

_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """The server's base URL and API key."""

    base_url: str
    """Without a trailing slash."""
    api_key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """True if the server runs on this machine."""
        return urlsplit(self.base_url).hostname in _LOOPBACK

    def trust(self) -> ssl.SSLContext | bool:
        """The TLS settings: the certificates that this machine trusts; for plain HTTP none, which loads faster."""
        plain = self.is_loopback and urlsplit(self.base_url).scheme == "http"
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True


def find_target(base_url: str | None, api_key: str | None, environ: Mapping[str, str]) -> ServerTarget:
    """Fill in missing arguments. The key of the credentials file is used only for the server that the file names.

    Raises:
        MissingAPIKeyError: there is no key for this server, or the credentials file cannot be read.
        InvalidInputError: the base URL is not an HTTP URL.
    """
    url = base_url or _first(environ, BASE_URL_VARIABLES)
    key = api_key or _first(environ, API_KEY_VARIABLES)
    if url and key:
        return ServerTarget(_tidy(url), _clean(key))
    path = credentials_path(environ)
    stored = _read(path)
    home = str(stored.get("base_url") or DEFAULT_BASE_URL)
    target_url = _tidy(url or home)
    if key:
        return ServerTarget(target_url, _clean(key))
    stored_key = stored.get("api_key")
    if not stored_key:
        raise MissingAPIKeyError(
            f"no API key: pass api_key=..., set {API_KEY_VARIABLES[0]}, or start a server on this machine"
            f" (`projectdavid serve`), which writes one to {path}"
        )
    if _origin(target_url) != _origin(_tidy(home)):
        raise MissingAPIKeyError(
            f"no API key for {target_url}: pass api_key=... or set {API_KEY_VARIABLES[0]}"
            f" (the key in {path} is for {home} and is not sent elsewhere)"
        )
    return ServerTarget(target_url, _clean(str(stored_key)))


def credentials_path(environ: Mapping[str, str]) -> Path:
    """Path of the credentials file, `{"base_url", "api_key", "admin_api_key"}`, written by the server and read by the
    SDK.
    """
    if named := environ.get("PROJECTDAVID_CREDENTIALS"):
        return Path(named).expanduser()
    if data := environ.get("PROJECTDAVID_DATA"):
        return Path(data).expanduser() / "credentials.json"
    share = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(share).expanduser() / "projectdavid" / "credentials.json"


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise MissingAPIKeyError(f"the credentials file {path} cannot be read: {error}") from error
    if not isinstance(stored, dict):
        raise MissingAPIKeyError(f"the credentials file {path} does not hold a JSON object")
    return stored


def _clean(key: str) -> str:
    key = key.strip() if isinstance(key, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    if not (key and key.isascii() and key.isprintable()):
        raise MissingAPIKeyError("the API key is empty or contains invalid characters")
    return key


def _tidy(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, port = httpx2.URL(parts.geturl()).raw_host.decode(), parts.port
        host.encode("idna")  # as the DNS resolver requires: labels have 1 to 63 characters
    except (ValueError, TypeError, AttributeError, httpx2.InvalidURL) as error:
        raise InvalidInputError(f"the base URL should look like {DEFAULT_BASE_URL}: {error}") from error
    misplaced = parts.query or parts.fragment or parts.username or port == 0
    if parts.scheme not in _PORTS or not host or misplaced:
        raise InvalidInputError(f"the base URL should look like {DEFAULT_BASE_URL}")
    return parts.geturl().rstrip("/")


def check_timeout(seconds: float | None) -> None:
    """Check a timeout in seconds.

    Raises:
        InvalidInputError: it is neither a positive number nor None.
    """
    is_number = isinstance(seconds, (int, float)) and 0 < seconds <= LONGEST_TIMEOUT
    if seconds is not None and not is_number:
        raise InvalidInputError(
            f"a timeout must be a positive number of seconds, or None for no limit, not {seconds!r}"
        )


def _origin(url: str) -> tuple[str, str | None, int, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], parts.path
