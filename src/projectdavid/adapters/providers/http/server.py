"""The address of a provider, and the headers of every request to it."""

import contextlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

BEARER = "authorization"
"""The header of bearer tokens."""


# No repr: it would show the key.
@dataclass(frozen=True, slots=True, repr=False)
class ProviderServer:
    """A provider's server; `base` is its URL, `shown` that without secrets, `secrets` must not appear in messages."""

    base: SplitResult
    shown: str
    headers: dict[str, str]
    api_key: str
    key_header: str
    secrets: tuple[str, ...]

    @property
    def has_key(self) -> bool:
        """Whether credentials are sent."""
        return self.key_header in self.headers or "authorization" in self.headers

    def url(self, path: str, query: str = "") -> str:
        """Return the URL of a path below the base URL; the path is already quoted, and the base URL's query is kept."""
        joined = "&".join(filter(None, (self.base.query, query)))
        return _append_path(self.base._replace(query=joined), path)

    @classmethod
    def of(
        cls,
        name: str,
        base_url: str,
        api_key: str | None,
        headers: Mapping[str, str],
        key_header: str = BEARER,
    ) -> Self:
        """Return the server of the provider `name`. The key is sent as a bearer token, or plainly in `key_header`.

        Raises:
            ValueError: `base_url` is not an http or https URL, or the key or a header contains a line break.
        """
        base = _parse_url(name, base_url)
        key = (api_key or "").strip()
        words = " ".join(headers.values()).split() + base.query.replace("=", "&").split("&")
        # Keys are long; words such as `true` must stay visible.
        others = [word for word in words if len(word) >= 16]
        return cls(
            base=base,
            shown=_append_path(base._replace(query=""), ""),
            headers=_headers(name, base, key, headers, key_header),
            api_key=key,
            key_header=key_header,
            secrets=tuple(secret for secret in (key, base.password, *others) if secret),
        )


def _parse_url(name: str, base_url: str) -> SplitResult:
    with contextlib.suppress(ValueError):
        base = urlsplit(base_url)
        # The port and the host labels are validated here, because requests would fail on them.
        if base.scheme in ("http", "https") and base.port != 0 and (base.hostname or "").encode("idna"):
            return base
    raise ValueError(f"The base_url of provider {name!r} is not an http or https URL.")


def _append_path(base: SplitResult, path: str) -> str:
    netloc = base.netloc.rpartition("@")[2]
    return base._replace(netloc=netloc, path=base.path.rstrip("/") + path, fragment="").geturl()


def _headers(name: str, base: SplitResult, api_key: str, given: Mapping[str, str], key_header: str) -> dict[str, str]:
    headers = {
        "accept": "text/event-stream, application/json",
        # A compressing proxy would delay tokens.
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "projectdavid",
    }
    if api_key:
        headers[key_header] = f"Bearer {api_key}" if key_header == BEARER else api_key
    elif base.username:
        userinfo = f"{unquote(base.username)}:{unquote(base.password or '')}"
        headers["authorization"] = f"Basic {b64encode(userinfo.encode()).decode()}"
    headers.update((key.lower(), value) for key, value in given.items())
    if any("\n" in text or "\r" in text for text in (*headers.keys(), *headers.values())):
        raise ValueError(f"The api_key or a header of provider {name!r} contains a line break.")
    return headers
