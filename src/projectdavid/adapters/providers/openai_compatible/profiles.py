"""Conventions of server families, as data: settings override them, and errors teach the rest (`lessons`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ServerCapabilities:
    """Capabilities of a server or a model. None: unknown."""

    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    parallel_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """The conventions of one family of servers.

    Sources: the API references of the vendors, and errors reported in public issues.
    """

    name: str
    max_tokens_field: str = "max_tokens"
    omit: frozenset[str] = frozenset()
    """Request fields that are never sent."""
    system: Literal["anywhere", "first", "user"] = "first"
    """Position of system messages: unchanged, only first, or not supported, in which case they become user text."""
    alternates: bool = False
    """Whether the conversation must begin with the user."""
    flat_text: bool = False
    """Whether content must be a string, not a list of parts."""
    call_content: bool = False
    """Whether messages with calls must have content."""
    call_ids: Literal["any", "nine"] = "any"
    """Accepted ids of calls from other servers: Mistral requires nine letters or digits."""
    returns: Literal["calls", "always", "never"] = "calls"
    """Turns with which its own reasoning and signatures are sent back."""
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
        ServerProfile("deepseek", system="anywhere", call_content=True),
        ServerProfile("ollama"),
        ServerProfile("vllm"),
        ServerProfile("llamacpp"),
        ServerProfile("lmstudio"),
        ServerProfile("openrouter", system="anywhere", returns="always"),
    )
}
"""Profiles by name. What a profile does not cover is learned from errors."""

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
"""Default ports of servers on the operator's own machines."""


def detect_profile(base_url: str) -> ServerProfile:
    """Return the profile of the server at an address; the generic one if the address matches no family."""
    try:
        url = urlsplit(base_url)
        host, port = (url.hostname or "").lower(), url.port
    except ValueError:
        return GENERIC
    for name, profile in _HOSTS.items():
        if host == name or host.endswith((f".{name}", f"-{name}")):
            return PROFILES[profile]
    return PROFILES[_LOCAL_PORTS.get(port or 0, "generic")]
