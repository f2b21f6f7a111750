"""Endpoints of Azure: a project of AI Foundry, or a resource of Azure OpenAI."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlencode, urlsplit

PROJECT = "/api/projects/"
VERSIONS = {"foundry": "v1", "openai": "2024-05-01-preview"}
"""API versions by flavor."""


@dataclass(frozen=True, slots=True)
class SourceEndpoint:
    """The endpoint of a source. `flavor` is `foundry` or `openai`; all paths are relative to `base`."""

    flavor: str
    base: str
    api_version: str

    @property
    def name(self) -> str:
        """The name of the source at the server: the same for every spelling of the endpoint."""
        parts = urlsplit(self.base)
        return f"azure:{parts.netloc}{parts.path}"

    def url(self, path: str, query: dict[str, str]) -> str:
        """Return the URL of a path with escaped segments."""
        return f"{self.base}{path}?{urlencode({**query, 'api-version': self.api_version})}"


def parse_endpoint(text: str, api_version: str | None = None) -> SourceEndpoint:
    """Parse an endpoint as the portal shows it.

    Raises:
        ValueError: it is not an endpoint of these services.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise ValueError("expected a URL such as https://NAME.services.ai.azure.com/api/projects/PROJECT")
    path = parts.path.rstrip("/")
    given = parse_qs(parts.query).get("api-version", [None])[0]
    if PROJECT in path:
        flavor = "foundry"
        path = path[: path.index(PROJECT)] + PROJECT + path[path.index(PROJECT) + len(PROJECT) :].split("/")[0]
        if path.endswith("/"):
            raise ValueError("the endpoint has no project; expected .../api/projects/PROJECT")
    elif parts.hostname.endswith(".services.ai.azure.com") and not path.startswith("/openai"):
        raise ValueError("the endpoint has no project; expected .../api/projects/PROJECT")
    else:
        flavor = "openai"
        path = path[: path.index("/openai")] if "/openai" in path else path
        path += "/openai"
    base = f"{parts.scheme}://{parts.netloc.lower()}{path}"
    return SourceEndpoint(flavor, base, api_version or given or VERSIONS[flavor])


def segment(one: str) -> str:
    """Return an id as an escaped path segment.

    Raises:
        ValueError: it would name another path.
    """
    if one in ("", ".", ".."):
        raise ValueError(f"{one!r} is not a valid id")
    return quote(one, safe="")
