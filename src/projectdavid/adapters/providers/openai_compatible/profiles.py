"""What families of servers take, as data: settings override it, and refusals teach the rest (`lessons`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ServerCapabilities:
    """What a server or a model can do. None: not known."""

    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    parallel_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """How one family of servers wants to be asked.

    Sources: the API references of the vendors, and refusals as public issues report them.
    """

    name: str
    max_tokens_field: str = "max_tokens"
    omit: frozenset[str] = frozenset()
    """Fields of the request that are never sent."""
    system: Literal["anywhere", "first", "user"] = "first"
    """Where system messages can stand: wherever they came, only in front, or nowhere, so that they become user text."""
    alternates: bool = False
    """Whether the conversation must begin with the user."""
    flat_text: bool = False
    """Whether content must be text, and no list of parts."""
    call_ids: Literal["any", "nine"] = "any"
    """Which ids of calls it takes that are not its own: Mistral wants nine letters or digits."""
    returns: Literal["calls", "always", "never"] = "calls"
    """With which turns its own reasoning and signatures go back to it."""
    capabilities: ServerCapabilities = ServerCapabilities()
    extra_body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields added to every request."""


GENERIC = ServerProfile("generic")
PROFILES: dict[str, ServerProfile] = {
    profile.name: profile
    for profile in (
        GENERIC,
        ServerProfile("openai", max_tokens_field="max_completion_tokens", system="anywhere"),
        ServerProfile("azure", max_tokens_field="max_completion_tokens", system="anywhere"),
        ServerProfile("anthropic"),
        ServerProfile("gemini", returns="always"),
        ServerProfile("mistral", omit=frozenset({"stream_options"}), call_ids="nine", returns="never"),
        ServerProfile("deepseek", system="anywhere"),
        ServerProfile("ollama"),
        ServerProfile("vllm"),
        ServerProfile("llamacpp"),
        ServerProfile("lmstudio"),
        ServerProfile("openrouter", system="anywhere", returns="always"),
    )
}
"""By name. What a profile does not know of a server is learned from its refusals."""

_HOSTS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "aiplatform.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
}
_LOCAL_PORTS = {11434: "ollama", 1234: "lmstudio"}
"""The usual ports of servers on the operator's own machines."""


def detect_profile(base_url: str) -> ServerProfile:
    """The profile of the server at an address; the generic one if the address matches no family."""
    try:
        url = urlsplit(base_url)
        host, port = (url.hostname or "").lower(), url.port
    except ValueError:
        return GENERIC
    for name, profile in _HOSTS.items():
        if host == name or host.endswith((f".{name}", f"-{name}")):
            return PROFILES[profile]
    return PROFILES[_LOCAL_PORTS.get(port or 0, "generic")]
