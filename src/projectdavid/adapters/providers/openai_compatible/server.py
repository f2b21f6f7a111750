"""The address of a provider, and the headers of every request to it."""

import contextlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit


# No repr: it would show the key.
@dataclass(frozen=True, slots=True, repr=False)
class ProviderServer:
    """A provider's server; `shown` is its base URL without secrets, `secrets` must not appear in messages."""

    completions: str
    embeddings: str
    rerank: str
    models: str
    shown: str
    headers: dict[str, str]
    api_key: str
    secrets: tuple[str, ...]

    @property
    def has_key(self) -> bool:
        """Whether credentials are sent."""
        return "authorization" in self.headers

    @classmethod
    def of(cls, name: str, base_url: str, api_key: str | None, headers: Mapping[str, str]) -> Self:
        """Return the server of the provider `name`.

        Raises:
            ValueError: `base_url` is not an http or https URL, or the key or a header contains a line break.
        """
        base = _parse_url(name, base_url)
        key = (api_key or "").strip()
        words = " ".join(headers.values()).split() + base.query.replace("=", "&").split("&")
        # Keys are long; words such as `true` must stay visible.
        others = [word for word in words if len(word) >= 16]
        return cls(
            completions=_append_path(base, "/chat/completions"),
            embeddings=_append_path(base, "/embeddings"),
            rerank=_append_path(base, "/rerank"),
            models=_append_path(base, "/models"),
            shown=_append_path(base._replace(query=""), ""),
            headers=_headers(name, base, key, headers),
            api_key=key,
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


def _headers(name: str, base: SplitResult, api_key: str, given: Mapping[str, str]) -> dict[str, str]:
    headers = {
        "accept": "text/event-stream, application/json",
        # A compressing proxy would delay tokens.
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "projectdavid",
    }
    if api_key:
        headers["authorization"] = f"Bearer {api_key}"
    elif base.username:
        userinfo = f"{unquote(base.username)}:{unquote(base.password or '')}"
        headers["authorization"] = f"Basic {b64encode(userinfo.encode()).decode()}"
    headers.update((key.lower(), value) for key, value in given.items())
    if any("\n" in text or "\r" in text for text in (*headers.keys(), *headers.values())):
        raise ValueError(f"The api_key or a header of provider {name!r} contains a line break.")
    return headers
